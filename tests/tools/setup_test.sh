#!/usr/bin/env bash
# tools/setup.sh says what is missing to those who cannot install it, and asks for nothing when all is there.
set -euo pipefail
source tests/tools/support.sh

# A Debian on which everything but the packages named in $absent is installed.
cat >"$folder/dpkg-query" <<'END'
#!/bin/bash
[[ " $absent " == *" ${!#} "* ]] || echo installed
END
chmod +x "$folder/dpkg-query"
chmod 755 "$folder"
as_user=()
if ((EUID == 0)); then
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  "${as_user[@]}" test -r tools/packages.txt || skip "an ordinary user cannot read $root"
fi

setup() { # setup NAME=VALUE...
  env -u CMAKE_PREFIX_PATH -u Torch_DIR PATH="$folder:$PATH" "$@" "${as_user[@]}" bash -euo pipefail -c 'source tools/setup.sh; install_packages; echo complete'
}
expect 0 '^complete$' setup absent=
expect 2 'missing packages: libyaml-cpp-dev zlib1g-dev; as root: apt-get update && apt-get install .*libyaml-cpp-dev zlib1g-dev' \
  setup absent='zlib1g-dev libyaml-cpp-dev'
expect 2 'missing packages: libtorch-dev;' setup absent=libtorch-dev
expect 0 '^complete$' setup absent=libtorch-dev CMAKE_PREFIX_PATH=/opt/libtorch
expect 0 '^complete$' setup absent=libtorch-dev Torch_DIR=/opt/libtorch/share/cmake/Torch
