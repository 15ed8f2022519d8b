"""HDF5 of any kind as input: what can be read as it was meant gives the halos of the plain file, bit for bit; everything else is refused by
the names of file and object, in one line, with exit code 3 (data) or 5 (the file cannot be had), the same on 1 and 3 ranks."""
import fcntl
import os
import pathlib
import shutil
import subprocess

import h5py
import numpy as np

import subfind_set
from runner import ENVIRONMENT, ROOT, Scratch, expect, run, sets

DATA, IO = 3, 5
BOX = 100.0
UNITS = {"mass": "Msun/h", "radius": "Mpc/h", "vmax": "km/s"} | {a: "Mpc/h" for a in "xyz"} | {"v" + a: "km/s" for a in "xyz"}


def halos(groups=60, seed=2):
    """Columns of a halo catalog: groups of one to five, the first of each a host."""
    random = np.random.default_rng(seed)
    members = random.integers(1, 6, groups)
    n, group = members.sum(), np.repeat(np.arange(groups), members)
    first = (np.cumsum(members) - members)[group]
    ids = 500 + 3 * np.arange(n)
    host = np.arange(n) == first
    mass = np.where(host, 1e13, 1e11) * random.uniform(1, 9, n)
    centre = random.uniform(1, BOX - 1, (groups, 3))[group]
    place = centre + ~host[:, None] * random.uniform(-.2, .2, (n, 3))
    columns = {"id": ids, "parent_id": np.where(host, -1, ids[first]), "mass": mass, "radius": 2e-5 * np.cbrt(mass), "vmax": 0.016 * np.cbrt(mass),
               "n_particles": (mass / 1e9).astype("i8"), "shape_resolved": random.uniform(size=n) < .5}
    for k, axis in enumerate("xyz"):
        columns[axis], columns["v" + axis], columns["j" + axis] = place[:, k], random.normal(0, 300, n), random.normal(size=n)
    return columns


def write(path, columns, edit=None, data_type="halo_properties"):
    with h5py.File(path, "w") as file:
        file.create_group("header/file").attrs.update({"data_type": data_type, "redshift": 0.0, "region_p1": np.zeros(3), "region_p2": np.full(3, BOX)})
        file.create_group("header/simulation/cosmology").attrs.update({"h": .7, "omega_m": .3, "omega_l": .7})
        for name, values in columns.items():
            file.create_dataset(f"data/{name}", data=values).attrs["unit"] = UNITS.get(name, "")
        if edit:
            edit(file["data"])
    return path


def put(data, name, values=None, **how):
    """Another dataset in the place of a column, with its unit."""
    unit = data[name].attrs["unit"]
    del data[name]
    data.create_dataset(name, data=values, **how).attrs["unit"] = unit


def as_type(name, dtype):
    return lambda data: put(data, name, data[name][:].astype(dtype))


def linked(name, link):
    def edit(data):
        data.move(name, "other_name")
        data[name] = link(data)
    return edit


def external(scratch, *names, target="v"):
    """Datasets at the same address of files of their own."""
    def edit(data):
        for name in names:
            with h5py.File(scratch / f"outside_{name}.h5", "w") as file:
                file.create_dataset("v", data=data[name][:]).attrs["unit"] = data[name].attrs["unit"]
            del data[name]
            data[name] = h5py.ExternalLink(f"outside_{name}.h5", target)
    return edit


def virtual(scratch, name, part=None, source_rows=None):
    """In two sources; `part` of them are written, `source_rows` shortens the second."""
    def edit(data):
        values, unit = data[name][:], data[name].attrs["unit"]
        half = len(values) // 2
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        for k, (begin, end) in enumerate(((0, half), (half, len(values)))):
            stored = values[begin:end][:source_rows if k else None]
            path = scratch / f"source{k}_{name}_{part}_{source_rows}.h5"
            if part is None or k < part:
                with h5py.File(path, "w") as file:
                    file["v"] = stored
            layout[begin:end] = h5py.VirtualSource(path.name, "v", (end - begin,))
        del data[name]
        data.create_virtual_dataset(name, layout).attrs["unit"] = unit
    return edit


