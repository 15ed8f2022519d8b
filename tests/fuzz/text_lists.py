"""Rockstar's out_N.list with PID, plain and gzip: small lists, edits of them, and what an edited list means."""
import gzip
import re
import zlib

import numpy as np

import units
from meaning import Meaning, Refuse, check_columns

NAMES = "ID DescID Mvir Vmax Vrms Rvir Rs Np X Y Z VX VY VZ JX JY JZ Spin M200b b_to_a c_to_a A[x] A[y] A[z] PID".split()
COMMENTS = ["#a = {a:.6f}", "#Om = 0.300000; Ol = 0.700000; h = 0.700000", "#FOF linking length: 0.280000", "#Particle mass: 1.00000e+09 Msun/h",
            "#Box size: {box:.6f} Mpc/h", "#Force resolution assumed: 0.025 Mpc/h", "#Units: Masses in Msun / h", "#Units: Positions in Mpc / h (comoving)",
            "#Units: Velocities in km / s (physical, peculiar)", "#Units: Halo Distances, Lengths, and Radii in kpc / h (comoving)",
            "#Units: Angular Momenta in (Msun/h) * (Mpc/h) * km/s (physical)", "#Units: Spins are dimensionless", "#Rockstar Version: 0.99.9-RC3"]
TREE_COMMENTS = ["#Omega_M = 0.300000; Omega_L = 0.700000; h0 = 0.700000", "#Full box size = {box:.6f} Mpc/h", "#Mvir: Halo mass (Msun/h).",
                 "#Rvir: Halo radius (kpc/h comoving).", "#X/Y/Z: Halo position (Mpc/h comoving).", "#VX/VY/VZ: Halo velocity (km/s physical)."]


# ---- a small list ----

def table(rng, hosts, box, first=1000):
    n = rng.integers(1, 4, hosts)
    total, start, host = n.sum(), np.cumsum(n) - n, np.repeat(np.arange(hosts), n)
    central = np.arange(total) == start[host]
    ids = first + np.arange(total)
    mass = np.where(central, 10 ** rng.uniform(13, 14.5, total), 10 ** rng.uniform(12.5, 13, total))
    centre = rng.uniform(1, box - 1, (hosts, 3))[host] + np.where(central, 0, .3)[:, None] * rng.uniform(-1, 1, (total, 3))
    axis = rng.normal(size=(total, 3))
    columns = {"ID": ids, "DescID": np.full(total, -1), "Mvir": mass, "Vmax": 160 * (mass / 1e12) ** (1 / 3), "Vrms": 170 * (mass / 1e12) ** (1 / 3),
               "Rvir": 2e-2 * mass ** (1 / 3), "Rs": 4e-3 * mass ** (1 / 3), "Np": (mass / 1e9).astype(int), "Spin": rng.uniform(.01, .1, total),
               "M200b": 1.1 * mass, "b_to_a": rng.uniform(.5, 1, total), "c_to_a": rng.uniform(.2, .5, total), "PID": np.where(central, -1, ids[start[host]])}
    columns |= {"XYZ"[k]: centre[:, k] for k in range(3)} | {"V" + "XYZ"[k]: rng.normal(0, 300, total) for k in range(3)}
    return columns | {"J" + "XYZ"[k]: rng.normal(size=total) * 1e12 for k in range(3)} | {f"A[{'xyz'[k]}]": axis[:, k] for k in range(3)}


def word(value):
    return str(value) if isinstance(value, np.integer) else f"{value:.4e}" if abs(value) > 1e6 else f"{value:.5f}"


def small_list(rng, first=1000, tree=None):
    """(names, comments, rows of words)"""
    box, a = float(rng.choice([50, 100])), float(rng.choice([1, .5]))
    columns = table(rng, int(rng.integers(3, 12)), box, first)
    names = list(NAMES)
    rows = [[word(columns[n][i]) for n in names] for i in range(len(columns["ID"]))]
    if tree:
        return [f"{n}({k})" for k, n in enumerate(["scale"] + names)], [c.format(box=box) for c in TREE_COMMENTS], [[f"{a:.5f}"] + r for r in rows]
    return names, [c.format(a=a, box=box) for c in COMMENTS], rows


