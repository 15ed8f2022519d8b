"""halobrush validate for lensing: A_1 and bias put into a random field come back within their errors, as numpy, scipy and CAMB fit them by
another road; published vectors and observed ellipticities against numpy; the set of requirements 'lensing'; what is refused."""

import functools
import json
import subprocess
import sys

import camb
import h5py
import numpy as np
from scipy.integrate import quad
from scipy.optimize import least_squares
from scipy.special import jv
from scipy.stats import ks_2samp

from runner import ENVIRONMENT, ROOT, Scratch, catalog_lines, expect, paint, write_catalog
from validation import CONFIG, DATA, FAILED, changed, columns_of, measured, validate

COSMOLOGY = {"omega_m": 0.31, "omega_b": 0.048, "h": 0.68, "sigma_8": 0.15, "n_s": 0.96}  # little power: the field is linear
SIDE, MESH, GALAXIES, BIAS, AMPLITUDES = 200.0, 128, 60_000, 1.8, {"red": 60.0, "blue": 20.0}
PI_MAX, REACH = 20.0, (6.0, 32.0)
NO_FIGURES = ["validate.figures=false", "field.mesh=32"]


# ---- a universe with known A_1 ----

@functools.cache
def spectrum():
    """log k, log P by HMcode-2020."""
    c, k = COSMOLOGY, np.geomspace(1e-3, 20, 1000)
    given = dict(H0=100 * c["h"], ombh2=c["omega_b"] * c["h"] ** 2, omch2=(c["omega_m"] - c["omega_b"]) * c["h"] ** 2, ns=c["n_s"], mnu=0, omk=0)
    trial = camb.set_params(As=1e-9, **given)
    trial.set_matter_power(redshifts=[0], kmax=20)
    amplitude = 1e-9 * (c["sigma_8"] / camb.get_results(trial).get_sigma8_0()) ** 2
    found = camb.get_matter_power_interpolator(camb.set_params(As=amplitude, halofit_version="mead2020", **given), nonlinear=True, zs=[0], kmax=20)
    return np.log(k), np.log(found.P(0, k))


def power(k):
    return np.exp(np.interp(np.log(k), *spectrum()))


