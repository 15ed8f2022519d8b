"""halobrush validate: numbers against brute force, the same on 1 and 2 ranks; files of another layout;
every bad input in one line."""
import math
import shutil

import h5py
import numpy as np
from scipy.stats import ks_2samp
from scipy.stats import t as student_t

from runner import Scratch, catalog_lines, expect, paint, run, sets, small_catalog, write_catalog
from validation import AXES, CONFIG, DATA, IO, QUICK, changed, columns_of, measured, results, validate

SMALL = [*QUICK, "stats.jackknife=2", "stats.r.bins=5", "stats.rp.bins=5", "stats.r.min=1", "stats.rp.min=1"]


def sparse_catalog(every=14):
    """Whole groups from all over the box: those whose host's id is divisible."""
    header, lines = catalog_lines()
    return header, [line for line in lines if int(line.split()[0] if line.split()[-1] == "-1" else line.split()[-1]) % every == 0]


# ---- brute force ----

def brute_force(c, box, rows, edges, pi_max):
    x = np.stack([c[k] for k in "xyz"], 1).astype(float)[rows]
    a = np.stack([c[f"galaxy_axisA_{k}"] for k in "xyz"], 1).astype(float)[rows]
    a /= np.linalg.norm(a, axis=1)[:, None]
    e1, e2 = c["ellipticity_1"].astype(float)[rows], c["ellipticity_2"].astype(float)[rows]
    d = x[None] - x[:, None]  # [i,j] from i to j
    d -= box * np.round(d / box)
    r, rp, off = np.linalg.norm(d, axis=2), np.hypot(d[..., 0], d[..., 1]), ~np.eye(len(x), dtype=bool)
    radial = np.where(off, np.digitize(r, edges) - 1, -1)
    sky = np.where(off & (np.abs(d[..., 2]) < pi_max), np.digitize(rp, edges) - 1, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        along = np.einsum("ik,ijk->ij", a, d) ** 2 / r**2
        phi = np.arctan2(d[..., 1], d[..., 0])
    each = np.einsum("ik,jk->ij", a, a) ** 2
    plus = e1[:, None] * np.cos(2 * phi) + e2[:, None] * np.sin(2 * phi)
    out = {"ed_A": [], "ee_A": [], "wgplus": []}
    for b in range(len(edges) - 1):
        here = radial == b
        out["ed_A"].append((along[here].mean() - 1 / 3, here.sum()))
        out["ee_A"].append((each[here].mean() - 1 / 3, here.sum()))
        here = sky == b
        volume = math.pi * (edges[b + 1] ** 2 - edges[b] ** 2) * 2 * pi_max
        randoms = len(x) * (len(x) - 1) * volume / box.prod()
        out["wgplus"].append((plus[here].sum() / randoms * 2 * pi_max, here.sum()))
    return out


def check_numbers(scratch, mock, other):
    settings = [*SMALL, "stats.selections.massive=log_stellar_mass > 10.5 and is_central"]
    one = measured(1, mock, scratch / "one", settings, [other])
    two = measured(2, mock, scratch / "two", settings, [other])
    expect(one["statistics"] == two["statistics"], "statistics differ between 1 and 2 ranks")
    worst = largest_difference(one, two)
    expect(worst < 1e-12, f"1 and 2 ranks differ by {worst}")

    c, box = columns_of(mock)
    massive = (c["log_stellar_mass"] > np.float32(10.5)) & c["is_central"]
    for suffix, rows in (("", slice(None)), (":massive", massive)):
        s = one["statistics"]["ed_A" + suffix]
        expect(len(s["edges"]) == 6 and abs(s["edges"][-1] - 31.6) < 1e-9, s["edges"])
        for name, bins in brute_force(c, box, rows, np.array(s["edges"]), 20.0).items():
            s = one["statistics"][name + suffix]
            expect([p for _, p in bins] == s["pairs"], f"{name}{suffix}: pairs {s['pairs']}, by brute force {[int(p) for _, p in bins]}")
            expect(np.allclose([v for v, _ in bins], s["value"], rtol=1e-9, atol=1e-12), f"{name}{suffix}: {s['value']}, by brute force {bins}")
    expect(one["statistics"]["wgplus"]["pi_max"] == 20, "pi_max")
    expect("log_stellar_mass > 10.5" in one["statistics"]["ed_A:massive"]["selection"], "selection")

    d = one["distributions"]["log_stellar_mass"]
    counts, _ = np.histogram(c["log_stellar_mass"].astype(float), d["edges"])
    expect(np.array_equal(counts, d["counts"]), "mass function's counts")
    expect(np.allclose(d["value"], counts / np.diff(d["edges"]) / box.prod()), "mass function")
    o, _ = columns_of(other)
    for test in one["references"][0]["ks"]:
        if test["galaxies"] == "all" and test["column"] in c:
            answer = ks_2samp(c[test["column"]].astype(float), o[test["column"]].astype(float)).statistic
            expect(abs(answer - test["distance"]) < 1e-3, f"KS of {test['column']}: {test['distance']}, scipy {answer}")
    with h5py.File(scratch / "one/validation.hdf5") as f:
        group = f["statistics/wgplus"]
        expect(group["covariance"].shape == (5, 5) and group["leave_one_out"].shape == (8, 5), "covariance")
        expect(np.allclose(np.sqrt(np.diag(group["covariance"][()])), one["statistics"]["wgplus"]["error"], rtol=1e-10), "errors are not the covariance's")
    print(f"numbers: brute force, numpy and scipy agree; 1 and 2 ranks within {worst:.0e}")


def several(ranks, mocks, out, code=0, says="", settings=()):
    done = run(ranks, "validate", *mocks, "--out", out, *sets([*SMALL, *settings]), timeout=200)
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == (code > 1) and says in "".join(lines), f"{mocks}: {done.returncode}, wanted {code} and '{says}'\n{done.stdout}{done.stderr}")
    return results(out) if code <= 1 else None


