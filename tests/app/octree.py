"""A mock in the order of an octree (output.index): the same galaxies as without, cell by cell as the index says, the same bits on any number of
ranks and after a kill; OpenCosmo finds what lies in a box, writes it and reads it again; only cubic boxes have such cells."""
import re
import subprocess
import time

import h5py
import numpy as np

from runner import CATALOG, ENVIRONMENT, ROOT, Scratch, command, compare, expect, paint, run, sets

CONFIG = 2
LAW = ["painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[8]", "domain.tiles=[5,2,1]"]
OCTREE = [*LAW, "output.index=octree"]


def cells_of(position, side, level):
    """z-order, x the lowest bit."""
    slices = np.floor(position / (side / 2**level)).astype(int)
    return sum((slices[:, axis] >> bit & 1) << (3 * bit + axis) for bit in range(level) for axis in range(3)) + np.zeros(len(position), int)


def check_index(path):
    with h5py.File(path) as file:
        position = np.stack([file[f"data/{k}"][()] for k in "xyz"], 1)
        side = file["header/simulation/parameters"].attrs["box_size"]
        levels = sorted(int(name.split("_")[1]) for name in file["index"])
        expect(levels == list(range(len(levels))) and len(levels) > 2, f"levels {levels}")
        for level in levels:
            start, size = (file[f"index/level_{level}/{name}"][()] for name in ("start", "size"))
            cells = cells_of(position, side, level)
            expect(np.all(np.diff(cells) >= 0), f"rows are not in the order of the cells of level {level}")
            counts = np.bincount(cells, minlength=8**level)
            expect(np.array_equal(size, counts) and np.array_equal(start, np.cumsum(counts) - counts), f"index of level {level}")
        print(f"index: {len(position)} rows in {len(size)} cells, {len(levels)} levels")


def same_galaxies(plain, indexed):
    with h5py.File(plain) as a, h5py.File(indexed) as b:
        order, other = np.argsort(a["data/galaxy_id"][()]), np.argsort(b["data/galaxy_id"][()])
        for name in a["data"]:
            expect(a["data"][name][()][order].tobytes() == b["data"][name][()][other].tobytes(), f"column {name} differs")
        second = set(b["data"]) - set(a["data"])
        expect(second == {f"fof_halo_center_{k}" for k in "xyz"} and b["data/x"] == b["data/fof_halo_center_x"], f"columns {second}")
    sums, others = ({line.rsplit(maxsplit=1)[0] for line in run(0, "checksum", path).stdout.splitlines() if "whole rows" not in line} for path in (plain, indexed))
    expect(len(sums) > 30 and sums < others, f"order-free checksums differ: {sums - others}")
    expect("fof_halo_center" not in run(0, "info", indexed).stdout, "info lists second names")


def check_resumed(scratch):
    """Killed when some tiles are staged: the cells of these are counted again by the run that goes on."""
    learned = [f"input.path={CATALOG}", "output.index=octree", "domain.tiles=[5,2,1]", "field.mesh=64", "painter.model=models/demo-4.safetensors"]
    whole, path = scratch / "whole.hdf5", scratch / "killed.hdf5"
    paint(2, whole, *learned)
    process = subprocess.Popen(command(0, ["paint", "config/demo.yaml", *sets([f"output.path={path}", *learned])]), cwd=ROOT, env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    staged = lambda: len(list(scratch.glob("killed.hdf5.staging/tile_*.bin")))
    while staged() < 2 and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    expect(0 < staged() < 10 and not path.exists(), f"{staged()} tiles were staged when it was killed")
    log = paint(3, path, *learned)
    expect(re.search(r"staging: \d of 10 tiles are there already", log), log)
    print("killed and resumed:", compare(whole, path, "--exact"))
    check_index(path)


def check_opencosmo(scratch, path):
    import opencosmo
    opened = opencosmo.open(path).with_units("scalefree")
    with h5py.File(path) as file:
        position, ids = np.stack([file[f"data/{k}"][()] for k in "xyz"], 1), file["data/galaxy_id"][()]
    low, high = np.array([10.0, 30.0, 0.0]), np.array([90.0, 70.5, 149.0])
    inside = ((position >= low) & (position < high)).all(1)
    found = opened.bound(opencosmo.make_box(tuple(low), tuple(high)))
    ids_of = lambda dataset: np.sort(np.asarray(dataset.select("galaxy_id").get_data("numpy")))
    expect(np.array_equal(ids_of(found), np.sort(ids[inside])), f"OpenCosmo finds {len(found)} galaxies in a box, {inside.sum()} are there")
    opencosmo.write(scratch / "piece.hdf5", found)
    expect(np.array_equal(ids_of(opencosmo.open(scratch / "piece.hdf5")), np.sort(ids[inside])), "what OpenCosmo wrote is not what it found")
    print(f"opencosmo {opencosmo.__version__}: {inside.sum()} of {len(ids)} galaxies in a box, written and read again")


def check_other_boxes(scratch):
    halos = scratch / "halos.hdf5"
    done = run(0, "convert", "config/demo.yaml", *sets([f"input.path={CATALOG}", "convert.kind=halos", f"convert.path={halos}"]))
    expect(done.returncode == 0, done.stderr)
    with h5py.File(halos, "r+") as file:
        file["provenance/simulation"].attrs["box"] = file["header/file"].attrs["region_p2"] = np.array([150.0, 150.0, 160.0])
    for options in ([], ["--dry-run"]):
        done = run(0, "paint", "config/demo.yaml", *sets([f"input.path={halos}", f"output.path={scratch}/none.hdf5", *OCTREE]), *options)
        expect(done.returncode == CONFIG and "output.index: is octree" in done.stderr, f"{options}: {done.returncode} {done.stderr}")
    print(done.stderr.splitlines()[-1])


def main():
    with Scratch() as scratch:
        plain, indexed, others = (scratch / f"{name}.hdf5" for name in ("plain", "indexed", "others"))
        paint(1, plain, f"input.path={CATALOG}", *LAW)
        paint(1, indexed, f"input.path={CATALOG}", *OCTREE)
        check_index(indexed)
        same_galaxies(plain, indexed)
        paint(3, others, f"input.path={CATALOG}", *OCTREE)
        print("1 and 3 ranks:", compare(indexed, others, "--exact"))
        check_resumed(scratch)
        check_opencosmo(scratch, indexed)
        check_other_boxes(scratch)


main()
