#!/usr/bin/env bash
# Installs what is needed, builds, runs every test. The output ends in CTest's closing line.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "$0")/setup.sh"

install_packages
make_venv .venv -r tools/requirements.txt
build release

log=build/release/ctest.log
say "testing"
ctest --test-dir build/release --output-on-failure --no-tests=error -j "$cores" 2>&1 | tee "$log"
# CTest lists skipped tests after its closing lines.
if [[ $(tail -n 1 "$log") != "Total Test time"* ]]; then
  grep -E '^[0-9]+% tests passed|^Total Test time' "$log"
fi
