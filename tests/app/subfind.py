"""SUBFIND catalogs: what convert writes equals what h5py reads in the files, value for value, on 1, 2 and 3 ranks; every fault of a set or of a
table beside it is one line. With ../shared/data also on real IllustrisTNG files, and joined with published disc fractions."""
import csv
import pathlib
import shutil

import h5py
import numpy as np
from astropy.table import Table

import subfind_set
from runner import ROOT, Scratch, expect, paint, run, sets
from halobrush.model_file import read_header

TNG = ROOT / "../shared/data/tng"
FLOOR = -12.5
H = 0.6774


def convert(ranks, path, output, *settings, kind="galaxies"):
    done = run(ranks, "convert", "config/tng-convert.yaml",
               *sets([f"input.path={path}", f"convert.path={output}", f"convert.kind={kind}", "convert.morphology=", *settings]))
    expect(done.returncode == 0, f"convert on {ranks} ranks: {done.returncode}\n{done.stdout}{done.stderr}")
    with h5py.File(output) as file:
        return {name: column[:] for name, column in file["data"].items()}, done.stdout


def expected_halos(ids, group_ids, group, subhalo, a=1.0, omega_m=0.3089):
    """The definitions of docs/formats.md, in numpy, from fields as they are in the files."""
    where = {number: k for k, number in enumerate(group_ids)}
    at = np.array([where[number] for number in subhalo["SubhaloGrNr"]])
    field = {name: np.asarray(values, dtype=float) for name, values in subhalo.items()}
    first = group["GroupFirstSub"][at].astype(int)
    central = first == ids
    m200, r200 = group["Group_M_Crit200"][at].astype(float) * 1e10, group["Group_R_Crit200"][at].astype(float) / 1e3
    has = central & (m200 > 0)
    bound = field["SubhaloMass"] * 1e10
    rho = 2.7754e11 * (omega_m / a**3 + 1 - omega_m)
    spin = field["SubhaloSpin"] / 1e3
    halos = {"id": ids, "parent_id": np.where(central, -1, first), "mass": np.where(has, m200, bound),
             "radius": np.where(has, r200, np.cbrt(3 * bound / (800 * np.pi * rho)) / a), "vmax": field["SubhaloVmax"], "bound_mass": bound,
             "specific_spin": np.linalg.norm(spin, axis=1), "n_particles": field["SubhaloLen"].astype(int)}
    for k, axis in enumerate("xyz"):
        halos[axis] = field["SubhaloPos"][:, k] / 1e3
        halos["v" + axis] = field["SubhaloVel"][:, k]
        halos["j" + axis] = spin[:, k]
    return halos


def expected_labels(subhalo, a=1.0):
    field = {name: np.asarray(values, dtype=float) for name, values in subhalo.items()}
    with np.errstate(divide="ignore", invalid="ignore"):
        stars = field["SubhaloMassType"][:, 4] * 1e10 / H
        log_ssfr = np.log10(field["SubhaloSFR"] / stars)
        colour = field["SubhaloStellarPhotometrics"][:, 4] - field["SubhaloStellarPhotometrics"][:, 5]
        known = {"log_stellar_mass": field["SubhaloMassInRadType"][:, 4] > 0, "color_gr": field["SubhaloStellarPhotometrics"][:, 4] < 1e36,
                 "log_size": field["SubhaloHalfmassRadType"][:, 4] > 0, "log_ssfr": stars > 0}
        labels = {"log_stellar_mass": np.log10(field["SubhaloMassInRadType"][:, 4] * 1e10 / H), "color_gr": colour,
                  "log_size": np.log10(field["SubhaloHalfmassRadType"][:, 4] * a / H), "log_ssfr": log_ssfr}
    spin = field["SubhaloSpin"] / np.linalg.norm(field["SubhaloSpin"], axis=1, keepdims=True)
    for k, axis in enumerate("xyz"):
        labels[f"galaxy_spin_{axis}"] = spin[:, k]
    return labels, known, known["log_ssfr"] & (log_ssfr > FLOOR)


