"""From staged tiles to the mock: what it cannot hold is refused before the first tile is painted; a disk that fills up costs neither the old
mock nor the tiles; the mock and its summary are on the disk before a tile is removed; hints and alignment change no value."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import h5py
from runner import ENVIRONMENT, ROOT, Scratch, command, compare, expect, paint, run, sets, small_catalog, small_disk, write_catalog

DATA, IO = 3, 5
LAW = ["painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[8]"]


def model_with_unit(path, unit):
    """A copy of a model whose first label is in this unit."""
    raw = (ROOT / "models/demo-4.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    spec = json.loads(header["__metadata__"]["halobrush"])
    spec["labels"][0]["unit"] = unit
    header["__metadata__"]["halobrush"] = json.dumps(spec)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + size:])
    return path, spec["labels"][0]["name"]


def columns_are_checked_first(folder, halos):
    mock = folder / "unit.hdf5"
    model, label = model_with_unit(folder / "bell.safetensors", "M\u0007sun")
    arguments = ["paint", "config/demo.yaml", *sets([f"input.path={halos}", f"painter.model={model}", f"output.path={mock}"])]
    for ranks, options in ((0, []), (2, []), (0, ["--dry-run"])):
        done = run(ranks, *arguments, *options)
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        expect(done.returncode == DATA and len(errors) == 1 and f"column '{label}': its unit" in errors[0],
               f"a unit that cannot be printed, {ranks} ranks {options}: {done.returncode}\n{done.stdout}{done.stderr}")
        expect(not mock.exists() and not list(folder.glob("unit.hdf5.staging/tile_*")), "tiles were painted")
    print(errors[0])
    model, label = model_with_unit(folder / "furlong.safetensors", "furlong")
    log = paint(1, mock, f"input.path={halos}", f"painter.model={model}")
    expect(log.count(f"column '{label}': its unit 'furlong' is not known here") == 1, f"an unknown unit is not said:\n{log}")
    with h5py.File(mock) as file:
        expect(dict(file["data"][label].attrs)["units"] == "furlong" and file["data"][label].attrs["unit"] == "", "units of an unknown unit")


def full_disk(folder, halos):
    """The disk has room when the run begins and none when the mock is assembled."""
    reference = folder / "reference.hdf5"
    settings = [f"input.path={halos}", "domain.tiles=[40,1,1]", "painter.steps=64", "field.mesh=32"]
    paint(2, reference, *settings)
    with small_disk(folder / "disk", "16m") as disk:
        if disk is None:
            return
        for ranks in (0, 2):
            mock, filler = disk / "mock.hdf5", disk / "filler"
            paint(2, mock, f"input.path={halos}", *LAW)
            before = mock.read_bytes()
            staging = folder / f"tiles-{ranks}"
            arguments = ["paint", "config/demo.yaml", "--overwrite", *sets([*settings, f"output.path={mock}", f"output.staging={staging}"])]
            process = subprocess.Popen(command(ranks, arguments), cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while not list(staging.glob("tile_*.bin")) and process.poll() is None:
                time.sleep(0.002)
            free = os.statvfs(disk)
            filler.write_bytes(bytes(free.f_bavail * free.f_frsize - 50_000))
            out, err = process.communicate(timeout=120)
            errors = [line for line in err.splitlines() if "error" in line]
            expect(process.returncode == IO and len(errors) == 1 and "No space left" in errors[0], f"full disk, {ranks} ranks: {process.returncode}\n{out}{err}")
            expect(mock.read_bytes() == before, "the old mock was changed")
            expect(len(list(staging.glob("tile_*.bin"))) == 40 and not pathlib.Path(f"{mock}.partial").exists(), sorted(disk.iterdir()))
            filler.unlink()
            done = run(ranks, *arguments)
            expect(done.returncode == 0 and "0 tiles painted, 40 reused" in done.stdout, f"after the full disk: {done.returncode}\n{done.stdout}{done.stderr}")
            print(f"full disk, {ranks} ranks:", errors[0], compare(mock, reference, "--exact"))
            expect(not staging.exists(), "tiles are left")
            mock.unlink()


def durable_before_removed(folder, halos):
    """System calls in their order: flushed, renamed, folder flushed; the mock, then its summary, then the tiles go."""
    if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        print("order of system calls: skipped, no strace here")
        return
    mock, trace = folder / "durable.hdf5", folder / "trace"
    calls = "trace=pwrite64,write,fsync,rename,unlink,unlinkat"
    arguments = command(0, ["paint", "config/demo.yaml", *sets([f"input.path={halos}", *LAW, f"output.path={mock}"])])
    done = subprocess.run(["strace", "-f", "-y", "-e", calls, "-o", trace, *arguments], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    expect(done.returncode == 0, done.stderr)
    lines = trace.read_text().splitlines()
    find = lambda pattern, last=False: [k for k, line in enumerate(lines) if re.search(pattern, line)][-1 if last else 0]
    steps = [("the last byte of the mock", find(rf"write\w*\(\d+<{mock}\.partial>", True)), ("its flush", find(rf"fsync\(\d+<{mock}\.partial>", True)),
             ("its name", find(rf'rename\("{mock}\.partial"')), ("the last byte of the summary", find(rf"write\(\d+<{mock}\.json\.tmp>", True)),
             ("its flush", find(rf"fsync\(\d+<{mock}\.json\.tmp>", True)), ("its name", find(rf'rename\("{mock}\.json\.tmp"')),
             ("the first tile's end", find(rf'unlink\w*\(.*{mock}\.staging/(tile|ledger|identity)'))]
    for (what, one), (then, other) in zip(steps, steps[1:]):
        expect(one < other, f"{what} comes after {then}")
    for what, begin, end in (("mock", steps[2][1], steps[3][1]), ("summary", steps[5][1], steps[6][1])):
        expect(any(re.search(rf"fsync\(\d+<{folder}>", line) for line in lines[begin:end]), f"the folder is not flushed after the {what}")
    print("order of system calls:", ", ".join(what for what, _ in steps))


def hints(folder, halos):
    plain, other = folder / "plain.hdf5", folder / "hints.hdf5"
    paint(2, plain, f"input.path={halos}", *LAW)
    for hint in ("{romio_cb_write: enable, cb_nodes: 1}", "{striping_factor: 16}"):
        paint(2, other, f"input.path={halos}", *LAW, f"output.hints={hint}", "output.alignment=4096", options=["--restart=never"])
        with h5py.File(other) as file:
            places = [column.id.get_offset() for column in file["data"].values() if column.id.get_storage_size() >= 4096]
        expect(places and all(place % 4096 == 0 for place in places), f"columns begin at {places}")
        print(compare(plain, other, "--exact"))
    done = run(0, "paint", "config/demo.yaml", "--dry-run", *sets([f"input.path={halos}", *LAW, f"output.path={other}.new", f"output.hints={{{'x' * 300}: 1}}"]))
    expect(done.returncode == 2 and "MPI takes" in done.stderr, f"a hint that is too long: {done.returncode}\n{done.stderr}")


def main():
    with Scratch() as folder:
        halos = write_catalog(folder / "halos.list", *small_catalog())
        columns_are_checked_first(folder, halos)
        full_disk(folder, halos)
        durable_before_removed(folder, halos)
        hints(folder, halos)


main()
