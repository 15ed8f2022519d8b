// The stated law of axes and ratios (docs/lensing.md): early and late types, drawn to directions of halo, host and tidal
// field, and then sheared by that field (NLA, delta-NLA, tidal torquing).

#include <Eigen/Eigenvalues>
#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <optional>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/model/axes_painter.hpp"
#include "halobrush/model/orientation_law.hpp"
#include "linear_growth.hpp"
#include "logistic.hpp"
#include "principal_axis.hpp"

namespace halobrush::model {
namespace {

constexpr double pivot_log_stellar_mass = 10.5;
constexpr double largest_kappa = 50;

// C_1 rho_crit, C_1 = 5e-14 (Msun h^2 / Mpc^3)^-1: Brown et al. 2002, as in Joachimi et al. 2011.
constexpr double c1_rho_crit = 0.0134;

// An ellipsoid by its matrix V diag(a^2, b^2, c^2) V^T.
struct Ellipsoid {
  Mat3 frame;
  double b_to_a, c_to_a;

  Mat3 matrix() const { return frame * Vec3(1, b_to_a * b_to_a, c_to_a * c_to_a).asDiagonal() * frame.transpose(); }
  // Axes have no sign; the one nearer to `before` is taken, so that it turns with the box.
  static Ellipsoid of(const Mat3& matrix, const Mat3& before) {
    const Eigen::SelfAdjointEigenSolver<Mat3> solver(matrix);
    const Vec3 squares = solver.eigenvalues().cwiseMax(1e-12 * solver.eigenvalues()[2]);  // rising
    const auto axis = [&](int place, int like) -> Vec3 {
      const Vec3 v = solver.eigenvectors().col(place);
      return v.dot(before.col(like)) < 0 ? Vec3(-v) : v;
    };
    const Vec3 a = axis(2, 0), c = axis(0, 2);
    Mat3 frame;
    frame << a, c.cross(a), c;
    return {frame, std::sqrt(squares[1] / squares[2]), std::sqrt(squares[0] / squares[2])};
  }
};

// exp of a symmetric matrix: a stretch that keeps an ellipsoid an ellipsoid, however strong.
Mat3 exponential(const Mat3& symmetric) {
  const Eigen::SelfAdjointEigenSolver<Mat3> solver(symmetric);
  return solver.eigenvectors() * solver.eigenvalues().array().exp().matrix().asDiagonal() * solver.eigenvectors().transpose();
}

class ShapeLaw : public AxesPainter {
 public:
  ShapeLaw(const config::Shapes& law, std::uint64_t seed, const Mat3& frame, const Painter& first,
           const catalog::Table& halos, const catalog::Simulation& simulation)
      : law_(law), seed_(seed), frame_(frame), paints_spin_(first.paints_spin()) {
    const auto& scalars = first.scalars();
    const auto place = [&](const char* name) -> std::optional<std::size_t> {
      const auto found = std::ranges::find(scalars, name, &catalog::ColumnSpec::name);
      if (found == scalars.end()) return std::nullopt;
      return static_cast<std::size_t>(found - scalars.begin());
    };
    const auto scalar = [&](const char* name) {
      if (const auto found = place(name)) return *found;
      throw config_error(
          "painter.axes: the law goes by '{}', which the painter before it does not paint; give another painter.model, or "
          "painter.axes: \"\"",
          name);
    };
    mass_ = scalar("log_stellar_mass");
    early_ = place("early_type");
    if (!early_) color_ = scalar("color_gr");
    disc_ = place("disc_fraction");
    name_inputs(halos);
    if (sheared()) set_amplitudes(simulation);
  }

  std::string kind() const override { return "law"; }
  const Needs& needs() const override { return needs_; }
  std::vector<catalog::ColumnSpec> scalars() const override {
    if (early_) return {};
    return {{"early_type", "", "1: axes and ratios of the law of early types, 0: of late types"}};
  }

