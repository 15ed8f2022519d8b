"""A model knows where it comes from, and what it is used on is compared: redshift, mass definition, particle mass, tidal mesh; galaxies
are joined to halos by more than halo_id; values that a model paints outside of its training's range are counted and said; labels of any
unit train, and constant ones are refused."""
import csv
import json
import pathlib
import re
import shutil
import struct

import h5py
import numpy as np

from runner import Scratch, expect, paint, run, sets, small_catalog, write_catalog

SETTINGS = ["train.steps=20", "train.interval=10", "train.batch=512", "train.noise_draws=1", "train.denoiser_width=16", "train.encoder_width=16",
            "field.mesh=64"]


def train(scratch, catalog, model, *changes, halos="small.list", ranks=1):
    return run(ranks, "train", "config/demo-train.yaml",
               *sets([f"input.path={scratch / halos}", f"train.catalog={catalog}", f"train.model={model}", *SETTINGS, *changes]), timeout=300)


def refused(done, code, *texts):
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == 1 and all(text in lines[0] for text in texts), f"{texts}: {done.returncode} {done.stdout}{done.stderr}")
    print(lines[0])


def warnings_of(mock):
    """As log, summary and mock have them."""
    summary = json.loads(pathlib.Path(f"{mock}.json").read_text())
    with h5py.File(mock) as file:
        in_mock = file["provenance"].attrs["warnings"]
    in_mock = in_mock.decode() if isinstance(in_mock, bytes) else in_mock
    expect(summary["warnings"] == in_mock.splitlines(), f"summary and mock do not warn of the same: {summary['warnings']} {in_mock}")
    return summary["warnings"], summary


def edited(source, target, edit):
    shutil.copy(source, target)
    with h5py.File(target, "r+") as file:
        edit(file)
    return target


def header_of(model):
    raw = pathlib.Path(model).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8:8 + size]), raw[8 + size:]


def edited_model(source, target, edit):
    """The same weights under another description."""
    header, weights = header_of(source)
    spec = json.loads(header["__metadata__"]["halobrush"])
    edit(spec)
    header["__metadata__"]["halobrush"] = json.dumps(spec)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(target).write_bytes(struct.pack("<Q", len(text)) + text + weights)
    return target


def another_snapshot(header, rows):
    """Halos that number from 0 as well: the same ids elsewhere, at another redshift."""
    columns = header[0][1:].split()
    turned = []
    for row in rows:
        fields = row.split()
        for axis in "XYZ":
            k = columns.index(axis)
            fields[k] = f"{(float(fields[k]) + 40) % 150:.5f}"
        turned.append(" ".join(fields))
    return [line.replace("a = 1.000000", "a = 0.500000") for line in header], turned


