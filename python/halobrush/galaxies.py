"""Galaxies and their halos, as the statistics of this package see them: read from mocks, training catalogs and evaluation files.

A pair (`Pair`) is one set of halos with the galaxies that live there in truth and in one or more painted draws, row by row:
    halos    groups (host halos), inputs (scalars) and directions (unit vectors that a galaxy's orientation is measured against)
    truth    scalars [n], NaN where a label is not known, and the orientation: axes [n,3,3] (columns: major, intermediate, minor;
             each up to its sign) or a spin [n,3] (signed); NaN where not known
    draws    the same, painted; masked where the truth is
"""
import dataclasses

import numpy as np

from halobrush.tables import BadTable, box_of, offsets, open_table, read_columns, rows_of, stack, unit

AXES = [f"galaxy_axis{axis}_{c}" for axis in "ABC" for c in "xyz"]
SPIN = [f"galaxy_spin_{c}" for c in "xyz"]
# Columns of a mock that are no outputs of a model.
NOT_PAINTED = {"galaxy_id", "halo_id", "host_halo_id", "is_central", "x", "y", "z", "vx", "vy", "vz", "halo_mass", "ellipticity_1",
               "ellipticity_2", "out_of_distribution", "held_out", "orientation_known", "log_p", *AXES, *SPIN}


@dataclasses.dataclass
class Halos:
    halo_id: np.ndarray  # [n]
    group: np.ndarray  # [n] id of the host halo
    central: np.ndarray  # [n] bool
    inputs: dict  # name -> [n]
    directions: dict  # name -> [n,3], zero where there is none

    def select(self, rows):
        part = {name: values[rows] for name, values in self.inputs.items()}
        return Halos(self.halo_id[rows], self.group[rows], self.central[rows], part, {k: v[rows] for k, v in self.directions.items()})

    def input_matrix(self):
        return np.stack(list(self.inputs.values()), 1) if self.inputs else np.zeros((len(self.group), 0))


@dataclasses.dataclass
class Properties:
    scalars: dict  # name -> [n]
    axes: np.ndarray | None = None  # [n,3,3]
    spin: np.ndarray | None = None  # [n,3]

    def select(self, rows):
        part = {name: values[rows] for name, values in self.scalars.items()}
        return Properties(part, None if self.axes is None else self.axes[rows], None if self.spin is None else self.spin[rows])

    def matrix(self):
        return np.stack(list(self.scalars.values()), 1) if self.scalars else np.zeros((self.rows(), 0))

    def rows(self):
        for values in (*self.scalars.values(), self.axes, self.spin):
            if values is not None:
                return len(values)
        return 0


@dataclasses.dataclass
class Pair:
    halos: Halos
    truth: Properties
    draws: list
    held_out: np.ndarray  # [n] bool: halos that the painter was not trained on
    columns: dict  # everything that the truth's file has, row by row

    def select(self, rows):
        return Pair(self.halos.select(rows), self.truth.select(rows), [draw.select(rows) for draw in self.draws], self.held_out[rows],
                    {name: values[rows] for name, values in self.columns.items()})


def output_names(columns):
    return [name for name, values in columns.items() if values.dtype.kind == "f" and name not in NOT_PAINTED
            and not name.startswith(("input_", "draw", "host_", "halo_", "noise_"))]


def properties(columns, outputs):
    """Labels that are not known become NaN."""
    scalars = {}
    for name in outputs:
        known = columns.get(f"{name}_known", np.ones(len(columns[name]), bool)).astype(bool)
        scalars[name] = np.where(known, columns[name].astype(float), np.nan)
    oriented = columns.get("orientation_known")
    mask = None if oriented is None else ~oriented.astype(bool)
    axes = spin = None
    if all(name in columns for name in SPIN):
        spin = stack(columns, SPIN)
    elif all(name in columns for name in AXES):
        axes = stack(columns, AXES).reshape(-1, 3, 3).swapaxes(1, 2)
    for orientation in (axes, spin):
        if orientation is not None and mask is not None:
            orientation[mask] = np.nan
    return Properties(scalars, axes, spin)


LEAST_LOG_MASS_OF_DISCS = 9  # log10 Msun: disc fractions were measured above (docs/tng.md)


def masked_like(draw, truth):
    """What is not known of the truth is not compared. Whether a disc fraction is known depends on the stellar mass: on each galaxy's own."""
    for name, values in draw.scalars.items():
        if name == "disc_fraction" and "log_stellar_mass" in draw.scalars and np.isnan(truth.scalars[name]).any():
            values[~(draw.scalars["log_stellar_mass"] > LEAST_LOG_MASS_OF_DISCS)] = np.nan
        else:
            values[np.isnan(truth.scalars[name])] = np.nan
    for own, other in ((draw.axes, truth.axes), (draw.spin, truth.spin)):
        if own is not None and other is not None:
            own[np.isnan(other)] = np.nan
    return draw


