"""What light cones lose where images of the box and snapshots meet, and w_g+ on the sky beside that of the box: the tables of docs/results/lightcone.md.

lightcone_checks.py --mock MOCK --snapshots MOCK... [--lists LIST...] [--work out/lightcone-checks]

MOCK: of a cubic box. Snapshots: painted lists of one simulation, the earliest first, and these LISTs of Rockstar, whose column DescID tells which halo each becomes in the next. A minute on one core.
"""
import argparse
import json
import pathlib

import h5py
import numpy as np
import treecorr
from scipy.spatial import cKDTree

from common import ROOT
from common.program import run, sets


AXIS_TEXT = "lightcone.centre=[40, 30]"
AXIS = np.array([np.cos(np.radians(30)) * np.cos(np.radians(40)), np.cos(np.radians(30)) * np.sin(np.radians(40)), np.sin(np.radians(30))])


def columns(path):
    with h5py.File(path) as file:
        return {name: column[()] for name, column in file["data"].items()}


def places(table):
    return np.stack([table[k] for k in "xyz"], 1)


def side_of(path):
    with h5py.File(path) as file:
        return file["provenance/simulation"].attrs["box"][0]


def light_cone(out, snapshots, *settings):
    run("lightcone", "config/lightcone.yaml", "--overwrite", "--out", out,
        *sets([f"lightcone.snapshots=[{','.join(map(str, snapshots))}]", "lightcone.beyond=true", *settings]))
    return columns(ROOT / out)


def faces(mock, work):
    """Neighbours of each galaxy in the light cone beside those in the periodic box, near the faces of images and away from them."""
    side, box = side_of(mock), columns(mock)
    row = {galaxy: i for i, galaxy in enumerate(box["galaxy_id"])}
    periodic = cKDTree(np.mod(places(box), side), boxsize=side)
    print(f"\n| images | within Mpc/h | neighbours of galaxies nearer to a face than that: in the light cone / in the box | of others | galaxies with another number |\n|---|---|---|---|---|")
    for turned in ("false", "true"):
        cone = light_cone(work / "faces.hdf5", [mock], "lightcone.redshift=[0.03, 0.11]", "lightcone.sky=cone", AXIS_TEXT, "lightcone.radius=25", f"lightcone.turn={turned}")
        here = places(cone)
        tree, distance = cKDTree(here), cone["chi"]
        to_edge = np.minimum(distance - distance.min(), distance.max() - distance)
        to_edge = np.minimum(to_edge, distance * np.sin(np.maximum(np.radians(25) - np.arccos(np.clip(here @ AXIS / distance, -1, 1)), 0)))
        to_face = np.min(np.minimum(np.mod(here, side), side - np.mod(here, side)), axis=1)  # the observer is in a corner
        original = np.array([row[galaxy] for galaxy in cone["snapshot_galaxy_id"]])
        for radius in (1, 5):
            inner = np.flatnonzero(to_edge > radius + 0.1)
            ours = tree.query_ball_point(here[inner], radius, return_length=True)
            theirs = periodic.query_ball_point(np.mod(places(box)[original[inner]], side), radius, return_length=True)
            near = to_face[inner] < radius
            print(f"| {'turned' if turned == 'true' else 'as they are'} | {radius} | {ours[near].sum() / theirs[near].sum():.4f} | {ours[~near].sum() / theirs[~near].sum():.4f} | "
                  f"{np.sum(ours != theirs)} of {len(inner)} |")


def redshift_of(path):
    with h5py.File(path) as file:
        return 1 / file["provenance/simulation"].attrs["scale_factor"] - 1


def moved(early, late, list_of_early, side):
    """Places of the halos of one snapshot, and where they are in the next one, in one piece."""
    descendant = dict(np.loadtxt(list_of_early, usecols=(0, 1), dtype=np.int64))
    then = dict(zip(early["halo_id"], places(early)))
    now = dict(zip(late["halo_id"], places(late)))
    pairs = [(then[halo], now[descendant[halo]]) for halo in then if descendant.get(halo) in now]
    before, after = (np.array(side_of_pair) for side_of_pair in zip(*pairs))
    return before, before + (after - before) - side * np.round((after - before) / side)


