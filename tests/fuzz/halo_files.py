"""Halo catalogs in the program's own HDF5: small ones, edits of them, and what an edited one means."""
import numpy as np
import h5py

import units
from meaning import Meaning, Refuse, check_columns
from text_lists import change_byte, cut, flip_bit, insert_bytes, pick, table

UNITS = {"mass": "Msun/h", "radius": "Mpc/h", "x": "Mpc/h", "y": "Mpc/h", "z": "Mpc/h", "vx": "km/s", "vy": "km/s", "vz": "km/s", "vmax": "km/s", "vrms": "km/s",
         "scale_radius": "Mpc/h", "bound_mass": "Msun/h"}
REQUIRED = "id parent_id mass radius x y z vx vy vz".split()


def small_columns(rng, box):
    t = table(rng, int(rng.integers(3, 12)), box)
    c = {"id": t["ID"], "parent_id": t["PID"], "mass": t["Mvir"], "radius": 1e-3 * t["Rvir"]}
    c |= {k: t[k.upper()] for k in "xyz"} | {"v" + k: t["V" + k.upper()] for k in "xyz"}
    c |= {"vmax": t["Vmax"], "vrms": t["Vrms"], "scale_radius": 1e-3 * t["Rs"], "spin": t["Spin"], "n_particles": t["Np"], "bound_mass": t["Mvir"].copy()}
    c |= {"j" + k: t["J" + k.upper()] for k in "xyz"} | {"b_to_a": t["b_to_a"], "c_to_a": t["c_to_a"]}
    axis = np.array([t[f"A[{k}]"] for k in "xyz"])
    axis /= np.sqrt((axis ** 2).sum(0))
    return c | {"axis_" + k: axis[i] for i, k in enumerate("xyz")} | {"shape_resolved": np.ones(len(t["ID"]), bool)}


def write(path, columns, box, a, ours):
    with h5py.File(path, "w") as f:
        f.create_group("header/file").attrs.update({"origin": "halobrush" if ours else "test", "data_type": "halo_properties", "redshift": 1 / a - 1,
                                                    "unit_convention": "scalefree", "is_lightcone": False, "region_p1": np.zeros(3), "region_p2": np.full(3, box)})
        f.create_group("header/simulation/cosmology").attrs.update({"h": .7, "omega_m": .3, "omega_l": .7, "omega_b": .05, "sigma_8": .8})
        if ours:
            f.create_group("provenance").attrs.update({"remarks": "", "complete": 1})
            f.create_group("provenance/simulation").attrs.update({"box": np.full(3, box), "scale_factor": a, "omega_m": .3, "omega_l": .7, "h": .7, "omega_b": .05, "sigma_8": .8,
                                                                  "n_s": .96, "particle_mass": 1e9, "mass_definition": "vir"})
        for name, values in columns.items():
            unit = UNITS.get(name, "")
            f.create_dataset(f"data/{name}", data=values).attrs.update({"unit": "comoving " + unit if "pc" in unit else unit, "units": unit, "description": name})


# ---- edits of an open file ----

def attributes_of(dataset):
    return dict(dataset.attrs.items())


def replace(f, name, values, **how):
    """The column anew, with its attributes."""
    attributes = attributes_of(f["data"][name]) if isinstance(f["data"].get(name), h5py.Dataset) else {}
    del f["data"][name]
    f["data"].create_dataset(name, data=values, **how).attrs.update(attributes)


def column(rng, f):
    names = [n for n in f["data"] if isinstance(f["data"].get(n), h5py.Dataset) and f["data"][n].ndim == 1]
    return pick(rng, [n for n in names if n in REQUIRED] or names) if rng.random() < .5 else pick(rng, names)


