# shellcheck shell=bash
# What the tests of scripts share; to be sourced. Runs in a folder of its own, removed at the end.
root=$PWD
export root
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

skip() {
  echo "skipped: $*"
  exit 77
}

# expect CODE PATTERN COMMAND...: the command ends with this code (a number, or a pattern of some) and says something that matches.
expect() {
  local code=$1 pattern=$2 output status=0
  shift 2
  output=$("$@" 2>&1) || status=$?
  if [[ ! $status =~ ^($code)$ ]] || ! grep -qE -- "$pattern" <<<"$output"; then
    printf 'FAILED: %s\n  exit code %s, expected %s\n  expected a match of: %s\n  output:\n%s\n' \
      "$*" "$status" "$code" "$pattern" "$output"
    exit 1
  fi
  echo "as expected: $(grep -oE -m1 -- "$pattern" <<<"$output")"
}
