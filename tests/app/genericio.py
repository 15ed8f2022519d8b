"""Halo properties of HACC in GenericIO files: every number arrives to the bit, whoever wrote it (compressed, split into files, ranks without rows,
big-endian, the older header), on 1 and 3 ranks; what is damaged or of something else is refused in one line."""
import struct

import h5py
import numpy as np

from genericio_file import checksum, sealed, write, write_split
from halo_reading import SHARED, by_id, check_refused, read, same
from runner import Scratch, expect, run, sets

KEYS = ["scale_factor=1", "omega_m=0.3089", "h=0.6774"]
BOX = 150.0


def halos(rows=150, real="f4"):
    """Columns of HACC. A third has no spherical overdensity, some have no shape."""
    draw = np.random.default_rng(1)
    mass = 10 ** draw.uniform(12, 14, rows)
    has_sod = draw.random(rows) < 0.7
    columns = {"fof_halo_tag": np.arange(rows, dtype="i8") * 7919 + 2 ** 40, "fof_halo_count": (mass / 1e10).astype("i8"), "fof_halo_mass": mass.astype(real)}
    for axis in "xyz":
        columns[f"fof_halo_center_{axis}"] = draw.uniform(0, BOX, rows).astype(real)
    for name in ("mean_v", "angmom_"):
        for axis in "xyz":
            columns[f"fof_halo_{name}{axis}"] = draw.normal(scale=300, size=rows).astype(real)
    columns |= {"fof_halo_1D_vel_disp": draw.uniform(100, 500, rows).astype(real), "fof_halo_max_cir_vel": draw.uniform(100, 900, rows).astype(real)}
    columns["sod_halo_mass"] = np.where(has_sod, 0.8 * mass, -101).astype(real)
    columns["sod_halo_radius"] = np.where(has_sod, 1e-5 * np.cbrt(mass), -101).astype(real)
    frames = np.linalg.qr(draw.normal(size=(rows, 3, 3)))[0]
    lengths = np.sort(draw.uniform(0.1, 0.6, (rows, 3)), axis=1)
    axes = np.swapaxes(frames, 1, 2) * lengths[:, :, None]  # rows of a halo: axes 1 to 3
    axes[5], axes[6], axes[7], axes[8] = 0, -1, -101, -1.478
    for k in range(3):
        for j, axis in enumerate("XYZ"):
            columns[f"fof_halo_eigS{k + 1}{axis}"] = axes[:, k, j].astype(real)
    columns["unknown_column"] = np.arange(rows, dtype="u2")
    return columns


def radius_200c(mass):
    return np.cbrt(3 * mass.astype("f8") / (800 * np.pi * 2.7754e11))


def expected(columns):
    """What these columns are here; reals as wide as they were."""
    c, real = columns, columns["fof_halo_mass"].dtype
    has_sod = c["sod_halo_mass"] > 0
    wanted = {"id": c["fof_halo_tag"], "parent_id": np.full(len(has_sod), -1), "n_particles": c["fof_halo_count"], "bound_mass": c["fof_halo_mass"],
              "mass": np.where(has_sod, c["sod_halo_mass"], c["fof_halo_mass"]),
              "radius": np.where(has_sod, c["sod_halo_radius"], radius_200c(c["fof_halo_mass"]).astype(real))}
    for axis in "xyz":
        wanted[axis] = c[f"fof_halo_center_{axis}"].astype("f8")
        wanted["v" + axis] = c.get(f"fof_halo_mean_v{axis}", c.get(f"fof_halo_com_v{axis}"))
        wanted["j" + axis] = c[f"fof_halo_angmom_{axis}"]
    if "fof_halo_max_cir_vel" in c:
        wanted["vmax"] = c["fof_halo_max_cir_vel"]
    return wanted


