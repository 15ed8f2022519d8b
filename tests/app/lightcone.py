"""Painted snapshots on the sky: rows against a brute-force walk over all images of the box, distances against astropy, outlines in their own
place on the sky, the index against healpy, the same bits on any number of ranks and after signals; OpenCosmo finds a cone and a range of redshifts."""
import itertools
import re
import shutil
import signal
import subprocess
import time

import h5py
import healpy
import numpy as np
from astropy.cosmology import FlatLambdaCDM
from scipy.spatial import cKDTree

from runner import CATALOG, ENVIRONMENT, ROOT, Scratch, command, compare, expect, paint, run, sets

CONFIG, DATA, STOPPED = 2, 3, 75
LAW = ["painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[8]", f"input.path={CATALOG}"]
OBSERVER = np.array([20.0, 140.0, 75.0])
LIGHT = 299792.458


def later(source, target, redshift, painted_with=""):
    """The same mock, as if it were of another time: halos moved by a tenth of the box, so that the snapshots differ."""
    shutil.copy(source, target)
    with h5py.File(target, "r+") as file:
        file["provenance/simulation"].attrs["scale_factor"] = 1 / (1 + redshift)
        file["header/file"].attrs["redshift"] = redshift
        file["data/x"][...] = np.mod(file["data/x"][()] + 15, 150)
        if painted_with:
            key = painted_with.split(" = ")[0]
            file["provenance"].attrs["identity"] = re.sub(f"(?m)^{re.escape(key)} = .*$", painted_with, file["provenance"].attrs["identity"])


def columns(path):
    with h5py.File(path) as file:
        return {name: column[()] for name, column in file["data"].items()}


