"""Projected matter and alignment correlations that A_1 and the galaxy bias are fitted with.

Real space, line of sight z, integrated over |Pi| <= pi_max and averaged over the area of each bin of r_p, [Mpc/h]:

  w_mm  = int dPi xi_0(r),                               xi_0 = int k^2 dk / (2 pi^2) P(k) j_0(kr)
  w_nla = C1 rho_crit Omega_m / D int dPi (r_p/r)^2 xi_2(r),  xi_2 = the same with j_2,     r^2 = r_p^2 + Pi^2

so that w_gg = b^2 w_mm and w_g+ = b A_1 w_nla: the nonlinear alignment model (Bridle & King 2007; Hirata & Seljak 2004), gamma_1 =
-A_1 C1 rho_crit Omega_m / D (kx^2 - ky^2) / k^2 delta, where w_g+ > 0 (shapes that point at galaxies) has A_1 > 0. For pi_max without end w_nla becomes
C int k dk / (2 pi) P(k) J_2(k r_p). P(k): HMcode-2020 without baryons (Mead et al. 2021), by CAMB. C1 rho_crit = 0.0134 (Brown et al. 2002; Joachimi et al.
2011); D is the linear growth, 1 at z = 0. A periodic box has no wavenumbers below its own: k begins where the sphere's volume is that of one cell of
its wavenumbers, (3 / 4 pi)^(1/3) 2 pi / L.

example: halobrush-nla-model nla.json --omega-m 0.3089 --omega-b 0.0486 --h 0.6774 --sigma-8 0.8159 --n-s 0.9667 --scale-factor 1 --box 205
         --pi-max 60 --edges 2 4 8 16 32
"""
import argparse
import json
import sys

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import spherical_jn

C1_RHO_CRIT = 0.0134  # C1 = 5e-14 (Msun/h)^-1 (Mpc/h)^3
SMOOTHING = 0.2  # Mpc/h: P(k) exp(-(k s)^2), for integrals that end; changes w beyond 6 Mpc/h by less than 2e-3
POINTS = 40  # of each interval of Pi and r_p


def power_spectrum(cosmology, z):
    """P(k) [(Mpc/h)^3] as a function of k [h/Mpc], nonlinear at z, and the growth D(z)."""
    try:
        import camb
    except ImportError:
        sys.exit("CAMB is not installed in this Python; install it: pip install camb")
    h, trial = cosmology.h, 2e-9

    def results(amplitude):
        parameters = camb.set_params(H0=100 * h, ombh2=cosmology.omega_b * h**2, omch2=(cosmology.omega_m - cosmology.omega_b) * h**2, omk=0, mnu=0,
                                     As=amplitude, ns=cosmology.n_s, halofit_version="mead2020", WantCls=False)
        parameters.set_matter_power(redshifts=sorted({0.0, z}, reverse=True), kmax=30)
        return camb.get_results(parameters)

    found = results(trial)
    found = results(trial * (cosmology.sigma_8 / found.get_sigma8_0()) ** 2)
    linear = found.get_matter_power_interpolator(nonlinear=False)
    nonlinear = found.get_matter_power_interpolator(nonlinear=True)
    k = 0.05
    return (lambda k: nonlinear.P(z, k)), float(np.sqrt(linear.P(z, k) / linear.P(0, k)))


def correlations(power, k_min, r_max):
    """xi_0(r), xi_2(r) as functions of r [Mpc/h] in (1, r_max)."""
    k_max, middle = 3.5 / SMOOTHING, max(k_min, 0.1)
    k = np.unique(np.concatenate([np.geomspace(k_min, middle, 400), np.arange(middle, k_max, 0.15 / r_max)]))
    weight = k**2 * power(k) * np.exp(-((k * SMOOTHING) ** 2)) / (2 * np.pi**2)
    r = np.geomspace(1, r_max, 300)
    return [CubicSpline(np.log(r), [np.trapezoid(weight * spherical_jn(order, k * x), k) for x in r]) for order in (0, 2)]


def legendre(low, high):
    """Nodes and weights between low and high; the weights sum to one."""
    x, w = np.polynomial.legendre.leggauss(POINTS)
    return (low + high) / 2 + (high - low) / 2 * x, w / 2


def projected(edges, pi_max, xi, factor):
    """The bins' 2 pi_max <factor(rp^2/r^2) xi(r)> over area and Pi."""
    pi, over_pi = legendre(0, pi_max)
    bins = []
    for low, high in zip(edges, edges[1:]):
        area, over_area = legendre(low**2, high**2)
        r2 = area[:, None] + pi[None] ** 2
        bins.append(2 * pi_max * over_area @ (factor(area[:, None] / r2) * xi(0.5 * np.log(r2))) @ over_pi)
    return bins


def model(c):
    """The result as it is written."""
    z = 1 / c.scale_factor - 1
    power, growth = power_spectrum(c, z)
    k_min = max((3 / (4 * np.pi)) ** (1 / 3) * 2 * np.pi / c.box, 1e-4)
    xi_0, xi_2 = correlations(power, k_min, 1.001 * np.hypot(c.edges[-1], c.pi_max))
    strength = C1_RHO_CRIT * c.omega_m / growth
    return {"edges": c.edges, "w_mm": projected(c.edges, c.pi_max, xi_0, lambda s: 1.0),
            "w_nla": projected(c.edges, c.pi_max, xi_2, lambda s: strength * s), "growth": growth, "k_min": k_min}


def main():
    parser = argparse.ArgumentParser("halobrush-nla-model", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", help="JSON file for the correlations, in Mpc/h")
    for name in ("omega-m", "omega-b", "h", "sigma-8", "n-s", "scale-factor"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--box", type=float, required=True, help="side of a cube of the catalog's volume, Mpc/h")
    parser.add_argument("--pi-max", type=float, required=True, help="Mpc/h")
    parser.add_argument("--edges", type=float, nargs="+", required=True, help="of the bins of r_p, above 1 Mpc/h")
    given = parser.parse_args()
    with open(given.result, "w") as file:
        json.dump(model(given), file)


if __name__ == "__main__":
    main()
