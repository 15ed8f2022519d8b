"""A halo catalog in several files is what the one file is that joins them: rows, remarks, errors and the bits of the mock, on 1, 2 and 3
ranks, for text, gzip and HDF5, by folder, pattern and list of paths. What does not belong together is refused."""
import gzip
import hashlib
import os
import pathlib
import shutil
import subprocess

import h5py
import numpy as np

import subfind_set
from runner import CATALOG, ENVIRONMENT, ROOT, Scratch, catalog_lines, expect, run, sets, small_catalog, write_catalog

READER = pathlib.Path(os.environ.get("READ_HALOS", ROOT / "build/release/test_read_halos"))
HEADER, ROWS = small_catalog(1500)
ANALYTIC = ["painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[4]", "domain.tiles=[3,1,1]"]
RANKS = (1, 2, 3)


def pieces(count=11, rows=ROWS):
    """Unequal parts of the rows, in order; the third has none."""
    cuts = [0] + sorted(np.random.default_rng(4).integers(0, len(rows), count - 2).tolist()) + [len(rows)]
    cuts.insert(2, cuts[2])
    return [rows[a:b] for a, b in zip(cuts, cuts[1:])]


def write_pieces(folder, ending=".list", header=HEADER, parts=None):
    folder.mkdir(parents=True)
    return [write_catalog(folder / f"out_0.{k}{ending}", header, rows) for k, rows in enumerate(parts or pieces())]