def make(ranks, out, *settings, options=()):
    done = run(ranks, "lightcone", "config/lightcone.yaml", "--set", f"output.path={out}", *sets(settings), *options, timeout=300)
    expect(done.returncode == 0, f"exit code {done.returncode} on {ranks} ranks:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def triples(table, prefix=""):
    return np.stack([table[prefix + k] for k in "xyz"], 1)


def in_one_piece(mock):
    """Galaxies beside their hosts, and these hosts."""
    position = triples(mock)
    row = {halo: i for i, halo in enumerate(mock["halo_id"])}
    host = position[[row[h] for h in mock["host_halo_id"]]]
    return host + (position - host - 150 * np.round((position - host) / 150)), host


def walk(mocks, edges, near, far, holds):
    """Every image of every galaxy: index of the snapshot, row, place."""
    found = []
    for s, mock in enumerate(mocks):
        galaxy, host = in_one_piece(mock)
        reach = int(np.ceil(far / 150)) + 1
        for image in np.ndindex(*[2 * reach + 1] * 3):
            shift = (np.array(image) - reach) * 150 - OBSERVER
            distance, of_host = (np.linalg.norm(p + shift, axis=1) for p in (galaxy, host))
            chosen = np.flatnonzero((of_host >= edges[s]) & (of_host < edges[s + 1]) & (distance >= near) & (distance < far))
            chosen = chosen[holds(galaxy[chosen] + shift)]
            found += [(s, i, *(galaxy[i] + shift)) for i in chosen]
    return found


def edges_of(cosmology, redshifts):
    """Distances between which hosts are taken from each of two snapshots: half way in time."""
    age = lambda z: cosmology.age(z).value
    middle = np.interp(-(age(redshifts[0]) + age(redshifts[1])) / 2, -age(np.linspace(0, 1, 20001)), np.linspace(0, 1, 20001))
    return [0, cosmology.comoving_distance(middle).value, np.inf]


def check_rows(cone, mocks, redshifts, wanted, holds):
    """All of the walk, once; places to 1e-6; returns the cone's columns."""
    cosmology = FlatLambdaCDM(H0=100, Om0=cone["omega_m"], Tcmb0=0)
    chi = lambda z: cosmology.comoving_distance(z).value
    expected = walk(mocks, edges_of(cosmology, redshifts), chi(wanted[0]), chi(wanted[1]), holds)
    data = cone["data"]
    ids = [mock["galaxy_id"] for mock in mocks]
    key = lambda s, galaxy, place: (s, galaxy, *np.round(np.asarray(place) / 10).astype(int))
    ours = {}
    for i in range(len(data["ra"])):
        s = int(np.argmin(np.abs(np.array(redshifts) - data["snapshot_redshift"][i])))
        ours.setdefault((s, data["snapshot_galaxy_id"][i]), []).append(i)
    expect(len(data["ra"]) == len(expected), f"{len(data['ra'])} galaxies, {len(expected)} by a walk over all images")
    place = triples(data)
    worst = 0
    for s, row, *where in expected:
        distances = np.linalg.norm(place[ours[s, ids[s][row]]] - where, axis=1)
        worst = max(worst, distances.min())
    expect(worst < 1e-6, f"a galaxy is {worst} Mpc/h from where it should be")
    z = cosmology.comoving_distance(data["redshift_true"]).value
    expect(np.max(np.abs(z / data["chi"] - 1)) < 1e-9, f"distances differ from astropy's by {np.max(np.abs(z / data['chi'] - 1))}")
    print(f"{len(expected)} galaxies of {len(mocks)} snapshots as by a walk over all images (to {worst:.1e} Mpc/h); distances as astropy's to 1e-9")


def check_sky(data, mocks, redshifts):
    place = triples(data)
    chi = np.linalg.norm(place, axis=1)
    ra, dec = np.radians(data["ra"]), np.radians(data["dec"])
    out = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], 1)
    expect(np.allclose(out * chi[:, None], place, rtol=0, atol=1e-6) and np.allclose(chi, data["chi"], rtol=1e-12), "ra and dec are not those of x, y, z")
    velocity = triples(data, "v")
    seen = (1 + data["redshift_true"]) * (1 + (velocity * out).sum(1) / LIGHT) - 1
    expect(np.allclose(seen, data["redshift_obs"], rtol=0, atol=1e-9) and np.ptp(data["redshift_obs"] - data["redshift_true"]) > 1e-3, "redshift_obs")
    west, north = np.stack([np.sin(ra), -np.cos(ra), 0 * ra], 1), np.stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)], 1)
    # The ellipsoid's covariance, seen along the line of sight.
    lengths = np.stack([np.ones(len(ra)), data["b_to_a"], data["c_to_a"]], 1)
    axes = np.stack([triples(data, f"galaxy_axis{a}_") for a in "ABC"], 1).astype(float)
    along = lambda direction: np.einsum("nak,nk->na", axes, direction) * lengths
    w, n = along(west), along(north)
    ww, nn, wn = (w * w).sum(1), (n * n).sum(1), (w * n).sum(1)
    norm = ww + nn + 2 * np.sqrt(ww * nn - wn * wn)
    expect(np.allclose(data["ellipticity_1"], (ww - nn) / norm, atol=2e-6) and np.allclose(data["ellipticity_2"], 2 * wn / norm, atol=2e-6), "ellipticities on the sky")
    expect(np.abs(data["ellipticity_1"].mean()) < 0.01, "ellipticities are not about 0")
    expect(len(np.unique(data["galaxy_id"])) == len(ra) and np.array_equal(data["galaxy_id"], data["halo_id"]), "ids are not unique")
    row = {halo: i for i, halo in enumerate(data["halo_id"])}
    originals = [{h: i for i, h in enumerate(mock["halo_id"])} for mock in mocks]
    groups = 0
    for i in np.flatnonzero(data["is_central"] == 0):
        if (host := row.get(data["host_halo_id"][i])) is None:
            continue  # beyond an edge of the cone
        groups += 1
        mock = int(np.argmin(np.abs(np.array(redshifts) - data["snapshot_redshift"][i])))
        theirs = mocks[mock]["host_halo_id"][originals[mock][data["snapshot_galaxy_id"][i]]]
        expect(theirs == data["snapshot_galaxy_id"][host] and data["replica"][i] == data["replica"][host], f"galaxy {data['galaxy_id'][i]} has another host")
        expect(np.linalg.norm(place[i] - place[host]) < 10, f"galaxy {data['galaxy_id'][i]} is torn from its host")
    expect(groups > 1000, f"{groups} satellites with their host")
    print(f"sky: ra, dec, redshifts and outlines of {len(ra)} galaxies; {groups} satellites beside their host")


def check_faces(data, mocks, edges, near, far, axis):
    """Across the faces of images, too, a galaxy has the neighbours that it has in the periodic box: all whose surroundings are in the light cone."""
    place, distance = triples(data), data["chi"]
    to_side = distance * np.sin(np.maximum(np.radians(9) - np.arccos(np.clip(place @ axis / distance, -1, 1)), 0))
    tree, galaxies, beyond = cKDTree(place), 0, 0
    for s, mock in enumerate(mocks):
        to_edge = np.min([np.minimum(distance - near, far - distance), to_side, 15 * np.sign(np.abs(distance - edges[1]) - 15)], axis=0)  # groups reach over the edge of a shell
        inner = np.flatnonzero((to_edge > 5.1) & ((data["snapshot_redshift"] > 0.1) == (s == 1)))
        row = {galaxy: i for i, galaxy in enumerate(mock["galaxy_id"])}
        box = np.mod(triples(mock), 150)
        theirs = cKDTree(box, boxsize=150).query_ball_point(box[[row[galaxy] for galaxy in data["snapshot_galaxy_id"][inner]]], 5, return_length=True)
        ours = tree.query_ball_point(place[inner], 5, return_length=True)
        expect(np.array_equal(ours, theirs), f"{np.sum(ours != theirs)} of {len(inner)} galaxies have other neighbours than in the box")
        to_face = np.abs(np.mod(place[inner] + OBSERVER + 75, 150) - 75).min(axis=1)
        galaxies, beyond = galaxies + len(inner), beyond + np.sum(to_face < 5)
    expect(beyond > 1000, f"{beyond} galaxies near faces")
    print(f"faces of images: {galaxies} galaxies have the neighbours that they have in the box, {beyond} of them near a face")


