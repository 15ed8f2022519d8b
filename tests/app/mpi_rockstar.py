"""Halos of MPI-Rockstar in HDF5, a catalog in several files: what is read is what the files and the list of the same halos say, the same bits on
1 and 3 ranks and by whatever names it is given; what cannot be read as it was meant is refused in one line, with exit code 3."""
import gzip
import pathlib
import shutil

import h5py
import numpy as np

from halo_reading import SHARED, by_id, check_refused, columns_of, read, same
from runner import Scratch, expect, paint, run

BOX, A = 100.0, 0.5
HEADER = {"Magic": np.uint64(0xfadedacec0c0d0d0), "Snap": 7, "ScaleFactor": np.float32(A), "Omega_m": np.float32(0.3), "Omega_L": np.float32(0.7), "h": np.float32(0.7),
          "BoxSize": np.float32(BOX), "ParticleMass": np.float32(1e9), "FormatRevision": np.int32(2), "Version": np.bytes_("1.0.0RC"), "Bounds": np.zeros(6, "f4")}
ROWS = (150, 0, 130, 120)
UNITS = {"Mbound": "Msun/h", "Mvir": "Msun/h", "M200c": "Msun/h", "Rvir": "kpc / h (comoving)", "Position": "Mpc/h (comoving)", "Velocity": "km/s (physical, peculiar)",
         "Vmax": "km/s (physical, peculiar)", "Vrms": "km/s (physical, peculiar)", "ScaleRadius": "kpc/h (comoving)", "Spin": "Dimensionless",
         "AngularMomentum": "(Msun/h) * (Mpc/h) * km/s (physical)", "MajorAxis": "Normalized", "IntermediateAxis": "Normalized"}


def halos(n=sum(ROWS), seed=4):
    random = np.random.default_rng(seed)
    mass = 10 ** random.uniform(12, 14, n)
    axis = 200 * random.normal(size=(n, 3))
    axis[20:25] = 0
    c = random.uniform(0.2, 0.6, n)
    c[40:43], c[50] = 0, 3e-9
    subhalo = {"ID": 10 + 3 * np.arange(n), "Mbound": mass, "Mvir": 1.1 * mass, "M200c": np.where(np.arange(n) % 10 == 3, 0, 0.9 * mass), "Rvir": 0.02 * np.cbrt(mass),
               "Position": random.uniform(0, BOX - 0.01, (n, 3)), "Velocity": random.normal(0, 300, (n, 3)), "Vmax": 0.02 * np.cbrt(mass), "Vrms": 0.01 * np.cbrt(mass),
               "ScaleRadius": 0.003 * np.cbrt(mass), "Spin": random.uniform(0, 0.1, n), "AngularMomentum": 1e13 * random.normal(size=(n, 3)),
               "NumberParticles": (mass / 1e9).astype("i8")}
    shape = {"IntermediateToMajorAxisRatio": random.uniform(0.6, 1, n), "MinorToMajorAxisRatio": c, "MajorAxis": axis, "IntermediateAxis": axis[:, [1, 2, 0]]}
    single = lambda columns: {name: values if values.dtype.kind == "i" else values.astype("f4") for name, values in columns.items()}
    return {"Subhalo": single(subhalo), "Shape": single(shape)}


def write(folder, edit=None, snap=7, rows=ROWS, groups=None, **attributes):
    """Files of a catalog; `edit(file, chunk)` of each."""
    folder.mkdir(exist_ok=True)
    first, groups = 0, groups or halos()
    for chunk, count in enumerate(rows):
        with h5py.File(folder / f"halos_{snap}.{chunk}.hdf5", "w") as file:
            file.create_group("Header").attrs.update(HEADER | {"Snap": snap, "Chunk": chunk, "TotalChunks": len(rows), "NumberHalos": count, "TotalNumberHalos": sum(rows)} | attributes)
            for group, columns in groups.items() if count or chunk % 2 else ():
                for name, values in columns.items():
                    file.create_dataset(f"{group}/{name}", data=values[first:first + count]).attrs.update({"Unit": np.bytes_(UNITS.get(name, "N/A")), "Description": np.bytes_(name)})
            if edit:
                edit(file, chunk)
        first += count
    return folder


