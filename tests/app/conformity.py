"""Noise that a host halo's galaxies share: the same mock bit for bit on any number of ranks and for any order of rows, satellites that
resemble each other, single galaxies that do not change in the mean, and none of it where painter.host_factor is false."""
import shutil

import h5py
import numpy as np

from runner import ROOT, Scratch, compare, expect, paint, run, sets
from halobrush.model_file import read_header, rewrite_header

LOADING = 0.6  # of satellites, on the stellar mass
SETTINGS = ("field.mesh=32", "painter.steps=4")


def with_factor(path, satellite):
    shutil.copy(ROOT / "models/demo.safetensors", path)
    spec = read_header(path)
    zero = [0.0] * (len(spec["labels"]) - 1)
    rewrite_header(path, {**spec, "host_factor": {"satellite": [satellite, *zero], "central": [0.0, *zero]}})
    return path


def columns(path):
    with h5py.File(path) as file:
        return {name: file[f"data/{name}"][()] for name in ("halo_id", "host_halo_id", "is_central", "log_stellar_mass")}


def pair_correlation(shared, independent):
    """Of satellites' shift in stellar mass by the shared noise: pairs of one host, over the variance."""
    satellite = ~shared["is_central"].astype(bool)
    shift = (shared["log_stellar_mass"] - independent["log_stellar_mass"])[satellite]
    _, host = np.unique(shared["host_halo_id"][satellite], return_inverse=True)
    shift -= shift.mean()
    total, squares, size = np.bincount(host, shift), np.bincount(host, shift**2), np.bincount(host)
    return np.sum(total**2 - squares) / np.sum(size * (size - 1)) / np.mean(shift**2)


def main():
    with Scratch() as scratch:
        model = with_factor(scratch / "shared.safetensors", LOADING)
        settings = (*SETTINGS, f"painter.model={model}")
        mocks = [scratch / f"np{ranks}.hdf5" for ranks in (1, 2, 3)]
        for ranks, mock in zip((1, 2, 3), mocks):
            paint(ranks, mock, *settings)
        for mock in mocks[1:]:
            compare(mocks[0], mock, "--exact")
        independent = scratch / "independent.hdf5"
        paint(2, independent, *settings, "painter.host_factor=false")
        shared, alone = columns(mocks[0]), columns(independent)
        central = shared["is_central"].astype(bool)
        single = central & ~np.isin(shared["halo_id"], shared["host_halo_id"][~central])  # others hear what their satellites say
        expect(np.array_equal(shared["log_stellar_mass"][single], alone["log_stellar_mass"][single]), "galaxies that share with nobody changed")
        correlation = pair_correlation(shared, alone)
        mean, error = [f(shared["log_stellar_mass"][~central] - alone["log_stellar_mass"][~central]) for f in (np.mean, np.std)]
        print(f"shift of satellites: {mean:+.4f}, correlation of pairs {correlation:.2f}")
        # The shift is G l + (sqrt(1 - l^2) - 1) e in units of the scatter: pairs share l^2 of l^2 + (1 - sqrt(1 - l^2))^2.
        expect(correlation > 0.5, f"satellites of one host were shifted apart: {correlation}")
        expect(abs(mean) < 0.05, f"satellites changed in the mean: {mean}")

        done = run(1, "paint", "config/demo.yaml", *sets([f"output.path={scratch}/never.hdf5", *SETTINGS,
                                                         f"painter.model={with_factor(scratch / 'bad.safetensors', 1.2)}"]))
        expect(done.returncode == 4 and "host_factor" in done.stderr, f"a loading above one: {done.returncode} {done.stderr}")
        print(next(line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")))


main()