def gap(data):
    n = len(data["x"])
    layout = h5py.VirtualLayout((n,), "f8")
    layout[:n // 2] = h5py.VirtualSource(".", "/data/y", (n,))[:n // 2]
    put_virtual(data, "x", layout)


def other_source(scratch, name):
    def edit(data):
        with h5py.File(scratch / "other_source.h5", "w") as file:
            file["present"] = data[name][:]
        layout = h5py.VirtualLayout((len(data[name]),), "f8")
        layout[:] = h5py.VirtualSource(scratch / "other_source.h5", "absent", (len(data[name]),))
        put_virtual(data, name, layout)
    return edit


def circle(data):
    layout = h5py.VirtualLayout((len(data["x"]),), "f8")
    layout[:] = h5py.VirtualSource(".", "/data/x", (len(data["x"]),))
    put_virtual(data, "x", layout)


def put_virtual(data, name, layout):
    unit = data[name].attrs["unit"]
    del data[name]
    data.create_virtual_dataset(name, layout).attrs["unit"] = unit


def raw(path, whole):
    def edit(data):
        values = data["x"][:]
        values.tofile(path)
        put(data, "x", None, shape=values.shape, dtype=values.dtype, external=[(path.name, 0, h5py.h5f.UNLIMITED)])
        data.file.flush()
        if not whole:
            os.truncate(path, 8)
    return edit


def never_written(data):
    put(data, "vmax", None, shape=data["vmax"].shape, dtype="f8")


def half_written(data):
    values = data["vmax"][:]
    put(data, "vmax", None, shape=values.shape, dtype="f8", chunks=(16,))
    data["vmax"][:32] = values[:32]


def huge(name, row):
    def edit(data):
        values = data[name][:].astype("u8")
        values[row] += np.uint64(2 ** 63)
        put(data, name, values)
    return edit


def one(name, row, value, dtype="f8"):
    def edit(data):
        values = data[name][:].astype(dtype)
        values[row] = value
        put(data, name, values)
    return edit


def scaled(name, factor, unit):
    def edit(data):
        put(data, name, data[name][:] * factor)
        data[name].attrs["unit"] = unit
    return edit


def same_ids(value):
    def edit(data):
        data["id"][[3, 4]] = value
    return edit


def ours(**attributes):
    said = {"box": np.full(3, BOX), "scale_factor": 1.0, "omega_m": .3, "omega_l": .7, "h": .7} | attributes

    def edit(data):
        data.file.create_group("provenance/simulation").attrs.update(said)
        data.file["provenance"].attrs["complete"] = 1
    return edit


COLOURS = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 2}, "i1")


def good(scratch):
    """Read as the plain file."""
    yield "hard link", linked("mass", lambda data: data["other_name"])
    yield "soft link", linked("mass", lambda data: h5py.SoftLink("/data/other_name"))
    yield "external links", external(scratch, "x", "y", "z", "mass")
    yield "virtual", virtual(scratch, "x")
    yield "raw file", raw(scratch / "x.raw", whole=True)
    yield "gzip, shuffle, checksum", lambda data: put(data, "mass", data["mass"][:], compression="gzip", shuffle=True, fletcher32=True, chunks=(7,))
    yield "float ids", lambda data: [as_type(name, "f8")(data) for name in ("id", "parent_id", "n_particles")]
    yield "long double", lambda data: [as_type(name, "longdouble")(data) for name in ("mass", "radius", "x")]
    yield "big-endian", lambda data: [as_type(name, dtype)(data) for name, dtype in (("id", ">i4"), ("parent_id", ">i2"), ("mass", ">f8"))]
    yield "unsigned ids", as_type("id", "u8")
    yield "booleans as integers", as_type("shape_resolved", "i4")
    yield "kpc", scaled("radius", 1e3, "kpc/h")
    yield "provenance", ours()
    yield "masses in 1e10", scaled("mass", 1e-10, "1e10 Msun/h")


