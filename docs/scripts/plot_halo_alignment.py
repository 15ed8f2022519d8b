"""Alignment of halos' major axes with where other halos are, beside published curves of galaxies.

plot_halo_alignment.py BENCH_STATISTICS OUT.png [--published FOLDER]    BENCH_STATISTICS: the program of bench/
The halos are those of data/demo; FOLDER holds TNG300-1 tables `r ed err` and `r xi err` (Campbell et al.).
Prints omega, and the fits of omega = A (r / 10 Mpc/h)^-s above R_FIT to each curve: by chi^2 with the covariance of a jackknife for the
halos, with the published errors for the galaxies.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import matplotlib
import numpy as np
from scipy.optimize import curve_fit

from common.demo import HALOS
from halobrush.rockstar import read_list

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SIDE, R_MAX, PI_MAX, JACKKNIFE, R_FIT, R_PIVOT = 150.0, 31.6, 60, 3, 3.0, 10.0
# particles of the halos with axes, and fewest of their neighbours
SAMPLES = {"halos, ≥ 500 particles, about each other": (500, np.inf, 500, "black", "o"),
           "the same about halos ≥ 100": (500, np.inf, 100, "#0072b2", "s"),
           "halos, 200–500 particles, about halos ≥ 100": (200, 500, 100, "#009e73", "^"),
           "halos, 100–200 particles, about halos ≥ 100": (100, 200, 100, "#d55e00", "v")}
GALAXIES = {1: ("0.25", "-"), 2: ("0.5", "--"), 3: ("0.7", ":")}


class Curve:
    def __init__(self, r, omega, error, covariance=None):
        self.r, self.omega, self.error, self.covariance = r, omega, error, covariance

    def fit(self):
        """(A, error), (s, error)."""
        rows = np.flatnonzero((self.r > R_FIT) & np.isfinite(self.omega))
        sigma = self.error[rows] if self.covariance is None else self.covariance[np.ix_(rows, rows)]
        law = lambda r, a, s: a * (r / R_PIVOT) ** -s
        best, spread = curve_fit(law, self.r[rows], self.omega[rows], (0.02, 0.8), sigma, absolute_sigma=True)
        return tuple(zip(best, np.sqrt(np.diag(spread))))


def measure(program, halos, low, high, fewest):
    axis = np.stack([halos[f"A[{k}]"] for k in "xyz"], -1)
    length = np.linalg.norm(axis, axis=1)
    shaped = (halos["Np"] >= low) & (halos["Np"] < high) & (length > 0)
    axis = np.where(shaped[:, None], axis / np.where(length > 0, length, 1)[:, None], 0)
    kept = shaped | (halos["Np"] >= fewest)
    pos = np.stack([halos["X"], halos["Y"], halos["Z"]], -1) % SIDE
    with tempfile.NamedTemporaryFile() as rows:
        np.concatenate([pos, axis, np.zeros((len(pos), 2))], 1)[kept].tofile(rows.name)
        done = subprocess.run([program, rows.name, str(SIDE), "ed_A,xi", str(R_MAX), str(PI_MAX), str(JACKKNIFE)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)["statistics"]
    ed = {k: np.array(v, dtype=float) for k, v in found["ed_A"].items()}
    print(f"{shaped.sum()} halos of {low}-{high} particles about {kept.sum()}; xi", np.round(np.array(found["xi"]["value"][-6:], float), 3))
    for row in zip(ed["edges"], ed["value"], ed["error"], ed["pairs"]):
        print("  r > {:7.3f}  omega {:9.5f} +- {:8.5f}  pairs {:.0f}".format(*row))
    bins = len(ed["value"])
    few = (ed["pairs"] < 20) | ~(ed["error"] > 0)
    return Curve(np.sqrt(ed["edges"][1:] * ed["edges"][:-1]), np.where(few, np.nan, ed["value"]), ed["error"], ed["covariance"].reshape(bins, bins))


def published(folder, sample):
    return Curve(*np.loadtxt(folder / f"TNG300-1_99-sample_{sample}_ed.dat", skiprows=1).T)


def say(name, curve):
    (a, da), (s, ds) = curve.fit()
    print(f"{name}: omega(10 Mpc/h) = {a:.4f} +- {da:.4f}, slope {s:.2f} +- {ds:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("out")
    parser.add_argument("--published", type=pathlib.Path)
    a = parser.parse_args()
    halos = read_list(HALOS)
    figure, axes = plt.subplots(figsize=(7.5, 6), constrained_layout=True)
    for sample, (grey, dash) in GALAXIES.items():
        if not a.published:
            continue
        curve = published(a.published, sample)
        axes.plot(curve.r, curve.omega, color=grey, linestyle=dash, linewidth=2, label=f"TNG300-1 galaxies, sample {sample} (published)")
        axes.fill_between(curve.r, curve.omega - curve.error, curve.omega + curve.error, color=grey, alpha=0.25, linewidth=0)
        say(f"TNG300-1 sample {sample}", curve)
    for k, (label, (low, high, fewest, colour, marker)) in enumerate(SAMPLES.items()):
        curve = measure(a.program, halos, low, high, fewest)
        axes.errorbar(curve.r * 1.03 ** (k - 1.5), curve.omega, curve.error, fmt=marker, color=colour, capsize=2, label=label)
        say(label, curve)
    axes.set(xscale="log", yscale="log", xlabel="r [Mpc/h]", ylabel="ω(r) = ⟨cos²⟩ − 1/3", ylim=(3e-5, 0.9),
             title="Alignment of major axes with the direction to neighbours, z = 0")
    axes.legend(frameon=False, fontsize=9, loc="lower left")
    figure.savefig(a.out, dpi=110)


if __name__ == "__main__":
    main()
