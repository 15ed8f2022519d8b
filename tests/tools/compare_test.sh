#!/usr/bin/env bash
# tests/support/compare_mocks.py: exact means bit for bit and in order; otherwise rows are matched by galaxy_id and numbers may differ a little.
set -euo pipefail
source tests/tools/support.sh
python=$1
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"

for sample in none shuffled one_value one_id tiny_change flipped_axis wrapped missing_column; do
  "$python" tests/tools/make_sample_mock.py "$folder/$sample.hdf5" --break "$sample"
done
compare() { "$python" tests/support/compare_mocks.py "$folder/none.hdf5" "$folder/$1.hdf5" "${@:2}"; }

expect 0 'the same \(bit for bit\)' compare none --exact
expect 1 'DIFFERENT' compare shuffled --exact
expect 0 'the same' compare shuffled
expect 1 'color_gr: 1 of 200 rows differ, by up to 0.5' compare one_value
expect 0 'color_gr: 1 of 200 rows differ' compare one_value --fraction 0.99
expect 1 'not the same galaxies' compare one_id
expect 0 'color_gr: 200 of 200 rows differ' compare tiny_change
expect 1 'DIFFERENT' compare tiny_change --exact
expect 1 'DIFFERENT' compare tiny_change --tolerance 1e-7
expect 0 'the same' compare flipped_axis
expect 0 'the same' compare wrapped
expect 1 'galaxy_axisB_y: only in' compare missing_column