def check_equal(name, found, columns):
    """Copied numbers to the bit, worked out ones to their last digits."""
    found, wanted = by_id(found), by_id(expected(columns))
    for key, values in wanted.items():
        expect(found[key].dtype == values.dtype, f"{name}: {key} is {found[key].dtype}, not {values.dtype}")
        if key == "radius":
            expect(np.allclose(found[key], values, rtol=3e-7, atol=0), f"{name}: radius")
        else:
            expect(found[key].tobytes() == values.tobytes(), f"{name}: {key} differs, first {found[key][found[key] != values][:2]} {values[found[key] != values][:2]}")
    order = np.argsort(columns["fof_halo_tag"], kind="stable")
    if "fof_halo_eigS1X" not in columns:
        return
    axes = np.array([[columns[f"fof_halo_eigS{k}{axis}"] for axis in "XYZ"] for k in (1, 2, 3)], "f8").transpose(2, 0, 1)[order]
    lengths = np.sort(np.linalg.norm(axes, axis=2), axis=1)
    major = axes[np.arange(len(axes)), np.argmax(np.linalg.norm(axes, axis=2), axis=1)]
    good = found["shape_resolved"].astype(bool)
    expect((good == ~((axes == axes[:, :1, :1]).all(axis=(1, 2)) | (lengths[:, 0] == 0))).all(), f"{name}: other shapes are resolved")
    axis = np.array([found[f"axis_{k}"] for k in "xyz"]).T
    expect(np.allclose(axis[good], major[good] / lengths[good, 2:], atol=1e-6), f"{name}: other axes")
    expect(np.allclose(found["b_to_a"][good], lengths[good, 1] / lengths[good, 2], atol=1e-6), f"{name}: b_to_a")
    expect(np.allclose(found["c_to_a"][good], lengths[good, 0] / lengths[good, 2], atol=1e-6), f"{name}: c_to_a")
    expect((axis[~good] == 0).all() and (found["b_to_a"][~good] == 0).all(), f"{name}: unresolved shapes are not null")


def check_layouts(scratch):
    columns, wide = halos(), halos(real="f8")
    ranks = [0.3, 0.0, 0.45, 0.25]
    shuffled = columns | {f"fof_halo_eigS{k}{axis}": columns[f"fof_halo_eigS{j}{axis}"] for k, j in ((1, 3), (2, 1), (3, 2)) for axis in "XYZ"}
    com = {name.replace("mean_v", "com_v"): values for name, values in columns.items()}
    narrow = columns | {"fof_halo_count": columns["fof_halo_count"].astype("i4")}
    plain = write(scratch / "plain", columns, ranks)
    files = {plain: columns, write(scratch / "one_rank", columns): columns, write(scratch / "blosc", columns, ranks, blosc=True): columns,
             write(scratch / "big", columns, ranks, big=True): columns, write(scratch / "big_blosc", columns, ranks, big=True, blosc=True): columns,
             write(scratch / "old", columns, ranks, old=True): columns, write(scratch / "wide", wide, ranks): wide,
             write_split(scratch / "split", columns, ranks, [1, 0, 0, 1]): columns, write(scratch / "shuffled", shuffled): shuffled,
             write(scratch / "com", com): com, write(scratch / "narrow", narrow): columns}
    said, found = read(scratch, list(files), *KEYS, f"box_size={BOX}")
    for path, its in files.items():
        expect(said[path].startswith("0 "), said[path])
        check_equal(path.name, found[path], its)
        if path.name not in ("wide", "split", "shuffled"):
            expect(same(found[path], found[plain]), f"{path.name}: not the bits of the plain file")
    without = np.sum(columns["sod_halo_mass"] < 0)
    for text in ("taken for M200c", f"{without} of 150 halos have no spherical overdensity", "4 of 150 halos have no shape", "scale factor 1 by input.scale_factor"):
        expect(text in said[plain], f"{text} in {said[plain]}")
    expect("input.box_size" not in said[plain] and "box 150 by input.box_size" in said[scratch / "old"], f"the box: {said[plain]}\n{said[scratch / 'old']}")
    said = read(scratch, [plain], "box_size=100", "scale_factor=0.5", *KEYS[1:])[0][plain]
    expect("warning: input.box_size 100 is not used: the catalog says 150 Mpc/h" in said and "by input.scale_factor" in said, f"a key that contradicts the catalog: {said}")
    again, parts = read(scratch, [scratch / "split#0", f"{scratch}/split*", f"{scratch}/split|{scratch}/split#1"], *KEYS)
    for path, line in again.items():
        expect(line.startswith("0 ") and same(parts[path], found[scratch / "split"]), f"{path}: {line}")
    print(f"{len(files)} layouts: the same halos, to the bit")


