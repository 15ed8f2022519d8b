"""Programs of others on catalogs that halobrush align and paint made: TreeCorr, CLMM, GalSim by way of skyCatalogs, opencosmo, and diffsky's own checks.
A part whose program or data is not there is skipped, and says so; where all are, the exit code is 77. Those that are not in tools/requirements.txt: tools/requirements-clients.txt.
usage: align_clients.py [PART ...]"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import warnings

import h5py
import numpy as np
from astropy import units
from astropy.coordinates import SkyCoord

from diffsky_mock import mock, read, vectors
from runner import ENVIRONMENT, PROGRAM, ROOT, Scratch, command, expect, paint, sets

DESC = ROOT / "../shared/data/desc"
ARCSEC = np.radians(1 / 3600)


class Skipped(Exception):
    """What is missing."""


def data_of_desc(path):
    found = sorted(DESC.glob(path))
    if not found:
        raise Skipped("there is no ../shared/data/desc")
    return found


def align(out, *files, settings=(), **environment):
    done = subprocess.run(command(0, ["align", *files, "--out", out, *sets(settings)]), cwd=ROOT, env=dict(ENVIRONMENT, **environment), capture_output=True, text=True, timeout=120)
    expect(done.returncode == 0, done.stdout + done.stderr)


def place(position):
    """On the sky, by astropy."""
    return SkyCoord(*(position.T * units.Mpc), representation_type="cartesian").represent_as("unitspherical")


def needles(scratch, axis_ratio=0.05):
    """Galaxies that are lines in known directions, all over an eighth of the sky: where each is, where its end is, an arcsecond or so away, and e1, e2.
    Of galaxies that point nearly at the observer the end is in no direction."""
    file = mock(scratch / "needles.hdf5", 300, seed=11)
    with h5py.File(file, "r+") as opened:
        for part in ("disk", "bulge"):
            for name in (f"b_over_a_{part}", f"c_over_a_{part}"):
                opened[f"data/{name}"][:] = axis_ratio
    align(scratch / "needles", file, settings=["align.bulge_scatter=0"])
    columns = read(scratch / "needles" / file.name)
    position, major = vectors(columns, "", ["x_nfw", "y_nfw", "z_nfw"]), vectors(columns, "ia_major_axis_")
    distance = np.linalg.norm(position, axis=1, keepdims=True)
    seen = np.abs(np.sum(position * major, 1) / distance[:, 0]) < 0.95
    at = SkyCoord(place(position[seen]))
    end = SkyCoord(place((position + 2 * ARCSEC * distance * major)[seen]))
    return at, end, columns["e1_disk"][seen], columns["e2_disk"][seen], columns["psi_disk"][seen]


def position_angles(scratch):
    """psi - 90 degrees is astropy's position angle, from north to east, of a galaxy that is a line."""
    at, end, e1, e2, psi = needles(scratch)
    angle = at.position_angle(end).rad
    apart = np.abs(np.mod(psi - np.pi / 2 - angle + np.pi / 2, np.pi) - np.pi / 2)
    expect(apart.max() < 1e-4, f"psi is off by {apart.max()} from astropy's position angle")
    by_angle = np.hypot(e1, e2) * np.exp(2j * (angle + np.pi / 2))
    expect(np.abs(by_angle - (e1 + 1j * e2)).max() < 1e-3, "e1, e2 are not those of the position angle")
    return f"{len(psi)} lines, psi - 90 degrees is the position angle within {np.degrees(apart.max()):.1e} degrees"


def catalog(treecorr, at, **shapes):
    return treecorr.Catalog(ra=at.ra.deg, dec=at.dec.deg, ra_units="deg", dec_units="deg", **shapes)


def treecorr_sign(scratch):
    """About its own end each line is radial: gamma_t = -|e| and no cross part."""
    import treecorr
    at, end, e1, e2, _ = needles(scratch)
    ng = treecorr.NGCorrelation(nbins=1, min_sep=0.2, max_sep=2.5, sep_units="arcsec", bin_slop=0)
    ng.process(catalog(treecorr, end), catalog(treecorr, at, g1=e1, g2=e2))
    expect(ng.npairs[0] == len(e1), f"{ng.npairs[0]} pairs, wanted {len(e1)}")
    size = np.hypot(e1, e2).mean()
    expect(abs(ng.xi[0] + size) < 1e-4 and abs(ng.xi_im[0]) < 1e-4, f"gamma_t {ng.xi[0]}, gamma_x {ng.xi_im[0]}; wanted -{size}, 0")
    return f"treecorr {treecorr.__version__}: about the ends of {len(e1)} lines gamma_t is {ng.xi[0]:.6f}, minus the mean |e| {size:.6f}; gamma_x {ng.xi_im[0]:.0e}"


