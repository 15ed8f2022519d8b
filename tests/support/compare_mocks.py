"""Compares two mocks column by column: compare_mocks.py A B [--exact | --tolerance T --fraction F].

--exact: the same rows in the same order, bit for bit. Otherwise rows are matched by galaxy_id and, in each column, at least
the fraction F of galaxies must agree: numbers within T (periodic distance for x, y, z; axes up to their sign), integers exactly.
Prints a line for each column that differs; exits with 1 when one differs too much.
"""
import argparse
import sys

import h5py
import numpy as np


def read(path):
    with h5py.File(path) as mock:
        columns = {name: dataset[()] for name, dataset in mock["data"].items()}
        region = mock["header/file"].attrs
        if "region_p2" not in region:  # a light cone: not periodic
            return columns, np.full(3, np.inf)
        return columns, np.subtract(region["region_p2"], region["region_p1"])


def distance(name, a, b, box):
    """How far two columns are apart, row by row; infinite where integers or NaNs differ."""
    if a.dtype.kind != "f":
        return np.where(a == b, 0.0, np.inf)
    a, b = a.astype(float), b.astype(float)
    apart = np.abs(a - b)
    if name in ("x", "y", "z"):
        side = box["xyz".index(name)]
        apart = np.minimum(apart, np.abs(side - apart))
    return np.where(np.isnan(a) & np.isnan(b), 0.0, np.nan_to_num(apart, nan=np.inf))


def align_axes(a, b):
    """Flips the axes of b that point against those of a: an axis and its opposite are the same orientation."""
    for axis in "ABC":
        names = [f"galaxy_axis{axis}_{c}" for c in "xyz"]
        if not all(name in a and name in b for name in names):
            continue
        sign = np.where(sum(a[name].astype(float) * b[name] for name in names) < 0, -1, 1)
        for name in names:
            b[name] = b[name] * sign.astype(b[name].dtype)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--fraction", type=float, default=0.9999)
    arguments = parser.parse_args()
    (a, box), (b, _) = read(arguments.a), read(arguments.b)

    failed = False
    for name in sorted(a.keys() ^ b.keys()):
        print(f"{name}: only in {arguments.a if name in a else arguments.b}")
        failed = True
    common = sorted(a.keys() & b.keys())
    if not arguments.exact:
        order_a, order_b = np.argsort(a["galaxy_id"], kind="stable"), np.argsort(b["galaxy_id"], kind="stable")
        if not np.array_equal(a["galaxy_id"][order_a], b["galaxy_id"][order_b]):
            sys.exit("galaxy_id: not the same galaxies in both mocks")
        a, b = {name: a[name][order_a] for name in common}, {name: b[name][order_b] for name in common}
        align_axes(a, b)

    for name in common:
        if a[name].dtype != b[name].dtype or a[name].shape != b[name].shape:
            print(f"{name}: {a[name].dtype}{a[name].shape} and {b[name].dtype}{b[name].shape}")
            failed = True
            continue
        if a[name].tobytes() == b[name].tobytes():
            continue
        apart = distance(name, a[name], b[name], box)
        agreeing = np.mean(apart <= arguments.tolerance)
        bad = arguments.exact or agreeing < arguments.fraction
        failed = failed or bad
        print(f"{name}: {np.count_nonzero(apart)} of {apart.size} rows differ, by up to {apart.max():.3g}; within "
              f"{arguments.tolerance:g}: {100 * agreeing:.4f} %{' <- too few' if bad and not arguments.exact else ''}")
    rule = "bit for bit" if arguments.exact else f"{100 * arguments.fraction:g} % within {arguments.tolerance:g}"
    print(f"{len(common)} columns, {a['galaxy_id'].size} galaxies: {'DIFFERENT' if failed else 'the same'} ({rule})")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
