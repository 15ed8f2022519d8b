"""Painters in a chain: the first one's columns stay as they are, the law or a learned model adds axes and ratios; any number of ranks, a restart."""
import h5py
import numpy as np

from runner import Scratch, compare, expect, paint, run, sets, small_catalog, write_catalog

CONFIG = "config/lensing.yaml"
FIRST = ["log_stellar_mass", "color_gr", "log_size", "log_ssfr", "disc_fraction", *(f"galaxy_spin_{c}" for c in "xyz"), "out_of_distribution"]
AXES = [*(f"galaxy_axis{axis}_{c}" for axis in "ABC" for c in "xyz"), "b_to_a", "c_to_a", "ellipticity_1", "ellipticity_2"]


def read(path):
    with h5py.File(path) as file:
        return {name: file[f"data/{name}"][:] for name in file["data"]}


def same(a, b, names, what):
    for name in names:
        expect(np.array_equal(a[name], b[name], equal_nan=True), f"{what}: {name} differs")


def refused(code, texts, *settings):
    lines = []
    for ranks in (0, 3):
        done = run(ranks, "paint", CONFIG, *sets(settings))
        errors = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
        expect(done.returncode == code and len(errors) == 1 and all(text in errors[0] for text in texts), f"{settings}: {done.returncode} {done.stderr}")
        lines.append(errors[0])
    expect(lines[0] == lines[1], f"not the same line on 3 ranks: {lines}")
    print(lines[0])


def check_ellipticities(rows):
    """From axes and ratios anew, by the projected matrix."""
    frame = np.stack([np.stack([rows[f"galaxy_axis{axis}_{c}"] for c in "xyz"], -1) for axis in "ABC"], -1).astype(float)
    squares = np.stack([np.ones(len(frame)), rows["b_to_a"] ** 2, rows["c_to_a"] ** 2], -1)
    w = np.einsum("nik,nk,njk->nij", frame, squares, frame)[:, :2, :2]
    norm = w[:, 0, 0] + w[:, 1, 1] + 2 * np.sqrt(np.linalg.det(w))
    expect(np.allclose((w[:, 0, 0] - w[:, 1, 1]) / norm, rows["ellipticity_1"], atol=1e-5), "ellipticity_1 is not the projection")
    expect(np.allclose(2 * w[:, 0, 1] / norm, rows["ellipticity_2"], atol=1e-5), "ellipticity_2 is not the projection")


def main():
    with Scratch() as scratch:
        halos = [f"input.path={write_catalog(scratch / 'small.list', *small_catalog())}", "field.mesh=64"]
        alone, chain, learned = (scratch / f"{name}.hdf5" for name in ("alone", "chain", "learned"))
        paint(1, alone, *halos, "painter.axes=", config=CONFIG)
        paint(1, chain, *halos, config=CONFIG)
        one, both = read(alone), read(chain)
        same(one, both, FIRST, "a law after the model")
        expect(np.all(np.isnan(one["b_to_a"])) and all(np.all(np.isfinite(both[name])) for name in AXES), "a galaxy of the chain has no shape")
        expect(set(np.unique(both["early_type"])) == {0, 1}, f"types: {np.unique(both['early_type'])}")
        check_ellipticities(both)

        paint(3, scratch / "three.hdf5", *halos, config=CONFIG)
        print("1 and 3 ranks:", compare(chain, scratch / "three.hdf5", "--exact"))
        stopped = run(2, "paint", CONFIG, *sets([*halos, f"output.path={scratch}/stopped.hdf5", "limits.wall_time=0.001", "limits.margin=0"]))
        expect(stopped.returncode == 75, f"{stopped.returncode} {stopped.stderr}")
        paint(3, scratch / "stopped.hdf5", *halos, config=CONFIG)
        print("stopped and continued:", compare(chain, scratch / "stopped.hdf5", "--exact"))

        # A learned model of axes takes the law's place.
        paint(2, learned, *halos, "field.smoothing=[1,4]", "painter.axes=models/demo.safetensors", "painter.accept=[mass_definition]", config=CONFIG)
        paint(1, scratch / "demo.hdf5", *halos, "field.smoothing=[1,4]", "painter.axes=", "painter.model=models/demo.safetensors", "painter.accept=[mass_definition]", config=CONFIG)
        rows = read(learned)
        same(one, rows, FIRST[:-1], "a model after the model")
        same(read(scratch / "demo.hdf5"), rows, AXES, "axes of a learned model")

        for texts, *settings in ((["shapes: the section has no effect"], "painter.axes=", "shapes.nla=2"), (["cluster more than matter"], "shapes.nla=2"), ([],)):
            done = run(1, "paint", CONFIG, "--dry-run", *sets([*halos, f"output.path={scratch}/never.hdf5", *settings]))
            said = [line for line in done.stdout.splitlines() if "warning: shapes:" in line]
            expect(done.returncode == 0 and len(said) == len(texts) and all(text in said[0] for text in texts), f"{settings}: {done.returncode} {said} {done.stderr}")

        never = [*halos, f"output.path={scratch}/never.hdf5"]
        refused(2, ["painter.axes", "b_to_a", "tng.safetensors"], *never, "painter.axes=models/tng.safetensors")
        refused(2, ["painter.axes: masses of host halos: Mvir in training, M200c here"], *never, "field.smoothing=[1,4]", "painter.axes=models/demo.safetensors")
        refused(2, ["painter.axes", "'log_stellar_mass'"], *never, "field.smoothing=[1,4]", "painter.model=models/demo-orientation.safetensors")
        refused(2, ["tidal_3", "field.smoothing"], *never, "field.smoothing=[2]")
        refused(2, ["shapes.early_width"], *never, "shapes.early_width=0")
        refused(4, ["painter.axes", "none.safetensors"], *never, "painter.axes=none.safetensors")
        expect(not (scratch / "never.hdf5").exists(), "a refused mock was written")


main()