def bad(scratch):
    """Name, edit, texts of the one line."""
    yield "link to nowhere", linked("mass", lambda data: h5py.SoftLink("/data/nowhere")), "/data/mass", "link to '/data/nowhere'"
    yield "optional link to nowhere", linked("vmax", lambda data: h5py.SoftLink("/data/nowhere")), "/data/vmax", "link to '/data/nowhere'"
    yield "link in a circle", linked("mass", lambda data: h5py.SoftLink("/data/mass")), "/data/mass", "link to '/data/mass'"
    yield "link into no file", linked("mass", lambda data: h5py.ExternalLink("none.h5", "v")), "/data/mass", "'v' in the file 'none.h5'"
    yield "link to nothing in a file", external(scratch, "mass", target="w"), "/data/mass", "'w' in the file 'outside_mass.h5'"
    yield "group for a column", linked("mass", lambda data: data.create_group("g")), "is a group"
    yield "source gone", virtual(scratch, "x", part=1), "/data/x", "source1_x_1_None.h5"
    yield "all sources gone", virtual(scratch, "vx", part=0), "/data/vx", "source0_vx_0_None.h5"
    yield "source without it", other_source(scratch, "x"), "/data/x", "its source 'absent' is not in"
    yield "source too short", virtual(scratch, "x", source_rows=5), "/data/x", "source1_x_None_5.h5", "shape [5]"
    yield "virtual with a gap", gap, "/data/x", "have no source"
    yield "virtual of itself", circle, "/data/x", "too many generations"
    yield "raw file too short", raw(scratch / "short.raw", whole=False), "/data/x", "short.raw", "too short"
    yield "never written", never_written, "/data/vmax", "never written"
    yield "half written", half_written, "/data/vmax", "never written"
    yield "lzf", lambda data: put(data, "mass", data["mass"][:], compression="lzf"), "/data/mass", "lzf (32000)"
    yield "ids beyond 2^63", huge("id", 7), "row 7: column '/data/id' is 9223372036854776329", "does not fit"
    yield "no parent in an unsigned type", one("parent_id", 2, 2 ** 64 - 1, "u8"), "/data/parent_id", "does not fit"
    yield "particles beyond 2^63", huge("n_particles", 9), "row 9: column '/data/n_particles'", "does not fit"
    yield "float id of 2^60", one("id", 5, 2.0 ** 60), "row 5: column '/data/id' is 1.152921504606847e+18", "last digits may be lost"
    yield "float32 id of 2^25", one("id", 5, 2.0 ** 25, "f4"), "row 5: column '/data/id' is 33554432", "last digits may be lost"
    yield "float id of 2^53", one("id", 5, 2.0 ** 53), "row 5: column '/data/id'", "last digits may be lost"
    yield "id of one and a half", one("id", 5, 1.5), "row 5: column '/data/id' is 1.5", "whole number"
    yield "id NaN", one("parent_id", 5, np.nan), "row 5: column '/data/parent_id' is nan", "whole number"
    yield "same largest id", same_ids(2 ** 63 - 1), "id 9223372036854775807 occurs more than once"
    yield "text ids", lambda data: put(data, "id", [b"7"] * len(data["id"])), "/data/id", "holds text"
    yield "compound", lambda data: put(data, "x", np.zeros(len(data["x"]), "f8,f8")), "/data/x", "compound"
    yield "lists", lambda data: put(data, "x", np.zeros(len(data["x"]), "(3,)f8")), "/data/x"
    yield "complex", lambda data: put(data, "x", np.zeros(len(data["x"]), "c16")), "/data/x"
    yield "enumeration", lambda data: put(data, "shape_resolved", np.ones(len(data["x"]), "i1"), dtype=COLOURS), "/data/shape_resolved", "enumeration"
    yield "boolean 2", one("shape_resolved", 4, 2, "i4"), "row 4: column '/data/shape_resolved' is 2"
    yield "booleans for a float", lambda data: put(data, "mass", data["mass"][:] > 0), "/data/mass", "holds booleans"
    yield "a name with a control character", lambda data: data.move("parent_id", "parent\x16id"), "'parent?id'", "control characters"
    yield "one column of two dimensions", lambda data: put(data, "x", data["x"][:][:, None]), "/data/x", "1]; one number a row"
    yield "vectors", lambda data: put(data, "vx", np.zeros((len(data["x"]), 3))), "/data/vx", "3]; one number a row"
    yield "a single number", lambda data: put(data, "vmax", 5.0), "/data/vmax", "single number"
    yield "no shape", lambda data: put(data, "vmax", h5py.Empty("f8")), "/data/vmax", "is empty"
    yield "too few rows", lambda data: put(data, "vmax", data["vmax"][:-1]), "'vmax' has", "rows"
    yield "another unit", scaled("radius", 1, "km/s"), "'radius': unit 'km/s'"
    yield "an unknown unit", scaled("mass", 1, "Mstar"), "'mass': unit 'Mstar'", "not known"
    yield "two units", lambda data: data["mass"].attrs.update({"units": "Msun"}), "'mass'", "'Msun' by the attribute units, 'Msun/h' by unit"
    yield "a unit that is no text", lambda data: data["mass"].attrs.update({"unit": 1.0}), "'mass'", "no text"
    yield "light cone", lambda data: data.file["header/file"].attrs.update({"is_lightcone": True}), "light cone"
    yield "redshift that is no number", lambda data: data.file["header/file"].attrs.update({"redshift": np.nan}), "redshift"
    yield "light cone as a number", lambda data: data.file["header/file"].attrs.update({"is_lightcone": 0.1}), "light cone"
    yield "physical units", lambda data: data.file["header/file"].attrs.update({"unit_convention": "physical"}), "'physical'"
    yield "infinite box", lambda data: data.file["header/file"].attrs.update({"region_p2": np.full(3, np.inf)}), "not finite"
    yield "box from NaN", lambda data: data.file["header/file"].attrs.update({"region_p1": np.full(3, np.nan)}), "not finite"
    yield "another box in the provenance", ours(box=np.full(3, 50.0)), "side of the box is 50 in /provenance/simulation, 100"
    for name in ("h", "omega_m", "scale_factor"):
        yield f"{name} in the provenance that is no number", ours(**{name: np.nan}), f"{name} in /provenance/simulation is no number"
    for name in ("omega_b", "sigma_8"):
        yield f"{name} in the header that is no number", lambda data, name=name: data.file["header/simulation/cosmology"].attrs.update({name: np.nan}), f"{name} in /header is no number"
    yield "omega_b in the provenance that is a text", ours(omega_b="0.05"), "omega_b in /provenance/simulation is no number"
    yield "another redshift in the provenance", ours(scale_factor=0.5), "scale factor is 0.5 in /provenance/simulation, 1"
    yield "no unit", scaled("mass", 1, ""), "'mass': unit ''", "none is given"


