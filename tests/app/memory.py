"""What a run takes of memory: kept, foretold, or refused before it begins; many waves of tiles give the same bits; a torn group costs no ghosts."""
import json
import re

from catalogs import converted, replicated
from runner import Scratch, compare, expect, paint, run, sets


def summary(mock):
    return json.loads((mock.parent / (mock.name + ".json")).read_text())


def main():
    with Scratch() as scratch:
        small = converted(scratch)
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
            done = run(ranks, "paint", "config/demo.yaml", *sets([*law, "limits.memory=60 MB", f"output.path={scratch / 'no.hdf5'}"]))
            lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error")]
            expect(done.returncode == 2 and len(lines) == 1, f"{done.returncode}: {done.stderr}")
            expect(re.search(r"limits.memory: .* halos take about .* ranks with domain.max_halos .* fit", lines[0]), lines[0])
            expect(not (scratch / "no.hdf5").exists(), "a refused run wrote")
        for text in ("3 GiBs", "-1 GB", "lots", "nan GB"):
            done = run(1, "paint", "config/demo.yaml", *sets([f"limits.memory={text}"]))
            expect(done.returncode == 2 and "limits.memory" in done.stderr, f"{text}: {done.returncode} {done.stderr}")

        # One tile is too large for the limit; cut by domain.max_halos, as the message says, it fits and no rank count shows.
        whole = [*law, "domain.tiles=[1,1,1]", "domain.max_halos=1000000", "field.mesh=32"]
        done = run(2, "paint", "config/demo.yaml", *sets([*whole, "limits.memory=160 MB", f"output.path={scratch / 'no.hdf5'}"]))
        fits = re.search(r"(\d+) ranks with domain.max_halos (\d+) fit", done.stderr)
        expect(done.returncode == 2 and fits and fits[1] == "2", f"{done.returncode}: {done.stderr}")
        cut = [*whole, f"domain.max_halos={fits[2]}"]
        for ranks in (1, 2, 3):
            paint(ranks, scratch / f"cut{ranks}.hdf5", *cut, *(["limits.memory=160 MB"] if ranks == 2 else []))
            print(f"{ranks} ranks in tiles of {fits[2]} halos:", compare(scratch / "cut1.hdf5", scratch / f"cut{ranks}.hdf5", "--exact"))
        expect(summary(scratch / "cut2.hdf5")["peak_memory_bytes"] < 160e6, "the limit was not kept")
        paint(1, scratch / "uncut.hdf5", *whole)
        print("one tile:", compare(scratch / "uncut.hdf5", scratch / "cut1.hdf5"))

        torn = replicated(small, scratch / "torn.hdf5", 2, torn=True)
        ghosts = ["domain.ghost_width=3"]
        paint(2, scratch / "whole.hdf5", *law, *ghosts)
        said = paint(2, scratch / "torn_mock.hdf5", *law, *ghosts, f"input.path={torn}")
        before, after = (summary(scratch / name)["ghost_fraction"] for name in ("whole.hdf5", "torn_mock.hdf5"))
        expect(before > 0.1 and after < 1.05 * before, f"ghosts: {before} whole, {after} torn")
        expect(re.search(r"1 satellites are .* from their host", said), said)
        print(f"torn group: {before:.4f} ghosts a halo before, {after:.4f} after")


main()
