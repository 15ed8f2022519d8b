"""The resolution of catalogs: input.min_particles, min_mass and min_vmax leave out the halos they say, on any number of ranks, from any format, and
say how many; the mock, its summary, info, --dry-run and the model file tell."""
import json
import pathlib

import h5py
import numpy as np
from runner import ROOT, Scratch, compare, expect, paint, run, sets, small_catalog, write_catalog

TRUTH = "config/demo-truth.yaml"
QUICK = ["field.mesh=32", "domain.tiles=[3,1,1]"]


def column(header, rows, name):
    return np.array([float(row.split()[header[0].lstrip("#").split().index(name)]) for row in rows])


def particle_mass(header):
    return next(float(line.split()[2]) for line in header if line.startswith("#Particle mass"))


def unresolved(header, rows, least):
    """Rows of fewer particles, counted in whole ones from the rounded masses of the text, and by the finder."""
    particles = np.rint(column(header, rows, "Mvir") / particle_mass(header))
    return (particles < least) | (column(header, rows, "Np") < least)


def ids_in(mock):
    with h5py.File(mock) as file:
        return set(file["data/halo_id"][()])


def provenance(mock):
    with h5py.File(mock) as file:
        return dict(file["provenance"].attrs)


def left_out(mock):
    return json.loads(pathlib.Path(f"{mock}.json").read_text())["halos_left_out"]


def told(said, text, where):
    expect(text in " ".join(said.split()), f"{where} does not say '{text}':\n{said}")


def on_any_ranks(scratch, header, rows, path):
    keep = ~unresolved(header, rows, 20)
    text = f"{(~keep).sum()} of {len(rows)} halos left out: {(~keep).sum()} of fewer than 20 particles (input.min_particles)"
    mocks = []
    for ranks in (1, 3):
        mocks.append(scratch / f"default.{ranks}.hdf5")
        told(paint(ranks, mocks[-1], f"input.path={path}", "input.min_particles=20", *QUICK, config=TRUTH), text, f"the log of {ranks} ranks")
        expect(ids_in(mocks[-1]) == set(column(header, rows, "ID")[keep]), f"other halos are painted on {ranks} ranks")
        expect(left_out(mocks[-1]) == {"min_particles": (~keep).sum(), "min_mass": 0, "min_vmax": 0}, f"summary: {left_out(mocks[-1])}")
        told(str(provenance(mocks[-1])["assumptions"]), text, "the mock's provenance")
        told(str(provenance(mocks[-1])["identity"]), "input.min_particles = 20", "the mock's identity")
    compare(*mocks)
    told(run(0, "info", path).stdout, text, "info")
    dry = run(0, "paint", TRUTH, "--dry-run", *sets([f"input.path={path}", "input.min_particles=20"])).stdout
    told(dry, text, "--dry-run")
    return mocks[0]


def limits(scratch, header, rows, path):
    """Each limit against the list itself; a halo is counted under the first it misses."""
    mass, vmax = column(header, rows, "Mvir"), column(header, rows, "Vmax")
    mock = scratch / "limits.hdf5"
    for particles, least_mass, least_vmax in ((0, 0, 0), (10, 0, 0), (15, 0, 0), (0, 1e12, 0), (0, 0, 150), (12, 6e11, 130)):
        paint(0, mock, f"input.path={path}", f"input.min_particles={particles}", f"input.min_mass={least_mass}", f"input.min_vmax={least_vmax}", *QUICK,
              config=TRUTH, options=["--restart=never"])
        few = unresolved(header, rows, particles)
        light = ~few & (mass < least_mass)
        slow = ~few & ~light & (vmax < least_vmax)
        expect(left_out(mock) == {"min_particles": few.sum(), "min_mass": light.sum(), "min_vmax": slow.sum()}, f"{particles}: {left_out(mock)}")
        expect(ids_in(mock) == set(column(header, rows, "ID")[~(few | light | slow)]), f"min_particles {particles}: other halos")
    for key, value in (("min_particles", "-1"), ("min_particles", "2.5"), ("min_mass", "-1")):
        done = run(0, "paint", TRUTH, *sets([f"input.path={path}", f"input.{key}={value}"]))
        expect(done.returncode == 2 and f"input.{key}" in done.stderr, f"{key}={value}: {done.returncode} {done.stderr}")


