#!/bin/bash
# A rank that fails, wherever and however it does: the run ends on all ranks within ten seconds, with one line that says
# what failed, and with its exit code. failing.sh PROGRAM
set -u
program=$1
declare -A code=([error]=5 [memory]=70 [library]=70 [unknown]=70)
declare -A text=([error]="disk: is full; make room" [memory]="out of memory on rank" [library]="a library failed" [unknown]="an exception of unknown type")
failed=0

check() { # ranks where how rank
  local log start seconds got lines
  log=$(mktemp)
  start=$(date +%s%N)
  timeout 30 mpirun -np "$1" --oversubscribe "$program" "$2" "$3" "$4" >"$log" 2>&1
  got=$?
  seconds=$((($(date +%s%N) - start) / 1000000000))
  lines=$(grep -c "^halobrush: .*error: .*${text[$3]}" "$log")
  if [ "$got" != "${code[$3]}" ] || [ "$lines" != 1 ] || [ "$(grep -c "^halobrush: " "$log")" != 1 ] || [ "$seconds" -ge 10 ]; then
    echo "FAILED: $* (ranks, where, how, rank): exit code $got, $lines lines, $seconds s"
    cat "$log"
    failed=1
  fi
  rm -f "$log"
}

# What others wait for takes its five seconds: those run side by side.
for ranks in 1 2 3 4; do
  last=$((ranks - 1))
  check $ranks alone library $last
  check $ranks after error $last
  check $ranks all error 0
done
for case in "2 before error 0" "3 within memory 2" "2 within library 1" "4 before unknown 1" "3 outside error 1" "2 outside memory 0" "3 asking memory 1"; do
  ( check $case; exit $failed ) &
done
for job in $(jobs -p); do wait "$job" || failed=1; done
[ $failed = 0 ] && echo "every failure ended its run"
exit $failed