def check_finite(path, columns, names):
    for name in names:
        known = columns.get(f"{name}_known", np.ones(len(columns[name]), bool)).astype(bool)
        if not np.all(np.isfinite(columns[name][known])):
            raise BadTable(f"{path}: column '{name}' has NaN or infinity; mark unknown labels in a column '{name}_known'")


# ---- Two catalogs, joined by halo_id ----

FARTHEST_IN_ONE_HALO = 3  # Mpc/h: the radius of the greatest clusters


def offsets_from_hosts(columns, box):
    """[n,3] from the galaxy of the host halo (nearest image) and the relative velocity; zero where that galaxy is not there."""
    host = rows_of(columns["host_halo_id"], columns["halo_id"])
    host = np.where(host < 0, np.arange(len(host)), host)
    position, velocity = stack(columns, "xyz"), stack(columns, ["vx", "vy", "vz"])
    offset = offsets(position, position[host], box)
    return host, offset, velocity - velocity[host]


def halos_of_mock(columns, box=None, inputs=()):
    """Inputs from a mock's own columns, and directions from the positions; `inputs` adds columns by name."""
    host, offset, velocity = offsets_from_hosts(columns, box)
    central = columns["is_central"].astype(bool)
    distance = np.linalg.norm(offset, axis=1)
    values = {
        "log_halo_mass": np.log10(columns["halo_mass"].astype(float)),
        "log_host_mass": np.log10(columns["halo_mass"][host].astype(float)),
        "is_central": central.astype(float),
        "log_distance": np.where(central, 0, np.log10(np.maximum(distance, 1e-3))),
    }
    values.update({name: columns[name].astype(float) for name in inputs})
    directions = {"radius": unit(offset), "orbit": unit(np.cross(offset, velocity))}
    return Halos(columns["halo_id"], columns["host_halo_id"], central, values, directions)


def add_halo_catalog(halos, path):
    """Inputs and directions of a canonical halo catalog (docs/formats.md), joined by id."""
    columns = read_columns(path)
    rows = rows_of(halos.halo_id, columns["id"])
    if missing := list(halos.halo_id[rows < 0]):
        raise BadTable(f"{path}: has no halo {missing[0]} ({len(missing)} are missing); give the halos that were painted")
    columns = {name: values[rows] for name, values in columns.items()}
    for name in ("vmax", "spin"):
        if name in columns:
            halos.inputs[f"log_{name}"] = np.log10(np.maximum(columns[name].astype(float), 1e-4))
    if "scale_radius" in columns:
        halos.inputs["log_concentration"] = np.clip(np.log10(columns["radius"] / columns["scale_radius"]), 0, 2)
    for name in ("b_to_a", "c_to_a"):
        if name in columns:
            halos.inputs[f"halo_{name}"] = columns[name].astype(float)
    for name, prefix in (("halo_axis", "axis_"), ("halo_spin", "j")):
        if all(prefix + c in columns for c in "xyz"):
            halos.directions[name] = unit(stack(columns, [prefix + c for c in "xyz"]))


def check_same_halos(truth_path, path, truth, columns, box):
    """Equal ids prove nothing: galaxies of one halo_id must lie where the truth's do."""
    if not all(c in truth and c in columns for c in "xyz"):
        return
    order = np.argsort(columns["halo_id"])
    common, rows, _ = np.intersect1d(truth["halo_id"], columns["halo_id"], return_indices=True)
    others = order[np.searchsorted(columns["halo_id"], common, sorter=order)]
    offset = offsets(stack(columns, "xyz")[others], stack(truth, "xyz")[rows], box)
    far = np.linalg.norm(offset, axis=1) > FARTHEST_IN_ONE_HALO
    if np.mean(far) > 0.1:
        raise BadTable(f"{truth_path}, {path}: {far.sum()} of {far.size} galaxies of one halo_id lie more than {FARTHEST_IN_ONE_HALO} Mpc/h apart; give catalogs of the same halos")


