"""Halos of HACC in OpenCosmo's HDF5: what is read is what h5py and opencosmo say of the file, the same bits on 1 and 3 ranks; what cannot be
read as it was meant is refused in one line, with exit code 3."""
import os
import pathlib
import shutil

import h5py
import numpy as np

from halo_reading import SHARED, by_id, check_refused, columns_of, read, same
from runner import ENVIRONMENT, Scratch, expect, paint, run, sets

BOX, A, H = 100.0, 0.5, 0.7
COSMOLOGY = {"h": H, "omega_m": 0.3, "omega_b": 0.05, "omega_l": 0.7, "n_eff_massless": 3.04, "sigma_8": 0.8, "n_s": 0.96, "w_0": -1.0, "w_a": 0.0}
PARAMETERS = {"box_size": BOX, "z_ini": 50.0, "z_end": 0.0, "n_gravity": 256, "n_steps": 500, "pm_grid": 512, "offset_gravity_ini": 0.0}
FINDER = {"fof_linking_length": 0.168, "fof_pmin": 20, "sod_pmin": 100, "sod_delta_crit": 200.0, "sod_concentration_pmin": 500, "sodbighaloparticles_pmin": 10000,
          "profiles_nbins": 20, "cosmotools_steps": np.array([300, 499])}
UNITS = (("angmom", "comoving (Msun/h * (km/s) * Mpc/h)"), ("_v", "comoving km/s"), ("max_cir_vel", "comoving km/s"), ("mass", "Msun/h"), ("_tag", None), ("_count", None),
         ("", "comoving Mpc/h"))
NONE, FRAGMENT, NO_SOD, NO_SHAPE = -101, 5, slice(10, 40), slice(30, 60)


def halos(n=400, seed=3):
    random = np.random.default_rng(seed)
    tags = 7 * np.arange(n) + 2**40
    tags[FRAGMENT] = -((3 << 48) | tags[FRAGMENT])
    mass = (10 ** random.uniform(12, 14, n)).astype("f4")
    sod = (0.8 * mass).astype("f4")
    sod[NO_SOD] = NONE
    columns = {"fof_halo_tag": tags, "fof_halo_count": (mass / 1e9).astype("i8"), "fof_halo_mass": mass, "sod_halo_mass": sod,
               "sod_halo_radius": np.where(sod > 0, 2e-5 * np.cbrt(mass), NONE).astype("f4"), "fof_halo_max_cir_vel": (0.02 * np.cbrt(mass)).astype("f4"),
               "fof_halo_1D_vel_disp": (0.01 * np.cbrt(mass)).astype("f4")}
    axes = np.linalg.qr(random.normal(size=(n, 3, 3)))[0] * np.array([0.02, 0.03, 0.05])  # columns; S3 is the longest
    axes[30:45], axes[45:60] = 0, -1
    for k, axis in enumerate("xyz"):
        columns["fof_halo_center_" + axis] = random.uniform(0, BOX - 0.01, n).astype("f4")
        columns["fof_halo_com_v" + axis] = random.normal(0, 300, n).astype("f4")
        columns["fof_halo_angmom_" + axis] = (1e13 * random.normal(size=n)).astype("f4")
        columns |= {f"fof_halo_eigS{i + 1}{axis.upper()}": axes[:, k, i].astype("f4") for i in range(3)}
    return columns


def write(path, columns, edit=None, origin="HACC", redshift=1 / A - 1):
    with h5py.File(path, "w") as file:
        file.create_group("header/file").attrs.update({"data_type": "halo_properties", "is_lightcone": False, "redshift": redshift, "step": 300, "unit_convention": "scalefree",
                                                       "origin": origin})
        for name, values in (("parameters", PARAMETERS), ("cosmology", COSMOLOGY), ("cosmotools", FINDER)):
            file.create_group(f"header/simulation/{name}").attrs.update(values)
        for name, values in columns.items():
            unit = next(unit for part, unit in UNITS if part in name)
            file.create_dataset(f"data/{name}", data=values).attrs.update({"unit": unit} if unit else {})
        if edit:
            edit(file["data"])
    return path