def check_units(scratch):
    """Velocities are comoving, angular momenta too; without spherical overdensities masses are of friends of friends; fragments are said."""
    columns = halos()
    none = {name: values for name, values in columns.items() if not name.startswith("sod_")}
    tags = columns["fof_halo_tag"].copy()
    tags[4] = -((3 << 48) | tags[4])
    fragments = columns | {"fof_halo_tag": tags}
    paths = [write(scratch / "later", columns), write(scratch / "no_sod", none), write(scratch / "fragments", fragments)]
    said, found = read(scratch, paths, "scale_factor=0.5", *KEYS[1:])
    order = np.argsort(columns["fof_halo_tag"])
    later = by_id(found[paths[0]])
    for axis in "xyz":
        expect((later["v" + axis] == columns[f"fof_halo_mean_v{axis}"][order] / 2).all(), "velocities are not those times the scale factor")
    spin = np.sqrt(sum(columns[f"fof_halo_angmom_{axis}"].astype("f8") ** 2 for axis in "xyz")) / columns["fof_halo_mass"] / 4
    expect(np.allclose(later["specific_spin"], spin[order], rtol=1e-6), "specific_spin")
    expect(np.allclose(later["vrms"], columns["fof_halo_1D_vel_disp"][order] * np.sqrt(3) / 2, rtol=1e-6), "vrms")
    fof = by_id(found[paths[1]])
    expect((fof["mass"] == columns["fof_halo_mass"][order]).all() and "mass is fof_halo_mass" in said[paths[1]], f"masses without SOD: {said[paths[1]]}")
    expect("1 of 150 halos are fragments" in said[paths[2]] and -tags[4] in found[paths[2]]["id"], said[paths[2]])
    print("units: comoving velocities and angular momenta become peculiar and physical")


def flipped(scratch, name, source, at, bit=3):
    data = bytearray(source.read_bytes())
    data[at] ^= 1 << bit
    (scratch / name).write_bytes(data)
    return scratch / name


def put(at, value, kind="<Q"):
    return lambda header: struct.pack_into(kind, header, at, value)


def check_damage(scratch):
    columns = halos()
    ranks = [0.5, 0.5]
    plain, blosc = write(scratch / "plain", columns, ranks), write(scratch / "blosc", columns, ranks, blosc=True)
    size, header = plain.stat().st_size, struct.unpack("<Q", plain.read_bytes()[8:16])[0]
    needed = header + 8
    cases = {flipped(scratch, "flipped_tag", plain, needed + 20): ["rank 0", "'fof_halo_tag'", "damaged", "copy"],
             flipped(scratch, "flipped_checksum", plain, needed + 75 * 8): ["rank 0", "'fof_halo_tag'", "damaged"],
             flipped(scratch, "flipped_blosc", blosc, struct.unpack("<Q", blosc.read_bytes()[8:16])[0] + 8 + 60): ["rank 0", "'fof_halo_tag'", "damaged"],
             flipped(scratch, "flipped_name", plain, 170): ["header is damaged", "CRC-64"],
             flipped(scratch, "flipped_size", plain, 9): ["header is damaged"],
             flipped(scratch, "flipped_large", plain, 13): ["header"]}
    for name, end in (("cut_header", 1000), ("cut_globals", 50), ("cut_rows", size - 3000), ("cut_checksum", size - 1)):
        (scratch / name).write_bytes(plain.read_bytes()[:end])
        cases[scratch / name] = ["cut short"]
    for name, options in {"newer": {"magic": b"HACC02L\0"}, "total_rows": {"edit": put(16, 1000)}, "fewer_rows": {"edit": put(16, 10)}, "variables": {"edit": put(48, 2 ** 40)},
                          "variable_stride": {"edit": put(56, 8)}, "ranks": {"edit": put(72, 2 ** 60)}, "ranks_start": {"edit": put(88, 2 ** 63)}, "global": {"edit": put(96, 2 ** 40)},
                          "element": {"edit": put(168 + 272, 0)}, "rows_of_rank": {"edit": put(header - 2 * 48 + 24, 2 ** 61)}, "start_of_rank": {"edit": put(header - 2 * 48 + 32, 2 ** 63)},
                          "start_in_header": {"edit": put(header - 2 * 48 + 32, 8)}, "filter": {"edit": lambda h: h.__setitem__(slice(-len(columns) * 96, 6 - len(columns) * 96), b"SQUASH"), "blosc": True},
                          "origin": {"origin": (5.0, 0, 0)}, "negative_box": {"box": (150.0, -1.0, 150.0)}, "flags": {"edit": put(168 + 256, 3)}, "vector": {"edit": put(168 + 272, 4)}}.items():
        cases[write(scratch / f"said_{name}", columns, ranks, **options)] = [f"said_{name}"]
    bad = stale_content(scratch / "content", columns)
    cases[bad] = ["rank 0", "'fof_halo_tag'", "checksum of what was compressed"]
    check_refused(scratch, cases, *KEYS)


