"""SUBFIND group catalogs in one or several files: small sets, edits of them, and what an edited set means (docs/tng.md)."""
import re
import shutil

import h5py
import numpy as np

from meaning import Meaning, Refuse, check_columns
from text_lists import change_byte, cut, flip_bit, insert_bytes, pick

TYPES, STARS = 6, 4


def small_set(rng, folder, name="fof_subhalo_tab_099", files=1, time=1.0, groups=None, gadget4=False, stars=False):
    groups = groups or int(rng.integers(3, 12))
    box = 75000.0
    n = rng.integers(1, 4, groups)
    first = np.cumsum(n) - n
    grp = np.repeat(np.arange(groups), n)
    total = int(n.sum())
    m = 10 ** rng.uniform(3, 4, groups)
    centre = rng.uniform(500, box - 500, (groups, 3))
    central = np.arange(total) == first[grp]
    mass = np.where(central, 1.1 * m[grp], 10 ** rng.uniform(0, 1, total))
    g = {"GroupFirstSub": first.astype("i4"), "GroupNsubs": n.astype("i4"), "Group_M_Crit200": m.astype("f4"), "Group_R_Crit200": (100 * m ** (1 / 3)).astype("f4"),
         "GroupPos": centre.astype("f4")}
    s = {"SubhaloGroupNr" if gadget4 else "SubhaloGrNr": grp.astype("i4"), "SubhaloMass": mass.astype("f4"), "SubhaloLen": np.full(total, 1000, "i4"),
         "SubhaloPos": (centre[grp] + np.where(central, 0, 1)[:, None] * rng.uniform(-400, 400, (total, 3))).astype("f4"), "SubhaloVel": rng.normal(0, 300, (total, 3)).astype("f4"),
         "SubhaloSpin": rng.normal(0, 100, (total, 3)).astype("f4"), "SubhaloVmax": rng.uniform(100, 300, total).astype("f4"), "SubhaloFlag": (rng.random(total) < .9) | central}
    if stars:
        star = np.outer(mass, [0, .01, 0, 0, .02, 0]).astype("f4")
        s |= {"SubhaloMassType": star, "SubhaloMassInRadType": .9 * star, "SubhaloHalfmassRadType": np.full((total, TYPES), 3, "f4"), "SubhaloSFR": np.full(total, .5, "f4"),
              "SubhaloStellarPhotometrics": rng.normal(-18, 1, (total, 8)).astype("f4")}
    word = "Nsubhalos" if gadget4 else "Nsubgroups"
    gcut, scut = (np.linspace(0, k, files + 1).astype(int) for k in (groups, total))
    for k in range(files):
        with h5py.File(folder / (f"{name}.{k}.hdf5" if files > 1 else f"{name}.hdf5"), "w") as f:
            h, p = f.create_group("Header"), f.create_group("Parameters")
            h.attrs.update({"NumFiles": files, "Ngroups_Total": groups, f"{word}_Total": total, "Ngroups_ThisFile": gcut[k + 1] - gcut[k], f"{word}_ThisFile": scut[k + 1] - scut[k],
                            "BoxSize": box, "Time": time})
            (p if gadget4 else h).attrs.update({"HubbleParam": .6774, "Omega0": .3089, "OmegaLambda": .6911})
            p.attrs.update({"UnitLength_in_cm": 3.085678e21, "UnitMass_in_g": 1.989e43, "UnitVelocity_in_cm_per_s": 1e5})
            for kind, fields, where in (("Group", g, gcut), ("Subhalo", s, scut)):
                for field, values in fields.items():
                    f[f"{kind}/{field}"] = values[where[k]:where[k + 1]]
    return total


# ---- edits of one file of the set ----

def dataset(rng, f):
    names = [f"{kind}/{name}" for kind in ("Group", "Subhalo") if isinstance(f.get(kind), h5py.Group) for name in f[kind] if isinstance(f[kind].get(name), h5py.Dataset)]
    return pick(rng, names)


def replace(f, name, values, **how):
    del f[name]
    f.create_dataset(name, data=values, **how)


