#!/usr/bin/env python3
"""Draws rotations on the sphere: where the first axis R e_x points, and as colour how the body is turned about it.

  plot_rotations.py OUT.png TITLE=FILE.hdf5[:DATASET[:INDEX]] ...     panels in rows of two; DATASET is R by default

INDEX picks one set of a dataset [sets,n,3,3]."""

import math
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

LARGEST = 4000  # points a panel


def read(place):
    path, *rest = place.split(":")
    dataset = rest[0] if rest else "R"
    with h5py.File(path) as f:
        return (f[dataset][int(rest[1])] if len(rest) > 1 else f[dataset][:])[:LARGEST]


def angles(rotations):
    """Longitude and latitude of R e_x, and the tilt about it, rad: R = Rz(longitude) Ry(-latitude) Rx(tilt)."""
    r = rotations
    longitude = np.arctan2(r[:, 1, 0], r[:, 0, 0])
    latitude = np.arcsin(np.clip(r[:, 2, 0], -1, 1))
    return longitude, latitude, np.arctan2(r[:, 2, 1], r[:, 2, 2])


def panel(axes, title, rotations):
    longitude, latitude, tilt = angles(rotations)
    points = axes.scatter(longitude, latitude, c=tilt, s=2, cmap="twilight", vmin=-math.pi, vmax=math.pi, linewidths=0)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.set_xticklabels([])
    axes.set_yticklabels([])
    return points


def main():
    if len(sys.argv) < 3 or any("=" not in a for a in sys.argv[2:]):
        sys.exit(__doc__)
    panels = [a.split("=", 1) for a in sys.argv[2:]]
    rows = math.ceil(len(panels) / 2)
    figure, axes = plt.subplots(
        rows, 2, figsize=(8, 2.1 * rows + 0.5), squeeze=False, subplot_kw={"projection": "mollweide"}, layout="constrained"
    )
    for a in axes.flat[len(panels) :]:
        a.remove()
    for a, (title, place) in zip(axes.flat, panels):
        points = panel(a, title, read(place))
    bar = figure.colorbar(points, ax=axes, shrink=0.5, ticks=[-math.pi, 0, math.pi], label="tilt about the axis [rad]")
    bar.ax.set_yticklabels(["−π", "0", "π"])
    figure.savefig(sys.argv[1], dpi=150)


if __name__ == "__main__":
    main()
