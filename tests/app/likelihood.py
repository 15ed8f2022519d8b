"""loglike: the law's exact log p beside a model's, on any number of ranks; labels that are known in part; a distilled model."""
import json
import shutil

import h5py
import numpy as np

from runner import Scratch, expect, paint, run, sets, small_catalog, write_catalog
from halobrush.host_split import part_of
from halobrush.model_file import read_header

SETTINGS = ["train.steps=120", "train.label_noise=[0.02, 15]", "train.interval=40", "train.batch=512", "train.denoiser_width=16", "train.encoder_width=16",
            "train.noise_draws=2", "field.mesh=32"]


def train(scratch, catalog, model, *changes):
    settings = [f"input.path={scratch}/small.list", f"train.catalog={catalog}", f"train.model={model}", *SETTINGS, *changes]
    return run(1, "train", "config/demo-train.yaml", *sets(settings), timeout=200)


def loglike(ranks, model, catalog, out, *settings):
    done = run(ranks, "loglike", model, catalog, "--out", out, *sets(settings), timeout=200)
    expect(done.returncode == 0, f"loglike: {done.returncode} {done.stderr}")
    with h5py.File(out) as file:
        rows = {name: file[f"data/{name}"][:] for name in file["data"]}
    order = np.argsort(rows["halo_id"])
    return {name: values[order] for name, values in rows.items()}, json.loads(open(f"{out}.json").read())


def refused(code, text, done):
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == 1 and text in lines[0], f"{done.returncode} {done.stderr}")
    print(lines[0])


def with_masks(truth, path):
    """The first hundred colours and the next hundred orientations are not known; what stands there must not matter."""
    shutil.copy(truth, path)
    with h5py.File(path, "r+") as file:
        data, rows = file["data"], len(file["data/halo_id"])
        for name, hidden in (("color_gr", slice(0, 100)), ("orientation", slice(100, 200))):
            known = np.ones(rows, np.uint8)
            known[hidden] = 0
            data.create_dataset(f"{name}_known", data=known)
            data[f"{name}_known"].attrs["description"] = "whether it is known"
        data["color_gr"][0:100] = np.nan
        for c in "xyz":
            data[f"galaxy_axisA_{c}"][100:200] = 0
    return path


def major_axes(mock):
    with h5py.File(mock) as file:
        order = np.argsort(file["data/halo_id"][:])
        return np.stack([file[f"data/galaxy_axisA_{c}"][:][order] for c in "xyz"], 1)


