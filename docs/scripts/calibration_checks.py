"""What halobrush calibrate is worth: the tables of docs/results/lensing.md.

calibration_checks.py coverage [--mocks 20] [--octants] [--set key=value]: mocks of known strengths are measured, and their strengths are found again from other random numbers; how often one
    error holds the truth, and how far off in errors. Prints a table in Markdown. --octants: the mock stands on the halos of one eighth of the box and the strengths are found on
    another eighth, so that their halos differ as those of two simulations do.
calibration_checks.py amplitudes --density FILE [--mocks 10]: A_1 = 1, 2, 4 asked for, NLA and density-weighted NLA at two smoothing radii; measured back as validate does, over mocks of
    fresh seeds, with the noise of their shapes and without it (the same galaxies without the field subtracted).
Both on the demo halos, with the galaxies of the analytic painter (seconds a mock) unless --set says otherwise. Works in --work; what is there is used again.
"""
import argparse
import gzip
import json
import pathlib

import numpy as np

from common import ROOT
from common.program import run, sets, used_by

ANALYTIC = ["painter.kind=analytic", "painter.model=", "field.smoothing=[1.5, 3]"]
# The law of one sample: axes about the halo's and the radius, the same strengths for all of it.
PLAIN = ["shapes.tide=[0, 0]", "shapes.spin=[0, 0]", "shapes.late_share=1"]
TRUTH = {"halo": 2.5, "radius": 1.0}
COVERAGE = ["stats.selections={sample: log_stellar_mass > 10}", "validate.target_r=[0.34, 32]"]
NO_EXTRAS = ["validate.figures=false", "validate.requirements=" + str(ROOT / "out/calibration-none.yaml")]


def law(strengths):
    return [f"shapes.{name}=[{value}, 0]" for name, value in strengths.items()]


def read(path):
    return json.loads((ROOT / path).read_text())


def calibrated(out, *settings):
    if not (ROOT / out / "calibration.json").exists():
        run("calibrate", "config/lensing.yaml", *sets([*settings, f"calibrate.path={out}", "validate.figures=false"]))
    return read(out / "calibration.json")


def validated(out, config, *settings):
    """A mock is painted and measured; its file goes."""
    if not (ROOT / out / "validation.json").exists():
        mock = ROOT / f"{out}.hdf5"
        run("paint", config, "--restart=never", *sets([*used_by("paint", settings), f"output.path={mock}"]))
        run("validate", mock, "--out", out, "--config", config, *sets([*NO_EXTRAS, *used_by("validate", settings)]))
        mock.unlink()
        pathlib.Path(f"{mock}.json").unlink()
    return read(out / "validation.json")


# ---- Coverage ----

OCTANTS = ["stats.r.max=30", "stats.rp.max=30", "stats.jackknife=3", "validate.target_r=[0.9, 30]", "field.mesh=64", "domain.tiles=[2, 1, 1]", "cosmology.sigma_8=0.8159"]


