"""halobrush.open_mock on the file of make_sample_mock.py: open_mock.py MOCK FOLDER, where the package must come from."""
import pathlib
import sys

import h5py
import numpy as np

import halobrush


def expect(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def refused(problem, text, work):
    try:
        work()
    except problem as error:
        expect(text in str(error), f"'{error}' does not say '{text}'")
    else:
        expect(False, f"nothing was refused that should say '{text}'")


def main():
    path, folder = sys.argv[1:]
    expect(pathlib.Path(halobrush.__file__).is_relative_to(folder), f"the package is that of {halobrush.__file__}")
    mock = halobrush.open_mock(path)
    with h5py.File(path) as file:
        data = {name: dataset[()] for name, dataset in file["data"].items()}
    expect(len(mock) == 200 and mock.names == list(data), mock)
    for name, values in data.items():
        expect(np.array_equal(mock[name], values), f"{name} is not what the file has")
    expect([mock.unit(name) for name in ("x", "vx", "log_stellar_mass", "halo_id")] == ["comoving Mpc/h", "km/s", "dex(Msun)", ""], "units")
    expect(mock.description("halo_mass") == "halo mass", mock.description("halo_mass"))
    expect(np.array_equal(mock.box, [150.0] * 3) and mock.redshift == 0 and mock.cosmology["omega_m"] == 0.3089, "header")
    expect(np.array_equal(mock.vectors("galaxy_axisC")[:, 1], data["galaxy_axisC_y"]), "vectors")

    # Hosts are the rows 0, 4, 8, ...; positions are drawn all over the box, so that many of the nearest images are across its edge.
    host = np.arange(200) // 4 * 4
    expect(np.array_equal(mock.host_rows(), host), "rows of hosts")
    position = np.stack([data[c] for c in "xyz"], 1)
    images = np.stack([position - position[host] + shift for shift in (-150, 0, 150)])
    nearest = np.take_along_axis(images, np.abs(images).argmin(0)[None], 0)[0]
    expect(np.allclose(mock.offsets_from_hosts(), nearest), "offsets from hosts")

    satellites = mock.select(~mock["is_central"])
    heavy = satellites.select(np.flatnonzero(satellites["log_stellar_mass"] > 10))
    rows = np.flatnonzero(~data["is_central"] & (data["log_stellar_mass"] > 10))
    expect(len(satellites) == 150 and 20 < len(heavy) == len(rows), f"{len(satellites)} satellites, {len(heavy)} heavy ones")
    for name in ("galaxy_id", "log_stellar_mass", "color_gr"):  # of columns that were read before, and of one that was not
        expect(np.array_equal(heavy[name], data[name][rows]), f"{name} of a selection")
    expect((heavy.host_rows() == -1).all() and np.isnan(heavy.offsets_from_hosts()).all(), "satellites without their hosts have some")

    refused(KeyError, "has no column 'age'", lambda: mock["age"])
    refused(ValueError, "a mask of 3 for 200", lambda: mock.select(np.ones(3, bool)))
    refused(halobrush.BadTable, "cannot be read", lambda: halobrush.open_mock("nowhere.hdf5"))
    with h5py.File("other.hdf5", "w") as file:
        file["data/x"] = np.zeros(3)
    refused(halobrush.BadTable, "has no column 'halo_id'", lambda: halobrush.open_mock("other.hdf5"))
    print(mock)


main()
