"""A small complete SUBFIND catalog in several files, as IllustrisTNG or as Gadget-4 writes it, with what real ones have: a file without
groups, a group without subhalos, subhalos that are not of cosmological origin, galaxies without stars."""
import h5py
import numpy as np

TNG_HEADER = {"BoxSize": 75000.0, "HubbleParam": 0.6774, "Omega0": 0.3089, "OmegaLambda": 0.6911, "Time": 0.9999999999999998}
UNITS = {"UnitLength_in_cm": 3.085678e21, "UnitMass_in_g": 1.989e43, "UnitVelocity_in_cm_per_s": 1e5}


def catalog(groups=40, seed=5, box=75000.0):
    """Groups and subhalos as arrays under their names in the files."""
    random = np.random.default_rng(seed)
    subs = random.integers(1, 30, groups)
    subs[[7, groups - 1]] = 0  # groups without subhalos
    first = np.where(subs > 0, np.cumsum(subs) - subs, -1)
    n = subs.sum()
    number = np.repeat(np.arange(groups), subs)
    m200 = 10 ** random.uniform(2, 4, groups)
    group = {"GroupFirstSub": first.astype("i4"), "GroupNsubs": subs.astype("i4"), "Group_M_Crit200": m200.astype("f4"),
             "Group_R_Crit200": (100 * m200 ** (1 / 3)).astype("f4"), "GroupPos": random.uniform(0, box, (groups, 3)).astype("f4")}
    group["Group_M_Crit200"][11] = group["Group_R_Crit200"][11] = 0  # too loose for an overdensity of 200
    central = np.arange(n) == first[number]
    mass = np.where(central, 1.1 * m200[number], 10 ** random.uniform(-1, 1, n))
    mass[central & (group["Group_M_Crit200"][number] == 0)] = 3.5
    stars = mass[:, None] * random.uniform(0, 0.05, (n, 6))
    starless = random.uniform(size=n) < 0.2
    stars[starless, 4] = 0
    photometry = random.normal(-18, 1, (n, 8))
    photometry[starless] = 1e37
    offset = np.where(central, 0, 1)[:, None] * random.normal(0, 200, (n, 3))
    radii = random.uniform(1, 30, (n, 6)) * (stars > 0)
    rate = np.where(random.uniform(size=n) < 0.4, 0, 10 ** random.uniform(-3, 1, n))
    flag = random.uniform(size=n) > 0.1
    flag[central] = True
    subhalo = {"SubhaloGrNr": number.astype("i4"), "SubhaloFlag": flag, "SubhaloMass": mass.astype("f4"), "SubhaloLen": random.integers(20, 9999, n).astype("i4"),
               "SubhaloPos": ((group["GroupPos"][number] + offset) % box).astype("f4"), "SubhaloVel": random.normal(0, 300, (n, 3)).astype("f4"),
               "SubhaloSpin": random.normal(0, 100, (n, 3)).astype("f4"), "SubhaloVmax": random.uniform(20, 300, n).astype("f4"),
               "SubhaloMassType": (1.2 * stars).astype("f4"), "SubhaloMassInRadType": stars.astype("f4"),
               "SubhaloHalfmassRadType": radii.astype("f4"), "SubhaloSFR": rate.astype("f4"),
               "SubhaloStellarPhotometrics": photometry.astype("f4")}
    subhalo["SubhaloPos"][0, 0] = box  # rounded up onto the edge
    return group, subhalo


def cuts(n, files):
    """Rows of the files, unequal; the last but one is empty."""
    at = [0] + sorted(set(np.linspace(n // 7, n, files - 1).astype(int)))
    return at[:-1] + [at[-2], n]


def write(folder, group, subhalo, files=4, gadget4=False, header=None, name="fof_subhalo_tab_099"):
    """Groups and subhalos are cut at different places: a group's subhalos need not be in its file."""
    folder.mkdir(parents=True, exist_ok=True)
    g, s = len(group["GroupNsubs"]), len(subhalo["SubhaloMass"])
    g_cuts, s_cuts = cuts(g, files), cuts(s, files)
    renamed = {"SubhaloGrNr": "SubhaloGroupNr"} if gadget4 else {}
    for k in range(files):
        with h5py.File(folder / f"{name}.{k}.hdf5", "w") as file:
            head, parameters = file.create_group("Header"), file.create_group("Parameters")
            values = dict(TNG_HEADER, **(header or {}))
            sub = "Nsubhalos" if gadget4 else "Nsubgroups"
            head.attrs.update({"NumFiles": np.int32(files), "Ngroups_Total": np.int64(g), f"{sub}_Total": np.int64(s),
                               "Ngroups_ThisFile": np.int32(g_cuts[k + 1] - g_cuts[k]), f"{sub}_ThisFile": np.int32(s_cuts[k + 1] - s_cuts[k])})
            for key, value in values.items():
                in_header = key in ("BoxSize", "Time", "Redshift") or not gadget4
                (head if in_header else parameters).attrs[key] = value
            for key, value in UNITS.items():
                parameters.attrs[key] = value
            for kind, fields, at in (("Group", group, g_cuts), ("Subhalo", subhalo, s_cuts)):
                if at[k] == at[k + 1]:
                    continue  # without rows there is no group at all
                for field, values in fields.items():
                    if not (gadget4 and field == "SubhaloFlag"):
                        file[f"{kind}/{renamed.get(field, field)}"] = values[at[k]:at[k + 1]]
    return folder
