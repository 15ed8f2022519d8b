"""The mock is the same bit for bit on any number of ranks and for any order of rows; other tiles change only rounding."""
import random

from runner import Scratch, catalog_lines, compare, paint, write_catalog


def main():
    with Scratch() as scratch:
        reference = scratch / "np1.hdf5"
        paint(1, reference)
        for ranks in (2, 3, 4, 7):
            other = scratch / f"np{ranks}.hdf5"
            paint(ranks, other)
            print(f"{ranks} ranks:", compare(reference, other, "--exact"))

        header, rows = catalog_lines()
        random.Random(1).shuffle(rows)
        shuffled = write_catalog(scratch / "shuffled.list", header, rows)
        paint(2, scratch / "shuffled.hdf5", f"input.path={shuffled}")
        print("rows shuffled:", compare(reference, scratch / "shuffled.hdf5", "--exact"))

        for k, tiles in enumerate(("[1,1,1]", "[13,1,1]", "[2,3,2]")):
            other = scratch / f"tiles{k}.hdf5"
            paint(2, other, f"domain.tiles={tiles}")
            print(f"tiles {tiles}:", compare(reference, other, "--tolerance", "1e-4", "--fraction", "0.9999"))


main()