def edges(snapshots, lists, work):
    """Galaxies near the distance where one snapshot gives way to the next: seen in both shells or in neither, by Rockstar's links from one list to the next."""
    cone = light_cone(work / "edges.hdf5", snapshots, "lightcone.redshift=[0.005, 0.085]", "lightcone.sky=cone", AXIS_TEXT, "lightcone.radius=25")
    side, here = side_of(snapshots[0]), places(cone)
    inside = here @ AXIS / cone["chi"] > np.cos(np.radians(24))
    neighbours = cKDTree(here).query_ball_point(here, 1, return_length=True)
    print("\n| between redshifts | galaxies within 2 Mpc/h of the edge | seen in both shells | in neither | neighbours within 1 Mpc/h of galaxies within 1 Mpc/h of the edge, over those at 4 to 6 Mpc/h |\n|---|---|---|---|---|")
    for early, late, list_of_early in zip(snapshots, snapshots[1:], lists):
        is_early, is_late = (np.isclose(cone["snapshot_redshift"], redshift_of(path), atol=1e-5) for path in (early, late))
        edge = (cone["chi"][is_late].max() + cone["chi"][is_early].min()) / 2
        before, after = moved(columns(early), columns(late), list_of_early, side)
        both = neither = near = 0
        for image in np.unique(np.floor(here[np.abs(cone["chi"] - edge) < 5] / side), axis=0):
            p, q = before + image * side, after + image * side
            chosen = (np.abs(np.linalg.norm(q, axis=1) - edge) < 2) & (q @ AXIS > np.cos(np.radians(24)) * np.linalg.norm(q, axis=1))
            in_early, in_late = np.linalg.norm(p[chosen], axis=1) >= edge, np.linalg.norm(q[chosen], axis=1) < edge
            near, both, neither = near + chosen.sum(), both + np.sum(in_early & in_late), neither + np.sum(~in_early & ~in_late)
        away = np.abs(cone["chi"] - edge)
        ratio = neighbours[inside & (away < 1)].mean() / neighbours[inside & (away > 4) & (away < 6)].mean()
        print(f"| {redshift_of(late):.3f}, {redshift_of(early):.3f} | {near} | {both} ({100 * both / near:.2f} %) | {neither} ({100 * neither / near:.2f} %) | {ratio:.3f} |")


def projected(mock, work):
    """w_g+ by TreeCorr from right ascension, declination and distance, beside halobrush validate's of the box along z."""
    run("validate", mock, "--out", work / "box", *sets(["validate.figures=false", "stats.pi_max=20", "stats.rp.min=0.3", "stats.rp.max=20", "stats.rp.bins=6"]))
    statistics = json.loads((ROOT / work / "box/validation.json").read_text())["statistics"]
    box = next(value for name, value in statistics.items() if name.startswith("wgplus"))
    near, far = 0.04, 0.1
    cone = light_cone(work / "sky.hdf5", [mock], f"lightcone.redshift=[{near}, {far}]", "lightcone.sky=cone", "lightcone.centre=[0, 90]", "lightcone.radius=60")
    random = np.random.default_rng(5)
    count = 3 * len(cone["ra"])
    chi = np.cbrt(random.uniform(cone["chi"].min() ** 3, cone["chi"].max() ** 3, count))
    sky = dict(ra=random.uniform(0, 360, count), dec=np.degrees(np.arcsin(random.uniform(np.sin(np.radians(30)), 1, count))))
    shape = dict(ra_units="deg", dec_units="deg")
    galaxies = treecorr.Catalog(ra=cone["ra"], dec=cone["dec"], r=cone["chi"], g1=cone["ellipticity_1"], g2=cone["ellipticity_2"], **shape)
    randoms = treecorr.Catalog(**sky, r=chi, **shape)
    bins = dict(min_sep=0.3, max_sep=20, nbins=6, metric="Rperp", min_rpar=-20, max_rpar=20)
    data, empty, pairs = treecorr.NGCorrelation(**bins), treecorr.NGCorrelation(**bins), treecorr.NNCorrelation(**bins)
    data.process(galaxies, galaxies)
    empty.process(randoms, galaxies)
    pairs.process(randoms, randoms)
    share = len(cone["ra"]) / count
    # TreeCorr's gamma_t is minus the mean radial component.
    sky_value = -40 * (data.xi * data.weight - empty.xi * empty.weight * share) / (pairs.weight * share**2)
    print(f"\n{len(cone['ra'])} galaxies on the sky, {len(columns(mock)['x'])} in the box\n\n| r_p, Mpc/h | w_g+ on the sky | in the box | its error | difference in errors |\n|---|---|---|---|---|")
    for k in range(6):
        value, error = box["value"][k], box["error"][k]
        print(f"| {box['edges'][k]:.2f} to {box['edges'][k + 1]:.2f} | {sky_value[k]:.4f} | {value:.4f} | {error:.4f} | {(sky_value[k] - value) / error:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mock", type=pathlib.Path, required=True)
    parser.add_argument("--snapshots", type=pathlib.Path, nargs="+", default=[])
    parser.add_argument("--lists", type=pathlib.Path, nargs="+", default=[])
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/lightcone-checks"))
    arguments = parser.parse_args()
    work = ROOT / arguments.work
    work.mkdir(parents=True, exist_ok=True)
    faces(arguments.mock, work)
    if arguments.snapshots:
        edges(arguments.snapshots, arguments.lists, work)
    projected(arguments.mock, work)


if __name__ == "__main__":
    main()
