"""What galaxies of one host halo have to do with each other and with it: orientations and conformity, with errors by host halo.

Painted and true galaxies live in the same halos: the difference is left out halo by halo too, and has an error of its own.
"""
import dataclasses

import numpy as np
from scipy import stats

from halobrush.tables import stack, unit

LEAST_LOG_MASS = 9.0  # satellites that count, log10 Msun of stars


@dataclasses.dataclass
class Estimate:
    """A statistic in one or more bins, and without each host halo in turn."""
    value: np.ndarray  # [bins]
    left_out: np.ndarray  # [groups, bins]

    def covariance(self):
        n = len(self.left_out)
        deviation = self.left_out - self.left_out.mean(0)
        return (n - 1) / n * deviation.T @ deviation

    def error(self):
        return np.sqrt(np.diag(self.covariance()))

    def __sub__(self, other):
        return Estimate(self.value - other.value, self.left_out - other.left_out)


def ratio(top, bottom):
    """sum(top) / sum(bottom) over groups; both [groups, bins]."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return Estimate(top.sum(0) / bottom.sum(0), (top.sum(0) - top) / (bottom.sum(0) - bottom))


def correlation(x, y):
    """Pearson's, over the groups in which both [groups] are finite."""
    use = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(use, x, 0.0), np.where(use, y, 0.0)
    terms = np.stack([use, x, y, x * x, y * y, x * y], 1).astype(float)

    def of(sums):
        n, sx, sy, sxx, syy, sxy = sums.T
        return (n * sxy - sx * sy) / np.sqrt((n * sxx - sx**2) * (n * syy - sy**2))

    total = terms.sum(0)
    return Estimate(of(total[None]), of(total - terms)[:, None])


def mean_of(draws):
    """The mean over draws of one painter."""
    return Estimate(np.mean([d.value for d in draws], 0), np.mean([d.left_out for d in draws], 0))


def side_by_side(estimates):
    """One of all their bins."""
    return Estimate(np.concatenate([e.value for e in estimates]), np.hstack([e.left_out for e in estimates]))


def sigma_of(p_log):
    """Two-sided significance, in sigma, of a log p-value; also where p itself underflows."""
    if p_log > -600:
        return float(stats.norm.isf(np.exp(p_log) / 2))
    return float(np.sqrt(-2 * p_log - np.log(-4 * np.pi * p_log)))


def compare(truth, painted):
    """Painted minus true: values, errors, chi2 over the bins and its p-value."""
    difference = painted - truth
    good = np.isfinite(difference.value) & np.isfinite(difference.left_out).all(0)
    covariance = difference.covariance()[np.ix_(good, good)]
    chi2, dof = float(difference.value[good] @ np.linalg.pinv(covariance) @ difference.value[good]), int(good.sum())
    log_p = stats.chi2.logsf(chi2, dof) if dof else 0.0
    numbers = lambda values: [float(v) if np.isfinite(v) else None for v in values]  # JSON has no NaN: a bin without galaxies
    return {"truth": numbers(truth.value), "truth_error": numbers(truth.error()), "painted": numbers(painted.value),
            "painted_error": numbers(painted.error()), "difference_error": numbers(difference.error()), "chi2": chi2, "dof": dof,
            "p": float(np.exp(log_p)), "sigma": sigma_of(log_p) if np.isfinite(log_p) else float(np.sqrt(chi2))}


def mean_by_group(values, groups, bins=None, count=1):
    """Mean of the finite values [n] of galaxies in groups (numbers from 0), each group in one bin."""
    finite = np.isfinite(values)
    size = int(groups.max()) + 1
    top = np.bincount(groups[finite], values[finite], size)
    bottom = np.bincount(groups[finite], minlength=size).astype(float)
    if bins is None:
        return ratio(top[:, None], bottom[:, None])
    tops, bottoms = np.zeros((size, count)), np.zeros((size, count))
    tops[np.arange(size), bins], bottoms[np.arange(size), bins] = top, bottom
    return ratio(tops, bottoms)


