"""Every bad input: one clear line, the same exit code on every rank, no hang, an existing output untouched. On 1 and 3 ranks."""
import gzip
import json
import os
import pathlib
import struct
import subprocess

from runner import Scratch, compare, expect, paint, run, sets, small_catalog, small_disk, write_catalog

CONFIG, DATA, MODEL, IO = 2, 3, 4, 5
HEADER, ROWS = small_catalog()
NAMES = HEADER[0].lstrip("#").split()
MODEL_FILE = pathlib.Path(__file__).resolve().parents[2] / "models/demo.safetensors"


def with_field(row, name, value):
    words = ROWS[row].split()
    words[NAMES.index(name)] = value
    return ROWS[:row] + [" ".join(words)] + ROWS[row + 1:]


def without_column(name):
    at = NAMES.index(name)
    cut = lambda line: " ".join(w for k, w in enumerate(line.split()) if k != at)
    return ["#" + cut(HEADER[0].lstrip("#"))] + HEADER[1:], [cut(row) for row in ROWS]


def renamed(name, new):
    return [" ".join(new if w == name else w for w in HEADER[0].split())] + HEADER[1:], ROWS


def edited_model(path, edit):
    raw = MODEL_FILE.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    spec = json.loads(header["__metadata__"]["halobrush"])
    edit(spec)
    header["__metadata__"]["halobrush"] = json.dumps(spec)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + size:])
    return path


