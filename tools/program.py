"""How the tools here run halobrush: the program of HALOBRUSH or build/release, one thread, from the repository's root."""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = pathlib.Path(os.environ.get("HALOBRUSH", ROOT / "build/release/halobrush"))
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def run(*words):
    """Ends this tool where halobrush fails; 1, a requirement that does not hold, is no failure."""
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
