"""Gives a model conformity: what galaxies of one host halo share at fixed inputs, as a factor of their starting noise.

fit_conformity.py MODEL EVALUATION.hdf5 [MORE.hdf5 ...] [--judged EVALUATION.hdf5]

The evaluations (halobrush evaluate) hold the noise from which a model would make each true galaxy. In galaxies that
the model was not trained on, pairs of one host show what its independent noise lacks: with members' noise z, the mean of z z^T over
pairs of satellites is l l^T, and of z_central z^T it is l_central l^T. l is the first eigenvector; its length and the numbers of l_central
are kept as far as they stand out. Use models trained on other folds (train.split_shift), so that every host is held out once: noise of
training galaxies shows half of it. Hosts held out in --judged are left out: they are to judge MODEL. MODEL is rewritten in place.
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
                sys.exit(f"fit_conformity: error: {path}: has no noise_* columns; make it with halobrush evaluate of a diffusion model that was not distilled")
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


def loadings(satellites, links):
    values, vectors = np.linalg.eigh((satellites + satellites.T) / 2)
    u, share = vectors[:, -1], max(values[-1], 1e-6)
    return share, u * np.sign(u[np.argmax(np.abs(u))]), links


def fit(hosts):
    """Satellite and central loadings; the share is freed of the bias of a largest eigenvalue by the jackknife."""
    every = np.arange(hosts.count)
    share, u, links = loadings(*hosts.moments(every))
    left_out = [hosts.moments(every != k) for k in every]
    shares = np.array([loadings(*m)[0] for m in left_out])
    n = hosts.count
    unbiased = n * share - (n - 1) * shares.mean()
    error = np.sqrt((n - 1) / n * np.sum((shares - shares.mean()) ** 2))
    link = links @ u
    others = np.array([m[1] @ u for m in left_out])
    link_error = np.sqrt((n - 1) / n * np.sum((others - others.mean(0)) ** 2, 0))
    length = np.sqrt(max(unbiased, 0.0))
    kept = np.where(np.abs(link) > LEAST_SIGMA * link_error, link, 0)
    central = kept / length if length > 0 else np.zeros_like(u)
    if np.linalg.norm(central) >= 0.95:
        central *= 0.95 / np.linalg.norm(central)
    return {"share": unbiased, "share_error": error, "direction": u, "central_link": link, "central_link_error": link_error,
            "satellite": length * u, "central": central}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("evaluation", nargs="+")
    parser.add_argument("--judged")
    arguments = parser.parse_args()
    spec = read_header(arguments.model)
    columns = read(arguments.evaluation, arguments.judged)
    labels = [label["name"] for label in spec["labels"]]
    used = [name for name in labels if name != LEFT_OUT and f"noise_{name}" in columns]
    noise = np.clip(np.stack([columns[f"noise_{name}"] for name in used], 1), -MOST, MOST)
    noise = np.nan_to_num(noise - np.nanmean(noise, 0))
    result = fit(Hosts(noise, columns["host_halo_id"], columns["is_central"].astype(bool)))
    print(f"{len(noise)} galaxies; share {result['share']:.3f} +- {result['share_error']:.3f}")
    for k, name in enumerate(used):
        print(f"  {name:18s} direction {result['direction'][k]:+.2f}  with the central's: {result['central_link'][k]:+.3f} +- {result['central_link_error'][k]:.3f}")
    spread = lambda values: [float(values[used.index(name)]) if name in used else 0.0 for name in labels]
    spec["host_factor"] = {"satellite": spread(result["satellite"]), "central": spread(result["central"])}
    spec["provenance"]["host_factor"] = (f"tools/fit_conformity.py: {len(noise)} galaxies of {len(np.unique(columns['host_halo_id']))} hosts, each held out "
                                         f"by the model that gave its noise; share {result['share']:.3f} +- {result['share_error']:.3f}")
    rewrite_header(arguments.model, spec)


if __name__ == "__main__":
    main()
