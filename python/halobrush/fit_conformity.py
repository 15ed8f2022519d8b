"""Gives a model conformity: what galaxies of one host halo share at fixed inputs, as a factor of their starting noise.

The evaluations (halobrush evaluate --table-only) hold true galaxies, what models without conformity painted in their place, and the noise
from which they would have made the true ones; c is the quenching factor of docs/evaluation.md. Regressed on the noise it tells how much of a
loading arrives in c, so a loading is chosen that gives painted galaxies what the true ones have more than they: of satellites along
--direction (redder, less star formation, lighter: the direction in which satellites of IllustrisTNG resemble each other; one fitted to so few
pairs is noise) by the correlation of pairs, of centrals in the stellar mass by its correlation with their satellites' c. Use models
trained on other folds (train.split_shift), so that every host is held out once: training galaxies show half of it. Hosts held out in --judged
are left out: they are to judge MODEL. MODEL is rewritten in place.

example: halobrush-fit-conformity model.safetensors fold0/evaluation.hdf5 fold1/evaluation.hdf5 --judged own/evaluation.hdf5
"""
import argparse
import sys

import numpy as np

from halobrush import halo_statistics as hs
from halobrush.galaxies import read_evaluation
from halobrush.model_file import read_header, rewrite_header
from halobrush.tables import BadTable, read_columns
from halobrush.two_sample import held_out_residuals

MOST = 4.0  # noise is clipped: one odd galaxy must not decide
LONGEST = 0.95  # a galaxy's own noise keeps a part
MASS = "log_stellar_mass"
NEEDED = (MASS, "color_gr", "log_ssfr")  # of the statistics that are fitted


def read(paths, judged):
    """The held-out galaxies of all tables, without the hosts that are to judge."""
    pair = read_evaluation(paths)
    use = pair.held_out.copy()
    if judged:
        judging = read_columns(judged)
        use &= ~np.isin(pair.halos.group, judging["host_halo_id"][judging["held_out"].astype(bool)])
    return pair.select(np.flatnonzero(use))


def noise_of(pair, names):
    """[n, names] as the model has it, in units of what it is in these galaxies; 0 where the label is not known."""
    if missing := [name for name in names if f"noise_{name}" not in pair.columns]:
        raise BadTable(f"the evaluations have no noise_{missing[0]}; make them with halobrush evaluate --table-only of a diffusion model "
                       "that has this label and was not distilled")
    noise = np.clip(np.stack([pair.columns[f"noise_{name}"] for name in names], 1), -MOST, MOST)
    return np.nan_to_num((noise - np.nanmean(noise, 0)) / np.nanstd(noise, 0))


def slopes(values, noise, rows):
    """Linear response of values [n] to noise [n, labels] in some rows."""
    use = rows & np.isfinite(values)
    return np.linalg.lstsq(noise[use], values[use] - values[use].mean(), rcond=None)[0]


def fit(pair, names, direction):
    """Loadings [names] of satellites and of the central, and what they answer to."""
    residuals, groups, satellite = held_out_residuals(pair), hs.Groups.of(pair), ~pair.halos.central
    lacking = {}  # what true galaxies have more than painted ones
    for name, part in hs.conformity(pair, residuals).items():
        lacking[name] = part["truth"][0] - part["painted"][0], part["truth_error"][0]
    standard = residuals.of(pair.truth.scalars)
    c, mass = hs.quenching_factor(standard), np.clip(standard[MASS], -4, 4)
    noise = noise_of(pair, names)
    response = slopes(c, noise, satellite) @ direction
    length = min(np.sqrt(max(lacking["galaxies"][0], 0)) * np.nanstd(c[satellite]) / abs(response), LONGEST)
    central = np.zeros(len(names))
    if length > 0:
        of_hosts = np.stack(hs.of_hosts(mass, c, groups, satellite))
        spread = np.std(of_hosts[:, np.isfinite(of_hosts).all(0)], 1)
        arrives = slopes(mass, noise, ~satellite)[names.index(MASS)] * response * length
        central[names.index(MASS)] = np.clip(lacking["central_link"][0] * spread.prod() / arrives, -LONGEST, LONGEST)
    return length * direction, central, lacking


def main():
    parser = argparse.ArgumentParser("halobrush-fit-conformity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="model file, changed in place")
    parser.add_argument("evaluation", nargs="+", help="tables of halobrush evaluate --table-only")
    parser.add_argument("--judged", help="table of the galaxies that are to judge the model")
    parser.add_argument("--direction", default="log_stellar_mass=-0.15,color_gr=0.52,log_size=0.14,log_ssfr=-0.82", help="of the shared noise")
    arguments = parser.parse_args()
    spec = read_header(arguments.model)
    labels = [label["name"] for label in spec["labels"]]
    wanted = {name: float(value) for name, value in (word.split("=") for word in arguments.direction.split(","))}
    if unknown := [name for name in (*wanted, *NEEDED) if name not in labels]:
        sys.exit(f"halobrush-fit-conformity: error: {arguments.model} has no label '{unknown[0]}'; take a model that has it, and name labels of it in --direction")
    names = [name for name in labels if name in wanted or name == MASS]
    direction = np.array([wanted.get(name, 0.0) for name in names])
    try:
        pair = read(arguments.evaluation, arguments.judged)
        satellite, central, lacking = fit(pair, names, direction / np.linalg.norm(direction))
    except BadTable as problem:
        sys.exit(f"halobrush-fit-conformity: error: {problem}")
    told = ", ".join(f"{text} {lacking[key][0]:.3f} +- {lacking[key][1]:.3f}" for key, text in
                     (("galaxies", "correlation of pairs"), ("central_link", "of the central's mass with satellites")))
    print(f"{len(pair.halos.group)} galaxies; true beyond painted: {told}")
    for k, name in enumerate(names):
        print(f"  {name:18s} loading {satellite[k]:+.3f}, of the central {central[k]:+.3f}")
    spread = lambda values: [float(values[names.index(name)]) if name in names else 0.0 for name in labels]
    spec["host_factor"] = {"satellite": spread(satellite), "central": spread(central)}
    spec["provenance"]["host_factor"] = (f"halobrush-fit-conformity: {len(pair.halos.group)} galaxies of {len(np.unique(pair.halos.group))} hosts, each "
                                         f"held out by the model that painted it; {told}")
    rewrite_header(arguments.model, spec)


if __name__ == "__main__":
    main()
