"""The figure of a model card: loss curves, and a painted mock beside the catalog that the model was trained on (the same halos).

example: halobrush-model-card truth.hdf5 painted.hdf5 model.safetensors.losses.csv --out model.png
"""
import argparse
import sys

import matplotlib
import numpy as np

from halobrush.mock import open_mock
from halobrush.tables import BadTable, unit

matplotlib.use("Agg")
import matplotlib.pyplot as plt

BLUE, ORANGE = "#0072B2", "#D55E00"
BINS = np.linspace(9.8, 11.6, 10)
SCALARS = ("log_stellar_mass", "color_gr", "log_size", "log_ssfr", "disc_fraction", "b_to_a", "c_to_a", "ellipticity_1")


def known(truth, painted, name):
    """Values of a scalar: of the truth where it is known, of the paint where the truth's galaxy has it (a disc: above 1e9 Msun)."""
    if f"{name}_known" not in truth:
        return truth[name], painted[name]
    heavy = painted["log_stellar_mass"] > 9 if name == "disc_fraction" else np.ones(len(painted[name]), bool)
    return truth[name][truth[f"{name}_known"].astype(bool)], painted[name][heavy]


def radial_alignment(mock):
    """Satellites: (major axis . direction to the host's galaxy)^2 and log M* in Msun."""
    offset = mock.offsets_from_hosts()
    satellite = ~mock["is_central"].astype(bool) & np.isfinite(offset).all(1)
    return np.sum(mock.vectors("galaxy_axisA") * unit(offset), 1)[satellite] ** 2, mock["log_stellar_mass"][satellite]


def binned(values, by):
    which = np.digitize(by, BINS) - 1
    parts = [values[which == k] for k in range(len(BINS) - 1)]
    return (np.array([p.mean() if p.size > 4 else np.nan for p in parts]),
            np.array([p.std() / np.sqrt(p.size) if p.size > 4 else np.nan for p in parts]))


def main():
    parser = argparse.ArgumentParser("halobrush-model-card", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", help="catalog that the model learned from")
    parser.add_argument("painted", help="mock of the same halos")
    parser.add_argument("losses", help="table of losses that halobrush train wrote beside the model")
    parser.add_argument("--out", required=True, help="file of the figure")
    arguments = parser.parse_args()
    out = arguments.out
    try:
        truth, painted = open_mock(arguments.truth), open_mock(arguments.painted)
    except BadTable as problem:
        sys.exit(f"halobrush-model-card: error: {problem}")
    losses = np.genfromtxt(arguments.losses, delimiter=",", names=True)
    figure, axes = plt.subplots(2, 4, figsize=(15, 6.6), constrained_layout=True)
    axes = axes.ravel()
    axes[0].plot(losses["step"], losses["training_loss"], color=BLUE, ls="--", label="training")
    axes[0].plot(losses["step"], losses["validation_loss"], color=ORANGE, label="held-out hosts")
    axes[0].set(xlabel="step", ylabel="loss")
    axes[0].legend()
    ellipsoid = "galaxy_axisA_x" in truth
    names = [name for name in SCALARS if name in truth and np.isfinite(painted[name]).all()]
    for axis, name in zip(axes[1:], names):
        real, drawn = known(truth, painted, name)
        bins = np.linspace(*np.percentile(real, (0.1, 99.9)), 50)
        axis.hist(real, bins, density=True, histtype="stepfilled", color=BLUE, alpha=0.35, label="truth")
        axis.hist(drawn, bins, density=True, histtype="step", color=ORANGE, lw=1.6, label="painted, another seed")
        axis.set(xlabel=name, yticks=[])
    axes[1].legend()
    if not ellipsoid:
        for axis in axes[1 + len(names):]:
            axis.remove()
        figure.savefig(out, dpi=90)
        return
    for shift, (mock, colour, label) in zip((-0.01, 0.01), ((truth, BLUE, "truth"), (painted, ORANGE, "painted"))):
        mean, error = binned(*radial_alignment(mock))
        axes[7].errorbar(0.5 * (BINS[1:] + BINS[:-1]) + shift, mean, error, color=colour, marker="o", ms=4, label=label)
    axes[7].axhline(1 / 3, color="grey", lw=0.8)
    axes[7].set(xlabel="log M*", ylabel="satellites: <(major axis . radius)^2>")
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    main()
