"""kill -9 of one rank or of all at random moments; each run goes on with another number of ranks. The end is the same file, and
no tile is painted twice."""
import json
import os
import pathlib
import random
import signal
import subprocess
import time

from runner import ENVIRONMENT, ROOT, Scratch, command, compare, expect, paint, sets

TILES = 48
SETTINGS = [f"domain.tiles=[{TILES},1,1]", "painter.steps=100"]  # slow enough to be killed while painting
RANKS = (2, 3, 1, 4, 2)


def ledger(staging):
    """Tiles recorded so far, with repetition."""
    return [json.loads(line)["tile"] for file in sorted(staging.glob("ledger.*.jsonl"))
            for line in file.read_text().splitlines() if line.endswith("}")]


def ranks_of(launcher):
    """Process ids of the program under one mpirun (or the process itself)."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            status, line = (entry / "status").read_text(), (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if f"\nPPid:\t{launcher}\n" in status and b"halobrush" in line:
            found.append(int(entry.name))
    return found


def killed_run(draw, ranks, output, seconds):
    settings = sets([f"output.path={output}", *SETTINGS])
    process = subprocess.Popen(command(ranks, ["paint", "config/demo.yaml", *settings]), cwd=ROOT, env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    pids = ranks_of(process.pid)
    for pid in draw.choice([pids, pids[:1]]):
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=60)


def main():
    draw = random.Random(7)
    with Scratch() as scratch:
        reference, output = scratch / "uninterrupted.hdf5", scratch / "killed.hdf5"
        start = time.time()
        paint(2, reference, *SETTINGS)
        whole = time.time() - start
        staging = pathlib.Path(f"{output}.staging")
        kills, progress = 0, []
        while kills < 10:
            killed_run(draw, RANKS[kills % len(RANKS)], output, draw.uniform(0.25, 0.6) * whole)
            kills += 1
            if output.exists():  # this one was quicker than its killer: start over
                compare(reference, output, "--exact")
                output.unlink()
                continue
            recorded = ledger(staging) if staging.exists() else []
            expect(len(recorded) == len(set(recorded)), f"tiles painted twice: {sorted(recorded)}")
            progress.append(len(recorded))
        log = paint(3, output, *SETTINGS)
        print("after each kill:", progress, "tiles;", log.splitlines()[-1])
        print(compare(reference, output, "--exact"))
        summary = json.loads(pathlib.Path(f"{output}.json").read_text())["tiles"]
        expect(summary["painted"] + summary["reused"] == TILES, summary)
        expect(max(progress, default=0) > 0, "no run was killed while tiles were painted")
        expect(not staging.exists(), "staging was left behind")


main()