def check_draws(scratch, mock, other, settings):
    """Two draws on one catalog: means and sums of what each has, errors from the mean of the leave-one-out samples, by numpy."""
    together = several(1, [mock, other], scratch / "draws")
    expect(largest_difference(together, several(2, [mock, other], scratch / "draws2")) < 1e-12, "1 and 2 ranks differ in the mean of draws")
    apart = [several(1, [one], scratch / f"draw{k}") for k, one in enumerate((mock, other))]
    expect(together["galaxies"] == sum(a["galaxies"] for a in apart) and together["mocks"] == [str(mock), str(other)], "galaxies, files")
    for name, s in together["statistics"].items():
        values = np.array([a["statistics"][name]["value"] for a in apart], dtype=float)
        expect(np.allclose(values.mean(0), np.array(s["value"], dtype=float), rtol=1e-12, atol=1e-15, equal_nan=True), f"{name}: {s['value']}, not the mean of {values}")
        expect(s["pairs"] == [sum(p) for p in zip(*(a["statistics"][name]["pairs"] for a in apart))], f"pairs of {name}")
        left = []
        for k in range(2):
            with h5py.File(scratch / f"draw{k}/validation.hdf5") as f:
                left.append(f[f"statistics/{name}/leave_one_out"][()])
        mean = np.mean(left, axis=0)
        error = np.sqrt((len(mean) - 1) * np.var(mean, axis=0))
        expect(np.allclose(error, np.array(s["error"], dtype=float), rtol=1e-9, atol=1e-15, equal_nan=True), f"{name}: errors {s['error']}, by numpy {error}")
    for name, m in together["misalignments"].items():
        expect(abs(m["mean_cos2"] - np.mean([a["misalignments"][name]["mean_cos2"] for a in apart])) < 1e-12, name)
        expect(m["counts"] == [sum(p) for p in zip(*(a["misalignments"][name]["counts"] for a in apart))], f"counts of {name}")
    d, parts = together["distributions"]["ellipticity"], [a["distributions"]["ellipticity"] for a in apart]
    expect(np.allclose(d["value"], np.mean([p["value"] for p in parts], axis=0)) and d["counts"] == [sum(c) for c in zip(*(p["counts"] for p in parts))], "ellipticities")
    both = np.concatenate([columns_of(one)[0]["color_gr"].astype(float) for one in (mock, other)])
    moments = together["columns"]["color_gr"]
    expect(np.allclose([both.mean(), both.std(), both.min(), both.max()], [moments[k] for k in ("mean", "std", "min", "max")]), f"moments {moments}")

    several(2, [mock, shutil.copy(mock, scratch / "again.hdf5")], scratch / "refused", DATA, "is the draw of")
    # The same seed on another processor has other last digits.
    mass = columns_of(mock)[0]["log_stellar_mass"]
    several(1, [mock, changed(mock, scratch / "digits.hdf5", log_stellar_mass=np.nextafter(mass, np.float32(99)))], scratch / "refused", DATA, "is the draw of")
    paint(1, scratch / "law.hdf5", "seed=9", "analytic.kappa_a_red=[1,1.5]", *settings, config="config/demo-truth.yaml")
    several(1, [mock, scratch / "law.hdf5"], scratch / "refused", DATA, "was made otherwise than")
    c, _ = columns_of(mock)
    several(1, [mock, changed(other, scratch / "moved.hdf5", x=np.roll(c["x"], 1) * np.float32(0.99))], scratch / "refused", DATA, "stand elsewhere")
    with h5py.File(shutil.copy(other, scratch / "fewer.hdf5"), "r+") as f:
        del f["data/log_size"]
    several(1, [mock, scratch / "fewer.hdf5"], scratch / "refused", DATA, "its columns are not those")
    with h5py.File(shutil.copy(other, scratch / "unknown.hdf5"), "r+") as f:
        del f["provenance"].attrs["identity"]
    said = several(1, [mock, scratch / "unknown.hdf5"], scratch / "unknown")["remarks"]
    expect(any("does not say how it was made" in remark for remark in said), said)
    print("draws: means, errors and sums as by numpy, 1 and 2 ranks alike; another law, other galaxies, the same draw refused")


