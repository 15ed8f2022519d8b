"""halobrush.two_sample on a law whose answer is known: what it must see and what it must not."""
import sys

import numpy as np

from halobrush import galaxies, two_sample
from halobrush.tables import unit

GROUPS, MEMBERS = 700, 4


def halos(rng):
    n = GROUPS * MEMBERS
    group = np.repeat(np.arange(GROUPS), MEMBERS)
    inputs = {"log_mass": rng.normal(0, 1, n), "log_host_mass": np.repeat(rng.normal(0, 1, GROUPS), MEMBERS)}
    directions = {"axis": unit(rng.normal(size=(n, 3))), "spin": unit(rng.normal(size=(n, 3)))}
    return galaxies.Halos(np.arange(n), group, np.arange(n) % MEMBERS == 0, inputs, directions)


def axes_near(direction, spread, rng):
    """Major axes scattered about a direction, the others at random about it."""
    a = unit(direction + spread * rng.normal(size=direction.shape))
    b = unit(np.cross(a, rng.normal(size=a.shape)))
    return np.stack([a, b, np.cross(a, b)], 2) * rng.choice([-1, 1], (len(a), 1, 1))


def law(halos, rng, shift=0.0, scatter=1.0, spread=0.8, signed=False, sign=1):
    """Two labels with a scatter that depends on the input; the second is known for two thirds of the galaxies."""
    x, host = halos.inputs["log_mass"], halos.inputs["log_host_mass"]
    mass = 0.5 * x + 0.1 * np.sin(2 * host) + shift + scatter * 0.18 * np.exp(0.3 * x) * rng.normal(size=len(x))
    colour = 0.6 + 0.2 * (mass > host / 4) + 0.05 * rng.normal(size=len(x))
    colour[np.arange(len(x)) % 3 == 0] = np.nan
    axes = axes_near(halos.directions["axis"], spread, rng)
    spin = unit(sign * halos.directions["spin"] + 2 * rng.normal(size=(len(x), 3))) if signed else None
    return galaxies.Properties({"log_stellar_mass": mass, "color_gr": colour}, None if signed else axes, spin)


class Trial:
    """One truth, against which galaxies of other laws are told apart."""

    def __init__(self, signed):
        self.rng, self.signed = np.random.default_rng(5), signed
        self.halos = halos(self.rng)
        self.truth = law(self.halos, self.rng, signed=signed)
        self.residuals = two_sample.Residuals(self.halos.input_matrix(), self.truth.scalars, self.halos.group)

    def against(self, **options):
        features = [two_sample.features_of(self.halos, galaxies, self.residuals)
                    for galaxies in (self.truth, law(self.halos, self.rng, signed=self.signed, **options))]
        return two_sample.accuracy(*features, self.halos.group)

    def pqmass(self, **options):
        return two_sample.pqmass(*(two_sample.drawn_features(self.halos, galaxies, self.residuals)
                                   for galaxies in (self.truth, law(self.halos, self.rng, signed=self.signed, **options))))


def expect(what, values, low, high):
    text = " / ".join(f"{value:.3f} +- {error:.3f}" for value, error in values.values())
    best = max(value for value, _ in values.values())
    print(f"{what:32s} {text}   (limits {low:.3f} .. {high:.3f})")
    if not low <= best <= high:
        sys.exit(f"FAILED: {what}: {text}")


def main():
    # 5,600 guesses: an error of 0.0067; the better of two classifiers above 0.525 has a chance of 2e-4 under the null.
    axes, spins = Trial(signed=False), Trial(signed=True)
    null = axes.against()
    expect("the same law", null, 0.48, 0.525)
    for _, error in null.values():
        if not 0.004 < error < 0.012:
            sys.exit(f"FAILED: error {error} of an accuracy over 5,600 guesses")
    expect("shifted by 0.05", axes.against(shift=0.05), 0.525, 0.65)
    expect("scatter x 1.3", axes.against(scatter=1.3), 0.525, 0.65)
    expect("axes less aligned", axes.against(spread=1.3), 0.525, 0.75)
    # Eight draws of the law gave 0.92 with a scatter of 0.04: 1.2 is seven of them away.
    for what, value, low, high in (("the same law", axes.pqmass(), 0.7, 1.2), ("shifted by 0.05", axes.pqmass(shift=0.05), 1.5, 4), ("axes less aligned", axes.pqmass(spread=1.3), 1.6, 6)):
        print(f"PQMass, {what:24s} {value:.2f}   (limits {low} .. {high})")
        if not low <= value <= high:
            sys.exit(f"FAILED: PQMass, {what}: {value}")
    expect("spins, the same law", spins.against(), 0.48, 0.525)
    expect("spins of the other sign", spins.against(sign=-1), 0.53, 0.75)


main()
