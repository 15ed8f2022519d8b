"""What the tests of validation share: running it, and changed copies of mocks."""
import json
import shutil

import h5py
import numpy as np

from runner import expect, run, sets

AXES = [f"galaxy_axis{a}_{c}" for a in "ABC" for c in "xyz"]
FAILED, CONFIG, DATA, IO = 1, 2, 3, 5
QUICK = ["validate.figures=false", "validate.nla=false", "field.mesh=32"]


def validate(ranks, mock, out, settings=(), references=()):
    return run(ranks, "validate", mock, *[w for r in references for w in ("--reference", r)], "--out", out, *sets(settings), timeout=200)


def results(out):
    return json.loads((out / "validation.json").read_text())


def measured(ranks, mock, out, settings=(), references=(), code=0):
    done = validate(ranks, mock, out, settings, references)
    expect(done.returncode == code, f"validate {mock}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return results(out)


def columns_of(mock):
    with h5py.File(mock) as f:
        return {name: d[()] for name, d in f["data"].items()}, np.subtract(f["header/file"].attrs["region_p2"], f["header/file"].attrs["region_p1"])


def changed(mock, copy, **columns):
    shutil.copy(mock, copy)
    with h5py.File(copy, "r+") as f:
        for name, values in columns.items():
            f["data"][name][...] = values
    return copy
