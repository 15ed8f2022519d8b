"""Text catalogs and tables as other codes write them: other units, other names and joined files are read right or refused by line; a
damaged or unusual table beside a galaxy catalog never joins wrong numbers. On 1 and 3 ranks."""
import gzip
import itertools

import h5py
import numpy as np
from astropy.io import fits
from astropy.table import Table

import subfind_set
from runner import Scratch, expect, run, sets, small_catalog, write_catalog

HEADER, ROWS = small_catalog(600)
NAMES = HEADER[0].lstrip("#").split()
ANALYTIC = ["painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[4]", "input.min_vmax=0"]
BOX, RADII, MASSES = "#Box size: 150.000000 Mpc/h", "#Units: Halo Distances, Lengths, and Radii in kpc / h (comoving)", "#Units: Masses in Msun / h"
POSITIONS, VELOCITIES = "#Units: Positions in Mpc / h (comoving)", "#Units: Velocities in km / s (physical, peculiar)"


def with_lines(*pairs):
    """The header with lines replaced; each must be there."""
    new = list(HEADER)
    for old, line in pairs:
        new[new.index(old)] = line
    return new


def scaled(names, factor, rows=ROWS):
    """Rows whose columns of these names are multiplied, with digits enough for nothing to be lost."""
    at = {NAMES.index(name) for name in names}
    return [" ".join(repr(float(w) * factor) if k in at else w for k, w in enumerate(row.split())) for row in rows]


def with_field(row, name, value, rows=ROWS):
    words = rows[row].split()
    words[NAMES.index(name)] = value
    return rows[:row] + [" ".join(words)] + rows[row + 1:]


def columns_of(path):
    with h5py.File(path) as file:
        return {name: data[:] for name, data in file["data"].items()}


def painted(scratch, name, header, rows, ranks):
    path = write_catalog(scratch / name, header, rows)
    done = run(ranks, "paint", "config/demo.yaml", "--overwrite", *sets([f"input.path={path}", f"output.path={scratch}/{name}.{ranks}.hdf5", *ANALYTIC]))
    expect(done.returncode == 0, f"{name} on {ranks} ranks: {done.returncode}\n{done.stdout}{done.stderr}")
    return columns_of(scratch / f"{name}.{ranks}.hdf5"), done.stdout + done.stderr


def same_galaxies(columns, reference, name, period=150.0):
    """Up to the digits that are lost in writing; chaotic only where a random number meets a threshold, which no column here does."""
    expect(columns.keys() == reference.keys(), f"{name}: other columns")
    for key, wanted in reference.items():
        got = columns[key]
        if wanted.dtype.kind != "f":
            expect(np.array_equal(got, wanted), f"{name}: {key} differs")
            continue
        away = np.abs(got - wanted)
        if key in ("x", "y", "z"):
            away = np.minimum(away, period - away)
        near = (away <= 1e-5 * np.maximum(1, np.abs(wanted))) | (np.isnan(got) & np.isnan(wanted))
        expect(near.all(), f"{name}: {key} differs in {np.sum(~near)} rows, first {got[~near][:1]} {wanted[~near][:1]}")


def read_right(scratch):
    """(name, header, rows, reference's header and rows): the same halos, written otherwise."""
    h = 0.6774
    half = with_lines(("#a = 1.000000", "#a = 0.500000"))
    plain = (HEADER, ROWS)
    names = HEADER[0]
    masses = ["Mvir", "Mvir_all", "M200b", "M200c", "M500c", "M2500c"]
    yield "older radius line, box in kpc/h, masses in 1e10 Msun/h", with_lines(
        (RADII, "#Units: Radii in kpc / h (comoving)"), (BOX, "#Box size: 150000.0 kpc/h"), (MASSES, "#Units: Masses in 1e10 Msun / h")), scaled(masses, 1e-10), plain
    yield "box without h, positions in kpc/h", with_lines((BOX, f"#Box size: {150 / h!r} Mpc"), (POSITIONS, "#Units: Positions in kpc / h (comoving)")), scaled("XYZ", 1000), plain
    yield "physical positions and radii", [line.replace("comoving", "physical") if line in (POSITIONS, RADII) else line for line in half], scaled(
        ["Rvir", "Rs", "rs_klypin"], .5, scaled("XYZ", .5)), (half, ROWS)
    yield "velocities in 100 km/s, mass M200b first", [names.replace("Mvir ", "M200b ", 1).replace("Rvir", "R200b")] + with_lines(
        (VELOCITIES, "#Units: Velocities in 100 km / s (physical, peculiar)"))[1:] + ["#Vmax: velocity (km/s)", "#Vrms: velocity (km/s)"], scaled(["VX", "VY", "VZ"], .01), plain
    yield "a sign before a number, capitals", with_lines(("#a = 1.000000", "#a = +1.000000"), (MASSES, "#UNITS: MASSES IN Msun / h")), ROWS, plain
    floats = [" ".join([row.split()[0] + ".0", *row.split()[1:]]) for row in ROWS]
    yield "ids as floats, the same header again", HEADER, floats[:100] + HEADER + floats[100:], plain
    yield "a rounding step outside of the box", HEADER, with_field(3, "X", "-0.0000001", with_field(4, "Y", "150.00001")), (
        HEADER, with_field(3, "X", "149.9999999", with_field(4, "Y", "0.00001")))


