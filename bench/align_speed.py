#!/usr/bin/env python3
"""Processor seconds of `halobrush align`: a table of its laws, and what that makes for a survey.

usage: bench/align_speed.py MOCK [--galaxies N] [--repeats N] [--folder FOLDER]
MOCK is a light-cone mock of diffsky (lc_cores-*.diffsky_gals.hdf5); its rows are repeated until there are N galaxies, with all its columns. Runs are one after the other, on one core;
each number is the median over repeats. Processor seconds: user and system time of the process, start included; what they were spent on, by the program's log. halobrush: HALOBRUSH or build/release.
"""
import argparse
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = os.environ.get("HALOBRUSH", ROOT / "build/release/halobrush")
LAWS = {"the default law": [],
        "late types as early types": ["align.late_share=1"],
        "all along their axis (κ = 50)": ["align.halo=[50,0]", "align.radius=[50,0]", "align.late_share=1"],
        "all isotropic (κ = 0)": ["align.halo=[0,0]", "align.radius=[0,0]"]}
SPENT = re.compile(r"([\d.]+) s reading columns, ([\d.]+) s drawing, ([\d.]+) s writing columns, ([\d.]+) s copies")
SURVEY, DENSITIES = 18000, (1e5, 1e6)  # square degrees, and galaxies in each


def repeated(mock, target, galaxies):
    with h5py.File(mock) as one, h5py.File(target, "w") as many:
        rows = len(one["data/ra"])
        for name in one:
            if name != "data":
                one.copy(name, many)
        for name, column in one["data"].items():
            values = np.resize(column[()], (galaxies, *column.shape[1:]))
            made = many.create_dataset(f"data/{name}", data=values, chunks=(1000, *column.shape[1:]))
            made.attrs.update(column.attrs)
        ra, dec = one["data/ra"][()], np.radians(one["data/dec"][()])
        area = np.ptp(ra) * np.degrees(np.ptp(np.sin(dec)))
    return rows / area, os.path.getsize(target) / galaxies


def run(mock, folder, settings):
    """Processor seconds of the process, and of its parts."""
    shutil.rmtree(folder, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run([PROGRAM, "align", mock, "--out", folder, *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return [after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, *map(float, SPENT.search(done.stdout).groups())]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mock", type=pathlib.Path)
    parser.add_argument("--galaxies", type=int, default=500000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, help="where files of some gigabytes may lie for a while")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        mock = f"{scratch}/lc_cores-repeated.diffsky_gals.hdf5"
        density, size = repeated(arguments.mock, mock, arguments.galaxies)
        print(f"{arguments.galaxies} galaxies, {size:.0f} bytes each; median of {arguments.repeats} runs\n")
        print("| law | galaxies/s a core | µs a galaxy | reading | drawing | writing | copies, hashes, checksums |\n|---|---|---|---|---|---|---|")
        for law, settings in LAWS.items():
            all_of, *parts = np.median([run(mock, f"{scratch}/out", settings) for _ in range(arguments.repeats)], 0)
            print(f"| {law} | {arguments.galaxies / all_of:,.0f} | {1e6 * all_of / arguments.galaxies:.2f} | " + " | ".join(f"{100 * part / sum(parts):.0f} %" for part in parts) + " |", flush=True)
            if not settings:
                rate = arguments.galaxies / all_of
        print(f"\n| galaxies per square degree | in {SURVEY} square degrees | core hours |\n|---|---|---|")
        for name, each in ((f"{density:.0f}, this mock", density), *((f"{each:.0e}", each) for each in DENSITIES)):
            print(f"| {name} | {SURVEY * each:.2g} | {SURVEY * each / rate / 3600:.2g} |")


if __name__ == "__main__":
    main()
