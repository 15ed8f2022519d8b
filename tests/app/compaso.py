"""CompaSO halos of AbacusSummit: packed columns become positions in the box, velocities, masses and axes, to the bit of what the authors' own program
decodes; slabs of one box in several files, on 1 and 3 ranks; damage and files of something else are refused in one line."""
import numpy as np

from asdf_file import table_in, write
from halo_reading import SHARED, check_refused, columns_of, read, same
from runner import Scratch, expect, run, sets

BOX = 64.0
HEADER = {"BoxSize": BOX, "BoxSizeHMpc": BOX, "Redshift": 1.0, "ScaleFactor": 0.5, "Omega_M": 0.315192, "Omega_DE": 0.684808, "H0": 67.36, "ParticleMassHMsun": 2.1e9, "VelZSpace_to_kms": 6400.0,
          "SODensityL1": 250.4, "SimName": "test", "hMpc": 1}


def halos(rows=100, first=0):
    draw = np.random.default_rng(first + 1)
    lengths = -np.sort(-draw.integers(5000, 30000, (rows, 3)), axis=1)
    lengths[3:4] = 0
    return {"id": np.arange(first, first + rows, dtype="u8") * 1000 + 2 ** 41, "N": draw.integers(35, 10 ** 5, rows).astype("u4"), "x_L2com": draw.uniform(-.5, .5, (rows, 3)).astype("f4"),
            "v_L2com": draw.normal(scale=.05, size=(rows, 3)).astype("f4"), "vcirc_max_L2com": draw.uniform(.01, .1, rows).astype("f4"), "sigmav3d_L2com": draw.uniform(.01, .1, rows).astype("f4"),
            "SO_radius": draw.uniform(.001, .02, rows).astype("f4"), "sigmar_eigenvecs_L2com_u16": draw.integers(0, 45 * 121 * 12, rows).astype("u2"),
            "sigmar_L2com_i16": lengths.astype("i2"), "r25_com_i16": draw.integers(0, 30000, rows).astype("i2")}


def major_axes(packed):
    """Euler16: cap of twelve, ring and place in it; the azimuth of the minor axis is not needed."""
    cell = packed.astype(int) // 45
    cap, inside = cell // 121, cell % 121
    ring = np.floor(np.sqrt(inside))
    t = (ring + .5) / 11 / (2 * np.cos(np.pi / 8))
    t = t * np.sqrt(2 - t * t) / (1 - t * t)
    across = t * ((inside - ring ** 2 + .5) / (ring + .5) - 1)
    axes = np.zeros((len(packed), 3))
    for row, (c, y, x) in enumerate(zip(cap, t, across)):
        towards, sign = c // 4, 1 - 2 * (c % 2)
        axes[row, [towards, (towards + 1) % 3, (towards + 2) % 3]] = (1, sign * y, x) if c % 4 < 2 else (1, x, sign * y)
    return axes / np.linalg.norm(axes, axis=1)[:, None]


def check_equal(name, found, columns):
    order = np.argsort(found["id"])
    found = {key: values[order] for key, values in found.items()}
    lengths = columns["sigmar_L2com_i16"].astype("f4")
    good = lengths[:, 2] > 0
    wanted = {"id": columns["id"].astype("i8"), "parent_id": np.full(len(good), -1), "n_particles": columns["N"].astype("i8"), "mass": columns["N"] * 2.1e9, "bound_mass": columns["N"] * 2.1e9,
              "radius": columns["SO_radius"] * np.float32(BOX), "vmax": columns["vcirc_max_L2com"] * np.float32(6400), "vrms": columns["sigmav3d_L2com"] * np.float32(6400),
              "shape_resolved": good.astype("u1"), "b_to_a": np.where(good, lengths[:, 1] / np.where(good, lengths[:, 0], 1), 0).astype("f4"),
              "c_to_a": np.where(good, lengths[:, 2] / np.where(good, lengths[:, 0], 1), 0).astype("f4")}
    axes = np.where(good[:, None], major_axes(columns["sigmar_eigenvecs_L2com_u16"]), 0)
    for k, axis in enumerate("xyz"):
        x = columns["x_L2com"][:, k].astype("f8") * BOX
        wanted |= {axis: np.where(x < 0, x + BOX, x), "v" + axis: columns["v_L2com"][:, k] * np.float32(6400)}
        expect(np.allclose(found[f"axis_{axis}"], axes[:, k], atol=3e-7), f"{name}: axis_{axis}")
    for key, values in wanted.items():
        expect(np.array_equal(found[key], values), f"{name}: {key}: {found[key][:3]} {values[:3]}")
    expect(set(found) == set(wanted) | {"axis_x", "axis_y", "axis_z"}, f"{name}: other columns {set(found)}")