def close(found, wanted, name):
    expect(len(found) == len(wanted), f"{name}: {len(found)} rows, not {len(wanted)}")
    good = np.isclose(found, wanted, rtol=1e-12, atol=1e-12)
    expect(good.all(), f"{name}: {np.count_nonzero(~good)} values differ, e.g. {found[~good][:1]} and {wanted[~good][:1]}")


def check(columns, halos, labels, known, forming, kept):
    for name, values in halos.items():
        close(columns[name], values[kept], name)
    for name, values in labels.items():
        mask = known.get(name, np.ones(len(kept), bool))[kept]
        if name in known:
            expect((columns[name + "_known"] == mask).all(), f"{name}_known differs")
        if name == "log_ssfr":
            low = mask & ~forming[kept]
            spread = columns[name][low]
            expect(((spread < FLOOR) & (spread > FLOOR - 1)).all() and (not low.any() or np.ptp(spread) > 0.5), "log_ssfr below the floor")
            mask = mask & forming[kept]
        else:
            expect((columns[name][~mask] == 0).all(), f"{name} is not 0 where it is not known")
        close(columns[name][mask], values[kept][mask], name)
    expect((columns["is_star_forming"] == forming[kept]).all(), "is_star_forming differs")
    expect((columns["galaxy_id"] == halos["id"][kept]).all() and (columns["halo_id"] == halos["id"][kept]).all(), "halo_id differs")
    expect(columns["orientation_known"].all(), "orientation_known")
    expect(all(np.isfinite(values).all() for values in columns.values()), "values that are not finite")


def small_sets(scratch):
    group, subhalo = subfind_set.catalog()
    subhalo_wrapped = dict(subhalo, SubhaloPos=np.where(subhalo["SubhaloPos"] >= 75000, 0, subhalo["SubhaloPos"]))
    ids = np.arange(len(subhalo["SubhaloMass"]))
    for gadget4, a in ((False, 1.0), (True, 0.5)):
        folder = subfind_set.write(scratch / f"set{gadget4:d}", group, subhalo, gadget4=gadget4, header={"Time": a})
        halos = expected_halos(ids, np.arange(40), group, subhalo_wrapped, a)
        labels, known, forming = expected_labels(subhalo, a)
        kept = np.full(len(ids), True) if gadget4 else subhalo["SubhaloFlag"].copy()
        for ranks in (1, 2, 3):
            path = [folder, folder / "fof_subhalo_tab_099.0.hdf5", folder / "fof_subhalo_tab_099.3.hdf5"][ranks - 1]
            columns, _ = convert(ranks, path, scratch / f"set{gadget4:d}.{ranks}.hdf5", "input.min_vmax=0")
            check(columns, halos, labels, known, forming, kept)
            if ranks != 2:
                continue
            only, _ = convert(ranks, path, scratch / "halos.hdf5", "input.min_vmax=100", kind="halos")
            fast = kept & (subhalo["SubhaloVmax"] >= 100)
            for name, values in halos.items():
                close(only[name], values[fast], name)
        print(f"{'Gadget-4' if gadget4 else 'TNG'} spelling, a = {a}: {kept.sum()} subhalos in 4 files, 3 numbers of ranks: equal")
    return folder.parent / "set0", group, subhalo