def expected(groups):
    wide = {name: values if values.dtype.kind == "i" else values.astype("f8") for columns in groups.values() for name, values in columns.items()}
    axis, length = wide["MajorAxis"], np.linalg.norm(wide["MajorAxis"], axis=1)
    there = (length > 0) & (wide["MinorToMajorAxisRatio"] >= 5e-6) & (wide["IntermediateToMajorAxisRatio"] >= 5e-6)
    mass = wide["Mbound"]
    out = {"id": wide["ID"], "parent_id": np.full(len(mass), -1), "mass": mass, "bound_mass": mass, "radius": wide["Rvir"] / 1e3, "vmax": wide["Vmax"], "vrms": wide["Vrms"],
           "scale_radius": wide["ScaleRadius"] / 1e3, "spin": wide["Spin"], "n_particles": wide["NumberParticles"], "shape_resolved": there,
           "b_to_a": there * wide["IntermediateToMajorAxisRatio"], "c_to_a": there * wide["MinorToMajorAxisRatio"],
           "specific_spin": np.linalg.norm(wide["AngularMomentum"], axis=1) / mass}
    for k, x in enumerate("xyz"):
        out |= {x: wide["Position"][:, k], "v" + x: wide["Velocity"][:, k], "j" + x: wide["AngularMomentum"][:, k], "axis_" + x: there * axis[:, k] / np.where(there, length, 1)}
    return out


def check(found, wanted, where, rtol=1e-6, atol=0.0):
    expect(found.keys() == wanted.keys(), f"{where}: columns {sorted(found)} and {sorted(wanted)}")
    for name, values in wanted.items():
        good = np.array_equal(found[name], values) if values.dtype.kind in "ib" else np.allclose(found[name], values, rtol=rtol, atol=atol)
        expect(good, f"{where}: column {name}: {found[name][:3]} and {values[:3]}")


def only(chunk, edit):
    return lambda file, here: edit(file) if here == chunk else None


def put(name, change=lambda values: values, unit=..., **how):
    def edit(file):
        values, attributes = change(file[name][:]), dict(file[name].attrs)
        del file[name]
        file.create_dataset(name, data=values, **how).attrs.update(attributes if unit is ... else {"Unit": unit})
    return edit


def in_every(name, *arguments, **how):
    return lambda file, _: put(name, *arguments, **how)(file) if name in file else None


def at(row, value):
    def change(values):
        values[row] = value
        return values
    return change


def attribute(**values):
    return lambda file: file["Header"].attrs.update(values)


def small_files(scratch):
    groups = halos()
    plain = write(scratch / "plain")
    swap = lambda values: values.astype(values.dtype.newbyteorder(">"))
    def big_endian(file, _):
        for name in [f"{group}/{name}" for group in ("Subhalo", "Shape") if group in file for name in file[group]]:
            put(name, swap)(file)
    big = write(scratch / "big", big_endian)
    mpc = write(scratch / "mpc", in_every("Subhalo/Position", lambda v: v.astype("f8") * 1e3, b"kpc/h"))
    one = write(scratch / "one", rows=(sum(ROWS),))
    none = write(scratch / "none", rows=(0, 0))
    names = [plain, plain / "halos_7.2.hdf5", plain / "halos_7.1.hdf5", f"{plain}/halos_7.*.hdf5", "|".join(str(plain / f"halos_7.{k}.hdf5") for k in (3, 1, 0, 2))]
    said, columns = read(scratch, [*names, big, mpc, one, none])
    for where, line in said.items():
        expect(line.startswith("0 "), f"{where}: {line}")
    wanted = expected(groups)
    check(columns[plain], wanted, "plain")
    kept_single = [name for name, values in columns[plain].items() if values.dtype == "f4"]
    expect(len(kept_single) == len(wanted) - 7, f"single precision is kept of {kept_single}")  # not of id, parent_id, n_particles, shape_resolved, x, y, z
    for text in ("warning: MPI-Rockstar's HDF5 does not say which halos lie in others", "9 of 400 halos have no shape", "the roll about them is not"):
        expect(text in said[plain], f"'{text}' is not in: {said[plain]}")
    for other in [*names, big, one]:
        expect(same(columns[other], columns[plain]) and said[other] == said[plain], f"{other}: not as the folder")
    check(columns[mpc], wanted, "positions in kpc/h", rtol=3e-6)
    expect(len(columns[none]["id"]) == 0, "no halos")
    print(f"{len(said)} ways to name and write {len(wanted['id'])} halos: equal to h5py's numbers, in {len(wanted)} columns")
    return plain


