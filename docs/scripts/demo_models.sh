#!/usr/bin/env bash
# Trains demo, demo-8 and demo-4 of models/ into out/demo-models, as they were made: 24 draws of the law to learn from, then two distillations. 40 minutes of one core.
#   bash docs/scripts/demo_models.sh [PROGRAM]
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${1:-build/release/halobrush} out=out/demo-models
mkdir -p $out
export OMP_NUM_THREADS=1

for seed in $(seq 101 124); do
  $program paint config/demo-truth.yaml --restart=never --set input.min_particles=0 --set seed=$seed --set output.path=$out/truth-$seed.hdf5
done
more="[$(seq -s, -f $out/truth-%g.hdf5 102 124)]"
train() {
  $program train config/demo-train.yaml --set input.min_particles=0 --set train.catalog=$out/truth-101.hdf5 --set "train.more_catalogs=$more" --set "train.label_noise=[0.02,30]" \
    --set train.dropout=0 --set train.weight_decay=0 "$@"
}
train --set train.steps=8000 --set train.interval=200 --set train.patience=5 --set train.model=$out/demo.safetensors # stops at step 5,600 and keeps 4,600
distil() {
  train --set train.teacher=$out/demo.safetensors --set train.batch=512 --set train.evaluations=$1 --set train.steps=$2 --set train.interval=$3 --set train.model=$out/demo-$1.safetensors
}
distil 8 300 100
distil 4 1500 300
