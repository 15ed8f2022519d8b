#!/usr/bin/env python3
"""Trains on IllustrisTNG, judges on host halos that were held out, and writes the tables of docs/results/tng.md.

  tng_tables.py --data FOLDER [--work out/tng-tables] [--program build/release/halobrush] [--ship] [section ...]

FOLDER holds tng100-1_subset.hdf5 and the table of disc fractions, or a download: --groups and --morphology name them. Sections:
  folds      six models, each trained without a sixth of the hosts (train.split_shift), pooled: scores without and with conformity
  shipped    the model and its gravity-only variant, 70 % of the hosts to train on, judged on their own test hosts
  shift      TNG100-2, which no model was trained on (docs/results/distribution-shift.md)
--ship copies the two models into models/. Steps whose result is in the work folder are not repeated. About 40 minutes of one core."""
import argparse
import json
import pathlib
import shutil

import h5py
import numpy as np

from common import ROOT, markdown
from common.markdown import table
from common.program import Run, run_python
from common.tng import without_discs
from halobrush.host_split import TEST, part_of
from halobrush.model_file import read_header, rewrite_header
from halobrush.tables import read_columns

FOLDS = 6
DRAWS = 6  # of the statistics of halos; the classifiers take three
# Vmax and spin of a full-physics run are not those of a gravity-only one.
VARIANTS = {"tng": [], "tng-gravity": ["train.inputs=[log_mass, log_bound_mass, log_host_mass, is_central, log_host_distance, host_speed, "
                                       "host_radial_velocity, host_displacement, host_velocity, orbital_angular_momentum]"]}


def converted(run, name, groups, morphology):
    out = run.folder / f"{name}.hdf5"
    run.once(out, "convert", "config/tng-convert.yaml", settings=[f"input.path={groups}", f"convert.morphology={morphology or ''}", f"convert.path={out}"])
    return out


def trained(run, name, galaxies, settings):
    model = run.folder / f"{name}.safetensors"
    seconds = run.once(model, "train", "config/tng-train.yaml",
                       settings=[f"input.path={galaxies}", f"train.catalog={galaxies}", f"train.model={model}", *settings])
    return model, seconds


def held_out(run, name, model, galaxies):
    """The part of the catalog in hosts that the model never saw: nothing else need be painted."""
    path = run.folder / f"{name}-hosts.hdf5"
    if not path.exists():
        shutil.copy(galaxies, path)
        with h5py.File(path, "a") as file:
            data = file["data"]
            kept = part_of(data["host_halo_id"][()], read_header(model)["host_split"]) == TEST
            for column in list(data):
                values, attributes = data[column][()][kept], dict(data[column].attrs)
                del data[column]
                data.create_dataset(column, data=values).attrs.update(attributes)
    return path


def evaluated(run, name, model, galaxies, *options, settings=()):
    folder = run.folder / name
    run.once(folder / "evaluation.hdf5", "evaluate", model, galaxies, "--out", folder, "--draws", DRAWS, "--table-only", *options, settings=settings)
    return folder / "evaluation.hdf5"


def judged(run, name, tables, *words):
    """evaluation.json of halobrush.evaluate."""
    out = run.folder / name
    if not (out / "done").exists():
        run_python("evaluate", *tables, "--out", out, "--c2st-draws", 3, *words)
        (out / "done").touch()
    return json.loads((out / "evaluation.json").read_text())


def with_conformity(run, model, tables, judge):
    """A copy of the model that the pooled noise of other hosts gave conformity."""
    copy = model.with_name(f"{model.stem}-conformity.safetensors")
    note = copy.with_suffix(".txt")
    if not note.exists():
        shutil.copy(model, copy)
        note.write_text(run_python("fit_conformity", copy, *tables, "--judged", judge))
    return copy, note.read_text()


# ---- Tables ----

def both(part):
    return " / ".join(f"{part[name]['accuracy']:.3f}" for name in ("trees", "mlp"))


def pm(value, error):
    return "–" if value is None or error is None else f"{value:.3f} ± {error:.3f}"


