"""The figures of a validation, from the validation.json and validation.hdf5 of halobrush validate."""
import json
import pathlib

import h5py
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.collections import EllipseCollection, LineCollection

# Okabe & Ito's colours for the colour-blind; markers and line styles tell the curves apart in print.
COLOURS = ["#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7"]
MARKERS = ["o", "s", "^", "D", "v"]
SAMPLES = {"all": "all galaxies", "red": "red", "blue": "blue", "central": "centrals", "satellite": "satellites"}
plt.rcParams.update({"font.size": 11, "axes.grid": True, "grid.alpha": 0.3, "legend.frameon": False, "figure.constrained_layout.use": True,
                     "savefig.dpi": 130})


class Catalog:
    """The mock or one reference in the file."""

    def __init__(self, group, label, k):
        self.group, self.label, self.k = group, label, k

    def statistic(self, name):
        path = f"statistics/{name}"
        return {key: values[()] for key, values in self.group[path].items()} if path in self.group else None

    def distribution(self, name):
        path = f"distributions/{name}"
        return {key: values[()] for key, values in self.group[path].items()} if path in self.group else None

    def names(self, kind):
        return list(self.group[kind]) if kind in self.group else []


def centres(edges):
    return np.sqrt(edges[1:] * edges[:-1])


def samples_of(catalogs, statistic):
    """Sub-samples that the mock has, usual ones first: [(suffix, title)]."""
    measured = [n[len(statistic):] for n in catalogs[0].names("statistics") if n == statistic or n.startswith(statistic + ":")]
    usual = [s for s in ("", ":red", ":blue", ":central", ":satellite") if s in measured]
    chosen = usual if len(usual) > 1 else measured[:6]
    return [(s, SAMPLES.get(s[1:] or "all", s[1:])) for s in chosen]


