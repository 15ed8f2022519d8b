"""How often validate's requirements break by chance: every draw of one law against every other draw of it.

false_alarms.py [--config config/demo-truth.yaml] [--draws 40] [--work out/false-alarms] [--set key=value]

Paints the law with seed 101 and seeds from 202 on, measures each mock once with halobrush validate, and compares all pairs with validate's
formulas; that they are the same is checked on the first pair. Prints the tables of docs/results/false-alarms.md (with --set input.min_particles=0). Three seconds a draw.
"""
import argparse
import itertools
import json
import pathlib
import sys

import h5py
import numpy as np
from scipy import stats

from common import ROOT
from common.program import run, sets, used_by

SELECTIONS = ("all", "red", "blue", "central", "satellite")
STATISTICS = [name if selection == "all" else f"{name}:{selection}" for selection in SELECTIONS for name in ("ed_A", "ee_A", "wgplus")]
ANGLES = ("major_halo_axis", "minor_halo_spin", "major_host", "minor_host", "major_stretching", "minor_compressing")
MISALIGNMENTS = [f"{name}:{selection}" for selection in SELECTIONS[1:] for name in ANGLES]
SUB_BOXES_PER_BIN = 10


def validate(mock, out, settings, *reference):
    run("validate", mock, "--out", out, *reference, "--set", "validate.figures=false", "--set", "validate.nla=false", *settings)


def measured(out):
    """The statistics and misalignments of a draw that the requirements speak of."""
    with h5py.File(out / "validation.hdf5") as file:
        read = lambda kind, names: {name: {key: d[()] for key, d in file[kind][name].items()} for name in names if name in file[kind]}
        return {"statistics": read("statistics", STATISTICS), "misalignments": read("misalignments", MISALIGNMENTS)}


# ---- validate's formulas (src/validate/compare.cpp, src/stats/compare.cpp) ----

def hotelling(difference, samples):
    """chi^2 with Hartlap's factor, dof and p-value of a difference [p] with jackknife samples [n,p]."""
    n, p = samples.shape
    covariance = (n - 1) / n * n * np.atleast_2d(np.cov(samples, rowvar=False, bias=True))
    t2 = difference @ np.linalg.solve(covariance, difference)
    return t2 * (n - p - 2) / (n - 1), p, stats.f.sf(t2 * (n - p) / (p * (n - 1)), p, n - p)