def check_index(path):
    with h5py.File(path) as file:
        pixels = healpy.ang2pix(64, file["data/ra"][()], file["data/dec"][()], nest=True, lonlat=True)
        expect(sorted(file["index"]) == [f"level_{k}" for k in range(7)], list(file["index"]))
        for level in range(7):
            counts = np.bincount(pixels >> 2 * (6 - level), minlength=12 * 4**level)
            start, size = (file[f"index/level_{level}/{name}"][()] for name in ("start", "size"))
            expect(np.array_equal(size, counts) and np.array_equal(start, np.cumsum(counts) - counts), f"index of level {level}")
        # A direction within rounding of an edge may be counted on either side.
        expect(np.all(np.diff(pixels) >= 0), "rows are not in the order of pixels")
    print("index: every level as healpy's pixels")


def check_stopped(scratch, settings):
    """SIGUSR1 on two or three ranks and SIGKILL on one, in turn, each a little later: the next run goes on."""
    wide = [*settings, "lightcone.radius=60"]
    make(2, scratch / "wide.hdf5", *wide)
    stop_often(scratch / "stopped.hdf5", wide, 0.1)
    print("stopped and resumed:", compare(scratch / "wide.hdf5", scratch / "stopped.hdf5", "--exact"))
    whole, settings = scratch / "whole.hdf5", [*settings, "lightcone.radius=12"]
    make(2, whole, *settings)
    stop_often(scratch / "stopped", [*settings, "lightcone.files=pixel"], 0.1)
    same_rows(sorted((scratch / "stopped").glob("*.hdf5")), whole, "stopped and resumed, by pixel")
    left = [path.name for path in scratch.glob("stopped*") if path.name not in ("stopped", "stopped.hdf5")]
    expect(not left, f"finished light cones left {left}")


def stop_often(path, settings, later):
    stops = 0
    for attempt in range(40):
        killed = attempt % 2 == 1
        ranks = 0 if killed else 2 + attempt // 2 % 2
        process = subprocess.Popen(command(ranks, ["lightcone", "config/lightcone.yaml", *sets([f"output.path={path}", *settings])]), cwd=ROOT,
                                   env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep((0.1 if killed else 0.5) + later * attempt)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if killed else signal.SIGUSR1)
        code = process.wait(timeout=60)
        if path.exists():
            break
        stops += 1
        expect(code == (-signal.SIGKILL if killed else STOPPED), f"exit code {code}")
    expect(path.exists() and stops > 2, f"{stops} stops")
    expect("nothing to do" in make(1, path, *settings), "a finished light cone is made again")
    print(f"stopped {stops} times")