def text_of(names, comments, rows):
    return "\n".join(["#" + " ".join(names), *comments, *(" ".join(row) for row in rows)]) + "\n"


# ---- edits: each takes (rng, names, comments, rows) and changes them in place, or takes bytes and returns bytes ----

def pick(rng, items):
    return items[int(rng.integers(len(items)))]


def swap_names(rng, names, comments, rows):
    i, j = rng.integers(0, len(names), 2)
    names[i], names[j] = names[j], names[i]


def swap_columns(rng, names, comments, rows):
    i, j = rng.integers(0, len(names), 2)
    for line in (names, *rows):
        line[i], line[j] = line[j], line[i]


def drop_name(rng, names, comments, rows):
    del names[int(rng.integers(len(names)))]


def drop_column(rng, names, comments, rows):
    k = int(rng.integers(len(names)))
    for line in (names, *rows):
        del line[k]


def repeat_column(rng, names, comments, rows):
    k = int(rng.integers(len(names)))
    for line in (names, *rows):
        line.append(line[k])


def rename_column(rng, names, comments, rows):
    k = int(rng.integers(len(names)))
    names[k] = pick(rng, [names[k].lower(), names[k].upper(), names[k] + "2", names[k][:-1] or "Q", pick(rng, NAMES), names[k] + "(3)", "M200c", "R200b", "UPID", "x"])


def mass_definition(rng, names, comments, rows):
    new = pick(rng, ["200c", "500c", "200m", "200b"])
    for k, name in enumerate(names):
        if name.lower() in ("mvir", "rvir"):
            names[k] = name[0] + new


def drop_comment(rng, names, comments, rows):
    if comments:
        del comments[int(rng.integers(len(comments)))]


def repeat_comment(rng, names, comments, rows):
    if comments:
        comments.insert(int(rng.integers(len(comments) + 1)), pick(rng, comments))


def move_comment(rng, names, comments, rows):
    if comments:
        comments.append(comments.pop(int(rng.integers(len(comments)))))


def add_comment(rng, names, comments, rows):
    comments.append(pick(rng, ["#hello", "#", "# a note: 5", "#Bounds: (0.000000, 0.000000, 0.000000) - (25.000000, 100.000000, 100.000000)", "#a = 0.25",
                               "#Box size: 25.000000 Mpc/h", "#h = 0.5", "#Units: Masses in kg", "#Units: Masses in Msun", "", "   ", "#Ol = 0.7", "#Om = 0.3"]))


def unit_text(rng, names, comments, rows):
    lines = [k for k, c in enumerate(comments) if re.search(r"pc|sun|km", c)]
    if not lines:
        return
    k = pick(rng, lines)
    spelled = [*units.MASS, *units.LENGTH, *units.VELOCITY, "furlong", "Msun/h2", "1e10 Msun / h", "Mpc / h", "kpc / h", "1e3 Mpc/h", "", "unknown", "MPC/H", "h"]
    comments[k] = re.sub(r"(Msun ?/ ?h|[Mk]pc ?/ ?h|km ?/ ?s|Msun|Mpc|kpc)", lambda m: pick(rng, spelled), comments[k], count=1)


def unit_remark(rng, names, comments, rows):
    lines = [k for k, c in enumerate(comments) if "(" in c and "Units" in c]
    if lines:
        k = pick(rng, lines)
        comments[k] = re.sub(r"\([^()]*\)$", pick(rng, ["(physical)", "(comoving)", "", "(proper)", "(physical, comoving)", "(peculiar)", "()", "(comoving"]), comments[k])


def header_number(rng, names, comments, rows):
    lines = [k for k, c in enumerate(comments) if re.search(r"\d", c)]
    if not lines:
        return
    k = pick(rng, lines)
    found = list(re.finditer(r"[-+.\deE]*\d[-+.\deE]*", comments[k]))
    at = pick(rng, found)
    new = pick(rng, ["", "0", "-1", "nan", "inf", "1e400", "1.0.0", "0.3 0.4", "1,5", "0x10", "0.25", "2", "1e-3", "seven", "+0.5", "0.7f", "1d0", at[0] + "0", at[0][:-1], "-" + at[0]])
    comments[k] = comments[k][:at.start()] + new + comments[k][at.end():]


