"""A signal, the wall-time budget and a stop file end the run between two tiles with exit code 75; run again, it goes on. So does a signal
while the program is being loaded; without the program proper beside it, the start of it says so. A finished
mock is kept; a damaged tile is painted again; a staging folder of another configuration is refused."""
import pathlib
import random
import shutil
import signal
import subprocess
import time

from runner import ENVIRONMENT, PROGRAM, ROOT, Scratch, command, compare, expect, paint, run, sets

SETTINGS = ["domain.tiles=[60,1,1]", "painter.steps=64"]  # slow enough to be stopped while painting


def stopped(done, why):
    expect(done.returncode == 75, f"{why}: exit code {done.returncode}, not 75\n{done.stdout}{done.stderr}")


def signalled(output):
    process = subprocess.Popen(command(2, ["paint", "config/demo.yaml", *sets([f"output.path={output}", *SETTINGS])]), cwd=ROOT,
                               env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    staging = pathlib.Path(f"{output}.staging")
    deadline = time.time() + 60
    while not list(staging.glob("tile_*")) and time.time() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGUSR1)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def check_early_signals(scratch, times=15):
    """From two milliseconds after the start on: until then there is no program that could hold a signal."""
    output, moments = scratch / "early.hdf5", random.Random(7)
    for k in range(times):
        process = subprocess.Popen(command(0, ["paint", "config/demo.yaml", *sets([f"output.path={output}", *SETTINGS])]), cwd=ROOT, env=ENVIRONMENT,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        moment, sent = moments.uniform(0.002, 0.3), moments.choice([signal.SIGUSR1, signal.SIGTERM, signal.SIGINT])
        time.sleep(moment)
        process.send_signal(sent)
        out, err = process.communicate(timeout=120)
        stopped(subprocess.CompletedProcess([], process.returncode, out, err), f"{sent.name} after {1000 * moment:.0f} ms")
        expect(not output.exists(), "a run that was stopped at its start wrote a mock")
    print(f"{times} signals in the first 0.3 s: exit code 75 each")


def check_start(scratch):
    """Through a link the program is found, alone it is not."""
    link, alone = scratch / "linked", pathlib.Path(shutil.copy(PROGRAM, scratch / "halobrush"))
    link.symlink_to(PROGRAM)
    version = subprocess.run([link, "--version"], capture_output=True, text=True)
    expect(version.returncode == 0 and version.stdout.startswith("halobrush "), f"through a link: {version}")
    found = subprocess.run(["linked", "--version"], capture_output=True, text=True, env=dict(ENVIRONMENT, PATH=f"{scratch}:{ENVIRONMENT['PATH']}"))
    expect(found.stdout == version.stdout, f"by PATH: {found}")
    done = subprocess.run([alone, "--version"], capture_output=True, text=True)
    expect(done.returncode == 5 and done.stderr.count("\n") == 1 and f"{alone}-main: No such file" in done.stderr, f"alone: {done}")


def main():
    with Scratch() as scratch:
        check_early_signals(scratch)
        check_start(scratch)
        reference, output = scratch / "reference.hdf5", scratch / "mock.hdf5"
        paint(2, reference, *SETTINGS)
        staging = pathlib.Path(f"{output}.staging")

        stopped(signalled(output), "SIGUSR1")
        tiles = sorted(staging.glob("tile_*"))
        expect(0 < len(tiles) < 60, f"{len(tiles)} tiles were staged")

        other = run(2, "paint", "config/demo.yaml", *sets([f"output.path={output}", *SETTINGS, "seed=2"]))
        expect(other.returncode == 2 and "seed" in other.stderr, f"another seed was not refused: {other.returncode} {other.stderr}")

        with open(tiles[0], "r+b") as file:
            file.seek(100)
            file.write(b"damage")
        stopped(run(3, "paint", "config/demo.yaml", *sets([f"output.path={output}", *SETTINGS, "limits.wall_time=0.001", "limits.margin=0"])),
                "wall time")

        log = paint(3, output, *SETTINGS)
        expect("is damaged on disk and is painted again" in log, f"the damaged tile was not named:\n{log}")
        print(compare(reference, output, "--exact"))

        before = output.stat().st_mtime_ns
        expect("nothing to do" in paint(2, output, *SETTINGS) and output.stat().st_mtime_ns == before, "a finished mock was painted again")
        before = output.stat().st_mtime_ns
        paint(2, output, *SETTINGS, options=["--restart=never"])
        expect(output.stat().st_mtime_ns != before, "--restart=never kept the old mock")


main()