def scores_table(columns):
    """A column for each evaluation."""
    names = list(columns)
    of = lambda f: [f(columns[n]) for n in names]
    rows = [["held-out galaxies, hosts", *of(lambda r: f"{r['c2st']['galaxies']:,}, {r['c2st']['groups']}")],
            ["**C2ST**, trees / MLP, mean of 3 draws", *of(lambda r: f"**{both(r['c2st']['c2st'])}**")],
            ["its error", *of(lambda r: " / ".join(f"{r['c2st']['c2st'][n]['error']:.3f}" for n in ("trees", "mlp")))],
            ["null: two draws of the painter", *of(lambda r: both(r["c2st"]["null"]))],
            ["perturbed: M* + 0.05 dex", *of(lambda r: both(r["c2st"]["perturbed"]["shift"]))]]
    near = lambda r, which: " / ".join(f"{v:.3f}" for v in (r["neighbours"]["painter"] if which == "painter" else r["neighbours"]["neighbours"].get(which, {})).values()) or "–"
    rows += [["scalars alone: painter", *of(lambda r: near(r, "painter"))],
             ["scalars alone: 10 nearest neighbours", *of(lambda r: near(r, "equal weights"))],
             ["the same, Vmax × 4", *of(lambda r: near(r, "Vmax x 4"))]]

    def relation(r):
        bins = [b for b in r["stellar_mass_at_fixed"]["bins"] if b["galaxies"] > 500]
        if not bins:
            return "no bin of 500"
        return (f"{max((b['difference'] for b in bins), key=abs):+.3f} dex, scatter {max((b['painted_scatter'] / b['truth_scatter'] - 1 for b in bins), key=abs):+.0%}, "
                f"{len(bins)} bins of {r['stellar_mass_at_fixed']['input'].replace('log_', '')}")

    red = lambda r: (f"{max(abs(b['difference']) / b['error'] for b in r['red_fraction'] if b['galaxies'] > 500):.1f} σ"
                     if any(b["galaxies"] > 500 for b in r["red_fraction"]) else "no bin of 500")
    rows += [["M* at fixed input: largest offset", *of(relation)], ["red fraction by M*: largest offset", *of(red)],
             ["KS, least p of swapping halos", *of(lambda r: f"{min(t['p'] for t in r['ks']['all'].values()):.2f}")]]
    return table(["", *names], rows)


def conformity_table(columns):
    texts = {"pairs": "pairs of satellites, by pairs", "galaxies": "the same, by galaxies", "central_link": "central's M* with its satellites' c"}
    first = next(iter(columns.values()))["conformity"]
    return table(["correlation inside a host", "true", *columns],
                 [[text, pm(first[key]["truth"][0], first[key]["truth_error"][0]), *(pm(r["conformity"][key]["painted"][0], r["conformity"][key]["painted_error"][0]) for r in columns.values())]
                  for key, text in texts.items()])


def orientation_table(result):
    texts = {"central_spin_orbits": "\\|J_cen · ΣL̂_orb\\|, thirds of the host mass", "central_spin_minor_axis": "\\|J_cen · minor axis of the members\\|",
             "satellite_spin_orbit": "J_sat · L_orb, signed", "satellite_spin_radius": "\\|J_sat · r\\|", "central_spin_satellites": "\\|J_cen · r_sat\\|"}
    rows = []
    for key, text in texts.items():
        if key not in result["orientation"]:
            continue
        part = result["orientation"][key]
        listed = lambda side: ", ".join(pm(v, e) for v, e in zip(part[side], part[f"{side}_error"]))
        rows.append([text, listed("truth"), listed("painted"), f"{part['chi2']:.1f} / {part['dof']}, {part['p']:.2f}", f"{part['isotropic_sigma']:.1f} σ"])
    for key, part in result.get("disc_minus_bulge", {}).items():
        name = {"satellite_spin_orbit": "disc − bulge: J_sat · L_orb", "central_spin_minor_axis": "disc − bulge: \\|J_cen · minor\\|"}[key]
        rows.append([name, pm(part["truth"][0], part["truth_error"][0]), pm(part["painted"][0], part["painted_error"][0]), f"{part['chi2']:.1f} / {part['dof']}, {part['p']:.2f}", ""])
    return table(["", "true", "painted", "χ² / bins, p", "isotropic is rejected at"], rows)


def requirements_table(result):
    return table(["required", "value", "limit", ""], [[r["name"].replace("|", "\\|"), f"{r['value']:.3g}", r["limit"], "" if r["pass"] else "**no**"] for r in result["requirements"]])


# ---- Sections ----