def clmm_sign(scratch):
    """Lines about their ends, one by one, and the satellites of groups about their central: radial where e1, e2 are said to be Euclidean, and not where
    they are said to be celestial; e1 and -e2 are the celestial ones."""
    try:
        import clmm
    except ImportError as error:
        raise Skipped(f"clmm: {error}") from None

    def about(ra, dec, at, e1, e2, system):
        shapes = clmm.dataops.compute_tangential_and_cross_components(ra, dec, at.ra.deg, at.dec.deg, e1, e2, geometry="curve", coordinate_system=system)
        return np.asarray(shapes[1]), np.asarray(shapes[2])

    def lines(e2, system):
        both = [about(end[i].ra.deg, end[i].dec.deg, at[i:i + 1], e1[i:i + 1], e2[i:i + 1], system) for i in range(0, len(e1), 4)]
        return np.concatenate([t for t, _ in both]), np.concatenate([x for _, x in both])

    at, end, e1, e2, _ = needles(scratch)
    size = np.hypot(e1, e2)[::4]
    for sign, system in ((1, "euclidean"), (-1, "celestial")):
        tangential, cross = lines(sign * e2, system)
        expect(np.abs(tangential + size).max() < 1e-3 and np.abs(cross).max() < 1e-3, f"{system}: lines are not radial about their ends, but {tangential[:3]}, {cross[:3]}")
    wrong, _ = lines(e2, "celestial")
    expect(wrong.mean() > -0.3 * size.mean(), "the other coordinate system makes no difference")

    file = mock(scratch / "groups.hdf5", 2000, seed=12)
    align(scratch / "groups", file, settings=["align.halo=[50,0]", "align.radius=[50,0]", "align.late_share=1"])
    columns = read(scratch / "groups" / file.name)
    found = {"euclidean": [], "celestial": []}
    host = columns["top_host_idx"]
    for group in np.flatnonzero(np.bincount(host) > 2):
        members = np.flatnonzero((host == group) & (columns["central"] == 0))
        there = SkyCoord(columns["ra_nfw"][members], columns["dec_nfw"][members], unit="deg")
        for system, values in found.items():
            both = about(columns["ra_nfw"][group], columns["dec_nfw"][group], there, columns["e1_disk"][members], columns["e2_disk"][members], system)
            values.append(np.stack(both))
    means = {}
    for system, values in found.items():
        all_of = np.concatenate(values, 1)
        means[system] = all_of.mean(1), all_of.std(1) / np.sqrt(all_of.shape[1])
    (tangential, cross), (error, error_cross) = means["euclidean"]
    other = means["celestial"][0][0]
    expect(tangential < -8 * error and abs(cross) < 4 * error_cross and abs(other) < 0.3 * abs(tangential),
           f"satellites that point at their host: {means}")
    return (f"clmm {clmm.__version__}: lines radial about their ends as 'euclidean', and with -e2 as 'celestial'; {all_of.shape[1]} satellites that point at their central: "
            f"tangential {tangential:.3f} +- {error:.3f}, cross {cross:.3f} as 'euclidean'; {other:.3f} as 'celestial'")


