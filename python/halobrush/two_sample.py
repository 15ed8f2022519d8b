"""Classifier two-sample test that knows the inputs: can painted galaxies be told from true ones in the same halos?

Accuracy of boosted trees and of a neural network, 0.5 for a perfect painter. Their features are the halo's inputs, the outputs, the
orientation in the halo's frame, and for each scalar the residual (y - mu(x)) / s(x) and its absolute value, with mu and s
regressed on true galaxies of other host halos: a classifier given only inputs and outputs is blind to a wrong scatter. Folds go by
host halo, with both copies of a galaxy in one fold. A second test, PQMass, counts both in regions. Beside each: the null (two draws of one painter, or with a single draw two halves
of the truth) and one perturbation of known size, to show what the test can see.

example: halobrush-two-sample truth.hdf5 painted_1.hdf5 painted_2.hdf5 --json result.json
"""
import argparse
import json
import sys
import time
import warnings

import numpy as np
from scipy.spatial import cKDTree
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import QuantileTransformer
from threadpoolctl import threadpool_limits

from halobrush.galaxies import Properties, read_pair
from halobrush.tables import BadTable

FOLDS = 5


def fold_of(groups, folds, seed):
    """[n] folds of about equal size, whole groups."""
    names, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if names.size < folds:
        raise BadTable(f"{names.size} host halos are too few for {folds} folds; give a larger held-out set")
    order = np.random.default_rng(seed).permutation(names.size)
    order = order[np.argsort(-counts[order], kind="stable")]
    fold, size = np.empty(names.size, int), np.zeros(folds)
    for group in order:  # the largest groups first, each to the smallest fold
        fold[group] = np.argmin(size)
        size[fold[group]] += counts[group]
    return fold[inverse]


def regressor(loss, seed):
    return HistGradientBoostingRegressor(loss=loss, max_iter=60, learning_rate=0.1, max_leaf_nodes=16, min_samples_leaf=30, random_state=seed)


class Residuals:
    """mu(x) and s(x) of each scalar, for each galaxy from true galaxies of other groups."""

    def __init__(self, inputs, scalars, groups, rows=None, folds=FOLDS, seed=0):
        """inputs [n,p], scalars {name: [n]}, groups [n] of true galaxies; rows: those that residuals are wanted of (default all)."""
        rows = np.arange(len(groups)) if rows is None else rows
        fold = fold_of(groups, folds, seed)
        self.mean, self.scatter = {}, {}
        for name, y in scalars.items():
            mean, scatter = np.zeros(len(y)), np.ones(len(y))
            known = np.isfinite(y)
            for k in range(folds):
                there, fit = fold == k, known & (fold != k)
                model = regressor("squared_error", seed).fit(inputs[fit], y[fit])
                mean[there] = model.predict(inputs[there])
                # Absolute deviations of galaxies that mu was not fitted on would need a second level of folds; few trees do not over-fit.
                deviation = np.abs(y[fit] - model.predict(inputs[fit]))
                spread = regressor("squared_error", seed).fit(inputs[fit], deviation).predict(inputs[there])
                scatter[there] = np.maximum(spread, 0.1 * deviation.mean()) * np.sqrt(np.pi / 2)
            self.mean[name], self.scatter[name] = mean[rows], scatter[rows]

    def of(self, scalars):
        return {name: (y - self.mean[name]) / self.scatter[name] for name, y in scalars.items()}


def orientation_features(properties, directions):
    """[n,m] The orientation in the halo's frame. Axes: cosines in pairs, so that their signs do not matter; a spin: signed cosines."""
    features = []

    def add_products(vector):
        cosine = {name: np.sum(vector * u, 1) for name, u in directions.items()}
        own = [c for name, c in cosine.items() if not name.startswith("tidal")]  # of the tide only its own squares: fewer features
        features.extend(own[i] * own[j] for i in range(len(own)) for j in range(i + 1))
        features.extend(c**2 for name, c in cosine.items() if name.startswith("tidal"))
        return own

    if properties.axes is not None:
        for axis in (0, 2):
            add_products(properties.axes[:, :, axis])
    if properties.spin is not None:
        features.extend(add_products(properties.spin))
    return np.stack(features, 1) if features else np.zeros((properties.rows(), 0))


def standardised(properties, residuals):
    return np.stack(list(residuals.of(properties.scalars).values()), 1) if properties.scalars else np.zeros((properties.rows(), 0))