def type_of_column(rng, f):
    name = column(rng, f)
    values = f["data"][name][:]
    kind = pick(rng, ["i1", "u1", "i4", "u4", "i8", "u8", ">i4", ">i8", ">u8", "f4", "f8", ">f4", ">f8", "f2", "bool", "S", "text", "compound", "complex"])
    if kind == "text":
        replace(f, name, [str(v) for v in values], dtype=h5py.string_dtype())
    elif kind == "S":
        replace(f, name, np.array([str(v).encode() for v in values]))
    elif kind == "compound":
        new = np.zeros(len(values), [("a", "f8"), ("b", "i4")])
        new["a"] = values.astype(float)
        replace(f, name, new)
    elif kind == "complex":
        replace(f, name, values.astype(complex))
    else:
        with np.errstate(all="ignore"):
            replace(f, name, values.astype(kind))


def shape(rng, f):
    name = column(rng, f)
    v = f["data"][name][:]
    replace(f, name, pick(rng, [v[:, None], v[None, :], np.stack([v, v, v], 1), v[:-1], v[:1], v[:0], np.concatenate([v, v[:1]]), np.asarray(v[0] if len(v) else 0), v[:, None, None]]))


def empty_space(rng, f):
    name = column(rng, f)
    values = f["data"][name][:]
    replace(f, name, h5py.Empty(values.dtype))


def storage(rng, f):
    name = column(rng, f)
    values = f["data"][name][:]
    how = pick(rng, [{"chunks": True}, {"compression": "gzip"}, {"compression": "lzf"}, {"shuffle": True, "compression": "gzip"}, {"fletcher32": True}, {"maxshape": (None,)},
                     {"scaleoffset": 3} if values.dtype.kind == "f" else {"chunks": True}])
    if len(values):
        replace(f, name, values, **how)


def delete_column(rng, f):
    del f["data"][column(rng, f)]


def rename_column(rng, f):
    name = column(rng, f)
    new = pick(rng, [name.upper(), name + "2", pick(rng, list(UNITS)), "c", "M", "x y", "halo_" + name, " " + name])
    if new not in f["data"]:
        f["data"].move(name, new)


def swap_columns(rng, f):
    a, b = column(rng, f), column(rng, f)
    if a != b:
        f["data"].move(a, "tmp"), f["data"].move(b, a), f["data"].move("tmp", b)


def add_column(rng, f):
    n = len(f["data/id"]) if "id" in f["data"] and f["data/id"].ndim else 3
    new = pick(rng, [np.arange(n), np.full(n, np.nan), np.array([b"text"] * n), np.ones((n, 3)), np.full(n, 2 ** 64 - 1, "u8"), np.ones(n + 1), np.ones(n, bool), np.float32(1)])
    name = pick(rng, ["c", "M", "age", "extra", "id2", "X"])
    if name not in f["data"]:
        f["data"].create_dataset(name, data=new).attrs["units"] = pick(rng, ["", "Gyr", "furlong", "Msun/h"])


def link(rng, f):
    name = column(rng, f)
    way = pick(rng, ["soft", "hard", "loop", "dangling", "external", "outside", "group", "other group"])
    if way == "group":
        del f["data"][name]
        f["data"].create_group(name)
        return
    f.require_group("elsewhere")
    f["data"].copy(name, f["elsewhere"], name)
    if way == "other group":
        f["data"].create_group("more")
        return
    del f["data"][name]
    f["data"][name] = {"soft": lambda: h5py.SoftLink(f"/elsewhere/{name}"), "hard": lambda: f["elsewhere"][name], "loop": lambda: h5py.SoftLink(f"/data/{name}"),
                       "dangling": lambda: h5py.SoftLink("/nowhere"), "external": lambda: h5py.ExternalLink(f.filename.split("/")[-1], f"/elsewhere/{name}"),
                       "outside": lambda: h5py.ExternalLink("absent.hdf5", "/data/x")}[way]()


def virtual(rng, f):
    name = column(rng, f)
    values = f["data"][name][:]
    f.require_group("elsewhere").create_dataset(name + "_v", data=values)
    layout = h5py.VirtualLayout(shape=values.shape, dtype=values.dtype)
    layout[:] = h5py.VirtualSource(pick(rng, [".", "absent.hdf5"]), f"elsewhere/{name}_v", shape=values.shape)
    attributes = attributes_of(f["data"][name])
    del f["data"][name]
    f["data"].create_virtual_dataset(name, layout, fillvalue=0).attrs.update(attributes)