def expected(columns, a=A, h=H, omega_m=0.3, omega_l=0.7):
    """In our columns, from h5py's numbers."""
    wide = {name: values.astype("f8") for name, values in columns.items()}
    fof, sod = wide["fof_halo_mass"], wide["sod_halo_mass"]
    radius = np.cbrt(3 * fof / (800 * np.pi * 2.7754e11 * (omega_m / a**3 + omega_l))) / a
    out = {"id": np.abs(columns["fof_halo_tag"]), "parent_id": np.full(len(fof), -1), "n_particles": columns["fof_halo_count"], "bound_mass": fof,
           "mass": np.where(sod > 0, sod, fof), "radius": np.where(sod > 0, wide["sod_halo_radius"], radius)}
    s1, s2, s3 = (np.stack([wide[f"fof_halo_eigS{i}{axis}"] for axis in "XYZ"], 1) for i in (1, 2, 3))
    length = [np.linalg.norm(s, axis=1) for s in (s1, s2, s3)]
    there = (length[0] > 0) & (s1 != s3).any(1)
    one = np.where(there, length[2], 1)
    out |= {"shape_resolved": there, "b_to_a": there * length[1] / one, "c_to_a": there * length[0] / one}
    j = np.stack([wide[f"fof_halo_angmom_{axis}"] for axis in "xyz"], 1)
    out["specific_spin"] = np.linalg.norm(j, axis=1) * a**2 / fof
    for k, axis in enumerate("xyz"):
        out |= {axis: wide["fof_halo_center_" + axis], "v" + axis: wide["fof_halo_com_v" + axis] * a, "j" + axis: j[:, k], "axis_" + axis: there * s3[:, k] / one}
    if "fof_halo_max_cir_vel" in columns:
        out["vmax"] = wide["fof_halo_max_cir_vel"] * a
    out["vrms"] = wide["fof_halo_1D_vel_disp"] * np.sqrt(3) * a
    return out


def check(found, wanted, where, rtol=1e-6):
    expect(found.keys() == wanted.keys(), f"{where}: columns {sorted(found)} and {sorted(wanted)}")
    for name, values in wanted.items():
        good = np.array_equal(found[name], values) if values.dtype.kind in "ib" else np.allclose(found[name], values, rtol=rtol, atol=1e-7 * np.abs(values).max())
        expect(good, f"{where}: column {name}: {found[name][:3]} and {values[:3]}")


def put(name, change=lambda values: values, unit=..., **how):
    def edit(data):
        values, attributes = change(data[name][:]), dict(data[name].attrs)
        del data[name]
        data.create_dataset(name, data=values, **how).attrs.update(attributes if unit is ... else {"unit": unit})
    return edit


def each(*edits):
    return lambda data: [edit(data) for edit in edits]


def all_columns(change, **how):
    return lambda data: [put(name, change, **how)(data) for name in list(data)]


def at(row, value):
    def change(values):
        values[row] = value
        return values
    return change


def header(group, **attributes):
    def edit(data):
        for name, value in attributes.items():
            if value is None:
                del data.file[f"header/{group}"].attrs[name]
            else:
                data.file[f"header/{group}"].attrs[name] = value
    return edit


def rename(old, new):
    def edit(data):
        for axis in "xyz":
            data.move(old + axis, new + axis)
    return edit


def in_comoving_units(data):
    """Without h."""
    header("file", unit_convention="comoving")(data)
    for name in data:
        if name.endswith("mass") or "center" in name or "radius" in name:
            put(name, lambda values: np.where(values == NONE, NONE, values.astype("f8") / H), "Msun" if name.endswith("mass") else "comoving Mpc")(data)


def good(plain):
    """Name, edit: the halos of the plain file."""
    yield "big-endian", all_columns(lambda values: values.astype(values.dtype.newbyteorder(">")))
    yield "gzip", all_columns(lambda values: values, compression="gzip", shuffle=True, fletcher32=True, chunks=(64,))
    yield "mean velocities", rename("fof_halo_com_v", "fof_halo_mean_v")
    yield "another origin", header("file", origin="SomeCode")
    yield "columns beside", lambda data: data.update({"name": [b"x"] * len(data["fof_halo_tag"]), "fof_halo_ke": np.zeros(3)})


