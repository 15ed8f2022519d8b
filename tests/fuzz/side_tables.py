"""Tables beside a galaxy catalog (convert.morphology) as FITS, CSV and HDF5: small ones, edits, and the disc fractions that they mean."""
import re

import h5py
import numpy as np
from astropy.io import fits

import group_sets
from meaning import INTEGERS, Meaning, Refuse, reading
from text_lists import (BAD_WORDS, NUMBER, byte_order_mark, change_byte, cut, flip_bit, insert_bytes, line_ends, no_last_newline, pick)

NAMES = ["gal_id", "f_disk_2d", "other"]


def make(rng, folder):
    groups = folder / "groups"
    groups.mkdir()
    total = group_sets.small_set(rng, groups, stars=True)
    ids = rng.permutation(total)[:max(1, total * 2 // 3)]
    values = {"gal_id": ids, "f_disk_2d": np.round(rng.uniform(0, 1, len(ids)), 6), "other": rng.normal(size=len(ids))}
    kind = pick(rng, ["csv", "fits", "fits", "hdf5"])
    path = folder / f"table.{kind}"
    edits = [{"csv": make_csv, "fits": make_fits, "hdf5": make_hdf5}[kind](rng, path, values)]
    if rng.random() < .35:
        edit = pick(rng, [cut, change_byte, flip_bit, insert_bytes] + ([line_ends, no_last_newline, byte_order_mark] if kind == "csv" else []))
        path.write_bytes(edit(rng, path.read_bytes()))
        edits.append(edit.__name__)
    return path, [kind, *edits]


def make_csv(rng, path, values):
    head = list(NAMES)
    rows = [[str(values[n][i]) for n in NAMES] for i in range(len(values["gal_id"]))]
    way = pick(rng, ["none", "value", "empty", "drop", "repeat", "names", "swap", "extra", "quotes", "row twice", "blanks"])
    row = pick(rng, rows)
    k = int(rng.integers(3))
    if way == "value":
        row[k] = pick(rng, BAD_WORDS + ["0.5 ", "1.5", "\"0.5\"", "'0.5'"])
    elif way == "empty":
        row[k] = ""
    elif way == "drop":
        del row[k]
    elif way == "repeat":
        head.append(head[k])
        for r in rows:
            r.append("0.25")
    elif way == "names":
        head[k] = pick(rng, [head[k].upper(), head[k] + " ", f'"{head[k]}"', head[k] + "2", "#" + head[k], ""])
    elif way == "swap":
        head[0], head[1] = head[1], head[0]
    elif way == "extra":
        rows.insert(int(rng.integers(len(rows) + 1)), pick(rng, [["# comment"], ["9", "0.5", "1", ""], [""], ["#9", "0.5", "1"], ["-1", "0.5", "0"], ["100000", "0.5", "0"]]))
    elif way == "row twice":
        rows.append(list(row))
    elif way == "quotes":
        row[k] = f'"{row[k]}"'
    separator = " " if way == "blanks" else pick(rng, [",", ",", ", "])
    path.write_bytes(("\n".join(separator.join(r) for r in [head, *rows]) + "\n").encode("latin-1"))
    return way


def make_fits(rng, path, values):
    n = len(values["gal_id"])
    way = pick(rng, ["none", "type", "vector", "variable", "null", "nan", "text", "scaled", "name", "case", "twice", "two tables", "image", "infinite", "logical", "checksum", "duplicate"])
    columns = {"gal_id": ("K", values["gal_id"], {}), "f_disk_2d": ("D", values["f_disk_2d"], {}), "other": ("E", values["other"], {})}
    name = pick(rng, NAMES[:2])
    code, data, more = columns[name]
    if way == "type":
        code = pick(rng, ["E", "D", "J", "I", "K"])
        data = data.astype({"E": "f4", "D": "f8", "J": "i4", "I": "i2", "K": "i8"}[code])
    elif way == "vector":
        code, data = "2" + code, np.stack([data, data], 1)
    elif way == "variable":
        code, data = f"P{code}()", np.array([data[i:i + 1 + i % 2] for i in range(n)] + [None], dtype=object)[:-1]
    elif way == "null" and name == "gal_id":
        more = {"null": int(data[0])}
    elif way == "nan":
        code, data = "D", np.where(np.arange(n) == 0, np.nan, data.astype(float))
    elif way == "infinite":
        code, data = "D", np.where(np.arange(n) == 0, np.inf, data.astype(float))
    elif way == "text":
        code, data = "16A", np.array([str(v) for v in data])
    elif way == "scaled":
        code, data = "E", data.astype("f4")
        more = {"bscale": 2.0, "bzero": 1.0}
    elif way == "logical":
        code, data = "L", data.astype(bool)
    elif way == "duplicate" and name == "gal_id":
        data = np.concatenate([data[:-1], data[:1]])
    columns[name] = (code, data, more)
    made = [fits.Column({"name": pick(rng, [n + "2", n.upper() + "X"]), "case": n.upper()}.get(way, n) if n == name else n, code, array=data, **more)
            for n, (code, data, more) in columns.items()]
    if way == "twice":
        made.append(fits.Column(name.upper(), "D", array=values["other"]))
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(made)]
    if way == "two tables":
        hdus.insert(1, fits.BinTableHDU.from_columns([fits.Column("x", "D", array=np.ones(3))]))
    if way == "image":
        hdus = [fits.PrimaryHDU(np.ones((4, 4)))] + hdus[1:] * int(rng.integers(2))
    fits.HDUList(hdus).writeto(path, checksum=way == "checksum")
    return f"{way} {name}"


def make_hdf5(rng, path, values):
    way = pick(rng, ["none", "group", "type", "vector", "shorter", "scalar", "text", "big", "nan", "missing", "compound"])
    name = pick(rng, NAMES[:2])
    with h5py.File(path, "w") as f:
        where = f.create_group("data") if rng.random() < .5 else f
        for n, v in values.items():
            where[n] = v
        v = values[name]
        new = {"type": lambda: v.astype(pick(rng, ["f4", "i8", ">f8", "u8", "i2"])), "vector": lambda: np.stack([v, v], 1), "shorter": lambda: v[:-1], "scalar": lambda: v[0],
               "text": lambda: np.array([str(x).encode() for x in v]), "big": lambda: v.astype("u8") + np.uint64(2 ** 63), "nan": lambda: np.where(np.arange(len(v)) == 0, np.nan, v.astype(float)),
               "compound": lambda: np.zeros(len(v), [("a", "f8")])}.get(way)
        if new or way in ("missing", "group"):
            del where[name]
        if new:
            where[name] = new()
        if way == "group":
            where.create_group(name)
    return f"{way} {name}"


# ---- what a table means: {id: fraction}, NaN where it is not known ----

def table_of(path, doubts):
    data = path.read_bytes()
    if data.startswith(b"SIMPLE  ="):
        return fits_columns(path, doubts)
    if data.startswith(b"\x89HDF\r\n\x1a\n"):
        return hdf5_columns(path, doubts)
    return csv_columns(data, doubts)


BEYOND_DOUBLES = "whole numbers that doubles do not hold"


def fits_columns(path, doubts):
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(path, memmap=False, checksum=True) as hdus:
                tables = [hdu for hdu in hdus if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU))]
                if not tables:
                    raise Refuse("no table")
                if len(tables) > 1:
                    doubts.append("several tables")
                    tables = [t for t in tables if {"gal_id", "f_disk_2d"} <= set(t.columns.names)] or tables
                hdu = tables[0]
                try:
                    hdu.columns
                except fits.VerifyError:  # a card that is no FITS, of whatever column: CFITSIO reads on
                    doubts.append("a card that cannot be parsed")
                    hdu.verify("silentfix")
                size = 2880 * -(-(hdu.header["NAXIS1"] * hdu.header["NAXIS2"] + hdu.header.get("PCOUNT", 0)) // 2880)
                if hdu.fileinfo()["datLoc"] + hdu.header["NAXIS1"] * hdu.header["NAXIS2"] > path.stat().st_size:
                    raise Refuse("cut")
                if hdu.fileinfo()["datLoc"] + size > path.stat().st_size or path.stat().st_size % 2880:
                    doubts.append("the last block is cut")
                return [fits_column(hdu, name, doubts) for name in NAMES[:2]]
        except Refuse:
            raise
        except Exception as why:  # astropy raises many kinds on damaged files, and mends some damage that others refuse
            raise Refuse(f"damaged: {why}")


def fits_column(hdu, name, doubts):
    names = hdu.columns.names
    if names.count(name) > 1 or len([n for n in names if n.lower() == name.lower()]) > 1:
        raise Refuse(f"{name} occurs twice")
    if name not in names:
        if name.lower() in [n.lower() for n in names]:
            doubts.append("another case of the name")
            name = next(n for n in names if n.lower() == name.lower())
        else:
            raise Refuse(f"no column {name}")
    column = hdu.columns[name]
    kind = str(column.format)
    if re.fullmatch(r"\d*A\d*", kind) or "P" in kind or "Q" in kind or re.fullmatch(r"\d*L", kind) or re.fullmatch(r"1?[XCM]", kind):
        if re.fullmatch(r"\d*A\d*", kind):
            doubts.append("numbers as text")
            try:
                return np.array([float(v) for v in hdu.data[name]])
            except ValueError:
                raise Refuse(f"{name} is text")
        raise Refuse(f"{name} is of {kind}")
    values = hdu.data[name]
    if values.ndim != 1:
        raise Refuse(f"{name} has several numbers a row")
    if values.dtype.kind in "iu" and len(values) and max(abs(int(values.max())), abs(int(values.min()))) >= 2 ** 53:
        doubts.append(BEYOND_DOUBLES)  # exact in the file, not here
    values = np.asarray(values, float).copy()
    if column.null is not None:
        raw = np.asarray(hdu.data.field(name))
        values[raw == column.null] = np.nan
    return values


def hdf5_columns(path, doubts):
    try:
        with h5py.File(path) as f:
            where = f["data"] if "data" in f else f
            found = []
            for name in NAMES[:2]:
                item = where.get(name)
                if not isinstance(item, h5py.Dataset) or item.ndim != 1 or item.dtype.kind not in "iufb":
                    raise Refuse(f"{name} is no column of numbers")
                if item.dtype.kind in "iu" and len(item) and max(abs(int(item[:].max())), abs(int(item[:].min()))) >= 2 ** 53:
                    if name == "gal_id":
                        raise Refuse("an id beyond the range")
                found.append(item[:].astype(float))
            return found
    except (OSError, RuntimeError, KeyError, UnicodeDecodeError, ValueError, TypeError, AttributeError) as why:
        raise Refuse(f"damaged: {why}")


def csv_columns(data, doubts):
    if data.startswith(b"\xef\xbb\xbf"):
        doubts.append("a byte-order mark")
        data = data[3:]
    if data.startswith(b"\x1f\x8b"):
        raise Refuse("damaged")
    if re.search(rb"[\x00-\x08\x0b-\x1f\x80-\xff]", data.replace(b"\r\n", b"\n")):
        doubts.append("control characters")
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    if lines and not lines[-1]:
        lines.pop()
    else:
        doubts.append("the last line has no end")
    if not lines:
        raise Refuse("empty")

    def cells(line, names=False):
        parts = line.split(b",") if b"," in line else line.split()
        stripped = [c.strip(b" \"\t\r") for c in parts]
        if any(c.count(b'"') not in (0, 2) or b'"' in s for c, s in zip(parts, stripped)):
            doubts.append("odd quotes")
        return stripped

    head = cells(lines[0].removeprefix(b"#"))
    if lines[0].startswith(b"#") or any(c != c.strip() for c in head):
        doubts.append("an odd first line")
    rows = []
    for line in lines[1:]:
        if not line.strip() or line.lstrip().startswith((b"#", b'"#')):
            if line and not line.startswith(b"#"):
                doubts.append("blanks or quotes before a comment")
            continue
        rows.append(cells(line))
    if any(len(r) != len(head) for r in rows):
        raise Refuse("a row with another number of cells")
    found = []
    for name in (b"gal_id", b"f_disk_2d"):
        if head.count(name) != 1:
            raise Refuse(f"{name} is there {head.count(name)} times")
        words = [r[head.index(name)] for r in rows]
        values = []
        for one in words:
            if one in (b"", b"nan", b"NaN"):
                values.append(np.nan)
            elif one in (b"inf", b"-inf"):
                values.append(float(one))
            elif not NUMBER.fullmatch(one):
                raise Refuse(f"{one} is no number")
            else:
                values.append(float(one))
                if not np.isfinite(values[-1]) or values[-1] == 0 and re.match(rb"[+-]?[0.]*[1-9]", one):
                    doubts.append("a number beyond the range")
        found.append(np.array(values))
    return found


def fractions(path):
    doubts = []
    ids, values = table_of(path, doubts)
    if len(ids) != len(values):
        raise Refuse("columns of several lengths")
    if not np.all(np.isfinite(ids)) or np.any(ids < 0) or np.any(ids != np.floor(ids)) or (BEYOND_DOUBLES not in doubts and np.any(ids >= 2 ** 53)):
        raise Refuse("an id is no whole number")
    if len(np.unique(ids)) < len(ids):
        raise Refuse("an id occurs twice")
    return dict(zip(ids.astype(int).tolist(), values.tolist())), doubts


def meaning(path):
    table, doubts = fractions(path)
    groups = reading(group_sets.meaning, path.parent / "groups")
    ids = groups.columns["id"]
    found = np.array([table.get(int(i), np.nan) for i in ids], float)
    if not any(int(i) in table for i in ids):
        raise Refuse("none of the ids is in the catalog")
    if np.any(np.isinf(found)) or np.any(found < 0) or np.any(found > 1):
        doubts.append("a fraction beyond [0, 1]")
    known = np.isfinite(found) & (found >= 0) & (found <= 1)
    return Meaning({"id": ids, "disc_fraction": np.where(known, found, 0), "disc_fraction_known": known}, groups.simulation, doubts[0] if doubts else None)


def run(fuzz, rng, case, path, ranks):
    from judge import converted, fault_of_exit
    out = case / "out.hdf5"
    done = fuzz.program.run("convert", fuzz.config, "--set", f"input.path={case}/groups", "--set", f"convert.path={out}", "--set", "convert.kind=galaxies",
                            "--set", f"convert.morphology={path}", "--set", "convert.morphology_mass=", ranks=ranks)
    fault = fault_of_exit(done, case)

    def read(file):
        columns, simulation = converted(file)
        columns = {"id": columns["id"], "disc_fraction": columns["disc_fraction"], "disc_fraction_known": columns.get("disc_fraction_known", np.ones(len(columns["id"]), bool))}
        return columns, simulation

    if fault is None:
        fault = fuzz.judge(reading(meaning, path), done, out, read)
    return done.code, fault, done.err.strip()[-700:]