def refused(scratch):
    """(name, header, rows, texts of the one line)."""
    half = ["#a = 0.500000" if line == "#a = 1.000000" else line for line in HEADER]
    again = [" ".join([str(int(row.split()[0]) + 10 ** 7), *row.split()[1:-1], "-1"]) for row in ROWS]
    swapped = [HEADER[0].replace(" X Y ", " Y X ")] + HEADER[1:]
    small = with_lines((BOX, "#Box size: 50.000000 Mpc/h"))
    line = f"line {len(HEADER) + len(ROWS) + 1}:"
    yield "another snapshot appended", HEADER, ROWS + half + again, [f"line {len(HEADER) + len(ROWS) + 2}:", "a = 0.5"]
    yield "other columns appended", HEADER, ROWS + swapped + again, [line]
    yield "another box appended", HEADER, ROWS + small + again, ["50"]
    yield "only a scale factor appended", HEADER, ROWS + ["#a = 0.500000"] + again, [line, "0.5"]
    yield "unknown unit of masses", with_lines((MASSES, "#Units: Masses in stones")), ROWS, ["stones"]
    yield "unknown unit of the box", with_lines((BOX, "#Box size: 150 furlongs")), ROWS, ["furlongs"]
    yield "prefix of no number", with_lines((MASSES, "#Units: Masses in 1e1e Msun / h")), ROWS, ["1e1e"]
    yield "id beyond 2^63", HEADER, [ROWS[0].replace(ROWS[0].split()[0], str(2 ** 63), 1)] + ROWS[1:], [str(2 ** 63)]
    yield "id with a fraction", HEADER, [ROWS[0].replace(ROWS[0].split()[0], "3229.5", 1)] + ROWS[1:], ["3229.5"]
    yield "particle mass of zero", ["#Particle mass: 0 Msun/h" if line.startswith("#Particle mass") else line for line in HEADER], ROWS, ["particle mass is 0"]
    yield "particle mass in words", ["#Particle mass: seven Msun/h" if line.startswith("#Particle mass") else line for line in HEADER], ROWS, ["seven"]
    yield "a decimal comma in the particle mass", ["#Particle mass: 1,5e10 Msun/h" if line.startswith("#Particle mass") else line for line in HEADER], ROWS, ["decimals with a point"]
    yield "a decimal comma in the box", with_lines((BOX, "#Box size: 150,5 Mpc/h")), ROWS, ["decimals with a point"]
    for two in ("0.3 0.4", "4 100"):
        yield f"two particle masses, {two}", [f"#Particle mass: {two} Msun/h" if line.startswith("#Particle mass") else line for line in HEADER], ROWS, ["two numbers"]
    yield "two signs", HEADER, with_field(3, "VX", "+-5"), ["'+-5'", "not a number"]
    yield "a control character in a number", HEADER, with_field(3, "JX", "-3.8\x0b6e11"), ["'-3.8?6e11'"]


