"""Writes a small mock in the layout of halobrush's own (docs/formats.md), by hand: make_sample_mock.py FILE [--break WHAT]."""
import argparse

import h5py
import numpy as np

ROWS, BOX, H, OMEGA_M, OMEGA_B = 200, 150.0, 0.6774, 0.3089, 0.0486

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("file")
parser.add_argument("--break", dest="broken", default="none", help="what is wrong or different in it, see below")
arguments = parser.parse_args()
broken = arguments.broken

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
    **{c: (np.where(ids == 0, 1e-6, rng.uniform(0, BOX, ROWS)), "comoving Mpc/h") for c in "xyz"},
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
}
# What GCRCatalogs' snapshot reader maps its own quantities from; others need not see it.
gcr_columns = {
    "upid": (np.where(central, -1, ids - ids % 4), ""),
    "target_halo_id": (ids - ids % 4, ""),
    "target_halo_mass": (halo_mass, "Msun/h"),
    "obs_sm": (10.0**log_stellar_mass, "Msun"),
}
def change(name, values=None, unit=None):
    columns[name] = (columns[name][0] if values is None else values, columns[name][1] if unit is None else unit)


def nudged(name, amount, rows=slice(None)):
    values = columns[name][0].copy()
    values[rows] += amount
    return values


region = dict(region_p1=[0.0] * 3, region_p2=[BOX] * 3)
match broken:
    case "none" | "bytes_unit" | "no_gcr_units":
        pass
    case "unknown_unit":
        change("halo_mass", unit="solar masses per h")
    case "wrong_unit":
        change("vx", unit="m/s")
    case "missing_column":
        del columns["galaxy_axisB_y"]
    case "short_column":
        change("color_gr", columns["color_gr"][0][:-1])
    case "no_region":
        region = {}
    case "no_upid":
        del gcr_columns["upid"]
    case "other_central":
        change("is_central", ~central)
    case "shuffled":
        columns = {name: (values[::-1], unit) for name, (values, unit) in columns.items()}
    case "one_value":
        change("color_gr", nudged("color_gr", 0.5, 3))
    case "one_id":
        change("galaxy_id", nudged("galaxy_id", 1000, 7))
    case "tiny_change":
        change("color_gr", nudged("color_gr", 1e-5))
    case "flipped_axis":
        for c in "xyz":
            change("galaxy_axisA_" + c, -columns["galaxy_axisA_" + c][0])
    case "wrapped":
        change("x", np.where(ids == 0, BOX - 1e-6, columns["x"][0]))
    case _:
        parser.error(f"nothing known as {broken}")

with h5py.File(arguments.file, "w") as mock:
    mock.create_group("header/file").attrs.update(
        origin="halobrush", data_type="synthetic_galaxies", is_lightcone=False, redshift=0.0, unit_convention="scalefree",
        **region)
    mock.create_group("header/simulation/cosmology").attrs.update(
        h=H, omega_m=OMEGA_M, omega_b=OMEGA_B, omega_l=1 - OMEGA_M, n_eff_massless=3.046, sigma_8=0.8159, w_0=-1.0, w_a=0.0)
    for name, (values, unit) in {**columns, **gcr_columns}.items():
        path = ("data/" if name in columns else "galaxyProperties/") + name
        text = {"description": name.replace("_", " "), "unit": unit, "units": unit}  # OpenCosmo reads unit, GCRCatalogs units
        if name == "vx" and broken == "no_gcr_units":
            del text["units"]
        if name == "vx" and broken == "bytes_unit":
            text["unit"] = np.bytes_(unit)
        mock.create_dataset(path, data=values).attrs.update(text)
        if name in columns:
            mock["galaxyProperties/" + name] = mock[path]
    mock.create_group("provenance").attrs["seed"] = "1"
    meta = {"versionMajor": 3, "versionMinor": 1, "versionMinorMinor": 0, "H_0": 100 * H, "Omega_matter": OMEGA_M,
            "Omega_b": OMEGA_B, "box_size": BOX, "redshift": 0.0}
    for name, value in meta.items():
        mock["metaData/" + name] = value
