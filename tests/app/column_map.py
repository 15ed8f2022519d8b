"""input.columns: halos in HDF5 of any layout, with units, are read as the same halos in our own file; what cannot be read is refused in one line."""
import re

import h5py
import numpy as np
import yaml

from catalogs import converted
from halo_reading import by_id, columns_of, same
from runner import Scratch, compare, expect, paint, run, sets

BOX, OMEGA_M, H = 150.0, 0.3089, 0.6774
COLUMNS = {"id": "Objects/Number", "parent_id": "Objects/Host", "mass": "Objects/Mass[1] in 1e10 Msun/h", "radius": "Objects/R in kpc/h", "x": "Objects/Pos[0]", "y": "Objects/Pos[1]",
           "z": "Objects/Pos[2]", "vx": "Objects/Vel[0] in km/s", "vy": "Objects/Vel[1] in km/s", "vz": "Objects/Vel[2] in km/s", "vmax": "Objects/Vmax", "vrms": "Objects/Sigma in m/s",
           "jx": "Objects/J[0]", "jy": "Objects/J[1]", "jz": "Objects/J[2]", "b_to_a": "Objects/Ratios[0]", "c_to_a": "Objects/Ratios[1]", "axis_x": "Objects/Major[0]",
           "axis_y": "Objects/Major[1]", "axis_z": "Objects/Major[2]", "n_particles": "Objects/Np", "bound_mass": "Objects/Mass[0] in 1e10 Msun/h"}
SIMULATION = {"box_size": BOX, "scale_factor": 1.0, "mass_definition": "vir", "min_particles": 0}


def write(path, halos, rows=slice(None), edit=None):
    """The halos as another program might keep them."""
    take = lambda name: halos[name][rows]
    stack = lambda *names: np.stack([take(name) for name in names], 1)
    unresolved = take("shape_resolved") == 0
    with h5py.File(path, "w") as file:
        group = file.create_group("Objects")
        group["Number"] = take("id").astype("u8")
        group["Host"] = np.where(take("parent_id") < 0, take("id"), take("parent_id"))  # a host is its own
        group["Mass"] = stack("bound_mass", "mass") / 1e10
        group["R"] = take("radius") * 1e3
        group["Pos"] = stack("x", "y", "z") * 1e3
        group["Pos"].attrs["units"] = "kpc/h"
        group["Vel"] = stack("vx", "vy", "vz")
        group["Vmax"] = take("vmax").astype("f4")
        group["Vmax"].attrs["unit"] = "km/s"
        group["Sigma"] = take("vrms") * 1e3
        group["J"] = stack("jx", "jy", "jz")
        group["Ratios"] = stack("b_to_a", "c_to_a")
        major = stack("axis_x", "axis_y", "axis_z") * 7.0  # of any length
        major[unresolved] = np.nan
        group["Major"] = major
        group["Np"] = take("n_particles").astype("f8")
        if edit:
            edit(file)
    return path


def as_table(path, whole):
    """The same in one dataset of compounds with a list in some fields, as astropy writes a table; one name has a blank."""
    with h5py.File(whole) as file, h5py.File(path, "w") as out:
        columns = {name: values[:] for name, values in file["Objects"].items() if name != "Vmax"}
        rows = np.zeros(len(columns["Number"]), [(name, values.dtype, values.shape[1:]) for name, values in columns.items()])
        for name, values in columns.items():
            rows[name] = values
        out["Halos/all of them"] = rows
        out["Halos/Vmax"] = file["Objects/Vmax"][:]
    return path


def in_table(text):
    """An entry of COLUMNS for that file."""
    name, rest = re.fullmatch(r"Objects/(\w+)(.*)", text).groups()
    return f'"Halos/all of them/{name}"{rest}' + (" in kpc/h" if name == "Pos" else "")


OF_TABLE = {name: in_table(text) for name, text in COLUMNS.items()} | {"vmax": "Halos/Vmax"}