def joined(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def check_read(scratch):
    columns = halos()
    files = {write(scratch / f"{name}.asdf", columns, HEADER, **options): columns for name, options in
             {"packed": {}, "plain": {"blosc": False}, "unsigned": {"md5": False}, "one_piece": {"pieces": 1}, "big": {"order": ">"}, "big_plain": {"order": ">", "blosc": False}}.items()}
    parts = [halos(60), halos(0, 60), halos(90, 60)]
    (scratch / "halo_info").mkdir()
    for k, part in enumerate(parts):
        write(scratch / f"halo_info/halo_info_00{k}.asdf", part, HEADER)
    write(scratch / "halo_info/others.asdf", {"pid": np.arange(5)}, HEADER)
    (scratch / "halo_info/checksums.crc32").write_text("1 2 halo_info_000.asdf\n")
    files |= {scratch / "halo_info": joined(parts), f"{scratch}/halo_info/halo_info_*.asdf": joined(parts)}
    said, found = read(scratch, list(files))
    for path, its in files.items():
        expect(said[path].startswith("0 "), said[path])
        check_equal(str(path), found[path], its)
    expect("cleaning tables of AbacusSummit are not applied" in said[scratch / "packed.asdf"] and "1 of 100 halos have no shape" in said[scratch / "packed.asdf"], said[scratch / "packed.asdf"])
    expect("not read, for they are no halo catalogs: checksums.crc32, others.asdf" in said[scratch / "halo_info"], said[scratch / "halo_info"])
    print(f"{len(files)} ways to write halos of CompaSO: the same halos")


def check_bad(scratch):
    columns = halos()
    good = write(scratch / "good.asdf", columns, HEADER)
    data = good.read_bytes()
    first_block = data.index(b"\xd3BLK")

    def edited(name, at, value):
        changed = bytearray(data)
        changed[at:at + len(value)] = value
        (scratch / name).write_bytes(changed)
        return scratch / name

    def cut(name, end):
        (scratch / name).write_bytes(data[:end])
        return scratch / name

    def cell(name, value, row=7):
        values = columns[name].copy()
        values.reshape(len(values), -1)[row, 0] = value
        return columns | {name: values}

    without = lambda name: {key: values for key, values in columns.items() if key != name}
    said = lambda **other: {key: value for key, value in (HEADER | other).items() if value is not None}
    later = write(scratch / "later.asdf", halos(50, 1000), said(Redshift=0.0, ScaleFactor=1.0))
    for k in (0, 2):
        write(scratch / f"gap_00{k}.asdf", halos(20, 100 * k), HEADER)
    body = first_block + 54 + 4
    cases = {edited("flipped.asdf", body + 60, bytes([data[body + 60] ^ 4])): ["flipped.asdf: column 'id'", "MD5"], edited("piece.asdf", first_block + 54, b"\xff"): ["column 'id'", "beyond its block"],
             edited("inflated.asdf", body + 4, b"\xff\xff\xff\x7f"): ["column 'id'", "sound header"], edited("size.asdf", first_block + 6 + 8, b"\x7f"): ["block 0 would have"],
             edited("stream.asdf", first_block + 9, b"\x01"): ["is a stream"], cut("cut_text.asdf", 300): ["YAML does not end"], cut("cut_blocks.asdf", len(data) - 900): ["cut_blocks.asdf", "damaged"],
             cut("no_blocks.asdf", first_block): ["there are 0"], write(scratch / "yaml.asdf", columns, HEADER, text="#ASDF 1.0.0\na: [1\n...\n"): ["no YAML"],
             write(scratch / "deep.asdf", columns, HEADER, text="#ASDF 1.0.0\n" + "[" * 200000 + "\n...\n"): ["no YAML"],
             write(scratch / "no_data.asdf", columns, HEADER, text="#ASDF 1.0.0\na: 1\n...\n"): ["no column id"], write(scratch / "list.asdf", columns, HEADER, text="#ASDF 1.0.0\n[1, 2]\n...\n"): ["list.asdf"],
             write(scratch / "shape.asdf", columns, HEADER, text=data[:first_block].decode().replace("shape: [100]", "shape: [99]", 1)): ["99 rows"],
             write(scratch / "huge.asdf", columns, HEADER, text=data[:first_block].decode().replace("shape: [100]", f"shape: [{2 ** 62}]", 1)): [f"{2 ** 62} rows"],
             write(scratch / "negative.asdf", columns, HEADER, text=data[:first_block].decode().replace("shape: [100]", "shape: [-1]", 1)): ["not understood"],
             write(scratch / "source.asdf", columns, HEADER, text=data[:first_block].decode().replace("source: 0", "source: 77", 1)): ["block 77"],
             write(scratch / "zlib.asdf", columns, HEADER, compression=b"zlib"): ["'zlib'", "blsc is read"], write(scratch / "claim.asdf", columns, HEADER, claim=10 ** 15): ["claim.asdf", "damaged"],
             write(scratch / "type.asdf", columns | {"N": columns["N"].astype("f4")}, HEADER): ["'N'", "float32"], write(scratch / "no_axes.asdf", without("sigmar_L2com_i16"), HEADER): ["no column sigmar_L2com_i16"],
             write(scratch / "no_box.asdf", columns, said(BoxSizeHMpc=None)): ["does not say BoxSizeHMpc"], write(scratch / "zero_box.asdf", columns, said(BoxSizeHMpc=0)): ["BoxSizeHMpc is '0'"],
             write(scratch / "redshift.asdf", columns, said(Redshift=3.0)): ["ScaleFactor is 0.5, but Redshift is 3"], write(scratch / "nan.asdf", cell("x_L2com", np.nan), HEADER): ["row 7", "'x' is nan"],
             write(scratch / "outside.asdf", cell("x_L2com", 1.5), HEADER): ["row 7", "outside the box"], write(scratch / "below.asdf", cell("x_L2com", -.6), HEADER): ["row 7", "outside the box"],
             write(scratch / "no_mass.asdf", cell("N", 0), HEADER): ["row 7", "'mass' is 0"], write(scratch / "id.asdf", cell("id", 2 ** 63), HEADER): ["row 7", "'id'"],
             f"{good}|{later}": ["later.asdf: the scale factor is 1", "snapshots"], f"{scratch}/gap_*.asdf": ["gap_001.asdf: is absent"], f"{good}|{good.with_name('unsound.asdf')}": ["unsound"]}
    good.with_name("unsound.asdf").write_bytes(b"#ASDF 1.0.0\n")
    check_refused(scratch, cases)


def check_commands(scratch):
    path = write(scratch / "halos.asdf", halos(), HEADER)
    told = run(1, "info", path)
    for text in ("(CompaSO)", "100 halos", "box 64 x 64 x 64", "redshift 1)", "particle mass 2.1e+09", "M250b", "100 of 100 halos are hosts", "in sides of the box"):
        expect(told.returncode == 0 and text in told.stdout, f"info: {text} in {told.stdout}{told.stderr}")
    settings = [f"input.path={path}", "painter.kind=analytic", "painter.model=", "field.mesh=32", "field.smoothing=[10]", "domain.tiles=[2,1,1]", "input.min_vmax=0"]
    for ranks in (1, 3):
        done = run(ranks, "paint", "config/demo.yaml", *sets(settings + [f"output.path={scratch}/mock{ranks}.hdf5"]))
        expect(done.returncode == 0, f"paint on {ranks} ranks: {done.returncode} {done.stdout}{done.stderr}")
    mocks = [columns_of(scratch / f"mock{ranks}.hdf5") for ranks in (1, 3)]
    expect(same(*mocks) and len(mocks[0]["galaxy_id"]) == 100, "another mock on 3 ranks")
    print("info, paint on 1 and 3 ranks")


def check_real(scratch):
    """A small run of the AbacusSummit code, decoded by abacusutils."""
    folder = SHARED / "abacus"
    if not folder.exists():
        return print(f"a run of AbacusSummit's code: skipped, no {folder}")
    truth = table_in(folder / "ref_test_halos_unclean.asdf")
    if truth is None:
        return print("a run of AbacusSummit's code: skipped, no libblosc for Python to read what it decodes to")
    said, found = read(scratch, [folder / "halo_info_z0.000"])
    halos_here = found[folder / "halo_info_z0.000"]
    pairs = {"id": "id", "n_particles": "N", "radius": "SO_radius", "vmax": "vcirc_max_L2com", "vrms": "sigmav3d_L2com"}
    for ours, theirs in pairs.items():
        expect(np.array_equal(halos_here[ours], truth[theirs]), f"{ours} is not {theirs}")
    for k, axis in enumerate("xyz"):
        x = np.where(halos_here[axis] >= 16, halos_here[axis] - 32, halos_here[axis]).astype("f4")
        expect(np.array_equal(x, truth["x_L2com"][:, k]) and np.array_equal(halos_here["v" + axis], truth["v_L2com"][:, k]), f"{axis} or v{axis}")
        expect(np.array_equal(halos_here[f"axis_{axis}"], truth["sigmar_eigenvecsMaj_L2com"][:, k]), f"axis_{axis}")
    expect(np.allclose(halos_here["c_to_a"], truth["sigmar_L2com"][:, 2] / truth["sigmar_L2com"][:, 0], atol=2e-7), "c_to_a")
    print(f"{len(halos_here['id'])} halos of AbacusSummit's code: to the bit as abacusutils decodes them")


with Scratch() as scratch:
    for part in (check_read, check_bad, check_commands, check_real):
        (scratch / part.__name__).mkdir()
        part(scratch / part.__name__)
