"""Halo lists of Rockstar."""
import gzip

import numpy as np


def read_list(path):
    """The columns of a list as {name: numbers}, in the list's own units. `path` may be compressed by gzip."""
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt") as lines:
        names = lines.readline().lstrip("#").split()
        rows = np.array([line.split() for line in lines if not line.startswith("#")], dtype=float)
    return {name: rows[:, k] for k, name in enumerate(names)}