def grid_of(n):
    columns = min(n, 3)
    rows = -(-n // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.0 * columns, 3.4 * rows), squeeze=False)
    for axis in axes.flat[n:]:
        axis.set_axis_off()
    return figure, list(axes.flat[:n])


def draw(axis, x, value, error, catalog, shift=0.0):
    error = error if len(error) == len(value) else np.full(len(value), np.nan)
    good = np.isfinite(value)
    colour, marker = COLOURS[catalog.k % len(COLOURS)], MARKERS[catalog.k % len(MARKERS)]
    axis.errorbar((x * (1 + 0.035 * (catalog.k + shift)))[good], value[good], np.where(np.isfinite(error), error, 0)[good], color=colour, marker=marker,
                  ms=4.5, lw=1.2, ls="-" if catalog.k == 0 else "--", mfc=colour if catalog.k == 0 else "white", capsize=2, label=catalog.label)


def pair_figure(catalogs, statistic, label, r_label, scale=False, log=False):
    panels = samples_of(catalogs, statistic)
    if not panels:
        return None
    figure, axes = grid_of(len(panels))
    for axis, (suffix, title) in zip(axes, panels):
        for catalog in reversed(catalogs):
            s = catalog.statistic(statistic + suffix)
            if s is None:
                continue
            x = centres(s["edges"])
            factor = x if scale else 1.0
            draw(axis, x, s["value"] * factor, s["error"] * factor, catalog)
        axis.set_xscale("log")
        if log:
            axis.set_yscale("log")
        else:
            axis.axhline(0, color="0.4", lw=0.8)
            focus(axis, catalogs, statistic + suffix, scale)
        axis.set(title=title, xlabel=r_label, ylabel=label)
    axes[0].legend()
    return figure


def focus(axis, catalogs, name, scale):
    """Bins with hardly a pair have errors beyond the rest of the figure; they may leave it."""
    ends = []
    for catalog in catalogs:
        s = catalog.statistic(name)
        if s is None:
            continue
        x = centres(s["edges"]) if scale else 1.0
        value, error = s["value"] * x, (s["error"] if len(s["error"]) == len(s["value"]) else 0 * s["value"]) * x
        good = np.isfinite(value) & (s["pairs"] >= 100)
        ends += [*(value - 1.3 * error)[good], *(value + 1.3 * error)[good]]
    ends = [e for e in ends if np.isfinite(e)]
    if ends and max(ends) > min(ends):
        margin = 0.06 * (max(ends) - min(ends))
        axis.set_ylim(min(ends) - margin, max(ends) + margin)


def mass_functions(catalogs):
    names = [(n, l) for n, l in (("log_stellar_mass", r"$\log_{10} M_\star/M_\odot$"), ("log_halo_mass", r"$\log_{10} M_{\rm halo}/(M_\odot/h)$"))
             if n in catalogs[0].names("distributions")]
    if not names:
        return None
    figure, axes = grid_of(len(names))
    for axis, (name, label) in zip(axes, names):
        for catalog in reversed(catalogs):
            d = catalog.distribution(name)
            if d is None:
                continue
            x, seen = 0.5 * (d["edges"][1:] + d["edges"][:-1]), d["counts"] > 0
            colour = COLOURS[catalog.k % len(COLOURS)]
            axis.errorbar(x[seen], d["value"][seen], d["error"][seen], color=colour, marker=MARKERS[catalog.k % len(MARKERS)], ms=4, lw=1.2,
                          ls="-" if catalog.k == 0 else "--", mfc=colour if catalog.k == 0 else "white", label=catalog.label)
        axis.set(yscale="log", xlabel=label, ylabel=r"$\phi$ [$h^3$ Mpc$^{-3}$ dex$^{-1}$]")
    axes[0].legend()
    return figure


def histograms(catalogs):
    names = [n for n in catalogs[0].names("distributions") if ":" not in n and n != "log_halo_mass"]
    if not names:
        return None
    figure, axes = grid_of(len(names))
    for axis, name in zip(axes, names):
        for catalog in reversed(catalogs):
            d = catalog.distribution(name)
            if d is None:
                continue
            density = d["counts"] / max(d["counts"].sum(), 1) / np.diff(d["edges"])
            axis.stairs(density, d["edges"], color=COLOURS[catalog.k % len(COLOURS)], lw=1.8 if catalog.k == 0 else 1.4,
                        ls="-" if catalog.k == 0 else "--", label=catalog.label)
        filled = [np.flatnonzero(c.distribution(name)["counts"]) for c in catalogs if c.distribution(name) is not None]
        filled = np.concatenate(filled)
        if len(filled):
            edges = catalogs[0].distribution(name)["edges"]
            axis.set_xlim(edges[max(filled.min() - 1, 0)], edges[min(filled.max() + 2, len(edges) - 1)])
        axis.set(xlabel=name, ylabel="probability density")
    axes[0].legend()
    return figure


ANGLES = {"major_halo_axis": "major axis, halo's major axis", "minor_halo_spin": "minor axis, halo's spin",
          "major_host": "major axis, direction to the host", "minor_host": "minor axis, direction to the host",
          "major_stretching": "major axis, stretching tidal axis", "minor_compressing": "minor axis, compressing tidal axis"}


def misalignment(catalogs):
    names = [name for name in ANGLES if name in catalogs[0].names("misalignments")]
    if not names:
        return None
    figure, axes = grid_of(len(names))
    for axis, name in zip(axes, names):
        axis.axhline(1, color="0.4", lw=1, ls=":", label="isotropic")
        for catalog in reversed(catalogs):
            if name not in catalog.names("misalignments"):
                continue
            edges, counts = (catalog.group[f"misalignments/{name}/{key}"][()] for key in ("edges", "counts"))
            norm = max(counts.sum(), 1) * np.diff(edges)
            draw(axis, 0.5 * (edges[1:] + edges[:-1]), counts / norm, np.sqrt(counts) / norm, catalog, -catalog.k)
        axis.set(xlabel=r"$|\cos\theta|$ (" + ANGLES[name] + ")", ylabel="density relative to isotropic")
    axes[0].legend()
    return figure


def alignment_fits(catalogs, nla):
    """r_p w_g+ of the mock's sub-samples with the model that A_1 was fitted with."""
    panels = [(suffix, title) for suffix, title in samples_of(catalogs, "wgplus") if (nla or {}).get("fits", {}).get(suffix[1:] or "all", {}).get("A_1") is not None]
    if not panels:
        return None
    figure, axes = grid_of(len(panels))
    x = centres(np.array(nla["edges"]))
    for axis, (suffix, title) in zip(axes, panels):
        s, fit = catalogs[0].statistic("wgplus" + suffix), nla["fits"][suffix[1:] or "all"]
        seen = s["edges"][:-1] > 0.15 * nla["edges"][0]
        r = centres(s["edges"])[seen]
        draw(axis, r, (s["value"][seen] * r), (s["error"][seen] * r), catalogs[0])
        axis.plot(x, fit["bias"] * fit["A_1"] * np.array(nla["w_nla"]) * x, color="#D55E00", lw=2, label="nonlinear alignment model")
        axis.axhline(0, color="0.4", lw=0.8)
        axis.set(xscale="log", title=f"{title}: $A_1$ = {fit['A_1']:.2f} ± {fit['A_1_error']:.2f}, $b$ = {fit['bias']:.2f} ± {fit['bias_error']:.2f}",
                 xlabel=r"$r_p$ [Mpc/$h$]", ylabel=r"$r_p\,w_{g+}$ [Mpc$^2/h^2$]")
        axis.title.set_size(9)
        axis.set_xticks([1, 2, 5, 10, 20, 50, 100], [1, 2, 5, 10, 20, 50, 100])
        axis.set_xticks([], minor=True)
        axis.set_xlim(0.9 * r[0], 1.1 * r[-1])
    axes[0].legend()
    return figure


def published(targets):
    """The mock against the vectors that were given."""
    if not targets:
        return None
    figure, axes = grid_of(len(targets))
    for axis, (name, t) in zip(axes, targets.items()):
        axis.errorbar(t["r"], t["mock"], t["mock_error"], color="black", marker="o", ms=4.5, lw=1.2, capsize=2, label="mock")
        axis.errorbar(np.array(t["r"]) * 1.035, t["value"], t["error"], color="#D55E00", marker="s", mfc="white", ms=4.5, lw=1.2, ls="--", capsize=2, label="published")
        axis.axhline(0, color="0.4", lw=0.8)
        axis.set(xscale="log", title=f"{name}: χ²/dof = {t['chi2_per_dof']:.2f}", xlabel=r"$r$ [Mpc/$h$]", ylabel=name.split(":")[0])
        axis.title.set_size(9)
    axes[0].legend()
    return figure


def smoothed(image, cells):
    """Gaussian, periodic."""
    k = np.fft.fftfreq(image.shape[0])
    kernel = np.exp(-2 * np.pi**2 * cells**2 * (k[:, None]**2 + k[None, :]**2))
    return np.fft.ifft2(np.fft.fft2(image) * kernel).real


def slice_figure(file):
    if "slice/galaxies" not in file:
        return None
    x, y, e1, e2, mass, colour, tx, ty = file["slice/galaxies"][()].T
    cx, cy, side, depth, smoothing = file["slice/frame"][()]
    overdensity = file["slice/overdensity"][()]
    n = overdensity.shape[0]
    length = json.loads((pathlib.Path(file.filename).parent / "validation.json").read_text())["box"]
    figure, axes = plt.subplots(figsize=(8.2, 7.2))
    field = smoothed(overdensity, 1.0 * n / length[0])
    # Periodic: rolled so that the heaviest halo is in the middle.
    shift = [int(round(n / 2 - c / l * n)) for c, l in zip((cx, cy), length)]
    field = np.roll(field, shift, axis=(0, 1))
    origin = [(c / l * n + s - n / 2) * l / n for c, l, s in zip((cx, cy), length, shift)]
    extent = (-length[0] / 2 - origin[0], length[0] / 2 - origin[0], -length[1] / 2 - origin[1], length[1] / 2 - origin[1])
    axes.imshow(np.log10(1.05 + np.maximum(field.T, -1)), origin="lower", extent=extent, cmap="Greys", aspect="equal", interpolation="bicubic")
    half = side / 2

    norm = np.hypot(tx, ty)
    seen = norm > 0
    step = 0.5 * np.stack([tx, ty], 1)[seen] * 1.5
    middle = np.stack([x, y], 1)[seen]
    axes.add_collection(LineCollection(np.stack([middle - step, middle + step], 1), colors="#D55E00", linewidths=0.7, alpha=0.55, zorder=2))

    shaped = np.isfinite(e1) & np.isfinite(e2)
    heavy = np.where(np.isfinite(mass), mass, 10.5)
    cut = np.sort(heavy[shaped])[-min(900, shaped.sum())] if shaped.any() else 0
    drawn = shaped & (heavy >= cut)
    e = np.hypot(e1, e2)[drawn]
    size = 0.75 * 10 ** (0.3 * np.clip(heavy[drawn] - 10.5, -1, 2))
    ellipses = EllipseCollection(size, size * (1 - e) / (1 + e), 0.5 * np.degrees(np.arctan2(e2, e1))[drawn], units="xy",
                                 offsets=np.stack([x, y], 1)[drawn], offset_transform=axes.transData, cmap="cividis", edgecolor="black", linewidth=0.35,
                                 zorder=3)
    if np.isfinite(colour[drawn]).all() and drawn.any():
        ellipses.set_array(colour[drawn])
        ellipses.set_clim(0.35, 0.85)
        figure.colorbar(ellipses, ax=axes, label="g − r", shrink=0.8)
    else:
        ellipses.set_facecolor("#0072B2")
    axes.add_collection(ellipses)
    axes.grid(False)
    axes.set(xlim=(-half, half), ylim=(-half, half), xlabel="x from the heaviest halo [Mpc/h]", ylabel="y from the heaviest halo [Mpc/h]",
             title=f"{drawn.sum()} of {len(x)} galaxies in {depth:g} Mpc/h along z;\ngrey: halo mass, orange: stretching tidal axis ({smoothing:g} Mpc/h)")
    return figure


def draw_figures(out, report):
    """Writes the folder out/figures; returns names of files with captions. report: out/validation.json."""
    folder = out / "figures"
    folder.mkdir(exist_ok=True)
    with h5py.File(out / "validation.hdf5") as file:
        catalogs = [Catalog(file, pathlib.Path(report["mock"]).stem, 0)]
        for k, reference in enumerate(report["references"]):
            catalogs.append(Catalog(file[f"references/{k}"] if f"references/{k}" in file else {}, pathlib.Path(reference["path"]).stem + " (reference)", k + 1))
        r, rp = r"$r$ [Mpc/$h$]", r"$r_p$ [Mpc/$h$]"
        figures = {
            "wgplus": (pair_figure(catalogs, "wgplus", r"$r_p\,w_{g+}$ [Mpc$^2/h^2$]", rp, scale=True),
                       "Projected correlation of galaxy positions and shapes, r_p w_g+; positive: galaxies point at each other. Errors: jackknife."),
            "omega": (pair_figure(catalogs, "ed_A", r"$\omega(r) = \langle|\hat e\cdot\hat r|^2\rangle - 1/3$", r),
                      "ω(r): alignment of major axes with the direction to other galaxies."),
            "eta": (pair_figure(catalogs, "ee_A", r"$\eta(r) = \langle|\hat e_i\cdot\hat e_j|^2\rangle - 1/3$", r),
                    "η(r): alignment of major axes with each other."),
            "quadrupole": (pair_figure(catalogs, "xi_gplus_2", r"$r\,\xi^{(2)}_{g+}(r)$ [Mpc/$h$]", r, scale=True),
                           "Quadrupole of ξ_g+, the correlation of positions and shapes in three dimensions; positive: galaxies point at each other."),
            "wgg": (pair_figure(catalogs, "wgg", r"$w_{gg}$ [Mpc/$h$]", rp, log=True), "Projected correlation of positions, w_gg."),
            "wgcross": (pair_figure(catalogs, "wgcross", r"$r_p\,w_{g\times}$ [Mpc$^2/h^2$]", rp, scale=True), "The null test w_g×, zero by symmetry."),
            "alignment_fits": (alignment_fits(catalogs, report.get("nla")), "r_p w_g+ and the nonlinear alignment model (NLA) over the range that it was fitted to."),
            "published": (published(report.get("targets")), "Statistics of the mock and published vectors."),
            "mass_function": (mass_functions(catalogs), "Stellar mass function; halo mass function (a check of the input). Errors: Poisson."),
            "histograms": (histograms(catalogs), "Distributions of the galaxies' properties."),
            "misalignment": (misalignment(catalogs), "Angles between axes of galaxies and their halo, their host's centre (satellites only) and the tidal field; flat: random."),
            "slice": (slice_figure(file), "A slice around the heaviest halo: galaxies as ellipses (projected shape) over the halo mass density; "
                                          "orange: projected stretching axis of the tidal field at each galaxy."),
        }
    drawn = [(f"{name}.png", figure, caption) for name, (figure, caption) in figures.items() if figure is not None]
    for name, figure, _ in drawn:
        figure.savefig(folder / name)
        plt.close(figure)
    return [(name, caption) for name, _, caption in drawn]
