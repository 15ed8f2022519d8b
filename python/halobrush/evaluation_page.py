"""Figures and the self-contained page of halobrush evaluate."""
import io

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from halobrush import __version__, page

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#888888"  # Okabe & Ito; told apart in grey print by line and marker


def label(name):
    return {"log_stellar_mass": "log M* [Msun]", "color_gr": "g - r [mag]", "log_size": "log size [kpc]", "log_ssfr": "log sSFR [1/yr]",
            "disc_fraction": "disc fraction", "b_to_a": "b/a", "c_to_a": "c/a"}.get(name, name.replace("_", " "))


def grid(count, columns=3, height=2.9):
    rows = (count + columns - 1) // columns
    figure, axes = plt.subplots(rows, columns, figsize=(3.5 * columns, height * rows), constrained_layout=True, squeeze=False)
    for axis in axes.ravel()[count:]:
        axis.set_axis_off()
    return figure, axes.ravel()


def histograms(pair):
    figure, axes = grid(len(pair.truth.scalars))
    for axis, (name, truth) in zip(axes, pair.truth.scalars.items()):
        painted = np.concatenate([draw.scalars[name] for draw in pair.draws])
        truth, painted = truth[np.isfinite(truth)], painted[np.isfinite(painted)]
        bins = np.linspace(*np.percentile(truth, (0.2, 99.8)), 40)
        axis.hist(truth, bins, density=True, histtype="stepfilled", color=BLUE, alpha=0.35, label="true")
        axis.hist(painted, bins, density=True, histtype="step", color=ORANGE, lw=1.6, label="painted")
        axis.set(xlabel=label(name), yticks=[])
    axes[0].legend(frameon=False)
    return figure


def relations(result):
    parts = list(result["stellar_to_halo"].items())
    if "stellar_mass_at_fixed" in result:
        parts.append(("at fixed " + label(result["stellar_mass_at_fixed"]["input"]), result["stellar_mass_at_fixed"]["bins"]))
    figure, axes = grid(len(parts))
    for axis, (part, rows) in zip(axes, parts):
        x = [0.5 * (row["low"] + row["high"]) for row in rows]
        truth = np.array([row["truth"] for row in rows])
        painted = truth + [row["difference"] for row in rows]
        scatter = np.array([row["truth_scatter"] for row in rows])
        axis.fill_between(x, truth - scatter, truth + scatter, color=BLUE, alpha=0.2, lw=0, label="true, mean and scatter")
        axis.plot(x, truth, color=BLUE)
        axis.errorbar(x, painted, [row["painted_scatter"] for row in rows], color=ORANGE, marker="o", ms=4, ls="", capsize=2, label="painted")
        axis.set(title=part, xlabel="log host mass [Msun/h]" if not part.startswith("at") else part[9:], ylabel="log M* [Msun]")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def red_fractions(result):
    rows = result["red_fraction"]
    figure, (axis,) = grid(1, 1)
    x = np.array([0.5 * (row["low"] + row["high"]) for row in rows])
    truth = np.array([row["truth"] for row in rows])
    axis.plot(x, truth, color=BLUE, label="true")
    axis.errorbar(x, truth + [row["difference"] for row in rows], [row["error"] for row in rows], color=ORANGE, marker="o", ms=4, ls="", label="painted")
    axis.set(xlabel="log M* [Msun]", ylabel="red fraction")
    axis.legend(frameon=False)
    return figure


ISOTROPIC = {"central_spin_orbits": 0.5, "central_spin_minor_axis": 0.5, "satellite_spin_radius": 0.5, "satellite_spin_orbit": 0,
             "central_spin_satellites": 0.5}


def numbers(values):
    return np.array(values, float)  # None: NaN


