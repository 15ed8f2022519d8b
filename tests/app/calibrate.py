"""halobrush calibrate: strengths put into a mock are found again, on any number of ranks; what it writes paints a mock that meets the target; an
amplitude A_1 that is asked for; what is refused, each in one line before any work."""
import json

import numpy as np

from runner import Scratch, catalog_lines, expect, paint, run, sets, write_catalog
from validation import CONFIG, DATA, measured

LENSING = "config/lensing.yaml"
TRUTH = {"halo": 2.5, "radius": 1.2}
STATISTICS = ["stats.r.bins=8", "stats.r.min=0.3", "stats.r.max=30", "stats.jackknife=3", "stats.selections={massive: log_stellar_mass > 9.8}"]
LAW = ["painter.kind=analytic", "painter.model=", "field.mesh=64", "domain.tiles=[4, 1, 1]", "shapes.tide=[0, 0]", "shapes.spin=[0, 0]", "shapes.late_share=1"]


def strengths(halo, radius):
    return [f"shapes.halo=[{halo}, 0]", f"shapes.radius=[{radius}, 0]"]


def thinned(path, n):
    """Every n-th group of the demo catalog, all over the box."""
    header, lines = catalog_lines()
    hosts = lambda line: line.split()[0] if line.split()[-1] == "-1" else line.split()[-1]
    return write_catalog(path, header, [line for line in lines if int(hosts(line)) % n == 0])