BAD_WORDS = ["nan", "inf", "-inf", "NaN", "1e400", "1e-400", "abc", "-", "+", "+-5", "--5", "1.2.3", "0x1F", "1_000", "1d5", "1,5", "9223372036854775807", "9223372036854775808",
             "18446744073709551615", "-1", "0", "-0", "1e3", "12.0", "1.", ".5", "1e", "\"5\"", "5\x00", "5\xa0", "-1e-17", "100.00001", "99999", "#5", "*****", "1e5", "007"]


def value(rng, names, comments, rows):
    if rows:
        row = pick(rng, rows)
        k = int(rng.integers(len(row)))
        row[k] = pick(rng, BAD_WORDS) if rng.random() < .7 else re.sub(r"\d", lambda m: str(rng.integers(10)), row[k], count=1)


def known_value(rng, names, comments, rows):
    """The same in a column that is used for sure."""
    if rows:
        row = pick(rng, rows)
        row[min(pick(rng, [0, 2, 5, 7, 8, 9, 10, len(row) - 1]), len(row) - 1)] = pick(rng, BAD_WORDS)


def drop_field(rng, names, comments, rows):
    if rows:
        row = pick(rng, rows)
        del row[int(rng.integers(len(row)))]


def merge_fields(rng, names, comments, rows):
    """As fixed-width output does where a number is too wide."""
    if rows:
        row = pick(rng, rows)
        k = int(rng.integers(len(row) - 1))
        row[k:k + 2] = [row[k] + row[k + 1]]


def add_field(rng, names, comments, rows):
    for row in rows if rng.random() < .5 else rows[:1]:
        row.insert(int(rng.integers(len(row) + 1)), "0")


def repeat_row(rng, names, comments, rows):
    if rows:
        rows.insert(int(rng.integers(len(rows) + 1)), list(pick(rng, rows)))


def drop_row(rng, names, comments, rows):
    if rows:
        del rows[int(rng.integers(len(rows)))]


def shuffle_rows(rng, names, comments, rows):
    rng.shuffle(rows)


def no_rows(rng, names, comments, rows):
    rows.clear()


def cut(rng, data):
    return data[:int(rng.integers(len(data)))]


def cut_in_header(rng, data):
    return data[:int(rng.integers(min(len(data), 700)))]


def change_byte(rng, data):
    data = bytearray(data)
    if data:
        data[int(rng.integers(len(data)))] = int(rng.integers(256))
    return bytes(data)