def vectors(c, prefix):
    v = np.stack([c[prefix + k] for k in "xyz"], 1).astype(float)
    with np.errstate(invalid="ignore"):
        return v / np.linalg.norm(v, axis=1)[:, None]  # NaN where there is none


def directions_to_hosts(c, box):
    x = np.stack([c[k] for k in "xyz"], 1)
    order = np.argsort(c["halo_id"])
    d = x[order[np.searchsorted(c["halo_id"][order], c["host_halo_id"])]] - x
    d -= box * np.round(d / box)
    with np.errstate(invalid="ignore"):
        return d / np.linalg.norm(d, axis=1)[:, None]


def squared_cosines(c, box, name):
    axis, _, direction = name.partition("_")
    along = directions_to_hosts(c, box) if direction == "host" else vectors(c, direction + "_")
    return (vectors(c, "galaxy_axisA_" if axis == "major" else "galaxy_axisC_") * along).sum(1) ** 2


def sub_boxes(c, box, per_side):
    return np.ravel_multi_index([np.minimum(per_side - 1, (c[k] / box[i] * per_side).astype(int)) for i, k in enumerate("xyz")], [per_side] * 3)


def means_without(square, where, n):
    """The mean of all, and those without one sub-box each."""
    rest = lambda values: np.nansum(values) - np.array([np.nansum(values[where == k]) for k in range(n)])
    return np.nanmean(square), rest(square) / rest(np.isfinite(square))


