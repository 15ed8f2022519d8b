#include "halobrush/model/orientation_law.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>

#include "halobrush/core/error.hpp"
#include "quadrature.hpp"

namespace halobrush::model {
namespace {

constexpr double pi = std::numbers::pi;

// ---- Sampling on circles and spheres ----

// exp(-x) I_0(x), x >= 0
double scaled_bessel_i0(double x) {
  if (x < 30) return std::exp(-x) * std::cyl_bessel_i(0., x);
  double term = 1, sum = 1;  // Abramowitz & Stegun 9.7.1; the last term is below 1e-16
  for (int k = 1; k < 16; ++k) sum += term *= (2 * k - 1) * (2 * k - 1) / (8 * k * x);
  return sum / std::sqrt(2 * pi * x);
}

// Rejection of a Bingham density exp(-y(x)), y a quadratic form with eigenvalues 0 and those given, from an
// angular central Gaussian of precision 1 + 2 y / b (Kent, Ganeiban & Mardia 2018): efficient for any
// concentration.
class BinghamEnvelope {
 public:
  template <std::size_t N>
  explicit BinghamEnvelope(const std::array<double, N>& eigenvalues) : dimension_(N + 1) {
    // Any b <= dimension is exact, the best solves 1/b + sum 1/(b + 2 eigenvalue) = 1; Newton from the left.
    for (int i = 0; i < 6; ++i) {
      double value = 1 / b_ - 1, slope = -1 / (b_ * b_);
      for (double eigenvalue : eigenvalues) {
        const double inverse = 1 / (b_ + 2 * eigenvalue);
        value += inverse;
        slope -= inverse * inverse;
      }
      b_ = std::min(b_ - value / slope, dimension_);
    }
    log_bound_ = (b_ - dimension_) / 2 + dimension_ / 2 * std::log(dimension_ / b_);
  }
  double b() const { return b_; }
  double acceptance(double y) const {
    return std::exp(dimension_ / 2 * std::log1p(2 * y / b_) - y - log_bound_);
  }

 private:
  double dimension_, b_ = 1, log_bound_;
};

// (cos psi, sin psi) of density exp(k cos^2 psi)
Eigen::Vector2d sample_circle(double k, RandomStream& random) {
  const BinghamEnvelope envelope(std::array{std::abs(k)});
  const double narrow = 1 / std::sqrt(1 + 2 * std::abs(k) / envelope.b());
  for (;;) {
    Eigen::Vector2d x(random.normal(), narrow * random.normal());  // dense along the first axis
    x.normalize();
    if (random.uniform() < envelope.acceptance(std::abs(k) * x[1] * x[1]))
      return k < 0 ? Eigen::Vector2d(x[1], x[0]) : x;
  }
}

struct Pull {  // exp(kappa (axis . direction)^2)
  Vec3 direction;
  double kappa;
};

// The second axis turns about the first, x. Integrated over it, the second pull gives
//   exp(k/2) I_0(k/2) = exp(max(k, 0)) [exp(-|k|/2) I_0(|k|/2)], k = kappa |direction_perp|^2,
// so x has a Bingham density (the first pull and that exponential) times the bracket: slowly varying, <= 1.
class FirstAxis {
 public:
  FirstAxis(const Pull& first, const Pull& second)
      : FirstAxis(first.kappa * first.direction * first.direction.transpose(), second) {
    // Eigenvalues of the exponent x^T form x: 0 and the two of a form of rank two.
    const double cosine = first.direction.dot(second.direction), mean = (first.kappa - pushed_) / 2;
    const double radius =
        std::sqrt(std::max(0., mean * mean + first.kappa * pushed_ * (1 - cosine * cosine)));
    eigenvalues_ = {mean + radius, mean - radius, 0};
    std::ranges::sort(eigenvalues_, std::greater<>());
  }
  FirstAxis(const Mat3& first, const Pull& second)
      : second_(second),
        pushed_(std::max(second.kappa, 0.)),
        form_(first - pushed_ * second.direction * second.direction.transpose()) {
    const Vec3 rising = Eigen::SelfAdjointEigenSolver<Mat3>(form_, Eigen::EigenvaluesOnly).eigenvalues();
    eigenvalues_ = {rising[2], rising[1], rising[0]};
  }

  double log_maximum() const { return eigenvalues_[0] + pushed_; }

