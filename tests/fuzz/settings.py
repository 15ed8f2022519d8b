"""Configurations and model files: edits of their bytes and values. No oracle says what they mean; the program must end in one of its ways."""
import json
import pathlib
import struct

from text_lists import change_byte, cut, flip_bit, insert_bytes, line_ends, no_last_newline, byte_order_mark, pick, small_list, text_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORDS = ["", "~", "null", "true", "no", "0", "-1", "1e308", "1e400", "nan", ".nan", ".inf", "[]", "{}", "[1]", "[1, 2, 3]", "[a]", "{a: b}", "text", "'", "\"", "*a", "&a 1", "!!int x",
         "99999999999999999999", "9223372036854775807", "2147483648", "0x10", "1_000", "3.5", "[[1]]", "[1, [2]]", "- 1", "|", ">", "@", "%", "/dev/null", "/", "."]


def make(rng, folder):
    (folder / "in.list").write_text(text_of(*small_list(rng)))
    if rng.random() < .35:
        return model(rng, folder)
    lines = ["seed: 1", "input:", f"  path: {folder}/in.list", "  orphans: promote", "  min_vmax: 0", f"output:", f"  path: {folder}/mock.hdf5", "painter:", "  kind: analytic", "field:",
             "  mesh: 8", "  smoothing: [25]", "domain:", "  tiles: [2, 1, 1]", "  ghost_width: 1", "  balance: true", "density:", "  dataset: delta", "limits:", "  wall_time: 3600"]
    done = []
    data = None
    for _ in range(int(rng.integers(1, 3))):
        way = pick(rng, ["value", "value", "value", "drop", "repeat", "indent", "name", "bytes"])
        done.append(way)
        k = int(rng.integers(len(lines)))
        if way == "value":
            key = lines[k].split(":")[0]
            lines[k] = f"{key}: {pick(rng, WORDS)}"
        elif way == "drop":
            del lines[k]
        elif way == "repeat":
            lines.insert(k, lines[k])
        elif way == "indent":
            lines[k] = pick(rng, [" ", "\t", "    ", ""]) + lines[k].lstrip()
        elif way == "name":
            lines[k] = lines[k].replace(":", pick(rng, ["", "::", " :", "x:", "\0:", "é:"]), 1)
        else:
            data = pick(rng, [cut, change_byte, flip_bit, insert_bytes, line_ends, no_last_newline, byte_order_mark])(rng, ("\n".join(lines) + "\n").encode())
            break
    path = folder / "run.yaml"
    path.write_bytes(data if data is not None else ("\n".join(lines) + "\n").encode())
    return path, done


def model(rng, folder):
    raw = (ROOT / "models/demo-4.safetensors").read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    way = pick(rng, ["cut", "header byte", "header byte", "header byte", "length", "spec", "spec", "spec", "offsets", "byte"])
    path = folder / "model.safetensors"
    if way == "cut":
        raw = cut(rng, raw)
    elif way == "byte":
        raw = flip_bit(rng, raw)
    elif way == "length":
        raw = struct.pack("<Q", int(pick(rng, [0, 1, size - 1, size + 1, 2 ** 40, 2 ** 63, 2 ** 64 - 1]))) + raw[8:]
    elif way == "header byte":
        raw = raw[:8] + pick(rng, [change_byte, flip_bit])(rng, raw[8:8 + size]) + raw[8 + size:]
    else:
        header = json.loads(raw[8:8 + size])
        if way == "offsets":
            name = pick(rng, [n for n in header if n != "__metadata__"])
            header[name][pick(rng, ["data_offsets", "shape"])] = pick(rng, [[0, 2 ** 40], [5, 1], [], [-1, 4], "x", [1e300], None, [2 ** 62, 2 ** 62]])
        else:
            spec = json.loads(header["__metadata__"]["halobrush"])
            change(rng, spec)
            header["__metadata__"]["halobrush"] = json.dumps(spec)
        text = json.dumps(header).encode()
        raw = struct.pack("<Q", len(text)) + text + raw[8 + size:]
    path.write_bytes(raw)
    return path, ["model", way]


def change(rng, spec):
    """Another value somewhere in the description of the model."""
    where = spec
    while True:
        key = pick(rng, list(where) if isinstance(where, dict) else list(range(len(where))))
        inside = where[key]
        if isinstance(inside, (dict, list)) and inside and rng.random() < .8:
            where = inside
            continue
        new = pick(rng, [None, -1, 0, 1e300, "", "x", [], {}, True, [1], 2 ** 63, 3.5, "drop"])
        if new == "drop" and isinstance(where, dict):
            del where[key]
        else:
            where[key] = new
        return


def run(fuzz, rng, case, path, ranks):
    from judge import fault_of_exit
    if path.suffix == ".yaml":
        done = fuzz.program.run("paint", path, "--dry-run") if rng.random() < .6 else fuzz.program.run("paint", path, "--set", f"output.path={case}/mock.hdf5", ranks=ranks)
    elif rng.random() < .5:
        done = fuzz.program.run("info", path)
    else:
        done = fuzz.program.run("paint", fuzz.config, "--set", f"input.path={case}/in.list", "--set", f"output.path={case}/mock.hdf5", "--set", "painter.kind=auto", "--set", f"painter.model={path}",
                                "--set", "field.smoothing=[1, 4]", *(["--dry-run"] if rng.random() < .5 else []), ranks=ranks)
    return done.code, fault_of_exit(done, case), done.err.strip()[-700:]