def config(path, input_path, columns=COLUMNS, cosmology=True, **changes):
    settings = {"input": {"path": str(input_path), "columns": columns} | SIMULATION | changes, "convert": {"kind": "halos"}, "domain": {"tiles": [4, 1, 1]},
                "field": {"mesh": 64, "smoothing": [4]}, "painter": {"kind": "analytic"}}
    settings["input"] = {key: value for key, value in settings["input"].items() if value is not None}
    if cosmology:
        settings["cosmology"] = {"omega_m": OMEGA_M, "h": H}
    path.write_text(yaml.safe_dump(settings))
    return path


def convert(ranks, settings, out):
    return run(ranks, "convert", settings, "--set", f"convert.path={out}")


def check_equal(found, halos):
    expect(set(found) == set(COLUMNS) | {"shape_resolved"}, f"columns {sorted(found)}")
    expect(found["vmax"].dtype == np.float32, "single precision is not kept")
    for name, values in found.items():
        close = np.array_equal(values, halos[name]) if values.dtype.kind in "iub" else np.allclose(values, halos[name], rtol=1e-6, atol=1e-9)
        expect(close, f"{name}: other numbers\n{values[:5]}\n{halos[name][:5]}")


def check_reading(scratch, halos):
    whole = write(scratch / "whole.h5", halos)
    folder = scratch / "parts"
    folder.mkdir()
    cuts = [0, 3000, 3000, len(halos["id"])]
    for k, (first, end) in enumerate(zip(cuts, cuts[1:])):
        write(folder / f"part_{k}.hdf5", halos, slice(first, end))
    found = {}
    for name, path in {"whole": whole, "folder": folder, "pattern": f"{folder}/part_*.hdf5"}.items():
        for ranks in (1, 3):
            out = scratch / f"{name}_{ranks}.hdf5"
            done = convert(ranks, config(scratch / "c.yaml", path), out)
            expect(done.returncode == 0, f"{name} on {ranks} ranks: {done.returncode}\n{done.stderr}")
            found[name, ranks] = columns_of(out)
    def apart(file):
        for k, axis in enumerate("xyz"):
            file[f"Objects/{axis}"] = (file["Objects/Pos"][:, k] / 1e3).astype("f4")
            file[f"Objects/{axis}"].attrs["Unit"] = "Mpc/h"
    single = write(scratch / "single.h5", halos, edit=apart)
    for ranks in (1, 3):
        out = scratch / f"single_{ranks}.hdf5"
        done = convert(ranks, config(scratch / "c.yaml", single, COLUMNS | {axis: f"Objects/{axis}" for axis in "xyz"}), out)
        expect(done.returncode == 0, f"positions in single precision: {done.returncode}\n{done.stderr}")
        expect(np.allclose(by_id(columns_of(out))["x"], by_id(halos)["x"], rtol=1e-6, atol=2e-5), "positions in single precision: other numbers")
    table = as_table(scratch / "table.h5", scratch / "whole.h5")
    for ranks in (1, 3):
        done = convert(ranks, config(scratch / "c.yaml", table, OF_TABLE), scratch / f"table_{ranks}.hdf5")
        expect(done.returncode == 0, f"a table of compounds: {done.returncode}\n{done.stderr}")
        found["table", ranks] = columns_of(scratch / f"table_{ranks}.hdf5")
    first = found["whole", 1]
    check_equal(by_id(first), by_id(halos))
    for key, other in found.items():
        expect(same(by_id(other), by_id(first)), f"{key}: not as one file on one rank")
    with h5py.File(scratch / "whole_1.hdf5") as file:
        expect(file["provenance/simulation"].attrs["mass_definition"] == "vir", "the mass definition is lost")
    print(f"{len(first['id'])} halos in {len(first)} columns: as in our own file, whole and in parts, on 1 and 3 ranks")


