"""How the scripts run halobrush: the program of HALOBRUSH or build/release, one thread, from the repository's root."""
import os
import pathlib
import resource
import subprocess
import sys

from common import ROOT

PROGRAM = pathlib.Path(os.environ.get("HALOBRUSH", ROOT / "build/release/halobrush"))
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def run(*words):
    """Ends the script where halobrush fails; 1, a requirement that does not hold, is no failure."""
    done = subprocess.run([str(PROGRAM), *map(str, words)], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode > 1:
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: halobrush {' '.join(map(str, words))}:\n{done.stdout}{done.stderr}")


def used_by(command, settings):
    """Of settings that several commands share, those that the command takes: it refuses the others."""
    judging = ("stats.", "validate.", "calibrate.")
    wanted = {"paint": lambda s: not s.startswith(judging), "validate": lambda s: s.startswith((*judging[:2], "input.", "field.", "density.", "cosmology."))}[command]
    return [s for s in settings if wanted(s)]


def sets(settings):
    return [word for text in settings for word in ("--set", text)]


def run_python(module, *words):
    """Runs a module of the package halobrush as a command, such as evaluate, and returns what it prints; ends the script where that fails."""
    done = subprocess.run([sys.executable, ROOT / "python/run.py", module, *map(str, words)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: halobrush.{module} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class Run:
    """The program on one core, its CPU seconds and what it left in the folder: steps whose result is there already are not repeated."""

    def __init__(self, program, folder, settings):
        self.program, self.folder, self.settings = program, folder, settings

    def __call__(self, *words, settings=()):
        """CPU seconds."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([self.program, *map(str, words), *sets((*settings, *self.settings))], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {' '.join(map(str, words))} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def once(self, result, *words, settings=()):
        """As above, unless the result is there; its cost is kept beside it."""
        note = result.with_name(result.name + ".seconds")
        if not (result.exists() and note.exists()):
            note.write_text(str(self(*words, settings=settings)))
        return float(note.read_text())