def octant(folder, k):
    """The groups whose host stands in one eighth of the demo run, as a box of half the side."""
    path = ROOT / folder / f"octant{k}.list"
    if path.exists():
        return path
    with gzip.open(ROOT / "data/demo/rockstar_z0_pid.list.gz", "rt") as text:
        lines = text.read().splitlines()
    head = [line for line in lines if line.startswith("#")]
    side = next(float(line.split()[2]) for line in head if line.startswith("#Box size"))
    names = head[0][1:].split()
    first, host, name = names.index("X"), names.index("PID"), names.index("ID")
    rows = {row[name]: row for row in (line.split() for line in lines if not line.startswith("#"))}
    place = lambda row: sum(int(float(row[first + i]) * 2 // side) << i for i in range(3))
    own = [row for row in rows.values() if place(rows.get(row[host], row)) == k]
    for row in own:
        row[first:first + 3] = [f"{float(x) % (side / 2):.5f}" for x in row[first:first + 3]]
    path.write_text("\n".join([f"#Box size: {side / 2} Mpc/h" if line.startswith("#Box size") else line for line in head] + [" ".join(row) for row in own]) + "\n")
    return path


def write_vectors(folder, results):
    settings = []
    for statistic in ("ed", "ee"):
        s = results["statistics"][f"{statistic}_A:sample"]
        edges, path = np.array(s["edges"]), ROOT / folder / f"{statistic}.dat"
        np.savetxt(path, np.stack([np.sqrt(edges[1:] * edges[:-1]), s["value"], s["error"]], 1), header=f"r {statistic} err", comments="")
        settings.append(f"validate.targets.{statistic}_A:sample={path}")
    return settings


def coverage(arguments):
    rows, start = [], {"halo": 1, "radius": TRUTH["radius"] if arguments.octants else 0.3}  # an eighth has too few satellites to tell
    fitted = [name for name in TRUTH if start[name] != TRUTH[name]]
    for mock in range(1, arguments.mocks + 1):
        common, here, there = [*ANALYTIC, *PLAIN, *COVERAGE, *arguments.set], [], []
        if arguments.octants:  # every pair of eighths once in 56 mocks
            here, there = ([*OCTANTS, f"input.path={octant(arguments.work, k)}"] for k in (mock % 8, (mock + 1 + mock // 8 % 7) % 8))
        folder = arguments.work / f"truth{mock}"
        truth = validated(folder, "config/lensing.yaml", *common, *here, *law(TRUTH), f"seed={10_000 + mock}", "validate.nla=false")
        rows.append(calibrated(arguments.work / f"found{mock}", *common, *there, *write_vectors(folder, truth), *law(start), f"seed={100 * mock}",
                               f"calibrate.strengths=[{', '.join(fitted)}]", *arguments.calibrate))
    print(f"\n| strength | put in | found: mean | scatter | mean error | within one error, of {len(rows)} | within two | (found - put in) / error: mean, scatter |\n|---|---|---|---|---|---|---|---|")
    inside = []
    for name in fitted:
        truth = TRUTH[name]
        value, error = (np.array([row["strengths"][name][key] for row in rows]) for key in ("value", "error"))
        pull = (value - truth) / error
        inside += list(np.abs(pull) < 1)
        print(f"| {name} | {truth} | {value.mean():.3f} ± {value.std(ddof=1) / np.sqrt(len(rows)):.3f} | {value.std(ddof=1):.3f} | {error.mean():.3f} | {np.sum(np.abs(pull) < 1)} "
              f"| {np.sum(np.abs(pull) < 2)} | {pull.mean():.2f}, {pull.std(ddof=1):.2f} |")
    print(f"\nwithin one error: {100 * np.mean(inside):.0f} % of {len(inside)} strengths (chance: ± {100 * np.sqrt(0.683 * 0.317 / len(inside)):.0f} %)")
    excess = np.array([(row["chi2"] - row["chi2_expected"]) / row["chi2_scatter"] for row in rows])
    print(f"(chi2 - expected) / scatter: mean {excess.mean():.2f}, scatter {excess.std(ddof=1):.2f}; not converged: {sum(not row['converged'] for row in rows)}; at a bound: "
          f"{sum(s['at_bound'] for row in rows for s in row['strengths'].values())}")


# ---- Amplitudes ----

def amplitude(results, sample):
    fit = results["nla"]["fits"][sample]
    return fit["A_1"], fit["A_1_error"]


def amplitudes(arguments):
    print(f"\n| smoothing, exponent | wanted | `nla` found | A_1: mean of {arguments.mocks} fresh mocks, jackknife | off by, in errors | the same without the noise, scatter of the mocks | off by |\n|---|---|---|---|---|---|---|")
    for smoothing in (3, 1.5):
        for exponent in (0, 1):
            common = [*ANALYTIC, *PLAIN, *law({"halo": 0, "radius": 0}), f"shapes.smoothing={smoothing}", f"shapes.density_exponent={exponent}", f"density.file={arguments.density.resolve()}",
                      "stats.selections={few: log_stellar_mass > 10.8}", *arguments.set]
            for wanted in (1, 2, 4):
                out = arguments.work / f"a{wanted}_{smoothing}_{exponent}"
                found = calibrated(out, *common, "calibrate.strengths=[nla]", f"calibrate.a_1.all={wanted}", *arguments.calibrate)
                config, fits = out / "calibrated.yaml", {"with": [], "without": []}
                for seed in range(501, 501 + arguments.mocks):
                    fits["with"].append(amplitude(validated(out / f"mock{seed}", config, f"seed={seed}"), "all"))
                    none = arguments.work / "none"
                    fits["without"].append(amplitude(validated(none / f"mock{seed}", config, f"seed={seed}", "shapes.nla=0"), "all"))
                a, noise = np.array(fits["with"]), np.array(fits["without"])
                root = np.sqrt(len(a))
                mean, error, quiet, nla = a[:, 0].mean(), a[:, 1].mean() / root, a[:, 0] - noise[:, 0], found["strengths"]["nla"]
                calm = np.hypot(quiet.std(ddof=1) / root, wanted * nla["error"] / nla["value"])  # of fresh mocks, and of the strength
                print(f"| {smoothing} Mpc/h, {exponent} | {wanted} | {nla['value']:.4g} ± {nla['error']:.2g} | {mean:.2f} ± {error:.2f} | {(mean - wanted) / error:.1f} | {quiet.mean():.3f} ± {calm:.3f} "
                      f"| {(quiet.mean() - wanted) / calm:.1f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=["coverage", "amplitudes"])
    parser.add_argument("--mocks", type=int)
    parser.add_argument("--density", type=pathlib.Path, help="mesh of the overdensity of the demo run (density.file)")
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--octants", action="store_true")
    parser.add_argument("--set", action="append", default=[], help="override a key of painting, validation and calibration")
    parser.add_argument("--calibrate", action="append", default=[], help="the same of calibration only")
    arguments = parser.parse_args()
    arguments.work = arguments.work or pathlib.Path("out/calibration") / (arguments.check + ("-octants" if arguments.octants else ""))
    arguments.mocks = arguments.mocks or (20 if arguments.check == "coverage" else 10)
    (ROOT / arguments.work).mkdir(parents=True, exist_ok=True)
    pathlib.Path(NO_EXTRAS[1].split("=")[1]).write_text("{}\n")
    if arguments.check == "coverage":
        return coverage(arguments)
    if arguments.density is None:
        parser.error("--density: give the overdensity of the run")
    amplitudes(arguments)


if __name__ == "__main__":
    main()
