"""Which requirements a model breaks at other seeds, and whether chance explains it.

seed_pairs.py [--models demo demo-8 demo-4 analytic] [--pairs 20] [--work out/seed-pairs] [--jobs 2] [--set key=value]

Pair k: the analytic law (config/demo-truth.yaml, seed 300 + k) against a model (config/demo.yaml, seed 500 + k), by halobrush validate. `analytic`: the law itself
as the model. Models are names in models/, or files. Prints, for each requirement that breaks, in how many pairs, its stated false-alarm rate (docs/results/false-alarms.md) and
the chance of that many or more in so many pairs; exit code 1 where a requirement fails systematically: chance under 1 % over all requirements. About
five seconds a pair on two cores.
"""
import argparse
import concurrent.futures
import json
import pathlib
import sys

from scipy import stats

from common import ROOT
from common.program import run, sets

PAIR_RATE = 0.046    # of pairs of one law that break any requirement
POOLED_RATE = 0.042  # of those that break the one on chi2/dof of all statistics
KS_RATE = 0.001      # beyond the allowance: the distance that sampling exceeds once in a thousand times
SYSTEMATIC = 0.01


def model_file(name):
    return name if name.endswith(".safetensors") else f"models/{name}.safetensors"


def paint(config, seed, mock, settings):
    run("paint", config, "--restart=never", *sets([f"seed={seed}", f"output.path={mock}", "input.min_particles=20", *settings]))


def rate_of(requirement):
    """The false-alarm rate that docs/results/false-alarms.md states; 0 for limits that sampling does not touch."""
    if "pooled" in requirement["name"]:
        return POOLED_RATE
    if "p-value" in requirement["name"]:
        return requirement["limit"]
    return KS_RATE if "KS distance" in requirement["name"] else 0.0


def verdicts_of(k, model, arguments):
    work = arguments.work / pathlib.Path(model).stem
    truth, mock, out = arguments.work / f"truth{k}.hdf5", work / f"mock{k}.hdf5", work / f"validation{k}"
    if model == "analytic":
        paint("config/demo-truth.yaml", 500 + k, mock, arguments.set)
    else:
        paint("config/demo.yaml", 500 + k, mock, [f"painter.model={model_file(model)}", *arguments.set])
    run("validate", mock, "--reference", truth, "--out", out, "--set", "validate.figures=false", "--set", "validate.nla=false")
    return json.loads((ROOT / out / "validation.json").read_text())["requirements"]


def limit_text(limit):
    return " to ".join(f"{x:.3g}" for x in (limit if isinstance(limit, list) else [limit]))


def chance(failures, pairs, rate):
    return float(stats.binom.sf(failures - 1, pairs, rate)) if rate > 0 else float(failures == 0)


def table(model, pairs):
    """Lines, and whether something fails systematically. `pairs`: the requirements of each pair."""
    required = {}
    for pair in pairs:
        for r in pair:
            required.setdefault(r["name"], []).append(r)
    passed = sum(all(r["pass"] for r in pair) for pair in pairs)
    failed = len(pairs) - passed
    lines = [f"\n### {model}: {passed} of {len(pairs)} pairs pass all of {len(required)} requirements; "
             f"chance of {failed} or more that fail: {chance(failed, len(pairs), PAIR_RATE):.2g}\n",
             "| requirement | fails in | false-alarm rate | chance of that | worst value | its limit |", "|---|---|---|---|---|---|"]
    systematic = False
    for name, judged in required.items():
        broken = [r for r in judged if not r["pass"]]
        if not broken:
            continue
        rate = rate_of(judged[0])
        p = chance(len(broken), len(pairs), rate)
        systematic |= p < SYSTEMATIC / len(required)
        worst = (min if broken[0]["sense"] == ">=" else max)(broken, key=lambda r: r["value"] if r["value"] is not None else float("nan"))
        lines.append(f"| {name} | {len(broken)} of {len(pairs)} | {100 * rate:g} % | {p:.2g} | {worst['value'] if worst['value'] is None else format(worst['value'], '.3g')} | {worst['sense']} {limit_text(worst['limit'])} |")
    if failed == 0:
        lines.append("| none | | | | | |")
    return lines, systematic


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["demo", "demo-8", "demo-4", "analytic"])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/seed-pairs"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], help="override a key of painting both")
    arguments = parser.parse_args()
    ks = range(1, arguments.pairs + 1)
    (ROOT / arguments.work).mkdir(parents=True, exist_ok=True)
    systematic = False
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(lambda k: paint("config/demo-truth.yaml", 300 + k, arguments.work / f"truth{k}.hdf5", arguments.set), ks))
        for model in arguments.models:
            (ROOT / arguments.work / pathlib.Path(model).stem).mkdir(exist_ok=True)
            lines, fails = table(model, list(pool.map(lambda k: verdicts_of(k, model, arguments), ks)))
            systematic |= fails
            print("\n".join(lines), flush=True)
    sys.exit(1 if systematic else 0)


if __name__ == "__main__":
    main()
