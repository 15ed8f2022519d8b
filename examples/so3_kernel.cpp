// How accurate the heat kernel IGSO(3) is, as a table: density and score against the defining series in long
// double, and a million sampled angles against the exact distribution.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numbers>
#include <vector>

#include "halobrush/so3/igso3.hpp"
#include "program.hpp"

namespace {

using namespace halobrush;

constexpr double pi = std::numbers::pi;

// f and df/dw by the series, summed until its terms vanish.
struct Series {
  long double density = 0, slope = 0;
  Series(long double w, long double sigma) {
    const int terms = static_cast<int>(12 / sigma) + 4;
    const long double s = std::sin(w / 2), c = std::cos(w / 2);
    for (int l = 0; l < terms; ++l) {
      const long double weight = (2 * l + 1) * std::exp(-l * (l + 1) * sigma * sigma / 2), k = l + 0.5L;
      density += weight * std::sin(k * w) / s;
      slope += weight * (k * std::cos(k * w) * s - std::sin(k * w) * c / 2) / (s * s);
    }
  }
};

double angle_measure(double w) {
  return 2 * std::sin(w / 2) * std::sin(w / 2) / pi;
}

struct Errors {
  double l1 = 0, score = 0;
};

// Over the angles that hold all but 1e-9 of the kernel; beyond, the series has lost its digits.
Errors against_series(double sigma) {
  constexpr int n = 1000;
  const double end = std::min(pi, 6.5 * sigma), step = end / n;
  Errors errors;
  for (int i = 0; i < n; ++i) {
    const double w = (i + 0.5) * step;
    const Series exact(w, sigma);
    errors.l1 +=
        std::abs(so3::igso3_density(w, sigma) - static_cast<double>(exact.density)) * angle_measure(w) * step;
    const auto score = static_cast<double>(exact.slope / exact.density);
    errors.score = std::max(errors.score, sigma * std::abs(so3::igso3_log_density_slope(w, sigma) - score));
  }
  return errors;
}

// Kolmogorov-Smirnov statistic of n angles, times sqrt(n): 1.95 is exceeded once in 1,000.
double kolmogorov_smirnov(const so3::Igso3Sampler& sampler, double sigma, std::size_t n) {
  RandomStream random(1, static_cast<std::int64_t>(sigma * 1e6), Purpose::test);
  std::vector<double> angles(n);
  for (auto& w : angles) w = sampler.tangent(sigma, random).norm();
  std::ranges::sort(angles);
  constexpr std::size_t knots = 4000;  // of the exact distribution, linear between them
  const double end = std::min(pi, 9.2 * sigma);
  std::vector<double> cdf;
  for (std::size_t i = 0; i <= knots; ++i)
    cdf.push_back(so3::igso3_angle_cdf(end * static_cast<double>(i) / knots, sigma));
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = std::min(angles[i] / end, 1.0) * knots;
    const auto k = std::min(static_cast<std::size_t>(x), knots - 1);
    const double exact = cdf[k] + (x - static_cast<double>(k)) * (cdf[k + 1] - cdf[k]);
    worst = std::max({worst, static_cast<double>(i + 1) / static_cast<double>(n) - exact,
                      exact - static_cast<double>(i) / static_cast<double>(n)});
  }
  return worst * std::sqrt(static_cast<double>(n));
}

void print_table(std::size_t draws) {
  const so3::Igso3Sampler sampler;
  std::cout << "| σ [rad] | L1 error of the density | largest error of σ·score | KS·√n of " << draws
            << " angles |\n|---|---|---|---|\n";
  for (const double sigma : {0.01, 0.03, 0.1, 0.3, 0.7, 1.0, 1.4, 1.5, 2.0, 3.0, 5.0, 10.0}) {
    const auto errors = against_series(sigma);
    std::cout << fmt::format("| {} | {:.1e} | {:.1e} | {:.2f} |\n", sigma, errors.l1, errors.score,
                             kolmogorov_smirnov(sampler, sigma, draws));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t draws = 1000000;
  CLI::App app("Errors of the heat kernel IGSO(3), as a table.", "so3_kernel");
  app.add_option("--draws", draws, "angles to sample at each noise level")->check(CLI::PositiveNumber);
  return examples::run_program(app, argc, argv, [&] { print_table(draws); });
}