  void paint(const Inputs& inputs, Painted& galaxies) const override {
    const std::size_t n = inputs.owned;
    galaxies.frame.resize(n), galaxies.b_to_a.resize(n), galaxies.c_to_a.resize(n);
    std::vector<double> early(n);
    for (std::size_t i = 0; i < n; ++i) {
      RandomStream random(seed_, inputs.id[i], Purpose::shape_ratios), turns(seed_, inputs.id[i], Purpose::shape_axes);
      const double log_mass = galaxies.scalars[mass_][i];
      const double share = early_ ? galaxies.scalars[*early_][i] : early_share(galaxies, i);
      const bool is_early = random.uniform() < share;
      const auto& [b_to_a, c_to_b] = is_early ? Ratios{law_.b_to_a_early, law_.c_to_b_early} : Ratios{law_.b_to_a_late, law_.c_to_b_late};
      const double b = logistic(b_to_a[0] + b_to_a[1] * random.normal()), c = b * logistic(c_to_b[0] + c_to_b[1] * random.normal());
      const auto law = turned(orientation(inputs, i, spin_of(inputs, galaxies, i), log_mass, is_early));
      const Ellipsoid drawn{frame_ * law.sample(turns), b, c};
      const auto galaxy = sheared() ? sheared(drawn, inputs, i) : drawn;
      galaxies.frame[i] = galaxy.frame;
      galaxies.b_to_a[i] = galaxy.b_to_a;
      galaxies.c_to_a[i] = galaxy.c_to_a;
      early[i] = is_early ? 1 : 0;
    }
    if (!early_) galaxies.scalars.push_back(std::move(early));
  }

 private:
  struct Ratios {
    const std::array<double, 2>&b_to_a, &c_to_b;
  };

  static bool acts(const std::array<double, 2>& strength) { return strength[0] != 0 || strength[1] != 0; }
  bool sheared() const { return law_.nla != 0 || law_.torque != 0; }

  // Only what the strengths ask for: halos without shapes, and boxes without a tidal field, can still be painted.
  void name_inputs(const catalog::Table& halos) {
    auto& names = needs_.features;
    names.scalars = {"is_central"};
    names.polar = {"host_displacement"};
    if (acts(law_.spin) && !paints_spin_) names.axial = {"angular_momentum"};
    if (acts(law_.halo)) names.tensors.push_back("halo_shape");
    if (acts(law_.tide) || sheared()) {
      tide_ = names.tensors.size();
      names.tensors.push_back(fmt::format("tidal_{:g}", law_.smoothing));
      names.scalars.push_back(fmt::format("tidal_trace_{:g}", law_.smoothing));
    }
    try {
      features::assemble(halos.empty_like(), names);
    } catch (const Error& error) {
      throw config_error(
          "painter.axes: the law of section shapes lacks an input: {}; use halos that have it (a tidal tensor: put "
          "shapes.smoothing into field.smoothing), or set the strengths that need it to 0",
          error.what());
    }
  }

  void set_amplitudes(const catalog::Simulation& simulation) {
    const double growth = linear_growth(simulation.omega_m, simulation.omega_l, simulation.scale_factor);
    nla_ = law_.nla * c1_rho_crit * simulation.omega_m / growth;
    torque_ = 5 * law_.torque * c1_rho_crit * simulation.omega_m / (growth * growth);
  }

  double early_share(const Painted& galaxies, std::size_t i) const {
    const double redness = (galaxies.scalars[color_][i] - law_.early_centre) / law_.early_width;
    return logistic(redness - (disc_ ? law_.early_disc * (galaxies.scalars[*disc_][i] - 0.5) : 0));
  }

  Vec3 spin_of(const Inputs& inputs, const Painted& galaxies, std::size_t i) const {
    if (paints_spin_) return galaxies.spin[i];
    if (needs_.features.axial.empty()) return Vec3::Zero();
    return Vec3(inputs.nodes.axial.data() + 3 * i).stableNormalized();
  }

