#!/usr/bin/env python3
"""w_g+, w_gg and the quadrupole of xi_g+ of a mock by halobrush, MeasureIA 0.6, halotools 0.9 and TreeCorr 5.1: how far they agree, and processor seconds of one core.

usage: bench/peers.py MOCK
Needs measureia, halotools, treecorr and h5py (pip; in no list of ours). halobrush: the program of HALOBRUSH or build/release; its seconds are those of the whole of
`halobrush validate`, which measures everything else as well. The peers get positions and shapes from the mock: q = (1 - |e|) / (1 + |e|), angle by e1, e2. TreeCorr
knows no periodic box for shapes: it gets the images beyond the faces as well, and the sky of an observer far away along z.
"""
import argparse
import contextlib
import io
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = os.environ.get("HALOBRUSH", ROOT / "build/release/halobrush")
LEAST, LARGEST, BINS, PI_MAX = 0.3, 30.0, 10, 20.0
EDGES = np.geomspace(LEAST, LARGEST, BINS + 1)


def ours(mock, folder):
    settings = [f"stats.r.min={LEAST}", f"stats.r.max={LARGEST}", f"stats.r.bins={BINS}", f"stats.rp.min={LEAST}", f"stats.rp.max={LARGEST}", f"stats.rp.bins={BINS}", f"stats.pi_max={PI_MAX}", "stats.jackknife=0", "validate.figures=false",
                "stats.selections={everything: halo_mass > 0}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run([PROGRAM, "validate", mock, "--out", folder, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    statistics = json.loads((pathlib.Path(folder) / "validation.json").read_text())["statistics"]
    return {name: np.array(statistics[name]["value"]) for name in ("wgplus", "wgg", "xi_gplus_2")}, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def timed(work):
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        found = work()
    return found, time.process_time() - start


def measureia(sample, folder, what, corr, bins_of_angle=40):
    from measureia import MeasureIABox

    position, direction, e, box = sample[:4]
    q = (1 - e) / (1 + e)
    data = {"Position": position, "Position_shape_sample": position, "Axis_Direction": direction, "q": q, "LOS": 2}
    out = f"{folder}/measureia.hdf5"
    box = MeasureIABox(data, out, separation_limits=[LEAST, LARGEST], num_bins_r=BINS, num_bins_pi=bins_of_angle, pi_max=PI_MAX, boxsize=box, num_nodes=1)
    measure = getattr(box, f"measure_xi_{what}")
    measure("mock", corr, 0, temp_file_path=False, ellipticity="ellipticity", responsivity=False)
    with h5py.File(out) as file:
        found = {}
        file.visititems(lambda name, item: found.__setitem__(name, item[()]) if isinstance(item, h5py.Dataset) else None)
    pick = lambda start: next(values for name, values in found.items() if name.startswith(start) and name.endswith("mock"))
    if what == "multipoles":
        return {"xi_gplus_2": pick("multipoles_g_plus")}
    return {"wgplus": pick("w_g_plus"), "wgg": pick("w_gg")}


def halotools(sample):
    from halotools.mock_observables import gi_plus_projected, wp

    position, direction, e, box = sample[:4]
    period = [box] * 3
    return {"wgplus": gi_plus_projected(position, direction, e, position, EDGES, PI_MAX, period=period), "wgg": wp(position, EDGES, PI_MAX, period=period)}


def treecorr(sample):
    import treecorr as tree

    position, _, _, box, e1, e2 = sample
    images = [position + box * np.array([i, j, k]) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]
    near = np.concatenate([x[np.all((x > -LARGEST) & (x < box + LARGEST), axis=1)] for x in images])
    sky = lambda x: {"x": x[:, 2] + 1e7, "y": x[:, 0] - box / 2, "z": x[:, 1] - box / 2}  # the line of sight is the first
    how = {"bin_type": "Log", "min_sep": LEAST, "max_sep": LARGEST, "nbins": BINS, "metric": "Rperp", "min_rpar": -PI_MAX, "max_rpar": PI_MAX, "bin_slop": 0, "num_threads": 1}
    shapes, others = tree.Catalog(g1=e1, g2=-e2, **sky(position)), tree.Catalog(**sky(near))
    shear = tree.NGCorrelation(**how)
    shear.process(others, shapes)
    pairs = tree.NNCorrelation(**how)
    pairs.process(others, tree.Catalog(**sky(position)))
    n = len(position)
    randoms = n * (n - 1) * np.pi * np.diff(EDGES**2) * 2 * PI_MAX / box**3
    return {"wgplus": -2 * PI_MAX * shear.xi * shear.weight / randoms, "wgg": 2 * PI_MAX * (pairs.npairs / randoms - 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mock", type=pathlib.Path)
    mock = parser.parse_args().mock.resolve()
    with h5py.File(mock) as file:
        data = file["data"]
        position = np.stack([data[axis][:] for axis in "xyz"], 1).astype(float)
        e1, e2 = (data[f"ellipticity_{k}"][:].astype(float) for k in (1, 2))
        box = float(file["header/file"].attrs["region_p2"][0])
    angle = np.arctan2(e2, e1) / 2
    sample = position % box, np.stack([np.cos(angle), np.sin(angle)], 1), np.hypot(e1, e2), box, e1, e2
    with tempfile.TemporaryDirectory() as folder:
        own, seconds = ours(mock, f"{folder}/validation")
        print(f"{len(position)} galaxies, {BINS} bins of r_p from {LEAST:g} to {LARGEST:g} Mpc/h, |Pi| < {PI_MAX:g} Mpc/h\n")
        print("| | largest difference of w_g+, in units of its largest value | of w_gg, relative | of the quadrupole, as w_g+ | processor seconds |\n|---|---|---|---|---|")
        print(f"| halobrush validate, all that it measures | | | | {seconds:.1f} |")
        peers = {"MeasureIA": lambda: measureia(sample, folder, "w", "both"), "MeasureIA, quadrupole in 200 bins of mu": lambda: measureia(sample, folder, "multipoles", "g+", 200),
                 "halotools": lambda: halotools(sample), "TreeCorr": lambda: treecorr(sample)}
        for name, work in peers.items():
            peer, seconds = timed(work)
            of = lambda key: np.max(np.abs(peer[key] - own[key])) / np.max(np.abs(own[key])) if key in peer else None
            cells = [of("wgplus"), np.max(np.abs(peer["wgg"] / own["wgg"] - 1)) if "wgg" in peer else None, of("xi_gplus_2")]
            print(f"| {name} | " + " | ".join("" if cell is None else f"{cell:.1e}" for cell in cells) + f" | {seconds:.1f} |")


if __name__ == "__main__":
    main()