def check_turned(scratch, settings, mocks, wanted, omega_m, holds):
    """Each image by one rotation of a cube, found from places; the same of velocities and axes; as many galaxies as a walk finds with it."""
    make(3, scratch / "turned.hdf5", *settings, "lightcone.turn=true")
    make(1, scratch / "turned_again.hdf5", *settings, "lightcone.turn=true")
    compare(scratch / "turned.hdf5", scratch / "turned_again.hdf5", "--exact")
    data, cosmology = columns(scratch / "turned.hdf5"), FlatLambdaCDM(H0=100, Om0=omega_m, Tcmb0=0)
    chi = lambda z: cosmology.comoving_distance(z).value
    edges = edges_of(cosmology, [0, 0.3])
    most = int(np.ceil(chi(wanted[1]) / 150)) + 2
    turns = [np.eye(3)[list(axes)] * np.array(signs)[:, None] for axes in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)]
    turns = [turn for turn in turns if np.linalg.det(turn) > 0]
    rows = [{galaxy: i for i, galaxy in enumerate(mock["galaxy_id"])} for mock in mocks]
    whole = [in_one_piece(mock) for mock in mocks]
    used = set()
    for replica, s in itertools.product(np.unique(data["replica"]), (0, 1)):
        here = np.flatnonzero((data["replica"] == replica) & ((data["snapshot_redshift"] > 0.1) == (s == 1)))
        if len(here) < 20:
            continue
        image = np.array(np.unravel_index(replica, [2 * most + 1] * 3)) - most
        seen = lambda turn, position: (position - 75) @ turn.T + 75 + image * 150 - OBSERVER
        row = np.array([rows[s][galaxy] for galaxy in data["snapshot_galaxy_id"][here]])
        fitting = [turn for turn in turns if np.max(np.abs(seen(turn, whole[s][0][row]) - triples(data)[here])) < 1e-6]
        expect(len(fitting) == 1, f"image {image} is turned by {len(fitting)} rotations of a cube")
        expect(image.any() or np.array_equal(fitting[0], np.eye(3)), "the observer's own box is turned")
        used.add(fitting[0].tobytes())
        for prefix in ("v", "galaxy_axisA_", "galaxy_axisC_", "halo_axis_", "halo_spin_"):
            turned = triples(mocks[s], prefix)[row] @ fitting[0].T.astype(np.float32)
            expect(np.array_equal(turned, triples(data, prefix)[here]), f"image {image}: {prefix} is not turned as places are")
        place, distance, distance_of_host = seen(fitting[0], whole[s][0]), *(np.linalg.norm(seen(fitting[0], p), axis=1) for p in whole[s])
        inside = (distance_of_host >= edges[s]) & (distance_of_host < edges[s + 1]) & (distance >= chi(wanted[0])) & (distance < chi(wanted[1])) & holds(place)
        expect(np.array_equal(np.flatnonzero(inside), np.sort(row)), f"image {image}: {len(here)} galaxies, {inside.sum()} by a walk")
    expect(len(used) > 12, f"{len(used)} rotations")
    check_sky(data, mocks, [0, 0.3])
    print(f"turned: {len(np.unique(data['replica']))} images by {len(used)} rotations, {len(data['ra'])} galaxies")


def rows_of(files):
    """All columns of some files, in the order of ids, with their descriptions."""
    parts = [columns(file) for file in files]
    together = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(together["galaxy_id"])
    return {name: values[order] for name, values in together.items()}


def sums_of(files):
    """By halobrush checksum: the last lines are of all files."""
    lines = [line.split("  ") for line in run(0, "checksum", *files).stdout.splitlines()]
    return {line[2]: line[0] for line in (list(filter(None, fields)) for fields in lines)}


def same_rows(files, whole, what):
    ours, theirs = rows_of(files), rows_of([whole])
    expect(list(ours) == list(theirs), f"{what}: other columns")
    for name in theirs:
        expect(ours[name].dtype == theirs[name].dtype and np.array_equal(ours[name], theirs[name]), f"{what}: column {name} differs")
    expect(sums_of(files) == sums_of([whole]), f"{what}: halobrush checksum")
    print(f"{what}: {len(files)} files hold the {len(ours['ra'])} galaxies of the one")


def check_pixels(folder, whole):
    import GCRCatalogs
    import yaml
    files, area = sorted(folder.glob("*.hdf5")), 0
    same_rows(files, whole, "by pixel")
    for file in files:
        pixel, data = int(file.stem.rsplit("_", 1)[1]), columns(file)
        expect(np.all(healpy.ang2pix(32, data["ra"], data["dec"], lonlat=True) == pixel), f"{file.name} holds galaxies of another pixel")
        with h5py.File(file) as opened:
            start, size = (opened[f"index/level_6/{name}"][()] for name in ("start", "size"))
            area += opened["metaData/skyArea"][()]
        expect(np.array_equal(size, np.bincount(healpy.ang2pix(64, data["ra"], data["dec"], nest=True, lonlat=True), minlength=len(size))), "index of a pixel's file")
        expect(np.array_equal(start, np.cumsum(size) - size), "index of a pixel's file")
    empty = sum(len(columns(file)["ra"]) == 0 for file in files)
    covered = 2 * np.pi * (1 - np.cos(np.radians(9))) * np.degrees(1) ** 2
    expect(abs(area / covered - 1) < 0.001, f"files cover {area} square degrees, the light cone {covered}")
    catalog = GCRCatalogs.load_catalog_from_config_dict(yaml.safe_load((folder / "gcr.yaml").read_text()))
    read, ours = catalog.get_quantities(["galaxy_id", "ra_true", "dec_true", "redshift", "redshift_true", "position_x", "velocity_z", "halo_id", "halo_mass", "stellar_mass", "is_central",
                                         "ellipticity_1_true", "ellipticity_2_true"]), rows_of([whole])
    order = np.argsort(read["galaxy_id"])
    h = catalog.cosmology.h
    for quantity, values in {"ra_true": ours["ra"], "dec_true": ours["dec"], "redshift": ours["redshift_obs"], "redshift_true": ours["redshift_true"], "position_x": ours["x"] / h,
                             "velocity_z": ours["vz"], "halo_id": ours["halo_id"], "halo_mass": ours["halo_mass"] / h, "stellar_mass": 10**ours["log_stellar_mass"],
                             "is_central": ours["is_central"], "ellipticity_1_true": ours["ellipticity_1"], "ellipticity_2_true": ours["ellipticity_2"]}.items():
        expect(np.allclose(read[quantity][order], values, rtol=1e-6, atol=0), f"GCRCatalogs: {quantity}")
    one = catalog.get_quantities(["ra_true"], native_filters=[f"healpix_pixel == {catalog.available_healpix_pixels[0]}"])["ra_true"]
    expect(abs(catalog.sky_area / covered - 1) < 1e-6 and len(one) < len(order), "GCRCatalogs: area, or a pixel of it")
    print(f"GCRCatalogs: {len(order)} galaxies of {len(files)} pixels ({empty} without any), {len(read)} quantities")