def stale_content(path, columns):
    """A block whose outer checksum is right and whose content is not what was compressed."""
    write(path, columns, blosc=True)
    data = bytearray(path.read_bytes())
    start = struct.unpack("<Q", data[8:16])[0] + 8
    length = 8 + 16 + columns["fof_halo_tag"].nbytes
    data[start + 30] ^= 1
    data[start:start + length + 8] = sealed(bytes(data[start:start + length]))
    path.write_bytes(data)
    return path


def check_others(scratch):
    columns = halos()
    later = columns | {"fof_halo_tag": columns["fof_halo_tag"] + 10 ** 12}
    edited = lambda name, value, row=3: columns | {name: np.where(np.arange(150) == row, value, columns[name]).astype(columns[name].dtype)}
    without = lambda name: {key: values for key, values in columns.items() if key != name}
    split = lambda name, **options: write_split(scratch / name, columns, [0.5, 0.5], [0, 1], **options)
    split("lone#"), (scratch / "lone##1").unlink()
    split("map_gone"), (scratch / "map_gone").unlink()
    split("another"), write(scratch / "another#1", columns, numbers=[7])
    split("other_box"), write(scratch / "other_box#1", {k: v[75:] for k, v in columns.items()}, numbers=[1], box=(100.0,) * 3)
    split("other_columns"), write(scratch / "other_columns#1", {k: v[75:] for k, v in without("unknown_column").items()}, numbers=[1])
    first, second = write(scratch / "step_1", columns), write(scratch / "step_2", later)
    (scratch / "snapshots").mkdir(), write(scratch / "snapshots/a", columns), write(scratch / "snapshots/b", later)
    cases = {scratch / "lone#": ["lone##1: is absent", "1 of 2 parts"], scratch / "map_gone#0": ["map_gone#0: is a part", "is absent"], scratch / "another": ["another#1", "1 ranks"],
             scratch / "other_box": ["other_box#1: the box"], scratch / "other_columns": ["other_columns#1: the columns"],
             f"{first}|{second}": ["step_1", "step_2", "two GenericIO catalogs"], scratch / "snapshots": ["two GenericIO catalogs"],
             write(scratch / "particles", {"x": columns["fof_halo_center_x"]}): ["no column fof_halo_tag"], write(scratch / "no_velocity", without("fof_halo_mean_vy")): ["fof_halo_mean_vy"],
             write(scratch / "light_cone", columns | {"fof_halo_center_a": columns["fof_halo_mass"]}): ["light cone"],
             write(scratch / "nan", edited("fof_halo_center_y", np.nan)): ["row 3", "'fof_halo_center_y' is nan"],
             write(scratch / "nan_axis", edited("fof_halo_eigS2Y", np.nan)): ["row 3", "'fof_halo_eigS2Y' is nan"],
             write(scratch / "no_parts", {"$rank": np.zeros(0, "i4"), "$partition": np.zeros(0, "i4")}): ["map of no parts"], write(scratch / "outside", edited("fof_halo_center_x", 151)): ["row 3", "outside the box"],
             write(scratch / "mass", edited("fof_halo_mass", -5, row=np.flatnonzero(columns["sod_halo_mass"] < 0)[0])): ["'mass' is -5"],
             write(scratch / "sod_mass", edited("sod_halo_mass", -7)): ["row 3", "'mass' is -7"], write(scratch / "least_tag", edited("fof_halo_tag", -2 ** 63)): ["'id'"],
             write(scratch / "float_tag", columns | {"fof_halo_tag": columns["fof_halo_tag"].astype("f8")}): ["'fof_halo_tag' does not hold integers"],
             write(scratch / "twice", edited("fof_halo_tag", columns["fof_halo_tag"][9])): ["occurs more than once"],
             write(scratch / "large_tag", columns | {"fof_halo_tag": columns["fof_halo_tag"].astype("u8") + np.uint64(2 ** 63)}): ["beyond 2^63 - 1"]}
    check_refused(scratch, cases, *KEYS)
    check_refused(scratch, {write(scratch / "keys", columns, old=True): ["input.box_size", "input.scale_factor", "cosmology.omega_m", "cosmology.h"]})