def type_of_dataset(rng, f):
    name = dataset(rng, f)
    values = f[name][:]
    kind = pick(rng, ["i1", "i4", "u4", "i8", "u8", ">i4", ">u8", "f4", "f8", ">f4", "f2", "bool", "S8", "compound", "complex"])
    with np.errstate(all="ignore"):
        if kind == "compound":
            values = np.zeros(values.shape, [("a", "f8"), ("b", "i4")])
        else:
            values = values.astype(kind)
    replace(f, name, values)


def shape(rng, f):
    name = dataset(rng, f)
    v = f[name][:]
    replace(f, name, pick(rng, [v[:-1], v[:1], v[:0], v[:, None], v.reshape(-1), v.T, np.concatenate([v, v[:1]]), v[..., None], v[:, :2] if v.ndim > 1 else v[:, None]]))


def storage(rng, f):
    name = dataset(rng, f)
    values = f[name][:]
    if len(values):
        replace(f, name, values, **pick(rng, [{"chunks": True}, {"compression": "gzip"}, {"compression": "lzf"}, {"shuffle": True, "compression": "gzip"}, {"fletcher32": True}]))


def delete(rng, f):
    del f[pick(rng, ["Group", "Subhalo", "Header", "Parameters", *[dataset(rng, f) for _ in range(6)]])]


def rename(rng, f):
    name = dataset(rng, f)
    f.move(name, name + "2")


def swap(rng, f):
    a, b = dataset(rng, f), dataset(rng, f)
    if a != b:
        f.move(a, "tmp"), f.move(b, a), f.move("tmp", b)


def link(rng, f):
    name = dataset(rng, f)
    f.require_group("elsewhere")
    f.copy(name, f["elsewhere"], "it")
    del f[name]
    f[name] = pick(rng, [h5py.SoftLink("/elsewhere/it"), h5py.SoftLink("/nowhere"), h5py.ExternalLink("absent.hdf5", "/it"), f["elsewhere/it"]])


def virtual(rng, f):
    name = dataset(rng, f)
    values = f[name][:]
    f.require_group("elsewhere")["v"] = values
    layout = h5py.VirtualLayout(shape=values.shape, dtype=values.dtype)
    layout[:] = h5py.VirtualSource(pick(rng, [".", "absent.hdf5"]), "elsewhere/v", shape=values.shape)
    del f[name]
    f.create_virtual_dataset(name, layout, fillvalue=0)


def header(rng, f):
    attributes = f[pick(rng, [g for g in ("Header", "Parameters") if g in f and len(f[g].attrs)])].attrs
    key = pick(rng, list(attributes))
    old = np.asarray(attributes[key], float)
    way = pick(rng, ["drop", "text", "array", "array of one", "scale", "more", "negative", "nan", "zero", "f4", "huge", "half", "empty"])
    if way == "drop":
        del attributes[key]
    else:
        attributes[key] = {"text": str(old), "array": np.full(2, old), "array of one": np.full(1, old), "scale": old * 1.1, "more": old + 1, "negative": -old - 1, "nan": np.nan, "zero": 0.,
                           "f4": np.float32(old), "huge": np.uint64(2 ** 64 - 1), "half": old + .5, "empty": h5py.Empty("f8")}[way]


def value(rng, f):
    data = f[dataset(rng, f)]
    if not len(data) or data.dtype.kind not in "iufb":
        return
    flat = data[:]
    at = int(rng.integers(flat.size))
    new = pick(rng, [0, 1, -1, 3, 7.6e4, -.001, 75000.0078125] + ([np.nan, np.inf, 1e30] if flat.dtype.kind == "f" else [2 ** 31 - 1, 1000]))
    with np.errstate(all="ignore"):
        flat.reshape(-1)[at] = np.asarray(new).astype(flat.dtype)
    data[:] = flat


def sentinel(rng, f):
    values = f["Group/GroupFirstSub"][:].astype(pick(rng, ["u4", "u8", "i4"]))
    if len(values):
        with np.errstate(all="ignore"):
            values[int(rng.integers(len(values)))] = np.asarray(-1).astype(values.dtype)
    replace(f, "Group/GroupFirstSub", values)


FILE_EDITS = [type_of_dataset, type_of_dataset, shape, shape, storage, delete, rename, swap, link, virtual, header, header, header, header, value, value, value, sentinel]
BYTE_EDITS = [cut, change_byte, flip_bit, flip_bit, insert_bytes]


# ---- edits of the set ----

def drop_file(rng, folder, files):
    pick(rng, files).unlink()


