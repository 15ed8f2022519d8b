"""Judges a painter on galaxies that are known.

Reads what halobrush evaluate wrote (several files: models trained on other folds of one catalog, pooled), measures, and writes
evaluation.json, figures and a self-contained page index.html. Each requirement is printed with value, limit and PASS or FAIL.
What is measured and why: docs/evaluation.md.

example: halobrush-evaluate out/evaluation.hdf5 --out out/judged
"""
import argparse
import dataclasses
import json
import pathlib
import sys

import numpy as np
from scipy import stats
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from halobrush import halo_statistics as hs
from halobrush import two_sample as ts
from halobrush.galaxies import Properties, read_evaluation
from halobrush.tables import BadTable

LARGE = 500  # galaxies of a bin that is judged
RED = 0.6  # g - r


class Requirements:
    def __init__(self):
        self.all = []

    def add(self, name, value, limit, passed, note=""):
        self.all.append({"name": name, "value": value, "limit": limit, "pass": bool(passed), "note": note})

    def at_most(self, name, value, limit, note=""):
        self.add(name, value, f"<= {limit:g}", value <= limit, note)

    def at_least(self, name, value, limit, note=""):
        self.add(name, value, f">= {limit:g}", value >= limit, note)


# ---- Scalars ----

def swapped_ks(truth, painted, groups, rng, swaps=300):
    """Kolmogorov's distance and its p-value when truth and paint of whole halos are swapped at random."""
    use = np.isfinite(truth) & np.isfinite(painted)
    truth, painted = truth[use], painted[use]
    _, number = np.unique(groups[use], return_inverse=True)
    values = np.concatenate([truth, painted])
    order = np.argsort(values, kind="stable")
    group, side, ties = np.tile(number, 2)[order], np.repeat([1.0, -1.0], len(truth))[order], values[order]
    last = np.append(ties[1:] != ties[:-1], True)
    distance = lambda sign: np.abs(np.cumsum(side * sign[group])[last]).max() / len(truth)
    observed = distance(np.ones(number.max() + 1))
    random = [distance(rng.choice([-1.0, 1.0], number.max() + 1)) for _ in range(swaps)]
    return float(observed), float((1 + np.sum(np.array(random) >= observed)) / (1 + swaps))


def parts_of(halos, truth):
    """Sub-samples by what the halo is, the same rows of truth and paint."""
    parts = {"all": np.ones(len(halos.group), bool), "centrals": halos.central, "satellites": ~halos.central}
    mass = next((halos.inputs[n] for n in ("log_mass", "log_halo_mass") if n in halos.inputs), None)
    if mass is not None:
        low, high = np.quantile(mass, (1 / 3, 2 / 3))
        parts.update({"low halo mass": mass <= low, "middle": (mass > low) & (mass <= high), "high halo mass": mass > high})
    return parts


def scalar_tests(pair, rng):
    """KS of each scalar in all parts (first draw), and of the other scalars among red and among blue galaxies, each by its own colour."""
    truth, painted = pair.truth, pair.draws[0]
    result = {}
    for part, rows in parts_of(pair.halos, truth).items():
        result[part] = {}
        for name in truth.scalars:
            if np.isfinite(truth.scalars[name][rows]).sum() > 50:
                d, p = swapped_ks(truth.scalars[name][rows], painted.scalars[name][rows], pair.halos.group[rows], rng)
                result[part][name] = {"distance": d, "p": p}
    if "color_gr" in truth.scalars:
        for part, sign in (("red", 1), ("blue", -1)):
            mine, other = (sign * (p.scalars["color_gr"] - RED) > 0 for p in (truth, painted))
            result[part] = {}
            for name in truth.scalars:
                a, b = truth.scalars[name][mine], painted.scalars[name][other]
                a, b = a[np.isfinite(a)], b[np.isfinite(b)]
                if name != "color_gr" and min(len(a), len(b)) > 50:
                    d, p = stats.ks_2samp(a, b)
                    result[part][name] = {"distance": float(d), "p": float(p)}
    return result


def correlations(matrix):
    """[k,k] over rows that are known in full."""
    return np.corrcoef(matrix[np.isfinite(matrix).all(1)], rowvar=False)


