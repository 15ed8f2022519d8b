"""Training: any number of ranks gives the same losses to 1e-5; killed and resumed gives the same weights bit for bit; the model
paints, and knows which painter it is; what cannot be trained on is refused in one line; a loss that is not finite stops the run and
leaves the last good checkpoint."""
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import time

import h5py
from runner import ENVIRONMENT, ROOT, Scratch, command, compare, expect, paint, run, sets, small_catalog, small_disk, write_catalog

# Few steps: what is tested does not depend on how well a painter has learnt.
PAINTERS = {"graph_diffusion": [], "diffusion": ["train.steps=20", "train.interval=5"],
            "graph_gan": ["gan.width=12", "gan.depth=2", "gan.critic_steps=3", "train.learning_rate=1e-3"]}
# A generator has learnt nothing yet in fifty steps: whether its held-out loss falls is seen in a longer run.
LEARNS = {"graph_gan": ["train.steps=600", "train.interval=150", "train.ema=0.9", "train.weight_decay=0"]}
RANKS = {"graph_diffusion": (1, 2, 3), "diffusion": (1, 2), "graph_gan": (1, 2, 3)}
SETTINGS = ["train.steps=50", "train.interval=10", "train.checkpoint_interval=10", "train.batch=512", "train.noise_draws=1", "train.denoiser_width=16",
            "train.encoder_width=16", "field.mesh=32"]


def settings_for(scratch, model):
    return [f"input.path={scratch}/small.list", f"train.catalog={scratch}/truth.hdf5", f"train.model={model}", *SETTINGS]


def train(ranks, settings):
    return run(ranks, "train", "config/demo-train.yaml", *sets(settings))


def losses(model):
    with open(f"{model}.losses.csv") as file:
        return [[float(value) for name, value in row.items() if name.endswith("loss")] for row in csv.DictReader(file)]


def weights(model):
    raw = pathlib.Path(model).read_bytes()
    return raw[8 + struct.unpack("<Q", raw[:8])[0]:]


