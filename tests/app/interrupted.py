"""Runs that are interrupted, from their start to the end of assembly: by SIGKILL or SIGSEGV of one rank, by SIGKILL of all, by SIGUSR1
of one rank or of all. Each run goes on where the last one ended, on another number of
ranks. Every mock is the same bit for bit; no tile is painted twice; a killed run ends within ten seconds; SIGUSR1 gives 75.

--runs N: how many interruptions (default 12; more for a release). --starve: also by no more memory, of which Open MPI itself may wait for ever. --copies N: the catalog N times over along each axis."""
import argparse
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import time

from catalogs import converted, replicated
from runner import ENVIRONMENT, PROGRAM, ROOT, Scratch, compare, expect, paint, sets

SECONDS = 10  # within which the launcher must be back after a rank was killed


def ranks_of(launcher):
    """The processes of the program that this mpirun started, by rank, as soon as they run it."""
    found = {}
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as stat, open(f"/proc/{entry}/comm") as name:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            if parent == launcher:
                with open(f"/proc/{entry}/environ", "rb") as environment:
                    rank = re.search(rb"OMPI_COMM_WORLD_RANK=(\d+)", environment.read())
                if rank and name.name and pathlib.Path(f"/proc/{entry}/comm").read_text().strip() == "halobrush-main":
                    found[int(rank[1])] = int(entry)
        except (OSError, ValueError, IndexError):
            continue
    return found


def starve(process):
    """No more memory than the process has: its next allocation fails."""
    pages = int(pathlib.Path(f"/proc/{process}/statm").read_text().split()[0])
    resource.prlimit(process, resource.RLIMIT_AS, (pages * resource.getpagesize(), resource.RLIM_INFINITY))


def ledger(staging):
    return [json.loads(line)["tile"] for file in sorted(staging.glob("ledger.*.jsonl")) for line in file.read_text().splitlines() if line.endswith("}")]


class Runs:
    """One mock at a time is interrupted until it is complete; then the next one is begun."""

    def __init__(self, scratch, settings, draw):
        self.scratch, self.settings, self.draw = scratch, settings, draw
        self.reference, self.output = scratch / "reference.hdf5", scratch / "mock.hdf5"
        self.staging = pathlib.Path(f"{self.output}.staging")
        begin = time.monotonic()
        paint(2, self.reference, *settings)
        self.whole = time.monotonic() - begin
        self.hits, self.completed, self.straight, self.ranks = {}, 0, 0, 0

    def start(self, ranks):
        arguments = ["paint", "config/demo.yaml", *sets([f"output.path={self.output}", *self.settings])]
        line = ["mpirun", "-np", str(ranks), "--oversubscribe", str(PROGRAM), *arguments]
        return subprocess.Popen(line, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stage(self):
        """Where the run is, as far as its files tell."""
        if pathlib.Path(f"{self.output}.partial").exists():
            return "assemble"
        return "paint" if self.staging.exists() and list(self.staging.glob("tile_*")) else "before the first tile"

    def interrupt(self, how):
        self.ranks = self.draw.choice([n for n in (1, 2, 3, 4) if n != self.ranks])
        process = self.start(self.ranks)
        while len(started := ranks_of(process.pid)) < self.ranks and process.poll() is None:
            time.sleep(0.005)
        self.wait(process, how)
        stage = self.stage()
        victims = list(started.values()) if how.endswith("all") else [self.draw.choice(list(started.values()))]
        number = {"kill": signal.SIGKILL, "segv": signal.SIGSEGV, "usr1": signal.SIGUSR1, "memory": None}[how.split()[0]]
        alive = process.poll() is None
        for victim in victims:
            try:
                os.kill(victim, number) if number else starve(victim)
            except (ProcessLookupError, FileNotFoundError):
                alive = False
        self.end(process, how, stage, alive)

    def wait(self, process, how):
        """Until a random moment; for every third interruption until the mock is being written."""
        if "in assembly" in how:
            while process.poll() is None and self.stage() != "assemble":
                time.sleep(0.002)
            time.sleep(self.draw.uniform(0, 0.03))
        else:
            if how == "memory":  # libraries that start without memory wait for ever: MPI_Comm_dup, LibTorch's pool of threads
                while process.poll() is None and not pathlib.Path(f"{self.output}.lock").exists():
                    time.sleep(0.002)
                time.sleep(0.3)
            time.sleep(self.draw.uniform(0, 0.8 * self.whole))

    def end(self, process, how, stage, alive):
        begin = time.monotonic()
        try:
            out, err = process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            process.kill()
            raise SystemExit(f"FAILED: {how} ({stage}, {self.ranks} ranks): no end after 90 s")
        took, code = time.monotonic() - begin, process.returncode
        done = " galaxies in " in out or ": nothing to do" in out
        if how.startswith("memory"):  # it may have had enough already
            expect(done or took < SECONDS + self.whole, f"{how} ({stage}): {took:.0f} s until the end")
            expect(done or code != 0, f"{how} ({stage}): exit code {code}\n{out}{err}")
        elif not how.startswith("usr1"):
            expect(not alive or done or took < SECONDS, f"{how} ({stage}): {took:.0f} s until the end")
        elif alive:
            expect(code == (0 if done else 75), f"{how} ({stage}): exit code {code}\n{out}{err}")
        if alive and not done:
            self.hits.setdefault(stage, []).append(how)
        self.look(out)

    def look(self, out):
        self.straight += "the halos are not read again" in out
        if self.staging.exists():
            recorded = ledger(self.staging)
            expect(len(recorded) == len(set(recorded)), f"tiles painted twice: {sorted(recorded)}")
        if self.output.exists():  # whole from the moment when it is there, with or without its summary
            compare(self.reference, self.output, "--exact")
        if " galaxies in " not in out and ": nothing to do" not in out:
            return
        expect(json.loads(pathlib.Path(f"{self.output}.json").read_text()), "a mock without a summary")
        expect(not self.staging.exists() and not pathlib.Path(f"{self.output}.partial").exists(), "files were left behind")
        self.completed += 1
        self.output.unlink()
        pathlib.Path(f"{self.output}.json").unlink()

    def complete(self):
        self.look(paint(self.draw.choice((1, 2, 3)), self.output, *self.settings))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=12)
    options.add_argument("--starve", action="store_true")
    options.add_argument("--copies", type=int, default=2)
    options.add_argument("--seed", type=int, default=20261127)
    options = options.parse_args()
    draw = random.Random(options.seed)
    with Scratch() as scratch:
        catalog = replicated(converted(scratch), scratch / "large.hdf5", options.copies)
        runs = Runs(scratch, ["painter.kind=analytic", "painter.model=", f"input.path={catalog}", "domain.tiles=[60,1,1]"], draw)
        ways = ["kill", "kill all in assembly", "usr1", "segv", "memory", "usr1 in assembly", "kill all", "memory in assembly", "usr1 all", "segv in assembly", "usr1 all in assembly"]
        ways = [way for way in ways if options.starve or not way.startswith("memory")]
        for k in range(options.runs):
            runs.interrupt(ways[k % len(ways)])
        runs.complete()
        print(f"{options.runs} interruptions; of runs that were still going:", {stage: len(hits) for stage, hits in runs.hits.items()},
              f"; {runs.completed} mocks completed, the same bit for bit; {runs.straight} runs went straight to the mock")
        expect(runs.straight > 0, "no run found all of its tiles staged")
        expect(len(runs.hits.get("assemble", [])) >= options.runs // 6, f"too few interruptions in assembly: {runs.hits}")


main()
