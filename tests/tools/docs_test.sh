#!/usr/bin/env bash
# Doxygen finds nothing wrong in the comments of the public headers, and says so where there is something.
set -euo pipefail
source tests/tools/support.sh
command -v doxygen >/dev/null || skip "no doxygen (a package of tools/packages.txt)"
export DOCS_FOLDER=$folder/pages

expect 0 '^$' doxygen docs/Doxyfile
for page in index.html agree_8hpp.html; do
  [[ -s $DOCS_FOLDER/html/$page ]] || { echo "FAILED: no $page"; exit 1; }
done
grep -q 'Collective:</b> Throws on every rank' "$DOCS_FOLDER/html/agree_8hpp.html" || { echo "FAILED: @collective is not shown"; exit 1; }

mkdir -p "$folder/wrong/include/halobrush" "$folder/wrong/docs"
cp docs/Doxyfile docs/architecture.md "$folder/wrong/docs"
cd "$folder/wrong"
wrong() { # wrong PATTERN COMMENT: this comment is an error
  printf '// A header.\n#pragma once\n/// Adds.\n/// %s\nint add(int left, int right);\n' "$2" >include/halobrush/add.hpp
  expect '[1-9]' "add.hpp:[0-9]+: error: $1" doxygen docs/Doxyfile
}
wrong "argument 'top' of command @param is not found" '@param top the first'
wrong "unable to resolve reference to 'subtract'" 'Undone by @ref subtract.'
wrong "Found unknown command" '@colective on all ranks'