def bad():
    """Name, edit, texts of the one line."""
    yield "light cone", header("file", is_lightcone=True), "light cone"
    yield "physical", header("file", unit_convention="physical"), "'physical'"
    yield "no redshift", header("file", redshift=None), "no redshift"
    yield "redshift nan", header("file", redshift=np.nan), "redshift"
    yield "no box", header("simulation/parameters", box_size=None), "no box", "box_size"
    yield "no h", header("simulation/cosmology", h=None), "no cosmology"
    yield "other overdensity", header("simulation/cosmotools", sod_delta_crit=500.0), "500 times", "sod_delta_crit"
    yield "unknown unit", put("fof_halo_mass", unit="Mstar"), "'fof_halo_mass'", "'Mstar'", "not known"
    yield "no unit", put("fof_halo_mass", unit=""), "'fof_halo_mass'", "none is given"
    yield "another unit", put("fof_halo_center_x", unit="km/s"), "'fof_halo_center_x'", "something else"
    yield "physical velocity", put("fof_halo_com_vx", unit="km/s (physical)"), "'fof_halo_com_vx'", "comoving velocities"
    yield "no column", lambda data: data.__delitem__("fof_halo_center_y"), "no column fof_halo_center_y"
    yield "short column", put("sod_halo_mass", lambda values: values[:-1]), "'sod_halo_mass' has 399 rows", "400"
    yield "shape nan", put("fof_halo_eigS2Y", at(350, np.nan)), "row 350", "'fof_halo_eigS2Y' is nan"
    yield "outside", put("fof_halo_center_z", at(350, 101)), "row 350", "'z'", "outside the box"
    yield "no mass", put("fof_halo_mass", at(20, 0)), "row 20", "'mass' is 0"
    yield "negative mass", put("sod_halo_mass", at(350, -5)), "row 350", "'mass' is -5"
    yield "twice", put("fof_halo_tag", lambda values: at(7, values[300])(values)), "occurs more than once"
    yield "vectors", put("fof_halo_com_vx", lambda values: np.stack([values] * 3, 1)), "/data/fof_halo_com_vx", "one number a row"
    yield "text", put("fof_halo_com_vx", lambda values: values.astype("S8")), "/data/fof_halo_com_vx", "holds text"
    yield "lzf", put("fof_halo_mass", compression="lzf"), "/data/fof_halo_mass", "lzf (32000)"
    yield "never written", lambda data: [data.__delitem__("fof_halo_mass"), data.create_dataset("fof_halo_mass", shape=(400,), dtype="f4").attrs.update({"unit": "Msun/h"})], "never written"


def small_files(scratch):
    plain = halos()
    path = write(scratch / "plain.hdf5", plain)
    others = {name: write(scratch / f"{name}.hdf5", plain, edit) for name, edit in good(plain)}
    comoving, kpc = write(scratch / "comoving.hdf5", plain, in_comoving_units), write(scratch / "kpc.hdf5", plain, put("sod_halo_radius", lambda v: v * 1e3, "comoving kpc/h"))
    single = write(scratch / "no_sod.hdf5", {name: values for name, values in plain.items() if not name.startswith("sod")})
    none = write(scratch / "none.hdf5", {name: values[:0] for name, values in plain.items()})
    parts = [write(scratch / f"part.{k}.hdf5", {name: values[rows] for name, values in plain.items()}) for k, rows in enumerate((slice(0, 150), slice(150, 150), slice(150, 400)))]
    joined = "|".join(map(str, parts))
    said, columns = read(scratch, [path, *others.values(), comoving, kpc, single, none, joined])
    for where, line in said.items():
        expect(line.startswith("0 "), f"{where}: {line}")
    wanted = expected(plain)
    check(columns[path], wanted, "plain")
    kept_single = [name for name, values in columns[path].items() if values.dtype == "f4"]
    expect(len(kept_single) == len(wanted) - 7, f"single precision is kept of {kept_single}")  # id, parent_id, n_particles, shape_resolved, x, y, z are not
    for text in ("30 of 400 halos have no spherical overdensity", "30 of 400 halos have no shape", "1 of 400 halos are fragments", "times the scale factor 0.5"):
        expect(text in said[path], f"'{text}' is not in: {said[path]}")
    for name, other in others.items():
        expect(same(columns[other], columns[path]), f"{name}: not as the plain file")
    expect(same(columns[joined], columns[path]), "in three files, one of them empty: not as the plain file")
    check(columns[comoving], wanted, "without h")
    check(columns[kpc] | {"radius": columns[path]["radius"]}, wanted, "kpc")
    expect(np.allclose(columns[kpc]["radius"][100:], columns[path]["radius"][100:], rtol=1e-6), "radii in kpc")
    without = expected(plain | {"sod_halo_mass": np.full(400, NONE), "sod_halo_radius": np.full(400, NONE)})
    check(columns[single], without, "without spherical overdensities")
    expect(all(len(values) == 0 for values in columns[none].values()), "no rows")
    print(f"{len(said)} files of {len(plain['fof_halo_tag'])} halos: equal to h5py's numbers, in {len(wanted)} columns")
    return path, columns[path]


