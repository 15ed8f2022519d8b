"""The painters in one table: trained on one truth, judged on host halos that none of them saw.

compare_painters.py [--folder out/painters] [--program build/release/halobrush] [--write docs/results/painters.md] [--set key=value ...]

Paints the analytic law on the demo halos (config/demo-truth.yaml), trains graph_diffusion, diffusion and graph_gan on it, paints with
each, and compares with the truth on the held-out host halos (train.test_fraction). The law itself, painted with another seed, is the
row of a perfect painter. Steps whose result is in the folder already are not repeated. Some 12 minutes on one core.
"""
import argparse
import json
import pathlib
import resource
import sys

import h5py
import numpy as np

from common import ROOT, markdown
from common.demo import add_directions, galaxies_per_second, held_out_halos, paint
from common.program import Run
from halobrush import BadTable
from halobrush.galaxies import read_pair
from halobrush.model_file import read_tensors
from halobrush.two_sample import two_sample

# What differs between the painters' trainings; the rest is config/demo-train.yaml.
TRAININGS = {
    "graph_diffusion": {"train.steps": 800},
    "diffusion": {"train.steps": 800},
    "graph_gan": {"gan.width": 32, "train.learning_rate": 1e-3, "train.batch": 512, "train.steps": 10000, "train.ema": 0.99, "train.gradient_clip": 10},
}


def train(run, name, truth):
    model = run.folder / f"{name}.safetensors"
    settings = [f"train.painter={name}", f"train.catalog={truth}", f"train.model={model}", "train.test_fraction=0.3",
                *(f"{key}={value}" for key, value in TRAININGS[name].items())]
    return model, run.once(model, "train", "config/demo-train.yaml", settings=settings)


def loglike(run, model, truth):
    """Mean -log p of the held-out galaxies with its error, and the table of galaxies."""
    table = run.folder / f"{pathlib.Path(model).stem}.loglike.hdf5"
    run.once(table, "loglike", model, truth, "--out", table)
    test = json.loads(table.with_suffix(".hdf5.json").read_text())["log_likelihood"].get("test")
    return (None if test is None else (-test["mean"], test["error"])), table


def weights(model):
    return sum(values.size for values in read_tensors(model).values())


def alignment(properties, halos, kind):
    """Mean squared cosine of the major axis with the halo's (centrals) or with the radius (satellites), and its error."""
    direction = halos.directions["halo_axis" if kind == "centrals" else "radius"]
    chosen = (halos.central == (kind == "centrals")) & (np.linalg.norm(direction, axis=1) > 0)
    squares = np.sum(properties.axes[:, :, 0] * direction, 1)[chosen] ** 2
    return squares.mean(), squares.std() / np.sqrt(squares.size)


def row_of(name, pair, mock, nll, model=None, seconds=None):
    result = two_sample(pair, perturbations=())
    c2st = [result["c2st"][kind]["accuracy"] for kind in ("trees", "mlp")]
    held = pair.select(np.flatnonzero(pair.held_out))
    value = lambda part: "{:.3f} ± {:.3f}".format(*part)
    return [name, f"{c2st[0]:.3f} / {c2st[1]:.3f}", "–" if nll is None else "{:.3f} ± {:.3f}".format(*nll),
            *(value(alignment(held.draws[0], held.halos, kind)) for kind in ("centrals", "satellites")),
            f"{galaxies_per_second(mock):,.0f}", "–" if model is None else f"{weights(model):,}", "–" if seconds is None else f"{seconds / 60:.1f}"]


def table_of(run):
    truth = paint(run, "truth", 101, [], "config/demo-truth.yaml")
    mocks = {"analytic": paint(run, "analytic", 102, [], "config/demo-truth.yaml")}
    models, seconds = {}, {}
    for name in TRAININGS:
        models[name], seconds[name] = train(run, name, truth)
        mocks[name] = paint(run, name, 1, ["painter.kind=auto", f"painter.model={models[name]}"])
    nll = {"graph_gan": None}
    for name in ("graph_diffusion", "diffusion"):
        nll[name], judged = loglike(run, models[name], truth)
    held_out = held_out_halos(judged)
    with h5py.File(loglike(run, "analytic", truth)[1]) as file:
        law = file["data/log_likelihood"][np.isin(file["data/halo_id"][()], held_out)]
    nll["analytic"] = -law.mean(), law.std() / np.sqrt(law.size)

    rows = []
    for name, mock in mocks.items():
        pair = read_pair(truth, [mock])
        add_directions(pair.halos)
        pair.held_out = np.isin(pair.halos.halo_id, held_out)
        rows.append(row_of(name, pair, mock, nll[name], models.get(name), seconds.get(name)))
    held = pair.select(np.flatnonzero(pair.held_out))
    amplitudes = ["{:.3f} ± {:.3f}".format(*alignment(held.truth, held.halos, kind)) for kind in ("centrals", "satellites")]
    rows.insert(0, ["truth", "0.5", "–", *amplitudes, "–", "–", "–"])
    return rows, int(pair.held_out.sum()), np.unique(held.halos.group).size


def text_of(rows, galaxies, hosts):
    head = ["painter", "C2ST: trees / MLP", "−log p", "⟨cos²⟩ centrals, halo axis", "⟨cos²⟩ satellites, radius", "galaxies/s a core",
            "weights", "training, CPU min"]
    return f"{galaxies:,} galaxies in {hosts:,} host halos that no painter was trained on.\n\n{markdown.table(head, rows)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "out/painters")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/halobrush")
    parser.add_argument("--write", type=pathlib.Path, help="document whose table is replaced")
    parser.add_argument("--set", action="append", default=[], help="for every run of the program: key=value")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    start = resource.getrusage(resource.RUSAGE_SELF)
    try:
        text = text_of(*table_of(Run(arguments.program.resolve(), folder, arguments.set)))
    except BadTable as problem:
        sys.exit(f"compare_painters: error: {problem}")
    spent = sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) - start.ru_utime
    print(f"{text}\n\n{spent / 60:.1f} CPU minutes")
    if arguments.write:
        markdown.write(arguments.write, "painters", text)


if __name__ == "__main__":
    main()