def joined_tables(scratch, folder, subhalo):
    """The same table as FITS, HDF5 and CSV; disc fractions outside [0, 1] are sentinels."""
    ids = np.flatnonzero(subhalo["SubhaloFlag"] & (subhalo["SubhaloMassType"][:, 4] > 0))[::2]
    mass, disc = subhalo["SubhaloMassType"][ids, 4].astype(float) * 1e10 / H, np.linspace(-0.1, 1.1, len(ids))
    Table({"gal_id": ids.astype(float), "f_disk_2d": disc, "mass": mass}).write(scratch / "disc.fits")
    with h5py.File(scratch / "disc.hdf5", "w") as file:
        file.update({"gal_id": ids, "f_disk_2d": disc, "mass": mass})
    with open(scratch / "disc.csv", "w", newline="") as file:
        csv.writer(file).writerows([["gal_id", "f_disk_2d", "mass"], *zip(ids, map(repr, disc.tolist()), map(repr, mass.tolist()))])
    axes = np.linalg.qr(np.random.default_rng(3).normal(size=(len(ids), 3, 3)))[0]
    shape = {"gal_id": ids, "a": np.full(len(ids), 3.0), "b": np.full(len(ids), 2.0), "c": np.full(len(ids), 1.5)}
    shape |= {f"{axis}v_{x}": axes[:, k, j] for k, axis in enumerate("abc") for j, x in enumerate("xyz")}
    with h5py.File(scratch / "shapes.hdf5", "w") as file:
        file.update(shape)
    for kind in ("fits", "hdf5", "csv"):
        columns, said = convert(2, folder, scratch / "joined.hdf5", "input.min_vmax=0", f"convert.morphology={scratch}/disc.{kind}",
                                f"convert.shapes={scratch}/shapes.hdf5")
        expect(f"{len(ids)} of {len(ids)} rows" in said, said)
        rows = np.searchsorted(columns["id"], ids)
        known = (disc >= 0) & (disc <= 1)
        expect((columns["disc_fraction_known"][rows] == known).all() and columns["disc_fraction_known"].sum() == known.sum(), f"{kind}: mask")
        close(columns["disc_fraction"][rows[known]], disc[known], f"{kind}: disc_fraction")
        expect(columns["orientation_known"].sum() == len(ids) and "galaxy_spin_x" not in columns, "shapes take the place of the spin")
        major = np.stack([columns[f"galaxy_axisA_{x}"][rows] for x in "xyz"], axis=1)
        close(np.abs(np.sum(major * axes[:, 0], axis=1)), np.ones(len(ids)), "major axis")
        close(columns["c_to_a"][rows], np.full(len(ids), 0.5), "c_to_a")
    print(f"disc fractions and axes of {len(ids)} galaxies joined from FITS, HDF5 and CSV")


def paints_and_serves_as_both(scratch):
    """A training catalog is a halo catalog too."""
    converted = scratch / "set0.1.hdf5"
    paint(2, scratch / "mock.hdf5", f"input.path={converted}", "field.mesh=32", config="config/demo-truth.yaml")
    with h5py.File(scratch / "mock.hdf5") as mock, h5py.File(converted) as halos:
        expect(sorted(mock["data/halo_id"][:]) == sorted(halos["data/id"][:]), "halo_id is not the subhalo's id")


def learns_with_the_tide(scratch):
    """Of a complete box the tidal inputs are there: both painters of spins train on them and paint the box."""
    converted = scratch / "set0.1.hdf5"
    inputs = "[log_mass, log_host_mass, log_vmax, is_central, host_displacement, tidal_4, tidal_trace_4, tidal_anisotropy_4]"
    for painter in ("graph_diffusion", "graph_gan"):
        model = scratch / f"{painter}.safetensors"
        done = run(2, "train", "config/tng-train.yaml",
                   *sets([f"input.path={converted}", f"train.catalog={converted}", f"train.model={model}", f"train.painter={painter}", "field.smoothing=[4]",
                          "field.mesh=32", f"train.inputs={inputs}", "train.outputs=[log_stellar_mass, color_gr]", "train.steps=10", "train.interval=5"]))
        expect(done.returncode == 0, f"{painter}: {done.stdout}{done.stderr}")
        spec = read_header(model)
        expect(spec["inputs"]["tensors"] == ["tidal_4"] and "tidal_trace_4" in spec["inputs"]["scalars"] and spec["orientation"] == "spin", spec["inputs"])
        paint(2, scratch / f"{painter}.hdf5", f"input.path={converted}", f"painter.model={model}", "painter.kind=auto", "field.smoothing=[4]", "field.mesh=32", config="config/tng-paint.yaml")
        with h5py.File(scratch / f"{painter}.hdf5") as mock:
            spin = np.stack([mock[f"data/galaxy_spin_{x}"][:] for x in "xyz"], 1)
            expect(len(spin) > 400 and np.allclose(np.linalg.norm(spin, axis=1), 1, atol=1e-5), "spins are no unit vectors")
        print(f"{painter}: learned with tidal inputs and painted {len(spin)} galaxies of a complete box")


