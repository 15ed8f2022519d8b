#!/usr/bin/env bash
# jobs/paint.sbatch passes signals on and requeues on exit code 75 alone; SLURM and the program are played by small scripts.
set -euo pipefail
source tests/tools/support.sh

script() {
  printf '#!/bin/bash\n%s\n' "$2" >"$folder/$1"
  chmod +x "$folder/$1"
}
script scontrol 'echo "scontrol $*"'
# shellcheck disable=SC2016
script exits 'echo "called with $*"; exit "$code"'
# Runs until it is told to stop, finishes what it has in hand and stops, as the program does.
# shellcheck disable=SC2016
script waits 'for s in USR1 TERM; do trap "echo got $s; stop=yes" $s; done
touch started; until [[ $stop ]]; do sleep 0.1; done; sleep 0.5; exit 75'

# job PROGRAM SIGNALS [NAME=VALUE...]: runs the batch script, sends it the signals, adds a line on what it asked of SLURM.
job() {
  local status=0 batch
  rm -f started
  env PATH="$folder:$PATH" LAUNCH=env HALOBRUSH="$folder/$1" SLURM_JOB_ID=17 "${@:3}" \
    bash "$root/jobs/paint.sbatch" config/run.yaml --set seed=2 >log &
  batch=$!
  for signal in $2; do
    until [[ -e started ]]; do sleep 0.1; done
    kill "-$signal" "$batch"
    sleep 0.2
  done
  wait "$batch" || status=$?
  echo "$(tr '\n' '|' <log) requeued: $(grep -c '^scontrol requeue 17$' log)"
  return "$status"
}

cd "$folder"
expect 0 'try 1 of 10.*called with paint config/run.yaml --set seed=2.* requeued: 0' job exits '' code=0
for code in 2 3 4 5 70; do
  expect "$code" 'requeued: 0' job exits '' code=$code
done
expect 75 'try 1 of 10.*requeued: 1' job exits '' code=75
expect 75 'try 3 of 10.*requeued: 1' job exits '' code=75 SLURM_RESTART_COUNT=2
expect 75 'try 3 of 3.*MAX_TRIES=3 is reached.*requeued: 0' job exits '' code=75 SLURM_RESTART_COUNT=2 MAX_TRIES=3
expect 0 'called with lightcone config/run.yaml' job exits '' code=0 HALOBRUSH_COMMAND=lightcone
expect 75 'got USR1.*requeued: 1' job waits USR1
expect 75 'got USR1.*got USR1.*requeued: 1' job waits 'USR1 USR1'
expect 75 'got TERM.*requeued: 0' job waits TERM
