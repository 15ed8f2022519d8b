#!/usr/bin/env python3
"""Pair counts and alignment statistics against Corrfunc and halotools, CPU seconds of one core, each beside its peer.

usage: benchmark_statistics.py BENCH_STATISTICS CATALOG [REPEATS]    of make_benchmark_catalog.py
Needs Corrfunc 2.5.3 (pip; builds with libgsl-dev) and halotools 0.9.4, which are in no list of ours: nothing else does.
Each line: the medians, and the smallest and largest ratio; counts have to be equal. halotools runs once (minutes a statistic).
"""
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
from Corrfunc.theory import DD, DDrppi
from halotools.mock_observables import ed_3d, ee_3d, gi_plus_projected

SIDE, PI_MAX, EDGES = 500.0, 60, np.geomspace(0.1, 30, 15)
ALL = "sums"  # every statistic in one pass


def ours(program, catalog, task, weighted=False):
    words = [program, catalog, str(SIDE), task, str(EDGES[-1]), str(PI_MAX), "0", str(int(weighted))]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def on_ranks(program, catalog, ranks, task):
    words = ["mpirun", "-np", str(ranks), program, catalog, str(SIDE), task]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def seconds_of(work):
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


class Peers:
    def __init__(self, catalog):
        columns = np.fromfile(catalog).reshape(-1, 8)
        self.xyz = [np.ascontiguousarray(columns[:, k]) for k in range(3)]
        self.pos, self.axis = columns[:, :3].copy(), columns[:, 3:6].copy()
        self.e = np.hypot(columns[:, 6], columns[:, 7])
        angle = np.arctan2(columns[:, 7], columns[:, 6]) / 2
        self.major = np.stack([np.cos(angle), np.sin(angle)], -1)

    def counts_of_r(self):
        return DD(1, 1, EDGES, *self.xyz, periodic=True, boxsize=SIDE)["npairs"]

    def counts_of_rp_pi(self, weighted=False):
        weights = {"weights1": np.ones(len(self.pos)), "weight_type": "pair_product"} if weighted else {}
        return DDrppi(1, 1, PI_MAX, EDGES, *self.xyz, periodic=True, boxsize=SIDE, **weights)["npairs"]

    def ed(self):
        return ed_3d(self.pos, self.axis, self.pos, EDGES, period=SIDE)

    def ee(self):
        return ee_3d(self.pos, self.axis, self.pos, self.axis, EDGES, period=SIDE)

    def wgplus(self):
        return gi_plus_projected(self.pos, self.major, self.e, self.pos, EDGES, PI_MAX, period=SIDE)


def compare(what, peer, theirs, mine, repeats):
    ratios, times, memory = [], [], 0
    for _ in range(repeats):
        cpu, result = seconds_of(theirs)
        out = mine()
        if "pairs" in out and not np.array_equal(result, out["pairs"]):
            raise SystemExit(f"{what}: counts differ from {peer}'s")
        ratios.append(cpu / out["cpu_s"])
        times.append((out["cpu_s"], cpu))
        memory = out["memory_mib"]
    cpu, theirs_cpu = (statistics.median(t) for t in zip(*times))
    print(f"{what}: {cpu:.2f} s, {peer} {theirs_cpu:.2f} s, ratio {statistics.median(ratios):.2f} "
          f"({min(ratios):.2f}-{max(ratios):.2f}); {memory:.0f} MiB beyond the input", flush=True)


def ranks(program, catalog, repeats):
    for task in ("counts", "r", ALL):
        gains = [on_ranks(program, catalog, 1, task)["cpu_s"] / on_ranks(program, catalog, 2, task)["cpu_s"] for _ in range(repeats)]
        print(f"{task}, two ranks: {statistics.median(gains):.2f} times one ({min(gains):.2f}-{max(gains):.2f}), CPU s of the slower", flush=True)


def main(program, catalog, repeats="3"):
    repeats, peers = int(repeats), Peers(catalog)
    print(f"{len(peers.pos)} galaxies, r and r_p < {EDGES[-1]:g}, Pi < {PI_MAX}; load {os.getloadavg()[0]:.1f}")
    compare("DD(r)", "Corrfunc", peers.counts_of_r, lambda: ours(program, catalog, "r"), repeats)
    compare("DD(r_p, Pi)", "Corrfunc", peers.counts_of_rp_pi, lambda: ours(program, catalog, "counts"), repeats)
    for weighted in (False, True):
        compare("all, " + ("weights" if weighted else "no weights"), "Corrfunc with weights",
                lambda: peers.counts_of_rp_pi(True), lambda w=weighted: ours(program, catalog, ALL, w), repeats)
    ranks(program, catalog, repeats)
    for name, theirs in (("ed_A", peers.ed), ("ee_A", peers.ee), ("wgplus", peers.wgplus)):
        compare(name, "halotools", theirs, lambda n=name: ours(program, catalog, n), 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