def swap_files(rng, folder, files):
    a, b = pick(rng, files), pick(rng, files)
    if a != b:
        a.rename(folder / "tmp"), b.rename(a), (folder / "tmp").rename(b)


def repeat_file(rng, folder, files):
    a, b = pick(rng, files), pick(rng, files)
    if a != b:
        shutil.copy(a, b)


def mix(rng, folder, files):
    """A file of another snapshot, of the same number of groups, in the place of one."""
    other = folder / "other"
    other.mkdir()
    with h5py.File(files[0]) as f:
        groups = int(f["Header"].attrs["Ngroups_Total"])
    small_set(rng, other, files=len(files), groups=groups, time=pick(rng, [.5, 1.0]))
    victim = pick(rng, files)
    shutil.copy(other / victim.name, victim)
    shutil.rmtree(other)


def two_snapshots(rng, folder, files):
    small_set(rng, folder, name=pick(rng, ["fof_subhalo_tab_050", "a", "z"]), files=len(files), time=.5)


def other_file(rng, folder, files):
    """A file beside the set that is none of it."""
    name = pick(rng, ["a_snapshot.hdf5", "zz.hdf5", "notes.txt", "empty.hdf5"])
    if name in ("a_snapshot.hdf5", "zz.hdf5"):
        with h5py.File(folder / name, "w") as f:
            f.create_group("Header").attrs["NumPart_Total"] = np.ones(6)
    else:
        (folder / name).write_text("")


def rename_file(rng, folder, files):
    victim = pick(rng, files)
    victim.rename(folder / pick(rng, ["set.hdf5", victim.name.replace(".0.", ".00."), victim.name.replace("099", "098"), victim.name.replace(".hdf5", ".h5")]))


SET_EDITS = [drop_file, swap_files, repeat_file, mix, two_snapshots, other_file, rename_file]


def make(rng, folder):
    files = int(rng.choice([1, 2, 3]))
    gadget4 = rng.random() < .3
    folder = folder / "groups"
    folder.mkdir()
    small_set(rng, folder, files=files, gadget4=gadget4)
    done = [f"{files} files"] + (["gadget4"] if gadget4 else [])
    for _ in range(int(rng.choice([0, 1, 2], p=[.02, .8, .18]))):
        edit = pick(rng, FILE_EDITS + BYTE_EDITS + SET_EDITS)
        all_files = sorted(folder.glob("*.h*5"))
        if not all_files:
            break
        done.append(edit.__name__)
        victim = pick(rng, all_files)
        if edit in BYTE_EDITS:
            victim.write_bytes(edit(rng, victim.read_bytes()))
            break
        try:
            if edit in SET_EDITS:
                edit(rng, folder, all_files)
            else:
                with h5py.File(victim, "r+") as f:
                    edit(rng, f)
        except (KeyError, ValueError, IndexError, TypeError, OSError, RuntimeError, AttributeError):
            done.append("half")  # an edit that does not go with the one before it
    left = sorted(folder.glob("*.h*5"))
    if left and rng.random() < .3:
        return pick(rng, left), done
    return folder, done


# ---- what a set means ----

def number(f, names, doubts):
    found = None
    for group in ("Header", "Parameters"):
        for name in names:
            if group in f and name in f[group].attrs:
                value = f[group].attrs[name]
                if isinstance(value, (str, bytes, h5py.Empty)) or np.asarray(value).dtype.kind not in "iufb" or np.asarray(value).size != 1:
                    doubts.append(f"{name} is no number")
                    continue
                value = float(np.asarray(value).reshape(-1)[0])
                if found is not None and found != value:
                    raise Refuse(f"{name} is said twice")
                found = value
    return found


def count(f, names, doubts):
    value = number(f, names, doubts)
    if value is None or value != np.floor(value) or not 0 <= value < 2 ** 53:
        raise Refuse(f"{names} is {value}")
    return int(value)


HEADER = {"files": ["NumFiles", "NumFilesPerSnapshot"], "groups": ["Ngroups_Total"], "subhalos": ["Nsubhalos_Total", "Nsubgroups_Total"]}
NUMBERS = {"BoxSize": None, "Time": None, "Omega0": None, "OmegaLambda": None, "HubbleParam": None, "UnitLength_in_cm": None, "UnitMass_in_g": None,
           "UnitVelocity_in_cm_per_s": None}


