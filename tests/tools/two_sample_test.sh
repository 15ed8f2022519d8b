#!/usr/bin/env bash
# tools/two_sample.py: a known law, and what cannot be compared.
set -euo pipefail
source tests/tools/support.sh
python=$1
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"

"$python" tests/tools/two_sample_law.py

for sample in none missing_column; do
  "$python" tests/tools/make_sample_mock.py "$folder/$sample.hdf5" --break "$sample"
done
compare() { "$python" tools/two_sample.py "$folder/none.hdf5" "$@"; }
expect 0 'null ' compare "$folder/none.hdf5" "$folder/none.hdf5" --json "$folder/result.json"
expect 1 "has no column 'log_age'" compare "$folder/none.hdf5" --outputs log_age
expect 1 'cannot be read' compare "$folder/nowhere.hdf5"
