#!/usr/bin/env python3
"""Which shifts of the halos a painter notices, and by what: the tables of docs/results/distribution-shift.md.

  shift_catalogs.py [--data FOLDER] [--work out/shift] [--program build/release/halobrush] [--models FOLDER] [--steps 300] [--write]

Makes catalogs that a model was not trained for out of real halos, lets the program paint them, and judges detectors by what they must
predict: whether what is painted on a halo is wrong. Halos of the demo catalog: as at z = 1 (scale factor, Vmax, radii and angular
momenta at given mass), M200c for Mvir, tidal fields of coarser meshes, and measured with an eighth of the particles. FOLDER has the TNG
excerpts (tng100-1_subset.hdf5, tng100-2_subset.hdf5): M200c turned into Mvir, and TNG100-2. Without it those rows are left out.

A stand-in has the very halos of its original, so the same galaxies would be right: wrong is a galaxy whose log M* moves by more than 0.05,
painted with the same random numbers. Of TNG100-2 the true galaxies are known: wrong is one that differs from the mean of the draws by over
0.3. --models has demo.safetensors, tng.safetensors and tng-gravity.safetensors; those that are missing, or that are of an older version,
are trained with so many steps (no detector sees the network, but what is painted is rougher). About ten minutes of one core."""
import argparse
import gzip
import json
import pathlib
import re
import shutil

import h5py
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from common import ROOT, markdown
from common.demo import HALOS as DEMO
from common.markdown import table
from common.program import Run
from common.tng import without_discs
from halobrush.host_split import TEST, TRAINING, VALIDATION
from halobrush.model_file import read_header, read_tensors
from halobrush.tables import read_columns

DRAWS = 4
WRONG, WRONG_RESIDUAL = 0.05, 0.3  # dex of stellar mass
GRAVITY = ("train.inputs=[log_mass, log_bound_mass, log_host_mass, is_central, log_host_distance, host_speed, host_radial_velocity, "
           "host_displacement, host_velocity, orbital_angular_momentum]")
MVIR, RVIR = 1.19, 1.31  # over M200c and R200c: an NFW halo of concentration 7 at z = 0
ACCEPT = "painter.accept=[mass_definition]"


# ---- Catalogs ----

def rockstar(target, edit, header=lambda line: line):
    """The demo list with its rows edited: edit(fields by name)."""
    if target.exists():
        return target
    lines = gzip.open(DEMO, "rt").read().splitlines()
    names = lines[0][1:].split()
    out = []
    for line in lines:
        if line.startswith("#"):
            out.append(header(line))
            continue
        fields = dict(zip(names, line.split()))
        edit(fields)
        out.append(" ".join(fields[n] for n in names))
    target.write_text("\n".join(out) + "\n")
    return target


def scale(fields, factor, *names):
    for name in names:
        fields[name] = f"{float(fields[name]) * factor:.6g}"


def at_redshift_one(folder):
    """Virial relations of the demo's cosmology at given mass: radii (comoving), circular velocities, angular momenta (radius times velocity)."""
    def edit(f):
        scale(f, 1.233, "Vmax", "Vrms")
        scale(f, 1.179, "Rvir", "Rs", "rs_klypin")
        scale(f, 0.5 * 1.179 * 1.233, "JX", "JY", "JZ")
    return rockstar(folder / "z1.list", edit, lambda line: line.replace("a = 1.000000", "a = 0.500000"))


def vmax_only(folder):
    return rockstar(folder / "vmax.list", lambda f: scale(f, 1.05, "Vmax"))