def refuses_a_label_as_input(scratch):
    converted = scratch / "set0.1.hdf5"
    done = run(1, "train", "config/tng-train.yaml", *sets([f"input.path={converted}", f"train.catalog={converted}", f"train.model={scratch}/none.safetensors",
                                                            "train.outputs=[log_stellar_mass]", "train.inputs=[log_mass, angular_momentum]"]))
    expect(done.returncode == 2 and "'angular_momentum' is the label 'galaxy_spin' itself" in done.stderr, f"{done.returncode} {done.stderr}")
    print(done.stderr.splitlines()[-1])


def refused(folder, code, *texts, settings=(), numbers_of_ranks=(3,)):
    lines = []
    for ranks in numbers_of_ranks:
        done = run(ranks, "convert", "config/tng-convert.yaml", *sets([f"input.path={folder}", f"convert.path={folder}.out.hdf5", "convert.morphology=", *settings]))
        errors = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
        expect(done.returncode == code and len(errors) == 1, f"{texts} on {ranks} ranks: {done.returncode}\n{done.stdout}{done.stderr}")
        expect(all(text in errors[0] for text in texts), f"{texts} not in: {errors[0]}")
        lines.append(errors[0])
    expect(len(set(lines)) == 1, f"not the same line on 1 and 3 ranks: {lines}")
    expect(not pathlib.Path(f"{folder}.out.hdf5").exists(), "an output in spite of the error")
    print(lines[0])