def check_joins(scratch, truth):
    model = scratch / "never.safetensors"
    paint(1, scratch / "late.hdf5", f"input.path={scratch}/late.list", "field.mesh=64", config="config/demo-truth.yaml")
    for ranks in (1, 3):
        refused(train(scratch, scratch / "late.hdf5", model, ranks=ranks), 3, "redshift: 1 of the galaxies, 0 of the halos")
    # Where headers agree, positions tell.
    moved = edited(truth, scratch / "moved.hdf5", lambda f: f["data/x"].write_direct((f["data/x"][:] + 40) % 150))
    refused(train(scratch, moved, model), 3, "lie farther from the halo of their halo_id than its radius", "in the mean 40 Mpc/h")
    for ranks in (1, 3):
        refused(run(ranks, "evaluate", scratch / "model.safetensors", moved, "--out", scratch / "never", *sets([f"input.path={scratch}/small.list"])), 3,
                "lie farther from the halo")
        refused(run(ranks, "loglike", scratch / "model.safetensors", moved, "--out", scratch / "never.hdf5", *sets([f"input.path={scratch}/small.list"])), 3,
                "lie farther from the halo")
    expect(not model.exists() and not (scratch / "never.hdf5").exists(), "a refused join left a file")

    def header(name, value):
        def edit(f):  # in both places that say it: two that differ are refused on their own
            f["provenance/simulation"].attrs.modify(name, value)
            if name == "box":
                f["header/file"].attrs.modify("region_p2", value)
            elif name in f["header/simulation/cosmology"].attrs:
                f["header/simulation/cosmology"].attrs.modify(name, value)
        return edit
    for name, value, text in (("omega_m", 0.2, "Omega_m: 0.2 of the galaxies, 0.3089 of the halos"), ("h", 0.7, "h: 0.7"),
                              ("box", np.array([100.0] * 3), "side of the box in Mpc/h: 100"), ("particle_mass", 5e9, "particle mass")):
        refused(train(scratch, edited(truth, scratch / "header.hdf5", header(name, value)), model), 3, text)

    # Other programs place galaxies inside their halos.
    def displaced(f):
        rng = np.random.default_rng(1)
        for c in "xyz":
            f[f"data/{c}"][:] = (f[f"data/{c}"][:] + rng.uniform(-0.05, 0.05, len(f["data/x"]))) % 150
    done = train(scratch, edited(truth, scratch / "inside.hdf5", displaced), scratch / "inside.safetensors")
    expect(done.returncode == 0 and "galaxies (100.0 %) live in these halos" in done.stdout, done.stdout + done.stderr)

    def without(*names):
        def edit(f):
            for name in names:
                del f[f"data/{name}"]
        return edit
    # No positions: masses tell; nothing at all: a hash that differs tells; none: trust, and it is said.
    masses = edited(truth, scratch / "masses.hdf5", without("x", "y", "z"))
    edited(masses, scratch / "other.hdf5", lambda f: (f["data/halo_mass"].write_direct(f["data/halo_mass"][:][::-1].copy()), f["provenance"].attrs.modify("input_sha256", "0" * 64)))
    refused(train(scratch, scratch / "other.hdf5", model), 3, "halo_mass of ")
    bare = edited(masses, scratch / "bare.hdf5", lambda f: (without("halo_mass")(f), f["provenance"].attrs.modify("input_sha256", "0" * 64)))
    refused(train(scratch, bare, model), 3, "SHA-256 of the halos")
    trusted = edited(bare, scratch / "trusted.hdf5", lambda f: f["provenance"].attrs.__delitem__("input_sha256"))
    done = train(scratch, trusted, scratch / "trusted.safetensors")
    expect(done.returncode == 0 and re.search(r"warning: join: .*taken on trust", done.stdout), done.stdout + done.stderr)
    # Ids of which next to none is found.
    refused(train(scratch, edited(truth, scratch / "ids.hdf5", lambda f: f["data/halo_id"].write_direct(f["data/halo_id"][:] + 10**9)), model), 3,
            "only 0 of")


