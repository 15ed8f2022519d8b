"""What the end-to-end tests share: running the program under MPI, and catalogs to run it on."""
import contextlib
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))  # the package of this checkout, for tests that import halobrush: another may be installed
PROGRAM = pathlib.Path(os.environ.get("HALOBRUSH", ROOT / "build/release/halobrush")).resolve()
CATALOG = ROOT / "data/demo/rockstar_z0_pid.list.gz"
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_mpi_yield_when_idle="1", OMP_NUM_THREADS="1")


def command(ranks, arguments):
    mpirun = ["mpirun", "-np", str(ranks), "--oversubscribe"] if ranks else []
    return mpirun + [str(PROGRAM), *map(str, arguments)]


def run(ranks, *arguments, timeout=120):
    """Runs the program from the repository's root; one rank needs no mpirun, whose start takes half a second."""
    return subprocess.run(command(ranks if ranks > 1 else 0, arguments), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=timeout)


def paint(ranks, output, *settings, config="config/demo.yaml", options=(), timeout=300):
    """Paints and expects success; returns what was printed."""
    done = run(ranks, "paint", config, "--set", f"output.path={output}", *sets(settings), *options, timeout=timeout)
    expect(done.returncode == 0, f"exit code {done.returncode} on {ranks} ranks:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def sets(settings):
    return [word for setting in settings for word in ("--set", setting)]


def expect(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def compare(a, b, *options):
    done = subprocess.run([sys.executable, ROOT / "tests/support/compare_mocks.py", a, b, *options], capture_output=True, text=True)
    expect(done.returncode == 0, f"{a} and {b}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip().splitlines()[-1]


def catalog_lines():
    """The demo catalog as (comment lines, rows)."""
    with gzip.open(CATALOG, "rt") as text:
        lines = text.read().splitlines()
    return [line for line in lines if line.startswith("#")], [line for line in lines if not line.startswith("#")]


def small_catalog(rows=1500, particles=20):
    """Whole groups among the first rows, so that tests on bad input are quick, of halos that are not left out by default."""
    header, lines = catalog_lines()
    least = (particles - 0.5) * next(float(line.split()[2]) for line in header if line.startswith("#Particle mass"))
    kept = {line.split()[0]: line for line in lines[:rows] if float(line.split()[2]) >= least}
    while True:
        orphans = [i for i, line in kept.items() if line.split()[-1] != "-1" and line.split()[-1] not in kept]
        if not orphans:
            return header, list(kept.values())
        for i in orphans:
            del kept[i]


def write_catalog(path, header, rows):
    opened = gzip.open(path, "wt") if str(path).endswith(".gz") else open(path, "w")
    with opened as text:
        text.write("\n".join(header + rows) + "\n")
    return path


@contextlib.contextmanager
def small_disk(mount, size):
    """A file system of so many bytes at `mount`; None where there is no right to mount one, which is said."""
    mount.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount], capture_output=True).returncode != 0:
        print("full disk: skipped, no right to mount a small file system")
        yield None
        return
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)


class Scratch:
    """A temporary folder, removed at the end."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="halobrush-"))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)