def folds(run, galaxies):
    plain, shared, notes, seconds = [], [], [], []
    models = []
    for k in range(run.folds):  # validation hosts choose nothing (train.keep: last): a hundredth of them will do
        model, cost = trained(run, f"fold{k}", galaxies, ["train.validation_fraction=0.01", f"train.test_fraction={1 / FOLDS - 1e-7}", f"train.split_shift={k / FOLDS}"])
        models.append(model)
        seconds.append(cost)
        plain.append(evaluated(run, f"plain{k}", model, held_out(run, f"fold{k}", model, galaxies), "--no-density"))
    for k, model in enumerate(models):
        copy, note = with_conformity(run, model, plain, plain[k])
        notes.append(note)
        shared.append(evaluated(run, f"shared{k}", copy, held_out(run, f"fold{k}", model, galaxies), "--no-density"))
    without = judged(run, "plain", plain)
    result = judged(run, "shared", shared, "--beside", run.folder / "plain/evaluation.json")
    columns = {"independent noise": without, "with conformity": result}
    return "\n\n".join([f"{run.folds} of {FOLDS} folds, {min(seconds):.0f} to {max(seconds):.0f} CPU seconds of training each.", scores_table(columns), conformity_table(columns),
                        "Loadings of the first:\n\n```\n" + notes[0].rstrip() + "\n```", orientation_table(result), requirements_table(result)])


def shipped(run, galaxies):
    pooled = [run.folder / f"plain{k}/evaluation.hdf5" for k in range(run.folds)]
    columns, seconds = {}, {}
    for name, settings in VARIANTS.items():
        model, seconds[name] = trained(run, name, galaxies, settings)
        if all(path.exists() for path in pooled):
            own = evaluated(run, f"{name}-plain", model, held_out(run, name, model, galaxies), "--no-density")
            model, _ = with_conformity(run, model, pooled, own)
        columns[name] = judged(run, name, [evaluated(run, name, model, held_out(run, name, model, galaxies))])
    loss = {name: (run.folder / f"{name}.safetensors.losses.csv").read_text().splitlines()[1:] for name in VARIANTS}
    end = {name: float(lines[-1].split(",")[2]) for name, lines in loss.items()}
    more = table(["", *VARIANTS], [["training, CPU seconds", *(f"{s:.0f}" for s in seconds.values())], ["held-out loss at the end", *(f"{value:.3f}" for value in end.values())],
                                   ["mean −log p, nats", *(pm(-r["log_p"]["mean"], r["log_p"]["error"]) for r in columns.values())],
                                   ["inputs out of distribution (`out_of_distribution`)", *(f"{r['out_of_distribution']:.2%}" for r in columns.values())]])
    return "\n\n".join([more, scores_table(columns), orientation_table(columns["tng"])])


def distances(columns, spec):
    """Mahalanobis distance of the inputs, as the program's (InputRange)."""
    scalars = np.stack([columns[f"input_{n}"] for n in spec["inputs"]["scalars"]], 1)
    standard = (scalars - spec["inputs"]["scalar_mean"]) / spec["inputs"]["scalar_deviation"]
    norms = [np.sqrt(sum(columns[f"input_{n}_{c}"] ** 2 for c in "xyz")) for kind in ("polar", "axial") for n in spec["inputs"][kind]]
    v = np.hstack([standard, np.stack(norms, 1)]) - spec["input_range"]["mean"]
    return np.sqrt(np.einsum("ni,ij,nj->n", v, np.reshape(spec["input_range"]["precision"], (v.shape[1], -1)), v))


def residual(columns, name, number=1):
    """True minus painted."""
    difference = columns[name] - columns[f"draw{number}_{name}"]
    return difference[columns[f"{name}_known"].astype(bool)]