def joint_moments(pair, residuals):
    """Correlation matrices of the scalars, and of their residuals at fixed inputs: the painter's job."""
    names = list(pair.truth.scalars)
    table = lambda p: np.stack(list(p.values()), 1)
    result = {"names": names}
    for kind, of in (("scalars", lambda p: p.scalars), ("residuals", lambda p: residuals.of(p.scalars))):
        truth, painted = correlations(table(of(pair.truth))), np.mean([correlations(table(of(d))) for d in pair.draws], 0)
        result[kind] = {"truth": truth.tolist(), "painted": painted.tolist(), "largest_difference": float(np.abs(painted - truth).max())}
    return result


def binned_relation(x, y_truth, y_painted, edges, groups):
    """Mean and scatter of y in bins of x, with errors by halo of the differences; painted: the mean over draws."""
    rows = []
    for low, high in zip(edges[:-1], edges[1:]):
        use = (x >= low) & (x < high) & np.isfinite(y_truth)
        if use.sum() < 50:
            continue
        _, number = np.unique(groups[use], return_inverse=True)
        truth, draws = hs.mean_by_group(y_truth[use], number), [hs.mean_by_group(y[use], number) for y in y_painted]
        difference = hs.mean_of(draws) - truth
        scatter = [float(np.std(y[use])) for y in (y_truth, *y_painted)]
        rows.append({"low": float(low), "high": float(high), "galaxies": int(use.sum()), "truth": float(truth.value[0]),
                     "difference": float(difference.value[0]), "error": float(difference.error()[0]), "truth_scatter": scatter[0],
                     "painted_scatter": float(np.mean(scatter[1:]))})
    return rows


def edges_of(x, width):
    return np.arange(np.floor(x.min() / width), np.ceil(x.max() / width) + 1) * width


def red_fraction(pair, width=0.25):
    """Of galaxies in bins of their own stellar mass (truth and paint in one bin are not the same galaxies), and all large bins jointly."""
    groups = np.unique(pair.halos.group, return_inverse=True)[1]
    mass = pair.truth.scalars["log_stellar_mass"]
    rows, large = [], []
    for low in edges_of(mass[np.isfinite(mass)], width)[:-1]:
        estimates, counts = [], []
        for p in (pair.truth, *pair.draws):
            m, colour = p.scalars["log_stellar_mass"], p.scalars["color_gr"]
            use = (m >= low) & (m < low + width) & np.isfinite(colour)
            estimates.append(hs.mean_by_group(np.where(use, colour > RED, np.nan), groups))
            counts.append(int(use.sum()))
        if min(counts) < 50:
            continue
        truth, painted = estimates[0], hs.mean_of(estimates[1:])
        difference = painted - truth
        rows.append({"low": float(low), "high": float(low + width), "galaxies": counts[0], "truth": float(truth.value[0]),
                     "difference": float(difference.value[0]), "error": float(difference.error()[0])})
        if counts[0] > LARGE:
            large.append((truth, painted))
    return rows, hs.compare(*(hs.side_by_side(side) for side in zip(*large))) if large else None


# ---- Nearest neighbours: what a painter must beat ----

def neighbours_resampled(pair, weights, rng, k=10):
    """Scalars of one of the k nearest true galaxies that are not held out (or of another fold of halos, where all are)."""
    x = StandardScaler().fit_transform(pair.halos.input_matrix())
    for name, weight in weights.items():
        x[:, list(pair.halos.inputs).index(name)] *= weight
    held = np.flatnonzero(pair.held_out)
    fold = np.zeros(len(held), int) if not pair.held_out.all() else ts.fold_of(pair.halos.group, 5, 1)
    donor = np.empty(len(held), int)
    for f in np.unique(fold):
        pool = np.flatnonzero(~pair.held_out) if not pair.held_out.all() else np.flatnonzero(fold != f)
        rows = fold == f
        near = NearestNeighbors(n_neighbors=min(k, len(pool))).fit(x[pool]).kneighbors(x[held[rows]], return_distance=False)
        donor[rows] = pool[near[np.arange(len(near)), rng.integers(0, near.shape[1], len(near))]]
    return Properties({name: np.where(np.isfinite(y[held]), y[donor], np.nan) for name, y in pair.truth.scalars.items()})