def field(f, name, rows, width, doubts):
    if isinstance(f.get(name, getlink=True), (h5py.SoftLink, h5py.ExternalLink)):
        doubts.append(f"{name} is a link")
    item = f.get(name)
    if item is None or not isinstance(item, h5py.Dataset):
        raise Refuse(f"no dataset {name}")
    if item.shape is None or item.ndim > 2 or item.ndim < 1 or item.shape[0] != rows or (item.shape[1] if item.ndim == 2 else 1) != width:
        raise Refuse(f"{name} has shape {item.shape}")
    if item.dtype.kind not in "iufb":
        raise Refuse(f"{name} is of {item.dtype}")
    if item.is_virtual:
        doubts.append(f"{name} is virtual")
        if any(source.file_name != "." for source in item.virtual_sources()):
            raise Refuse(f"{name} is virtual, and its source is gone")
    if item.compression == "lzf" or item.dtype.itemsize == 2 or item.dtype.kind == "b" and "Flag" not in name or (item.ndim == 2) != (width > 1):
        doubts.append(f"{name} has an unusual type, shape or filter")
    return item[...].reshape(rows, width) if width > 1 else item[...].reshape(rows)


def whole(name, values, doubts):
    if values.dtype.kind == "f":
        if not np.all(np.isfinite(values)) or np.any(values != np.floor(values)) or np.any(np.abs(values) >= 2 ** 53):
            raise Refuse(f"{name} is of floats that are no whole numbers")
        doubts.append(f"{name} is of floats")
    if values.dtype.kind == "u":  # all bits set is the files' -1
        unset = values == np.iinfo(values.dtype).max
        values = np.where(unset, -1, np.minimum(values.astype("u8"), np.uint64(2 ** 63 - 1)).astype(np.int64))
    return values.astype(np.int64)


def files_of(path, doubts):
    if not path.is_dir():
        folder, first = path.parent, path
    else:
        folder = path
        named = sorted(p for p in folder.iterdir() if p.suffix in (".hdf5", ".h5"))
        catalogs = []
        for p in named:
            try:
                with h5py.File(p) as f:
                    if "Header" in f and any(k in f["Header"].attrs for k in HEADER["subhalos"]):
                        catalogs.append(p)
                    else:
                        doubts.append(f"{p.name} is no group catalog")
            except OSError:
                doubts.append(f"{p.name} is no HDF5 file")
        if not catalogs:
            raise Refuse("no group catalog in the folder")
        first = catalogs[0]
        stems = {re.sub(r"\.\d+$", "", p.stem) for p in catalogs}
        if len(stems) > 1:
            raise Refuse(f"several catalogs in the folder: {stems}")
    with h5py.File(first) as f:
        files = count(f, HEADER["files"], doubts)
    if files == 1:
        if path.is_dir() and len(catalogs) > 1:
            raise Refuse("several catalogs in the folder")
        return [first]
    match = re.fullmatch(r"(.*)\.(\d+)(\.hdf5|\.h5)", first.name)
    if not match:
        raise Refuse("the name has no number")
    names = [folder / f"{match[1]}.{i}{match[3]}" for i in range(min(files, 100))]
    if files > 100 or not all(n.exists() for n in names):
        raise Refuse("a file is absent")
    if path.is_dir() and set(catalogs) - set(names):
        raise Refuse("more files than the set has")
    return names


def meaning(path):
    doubts = []
    try:
        return meaning_of(path, doubts)
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError, ValueError, TypeError, AttributeError, SystemError, MemoryError, OverflowError) as why:
        if "local heap" in str(why):  # newer versions of the HDF5 library check more than that of the program: nothing is known
            return None
        raise Refuse(f"damaged: {why}")


def meaning_of(path, doubts):
    opened = [h5py.File(p) for p in files_of(path, doubts)]
    try:
        return read(opened, doubts)
    finally:
        for f in opened:
            f.close()


