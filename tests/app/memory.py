"""What a run takes of memory: kept, foretold, or refused before it begins; many waves of tiles give the same bits; a torn group costs no ghosts."""
import json
import re

import h5py
import numpy as np

from runner import CATALOG, Scratch, compare, expect, paint, run, sets


def replicated(source, target, times, torn=False):
    """The catalog `times` over along each axis, whole groups; `torn`: one satellite is moved 100 Mpc/h from its host."""
    with h5py.File(source) as one, h5py.File(target, "w") as many:
        for name in one:
            if name != "data":
                one.copy(name, many)
        box = one["provenance/simulation"].attrs["box"][:]
        data = {name: column[:] for name, column in one["data"].items()}
        step = int(data["id"].max()) + 1
        # Groups across the box's edge in one piece.
        row = {halo: i for i, halo in enumerate(data["id"])}
        host = np.arange(len(row))
        while np.any(data["parent_id"][host] >= 0):
            host = np.array([row[data["parent_id"][h]] if data["parent_id"][h] >= 0 else h for h in host])
        for axis, name in enumerate("xyz"):
            centre = data[name][host]
            data[name] = data[name] - box[axis] * np.round((data[name] - centre) / box[axis])
        shifts = [(i, j, k) for i in range(times) for j in range(times) for k in range(times)]
        group = many.create_group("data", track_order=True)
        for name, values in data.items():
            parts = []
            for r, shift in enumerate(shifts):
                part = values
                if name in ("id", "parent_id"):
                    part = np.where(values >= 0, values + r * step, values)
                if name in "xyz":
                    axis = "xyz".index(name)
                    part = np.mod(values + box[axis] * shift[axis], times * box[axis])
                parts.append(part)
            column = np.concatenate(parts)
            if torn and name == "x":
                satellite = np.flatnonzero(np.tile(data["parent_id"], len(shifts)) >= 0)[0]
                column[satellite] = np.mod(column[satellite] + 100, times * box[0])
            made = group.create_dataset(name, data=column)
            made.attrs.update(one["data"][name].attrs)
        many["provenance/simulation"].attrs["box"] = times * box
        many["header/file"].attrs["region_p2"] = times * box
    return target


def summary(mock):
    return json.loads((mock.parent / (mock.name + ".json")).read_text())


def main():
    with Scratch() as scratch:
        small = scratch / "small.hdf5"
        done = run(1, "convert", "config/demo.yaml", *sets([f"input.path={CATALOG}", "convert.kind=halos", f"convert.path={small}"]))
        expect(done.returncode == 0, done.stderr)
        halos = replicated(small, scratch / "halos.hdf5", 2)
        law = ["painter.kind=analytic", "painter.model=", "domain.tiles=[24,1,1]", "field.smoothing=[4,8]", f"input.path={halos}"]

        # Waves of 16 MB of halos, one at a time.
        paint(1, scratch / "one.hdf5", *law)
        for ranks in (2, 3):
            paint(ranks, scratch / f"{ranks}.hdf5", *law, "limits.memory=500 MiB")
            print(f"{ranks} ranks in waves:", compare(scratch / "one.hdf5", scratch / f"{ranks}.hdf5", "--exact"))

        done = run(1, "paint", "config/demo.yaml", "--dry-run", *sets([*law, f"output.path={scratch / 'none.hdf5'}"]))
        said = re.search(r"about ([\d.]+) (\w+) of memory", done.stdout)
        expect(said, done.stdout + done.stderr)
        foretold = float(said[1]) * {"MB": 1e6, "GB": 1e9, "MiB": 2**20, "GiB": 2**30}[said[2]]
        measured = summary(scratch / "one.hdf5")["peak_memory_bytes"]
        expect(abs(foretold / measured - 1) < 0.25, f"--dry-run: {foretold:g} B, measured {measured:g}")
        print(f"dry run: {foretold / 1e6:.0f} MB foretold, {measured / 1e6:.0f} MB measured")

        for ranks in (1, 3):
            done = run(ranks, "paint", "config/demo.yaml", *sets([*law, "limits.memory=210 MB", f"output.path={scratch / 'no.hdf5'}"]))
            lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error")]
            expect(done.returncode == 2 and len(lines) == 1, f"{done.returncode}: {done.stderr}")
            expect(re.search(r"limits.memory: .* halos take about .* ranks with domain.tiles .* fit", lines[0]), lines[0])
            expect(not (scratch / "no.hdf5").exists(), "a refused run wrote")
        for text in ("3 GiBs", "-1 GB", "lots", "nan GB"):
            done = run(1, "paint", "config/demo.yaml", *sets([f"limits.memory={text}"]))
            expect(done.returncode == 2 and "limits.memory" in done.stderr, f"{text}: {done.returncode} {done.stderr}")

        torn = replicated(small, scratch / "torn.hdf5", 2, torn=True)
        ghosts = ["domain.ghost_width=3"]
        paint(2, scratch / "whole.hdf5", *law, *ghosts)
        said = paint(2, scratch / "torn_mock.hdf5", *law, *ghosts, f"input.path={torn}")
        before, after = (summary(scratch / name)["ghost_fraction"] for name in ("whole.hdf5", "torn_mock.hdf5"))
        expect(before > 0.1 and after < 1.05 * before, f"ghosts: {before} whole, {after} torn")
        expect(re.search(r"1 satellites are .* from their host", said), said)
        print(f"torn group: {before:.4f} ghosts a halo before, {after:.4f} after")


main()
