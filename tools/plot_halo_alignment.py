"""Alignment of halos' major axes with where other halos are, beside published curves of galaxies.

plot_halo_alignment.py BENCH_STATISTICS OUT.png [--published FOLDER]    BENCH_STATISTICS: the program of bench/
The halos are those of data/demo with 500 particles or more; FOLDER holds TNG300-1 tables `r ed err` (Campbell et al.).
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import matplotlib
import numpy as np

from make_benchmark_catalog import HALOS, read_halos

matplotlib.use("Agg")
import matplotlib.pyplot as plt

SIDE, PARTICLES, R_MAX, PI_MAX, JACKKNIFE = 150.0, 500, 31.6, 60, 3


def measure(program):
    halos = read_halos(HALOS)
    axis = np.stack([halos[f"A[{k}]"] for k in "xyz"], -1)
    length = np.linalg.norm(axis, axis=1)
    kept = (halos["Np"] >= PARTICLES) & (length > 0)
    pos = np.stack([halos["X"], halos["Y"], halos["Z"]], -1)[kept] % SIDE
    axis = axis[kept] / length[kept, None]
    with tempfile.NamedTemporaryFile() as rows:
        np.concatenate([pos, axis, np.zeros((len(pos), 2))], 1).tofile(rows.name)
        done = subprocess.run([program, rows.name, str(SIDE), "sums", str(R_MAX), str(PI_MAX), str(JACKKNIFE)],
                              capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return len(pos), json.loads(done.stdout)["statistics"]["ed_A"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("out")
    parser.add_argument("--published", type=pathlib.Path, default=pathlib.Path("../shared/data/ia_vectors/campbell_tng300"))
    a = parser.parse_args()
    halos, ed = measure(a.program)
    value, error, pairs = (np.array(ed[k], dtype=float) for k in ("value", "error", "pairs"))
    r = np.sqrt(np.multiply(ed["edges"][1:], ed["edges"][:-1]))
    shown = (pairs >= 20) & (error > 0)

    figure, axes = plt.subplots(figsize=(7, 5), constrained_layout=True)
    for sample, colour, dash in ((1, "#0072b2", "-"), (2, "#009e73", "--"), (3, "#cc79a7", ":")):
        table = a.published / f"TNG300-1_99-sample_{sample}_ed.dat"
        if table.exists():
            x, y, _ = np.loadtxt(table, skiprows=1).T
            axes.plot(x, y, color=colour, linestyle=dash, label=f"TNG300-1 galaxies, sample {sample}")
    axes.errorbar(r[shown], value[shown], error[shown], fmt="o", color="black", capsize=2,
                  label=f"major axes of {halos} N-body halos (≥ {PARTICLES} particles)")
    axes.set(xscale="log", yscale="log", xlabel="r [Mpc/h]", ylabel="ω(r) = ⟨cos²⟩ − 1/3", ylim=(3e-4, 0.8),
             title="Alignment of orientation with direction to neighbours, z = 0")
    axes.legend(frameon=False)
    figure.savefig(a.out, dpi=110)
    for row in zip(r, value, error, pairs):
        print("r {:7.3f}  omega {:9.5f} +- {:8.5f}  pairs {:.0f}".format(*row))
    fitted = shown & (value > 0) & (r > 1)
    print("slope of log omega against log r above 1 Mpc/h: {:.2f}".format(np.polyfit(np.log(r[fitted]), np.log(value[fitted]), 1)[0]))


if __name__ == "__main__":
    main()
