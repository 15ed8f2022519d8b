"""A slice of a mock around its most massive halo: galaxies as ellipses (projected shape and orientation, coloured by g - r) over the halo
mass, seen along z.

example: halobrush-slice mock.hdf5 --out slice.png --depth 15 --side 50
"""
import argparse
import sys

import numpy as np
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from halobrush.mock import open_mock
from halobrush.tables import BadTable, offsets

COLUMNS = ("halo_mass", "log_stellar_mass", "color_gr", "ellipticity_1", "ellipticity_2")


def draw_slice(mock, depth=15.0, side=50.0):
    """The picture as a matplotlib Figure. depth (along z) and side (of the square) are in comoving Mpc/h. Galaxies of log10 M* > 10.3
    [Msun] are drawn."""
    if lacking := [name for name in COLUMNS if name not in mock]:
        raise BadTable(f"{mock.path}: has no column '{lacking[0]}', which the picture needs; paint with a model that has it")
    position = mock.vectors("position")
    # Around the heaviest halo, across the box's edges, so that there is something to see.
    position = offsets(position, position[np.argmax(mock["halo_mass"])], mock.box)
    inside = np.abs(position[:, 2]) < depth / 2
    g = {name: mock[name][inside] for name in COLUMNS} | dict(zip("xyz", position[inside].T))
    half = side / 2
    extent = (-half, half, -half, half)
    mass, _, _ = np.histogram2d(g["x"], g["y"], bins=300, range=(extent[:2], extent[2:]), weights=g["halo_mass"])
    figure = Figure(figsize=(8, 7.2), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(np.log10(gaussian_filter(mass.T, 6) + 1e9), origin="lower", extent=extent, cmap="Greys", aspect="equal")

    seen = (g["x"] > extent[0]) & (g["x"] < extent[1]) & (g["y"] > extent[2]) & (g["y"] < extent[3]) & (g["log_stellar_mass"] > 10.3)
    e = np.hypot(g["ellipticity_1"], g["ellipticity_2"])[seen]
    angle = 0.5 * np.degrees(np.arctan2(g["ellipticity_2"], g["ellipticity_1"]))[seen]
    length = 0.55 * 10 ** (0.35 * (g["log_stellar_mass"][seen] - 10.5))
    ellipses = EllipseCollection(length, length * (1 - e) / (1 + e), angle, units="xy", offsets=np.stack([g["x"][seen], g["y"][seen]], 1),
                                 offset_transform=axes.transData, cmap="cividis", edgecolor="black", linewidth=0.3)
    ellipses.set_array(g["color_gr"][seen])
    ellipses.set_clim(0.35, 0.85)
    axes.add_collection(ellipses)
    figure.colorbar(ellipses, label="g − r", shrink=0.8)
    axes.set(xlim=extent[:2], ylim=extent[2:], xlabel="x − x of the heaviest halo [Mpc/h]", ylabel="y − y of the heaviest halo [Mpc/h]",
             title=f"{seen.sum()} galaxies with log M* > 10.3 in a slice of {depth:g} Mpc/h; grey: halo mass")
    return figure


def main():
    parser = argparse.ArgumentParser("halobrush-slice", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mock", help="HDF5 file that halobrush paint wrote")
    parser.add_argument("--out", required=True, help="file of the picture: .png, .pdf or .svg")
    parser.add_argument("--depth", type=float, default=15, help="thickness along z in comoving Mpc/h")
    parser.add_argument("--side", type=float, default=50, help="side of the square in comoving Mpc/h")
    arguments = parser.parse_args()
    try:
        figure = draw_slice(open_mock(arguments.mock), arguments.depth, arguments.side)
    except BadTable as problem:
        sys.exit(f"halobrush-slice: error: {problem}")
    figure.savefig(arguments.out, dpi=110)


if __name__ == "__main__":
    main()