  const double* tensor(const Inputs& inputs, std::size_t row, std::size_t k) const {
    return inputs.nodes.tensors.data() + 6 * (row * needs_.features.tensors.size() + k);
  }

  OrientationLaw orientation(const Inputs& inputs, std::size_t i, const Vec3& spin, double log_mass, bool early) const {
    const bool central = inputs.nodes.scalars[i * needs_.features.scalars.size()] != 0;
    const double share = early ? 1 : law_.late_share;
    OrientationLaw law{Vec3::Zero(), spin};
    const auto pull = [&](const Vec3& direction, const std::array<double, 2>& strength) {
      law.also += share * concentration(strength, log_mass) * direction * direction.transpose();
    };
    if (acts(law_.halo) && central) pull(principal_axis(tensor(inputs, i, 0), Extreme::largest), law_.halo);
    if (acts(law_.tide) && central) pull(principal_axis(tensor(inputs, i, tide_), Extreme::smallest), law_.tide);
    if (acts(law_.radius) && !central)
      pull(Vec3(inputs.nodes.polar.data() + 3 * i).stableNormalized(), law_.radius);
    if (!early && !spin.isZero(0)) law.kappa_c = concentration(law_.spin, log_mass);
    return law;
  }

  // The draw is made in a box that is turned by frame_ back: turn both, and the galaxies turn.
  OrientationLaw turned(const OrientationLaw& law) const {
    return {Vec3::Zero(), frame_.transpose() * law.w, 0, law.kappa_c, frame_.transpose() * law.also * frame_};
  }

  // NLA (Hirata & Seljak 2004): <gamma_I> = -A C_1 rho_crit Omega_m / D (T_xx - T_yy, 2 T_xy) on any sky, T the tidal
  // tensor k_i k_j / k^2 delta. A stretch I + G shears what is seen along any direction by (G_xx - G_yy) / 2 + i G_xy, and
  // galaxies of isotropic orientation and |eps| = (1 - q) / (1 + q) answer to a shear with <eps> = gamma. Density
  // weighting: a factor (1 + delta)^p. Torquing: T^2 in the place of T, and 5 / D (Blazek et al. 2019, eq. 8).
  Mat3 stretch(const Inputs& inputs, std::size_t i) const {
    const double density = std::pow(10, inputs.nodes.scalars[i * needs_.features.scalars.size() + 1]), delta = density - 1;
    const Mat3 tide = (1 + std::abs(delta)) * to_matrix(Eigen::Map<const Sym3>(tensor(inputs, i, tide_)));
    const Mat3 square = tide * tide;
    return exponential(-2 * nla_ * std::pow(density, law_.density_exponent) * tide +
                       2 * torque_ * (square - square.trace() / 3 * Mat3::Identity()));
  }

  Ellipsoid sheared(const Ellipsoid& galaxy, const Inputs& inputs, std::size_t i) const {
    const Mat3 by = stretch(inputs, i);
    return Ellipsoid::of(by * galaxy.matrix() * by, galaxy.frame);
  }

  config::Shapes law_;
  std::uint64_t seed_;
  Mat3 frame_;
  bool paints_spin_;
  std::size_t mass_ = 0, color_ = 0, tide_ = 0;  // places among scalars and tensors
  std::optional<std::size_t> disc_, early_;  // early_: the painter before tells the type
  double nla_ = 0, torque_ = 0;
  Needs needs_;
};

}  // namespace

double concentration(const std::array<double, 2>& strength, double log_stellar_mass) {
  return std::clamp(strength[0] + strength[1] * (log_stellar_mass - pivot_log_stellar_mass), 0., largest_kappa);
}

std::unique_ptr<AxesPainter> make_shape_law(const config::Shapes& law, std::uint64_t seed, const Mat3& frame,
                                            const Painter& first, const catalog::Table& halos,
                                            const catalog::Simulation& simulation) {
  return std::make_unique<ShapeLaw>(law, seed, frame, first, halos, simulation);
}

}  // namespace halobrush::model