def read_pair(truth_path, painted_paths, outputs=None, inputs=(), halo_catalog=None):
    """Catalogs joined by halo_id: the galaxies that all of them have, in the truth's order."""
    truth = read_columns(truth_path)
    with open_table(truth_path) as file:
        box = box_of(file)
    painted = [read_columns(path) for path in painted_paths]
    common = truth["halo_id"]
    for columns in painted:
        common = np.intersect1d(common, columns["halo_id"])
    if common.size == 0:
        raise BadTable(f"{truth_path}, {', '.join(map(str, painted_paths))}: no halo_id in common; give catalogs of the same halos")
    for path, columns in zip(painted_paths, painted):
        check_same_halos(truth_path, path, truth, columns, box)
    names = list(outputs) if outputs else [n for n in output_names(truth) if all(n in columns for columns in painted)]
    for path, columns in zip((truth_path, *painted_paths), (truth, *painted)):
        if lacking := [name for name in (*names, "host_halo_id", "is_central") if name not in columns]:
            raise BadTable(f"{path}: has no column '{lacking[0]}'; name the outputs to compare")
        check_finite(path, columns, names)
    kept = np.flatnonzero(np.isin(truth["halo_id"], common))
    halos = halos_of_mock(truth, box, inputs).select(kept)
    truth = {name: values[kept] for name, values in truth.items()}
    if halo_catalog:
        add_halo_catalog(halos, halo_catalog)
    properties_of_truth = properties(truth, names)
    draws = []
    for columns in painted:
        order = np.argsort(columns["halo_id"])
        rows = order[np.searchsorted(columns["halo_id"], truth["halo_id"], sorter=order)]
        draws.append(masked_like(properties({name: values[rows] for name, values in columns.items()}, names), properties_of_truth))
    held_out = truth.get("held_out", np.ones(len(kept), bool)).astype(bool)
    return Pair(halos, properties_of_truth, draws, held_out, truth)


# ---- Files of halobrush evaluate (docs/evaluation.md) ----

def components(columns, prefix, suffixes):
    """Names that have all of these components: input_NAME_x, ..."""
    first = suffixes[0]
    names = [name[len(prefix):-len(first)] for name in columns if name.startswith(prefix) and name.endswith(first)]
    return [name for name in names if all(f"{prefix}{name}{s}" in columns for s in suffixes)]


VECTOR, TENSOR = ("_x", "_y", "_z"), ("_xx", "_yy", "_zz", "_xy", "_xz", "_yz")


def directions_of_inputs(columns):
    """Every direction among a model's inputs, and the orbit's; of a tensor the principal axes that stand out."""
    directions = {name: unit(stack(columns, [f"input_{name}{s}" for s in VECTOR])) for name in components(columns, "input_", VECTOR)}
    if "host_displacement" in directions and "host_velocity" in directions:
        directions["orbit"] = unit(np.cross(directions["host_displacement"], directions["host_velocity"]))
    tides = []
    for name in components(columns, "input_", TENSOR):
        xx, yy, zz, xy, xz, yz = stack(columns, [f"input_{name}{s}" for s in TENSOR]).T
        tensor = np.stack([np.stack([xx, xy, xz], 1), np.stack([xy, yy, yz], 1), np.stack([xz, yz, zz], 1)], 1)
        there = np.abs(tensor).sum((1, 2)) > 0
        axes = np.where(there[:, None, None], np.linalg.eigh(tensor)[1], 0)
        if name == "halo_shape":
            directions["halo_axis"] = axes[:, :, 2]
        else:
            tides.append((f"{name}_smallest", axes[:, :, 0]))
            tides.append((f"{name}_largest", axes[:, :, 2]))
    directions.update(tides[:2])  # one tide: those at other smoothing lengths point nearly the same way
    directions.pop("velocity", None)
    return directions


def inputs_of(columns):
    components_of_others = {f"input_{name}{s}" for suffixes in (VECTOR, TENSOR) for name in components(columns, "input_", suffixes)
                            for s in suffixes}
    return {name[6:]: values.astype(float) for name, values in columns.items()
            if name.startswith("input_") and name not in components_of_others}


def draw_of(columns, number, truth):
    prefix = f"draw{number}_"
    painted = {name[len(prefix):]: values for name, values in columns.items() if name.startswith(prefix)}
    return masked_like(properties(painted, list(truth.scalars)), truth)


def read_evaluation(paths):
    """One file: all its galaxies. Several, e.g. of models trained on other folds of one catalog: the galaxies that each held out."""
    tables = []
    for path in paths:
        columns = read_columns(path)
        if "draw1_" not in "".join(columns):
            raise BadTable(f"{path}: has no painted draws; make it with halobrush evaluate")
        tables.append(columns if len(paths) == 1 else {n: v[columns["held_out"].astype(bool)] for n, v in columns.items()})
    common = [name for name in tables[0] if all(name in table for table in tables)]
    columns = {name: np.concatenate([table[name] for table in tables]) for name in common}
    if np.unique(columns["halo_id"]).size != columns["halo_id"].size:
        raise BadTable(f"{', '.join(map(str, paths))}: halos held out more than once; pool models of disjoint folds")
    truth = properties(columns, output_names(columns))
    halos = Halos(columns["halo_id"], columns["host_halo_id"], columns["is_central"].astype(bool), inputs_of(columns),
                  directions_of_inputs(columns))
    numbers = sorted({int(name[4:name.index("_")]) for name in columns if name.startswith("draw")})
    draws = [draw_of(columns, number, truth) for number in numbers]
    return Pair(halos, truth, draws, columns["held_out"].astype(bool), columns)