READER = pathlib.Path(os.environ.get("READ_HALOS", ROOT / "build/release/test_read_halos"))


class Files:
    """Files, each with what is expected of it, that are read in one run on 1 and one on 3 ranks."""

    def __init__(self, folder):
        self.folder, self.expected = folder, {}
        folder.mkdir()

    def place(self, name):
        return self.folder / name.replace(" ", "_")

    def good(self, path, check):
        """`check(columns, remarks)` of what is read."""
        self.expected[path] = check

    def bad(self, path, *texts, code=DATA):
        self.expected[path] = (code, texts)

    def read(self):
        paths = [str(path) for path in self.expected]
        lines = {}
        for ranks in (1, 3):
            done = subprocess.run(["mpirun", "-np", str(ranks), "--oversubscribe", str(READER), *paths], env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
            expect(done.returncode == 0, f"{ranks} ranks: {done.stdout}{done.stderr}")
            lines[ranks] = done.stdout.splitlines()
            if ranks == 1:
                self.check(lines[1])
        expect(lines[1] == lines[3], "other words on 3 ranks:\n" + "\n".join(f"{a}\n{b}" for a, b in zip(lines[1], lines[3]) if a != b))
        self.check(lines[3], quiet=True)

    def check(self, lines, quiet=False):
        expect(len(lines) == len(self.expected), f"{len(lines)} lines of {len(self.expected)} files")
        for line, (path, wanted) in zip(lines, self.expected.items()):
            code, _, text = line.partition(" ")
            if callable(wanted):
                expect(code == "0", f"{path}: {line}")
                wanted(columns_of(f"{path}.read"), text)
            else:
                expect(int(code) == wanted[0] and str(self.folder) in text and all(part in text for part in wanted[1]), f"{path}: {wanted}: {line}")
            if not quiet:
                print(f"{path.name}: {code} {text.replace(str(self.folder) + '/', '')}")


def refused(done, code, where, *texts):
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == 1 and all(text in lines[0] for text in texts),
           f"{where}: {texts}: {done.returncode} {done.stdout}{done.stderr}")
    return lines[0]


