"""What the lensing mock shows at several seeds: the tables of docs/results/lensing.md.

lensing_seeds.py --vectors FOLDER --ellipticities FOLDER [--seeds 10] [--work out/lensing-seeds] [--jobs 2] [--set key=value]

Paints config/lensing.yaml with seeds 1, 2, … and validates each with the requirements `lensing`. FOLDER of vectors: TNG300-1_99-sample_{1,2}_{ed,ee}.dat of Campbell et al.
(M* of at least 10^10.5, 10^10); of ellipticities: histo_{early,late}_mag24_V17-21.dat of Joachimi et al. 2013, as DESCQA keeps them. Prints tables in Markdown: ED and EE by bin,
chi2 per bin, Kolmogorov-Smirnov distances, w_g+ and A_1 by colour, requirements broken. Half a minute a seed on one core.
"""
import argparse
import concurrent.futures
import json
import pathlib

import numpy as np

from common import ROOT
from common.program import run, sets

SAMPLES = {"massive": "log_stellar_mass > 10.5", "above_10": "log_stellar_mass > 10", "early": "early_type", "late": "not early_type",
           "red": "color_gr > 0.6 and log_stellar_mass > 10.5", "blue": "color_gr <= 0.6 and log_stellar_mass > 10.5", "all": "halo_mass > 0"}


def validated(mocks, out, arguments):
    """Several mocks: draws taken together, which may break a requirement without ending this script."""
    selections = ", ".join(f"{name}: {cut}" for name, cut in SAMPLES.items() if name != "all")
    vectors = ", ".join(f"{name}_A:{sample}: {arguments.vectors}/TNG300-1_99-sample_{k}_{name}.dat" for k, sample in ((1, "massive"), (2, "above_10")) for name in ("ed", "ee")
                        if sample == "massive" or len(mocks) == 1)
    lists = ", ".join(f"{name}: {arguments.ellipticities}/histo_{name}_mag24_V17-21.dat" for name in ("early", "late"))
    run("validate", *mocks, "--out", out, *sets([f"stats.selections={{{selections}}}", "validate.requirements=lensing", "validate.figures=false", f"validate.targets={{{vectors}}}",
                                                 f"validate.ellipticities={{{lists}}}", "validate.ellipticity_definition=chi", "validate.target_r=[0.34, 32]"]))
    return json.loads((ROOT / out / "validation.json").read_text())


def painted(seed, arguments):
    mock = arguments.work / f"mock{seed}.hdf5"
    run("paint", "config/lensing.yaml", "--restart=never", *sets([f"seed={seed}", f"output.path={mock}", *arguments.set]))
    return mock


def verdict_table(result):
    print(f"\nAll draws together, M* ≥ 10^10.5, {sum(q['pass'] for q in result['requirements'])} of {len(result['requirements'])} requirements hold:\n\n| | required | measured |\n|---|---|---|")
    for q in result["requirements"]:
        if not q["name"].startswith(("column", "galaxies", "axes")):
            limit = q["limit"] if isinstance(q["limit"], float) else " to ".join(map(str, q["limit"]))
            print(f"| {q['name']} | {q['sense']} {limit} | {q['value']:.3g} |")


def chi2(value, target, *errors):
    return float(np.sum((np.array(value) - target) ** 2 / sum(np.square(e) for e in errors)) / len(target))


def vectors_table(results):
    print("\n| sample | vector | χ² per bin: mean of the seeds, our error their scatter | one seed | mean, our error the scatter of the mean | largest and smallest of one seed by jackknife |\n|---|---|---|---|---|---|")
    for name in results[0]["targets"]:
        rows = [r["targets"][name] for r in results]
        values, target = np.array([row["mock"] for row in rows]), rows[0]
        mean, scatter, theirs = values.mean(0), values.std(0, ddof=1), np.array(target["error"])
        one = np.mean([chi2(v, target["value"], theirs, scatter) for v in values])
        jackknife = [row["chi2_per_dof"] for row in rows]
        print(f"| {name.split(':')[1]} | {name.split(':')[0]} | {chi2(mean, target['value'], theirs, scatter):.2f} | {one:.2f} "
              f"| {chi2(mean, target['value'], theirs, scatter / np.sqrt(len(values))):.2f} | {max(jackknife):.2f}, {min(jackknife):.2f} |")
    for sample in ("massive", "above_10"):
        rows = {key: [r["targets"][f"{key}_A:{sample}"] for r in results] for key in ("ed", "ee")}
        print(f"\n{sample}:\n\n| r [Mpc/h] | ED, TNG300 | ED, mock | EE, TNG300 | EE, mock |\n|---|---|---|---|---|")
        for b, r in enumerate(rows["ed"][0]["r"]):
            cells = []
            for key in ("ed", "ee"):
                ours = np.array([row["mock"][b] for row in rows[key]])
                cells += [f"{rows[key][0]['value'][b]:.4f} ± {rows[key][0]['error'][b]:.4f}", f"{ours.mean():.4f} ± {ours.std(ddof=1):.4f}"]
            print(f"| {r:.2f} | " + " | ".join(cells) + " |")


def scores_table(results):
    print("\n| | mean | least | largest |\n|---|---|---|---|")

    def line(name, values):
        values = [v for v in values if v is not None and np.isfinite(v)]
        print(f"| {name} | {np.mean(values):.3g} | {min(values):.3g} | {max(values):.3g} |" if values else f"| {name} | not measured | | |")
    for name in results[0]["ellipticities"]:
        line(f"distance of ellipticities, {name}", [r["ellipticities"][name]["ks"] for r in results])
    for requirement in results[0]["requirements"]:
        if "amplitude in units of its error" in requirement["name"]:
            values = [next(q["value"] for q in r["requirements"] if q["name"] == requirement["name"]) for r in results]
            line(requirement["name"], values)
            # Without alignment the amplitudes are noise of the shapes, which seeds do not share: each in its own error, their sum over root n is normal.
            line(f"{requirement['name']}, {len(values)} seeds together (scatter of one {np.std(values, ddof=1):.2f})", [np.sum(values) / np.sqrt(len(values))])
    fits = [r["nla"]["fits"] if r.get("nla") else {} for r in results]
    for name in fits[0]:
        line(f"A_1, {name} (error {np.mean([f[name]['A_1_error'] for f in fits]):.2g})", [f[name]["A_1"] for f in fits])
        line(f"galaxy bias, {name} (error {np.mean([f[name]['bias_error'] for f in fits]):.2g})", [f[name]["bias"] for f in fits])
    broken = {}
    for r in results:
        for q in r["requirements"]:
            if not q["pass"]:
                broken[q["name"]] = broken.get(q["name"], 0) + 1
    print(f"\nRequirements broken, of {len(results[0]['requirements'])}, in how many of {len(results)} seeds: {broken or 'none'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vectors", type=pathlib.Path, required=True)
    parser.add_argument("--ellipticities", type=pathlib.Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/lensing-seeds"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], help="override a key of painting")
    arguments = parser.parse_args()
    arguments.vectors, arguments.ellipticities = arguments.vectors.resolve(), arguments.ellipticities.resolve()
    (ROOT / arguments.work).mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        mocks = list(pool.map(lambda seed: painted(seed, arguments), range(1, arguments.seeds + 1)))
        results = list(pool.map(lambda mock: validated([mock], arguments.work / mock.stem.replace("mock", "validation"), arguments), mocks))
    vectors_table(results)
    scores_table(results)
    if len(mocks) > 1:
        verdict_table(validated(mocks, arguments.work / "validation", arguments))


if __name__ == "__main__":
    main()