def orientation(result):
    parts = {name: part for name, part in result["orientation"].items() if isinstance(part, dict)}
    figure, axes = grid(len(parts))
    edges = np.array(result["orientation"]["log_host_mass_edges"])
    for axis, (name, part) in zip(axes, parts.items()):
        x = 0.5 * (edges[1:] + edges[:-1]) if len(part["truth"]) > 1 else np.array([0.0])
        axis.errorbar(x - 0.02, numbers(part["truth"]), numbers(part["truth_error"]), color=BLUE, marker="s", ms=4, ls="-", capsize=2, label="true")
        axis.errorbar(x + 0.02, numbers(part["painted"]), numbers(part["painted_error"]), color=ORANGE, marker="o", ms=4, ls="--", capsize=2, label="painted")
        axis.axhline(ISOTROPIC.get(name, 1 / 3), color=GREY, lw=0.8)
        axis.set(title=name.replace("_", " "), xlabel="log host mass [Msun/h]" if len(x) > 1 else "all", ylabel="mean cosine" if name in ISOTROPIC else "mean cos²")
        if len(x) == 1:
            axis.set(xticks=[], xlim=(-0.3, 0.3))
        axis.title.set_fontsize(9)
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def classifiers(result):
    parts = {"painted": result["c2st"]["c2st"], "null": result["c2st"]["null"], **{f"{k} (known)": v for k, v in result["c2st"]["perturbed"].items()}}
    figure, (axis,) = grid(1, 1, 2.6)
    for shift, name, colour, marker in ((-0.1, "trees", BLUE, "s"), (0.1, "mlp", ORANGE, "o")):
        axis.errorbar([part[name]["accuracy"] for part in parts.values()], np.arange(len(parts)) + shift,
                      xerr=[part[name]["error"] for part in parts.values()], color=colour, marker=marker, ls="", label={"trees": "boosted trees", "mlp": "MLP"}[name])
    axis.axvline(0.5, color=GREY, lw=0.8)
    axis.axvline(0.52, color=GREY, lw=0.8, ls=":")
    axis.set(yticks=range(len(parts)), yticklabels=list(parts), xlabel="accuracy, painted or true?", ylim=(len(parts) - 0.5, -0.5))
    axis.legend(frameon=False, fontsize=8)
    return figure


def figures_of(result, pair):
    yield "c2st", "Classifier two-sample test; dotted: the limit.", lambda: classifiers(result)
    if pair.truth.scalars:
        yield "scalars", "What was painted and what is true.", lambda: histograms(pair)
    if any(result.get("stellar_to_halo", {}).values()):
        yield "stellar_to_halo", "Stellar mass: mean and scatter.", lambda: relations(result)
    if result.get("red_fraction"):
        yield "red_fraction", "Red galaxies; error of the difference by jackknife over halos.", lambda: red_fractions(result)
    if any(isinstance(part, dict) for part in result["orientation"].values()):
        yield "orientation", "Orientations; grey: isotropic. Errors by jackknife over halos.", lambda: orientation(result)


WORDS = {
    "C2ST": "classifier two-sample test: boosted trees and a small neural network (MLP, multilayer perceptron) are trained to tell painted from true galaxies; their accuracy on others is 0.5 where they cannot",
    "null": "the same of two draws of the painter: what chance gives",
    "PQMass": "counts of two samples in the same random regions, compared by χ²; about 1 per degree of freedom where both come from one law",
    "residual": "a label minus what regression expects of the halo, in units of the expected scatter",
    "KS": "Kolmogorov–Smirnov distance: the largest difference of two cumulative distributions",
    "conformity": "members of a group share properties beyond what their halos tell",
    "jackknife": "errors from leaving out one host halo (or sub-box) after the other",
    "held out": "host halos that training did not see",
    "out of distribution": "galaxies whose inputs are unlike those of the training",
    "log p": "logarithm of the probability density that the model gives to the true galaxy, in natural units (nats)",
}


def facts_of(result):
    for key in ("model", "catalog", "draws", "galaxies", "held_out", "held_out_by", "evaluations"):
        if key in result:
            yield f"{key.replace('_', ' ')}: {result[key]}"
    if result["log_p"]:
        yield f"mean -log p: {-result['log_p']['mean']:.4f} ± {result['log_p']['error']:.4f} nats"
    if result["out_of_distribution"] is not None:
        yield f"out of distribution: {100 * result['out_of_distribution']:.2f} %"


def write(folder, result, pair):
    figures = []
    for name, caption, draw in figures_of(result, pair):
        figure, raw = draw(), io.BytesIO()
        figure.savefig(raw, dpi=110, format="png")
        plt.close(figure)
        (folder / f"{name}.png").write_bytes(raw.getvalue())
        figures.append(page.figure(caption, raw.getvalue()))
    page.write(folder / "index.html", result["requirements"], title="halobrush evaluate", heading="Painted beside true", facts=list(facts_of(result)), figures=figures,
               words=WORDS, version=__version__, numbers="evaluation.json, evaluation.hdf5")
