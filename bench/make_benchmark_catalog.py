#!/usr/bin/env python3
"""A catalog for the benchmark of the statistics: a million clustered points in a periodic box of 500 Mpc/h, made of the demo's halos.

The halos are repeated over the box, 700,000 of them drawn, and 300,000 satellites added about hosts in proportion to their mass.
usage: make_benchmark_catalog.py OUT    rows of eight doubles: x y z (Mpc/h), a random axis, e1 e2
"""
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))  # the package of this checkout, installed or not
from halobrush.rockstar import read_list  # noqa: E402

HALOS = ROOT / "data/demo/rockstar_z0_pid.list.gz"
SIDE, REPEATED, CENTRALS, SATELLITES = 500.0, 150.0, 700_000, 300_000


def centrals(random, halos):
    copies = REPEATED * np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), -1).reshape(-1, 3)
    pos = (copies[:, None] + np.stack([halos["X"], halos["Y"], halos["Z"]], -1)).reshape(-1, 3)
    halo = np.tile(np.arange(len(halos["X"])), len(copies))
    inside = np.flatnonzero((pos < SIDE).all(1))
    drawn = random.choice(inside, CENTRALS, replace=False)
    return pos[drawn], halo[drawn]


def main(out):
    random = np.random.default_rng(1)
    halos = read_list(HALOS)
    pos, halo = centrals(random, halos)
    mass = np.where(halos["PID"][halo] < 0, halos["Mvir"][halo], 0)
    host = random.choice(CENTRALS, SATELLITES, p=mass / mass.sum())
    spread = 0.4 * halos["Rvir"][halo][host, None] / 1000
    satellites = pos[host] + random.normal(size=(SATELLITES, 3)) * spread
    # Copies of the box are pulled apart a little, or pairs at exactly 150 Mpc/h would abound.
    xyz = np.concatenate([pos + 0.02 * random.normal(size=pos.shape), satellites]) % SIDE
    xyz = xyz[random.permutation(len(xyz))]
    axis = random.normal(size=xyz.shape)
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    e, phi = random.uniform(0, 0.6, len(xyz)), random.uniform(0, 2 * np.pi, len(xyz))
    np.concatenate([xyz, axis, (e * [np.cos(2 * phi), np.sin(2 * phi)]).T], 1).tofile(out)


if __name__ == "__main__":
    main(sys.argv[1])
