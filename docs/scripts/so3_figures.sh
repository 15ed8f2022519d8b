#!/usr/bin/env bash
# The figures of docs/so3.md, from build/release and models/so3.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

panels=()
for density in checkerboard blobs stripes; do
  build/release/so3_densities --density "$density" --samples 4000 --seed 11 --truth --out "$folder/$density-truth.hdf5"
  build/release/so3_densities --density "$density" --samples 4000 --seed 12 --evaluations 8 --out "$folder/$density.hdf5"
  panels+=("$density, truth=$folder/$density-truth.hdf5" "$density, 8 evaluations=$folder/$density.hdf5")
done
"$python" docs/scripts/plot_rotations.py docs/so3-densities.png "${panels[@]}"

build/release/so3_pose --views 3 --samples 1500 --out "$folder/pose.hdf5"
panels=()
for view in 0 1 2; do
  panels+=("box $((view + 1)), exact posterior=$folder/pose.hdf5:truth:$view" "box $((view + 1)), learned, 16 evaluations=$folder/pose.hdf5:R:$view")
done
"$python" docs/scripts/plot_rotations.py docs/so3-pose.png "${panels[@]}"
