"""The page of halobrush validate, index.html, from its validation.json, validation.hdf5 and figures.

example: halobrush-validation-page out/validation
"""
import argparse
import json
import pathlib
import traceback

import h5py
from markupsafe import Markup

from halobrush import page
from halobrush.page import Section, Table, bold_if, number, with_error

# docs/concepts.md and docs/statistics.md say more.
WORDS = {
    "ed_A, ω(r)": "ellipticity–direction correlation: ⟨cos²⟩ − 1/3 of the angle between a galaxy's major axis (A; B, C: the others) and the direction to another at distance r",
    "ee_A, η(r)": "ellipticity–ellipticity correlation: the same between the axes of two galaxies",
    "wgplus, wgcross": "w_g+, w_g× [Mpc/h]: projected correlation of positions with shapes, along the line between two galaxies and at 45° to it (zero by symmetry)",
    "wpp, wgg": "w_++, w_gg [Mpc/h]: projected correlations of shapes with shapes, of positions with positions",
    "xi, xi_gplus_2, xi_gplus_4": "ξ(r) of positions; quadrupole and hexadecapole of ξ_g+, the correlation of positions with shapes in three dimensions",
    "misalignment": "angle between an axis of a galaxy and one of its halo, of its host's direction or of the tidal field; ⟨cos²⟩ is 1/3 where the two do not know of each other",
    "χ²/dof, p-value": "χ² for each degree of freedom of the difference, with its own jackknife covariance; how often two mocks of one law differ by as much",
    "jackknife": "errors from leaving out one sub-box after the other",
    "KS": "Kolmogorov–Smirnov distance: the largest difference of two cumulative distributions",
    "A_1, b": "amplitude of the nonlinear alignment model, galaxy bias",
    "C2ST": "classifier two-sample test: how often a classifier tells a galaxy of the mock from one of the reference; 0.5 is guessing",
}

ANGLES = {
    "major_halo_axis": "major axis and the halo's major axis",
    "minor_halo_spin": "minor axis and the halo's spin",
    "major_host": "major axis and the direction to the host halo's centre",
    "minor_host": "minor axis and the direction to the host halo's centre",
    "major_stretching": "major axis and the axis along which the tidal field stretches",
    "minor_compressing": "minor axis and the axis along which the tidal field compresses",
}

BOLD = "where two samples of one population differ by more once in a thousand times"


def file_name(path):
    return pathlib.Path(path).name


def catalog_line(measured):
    box = " × ".join(f"{side:g}" for side in measured["box"])
    line = Markup("{}: {} galaxies, box {} Mpc/h, a = {}, Ω<sub>m</sub> = {}, h = {}")
    return line.format(measured["path"], measured["galaxies"], box, *(number(measured[name]) for name in ("scale_factor", "omega_m", "h")))


def compared_cells(name, reference):
    theirs, difference = (reference[part].get(name) for part in ("misalignments", "misalignment_comparisons"))
    if theirs is None or difference is None:
        return ["–"] * 4
    far = difference["ks"] is not None and difference["ks_chance"] is not None and difference["ks"] > difference["ks_chance"]
    return [with_error(theirs["mean_cos2"], theirs["error"]), with_error(difference["difference"], difference["error"]), number(difference["p_value"]),
            bold_if(far, number(difference["ks"]))]


def misalignment_section(report):
    """Which way galaxies point: the mock beside every reference, angle by angle."""
    title = "Which way galaxies point"
    if not report["misalignments"]:
        return Section(title, ["The catalog lacks what angles are measured from."])
    head = ["angle between a galaxy's …", "of", "galaxies", "mean cos² θ"]
    for reference in report["references"]:
        head += [f"in {file_name(reference['path'])}", "difference", "p-value", "KS distance"]
    rows = []
    for name, measured in report["misalignments"].items():
        angle, _, selection = name.partition(":")
        row = [ANGLES.get(angle, angle), selection or "all", f"{measured['galaxies']:.0f}", with_error(measured["mean_cos2"], measured["error"])]
        rows.append(row + [cell for reference in report["references"] for cell in compared_cells(name, reference)])
    return Section(title, ["θ is the angle between an axis of a galaxy and a direction of its surroundings. The mean of cos² θ is 1 where both are parallel, 1/3 where they "
                           "know nothing of each other, 0 where they are perpendicular. p-value: how often two mocks of one law differ by as much. KS distance: of the "
                           f"distributions of |cos θ|; bold {BOLD}.", Table(head, rows)])


def amplitude_cells(fit):
    if fit is None:
        return ["–"] * 3
    chi2 = None if not fit["dof"] or fit["chi2"] is None else fit["chi2"] / fit["dof"]
    return [with_error(fit["A_1"], fit["A_1_error"]), with_error(fit["bias"], fit["bias_error"]), number(chi2)]


