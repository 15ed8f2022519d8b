"""Small edits of valid inputs: the program reads right what the edited file means, or refuses it in one clear line. See README.md.

    python tests/fuzz/inputs.py --seconds 60 --seed 1                  # until the time is over
    python tests/fuzz/inputs.py --seed 1 --first 17 --runs 1 --keep F  # one run again; its files stay in F
"""
import argparse
import collections
import pathlib
import re
import shutil
import sys
import tempfile
import time

import numpy as np

import group_sets
import halo_files
import settings
import side_tables
import text_lists
from judge import converted, fault_of_exit
from meaning import difference, reading
from program import Program

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMATS = {"text": text_lists, "halos": halo_files, "sets": group_sets, "tables": side_tables, "settings": settings}


class Fuzz:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.program = Program(arguments.program, folder)
        self.config = folder / "config.yaml"
        known = self.program.run("describe-config").out
        least = "  min_particles: 0\n" if "input.min_particles" in known else ""
        self.config.write_text(f"seed: 1\ninput:\n  orphans: promote\n{least}painter:\n  kind: analytic\nfield:\n  mesh: 8\n  smoothing: []\ndomain:\n  tiles: [2, 1, 1]\n"
                               "convert:\n  kind: halos\n")
        self.counts = collections.Counter()
        self.findings = []

    def one(self, number):
        """Makes, runs and judges case `number`; returns (format, edits, exit code, fault or None, what was said)."""
        rng = np.random.default_rng([self.arguments.seed, number])
        kind = self.arguments.formats[number % len(self.arguments.formats)]
        case = self.folder / "case"
        shutil.rmtree(case, ignore_errors=True)
        case.mkdir()
        module = FORMATS[kind]
        path, edits = module.make(rng, case)
        ranks = int(rng.integers(2, 4)) if rng.random() < self.arguments.parallel else 1
        if hasattr(module, "run"):
            code, fault, said = module.run(self, rng, case, path, ranks)
        else:
            code, fault, said = self.convert(module, case, path, ranks)
            if fault is None and rng.random() < .15:
                fault, said = self.glance(rng, case, path, ranks, said)
        if ranks > 1:
            edits = [*edits, f"{ranks} ranks"]
        return kind, edits, code, fault, said

    def convert(self, module, case, path, ranks):
        out = case / "out.hdf5"
        done = self.program.run("convert", self.config, "--set", f"input.path={path}", "--set", f"convert.path={out}", ranks=ranks)
        fault = fault_of_exit(done, case)
        if fault is None:
            fault = self.judge(reading(module.meaning, path), done, out, converted)
        return done.code, fault, done.err.strip()[-700:]

    def judge(self, meaning, done, out, read):
        """Against what the file means."""
        if meaning is None:
            self.counts["oracle", "crashed"] += 1
            return None
        if done.code != 0:
            if out.exists() or list(out.parent.glob("out*partial*")):
                return "refused, but an output is there"
            return None if meaning.may_refuse else "OVER-REFUSAL: the file is sound"
        if meaning.columns is None:
            return f"SILENT: accepted, must be refused: {meaning.may_refuse}"
        if not out.exists():
            return "exit 0 without an output"
        wrong = difference(meaning, *read(out))
        return f"SILENT: {wrong}" if wrong else None

    def glance(self, rng, case, path, ranks, said):
        """Other commands read the same file: they must end well, whatever they say."""
        way = text_lists.pick(rng, ["info", "dry-run", "paint"])
        if way == "info":
            done = self.program.run("info", path)
        else:
            done = self.program.run("paint", self.config, "--set", f"input.path={path}", "--set", f"output.path={case}/mock.hdf5", *(["--dry-run"] if way == "dry-run" else []),
                                    ranks=ranks if way == "paint" else 1)
        fault = fault_of_exit(done, case)
        self.counts["ways", way] += 1
        return (f"{way}: {fault}", done.err.strip()[-700:]) if fault else (None, said)

    def loop(self):
        a = self.arguments
        end = time.time() + a.seconds if a.seconds else None
        number = a.first
        while (end is None or time.time() < end) and (not a.runs or number < a.first + a.runs):
            try:
                kind, edits, code, fault, said = self.one(number)
            except Exception as why:  # the mistake is in this folder; the other cases are run all the same
                kind, edits, code, fault, said = "oracle", [], None, f"the oracle failed: {why!r}", ""
            self.counts[kind, "hang" if code is None else f"exit {code}"] += 1
            if fault:
                self.findings.append((kind, number, edits, code, fault, said))
                print(f"{kind} --seed {a.seed} --first {number}: {', '.join(edits)}: exit {code}: {fault}\n    {said}", flush=True)
                if a.keep:
                    shutil.copytree(self.folder / "case", a.keep / f"{kind}-{a.seed}-{number}", dirs_exist_ok=True)
            elif a.verbose:
                print(f"{kind} {number}: {', '.join(edits)}: exit {code} {said}", flush=True)
                if a.runs == 1 and a.keep:
                    shutil.copytree(self.folder / "case", a.keep / f"{kind}-{a.seed}-{number}", dirs_exist_ok=True)
            number += 1
        return number - a.first

    def report(self, runs, seconds):
        print(f"{runs} runs in {seconds:.0f} s, {len(self.findings)} findings")
        for key, n in sorted(self.counts.items(), key=str):
            print(f"  {key[0]:<10} {key[1]:<10} {n}")
        kinds = collections.Counter((kind, re.sub(r"[-+.\d]+|'[^']*'|b\"[^\"]*\"|/\S+", "#", fault)[:100]) for kind, *_, fault, _ in self.findings)
        for (kind, fault), n in kinds.most_common():
            print(f"  {n:5d} {kind}: {fault}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/halobrush")
    parser.add_argument("--seconds", type=float, default=0, help="stop after this time")
    parser.add_argument("--runs", type=int, default=0, help="stop after this number of runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--formats", type=lambda text: text.split(","), default=list(FORMATS))
    parser.add_argument("--parallel", type=float, default=0.0, help="share of runs on 2 or 3 ranks, which take seconds each")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the files of findings")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="halobrush-fuzz-"))
    begin = time.time()
    fuzz = Fuzz(arguments, folder)
    try:
        runs = fuzz.loop()
        fuzz.report(runs, time.time() - begin)
    finally:
        fuzz.program.close()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if fuzz.findings else 0)


main()