def check_painting(scratch, halos):
    settings = config(scratch / "paint.yaml", scratch / "whole.h5")
    dry = run(1, "paint", settings, "--dry-run", "--set", f"output.path={scratch / 'dry.hdf5'}")
    for text in ("mass: Objects/Mass[1] in '1e10 Msun/h' (times 1e+10)", "x: Objects/Pos[0] in 'kpc/h' (times 0.001)", "jx: Objects/J[0]"):
        expect(text in dry.stdout, f"--dry-run does not say {text}:\n{dry.stdout}\n{dry.stderr}")
    for ranks in (1, 3):
        paint(ranks, scratch / f"mock_{ranks}.hdf5", config=settings)
    print("painted:", compare(scratch / "mock_1.hdf5", scratch / "mock_3.hdf5", "--exact"))
    other = run(1, "paint", config(scratch / "other.yaml", scratch / "whole.h5", COLUMNS | {"x": "Objects/Pos[0] in pc/h", "vx": "Objects/Vel[0]", "vrms": "Objects/Sigma"}), "--dry-run", "--set", f"output.path={scratch / 'dry.hdf5'}")
    expect("input.columns.x: 'pc/h' is taken, though the file says 'kpc/h'" in other.stdout + other.stderr, f"units that differ: {other.stdout}{other.stderr}")
    expect("that neither the map nor the file says, assumed: vrms in km/s, vx in km/s" in other.stdout, f"units that nobody says: {other.stdout}")
    own = scratch / "own.yaml"
    own.write_text(yaml.safe_dump({"input": {"path": str(scratch / "demo.hdf5"), "min_particles": 0, "mass_definition": "200c"}}))
    said = run(1, "paint", own, "--dry-run", *sets(["painter.kind=analytic", "field.mesh=64", "field.smoothing=[4]", f"output.path={scratch / 'no.hdf5'}"]))
    expect("input.mass_definition 200c is not used" in said.stdout + said.stderr, f"a key without use: {said.stdout}{said.stderr}")


def with_entry(**entries):
    columns = COLUMNS | {name: text for name, text in entries.items() if text is not None}
    return {"columns": {name: text for name, text in columns.items() if entries.get(name, "") is not None}}