def random_field(rng):
    """delta and the shear (d_x^2 - d_y^2, 2 d_x d_y) / d^2 delta on a mesh."""
    k1 = 2 * np.pi * np.fft.fftfreq(MESH, SIDE / MESH)
    kx, ky, kz = np.meshgrid(k1, k1, k1[: MESH // 2 + 1], indexing="ij")
    k = np.sqrt(kx**2 + ky**2 + kz**2)
    k[0, 0, 0] = 1
    amplitude = np.sqrt(power(k) * (MESH / SIDE) ** 3)
    amplitude[(k > k1.max())] = 0
    amplitude[0, 0, 0] = 0
    modes = np.fft.rfftn(rng.normal(size=(MESH,) * 3)) * amplitude
    back = lambda x: np.fft.irfftn(x, s=(MESH,) * 3, axes=(0, 1, 2))
    return back(modes), back(modes * (kx**2 - ky**2) / k**2), back(modes * 2 * kx * ky / k**2)


def write_universe(path, seed):
    """Galaxies that follow exp(b delta); their shapes are -A_1 C1 rho_crit Omega_m of the shear and noise."""
    rng = np.random.default_rng(seed)
    delta, shear_1, shear_2 = (f.ravel() for f in random_field(rng))
    density = np.exp(BIAS * delta)
    cell = rng.choice(density.size, GALAXIES, p=density / density.sum())
    x = (np.stack(np.unravel_index(cell, (MESH,) * 3)) + rng.random((3, GALAXIES)) - 0.5) % MESH * SIDE / MESH
    red = rng.random(GALAXIES) < 0.5
    strength = -np.where(red, AMPLITUDES["red"], AMPLITUDES["blue"]) * 0.0134 * COSMOLOGY["omega_m"]
    columns = {"x": x[0], "y": x[1], "z": x[2], "color_gr": np.where(red, 0.8, 0.4),
               "ellipticity_1": strength * shear_1[cell] + 0.02 * rng.normal(size=GALAXIES),
               "ellipticity_2": strength * shear_2[cell] + 0.02 * rng.normal(size=GALAXIES)}
    with h5py.File(path, "w") as f:
        for name, values in columns.items():
            f[name] = values
    return [*NO_FIGURES, f"validate.box=[{SIDE},{SIDE},{SIDE}]", *(f"validate.columns.{name}={name}" for name in columns),
            *(f"cosmology.{name}={value}" for name, value in COSMOLOGY.items()),
            "stats.selections.red=color_gr > 0.6", "stats.selections.blue=color_gr < 0.6"]


def cylindrical_model(edges):
    """w_mm and w_nla of each bin by integrals over k across and along the line of sight (the tool goes through multipoles of r)."""
    across, along = np.geomspace(1e-3, 8, 1500), np.linspace(0, 8, 4000)
    k = np.hypot(across[:, None], along[None])
    p = power(k) * np.exp(-((0.2 * k) ** 2)) * (k > (3 / (4 * np.pi)) ** (1 / 3) * 2 * np.pi / SIDE)
    window = 2 * PI_MAX * np.sinc(along * PI_MAX / np.pi) / np.pi  # both signs of k along the line of sight
    sums = [np.trapezoid(window * p * share, along, axis=1) for share in (1.0, across[:, None] ** 2 / k**2)]
    bins = []
    for low, high in zip(edges, edges[1:]):
        r = np.sqrt(np.linspace(low**2, high**2, 41))
        bins.append([np.trapezoid(across * s / (2 * np.pi) * jv(order, np.outer(r, across)), across, axis=1).mean()
                     for order, s in zip((0, 2), sums)])
    w_mm, w_nla = np.array(bins).T
    return w_mm, 0.0134 * COSMOLOGY["omega_m"] * w_nla


def check_redshift(scratch):
    """At z = 1 w_mm is D^2 of today's and w_nla D, with the growth of matter and a cosmological constant (Heath 1977)."""
    def model(a):
        words = [w for name, value in COSMOLOGY.items() for w in (f"--{name.replace('_', '-')}", value)]
        words += ["--scale-factor", a, "--box", SIDE, "--pi-max", PI_MAX, "--edges", 9, 14, 21]
        subprocess.run([sys.executable, ROOT / "python/run.py", "nla_model", scratch / "model.json", *map(str, words)], check=True)
        return json.loads((scratch / "model.json").read_text())

    expansion = lambda a: np.sqrt(COSMOLOGY["omega_m"] / a**3 + 1 - COSMOLOGY["omega_m"])
    growth = lambda a: expansion(a) * quad(lambda x: 1 / (x * expansion(x)) ** 3, 1e-6, a)[0]
    now, then, d = model(1.0), model(0.5), growth(0.5) / growth(1.0)
    expect(now["growth"] == 1 and abs(then["growth"] / d - 1) < 0.01, f"growth {then['growth']}, by its integral {d}")
    expect(np.allclose(then["w_mm"], d**2 * np.array(now["w_mm"]), rtol=0.02) and np.allclose(then["w_nla"], d * np.array(now["w_nla"]), rtol=0.02), f"{now} {then}")


def fitted(file, suffix):
    """b, A_1 and their errors by a search for the smallest chi2."""
    statistic = lambda name: file[f"statistics/{name}{suffix}"]
    edges = statistic("wgg")["edges"][()]
    inside = (edges[:-1] >= REACH[0]) & (edges[1:] <= REACH[1])
    w_mm, w_nla = cylindrical_model(edges[np.append(inside, False) | np.append(False, inside)])
    both = lambda key: np.concatenate([statistic(name)[key][()][..., inside] for name in ("wgg", "wgplus")], axis=-1)
    data, left_out = both("value"), both("leave_one_out")
    n, p = left_out.shape
    covariance = (n - 1) * np.cov(left_out.T, bias=True)
    root = np.linalg.cholesky(np.linalg.inv(covariance) * (n - p - 2) / (n - 1)).T
    found = least_squares(lambda x: root @ (np.concatenate([x[0] ** 2 * w_mm, x[0] * x[1] * w_nla]) - data), [1.5, 30], x_scale=[1, 30])
    errors = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))
    return found.x, errors, 2 * found.cost, p - 2