def unit(rng, f):
    names = [n for n in f["data"] if n in UNITS and isinstance(f["data"].get(n), h5py.Dataset)]
    if not names:
        return
    attributes = f["data"][pick(rng, names)].attrs
    text = pick(rng, [*units.MASS, *units.LENGTH, *units.VELOCITY, "furlong", "", "h", "Msun/h2"])
    for key in pick(rng, [["unit", "units"], ["units"], ["unit"]]):
        new = pick(rng, [text, text, text, text, np.bytes_(text), None, 5, [text, text]])
        if new is None:
            attributes.pop(key, None)
        else:
            attributes[key] = new


def header(rng, f):
    """One number or text of the header: another value, another type, absent."""
    places = [g for g in ("header/file", "header/simulation/cosmology", "provenance/simulation", "provenance") if g in f and len(f[g].attrs)]
    attributes = f[pick(rng, places)].attrs
    key = pick(rng, list(attributes))
    old = attributes[key]
    way = pick(rng, ["drop", "text", "array", "scale", "negative", "nan", "zero", "integer", "f4", "bytes", "empty", "infinite"])
    number = np.asarray(old).dtype.kind in "fiub"
    if way == "drop":
        del attributes[key]
    elif way == "text":
        attributes[key] = str(old)
    elif way == "bytes":
        attributes[key] = np.bytes_(str(old))
    elif way == "empty":
        attributes[key] = h5py.Empty("f8")
    elif not number:
        attributes[key] = pick(rng, ["", "galaxies", str(old) + "x", "halo_properties"])
    else:
        old = np.asarray(old, float)
        attributes[key] = {"array": np.array([old.flat[0]] * 2), "scale": old * 1.1 + .1, "negative": -old - 1, "nan": old * np.nan, "zero": old * 0, "infinite": old * np.inf + np.inf,
                           "integer": np.asarray(old).astype(int), "f4": np.asarray(old).astype("f4")}[way]


def delete_group(rng, f):
    name = pick(rng, ["header", "header/file", "header/simulation", "header/simulation/cosmology", "data", "provenance", "provenance/simulation"])
    if name in f:
        del f[name]


def value(rng, f):
    name = column(rng, f)
    data = f["data"][name]
    if data.dtype.kind not in "iufb" or not len(data):
        return
    row = int(rng.integers(len(data)))
    new = pick(rng, [0, 1, -1, 5e5, -1e-9] + ([np.nan, np.inf, 1e300, -1e300, 1e-300] if data.dtype.kind == "f" else [2 ** 31 - 1, 100, 120]))
    with np.errstate(all="ignore"):
        data[row] = np.asarray(new).astype(data.dtype)


def big_integers(rng, f):
    name = pick(rng, ["id", "parent_id", "n_particles"])
    if name in f["data"] and isinstance(f["data"].get(name), h5py.Dataset) and f["data"][name].ndim == 1 and f["data"][name].dtype.kind in "iu":
        values = f["data"][name][:].astype("u8")
        values[:int(rng.integers(1, len(values) + 1)) if len(values) else 0] += np.uint64(2 ** 63)
        replace(f, name, values)


def no_rows(rng, f):
    for name in list(f["data"]):
        if isinstance(f["data"].get(name), h5py.Dataset) and f["data"][name].ndim:
            replace(f, name, f["data"][name][:0])


EDITS = [type_of_column, type_of_column, type_of_column, shape, shape, empty_space, storage, delete_column, rename_column, swap_columns, add_column, link, link, virtual, unit, unit,
         unit, header, header, header, delete_group, value, value, big_integers, no_rows]
BYTE_EDITS = [cut, change_byte, flip_bit, flip_bit, insert_bytes]


