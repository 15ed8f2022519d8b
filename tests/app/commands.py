"""describe-config, --version, info on every kind of file, --dry-run, a run without mpirun, a list of another simulation."""
import json
import pathlib

import h5py
import numpy as np

from runner import ROOT, Scratch, expect, paint, run, sets, small_catalog, write_catalog


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

        other = ROOT / "../shared/data/rockstar/HaloDataManager_out_163.list"
        if other.exists():
            paint(2, scratch / "other.hdf5", f"input.path={other}")
        else:
            print("a list of another simulation: skipped, it is not here")


main()
