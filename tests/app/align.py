"""halobrush align: galaxies of finished catalogs get orientations. Rows, order and all other columns stay; what is written agrees with projections by numpy,
with the law that was asked for, and with the signs of TreeCorr; files and ranks, sorting and renumbering change nothing; wrong input is one line.
With ../shared/data also on a mock that diffsky itself made, and its OpenCosmo version."""
import pathlib
import shutil
import subprocess

import h5py
import numpy as np
import treecorr

from diffsky_mock import mock, read, sky, vectors
from runner import ENVIRONMENT, ROOT, Scratch, command, expect, run, sets

DESC = ROOT / "../shared/data/desc"
PARTS = ("disk", "bulge")
NAMES = ("psi_{}", "alpha_{}", "beta_{}", "ellipticity_{}", "mu_inclination_{}", "r50_{}_2d")
REPLACED = [name.format(part) for part in PARTS for name in NAMES]
NEW = [f"ia_{axis}_axis_{k}" for axis in ("major", "minor") for k in "xyz"] + [f"e{k}_{part}" for k in (1, 2) for part in PARTS] + ["ia_reference", "ia_early_type"]


def align(out, *files, ranks=1, settings=(), options=(), code=0, says="", at=ROOT):
    words = command(ranks if ranks > 1 else 0, ["align", *files, "--out", out, *sets(settings), *options])
    done = subprocess.run(words, cwd=at, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    expect(done.returncode == code and says in done.stdout + done.stderr, f"exit code {done.returncode}, wanted {code} and '{says}':\n{done.stdout}{done.stderr}")
    return done.stdout


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def everything_else(file, changed):
    """All objects and attributes but those of changed columns, as bytes."""
    found = {}
    def look(name, item):
        column = name.split("/")[-1]
        if column not in changed:
            found[name] = (item[()].tobytes() if isinstance(item, h5py.Dataset) else b"", sorted((k, np.asarray(v).tobytes()) for k, v in item.attrs.items() if np.asarray(v).dtype != object),
                           sorted((k, str(v)) for k, v in item.attrs.items()))
        elif column in REPLACED:
            found[name] = (item.dtype.str, item.shape, sorted((k, str(v)) for k, v in item.attrs.items()))
    with h5py.File(file) as opened:
        opened.visititems(look)
        root = sorted((k, str(v)) for k, v in opened.attrs.items())
    return {name: what for name, what in found.items() if not name.split("/")[0] == "halobrush"}, root


def keeps_the_rest(originals, out):
    for original in originals:
        copy = out / pathlib.Path(original).name
        before, after = everything_else(original, REPLACED), everything_else(copy, REPLACED + NEW)
        expect(before == after, f"{copy}: more has changed than orientations")
        a, b = read(original), read(copy)
        expect(set(b) - set(a) == set(NEW), f"new columns: {set(b) - set(a)}")
        expect(all(not same_bits(a[name], b[name]) for name in REPLACED), "a column was not replaced")
    kinds = []
    for original in originals:
        with h5py.File(out / pathlib.Path(original).name) as file:
            kinds.append([(name, file["data"][name].dtype.str, file["data"][name].attrs["unit"], file["data"][name].attrs["description"]) for name in NEW])
    expect(all(kind == kinds[0] for kind in kinds), "new columns differ between files")


def projection(columns):
    """By the support function of the ellipsoid: how far its outline reaches along each direction of a fine fan on the sky."""
    _, _, west, north, outwards = sky(vectors(columns, "", ["x_nfw", "y_nfw", "z_nfw"]))
    major, minor = vectors(columns, "ia_major_axis_"), vectors(columns, "ia_minor_axis_")
    expect(np.abs(np.sum(major * minor, 1)).max() < 1e-12 and np.abs(np.linalg.norm(major, axis=1) - 1).max() < 1e-12, "axes are not orthonormal")
    middle = np.cross(minor, major)
    fan = np.linspace(0, np.pi, 3601)[:-1]
    for part in PARTS:
        length = columns[f"r50_{part}_3d"][:, None] * np.stack([np.ones(len(major)), columns[f"b_over_a_{part}"], columns[f"c_over_a_{part}"]], 1)
        rows = np.arange(0, len(major), max(1, len(major) // 300))
        n = np.cos(fan)[None, :, None] * west[rows, None] + np.sin(fan)[None, :, None] * north[rows, None]
        reach = np.sqrt(sum((length[rows, k, None] * np.einsum("rfk,rk->rf", n, axis[rows]))**2 for k, axis in enumerate((major, middle, minor))))
        alpha, beta = columns[f"alpha_{part}"][rows], columns[f"beta_{part}"][rows]
        expect(np.abs(reach.max(1) / alpha - 1).max() < 1e-5 and np.abs(reach.min(1) / beta - 1).max() < 1e-3, f"{part}: alpha or beta is not that of the outline")
        angle = fan[reach.argmax(1)]
        apart = np.mod(columns[f"psi_{part}"][rows] - angle + np.pi / 2, np.pi) - np.pi / 2
        sure = beta / alpha < 0.95
        if part == "disk":
            expect(np.abs(apart[sure]).max() < 0.01, f"psi_disk is off by {np.abs(apart[sure]).max()}")
            expect(np.all((columns["psi_disk"] > -np.pi / 2) & (columns["psi_disk"] <= np.pi / 2)), "psi_disk out of range")
        else:  # 20 degrees of scatter, a false alarm in 1e5
            scatter = np.degrees(np.std(apart[beta / alpha < 0.8]))
            expect(abs(scatter - 20) < 4.4 * 20 / np.sqrt(2 * np.sum(beta / alpha < 0.8)), f"psi_bulge scatters by {scatter} degrees")
        q = columns[f"beta_{part}"] / columns[f"alpha_{part}"]
        b, c = columns[f"b_over_a_{part}"], columns[f"c_over_a_{part}"]
        expect(np.all((q <= 1) & (q >= np.minimum(np.minimum(b, c), c / b))), f"{part}: beta/alpha out of range")
        expect(np.abs(columns[f"ellipticity_{part}"] - (1 - q)).max() < 1e-12 and np.abs(columns[f"r50_{part}_2d"] / columns[f"alpha_{part}"] - 0.765).max() < 1e-12, part)
        inclined = minor if part == "disk" else major
        expect(np.abs(columns[f"mu_inclination_{part}"] - np.abs(np.sum(inclined * outwards, 1))).max() < 1e-12, f"mu_inclination_{part}")
        e = (1 - q) / (1 + q) * np.exp(2j * columns[f"psi_{part}"])
        expect(np.abs(columns[f"e1_{part}"] + 1j * columns[f"e2_{part}"] - e).max() < 1e-12, f"e1, e2 of the {part}")


def mean_square(kappa):
    """Mean of x^2 under exp(kappa x^2), x uniform in [0, 1]."""
    x = (np.arange(4000) + 0.5) / 4000
    weight = np.exp(np.multiply.outer(kappa, x**2) - np.asarray(kappa)[..., None])
    return (weight * x**2).sum(-1) / weight.sum(-1)


def law_holds(columns, halo, radius, synthetic=False):
    """Mean squared cosines against the law's, each within 4 deviations (a false alarm in 16,000)."""
    major, central, early = vectors(columns, "ia_major_axis_"), columns["central"] == 1, columns["bulge_to_total"] > 0.5
    eig = vectors(columns, "top_host_infall_fof_halo_eigS3", "XYZ")
    shape = (np.linalg.norm(eig, axis=1) > 0) & (not synthetic)
    halo_axis = eig / np.maximum(np.linalg.norm(eig, axis=1, keepdims=True), 1e-30)
    offset = vectors(columns, "", ["x_nfw", "y_nfw", "z_nfw"]) - vectors(columns, "", ["x_host", "y_host", "z_host"])
    to_host = offset / np.maximum(np.linalg.norm(offset, axis=1, keepdims=True), 1e-30)
    kappa = lambda strength: np.clip(strength[0] + strength[1] * (columns["logsm_obs"] - 10.5), 0, 50)
    z = np.array([0.0, 0.0, 1.0])
    for name, rows, direction, strength in (("early centrals", central & early & shape, halo_axis, kappa(halo)), ("early satellites", ~central & early, to_host, kappa(radius)),
                                            ("late galaxies", ~early, np.where(central[:, None], halo_axis, to_host), 0 * kappa(halo)),
                                            ("early centrals without a shape", central & early & ~shape, np.broadcast_to(z, major.shape), 0 * kappa(halo))):
        rows = rows & (np.linalg.norm(direction, axis=1) > 0)
        if rows.sum() < 20:
            continue
        square = np.sum(major * direction, 1)[rows]**2
        wanted, error = mean_square(strength[rows]).mean(), square.std() / np.sqrt(rows.sum())
        print(f"  {name}: {rows.sum()}, mean cos^2 {square.mean():.4f} +- {error:.4f}, the law's {wanted:.4f}")
        expect(abs(square.mean() - wanted) < 4 * error, f"{name}: not the law's alignment")
    reference = np.where(central, np.where(shape & (kappa(halo) > 0), 1, 0), np.where(kappa(radius) > 0, 2, 0)) * early
    expect(np.array_equal(columns["ia_reference"], reference) and np.array_equal(columns["ia_early_type"], early.astype(int)), "ia_reference or ia_early_type")


def signs(columns):
    """Satellites that all but point at their hosts: radial for TreeCorr, without a cross part; psi is the direction to the host."""
    satellite = columns["central"] == 0
    host = columns["top_host_idx"][satellite]
    at = lambda rows: {"ra": columns["ra_nfw"][rows], "dec": columns["dec_nfw"][rows], "ra_units": "deg", "dec_units": "deg"}
    lens = treecorr.Catalog(**at(np.unique(host)))
    source = treecorr.Catalog(**at(satellite), g1=columns["e1_disk"][satellite], g2=columns["e2_disk"][satellite])
    ng = treecorr.NGCorrelation(nbins=1, min_sep=0.2, max_sep=6, sep_units="arcmin", bin_slop=0)
    ng.process(lens, source)
    tangential, cross, error = ng.xi[0], ng.xi_im[0], np.sqrt(ng.varxi[0])
    print(f"  TreeCorr about hosts: tangential {tangential:.3f}, cross {cross:.3f} +- {error:.3f}")
    expect(tangential < -8 * error and abs(cross) < 4 * error, "signs of e1, e2 are not TreeCorr's")


def refused(scratch, good):
    """Each change of a good file: exit code, and what the line says."""
    def column(name, row, value):
        def change(file):
            file[f"data/{name}"][row] = value
        return change
    def turned(file):
        file["data/ra_nfw"][:] = np.mod(file["data/ra_nfw"][:] + 180, 360)
    def without(name):
        def change(file):
            del file[f"data/{name}"]
        return change
    def swapped(file):
        for k in "XYZ":
            a, b = (file[f"data/top_host_infall_fof_halo_eigS{s}{k}"] for s in (1, 3))
            a[:], b[:] = b[:], a[:]
    def short(file):
        values = file["data/lsst_i"][:-1]
        del file["data/lsst_i"]
        file["data/lsst_i"] = values
    def linked(file):
        del file["data/lsst_i"]
        file["data/lsst_i"] = h5py.ExternalLink(str(good), "data/lsst_i")
    def elsewhere(file):
        layout = h5py.VirtualLayout(file["data/psi_disk"].shape, "f8")
        layout[:] = h5py.VirtualSource(str(good), "data/psi_disk", shape=layout.shape)
        del file["data/psi_disk"]
        file.create_virtual_dataset("data/psi_disk", layout)
    def text(file):
        file.create_dataset("data/name", data=["x"] * len(file["data/ra"]), dtype=h5py.string_dtype())
    cases = [(linked, 3, "is a link to another file"), (elsewhere, 3, "lie in another file"), (text, 3, "unequal length"), (turned, 3, "degrees apart"), (without("x_host"), 3, "no column 'x_host'"), (without("bulge_to_total"), 3, "align.early"), (swapped, 3, "do not rise"),
             (column("logsm_obs", 7, np.nan), 3, "row 7: logsm_obs is nan"), (column("logsm_obs", 9, 3e10), 3, "row 9: logsm_obs is 3e+10"), (column("central", 3, 2), 3, "central is 2"), (column("b_over_a_disk", 5, 1.5), 3, "row 5: the disk has b/a 1.5"),
             (column("r50_bulge_3d", 5, 0), 3, "the bulge has"), (short, 3, "rows")]
    for k, (change, code, says) in enumerate(cases):
        bad = shutil.copy(good, scratch / f"bad{k}.hdf5")
        with h5py.File(bad, "r+") as file:
            change(file)
        out = scratch / f"bad-out{k}"
        for ranks in (1, 2) if k == 0 else (1,):
            align(out, bad, good, ranks=ranks, code=code, says=says)
        expect(not (out / bad.name).exists() and not list(out.glob("*.partial")), f"{says}: something was written")
    for text, says in (("bulge_to_total", "not a column"), ("bulge_to_total > x", "not a column"), ("nothing > 1", "no column 'nothing'")):
        align(scratch / "never", good, settings=[f"align.early={text}"], code=2 if "not a" in says else 3, says=says)
    align(scratch / "never", scratch / "absent.hdf5", code=5, says="absent.hdf5")
    align(scratch / "never", ROOT / "README.md", code=3, says="README.md")
    other = scratch / "other"
    other.mkdir()
    align(scratch / "never", good, shutil.copy(good, other / good.name), code=2, says=good.name)
    align(good.parent, good, code=2, says="which is read")
    before = good.read_bytes()
    shutil.copy(good, scratch / "never" / good.name) if (scratch / "never").is_dir() else shutil.copytree(other, scratch / "never")
    align(scratch / "never", good, options=["--overwrite"], code=2, says="no copy that halobrush align made")
    expect((scratch / "never" / good.name).read_bytes() == before == good.read_bytes(), "another file was changed")


def shapes_and_groups(scratch, files):
    """Odd shapes are counted; several groups, one without rows, in one file; more galaxies than one block; an original that is read-only; a relative folder."""
    odd = shutil.copy(files[1], scratch / "odd.hdf5")
    with h5py.File(odd, "r+") as file:
        file["data/top_host_infall_fof_halo_eigS3X"][10] += 1
    odd.chmod(0o400)
    expect("1 galaxies have a halo whose" in align("odd-out", odd, settings=["align.late_share=0.5"], at=scratch), "an odd shape goes unsaid")
    columns = read(scratch / "odd-out" / odd.name)
    late = (columns["bulge_to_total"] < 0.5) & (columns["central"] == 1) & (columns["ia_reference"] == 1)
    eig = vectors(columns, "top_host_infall_fof_halo_eigS3", "XYZ")[late]
    square = (np.sum(vectors(columns, "ia_major_axis_")[late] * eig, 1) / np.linalg.norm(eig, axis=1))**2
    wanted = mean_square(0.5 * np.clip(2 + 2 * (columns["logsm_obs"][late] - 10.5), 0, 50)).mean()
    expect(abs(square.mean() - wanted) < 4 * square.std() / np.sqrt(late.sum()), f"late types: {square.mean()}, the law's {wanted}")

    several = scratch / "several.hdf5"
    with h5py.File(several, "w") as file:
        for name, source in (("cores", files[1]), ("synth_cores", files[2])):
            with h5py.File(source) as one:
                one.copy("data", file.create_group(name))
        for name, column in file["cores/data"].items():
            made = file.create_dataset(f"none/data/{name}", data=column[:0])
            made.attrs.update(column.attrs)
    align(scratch / "several-out", several, ranks=2, settings=["seed=7"])
    for name, source in (("cores", files[1]), ("synth_cores", files[2])):
        a, b = read(scratch / "several-out" / several.name, f"{name}/data"), read(scratch / "one" / source.name)
        expect(all(same_bits(a[k], b[k]) for k in b), f"{name}: other orientations than in a file of its own")
    expect(len(read(scratch / "several-out" / several.name, "none/data")["e1_disk"]) == 0, "a group without galaxies")

    large = mock(scratch / "large.hdf5", 180000, seed=6)
    align(scratch / "large-out", large)
    columns = read(scratch / "large-out" / large.name)
    last = {name: values[-3000:] for name, values in columns.items()}
    expect(len(columns["ra"]) > 2**18, "one block only")
    projection(last)
    law_holds(last, (2, 2), (0.3, 0.7))


def real_files(scratch):
    native = sorted((DESC / "diffsky/mock").glob("*diffsky_gals*.hdf5"))
    if not native:
        print("diffsky's own mock: skipped, there is no ../shared/data/desc")
        return
    align(scratch / "native", *native, ranks=2)
    keeps_the_rest(native, scratch / "native")
    for file in native:
        columns = read(scratch / "native" / file.name)
        projection(columns)
        law_holds(columns, (2, 2), (0.3, 0.7), "synthetic" in file.name)
    opencosmo = DESC / "opencosmo/synthetic_galaxies/lc_cores-382.diffsky_gals.hdf5"
    try:
        import hdf5plugin
        import opencosmo as oc
    except ImportError:
        print("OpenCosmo's version: skipped, no hdf5plugin or opencosmo here")
        return
    from astropy import units
    from astropy.coordinates import SkyCoord
    ENVIRONMENT["HDF5_PLUGIN_PATH"] = hdf5plugin.PLUGIN_PATH
    align(scratch / "opencosmo", opencosmo, settings=["align.early=logsm_obs > 10.8"])
    align(scratch / "again", *native, settings=["align.early=logsm_obs > 10.8"])
    copy = scratch / "opencosmo" / opencosmo.name
    one, other = read(scratch / "again" / native[0].name), read(copy, "cores/data")
    by_tag = {tag: row for row, tag in enumerate(one["core_tag"])}
    rows = np.array([by_tag[tag] for tag in other["core_tag"]])
    for name in ("ia_major_axis_x", "psi_disk", "e1_bulge"):
        expect(np.array_equal(one[name][rows], other[name]), f"{name}: another orientation after diffpipe's renumbering and sorting")
    opened = oc.open(copy, synth_cores=True)
    values = opened.select(["ra", "dec", "ia_major_axis_x", "e1_disk"]).get_data("numpy")
    expect(len(values["e1_disk"]) == len(read(copy, "cores/data")["e1_disk"]) + len(read(copy, "synth_cores/data")["e1_disk"]), "opencosmo sees other rows")
    centre = SkyCoord(np.median(values["ra"]), np.median(values["dec"]), unit="deg")
    inside = SkyCoord(values["ra"], values["dec"], unit="deg").separation(centre) < 3 * units.deg
    cut = opened.bound(oc.make_cone((centre.ra.deg, centre.dec.deg), 3 * units.deg))
    oc.write(scratch / "cut.hdf5", cut)
    expect(len(cut) == inside.sum() == len(oc.open(scratch / "cut.hdf5", synth_cores=True)), "opencosmo cuts or writes other rows")
    print("diffsky's own mock, and the same after diffpipe: the same orientations; opencosmo opens, cuts and writes it")


def main():
    with Scratch() as scratch:
        files = [mock(scratch / "lc_cores-400.1.diffsky_gals.hdf5", 3000, seed=1), mock(scratch / "lc_cores-400.2.diffsky_gals.hdf5", 700, seed=2),
                 mock(scratch / "lc_cores-400.1.diffsky_gals.synthetic_halos.hdf5", 800, synthetic=True, seed=3)]
        said = align(scratch / "one", *files)
        expect(said.count("columns are as they were") == 3, said)
        align(scratch / "three", *files, ranks=3)
        for file in files:
            a, b = read(scratch / "one" / file.name), read(scratch / "three" / file.name)
            expect(all(same_bits(a[name], b[name]) for name in a), "ranks change bits")
        keeps_the_rest(files, scratch / "one")
        for file in files:
            columns = read(scratch / "one" / file.name)
            projection(columns)
            law_holds(columns, (2, 2), (0.3, 0.7), "synthetic" in file.name)

        shuffled, order = scratch / "shuffled.hdf5", np.random.default_rng(9).permutation(len(read(files[0])["ra"]))
        shutil.copy(files[0], shuffled)
        with h5py.File(shuffled, "r+") as file:
            for name, column in file["data"].items():
                column[...] = np.arange(len(order)) if name == "gal_id" else column[()][order]
        align(scratch / "one", shuffled)
        a, b = read(scratch / "one" / files[0].name), read(scratch / "one" / shuffled.name)
        expect(all(np.array_equal(a[name][order], b[name]) for name in REPLACED + NEW), "the order of rows or their numbers change orientations")
        print("any number of ranks, any order of rows: the same orientations; all else as it was")

        align(scratch / "strong", files[0], settings=["align.halo=[50,0]", "align.radius=[50,0]", "align.late_share=1"])
        signs(read(scratch / "strong" / files[0].name))

        align(scratch / "one", *files, says="3 catalogs, 3 of them done before")
        align(scratch / "one", *files, settings=["seed=7"], code=2, says="--overwrite")
        align(scratch / "one", *files, settings=["seed=7"], options=["--overwrite"])
        expect(not same_bits(a["psi_disk"], read(scratch / "one" / files[0].name)["psi_disk"]), "another seed, the same orientations")
        shapes_and_groups(scratch, files)
        align(scratch / "twice", scratch / "one" / files[0].name, code=3, says="was aligned already")
        refused(scratch, files[1])
        print("restart, another seed, and what is refused")
        told = run(0, "info", files[0])
        expect(told.returncode == 0 and "halobrush align" in told.stdout, f"info: {told.stdout}{told.stderr}")
        real_files(scratch)


main()
