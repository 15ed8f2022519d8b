"""Catalogs made of IllustrisTNG's."""
import shutil

import h5py
import numpy as np


def without_discs(path, target):
    """No disc fractions of TNG100-2 are published: a catalog that says so of every galaxy."""
    if not target.exists():
        shutil.copy(path, target)
        with h5py.File(target, "a") as file:
            rows = len(file["data/id"])
            for name, kind in (("disc_fraction", float), ("disc_fraction_known", np.uint8)):
                if name in file["data"]:
                    del file["data"][name]
                file["data"].create_dataset(name, data=np.zeros(rows, kind)).attrs.update({"unit": "", "description": "known of no galaxy"})
    return target
