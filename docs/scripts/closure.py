"""Closure: what a model learns from a law that is known, on host halos it was not trained on.

closure.py [--config config/demo-train.yaml] [--model FILE] [--work out/closure] [--draws 3] [--set key=value]

Paints the analytic law on the demo halos (config/demo-truth.yaml), trains a model on it (unless --model names one), evaluates it on the
held-out hosts, and prints the tables of docs/results/models.md.
"""
import argparse
import json
import pathlib

from common import ROOT
from common.program import run, run_python, sets


def both(part):
    return " / ".join(f"{part[name]['accuracy']:.3f} ± {part[name]['error']:.3f}" for name in ("trees", "mlp"))


def tables_of(result):
    c2st = result["c2st"]
    yield f"{c2st['galaxies']} galaxies in {c2st['groups']} held-out host halos, {c2st['draws']} draws.\n"
    yield "| C2ST, boosted trees / MLP | accuracy |\n|---|---|"
    yield f"| painted against true | {both(c2st['c2st'])} |"
    yield f"| null: {c2st['null_kind']} | {both(c2st['null'])} |"
    for part in c2st["perturbed"].values():
        yield f"| perturbed: {part['what']} | {both(part)} |"
    parts = result["ks"]
    names = list(parts["all"])
    yield f"\n| KS distance (p) | {' | '.join(names)} |\n|---|{'---|' * len(names)}"
    for part, tests in parts.items():
        cells = [f"{tests[n]['distance']:.3f} ({tests[n]['p']:.2g})" if n in tests else "" for n in names]
        yield f"| {part} | {' | '.join(cells)} |"
    moments = result["joint_moments"]
    pairs = [(i, j) for i in range(len(names)) for j in range(i)]
    yield "\n| correlation, true → painted | scalars | residuals at fixed inputs |\n|---|---|---|"
    for i, j in pairs:
        cells = [f"{moments[k]['truth'][i][j]:+.3f} → {moments[k]['painted'][i][j]:+.3f}" for k in ("scalars", "residuals")]
        yield f"| {moments['names'][i]}, {moments['names'][j]} | {' | '.join(cells)} |"
    yield "\n| alignment | true | painted | p |\n|---|---|---|---|"
    for name, part in result["orientation"].items():
        if isinstance(part, dict):
            show = lambda key: ", ".join("–" if e is None else f"{v:.3f} ± {e:.3f}" for v, e in zip(part[key], part[f"{key}_error"]))
            yield f"| {name.replace('_', ' ')} | {show('truth')} | {show('painted')} | {part['p']:.2g} |"
    if result["log_p"]:
        yield f"\nMean −log p {-result['log_p']['mean']:.3f} ± {result['log_p']['error']:.3f} nats."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="config/demo-train.yaml")
    parser.add_argument("--model", help="a trained model, or 'analytic': what a painter without fault gives")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("out/closure"))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--no-density", action="store_true")
    parser.add_argument("--set", action="append", default=[], help="override a key of the training")
    arguments = parser.parse_args()
    truth, model = arguments.work / "truth.hdf5", arguments.model or arguments.work / "model.safetensors"
    run("paint", "config/demo-truth.yaml", "--overwrite", "--set", f"output.path={truth}")
    if not arguments.model:
        run("train", arguments.config, *sets((f"train.catalog={truth}", f"train.model={model}", *arguments.set)))
    density = ["--no-density"] if arguments.no_density else []
    run("evaluate", model, truth, "--out", arguments.work, "--draws", arguments.draws, *density)
    run_python("evaluate", arguments.work / "evaluation.hdf5", "--out", arguments.work, "--perturbations", "shift,scatter,orientation")
    table = "\n".join(tables_of(json.loads((ROOT / arguments.work / "evaluation.json").read_text())))
    (ROOT / arguments.work / "closure.md").write_text(table + "\n")
    print(table)


if __name__ == "__main__":
    main()