def cases(scratch):
    """(name, settings, exit code, what the line must contain); a settings list may be replaced by (config file, settings)."""
    def catalog(name, header=HEADER, rows=ROWS):
        return f"input.path={write_catalog(scratch / name, header, rows)}"

    whole = gzip.compress("\n".join(HEADER + ROWS).encode())
    (scratch / "cut.list.gz").write_bytes(whole[:len(whole) // 2])
    (scratch / "cut.safetensors").write_bytes(MODEL_FILE.read_bytes()[:5000])
    bad_yaml = scratch / "bad.yaml"
    bad_yaml.write_text("seed: many\ninput:\n  pth: x\npainter:\n  kind: brush\n")
    satellite = next(k for k, row in enumerate(ROWS) if row.split()[-1] != "-1")
    sat_id = ROWS[satellite].split()[0]
    first_id = ROWS[0].split()[0]
    good = catalog("good.list")

    yield "missing catalog", ["input.path=/nowhere/halos.list"], IO, ["/nowhere/halos.list"]
    yield "truncated gzip", [f"input.path={scratch}/cut.list.gz"], DATA, ["cut.list.gz", "truncated"]
    yield "no box size", [catalog("nobox.list", [h for h in HEADER if "Box size" not in h])], DATA, ["ox size", "input.box_size"]
    yield "no units", [catalog("nounits.list", [h for h in HEADER if not h.startswith("#Units: Pos")])], DATA, ["nits"]
    yield "column missing", [catalog("nocol.list", *without_column("VX"))], DATA, ["VX", "nocol.list"]
    yield "column twice", [catalog("twice.list", *renamed("Y", "X"))], DATA, ["X", "twice"]
    yield "NaN position", [catalog("nan.list", rows=with_field(7, "Y", "nan"))], DATA, ["nan.list", "Y", str(len(HEADER) + 8)]
    yield "beyond single precision", [catalog("large.list", rows=with_field(3, "JZ", "1e45"))], DATA, ["large.list", "jz", "1e+45", "single precision"]
    yield "outside the box", [catalog("out.list", rows=with_field(3, "Z", "151.5"))], DATA, ["out.list", "Z", "151.5"]
    yield "negative count", [catalog("count.list", rows=with_field(3, "Np", "-7"))], DATA, ["count.list", "Np", "-7"]
    yield "negative velocity", [catalog("vmax.list", rows=with_field(3, "Vmax", "-200"))], DATA, ["vmax.list", "Vmax", "-200"]
    yield "ratio of axes above 1", [catalog("ratio.list", rows=with_field(3, "b_to_a", "1.5"))], DATA, ["ratio.list", "b_to_a", "1.5"]
    yield "ratios exchanged", [catalog("exchanged.list", [HEADER[0].replace("b_to_a", "SWAP").replace("c_to_a", "b_to_a").replace("SWAP", "c_to_a")] + HEADER[1:])], DATA, ["exchanged.list"]
    yield "duplicate id", [catalog("dup.list", rows=with_field(1, "ID", first_id))], DATA, ["id", first_id]
    yield "orphan", [catalog("orphan.list", rows=with_field(satellite, "PID", "999999"))], DATA, ["orphan.list: halo", sat_id, "999999", "input.orphans"]
    yield "bad configuration", (bad_yaml, []), CONFIG, ["bad.yaml:1: seed", "bad.yaml:3: input.pth", "input.path", "bad.yaml:5: painter.kind"]
    yield "unknown key", [good, "painter.modle=x"], CONFIG, ["painter.modle", "painter.model"]
    yield "mistyped key", [good, "seed=many"], CONFIG, ["seed", "many", "integer"]
    yield "leading zero", [good, "seed=010"], CONFIG, ["seed", "'010'", "zero"]
    yield "wider than the box", [good, "field.smoothing=[1,4,80]"], CONFIG, ["field.smoothing", "80", "half of the box"]
    yield "no tiles", [good, "domain.tiles=[0,1,1]"], CONFIG, ["domain.tiles", "> 0"]
    yield "ghosts too wide", [good, "domain.ghost_width=74"], CONFIG, ["ghost width", "half of the box side 150"]
    yield "no model", [good, "painter.model=/nowhere/m.safetensors"], MODEL, ["/nowhere/m.safetensors", "painter.model"]
    yield "truncated model", [good, f"painter.model={scratch}/cut.safetensors"], MODEL, ["cut.safetensors", "truncated"]
    other_version = edited_model(scratch / "version.safetensors", lambda s: s.update(format_version=99))
    yield "other model version", [good, f"painter.model={other_version}"], MODEL, ["version is 99"]
    other_input = edited_model(scratch / "input.safetensors", lambda s: s["inputs"]["scalars"].__setitem__(0, "log_age"))
    yield "model needs what no catalog has", [good, f"painter.model={other_input}"], MODEL, ["log_age"]
    yield "model needs a column", [catalog("novmax.list", *without_column("Vmax"))], MODEL, ["vmax"]
    yield "model needs a smoothing", [good, "field.smoothing=[2]"], MODEL, ["tidal_"]
    yield "density file absent", [good, "density.file=/nowhere/delta.h5"], IO, ["/nowhere/delta.h5"]
    yield "output is a folder to be", [good, f"output.path={scratch}/to_be/"], CONFIG, ["output.path", "folder"]
    yield "output folder not to be had", [good, f"output.path={scratch}/good.list/mock.hdf5"], IO, ["good.list"]
    yield "not a rotation", [good, "painter.frame=[1,0,0,0,1,0,0,0,-1]"], CONFIG, ["painter.frame"]


def check(name, ranks, config, settings, code, texts, output):
    keep = [] if any(s.startswith("output.path") for s in settings) else [f"output.path={output}"]
    try:
        done = run(ranks, "paint", config, "--overwrite", *sets(keep + settings), timeout=60)
    except subprocess.TimeoutExpired:
        expect(False, f"{name} on {ranks} ranks: hangs")
    errors = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code, f"{name} on {ranks} ranks: exit code {done.returncode}, not {code}\n{done.stderr}")
    expect(len(errors) == 1, f"{name} on {ranks} ranks: {len(errors)} error lines\n{done.stderr}")
    for text in texts:
        expect(text in done.stderr, f"{name} on {ranks} ranks: the message does not say '{text}'\n{done.stderr}")
    return errors[0]


def full_disk(output, ranks):
    with small_disk(output.parent / "tiny", "64k") as mount:
        if mount:
            print(check("full disk", ranks, "config/demo.yaml", [f"input.path={output.parent}/good.list", f"output.path={mount}/mock.hdf5"], IO,
                        ["No space left"], output))


def main():
    with Scratch() as scratch:
        output = scratch / "mock.hdf5"
        good = write_catalog(scratch / "first.list", HEADER, ROWS)
        paint(2, output, f"input.path={good}")
        before = output.read_bytes()
        failed = 0
        for name, settings, code, texts in cases(scratch):
            config, settings = settings if isinstance(settings, tuple) else ("config/demo.yaml", settings)
            try:
                lines = [check(name, ranks, config, settings, code, texts, output) for ranks in (1, 3)]
                expect(lines[0] == lines[1], f"{name}: not the same line on 1 and 3 ranks:\n" + "\n".join(lines))
                expect(output.read_bytes() == before, f"{name}: the existing output was changed")
                print(f"{name}: {lines[0]}")
            except SystemExit as failure:
                failed += 1
                print(failure)
        expect(failed == 0, f"{failed} cases")
        for ranks in (1, 3):
            full_disk(output, ranks)

        promoted = write_catalog(scratch / "orphans.list", HEADER, with_field(
            next(k for k, row in enumerate(ROWS) if row.split()[-1] != "-1"), "PID", "999999"))
        paint(2, scratch / "promoted.hdf5", f"input.path={promoted}", "input.orphans=promote")
        empty = write_catalog(scratch / "empty.list", HEADER, [])
        for ranks in (1, 3):
            paint(ranks, scratch / f"empty{ranks}.hdf5", f"input.path={empty}")
        print("empty catalog:", compare(scratch / "empty1.hdf5", scratch / "empty3.hdf5", "--exact"))
        for arguments in (["paint"], ["paint", "config/demo.yaml", "--restart=maybe"], ["draw"], ["info"]):
            expect(run(0, *arguments).returncode == CONFIG, f"usage error {arguments} does not return {CONFIG}")


main()
