#!/usr/bin/env bash
# tests/support/check_readers.py accepts a mock in the right layout and names the column of a wrong one.
set -euo pipefail
source tests/tools/support.sh
python=$1
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"

sample() { "$python" tests/tools/make_sample_mock.py "$folder/$1.hdf5" --break "$1"; }
check() { "$python" tests/support/check_readers.py "$folder/$1.hdf5"; }

sample none
expect 0 '^GCRCatalogs .* 28 columns, 200 rows' check none
refused() {
  sample "$1"
  expect 1 "$2" check "$1"
}
refused unknown_unit "h5py: halo_mass: unit 'solar masses per h' is unknown to astropy"
refused wrong_unit "h5py: vx: unit 'm / s' instead of 'km/s'"
refused bytes_unit "h5py: vx: no text attribute 'unit'"
refused missing_column 'h5py: galaxy_axisB_y: column missing'
refused short_column 'h5py: columns of different lengths'
refused no_region 'opencosmo: [A-Z][A-Za-z]*Error: '
refused no_gcr_units "GCRCatalogs: vx: units 'None' instead of 'km / s'"
refused no_upid 'GCRCatalogs: .*upid.* does not exist'
refused other_central 'GCRCatalogs: is_central: values differ'
expect 1 'No such file' check absent