def columns_of(path):
    with h5py.File(path) as file:
        return {name: values[:] for name, values in file["data"].items()}


def equal(found, wanted, where):
    for name, values in wanted.items():
        good = np.array_equal(found[name], values) or (values.dtype.kind == "f" and np.allclose(found[name], values, rtol=1e-15, atol=0))
        expect(name in found and good and found[name].dtype == values.dtype, f"{where}: column {name} differs")


def as_plain(plain):
    return lambda found, _: equal(found, plain, "as the plain file")


def tables(scratch):
    plain, files = halos(), Files(scratch / "tables")
    for name, edit in good(files.folder):
        files.good(write(files.place(name), plain, edit), as_plain(plain))
    for name, edit, *texts in bad(files.folder):
        files.bad(write(files.place(name), plain, edit), *texts)
    extra = {"c": np.full(len(plain["id"]), 10.0), "M": np.full(len(plain["id"]), 1e12), "age": np.full(len(plain["id"]), 3.0, "f2")}
    more = write(files.place("other columns"), plain | extra, lambda data: data["age"].attrs.update({"unit": "Gyr"}))
    files.good(more, as_plain(plain | extra | {"age": extra["age"].astype("f8")}))
    def without_jz(data):
        del data["jz"]
    def left_out(found, remarks):
        equal(found, {name: values for name, values in plain.items() if name not in ("jx", "jy", "jz")}, "without a whole vector")
        expect("jx" not in found and "no column jz: jx, jy left out" in remarks, f"half a vector: {remarks}")
    files.good(write(files.place("half a vector"), plain, without_jz), left_out)
    none = {name: values[:0] for name, values in plain.items()}
    files.good(write(files.place("no rows"), none), as_plain(none))
    files.read()


def damaged(scratch):
    files = Files(scratch / "damaged")
    whole = write(scratch / "whole.hdf5", halos())
    content = whole.read_bytes()
    for name, part, text in (("cut short", content[:-3000], "truncated"), ("no superblock", content[:8] + b"\xff" * 40 + content[48:], "damaged")):
        files.place(name).write_bytes(part)
        files.bad(files.place(name), "cannot be opened as HDF5", text)
    double = bytes.fromhex("11203f000800000000004000340b0034ff030000")  # HDF5's description of float64; of a column, the last one
    at = content.rindex(double)
    files.place("mantissa outside").write_bytes(content[:at + 14] + b"\x40" + content[at + 15:])
    files.bad(files.place("mantissa outside"), "has a damaged type")
    # Bytes 12 to 20: where exponent and mantissa are, how many bits each has, and the bias, 1023. Another bias reads as zeros, or as other numbers.
    for name, byte, value in (("mantissa of 51 bits", 15, b"\x33"), ("exponent of 10 bits", 13, b"\x0a"), ("bias of 1022", 16, b"\xfe"), ("bias of a billion", 19, b"\x40"), ("no leading one", 1, b"\x00")):
        files.place(name).write_bytes(content[:at + byte] + value + content[at + byte + 1:])
        files.bad(files.place(name), "has a damaged type")
    whole_number = bytes.fromhex("100800000800000000004000")  # int64: its bits begin at 0, and are 64
    at = content.rindex(whole_number)
    files.place("bits outside").write_bytes(content[:at + 8] + b"\x20" + content[at + 9:])
    files.bad(files.place("bits outside"), "has a damaged type")
    files.place("no bits").write_bytes(content[:at + 10] + b"\0" + content[at + 11:])
    files.bad(files.place("no bits"), "has a damaged type")
    at = content.rindex(b"unit\0") - 8  # the version of the attribute's message
    files.place("damaged attribute").write_bytes(content[:at] + b"\x21" + content[at + 1:])
    files.bad(files.place("damaged attribute"), "attribute", "damaged")
    shutil.copy(whole, files.place("held"))
    files.bad(files.place("held"), "another process has it open to write", code=IO)
    with h5py.File(scratch / "open.hdf5", "w", libver="latest") as file:
        file["x"] = np.zeros(3)
        file.flush()
        shutil.copy(scratch / "open.hdf5", files.place("not closed"))
    files.bad(files.place("not closed"), "did not close it")
    with open(files.place("held")) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        files.read()