def coarser(folder):
    """As an eighth of the particles would measure: shot noise of spins and concentrations, softer centres, shapes of 20 particles or none."""
    rng = np.random.default_rng(8)

    def edit(f):
        n = max(int(f["Np"]) // 8, 1)
        j = np.array([float(f[k]) for k in ("JX", "JY", "JZ")])
        noisy = j + rng.normal(0, max(np.linalg.norm(j), 1e-30) / np.sqrt(n), 3)
        for k, value in zip(("JX", "JY", "JZ"), noisy):
            f[k] = f"{value:.4e}"
        scale(f, np.linalg.norm(noisy) / max(np.linalg.norm(j), 1e-30), "Spin")
        scale(f, 10 ** rng.normal(0, 0.4 / np.sqrt(n)), "Rs")
        scale(f, 1 - min(0.5, 1 / n), "Vmax")
        if n < 20:
            f.update({"b_to_a": "0.00000", "c_to_a": "0.00000", "A[x]": "0.00000", "A[y]": "0.00000", "A[z]": "0.00000"})
    return rockstar(folder / "coarse.list", edit)


def with_virial_masses(galaxies, target):
    """Hosts' M200c and R200c turned into Mvir and Rvir."""
    if not target.exists():
        shutil.copy(galaxies, target)
        with h5py.File(target, "a") as file:
            hosts = file["data/parent_id"][()] == -1
            for name, factor in (("mass", MVIR), ("radius", RVIR)):
                file[f"data/{name}"][...] = np.where(hosts, factor, 1) * file[f"data/{name}"][()]
    return target


# ---- The program ----

def model_for(run, models, name, steps, config, settings):
    """As shipped, or trained now."""
    shipped = models / f"{name}.safetensors"
    if shipped.exists() and "input_density" in read_header(shipped):
        return shipped
    model = run.folder / f"{name}.safetensors"
    run.once(model, "train", config, settings=[*settings, f"train.model={model}", f"train.steps={steps}"])
    return model


def evaluated(run, name, model, galaxies, *settings):
    folder = run.folder / name
    run.once(folder / "evaluation.hdf5", "evaluate", model, galaxies, "--out", folder, "--draws", DRAWS, "--table-only", "--no-density", settings=settings)
    return read_columns(folder / "evaluation.hdf5")


def painted(run, name, config, model, halos, *settings):
    """The summary of a mock: what the catalog as a whole was warned of."""
    mock = run.folder / f"{name}.mock.hdf5"
    run.once(mock, "paint", config, settings=["seed=5", f"output.path={mock}", f"painter.model={model}", f"input.path={halos}", *settings])
    return json.loads(pathlib.Path(f"{mock}.json").read_text())


# ---- Detectors ----

class Inputs:
    """The invariants of the inputs, as the program makes them (model/input_range.cpp)."""

    def __init__(self, model):
        self.spec = read_header(model)
        self.tensors = {n: t.astype(float) for n, t in read_tensors(model).items() if n.startswith("input_")}

    def of(self, columns):
        inputs = self.spec["inputs"]
        scalars = np.stack([columns[f"input_{n}"] for n in inputs["scalars"]], 1)
        standard = (scalars - inputs["scalar_mean"]) / inputs["scalar_deviation"]
        norms = [np.sqrt(sum(columns[f"input_{n}_{c}"] ** 2 for c in "xyz")) for kind in ("polar", "axial") for n in inputs[kind]]
        norms += [np.sqrt(sum(columns[f"input_{n}_{c}"] ** 2 for c in ("xx", "yy", "zz")) + 2 * sum(columns[f"input_{n}_{c}"] ** 2 for c in ("xy", "xz", "yz")))
                  for n in inputs["tensors"]]
        return np.hstack([standard, np.stack(norms, 1)])

    def squared(self, x):
        """[components, n] squared distances."""
        return np.stack([((x - m) @ w.T) ** 2 @ np.ones(x.shape[1]) for m, w in zip(self.tensors["input_density.mean"], self.tensors["input_density.whitening"])])

    def mixture(self, x):
        return np.sqrt(self.squared(x).min(0))

    def density(self, x):
        determinants = np.log(np.diagonal(self.tensors["input_density.whitening"], axis1=1, axis2=2)).sum(1)
        terms = (np.log(self.tensors["input_density.weight"]) + determinants)[:, None] - 0.5 * self.squared(x)
        most = terms.max(0)
        return -(most + np.log(np.exp(terms - most).sum(0)))

    def mahalanobis(self, x):
        v = x - self.spec["input_range"]["mean"]
        return np.sqrt(np.einsum("ni,ij,nj->n", v, np.reshape(self.spec["input_range"]["precision"], (v.shape[1], -1)), v))


def neighbours(training):
    deviation = training.std(0)
    deviation[deviation < 1e-6] = 1
    near = NearestNeighbors(n_neighbors=5).fit(training / deviation)
    return lambda x: near.kneighbors(x / deviation)[0][:, -1]


def detectors(inputs, training):
    whitening = np.linalg.cholesky(np.reshape(inputs.spec["input_range"]["precision"], (training.shape[1], -1)))
    near = neighbours(training @ whitening)
    return {"Mahalanobis": inputs.mahalanobis, "mixture, nearest component": inputs.mixture, "mixture, −log density": inputs.density,
            "5th neighbour": neighbours(training), "5th neighbour, whitened": lambda x: near(x @ whitening)}


class Judge:
    """Thresholds that one in a hundred of the validation galaxies exceeds; false alarms are counted among hosts that nothing saw."""

    def __init__(self, model, original):
        self.inputs, self.original = Inputs(model), original
        x, split = self.inputs.of(original), original["split"]
        self.detectors = detectors(self.inputs, x[split == TRAINING])
        self.scores = {n: d(x) for n, d in self.detectors.items()}
        self.bounds = {n: np.quantile(s[split == VALIDATION], 0.99) for n, s in self.scores.items()}
        self.test = split == TEST
        flags = self.scores["mixture, nearest component"] > self.inputs.spec["input_density"]["distance"]
        assert np.mean(flags == original["out_of_distribution"].astype(bool)) > 0.9999, "the program flags other galaxies"

    def false_alarms(self):
        return [f"{np.mean(self.original['out_of_distribution'][self.test]):.2%}",
                *(f"{np.mean(self.scores[n][self.test] > self.bounds[n]):.2%}" for n in self.detectors)]

    def row(self, columns, rows, wrong):
        """Of galaxies `rows`: flagged by the program; then area under the curve, flagged of the wrong, flagged of all, for each detector."""
        x = self.inputs.of(columns)[rows]
        cells = [f"{np.mean(wrong):.1%}", f"{np.mean(columns['out_of_distribution'][rows]):.1%}"]
        for name, detector in self.detectors.items():
            scores, held = detector(x), self.scores[name][self.test]
            if not wrong.any():
                cells.append(f"– / – / {np.mean(scores > self.bounds[name]):.1%}")
                continue
            area = roc_auc_score(np.r_[np.zeros(len(held)), np.ones(wrong.sum())], np.r_[held, scores[wrong]])
            cells.append(f"{area:.3f} / {np.mean(scores[wrong] > self.bounds[name]):.1%} / {np.mean(scores > self.bounds[name]):.1%}")
        return cells


def stellar_mass(columns):
    return np.mean([columns[f"draw{k}_log_stellar_mass"] for k in range(1, DRAWS + 1)], 0)


def seen_by(summary):
    """What the catalog as a whole was warned of."""
    inputs = summary.get("inputs", {}).get("shifts", {})
    warned = {n: s for n, s in inputs.items() if s["warned"]}
    origin = [w.split(": ")[1] for w in summary["warnings"] if w.startswith("model: ") and not w.startswith("model: inputs:")]
    strongest = max(warned, key=lambda n: warned[n]["ks"], default=None)
    origins = "; ".join(re.sub(r"^[0-9]+ halos", "halos", text) for text in dict.fromkeys(origin)) or "nothing"
    if strongest is None:
        return "nothing", origins
    s = warned[strongest]
    scatters = f"{abs(s['shift']) / s['scatter']:.1f} scatters" if s["scatter"] > 1e-9 else "without scatter in training"
    return f"{len(warned)} of {len(inputs)} inputs; {strongest.replace('|', '')}: {s['shift']:+.3f}, {scatters}, KS {s['ks']:.2f}", origins


# ---- Tables ----

def stand_ins(run, judge, model, config, original, cases):
    """Rows of both tables for catalogs of the same halos."""
    rows, catalogs = [], []
    for name, galaxies, halos, settings in cases:
        key = re.sub("[^A-Za-z0-9]+", "-", name)
        columns = evaluated(run, key, model, galaxies, f"input.path={halos}", *settings)
        order = {i: k for k, i in enumerate(columns["halo_id"])}
        kept = np.flatnonzero(judge.test & np.isin(original["halo_id"], columns["halo_id"]))
        there = np.array([order[i] for i in original["halo_id"][kept]])
        moved = stellar_mass(columns)[there] - stellar_mass(original)[kept]
        rows.append([name, f"{moved.mean():+.3f}", *judge.row(columns, there, np.abs(moved) > WRONG)])
        catalogs.append([name, *seen_by(painted(run, key, config, model, halos, *settings))])
    return rows, catalogs


def demo_rows(run, arguments):
    truth = run.folder / "truth.hdf5"
    run.once(truth, "paint", "config/demo-truth.yaml", settings=[f"output.path={truth}"])
    model = model_for(run, arguments.models, "demo", arguments.steps, "config/demo-train.yaml", [f"train.catalog={truth}"])
    original = evaluated(run, "demo-own", model, truth, f"input.path={DEMO}")
    judge = Judge(model, original)
    shifted = {"z = 1 (Vmax × 1.233, radii × 1.179)": at_redshift_one, "Vmax × 1.05": vmax_only, "an eighth of the particles": coarser}
    cases = []
    for name, make in shifted.items():
        halos = make(run.folder)
        galaxies = run.folder / f"{halos.stem}.hdf5"  # the join compares redshifts and hashes: painted on these halos
        run.once(galaxies, "paint", "config/demo-truth.yaml", settings=[f"output.path={galaxies}", f"input.path={halos}"])
        cases.append((name, galaxies, halos, ()))
    cases += [("M200c for Mvir", truth, DEMO, ("input.host_mass=200c", ACCEPT)), ("tidal field of 64 cells a side (128)", truth, DEMO, ("field.mesh=64",)),
              ("tidal field of 32 cells a side (128)", truth, DEMO, ("field.mesh=32",))]
    rows, catalogs = stand_ins(run, judge, model, "config/demo.yaml", original, cases)
    own = ["demo: own halos", *seen_by(painted(run, "own", "config/demo.yaml", model, DEMO))]
    return judge, rows, [own, *catalogs]


def tng_rows(run, arguments, name):
    data = arguments.data
    galaxies = run.folder / "tng1.hdf5"
    morphology = data / "TNG100-1_99_galaxy_scale_len_height_5r.fits"
    run.once(galaxies, "convert", "config/tng-convert.yaml",
             settings=[f"input.path={data}/tng100-1_subset.hdf5", f"convert.morphology={morphology}", f"convert.path={galaxies}"])
    other = run.folder / "tng2-raw.hdf5"
    run.once(other, "convert", "config/tng-convert.yaml", settings=[f"input.path={data}/tng100-2_subset.hdf5", "convert.morphology=", f"convert.path={other}"])
    other = without_discs(other, run.folder / "tng2.hdf5")
    virial = with_virial_masses(galaxies, run.folder / "tng-virial.hdf5")
    model = model_for(run, arguments.models, name, arguments.steps, "config/tng-train.yaml",
                      [f"input.path={galaxies}", f"train.catalog={galaxies}", *([GRAVITY] if name == "tng-gravity" else [])])
    original = evaluated(run, f"{name}-own", model, galaxies)
    judge = Judge(model, original)
    rows, catalogs = stand_ins(run, judge, model, "config/tng-paint.yaml", original, [(f"{name}: Mvir for M200c", virial, virial, ())])
    columns = evaluated(run, f"{name}-2", model, other)
    residual = columns["log_stellar_mass"] - stellar_mass(columns)
    rows.append([f"{name}: TNG100-2", f"{residual.mean():+.3f}", *judge.row(columns, np.arange(len(residual)), np.abs(residual) > WRONG_RESIDUAL)])
    own = [f"{name}: own halos", *seen_by(painted(run, f"{name}-paint", "config/tng-paint.yaml", model, galaxies))]
    catalogs.append([f"{name}: TNG100-2", *seen_by(painted(run, f"{name}-2", "config/tng-paint.yaml", model, other))])
    return judge, rows, [own, *catalogs]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="folder of the TNG excerpts")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "out/shift")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/halobrush")
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "models")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--write", action="store_true", help="into docs/results/distribution-shift.md")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    run = Run(arguments.program.resolve(), arguments.work.resolve(), [])
    parts_of_table = [demo_rows(run, arguments)]
    if arguments.data:
        parts_of_table += [tng_rows(run, arguments, name) for name in ("tng", "tng-gravity")]
    else:
        print("without --data: the rows of IllustrisTNG are left out")
    names = list(parts_of_table[0][0].detectors)
    alarms = table(["model", "galaxies held out", "`out_of_distribution`", *names],
                   [[name, f"{judge.test.sum():,}", *judge.false_alarms()] for name, (judge, *_) in zip(("demo", "tng", "tng-gravity"), parts_of_table)])
    detected = table(["halos", "log M* moves by", "wrong", "`out_of_distribution`", *names], [row for _, rows, _ in parts_of_table for row in rows])
    catalogs = table(["halos", "inputs at given mass", "origin"], [row for *_, rows in parts_of_table for row in rows])
    for name, text in (("false alarms", alarms), ("detectors", detected), ("catalogs", catalogs)):
        print(f"== {name}\n{text}\n", flush=True)
        if arguments.write:
            markdown.write(ROOT / "docs/results/distribution-shift.md", name, text)


if __name__ == "__main__":
    main()