def check_origin(scratch, truth, model):
    spec = json.loads(header_of(model)[0]["__metadata__"]["halobrush"])
    origin = spec["origin"]
    expect(origin["scale_factor"] == 1 and origin["mass_definition"] == "vir" and origin["box"] == [150] * 3 and origin["format"] == "rockstar", origin)
    expect(abs(origin["particle_mass"] / 4.08828e10 - 1) < 1e-6 and origin["omega_m"] == 0.3089 and origin["least_particles"] >= 20, origin)
    expect(origin["tidal"] == {"smoothing": [1, 4], "mesh": 64, "cell": 150 / 64, "density_file": ""}, origin)
    expect(spec["inputs"]["units"]["log_mass"] == "log10(Msun/h)", spec["inputs"])
    text = run(0, "info", model).stdout
    for part in (f"trained on: {origin['galaxies']} galaxies", "a = 1 (redshift 0), Omega_m = 0.3089", "host masses Mvir", "smoothed over 1 and 4 Mpc/h", "in training"):
        expect(part in text, f"info does not say '{part}': {text}")

    halos = [f"input.path={scratch}/small.list", "field.mesh=64", f"painter.model={model}"]
    paint(1, scratch / "same.hdf5", *halos)
    # What is painted after so few steps may lie anywhere.
    expect(not any(w.startswith("model:") for w in warnings_of(scratch / "same.hdf5")[0]), warnings_of(scratch / "same.hdf5"))

    # An older file says nothing of itself, and that is said.
    old = edited_model(model, scratch / "old.safetensors", lambda s: (s.pop("origin"), s["inputs"].pop("units"), [x.pop("trained") for x in s["labels"]]))
    paint(1, scratch / "old.hdf5", *halos[:2], f"painter.model={old}")
    expect("does not say what it was trained on" in " ".join(warnings_of(scratch / "old.hdf5")[1]["remarks"]), "an old model is not named")
    expect("trained on: unknown" in run(0, "info", old).stdout, "info of an old model")

    late = [f"input.path={scratch}/late.list", *halos[1:], f"output.path={scratch}/mock_late.hdf5"]
    for ranks in (1, 3):
        done = run(ranks, "paint", "config/demo.yaml", *sets(late), "--restart=never")
        expect(done.returncode == 0 and "redshift: 0 in training, 1 here" in done.stdout, done.stdout + done.stderr)
        expect(any("redshift: 0 in training, 1 here" in w for w in warnings_of(scratch / "mock_late.hdf5")[0]), "the mock does not say the redshift")
    expect("redshift: 0 in training, 1 here" in run(1, "paint", "config/demo.yaml", "--dry-run", *sets(late)).stdout, "--dry-run does not compare")

    def change(**values):
        return lambda s: s["origin"].update(values)
    for name, values, text in (("omega", {"omega_m": 0.25}, "Omega_m: 0.25 in training, 0.3089 here"), ("fine", {"particle_mass": 1e8}, "particle mass: 1e+08"),
                               ("box", {"box": [1000.0] * 3}, "box: 1000 Mpc/h in training, 150 Mpc/h here"),
                               ("heavy", {"least_mass": 1e12}, "have less mass than any halo of the training (1e+12)")):
        other = edited_model(model, scratch / f"{name}.safetensors", change(**values))
        paint(1, scratch / "other_mock.hdf5", *halos[:2], f"painter.model={other}", options=["--restart=never"])
        expect(any(text in w for w in warnings_of(scratch / "other_mock.hdf5")[0]), f"{text}: {warnings_of(scratch / 'other_mock.hdf5')[0]}")

    crit = edited_model(model, scratch / "crit.safetensors", change(mass_definition="200c"))
    asked = [f"output.path={scratch}/crit.hdf5", *halos[:2], f"painter.model={crit}"]
    for ranks, options in ((1, ()), (3, ()), (1, ("--dry-run",))):
        refused(run(ranks, "paint", "config/demo.yaml", *options, *sets(asked)), 2, "M200c in training, Mvir here", "painter.accept")
    expect(not (scratch / "crit.hdf5").exists(), "a refused mock was written")
    paint(1, scratch / "crit.hdf5", *asked[1:], "painter.accept=[mass_definition]")
    expect(any("M200c in training, Mvir here (accepted" in w for w in warnings_of(scratch / "crit.hdf5")[0]), "what was accepted is not said")
    refused(run(1, "paint", "config/demo.yaml", *sets([*asked, "painter.accept=[everything]"])), 2, "painter.accept")

    # Another mesh than in training, and one that knows nothing of the smoothing.
    paint(1, scratch / "mesh.hdf5", halos[0], "field.mesh=32", halos[2])
    expect(any("cells of 2.34 Mpc/h in training, 4.69 Mpc/h here" in w for w in warnings_of(scratch / "mesh.hdf5")[0]), warnings_of(scratch / "mesh.hdf5")[0])
    refused(run(1, "paint", "config/demo.yaml", *sets([halos[0], "field.mesh=8", halos[2], f"output.path={scratch}/never.hdf5"])), 2, "field.smoothing: 1 Mpc/h", "set field.mesh to at least 30")

    student = scratch / "student.safetensors"
    done = train(scratch, truth, student, f"train.teacher={model}", "train.evaluations=4", "train.steps=2", "train.interval=2", "train.dropout=0")
    expect(done.returncode == 0, done.stderr)
    expect(json.loads(header_of(student)[0]["__metadata__"]["halobrush"])["origin"] == origin, "a student forgets where its teacher comes from")


