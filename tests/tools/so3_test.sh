#!/usr/bin/env bash
# The examples on SO(3): files, errors, and the classifier that judges them.
set -euo pipefail
source tests/tools/support.sh
python=$1 programs=$2
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
densities() { "$programs/so3_densities" --models "$folder/models" "$@"; }

for seed in 1 2; do densities --density blobs --truth --samples 2000 --seed "$seed" --out "$folder/$seed.hdf5"; done
densities --density stripes --truth --samples 2000 --out "$folder/other.hdf5"
"$python" - "$folder/1.hdf5" <<'END'
import sys, h5py, numpy as np
r = h5py.File(sys.argv[1])["R"][:]
assert r.shape == (2000, 3, 3)
assert np.allclose(r @ r.transpose(0, 2, 1), np.eye(3)) and np.allclose(np.linalg.det(r), 1)
END
score() { "$python" python/run.py rotation_two_sample "$folder/$1" "$folder/$2"; }
expect 0 'trees 0\.(4[5-9]|5[0-4])' score 1.hdf5 2.hdf5  # 2,000 labels a fold: 0.011 is one sigma
expect 0 'trees 0\.[6-9]' score 1.hdf5 other.hdf5
expect 1 'rotation-two-sample: error: ' score 1.hdf5 absent.hdf5

# A network of few steps, trained because it is absent, distilled, drawn from; the same seed gives the same draws.
expect 0 'blobs, 2 evaluations' densities --density blobs --steps 30 --distil 2 --samples 50 --evaluations 3 --seed 5 --out "$folder/a.hdf5"
expect 0 'blobs-2.safetensors' densities --density blobs --samples 50 --evaluations 2 --out "$folder/two.hdf5"
expect 0 'blobs.safetensors' densities --density blobs --samples 50 --evaluations 3 --seed 5 --out "$folder/b.hdf5"
expect 0 '0 differ' "$python" -c "
import h5py
a, b = (h5py.File('$folder/' + n + '.hdf5')['R'][:] for n in 'ab')
print((a != b).sum(), 'differ')"

expect 2 'density' densities --density squares
expect 2 'evaluations' densities --density blobs --evaluations 0 --out "$folder/no.hdf5"
expect 2 'no density against Haar' densities --density blobs --likelihood 10
expect 5 'error: .*absent/no.hdf5' densities --density blobs --truth --samples 5 --out "$folder/absent/no.hdf5"
echo "no model" >"$folder/models/stripes.safetensors"
expect 4 'stripes.safetensors: cannot be used as a rotation density' densities --density stripes --out "$folder/no.hdf5"
[[ ! -e $folder/no.hdf5 ]]
