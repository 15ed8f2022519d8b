#!/usr/bin/env bash
# tools/fit_conformity.py: known loadings.
set -euo pipefail
source tests/tools/support.sh
python=$1
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"

"$python" tests/tools/conformity_law.py