def check_amplitudes(scratch):
    settings = write_universe(scratch / "universe.hdf5", seed=11)
    one, two = (measured(ranks, scratch / "universe.hdf5", scratch / f"universe_{ranks}", settings, code=0) for ranks in (1, 2))
    expect(one["nla"] == two["nla"], "A_1 differs between 1 and 2 ranks")
    fits = one["nla"]["fits"]
    with h5py.File(scratch / "universe_1/validation.hdf5") as f:
        for name, suffix in (("all", ""), ("red", ":red"), ("blue", ":blue")):
            (b, a), (b_error, a_error), chi2, dof = fitted(f, suffix)
            fit = fits[name]
            expect(np.isclose(fit["A_1"], a, rtol=0.01) and np.isclose(fit["bias"], b, rtol=0.01), f"{name}: {fit}, scipy {a}, {b}")
            expect(np.isclose(fit["A_1_error"], a_error, rtol=0.05) and np.isclose(fit["bias_error"], b_error, rtol=0.05), f"{name}: {fit}, scipy {a_error}, {b_error}")
            expect(np.isclose(fit["chi2"], chi2, rtol=0.05) and fit["dof"] == dof, f"{name}: {fit}, scipy {chi2}, {dof}")
    for name, truth in AMPLITUDES.items():
        fit = fits[name]
        expect(fit["A_1_error"] < 0.5 * truth and abs(fit["A_1"] - truth) < 3 * fit["A_1_error"], f"{name}: A_1 is {truth}: {fit}")
        expect(abs(fit["bias"] - BIAS) < 3 * fit["bias_error"] and fit["bias_error"] < 0.2 * BIAS, f"{name}: b is {BIAS}: {fit}")
        print(f"{name}: A_1 {fit['A_1']:.1f} +- {fit['A_1_error']:.1f} of {truth}, b {fit['bias']:.2f} +- {fit['bias_error']:.2f} of {BIAS}")
    return settings


def check_without_camb(scratch, settings):
    """Said in one remark; a requirement on A_1 fails, it is not passed over."""
    (scratch / "blocked").mkdir()
    (scratch / "blocked/camb.py").write_text("raise ImportError('not here')\n")
    (scratch / "amplitudes.yaml").write_text("amplitudes:\n  - {larger: red, smaller: blue}\n")
    ENVIRONMENT["PYTHONPATH"] = str(scratch / "blocked")
    found = measured(2, scratch / "universe.hdf5", scratch / "no_camb", [*settings, f"validate.requirements={scratch}/amplitudes.yaml"], code=FAILED)
    del ENVIRONMENT["PYTHONPATH"]
    remarks = [r for r in found["remarks"] if "A_1" in r]
    expect(len(remarks) == 1 and "CAMB is not installed" in remarks[0] and "pip install" in remarks[0], found["remarks"])
    expect(found["nla"] is None and "not measured" in found["requirements"][0]["note"], found["requirements"])
    done = validate(1, scratch / "universe.hdf5", scratch / "no_power", [s for s in settings if "sigma_8" not in s])
    expect("set cosmology.sigma_8" in done.stdout + done.stderr, done.stdout)


# ---- published vectors and ellipticities ----

def write_vector(path, r, value, error, header="r ed err"):
    np.savetxt(path, np.stack([r, value, error], 1), header=header, comments="")
    return path