def damaged_heaps(scratch):
    """Sizes in the heap where texts of variable length lie, by which HDF5 1.10 crashes or never ends; later versions refuse or go on."""
    content = write(scratch / "sound.hdf5", halos()).read_bytes()
    heap = content.index(b"GCOL")
    first = heap + 16 + 8  # the size of the first text, behind the heap's and the text's own headers
    for name, size in (("crash", 1 << 40), ("endless", (1 << 64) - 16), ("beyond the heap", 4 + (1 << 17)), ("just beyond", 4096)):
        path = scratch / f"{name}.hdf5"
        path.write_bytes(content[:first] + size.to_bytes(8, "little") + content[first + 8:])
        texts = [path.name, "damaged"]
        lines = {refused(convert(ranks, path, scratch / "out.hdf5"), DATA, f"heap, {name}", *texts) for ranks in (0, 3)}
        lines.add(refused(run(0, "info", path), DATA, "info", *texts))
        expect(len(lines) == 1, f"other words: {lines}")
        print(*lines)


def program(scratch):
    """The program itself says the same."""
    plain = halos()
    done = run(0, "info", write(scratch / "plain.hdf5", plain, scaled("x", 1e3, "kpc/h")))
    hosts = np.count_nonzero(plain["parent_id"] < 0)
    expect(done.returncode == 0 and f"{hosts} of {len(plain['id'])} halos are hosts" in done.stdout and "x: 'kpc/h' in the file, 'Mpc/h' here" in done.stdout
           and "warning" not in done.stdout, f"info: {done.stdout}{done.stderr}")
    for name, edit in (("virtual", virtual(scratch, "x")), ("external", external(scratch, "x", "y", "z"))):
        done = convert(3, write(scratch / f"{name}.hdf5", plain, edit), scratch / "out.hdf5")
        expect(done.returncode == 0, f"{name}: {done.stderr}")
        equal(columns_of(scratch / "out.hdf5"), plain, name)
    path = write(scratch / "gone.hdf5", plain, virtual(scratch, "x", part=1))
    lines = {refused(convert(ranks, path, scratch / "out.hdf5"), DATA, "source gone", "source1_x_1_None.h5") for ranks in (0, 3)}
    lines.add(refused(run(0, "info", path), DATA, "info", "source1_x_1_None.h5"))
    expect(len(lines) == 1, f"other words: {lines}")


def convert(ranks, path, output):
    return run(ranks, "convert", "config/demo.yaml", *sets([f"input.path={path}", "convert.kind=halos", f"convert.path={output}"]))