def check_snapshots(folder, whole, redshifts):
    import opencosmo
    files = sorted(folder.glob("*.hdf5"))
    expect([file.name for file in files] == [f"snapshot_{i}_z{z:.4f}.hdf5" for i, z in enumerate(redshifts)], files)
    same_rows(files, whole, "by snapshot")
    for file, z in zip(files, redshifts):
        expect(np.allclose(columns(file)["snapshot_redshift"], z), f"{file.name} holds galaxies of another snapshot")
    opened, ours = opencosmo.open(*files), rows_of([whole])
    cut = opened.with_redshift_range(0.1, 0.2)
    inside = (ours["redshift_true"] > 0.1) & (ours["redshift_true"] < 0.2)
    found = np.sort(np.asarray(cut.select("galaxy_id").get_data("numpy")))
    expect(np.array_equal(found, ours["galaxy_id"][inside]), f"OpenCosmo finds {len(found)} galaxies of {inside.sum()} in a range of redshifts over two files")
    print(f"opencosmo: {len(found)} galaxies of a range of redshifts, from {len(files)} files")


def check_files(scratch, settings):
    """In several files: the same galaxies, on any number of ranks, after signals; read by those for whom they are made."""
    settings = [*settings, "lightcone.redshift=[0.06, 0.2]"]
    whole, few = scratch / "all.hdf5", [*settings, "lightcone.redshift=[0.02, 0.021]"]
    make(2, whole, *settings)
    for ranks in (1, 3):
        make(ranks, scratch / f"pixels{ranks}", *settings, "lightcone.files=pixel")
        same_rows(sorted((scratch / f"pixels{ranks}").glob("*.hdf5")), whole, f"{ranks} ranks")
    for file in (scratch / "pixels1").glob("*.hdf5"):
        one, three = columns(file), columns(scratch / "pixels3" / file.name)
        expect(all(np.array_equal(one[name], three[name]) for name in three), f"{file.name} depends on the ranks")
    check_pixels(scratch / "pixels3", whole)
    make(2, scratch / "snapshots/", *settings, "lightcone.files=snapshot")
    check_snapshots(scratch / "snapshots", whole, [0, 0.3])
    make(2, scratch / "few.hdf5", *few)
    make(2, scratch / "few", *few, "lightcone.files=pixel")
    expect(any(len(columns(file)["ra"]) == 0 for file in (scratch / "few").glob("*.hdf5")), "no file is empty")
    same_rows(sorted((scratch / "few").glob("*.hdf5")), scratch / "few.hdf5", "few galaxies")
    make(2, scratch / "shell", *settings, "lightcone.redshift=[0.0001, 0.0002]", "lightcone.files=snapshot")
    expect([len(columns(file)["ra"]) for file in (scratch / "shell").glob("*.hdf5")] == [0], "an empty shell has no empty file")

    expect("nothing to do" in make(2, scratch / "pixels1", *settings, "lightcone.files=pixel"), "a finished folder is made again")
    refused = lambda says, out, *options: expect(
        (done := run(2, "lightcone", "config/lightcone.yaml", *sets([f"output.path={out}", *few, "lightcone.files=pixel"]), *options)).returncode == CONFIG and re.search(says, done.stderr),
        f"{says}: {done.returncode} {done.stderr}")
    for options in ([], ["--overwrite"]):
        refused("is not the light cone of this configuration: lightcone.redshift", scratch / "pixels1", *options)
    for name in ("mine", "other.partial"):
        (scratch / name).mkdir()
        (scratch / name / "notes").write_text("mine")
        refused("holds files, and no lightcone.json", scratch / name.removesuffix(".partial"), "--overwrite")
        refused("holds files, and no lightcone.json", scratch / name.removesuffix(".partial"), "--dry-run")
        expect((scratch / name / "notes").read_text() == "mine", "files of a user are gone")
    refused("is a file, and a light cone in several files needs a folder", whole, "--overwrite")
    removed = next((scratch / "pixels1").glob("*.hdf5"))
    kept = removed.read_bytes()
    removed.write_bytes(b"")
    refused_as = run(2, "lightcone", "config/lightcone.yaml", *sets([f"output.path={scratch / 'pixels1'}", *settings, "lightcone.files=pixel"]))
    expect(refused_as.returncode == CONFIG and f"its file {removed.name} is not what was written" in refused_as.stderr, refused_as.stderr)
    removed.write_bytes(kept)
    removed.rename(scratch / "moved.hdf5")
    gone = run(2, "lightcone", "config/lightcone.yaml", *sets([f"output.path={scratch / 'pixels1'}", *settings, "lightcone.files=pixel"]))
    expect(gone.returncode == CONFIG and f"its file {removed.name} is gone" in gone.stderr, gone.stderr)
    # What another configuration left unfinished gives way, but nothing that is not of it.
    (scratch / "pixels1").rename(scratch / "again.partial")
    (scratch / "again.partial/notes").write_text("mine")
    make(2, scratch / "again", *few, "lightcone.files=pixel")
    same_rows(sorted((scratch / "again").glob("*.hdf5")), scratch / "few.hdf5", "after another configuration")
    expect((scratch / "again/notes").read_text() == "mine", "files of a user are gone")
    left = [path.name for path in scratch.iterdir() if path.suffix in (".partial", ".staging", ".lock") and path.name != "other.partial"]
    expect(not left, f"left beside the folders: {left}")


