"""One rank of several dies, at random moments of a run: the run ends at once on all ranks, and the next one completes to the same bits."""
import os
import random
import signal
import subprocess
import time

from runner import ENVIRONMENT, ROOT, Scratch, command, compare, expect, paint, sets

SECONDS = 10  # within which the launcher must be back
LAW = ["painter.kind=analytic", "painter.model="]


def ranks_of(launcher):
    """The processes of the program that this mpirun started, as soon as they run it."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as stat, open(f"/proc/{entry}/comm") as name:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
                if parent == launcher and name.read().strip() == "halobrush-main":
                    found.append(int(entry))
        except (OSError, ValueError, IndexError):
            continue
    return sorted(found)


def kill_one(ranks, settings, moment, how, which):
    """Kills a rank `moment` seconds after all have begun; whether it lived that long."""
    running = subprocess.Popen(command(ranks, ["paint", "config/demo.yaml", *sets(settings)]), cwd=ROOT, env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while len(started := ranks_of(running.pid)) < ranks and running.poll() is None:
        time.sleep(0.01)
    time.sleep(moment)
    alive = running.poll() is None and len(started) == ranks
    if alive:
        try:
            os.kill(started[which], how)
        except ProcessLookupError:
            alive = False
    begin = time.monotonic()
    try:
        _, errors = running.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        running.kill()
        raise SystemExit(f"FAILED: rank {which} of {ranks} was killed after {moment:.2f} s, and the others hang")
    took = time.monotonic() - begin
    expect(not alive or running.returncode == 0 or took < SECONDS, f"{took:.0f} s until the end: {errors}")
    return alive and running.returncode != 0


def main():
    draw = random.Random(20261126)
    with Scratch() as scratch:
        begin = time.monotonic()
        paint(2, scratch / "whole.hdf5", *LAW)
        whole = time.monotonic() - begin
        killed = 0
        for k in range(6):
            ranks, how = (2, 3)[k % 2], (signal.SIGKILL, signal.SIGSEGV)[k // 2 % 2]
            mock = scratch / f"{k}.hdf5"
            settings = [*LAW, f"output.path={mock}"]
            killed += kill_one(ranks, settings, draw.uniform(0, 0.9 * whole), how, draw.randrange(ranks))
            paint(draw.choice((1, 2, 3)), mock, *LAW)
            compare(scratch / "whole.hdf5", mock, "--exact")
        expect(killed >= 2, f"only {killed} of 6 runs were still going when a rank was to be killed")
        print(f"{killed} of 6 runs lost a rank; every next run completed to the same bits")


main()