def faults(scratch):
    """Name, edit of each file, texts of the one line."""
    yield "newer", lambda file, _: attribute(FormatRevision=3)(file), "FormatRevision is 3", "newest"
    yield "magic", only(0, attribute(Magic=np.uint64(5))), "halos_7.0.hdf5", "Magic"
    yield "scale factor", only(2, attribute(ScaleFactor=np.float32(0.6))), "halos_7.2.hdf5", "scale factor is 0.6", "two catalogs or snapshots"
    yield "snapshot", only(2, attribute(Snap=8)), "halos_7.2.hdf5", "Snap is 8"
    yield "box", only(3, attribute(BoxSize=np.float32(50))), "halos_7.3.hdf5", "box is 50"
    yield "chunks", only(3, attribute(TotalChunks=5)), "halos_7.3.hdf5", "TotalChunks is 5, but 4"
    yield "twice", only(3, attribute(Chunk=2)), "halos_7.3.hdf5", "is chunk 2", "halos_7.2.hdf5"
    yield "total", lambda file, _: attribute(TotalNumberHalos=401)(file), "hold 400 halos", "401"
    yield "count", only(0, attribute(NumberHalos=149)), "halos_7.0.hdf5", "has shape [150], [149] is needed"
    yield "short", only(2, put("Subhalo/Vmax", lambda values: values[:-1])), "halos_7.2.hdf5", "/Subhalo/Vmax", "[129]"
    yield "no attribute", only(0, lambda file: file["Header"].attrs.__delitem__("h")), "halos_7.0.hdf5", "no number h"
    yield "negative", only(0, attribute(NumberHalos=-1)), "NumberHalos is -1"
    yield "many", lambda file, _: attribute(TotalChunks=10**12)(file), "/Header: chunk 0 of 1000000000000"
    yield "unknown unit", in_every("Subhalo/Rvir", unit=b"furlong"), "'/Subhalo/Rvir'", "'furlong' is not known"
    yield "no unit", in_every("Subhalo/Mbound", unit=b""), "'/Subhalo/Mbound'", "none is given"
    yield "another unit", in_every("Subhalo/Position", unit=b"km/s"), "'/Subhalo/Position'", "something else"
    yield "no column", only(2, lambda file: file["Subhalo"].__delitem__("Velocity")), "halos_7.2.hdf5", "/Subhalo/Velocity", "is not there"
    yield "no optional column", only(2, lambda file: file["Subhalo"].__delitem__("Vmax")), "halos_7.2.hdf5", "no column '/Subhalo/Vmax'", "halos_7.0.hdf5"
    yield "two radii", lambda file, _: put_copy(file), "2 radii"
    yield "nan", only(2, put("Subhalo/Position", at((100, 1), np.nan))), "halos_7.2.hdf5: row 100", "'y' is nan"
    yield "axis nan", only(2, put("Shape/MajorAxis", at((100, 1), np.nan))), "halos_7.2.hdf5: row 100", "'axis_y' is nan"
    yield "outside", only(3, put("Subhalo/Position", at((5, 2), 101))), "halos_7.3.hdf5: row 5", "outside the box"
    yield "no mass", only(3, put("Subhalo/Mbound", at(5, 0))), "halos_7.3.hdf5: row 5", "'mass' is 0"
    yield "one id twice", only(3, put("Subhalo/ID", at(5, 10))), "id 10 occurs more than once"
    yield "lzf", only(2, put("Subhalo/Mbound", compression="lzf")), "halos_7.2.hdf5", "lzf (32000)"
    yield "double", only(2, put("Subhalo/Vmax", lambda values: values.astype("f8"))), "halos_7.2.hdf5", "of another type", "/Subhalo/Vmax"