def beside_neighbours(pair, residuals, seed):
    """C2ST on scalars alone of the painter and of the best nearest-neighbour resampling."""
    held = np.flatnonzero(pair.held_out)
    halos = pair.halos.select(held)
    features = lambda scalars: ts.features_of(halos, Properties(scalars), residuals)
    truth = {name: y[held] for name, y in pair.truth.scalars.items()}
    test = lambda scalars: {name: value for name, (value, _) in ts.accuracy(features(truth), features(scalars), halos.group, seed=seed).items()}
    variants = {"equal weights": {}}
    if "log_vmax" in pair.halos.inputs:
        variants["Vmax x 4"] = {"log_vmax": 4}
    found = {text: test(neighbours_resampled(pair, weights, np.random.default_rng(seed)).scalars) for text, weights in variants.items()}
    best = min(found, key=lambda text: max(found[text].values()))
    painter = test({name: y[held] for name, y in pair.draws[0].scalars.items()})
    return {"painter": painter, "neighbours": found, "best": best, "gap": max(found[best].values()) - max(painter.values())}


# ---- Host halos ----

def halo_directions(pair):
    directions = {"radius": hs.unit(np.stack([pair.columns[f"host_d{c}"] for c in "xyz"], 1))}
    for name in ("halo_axis", "halo_spin"):
        if f"{name}_x" in pair.columns:
            directions[name] = np.stack([pair.columns[f"{name}_{c}"] for c in "xyz"], 1)
    return directions


def orientation_estimates(pair, groups, properties):
    if properties.spin is not None:
        return hs.spin_statistics(groups, properties.spin, properties.scalars.get("log_stellar_mass"))
    if properties.axes is not None:
        return hs.ellipsoid_statistics(groups, properties.axes, halo_directions(pair))
    return {}


def orientations(pair, rng):
    """Each statistic painted and true, and the same test with isotropic orientations in place of the painted."""
    groups = hs.Groups.of(pair)
    truth = orientation_estimates(pair, groups, pair.truth)
    draws = [orientation_estimates(pair, groups, draw) for draw in pair.draws]
    random = []
    for draw in pair.draws:
        known = lambda a: None if a is None else np.where(np.isfinite(a), hs.isotropic(a.shape, rng), np.nan)
        random.append(orientation_estimates(pair, groups, Properties(draw.scalars, known(draw.axes), known(draw.spin))))
    result = {"log_host_mass_edges": groups.edges.tolist()}
    for name in truth:
        result[name] = hs.compare(truth[name], hs.mean_of([d[name] for d in draws]))
        result[name]["isotropic_sigma"] = hs.compare(truth[name], hs.mean_of([d[name] for d in random]))["sigma"]
    return result


def disc_and_bulge(pair):
    """Alignment of disc- minus that of bulge-dominated galaxies (disc fraction above and below a half), painted and true."""
    groups = hs.Groups.of(pair)
    every = np.arange(groups.count())

    def differences(p):
        disc = p.scalars["disc_fraction"]
        of_central = np.full(groups.count(), np.nan)
        of_central[groups.number[groups.central]] = disc[groups.central]
        orbit = np.where(groups.central, np.nan, hs.cosines(p.spin, hs.unit(np.cross(groups.offset, groups.velocity))))
        minor = np.abs(hs.cosines(hs.central_axis(groups, p.spin), hs.minor_axis_of_members(groups, p.scalars.get("log_stellar_mass"))))
        part = lambda values, disc, number: (hs.mean_by_group(np.where(disc > 0.5, values, np.nan), number) -
                                             hs.mean_by_group(np.where(disc <= 0.5, values, np.nan), number))
        return {"satellite_spin_orbit": part(orbit, disc, groups.number), "central_spin_minor_axis": part(minor, of_central, every)}

    truth, draws = differences(pair.truth), [differences(draw) for draw in pair.draws]
    return {name: hs.compare(truth[name], hs.mean_of([d[name] for d in draws])) for name in truth}


def mean_log_p(pair):
    log_p = pair.columns.get("log_p")
    if log_p is None or not np.isfinite(log_p).any():
        return None
    estimate = hs.mean_by_group(log_p, np.unique(pair.halos.group, return_inverse=True)[1])
    return {"mean": float(estimate.value[0]), "error": float(estimate.error()[0]), "galaxies": int(np.isfinite(log_p).sum())}