@dataclasses.dataclass
class Groups:
    """Host halos and their members, as positions in the table."""
    number: np.ndarray  # [n] group of each galaxy, from 0
    central: np.ndarray  # [n] bool
    offset: np.ndarray  # [n,3] from the host's centre; 0 for centrals
    velocity: np.ndarray  # [n,3] relative to the host
    mass_bin: np.ndarray  # [groups]
    edges: np.ndarray  # of the bins, log10 host mass

    @classmethod
    def of(cls, pair, bins=3):
        """The host halos of a galaxies.Pair that halobrush evaluate made, in bins of host mass of equal numbers."""
        columns = pair.columns
        names, number = np.unique(pair.halos.group, return_inverse=True)
        mass = np.zeros(len(names))
        mass[number] = np.log10(columns["host_halo_mass"])
        edges = np.quantile(mass, np.linspace(0, 1, bins + 1))
        offset, velocity = (stack(columns, [f"{prefix}{c}" for c in "xyz"]) for prefix in ("host_d", "host_dv"))
        return cls(number, pair.halos.central, offset, velocity, np.clip(np.searchsorted(edges, mass, side="right") - 1, 0, bins - 1), edges)

    def count(self):
        return len(self.mass_bin)


def sum_over(values, groups, count):
    return np.stack([np.bincount(groups, values[:, k], count) for k in range(values.shape[1])], 1)


def members(groups, log_mass):
    """Satellites that count: all where stellar masses are not known."""
    heavy = np.ones(len(groups.number), bool) if log_mass is None else log_mass > LEAST_LOG_MASS
    return ~groups.central & heavy


def central_axis(groups, axis):
    """[groups,3] the axis of each group's central, NaN where it has none."""
    out = np.full((groups.count(), 3), np.nan)
    out[groups.number[groups.central]] = axis[groups.central]
    return out


def orbital_pole(groups, log_mass):
    """[groups,3] direction of the sum of the members' unit orbital angular momenta."""
    chosen = members(groups, log_mass)
    orbit = unit(np.cross(groups.offset, groups.velocity))[chosen]
    return unit(sum_over(orbit, groups.number[chosen], groups.count()))


def minor_axis_of_members(groups, log_mass):
    """[groups,3] minor axis of the second moments of at least three members' directions; 0 for fewer."""
    chosen = members(groups, log_mass)
    offset, number = groups.offset[chosen], groups.number[chosen]
    offset = unit(offset)
    moments = sum_over((offset[:, :, None] * offset[:, None, :]).reshape(-1, 9), number, groups.count()).reshape(-1, 3, 3)
    axis = np.linalg.eigh(moments)[1][:, :, 0]
    return np.where(np.bincount(number, minlength=groups.count())[:, None] >= 3, axis, 0)


def cosines(a, b):
    """[n] NaN where there is no direction."""
    present = (np.abs(a).sum(1) > 0) & (np.abs(b).sum(1) > 0)
    return np.where(present, np.sum(a * b, 1), np.nan)


def spin_statistics(groups, spin, log_mass):
    """Name -> Estimate, for galaxies with a signed spin [n,3]."""
    every = np.arange(groups.count())
    central = central_axis(groups, spin)
    bins = len(groups.edges) - 1
    by_mass = lambda axis: mean_by_group(np.abs(cosines(central, axis)), every, groups.mass_bin, bins)
    satellite = members(groups, log_mass)
    orbit = cosines(spin, unit(np.cross(groups.offset, groups.velocity)))
    radius = np.abs(cosines(spin, unit(groups.offset)))
    around_central = np.abs(cosines(central[groups.number], unit(groups.offset)))
    return {
        "central_spin_orbits": by_mass(orbital_pole(groups, log_mass)),
        "central_spin_minor_axis": by_mass(minor_axis_of_members(groups, log_mass)),
        "satellite_spin_orbit": mean_by_group(np.where(satellite, orbit, np.nan), groups.number),
        "satellite_spin_radius": mean_by_group(np.where(satellite, radius, np.nan), groups.number),
        "central_spin_satellites": mean_by_group(np.where(satellite, around_central, np.nan), groups.number),
    }


