"""The figure of a calibration: reads DIR/calibration.json of halobrush calibrate and writes DIR/calibration.png.

example: halobrush-plot-calibration out/calibration
"""
import argparse
import json
import pathlib

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# Okabe & Ito's colours; markers and line styles tell the curves apart in print.
BLACK, RED, BLUE = "#000000", "#D55E00", "#0072B2"
NAMES = {"ed": "ω(r)", "ee": "η(r)", "wgplus": "$w_{g+}$ [Mpc/h]", "wgcross": "$w_{g×}$ [Mpc/h]", "wpp": "$w_{++}$ [Mpc/h]"}
plt.rcParams.update({"font.size": 11, "axes.grid": True, "grid.alpha": 0.3, "legend.frameon": False, "figure.constrained_layout.use": True, "savefig.dpi": 130})


def draw_vector(axis, name, t):
    r = np.array(t["r"])
    scale = r if name.startswith("w") else np.ones_like(r)
    axis.errorbar(r, scale * t["value"], scale * t["error"], fmt="o", color=BLACK, markersize=4, label="target")
    fitted, error = scale * np.array(t["fitted"]), scale * np.array(t["fitted_error"])
    axis.plot(r, fitted, color=RED, label="fitted")
    axis.fill_between(r, fitted - error, fitted + error, color=RED, alpha=0.2, linewidth=0)
    axis.plot(r, scale * t["start"], color=BLUE, linestyle="--", label="at the start")
    axis.axhline(0, color=BLACK, linewidth=0.6)
    statistic, _, sample = name.partition(":")
    label = NAMES.get(statistic.split("_")[0], statistic)
    axis.set(xscale="log", xlabel="r [Mpc/h]", ylabel=f"r × {label}" if name.startswith("w") else label, title=f"{statistic}, {sample or 'all'}")


def draw_amplitudes(axis, amplitudes):
    for i, (name, a) in enumerate(amplitudes.items()):
        first = i == 0
        axis.plot(i, a["wanted"], "o", color=BLACK, label="wanted" if first else None)
        axis.errorbar(i, a["fitted"], a["fitted_error"], fmt="s", color=RED, fillstyle="none", markersize=9, label="fitted" if first else None)
        axis.plot(i, a["start"], "^", color=BLUE, label="at the start" if first else None)
    axis.set(xticks=range(len(amplitudes)), xticklabels=list(amplitudes), ylabel="$A_1$", xlim=(-0.5, len(amplitudes) - 0.5))


def main():
    parser = argparse.ArgumentParser("halobrush-plot-calibration", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", type=pathlib.Path, help="folder of halobrush calibrate")
    folder = parser.parse_args().folder
    found = json.loads((folder / "calibration.json").read_text())
    panels = len(found["targets"]) + bool(found["a_1"])
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.4 * columns, 3.6 * rows), squeeze=False)
    axes = list(axes.flat)
    for axis in axes[panels:]:
        axis.set_axis_off()
    for axis, (name, target) in zip(axes, found["targets"].items()):
        draw_vector(axis, name, target)
    if found["a_1"]:
        draw_amplitudes(axes[panels - 1], found["a_1"])
    axes[0].legend()
    figure.suptitle(", ".join(f"{name} = {s['value']:.3g} ± {s['error']:.2g}" for name, s in found["strengths"].items()), fontsize=11)
    figure.savefig(folder / "calibration.png")


if __name__ == "__main__":
    main()