# ---- All together ----

def judge_relation(requirements, name, rows, largest_sigma, floor):
    judged = [row for row in rows if row["galaxies"] > LARGE]
    if judged:
        worst = max(abs(row["difference"]) / max(largest_sigma * row["error"], floor) for row in judged)
        requirements.add(f"{name}: largest offset over its limit, {len(judged)} bins", worst, f"<= 1 (max of {largest_sigma} sigma, {floor:g})", worst <= 1)
    return judged


@threadpool_limits.wrap(limits=1)  # many small fits: threads would only wait for each other
def measure(pair, seed, perturbations, c2st_draws=1000):
    rng = np.random.default_rng(seed)
    requirements, result = Requirements(), {}
    residuals = ts.held_out_residuals(pair, seed=seed)
    told_apart = dataclasses.replace(pair, draws=pair.draws[:c2st_draws])
    c2st = result["c2st"] = ts.two_sample(told_apart, residuals, perturbations, seed=seed)
    for name, part in c2st["c2st"].items():
        requirements.at_most(f"C2ST, {name}, mean of {c2st['draws']} draws", part["accuracy"], 0.52,
                             f"error {part['error']:.3f}; null {c2st['null'][name]['accuracy']:.3f}")
    held = pair.select(np.flatnonzero(pair.held_out))

    if pair.truth.scalars:
        near = result["neighbours"] = beside_neighbours(pair, residuals, seed)
        requirements.at_least(f"C2ST of scalars below nearest neighbours ({near['best']})", near["gap"], 0.03)
        result["ks"] = scalar_tests(held, rng)
        for name, test in result["ks"]["all"].items():
            requirements.at_least(f"KS of {name}, p by swapping halos", test["p"], 0.01)
        result["joint_moments"] = joint_moments(held, residuals)
    mass = held.truth.scalars.get("log_stellar_mass")
    speed = next((n for n in ("log_vmax", "log_mass", "log_halo_mass") if n in held.halos.inputs), None)
    if mass is not None and speed:
        x, painted = held.halos.inputs[speed], [d.scalars["log_stellar_mass"] for d in held.draws]
        result["stellar_mass_at_fixed"] = {"input": speed, "bins": binned_relation(x, mass, painted, edges_of(x, 0.1 if speed == "log_vmax" else 0.3), held.halos.group)}
        judged = judge_relation(requirements, f"M* at fixed {speed}", result["stellar_mass_at_fixed"]["bins"], 2, 0.02)
        if judged:
            worst = max(abs(row["painted_scatter"] / row["truth_scatter"] - 1) for row in judged)
            requirements.at_most(f"M* at fixed {speed}: scatter off by, at most", worst, 0.15)
        host = np.log10(held.columns["host_halo_mass"])
        result["stellar_to_halo"] = {
            part: binned_relation(host[rows], mass[rows], [p[rows] for p in painted], edges_of(host, 0.3), held.halos.group[rows])
            for part, rows in (("centrals", held.halos.central), ("satellites", ~held.halos.central))}
    if mass is not None and "color_gr" in held.truth.scalars:
        result["red_fraction"], jointly = red_fraction(held)
        judge_relation(requirements, "red fraction in bins of M*", result["red_fraction"], 2, 0.0)
        if jointly:
            requirements.at_most("red fraction in all these bins jointly: sigma", jointly["sigma"], 2, f"chi2 {jointly['chi2']:.1f} of {jointly['dof']} bins, p {jointly['p']:.2f}")
    if {"color_gr", "log_ssfr", "log_stellar_mass"} <= held.truth.scalars.keys():
        result["conformity"] = hs.conformity(held, residuals)
        for name, limit in (("pairs", 1.5), ("galaxies", 1.5), ("central_link", 2)):
            part = result["conformity"][name]
            if not part["dof"]:
                continue
            apart = abs(part["painted"][0] - part["truth"][0]) / part["truth_error"][0]
            requirements.at_most(f"conformity, {name}: errors of the truth apart", apart, limit,
                                 f"painted {part['painted'][0]:.3f}, true {part['truth'][0]:.3f} +- {part['truth_error'][0]:.3f}")
    result["orientation"] = orientations(held, rng)
    for name, part in result["orientation"].items():
        if isinstance(part, dict):
            text = f"{listed(part['painted'])} / {listed(part['truth'], part['truth_error'])}"
            if name == "satellite_spin_orbit":
                requirements.at_most(f"{name}: sigma from the truth", part["sigma"], 3, text)
            else:
                requirements.at_least(f"{name}: p of chi2", part["p"], 0.01, text)
            if name not in ("satellite_spin_radius",):
                requirements.at_least(f"{name}: isotropic rejected at, sigma", part["isotropic_sigma"], 5)
    if held.truth.spin is not None and "disc_fraction" in held.truth.scalars:
        result["disc_minus_bulge"] = disc_and_bulge(held)
        for name, part in result["disc_minus_bulge"].items():
            if not part["dof"]:
                continue
            requirements.at_most(f"disc minus bulge, {name}: sigma from the truth", part["sigma"], 3,
                                 f"painted {part['painted'][0]:+.3f} +- {part['painted_error'][0]:.3f}, true {part['truth'][0]:+.3f} +- {part['truth_error'][0]:.3f}")
    result["log_p"] = mean_log_p(held)
    result["out_of_distribution"] = float(np.mean(held.columns["out_of_distribution"])) if "out_of_distribution" in held.columns else None
    result["requirements"], result["pass"] = requirements.all, all(r["pass"] for r in requirements.all)
    return result, held