def check_refused(scratch, first, second, cone):
    strange, coarser, silent = (scratch / f"{name}.hdf5" for name in ("strange", "coarser", "silent"))
    later(first, strange, 0.2, "seed = 2")
    later(first, coarser, 0.2, "input.min_particles = 100")
    later(first, silent, 0.2)
    with h5py.File(silent, "r+") as file:
        del file["provenance"].attrs["identity"]
    both = f"lightcone.snapshots=[{first}, {second}]"

    def changed(name, change):
        later(first, scratch / f"{name}.hdf5", 0.2)
        with h5py.File(scratch / f"{name}.hdf5", "r+") as file:
            change(file)
        return f"lightcone.snapshots=[{first}, {scratch / name}.hdf5]"

    def matter_alone(file):
        for group, name in (("provenance/simulation", "omega_m"), ("header/simulation/cosmology", "omega_m")):
            file[group].attrs[name] = 1.0
            file[group].attrs["omega_l"] = 0.0

    def early(file):
        file["provenance/simulation"].attrs["scale_factor"] = 1e-9
        file["header/file"].attrs["redshift"] = 1e9 - 1

    def put(column, row, value):
        return lambda file: file["data/" + column].__setitem__(row, value)

    alone = scratch / "alone.hdf5"
    later(first, alone, 0)
    with h5py.File(alone, "r+") as file:
        matter_alone(file)
    whole_sky = ["lightcone.sky=full", "lightcone.redshift=[0, 0.02]"]
    curved = scratch / "curved.hdf5"
    shutil.copy(first, curved)
    with h5py.File(curved, "r+") as file:
        file["provenance/simulation"].attrs["omega_l"] = 0.6
        file["header/simulation/cosmology"].attrs["omega_l"] = 0.6
    for code, says, *settings in [
            (CONFIG, "lightcone.snapshots: is not given"),
            (CONFIG, "lightcone.redshift: is not given", both, "lightcone.redshift=[0, 0]"),
            (CONFIG, "is beyond the snapshots .redshift 0 to 0.3.", both, "lightcone.redshift=[0.1, 0.4]"),
            (CONFIG, "lightcone.observer: .* is not in the box", both, "lightcone.observer=[0, 0, 151]", "lightcone.redshift=[0.1, 0.2]"),
            (CONFIG, "lightcone.radius: a cone needs one", both, "lightcone.sky=cone", "lightcone.redshift=[0.1, 0.2]"),
            (CONFIG, "lightcone.redshift: .* the smaller one first", both, "lightcone.redshift=[0.2, 0.1]"),
            (DATA, "leaves no cosmological constant", f"lightcone.snapshots=[{alone}]", "lightcone.beyond=true", *whole_sky),
            (DATA, "its redshift 1e.09 is not between 0 and 20", changed("early", early), *whole_sky),
            (DATA, "column 'x' holds nan in row 7", changed("place", put("x", 7, np.nan)), *whole_sky),
            (DATA, "column 'vy' holds inf in row 8", changed("speed", put("vy", 8, np.inf)), "lightcone.sky=full", "lightcone.redshift=[0.18, 0.2]"),
            (DATA, "has no column 'galaxy_axisB_y'", changed("axis", lambda file: file["data"].__delitem__("galaxy_axisB_y")), *whole_sky),
            (DATA, "column 'color_gr' is in one of them alone", changed("colour", lambda file: file["data"].__delitem__("color_gr")), *whole_sky),
            (DATA, "has a column 'ra', which a light cone adds", changed("ra", lambda file: file["data"].__setitem__("ra", file["data/x"][()])), *whole_sky),
            (CONFIG, "one of the names is empty", "lightcone.snapshots=['']", *whole_sky),
            (CONFIG, "output.staging: .* lies in", both, *whole_sky, "lightcone.files=pixel", f"output.path={scratch / 'folder'}", f"output.staging={scratch / 'folder.partial/in'}"),
            (DATA, "are painted otherwise: seed is 1 there and 2 here", f"lightcone.snapshots=[{first}, {strange}]", "lightcone.redshift=[0.1, 0.2]"),
            (DATA, "are painted otherwise: input.min_particles", f"lightcone.snapshots=[{first}, {coarser}]", "lightcone.redshift=[0.1, 0.2]"),
            (DATA, "does not say how it was painted", f"lightcone.snapshots=[{first}, {silent}]", "lightcone.redshift=[0.1, 0.2]"),
            (DATA, "are both of redshift", f"lightcone.snapshots=[{first}, {first}]", "lightcone.redshift=[0, 0.2]"),
            (DATA, "no flat universe", f"lightcone.snapshots=[{curved}]", "lightcone.beyond=true", "lightcone.redshift=[0, 0.2]"),
            (DATA, "is a light cone", f"lightcone.snapshots=[{cone}]", "lightcone.redshift=[0, 0.2]")]:
        for ranks in (1, 3):
            done = run(ranks, "lightcone", "config/lightcone.yaml", *sets([f"output.path={scratch / 'none.hdf5'}", *settings]))
            lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error")]
            expect(done.returncode == code and len(lines) == 1 and re.search(says, lines[0]), f"{says}: {done.returncode} {done.stderr}")
    shutil.rmtree(scratch / "none.hdf5.staging")  # of the run that met a velocity
    expect(not list(scratch.glob("none.hdf5*")), "a refused run wrote")
    done = run(1, "lightcone", "config/lightcone.yaml", *sets([f"output.path={first}", both, "lightcone.redshift=[0, 0.2]"]))
    expect(done.returncode == CONFIG and "output.path" in done.stderr, done.stderr)
    done = run(1, "validate", cone, "--reference", first, "--out", scratch / "page")
    expect(done.returncode == DATA and "is a light cone" in done.stderr, f"validate: {done.returncode} {done.stderr}")
    print("refused:", lines[0])


