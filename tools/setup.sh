# shellcheck shell=bash
# Functions of tools/demo.sh, tools/test.sh and .ci/run; to be sourced. CMAKE_PREFIX_PATH and Torch_DIR reach CMake as they are.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

# Open MPI: as root in containers, more ranks than cores. One thread a rank.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
# nproc believes OMP_NUM_THREADS, so it is asked before that is set.
cores=$(env -u OMP_NUM_THREADS nproc)
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

say() { printf '== %s\n' "$*"; }
fail() {
  printf '%s\n' "$*" >&2
  exit 2
}

missing_packages() {
  local package
  while read -r package _; do
    case $package in
      '' | '#'*) continue ;;
      libtorch-dev) [[ -z ${CMAKE_PREFIX_PATH:-}${Torch_DIR:-} ]] || continue ;;
    esac
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done <tools/packages.txt
}

# Installs what tools/packages.txt names and is not there; only root can, others are told what to ask for.
install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "not Debian: CMake will say which libraries are missing"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} == 0)); then return; fi
  local apt=(apt-get install -y --no-install-recommends "${missing[@]}")
  if ((EUID != 0)); then
    fail "missing packages: ${missing[*]}; as root: apt-get update && ${apt[*]}"
  fi
  say "installing ${#missing[@]} packages (a few minutes)"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  "${apt[@]}" -qq -o Dpkg::Use-Pty=0 >/dev/null
}

# Python 3.11 or newer on PATH or under pyenv, newest first.
pythons() {
  local python
  for python in $(compgen -c python3 | grep -xE 'python3(\.[0-9]+)?' | sort -u) "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
    "$python" -c 'import sys, venv, ensurepip; v = sys.version_info; v >= (3, 11) and print(v[0], v[1], v[2], sys.executable)' \
      2>/dev/null || true
  done | sort -u -k1,1n -k2,2nr -k3,3nr | cut -d' ' -f4
}

# make_venv FOLDER PIP-ARGUMENT...: a virtual environment with these packages, on the newest Python that has them all.
make_venv() {
  local folder=$1 python attempt wanted
  shift
  wanted="$* $(sha256sum tools/requirements.txt)"
  if [[ $(cat "$folder/installed" 2>/dev/null) == "$wanted" ]]; then return; fi
  for python in $(pythons); do
    for attempt in 1 2; do
      say "Python environment $folder on $python (attempt $attempt)"
      rm -rf "$folder"
      if "$python" -m venv "$folder" && "$folder/bin/pip" --disable-pip-version-check install --quiet "$@"; then
        echo "$wanted" >"$folder/installed"
        return
      fi
    done
  done
  fail "no Python >= 3.11 here could install: $*; see the messages above (Debian: python3-venv)"
}

# build PRESET [TARGET...]: LibTorch is looked for anew each time, so that the environment is not outvoted by CMake's cache.
build() {
  local preset=$1 targets=()
  shift
  if (($#)); then targets=(--target "$@"); fi
  say "building preset $preset ${*:+($*)}"
  cmake --preset "$preset" -U Torch_DIR | grep '^-- LibTorch'
  cmake --build --preset "$preset" -j "$cores" "${targets[@]}"
}
