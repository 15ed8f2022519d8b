"""Opens a mock with h5py, OpenCosmo and GCRCatalogs and reads every column with its unit: check_readers.py MOCK.

Prints a line for each reader. Exits with 1 and one line naming the column when something is missing, unknown or different.
"""
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np
from astropy import units
from astropy.cosmology import units as cosmology_units

units.add_enabled_units(cosmology_units)  # littleh

AXES = "xyz"
# Columns of every mock with their units; a model's own scalars come on top.
REQUIRED = {
    **dict.fromkeys(["galaxy_id", "halo_id", "host_halo_id", "is_central", "b_to_a", "c_to_a", "ellipticity_1",
                     "ellipticity_2", "out_of_distribution"], ""),
    **{f"galaxy_axis{name}_{axis}": "" for name in "ABC" for axis in AXES},
    **dict.fromkeys(AXES, "Mpc/h"),
    **{"v" + axis: "km/s" for axis in AXES},
    "halo_mass": "Msun/h",
}


class Failure(Exception):
    """What is wrong with the mock, in one line."""


def unit_of(text):
    """The astropy unit of a unit text: h is little h, `comoving` a remark."""
    return units.Unit(text.removeprefix("comoving ").replace("/h", " / littleh"))


def require_same(name, values, expected):
    values = np.atleast_1d(values)
    if not np.array_equal(values, expected, equal_nan=expected.dtype.kind == "f"):
        raise Failure(f"{name}: values differ from the file's")


def check_h5py(path, columns):
    """Fills columns with all of /data: {name: (values, unit)}; the other readers are compared with that."""
    with h5py.File(path) as mock:
        for name, dataset in mock["data"].items():
            for attribute in ("unit", "description"):
                if not isinstance(dataset.attrs.get(attribute), str):
                    raise Failure(f"{name}: no text attribute '{attribute}'")
            try:
                columns[name] = (dataset[()], unit_of(dataset.attrs["unit"]))
            except ValueError:
                raise Failure(f"{name}: unit '{dataset.attrs['unit']}' is unknown to astropy") from None
    for name, unit in REQUIRED.items():
        if name not in columns:
            raise Failure(f"{name}: column missing")
        if columns[name][1] != unit_of(unit):
            raise Failure(f"{name}: unit '{columns[name][1]}' instead of '{unit}'")
    if len({values.shape for values, _ in columns.values()}) != 1:
        raise Failure("columns of different lengths")


def check_opencosmo(path, columns):
    import opencosmo

    table = opencosmo.open(path).with_units("scalefree").get_data()  # scalefree: the units as written, with h
    for name, (values, unit) in columns.items():
        try:
            read = table[name]
        except KeyError:
            raise Failure(f"{name}: column missing") from None
        read_unit = getattr(read, "unit", None) or units.dimensionless_unscaled
        if read_unit != unit:
            raise Failure(f"{name}: unit '{read_unit}' instead of '{unit}'")
        require_same(name, getattr(read, "value", read), values)


def gcr_config(path, folder):
    """What a user of GCRCatalogs writes into a YAML file; versions and cosmology must be those in the mock."""
    with h5py.File(path) as mock:
        meta = {name: value[()] for name, value in mock["metaData"].items()}
        cosmology = dict(mock["header/simulation/cosmology"].attrs)
    return {
        "subclass_name": "cosmodc2.BaseDC2SnapshotGalaxyCatalog",
        "catalog_root_dir": str(folder),
        "catalog_filename_template": r"mock_(\d+).hdf5",
        "lightcone": False,
        "version": ".".join(str(meta["version" + part]) for part in ("Major", "Minor", "MinorMinor")),
        "cosmology": {"H0": 100 * cosmology["h"], "Om0": cosmology["omega_m"], "Ob0": cosmology["omega_b"]},
        "check_md5": False,
        "check_size": False,
    }


def check_gcr(path, columns):
    import GCRCatalogs

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mock_0.hdf5").symlink_to(Path(path).resolve())
        catalog = GCRCatalogs.load_catalog_from_config_dict(gcr_config(path, folder))
        # The reader's own quantities, mapped from target_halo_id, upid, ..., hide columns of the same name.
        native = [name for name in columns if not catalog.has_quantity(name, include_native=False)]
        mapped = {
            "galaxy_id": columns["galaxy_id"][0],
            "is_central": columns["is_central"][0].astype(bool),
            **{"position_" + axis: columns[axis][0] / catalog.cosmology.h for axis in AXES},
            **{"velocity_" + axis: columns["v" + axis][0] for axis in AXES},
        }
        read = catalog.get_quantities([*native, *mapped, "halo_id", "halo_mass", "stellar_mass"])
        for name, values in [*((name, columns[name][0]) for name in native), *mapped.items()]:
            require_same(name, read[name], values)
        for name in native:
            text, unit = catalog.get_quantity_info(name, "units"), columns[name][1]
            if text is None or unit_of(text) != unit:
                raise Failure(f"{name}: units '{text}' instead of '{unit}'")


READERS = [("h5py", "h5py", check_h5py), ("opencosmo", "opencosmo", check_opencosmo),
           ("GCRCatalogs", "lsstdesc-gcr-catalogs", check_gcr)]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    warnings.simplefilter("ignore")
    columns = {}
    for reader, package, check in READERS:
        try:
            check(path, columns)
        except Failure as failure:
            sys.exit(f"{path}: {reader}: {failure}")
        except Exception as error:  # whatever a reader raises on a file it cannot take
            sys.exit(f"{path}: {reader}: {type(error).__name__}: {error}")
        print(f"{reader} {version(package)}: {len(columns)} columns, {len(columns['galaxy_id'][0])} rows, read with their units")


if __name__ == "__main__":
    main()
