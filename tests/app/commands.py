"""describe-config, --version, info on every kind of file, --dry-run, a run without mpirun, a list of another simulation."""
import json
import pathlib
import shutil
import subprocess

import h5py
import numpy as np

from runner import ENVIRONMENT, PROGRAM, ROOT, Scratch, expect, paint, run, sets, small_catalog, write_catalog


def printed(*arguments, ranks=0):
    done = run(ranks, *arguments)
    expect(done.returncode == 0, f"{arguments}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def hosts_by_m200c(catalog, scratch):
    """input.host_mass: 200c against the list itself: hosts have M200c, subhalos what is bound, radii enclose 200 critical densities."""
    halos = scratch / "halos.hdf5"
    done = run(2, "convert", "config/demo.yaml", "--set", "convert.kind=halos", *sets([f"input.path={catalog}", f"convert.path={halos}", "input.host_mass=200c"]))
    expect(done.returncode == 0, done.stderr)
    header, rows = small_catalog()
    names = header[0].lstrip("#").split()
    of = lambda name: np.array([float(row.split()[names.index(name)]) for row in rows])
    with h5py.File(halos) as file:
        data = {name: file[f"data/{name}"][()] for name in ("id", "mass", "radius", "bound_mass")}
    order = np.argsort(data["id"])[np.argsort(np.argsort(of("ID")))]
    mass = np.where((of("PID") < 0) & (of("M200c") > 0), of("M200c"), of("Mvir"))
    expect(np.allclose(data["mass"][order], mass, rtol=1e-6) and np.allclose(data["bound_mass"][order], of("Mvir"), rtol=1e-6), "host masses are not M200c")
    density = data["mass"] / (4 / 3 * np.pi * data["radius"] ** 3)
    expect(np.allclose(density, 200 * 2.7754e11, rtol=1e-4), "radii are not those of 200 critical densities")


def library_of_networks(scratch):
    """Loaded when a network is asked for, not before; one that is absent, foreign or of another build is refused."""
    folder = scratch / "copy"
    folder.mkdir()
    for name in ("halobrush", "halobrush-main"):
        shutil.copy(PROGRAM.with_name(name), folder)
    start = lambda *words: subprocess.run([folder / "halobrush", *words], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=100)
    for words in (["--version"], ["info", "models/demo.safetensors"], ["paint", "config/demo-truth.yaml", "--dry-run"]):
        expect(start(*words).returncode == 0, f"{words} needs the library of networks")
    library = folder / "halobrush-networks.so"
    paint = ["paint", "config/demo.yaml", "--set", f"output.path={scratch / 'no.hdf5'}"]

    def refused(text):
        done = start(*paint)
        expect(done.returncode == 5 and text in done.stderr and len(done.stderr.strip().splitlines()) == 1, f"{text}: exit code {done.returncode}\n{done.stderr}")

    refused("cannot be loaded")
    subprocess.run(["cc", "-shared", "-o", library, "-x", "c", "/dev/null"], check=True)
    refused("is not the library of networks")
    said = start("--version").stdout.split()[1].encode()
    library.write_bytes(PROGRAM.with_name("halobrush-networks.so").read_bytes().replace(said, b"9" + said[1:]))
    refused("belongs to halobrush 9")


def main():
    for text in ("halobrush", "LibTorch", "HDF5", "MPI"):
        expect(text in printed("--version"), f"--version does not name {text}")
    keys = printed("describe-config")
    for key in ("input.path", "output.staging", "domain.tiles", "painter.kind", "painter.model", "seed", "field.smoothing"):
        expect(key in keys, f"describe-config does not describe {key}")

    with Scratch() as scratch:
        catalog = write_catalog(scratch / "small.list", *small_catalog())
        mock = scratch / "mock.hdf5"
        dry = printed("paint", "config/demo.yaml", "--dry-run", *sets([f"output.path={mock}"]), ranks=2)
        for text in ("halos", "tiles", "ghost fraction", "memory", "nothing was painted"):
            expect(text in dry, f"--dry-run does not say '{text}':\n{dry}")
        expect(not mock.exists() and not list(scratch.glob("*staging*")), "--dry-run left files")

        paint(0, mock, f"input.path={catalog}")
        summary = json.loads(pathlib.Path(f"{mock}.json").read_text())
        for key in ("galaxies", "ranks", "tiles", "ghost_fraction", "galaxies_per_second", "peak_memory_bytes", "stages", "columns"):
            expect(key in summary, f"the summary lacks {key}")
        expect(summary["galaxies"] == len(small_catalog()[1]), summary["galaxies"])
        expect("a mock galaxy catalog" in printed("info", mock), "info on a mock")
        expect("log_stellar_mass" in printed("info", ROOT / "models/demo.safetensors"), "info on a model")
        expect("(no ghosts)" in printed("info", ROOT / "models/tng.safetensors"), "info on a model that stays inside host halos")
        expect("a halo catalog" in printed("info", catalog), "info on a halo catalog")

        hosts_by_m200c(catalog, scratch)
        library_of_networks(scratch)

        other = ROOT / "../shared/data/rockstar/HaloDataManager_out_163.list"
        if other.exists():
            paint(2, scratch / "other.hdf5", f"input.path={other}")
        else:
            print("a list of another simulation: skipped, it is not here")


main()