def check_opencosmo(scratch, path):
    import astropy.units as u
    import opencosmo
    opened = opencosmo.open(path).with_units("scalefree")
    data = columns(path)
    direction = lambda ra, dec: np.stack([np.cos(np.radians(dec)) * np.cos(np.radians(ra)), np.cos(np.radians(dec)) * np.sin(np.radians(ra)), np.sin(np.radians(dec))])
    apart = np.degrees(np.arccos(np.clip(direction(data["ra"], data["dec"]).T @ direction(52.0, -22.0), -1, 1)))
    ids_of = lambda dataset: np.sort(np.asarray(dataset.select("galaxy_id").get_data("numpy")))
    found = opened.bound(opencosmo.make_cone((52.0 * u.deg, -22.0 * u.deg), 3 * u.deg))
    expect(np.array_equal(ids_of(found), np.sort(data["galaxy_id"][apart < 3])), f"OpenCosmo finds {len(found)} galaxies in a cone, {(apart < 3).sum()} are there")
    inside = (data["redshift_true"] > 0.12) & (data["redshift_true"] < 0.2)
    expect(np.array_equal(ids_of(opened.with_redshift_range(0.12, 0.2)), np.sort(data["galaxy_id"][inside])), "a range of redshifts")
    opencosmo.write(scratch / "piece.hdf5", found)
    expect(np.array_equal(ids_of(opencosmo.open(scratch / "piece.hdf5")), np.sort(data["galaxy_id"][apart < 3])), "what OpenCosmo wrote is not what it found")
    print(f"opencosmo {opencosmo.__version__}: {(apart < 3).sum()} galaxies within 3 degrees, {inside.sum()} of a range of redshifts, written and read again")