def check_refusals(scratch, halos):
    few = slice(0, 50)
    def put(name, values, **attributes):
        def edit(file):
            del file[f"Objects/{name}"]
            file[f"Objects/{name}"] = values
            file[f"Objects/{name}"].attrs.update(attributes)
        return edit
    masses = np.stack([halos["bound_mass"][few], halos["mass"][few]], 1) / 1e10
    masses[17, 1] = -1
    def two_faults(file):
        hosts = file["Objects/Host"][:].astype("u8")
        hosts[40] = 2**63 + 5
        del file["Objects/Host"]
        file["Objects/Host"] = hosts
        file["Objects/R"][5] = np.nan
    files = {"good": None, "faults": two_faults, "short": put("R", np.ones(49)), "text": put("R", np.array([b"one"] * 50)), "negative": put("Mass", masses),
             "unit": put("Vmax", halos["vmax"][few], unit="furlong"), "link": lambda file: file["Objects"].__setitem__("Gone", h5py.SoftLink("/nowhere"))}
    for name, edit in files.items():
        write(scratch / f"{name}.h5", halos, few, edit)
    cases = [  # file, what the configuration says, exit code, text
        ("good", with_entry(mass="Objects/Nothing"), 3, "input.columns.mass: the file has no dataset 'Objects/Nothing'; correct"),
        ("good", with_entry(radius="Objects/r in kpc/h"), 3, "no dataset 'Objects/r' (nearest known: 'Objects/R'); correct"),
        ("good", with_entry(mass="Objects/Mass"), 3, "'Objects/Mass' has the shape (50, 2); name one of its 2 numbers a row as 'Objects/Mass[k]'"),
        ("good", with_entry(b_to_a="Objects/Ratios[1]", c_to_a="Objects/Ratios[0]"), 3, "more than b_to_a"),
        ("faults", {}, 3, "row 5: column 'radius' is nan"),
        ("good", with_entry(mass="Objects/Mass[2]"), 3, "has the shape (50, 2)"),
        ("good", with_entry(mass="Objects/R[0] in kpc"), 3, "has the shape (50); it has one number a row: name it without [0]"),
        ("good", with_entry(mass="Objects/Mass[1] in furlong"), 3, "'furlong' is not known"),
        ("good", with_entry(mass="Objects/Mass[1] in km/s"), 3, "mass"),
        ("good", with_entry(mass="Objects/Mass[-1]"), 2, "is not understood"),
        ("good", with_entry(mass="Objects/Mass[1] times 3"), 2, "is not understood"),
        ("good", with_entry(masss="Objects/R"), 2, "input.columns.masss: halos have no such column (nearest known: 'mass')"),
        ("good", with_entry(mass=None), 2, "does not name mass"),
        ("good", with_entry(jy=None), 2, "name all three, or none"),
        ("good", with_entry(b_to_a="Objects/Ratios[0] in kpc"), 2, "has no unit"),
        ("good", with_entry(id="Objects/Mass[0]"), 2, "without [k]"),
        ("good", with_entry(id="Objects/Host"), 3, "occurs more than once"),
        ("good", with_entry(n_particles="Objects/R"), 3, "Objects/R"),
        ("good", {"box_size": None}, 3, "box (input.box_size)"),
        ("good", {"cosmology": False}, 3, "omega_m (cosmology.omega_m), h (cosmology.h)"),
        ("good", {"mass_definition": "M200"}, 2, "input.mass_definition"),
        ("good", {"format": "rockstar"}, 2, "input.columns: is for HDF5 of any layout, but input.format is rockstar"),
        ("good", {"columns": {}, "format": "columns"}, 2, "input.format: columns needs input.columns"),
        ("good", {"columns": {}}, 3, "HDF5 of any layout is read by input.columns"),
        ("good", {"box_size": 10.0}, 3, "outside the box"),
        ("short", {}, 3, "has 49 rows"),
        ("text", {}, 3, "Objects/R"),
        ("negative", {}, 3, "row 17: column 'mass' is -10000000000"),
        ("unit", {}, 3, "'furlong' is not known"),
        ("link", with_entry(vrms="Objects/Gone"), 3, "Gone"),
    ]
    two = scratch / "two"
    two.mkdir()
    for k, edit in enumerate((None, put("Vmax", halos["vmax"][few], unit="km/s"))):
        write(two / f"{k}.h5", halos, few, edit)
    units = scratch / "units"
    units.mkdir()
    for k, edit in enumerate((None, put("Vmax", halos["vmax"][few].astype("f4"), unit="m/s"))):
        write(units / f"{k}.h5", halos, few, edit)
    cases.append(("units/*", with_entry(vmax="Objects/Vmax in km/s"), 3, "1.h5: says other units than"))
    cases.append(("two/*", {}, 3, "1.h5: 'vmax' is in single precision in one"))
    table = as_table(scratch / "table.h5", scratch / "good.h5").read_bytes()
    for name, byte, text in (("inside", 8, "cannot be opened"), ("beyond", 9, "has a damaged type")):  # of the number that says where in a row the field lies
        broken = bytearray(table)
        broken[broken.index(b"Np\0") + byte] ^= 64
        (scratch / f"{name}.h5").write_bytes(broken)
        cases.append((name, {"columns": OF_TABLE}, 3, text))
    for k, (name, changes, code, text) in enumerate(cases):
        settings = config(scratch / "bad.yaml", scratch / f"{name}.h5", **changes)
        for ranks in (1, 3) if k % 4 == 0 or name != "good" else (1,):
            done = convert(ranks, settings, scratch / "no.hdf5")
            lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error")]
            expect(done.returncode == code and len(lines) == 1 and text in lines[0], f"{name} {changes} on {ranks}: {done.returncode}, not {code} with '{text}'\n{done.stderr}")
            expect(not (scratch / "no.hdf5").exists(), "a refused run wrote")
        print(code, lines[0].removeprefix("halobrush: error: ").replace(str(scratch) + "/", ""))


def main():
    with Scratch() as scratch:
        demo = converted(scratch)
        demo = demo.rename(scratch / "demo.hdf5")
        halos = columns_of(demo)
        check_reading(scratch, halos)
        check_painting(scratch, halos)
        check_refusals(scratch, halos)


main()