def calibrate(ranks, out, settings, code=0):
    done = run(ranks, "calibrate", LENSING, *sets([*settings, f"calibrate.path={out}"]), timeout=300)
    expect(done.returncode == code, f"exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done if code else json.loads((out / "calibration.json").read_text())


def write_vectors(folder, results, name="{}_A"):
    """Of a validation, as files of targets; the settings that name them."""
    settings = []
    for statistic in ("ed", "ee"):
        s = results["statistics"][f"{statistic}_A:massive"]
        edges = np.array(s["edges"])
        path = folder / f"{name.format(statistic)}.dat"
        np.savetxt(path, np.stack([np.sqrt(edges[1:] * edges[:-1]), s["value"], s["error"]], 1), header=f"r {statistic} err", comments="")
        settings.append(f"validate.targets.{statistic}_A:massive={path}")
    return settings


def check_recovery(scratch, halos):
    """False alarms of the limits, 3.5 errors each and chi^2 within five of its scatters: below 1 in 500, for errors that are right; the seeds are fixed."""
    paint(1, scratch / "truth.hdf5", *halos, *LAW, *strengths(*TRUTH.values()), "seed=900", config=LENSING)
    results = measured(1, scratch / "truth.hdf5", scratch / "truth", ["validate.figures=false", "validate.nla=false", *STATISTICS])
    targets = [*write_vectors(scratch, results), "validate.target_r=[0.5, 32]"]
    settings = [*halos, *LAW, *STATISTICS, *targets, *strengths(1, 0), "calibrate.strengths=[halo, radius]", "calibrate.seeds=2", "calibrate.same_halos=true"]
    found = calibrate(1, scratch / "found", settings)
    for name, truth in TRUTH.items():
        s = found["strengths"][name]
        expect(abs(s["value"] - truth) < 3.5 * s["error"], f"{name}: {s}, painted with {truth}")
        expect(0.02 < s["error"] < 1, f"{name}: error {s}")
        print(f"{name}: {s['value']:.3f} +- {s['error']:.3f}, painted with {truth}")
    expect(found["converged"] and found["dof"] == sum(len(t["r"]) for t in found["targets"].values()) - 2, found["dof"])
    expect(abs(found["chi2"] - found["chi2_expected"]) < 5 * found["chi2_scatter"], f"chi2 {found['chi2']} for {found['chi2_expected']}")
    expect((scratch / "found/calibration.png").stat().st_size > 10_000, "no figure")

    three = calibrate(3, scratch / "three", [*settings, "validate.figures=false"])
    for key in ("strengths", "covariance", "chi2", "targets"):
        expect(three[key] == found[key], f"{key} on 1 and 3 ranks: {found[key]} {three[key]}")

    # The configuration it wrote paints; its mock is that of the fit's first seed.
    paint(2, scratch / "calibrated.hdf5", config=scratch / "found/calibrated.yaml")
    again = measured(1, scratch / "calibrated.hdf5", scratch / "again", [*STATISTICS, *targets, "validate.figures=false", "validate.nla=false"])
    for name, target in again["targets"].items():
        expect(target["chi2"] < 2.5 * target["dof"], f"{name} of the calibrated mock: {target}")
        before, after = (np.sum(((np.array(found["targets"][name][key]) - target["value"]) / target["error"]) ** 2) for key in ("start", "fitted"))
        print(f"{name}: chi2 {before:.0f} at the start, {after:.1f} fitted, {target['chi2']:.1f} of the calibrated mock, {target['dof']:.0f} bins")
    return settings


def check_amplitude(scratch, halos):
    """NLA alone: the noise cancels, so the amplitude of the mean of the mocks is met to a few per cent. Two validations tell that of one mock, by the
    same road: with and without the field, of the same random numbers."""
    settings = [*halos, *LAW, *strengths(0, 0), *STATISTICS, "stats.rp.min=1.5", "stats.rp.bins=8", "stats.rp.max=32", "calibrate.seeds=2"]
    found = calibrate(1, scratch / "nla", [*settings, "calibrate.strengths=[nla]", "calibrate.a_1.all=3"])
    a, nla = found["a_1"]["all"], found["strengths"]["nla"]
    expect(found["noise_cancelled"] and abs(a["fitted"] - 3) < 0.03 and a["start"] == 0, a)
    expect(0 < nla["error"] < 0.2 * nla["value"], nla)
    amplitudes = []
    of_validate = [s for s in settings if s.startswith(("stats.", "field."))]
    for name, extra in (("with", []), ("without", ["shapes.nla=0"])):
        paint(1, scratch / f"{name}.hdf5", *extra, config=scratch / "nla/calibrated.yaml")
        fits = measured(1, scratch / f"{name}.hdf5", scratch / f"nla_{name}", [*of_validate, "validate.figures=false"])["nla"]["fits"]
        amplitudes.append(fits["all"]["A_1"])
    difference = amplitudes[0] - amplitudes[1]
    expect(abs(difference - 3) < 0.3, f"A_1 with and without the field: {amplitudes}")
    print(f"A_1 = 3 asked for: nla = {nla['value']:.3f} +- {nla['error']:.3f}; one mock with minus without the field: {difference:.2f}")


def check_refusals(scratch, settings):
    given = [*settings, "validate.figures=false", f"input.path={thinned(scratch / 'thin.list', 14)}"]
    no_targets = [s for s in given if not s.startswith("validate.targets")]
    r, value, error = np.loadtxt(scratch / "ed_A.dat", skiprows=1).T

    def bad(name, *columns, header="r ed err"):
        np.savetxt(scratch / f"{name}.dat", np.stack(columns, 1), header=header, comments="")
        return f"validate.targets.ed_A:massive={scratch / name}.dat"

    def refused(code, text, *extra, ranks=1, given=given):
        done = calibrate(ranks, scratch / "refused", [*given, *extra], code)
        lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
        expect(len(lines) == 1 and text in lines[0], f"wanted '{text}':\n{done.stdout}{done.stderr}")
        expect(not (scratch / "refused").exists(), f"'{text}': something was written")
        expect("seed 1 are painted" not in done.stdout, f"'{text}' came after galaxies were painted")
        print(lines[0])

    refused(DATA, "bins.dat:2: r = ", bad("bins", 1.07 * r, value, error))
    refused(DATA, "kpc.dat:2: r = ", bad("kpc", 1000 * r, value, error), ranks=3)
    refused(DATA, "columns are 'r ee err'", bad("columns", r, value, error, header="r ee err"))
    refused(CONFIG, "no sub-sample 'masive' (nearest known: 'massive')", f"validate.targets.ed_A:masive={scratch / 'ed_A.dat'}", ranks=3)
    refused(CONFIG, "calibrate.a_1.rad: there is no sub-sample 'rad'", "calibrate.a_1.rad=2")
    refused(CONFIG, "calibrate.a_1.all: 'two' is no finite number", "calibrate.a_1.all=two")
    refused(CONFIG, "'ssfr'", "stats.selections={massive: ssfr > 0}")
    refused(CONFIG, "no strength 'hallo' (nearest known: 'halo')", "calibrate.strengths=[hallo]")
    refused(CONFIG, "'halo' starts at 60 in section shapes, it can be 0 to 50", "shapes.halo=[60, 0]")
    refused(CONFIG, "'radius' starts at -1", "shapes.radius=[-1, 0]")
    refused(CONFIG, "names 'halo' twice", "calibrate.strengths=[halo, halo]")
    refused(CONFIG, "calibrate.strengths: names none", "calibrate.strengths=[]")
    refused(CONFIG, "painter.axes: is ''", "painter.axes=")
    refused(CONFIG, "tidal_2", "calibrate.strengths=[tide]", "shapes.smoothing=2")
    refused(CONFIG, "'log_stellar_mass'", "painter.kind=auto", "painter.model=models/demo-orientation.safetensors", "field.smoothing=[1,4]")
    refused(CONFIG, "no strength changes where galaxies are", f"validate.targets.xi={scratch / 'ed_A.dat'}")
    refused(CONFIG, "beyond half the box", "stats.r.max=90", "calibrate.a_1.all=2", "calibrate.strengths=[nla]", given=no_targets)
    refused(CONFIG, "nothing to fit to", given=no_targets)
    refused(CONFIG, "2 strengths, but only 1 numbers", "calibrate.a_1.all=2", given=no_targets)
    refused(CONFIG, "input.path", "input.path=")

    # What only galaxies tell.
    def late(text, *extra):
        done = calibrate(1, scratch / "late", [*given, *extra], DATA)
        lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
        expect(len(lines) == 1 and text in lines[0] and not (scratch / "late/calibration.json").exists(), f"wanted '{text}':\n{done.stdout}{done.stderr}")
        print(lines[0])
    quick = "calibrate.seeds=2"
    late("takes 0 galaxies", quick, "stats.selections={massive: log_stellar_mass > 12.5}")
    late("pairs of 'log_stellar_mass > 10.8' from", quick, "stats.selections={massive: log_stellar_mass > 10.8}", "stats.jackknife=2")
    late("answers to 'spin'", quick, "validate.target_r=[3, 32]", "calibrate.strengths=[halo, spin]", "shapes.early_centre=-5")

    own = scratch / "own/calibration.json"
    own.parent.mkdir()
    own.write_text("mine")
    done = run(1, "calibrate", LENSING, *sets([*given, f"calibrate.path={own.parent}"]))
    expect(done.returncode == CONFIG and own.read_text() == "mine", f"another file was replaced: {done.stderr}")


def main():
    with Scratch() as scratch:
        halos = ["field.smoothing=[3]"]
        settings = check_recovery(scratch, halos)
        check_amplitude(scratch, halos)
        check_refusals(scratch, settings)


main()