def make(rng, folder):
    path = folder / "in.hdf5"
    box, a = float(rng.choice([50, 100])), float(rng.choice([1, .5]))
    write(path, small_columns(rng, box), box, a, ours=rng.random() < .6)
    done = []
    for _ in range(int(rng.choice([0, 1, 2], p=[.02, .75, .23]))):
        edit = pick(rng, EDITS + BYTE_EDITS)
        if edit in BYTE_EDITS:
            path.write_bytes(edit(rng, path.read_bytes()))
            done.append(edit.__name__)
            break
        with h5py.File(path, "r+") as f:
            if "data" in f and len(f["data"]):
                try:
                    edit(rng, f)
                except (KeyError, ValueError, IndexError, AttributeError, TypeError, OSError, RuntimeError):
                    done.append("half a")  # an edit that does not go with the one before it
        done.append(edit.__name__)
    return path, done


# ---- what a file means ----

def text_attribute(attributes, name):
    """Text of one word; anything else under this name is None."""
    value = attributes.get(name)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else None


def number_attribute(attributes, name, size=1):
    value = attributes.get(name)
    if value is None or isinstance(value, (str, bytes, h5py.Empty)):
        return None
    value = np.asarray(value)
    if value.dtype.kind not in "iufb" or value.size != size:
        return None
    return float(value.reshape(-1)[0]) if size == 1 else value.astype(float).reshape(-1)


def simulation_of(f, doubts):
    """As the header and, in our own files, /provenance/simulation say; they must agree."""
    about = f["header/file"].attrs
    cosmology = f["header/simulation/cosmology"].attrs if "header/simulation/cosmology" in f else {}
    said = {}
    p1, p2 = (number_attribute(about, k, 3) for k in ("region_p1", "region_p2"))
    if p1 is not None and p2 is not None:
        said["box"] = p2 - p1
        if np.any(p1 != 0):
            doubts.append("a box that does not begin at 0")
    z = number_attribute(about, "redshift")
    if z is not None:
        said["scale_factor"] = 1 / (1 + z) if z != -1 else np.inf
    for key in ("omega_m", "omega_l", "h", "omega_b", "sigma_8"):
        if (value := number_attribute(cosmology, key)) is not None:
            said[key] = value
    if "provenance/simulation" not in f:
        return said | {"mass_definition": None}
    attributes = f["provenance/simulation"].attrs
    ours = {}
    if (box := number_attribute(attributes, "box", 3)) is not None:
        ours["box"] = box
    for key in ("scale_factor", "omega_m", "omega_l", "h", "omega_b", "sigma_8", "n_s", "particle_mass"):
        if (value := number_attribute(attributes, key)) is not None:
            ours[key] = value
    for key, value in ours.items():
        if key in said and not np.allclose(said[key], value, rtol=1e-3, equal_nan=True):
            raise Refuse(f"{key} is {said[key]} in the header, {value} in /provenance")
    for key in said:
        if key not in ours:
            doubts.append(f"{key} is in the header alone")
            said[key] = said[key]
    # Said by neither, or as something else than a number: that is no statement.
    return said | ours | {"mass_definition": text_attribute(attributes, "mass_definition")}


def integers(name, values, doubts):
    if values.dtype.kind == "f":
        if not np.all(np.isfinite(values)) or np.any(values != np.floor(values)) or np.any(np.abs(values) >= 2 ** 53):
            raise Refuse(f"{name} is of floats that are no whole numbers")
        doubts.append(f"{name} is of floats")
    elif values.dtype.kind not in "iu":
        doubts.append(f"{name} is of booleans")
    if values.dtype.kind == "u" and len(values) and values.max() >= 2 ** 63:
        raise Refuse(f"{name} is beyond the range")
    return values.astype(np.int64)