def check_misalignments(scratch, mock, other):
    """Means, jackknife, distributions and p-values of the angles against numpy; what a catalog lacks is said."""
    found = measured(2, mock, scratch / "angles", SMALL, [other])
    c, box = columns_of(mock)
    o, _ = columns_of(other)
    n = 8
    variance = lambda left_out: (n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()
    for selection, rows in (("", lambda t: np.full(len(t["x"]), True)), (":red", lambda t: t["color_gr"] > 0.6), (":satellite", lambda t: ~t["is_central"])):
        for name in ("major_halo_axis", "minor_halo_spin", "major_host", "minor_host"):
            m = found["misalignments"][name + selection]
            square, theirs = (np.where(rows(t), squared_cosines(t, box, name), np.nan) for t in (c, o))
            mean, left_out = means_without(square, sub_boxes(c, box, 2), n)
            expect(m["galaxies"] == np.isfinite(square).sum() and np.isclose(m["mean_cos2"], mean, rtol=1e-9), f"{name}{selection}: {m}, numpy {mean}")
            expect(np.isclose(m["error"], np.sqrt(variance(left_out)), rtol=1e-6), f"{name}{selection}: error {m['error']}")
            counts = np.histogram(np.sqrt(square[np.isfinite(square)]), m["edges"])[0]
            expect(np.abs(counts - m["counts"]).sum() <= 2 and sum(m["counts"]) == m["galaxies"], f"{name}{selection}: histogram")
            their_mean, their_left_out = means_without(theirs, sub_boxes(o, box, 2), n)
            t = found["references"][0]["misalignment_comparisons"][name + selection]
            error = np.sqrt(variance(left_out - their_left_out))
            p = 2 * student_t.sf(abs(mean - their_mean) / error, n - 1)
            expect(np.isclose(t["difference"], mean - their_mean, atol=1e-9) and np.isclose(t["error"], error, rtol=1e-6), f"{name}{selection}: {t}")
            expect(np.isclose(t["p_value"], p, rtol=1e-5), f"{name}{selection}: p-value {t['p_value']}, scipy {p}")
    expect("major_host:central" not in found["misalignments"] and "minor_compressing:central" in found["misalignments"], "angles of centrals")
    expect(any(r["name"] == "misalignment major_host (satellite): p-value" for r in found["requirements"]), "no requirement on satellites")

    with h5py.File(shutil.copy(mock, scratch / "bare.hdf5"), "r+") as f:
        for k in "xyz":
            del f[f"data/halo_axis_{k}"]
        f["data/orientation_known"] = np.arange(len(c["x"])) % 2 == 0
    bare = measured(1, scratch / "bare.hdf5", scratch / "bare", SMALL)
    expect("major_halo_axis" not in bare["misalignments"] and any("halo_axis_{x,y,z}" in r for r in bare["remarks"]), bare["remarks"])
    half = squared_cosines(c, box, "minor_halo_spin")[::2]
    expect(bare["misalignments"]["minor_halo_spin"]["galaxies"] == np.isfinite(half).sum(), "orientations that are not known are measured")
    print(f"misalignments: numpy and scipy agree on {len(found['misalignments'])} means and distributions")


def check_tidal_axes(scratch):
    """Sheets across x: in the dense ones the field compresses along x, in the empty ones it stretches along x."""
    y, z = np.meshgrid(np.arange(20) * 5 + 2.5, np.arange(20) * 5 + 2.5)
    n = y.size
    sheets = [25 + 6.25 / 4, 75 + 6.25 / 4, 50 + 6.25 / 4, 6.25 / 4]
    columns = {"x": np.repeat(sheets, n), "y": np.tile(y.ravel(), 4), "z": np.tile(z.ravel(), 4), "halo_mass": np.repeat([1e14, 1e14, 1e8, 1e8], n)}
    dense = columns["halo_mass"] > 1e10
    for k in range(3):  # the axis along x is the minor one in the dense sheets, the major one in the others
        columns[f"galaxy_axisA_{'xyz'[k]}"] = np.where(dense, float(k == 1), float(k == 0))
        columns[f"galaxy_axisC_{'xyz'[k]}"] = np.where(dense, float(k == 0), float(k == 2))
    with h5py.File(scratch / "sheets.hdf5", "w") as f:
        for name, values in columns.items():
            f[name] = values
    settings = [*SMALL, "validate.box=[100,100,100]", "stats.selections.dense=halo_mass > 1e10", "stats.selections.empty=halo_mass < 1e10",
                *(f"validate.columns.{name}={name}" for name in columns)]
    found = measured(2, scratch / "sheets.hdf5", scratch / "sheets", settings)["misalignments"]
    for name in ("minor_compressing:dense", "major_stretching:empty"):
        expect(abs(found[name]["mean_cos2"] - 1) < 1e-6, f"{name}: {found[name]['mean_cos2']} in sheets across x")
    expect("major_host" not in found and "major_halo_axis" not in found, f"angles to what is not there: {list(found)}")


def largest_difference(a, b):
    if isinstance(a, dict):
        expect(a.keys() == b.keys(), f"keys differ: {a.keys() ^ b.keys()}")
        return max((largest_difference(a[k], b[k]) for k in a), default=0)
    if isinstance(a, list):
        expect(len(a) == len(b), "lengths differ")
        return max((largest_difference(x, y) for x, y in zip(a, b)), default=0)
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) / max(1, abs(a))
    expect(a == b, f"{a} and {b} differ")
    return 0


# ---- files of another layout, and bad input ----