def refuses(scratch, path):
    plain, cases = halos(), {}
    for name, edit, *texts in bad():
        cases[write(scratch / f"bad {name}.hdf5".replace(" ", "_"), plain, edit)] = texts
    content = path.read_bytes()
    for name, part, text in (("cut", content[:-3000], "truncated"), ("superblock", content[:8] + b"\xff" * 40 + content[48:], "damaged")):
        damaged = scratch / f"bad_{name}.hdf5"
        damaged.write_bytes(part)
        cases[damaged] = ["cannot be opened as HDF5", text]
    later = write(scratch / "bad_later.hdf5", {name: values[:5] + 1 for name, values in plain.items()}, redshift=0.0)
    cases[f"{path}|{later}"] = ["the scale factor is", "two catalogs or snapshots"]
    fewer = write(scratch / "bad_fewer.hdf5", {name: values[:5] for name, values in plain.items() if "angmom" not in name})
    cases[f"{fewer}|{path}"] = ["has other columns"]
    check_refused(scratch, cases)


def flipped(scratch, path):
    """A file with a changed byte is read or refused, the same on 1 and 3 ranks."""
    content, random = path.read_bytes(), np.random.default_rng(5)
    files = []
    for k in range(20):
        place = int(random.integers(0, len(content)))
        files.append(scratch / f"flip{k}.hdf5")
        files[-1].write_bytes(content[:place] + bytes([content[place] ^ int(random.integers(1, 256))]) + content[place + 1:])
    said, _ = read(scratch, files)
    codes = [line.split()[0] for line in said.values()]
    expect(set(codes) <= {"0", "3", "5"}, f"exit codes {codes}")
    print(f"{len(files)} files with a changed byte: {codes.count('0')} read, the others refused")


def compressed(scratch, path, wanted):
    """By Blosc, as oc.write does: named where the filter is not installed, read where it is."""
    import hdf5plugin
    packed = write(scratch / "blosc.hdf5", halos(), all_columns(lambda values: values, **hdf5plugin.Blosc()))
    packed2 = write(scratch / "blosc2.hdf5", halos(), all_columns(lambda values: values, **hdf5plugin.Blosc2()))
    had = ENVIRONMENT.pop("HDF5_PLUGIN_PATH", None)
    check_refused(scratch, {packed: ["/data/", "blosc (32001)", "HDF5_PLUGIN_PATH"], packed2: ["blosc2 (32026)"]})
    ENVIRONMENT["HDF5_PLUGIN_PATH"] = hdf5plugin.PLUGIN_PATH
    said, columns = read(scratch, [packed, packed2])
    ENVIRONMENT.pop("HDF5_PLUGIN_PATH")
    if had:
        ENVIRONMENT["HDF5_PLUGIN_PATH"] = had
    for file in (packed, packed2):
        expect(said[file].startswith("0 ") and same(columns[file], wanted), f"{file}: not as the plain file: {said[file]}")
    print("Blosc and Blosc2: read with the filters, refused by name without")


