#!/usr/bin/env python3
"""Measures the diffusion on SO(3) and writes what it finds between the marks of docs/so3.md.

  so3_tables.py [kernel] [densities] [likelihood] [pose] [--quick]     all of them by default, some 20 minutes on a core

Needs build/release and the networks of models/so3 (so3_densities trains those that are absent)."""

import argparse
import os
import pathlib
import re
import subprocess
import tempfile

import numpy as np

from common import ROOT, markdown
from halobrush.rotation_two_sample import log_score, read, strong_score

PROGRAMS = ROOT / "build/release"
DOCUMENT = ROOT / "docs/so3.md"
DENSITIES = ["checkerboard", "blobs", "stripes"]
EVALUATIONS = [4, 8, 16, 32, 64]
SEEDS = [1, 2, 3, 4]
SAMPLES = 20000
AUTHORS_SAMPLES = 5000


def run(program, *arguments):
    command = [str(PROGRAMS / program), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"so3_tables: {' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def number(text, name):
    return float(re.search(rf"^{name} (-?[\d.]+)", text, re.MULTILINE).group(1))


def kernel(quick):
    return run("so3_kernel", *(["--draws", 10000] if quick else []))


class Draws:
    """Rotations of one density, drawn once for each setting."""

    def __init__(self, folder, density, samples):
        self.folder, self.density, self.samples = folder, density, samples

    def draw(self, name, *arguments, samples=None):
        path = self.folder / f"{self.density}-{name}.hdf5"
        if not path.exists():
            run("so3_densities", "--density", self.density, "--samples", samples or self.samples, "--out", path, *arguments)
        return read(path)

    def truth(self, seed):
        return self.draw(f"truth{seed}", "--truth", "--seed", seed)

    def model(self, evaluations, seed, *arguments):
        name = f"{evaluations}-{seed}{''.join(arguments)}"
        return self.draw(name, "--evaluations", evaluations, "--seed", seed, *arguments)

    def authors(self):
        return self.draw("authors", "--sampler", "authors", "--evaluations", 4094, samples=min(AUTHORS_SAMPLES, self.samples))


def mean_text(scores):
    """Means over the seeds as 'trees / perceptron', and their spread where there is one."""
    names = ["trees", "perceptron"]
    means = [np.mean([s[n] for s in scores]) for n in names]
    return " / ".join(f"{m:.3f}" for m in means)


def strong_table(draws, seeds):
    """Row name -> density -> text."""
    rows = {}
    for d in draws:
        print(f"{d.density}:", flush=True)

        def put(row, scores, density=d.density):
            rows.setdefault(row, {})[density] = mean_text(scores)
            print(f"  {row}: {mean_text(scores)}", flush=True)

        put("real", [strong_score(d.truth(100 + s), d.truth(200 + s), s) for s in seeds])
        for n in EVALUATIONS:
            used = seeds if n in (8, 16) else seeds[:1]
            put(f"{n}", [strong_score(d.model(n, s), d.truth(200 + s), s) for s in used])
        for n in (8, 16):
            put(f"{n}, not distilled", [strong_score(d.model(n, 1, "--plain"), d.truth(201), 1)])
        put("authors' 4,094", [strong_score(d.authors(), d.truth(201), 1)])
    return rows


def log_table(draws):
    rows = {}
    for d in draws:
        truth = d.truth(201)
        columns = {"real": d.truth(101), **{str(n): d.model(n, 1) for n in EVALUATIONS}, "authors' 4,094": d.authors()}
        for row, rotations in columns.items():
            rows.setdefault(row, {})[d.density] = f"{log_score(rotations, truth)['log']:.3f}"
    return rows


def density_table(rows, first):
    lines = [f"| {first} | " + " | ".join(DENSITIES) + " |", "|---" * (len(DENSITIES) + 1) + "|"]
    lines += [f"| {row} | " + " | ".join(cells[d] for d in DENSITIES) + " |" for row, cells in rows.items()]
    return "\n".join(lines) + "\n"


def densities(quick):
    samples, seeds = (2000, SEEDS[:1]) if quick else (SAMPLES, SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        draws = [Draws(pathlib.Path(folder), d, samples) for d in DENSITIES]
        strong, log = strong_table(draws, seeds), log_table(draws)
    return (
        f"Strong measure, boosted trees / perceptron on the nine entries, {samples:,} + {samples:,}, both sides jittered by "
        f"0.02 rad; means over {len(seeds)} seeds for real, 8 and 16, else one ({min(AUTHORS_SAMPLES, samples):,} of the "
        "authors' sampler):\n\n"
        + density_table(strong, "evaluations")
        + "\nThe authors' measure, a perceptron 30×30 on log R, 5,000 + 5,000, 5 folds:\n\n"
        + density_table(log, "evaluations")
    )


def likelihood(quick):
    text = run("so3_densities", "--density", "mixture", "--likelihood", 1000 if quick else 10000)
    return (
        "| mixture of four IGSO(3), σ = 0.3, blur 0.05 | |\n|---|---|\n"
        f"| ∫ exp(log p) over SO(3), 64 steps | {number(text, 'integral'):.4f} |\n"
        f"| mean −log p over the exact one, nats | {number(text, 'excess'):.4f} |\n"
        f"| exact entropy, nats | {number(text, 'entropy'):.3f} |\n"
    )


def pose(quick):
    text = run("so3_pose", *(["--views", 3, "--samples", 200] if quick else []))
    return "    " + text.strip().replace("\n", "\n    ") + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tables = {f.__name__: f for f in (kernel, densities, likelihood, pose)}
    parser.add_argument("tables", nargs="*", help=", ".join(tables))
    parser.add_argument("--quick", action="store_true", help="few samples, printed only: does it run?")
    arguments = parser.parse_args()
    for name in arguments.tables or tables:
        if name not in tables:
            parser.error(f"no table '{name}'; there are {', '.join(tables)}")
        text = tables[name](arguments.quick)
        print(text)
        if not arguments.quick:
            markdown.write(DOCUMENT, name, text)


if __name__ == "__main__":
    main()
