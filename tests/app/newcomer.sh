#!/usr/bin/env bash
# A newcomer's first run: the code blocks of README.md, copied line by line and in their order, with an empty home folder, in a fresh clone.
# It prints the time of every line, and fails where a line fails or something that the README promises is not there. The tests of the README (tools.readme)
# do not run it: it takes a quarter of an hour, and as root it installs packages. A bare Debian is a folder made by
# `debootstrap bookworm`, entered by chroot, with /proc, /sys, /dev and a copy of this repository.
#   bash tests/app/newcomer.sh FOLDER [LIST [REPOSITORY]]
# FOLDER is made. LIST is a Rockstar list of your own; without one, the demo's list is taken as if it were of redshift 1.
# REPOSITORY is what is cloned, by default the one that this script lies in. `bash tools/test.sh` is left out, unless TESTS=1.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir "$1"
folder=$(cd "$1" && pwd)
list=$(realpath "${2:-$root/data/demo/rockstar_z0_pid.list.gz}")
repository=${3:-$root}
unset "${!OMPI_@}" "${!CMAKE_@}" "${!HALOBRUSH@}" "${!PYTHON@}" Torch_DIR VIRTUAL_ENV OMP_NUM_THREADS OPENBLAS_NUM_THREADS
export HOME=$folder/home
mkdir "$HOME" "$folder/blocks" "$folder/halos"
exec > >(tee "$folder/log") 2>&1
cd "$folder"

fail() {
  echo "FAILED: $*"
  exit 1
}

# Lines that are indented by four or more after an empty one, each block in a file of its own.
awk -v folder="$folder/blocks" '
  /^    / && (blank || block) { if (!block) { block = sprintf("%s/%02d", folder, ++count); match($0, /^ +/); indent = RLENGTH }
                                print substr($0, indent + 1) > block; next }
  { blank = /^$/; block = "" }' "$root/README.md"

take_list() {
  case $list in
    *.gz) gzip -dc "$list" ;;
    *) cat "$list" ;;
  esac >halos/out_100.list
  if [[ $list == "$root"/data/demo/* ]]; then
    sed -i '0,/^#a = .*/s//#a = 0.5/' halos/out_100.list
    echo "== out_100.list: the demo's halos of redshift 0, as if they were of redshift 1"
  fi
  sed -n 's/^#a = /== out_100.list: scale factor /p' halos/out_100.list
}

TIMEFORMAT='%R %U %S'
exec 3>&1
run_line() { # run_line LINE: in this shell, as typed
  local status=0 real user system
  printf '\n$ %s\n' "$1"
  { time eval "$1" >&3 2>&3 || status=$?; } 2>"$folder/time"
  read -r real user system <"$folder/time"
  awk -v r="$real" -v u="$user" -v s="$system" -v line="$1" 'BEGIN { printf "%7.1f s %7.1f s of processors  %s\n", r, u + s, line }' >>"$folder/times"
  case "$status $1" in
    "0 "* | "1 halobrush validate"*) ;; # validate: 1 where a requirement does not hold
    *) fail "exit code $status: $1" ;;
  esac
}

take_list
for block in "$folder"/blocks/*; do
  if grep -q out_100.list "$block"; then cd "$folder/halos"; fi # the user's own folder
  if [[ $(head -n 1 "$block") == import* ]]; then
    cp "$block" read.py
    run_line "python3 read.py"
    continue
  fi
  while IFS= read -r line <&5; do
    case $line in
      'bash tools/test.sh'*) [[ -n ${TESTS:-} ]] || continue ;;
      'apt-get '*) ((EUID == 0)) || continue ;;
      'export OMPI_'*) ((EUID == 0)) || continue ;;
    esac
    run_line "${line//REPOSITORY/$repository}"
  done 5<"$block"
done

echo
[[ $(type -P halobrush) == "$HOME/.local/bin/halobrush" ]] || fail "halobrush is not the installed one"
for file in mock.hdf5.json validation/index.html $(sed -n 's/.* --out \([^ ]*\).*/\1/p' "$folder"/blocks/*); do
  [[ -s $file ]] || fail "no $file"
done
grep -q '<img' validation/index.html || fail "validation/index.html has no figures"
grep -q 'halos are hosts' "$folder/log" || fail "info did not count hosts"
grep -q 'nothing was painted' "$folder/log" || fail "no dry run"
grep -qx 'dex(Msun)' "$folder/log" || fail "h5py did not read the mock"
if ! grep -q '^#a = 1\b' out_100.list; then
  grep -q 'warning: model: redshift: 0 in training, .* here' "$folder/log" || fail "no warning of another redshift than the model's"
fi
cat "$folder/times"
awk '{ real += $1; busy += $3 } END { printf "%7.1f s %7.1f s of processors  in all\n", real, busy }' "$folder/times"