def check_treecorr(path):
    """Mean ellipticity away from the line between two galaxies, by TreeCorr and by its definition: west and north at the shape."""
    import treecorr
    data = columns(path)
    chosen = np.random.default_rng(2).permutation(len(data["ra"]))[:4000]
    ra, dec, e1, e2 = (data[name][chosen] for name in ("ra", "dec", "ellipticity_1", "ellipticity_2"))
    lenses, shapes = slice(0, 500), slice(500, None)
    catalog = lambda part, **more: treecorr.Catalog(ra=ra[part], dec=dec[part], ra_units="deg", dec_units="deg", **more)
    about = treecorr.NGCorrelation(min_sep=1, max_sep=4, nbins=3, sep_units="deg", brute=True)
    about.process(catalog(lenses), catalog(shapes, g1=e1[shapes], g2=e2[shapes]))
    a, d, b, f = np.radians(ra[shapes])[:, None], np.radians(dec[shapes])[:, None], np.radians(ra[lenses]), np.radians(dec[lenses])
    west = -np.cos(f) * np.sin(b - a)
    north = np.cos(d) * np.sin(f) - np.sin(d) * np.cos(f) * np.cos(b - a)
    angle = 2 * np.arctan2(north, west)
    radial = e1[shapes][:, None] * np.cos(angle) + e2[shapes][:, None] * np.sin(angle)
    separation = np.degrees(2 * np.arcsin(np.sqrt(np.sin((d - f) / 2) ** 2 + np.cos(d) * np.cos(f) * np.sin((a - b) / 2) ** 2)))
    edges = np.geomspace(1, 4, 4)
    direct = [radial[(separation >= low) & (separation < high)].mean() for low, high in zip(edges, edges[1:])]
    expect(np.allclose(-about.xi, direct, atol=3e-5) and np.max(np.abs(direct)) > 3e-4, f"TreeCorr: {-about.xi}, by definition {direct}")
    print("TreeCorr, minus its gamma_t:", np.round(-about.xi, 5), "by definition:", np.round(direct, 5))


def main():
    with Scratch() as scratch:
        first, second, cone = (scratch / f"{name}.hdf5" for name in ("first", "second", "cone"))
        paint(2, first, *LAW)
        later(first, second, 0.3)
        wanted = [0.02, 0.25]
        settings = [f"lightcone.snapshots=[{second}, {first}]", f"lightcone.observer={OBSERVER.tolist()}", f"lightcone.redshift={wanted}",
                    "lightcone.sky=cone", "lightcone.centre=[50, -20]", "lightcone.radius=9"]
        said = make(1, cone, *settings)
        expect(re.search(r"warning: light cone: .*second.hdf5 .redshift 0.3000. fills redshifts up to 0.166 away", said), said)
        with h5py.File(cone) as file:
            expect("of another time" in file["provenance"].attrs["warnings"], "the light cone does not say that its snapshots are far away")
        data, mocks = columns(cone), [columns(first), columns(second)]
        with h5py.File(first) as file:
            omega_m = file["provenance/simulation"].attrs["omega_m"]
        centre = np.radians([50, -20])
        axis = np.array([np.cos(centre[1]) * np.cos(centre[0]), np.cos(centre[1]) * np.sin(centre[0]), np.sin(centre[1])])
        holds = lambda place: place @ axis >= np.cos(np.radians(9)) * np.linalg.norm(place, axis=1)
        check_rows({"data": data, "omega_m": omega_m}, mocks, [0, 0.3], wanted, holds)
        check_sky(data, mocks, [0, 0.3])
        cosmology = FlatLambdaCDM(H0=100, Om0=omega_m, Tcmb0=0)
        check_faces(data, mocks, edges_of(cosmology, [0, 0.3]), *cosmology.comoving_distance(wanted).value, axis)
        check_index(cone)
        for ranks in (2, 3, 7):
            make(ranks, scratch / f"{ranks}.hdf5", *settings)
            print(f"{ranks} ranks:", compare(cone, scratch / f"{ranks}.hdf5", "--exact"))
        check_turned(scratch, settings, mocks, wanted, omega_m, holds)
        check_files(scratch, settings)
        check_stopped(scratch, settings)
        check_refused(scratch, first, second, cone)
        check_opencosmo(scratch, cone)
        check_treecorr(cone)
        expect("light cone" in run(1, "info", cone).stdout, "info does not say what it is")


main()