def faults(scratch, good, group, subhalo):
    def copy(name):
        return pathlib.Path(shutil.copytree(good, scratch / name))

    absent = copy("absent")
    (absent / "fof_subhalo_tab_099.1.hdf5").unlink()
    refused(absent, 3, "fof_subhalo_tab_099.1.hdf5", "absent (1 of 4", numbers_of_ranks=(1, 3))
    mixed = copy("mixed")
    subfind_set.write(scratch / "other", *subfind_set.catalog(seed=6), header={"BoxSize": 35000.0})
    shutil.copy(scratch / "other/fof_subhalo_tab_099.2.hdf5", mixed)
    refused(mixed, 3, "099.2.hdf5", "two simulations")
    units = copy("units")
    with h5py.File(units / "fof_subhalo_tab_099.2.hdf5", "r+") as file:
        file["Header"].attrs["UnitVelocity_in_cm_per_s"] = 100000.5
    refused(units, 3, "099.2.hdf5", "UnitVelocity_in_cm_per_s is 100000.5, but 100000 in")
    vague = copy("vague")
    for path in vague.iterdir():
        with h5py.File(path, "r+") as file:
            file["Header"].attrs["OmegaLambda"] = np.nan
    refused(vague, 3, "OmegaLambda is nan")
    short = copy("short")
    with h5py.File(short / "fof_subhalo_tab_099.3.hdf5", "a") as file:
        for name in list(file["Subhalo"]):
            values = file["Subhalo"][name][:-1]
            del file["Subhalo"][name]
            file["Subhalo"][name] = values
    refused(short, 3, "099.3.hdf5", "shape", numbers_of_ranks=(1, 3))
    unitless = copy("unitless")
    for path in unitless.glob("*.hdf5"):
        with h5py.File(path, "a") as file:
            del file["Parameters"]
    refused(unitless, 3, "unit of length", "input.units", settings=["input.units=[]"])
    lost = copy("lost")
    with h5py.File(lost / "fof_subhalo_tab_099.0.hdf5", "a") as file:
        file["Group/GroupFirstSub"][0] = -1
    refused(lost, 3, "group 0", "no first subhalo")
    beyond = copy("beyond")
    with h5py.File(beyond / "fof_subhalo_tab_099.1.hdf5", "a") as file:
        file["Subhalo/SubhaloGrNr"][-1] = 5000
    refused(beyond, 3, "a subhalo is of group 5000, which is not in the catalog", numbers_of_ranks=(1, 3))
    flagless = copy("flagless")
    with h5py.File(flagless / "fof_subhalo_tab_099.1.hdf5", "a") as file:
        del file["Subhalo/SubhaloFlag"]
    refused(flagless, 3, "099.1.hdf5", "has no SubhaloFlag", numbers_of_ranks=(1, 3))
    stray = copy("stray")
    with h5py.File(stray / "fof_subhalo_tab_099.0.hdf5", "a") as file:
        file["Group/GroupFirstSub"][1] += 1
    refused(stray, 3, "group 1", "the group's subhalos begin at row", numbers_of_ranks=(1, 3))
    rows = np.flatnonzero(np.diff(subhalo["SubhaloGrNr"], prepend=-1))  # where groups begin
    claimed = copy("claimed")  # group 7 has no subhalos
    with h5py.File(claimed / "fof_subhalo_tab_099.1.hdf5", "a") as file:
        at = 7 - len(h5py.File(claimed / "fof_subhalo_tab_099.0.hdf5")["Group/GroupFirstSub"])
        expect(at >= 0 and file["Group/GroupNsubs"][at] == 0, "group 7 is elsewhere")
        file["Group/GroupFirstSub"][at] = rows[7] - 1
    refused(claimed, 3, "group 7: GroupFirstSub is", "of group 6", "no subhalo is of group 7", numbers_of_ranks=(1, 3))
    for name, number, nsubs in (("fewer", 6, -1), ("more", 38, 1), ("none", 39, 2)):
        counted = copy(f"counted_{name}")
        for path in sorted(counted.glob("*.hdf5")):
            with h5py.File(path, "a") as file:
                here = len(file["Group/GroupNsubs"]) if "Group" in file else 0
                if 0 <= number < here:
                    file["Group/GroupNsubs"][number] += nsubs
                number -= here
        refused(counted, 3, "GroupNsubs is", "subhalos are of it by /Subhalo/SubhaloGrNr", numbers_of_ranks=(1, 3))
    nothing = copy("nothing")
    with h5py.File(nothing / "fof_subhalo_tab_099.0.hdf5", "a") as file:
        del file["Subhalo/SubhaloVmax"]
    refused(nothing, 3, "SubhaloVmax", "099.0.hdf5")
    for name, ids, mass, text in (("strangers", [10**7], [1e9], "none of its 1 ids"), ("foreign", [0, 1, 2], [1.0, 1.0, 1.0], "another simulation"),
                                  ("twice", [0, 0], [1e9, 1e9], "more than once")):
        with h5py.File(scratch / f"{name}.hdf5", "w") as file:
            file.update({"gal_id": ids, "f_disk_2d": np.full(len(ids), 0.5), "mass": mass})
        refused(good, 3, text, settings=[f"convert.morphology={scratch}/{name}.hdf5", "input.min_vmax=0"])
    refused(good, 3, "no column 'f_disk2d'", "f_disk_2d", settings=[f"convert.morphology={scratch}/twice.hdf5", "convert.disc_fraction=f_disk2d"])
    refused(scratch / "none", 5, "o such file")
    refused(ROOT / "data/demo/rockstar_z0_pid.list.gz", 3, "convert.kind: halos")


def fields_of(path):
    with h5py.File(path) as file:
        return {n: d[:] for n, d in file["Group"].items()}, {n: d[:] for n, d in file["Subhalo"].items()}


def excerpt_that_says_nothing(scratch):
    shutil.copy(TNG / "tng100-1_subset.hdf5", scratch / "bare.hdf5")
    with h5py.File(scratch / "bare.hdf5", "a") as file:
        del file.attrs["about"]
    done = run(0, "info", scratch / "bare.hdf5")
    expect(done.returncode == 0 and all(key in done.stdout for key in ("input.units", "input.box_size", "input.scale_factor", "cosmology.h")), done.stdout + done.stderr)


