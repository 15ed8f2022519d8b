"""Gives a model conformity: what galaxies of one host halo share at fixed inputs, as a factor of their starting noise.

fit_conformity.py MODEL EVALUATION.hdf5 [MORE.hdf5 ...] [--judged EVALUATION.hdf5]

The evaluations (halobrush evaluate --table-only) hold the noise from which a model would make each true galaxy. In galaxies that the model was not
trained on, pairs of one host show what its noise lacks: with members' noise z, the mean of z z^T over pairs of satellites is l l^T, and of
z_central z^T it is l_central l^T. l lies along --direction (redder, less star formation, lighter: the direction in which satellites of
IllustrisTNG resemble each other; a direction fitted to so few pairs is noise), its length is fitted; of l_central the numbers that stand out
are kept. Use models trained on other folds (train.split_shift), so that every host is held out once: noise of training galaxies shows half
of it. Hosts held out in --judged are left out: they are to judge MODEL. MODEL is rewritten in place.
"""
import argparse
import sys

import h5py
import numpy as np

from safetensors_file import read_header, rewrite_header

MOST = 4.0  # noise is clipped: one odd galaxy must not decide
LEAST_SIGMA = 2.0  # of a number of the central's loading
LEFT_OUT = "disc_fraction"  # known in massive galaxies only


def read(paths, judged):
    """Noise [n, labels] by name, host ids and central flags of held-out galaxies."""
    columns = {}
    for path in paths:
        with h5py.File(path) as file:
            data = file["data"]
            held = data["held_out"][()].astype(bool)
            names = [n for n in data if n.startswith("noise_")]
            if not names:
                sys.exit(f"fit_conformity: error: {path}: has no noise_* columns; make it with halobrush evaluate --table-only of a diffusion model that was not distilled")
            for name in (*names, "host_halo_id", "is_central"):
                columns.setdefault(name, []).append(data[name][()][held])
    columns = {name: np.concatenate(parts) for name, parts in columns.items()}
    if judged:
        with h5py.File(judged) as file:
            hosts = file["data/host_halo_id"][()][file["data/held_out"][()].astype(bool)]
        use = ~np.isin(columns["host_halo_id"], hosts)
        columns = {name: values[use] for name, values in columns.items()}
    return columns


class Hosts:
    """Sums over the members of each host, from which the moments follow with any host left out."""

    def __init__(self, noise, host, central):
        names, number = np.unique(host, return_inverse=True)
        self.count = len(names)
        by_host = lambda rows, values: np.stack([np.bincount(number[rows], v, self.count) for v in values.T], 1)
        satellites = ~central
        z = noise[satellites]
        size = np.bincount(number[satellites], minlength=self.count)
        total = by_host(satellites, z)
        squares = by_host(satellites, (z[:, :, None] * z[:, None, :]).reshape(len(z), -1)).reshape(self.count, z.shape[1], -1)
        pairs = total[:, :, None] * total[:, None, :] - squares  # ordered pairs of different satellites
        self.weight = np.where(size > 1, size, 0)  # every galaxy counts alike, not every pair
        self.pairs = pairs * np.divide(self.weight, size * (size - 1), out=np.zeros(self.count), where=size > 1)[:, None, None]
        own = by_host(central, noise[central])
        self.links = own[:, :, None] * np.divide(total, np.sqrt(np.maximum(size, 1))[:, None])[:, None, :]
        self.link_weight = np.sqrt(size)

    def moments(self, kept):
        satellites = self.pairs[kept].sum(0) / self.weight[kept].sum()
        return satellites, self.links[kept].sum(0) / self.link_weight[kept].sum()


def fit(hosts, direction):
    """Share of the variance along `direction`, and the loadings that give it, with jackknife errors over hosts."""
    every = np.arange(hosts.count)

    def along(kept):
        satellites, links = hosts.moments(kept)
        return np.append(direction @ satellites @ direction, links @ direction)

    value, left_out = along(every), np.array([along(every != k) for k in every])
    error = np.sqrt((hosts.count - 1) / hosts.count * np.sum((left_out - left_out.mean(0)) ** 2, 0))
    length = np.sqrt(max(value[0], 0.0))
    stands_out = np.where(np.abs(value[1:]) > LEAST_SIGMA * error[1:], value[1:], 0)
    central = stands_out / length if length > 0 else np.zeros_like(direction)
    central *= min(1.0, 0.95 / max(np.linalg.norm(central), 1e-9))
    return {"share": value[0], "share_error": error[0], "central_link": value[1:], "central_link_error": error[1:],
            "satellite": length * direction, "central": central}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("evaluation", nargs="+")
    parser.add_argument("--judged")
    parser.add_argument("--direction", default="log_stellar_mass=-0.15,color_gr=0.52,log_size=0.14,log_ssfr=-0.82", help="of the shared noise")
    arguments = parser.parse_args()
    spec = read_header(arguments.model)
    columns = read(arguments.evaluation, arguments.judged)
    labels = [label["name"] for label in spec["labels"]]
    used = [name for name in labels if name != LEFT_OUT and f"noise_{name}" in columns]
    noise = np.clip(np.stack([columns[f"noise_{name}"] for name in used], 1), -MOST, MOST)
    noise = np.nan_to_num(noise - np.nanmean(noise, 0))
    wanted = dict(word.split("=") for word in arguments.direction.split(","))
    if unknown := [name for name in wanted if name not in used]:
        sys.exit(f"fit_conformity: error: --direction: {arguments.model} has no label '{unknown[0]}'; name labels of the model")
    direction = np.array([float(wanted.get(name, 0)) for name in used])
    direction /= np.linalg.norm(direction)
    result = fit(Hosts(noise, columns["host_halo_id"], columns["is_central"].astype(bool)), direction)
    print(f"{len(noise)} galaxies; share {result['share']:.3f} +- {result['share_error']:.3f}")
    for k, name in enumerate(used):
        print(f"  {name:18s} loading {result['satellite'][k]:+.3f}, of the central {result['central'][k]:+.3f}; noise shared with the central's: {result['central_link'][k]:+.3f} +- {result['central_link_error'][k]:.3f}")
    spread = lambda values: [float(values[used.index(name)]) if name in used else 0.0 for name in labels]
    spec["host_factor"] = {"satellite": spread(result["satellite"]), "central": spread(result["central"])}
    spec["provenance"]["host_factor"] = (f"tools/fit_conformity.py: {len(noise)} galaxies of {len(np.unique(columns['host_halo_id']))} hosts, each held out "
                                         f"by the model that gave its noise; share {result['share']:.3f} +- {result['share_error']:.3f}")
    rewrite_header(arguments.model, spec)


if __name__ == "__main__":
    main()
