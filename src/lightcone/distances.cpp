#include "halobrush/lightcone/distances.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace halobrush::lightcone {
namespace {

constexpr double step = 0.01;
constexpr double hubble_distance = 2997.92458;  // c / H_0, Mpc/h

}  // namespace

Distances::Distances(double omega_m, double largest_redshift) : omega_m_(omega_m), comoving_{0} {
  for (double z = 0; z <= largest_redshift; z = step * static_cast<double>(comoving_.size() - 1))
    comoving_.push_back(comoving_.back() + between(z, z + step));
}

double Distances::rate(double redshift) const {
  const double a = 1 + redshift;
  return hubble_distance / std::sqrt(omega_m_ * a * a * a + 1 - omega_m_);
}

// Five points: Abramowitz & Stegun, table 25.4.
double Distances::between(double low, double high) const {
  const double inner = std::sqrt(5 - 2 * std::sqrt(10. / 7)) / 3, outer = std::sqrt(5 + 2 * std::sqrt(10. / 7)) / 3;
  const double heavy = (322 + 13 * std::sqrt(70.)) / 900, light = (322 - 13 * std::sqrt(70.)) / 900;
  const double middle = (low + high) / 2, half = (high - low) / 2;
  return half * (128. / 225 * rate(middle) + heavy * (rate(middle - inner * half) + rate(middle + inner * half)) +
                 light * (rate(middle - outer * half) + rate(middle + outer * half)));
}

double Distances::comoving(double redshift) const {
  const auto below = std::min(static_cast<std::size_t>(redshift / step), comoving_.size() - 1);
  return comoving_[below] + between(step * static_cast<double>(below), redshift);
}

double Distances::redshift(double comoving) const {
  const auto above = std::ranges::upper_bound(comoving_, comoving);
  const auto below = static_cast<double>(std::max<std::ptrdiff_t>(above - comoving_.begin() - 1, 0));
  double z = step * (below + 0.5);
  for (int i = 0; i < 6; ++i) z -= (this->comoving(z) - comoving) / rate(z);  // Newton: in one step of the table 1e-4, 1e-9, exact
  return z;
}

double Distances::time_at(double redshift) const {
  return 2 / (3 * std::sqrt(1 - omega_m_)) * std::asinh(std::sqrt(1 / omega_m_ - 1) * std::pow(1 + redshift, -1.5));
}

double Distances::redshift_at(double time) const {
  return std::pow(std::sinh(1.5 * std::sqrt(1 - omega_m_) * time) / std::sqrt(1 / omega_m_ - 1), -2. / 3) - 1;
}

}  // namespace halobrush::lightcone