def what_a_catalog_tells(scratch, header, rows, path, mock):
    """Without n_particles the mass counts, without the particle mass the finder's count, without both none; a converted catalog is as its list."""
    no_np = [header[0].replace(" Np ", " Nq "), *header[1:]]
    no_mass = [line for line in header if not line.startswith("#Particle mass")]
    neither = [line for line in no_np if not line.startswith("#Particle mass")]
    by_mass = np.rint(column(header, rows, "Mvir") / particle_mass(header)) >= 30
    by_count = column(header, rows, "Np") >= 30
    out = scratch / "told.hdf5"
    for name, head, keep in (("mass", no_np, by_mass), ("count", no_mass, by_count), ("none", neither, by_mass | True)):
        listed = write_catalog(scratch / f"{name}.list", head, rows)
        said = paint(3 if name == "none" else 0, out, f"input.path={listed}", "input.min_particles=30", "input.orphans=promote", *QUICK, config=TRUTH, options=["--restart=never"])
        expect(ids_in(out) == set(column(header, rows, "ID")[keep]), f"{name}: other halos")
        expect(said.count("how many particles halos have is not known") == (name == "none"), f"{name}:\n{said}")
    told(run(0, "info", scratch / "none.list").stdout, "how many particles halos have is not known", "info")

    halos = scratch / "halos.hdf5"
    done = run(0, "convert", TRUTH, *sets([f"input.path={path}", "convert.kind=halos", f"convert.path={halos}", "input.min_particles=0"]))
    expect(done.returncode == 0, done.stderr)
    paint(0, scratch / "converted.hdf5", f"input.path={halos}", "input.min_particles=20", *QUICK, config=TRUTH)
    compare(mock, scratch / "converted.hdf5")
    told(run(0, "info", halos).stdout, "of fewer than 20 particles", "info of a converted catalog")
    done = run(0, "convert", TRUTH, *sets([f"input.path={path}", "convert.kind=halos", f"convert.path={scratch / 'cut.hdf5'}", "input.min_particles=20"]))
    told(done.stdout, "of fewer than 20 particles", "convert")
    with h5py.File(scratch / "cut.hdf5") as file:
        expect(set(file["data/id"][()]) == ids_in(mock), "convert keeps other halos")


def hosts_left_out(scratch, header, rows):
    """A satellite of enough particles in a host of too few: the rule of input.orphans, with the reason."""
    names = header[0].lstrip("#").split()
    words = [row.split() for row in rows]
    keep = ~unresolved(header, rows, 20)
    index = {word[0]: k for k, word in enumerate(words)}
    satellite = next(k for k, word in enumerate(words) if word[-1] != "-1" and keep[k] and words[index[word[-1]]][-1] == "-1")
    host = index[words[satellite][-1]]
    words[host][names.index("Np")] = "19"
    path = write_catalog(scratch / "orphan.list", header, [" ".join(word) for word in words])
    done = run(3, "paint", TRUTH, *sets([f"input.path={path}", f"output.path={scratch}/orphan.hdf5", "input.min_particles=20", *QUICK]))
    expect(done.returncode == 3 and f"its host {words[host][0]} is not in the catalog, or left out by input.min_particles" in done.stderr, done.stderr)
    paint(0, scratch / "promoted.hdf5", f"input.path={path}", "input.orphans=promote", "input.min_particles=20", *QUICK, config=TRUTH)
    expect(int(words[satellite][0]) in ids_in(scratch / "promoted.hdf5"), "a promoted satellite is not painted")


def models(scratch, path):
    """A model file keeps the limits of its training; painting below them is said."""
    truth, model = scratch / "truth.hdf5", scratch / "model.safetensors"
    paint(0, truth, f"input.path={path}", "input.min_particles=10", *QUICK, config=TRUTH)
    done = run(0, "train", "config/demo-train.yaml", *sets([f"input.path={path}", f"train.catalog={truth}", f"train.model={model}", "train.steps=5", "train.interval=5",
                                                            "field.mesh=32", "train.denoiser_width=8", "train.encoder_width=8", "input.min_particles=10", "input.min_mass=1e10"]))
    expect(done.returncode == 0, done.stderr)
    told(run(0, "info", model).stdout, "limits: min_particles 10, min_mass 1e+10 Msun/h, min_vmax 0 km/s", "info of a model")
    said = paint(0, scratch / "below.hdf5", f"input.path={path}", f"painter.model={model}", "input.min_particles=5", *QUICK)
    told(said, "input.min_particles: 10 in training, 5 here", "paint")
    told(said, "input.min_mass: 1e+10 Msun/h in training, 0 Msun/h here", "paint")
    said = paint(0, scratch / "above.hdf5", f"input.path={path}", f"painter.model={model}", *QUICK)
    expect("in training" not in said or "input.min_particles" not in said.split("model:")[-1], said)


def main():
    header, rows = small_catalog(800, particles=0)
    with Scratch() as scratch:
        path = write_catalog(scratch / "small.list", header, rows)
        mock = on_any_ranks(scratch, header, rows, path)
        limits(scratch, header, rows, path)
        what_a_catalog_tells(scratch, header, rows, path, mock)
        hosts_left_out(scratch, header, rows)
        models(scratch, path)
        nothing = paint(3, scratch / "nothing.hdf5", f"input.path={path}", "input.min_mass=1e17", *QUICK, config=TRUTH)
        expect("warning" in nothing and f"{len(rows)} of {len(rows)} halos left out" in nothing and not ids_in(scratch / "nothing.hdf5"), nothing)
    print(f"{len(rows)} halos, as many left out as each limit says")


main()