def foreign(mock, path):
    c, box = columns_of(mock)
    with h5py.File(path, "w") as f:
        f["Subhalo/Pos"] = 1000 * np.stack([c[k] for k in "xyz"], 1)
        f["Subhalo/Axes"] = np.stack([c[name] for name in AXES], 1)
        f["Subhalo/Type"] = c["is_central"].astype("i4")
        f["Subhalo/Short"] = np.zeros(7)
        f["Subhalo/Square"] = np.zeros((4, 4, 4))
    maps = [f"validate.columns.{k}=Subhalo/Pos[{i}] * 0.001" for i, k in enumerate("xyz")]
    maps += [f"validate.columns.{name}=Subhalo/Axes[{i}]" for i, name in enumerate(AXES)]
    return [*maps, "validate.columns.is_central=Subhalo/Type", f"validate.box=[{box[0]},{box[1]},{box[2]}]"]


def check_foreign(scratch, mock):
    path = scratch / "foreign.hdf5"
    columns = foreign(mock, path)
    ours = measured(1, mock, scratch / "ours", SMALL)
    theirs = measured(2, path, scratch / "theirs", SMALL + columns, [mock])
    for name in ("ed_A", "ee_B", "xi", "ed_C:central", "xi:satellite"):
        expect(theirs["statistics"][name]["pairs"] == ours["statistics"][name]["pairs"], f"{name} in a file of another layout")
    expect("wgplus" not in theirs["statistics"] and any("Omega_m is not known" in r for r in theirs["remarks"]), theirs["remarks"])
    refused(path, scratch, DATA, "validate.columns.x", SMALL)
    refused(path, scratch, DATA, "validate.box", SMALL + columns[:-1])
    refused(path, scratch, DATA, "no dataset 'Subhalo/Posn'", SMALL + columns + ["validate.columns.x=Subhalo/Posn[0]"])
    refused(path, scratch, DATA, "dimensions", SMALL + columns + ["validate.columns.x=Subhalo/Square"])
    refused(path, scratch, DATA, "dimensions", SMALL + columns + ["validate.columns.x=Subhalo/Pos[3]"])
    refused(path, scratch, CONFIG, "not understood", SMALL + columns + ["validate.columns.x=Subhalo/Pos[0] / 3"])
    refused(path, scratch, DATA, "has 7 rows", SMALL + columns + ["validate.columns.log_size=Subhalo/Short"])


def refused(mock, scratch, code, text, settings=SMALL, references=(), ranks=2):
    done = validate(ranks, mock, scratch / "refused", settings, references)
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == 1 and text in lines[0], f"wanted {code} and '{text}': {done.returncode}\n{done.stdout}{done.stderr}")
    expect(not (scratch / "refused/validation.json").exists(), "a refused catalog left results")
    print(lines[0])


def one_galaxy(mock, path):
    with h5py.File(mock) as f, h5py.File(path, "w") as g:
        for name in ("header", "provenance"):
            f.copy(name, g)
        for name, d in f["data"].items():
            g[f"data/{name}"] = d[:1]
    return path


def check_bad_input(scratch, mock, other):
    refused(scratch / "none.hdf5", scratch, IO, "none.hdf5")
    refused(write_catalog(scratch / "halos.list", *small_catalog(50)), scratch, DATA, "validate.columns.x")
    refused(one_galaxy(mock, scratch / "one.hdf5"), scratch, DATA, "1 galaxies")
    c, _ = columns_of(mock)
    refused(changed(mock, scratch / "nowhere.hdf5", x=np.where(np.arange(len(c["x"])) == 3, np.nan, c["x"])), scratch, DATA, "nan for some galaxy")
    with h5py.File(shutil.copy(mock, scratch / "no_z.hdf5"), "r+") as f:
        del f["data/z"]
    refused(scratch / "no_z.hdf5", scratch, DATA, "no column 'z'")
    refused(mock, scratch, CONFIG, "nearest known: 'color_gr'", SMALL + ["stats.selections.red=colour_gr > 0.6"])
    refused(mock, scratch, CONFIG, "character 10", SMALL + ["stats.selections.red=color_gr >> 0.6"])
    refused(mock, scratch, DATA, "takes 0 galaxies", SMALL + ["stats.selections.none=log_stellar_mass > 99"])
    refused(mock, scratch, CONFIG, "half the box", SMALL + ["stats.r.max=80"])
    refused(mock, scratch, CONFIG, "half the box", SMALL + ["stats.pi_max=80"])
    refused(mock, scratch, CONFIG, "stats.rp.max", SMALL + ["stats.rp.max=0.5"])
    refused(mock, scratch, DATA, "sub-boxes", SMALL + ["stats.jackknife=10", "stats.selections.heavy=log_stellar_mass > 11"])
    refused(mock, scratch, CONFIG, "requirements", SMALL + ["validate.requirements=/nowhere.yaml"])
    (scratch / "wrong.yaml").write_text("catalog: {unique_id: true}\n")
    refused(mock, scratch, CONFIG, "wrong.yaml:1: catalog.unique_id: unknown key (nearest known: 'unique_ids')", SMALL + [f"validate.requirements={scratch}/wrong.yaml"])

    # Another cosmology, another box: said, and compared only where that means something.
    far = shutil.copy(other, scratch / "far.hdf5")
    with h5py.File(far, "r+") as f:
        for place in ("provenance/simulation", "header/simulation/cosmology"):
            f[place].attrs["omega_m"] = 0.25
    warned = measured(1, mock, scratch / "far", SMALL, [far])
    expect(any("Omega_m is 0.25" in r for r in warned["remarks"]) and warned["references"][0]["comparable"], warned["remarks"])
    with h5py.File(far, "r+") as f:
        f["provenance/simulation"].attrs["box"] = f["header/file"].attrs["region_p2"] = np.array([160.0, 160.0, 160.0])
    warned = measured(1, mock, scratch / "far", SMALL, [far])
    expect(any("its box" in r for r in warned["remarks"]) and not warned["references"][0]["comparisons"], warned["remarks"])


