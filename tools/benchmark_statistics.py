#!/usr/bin/env python3
"""Pair counts and alignment sums against Corrfunc, CPU seconds of one core, in one run.

usage: benchmark_statistics.py BENCH_STATISTICS CATALOG    of make_benchmark_catalog.py
Needs Corrfunc 2.5.3 (pip; builds with libgsl-dev), which is in no list of ours: nothing else does.
"""
import json
import subprocess
import sys
import time

import numpy as np
from Corrfunc.theory import DDrppi

SIDE, PI_MAX, EDGES = 500.0, 60, np.geomspace(0.1, 30, 15)


def ours(program, catalog, task):
    out = subprocess.run([program, catalog, str(SIDE), task, str(EDGES[-1]), str(PI_MAX)], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def corrfunc(catalog, weighted):
    columns = np.fromfile(catalog).reshape(-1, 8).T
    x, y, z = (np.ascontiguousarray(c) for c in columns[:3])
    weights = {"weights1": np.ones_like(x), "weight_type": "pair_product"} if weighted else {}
    start = time.process_time()
    counts = DDrppi(1, 1, PI_MAX, EDGES, x, y, z, periodic=True, boxsize=SIDE, **weights)["npairs"]
    return time.process_time() - start, counts


def main(program, catalog):
    for task, weighted, what in (("counts", False, "DD(r_p, Pi)"), ("sums", True, "ed, ee, w_g+ ... in one pass; Corrfunc with weights")):
        mine = ours(program, catalog, task)
        theirs, counts = corrfunc(catalog, weighted)
        print(f"{what}: {mine['cpu_s']:.2f} s, Corrfunc {theirs:.2f} s, ratio {theirs / mine['cpu_s']:.2f}; "
              f"{counts.sum() / mine['cpu_s']:.3g} ordered pairs/s; {mine['memory_mib']:.0f} MiB beyond the input")
        if task == "counts" and not np.array_equal(counts, mine["pairs"]):
            raise SystemExit("counts differ from Corrfunc's")


if __name__ == "__main__":
    main(*sys.argv[1:])
