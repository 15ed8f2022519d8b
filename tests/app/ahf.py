"""Lists of AHF: columns by name, kpc/h become Mpc/h, hosts by 0 or by -1; what the file does not say comes from the configuration. On 1 and 3
ranks, plain and gzip, in one and several files."""
import gzip

import numpy as np

from halo_reading import by_id, check_refused, columns_of, read, same
from runner import Scratch, expect, run, sets

KEYS = ["scale_factor=1", "omega_m=0.3089", "h=0.6774", "box_size=100"]
NAMES = ("ID hostHalo numSubStruct Mvir npart Xc Yc Zc VXc VYc VZc Rvir Rmax r2 mbp_offset com_offset Vmax v_esc sigV lambda lambdaE Lx Ly Lz b c "
         "Eax Eay Eaz Ebx Eby Ebz Ecx Ecy Ecz ovdens nbins fMhires Ekin Epot SurfP Phi0 cNFW").split()


def halos(rows=120, seed=3):
    draw = np.random.default_rng(seed)
    values = {name: draw.uniform(1, 2, rows) for name in NAMES}
    values["ID"] = np.arange(1, rows + 1) * 10 ** 12
    values["hostHalo"] = np.zeros(rows, int)
    values["hostHalo"][rows // 2:] = values["ID"][draw.integers(0, rows // 2, rows - rows // 2)]
    values["npart"] = draw.integers(50, 10 ** 5, rows)
    values["numSubStruct"] = values["nbins"] = np.full(rows, 7)
    values["Mvir"], values["Rvir"] = values["npart"] * 1e9, draw.uniform(50, 900, rows)
    for axis in "XYZ":
        values[axis + "c"], values[f"V{axis}c"] = draw.uniform(0, 1e5, rows), draw.normal(scale=300, size=rows)
    frames = np.linalg.qr(draw.normal(size=(rows, 3, 3)))[0]
    for k, name in enumerate("abc"):
        for j, axis in enumerate("xyz"):
            values[f"E{name}{axis}"] = frames[:, k, j]
    values["b"], values["c"] = draw.uniform(0.7, 1, rows), draw.uniform(0.3, 0.7, rows)
    for name in ("Eax", "Eay", "Eaz", "b", "c"):
        values[name][9] = 0
    return values


def lines_of(values, separator="\t", header=True):
    names = "#" + separator.join(f"{name}({k + 1})" for k, name in enumerate(values))
    rows = [separator.join(str(v) if isinstance(v, (int, np.integer)) else repr(float(v)) for v in row) for row in zip(*values.values())]
    return [names] * header + rows


def write(path, lines):
    data = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


def numbered_from_zero(values):
    """As older versions of AHF: ids from 0, hosts have -1."""
    number = {halo: row for row, halo in enumerate(values["ID"])}
    return values | {"ID": np.arange(len(number)), "hostHalo": np.array([number.get(host, -1) for host in values["hostHalo"]])}


def check_equal(name, found, values, parent):
    found, order = by_id(found), np.argsort(values["ID"])
    wanted = {"id": values["ID"], "parent_id": parent, "mass": values["Mvir"], "bound_mass": values["Mvir"], "radius": values["Rvir"] * 1e-3, "n_particles": values["npart"],
              "vmax": values["Vmax"], "vrms": values["sigV"], "spin": values["lambdaE"], "b_to_a": values["b"], "c_to_a": values["c"], "shape_resolved": values["b"] > 0}
    for axis in "xyz":
        wanted |= {axis: values[axis.upper() + "c"] * 1e-3, "v" + axis: values[f"V{axis.upper()}c"], "j" + axis: values[f"L{axis}"], f"axis_{axis}": values[f"Ea{axis}"]}
    expect(set(found) == set(wanted), f"{name}: other columns: {set(found) ^ set(wanted)}")
    for key, column in wanted.items():
        close = np.allclose(found[key], column[order], rtol=1e-14, atol=1e-15) if key.startswith("axis") else np.array_equal(found[key], column[order])
        expect(close, f"{name}: {key}: {found[key][:3]} {column[order][:3]}")


def check_read(scratch):
    values = halos()
    zero = numbered_from_zero(values)
    mixed = {name: values[name] for name in sorted(values)}
    lines = lines_of(values)
    padded = [line.replace("\t", "   ") for line in lines]
    files = {write(scratch / "plain.AHF_halos", lines): values, write(scratch / "packed.AHF_halos.gz", lines): values, write(scratch / "spaces.AHF_halos", ["# " + padded[0][1:], *padded[1:]]): values,
             write(scratch / "mixed.AHF_halos", lines_of(mixed)): values, write(scratch / "zero.AHF_halos", lines_of(zero)): zero,
             write(scratch / "joined.AHF_halos", lines[:50] + lines[:1] + lines[50:]): values, write(scratch / "named.z0.000.AHF_halos", lines): values}
    (scratch / "parts").mkdir()
    for k, (first, last) in enumerate(((0, 70), (70, 70), (70, 120))):
        write(scratch / f"parts/run.000{k}.z0.000.AHF_halos", lines[:1] + lines[1:][first:last])
    (scratch / "parts/run.parameter").write_text("# of the run\n")
    files[scratch / "parts"] = values
    said, found = read(scratch, list(files), *KEYS)
    for path, its in files.items():
        expect(said[path].startswith("0 "), said[path])
        none = -1 if path.name.startswith("zero") else 0
        check_equal(path.name, found[path], its, np.where(its["hostHalo"] == none, -1, its["hostHalo"]))
    expect("AHF writes no units" in said[next(iter(files))] and "1 of 120 halos have no shape" in said[next(iter(files))], f"remarks: {said}")
    few = {name: values[name] for name in "ID hostHalo Mvir npart Xc Yc Zc VXc VYc VZc Rvir Eax Eay".split()}
    fewer = {name.replace("vir", "halo"): column for name, column in few.items()}
    named = write(scratch / "later.z1.000.AHF_halos", lines)
    paths = [write(scratch / "few.AHF_halos", lines_of(few)), write(scratch / "fewer.AHF_halos", lines_of(fewer)), write(scratch / "none.AHF_halos", lines[:1])]
    said, found = read(scratch, paths, *KEYS)
    expect("no columns b, c, Eaz: b_to_a, c_to_a, axis_x, axis_y, axis_z left out" in said[paths[0]] and "axis_x" not in found[paths[0]], said[paths[0]])
    expect(same(found[paths[0]], found[paths[1]]) and len(found[paths[2]]["id"]) == 0, f"{said}")
    said, _ = read(scratch, [named], *KEYS[1:])
    expect("scale factor 0.5 by the redshift in the name of the file" in said[named], said[named])
    print(f"{len(files) + len(paths) + 1} ways to write a list of AHF: the same halos")


def check_bad(scratch):
    values = halos()
    lines = lines_of(values)

    def cell(name, text, row=5):
        words = lines[row].split("\t")
        words[list(values).index(name)] = text
        return lines[:row] + ["\t".join(words)] + lines[row + 1:]

    without = lambda name: lines_of({key: column for key, column in values.items() if key != name})
    other = lines_of({name.replace("Phi0", "Phi1"): column for name, column in halos(seed=4).items()})
    cut = write(scratch / "cut.AHF_halos.gz", lines)
    cut.write_bytes(cut.read_bytes()[:-20])
    pair = write(scratch / "one.AHF_halos", lines), write(scratch / "other.AHF_halos", other)
    cases = {write(scratch / "later.z1.000.AHF_halos", lines): ["input.scale_factor is 1", "0.5", "another snapshot"], write(scratch / "short.AHF_halos", lines[:7] + [lines[7].rsplit("\t", 3)[0]]): ["line 8", "fields"],
             write(scratch / "nan.AHF_halos", cell("VYc", "nan")): ["line 6", "'VYc'", "nan"], write(scratch / "outside.AHF_halos", cell("Xc", "100500")): ["line 6", "'Xc'", "outside the box", "100500"],
             write(scratch / "word.AHF_halos", cell("Mvir", "many")): ["line 6", "'Mvir'", "many"], write(scratch / "negative.AHF_halos", cell("Mvir", "-1e10")): ["line 6", "positive"],
             write(scratch / "large.AHF_halos", cell("ID", str(2 ** 63))): ["line 6", "64 bits"], write(scratch / "twice.AHF_halos", lines + lines[5:6]): ["occurs more than once"],
             write(scratch / "no_velocity.AHF_halos", without("VZc")): ["line 1", "'VZc'"], write(scratch / "no_mass.AHF_halos", without("Mvir")): ["line 1", "'Mhalo'"], cut: ["truncated"],
             f"{pair[0]}|{pair[1]}": ["other.AHF_halos", "column 42", "lists of two kinds"], write(scratch / "two.AHF_halos", lines + other): ["line 122", "two catalogs in one file"],
             write(scratch / "versions.AHF_halos", cell("hostHalo", "-1", row=100)): ["line 101", "'hostHalo' is -1"]}
    check_refused(scratch, cases, *KEYS)
    check_refused(scratch, {pair[0]: ["input.box_size", "input.scale_factor", "cosmology.omega_m", "cosmology.h"]})


def check_commands(scratch):
    path = write(scratch / "halos.AHF_halos", lines_of(halos()))
    told = run(1, "info", path)
    for text in ("(AHF)", "120 halos", "masses Mvir", "input.box_size", "kpc/h (times 0.001)", "redshift ?"):
        expect(told.returncode == 0 and text in told.stdout, f"info: {text} in {told.stdout}{told.stderr}")
    settings = [f"input.path={path}", "painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[10]", "domain.tiles=[2,1,1]", "input.min_vmax=0",
                *(f"{'cosmology' if key in ('omega_m', 'h') else 'input'}.{key}={value}" for key, value in (setting.split("=") for setting in KEYS))]
    outputs = []
    for ranks in (1, 3):
        done = run(ranks, "paint", "config/demo.yaml", *sets(settings + [f"output.path={scratch}/mock{ranks}.hdf5"]))
        expect(done.returncode == 0, f"paint on {ranks} ranks: {done.returncode} {done.stdout}{done.stderr}")
        outputs.append(scratch / f"mock{ranks}.hdf5")
    expect(same(*map(columns_of, outputs)) and len(columns_of(outputs[0])["galaxy_id"]) == 120, "another mock on 3 ranks")
    done = run(1, "paint", "config/demo.yaml", *sets(settings + ["input.host_mass=200c", f"output.path={scratch}/never.hdf5"]))
    expect(done.returncode == 3 and "input.host_mass" in done.stderr, f"masses of hosts: {done.returncode} {done.stderr}")
    print("info, paint on 1 and 3 ranks")


with Scratch() as scratch:
    for part in (check_read, check_bad, check_commands):
        (scratch / part.__name__).mkdir()
        part(scratch / part.__name__)