def skycatalogs(scratch):
    """A catalog of skyCatalogs with our ellipticities: images of its objects, drawn by GalSim, are long towards the ends of the galaxies, measured on the sky by astropy."""
    try:
        import galsim
        import pandas
        import pyarrow  # noqa: F401
        import skycatalogs as package
        from skycatalogs.skyCatalogs import SkyCatalog
    except ImportError as error:
        raise Skipped(f"skycatalogs: {error}") from None
    at, end, e1, e2, _ = needles(scratch, axis_ratio=0.4)
    n, pixel = len(e1), 0
    table = {"galaxy_id": np.arange(n), "ra": at.ra.deg, "dec": at.dec.deg, "redshift": np.full(n, 0.3), "um_source_galaxy_obs_sm": np.full(n, 1e10)}
    table.update(dict.fromkeys(["shear1", "shear2", "convergence"], np.zeros(n)))
    for part in ("disk", "spheroid"):
        table.update({f"{part}Ellipticity1": e1, f"{part}Ellipticity2": e2, f"{part}HalfLightRadiusArcsec": np.full(n, 0.5)})
    pandas.DataFrame(table).to_parquet(scratch / f"galaxy_{pixel}.parquet")
    kind = {"file_template": r"galaxy_(?P<healpix>\d+).parquet", "data_file_type": "parquet", "sed_file_template": "sed_{}.hdf5", "area_partition": {"type": "healpix", "nside": 1, "ordering": "ring"},
            "Cosmology": {"H0": 70, "Om0": 0.3}}
    opened = SkyCatalog({"schema_version": "1.3.0", "skycatalog_root": str(scratch), "catalog_dir": ".", "object_types": {"diffsky_galaxy": kind}}, loglevel="ERROR")
    objects = opened.get_object_type_by_hp(pixel, "diffsky_galaxy")
    expect(len(objects) == n, f"skyCatalogs sees {len(objects)} galaxies of {n}")
    worst, rows = 0, range(0, n, 25)
    for i in rows:
        galaxy = objects[i]
        expect(galaxy.get_native_attribute("galaxy_id") == i, "skyCatalogs has another order")
        where = galsim.CelestialCoord(at.ra.deg[i] * galsim.degrees, at.dec.deg[i] * galsim.degrees)
        wcs = galsim.TanWCS(galsim.AffineTransform(0.1, 0, 0, 0.1), where)
        image = galsim.Image(121, 121)
        image.setCenter(0, 0)
        image.wcs = wcs
        galaxy.get_gsobject_components()["disk"].drawImage(image, wcs=wcs.local(galsim.PositionD(0, 0)))
        x, y = (a.ravel() for a in image.get_pixel_centers())
        ra, dec = wcs.xyToradec(x, y, units="degrees")
        east, north = (offset.to_value("arcsec") for offset in at[i].spherical_offsets_to(SkyCoord(ra, dec, unit="deg")))
        light = image.array.ravel()
        ee, nn, en = (np.sum(light * product) for product in (east * east, north * north, east * north))
        angle = np.arctan2(2 * en, nn - ee) / 2  # from north to east
        worst = max(worst, abs((angle - at[i].position_angle(end[i]).rad + np.pi / 2) % np.pi - np.pi / 2))
    expect(worst < 0.02, f"images are turned by up to {np.degrees(worst)} degrees from the galaxies' axes")
    return f"skycatalogs {package.__version__}, galsim {galsim.__version__}: {n} galaxies read; images of {len(rows)} lie along their axes within {np.degrees(worst):.2f} degrees"


def box(scratch):
    """w_g+ of a painted box by TreeCorr, as halobrush validate has it."""
    import treecorr
    sys.path.insert(0, str(ROOT / "bench"))
    import peers
    path = scratch / "truth.hdf5"
    paint(1, path, config="config/demo-truth.yaml")
    own, _ = peers.ours(path, scratch / "validation")
    with h5py.File(path) as file:
        position = vectors({k: file["data"][k][()].astype(float) for k in "xyz"}, "")
        e1, e2 = (file["data"][f"ellipticity_{k}"][()].astype(float) for k in (1, 2))
        side = float(file["header/file"].attrs["region_p2"][0])
    theirs = peers.treecorr((position % side, None, None, side, e1, e2))
    apart = np.abs(theirs["wgplus"] - own["wgplus"]).max() / np.abs(own["wgplus"]).max()
    expect(apart < 3e-3, f"w_g+ differs by {apart} of its largest value")
    return f"treecorr {treecorr.__version__}: w_g+ of {len(e1)} galaxies in a box as halobrush validate has it, within {apart:.1e} of its largest value"