def squared(axis, direction):
    return cosines(axis, direction) ** 2


def ellipsoid_statistics(groups, axes, directions):
    """Name -> Estimate, for galaxies with axes [n,3,3]: mean squared cosines, 1/3 where isotropic."""
    bins = len(groups.edges) - 1
    bin_of = groups.mass_bin
    result = {}
    for name, axis, target, chosen in (("central_major_halo_axis", 0, "halo_axis", groups.central),
                                       ("central_minor_halo_spin", 2, "halo_spin", groups.central),
                                       ("satellite_major_radius", 0, "radius", ~groups.central)):
        if target in directions:
            values = np.where(chosen, squared(axes[:, :, axis], directions[target]), np.nan)
            result[name] = mean_by_group(values, groups.number, bin_of, bins)
    return result


def isotropic(shape, rng):
    """Orientations without a preferred direction, in place of axes [n,3,3] or spins [n,3]."""
    return np.linalg.qr(rng.normal(size=shape))[0] * rng.choice([-1, 1], (shape[0], 1, 1)) if len(shape) == 3 else unit(rng.normal(size=shape))


# ---- Conformity: residuals at fixed inputs that members of a halo share ----

def quenching_factor(residuals):
    """c = (z_color - z_ssfr) / sqrt 2 of residuals clipped at 4, centred; NaN where a label is unknown."""
    c = (np.clip(residuals["color_gr"], -4, 4) - np.clip(residuals["log_ssfr"], -4, 4)) / np.sqrt(2)
    return c - np.nanmean(c)


def pair_correlation(c, groups, chosen, weight="pairs"):
    """Mean product of pairs inside a halo over the variance, each halo by its number of pairs or of galaxies."""
    use = chosen & np.isfinite(c)
    n = groups.count()
    number, values = groups.number[use], c[use] / np.std(c[use])
    size = np.bincount(number, minlength=n)
    total, squares = np.bincount(number, values, n), np.bincount(number, values**2, n)
    pairs = size * (size - 1) / 2
    product = (total**2 - squares) / 2
    scale = np.ones(n) if weight == "pairs" else np.divide(size, pairs, out=np.zeros(n), where=pairs > 0)
    return ratio((product * scale)[:, None], (pairs * scale)[:, None])


def of_hosts(mass_residual, c, groups, chosen):
    """Of each host: the central's stellar-mass residual, and the mean c of its satellites; NaN where there is none."""
    central = np.full(groups.count(), np.nan)
    central[groups.number[groups.central]] = np.clip(mass_residual[groups.central], -4, 4)
    use = chosen & np.isfinite(c)
    count = np.bincount(groups.number[use], minlength=groups.count())
    with np.errstate(invalid="ignore"):
        satellites = np.bincount(groups.number[use], c[use], groups.count()) / count
    return central, satellites


def central_link(mass_residual, c, groups, chosen):
    """Correlation, over halos, of the central's stellar-mass residual with its satellites' mean c."""
    return correlation(*of_hosts(mass_residual, c, groups, chosen))


def conformity(pair, residuals):
    """Correlations inside a halo of residuals at fixed inputs."""
    groups = Groups.of(pair)
    satellites = ~pair.halos.central

    def estimates(p):
        standard = residuals.of(p.scalars)
        c = quenching_factor(standard)
        return {"pairs": pair_correlation(c, groups, satellites, "pairs"), "galaxies": pair_correlation(c, groups, satellites, "galaxies"),
                "central_link": central_link(standard["log_stellar_mass"], c, groups, satellites)}

    truth, draws = estimates(pair.truth), [estimates(draw) for draw in pair.draws]
    return {name: compare(truth[name], mean_of([d[name] for d in draws])) for name in truth}
