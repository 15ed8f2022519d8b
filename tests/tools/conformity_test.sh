#!/usr/bin/env bash
# tools/fit_conformity.py: known loadings, and a model without the labels that it needs.
set -euo pipefail
source tests/tools/support.sh
python=$1
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"

"$python" tests/tools/conformity_law.py

expect 1 "has no label 'log_ssfr'" "$python" tools/fit_conformity.py models/demo.safetensors nowhere.hdf5 --direction color_gr=1