def main():
    with Scratch() as scratch:
        write_catalog(scratch / "small.list", *small_catalog())
        truth = scratch / "truth.hdf5"
        paint(1, truth, f"input.path={scratch}/small.list", "field.mesh=32", config="config/demo-truth.yaml")
        law, _ = loglike(1, "analytic", truth, scratch / "law.hdf5")
        model = scratch / "model.safetensors"
        done = train(scratch, truth, model)
        expect(done.returncode == 0, done.stderr)

        one, summary = loglike(1, model, truth, scratch / "one.hdf5")
        three, _ = loglike(3, model, truth, scratch / "three.hdf5")
        expect(np.array_equal(one["log_likelihood"], three["log_likelihood"]), "log p depends on the number of ranks")
        expect(set(summary["log_likelihood"]) == {"all", "training", "validation", "test"}, summary)
        excess = np.mean(law["log_likelihood"] - one["log_likelihood"])
        print(f"mean log p: law {law['log_likelihood'].mean():.3f}, model after 120 steps {excess:.3f} nats below")
        expect(-0.05 < excess < 1.5, f"a model is {excess} nats below the law that made its galaxies")

        silent = shutil.copy(truth, scratch / "silent.hdf5")  # on n_s, as catalogs of others may be
        with h5py.File(silent, "r+") as file:
            for group in ("provenance/simulation", "header/simulation/cosmology"):
                file[group].attrs.pop("n_s", None)
        same, _ = loglike(1, model, silent, scratch / "same.hdf5")
        expect(np.array_equal(one["log_likelihood"], same["log_likelihood"]), "n_s changes log p")

        masked = with_masks(truth, scratch / "masked.hdf5")
        done = train(scratch, masked, scratch / "masked.safetensors")
        expect(done.returncode == 0, f"training with masks: {done.stderr}")
        partly, _ = loglike(2, scratch / "masked.safetensors", masked, scratch / "partly.hdf5")
        expect(np.all(np.isfinite(partly["log_likelihood"])), "log p of galaxies that are known in part is not finite")
        refused(3, "color_gr_known", train(scratch, masked_without_mask(masked, scratch / "nan.hdf5"), scratch / "none.safetensors"))

        # Turned hash, unknown labels as noise: other hosts are held out, as the hash of halobrush.host_split says; log p stays finite.
        turned = scratch / "turned.safetensors"
        done = train(scratch, masked, turned, "train.unknown_labels=noise", "train.split_shift=0.3", "train.test_fraction=0.2",
                     "train.labels_first=true", "train.noise_levels=middle", "train.noise_draws=2", "train.steps=20", "train.interval=10")
        expect(done.returncode == 0, f"training with noise for unknown labels: {done.stderr}")
        rows, _ = loglike(2, turned, masked, scratch / "turned.hdf5")
        expect(np.all(np.isfinite(rows["log_likelihood"])), "log p is not finite where unknown labels are noise")
        expect(np.array_equal(rows["split"], part_of(rows["host_halo_id"], read_header(turned)["host_split"])), "the split is not its stated hash")
        expect(not np.array_equal(rows["split"], partly["split"]), "train.split_shift turns nothing")
        halos = [f"input.path={scratch}/small.list", "field.mesh=32", f"output.path={scratch}/never.hdf5"]
        refused(2, "labels form first", run(1, "paint", "config/demo.yaml", *sets([*halos, f"painter.model={turned}", "painter.sampler=authors"])))
        refused(2, "at least 3", run(1, "paint", "config/demo.yaml", *sets([*halos, f"painter.model={turned}", "painter.steps=2"])))

        student = scratch / "student.safetensors"
        done = train(scratch, truth, student, f"train.teacher={model}", "train.evaluations=4", "train.steps=40", "train.interval=20",
                     "train.dropout=0", "train.weight_decay=0")
        expect(done.returncode == 0, f"distillation: {done.stderr}")
        paint(2, scratch / "student.hdf5", *halos[:2], f"painter.model={student}")
        paint(2, scratch / "teacher.hdf5", *halos[:2], f"painter.model={model}", "painter.steps=64")
        turned = 1 - np.mean(np.sum(major_axes(scratch / "student.hdf5") * major_axes(scratch / "teacher.hdf5"), 1) ** 2)
        expect(turned < 0.015, f"from the same noise a student ends elsewhere than its teacher: 1 - cos^2 = {turned:.4f}")
        print(f"distilled to 4 evaluations in 40 steps: 1 - cos^2 = {turned:.4f} from the teacher's galaxies")
        refused(2, "was distilled for 4", run(1, "paint", "config/demo.yaml", *sets([*halos, f"painter.model={student}", "painter.steps=16"])))
        refused(4, "no density", run(2, "loglike", student, truth, "--out", scratch / "never.hdf5"))
        refused(2, "another seed", train(scratch, truth, scratch / "other.safetensors", f"train.teacher={model}", "seed=8"))
        refused(4, "labels form first", train(scratch, masked, scratch / "other.safetensors", f"train.teacher={scratch}/turned.safetensors"))
        refused(4, "itself distilled", train(scratch, truth, scratch / "other.safetensors", f"train.teacher={student}"))


def masked_without_mask(masked, path):
    shutil.copy(masked, path)
    with h5py.File(path, "r+") as file:
        del file["data/color_gr_known"]
    return path


main()
