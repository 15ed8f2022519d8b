"""Can a classifier tell two sets of rotations apart? It prints its accuracy, 0.5 where it cannot.

strong: boosted trees, and a perceptron 128x3, on the nine entries of R; 2 folds; both sides first turned by 0.02 rad at
random, without which a sheet that is thin to the last bit betrays itself. log: the measure of Jagvaral et al. 2024
(arXiv:2312.11707): a perceptron 30x30 on log R, the first 5,000 of each, 5 folds; blind to 0.02 rad of noise.

example: halobrush-rotation-two-sample a.hdf5 b.hdf5 --measure log
"""
import argparse
import sys
import warnings

import h5py
import numpy as np
from scipy.spatial.transform import Rotation
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

JITTER_RAD = 0.02


def read(path):
    with h5py.File(path) as f:
        return f["R"][:]


def jittered(rotations, random):
    noise = Rotation.from_rotvec(random.normal(0, JITTER_RAD, (len(rotations), 3)))
    return rotations @ noise.as_matrix()


def accuracy(classifier, a, b, folds, seed):
    """Mean accuracy on held-out folds of telling the rows of a from as many of b."""
    n = min(len(a), len(b))
    x, y = np.concatenate([a[:n], b[:n]]), np.repeat([0, 1], n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return cross_val_score(classifier, x, y, cv=StratifiedKFold(folds, shuffle=True, random_state=seed)).mean()


def log_score(a, b, seed=1):
    """The authors' measure."""
    logs = [Rotation.from_matrix(r[:5000]).as_rotvec() for r in (a, b)]
    perceptron = MLPClassifier((30, 30), max_iter=500, random_state=seed)
    return {"log": accuracy(perceptron, *logs, folds=5, seed=seed)}


def strong_score(a, b, seed=1):
    random = np.random.default_rng(seed)
    entries = [jittered(r, random).reshape(len(r), 9).astype(np.float32) for r in (a, b)]
    trees = HistGradientBoostingClassifier(max_iter=200, early_stopping=True, random_state=seed)
    perceptron = make_pipeline(
        StandardScaler(),
        MLPClassifier((128, 128, 128), batch_size=500, learning_rate_init=2e-3, max_iter=40, random_state=seed),
    )
    return {
        "trees": accuracy(trees, *entries, folds=2, seed=seed),
        "perceptron": accuracy(perceptron, *entries, folds=2, seed=seed),
    }


def main():
    parser = argparse.ArgumentParser("halobrush-rotation-two-sample", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a", help="HDF5 file with a dataset R [n,3,3] of rotation matrices")
    parser.add_argument("b", help="another")
    parser.add_argument("--measure", choices=["strong", "log"], default="strong")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        a, b = read(arguments.a), read(arguments.b)
    except (OSError, KeyError) as error:
        sys.exit(f"halobrush-rotation-two-sample: error: {error}")
    score = {"strong": strong_score, "log": log_score}[arguments.measure](a, b, arguments.seed)
    print(" ".join(f"{name} {value:.4f}" for name, value in score.items()))


if __name__ == "__main__":
    main()
