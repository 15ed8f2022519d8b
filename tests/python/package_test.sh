#!/usr/bin/env bash
# The Python package, built and installed by pip into an empty environment without the network: it imports, opens a mock, and its commands
# run and show an example.
set -euo pipefail
source tests/tools/support.sh
python=$1
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"
site() { "$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }

cp -r python "$folder/source" # a build writes into its source
"$python" -m pip --disable-pip-version-check wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir "$folder" "$folder/source"
"$python" -m venv --without-pip "$folder/env"
"$python" -m pip --disable-pip-version-check --python "$folder/env/bin/python" install --quiet --no-index --no-deps "$folder"/halobrush-*.whl
site "$python" >"$(site "$folder/env/bin/python")/dependencies.pth" # NumPy and others, from where they are
"$python" tests/tools/make_sample_mock.py "$folder/mock.hdf5"
rm -r "$folder/source"

cd "$folder"
"$folder/env/bin/python" "$root/tests/python/open_mock.py" mock.hdf5 "$folder/env"

sed -n 's/^    //p' "$root/docs/python.md" >page.py # the code of the page
(($(wc -l <page.py) == 9)) || { echo "FAILED: the page has other code"; cat page.py; exit 1; }
expect 0 '^$' env/bin/python page.py

expect 0 '^$' env/bin/halobrush-slice mock.hdf5 --out slice.png
[[ $(head -c 4 slice.png | tail -c 3) == PNG ]] || { echo "FAILED: no picture"; exit 1; }
expect 1 'halobrush-slice: error: nowhere.hdf5: cannot be read' env/bin/halobrush-slice nowhere.hdf5 --out slice.png
commands=(env/bin/halobrush-*)
((${#commands[@]} == 9)) || { echo "FAILED: other commands: ${commands[*]}"; exit 1; }
for command in "${commands[@]}"; do
  expect 0 "^example: $(basename "$command") " "$command" --help
done
