#!/usr/bin/env bash
# From a bare Debian 12 to a painted mock: installs, builds, paints config/demo.yaml on 2 ranks, shows what came out.
# Run again it does only what is missing. LibTorch 2.x: CMAKE_PREFIX_PATH=<site-packages>/torch bash tools/demo.sh
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "$0")/setup.sh"

mock=out/demo/mock.hdf5
summary=$mock.json

# A number of the summary by a pattern of what stands before it (white space left out).
number() {
  local found
  found=$(tr -d '[:space:]' <"$summary" | grep -oP "$1\K-?[0-9.][-+.0-9eE]*") || fail "$summary: nothing found for $1"
  echo "${found%%$'\n'*}" # the first: all of the summary is one line here
}
mean_of() { number "\"$1\":\{[^}]*\"mean\":"; }

install_packages
build release halobrush
say "painting config/demo.yaml on 2 ranks"
mpirun -np 2 build/release/halobrush paint config/demo.yaml --overwrite # this build's, whichever made the last one

galaxies=$(number '"galaxies":')
rate=$(number '"galaxies_per_second":')
stellar_mass=$(mean_of log_stellar_mass)
b_to_a=$(mean_of b_to_a)
outside=$(mean_of out_of_distribution)
cat <<END

mock     $PWD/$mock
summary  $PWD/$summary

galaxies                          $galaxies
galaxies painted per second       $rate
mean log10 stellar mass [Msun]    $stellar_mass
mean b/a                          $b_to_a
share out of distribution         $outside
END