def opencosmo(scratch):
    """Opened, cut in each way, written and read again: counts are those of the columns, values those of the file."""
    try:
        import hdf5plugin
        import opencosmo as oc
    except ImportError as error:
        raise Skipped(str(error)) from None
    original = data_of_desc("opencosmo/synthetic_galaxies/lc_cores-382.diffsky_gals.hdf5")[0]
    align(scratch / "opencosmo", original, settings=["align.early=logsm_obs > 10.8"], HDF5_PLUGIN_PATH=hdf5plugin.PLUGIN_PATH)
    path = scratch / "opencosmo" / original.name
    cores, synthetic = read(path, "cores/data"), read(path, "synth_cores/data")
    columns = {name: np.concatenate([cores[name], synthetic[name]]) for name in cores}
    ra, dec, redshift = (columns[name] for name in ("ra", "dec", "redshift_true"))
    opened = oc.open(path, synth_cores=True)

    def same(cut, rows, what):
        values, order = cut.get_data("numpy"), np.argsort(columns["gal_id"][rows])
        expect(len(cut) == rows.sum() and 0 < len(cut), f"{what}: {len(cut)} galaxies, by the columns {rows.sum()}")
        sorted_theirs = np.argsort(values["gal_id"])
        for name, column in columns.items():
            if name not in ("top_host_idx", "secondary_top_host_idx"):  # row numbers, which change with the rows
                expect(np.array_equal(np.asarray(values[name])[sorted_theirs], column[rows][order]), f"{what}: {name} differs")

    centre = SkyCoord(np.median(ra), np.median(dec), unit="deg")
    inside = SkyCoord(ra, dec, unit="deg").separation(centre) < 2 * units.deg
    (west, east), (south, north) = np.percentile(ra, [30, 60]), np.percentile(dec, [20, 70])
    near, far = np.percentile(redshift, [20, 70])
    shell = (redshift > near) & (redshift < far)
    cone = opened.bound(oc.make_cone((centre.ra.deg, centre.dec.deg), 2 * units.deg))
    same(opened, np.ones(len(ra), bool), "opencosmo, whole")
    same(cone, inside, "opencosmo, cone")
    same(opened.bound(oc.make_skybox((west, south), (east, north))), (ra > west) & (ra < east) & (dec > south) & (dec < north), "opencosmo, region")
    same(opened.with_redshift_range(near, far), shell, "opencosmo, redshifts")
    cut = cone.with_redshift_range(near, far)
    same(cut, inside & shell, "opencosmo, cone and redshifts")
    oc.write(scratch / "cut.hdf5", cut)
    same(oc.open(scratch / "cut.hdf5", synth_cores=True), inside & shell, "opencosmo, written and read")
    return f"opencosmo: {len(ra)} galaxies, {inside.sum()} in a cone, {shell.sum()} in a range of redshifts, {(inside & shell).sum()} in both, written and read again; {len(columns)} columns equal"


def one_kind_of_file(scratch):
    """What diffpipe asks of the files of a mock: the same columns, units and descriptions in all, and the metadata of the originals."""
    native = data_of_desc("diffsky/mock/*diffsky_gals*.hdf5")
    align(scratch / "kind", *native)
    kinds, described = [], []
    for original in native:
        with h5py.File(original) as before, h5py.File(scratch / "kind" / original.name) as after:
            texts = lambda item: sorted((k, str(v)) for k, v in item.attrs.items())
            expect({k: texts(before["metadata"][k]) for k in before["metadata"]} == {k: texts(after["metadata"][k]) for k in after["metadata"]}, f"{original.name}: metadata differ")
            expect(set(after) - set(before) == {"halobrush"} and texts(before) == texts(after), f"{original.name}: more than /halobrush is new")
            kinds.append({name: (column.attrs["unit"], column.attrs["description"]) for name, column in after["data"].items()})
            described.append({name: column.dtype.str for name, column in after["data"].items() if name not in before["data"]})
            expect(all(len(text) > 0 for _, text in kinds[-1].values()), "a column without a description")
            for unit, _ in kinds[-1].values():
                units.Unit(unit)
    expect(all(kind == kinds[0] for kind in kinds) and all(d == described[0] for d in described), "columns differ between files of cores and of synthetic halos")
    return f"{len(native)} files of a mock: the same {len(kinds[0])} columns, units and descriptions; {len(described[0])} are new"