def write_hdf5_pieces(whole, folder, count=4):
    """Cuts a catalog of the program by rows; one part is empty."""
    folder.mkdir()
    with h5py.File(whole) as file:
        rows = len(file["data/id"])
        cuts = [0, rows // 5, rows // 5, rows // 2, rows]
        for k in range(count):
            with h5py.File(folder / f"halos_{k}.hdf5", "w") as piece:
                for name in file:
                    if name != "data":
                        file.copy(name, piece)
                for name, column in file["data"].items():
                    made = piece.create_dataset(f"data/{name}", data=column[cuts[k]:cuts[k + 1]], dtype=column.dtype)
                    for key, value in column.attrs.items():
                        made.attrs[key] = value


def read(scratch, arguments):
    """What each argument gave, a line each, the same on any number of ranks."""
    said, columns = {}, {}
    outputs = {argument: scratch / f"{k}.read" for k, argument in enumerate(arguments)}
    for ranks in RANKS:
        words = [f"{argument}>{output}" for argument, output in outputs.items()]
        done = subprocess.run(["mpirun", "-np", str(ranks), "--oversubscribe", str(READER), *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
        lines = done.stdout.splitlines()
        expect(done.returncode == 0 and len(lines) == len(arguments), f"{ranks} ranks: {done.stdout}{done.stderr}")
        for argument, line in zip(arguments, lines):
            expect(said.setdefault(argument, line) == line, f"{argument}: not the same on 1 and {ranks} ranks:\n{said[argument]}\n{line}")
            if line.startswith("0"):
                here = columns_of(outputs[argument])
                expect(same(columns.setdefault(argument, here), here), f"{argument}: other rows on {ranks} ranks")
    return said, columns


def columns_of(path):
    with h5py.File(path) as file:
        return {name: data[:] for name, data in file["data"].items()}


def same(a, b):
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() and a[name].dtype == b[name].dtype for name in a)


def sets_that_are_read(scratch):
    """name: (arguments, the joined file)."""
    joined = write_catalog(scratch / "joined.list", HEADER, ROWS)
    plain, packed, mixed = (write_pieces(scratch / name, ending) for name, ending in (("plain", ".list"), ("packed", ".list.gz"), ("mixed", ".list")))
    mixed[1].unlink(), write_catalog(mixed[1].with_suffix(".list.gz"), HEADER, pieces()[1])
    write_pieces(scratch / "two", ".list.gz", parts=[ROWS[:1000], ROWS[1000:]])
    one = write_catalog(scratch / "one.list.gz", HEADER, ROWS)
    odd = write_catalog(scratch / "odd[12]*.list", HEADER, ROWS)
    shutil.copytree(scratch / "plain", scratch / "with_others")
    others = scratch / "with_others"
    (others / "README.md").write_text("# Halos\n"), (others / "run.yaml").write_text("# a: b\na: 1\n"), (others / ".hidden.list").write_text("#ID\n")
    (others / "halos_0.0.particles").write_text("#x y z vx vy vz particle_id\n1 2 3 4 5 6 7\n"), (others / "empty.list").write_text(""), (others / "folder").mkdir()
    return joined, [plain[0].parent, packed[0].parent, mixed[0].parent, scratch / "two", one, odd, f"{scratch}/plain/out_0.*.list", f"{scratch}/packed/out_?.*.gz",
                    "|".join(map(str, reversed(plain))), f"{scratch}/plain/out_0.[0-4].list|{scratch}/plain/out_0.[3-9].list|{plain[10]}",
                    f"{plain[0].parent}|{plain[3]}", others]


def check_text(scratch):
    joined, arguments = sets_that_are_read(scratch)
    said, columns = read(scratch, [joined, *arguments])
    for argument in arguments:
        remarks = said[argument].removesuffix("; " + others_of(argument))
        expect(remarks == said[joined], f"{argument}: other remarks: {said[argument]}\n{said[joined]}")
        expect(same(columns[argument], columns[joined]), f"{argument}: other rows than the joined file")
    expect(others_of(arguments[-1]) in said[arguments[-1]], f"no word of other files: {said[arguments[-1]]}")
    print(f"{len(arguments)} ways to name one list: the same rows in the same order, the same remarks")
    return joined, (scratch / "0.read").rename(scratch / "whole.hdf5")


def check_large(scratch):
    """Files of several blocks: each is inflated by one rank for others."""
    header, rows = catalog_lines()
    whole = write_catalog(scratch / "large.list", header, rows)
    write_pieces(scratch / "halves", ".list.gz", parts=[rows[:9000], rows[9000:]])
    write_pieces(scratch / "half_packed", ".list", parts=[rows[:9000], rows[9000:]])
    first = scratch / "half_packed/out_0.0.list"
    first.with_suffix(".list.gz").write_bytes(gzip.compress(first.read_bytes())), first.unlink()
    bad = lambda row: " ".join(word if k != 8 else "nan" for k, word in enumerate(row.split()))
    faulty = {f"fault_{at}": (write_catalog(scratch / f"fault_{at}.list.gz", header, rows[:at] + [bad(rows[at]), *rows[at + 1:-1], bad(rows[-1])]), at) for at in (100, 12000, 25000)}
    cut = scratch / "cut.list.gz"
    cut.write_bytes(faulty["fault_100"][0].read_bytes()[:-4])
    same_rows = [CATALOG, scratch / "halves", scratch / "half_packed"]
    said, columns = read(scratch, [whole, *same_rows, *(path for path, _ in faulty.values()), cut])
    for argument in same_rows:
        expect(said[argument] == said[whole] and same(columns[argument], columns[whole]), f"{argument}: not as the joined file: {said[argument]}")
    for path, at in faulty.values():
        expect(f"line {len(header) + at + 1}: column 'X' is nan" in said[path], said[path])
    expect("truncated" in said[cut], f"a fault in a row of a damaged file: {said[cut]}")
    print("gzip of several blocks: the same rows, the first of two faults, damage before faults")


def others_of(argument):
    return f"{argument}: not read, for they are no halo catalogs: README.md, empty.list, halos_0.0.particles, run.yaml"


def check_hdf5(scratch, whole):
    write_hdf5_pieces(whole, scratch / "tables")
    (scratch / "tables/note.txt").write_text("no catalog")
    shutil.copy(scratch / "tables/halos_1.hdf5", scratch / "tables/halos_4.hdf5.partial")
    arguments = [scratch / "tables", f"{scratch}/tables/halos_*.hdf5", "|".join(str(scratch / f"tables/halos_{k}.hdf5") for k in (3, 1, 0, 2))]
    said, columns = read(scratch, [whole, *arguments])
    for argument in arguments:
        expect(same(columns[argument], columns[whole]), f"{argument}: other rows than the joined file")
        expect(said[argument].split("; " + str(scratch))[0] == said[whole], f"{argument}: other remarks: {said[argument]}\n{said[whole]}")
    print("HDF5: the same rows as the joined file")


def edited(folder, scratch, name, edit):
    """A copy of a set, after `edit(folder)`."""
    copy = scratch / name.replace(" ", "_")
    shutil.copytree(folder, copy)
    edit(copy)
    return copy


def replace(old, new, file="out_0.1.list"):
    def edit(folder):
        text = (folder / file).read_text()
        expect(old in text, f"{old} is not in {file}")
        (folder / file).write_text(text.replace(old, new))
    return edit


def set_attribute(group, key, value, file="halos_1.hdf5"):
    def edit(folder):
        with h5py.File(folder / file, "a") as opened:
            opened[group].attrs[key] = value
    return edit


def change_column(file="halos_2.hdf5", **columns):
    def edit(folder):
        with h5py.File(folder / file, "a") as opened:
            for name, change in columns.items():
                change(opened["data"], name)
    return edit


def remove(name):
    return lambda folder: (folder / name).unlink()


def refused(scratch):
    """argument: texts of the error, all of which it has."""
    base, tables = scratch / "base", scratch / "tables"
    write_pieces(base, parts=[ROWS[:400], ROWS[400:900], ROWS[900:]])
    last, word = len(HEADER) + 500, ROWS[0].split()[0]
    (scratch / "nothing").mkdir(), (scratch / "texts").mkdir()
    (scratch / "texts/README.md").write_text("# no halos\n")
    set_of_groups = subfind_set.write(scratch / "set", *subfind_set.catalog())
    make = lambda name, edit: edited(base, scratch, name, edit)
    table = lambda name, edit: edited(tables, scratch, "t " + name, edit)
    both = ["out_0.1.list", "out_0.0.list"]
    yield make("snapshot", replace("#a = 1.000000", "#a = 0.500000")), [*both, "#a = 0.5", "#a = 1.0"]
    yield make("box", replace("#Box size: 150.0", "#Box size: 160.0")), [*both, "160", "150"]
    yield make("cosmology", replace("Om = 0.3089", "Om = 0.31")), [*both, "0.31", "0.3089"]
    yield make("units", replace("Masses in Msun / h", "Masses in 1e10 Msun / h")), [*both, "1e10"]
    yield make("mass definition", replace("Mvir Vmax Vrms Rvir", "M200b_ Vmax Vrms R200b")), [*both, "column 3", "mvir"]
    yield make("columns", replace(" Spin ", " Spun ")), [*both, "'spun'", "'spin'"]
    yield make("particle mass", replace("#Particle mass", "#Mass of particles")), [*both, "#Particle mass"]
    yield make("no header", lambda folder: (folder / "out_0.1.list").write_text("\n".join(ROWS[400:900]))), ["out_0.1.list", "is not one of the halo catalogs"]
    yield f"{scratch}/no_header/*", ["out_0.1.list", "no halo catalog"]
    yield make("absent", remove("out_0.1.list")), ["out_0.1.list", "absent", "0 to 2"]
    yield f"{base}/out_0.0.list|{base}/out_0.2.list", ["out_0.1.list", "is not one of the halo catalogs"]
    yield make("fault", replace(ROWS[-1].split()[8], "nan", "out_0.2.list")), ["out_0.2.list: line", "'X' is nan"]
    yield make("first fault", lambda folder: [replace(row.split()[8], "nan", f"out_0.{k}.list")(folder) for k, row in ((1, ROWS[899]), (2, ROWS[900]))]), [f"out_0.1.list: line {last}:"]
    yield make("twice", lambda folder: shutil.copy(folder / "out_0.0.list", folder / "out_0.3.list")), [word, "more than once"]
    packed = lambda edit: lambda folder: [edit(folder), [((folder / (p.name + ".gz")).write_bytes(gzip.compress(p.read_bytes())), p.unlink()) for p in folder.glob("*.list")]]
    yield make("packed fault", packed(replace(ROWS[899].split()[8], "nan"))), [f"out_0.1.list.gz: line {last}:", "'X' is nan"]
    cut = lambda folder: (folder / "out_0.1.list.gz").write_bytes((folder / "out_0.1.list.gz").read_bytes()[:-4])
    yield make("packed cut", lambda folder: [packed(lambda _: None)(folder), cut(folder)]), ["out_0.1.list.gz", "truncated"]
    yield make("packed cut and fault", lambda folder: [packed(replace(ROWS[500].split()[8], "nan"))(folder), cut(folder)]), ["out_0.1.list.gz", "truncated"]
    one = scratch / "one_fault.list.gz"
    one.write_bytes(gzip.compress("\n".join(HEADER + ROWS[:-1] + [ROWS[-1].replace(" ", " nan ", 1)]).encode()))
    yield one, [f"line {len(HEADER) + len(ROWS)}:", "fields"]
    yield scratch / "nothing", ["nothing", "without a halo catalog"]
    yield scratch / "texts", ["texts", "without a halo catalog"]
    yield f"{scratch}/base/*.lists", ["base/*.lists", "no file matches"]
    yield f"{scratch}/texts/*", ["README.md"]
    mixed = make("formats", lambda folder: shutil.copy(tables / "halos_0.hdf5", folder))
    yield mixed, ["several formats", "halos_0.hdf5", "out_0.0.list"]
    yield f"{mixed}/*", ["halos_0.hdf5", "out_0.0.list", "one format"]
    yield f"{base}/*|{set_of_groups}/*", ["SUBFIND", "by its folder"]
    both = ["halos_1.hdf5", "halos_0.hdf5"]
    yield table("box", lambda folder: [set_attribute("provenance/simulation", "box", [160., 160, 160])(folder), set_attribute("header/file", "region_p2", [160., 160, 160])(folder)]), [*both, "160", "150"]
    yield table("particles", set_attribute("provenance/simulation", "particle_mass", 1e9)), [*both, "particle mass"]
    yield table("definition", set_attribute("provenance/simulation", "mass_definition", "200c")), [*both, "mass definition", "200c", "vir"]
    both = ["halos_2.hdf5", "halos_0.hdf5"]
    yield table("no column", change_column(spin=lambda data, name: data.__delitem__(name))), [*both, "spin"]
    yield table("new column", change_column(colour=lambda data, name: data.create_dataset(name, data=np.zeros(len(data["id"]))).attrs.update({"unit": "", "units": ""}))), [*both, "colour"]
    yield table("unit", change_column(mass=lambda data, name: data[name].attrs.update({"unit": "Msun", "units": "Msun"}))), [*both, "unit", "mass"]
    yield table("row", change_column(x=lambda data, name: data[name].__setitem__(7, np.nan))), ["halos_2.hdf5: row 7", "'x'"]
    yield table("absent", remove("halos_2.hdf5")), ["halos_2.hdf5", "absent"]


def check_refused(scratch):
    wanted = dict(refused(scratch))
    said, _ = read(scratch, list(wanted))
    for argument, texts in wanted.items():
        line = said[argument]
        expect(line[:2] in ("3 ", "5 ") and "\n" not in line and all(text in line for text in texts), f"{argument}: {texts} in: {line}")
        print(line.replace(str(scratch) + "/", ""))


def check_program(scratch, joined):
    """The bits of the mock, its provenance, and what each command says."""
    plain, tables = scratch / "plain", scratch / "tables"
    listed = f"['{plain}/out_0.[0-4].list', '{plain}/out_0.*.list']"
    painted = {}
    for name, path, ranks in (("joined", joined, 2), ("folder", plain, 1), ("pattern", f"{scratch}/packed/*.gz", 2), ("list", listed, 3), ("two", scratch / "two", 3), ("hdf5", tables, 2)):
        out = scratch / f"{name}.mock.hdf5"
        done = run(ranks, "paint", "config/demo.yaml", *sets([f"input.path={path}", f"output.path={out}", *ANALYTIC]))
        expect(done.returncode == 0, f"{name}: {done.returncode} {done.stdout}{done.stderr}")
        painted[name] = columns_of(out)
        expect(same(painted[name], painted["joined"]), f"{name} on {ranks} ranks: another mock than of the joined file")
    print(f"{len(painted)} mocks on 1 to 3 ranks: the same bits")

    def hash_of(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    files = [plain / f"out_0.{k}.list" for k in range(11)]
    with h5py.File(scratch / "list.mock.hdf5") as mock:
        said = {key: mock["provenance"].attrs[key] for key in ("input_sha256", "input_bytes", "input_path")}
    wanted = hashlib.sha256("".join(hash_of(file) + "\n" for file in files).encode()).hexdigest()
    expect(said["input_sha256"] == wanted, f"input_sha256: {said}, not {wanted}")
    expect(int(said["input_bytes"]) == sum(file.stat().st_size for file in files), f"input_bytes: {said}")
    done = run(1, "loglike", "analytic", scratch / "list.mock.hdf5", "--out", scratch / "loglike.hdf5")
    expect(done.returncode == 0, f"loglike with the halos of the provenance: {done.stdout}{done.stderr}")

    for words in ([plain], [f"{plain}/*.list"], files, [tables]):
        told = run(1, "info", *words)
        expect(told.returncode == 0 and f"{len(ROWS)} halos" in told.stdout, f"info {words}: {told.stdout}{told.stderr}")
    dry = run(1, "paint", "config/demo.yaml", "--dry-run", *sets([f"input.path={plain}", f"output.path={scratch}/dry.hdf5", *ANALYTIC]))
    expect(dry.returncode == 0 and f"{len(ROWS)} halos" in dry.stdout + dry.stderr, f"--dry-run: {dry.stdout}{dry.stderr}")

    for path, victim in ((plain, plain / "out_0.4.list"), (f"{tables}/*.hdf5", tables / "halos_1.hdf5")):
        before = hash_of(victim)
        done = run(1, "convert", "config/tng-convert.yaml", *sets([f"input.path={path}", f"convert.path={victim}", "convert.kind=halos"]))
        expect(done.returncode == 2 and victim.name in done.stderr and "which is read" in done.stderr, f"an output that is an input: {done.returncode} {done.stderr}")
        expect(hash_of(victim) == before, "an input was written")
    done = run(2, "convert", "config/tng-convert.yaml", *sets([f"input.path={plain}", f"convert.path={scratch}/converted.hdf5", "convert.kind=halos", "input.min_vmax=0", "input.min_particles=0"]))
    expect(done.returncode == 0 and f"{len(ROWS)} halos" in done.stdout, f"convert: {done.stdout}{done.stderr}")
    print("provenance, loglike, info, --dry-run and convert: as of one file")


with Scratch() as folder:
    of_all, as_hdf5 = check_text(folder)
    check_hdf5(folder, as_hdf5)
    check_large(folder)
    check_refused(folder)
    check_program(folder, of_all)