def real_excerpt(scratch):
    group, subhalo = fields_of(TNG / "tng100-1_subset.hdf5")
    ids = subhalo["SubhaloID_global"].astype(int)
    halos = expected_halos(ids, group["GroupID_global"], group, subhalo)
    labels, known, forming = expected_labels(subhalo)
    kept = subhalo["SubhaloFlag"] & (subhalo["SubhaloVmax"].astype(float) >= 63.0957)
    discs = TNG / "TNG100-1_99_galaxy_scale_len_height_5r.fits"
    for ranks in (1, 3):
        columns, said = convert(ranks, TNG / "tng100-1_subset.hdf5", scratch / "tng.hdf5", "input.min_vmax=63.0957", f"convert.morphology={discs}")
        check(columns, halos, labels, known, forming, kept)
    table = Table.read(discs)
    row = {int(i): k for k, i in enumerate(table["gal_id"])}
    joined = np.array([i in row for i in columns["id"]])
    expect((joined == columns["disc_fraction_known"]).all(), "disc_fraction_known")
    at = [row[i] for i in columns["id"][joined]]
    close(columns["disc_fraction"][joined], np.asarray(table["f_disk_2d"])[at], "disc_fraction")
    every = np.isin(ids, list(row))
    off = np.abs(np.asarray(table["mass"])[[row[i] for i in ids[every]]] / (subhalo["SubhaloMassType"][every, 4].astype(float) * 1e10 / H) - 1)
    expect(every.sum() == 5323 and off.max() < 1e-6, f"{every.sum()} rows join, masses {off.max():.1e} off")
    print(f"TNG100-1 excerpt: {kept.sum()} subhalos equal; {joined.sum()} disc fractions; stellar masses of all {every.sum()} joined within {off.max():.1e}")


def real_files(scratch):
    """Real files of a set, made a complete set of their own: numbers of groups and subhalos begin at 0, headers count what is there."""
    for name in ("tng100-1_raw", "tng100-2_raw"):
        paths = sorted((TNG / name).glob("*.hdf5"), key=lambda p: int(p.suffixes[-2][1:]))
        refused_set = run(0, "info", TNG / name)
        whole, folder = [fields_of(path) for path in paths], scratch / name
        folder.mkdir()
        total_groups, total_subhalos = (sum(len(next(iter(part[k].values()))) for part in whole) for k in (0, 1))
        first_group, first_subhalo = whole[0][1]["SubhaloGrNr"][0], whole[0][0]["GroupFirstSub"][0]
        expect(refused_set.returncode == 3 and "absent" in refused_set.stderr, refused_set.stderr)
        for k, path in enumerate(paths):
            with h5py.File(shutil.copy(path, folder / f"fof_subhalo_tab_099.{k}.hdf5"), "a") as file:
                file["Header"].attrs.update({"NumFiles": len(paths), "Ngroups_Total": total_groups, "Nsubgroups_Total": total_subhalos})
                file["Subhalo/SubhaloGrNr"][...] -= first_group
                file["Group/GroupFirstSub"][...] -= first_subhalo
        group, subhalo = ({n: np.concatenate([part[k][n] for part in whole]) for n in whole[0][k]} for k in (0, 1))
        inside = subhalo["SubhaloGrNr"] - first_group < total_groups
        expect(inside.all(), f"{name}: subhalos of groups beyond the files")
        subhalo["SubhaloGrNr"] -= first_group
        group["GroupFirstSub"] -= first_subhalo
        ids = np.arange(total_subhalos)
        columns, _ = convert(3, folder, scratch / "raw.hdf5", "input.min_vmax=0")
        check(columns, expected_halos(ids, np.arange(total_groups), group, subhalo), *expected_labels(subhalo), subhalo["SubhaloFlag"])
        print(f"{name}: {total_subhalos} subhalos of {total_groups} groups in {len(paths)} real files: equal")


def main():
    with Scratch() as scratch:
        folder, group, subhalo = small_sets(scratch)
        joined_tables(scratch, folder, subhalo)
        paints_and_serves_as_both(scratch)
        learns_with_the_tide(scratch)
        refuses_a_label_as_input(scratch)
        faults(scratch, folder, group, subhalo)
        if TNG.is_dir():
            excerpt_that_says_nothing(scratch)
            real_excerpt(scratch)
            real_files(scratch)
        else:
            print("real IllustrisTNG files: skipped, there is no ../shared/data/tng")


main()
