"""Ranks share the work whatever tiles cost: one cluster of 5,000 members, tiles of equal width and very unequal numbers of galaxies, on four
ranks. None waits at the end for more than a fifth of the time that painting takes. (Their processor time, which is printed, also depends on
how the system shares two cores among four ranks.)"""
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
        paint(4, scratch / "four.hdf5", *settings)
        compare(scratch / "one.hdf5", scratch / "four.hdf5", "--exact")
        summary = json.loads(pathlib.Path(f"{scratch}/four.hdf5.json").read_text())
        print(f"{summary['galaxies']} galaxies, {summary['tiles']['total']} tiles: processor time of ranks", {k: round(v, 2) for k, v in summary["busy_seconds"].items()})
        stages = summary["stages"]
        whole = sum(stages[stage]["mean"] for stage in ("distribute", "inputs", "model", "staging", "wait"))
        print(f"painting took {whole:.2f} s, ranks waited", {k: round(v, 2) for k, v in stages["wait"].items()})
        expect(stages["wait"]["max"] < 0.2 * whole, "a rank waited for the others")


main()