def value_of(f, data, name, doubts):
    link = data.get(name, getlink=True)
    item = data.get(name)
    if isinstance(link, (h5py.SoftLink, h5py.ExternalLink)):
        doubts.append(f"{name} is a link")
    if item is None:
        raise Refuse(f"{name} is a link to nowhere")
    if not isinstance(item, h5py.Dataset):
        raise Refuse(f"{name} is a group")
    if item.shape is None:
        raise Refuse(f"{name} has no values")
    if item.ndim != 1:
        if item.ndim == 2 and item.shape[1] == 1:
            doubts.append(f"{name} has two dimensions, of one number")
        else:
            raise Refuse(f"{name} has {item.ndim} dimensions")
    if item.is_virtual:
        doubts.append(f"{name} is virtual")
        import os
        if any(source.file_name != "." and not os.path.exists(os.path.join(os.path.dirname(f.filename), source.file_name)) for source in item.virtual_sources()):
            raise Refuse(f"{name} is virtual, and its source is gone")
    if item.compression not in (None, "gzip") or item.scaleoffset is not None:
        doubts.append(f"{name} has a filter")
    if item.dtype.kind not in "iufb":
        raise Refuse(f"{name} is of type {item.dtype}")
    if item.dtype.itemsize == 2 and item.dtype.kind == "f":
        doubts.append(f"{name} has half precision")
    return item[...].reshape(-1)


def factor_of(item, name, h, a, doubts):
    texts = set()
    for key in ("unit", "units"):
        if key not in item.attrs:
            continue
        text = text_attribute(item.attrs, key)
        if text is None:
            raise Refuse(f"{name} has a {key} that is no text")
        text = text.strip()
        for mark in ("comoving ", "physical "):
            if text.startswith(mark):
                text = f"{text[len(mark):]} ({mark.strip()})"
        texts.add(text)
    usual = UNITS[name]
    if not texts or texts == {""}:
        doubts.append(f"{name} has no unit")
        return 1.0
    named = {"Msun/h": units.MASS, "Mpc/h": units.LENGTH, "km/s": units.VELOCITY}[usual]
    factors = {units.factor(text, named, h, a) for text in texts}
    if None in factors or len(factors) > 1:
        raise Refuse(f"the unit of {name} is {texts}")
    found = factors.pop()
    if found != 1 or texts - {usual, f"{usual} (comoving)"}:
        doubts.append(f"{name} is in {texts}")
    return found


def meaning(path):
    try:
        f = h5py.File(path, "r")
    except OSError as why:
        raise Refuse(f"not an HDF5 file: {why}")
    with f:
        try:
            return meaning_of(f)
        except (OSError, RuntimeError, KeyError, UnicodeDecodeError, ValueError, TypeError, AttributeError, SystemError, MemoryError, OverflowError) as why:
            if "global heap" in str(why):  # newer versions of the HDF5 library check more than that of the program: nothing is known
                return None
            raise Refuse(f"damaged: {why}")


