#!/usr/bin/env bash
# h5py, opencosmo and GCRCatalogs open a mock and read every column with its unit.
set -euo pipefail
python=$1 program=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$(dirname "$0")/../.."
mpirun --oversubscribe -np 2 "$program" paint config/demo.yaml --set output.path="$folder/mock_1.hdf5"
"$python" tests/support/check_readers.py "$folder/mock_1.hdf5"
