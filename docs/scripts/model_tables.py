#!/usr/bin/env python3
"""Measures the shipped diffusion models and writes what it finds between the marks of docs/results/models.md.

  model_tables.py [closure] [evaluations] [density] [joint]     all of them by default, some 25 minutes on a core

Needs build/release and the models of models/. Truth is the analytic law on the demo halos (config/demo-truth.yaml). Steps whose result is
in out/tables already are not repeated."""
import argparse
import pathlib
import subprocess
import sys

import h5py
import numpy as np
from scipy.stats import ks_2samp

from common import ROOT, markdown
from common.demo import add_directions, galaxies_per_second, held_out_halos, paint
from common.markdown import table
from common.program import Run
from halobrush.galaxies import read_pair
from halobrush.two_sample import CLASSIFIERS, two_sample

DOCUMENT = ROOT / "docs/results/models.md"
ORIENTATION = "models/demo-orientation.safetensors"
MODEL, DISTILLED = "models/demo.safetensors", {8: "models/demo-8.safetensors", 4: "models/demo-4.safetensors"}
SEEDS = (1, 2, 3)


def truth_of(run):
    return paint(run, "truth", 101, [], "config/demo-truth.yaml")


def learned(run, seed, model=MODEL, evaluations=0):
    name = f"{pathlib.Path(model).stem}-{evaluations}-{seed}"
    return paint(run, name, seed, [f"painter.model={model}", f"painter.steps={evaluations}"])


def loglike(run, model, catalog, name):
    out = run.folder / f"{name}.hdf5"
    run.once(out, "loglike", model, catalog, "--out", out)
    return out


def scores(entry):
    return " / ".join(f"{entry[c]['accuracy']:.3f}" for c in CLASSIFIERS)


def pair_of(run, truth, mocks, halos):
    pair = read_pair(truth, mocks)
    add_directions(pair.halos)
    pair.held_out = np.isin(pair.halos.halo_id, halos)
    return pair


def parts_of(central):
    """Name -> which galaxies; by colour and mass each side by its own values."""
    red, mass = (lambda p: p.scalars["color_gr"] > 0.65), (lambda p: p.scalars["log_stellar_mass"])
    return {"all": None, "centrals": lambda p: central, "satellites": lambda p: ~central, "red (g − r > 0.65)": red, "blue": lambda p: ~red(p),
            "log M* < 10.5": lambda p: mass(p) < 10.5, "10.5 to 11": lambda p: (mass(p) >= 10.5) & (mass(p) < 11),
            "log M* > 11": lambda p: mass(p) >= 11}


def closure(run):
    truth = truth_of(run)
    test = held_out_halos(loglike(run, MODEL, truth, "density"))
    rows, shown = [], None
    for name, model in (("16 evaluations", MODEL), ("8, distilled", DISTILLED[8])):
        pair = pair_of(run, truth, [learned(run, seed, model) for seed in SEEDS], test)
        shown = shown or pair
        held_out_central = pair.halos.central[pair.held_out]
        parts = parts_of(held_out_central) if model == MODEL else {"all": None}
        for part, chosen in parts.items():
            result = two_sample(pair, perturbations=("shift",), part=chosen)
            rows.append([name, part, f"{result['galaxies']:,}", scores(result["c2st"]), scores(result["null"]), scores(result["perturbed"]["shift"])])
    held = np.flatnonzero(shown.held_out)
    real, drawn = shown.truth.select(held), shown.draws[0].select(held)
    ks = [f"{name} {ks_2samp(real.scalars[name], drawn.scalars[name]).pvalue:.2f}" for name in real.scalars]
    moments = [np.corrcoef([part.scalars[name] for name in real.scalars]) for part in (real, drawn)]
    return "\n\n".join([
        table(["model", "galaxies", "number", "C2ST, trees / MLP", "null", "log M* shifted by 0.05"], rows),
        "KS p-values of each scalar: " + ", ".join(ks) + ".",
        f"Correlations between scalars: largest difference {np.abs(moments[0] - moments[1]).max():.3f} (error of one: {1 / np.sqrt(held.size):.3f})."])


def evaluations(run):
    """Against the same model in 128 evaluations with another seed: what the sampler alone costs. All galaxies of the box."""
    settings = [(str(n), MODEL, n) for n in (4, 8, 16, 32, 64, 128)] + [(f"{n}, distilled", model, 0) for n, model in DISTILLED.items()]
    reference, rows = learned(run, 2, MODEL, 128), []
    for name, model, steps in settings:
        mock = learned(run, 1, model, steps)
        pair = read_pair(reference, [mock])
        add_directions(pair.halos)
        pair.held_out[:] = True
        rows.append([name, scores(two_sample(pair, perturbations=())["c2st"]), f"{galaxies_per_second(mock):,.0f}"])
    return table(["evaluations", "C2ST against 128, trees / MLP", "galaxies/s a core"], rows)


def excess(law, model, column):
    """Mean of log p(law) - log p(model) over the galaxies of host halos that the model never saw, with its error."""
    with h5py.File(law) as a, h5py.File(model) as b:
        by_id = dict(zip(a["data/halo_id"][()], a[f"data/{column}"][()]))
        test = b["data/split"][()] == 3
        exact = np.array([by_id[i] for i in b["data/halo_id"][()][test]])
        difference = exact - b["data/log_likelihood"][()][test]
    return [f"{-exact.mean():.3f}", f"{difference.mean():.4f} ± {difference.std() / np.sqrt(difference.size):.4f}", f"{difference.size:,}"]


def density(run):
    truth = truth_of(run)
    law = loglike(run, "analytic", truth, "law")
    rows = [["orientation (`models/demo-orientation.safetensors`)",
             *excess(law, loglike(run, ORIENTATION, truth, "density-orientation"), "log_orientation_density")],
            ["orientation and five scalars (`models/demo.safetensors`)", *excess(law, loglike(run, MODEL, truth, "density"), "log_likelihood")]]
    return table(["density", "entropy of the law, nats", "model's −log p above it", "held-out galaxies"], rows)


def joint(run):
    done = subprocess.run([sys.executable, ROOT / "docs/scripts/joint_sampling.py", "--program", run.program, "--out", run.folder / "joint"],
                          cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return "\n".join(["```", done.stdout.rstrip(), "```"])


SECTIONS = {"closure": closure, "evaluations": evaluations, "density": density, "joint": joint}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help="of " + ", ".join(SECTIONS))
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/halobrush")
    arguments = parser.parse_args()
    folder = ROOT / "out/tables"
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(arguments.program.resolve(), folder, [])
    for name in arguments.sections or SECTIONS:
        text = SECTIONS[name](run)
        print(f"== {name}\n{text}\n", flush=True)
        markdown.write(DOCUMENT, name, text)


if __name__ == "__main__":
    main()
