"""Tables of columns in HDF5 files, and vectors made of them."""
import h5py
import numpy as np


class BadTable(Exception):
    """What is wrong with a file, in one line."""


def open_table(path, group="data"):
    """The open HDF5 file at `path`. Raises BadTable where it cannot be read or has no such group."""
    try:
        file = h5py.File(path)
    except OSError as error:
        raise BadTable(f"{path}: cannot be read ({error}); check the path") from None
    if group not in file:
        file.close()
        raise BadTable(f"{path}: has no group /{group} (is no catalog of halobrush); give a mock or a training catalog")
    return file


def read_columns(path, group="data"):
    """Every column of a group as {name: values}, in the units that the file states."""
    try:
        with open_table(path, group) as file:
            return {name: dataset[()] for name, dataset in file[group].items() if isinstance(dataset, h5py.Dataset)}
    except OSError as error:
        raise BadTable(f"{path}: cannot be read ({error}); check the path") from None


def box_of(file):
    """The sides [3] of the periodic box of an open file in comoving Mpc/h, or None where it does not say."""
    header = file["header/file"].attrs if "header/file" in file else {}
    return np.subtract(header["region_p2"], header["region_p1"]) if "region_p1" in header else None


def stack(columns, names):
    """Some columns side by side: [n, names]."""
    return np.stack([columns[name] for name in names], -1).astype(float)


def unit(vectors):
    """Vectors of length one; a vector of length zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def rows_of(wanted, ids):
    """The row of each wanted id in `ids`, which are unique; -1 where it is not there."""
    if len(ids) == 0:
        return np.full(len(wanted), -1)
    order = np.argsort(ids, kind="stable")
    rows = order[np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)]
    return np.where(ids[rows] == wanted, rows, -1)


def offsets(positions, others, box):
    """positions - others [n,3], to the nearest image in a periodic box of sides `box`; without a box where that is None."""
    offset = positions - others
    return offset if box is None else offset - box * np.round(offset / box)
