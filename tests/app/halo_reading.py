"""What tests of input formats share: many files read in one run, on 1 and 3 ranks, and what comes of them compared."""
import os
import pathlib
import subprocess

import h5py
import numpy as np

from runner import ENVIRONMENT, ROOT, expect

READER = pathlib.Path(os.environ.get("READ_HALOS", ROOT / "build/release/test_read_halos"))
SHARED = pathlib.Path(os.environ.get("SHARED_DATA", ROOT.parent / "shared/data"))
RANKS = (1, 3)


def columns_of(path):
    with h5py.File(path) as file:
        return {name: data[:] for name, data in file["data"].items()}


def same(a, b):
    return a.keys() == b.keys() and all(a[name].dtype == b[name].dtype and a[name].tobytes() == b[name].tobytes() for name in a)


def by_id(columns):
    order = np.argsort(columns["id"], kind="stable")
    return {name: values[order] for name, values in columns.items()}


def read(scratch, paths, *settings):
    """The line that each path gave, and the columns of those that were read; the same on any number of ranks."""
    said, columns = {}, {}
    for ranks in RANKS:
        words = [f"{path}>{scratch / f'{k}.read'}" for k, path in enumerate(paths)]
        done = subprocess.run(["mpirun", "-np", str(ranks), "--oversubscribe", str(READER), *(f"+{s}" for s in settings), *words],
                              env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
        lines = done.stdout.splitlines()
        expect(done.returncode == 0 and len(lines) == len(paths), f"{ranks} ranks: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        for k, (path, line) in enumerate(zip(paths, lines)):
            expect(said.setdefault(path, line) == line, f"{path}: not the same on 1 and {ranks} ranks:\n{said[path]}\n{line}")
            if line.startswith("0"):
                here = columns_of(scratch / f"{k}.read")
                expect(same(columns.setdefault(path, here), here), f"{path}: other rows on {ranks} ranks")
    return said, columns


def check_refused(scratch, cases, *settings):
    """cases: path: texts of the one line; exit code 3."""
    said, _ = read(scratch, list(cases), *settings)
    for path, texts in cases.items():
        line = said[path]
        expect(line.startswith("3 ") and all(text in line for text in texts), f"{path}: {texts} in: {line}")
        print(line.replace(str(scratch) + "/", ""))