def meaning_of(f):
    doubts = []
    if "header/file" not in f or "data" not in f:
        raise Refuse("no header or no data")
    about = f["header/file"].attrs
    if text_attribute(about, "data_type") != "halo_properties":
        raise Refuse("not a halo catalog")
    if (cone := number_attribute(about, "is_lightcone")) not in (None, 0):
        raise Refuse("a light cone")
    if cone is None or text_attribute(about, "unit_convention") != "scalefree":
        doubts.append("another header")
    if "provenance" in f and "complete" in f["provenance"].attrs:
        if number_attribute(f["provenance"].attrs, "complete") != 1:
            raise Refuse("not complete")
    elif text_attribute(about, "origin") == "halobrush" or "provenance" in f:
        doubts.append("nobody says whether the file is complete")
    said = simulation_of(f, doubts)
    for key in ("scale_factor", "omega_m", "h"):
        if not said.get(key, -1) > 0 or not np.isfinite(said[key]):
            raise Refuse(f"{key} is {said.get(key)}")
    box = said.get("box")
    if box is None or not np.all(box > 0) or not np.all(np.isfinite(box)):
        raise Refuse("no box")
    if any(key in said and not np.isfinite(said[key]) for key in ("omega_l", "omega_b", "sigma_8", "n_s", "particle_mass")) or "omega_l" not in said:
        doubts.append("a number of the header is not finite, or is missing")
    for key, low, high in (("scale_factor", .01, 1.5), ("omega_m", 0, 1), ("h", .3, 1.5), ("omega_l", 0, 1), ("omega_b", 0, .2), ("sigma_8", .3, 1.5), ("n_s", .5, 1.5)):
        if key in said and not low < said[key] < high:
            doubts.append("an absurd cosmology")
    if abs(said["omega_m"] + said.get("omega_l", .7) - 1) > .01:
        doubts.append("a curved cosmology")
    if said.get("particle_mass", 1) <= 0:
        doubts.append("an absurd particle mass")
    columns = {}
    rows = None
    for name in f["data"]:
        if name not in KNOWN:
            try:
                values = value_of(f, f["data"], name, doubts)
            except Refuse:
                values = None
            doubts.append(f"another column {name}")
            if values is not None:
                columns[name] = values
            continue
        values = value_of(f, f["data"], name, doubts)
        if rows is not None and len(values) != rows:
            raise Refuse(f"{name} has {len(values)} rows, not {rows}")
        rows = len(values)
        if name in ("id", "parent_id", "n_particles"):
            columns[name] = integers(name, values, doubts)
        elif name == "shape_resolved":
            if values.dtype.kind != "b":
                if not np.all((values == 0) | (values == 1)):
                    raise Refuse("shape_resolved is neither 0 nor 1")
                doubts.append("shape_resolved is of numbers")
            columns[name] = values.astype(bool)
        else:
            if values.dtype.kind != "f" and values.dtype.kind != "i" and values.dtype.kind != "u":
                raise Refuse(f"{name} is of {values.dtype}")
            if values.dtype.kind != "f":
                doubts.append(f"{name} is of integers")
            columns[name] = values.astype(float)
            if name in UNITS:
                columns[name] = columns[name] * factor_of(f["data"][name], name, said["h"], said["scale_factor"], doubts)
            elif any(str(text_attribute(f["data"][name].attrs, key) or "") for key in ("unit", "units")):
                doubts.append(f"{name} has a unit")
    for name in REQUIRED:
        if name not in columns:
            raise Refuse(f"no column {name}")
    if {"n_particles", "b_to_a", "c_to_a", "axis_x", "axis_y", "axis_z", "shape_resolved", "jx", "jy", "jz", "vmax"} - set(columns):
        doubts.append("a part of a vector or of the shape is missing")
    for vector in ({"jx", "jy", "jz"}, {"axis_x", "axis_y", "axis_z"}):
        if vector - set(columns):
            columns = {name: values for name, values in columns.items() if name not in vector}
    checked = {name: values for name, values in columns.items() if name in KNOWN}
    check_columns(checked, box)
    if np.any(columns.get("n_particles", np.ones(1)) < 0):
        doubts.append("a negative number of particles")
    for name in ("b_to_a", "c_to_a"):
        if np.any((columns.get(name, np.zeros(1)) < 0) | (columns.get(name, np.zeros(1)) > 1)):
            doubts.append("ratios of axes beyond [0, 1]")
    for name in ("vmax", "vrms", "scale_radius", "spin", "bound_mass", "shape_resolved", "axis_x", "axis_y", "axis_z", "b_to_a", "c_to_a"):
        if name in checked and np.any(checked[name] <= 0):
            doubts.append(f"{name} is not positive")
    columns |= checked
    simulation = {"box": box, **{key: said.get(key, np.nan) for key in ("scale_factor", "omega_m", "omega_l", "h", "omega_b", "sigma_8", "n_s", "particle_mass")}}
    if said["mass_definition"]:
        simulation["mass_definition"] = said["mass_definition"]
    return Meaning(columns, simulation, doubts[0] if doubts else None)


KNOWN = set(REQUIRED + "vmax vrms scale_radius spin jx jy jz specific_spin bound_mass n_particles b_to_a c_to_a axis_x axis_y axis_z shape_resolved".split())
