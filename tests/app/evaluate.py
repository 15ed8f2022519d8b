"""halobrush evaluate: the law judges itself and passes, a painter of another law does not; the same table on any number of ranks; what
cannot be judged is refused in one line, and without Python the numbers of the program are there."""
import json
import shutil
import subprocess

import h5py
import numpy as np

from runner import ENVIRONMENT, PROGRAM, ROOT, Scratch, command, expect, paint, run, sets, small_catalog, write_catalog

ROWS = 2500
SMALL = ["field.mesh=32", "domain.tiles=[2,1,1]"]


def evaluate(ranks, model, catalog, out, *options, settings=()):
    return run(ranks, "evaluate", model, catalog, "--out", out, *options, *sets(settings), timeout=300)


def judged(out):
    return json.loads((out / "evaluation.json").read_text())


def columns(out):
    with h5py.File(out / "evaluation.hdf5") as file:
        return {name: dataset[()] for name, dataset in file["data"].items()}


def accuracy(result):
    return max(part["accuracy"] for part in result["c2st"]["c2st"].values())


def verdict(done, result):
    """The exit code and the last line are those of the page."""
    failed = [one["name"] for one in result["requirements"] if not one["pass"]]
    all_of_them = len(result["requirements"])
    text = f"{len(failed)} of {all_of_them} requirements FAIL: {'; '.join(failed)}" if failed else f"all {all_of_them} requirements hold"
    expect(done.returncode == bool(failed) and text in done.stdout.splitlines()[-1], f"{done.returncode}, {text}: {done.stdout}{done.stderr}")


def refused(code, text, *arguments, **settings):
    done = evaluate(2, *arguments, **settings)
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == 1 and text in lines[0], f"{arguments}: {done.returncode} {done.stderr}")
    print(lines[0])


def table_without_python(ranks, program, truth, out):
    """Of a program that has no Python beside it."""
    words = command(ranks, ["evaluate", "analytic", truth, "--out", out, "--draws", 2])
    words[words.index(str(PROGRAM))] = program
    done = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    expect(done.returncode == 1 and "no statistics" in done.stdout, f"{ranks} ranks: {done.stdout}{done.stderr}")
    return columns(out)


def same_table_on_any_ranks(truth, scratch):
    program = shutil.copy(PROGRAM, scratch / "halobrush")
    for other in ("halobrush-main", "halobrush-networks.so"):
        shutil.copy(PROGRAM.with_name(other), scratch)
    tables = [table_without_python(ranks, program, truth, scratch / f"np{ranks}") for ranks in (1, 2, 3)]
    for table in tables[1:]:
        for name, values in tables[0].items():
            expect(values.tobytes() == table[name].tobytes(), f"{name} depends on the number of ranks")
    summary = judged(scratch / "np1")
    expect("not computed" in summary["statistics"] and -20 < summary["log_p"]["mean"] < 20, f"without Python: {summary}")
    expect(not (scratch / "np1/index.html").exists(), "a table without statistics has the page of another one")
    return tables[0]


def main():
    with Scratch() as scratch:
        write_catalog(scratch / "small.list", *small_catalog(ROWS))
        truth = scratch / "truth.hdf5"
        paint(2, truth, f"input.path={scratch}/small.list", *SMALL, config="config/demo-truth.yaml")

        table = same_table_on_any_ranks(truth, scratch)
        with h5py.File(truth) as mock:
            order = np.argsort(mock["data/halo_id"][()])
            for name in ("log_stellar_mass", "galaxy_axisA_x", "b_to_a"):
                expect(np.allclose(table[name][np.argsort(table["halo_id"])], mock[f"data/{name}"][()][order], atol=1e-6), f"{name} is not the truth")
        expect(not np.allclose(table["draw1_log_stellar_mass"], table["draw2_log_stellar_mass"]), "the draws are the same")
        expect(not np.allclose(table["draw1_log_stellar_mass"], table["log_stellar_mass"]), "the draw is the truth")

        done = evaluate(2, "analytic", truth, scratch / "law", "--draws", 2)
        law = judged(scratch / "law")
        verdict(done, law)
        expect(accuracy(law) < 0.535, f"the law tells itself apart: {law['c2st']}")  # an error of 0.008, two classifiers
        expect(law["orientation"]["satellite_major_radius"]["p"] > 1e-3, "the law's alignment is not its own")
        expect((scratch / "law/index.html").stat().st_size > 50_000, "a page without figures")

        done = evaluate(2, "analytic", truth, scratch / "other", "--draws", 1, "--no-density",
                        settings=["analytic.satellite_kappa_a=0", "analytic.kappa_a_red=[0,0]", "analytic.kappa_a_blue=[0,0]",
                                  "analytic.stellar_mass_scatter=0.3"])
        other = judged(scratch / "other")
        verdict(done, other)
        expect(accuracy(other) > 0.55 and not other["pass"], f"another law passes: {other['c2st']}")
        expect(other["orientation"]["central_major_halo_axis"]["p"] < 1e-3, "isotropic axes pass")
        print(f"C2ST: the law {accuracy(law):.3f}, another law {accuracy(other):.3f}")

        refused(4, "cannot be used as a model", ROOT / "README.md", truth, scratch / "none")
        refused(3, "", "analytic", scratch / "small.list", scratch / "none")
        rows = small_catalog(ROWS)[1]
        renamed = [" ".join([str(int(row.split()[0]) + 10**9), *row.split()[1:-1], "-1"]) for row in rows[:200]]
        write_catalog(scratch / "others.list", small_catalog(1)[0], renamed)
        refused(3, "halo_id", "analytic", truth, scratch / "none", settings=[f"input.path={scratch}/others.list"])
        with h5py.File(shutil.copy(truth, scratch / "bad.hdf5"), "a") as mock:
            del mock["data/color_gr"]
        refused(3, "color_gr", "analytic", scratch / "bad.hdf5", scratch / "none")


main()
