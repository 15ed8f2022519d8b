// Redshift, comoving distance and time in a flat universe of matter and a cosmological constant.
#pragma once

#include <vector>

namespace halobrush::lightcone {

class Distances {
 public:
  /// Distances to this redshift and beyond, within the first larger step of a hundredth.
  Distances(double omega_m, double largest_redshift);

  /// Comoving distance in Mpc/h: the integral of c dz / H(z) by Gauss and Legendre's rule in steps of 0.01.
  double comoving(double redshift) const;
  /// Its inverse.
  double redshift(double comoving) const;

  /// Time since the beginning, in units of 1 / H_0: 2 / (3 sqrt(1 - omega_m)) arsinh(sqrt(1 / omega_m - 1) a^1.5), and what
  /// redshift it belongs to (Peebles 1993, Principles of Physical Cosmology, eq. 13.20).
  double time_at(double redshift) const;
  double redshift_at(double time) const;

 private:
  double rate(double redshift) const;  // d comoving / dz
  double between(double low, double high) const;
  double omega_m_;
  std::vector<double> comoving_;  // at multiples of the step
};

}  // namespace halobrush::lightcone
