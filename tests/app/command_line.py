"""The command line: one grammar for all commands, help with an example, mistakes in one line, a template that loads, checksum and check."""
import re
import shutil

import h5py
import numpy as np

from runner import ROOT, Scratch, expect, paint, run, sets, small_catalog, write_catalog

CONFIG, UNREADABLE, DAMAGED, UNKNOWN = 2, 8, 16, 32
COMMANDS = ("paint", "train", "convert", "validate", "loglike", "evaluate", "calibrate", "align", "lightcone", "info", "check", "checksum", "describe-config", "describe-commands")


def printed(*arguments):
    done = run(0, *arguments)
    expect(done.returncode == 0 and not done.stderr, f"{arguments}: {done.returncode} {done.stderr}")
    return done.stdout


def refused(code, *arguments, text):
    done = run(0, *arguments)
    lines = done.stderr.splitlines()
    expect(done.returncode == code and len(lines) == 1 and lines[0].startswith("halobrush: error: ") and text in lines[0], f"{arguments}: {done.returncode} {done.stderr}")
    print(lines[0])


def grammar():
    whole = printed("--help")
    manual = printed("describe-commands", "--man").replace("\\", "")  # of all commands, from the same declarations as each one's --help
    for command in COMMANDS:
        expect(re.search(rf"^  {command} ", whole, re.M), f"--help lacks {command}")
        text = re.search(rf"^\.SS {command}\n(.*?)^\.S[SH]", manual, re.M | re.S)[1]
        expect("Example: " in text and "{false}" not in text, f"{command}: {text}")
        takes_config = "--config" in text
        expect(takes_config == (command in ("paint", "train", "convert", "calibrate", "validate", "align", "lightcone")), f"{command}: --config")
        expect(("--set" in text) == (command in COMMANDS[:9]), f"{command}: --set")
        expect(("--out" in text) == (command in COMMANDS[:9]), f"{command}: --out")
    expect("Example: mpirun" in printed("paint", "--help"), "paint --help")
    refused(CONFIG, text="no command is given; see 'halobrush --help'")
    refused(CONFIG, "pain", "x", text="'pain' is no command (nearest known: 'paint')")
    refused(CONFIG, "info", "", text="file: an empty text is given")
    refused(CONFIG, "paint", "config/demo.yaml", "--out", "", text="--out: an empty text is given")
    refused(CONFIG, "paint", text="no configuration is given; see 'halobrush paint --help'")
    refused(CONFIG, "paint", "config/demo.yaml", "--outt", "x", text="halobrush paint --help")
    refused(CONFIG, "paint", "config/demo.yaml", "--dry-run", *sets(["convert.path=x.hdf5"]), text="--set convert.path: this command has no use for it")
    refused(CONFIG, "validate", "none.hdf5", *sets(["painter.steps=3"]), text="--set painter.steps: this command has no use for it")


def template(scratch):
    whole = printed("describe-config", "--yaml")
    (scratch / "whole.yaml").write_text(whole)
    wanted = run(0, "paint", scratch / "whole.yaml", "--dry-run")
    expect(wanted.returncode == CONFIG and "input.path" in wanted.stderr, f"the template does not load: {wanted.stderr}")  # a path is all that it lacks
    inputs = printed("describe-config", "input")
    expect("input.path" in inputs and "field.mesh" not in inputs, "describe-config input")
    (scratch / "part.yaml").write_text(printed("describe-config", "domain", "--yaml"))
    expect("\n  tiles: [" in (scratch / "part.yaml").read_text(), "describe-config domain --yaml")
    refused(CONFIG, "describe-config", "inputs", text="nearest known: 'input'")
    config = scratch / "shared.yaml"
    config.write_text((ROOT / "config/demo.yaml").read_text() + "\nconvert:\n  kind: halos\n")
    done = run(0, "paint", config, "--dry-run", "--out", scratch / "x.hdf5")
    expect(done.returncode == 0 and "this command has no use for convert in" in done.stdout, f"a shared configuration: {done.stdout}{done.stderr}")


def sums(*files):
    """{(column, file): (checksum, rows)}"""
    lines = [line.split(maxsplit=2) for line in printed("checksum", *files).splitlines()]
    return {tuple(rest.rsplit("  ", 1)): (int(checksum, 16), int(rows)) for checksum, rows, rest in lines}


def checksums(scratch, mock):
    def copy(name, rows, edit=lambda data: None):
        with h5py.File(mock) as old, h5py.File(scratch / name, "w") as new:
            for column in reversed(list(old["data"])):
                new[f"data/{column}"] = old["data"][column][()][rows]
            edit(new["data"])
        return scratch / name

    def of(path):
        return {column: sum_ for (column, _), sum_ in sums(path).items()}

    with h5py.File(mock) as file:
        n, columns = len(file["data/halo_id"]), set(file["data"])
    whole = of(mock)
    expect(set(whole) == {f"data/{column}" for column in columns} | {"data (whole rows)"} and {rows for _, rows in whole.values()} == {n}, f"columns: {list(whole)}")
    order = np.random.default_rng(3).permutation(n)
    expect(of(copy("shuffled.hdf5", order)) == whole, "the order of rows or columns matters")
    first, second = copy("first.hdf5", order[:n // 3]), copy("second.hdf5", order[n // 3:])
    parts = {column: sum_ for (column, file), sum_ in sums(first, second).items() if file == "all files"}
    expect(parts == whole, "sums of parts are not that of the whole")

    def one_bit(data):
        data["log_stellar_mass"][7] = np.nextafter(data["log_stellar_mass"][7], np.float32(99))

    def mixed(data):
        data["log_stellar_mass"][...] = data["log_stellar_mass"][()][::-1]

    changed = of(copy("one_bit.hdf5", order, one_bit))
    expect({c for c in whole if changed[c] != whole[c]} == {"data/log_stellar_mass", "data (whole rows)"}, "one bit")
    changed = of(copy("mixed.hdf5", order, mixed))
    expect({c for c in whole if changed[c] != whole[c]} == {"data (whole rows)"}, "columns of other rows")
    print(f"checksum: {len(whole)} lines; order-free, additive, one bit and mixed rows seen")


def check(scratch, mock, catalog):
    whole = [mock, catalog, ROOT / "models/demo.safetensors"]
    done = run(0, "check", *whole)
    expect(done.returncode == 0 and done.stdout.count(": whole: ") == 3, f"check: {done.stdout}{done.stderr}")
    cut = scratch / "cut.hdf5"
    cut.write_bytes(mock.read_bytes()[:-2000])
    unmarked = shutil.copy(mock, scratch / "unmarked.hdf5")
    with h5py.File(unmarked, "a") as file:
        file["provenance"].attrs["complete"] = 0
    for files, code in (([cut], DAMAGED), ([unmarked], DAMAGED), ([scratch / "none.hdf5"], UNREADABLE), ([ROOT / "LICENSE"], UNKNOWN),
                        ([mock, cut, scratch / "none.hdf5", ROOT / "LICENSE"], DAMAGED | UNREADABLE | UNKNOWN)):
        done = run(0, "check", *files)
        expect(done.returncode == code and len(done.stdout.splitlines()) == len(files), f"check {files}: {done.returncode} {done.stdout}{done.stderr}")
        print(done.stdout.strip().replace(str(scratch), ""))


with Scratch() as folder:
    grammar()
    template(folder)
    small = write_catalog(folder / "small.list", *small_catalog())
    painted = folder / "mock.hdf5"
    paint(0, painted, f"input.path={small}", "field.mesh=32")
    checksums(folder, painted)
    check(folder, painted, small)
