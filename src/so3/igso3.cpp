#include "halobrush/so3/igso3.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "halobrush/so3/rotation.hpp"

namespace halobrush::so3 {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double series_above_sigma = 1.5;
// f is even in the angle and has a finite limit at 0; formulas divide by the angle, so 0 itself stands aside.
constexpr double least_angle = 1e-100;

struct Value {
  double log_density, slope;
};

// f = c_0 + sum_m c_m cos(m w), as sin((l+1/2) w) / sin(w/2) = 1 + 2 sum_{m<=l} cos(m w). From sigma = 1.5 on
// the terms with l > 6 are below 1e-20.
Value series(double angle, double sigma) {
  constexpr int terms = 6;
  double tail = 0, density = 0, slope = 0;
  for (int m = terms; m >= 0; --m) {
    tail += (2 * m + 1) * std::exp(-0.5 * m * (m + 1) * sigma * sigma);
    density += (m == 0 ? 1 : 2) * tail * std::cos(m * angle);
    slope -= 2 * m * tail * std::sin(m * angle);
  }
  return {std::log(density), slope / density};
}

// 1/w - cot(w/2) / 2, the slope of log(w / sin(w/2)).
double slope_of_log_measure(double w) {
  if (w > 0.2) return 1 / w - 0.5 / std::tan(w / 2);
  const double s = w * w;
  return w * (1. / 12 + s * (1. / 720 + s * (1. / 30240 + s * (1. / 1209600 + s / 47900160))));
}

// 2 exp(-x) d/dx (sinh(x) / x)
double scaled_sinhc_slope(double x) {
  if (x < 0.1) {
    const double s = x * x;
    return 2 * std::exp(-x) * x / 3 * (1 + s / 10 * (1 + s / 28 * (1 + s / 54)));
  }
  const double decay = std::exp(-2 * x);
  return (x * (1 + decay) - (1 - decay)) / (x * x);
}

// Poisson summation of the series: a sum over the images w + 2 pi k of a Gaussian in w,
//   f = sqrt(pi)/2 e^-3/2 exp(e/4 - w^2/(4e)) w / sin(w/2) {1 + h}, e = sigma^2 / 2,
// with h the images k and -k together, over w; k = 1 is the closed form of Nikolayev & Savyolova (1997), and
// k = 2 makes it exact up to sigma = 1.5. Nothing cancels at w -> 0 and nothing overflows at w -> pi.
Value images(double angle, double sigma) {
  const double w = std::max(angle, least_angle), e = sigma * sigma / 2;
  double sum = 1, sum_slope = 0;
  for (int k = 1; k <= 2; ++k) {
    const double rate = pi * k / e, x = rate * w, fall = std::expm1(-2 * x), a = 2 * pi * k * rate;
    const double weight = (k == 1 ? -1 : 1) * std::exp(-rate * (pi * k - w));
    sum += weight * (2 + fall + a * fall / x);
    sum_slope -= weight * rate * (fall + a * scaled_sinhc_slope(x));
  }
  const double gaussian = e / 4 - w * w / (4 * e);
  const double log_density = std::log(std::sqrt(pi) / 2) - 1.5 * std::log(e) + gaussian +
                             std::log(w / std::sin(w / 2)) + std::log(sum);
  return {log_density, -w / (2 * e) + slope_of_log_measure(w) + sum_slope / sum};
}

Value evaluate(double angle, double sigma) {
  return sigma < series_above_sigma ? images(angle, sigma) : series(angle, sigma);
}

double angle_density(double angle, double sigma) {
  const double half = std::sin(angle / 2);
  return igso3_density(angle, sigma) * 2 * half * half / pi;
}

// Beyond it lies less than 1e-17 of the angles.
double largest_angle(double sigma) {
  return std::min(pi, 9.2 * sigma);
}

// The angle's distribution on equidistant nodes: probability below and above, both to full relative accuracy.
class AngleDistribution {
 public:
  explicit AngleDistribution(double sigma) : step_(largest_angle(sigma) / panels) {
    std::array<double, panels> mass;
    for (std::size_t i = 0; i <= panels; ++i)
      density_[i] = angle_density(step_ * static_cast<double>(i), sigma);
    for (std::size_t i = 0; i < panels; ++i) {
      const double middle = angle_density(step_ * (static_cast<double>(i) + 0.5), sigma);
      mass[i] = step_ / 6 * (density_[i] + 4 * middle + density_[i + 1]);
    }
    for (std::size_t i = 0; i < panels; ++i) below_[i + 1] = below_[i] + mass[i];
    for (std::size_t i = panels; i-- > 0;) above_[i] = above_[i + 1] + mass[i];
  }

  /// The angle with this probability below and above it.
  double inverse(double below, double above) const {
    if (below < above) {
      const auto next = std::upper_bound(below_.begin() + 1, below_.end() - 1, below);
      return solve(static_cast<std::size_t>(next - below_.begin()) - 1, below_, 1, below);
    }
    const auto next = std::upper_bound(above_.begin() + 1, above_.end() - 1, above, std::greater<>());
    return solve(static_cast<std::size_t>(next - above_.begin()) - 1, above_, -1, above);
  }