def shift(run, galaxies):
    """The same model on the simulation that it learned from (test hosts) and on one of another resolution."""
    model = ROOT / "models/tng.safetensors"
    other = without_discs(converted(run, "tng100-2", run.other, None), run.folder / "tng100-2-no-discs.hdf5")
    own = without_discs(held_out(run, "tng", model, galaxies), run.folder / "tng-hosts-no-discs.hdf5")  # -log p of the same labels
    tables = [read_columns(evaluated(run, f"shift-{k}", model, path, "--no-density")) for k, path in ((1, galaxies), (2, other))]
    log_p = [read_columns(evaluated(run, f"density-{k}", model, path))["log_p"] for k, path in ((1, own), (2, other))]
    spec = read_header(model)
    radius = np.quantile(distances(tables[0], spec)[tables[0]["split"] == 1], 0.99)
    tables[0] = {n: v[tables[0]["held_out"].astype(bool)] for n, v in tables[0].items()}
    share = [f"{np.mean(distances(t, spec) > radius):.2%}" for t in tables]
    labels = [label["name"] for label in spec["labels"] if label["name"] != "disc_fraction"]
    rows = [["galaxies", *(f"{len(t['halo_id']):,}" for t in tables)], ["**inputs**: beyond the radius of 99 % of the training galaxies", *share],
            ["inputs out of distribution (`out_of_distribution`)", *(f"{np.mean(t['out_of_distribution']):.2%}" for t in tables)]]
    for name in labels:
        rows.append([f"**residuals**: {name}, true − painted", *(f"{residual(t, name).mean():+.3f} ± {residual(t, name).std() / np.sqrt(len(residual(t, name))):.3f}" for t in tables)])
    rows.append(["**density**: mean −log p of spin and labels without discs, nats", *(f"{-p.mean():.2f} ± {p.std() / np.sqrt(len(p)):.2f}" for p in log_p)])
    quenched = lambda t, prefix: np.mean(t[f"{prefix}log_ssfr"] < -12.5)
    rows.append(["quenched share, true / painted", *(f"{quenched(t, ''):.3f} / {quenched(t, 'draw1_'):.3f}" for t in tables)])
    edges = np.arange(1.8, 2.51, 0.1)
    bins = []
    t = tables[1]
    for low, high in zip(edges[:-1], edges[1:]):
        use = (t["input_log_vmax"] >= low) & (t["input_log_vmax"] < high)
        if use.sum() >= 20:
            bins.append([f"{low:.1f}–{high:.1f}", f"{use.sum():,}", *(f"{np.mean((t[n] - t[f'draw1_{n}'])[use]):+.2f}" for n in labels)])
    return table(["", "TNG100-1, test hosts", "TNG100-2"], rows) + "\n\nTNG100-2, true − painted in bins of log Vmax:\n\n" + table(["log Vmax", "galaxies", *labels], bins)


def ship(run):
    for name in VARIANTS:
        conform = run.folder / f"{name}-conformity.safetensors"
        model = ROOT / f"models/{name}.safetensors"
        shutil.copy(conform if conform.exists() else run.folder / f"{name}.safetensors", model)
        spec = read_header(model)  # whoever uses the model has other folders
        spec["provenance"] = {key: text.replace(str(run.folder), "out/tng") for key, text in spec["provenance"].items()}
        rewrite_header(model, spec)
        shutil.copy(run.folder / f"{name}.safetensors.losses.csv", ROOT / f"models/{name}.losses.csv")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section")
    parser.add_argument("--data", type=pathlib.Path, help="folder of the excerpts and of the disc fractions")
    parser.add_argument("--groups", help="group catalog of TNG100-1 (default: the excerpt in --data)")
    parser.add_argument("--other", help="group catalog of TNG100-2 (default: the excerpt in --data)")
    parser.add_argument("--morphology", help="its disc fractions")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "out/tng-tables")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/halobrush")
    parser.add_argument("--folds", type=int, default=FOLDS, choices=range(1, FOLDS + 1), help="so many of the six, the first ones")
    parser.add_argument("--ship", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    run = Run(arguments.program.resolve(), arguments.work.resolve(), [])
    groups = arguments.groups or arguments.data / "tng100-1_subset.hdf5"
    morphology = arguments.morphology or arguments.data / "TNG100-1_99_galaxy_scale_len_height_5r.fits"
    galaxies = converted(run, "galaxies", groups, morphology)
    run.folds = arguments.folds
    run.other = arguments.other or arguments.data / "tng100-2_subset.hdf5"
    sections = {"folds": folds, "shipped": shipped, "shift": shift}
    for name in arguments.sections or sections:
        text = sections[name](run, galaxies)
        print(f"== {name}\n{text}\n", flush=True)
        markdown.write(ROOT / ("docs/results/distribution-shift.md" if name == "shift" else "docs/results/tng.md"), name, text)
    if arguments.ship:
        ship(run)


if __name__ == "__main__":
    main()
