"""Training: any number of ranks gives the same losses to 1e-5; killed and resumed gives the same weights bit for bit; the model
paints; what cannot be trained on is refused in one line."""
import csv
import json
import os
import pathlib
import signal
import struct
import subprocess
import time

from runner import ENVIRONMENT, ROOT, Scratch, command, expect, paint, run, sets, small_catalog, write_catalog

SETTINGS = ["train.steps=50", "train.interval=10", "train.checkpoint_interval=10", "train.batch=512", "train.denoiser_width=16",
            "train.encoder_width=16", "field.mesh=32"]


def settings_for(scratch, model):
    return [f"input.path={scratch}/small.list", f"train.catalog={scratch}/truth.hdf5", f"train.model={model}", *SETTINGS]


def train(ranks, settings):
    return run(ranks, "train", "config/demo-train.yaml", *sets(settings))


def losses(model):
    with open(f"{model}.losses.csv") as file:
        return [(float(row["training_loss"]), float(row["validation_loss"])) for row in csv.DictReader(file)]


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


def refused(scratch, code, text, *changes):
    done = train(2, settings_for(scratch, scratch / "none.safetensors") + list(changes))
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == 1 and text in lines[0], f"{changes}: {done.returncode} {done.stderr}")
    print(lines[0])


def main():
    with Scratch() as scratch:
        write_catalog(scratch / "small.list", *small_catalog())
        paint(1, scratch / "truth.hdf5", f"input.path={scratch}/small.list", "field.mesh=32", config="config/demo-truth.yaml")

        models = {ranks: scratch / f"np{ranks}.safetensors" for ranks in (1, 2, 3)}
        for ranks, model in models.items():
            done = train(ranks, settings_for(scratch, model))
            expect(done.returncode == 0, f"training on {ranks} ranks: {done.stdout}{done.stderr}")
        reference = losses(models[1])
        expect(len(reference) == 5 and reference[-1][0] < reference[0][0], f"the loss does not fall: {reference}")
        for ranks in (2, 3):
            worst = max(abs(a - b) for one, other in zip(reference, losses(models[ranks])) for a, b in zip(one, other))
            expect(worst < 1e-5, f"losses on {ranks} ranks are {worst} off those on one")
            print(f"{ranks} ranks: losses within {worst:.1e} of one rank's")

        resumed = scratch / "resumed.safetensors"
        killed_after_a_checkpoint(resumed, settings_for(scratch, resumed))
        done = train(1, settings_for(scratch, resumed))
        expect(done.returncode == 0 and "goes on from step" in done.stdout, f"not resumed: {done.stdout}{done.stderr}")
        expect(weights(resumed) == weights(models[1]), "a resumed training ends in other weights")
        print("killed and resumed: the same weights bit for bit")

        paint(2, scratch / "mock.hdf5", f"input.path={scratch}/small.list", "field.mesh=32", f"painter.model={models[2]}")
        expect(json.loads((scratch / "mock.hdf5.json").read_text())["columns"]["log_stellar_mass"]["nan"] == 0, "NaN")

        refused(scratch, 5, "/nowhere", "train.catalog=/nowhere/truth.hdf5")
        refused(scratch, 3, "log_age", "train.outputs=[log_age]")
        refused(scratch, 2, "log_age", "train.inputs=[log_age]")
        refused(scratch, 3, "train.validation_fraction", "train.validation_fraction=0")


main()