def check_published(scratch, mock):
    """A painted mock against vectors made of itself, and the verdicts of 'lensing'."""
    selections = ["stats.selections.red=color_gr > 0.6", "stats.selections.blue=color_gr <= 0.6", "stats.selections.massive=log_stellar_mass > 10"]
    settings = [*NO_FIGURES, "validate.nla=false", "stats.r.bins=8", "stats.r.min=1", "stats.rp.bins=8", "stats.rp.min=1", "stats.jackknife=2", *selections]
    s = measured(1, mock, scratch / "itself", settings)["statistics"]["ed_A:massive"]
    edges, value, error = (np.array(s[key]) for key in ("edges", "value", "error"))
    rng = np.random.default_rng(3)
    r, published, theirs = (edges[1:] + edges[:-1]) / 2, value + error * rng.normal(size=len(value)), 0.5 * error
    vector = write_vector(scratch / "vector.dat", r[1:], published[1:], theirs[1:])
    c, _ = columns_of(mock)
    e = np.hypot(c["ellipticity_1"].astype(float), c["ellipticity_2"].astype(float))
    listed = 0.9 * e[::3]
    q = (1 - listed) / (1 + listed)
    np.savetxt(scratch / "chi.dat", (1 - q**2) / (1 + q**2))
    given = [*settings, f"validate.targets.ed_A:massive={vector}", "validate.target_r=[3, 32]", f"validate.ellipticities.red={scratch / 'chi.dat'}",
             "validate.ellipticity_definition=chi", "validate.requirements=lensing"]
    one, two = (measured(ranks, mock, scratch / f"published_{ranks}", given, code=FAILED) for ranks in (1, 2))
    expect(one["targets"] == two["targets"] and one["ellipticities"] == two["ellipticities"], "1 and 2 ranks differ")
    inside = edges[:-1] >= 3
    chi2 = ((published - value) ** 2 / (error**2 + theirs**2))[inside].sum()
    target = one["targets"]["ed_A:massive"]
    expect(np.isclose(target["chi2"], chi2, rtol=1e-9) and target["dof"] == inside.sum(), f"{target}, numpy {chi2}")
    ks = ks_2samp(e[c["color_gr"] > 0.6], listed).statistic
    expect(abs(one["ellipticities"]["red"]["ks"] - ks) < 1e-3, f"{one['ellipticities']}, scipy {ks}")
    verdicts = {r["name"]: r for r in one["requirements"]}
    expect(verdicts["A_1 of red minus A_1 of blue"]["pass"] is False, "A_1 that is not measured passes")
    expect(verdicts["ed_A:massive against vector.dat: chi2/dof"]["pass"] == (chi2 / inside.sum() <= 1.2), verdicts)
    expect(verdicts["ellipticity (red) against chi.dat: KS distance"]["pass"] == (ks <= 0.03) and ks > 0.03, verdicts)
    detected = verdicts["wgplus (red): amplitude in units of its error"]["value"]
    with h5py.File(scratch / "published_1/validation.hdf5") as f:
        expect(np.isclose(detected, significance(f["statistics/wgplus:red"], 1, 21), rtol=1e-6), f"significance {detected}")
    page = (scratch / "published_1/index.html").read_text()
    expect("vector.dat" in page and "chi.dat" in page, "the page does not show what was published")
    nan = changed(mock, scratch / "nan.hdf5", b_to_a=np.where(np.arange(len(e)) == 5, np.nan, c["b_to_a"]))
    broken = measured(1, nan, scratch / "broken", given, code=FAILED)["requirements"]
    expect(any(r["name"] == "column b_to_a: fraction of NaN" and not r["pass"] for r in broken), "a NaN among ratios passes")
    print(f"published: chi2 {chi2:.2f} of {inside.sum()} bins, KS {ks:.3f}, w_g+ of red {detected:.1f} errors above zero")
    return given


def significance(s, low, high):
    """Of the amplitude of 1/r_p, one average of all bins: eight sub-boxes."""
    edges, pairs = s["edges"][()], s["pairs"][()]
    inside = (edges[:-1] >= low) & (edges[1:] <= high)
    weight = np.where(inside, pairs, 0) / pairs[inside].sum()
    left_out = s["leave_one_out"][()] @ weight
    n = len(left_out)
    return s["value"][()] @ weight / np.sqrt((n - 1) * left_out.var() * (n - 1) / (n - 3))


