"""Ranks share the work whatever tiles cost: one cluster of 5,000 members, tiles of equal width and very unequal numbers of galaxies, on four
ranks. Their processor time, not the time on a machine's busy cores, differs by a tenth at most (in one of three runs: others may
use these cores, too)."""
import json
import pathlib

from catalogs import converted, replicated, with_cluster
from runner import Scratch, compare, expect, paint

MEMBERS = 5000
SETTINGS = ["domain.balance=false", "domain.tiles=[12,4,4]", "painter.model=models/demo-4.safetensors"]


def main():
    with Scratch() as scratch:
        catalog = with_cluster(replicated(converted(scratch), scratch / "cluster.hdf5", 2), MEMBERS)
        settings = [*SETTINGS, f"input.path={catalog}"]
        paint(1, scratch / "one.hdf5", *settings)
        for attempt in range(3):
            paint(4, scratch / "four.hdf5", *settings, options=["--restart=never"])
            compare(scratch / "one.hdf5", scratch / "four.hdf5", "--exact")
            summary = json.loads(pathlib.Path(f"{scratch}/four.hdf5.json").read_text())
            busy = summary["busy_seconds"]
            print(f"{summary['galaxies']} galaxies, {summary['tiles']['total']} tiles: processor time of ranks", {k: round(v, 2) for k, v in busy.items()})
            if busy["max"] - busy["min"] < 0.1 * busy["max"]:
                return
        expect(False, f"ranks are busy for {busy}")


main()
