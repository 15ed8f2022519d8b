"""Galaxy catalogs in the layout of diffsky 0.3 (light-cone mocks `lc_cores-<step>.<patch>.diffsky_gals.hdf5`), with the columns that orientations
need and some more of every type. Groups of galaxies about an observer at 0."""
import h5py
import numpy as np

EXTRA = {"lsst_i": "mag(AB)", "redshift_true": "", "logmp_obs_host": "dex(solMass)", "logssfr_obs": "dex(1 / yr)"}


def sky(position):
    """Right ascension and declination, degrees; directions west and north, seen from inside."""
    r = position / np.linalg.norm(position, axis=1, keepdims=True)
    ra, dec = np.arctan2(r[:, 1], r[:, 0]), np.arcsin(r[:, 2])
    east = np.stack([-np.sin(ra), np.cos(ra), 0 * ra], 1)
    return np.degrees(ra), np.degrees(dec), -east, np.cross(r, east), r


def rotations(n, draw):
    """Random right-handed axes [n, 3, 3], columns."""
    q, _ = np.linalg.qr(draw.normal(size=(n, 3, 3)))
    q[:, :, 2] *= np.linalg.det(q)[:, None]
    return q


def mock(path, groups=1500, synthetic=False, seed=1):
    draw = np.random.default_rng(seed)
    members = np.ones(groups, int) if synthetic else 1 + draw.poisson(0.6, groups)
    host = np.repeat(np.cumsum(members) - members, members)  # row of each galaxy's central
    n = len(host)
    central = host == np.arange(n)
    direction = np.abs(draw.normal(size=(n, 3)))
    centre = (direction / np.linalg.norm(direction, axis=1, keepdims=True) * draw.uniform(300, 900, (n, 1)))[host]
    position = np.where(central[:, None], centre, centre + 0.4 * draw.normal(size=(n, 3)))
    axes, lengths = rotations(n, draw)[host], np.array([0.03, 0.05, 0.08])
    shape = [np.full((n, 3), -1.0) if synthetic else lengths[k] * axes[:, :, k] for k in range(3)]
    if not synthetic:
        for vectors in shape:
            vectors[host % 50 == 0] = 0  # no shape
    ra, dec, *_ = sky(position)
    columns = {"ra": (ra.astype("f4"), "deg"), "dec": (dec.astype("f4"), "deg"), "ra_nfw": (ra, "deg"), "dec_nfw": (dec, "deg"),
               "central": (central.astype("i4" if not synthetic else "i8"), ""), "core_tag": (np.full(n, -1) if synthetic else 10**6 * seed + np.arange(n), ""),
               "top_host_idx": (host, ""), "gal_id": (10**12 * seed + np.arange(n), ""), "msk_v0": (draw.uniform(size=n) < 0.1, ""),
               "logsm_obs": (draw.uniform(9, 11.5, n), "dex(solMass)"), "bulge_to_total": (np.where(draw.uniform(size=n) < 0.5, 0.15, 0.75), ""),
               "delta_mag_ssp_scatter": (draw.normal(size=(n, 6)), "")}
    columns.update({name: (draw.normal(size=n), unit) for name, unit in EXTRA.items()})
    for k, axis in enumerate("xyz"):
        for suffix, values in ("", position), ("_nfw", position), ("_host", centre):
            columns[axis + suffix] = (values[:, k], "Mpc")
        for s in range(3):
            columns[f"top_host_infall_fof_halo_eigS{s + 1}{axis.upper()}"] = (shape[s][:, k], "Mpc")
    for part, low in ("disk", 0.1), ("bulge", 0.5):
        b = draw.uniform(0.5, 1, n)
        columns[f"b_over_a_{part}"], columns[f"c_over_a_{part}"] = (b, ""), (b * draw.uniform(low, 1, n), "")
        columns[f"r50_{part}_3d"] = (draw.uniform(1, 8, n), "kpc")
        for name, unit in (f"psi_{part}", ""), (f"alpha_{part}", "kpc"), (f"beta_{part}", "kpc"), (f"ellipticity_{part}", ""), (f"mu_inclination_{part}", ""), (f"r50_{part}_2d", "kpc"):
            columns[name] = (draw.uniform(size=n), unit)
    with h5py.File(path, "w") as file:
        file.attrs["write_complete"] = True
        for name, (values, unit) in columns.items():
            made = file.create_dataset(f"data/{name}", data=values, chunks=(min(1000, n), *values.shape[1:]))
            made.attrs["unit"], made.attrs["description"] = unit, f"description of {name}"
        cosmology = file.create_group("metadata/cosmology")
        cosmology.attrs.update({"Om0": 0.31, "h": 0.68})
    return path


def read(path, group="data"):
    with h5py.File(path) as file:
        return {name: column[()] for name, column in file[group].items()}


def vectors(columns, prefix, names="xyz"):
    return np.stack([columns[prefix + k] for k in names], 1)
