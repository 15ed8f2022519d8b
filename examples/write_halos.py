"""Writes arrays as a halo catalog that halobrush reads (docs/formats.md): change the lines of `halos` to your own. Needs h5py and numpy.

    python examples/write_halos.py my_halos.hdf5 && halobrush info my_halos.hdf5
"""
import sys

import h5py
import numpy as np

box, redshift, h, omega_m = 100.0, 0.0, 0.6774, 0.3089  # Mpc/h
rng, n = np.random.default_rng(1), 2000
mass = 1e11 * rng.pareto(1, n) + 1e11
axis = rng.normal(size=(n, 3))  # major axis
axis /= np.linalg.norm(axis, axis=1)[:, None]
halos = {  # name: (values, unit); a model that needs a column which is not here names it
    "id": (np.arange(n), ""), "parent_id": (np.full(n, -1), ""),  # -1: lies in no other halo; else the id of the halo that it lies in
    "mass": (mass, "Msun/h"), "bound_mass": (mass, "Msun/h"), "radius": (0.163 * (mass / 1e12) ** (1 / 3), "Mpc/h"), "vmax": (140 * (mass / 1e12) ** 0.32, "km/s"),
    "n_particles": ((mass / 1e9).astype(int), ""), "b_to_a": (rng.uniform(0.7, 1, n), ""), "c_to_a": (rng.uniform(0.5, 0.7, n), ""),
    "shape_resolved": (np.full(n, True), ""), "scale_radius": (0.02 * (mass / 1e12) ** 0.43, "Mpc/h"), "spin": (rng.lognormal(-3.3, 0.5, n), ""),
}
for k, x in enumerate("xyz"):
    halos |= {x: (rng.uniform(0, box, n), "Mpc/h"), f"v{x}": (rng.normal(0, 300, n), "km/s"), f"axis_{x}": (axis[:, k], ""),
              f"j{x}": (rng.normal(0, 1, n), "")}  # angular momentum: its direction is used, its unit is free

with h5py.File(sys.argv[1], "w") as file:
    file.create_group("header/file").attrs.update(
        {"data_type": "halo_properties", "origin": "my code", "unit_convention": "scalefree", "redshift": redshift, "region_p1": np.zeros(3), "region_p2": np.full(3, box)})
    file.create_group("header/simulation/cosmology").attrs.update({"h": h, "omega_m": omega_m, "omega_l": 1 - omega_m, "omega_b": 0.0486, "sigma_8": 0.8159})
    for name, (values, unit) in halos.items():
        file.create_dataset(f"data/{name}", data=values).attrs["unit"] = unit