def check_lists(scratch):
    references = {}
    for (name, header, rows, reference), ranks in itertools.product(read_right(scratch), (1, 3)):
        key = "\n".join(reference[0] + reference[1])
        if key not in references:
            references[key] = painted(scratch, f"reference{len(references)}.list", *reference, 2)[0]
        columns, _ = painted(scratch, name.replace(" ", "_").replace("/", "_").replace(",", "") + ".list", header, rows, ranks)
        same_galaxies(columns, references[key], f"{name} on {ranks} ranks")
        print(f"{name}, {ranks} ranks: the same galaxies")
    for name, header, rows, texts in refused(scratch):
        path, lines = write_catalog(scratch / "refused.list", header, rows), []
        for ranks in (1, 3):
            done = run(ranks, "paint", "config/demo.yaml", *sets([f"input.path={path}", f"output.path={scratch}/never.hdf5", *ANALYTIC]))
            lines += [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
            expect(done.returncode == 3 and len(lines) == (ranks + 1) // 2, f"{name} on {ranks} ranks: {done.returncode}\n{done.stdout}{done.stderr}")
            expect(all(text in lines[-1] for text in ["refused.list", *texts]), f"{name}: {texts} in {lines[-1]}")
        expect(lines[0] == lines[1], f"{name}: not the same line on 1 and 3 ranks: {lines}")
        print(f"{name}: {lines[0]}")


def check_piece(scratch):
    """A piece of the box is painted, and warned of in the log, in the summary and by info."""
    piece = [row for row in ROWS if float(row.split()[NAMES.index("X")]) < 75]
    kept = {row.split()[0] for row in piece}
    piece = [row for row in piece if row.split()[-1] == "-1" or row.split()[-1] in kept]
    bounds = HEADER + ["#Bounds: (0.000000, 0.000000, 0.000000) - (75.000000, 150.000000, 150.000000)"]
    for ranks in (1, 3):
        _, said = painted(scratch, "piece.list", bounds, piece, ranks)
        expect("75" in said and "#Bounds" in said, f"no warning of a piece of the box on {ranks} ranks: {said}")
    told = run(1, "info", scratch / "piece.list")
    expect("#Bounds" in told.stdout + told.stderr, f"info says nothing of the piece: {told.stdout}{told.stderr}")
    print("a piece of the box: warned of by paint and info")


def check_tables(scratch):
    """Disc fractions for every other galaxy of a small set, as FITS and CSV files of many makes."""
    group, subhalo = subfind_set.catalog()
    folder = subfind_set.write(scratch / "set", group, subhalo)
    ids = np.flatnonzero(subhalo["SubhaloFlag"] & (subhalo["SubhaloMassType"][:, 4] > 0))[::2]
    disc = np.linspace(0, 1, len(ids))
    table = {"gal_id": ids.astype(float), "f_disk_2d": disc}

    def put(name, **other):
        (scratch / name).parent.mkdir(exist_ok=True)
        Table(table | other).write(scratch / name, overwrite=True, format="fits")
        return name

    def convert(name, ranks):
        out = scratch / "converted.hdf5"
        out.unlink(missing_ok=True)
        return run(ranks, "convert", "config/tng-convert.yaml", *sets([f"input.path={folder}", f"convert.path={out}", "convert.kind=galaxies", "convert.morphology_mass=",
                                                                       f"convert.morphology={scratch}/{name}", "input.min_vmax=0"])), out

    text = "gal_id,f_disk_2d\n" + "".join(f"{i},{d!r}\n" for i, d in zip(ids.tolist(), disc.tolist()))
    (scratch / "bom.csv").write_text(text, encoding="utf-8-sig")
    (scratch / "plain[2].csv").write_text(text.replace("\n", "\r\n"))
    (scratch / "nan.csv").write_text(text.replace(f"\n{ids[5]},{float(disc[5])!r}\n", f"\n{ids[5]},\n"))
    put("plain.fits"), put("run[2]/disc.fits"), put("disc[1].fits"), put("disc (1).fits"), put("disc.fits+1")
    (scratch / "disc.fits.gz").write_bytes(gzip.compress((scratch / "plain.fits").read_bytes()))
    put("text.fits", gal_id=ids.astype(str))
    put("nan.fits", f_disk_2d=np.where(np.arange(len(ids)) == 5, np.nan, disc))
    sound = (scratch / "plain.fits").read_bytes()
    end = sound.rindex(b"END" + b" " * 77)
    cards = b"".join(card.ljust(80) for card in (b"COMMENT = no value, and 5 \xc5 of it", b"HISTORY made = by hand", b"UNIT    = 'km'' / s' / in \xc5", b"DATE    = 2026-11-27", b"PAIR    = (1.0, 2.0) / two", b"NOTHING =   / undefined"))
    (scratch / "cards.fits").write_bytes(sound[:end] + cards + b"END".ljust(80) + sound[end + 80 + len(cards):])
    unknown = {"nan.fits": 5, "nan.csv": 5}
    for name in ("plain.fits", "run[2]/disc.fits", "disc[1].fits", "disc (1).fits", "disc.fits+1", "disc.fits.gz", "cards.fits", "bom.csv", "plain[2].csv", "text.fits", "nan.fits", "nan.csv"):
        for ranks in (1, 3) if name == "plain.fits" else (3,):
            done, out = convert(name, ranks)
            expect(done.returncode == 0, f"{name} on {ranks} ranks: {done.returncode} {done.stderr}")
            columns = columns_of(out)
            rows = np.searchsorted(columns["id"], ids)
            known = np.arange(len(ids)) != unknown.get(name, -1)
            expect((columns["disc_fraction_known"][rows] == known).all(), f"{name}: known for others")
            expect(np.allclose(columns["disc_fraction"][rows[known]], disc[known], atol=1e-6), f"{name}: other disc fractions")
    print("12 sound tables: the right fractions for the right galaxies")

    put("vector.fits", f_disk_2d=np.stack([disc, disc, disc], 1))
    put("words.fits", gal_id=np.array(["five" if k == 5 else str(i) for k, i in enumerate(ids)]))
    rows = np.array([np.full(1 + k % 3, v) for k, v in enumerate(disc)], dtype=object)
    null = np.where(np.arange(len(ids)) == 5, -99, ids)
    id_column = fits.Column("gal_id", "K", array=ids)
    fits.BinTableHDU.from_columns([id_column, fits.Column("f_disk_2d", "PD()", array=rows)]).writeto(scratch / "varlen.fits")
    fits.BinTableHDU.from_columns([fits.Column("gal_id", "K", array=null, null=-99), fits.Column("f_disk_2d", "D", array=disc)]).writeto(scratch / "null.fits")
    fits.BinTableHDU.from_columns([id_column, fits.Column("f_disk_2d", "D", array=disc), fits.Column("F_DISK_2D", "D", array=disc)]).writeto(scratch / "twice.fits")
    (scratch / "cut.fits").write_bytes((scratch / "plain.fits").read_bytes()[:6000])
    whole = (scratch / "plain.fits").read_bytes()
    (scratch / "shifted.fits").write_bytes(whole[:2900] + b"xyz" + whole[2900:])
    (scratch / "bytes.fits").write_bytes(whole.replace(b"TTYPE1  = 'gal_id  '  ", b"TTYPE1  = 'gal_id  ' \xec", 1))
    (scratch / "behind.fits").write_bytes(whole.replace(b"TFORM2  = 'D       '  ", b"TFORM2  = 'D       ' $", 1))
    (scratch / "words.csv").write_text(text.replace(f"\n{ids[5]},", "\nfive,"))
    for name, texts in {"vector.fits": ["f_disk_2d", "3"], "varlen.fits": ["f_disk_2d"], "words.fits": ["gal_id", "five"], "null.fits": ["gal_id", "row 5"], "twice.fits": ["F_DISK_2D"], "cut.fits": ["2880"], "shifted.fits": ["2880"], "bytes.fits": ["TTYPE1", "no card"], "behind.fits": ["TFORM2", "no card"], "words.csv": ["gal_id", "five"]}.items():
        lines = []
        for ranks in (1, 3):
            done, _ = convert(name, ranks)
            lines += [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
            expect(done.returncode == 3 and len(lines) == (ranks + 1) // 2 and all(text in lines[-1] for text in [name, *texts]), f"{name} on {ranks} ranks: {done.returncode} {done.stderr}")
        expect(lines[0] == lines[1], f"{name}: not the same line on 1 and 3 ranks: {lines}")
        print(lines[0])


with Scratch() as folder:
    check_lists(folder)
    check_piece(folder)
    check_tables(folder)