def flip_bit(rng, data):
    data = bytearray(data)
    if data:
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def flip_in_header(rng, data):
    data = bytearray(data)
    if data:
        data[int(rng.integers(min(len(data), 800)))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def insert_bytes(rng, data):
    at = int(rng.integers(len(data) + 1))
    return data[:at] + pick(rng, [b"\0", b"\n", b"\r", b"\t", b" ", b"#", b"\xff\xfe", b"7", b"-", b"e", b";", b"=", b"\x0c", b"\n\n", b"\r\n"]) + data[at:]


def line_ends(rng, data):
    return data.replace(b"\n", pick(rng, [b"\r\n", b"\r", b"\n\n", b" \n", b"\n "]))


def no_last_newline(rng, data):
    return data.rstrip(b"\n")


def byte_order_mark(rng, data):
    return b"\xef\xbb\xbf" + data


def tabs(rng, data):
    return data.replace(b" ", pick(rng, [b"\t", b"  ", b" \t"]))


def commas(rng, data):
    return data.replace(b" ", b",")


def concatenate(rng, data):
    """The list of another snapshot, of another piece, or the same list, behind this one."""
    other = pick(rng, ["same", "another", "piece", "rows"])
    if other == "same":
        return data + data
    names, comments, rows = small_list(rng, first=5000)
    if other == "another":
        return data + text_of(names, comments, rows).encode()
    lines = data.split(b"\n")
    head = [line for line in lines if line.startswith(b"#")]
    return data + (b"\n".join(head) + b"\n" if other == "piece" else b"") + "".join(" ".join(row) + "\n" for row in rows).encode()


def drop_first_line(rng, data):
    return data.split(b"\n", 1)[-1]


TABLE_EDITS = [swap_names, swap_columns, drop_name, drop_column, repeat_column, rename_column, mass_definition, drop_comment, repeat_comment, move_comment, add_comment,
               unit_text, unit_text, unit_text, unit_remark, unit_remark, header_number, header_number, header_number, value, known_value, known_value, drop_field,
               merge_fields, add_field, repeat_row, drop_row, shuffle_rows, no_rows]
BYTE_EDITS = [cut, cut_in_header, change_byte, flip_bit, flip_in_header, flip_in_header, insert_bytes, insert_bytes, line_ends, no_last_newline, byte_order_mark, tabs,
              commas, concatenate, concatenate, drop_first_line]
ZIP_EDITS = [cut, change_byte, flip_bit, insert_bytes, concatenate]


def make(rng, folder):
    """Writes an edited list; returns (path, names of the edits)."""
    tree = rng.random() < .25
    names, comments, rows = small_list(rng, tree=tree)
    done, data = [], None
    for _ in range(int(rng.choice([0, 1, 2], p=[.02, .7, .28]))):
        edit = pick(rng, TABLE_EDITS + BYTE_EDITS) if data is None else pick(rng, BYTE_EDITS)
        if edit in TABLE_EDITS:
            edit(rng, names, comments, rows)
        else:
            data = edit(rng, text_of(names, comments, rows).encode("latin-1") if data is None else data)
        done.append(edit.__name__)
    if data is None:
        data = text_of(names, comments, rows).encode("latin-1")
    path = folder / "in.list"
    if rng.random() < .25:
        path = folder / "in.list.gz"
        data = gzip.compress(data, mtime=0)
        if rng.random() < .3:
            edit = pick(rng, ZIP_EDITS)
            data = edit(rng, data) if edit is not concatenate else data + data
            done.append("gzip " + edit.__name__)
    path.write_bytes(data)
    return path, (["tree"] if tree else []) + done


# ---- what a list means ----

NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
SUBJECTS = {"masses": "mass", "positions": "position", "velocities": "velocity", "halo distances, lengths, and radii": "radius", "radii": "radius",
            "halo radii": "radius", "angular momenta": "momentum"}
TREE_SUBJECTS = {"mvir: halo mass": "mass", "rvir: halo radius": "radius", "x/y/z: halo position": "position", "vx/vy/vz: halo velocity": "velocity"}
KEYS = {"a": "a", "scale factor": "a", "om": "omega_m", "omega_m": "omega_m", "ol": "omega_l", "omega_l": "omega_l", "h": "h", "h0": "h", "box size": "box",
        "full box size": "box", "particle mass": "particle_mass"}


def unpacked(data, doubts):
    if not data.startswith(b"\x1f\x8b"):
        return data
    text = b""
    while data:
        if not data.startswith(b"\x1f\x8b"):
            if data.strip(b"\0"):
                doubts.append("bytes behind the gzip stream")
            return text
        stream = zlib.decompressobj(31)
        try:
            text += stream.decompress(data) + stream.flush()
        except zlib.error as error:
            raise Refuse(f"gzip: {error}")
        if not stream.eof:
            raise Refuse("gzip: cut")
        data = stream.unused_data
    return text


def floating(words):
    for one in words:
        if not NUMBER.fullmatch(one):
            raise Refuse(f"{one!r} is no number")
    values = np.array([float(one) for one in words])
    if not np.all(np.isfinite(values)):
        raise Refuse("a number is beyond the range")
    return values


def integer(words, doubts):
    for one in words:
        if not re.fullmatch(rb"[+-]?\d+", one):
            if NUMBER.fullmatch(one) and np.isfinite(float(one)) and float(one) == int(float(one)) and abs(float(one)) < 2 ** 53:
                doubts.append("a whole number written as a float")
            else:
                raise Refuse(f"{one!r} is no integer")
        elif not -2 ** 63 <= int(one) < 2 ** 63:
            raise Refuse(f"{one!r} is beyond the range")
    return np.array([int(one) if re.fullmatch(rb"[+-]?\d+", one) else int(float(one)) for one in words], dtype=np.int64)


def is_number(text):
    return NUMBER.fullmatch(text.encode("latin-1")) is not None


def statements(comments, doubts):
    """Numbers and units that the comment lines state: {key: (value, rest)}, {subject: unit text}."""
    numbers, spelled = {}, {}

    def state(where, key, what):
        before = where.setdefault(key, what)
        if before != what and not (is_number(before) and is_number(what) and float(before) == float(what)):
            raise Refuse(f"{key} is said twice: {where[key]} and {what}")

    for comment in comments:
        line = comment.decode("latin-1")
        if not line.isascii():
            doubts.append("a comment with bytes that are no text")
        if line.strip().lower().startswith("bounds"):
            doubts.append("bounds")
            ends = re.findall(r"[-+.\deE]+", line.split(":", 1)[-1])
            if len(ends) == 6:
                numbers["bounds"] = [float(e) for e in ends]
        unit = re.fullmatch(r"\s*units:\s*(.*?)\s+in\s*(.*)", line, re.I)
        tree = re.fullmatch(r"\s*(.*?)\s*\((.*)\)\.?\s*", line)
        if unit and unit[1].lower() in SUBJECTS:
            state(spelled, SUBJECTS[unit[1].lower()], unit[2].strip())
            continue
        if tree and tree[1].lower() in TREE_SUBJECTS:
            words = [w for w in re.split(r"[ ,]+", tree[2]) if w]
            remarks = [w for w in words if w in ("comoving", "physical", "peculiar", "proper")]
            text = "".join(w for w in words if w not in remarks) + (f" ({', '.join(remarks)})" if remarks else "")
            state(spelled, TREE_SUBJECTS[tree[1].lower()], text)
            continue
        if re.search(r"unit|mass|posit|veloc|radi|moment", line, re.I) and "spins" not in line.lower() and "particle" not in line.lower():
            doubts.append(f"a damaged line: {line!r}")
        for part in line.split(";"):
            match = re.match(r"([^=:]*)[=:](.*)", part, re.S)
            if not match:
                if re.match(r"\s*(a|om|ol|h|omega_m|omega_l|h0|box|full)\b", part, re.I):
                    doubts.append(f"a damaged line: {line!r}")
                continue
            key = " ".join(match[1].split()).lower()
            if key in KEYS:
                state(numbers, KEYS[key], match[2].strip())
    return numbers, spelled


def number_of(numbers, key, default=None):
    """(number, the text behind it)"""
    if key not in numbers:
        if default is None:
            raise Refuse(f"nobody says {key}")
        return default, ""
    text = numbers[key].encode("latin-1")
    match = re.match(rb"(\S+)\s*(.*)", text, re.S)
    if not match or not NUMBER.fullmatch(match[1]):
        raise Refuse(f"{key} is {text!r}")
    return float(match[1]), match[2].decode("latin-1")


def momentum_unit(text, h, a):
    """(mass) * (length) * velocity, without blanks, in (Msun/h) (Mpc/h) km/s; None where a unit is not known."""
    parts = re.fullmatch(r"\((.+)\)\*\((.+)\)\*(.+)\((?:physical|proper)\)", text)
    try:
        return np.prod([unit_of(part, table, h, a, "angular momenta") for part, table in zip(parts.groups(), (units.MASS, units.LENGTH, units.VELOCITY))]) if parts else None
    except Refuse:
        return None


def unit_of(text, table, h, a, what):
    found = units.factor(text, table, h, a)
    if found is None:
        raise Refuse(f"the unit of {what} is {text!r}")
    return found


def meaning(path):
    doubts = []
    data = unpacked(path.read_bytes(), doubts)
    lines = data.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    lines = [line.removesuffix(b"\r") for line in lines]
    if lines and lines[0].startswith(b"\xef\xbb\xbf"):
        doubts.append("a byte-order mark")
        lines[0] = lines[0][3:]
    if not lines or not lines[0].startswith(b"#"):
        raise Refuse("the first line does not begin with '#'")
    if re.search(rb"[\x0b\x0c\x1c-\x1f\x00\r]", b"\n".join(lines)):
        doubts.append("control characters")
    names = [re.sub(r"\(\d+\)$", "", name) for name in lines[0][1:].decode("latin-1").lower().split()]
    comments, rows, started = [], [], False
    for line in lines[1:]:
        if not line.strip(b" \t"):
            if line:
                doubts.append("a line of blanks")
            continue
        if line.startswith(b"#"):
            if started:
                words = [re.sub(r"\(\d+\)$", "", name) for name in line[1:].decode("latin-1").lower().split()]
                if len(set(words) & {"id", "x", "y", "z", "vx"}) >= 3:
                    if words != names:
                        raise Refuse("a second header names other columns")
                    continue
            comments.append(line[1:])
            continue
        if line.lstrip().startswith(b"#"):
            doubts.append("a comment behind a blank")
        started = True
        rows.append([word for word in re.split(rb"[ \t]+", line) if word])
    if any(len(row) != len(names) for row in rows):
        raise Refuse("a row with another number of fields than there are names")
    if not data.endswith(b"\n"):
        doubts.append("the last line has no end")

    numbers, spelled = statements(comments, doubts)
    if any(re.search(r"\(\s*\)", text) for text in spelled.values()):
        doubts.append("a unit with empty brackets")

    def field(name, need=True):
        if names.count(name) > 1:
            raise Refuse(f"{name} occurs twice")
        if name not in names:
            if need:
                raise Refuse(f"no column {name}")
            return None
        return [row[names.index(name)] for row in rows]

    scale = field("scale", need=False)
    if scale is not None and rows:
        values = floating(scale)
        if len(set(values)) > 1:
            raise Refuse("rows of several scale factors")
        if "a" in numbers and number_of(numbers, "a")[0] != values[0]:
            raise Refuse("rows of another scale factor than the header's")
        a = values[0]
    else:
        a = number_of(numbers, "a")[0]
    omega_m, omega_l, h = (number_of(numbers, key)[0] for key in ("omega_m", "omega_l", "h"))
    for key in ("a", "omega_m", "omega_l", "h"):
        if key in numbers and number_of(numbers, key)[1]:
            raise Refuse(f"{key} is {numbers[key]!r}")
    if not (a > 0 and h > 0 and omega_m > 0) or not np.all(np.isfinite([a, h, omega_m, omega_l])):
        raise Refuse("a number of the cosmology is not positive")
    if a > 1.5 or h > 3 or omega_m > 2 or abs(omega_l) > 2 or omega_l < 0 or h < .2 or a < .01 or abs(omega_m + omega_l - 1) > .2:
        doubts.append("an absurd cosmology")
    box, unit = number_of(numbers, "box")
    if not unit:
        doubts.append("a box without a unit")
    box *= unit_of(unit or "Mpc/h", units.LENGTH, h, a, "the box")
    if not 0 < box < np.inf:
        raise Refuse("the box is not positive")
    particle, unit = number_of(numbers, "particle_mass", np.nan)
    if "particle_mass" in numbers:
        if not unit:
            doubts.append("a particle mass without a unit")
        particle *= unit_of(unit or "Msun/h", units.MASS, h, a, "the particle mass")
        if not particle > 0:
            raise Refuse("the particle mass is not positive")
    bounds = numbers.get("bounds")
    if bounds and not np.allclose(bounds, [0, 0, 0, box, box, box], rtol=1e-3):
        raise Refuse("a piece of the box")

    factors = {}
    for subject, table, usual in (("mass", units.MASS, "Msun/h"), ("position", units.LENGTH, "Mpc/h"), ("velocity", units.VELOCITY, "km/s"), ("radius", units.LENGTH, "kpc/h")):
        if subject not in spelled:
            if not any("damaged" in doubt for doubt in doubts):
                raise Refuse(f"nobody says the unit of {subject}")
            doubts.append(f"the unit of {subject} is in a damaged line")
        factors[subject] = unit_of(spelled.get(subject, usual), table, h, a, subject)
    momentum = "".join(spelled.get("momentum", "").split())
    if momentum in ("(Msun/h)*(Mpc/h)*km/s", "(Msun/h)*(Mpc/h)*km/s(peculiar)"):
        doubts.append("angular momenta that are not said to be physical")
    elif momentum and not re.fullmatch(r"\((Msun/h|h\^-1Msun)\)\*\((Mpc/h|h\^-1Mpc)\)\*(km/s|kms\^-1)\(physical\)", momentum):
        doubts.append("another unit of angular momenta")
        factors["momentum"] = momentum_unit(momentum, h, a)

    radii = [name[1:] for name in names if re.fullmatch(r"r(vir|\d+[bcm])", name)]
    masses = [name[1:] for name in names if re.fullmatch(r"m(vir|\d+[bcm])", name)]
    if len(set(radii)) > 1 and masses and radii.count(masses[0]) == 1:
        doubts.append("several radii: that of the first mass is meant")
        radii = masses[:1]
    if len(set(radii)) != 1:
        raise Refuse("no main mass definition")
    definition = radii[0]
    if names.count("m" + definition) > 1:
        doubts.append("the main mass twice: the first is meant")
    columns = {"id": integer(field("id"), doubts)}
    parent = field("pid", need=False)
    if parent is None:
        parent = field("upid", need=False)
    columns["parent_id"] = np.full(len(rows), -1) if parent is None else integer(parent, doubts)
    if "m" + definition not in names:
        raise Refuse("no main mass")
    mass_words = [words[names.index("m" + definition)] for words in rows]
    columns["mass"] = floating(mass_words) * factors["mass"]
    columns["radius"] = floating(field("r" + definition)) * factors["radius"]
    for axis in "xyz":
        columns[axis] = floating(field(axis)) * factors["position"]
        columns["v" + axis] = floating(field("v" + axis)) * factors["velocity"]
    for ours, theirs, scaled in (("vmax", "vmax", factors["velocity"]), ("vrms", "vrms", factors["velocity"]), ("scale_radius", "rs", factors["radius"]), ("spin", "spin", 1)):
        if (words := field(theirs, need=False)) is not None:
            columns[ours] = floating(words) * scaled
    momenta = [field("j" + axis, need=False) for axis in "xyz"]
    if all(m is not None for m in momenta):
        j = np.array([floating(m) for m in momenta])
        unit = factors.get("momentum", 1)
        columns |= {"j" + axis: j[k] * (unit or 1) for k, axis in enumerate("xyz")}
        # Of the mass as Rockstar writes both: (Msun/h) (Mpc/h) km/s over Msun/h.
        columns["specific_spin"] = unit * np.sqrt((j ** 2).sum(0)) / columns["mass"] if unit else None
    if (words := field("np", need=False)) is not None:
        columns["n_particles"] = integer(words, doubts)
        if np.any(columns["n_particles"] < 0):
            doubts.append("a negative number of particles")
    columns["bound_mass"] = columns["mass"].copy()
    shape = [field(name, need=False) for name in ("b_to_a", "c_to_a", "a[x]", "a[y]", "a[z]")]
    if all(s is not None for s in shape):
        b, c, *axis = (floating(s) for s in shape)
        axis = np.array(axis)
        size = np.sqrt((axis ** 2).sum(0))
        resolved = (size > 0) & (b > 0) & (c > 0)
        if np.any(b > 1) or np.any(c > 1) or np.any(b < 0) or np.any(c < 0):
            doubts.append("ratios of axes beyond [0, 1]")
        columns |= {"b_to_a": np.where(resolved, b, 0), "c_to_a": np.where(resolved, c, 0), "shape_resolved": resolved}
        columns |= {"axis_" + k: np.where(resolved, axis[i] / np.where(size > 0, size, 1), 0) for i, k in enumerate("xyz")}
    check_columns(columns, [box] * 3)
    if columns.get("specific_spin", 0) is None:
        del columns["specific_spin"]
        return Meaning(None, may_refuse="the unit of angular momenta")
    mass_name = definition[:-1] + "b" if definition.endswith("m") else definition
    simulation = {"box": [box] * 3, "scale_factor": a, "omega_m": omega_m, "omega_l": omega_l, "h": h, "particle_mass": particle, "mass_definition": mass_name}
    return Meaning(columns, simulation, doubts[0] if doubts else None)