def put_copy(file):
    if "Subhalo" in file:
        file["Subhalo/R200b"] = file["Subhalo/Rvir"]


def refuses(scratch, plain):
    cases = {write(scratch / f"bad_{name.replace(' ', '_')}", edit): texts for name, edit, *texts in faults(scratch)}
    for k in (1, 3):
        absent = write(scratch / f"bad_absent{k}")
        (absent / f"halos_7.{k}.hdf5").unlink()
        cases[absent] = [f"halos_7.{k}.hdf5" if k == 1 else "chunk 3 of 4 is absent"]
        cases[absent / "halos_7.0.hdf5"] = [f"halos_7.{k}.hdf5", "is absent (1 of 4"]
    renamed = write(scratch / "bad_renamed")
    (renamed / "halos_7.2.hdf5").rename(renamed / "halos.h5")
    cases[renamed / "halos.h5"] = ["halos.h5", "is chunk 2 of 4", "not by its name"]
    two = write(write(scratch / "bad_two"), snap=8, ScaleFactor=np.float32(0.6))
    cases[two] = ["halos_8.0.hdf5", "the scale factor is 0.6", "halos_7.0.hdf5"]
    for name, change, text in (("cut", lambda content: content[:-2000], "truncated"), ("superblock", lambda content: content[:8] + b"\xff" * 40 + content[48:], "damaged")):
        damaged = write(scratch / f"bad_{name}")
        file = damaged / "halos_7.2.hdf5"
        file.write_bytes(change(file.read_bytes()))
        cases[f"{damaged}/halos_7.*.hdf5"] = ["halos_7.2.hdf5", "cannot be opened as HDF5", text]
    mixed = write(scratch / "bad_mixed")
    (mixed / "out_7.list").write_text("#ID X Y Z\n")
    cases[mixed] = ["several formats", "out_7.list is a Rockstar list"]
    check_refused(scratch, cases)


def flipped(scratch, plain):
    content, random = (plain / "halos_7.2.hdf5").read_bytes(), np.random.default_rng(6)
    folders = []
    for k in range(20):
        place = int(random.integers(0, len(content)))
        folders.append(write(scratch / f"flip{k}"))
        (folders[-1] / "halos_7.2.hdf5").write_bytes(content[:place] + bytes([content[place] ^ int(random.integers(1, 256))]) + content[place + 1:])
    said, _ = read(scratch, [folder / "halos_7.0.hdf5" for folder in folders])
    codes = [line.split()[0] for line in said.values()]
    expect(set(codes) <= {"0", "3", "5"}, f"exit codes {codes}")
    print(f"{len(codes)} catalogs with a changed byte: {codes.count('0')} read, the others refused")


