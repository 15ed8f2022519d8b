"""What an edited file means, by the documented formats and without any code of the program: the verdict of the oracles."""
import dataclasses
import os
import pickle
import traceback

import numpy as np

INTEGERS = {"id", "parent_id", "n_particles", "shape_resolved"}


@dataclasses.dataclass
class Meaning:
    """`columns` and `simulation` in the program's units: what a reader that accepts the file must have read. `may_refuse`: why a refusal is
    right as well; None: the file is sound. `columns` is None where only a refusal is right."""
    columns: dict | None
    simulation: dict | None = None
    may_refuse: str | None = None


class Refuse(Exception):
    """The file is invalid or can be read in two ways."""


def reading(oracle, *arguments):
    """In a process of its own: the HDF5 library crashes on some damaged files. None: it did, and nothing is known of what the file means."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            try:
                meaning = oracle(*arguments)
            except Refuse as why:
                meaning = Meaning(None, may_refuse=str(why))
            with os.fdopen(write, "wb") as pipe:
                pickle.dump(meaning, pipe)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return None
    if status != 0:
        raise RuntimeError("the oracle failed, see above")
    return pickle.loads(answer)


def wrapped(name, values, side):
    """Positions in the periodic box. One that is outside by a rounding step is on the other side; farther out is an error."""
    values = np.asarray(values, float)
    if not np.all(np.isfinite(values)):
        raise Refuse(f"{name} is not finite")
    if np.any(values < -1e-5 * side) or np.any(values > side * (1 + 1e-5)):
        raise Refuse(f"{name} outside of the box")
    return values % side


def check_columns(columns, side):
    """The rules that hold for every halo catalog."""
    for name, values in columns.items():
        if np.asarray(values).dtype.kind == "f" and not np.all(np.isfinite(values)):
            raise Refuse(f"{name} is not finite")
    for name in ("mass", "radius"):
        if np.any(columns[name] <= 0):
            raise Refuse(f"{name} is not positive")
    ids = columns["id"]
    if np.any(ids < 0):
        raise Refuse("an id is negative")
    if len(np.unique(ids)) < len(ids):
        raise Refuse("an id occurs twice")
    for axis, name in enumerate("xyz"):
        columns[name] = wrapped(name, columns[name], side[axis])


def difference(meaning, columns, simulation):
    """In words, the first difference of what was read from what is meant; None where there is none."""
    expected = set(meaning.columns)
    if expected - set(columns):
        return f"column {sorted(expected - set(columns))} was not read"
    if set(columns) - expected:
        return f"column {sorted(set(columns) - expected)} was read, but the file has none"
    for name, right in meaning.columns.items():
        read = columns[name]
        right = np.asarray(right)
        if len(read) != len(right):
            return f"{len(read)} rows of {name} were read, {len(right)} are meant"
        if name == "parent_id":  # any negative number is a host
            read, right = np.where(read < 0, -1, read), np.where(right < 0, -1, right)
        if name in INTEGERS or right.dtype.kind in "iub":
            same = read.astype(np.int64) == right.astype(np.int64)
        else:
            scale = np.abs(right)
            gap = np.abs(read - right)
            if name in "xyz":  # on a circle
                side = meaning.simulation["box"]["xyz".index(name)]
                gap, scale = np.minimum(gap, np.abs(side - gap)), side
            tolerance = 2e-5 if name == "radius" else 2e-6  # a radius may be worked out, with a constant of gravity of five digits
            same = (gap <= tolerance * scale + 1e-300) | (np.isnan(read) & np.isnan(right))
        if not np.all(same):
            row = int(np.argmin(same))
            return f"{name} of row {row} was read as {read[row]!r}, {right[row]!r} is meant"
    for name, right in meaning.simulation.items():
        read = simulation.get(name)
        if isinstance(right, str):
            same = read == right
        else:
            right, read = np.asarray(right, float), np.asarray(np.nan if read is None else read, float)
            same = read.shape == right.shape and np.allclose(read, right, rtol=2e-6, atol=0, equal_nan=True)
        if not same:
            return f"{name} of the simulation was read as {read}, {right} is meant"
    return None