 private:
  static constexpr std::size_t panels = 400;
  using Nodes = std::array<double, panels + 1>;

  // Cubic through both ends of the panel with the density as its slope, solved by bisection.
  double solve(std::size_t panel, const Nodes& value, double sign, double target) const {
    const double y0 = value[panel], y1 = value[panel + 1];
    const double d0 = sign * step_ * density_[panel], d1 = sign * step_ * density_[panel + 1];
    const double c2 = 3 * (y1 - y0) - 2 * d0 - d1, c3 = d0 + d1 - 2 * (y1 - y0);
    double low = 0, high = 1;
    for (int i = 0; i < 40; ++i) {
      const double t = 0.5 * (low + high), y = y0 + t * (d0 + t * (c2 + t * c3));
      (sign * (y - target) < 0 ? low : high) = t;
    }
    return step_ * (static_cast<double>(panel) + low);
  }

  double step_;
  Nodes density_{}, below_{}, above_{};
};

// One axis of the table: quantile = 1 - exp(-z^3). The angle is linear in z near 0
// and smooth up to quantiles of 1 - 1e-16.
constexpr double largest_z = 3.35;
double axis_of_quantile(double quantile) {
  return std::min(std::cbrt(-std::log1p(-quantile)), largest_z);
}

// The other axis: the angle over sigma is smooth in sigma^2 near 0, and in log sigma towards uniformity.
double axis_of_sigma(double sigma) {
  return std::log1p(sigma * sigma);
}
double sigma_at(double axis) {
  return std::sqrt(std::expm1(axis));
}

// What the angle scales with.
double scale_of(double sigma) {
  return sigma / std::sqrt(1 + sigma * sigma / 2.25);
}

}  // namespace

double igso3_log_density(double angle, double sigma) {
  return evaluate(angle, sigma).log_density;
}

double igso3_density(double angle, double sigma) {
  return std::exp(igso3_log_density(angle, sigma));
}

double igso3_log_density_slope(double angle, double sigma) {
  return evaluate(angle, sigma).slope;
}

double igso3_angle_cdf(double angle, double sigma) {
  // Gauss-Legendre, four points a panel; the density varies on the scale of sigma.
  constexpr std::array nodes = {0.3399810435848563, 0.8611363115940526};
  constexpr std::array weights = {0.6521451548625461, 0.3478548451374538};
  constexpr int panels = 64;
  const double half = std::min(angle, largest_angle(sigma)) / panels / 2;
  double sum = 0;
  for (int i = 0; i < panels; ++i)
    for (std::size_t n = 0; n < nodes.size(); ++n)
      for (double side : {-1., 1.})
        sum += weights[n] * angle_density(half * (2 * i + 1 + side * nodes[n]), sigma);
  return std::min(1., half * sum);
}

Vec3 igso3_score(const Mat3& clean, const Mat3& noisy, double sigma) {
  const Vec3 v = log(clean.transpose() * noisy);
  const double w = v.norm();
  // d angle / dt along noisy Exp(t n) is 1 for the axis n = v / w, the same in both frames.
  return w > 0 ? Vec3(v * (igso3_log_density_slope(w, sigma) / w)) : Vec3::Zero();
}

Igso3Sampler::Igso3Sampler(double sigma_min, double sigma_max)
    : axis_min_(axis_of_sigma(sigma_min)), sigmas_(240), quantiles_(512), table_(sigmas_ * quantiles_) {
  axis_step_ = (axis_of_sigma(sigma_max) - axis_min_) / static_cast<double>(sigmas_ - 1);
  for (std::size_t i = 0; i < sigmas_; ++i) {
    const double sigma = sigma_at(axis_min_ + axis_step_ * static_cast<double>(i));
    const AngleDistribution distribution(sigma);
    for (std::size_t j = 0; j < quantiles_; ++j) {
      const double z = largest_z * static_cast<double>(j) / static_cast<double>(quantiles_ - 1);
      table_[i * quantiles_ + j] =
          distribution.inverse(-std::expm1(-z * z * z), std::exp(-z * z * z)) / scale_of(sigma);
    }
  }
}

double Igso3Sampler::angle(double sigma, double quantile) const {
  const auto split = [](double x, std::size_t size) {  // cell and position in it
    x = std::clamp(x, 0., static_cast<double>(size - 1));
    const auto cell = std::min(static_cast<std::size_t>(x), size - 2);
    return std::pair{cell, x - static_cast<double>(cell)};
  };
  const auto [i, s] = split((axis_of_sigma(sigma) - axis_min_) / axis_step_, sigmas_);
  const auto [j, t] =
      split(axis_of_quantile(quantile) / largest_z * static_cast<double>(quantiles_ - 1), quantiles_);
  const double* low = &table_[i * quantiles_ + j];
  const double* high = low + quantiles_;
  const double at_low = low[0] + t * (low[1] - low[0]), at_high = high[0] + t * (high[1] - high[0]);
  return std::min(pi, scale_of(sigma) * (at_low + s * (at_high - at_low)));
}

Vec3 Igso3Sampler::tangent(double sigma, RandomStream& random) const {
  const double w = angle(sigma, random.uniform());
  return w * random.unit_vector();
}

}  // namespace halobrush::so3