def diffsky_checks(scratch):
    """diffsky's own report on a light-cone mock, before and after."""
    native = data_of_desc("diffsky/mock/*diffsky_gals*.hdf5")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        from diffsky.data_loaders.hacc_utils.data_validation import validate_lc_mock
    except ImportError as error:
        raise Skipped(f"diffsky: {error}") from None
    from importlib.metadata import version
    align(scratch / "aligned", *native)
    (scratch / "before").mkdir()
    for beside in native[0].parent.iterdir():  # the checks read the files beside a mock
        shutil.copy(beside, scratch / "before")
        if beside not in native:
            shutil.copy(beside, scratch / "aligned")
    checks = {name: getattr(validate_lc_mock, name) for name in dir(validate_lc_mock) if name.startswith("check_")}
    ran, running = [], []

    def noted(name):
        def check(*arguments, **settings):
            if not running:  # some call others
                ran.append(name)
            running.append(name)
            try:
                return checks[name](*arguments, **settings)
            finally:
                running.pop()
        return check

    for name in checks:
        setattr(validate_lc_mock, name, noted(name))
    for original in native:
        reports = []
        for folder in ("before", "aligned"):
            ran.clear()
            report = validate_lc_mock.get_lc_mock_data_report(str(scratch / folder / original.name), no_dbk=False, no_sed=False)
            expect(len(ran) == 21, f"diffsky made {len(ran)} checks, wanted 21: {ran}")
            reports.append({check: [line.replace(f"/{folder}/", "/") for line in map(str, lines)] for check, lines in report.items()})
        expect(reports[0] == reports[1], f"{original.name}: diffsky's report was {reports[0]} and is {reports[1]}")
        print(f"  {original.name}: {len(ran)} checks, complaints before and after: {reports[0] or 'none'}", flush=True)
    return f"diffsky {version('diffsky')}: the same report on {len(native)} files before and after"


def typed(page, scratch, **tolerance):
    """What a page of docs tells to type, typed; what it shows is printed, as far as another processor has the same galaxies."""
    text = (ROOT / page).read_text()
    blocks = {kind: "\n".join(re.findall(rf"^```{kind}\n(.*?)^```$", text, re.M | re.S)) for kind in ("sh", "python", "text")}
    path = os.pathsep.join(map(str, (PROGRAM.parent, pathlib.Path(sys.executable).parent, os.environ["PATH"])))
    printed = ""
    for words in (["bash", "-euc", blocks["sh"]], [sys.executable, "-W", "ignore", "-c", blocks["python"]]):
        done = subprocess.run(words, cwd=scratch, env=dict(ENVIRONMENT, PATH=path, PYTHONPATH=str(ROOT / "python")), capture_output=True, text=True, timeout=300)
        expect(done.returncode == 0, f"{page}: {done.stdout}{done.stderr}")
        printed = done.stdout
    number = r"-?\d+\.?\d*"
    shown, found = (np.array([float(x) for x in re.findall(number, one)]) for one in (blocks["text"], printed))
    texts = [re.sub(number, "#", one).split() for one in (blocks["text"], printed)]
    expect(texts[0] == texts[1] and np.allclose(shown, found, **tolerance), f"{page} shows\n{blocks['text']}and is\n{printed}")
    return f"{page}: {len(text.splitlines())} lines, what is shown is printed"


def tutorial(scratch):
    return typed("docs/tutorial.md", scratch, rtol=0.05, atol=0.02)


def tutorial_align(scratch):
    try:
        import hdf5plugin  # noqa: F401
        import opencosmo  # noqa: F401
    except ImportError as error:
        raise Skipped(str(error)) from None
    shutil.copy(data_of_desc("opencosmo/synthetic_galaxies/lc_cores-382.diffsky_gals.hdf5")[0], scratch / "mock.hdf5")
    return typed("docs/tutorial-align.md", scratch, rtol=0.01, atol=2e-4)


PARTS = {"position_angles": position_angles, "treecorr": treecorr_sign, "clmm": clmm_sign, "skycatalogs": skycatalogs, "box": box,
         "opencosmo": opencosmo, "diffpipe": one_kind_of_file, "tutorial": tutorial, "tutorial_align": tutorial_align, "diffsky": diffsky_checks}


def main():
    warnings.simplefilter("ignore")
    skipped = 0
    parts = sys.argv[1:] or list(PARTS)
    for name in parts:
        with Scratch() as scratch:
            try:
                print(f"{name}: {PARTS[name](scratch)}", flush=True)
            except Skipped as missing:
                print(f"{name}: skipped, {missing}", flush=True)
                skipped += 1
    if skipped == len(parts):
        print("every test skipped")
        sys.exit(77)


main()