def check_page_without_python(scratch, mock):
    out = scratch / "bare"
    measured(1, mock, out, SMALL)
    expect("No figures: validate.figures is false" in (out / "index.html").read_text(), "the page does not say why it has no figures")
    measured(1, mock, out, [*SMALL, "validate.figures=true", "validate.python=/nowhere/python"])
    expect((out / "validation.json").exists() and not (out / "index.html").exists(), "numbers without Python have the page of others")


def check_foreign_file(scratch, mock):
    """A file of somebody else that has the name of an unfinished one stays."""
    mine = scratch / "refused/validation.hdf5.partial"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("mine\n")
    refused(mock, scratch, CONFIG, "is not of halobrush")
    expect(mine.read_text() == "mine\n", "a file of somebody else was replaced")
    mine.unlink()


def check_two_sample(scratch, mock, other):
    """The classifier test of two draws of one law, and where its errors are told: in all and in bins of halo mass."""
    reference = measured(1, mock, scratch / "classified", [*SMALL, "validate.two_sample=true"], [other])["references"][0]
    tests = {t["galaxies"]: t for t in reference["two_sample"]}
    bins = [name for name in tests if name.startswith("log_halo_mass ")]
    c, _ = columns_of(mock)
    expect(tests["all"]["n"] == len(c["halo_id"]) and tests["all"]["accuracy"] == reference["two_sample_accuracy"], tests)
    expect(bins and sum(tests[name]["n"] for name in bins) <= tests["all"]["n"], tests)
    expect(0.4 < tests["all"]["accuracy"] < 0.6, f"a classifier tells two draws of one law apart: {tests['all']}")
    print(f"classifier: {tests['all']['accuracy']:.3f} of two draws of the law, {len(bins)} bins of halo mass")


def main():
    with Scratch() as scratch:
        small = write_catalog(scratch / "small.list", *sparse_catalog())
        settings = [f"input.path={small}", "input.orphans=promote", "field.mesh=32"]
        paint(1, scratch / "a.hdf5", *settings, config="config/demo-truth.yaml")
        paint(1, scratch / "b.hdf5", "seed=5", *settings, config="config/demo-truth.yaml")
        check_numbers(scratch, scratch / "a.hdf5", scratch / "b.hdf5")
        check_draws(scratch, scratch / "a.hdf5", scratch / "b.hdf5", settings)
        check_misalignments(scratch, scratch / "a.hdf5", scratch / "b.hdf5")
        check_tidal_axes(scratch)
        check_page_without_python(scratch, scratch / "a.hdf5")
        check_foreign(scratch, scratch / "a.hdf5")
        check_foreign_file(scratch, scratch / "a.hdf5")
        check_two_sample(scratch, scratch / "a.hdf5", scratch / "b.hdf5")
        check_bad_input(scratch, scratch / "a.hdf5", scratch / "b.hdf5")


main()
