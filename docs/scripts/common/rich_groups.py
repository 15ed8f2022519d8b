"""A halo catalog of rich groups in a box, as a Rockstar list: what joint sampling inside host halos is shown on.

Hosts lie at random; each has 2 to 12 satellites within its radius. Masses, shapes and spins are drawn, not simulated."""
import numpy as np

HEADER = """#ID DescID Mvir Vmax Vrms Rvir Rs Np X Y Z VX VY VZ JX JY JZ Spin b_to_a c_to_a A[x] A[y] A[z] PID
#a = 1.000000
#Om = 0.307500; Ol = 0.692500; h = 0.677400
#Particle mass: 4.10000e+10 Msun/h
#Box size: {box:.6f} Mpc/h
#Units: Masses in Msun / h
#Units: Positions in Mpc / h (comoving)
#Units: Velocities in km / s (physical, peculiar)
#Units: Halo Distances, Lengths, and Radii in kpc / h (comoving)
#Units: Angular Momenta in (Msun/h) * (Mpc/h) * km/s (physical)
"""


def rows(hosts, box, seed):
    random = np.random.default_rng(seed)
    unit = lambda: (lambda v: v / np.linalg.norm(v))(random.normal(size=3))

    def halo(i, mass, radius_kpc, position, velocity, parent):
        vmax = 200 * (mass / 1e13) ** (1 / 3) * np.exp(0.1 * random.normal())
        numbers = [mass, vmax, 0.7 * vmax, radius_kpc, radius_kpc / 8, round(mass / 4.1e10), *(position % box), *velocity,
                   *(mass * unit()), 0.04 * np.exp(0.5 * random.normal()), 0.8, 0.6, *(radius_kpc * unit())]
        return f"{i} -1 " + " ".join(str(x) if isinstance(x, int) else f"{x:.6e}" if abs(x) > 1e4 else f"{x:.6f}" for x in numbers) + f" {parent}"

    i = 0
    for _ in range(hosts):
        host, centre, bulk = i, box * random.random(3), 300 * random.normal(size=3)
        mass = 10 ** (13 + random.random())
        radius = 500 * (mass / 1e13) ** (1 / 3)
        yield halo(host, mass, radius, centre, bulk, -1)
        i += 1
        for _ in range(random.integers(2, 13)):
            at = centre + 1e-3 * radius * (0.1 + 0.8 * random.random()) * unit()
            small = mass * 10 ** (-1 - 1.5 * random.random())
            yield halo(i, small, 500 * (small / 1e13) ** (1 / 3), at, bulk + 400 * random.normal(size=3), host)
            i += 1


def write(path, seed, hosts=2500, box=250):
    """A list (pathlib.Path) of so many hosts in a box of side `box` in Mpc/h."""
    path.write_text(HEADER.format(box=box) + "\n".join(rows(hosts, box, seed)) + "\n")