def read(opened, doubts):
    said = counted = None
    parts = []
    groups_before = 0
    for f in opened:
        if "Header" not in f or not any(k in f["Header"].attrs for k in HEADER["subhalos"]):
            raise Refuse("no header")
        here = {key: count(f, names, doubts) for key, names in HEADER.items()} | {key: number(f, [key], doubts) for key in NUMBERS}
        if said is None:
            said = here
        for key, value in here.items():
            if (value is None) != (said[key] is None) or value is not None and not np.isclose(value, said[key], rtol=1e-6, equal_nan=True):
                raise Refuse(f"{key} differs between the files")
        groups = count(f, ["Ngroups_ThisFile"], doubts)
        subhalos = count(f, ["Nsubhalos_ThisFile", "Nsubgroups_ThisFile"], doubts)
        for kind, rows in (("Group", groups), ("Subhalo", subhalos)):
            if rows == 0 and isinstance(f.get(kind), h5py.Group) and any(isinstance(f[kind].get(n), h5py.Dataset) and f[kind][n].shape and f[kind][n].shape[0] for n in f[kind]):
                raise Refuse(f"{kind} has rows, by the header none")
        part = {}
        if subhalos:
            number_name = "SubhaloGroupNr" if "SubhaloGroupNr" in f["Subhalo"] else "SubhaloGrNr"
            part["group"] = whole(number_name, field(f, f"Subhalo/{number_name}", subhalos, 1, doubts), doubts)
            for name, width in (("SubhaloMass", 1), ("SubhaloLen", 1), ("SubhaloPos", 3), ("SubhaloVel", 3), ("SubhaloSpin", 3), ("SubhaloVmax", 1)):
                part[name] = field(f, f"Subhalo/{name}", subhalos, width, doubts)
            part["SubhaloLen"] = whole("SubhaloLen", part["SubhaloLen"], doubts)
            if "SubhaloFlag" in f["Subhalo"]:
                part["flag"] = field(f, "Subhalo/SubhaloFlag", subhalos, 1, doubts)
                if part["flag"].dtype.kind == "f" or np.any((part["flag"] != 0) & (part["flag"] != 1)):
                    doubts.append("SubhaloFlag is neither 0 nor 1")
                    if not np.all((part["flag"] == 0) | (part["flag"] == 1)):
                        raise Refuse("SubhaloFlag is neither 0 nor 1")
            for name, values in part.items():
                if values.dtype.kind == "f" and not np.all(np.isfinite(values)):
                    doubts.append(f"{name} is not finite")  # no fault where the row is left out
        if groups:
            part["first"] = whole("GroupFirstSub", field(f, "Group/GroupFirstSub", groups, 1, doubts), doubts)
            for name in ("Group_M_Crit200", "Group_R_Crit200"):
                part[name] = field(f, f"Group/{name}", groups, 1, doubts)
            counted = "GroupNsubs" in f["Group"] if counted is None else counted  # the first file with groups decides
            if "GroupNsubs" not in f["Group"]:
                doubts.append("no GroupNsubs")
            elif counted:
                part["nsubs"] = whole("GroupNsubs", field(f, "Group/GroupNsubs", groups, 1, doubts), doubts)
        if subhalos:
            part["number_name"] = number_name
        parts.append((groups, subhalos, part))
        groups_before += groups
    if sum(p[0] for p in parts) != said["groups"] or sum(p[1] for p in parts) != said["subhalos"]:
        raise Refuse("the files hold another number of rows than the header says")
    if len({p["number_name"] for _, n, p in parts if n}) > 1:
        doubts.append("files of two kinds in one set")
    flags = {"flag" in p for _, n, p in parts if n}
    if len(flags) > 1:
        raise Refuse("SubhaloFlag in some files only")

    def joined(name, width=1):
        some = [p[name] for _, _, p in parts if name in p]
        return np.concatenate(some) if some else np.zeros((0, width) if width > 1 else 0)

    box, a, h, om, ol = (said[k] for k in ("BoxSize", "Time", "HubbleParam", "Omega0", "OmegaLambda"))
    if any(v is None or not np.isfinite(v) or v <= 0 for v in (box, a, h, om)):
        raise Refuse("a number of the header is missing or not positive")
    scales = []
    for key, unit in (("UnitLength_in_cm", 3.085678e24), ("UnitMass_in_g", 1.989e33), ("UnitVelocity_in_cm_per_s", 1e5)):
        if said[key] is None or not np.isfinite(said[key]) or said[key] <= 0:
            raise Refuse(f"{key} is {said[key]}")
        ratio = said[key] / unit
        power = 10.0 ** np.round(np.log10(ratio))
        scales.append(power if abs(ratio / power - 1) < 2e-3 else ratio)
    length, mass_unit, velocity = scales
    if ol is None or not np.isfinite(ol) or ol < 0 or ol > 1 or om > 1 or h > 1.5 or h < .3 or a > 1.2 or a < .01 or abs(om + ol - 1) > .02:
        doubts.append("an absurd cosmology, or no OmegaLambda")
    if ol is None:
        ol = 1 - om
    if not np.isfinite(ol):
        raise Refuse("OmegaLambda is not finite")

    total = said["subhalos"]
    group = joined("group").astype(int)
    first = joined("first").astype(int)
    if total and (np.any(group < 0) or np.any(group >= said["groups"]) or np.any(first[group] < 0)):
        raise Refuse("a subhalo of a group that is not there, or that has no first subhalo")
    if np.any(first >= total) or np.any(group[first[first >= 0]] != np.flatnonzero(first >= 0)):
        raise Refuse("the first subhalo of a group is none of its own")
    if np.any(np.diff(group) < 0):
        raise Refuse("the subhalos are not in the order of their groups")
    if all("nsubs" in p for _, _, p in parts if "first" in p) and np.any(np.bincount(group, minlength=said["groups"]) != joined("nsubs")):
        raise Refuse("GroupNsubs contradicts the groups of the subhalos")
    ids = np.arange(total)
    if np.any(np.diff(group, prepend=-1) * (first[group] != ids)):
        doubts.append("a group whose first subhalo is not the first of its rows")
    central = first[group] == ids if total else np.zeros(0, bool)
    bound = joined("SubhaloMass").astype(float) * mass_unit
    m200, r200 = joined("Group_M_Crit200").astype(float) * mass_unit, joined("Group_R_Crit200").astype(float) * length
    for values, what in ((m200, "Group_M_Crit200"), (r200, "Group_R_Crit200")):
        bad = ~np.isfinite(values)
        if np.any(bad):
            raise Refuse(f"{what} is not finite")
        if np.any(values <= 0):
            doubts.append(f"{what} is not positive")
    use = central & (m200[group] > 0) & (r200[group] > 0) if total else np.zeros(0, bool)
    mass = np.where(use, m200[group], bound) if total else bound
    # 200 times the critical density, 2.77536627e11 h^2 Msun/Mpc^3 E^2(a), in comoving Mpc/h and Msun/h.
    density = 200 * 2.77536627e11 * (om / a ** 3 + (1 - om - ol) / a ** 2 + ol) * a ** 3
    with np.errstate(all="ignore"):
        radius = np.where(use, r200[group], np.cbrt(3 * bound / (4 * np.pi * density))) if total else bound
    kept = joined("flag").astype(bool) if any(flags) else np.ones(total, bool)
    position = joined("SubhaloPos", 3).astype(float) * length
    vel, spin = joined("SubhaloVel", 3).astype(float) * velocity, joined("SubhaloSpin", 3).astype(float) * length * velocity
    vmax = joined("SubhaloVmax").astype(float) * velocity
    columns = {"id": ids, "parent_id": np.where(central, -1, first[group] if total else ids), "mass": mass, "radius": radius}
    columns |= {"xyz"[k]: position[:, k] for k in range(3)} | {"v" + "xyz"[k]: vel[:, k] for k in range(3)} | {"vmax": vmax}
    columns |= {"j" + "xyz"[k]: spin[:, k] for k in range(3)} | {"specific_spin": np.sqrt((spin ** 2).sum(1)), "bound_mass": bound, "n_particles": joined("SubhaloLen").astype(np.int64)}
    columns = {name: values[kept] for name, values in columns.items()}
    check_columns(columns, [box * length] * 3)
    for name in ("vmax", "bound_mass", "n_particles"):
        if np.any(columns[name] <= 0):
            doubts.append(f"{name} is not positive")
    if np.any(kept[columns["parent_id"][columns["parent_id"] >= 0]] == 0):
        doubts.append("a host is left out")
    simulation = {"box": [box * length] * 3, "scale_factor": a, "omega_m": om, "omega_l": ol, "h": h, "mass_definition": "200c"}
    return Meaning(columns, simulation, doubts[0] if doubts else None)