def galaxies(scratch):
    """A galaxy catalog for validate and train: ids of any type, axes of any handedness and length."""
    plain = halos(groups=150)
    n, host = len(plain["id"]), plain["parent_id"] < 0
    random = np.random.default_rng(4)
    frame = np.linalg.qr(random.normal(size=(n, 3, 3)))[0]
    frame[:, :, 2] = np.cross(frame[:, :, 0], frame[:, :, 1])
    labels = {"galaxy_id": plain["id"], "halo_id": plain["id"], "host_halo_id": np.where(host, plain["id"], plain["parent_id"]), "is_central": host,
              "log_stellar_mass": np.log10(plain["mass"]) - 2 + .2 * random.normal(size=n)}
    axes = {f"galaxy_axis{a}_{x}": frame[:, j, k] for k, a in enumerate("ABC") for j, x in enumerate("xyz")}

    def catalog(name, edit=None):
        return write(scratch / f"{name}.hdf5", plain | labels | axes, edit, "synthetic_galaxies")

    def trained(path):
        model = scratch / "model.safetensors"
        for old in scratch.glob("model.safetensors*"):
            old.unlink()
        settings = [f"input.path={scratch / 'galaxies.hdf5'}", f"train.catalog={path}", f"train.model={model}", "train.outputs=[log_stellar_mass]", "train.steps=2",
                    "train.interval=1", "train.batch=256", "train.noise_draws=1", "train.denoiser_width=8", "train.encoder_width=8", "field.mesh=32",
                    "field.smoothing=[4]"]
        return run(0, "train", "config/demo-train.yaml", *sets(settings))

    def losses(done):
        expect(done.returncode == 0, f"train: {done.returncode} {done.stdout}{done.stderr}")
        return [line.split("loss ")[1].split(",")[:2] for line in (done.stdout + done.stderr).splitlines() if "loss " in line and "held out" in line]

    catalog("galaxies")
    right = losses(trained(scratch / "galaxies.hdf5"))

    def left_long_and_float(data):
        for x in "xyz":
            data[f"galaxy_axisC_{x}"][::2] *= -1
        for name in axes:
            data[name][...] *= 2
        for name in ("halo_id", "host_halo_id", "galaxy_id"):
            as_type(name, "f8")(data)

    found = losses(trained(catalog("edited", left_long_and_float)))
    expect(found == right, f"losses {found} with left-handed, long axes and float ids, {right} of the plain catalog")
    print(f"left-handed axes twice as long, float ids: losses {found[-1]}, as those of the plain catalog")

    def skew(data):
        data["galaxy_axisB_x"][7] += 0.1

    print(refused(trained(catalog("edited", skew)), DATA, "axes that are not orthogonal", f"halo_id {plain['id'][7]}", "orthogonal"))
    print(refused(trained(catalog("edited", one("halo_id", 5, 2.0 ** 60))), DATA, "float halo_id", "edited.hdf5: row 5: column '/data/halo_id'", "last digits"))
    path = catalog("edited", one("host_halo_id", 5, 0.5))
    print(refused(run(0, "validate", path, "--out", scratch / "report"), DATA, "validate", "edited.hdf5: row 5: column '/data/host_halo_id'"))


def subfind(scratch):
    group, subhalo = subfind_set.catalog()
    files, plain = Files(scratch / "subfind"), {}

    def edited(name, **fields):
        return subfind_set.write(files.place(name), group | fields, subhalo)

    def changed(field, value, group_number=3):
        values = group[field].copy()
        values[group_number] = value
        return {field: values}

    def keep(found, text):
        plain.update(found)
        expect("1 hosts have no M200c" in text, f"a group without M200c is not spoken of: {text}")

    files.good(edited("plain"), keep)
    empty = group["GroupFirstSub"] < 0
    for dtype in ("u4", "u8"):  # all ones in a group without subhalos, as Illustris writes it
        first = group["GroupFirstSub"].astype(dtype)
        expect((first[empty] == np.iinfo(dtype).max).all(), "numpy wraps")
        files.good(edited(f"unsigned {dtype}", GroupFirstSub=first), lambda found, _: equal(found, plain, "unsigned"))
        first = first.copy()
        first[3] = np.iinfo(dtype).max
        files.bad(edited(f"all ones {dtype}", GroupFirstSub=first), "group 3", "no first subhalo")
    for name, value in (("nan", np.nan), ("negative", -1), ("inf", np.inf)):
        files.bad(edited(f"mass {name}", **changed("Group_M_Crit200", value)), "group 3: Group_M_Crit200")
    files.bad(edited("first subhalo too far", **changed("GroupFirstSub", 10 ** 6)), "group 3: GroupFirstSub is 1000000")

    with h5py.File(edited("virtual") / "fof_subhalo_tab_099.0.hdf5", "r+") as file:
        layout = h5py.VirtualLayout(file["Subhalo/SubhaloVel"].shape, "f4")
        layout[...] = h5py.VirtualSource("gone.h5", "v", layout.shape)
        del file["Subhalo/SubhaloVel"]
        file.create_virtual_dataset("Subhalo/SubhaloVel", layout)
    files.bad(files.place("virtual"), "fof_subhalo_tab_099.0.hdf5", "/Subhalo/SubhaloVel", "gone.h5")
    files.read()