def check_commands(scratch):
    """The program itself: info, paint on 1 and 3 ranks, convert."""
    path = write(scratch / "halos", halos(), [0.2, 0.5, 0.3], blosc=True)
    told = run(1, "info", path)
    for text in ("GenericIO", "150 halos", "box 150 x 150 x 150", "redshift ?", "M200c", "150 of 150 halos are hosts", "fof_halo_center_x", "input.scale_factor"):
        expect(told.returncode == 0 and text in told.stdout, f"info: {text} in {told.stdout}{told.stderr}")
    settings = [f"input.path={path}", "painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[10]", "domain.tiles=[2,1,1]", "input.min_vmax=0", *(
        f"{'input' if s.startswith('scale') else 'cosmology'}.{s}" for s in KEYS)]
    mocks = []
    for ranks in (1, 3):
        done = run(ranks, "paint", "config/demo.yaml", *sets(settings + [f"output.path={scratch}/mock{ranks}.hdf5"]))
        expect(done.returncode == 0, f"paint on {ranks} ranks: {done.returncode} {done.stdout}{done.stderr}")
        with h5py.File(scratch / f"mock{ranks}.hdf5") as file:
            mocks.append({name: values[:] for name, values in file["data"].items()})
    expect(same(*mocks) and len(mocks[0]["galaxy_id"]) == 150, "another mock on 3 ranks")
    done = run(3, "convert", "config/demo.yaml", *sets(settings[:1] + settings[6:] + ["convert.kind=halos", f"convert.path={scratch}/converted.hdf5"]))
    expect(done.returncode == 0, f"convert: {done.stdout}{done.stderr}")
    _, found = read(scratch, [scratch / "converted.hdf5"])
    expect(set(found[scratch / "converted.hdf5"]["id"]) == set(halos()["fof_halo_tag"]), "convert: other halos")
    print("info, paint on 1 and 3 ranks, convert")


def check_real(scratch):
    """Files that GenericIO itself wrote, against the same halos in HDF5."""
    folder = SHARED / "desc/genericio"
    if not folder.exists():
        print(f"files written by GenericIO: skipped, no {folder}")
        return
    with h5py.File(SHARED / "desc/opencosmo/halos/snapshot_haloproperties.hdf5") as file:
        columns = {name: values[:] for name, values in file["data"].items()}
    paths = [folder / f"rockstar{name}.haloproperties" for name in ("", "_blosc", "_blosc_emptyrank")]
    said, found = read(scratch, paths, *KEYS)
    for path in paths:
        expect(said[path].startswith("0 "), said[path])
        here = np.isin(columns["fof_halo_tag"], found[path]["id"])
        expect(len(found[path]["id"]) == (898 if "empty" in path.name else 1011) == np.sum(here), f"{path}: {len(found[path]['id'])} halos")
        check_equal(path.name, found[path], {name: values[here] for name, values in columns.items()})
    print("3 files written by GenericIO: to the bit as in HDF5")


expect(checksum(b"123456789") == 0x995DC9BBDF1939FA, "the checksum of the test itself")
with Scratch() as scratch:
    for part in (check_layouts, check_units, check_damage, check_others, check_commands, check_real):
        (scratch / part.__name__).mkdir()
        part(scratch / part.__name__)
