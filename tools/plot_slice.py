"""A slice of a mock: galaxies as ellipses (projected shape and orientation, coloured by g-r) over the halo mass.

plot_slice.py MOCK OUT.png [--depth 15] [--side 50]    lengths in Mpc/h
"""
import argparse

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.collections import EllipseCollection
from scipy.ndimage import gaussian_filter


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mock")
    parser.add_argument("out")
    parser.add_argument("--depth", type=float, default=15)
    parser.add_argument("--side", type=float, default=50)
    a = parser.parse_args()
    with h5py.File(a.mock) as f:
        names = ("x", "y", "z", "halo_mass", "log_stellar_mass", "color_gr", "ellipticity_1", "ellipticity_2")
        g = {name: f[f"data/{name}"][()] for name in names}
        box = np.subtract(f["header/file"].attrs["region_p2"], f["header/file"].attrs["region_p1"])

    # Around the heaviest halo, across the box's edges, so that there is something to see.
    heaviest = np.argmax(g["halo_mass"])
    for side, name in zip(box, "xyz"):
        d = g[name] - g[name][heaviest]
        g[name] = d - side * np.round(d / side)
    g = {name: values[np.abs(g["z"]) < a.depth / 2] for name, values in g.items()}
    half = a.side / 2
    extent = (-half, half, -half, half)
    mass, _, _ = np.histogram2d(g["x"], g["y"], bins=300, range=(extent[:2], extent[2:]), weights=g["halo_mass"])
    figure, axes = plt.subplots(figsize=(8, 7.2), constrained_layout=True)
    axes.imshow(np.log10(gaussian_filter(mass.T, 6) + 1e9), origin="lower", extent=extent, cmap="Greys", aspect="equal")

    seen = (g["x"] > extent[0]) & (g["x"] < extent[1]) & (g["y"] > extent[2]) & (g["y"] < extent[3]) & (g["log_stellar_mass"] > 10.3)
    e = np.hypot(g["ellipticity_1"], g["ellipticity_2"])[seen]
    angle = 0.5 * np.degrees(np.arctan2(g["ellipticity_2"], g["ellipticity_1"]))[seen]
    length = 0.55 * 10 ** (0.35 * (g["log_stellar_mass"][seen] - 10.5))
    ellipses = EllipseCollection(length, length * (1 - e) / (1 + e), angle, units="xy", offsets=np.stack([g["x"][seen], g["y"][seen]], 1),
                                 transOffset=axes.transData, cmap="cividis", edgecolor="black", linewidth=0.3)
    ellipses.set_array(g["color_gr"][seen])
    ellipses.set_clim(0.35, 0.85)
    axes.add_collection(ellipses)
    figure.colorbar(ellipses, label="g − r", shrink=0.8)
    axes.set(xlim=extent[:2], ylim=extent[2:], xlabel="x − x of the heaviest halo [Mpc/h]", ylabel="y − y of the heaviest halo [Mpc/h]",
             title=f"{seen.sum()} galaxies with log M* > 10.3 in a slice of {a.depth:g} Mpc/h; grey: halo mass")
    figure.savefig(a.out, dpi=110)


main()