def compare_statistic(a, b, per_bin=SUB_BOXES_PER_BIN):
    usable = lambda s: np.isfinite(s["value"]) & (s["pairs"] > 0) & np.isfinite(s["leave_one_out"]).all(0)
    bins = np.flatnonzero(usable(a) & usable(b))
    groups = int(np.clip(int(len(a["leave_one_out"]) / per_bin), 1, len(bins)))
    weights = np.zeros((groups, len(bins)))
    weights[np.arange(len(bins)) * groups // len(bins), np.arange(len(bins))] = a["pairs"][bins]
    weights /= weights.sum(1, keepdims=True)
    return hotelling(weights @ (a["value"] - b["value"])[bins], (a["leave_one_out"] - b["leave_one_out"])[:, bins] @ weights.T)


def compare_misalignment(a, b):
    return hotelling(a["mean_cos2"] - b["mean_cos2"], (a["leave_one_out"] - b["leave_one_out"])[:, None])


# ---- all pairs ----

def check_formulas(work, mocks, draws, settings):
    validate(mocks[1], work / "check", settings, "--reference", mocks[0])
    reference = json.loads((ROOT / work / "check/validation.json").read_text())["references"][0]
    for kind, key, compare in (("statistics", "comparisons", compare_statistic), ("misalignments", "misalignment_comparisons", compare_misalignment)):
        for name, one in draws[1][kind].items():
            p, theirs = compare(one, draws[0][kind][name])[2], reference[key][name]["p_value"]
            if abs(p - theirs) > 1e-6:
                sys.exit(f"false_alarms: {name}: p-value {p}, halobrush validate says {theirs}: the formulas are not the same")


def below(p, limits):
    return " | ".join(f"{100 * np.mean(p < limit):.2f} %" for limit in limits)


def tables_of(draws):
    pairs = list(itertools.combinations(range(len(draws)), 2))
    yield f"{len(draws)} draws, {len(pairs)} pairs, {len(pairs) * len(draws[0]['statistics'])} comparisons of statistics.\n"
    yield "| sub-boxes for each bin | dof | χ²/dof ≤ 1.2, one statistic | all | p < 0.1 | p < 0.01 | p < 0.001 | Σχ²/Σdof: mean, scatter, largest | ≤ 1.2 |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for per_bin in (4.5, 6, SUB_BOXES_PER_BIN):
        found = np.array([[compare_statistic(draws[i]["statistics"][name], draws[j]["statistics"][name], per_bin) for name in draws[0]["statistics"]]
                          for i, j in pairs])  # [pairs, statistics, (chi2, dof, p)]
        chi2, dof, p = np.moveaxis(found, 2, 0)
        pooled = chi2.sum(1) / dof.sum(1)
        yield (f"| {per_bin:g} | {dof.max():.0f} | {100 * np.mean(chi2 <= 1.2 * dof):.0f} % | {100 * np.mean((chi2 <= 1.2 * dof).all(1)):.0f} % | "
               f"{below(p, (0.1, 0.01, 0.001))} | {pooled.mean():.2f}, {pooled.std():.2f}, {pooled.max():.2f} | {100 * np.mean(pooled <= 1.2):.1f} % |")
    statistics_hold = (p >= 0.001).all(1) & (pooled <= 1.2)  # those of the last row: what is required

    names = list(draws[0]["misalignments"])
    p = np.array([[compare_misalignment(draws[i]["misalignments"][name], draws[j]["misalignments"][name])[2] for name in names] for i, j in pairs])
    yield "\n| misalignments | p < 0.1 | p < 0.01 | p < 0.001 | p < 0.0001 | smallest |\n|---|---|---|---|---|---|"
    for angle in ANGLES:
        one = p[:, [name.startswith(angle + ":") for name in names]]
        yield f"| {angle} ({one.shape[1]} sub-samples) | {below(one, (0.1, 0.01, 0.001, 0.0001))} | {one.min():.1g} |"
    yield f"| all {p.shape[1]} | {below(p, (0.1, 0.01, 0.001, 0.0001))} | {p.min():.1g} |"
    yield "\n| pairs of one law that break | of all pairs |\n|---|---|"
    for text, holds in (("the requirements on statistics", statistics_hold), ("a misalignment's p ≥ 0.001", (p >= 0.001).all(1)),
                        ("a misalignment's p ≥ 0.0001", (p >= 0.0001).all(1)), ("either, as required (0.0001)", statistics_hold & (p >= 0.0001).all(1))):
        yield f"| {text} | {100 * np.mean(~holds):.1f} % |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="config/demo-truth.yaml")
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/false-alarms"))
    parser.add_argument("--set", action="append", default=[], help="override a key of painting and validating")
    arguments = parser.parse_args()
    settings = sets(used_by("validate", arguments.set))
    seeds = [101, *range(202, 201 + arguments.draws)]
    mocks, draws = [arguments.work / f"seed{seed}.hdf5" for seed in seeds], []
    for seed, mock in zip(seeds, mocks):
        run("paint", arguments.config, "--overwrite", "--set", f"seed={seed}", "--set", f"output.path={mock}", *sets(used_by("paint", arguments.set)))
        validate(mock, arguments.work / f"seed{seed}", settings)
        draws.append(measured(ROOT / arguments.work / f"seed{seed}"))
    check_formulas(arguments.work, mocks, draws, settings)
    print("\n".join(tables_of(draws)))


if __name__ == "__main__":
    main()