def listed(values, errors=None):
    """0.690 +- 0.012, ...; a dash for a bin without galaxies."""
    errors = errors or [None] * len(values)
    return ", ".join("-" if v is None else f"{v:.3f}" + ("" if e is None else f" +- {e:.3f}") for v, e in zip(values, errors))


def lines_of(result):
    yield from ts.lines_of(result["c2st"])
    for r in result["requirements"]:
        yield f"{'PASS' if r['pass'] else 'FAIL'}  {r['name']}: {r['value']:.4g} ({r['limit']}){'  ' + r['note'] if r['note'] else ''}"
    if result["log_p"]:
        yield f"mean -log p {-result['log_p']['mean']:.4f} +- {result['log_p']['error']:.4f} nats of {result['log_p']['galaxies']} galaxies"


def main():
    parser = argparse.ArgumentParser("halobrush-evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", nargs="+", help="tables of halobrush evaluate")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the results")
    parser.add_argument("--perturbations", default="shift", help="of shift,scatter,orientation")
    parser.add_argument("--c2st-draws", type=int, default=1000, help="draws that the classifiers take: each costs as much as all other statistics")
    parser.add_argument("--beside", type=pathlib.Path, help="evaluation.json of the same painter without conformity: what it costs in C2ST")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    try:
        pair = read_evaluation(arguments.evaluation)
        result, held = measure(pair, arguments.seed, [word for word in arguments.perturbations.split(",") if word], arguments.c2st_draws)
    except BadTable as problem:
        sys.exit(f"halobrush-evaluate: error: {problem}")
    if arguments.beside:
        other = json.loads(arguments.beside.read_text())["c2st"]["c2st"]
        cost = max(result["c2st"]["c2st"][name]["accuracy"] - other[name]["accuracy"] for name in other)
        result["requirements"].append({"name": "C2ST above that of the painter without conformity", "value": cost, "limit": "<= 0.005",
                                       "pass": cost <= 0.005, "note": ""})
        result["pass"] = result["pass"] and cost <= 0.005
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "evaluation.json"
    before = json.loads(path.read_text()) if path.exists() and len(arguments.evaluation) == 1 else {"evaluations": arguments.evaluation}
    before.pop("statistics", None)
    result = {**{k: v for k, v in before.items() if k in ("model", "catalog", "draws", "galaxies", "held_out", "held_out_by", "evaluations")}, **result}
    path.write_text(json.dumps(result, indent=1))
    print("\n".join(lines_of(result)))
    try:
        from halobrush import evaluation_page
    except ImportError as missing:
        sys.exit(f"halobrush-evaluate: no figures and page ({missing})")
    evaluation_page.write(arguments.out, result, held)


if __name__ == "__main__":
    main()
