#!/usr/bin/env bash
# cmake --install: the installed program finds configurations, models, halos and scripts without the checkout and its build; the README's
# own commands work with it, from a Rockstar list to columns in Python.
set -euo pipefail
source tests/tools/support.sh
cmake=$1 build=$2 python=$3
[[ -x $python ]] || skip "no $python (made by tools/test.sh)"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

"$cmake" --install "$build" --prefix "$folder/prefix" >"$folder/install.log" || { cat "$folder/install.log"; exit 1; }
cd "$folder"
halobrush() { "$folder/prefix/bin/halobrush" "$@"; }

if grep -rl --exclude-dir=.git -- "$root" "$folder/prefix/bin" "$folder/prefix/share/halobrush" | grep .; then
  echo "FAILED: installed files name the checkout"
  exit 1
fi
complete_word() { # what bash offers for the last of these words
  bash -c 'source "$1"; COMP_WORDS=("${@:2}") COMP_CWORD=$(($# - 2)); _halobrush; echo "${COMPREPLY[*]}"' _ prefix/share/bash-completion/completions/halobrush "$@"
}
expect 0 '^check checksum$' complete_word halobrush che
expect 0 '^--reference$' complete_word halobrush validate --ref
complete_in_zsh() { # what zsh is told, of the word that begins with $2, the number $1 of these
  zsh -fc '_describe() { print -l -- ${(P)2}; }; _files() { print files; }; CURRENT=$1 PREFIX=$2 words=("${@:3}")
           halobrush_words() { source prefix/share/zsh/site-functions/_halobrush; }; halobrush_words' _ "$@"
}
if command -v zsh >/dev/null; then
  expect 0 '^validate:measure a galaxy catalog' complete_in_zsh 2 val halobrush val
  expect 0 '^--reference:' complete_in_zsh 3 --re halobrush validate --re
  expect 0 '^files$' complete_in_zsh 3 mock halobrush validate mock
else
  echo "skipped: completion for zsh (zsh is not installed)"
fi
expect 0 'override a key' bash -c "sed 's/\\\\//g' prefix/share/man/man1/halobrush.1"

expect 0 'is not in this folder: .*/prefix/share/halobrush/config/demo.yaml is taken' halobrush paint config/demo.yaml --set input.min_particles=60 \
  --set field.mesh=32 --out mock.hdf5
expect 0 'a mock galaxy catalog' halobrush info mock.hdf5
expect 0 'mock.hdf5: whole' halobrush check mock.hdf5

# The indented lines below "Your own halos": commands, then Python.
sed -n '/^## Your own halos/,/^## Which/s/^       //p' "$root/README.md" >blocks
grep -E '^(halobrush|mpirun)' blocks >commands
grep -vE '^(halobrush|mpirun)' blocks >read.py
(($(wc -l <commands) == 5 && $(wc -l <read.py) == 4)) || { echo "FAILED: the README has other blocks"; cat blocks; exit 1; }
zcat "$root/data/demo/rockstar_z0_pid.list.gz" >out_100.list
rm mock.hdf5
PATH=$folder/prefix/bin:$(dirname "$python"):$PATH
expect 0 'halos are hosts' bash -c "$(sed -n 1p commands)"
expect 0 'nothing was painted.*' bash -c "$(sed -n 2p commands)"
expect 0 'galaxies in mock.hdf5' bash -c "$(sed -n 3p commands)"
expect 0 'dex\(Msun\)' python3 read.py
# What pip would make of the package that was installed.
mkdir scripts
printf '#!/bin/sh\nexec python3 %s/prefix/share/halobrush/python/run.py plot_slice "$@"\n' "$folder" >scripts/halobrush-slice
chmod +x scripts/halobrush-slice
expect 0 '' bash -c "PATH=$folder/scripts:$PATH; $(sed -n 4p commands)"
[[ -s slice.png ]] || { echo "FAILED: no slice.png"; exit 1; }
expect '[01]' 'index.html' bash -c "$(sed -n 5p commands) --set stats.jackknife=2"
[[ -s validation/index.html ]] && grep -q '<img' validation/index.html || { echo "FAILED: no figures"; exit 1; }
expect 0 '2000 of 2000 halos are hosts' bash -c "$python $root/examples/write_halos.py halos.hdf5 && halobrush info halos.hdf5"
expect 0 '2000 galaxies in arrays.hdf5' halobrush paint config/lensing.yaml --set input.path=halos.hdf5 --set field.mesh=100 --set domain.tiles=[4,1,1] --out arrays.hdf5

# Only what came with the program is taken from elsewhere, and the log says so.
expect 0 'a graph_diffusion model' halobrush info models/demo.safetensors
expect 0 'rockstar_z0_pid.list.gz is not in this folder' halobrush paint config/demo.yaml --dry-run
mkdir empty
expect 5 'out_100.list: cannot be opened' bash -c 'cd empty && halobrush info out_100.list'

expect 0 'installed elsewhere' bash -c "mv prefix moved && moved/bin/halobrush paint config/demo.yaml --dry-run >/dev/null && echo installed elsewhere"
