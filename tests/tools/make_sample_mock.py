"""Writes a small mock in the layout of halobrush's own (docs/formats.md), by hand: make_sample_mock.py FILE [--break WHAT]."""
import argparse

import h5py
import numpy as np

ROWS, BOX, H, OMEGA_M, OMEGA_B = 200, 150.0, 0.6774, 0.3089, 0.0486

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("file")
parser.add_argument("--break", dest="broken", default="", help="wrong_unit, no_unit, missing_column, wrong_values or shuffled")
arguments = parser.parse_args()

rng = np.random.default_rng(1)
ids = np.arange(ROWS, dtype=np.int64)
central = ids % 4 == 0
axes = np.linalg.qr(rng.normal(size=(ROWS, 3, 3)))[0].astype(np.float32)
halo_mass = 10 ** rng.uniform(11, 14, ROWS)
log_stellar_mass = rng.normal(10, 0.4, ROWS).astype(np.float32)

columns = {
    "galaxy_id": (ids, ""),
    "halo_id": (ids, ""),
    "host_halo_id": (ids - ids % 4, ""),
    "is_central": (central, ""),
    **{c: (rng.uniform(0, BOX, ROWS), "comoving Mpc/h") for c in "xyz"},
    **{"v" + c: (rng.normal(0, 300, ROWS), "km/s") for c in "xyz"},
    "halo_mass": (halo_mass, "Msun/h"),
    "log_stellar_mass": (log_stellar_mass, "dex(Msun)"),
    "color_gr": (rng.normal(0.6, 0.2, ROWS).astype(np.float32), "mag"),
    "log_size": (rng.normal(0.5, 0.2, ROWS).astype(np.float32), "dex(kpc)"),
    **{f"galaxy_axis{a}_{c}": (axes[:, i, j], "") for i, a in enumerate("ABC") for j, c in enumerate("xyz")},
    "b_to_a": (rng.uniform(0.5, 1, ROWS).astype(np.float32), ""),
    "c_to_a": (rng.uniform(0.2, 0.5, ROWS).astype(np.float32), ""),
    "ellipticity_1": (rng.normal(0, 0.2, ROWS).astype(np.float32), ""),
    "ellipticity_2": (rng.normal(0, 0.2, ROWS).astype(np.float32), ""),
    "out_of_distribution": (ids % 50 == 0, ""),
    # What GCRCatalogs' snapshot reader maps its own quantities from.
    "upid": (np.where(central, -1, ids - ids % 4), ""),
    "target_halo_id": (ids - ids % 4, ""),
    "target_halo_mass": (halo_mass, "Msun/h"),
    "obs_sm": (10.0**log_stellar_mass, "Msun"),
}
if arguments.broken == "wrong_unit":
    columns["halo_mass"] = (halo_mass, "solar masses per h")
if arguments.broken == "no_unit":
    columns["vx"] = (columns["vx"][0], None)
if arguments.broken == "missing_column":
    del columns["galaxy_axisB_y"]
if arguments.broken == "wrong_values":
    columns["color_gr"][0][3] += 0.5
if arguments.broken == "shuffled":
    columns = {name: (values[::-1], unit) for name, (values, unit) in columns.items()}

with h5py.File(arguments.file, "w") as mock:
    mock.create_group("header/file").attrs.update(
        origin="halobrush", data_type="synthetic_galaxies", is_lightcone=False, redshift=0.0, unit_convention="scalefree",
        region_p1=[0.0] * 3, region_p2=[BOX] * 3)
    mock.create_group("header/simulation/cosmology").attrs.update(
        h=H, omega_m=OMEGA_M, omega_b=OMEGA_B, omega_l=1 - OMEGA_M, n_eff_massless=3.046, sigma_8=0.8159, w_0=-1.0, w_a=0.0)
    for name, (values, unit) in columns.items():
        dataset = mock.create_dataset("data/" + name, data=values)
        dataset.attrs["description"] = name.replace("_", " ")
        if unit is not None:
            dataset.attrs["unit"] = dataset.attrs["units"] = unit
    mock["galaxyProperties"] = mock["data"]
    mock.create_group("provenance").attrs["seed"] = "1"
    meta = {"versionMajor": 3, "versionMinor": 1, "versionMinorMinor": 0, "H_0": 100 * H, "Omega_matter": OMEGA_M,
            "Omega_b": OMEGA_B, "box_size": BOX, "redshift": 0.0}
    for name, value in meta.items():
        mock["metaData/" + name] = value
