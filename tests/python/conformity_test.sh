#!/usr/bin/env bash
# halobrush.fit_conformity: known loadings, and a model without the labels that it needs.
set -euo pipefail
source tests/tools/support.sh
python=$1
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"

PYTHONPATH=python "$python" tests/python/conformity_law.py

expect 1 "has no label 'log_ssfr'" "$python" python/run.py fit_conformity models/demo.safetensors nowhere.hdf5 --direction color_gr=1