def refused(mock, scratch, code, text, settings):
    done = validate(2, mock, scratch / "refused", settings)
    lines = [line for line in done.stderr.splitlines() if line.startswith("halobrush: error:")]
    expect(done.returncode == code and len(lines) == 1 and text in lines[0], f"wanted {code} and '{text}': {done.returncode}\n{done.stdout}{done.stderr}")
    expect(not (scratch / "refused/validation.json").exists(), "what is refused left results")
    print(lines[0])


def check_bad_input(scratch, mock, given):
    r, value, error = np.loadtxt(scratch / "vector.dat", skiprows=1).T
    bad = lambda name, *columns, **header: write_vector(scratch / f"{name}.dat", *columns, **header)
    target = lambda path, statistic="ed_A:massive": [*given, f"validate.targets.{statistic}={path}"]
    at = lambda x: np.where(np.arange(len(r)) == 3, x, 0)
    refused(mock, scratch, CONFIG, "cannot be read", target(scratch / "nowhere.dat"))
    refused(mock, scratch, CONFIG, "no statistic 'ed_a' (nearest known: 'ed_A')", target(scratch / "vector.dat", "ed_a:massive"))
    refused(mock, scratch, CONFIG, "no sub-sample 'masive' (nearest known: 'massive')", target(scratch / "vector.dat", "ed_A:masive"))
    refused(mock, scratch, DATA, "columns are 'r ee err'", target(bad("columns", r, value, error, header="r ee err")))
    refused(mock, scratch, DATA, "columns are 'r ed'", target(bad("no_errors", r, value, error, header="r ed")))
    refused(mock, scratch, DATA, "bins.dat:2: r = ", target(bad("bins", 1.05 * r, value, error)))
    refused(mock, scratch, DATA, "kpc.dat:2: r = ", target(bad("kpc", 1000 * r, value, error)))
    refused(mock, scratch, DATA, "nan.dat:5: 'nan' is no finite number", target(bad("nan", r, value + at(np.nan), error)))
    refused(mock, scratch, DATA, "zero.dat:5: the error is 0", target(bad("zero", r, value, error - at(error))))
    refused(mock, scratch, DATA, "no bin lies inside", [*given, "validate.target_r=[40, 50]"])
    refused(mock, scratch, CONFIG, "validate.target_r", [*given, "validate.target_r=[50, 40]"])
    refused(mock, scratch, DATA, "too few for a value with an error",
            [*target(scratch / "vector.dat", "ed_A:few"), "stats.selections.few=log_stellar_mass > 11", "validate.target_r=[1, 32]"])
    refused(mock, scratch, CONFIG, "there is no sub-sample 'rad'", [*given, f"validate.ellipticities.rad={scratch / 'chi.dat'}"])
    (scratch / "large.dat").write_text("0.1\n1.2\n")
    refused(mock, scratch, DATA, "large.dat:2: |e| = 1.2 is not in [0, 1]", [*given, f"validate.ellipticities.blue={scratch / 'large.dat'}"])
    (scratch / "short.dat").write_text("0.1\n0.2\n")
    refused(mock, scratch, DATA, "2 ellipticities", [*given, f"validate.ellipticities.blue={scratch / 'short.dat'}"])
    refused(mock, scratch, CONFIG, "validate.ellipticity_definition", [*given, "validate.ellipticity_definition=e"])
    refused(mock, scratch, CONFIG, "or lensing", [*given, "validate.requirements=lensin"])


def main():
    with Scratch() as scratch:
        check_redshift(scratch)
        settings = check_amplitudes(scratch)
        check_without_camb(scratch, settings)
        header, lines = catalog_lines()
        hosts = lambda line: line.split()[0] if line.split()[-1] == "-1" else line.split()[-1]
        small = write_catalog(scratch / "small.list", header, [line for line in lines if int(hosts(line)) % 14 == 0])
        paint(1, scratch / "mock.hdf5", f"input.path={small}", "input.orphans=promote", "field.mesh=32", config="config/demo-truth.yaml")
        given = check_published(scratch, scratch / "mock.hdf5")
        check_bad_input(scratch, scratch / "mock.hdf5", given)


main()