def as_opencosmo_says(path, found):
    """The same from the format's own reader, which knows what HACC's units mean."""
    import opencosmo
    physical = opencosmo.open(path).with_units("physical")
    data = (physical.get_data() if hasattr(physical, "get_data") else physical.data)
    a, h = 1 / (1 + float(physical.redshift)), float(physical.cosmology.h)
    sod = np.asarray(data["sod_halo_mass"]) > 0
    order = np.argsort(np.abs(np.asarray(data["fof_halo_tag"])))
    found = by_id(found)
    for ours, theirs, factor in [("x", "fof_halo_center_x", a / h), ("z", "fof_halo_center_z", a / h), ("bound_mass", "fof_halo_mass", 1 / h), ("mass", "sod_halo_mass", 1 / h),
                                 ("radius", "sod_halo_radius", a / h), ("vx", "fof_halo_com_vx", 1), ("vy", "fof_halo_com_vy", 1)]:
        values = np.asarray(data[theirs])[order].astype("f8")
        there = sod[order] if theirs.startswith("sod") else slice(None)
        expect(np.allclose(found[ours][there] * factor, values[there], rtol=3e-6), f"opencosmo: {ours}: {found[ours][:3] * factor} and {values[:3]}")
    j = np.sqrt(sum(np.asarray(data["fof_halo_angmom_" + axis])[order].astype("f8") ** 2 for axis in "xyz")) / np.asarray(data["fof_halo_mass"])[order]
    expect(np.allclose(found["specific_spin"] / h, j, rtol=3e-6), "opencosmo: specific_spin")
    print(f"{len(order)} halos at a = {a:.3g}: as opencosmo {opencosmo.__version__ if hasattr(opencosmo, '__version__') else ''} says in physical units")


def program(scratch, path):
    told = run(1, "info", path)
    for text in ("(OpenCosmo), 400 halos", "box 100 x 100 x 100 Mpc/h", "a = 0.5 (redshift 1)", "host masses M200c", "400 of 400 halos are hosts", "sod_halo_mass in Msun/h"):
        expect(told.returncode == 0 and text in told.stdout, f"info: '{text}': {told.stdout}{told.stderr}")
    settings = [f"input.path={path}", "painter.kind=analytic", "field.mesh=32", "field.smoothing=[20]", "domain.tiles=[2,1,1]"]
    mocks = []
    for ranks in (1, 3):
        mocks.append(scratch / f"mock{ranks}.hdf5")
        paint(ranks, mocks[-1], *settings)
    expect(same(*map(columns_of, mocks)), "another mock on 3 ranks than on 1")
    converted = scratch / "converted.hdf5"
    done = run(2, "convert", "config/tng-convert.yaml", *sets([f"input.path={path}", f"convert.path={converted}", "convert.kind=halos", "input.min_vmax=0", "input.min_particles=0"]))
    expect(done.returncode == 0, f"convert: {done.stdout}{done.stderr}")
    told = run(1, "info", converted)
    expect("(halobrush), 400 halos" in told.stdout and "host masses M200c" in told.stdout, f"the program's own file: {told.stdout}{told.stderr}")
    said, columns = read(scratch, [path, converted])
    expect(all(np.array_equal(values, columns[path][name]) for name, values in columns[converted].items()), "the converted catalog has other values")
    before = pathlib.Path(path).read_bytes()
    done = run(1, "convert", "config/tng-convert.yaml", *sets([f"input.path={converted}", f"convert.path={path}", "convert.kind=halos"]))
    expect(done.returncode == 2 and pathlib.Path(path).read_bytes() == before, f"a catalog of HACC was overwritten: {done.stdout}{done.stderr}")
    print("info, paint on 1 and 3 ranks and convert: as they should be")


def real_files(scratch):
    folder = SHARED / "desc/opencosmo/halos"
    if not folder.is_dir():
        print("files made by opencosmo: skipped, there is no ../shared/data/desc")
        return
    snapshots = [folder / "snapshot_haloproperties.hdf5", folder / "snapshot_haloproperties_ocwrite_uncompressed.hdf5"]
    said, columns = read(scratch, snapshots)
    for path in snapshots:
        expect(said[path].startswith("0 "), said[path])
        check(columns[path], expected(columns_of(path), a=1.0, h=0.6774, omega_m=0.3089, omega_l=0.6911), path)
        as_opencosmo_says(path, columns[path])
    packed = scratch / "packed"
    packed.mkdir()
    shutil.copy(folder / "lightcone_haloproperties_382.hdf5", packed)
    check_refused(scratch, {packed / "lightcone_haloproperties_382.hdf5": ["light cone"]})


with Scratch() as scratch:
    plain, found = small_files(scratch)
    refuses(scratch, plain)
    flipped(scratch, plain)
    compressed(scratch, plain, found)
    as_opencosmo_says(plain, found)
    real_files(scratch)
    program(scratch, plain)
