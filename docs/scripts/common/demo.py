"""Galaxies painted on the demo's halos (data/demo), and what the analytic law aligns them with."""
import json
import pathlib

import h5py

from common import ROOT
from halobrush.host_split import TEST
from halobrush.rockstar import read_list
from halobrush.tables import rows_of, stack, unit

HALOS = ROOT / "data/demo/rockstar_z0_pid.list.gz"


def paint(run, name, seed, settings, config="config/demo.yaml"):
    mock = run.folder / f"{name}.hdf5"
    run.once(mock, "paint", config, settings=[f"output.path={mock}", f"seed={seed}", "input.min_particles=10", *settings])  # as the truth
    return mock


def held_out_halos(table):
    """The halos of a table of halobrush loglike whose hosts training never saw."""
    with h5py.File(table) as file:
        return file["data/halo_id"][file["data/split"][()] == TEST]


def galaxies_per_second(mock):
    """On one core, in the model alone."""
    summary = json.loads(pathlib.Path(f"{mock}.json").read_text())
    return summary["galaxies"] / summary["stages"]["model"]["max"]


def add_directions(halos):
    """Halo major axis and spin of the demo's list: what the law aligns centrals with."""
    columns = read_list(HALOS)
    rows = rows_of(halos.halo_id, columns["ID"])
    halos.directions["halo_axis"], halos.directions["halo_spin"] = (unit(stack(columns, names)[rows]) for names in (
        ("A[x]", "A[y]", "A[z]"), ("JX", "JY", "JZ")))