  Vec3 sample(RandomStream& random) const {
    const BinghamEnvelope envelope(
        std::array{eigenvalues_[0] - eigenvalues_[1], eigenvalues_[0] - eigenvalues_[2]});
    const double b = envelope.b();
    const Eigen::LLT<Mat3> precision(Mat3((1 + 2 * eigenvalues_[0] / b) * Mat3::Identity() - 2 / b * form_));
    for (;;) {
      const Vec3 x = precision.matrixU().solve(random.normal3()).normalized();
      const double bingham = envelope.acceptance(eigenvalues_[0] - x.dot(form_ * x)), u = random.uniform();
      if (u < bingham && u < bingham * turning(x.dot(second_.direction))) return x;
    }
  }

  double turning(double cosine) const {
    return scaled_bessel_i0(std::abs(second_.kappa) * std::max(0., 1 - cosine * cosine) / 2);
  }

 private:
  Pull second_;
  double pushed_;
  Mat3 form_;
  std::array<double, 3> eigenvalues_;
};

Vec3 sample_second_axis(const Vec3& first, const Pull& pull, RandomStream& random) {
  const Vec3 across = pull.direction - first.dot(pull.direction) * first;
  const double square = across.squaredNorm();
  const Vec3 e = square > 1e-30 ? Vec3(across / std::sqrt(square)) : first.unitOrthogonal();
  const Eigen::Vector2d turn = sample_circle(pull.kappa * square, random);
  const Vec3 second = turn[0] * e + turn[1] * first.cross(e);
  return (second - second.dot(first) * first).normalized();
}

}  // namespace

Mat3 OrientationLaw::sample(RandomStream& random) const {
  if (!std::isfinite(kappa_a) || !std::isfinite(kappa_c) || !also.allFinite())  // no draw would ever be accepted
    throw internal_error("orientation law: concentrations {}, {} and {} are not finite; check the keys of the law",
                         kappa_a, kappa_c, also.norm());
  const Pull on_a{u, kappa_a}, on_c{w, kappa_c};
  // Either axis may go first, the more concentrated one wastes fewer draws; one that more than one thing pulls goes first.
  const bool more = !also.isZero(0), a_first = more || std::abs(kappa_a) >= std::abs(kappa_c);
  const Pull &first = a_first ? on_a : on_c, &second = a_first ? on_c : on_a;
  const Vec3 x = (more ? FirstAxis(form(), second) : FirstAxis(first, second)).sample(random);
  const Vec3 y = sample_second_axis(x, second, random);
  const Vec3 &a = a_first ? x : y, &c = a_first ? y : x;
  Mat3 frame;
  frame << a, c.cross(a), c;
  return frame;
}

Mat3 OrientationLaw::form() const {
  return kappa_a * u * u.transpose() + also;
}

double OrientationLaw::log_normalisation() const {
  // Over c in closed form (FirstAxis); over a in polar coordinates about w, a = t w + sqrt(1 - t^2) (e cos(phi) +
  // f sin(phi)). Even under a -> -a: half of the range of t will do.
  const Mat3 pull = form();
  const FirstAxis first(pull, {w, kappa_c});
  const double top = first.log_maximum(), kappa = pull.norm() + std::abs(kappa_c);
  static const std::vector<QuadratureNode> usual = half_gauss_legendre(32);
  const int size = kappa <= 100 ? 32 : static_cast<int>(32 * std::sqrt(kappa / 100)) + 1;
  const std::vector<QuadratureNode> nodes = size == 32 ? usual : half_gauss_legendre(size);
  // One pull alone is even in phi as well, counted from its direction.
  const bool one = also.isZero(0);
  const Vec3 axis = w.isZero(0) ? Vec3::UnitZ() : w, across = one ? Vec3(u - u.dot(axis) * axis) : Vec3::Zero();
  const Vec3 e = across.squaredNorm() > 1e-30 ? Vec3(across.normalized()) : axis.unitOrthogonal(), f = axis.cross(e);
  const int steps = one ? 2 * size : 4 * size;
  double sum = 0;
  for (const auto& [t, weight] : nodes) {
    const double r = std::sqrt(1 - t * t), pushed = std::max(kappa_c, 0.) * r * r;
    double ring = 0;
    for (int i = 0; i < steps; ++i) {
      const double phi = pi * (i + 0.5) / (2 * size);
      const Vec3 a = t * axis + r * (std::cos(phi) * e + std::sin(phi) * f);
      ring += std::exp(a.dot(pull * a) + pushed - top);
    }
    sum += weight * first.turning(t) * ring / steps;
  }
  return top + std::log(sum);
}

double OrientationLaw::log_density(const Mat3& frame) const {
  const double along_w = frame.col(2).dot(w);
  return frame.col(0).dot(form() * frame.col(0)) + kappa_c * along_w * along_w - log_normalisation();
}

}  // namespace halobrush::model