def features_of(halos, properties, residuals):
    standard = standardised(properties, residuals)
    return np.hstack([halos.input_matrix(), properties.matrix(), standard, np.abs(standard), orientation_features(properties, halos.directions)])


def drawn_features(halos, properties, residuals):
    """What a painter draws, for tests that count: the inputs, which truth and paint share, are left out."""
    return np.hstack([standardised(properties, residuals), orientation_features(properties, halos.directions)])


def trees(seed):
    return HistGradientBoostingClassifier(max_iter=100, learning_rate=0.06, max_leaf_nodes=16, min_samples_leaf=40, l2_regularization=1.0,
                                          early_stopping=False, random_state=seed)


class Network:
    """A perceptron on normal scores; a value that is not known is the median."""

    def __init__(self, seed):
        self.scores = QuantileTransformer(output_distribution="normal", n_quantiles=200, subsample=10_000, random_state=seed)
        self.network = MLPClassifier((64, 64), alpha=3e-3, learning_rate_init=2e-3, batch_size=256, max_iter=18, random_state=seed)

    def prepared(self, x):
        return np.clip(np.nan_to_num(self.scores.transform(x)), -3.5, 3.5)

    def fit(self, x, y):
        self.scores.fit(x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed number of epochs, by choice
            self.network.fit(self.prepared(x), y)
        return self

    def predict(self, x):
        return self.network.predict(self.prepared(x))


CLASSIFIERS = {"trees": trees, "mlp": Network}


def pqmass(real, painted, regions=50, partitions=40, seed=0):
    """chi2 per degree of freedom of PQMass (Lemos et al. 2024, arXiv:2402.04355): both tables of features [n,m] are counted in regions, those
    nearest to each of some rows that are drawn from both and left out; 1 in the mean where both are independent draws of one law. Means over
    partitions; features are normal scores, a value that is not known is the median."""
    rng = np.random.default_rng(seed)
    both = np.vstack([real, painted])
    scores = QuantileTransformer(output_distribution="normal", n_quantiles=200, subsample=10_000, random_state=seed)
    both = np.clip(np.nan_to_num(scores.fit_transform(both)), -3.5, 3.5)
    side = np.repeat([0, 1], [len(real), len(painted)])
    values = []
    for _ in range(partitions):
        order = rng.permutation(len(both))
        centres, rest = order[:regions], order[regions:]
        region = cKDTree(both[centres]).query(both[rest])[1]
        counts = np.stack([np.bincount(region[side[rest] == k], minlength=regions) for k in (0, 1)])
        counts = counts[:, counts.sum(0) > 0]
        expected = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
        values.append(np.sum((counts - expected) ** 2 / expected) / (counts.shape[1] - 1))
    return float(np.mean(values))


def jackknife_error(correct, groups):
    """Error of the mean of `correct` when whole groups are left out one at a time."""
    _, inverse = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(inverse, correct), np.bincount(inverse)
    left = (sums.sum() - sums) / (counts.sum() - counts)
    n = len(sums)
    return float(np.sqrt((n - 1) / n * np.sum((left - left.mean()) ** 2)))


class Guesses:
    """Which rows of two tables of features [n,m] classifiers trained on other groups put on the right side. groups: of the rows of both,
    or (of real, of painted) where those are not the same galaxies."""

    def __init__(self, real, painted, groups, folds=FOLDS, seed=0):
        self.group = np.concatenate(groups if isinstance(groups, tuple) else (groups, groups))
        self.side = np.repeat([0, 1], [len(real), len(painted)])
        x, fold = np.vstack([real, painted]), fold_of(self.group, folds, seed)
        self.correct = {name: np.zeros(len(x)) for name in CLASSIFIERS}
        for name, classifier in CLASSIFIERS.items():
            for k in range(folds):
                test = fold == k
                guess = classifier(seed + k).fit(x[~test], self.side[~test]).predict(x[test])
                self.correct[name][test] = guess == self.side[test]

    def accuracy(self, name, rows=slice(None)):
        """(accuracy, error); both sides count alike, however many rows they have."""
        side = self.side[rows]
        weighted = self.correct[name][rows] * (len(side) / (2 * np.bincount(side, minlength=2)))[side]
        return float(weighted.mean()), jackknife_error(weighted, self.group[rows])


def accuracy(real, painted, groups, folds=FOLDS, seed=0):
    """{classifier: (accuracy, error)} of telling two tables of features apart, as Guesses takes them."""
    guesses = Guesses(real, painted, groups, folds, seed)
    return {name: guesses.accuracy(name) for name in CLASSIFIERS}


def by_halo_mass(halos, each, fewest=50):
    """Accuracies of the guesses (one for each draw) in bins of one dex of halo mass that hold `fewest` galaxies and two host halos."""
    mass = next((halos.inputs[name] for name in ("log_halo_mass", "log_mass") if name in halos.inputs), None)
    if mass is None:
        return []
    bins = []
    for low in range(int(np.floor(mass.min())), int(np.ceil(mass.max()))):
        rows = (mass >= low) & (mass < low + 1)
        if rows.sum() >= fewest and np.unique(halos.group[rows]).size > 1:
            of_draws = lambda name: mean_of([one.accuracy(name, np.tile(rows, 2)) for one in each])
            bins.append({"log_halo_mass": [low, low + 1], "galaxies": int(rows.sum()), **{name: of_draws(name) for name in CLASSIFIERS}})
    return bins


# ---- Perturbations of known size ----

def main_scalar(properties):
    return "log_stellar_mass" if "log_stellar_mass" in properties.scalars else next(iter(properties.scalars))


def shifted(properties, residuals, rng):
    name = main_scalar(properties)
    return Properties({**properties.scalars, name: properties.scalars[name] + 0.05}, properties.axes, properties.spin)


def widened(properties, residuals, rng):
    name = main_scalar(properties)
    wider = residuals.mean[name] + 1.3 * (properties.scalars[name] - residuals.mean[name])
    return Properties({**properties.scalars, name: wider}, properties.axes, properties.spin)


def disordered(properties, residuals, rng):
    """A third of the orientations isotropic: alignments weaker by a third."""
    axes, spin = properties.axes, properties.spin
    turned = rng.random(properties.rows()) < 1 / 3
    random = np.linalg.qr(rng.normal(size=(properties.rows(), 3, 3)))[0]
    if axes is not None:
        axes = np.where(turned[:, None, None] & np.isfinite(axes), random, axes)
    if spin is not None:
        spin = np.where(turned[:, None] & np.isfinite(spin), random[:, :, 0] * rng.choice([-1, 1], (len(spin), 1)), spin)
    return Properties(properties.scalars, axes, spin)


PERTURBATIONS = {"shift": ("stellar mass + 0.05 dex", shifted), "scatter": ("its scatter x 1.3", widened),
                 "orientation": ("a third of the orientations isotropic", disordered)}


# ---- The test ----

def halves(halos, truth, seed):
    """A galaxy of one half of the host halos beside one of the other, for a null without a second draw: rows a, rows b."""
    half = fold_of(halos.group, 2, seed)
    a, b = np.flatnonzero(half == 0), np.flatnonzero(half == 1)
    n = min(len(a), len(b))
    return a[:n], b[:n]


@threadpool_limits.wrap(limits=1)  # many small fits: threads would only wait for each other
def held_out_residuals(pair, folds=FOLDS, seed=0):
    """Of the held-out rows of a Pair; every true galaxy of other groups is regressed on."""
    return Residuals(pair.halos.input_matrix(), pair.truth.scalars, pair.halos.group, np.flatnonzero(pair.held_out), folds, seed)


@threadpool_limits.wrap(limits=1)
def two_sample(pair, residuals=None, perturbations=("shift",), folds=FOLDS, seed=0, part=None):
    """The accuracies of all draws of a Pair on its held-out rows, their null and perturbations; residuals: where they are there already.
    part: Properties -> [n] which rows to compare; true and painted galaxies are chosen by their own values."""
    if not pair.draws:
        raise BadTable("nothing was painted; give at least one draw")
    held = np.flatnonzero(pair.held_out)
    residuals = residuals or held_out_residuals(pair, folds, seed)
    halos, truth, draws = pair.halos.select(held), pair.truth.select(held), [draw.select(held) for draw in pair.draws]
    features = lambda properties: features_of(halos, properties, residuals)
    rng = np.random.default_rng(seed)

    part = part or (lambda properties: np.ones(properties.rows(), bool))

    def told_apart(a, b, seed=seed):
        rows_a, rows_b = part(a), part(b)
        return Guesses(features(a)[rows_a], features(b)[rows_b], (halos.group[rows_a], halos.group[rows_b]), folds, seed)

    def counted(a, b):
        return pqmass(*(drawn_features(halos, p, residuals)[part(p)] for p in (a, b)), seed=seed)

    each = [told_apart(truth, draw, seed + 100 * k) for k, draw in enumerate(draws)]
    same_rows = all(np.array_equal(part(truth), part(draw)) for draw in draws)
    result = {"galaxies": int(part(truth).sum()), "groups": int(np.unique(halos.group[part(truth)]).size), "draws": len(draws), "folds": folds,
              "c2st": {name: mean_of([one.accuracy(name) for one in each]) for name in CLASSIFIERS},
              "c2st_by_halo_mass": by_halo_mass(halos.select(part(truth)), each) if same_rows else [],
              "pqmass": {"painted": float(np.mean([counted(truth, draw) for draw in draws])), "perturbed": {}}}
    base = draws[0]
    if len(draws) > 1:
        result["null_kind"] = "two draws of the painter"
        other, compare = draws[1], told_apart
        result["pqmass"]["null"] = counted(base, other)
    else:
        result["null_kind"] = "two halves of the truth"
        a, b = (rows[part(truth)[rows]] for rows in halves(halos, truth, seed))
        base = other = truth
        compare = lambda p, q: Guesses(features(p)[a], features(q)[b], (halos.group[a], halos.group[b]), folds, seed)
    show = lambda guesses: {name: dict(zip(("accuracy", "error"), guesses.accuracy(name))) for name in CLASSIFIERS}
    result["null"] = show(compare(base, other))
    result["perturbed"] = {}
    for name in perturbations:
        text, change = PERTURBATIONS[name]
        if name in ("shift", "scatter") and not truth.scalars or name == "orientation" and truth.axes is None and truth.spin is None:
            continue
        changed = change(other, residuals, rng)
        result["perturbed"][name] = {"what": text, **show(compare(base, changed))}
        if len(draws) > 1:
            result["pqmass"]["perturbed"][name] = counted(base, changed)
    return result


def mean_of(values):
    """Draws share the truth and the halos: their mean has the error of one."""
    accuracies, errors = np.array(values).T
    return {"accuracy": float(accuracies.mean()), "error": float(errors.mean()), "each": accuracies.tolist()}


def lines_of(result):
    show = lambda part: " / ".join(f"{part[name]['accuracy']:.3f} +- {part[name]['error']:.3f}" for name in CLASSIFIERS)
    yield f"C2ST, boosted trees / MLP: {result['galaxies']} galaxies in {result['groups']} host halos, {result['draws']} draw(s), {result['folds']} folds"
    yield f"  painted against true   {show(result['c2st'])}"
    for part in result["c2st_by_halo_mass"]:
        low, high = part["log_halo_mass"]
        yield f"    log halo mass {low}-{high}   {show(part)}   ({part['galaxies']} galaxies)"
    yield f"  null                   {show(result['null'])}   ({result['null_kind']})"
    for name, part in result["perturbed"].items():
        yield f"  perturbed: {name:11s} {show(part)}   ({part['what']})"
    other = [f"{name} {value:.2f}" for name, value in {"null": result["pqmass"].get("null"), **result["pqmass"]["perturbed"]}.items() if value is not None]
    yield f"PQMass, chi2 per degree of freedom: painted against true {result['pqmass']['painted']:.2f}" + "".join(f", {text}" for text in other)


def main():
    parser = argparse.ArgumentParser("halobrush-two-sample", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", help="catalog of true galaxies, for example a mock")
    parser.add_argument("painted", nargs="+", help="draws of one painter with different seeds")
    parser.add_argument("--halos", help="canonical halo catalog with more inputs and directions (halobrush convert)")
    parser.add_argument("--inputs", default="", help="columns of TRUTH that are inputs too")
    parser.add_argument("--outputs", default="", help="scalars to compare (default: all that every file has)")
    parser.add_argument("--perturbations", default="shift", help="of shift,scatter,orientation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", help="file for the numbers")
    arguments = parser.parse_args()
    words = lambda text: [word for word in text.split(",") if word]
    try:
        pair = read_pair(arguments.truth, arguments.painted, words(arguments.outputs), words(arguments.inputs), arguments.halos)
        start = time.process_time()
        result = two_sample(pair, None, words(arguments.perturbations), seed=arguments.seed)
    except BadTable as problem:
        sys.exit(f"halobrush-two-sample: error: {problem}")
    result["cpu_seconds"] = time.process_time() - start
    print("\n".join(lines_of(result)))
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