def killed_after_a_checkpoint(model, settings):
    process = subprocess.Popen(command(0, ["train", "config/demo-train.yaml", *sets(settings)]), cwd=ROOT, env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.time() + 60
    while not os.path.exists(f"{model}.checkpoint") and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    expect(not os.path.exists(model), "training was over before it was killed")


def errors_of(done):
    return [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]


def refused(scratch, code, text, *changes, job=train):
    done = job(2, settings_for(scratch, scratch / "none.safetensors") + list(changes))
    lines = errors_of(done)
    expect(done.returncode == code and len(lines) == 1 and text in lines[0], f"{changes}: {done.returncode} {done.stderr}")
    print(lines[0])


def longer(scratch, settings, name):
    model = scratch / f"{name}-longer.safetensors"
    done = train(1, settings_for(scratch, model) + settings + LEARNS[name])
    expect(done.returncode == 0, f"{name}: {done.stderr}")
    return model


def check_painter(scratch, name):
    """One painter's promises; returns a model of it."""
    settings = [f"train.painter={name}", *PAINTERS[name]]
    models = {ranks: scratch / f"{name}{ranks}.safetensors" for ranks in RANKS[name]}
    for ranks, model in models.items():
        done = train(ranks, settings_for(scratch, model) + settings)
        expect(done.returncode == 0, f"{name}: training on {ranks} ranks: {done.stdout}{done.stderr}")
    reference = losses(models[1])
    learning = losses(longer(scratch, settings, name)) if name in LEARNS else reference
    expect(len(learning) >= 4 and learning[-1][1] < learning[0][1], f"{name}: the held-out loss does not fall: {learning}")
    for ranks in RANKS[name][1:]:
        worst = max(abs(a - b) for one, other in zip(reference, losses(models[ranks])) for a, b in zip(one, other))
        expect(worst < 1e-5, f"{name}: losses on {ranks} ranks are {worst} off those on one")
        print(f"{name}, {ranks} ranks: losses within {worst:.1e} of one rank's")

    resumed = scratch / f"{name}_resumed.safetensors"
    killed_after_a_checkpoint(resumed, settings_for(scratch, resumed) + settings)
    done = train(1, settings_for(scratch, resumed) + settings)
    expect(done.returncode == 0 and "goes on from step" in done.stdout, f"{name}: not resumed: {done.stdout}{done.stderr}")
    expect(weights(resumed) == weights(models[1]), f"{name}: a resumed training ends in other weights")
    expect(losses(resumed) == reference, f"{name}: a resumed training has another table of losses")
    print(f"{name}: killed and resumed: the same weights bit for bit, the same losses")

    for ranks in (1, 3):
        paint(ranks, scratch / f"{name}_mock{ranks}.hdf5", f"input.path={scratch}/small.list", "field.mesh=32", "painter.kind=auto",
              f"painter.model={models[2]}")
    compare(scratch / f"{name}_mock1.hdf5", scratch / f"{name}_mock3.hdf5", "--exact")
    expect(json.loads((scratch / f"{name}_mock1.hdf5.json").read_text())["columns"]["log_stellar_mass"]["nan"] == 0, f"{name}: NaN")
    with h5py.File(scratch / f"{name}_mock1.hdf5") as mock:
        expect(mock["provenance"].attrs["painter"] == name, f"{name}: the mock does not say what painted it")
    print(f"{name}: the same mock on 1 and 3 ranks, bit for bit")
    return models[2]


def check_bad_loss(scratch):
    """A good checkpoint, then a learning rate that throws the weights out of all range: the checkpoint stays, and is good."""
    model = scratch / "bad.safetensors"
    far = [*settings_for(scratch, model), "train.checkpoint_interval=1", "train.learning_rate=10"]
    done = train(2, far)
    lines = errors_of(done)
    expect(done.returncode == 4 and len(lines) == 1, f"a bad loss: {done.returncode} {done.stderr}")
    for text in ("train: step ", "the loss is not finite (patch", "is the last good checkpoint", "learning_rate"):
        expect(text in lines[0], f"a bad loss: the message does not say '{text}': {lines[0]}")
    expect(not model.exists(), "a model was written although the loss is not finite")
    print(lines[0])
    again = train(1, far)
    expect(again.returncode == 4 and errors_of(again) == lines, f"the run that goes on does not stop at the same step: {again.stderr}")


def check_full_disk(scratch):
    """A checkpoint for which there is no room ends the run in one line, on any number of ranks."""
    for ranks in (1, 3):
        with small_disk(scratch / "tiny", "32k") as mount:
            if not mount:
                return
            done = train(ranks, settings_for(scratch, mount / "m.safetensors"))
            lines = errors_of(done)
            expect(done.returncode == 5 and len(lines) == 1 and "No space left" in lines[0], f"a full disk: {done.returncode} {done.stdout}{done.stderr}")
            left = sorted(path.name for path in mount.iterdir())
            expect(left == ["m.safetensors.losses.csv"], f"a full disk: {left} is left")
    print(lines[0])


def check_replaced(scratch, model):
    """A model that is there is replaced, which is said before it is."""
    done = train(1, [*settings_for(scratch, model), "train.steps=1", "train.interval=1", f"train.checkpoint={scratch}/other.checkpoint"])
    expect(done.returncode == 0 and f"{model} is there already; it is replaced" in done.stdout + done.stderr, f"nothing is said of a model that is replaced: {done.stdout}{done.stderr}")


def check_what_is_kept(scratch):
    """A run without patience ends when the held-out loss has risen: its last weights are not its best."""
    for keep, of in (("best", min), ("last", lambda held_out: held_out[-1])):
        model = scratch / f"{keep}.safetensors"
        done = train(1, [*settings_for(scratch, model), f"train.keep={keep}", "train.interval=1", "train.patience=1", "train.ema=0", "train.learning_rate=0.05"])
        expect(done.returncode == 0 and "has not fallen for 1 intervals" in done.stdout, f"no early stop: {done.stdout}{done.stderr}")
        held_out = [row[1] for row in losses(model)]
        expect(held_out[-1] > min(held_out), f"it ended without a rise: {held_out}")
        expect(f"held-out loss {of(held_out):.4f}" in done.stdout.splitlines()[-1], f"train.keep={keep}: {held_out} {done.stdout}")


def check_more_catalogs(scratch):
    """Further draws of the labels: as many galaxies again to train on, the same held out, inputs as of one catalog; the same on any ranks."""
    second = scratch / "second.hdf5"
    paint(1, second, f"input.path={scratch}/small.list", "field.mesh=32", "seed=102", config="config/demo-truth.yaml")
    headers = {}
    for name, ranks, more in (("one", 1, []), ("two", 1, [second]), ("two_ranks", 2, [second])):
        model = scratch / f"{name}_catalogs.safetensors"
        done = train(ranks, [*settings_for(scratch, model), f"train.more_catalogs=[{', '.join(map(str, more))}]"])
        expect(done.returncode == 0, f"train.more_catalogs={more}: {done.stderr}")
        raw = model.read_bytes()
        headers[name] = json.loads(json.loads(raw[8:8 + struct.unpack("<Q", raw[:8])[0]])["__metadata__"]["halobrush"])
        counts = re.search(r"train: (\d+) galaxies, (\d+) held out", done.stdout)
        headers[name]["counts"] = int(counts[1]), int(counts[2])
    one, two = headers["one"], headers["two"]
    expect(two["counts"] == (2 * one["counts"][0], one["counts"][1]), f"{one['counts']} galaxies of one catalog, {two['counts']} of two")
    same = [key for key in one if key not in ("counts", "labels", "origin", "provenance")]
    for key in same:
        expect(one[key] == two[key], f"two catalogs on the same halos have another '{key}' than one")
    expect(one["labels"] != two["labels"], "the second catalog did not count")
    worst = max(abs(a - b) for x, y in zip(losses(scratch / "two_catalogs.safetensors"), losses(scratch / "two_ranks_catalogs.safetensors")) for a, b in zip(x, y))
    expect(worst < 1e-5, f"two catalogs: losses on 2 ranks are {worst} off those on one")
    with h5py.File(second, "r+") as mock:
        mock["data/log_size"].attrs.update({"unit": "kpc", "units": "kpc"})
    refused(scratch, 3, "other units of labels", f"train.more_catalogs=[{second}]")
    refused(scratch, 5, "/nowhere", "train.more_catalogs=[/nowhere/truth.hdf5]")


def edited_truth(scratch, name, column, value):
    path = scratch / f"{name}.hdf5"
    shutil.copy(scratch / "truth.hdf5", path)
    with h5py.File(path, "r+") as mock:
        mock[f"data/{column}"][7] = value
    return f"train.catalog={path}"


def check_outlier_is_named(scratch):
    """One value that sets the scale of all: the model is made, and a warning says so."""
    done = train(1, [*settings_for(scratch, scratch / "outlier.safetensors"), edited_truth(scratch, "outlier", "log_size", 1e30)])
    expect(done.returncode == 0 and "'log_size': one galaxy has 1e+30" in done.stderr + done.stdout, done.stderr + done.stdout)


def main():
    with Scratch() as scratch:
        write_catalog(scratch / "small.list", *small_catalog())
        paint(1, scratch / "truth.hdf5", f"input.path={scratch}/small.list", "field.mesh=32", config="config/demo-truth.yaml")

        models = {name: check_painter(scratch, name) for name in PAINTERS}
        check_bad_loss(scratch)
        check_full_disk(scratch)
        check_what_is_kept(scratch)
        check_more_catalogs(scratch)

        halos = [f"input.path={scratch}/small.list", f"output.path={scratch}/none.hdf5", "field.mesh=32"]
        for asked, own in (("graph_diffusion", "diffusion"), ("graph_gan", "graph_diffusion"), ("diffusion", "graph_gan")):
            done = run(2, "paint", "config/demo.yaml", *sets([*halos, f"painter.kind={asked}", f"painter.model={models[own]}"]))
            text = f"painter.kind: is {asked}, but {models[own]} is a {own} model"
            expect(done.returncode == 2 and done.stderr.count("error:") == 1 and text in done.stderr, done.stderr)

        refused(scratch, 3, "log_size", edited_truth(scratch, "nan", "log_size", float("nan")))
        check_outlier_is_named(scratch)
        refused(scratch, 3, "axes", edited_truth(scratch, "axes", "galaxy_axisA_x", 3.0))
        refused(scratch, 5, "/nowhere", "train.catalog=/nowhere/truth.hdf5")
        refused(scratch, 3, "log_age", "train.outputs=[log_age]")
        refused(scratch, 2, "log_age", "train.inputs=[log_age]")
        refused(scratch, 3, "train.validation_fraction", "train.validation_fraction=0")
        check_replaced(scratch, models["graph_diffusion"])


main()