def check_painted_values(scratch, model):
    halos = [f"input.path={scratch}/small.list", "field.mesh=64"]

    def label(name, **values):
        return lambda s: next(x for x in s["labels"] if x["name"] == name).update(values)
    huge = edited_model(model, scratch / "huge.safetensors", label("log_stellar_mass", mean=40.0))
    for ranks in (1, 3):
        out = paint(ranks, scratch / "huge.hdf5", *halos, f"painter.model={huge}", options=["--restart=never"])
        warnings, summary = warnings_of(scratch / "huge.hdf5")
        counted = summary["columns"]["log_stellar_mass"]["trained"]
        expect(counted["outside"] == counted["far_outside"] == summary["galaxies"], counted)
        expect(any("log_stellar_mass" in w and "range in training" in w for w in warnings) and "log_stellar_mass" in out, warnings)
        expect(any("obs_sm" in w and "infinite" in w for w in warnings), f"10^40 solar masses in single precision: {warnings}")
    broken = edited_model(model, scratch / "broken.safetensors", label("color_gr", deviation=1e300))
    for ranks in (1, 3):
        refused(run(ranks, "paint", "config/demo.yaml", *sets([*halos, f"painter.model={broken}", f"output.path={scratch}/broken.hdf5"])), 4, "galaxy ", "'color_gr' is not finite")
    expect(not (scratch / "broken.hdf5").exists(), "a mock of values that are not finite was written")


def check_labels(scratch, truth):
    def rescaled(scale, shift=0.0):
        return lambda f: f["data"].create_dataset("brightness", data=scale * np.exp(f["data/color_gr"][:].astype(float)) + shift)
    losses = {}
    for name, edit in (("unit", rescaled(1.0)), ("tiny", rescaled(1e-10)), ("large", rescaled(1e20))):
        model = scratch / f"{name}.safetensors"
        done = train(scratch, edited(truth, scratch / f"{name}.hdf5", edit), model, "train.outputs=[log_stellar_mass, brightness]")
        expect(done.returncode == 0, f"{name}: {done.stderr}")
        with open(f"{model}.losses.csv") as file:
            losses[name] = [[float(row["training_loss"]), float(row["validation_loss"])] for row in csv.DictReader(file)]
    for name in ("tiny", "large"):
        expect(np.allclose(losses[name], losses["unit"], rtol=1e-3), f"{name} trains otherwise than unit: {losses}")
    for name, edit, text in (("constant", rescaled(0.0, 3.0), "'brightness' is constant"), ("zero", rescaled(0.0), "'brightness' is constant"),
                             ("offset", rescaled(1e-3, 1e9), "'brightness' is constant, or as good as constant in single precision"),
                             ("erg", rescaled(1e43), "single precision of a mock cannot hold")):
        refused(train(scratch, edited(truth, scratch / f"{name}.hdf5", edit), scratch / "never.safetensors", "train.outputs=[log_stellar_mass, brightness]"), 3, text)


def main():
    with Scratch() as scratch:
        header, rows = small_catalog()
        write_catalog(scratch / "small.list", header, rows)
        write_catalog(scratch / "late.list", *another_snapshot(header, rows))
        truth, model = scratch / "truth.hdf5", scratch / "model.safetensors"
        paint(1, truth, f"input.path={scratch}/small.list", "field.mesh=64", config="config/demo-truth.yaml")
        done = train(scratch, truth, model)
        expect(done.returncode == 0 and "(100.0 %) live in these halos" in done.stdout, done.stdout + done.stderr)
        check_joins(scratch, truth)
        check_origin(scratch, truth, model)
        check_painted_values(scratch, model)
        check_labels(scratch, truth)


main()
