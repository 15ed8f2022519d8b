#!/usr/bin/env bash
# halobrush.two_sample: a known law, and what cannot be compared.
set -euo pipefail
source tests/tools/support.sh
python=$1
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"

PYTHONPATH=python "$python" tests/python/two_sample_law.py

for sample in none missing_column; do
  "$python" tests/tools/make_sample_mock.py "$folder/$sample.hdf5" --break "$sample"
done
compare() { "$python" python/run.py two_sample "$folder/none.hdf5" "$@"; }
expect 0 'null ' compare "$folder/none.hdf5" "$folder/none.hdf5" --json "$folder/result.json"
expect 1 "has no column 'log_age'" compare "$folder/none.hdf5" --outputs log_age
expect 1 'cannot be read' compare "$folder/nowhere.hdf5"