def program(scratch, plain):
    told = run(1, "info", plain / "halos_7.2.hdf5")
    for text in ("(MPI-Rockstar), 400 halos", "box 100 x 100 x 100 Mpc/h", "a = 0.5 (redshift 1)", "Omega_m = 0.3,", "particle mass 1e+09", "host masses Mvir", "400 of 400 halos are hosts",
                 "radius: /Subhalo/Rvir in 'kpc / h (comoving)' (times 0.001)"):
        expect(told.returncode == 0 and text in told.stdout, f"info: '{text}': {told.stdout}{told.stderr}")
    mocks = []
    for ranks, path, more in ((1, plain, []), (3, plain / "halos_7.1.hdf5", []), (2, plain, ["input.host_mass=200c"])):
        mocks.append(scratch / f"mock{ranks}.hdf5")
        paint(ranks, mocks[-1], f"input.path={path}", "painter.kind=analytic", "field.mesh=32", "field.smoothing=[20]", "domain.tiles=[2,1,1]", *more)
    first, second, by_200c = map(columns_of, mocks)
    expect(same(first, second), "another mock on 3 ranks than on 1")
    subhalo = halos()["Subhalo"]
    mass = dict(zip(subhalo["ID"], np.where(subhalo["M200c"] > 0, subhalo["M200c"], subhalo["Mbound"])))
    column = next(name for name in ("host_mass", "halo_mass") if name in by_200c)
    expect(np.allclose(by_200c[column], [mass[i] for i in by_200c["halo_id"]], rtol=1e-5), "M200c by input.host_mass")
    print("info, paint on 1 and 3 ranks, input.host_mass: as they should be")


def real_files(scratch):
    """A run of MPI-Rockstar that wrote both: the list is rounded to as many digits as it prints."""
    folder = SHARED / "desc/mpi_rockstar"
    if not folder.is_dir():
        print("files of MPI-Rockstar: skipped, there is no ../shared/data/desc")
        return
    text, chunks = folder / "out_0.list.gz", f"{folder}/halos_0.*.hdf5"
    said, columns = read(scratch, [text, chunks, folder / "halos_0.5.hdf5"])
    expect(all(line.startswith("0 ") for line in said.values()), said)
    expect(same(columns[chunks], columns[folder / "halos_0.5.hdf5"]), "by one file: other halos than by a pattern")
    groups = {}
    for group in ("Subhalo", "Shape"):
        with h5py.File(folder / "halos_0.0.hdf5") as file:
            names = list(file[group])
        groups[group] = {name: np.concatenate([h5py.File(folder / f"halos_0.{k}.hdf5")[f"{group}/{name}"][:] for k in range(8)]) for name in names}
    check(columns[chunks], expected(groups), "h5py")
    listed, found = by_id(columns[text]), by_id(columns[chunks])
    expect(listed.keys() == found.keys(), f"columns {sorted(listed)} and {sorted(found)}")
    digits = {"mass": (1e-4, 0), "bound_mass": (1e-4, 0), "specific_spin": (3e-3, 0), "jx": (1e-3, 0), "jy": (1e-3, 0), "jz": (1e-3, 0), "radius": (2e-6, 0), "scale_radius": (0, 1e-6),
              "x": (0, 1e-5), "y": (0, 1e-5), "z": (0, 1e-5), "axis_x": (0, 1e-5), "axis_y": (0, 1e-5), "axis_z": (0, 1e-5)}
    for name, values in listed.items():
        rtol, atol = digits.get(name, (0, 0.006 if name[0] == "v" else 6e-6))
        good = np.array_equal(found[name], values) if values.dtype.kind in "ib" else np.allclose(found[name], values, rtol=rtol, atol=atol)
        expect(good, f"list and HDF5: {name}: {found[name][:3]} and {values[:3]}")
    headers = [run(1, "info", path).stdout.splitlines()[1] for path in (text, folder / "halos_0.0.hdf5")]
    expect(headers[0] == headers[1], f"not the same simulation: {headers}")
    print(f"{len(listed['id'])} halos of MPI-Rockstar: HDF5 and list are equal in {len(listed)} columns")


with Scratch() as scratch:
    plain = small_files(scratch)
    refuses(scratch, plain)
    flipped(scratch, plain)
    real_files(scratch)
    program(scratch, plain)
