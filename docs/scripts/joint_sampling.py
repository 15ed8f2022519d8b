"""Why a halo is painted jointly: satellites that share an alignment no input tells.

    python docs/scripts/joint_sampling.py [--program build/release/halobrush] [--out out/joint] [--steps 1200]

Truth: the analytic law with analytic.hidden_kappa, in boxes of rich groups (common/rich_groups.py). Models learn from one box and
paint another (20 minutes on one core). Printed: mean (c.c')^2 - 1/3 of the minor axes of satellite pairs of one host, with jackknife errors over hosts."""
import argparse
import pathlib
import subprocess
import sys

import h5py
import numpy as np

from common import ROOT, rich_groups


def run(*words):
    done = subprocess.run([str(w) for w in words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def pair_alignment(path):
    """Mean over pairs, and its error by leaving out one of 50 parts of the hosts at a time."""
    with h5py.File(path) as file:
        data = file["data"]
        satellite = ~data["is_central"][:].astype(bool)
        host = data["host_halo_id"][:][satellite]
        axis = np.stack([data[f"galaxy_axisC_{c}"][:][satellite] for c in "xyz"], 1).astype(float)
    order = np.argsort(host, kind="stable")
    sums = []
    for group in np.split(axis[order], np.flatnonzero(np.diff(host[order])) + 1):
        cosines = (group @ group.T)[np.triu_indices(len(group), 1)] ** 2
        sums.append((np.sum(cosines - 1 / 3), len(cosines)))
    parts = np.array([np.sum(part, 0) for part in np.array_split(np.array(sums), 50)])
    left_out = parts.sum(0) - parts
    values = left_out[:, 0] / left_out[:, 1]
    return parts[:, 0].sum() / parts[:, 1].sum(), np.sqrt(49 * np.var(values))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/halobrush")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "out/joint")
    parser.add_argument("--hosts", type=int, default=2500)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--hidden-kappa", type=float, default=8)
    options = parser.parse_args()
    out = options.out
    out.mkdir(parents=True, exist_ok=True)

    def paint(box, name, seed, *settings):
        settings = (f"input.path={out}/{box}.list", f"output.path={out}/{name}.hdf5", f"seed={seed}", *settings)
        run(options.program, "paint", "config/demo-truth.yaml", "--restart=never", *sum((["--set", s] for s in settings), []))
        return pair_alignment(out / f"{name}.hdf5")

    for seed, box in enumerate(("learned", "painted"), 1):
        rich_groups.write(out / f"{box}.list", seed, options.hosts)
    law = ("painter.kind=analytic", f"analytic.hidden_kappa={options.hidden_kappa}")
    paint("learned", "truth", 1, *law)
    truth, truth_error = paint("painted", "reference", 2, *law)
    print(f"{'':<30} pair alignment      over truth\n{'truth':<30} {truth:.4f} +- {truth_error:.4f}")
    common = [f"input.path={out}/learned.list", f"train.catalog={out}/truth.hdf5", "train.outputs=[]", "train.layers=1", "train.dropout=0",
              "train.inputs=[log_mass, is_central, log_host_distance, host_displacement, halo_shape, angular_momentum]"]
    network = [f"train.steps={options.steps}", "train.noise_draws=6", "train.denoiser_width=64", "train.weight_decay=0.3", "train.learning_rate=0.004"]
    for painter in ("graph_diffusion", "diffusion"):
        model = out / f"{painter}.safetensors"
        model.with_name(model.name + ".checkpoint").unlink(missing_ok=True)
        run(options.program, "train", "config/demo-train.yaml",
            *sum((["--set", s] for s in (*common, f"train.model={model}", f"train.painter={painter}", *network)), []))
        value, error = paint("painted", painter, 3, "painter.kind=auto", f"painter.model={model}", "painter.steps=32")
        print(f"{painter + ', 32 evaluations':<32} {value:.4f} +- {error:.4f}    {value / truth:.3f} +- {np.hypot(error, truth_error) / truth:.3f}")


if __name__ == "__main__":
    main()