def snapshots(scratch):
    group, subhalo = subfind_set.catalog()
    files, later = Files(scratch / "snapshots"), {"Time": 1.0, "Redshift": 0.0}

    def earlier(name):
        return subfind_set.write(files.place(name), group, subhalo, name="groups_050", header={"Time": 0.5, "Redshift": 1.0})

    with h5py.File(earlier("beside a snapshot") / "a_snapshot_050.hdf5", "w") as file:
        file.create_group("Header").attrs["NumPart_Total"] = np.ones(6, "i8")
    files.good(files.place("beside a snapshot"), lambda found, _: expect((found["id"] >= 0).all(), "ids"))
    two = subfind_set.write(earlier("two sets"), group, subhalo, name="groups_099", header=later)
    files.bad(two, "2 catalogs", "groups_050.0.hdf5 (scale factor 0.5", "groups_099.0.hdf5 (scale factor 1")
    files.good(two / "groups_099.2.hdf5", lambda found, _: expect(len(found["id"]) > 100, "rows"))
    for k, (name, value) in enumerate((("Redshift", 1.0), ("Time", 0.5), ("BoxSize", 35000.0), ("Omega0", 0.2726), ("HubbleParam", 0.704), ("NumFiles", 3), ("NumFiles", 0),
                                       ("NumFiles", 1.5), ("Ngroups_ThisFile", -1), ("Ngroups_Total", 7))):
        mixed = subfind_set.write(files.place(f"{name} {k}"), group, subhalo, header=later)
        with h5py.File(mixed / "fof_subhalo_tab_099.2.hdf5", "r+") as file:
            file["Header"].attrs[name] = value
        files.bad(mixed, "fof_subhalo_tab_099", name)
    many = subfind_set.write(files.place("one too many"), group, subhalo, header=later)
    shutil.copy(many / "fof_subhalo_tab_099.3.hdf5", many / "fof_subhalo_tab_099.4.hdf5")
    files.bad(many, "5 files of this set, 4 by its header")
    files.read()


def meshes(scratch):
    path = write(scratch / "halos.hdf5", halos())
    delta = np.random.default_rng(6).uniform(-.5, .5, (16, 16, 16))
    delta -= delta.mean()
    settings = [f"input.path={path}", "painter.kind=analytic", f"output.path={scratch}/mock.hdf5", f"density.file={scratch}/mesh.h5", "density.dataset=delta", "field.smoothing=[20]",
                "domain.tiles=[2,1,1]"]

    def painted(ranks, edit):
        values = delta.copy()
        with h5py.File(scratch / "mesh.h5", "w") as file:
            made = edit(file, values)
            if made is None:
                file["delta"] = values
        return run(ranks, "paint", "config/demo.yaml", *sets(settings), "--restart=never")

    def cell(value):
        def edit(file, values):
            values[13, 2, 5] = value
        return edit

    print(refused(painted(3, cell(-1.5)), DATA, "mesh", "mesh.h5: delta: the overdensity of cell [13,2,5] is -1.5"))
    print(refused(painted(0, lambda file, values: file.create_dataset("delta", data=values, compression="lzf")), DATA, "mesh", "mesh.h5", "/delta", "lzf"))


with Scratch() as scratch:
    for part in (tables, damaged, damaged_heaps, program, galaxies, subfind, snapshots, meshes):
        part(scratch)