def amplitude_parts(report):
    """A_1 and bias of every sub-sample, in the mock beside every reference."""
    nla = report.get("nla")
    if not nla:
        return []
    text = Markup("Nonlinear alignment model: w_g+ = b A<sub>1</sub> w_nla and w_gg = b² w_mm, fitted together to {:.3g} &lt; r_p &lt; {:.3g} Mpc/h with the jackknife "
                  "covariance. A<sub>1</sub> is that of the mean shear ⟨ε⟩, |ε| = (1−q)/(1+q), with C<sub>1</sub>ρ_crit = 0.0134; positive: galaxies point at overdensities. "
                  "Matter power: HMcode-2020 by CAMB, σ<sub>8</sub> = {}, growth D = {}.").format(
                      nla["edges"][0], nla["edges"][-1], number(nla["cosmology"]["sigma_8"]), number(nla["growth"]))
    head = ["of", Markup("A<sub>1</sub>"), "bias b", "χ²/dof"]
    for reference in report["references"]:
        head += [Markup("A<sub>1</sub> in {}").format(file_name(reference["path"])), "b", "χ²/dof"]
    rows = [[selection, *amplitude_cells(fit), *(cell for reference in report["references"] for cell in amplitude_cells((reference.get("nla") or {}).get("fits", {}).get(selection)))]
            for selection, fit in nla["fits"].items()]
    return [text, Table(head, rows)]


def published_parts(report):
    parts = []
    if targets := report.get("targets"):
        rows = [[name, t["file"], f"{t['dof']:.0f}", f"{t['r'][0]:.3g}", f"{t['r'][-1]:.3g}", number(t["chi2_per_dof"])] for name, t in targets.items()]
        parts += [Table(["statistic", "published vector", "bins", "from", "to [Mpc/h]", "χ²/dof"], rows), "From, to: centres of the first and the last bin."]
    if ellipticities := report.get("ellipticities"):
        rows = [[name, e["file"], f"{e['galaxies']:.0f}", f"{e['listed']:.0f}", number(e["ks"]), number(e["ks_chance"])] for name, e in ellipticities.items()]
        parts.append(Table(["|ε| of", "observed", "galaxies", "listed", "KS distance", "two samples of one population differ by more once in a thousand times"], rows))
    return parts


def comparison_table(reference):
    rows = [[name, *(number(c[part]) for part in ("chi2", "dof", "chi2_per_dof", "p_value", "ratio"))] for name, c in reference["comparisons"].items()]
    return Table(["statistic", "χ²", "dof", "χ²/dof", "p-value", "ratio"], rows)


def distribution_parts(reference):
    """Rows: columns of the catalog; columns: all galaxies and bins of halo mass."""
    tests = {(t["column"], t["galaxies"]): t for t in reference["ks"]}
    columns, samples = (list(dict.fromkeys(key[k] for key in tests)) for k in (0, 1))
    cell = lambda t: "–" if t is None else bold_if(t["distance"] is not None and t["distance"] > t["chance"], number(t["distance"]))
    rows = [[column, *(cell(tests.get((column, sample))) for sample in samples)] for column in columns]
    return [Table(["KS distance", *samples], rows), f"Bold: {BOLD.removeprefix('where ')}."]


def two_sample_parts(reference):
    rows = [[t["galaxies"], number(t["accuracy"]), number(t["error"]), f"{t['n']:.0f}"] for t in reference["two_sample"]]
    return [Table(["classifier of mock against reference", "accuracy (0.5: alike)", "error", "galaxies"], rows)] if rows else []


def statistic_table(name, s):
    rows = [[f"{low:.3g}", f"{high:.3g}", number(value), number(error), f"{pairs:.0f}"]
            for low, high, value, error, pairs in zip(s["edges"], s["edges"][1:], s["value"], s["error"] or [None] * len(s["value"]), s["pairs"])]
    return Table(["from", "to [Mpc/h]", "value", "error", "ordered pairs"], rows, fold=name)


def sections_of(report):
    yield misalignment_section(report)
    if parts := amplitude_parts(report) + published_parts(report):
        yield Section("Alignment for lensing", parts)
    for reference in report["references"]:
        yield Section(f"Against {reference['path']}", [comparison_table(reference), *distribution_parts(reference), *two_sample_parts(reference)])
    yield Section("Statistics", [statistic_table(name, s) for name, s in report["statistics"].items()])


def drawn(folder, report):
    """Figures, and why there are none."""
    try:
        from halobrush import plot_validation
        return [page.figure(caption, (folder / "figures" / name).read_bytes()) for name, caption in plot_validation.draw_figures(folder, report)], ""
    except Exception as error:  # the page has more than figures
        traceback.print_exc()
        return [], f"{type(error).__name__}: {error}"


def main():
    parser = argparse.ArgumentParser("halobrush-validation-page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", metavar="DIR", type=pathlib.Path, help="folder of halobrush validate")
    parser.add_argument("--no-figures", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.dir
    report = json.loads((folder / "validation.json").read_text())
    with h5py.File(folder / "validation.hdf5") as file:
        config = file.attrs["config"]
    figures, why = ([], "validate.figures is false") if arguments.no_figures else drawn(folder, report)
    facts = [catalog_line(report)]
    if len(report["mocks"]) > 1:
        facts.append("Draws: " + ", ".join(report["mocks"]))
    facts += [Markup("Reference {}").format(catalog_line(reference)) for reference in report["references"]]
    page.write(folder / "index.html", report["requirements"], title=f"halobrush validation: {report['mock']}", heading=f"Validation of {file_name(report['mock'])}",
               facts=facts, remarks=report["remarks"], figures=figures, no_figures=why, sections=list(sections_of(report)), words=WORDS, config=config,
               version=report["halobrush"], numbers="validation.json, validation.hdf5")
    if why and not arguments.no_figures:
        print(f"no figures: {why}")


if __name__ == "__main__":
    main()
