#include "halobrush/model/analytic.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "halobrush/core/error.hpp"
#include "logistic.hpp"
#include "principal_axis.hpp"
#include "quadrature.hpp"

namespace halobrush::model {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double pivot_log_stellar_mass = 10.5;
constexpr double largest_kappa = 50;

enum Scalar : std::size_t { log_stellar_mass, color_gr, log_size };

// ---- The law ----

double log_normal(double x, double mean, double deviation) {
  const double z = (x - mean) / deviation;
  return -0.5 * z * z - std::log(deviation) - 0.5 * std::log(2 * pi);
}

double log_logistic(double x) {
  return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x));
}
double logit(double p) {
  return std::log(p) - std::log1p(-p);
}
double log_logit_normal(double p, const std::array<double, 2>& law) {
  return log_normal(logit(p), law[0], law[1]) - std::log(p) - std::log1p(-p);
}

double log_sum_exp(double a, double b) {
  const double top = std::max(a, b);
  return std::isfinite(top) ? top + std::log(std::exp(a - top) + std::exp(b - top)) : top;
}

// Mean stellar mass of a halo, Moster et al. 2013, eq. 2.
double mean_log_stellar_mass(const config::AnalyticLaw& law, double log_halo_mass_msun) {
  const double x = std::pow(10, log_halo_mass_msun - law.log_m1);
  return log_halo_mass_msun + std::log10(2 * law.norm / (std::pow(x, -law.beta) + std::pow(x, law.gamma)));
}

// What differs between the two populations.
struct ColorLaw {
  const std::array<double, 2>&color, &size, &b_to_a, &c_to_b, &kappa_a, &kappa_c;
};
ColorLaw color_law(const config::AnalyticLaw& law, bool red) {
  if (red)
    return {law.color_red, law.size_red, law.b_to_a_red, law.c_to_b_red, law.kappa_a_red, law.kappa_c_red};
  return {law.color_blue,  law.size_blue,    law.b_to_a_blue,
          law.c_to_b_blue, law.kappa_a_blue, law.kappa_c_blue};
}

double linear(const std::array<double, 2>& value_and_slope, double log_mass) {
  return value_and_slope[0] + value_and_slope[1] * (log_mass - pivot_log_stellar_mass);
}

// Argument of the logistic probability to be red.
double redness(const config::AnalyticLaw& law, const GalaxyLaw& galaxy, double log_mass) {
  const double boost = galaxy.central ? 0 : law.red_satellite_boost;
  return (log_mass + boost - law.red_centre) / law.red_width;
}

}  // namespace

AnalyticPainter::AnalyticPainter(const config::AnalyticLaw& law, std::uint64_t seed,
                                 const catalog::Table& halos, double h)
    : law_(law), seed_(seed), log_h_(std::log10(h)) {
  if (!(h > 0) || !std::isfinite(h))
    throw model_error(
        "painter analytic: h is {} (stellar masses are in Msun, halo masses in Msun/h); use a halo catalog "
        "whose "
        "header gives h",
        h);
  const auto offered = features::available(halos);
  const auto offers = [&](const std::string& name) {
    return std::ranges::count(offered, name, &features::Feature::name) > 0;
  };
  auto& names = needs_.features;
  names.scalars = {"log_mass", "is_central"};
  names.polar = {"host_displacement"};
  has_shape_ = offers("shape_resolved") && offers("halo_shape");
  if (has_shape_) {
    names.scalars.push_back("shape_resolved");
    names.tensors.push_back("halo_shape");
  }
  if (offers("angular_momentum")) names.axial.push_back("angular_momentum");
  const auto tide =
      std::ranges::find_if(offered, [](const auto& feature) {  // listed by rising smoothing radius
        return feature.kind == features::Kind::tensor && feature.name.starts_with("tidal_");
      });
  has_tide_ = tide != offered.end();
  if (has_tide_) names.tensors.push_back(tide->name);
}

const std::vector<catalog::ColumnSpec>& AnalyticPainter::scalars() const {
  static const std::vector<catalog::ColumnSpec> specs = {
      {"log_stellar_mass", "dex(Msun)", "log10 of the stellar mass"},
      {"color_gr", "mag", "rest-frame g-r colour"},
      {"log_size", "dex(kpc)", "log10 of the half-mass radius, physical"}};
  return specs;
}

GalaxyLaw AnalyticPainter::law_of(const Inputs& inputs, std::size_t row) const {
  const auto& [scalar_names, polar_names, axial_names, tensor_names] = needs_.features;
  const double* scalar = inputs.nodes.scalars.data() + row * scalar_names.size();
  const double* tensor = inputs.nodes.tensors.data() + row * 6 * tensor_names.size();
  const double* tide = has_tide_ ? tensor + 6 * (tensor_names.size() - 1) : nullptr;
  const bool resolved = has_shape_ && scalar[2] != 0;

  GalaxyLaw galaxy{mean_log_stellar_mass(law_, scalar[0] - log_h_), scalar[1] != 0, Vec3::Zero(),
                   Vec3::Zero()};
  // T_ij = d_i d_j phi stretches along the eigenvector of its smallest eigenvalue, compresses along the
  // largest's.
  if (!galaxy.central)
    galaxy.u = Vec3(inputs.nodes.polar.data() + 3 * row).stableNormalized();
  else if (resolved)
    galaxy.u = principal_axis(tensor, Extreme::largest);
  else if (tide)
    galaxy.u = principal_axis(tide, Extreme::smallest);
  if (!axial_names.empty()) galaxy.w = Vec3(inputs.nodes.axial.data() + 3 * row).stableNormalized();
  if (galaxy.w.isZero(0) && tide) galaxy.w = principal_axis(tide, Extreme::largest);
  if (!galaxy.central && law_.hidden_kappa > 0)
    galaxy.w = RandomStream(seed_, inputs.host[row], Purpose::law_hidden_axis).unit_vector();
  return galaxy;
}

OrientationLaw AnalyticPainter::orientation_of(const GalaxyLaw& galaxy, double log_mass, bool red) const {
  const auto color = color_law(law_, red);
  const auto kappa = [&](const Vec3& direction, const auto& strength, double satellite_factor) {
    if (direction.isZero(0)) return 0.;
    return std::clamp(linear(strength, log_mass), 0., largest_kappa) *
           (galaxy.central ? 1 : satellite_factor);
  };
  if (!galaxy.central && law_.hidden_kappa > 0)
    return {galaxy.u, galaxy.w, kappa(galaxy.u, color.kappa_a, law_.satellite_kappa_a), law_.hidden_kappa};
  return {galaxy.u, galaxy.w, kappa(galaxy.u, color.kappa_a, law_.satellite_kappa_a),
          kappa(galaxy.w, color.kappa_c, law_.satellite_kappa_c)};
}

Painted AnalyticPainter::draw(const Inputs& inputs) const {
  const std::size_t n = inputs.owned;
  Painted painted{std::vector<Mat3>(n), std::vector<double>(n), std::vector<double>(n),
                  std::vector(scalars().size(), std::vector<double>(n)), std::vector<std::uint8_t>(n)};
  for (std::size_t i = 0; i < n; ++i) {
    const GalaxyLaw galaxy = law_of(inputs, i);
    RandomStream random(seed_, inputs.id[i], Purpose::law_scalars);
    const double log_mass = galaxy.log_stellar_mass_mean + law_.stellar_mass_scatter * random.normal();
    const bool red = random.uniform() < logistic(redness(law_, galaxy, log_mass));
    const auto color = color_law(law_, red);
    painted.scalars[log_stellar_mass][i] = log_mass;
    painted.scalars[color_gr][i] = color.color[0] + color.color[1] * random.normal();
    painted.scalars[log_size][i] = linear(color.size, log_mass) + law_.size_scatter * random.normal();
    painted.b_to_a[i] = logistic(color.b_to_a[0] + color.b_to_a[1] * random.normal());
    painted.c_to_a[i] = painted.b_to_a[i] * logistic(color.c_to_b[0] + color.c_to_b[1] * random.normal());
    RandomStream turns(seed_, inputs.id[i], Purpose::law_orientation);
    painted.frame[i] = orientation_of(galaxy, log_mass, red).sample(turns);
  }
  return painted;
}

void AnalyticPainter::require_independent_galaxies() const {
  if (law_.hidden_kappa > 0)
    throw config_error(
        "analytic.hidden_kappa: is {:g}: satellites then share what their halos do not tell, and their "
        "density "
        "has no closed form; set it to 0",
        law_.hidden_kappa);
}

std::vector<double> AnalyticPainter::log_orientation_density(const Inputs& inputs,
                                                             const std::vector<Mat3>& frames) const {
  require_independent_galaxies();
  static const std::vector<QuadratureNode> nodes = half_gauss_legendre(12);  // of the mass, over +- 5 deviations
  constexpr double reach = 5;
  std::vector<double> result(inputs.owned);
  for (std::size_t i = 0; i < inputs.owned; ++i) {
    const GalaxyLaw galaxy = law_of(inputs, i);
    double sum = 0;
    for (const auto& [x, weight] : nodes)
      for (const double z : {-reach * x, reach * x}) {
        const double log_mass = galaxy.log_stellar_mass_mean + law_.stellar_mass_scatter * z;
        const double red = logistic(redness(law_, galaxy, log_mass));
        const double density =
            red * std::exp(orientation_of(galaxy, log_mass, true).log_density(frames[i])) +
            (1 - red) * std::exp(orientation_of(galaxy, log_mass, false).log_density(frames[i]));
        sum += reach * weight * std::exp(log_normal(z, 0, 1)) * density;
      }
    result[i] = std::log(sum);
  }
  return result;
}

std::vector<double> AnalyticPainter::log_density(const Inputs& inputs, const Painted& galaxies) const {
  require_independent_galaxies();
  std::vector<double> result(inputs.owned);
  for (std::size_t i = 0; i < inputs.owned; ++i) {
    const GalaxyLaw galaxy = law_of(inputs, i);
    const double log_mass = galaxies.scalars[log_stellar_mass][i];
    const double b_to_a = galaxies.b_to_a[i], c_to_b = galaxies.c_to_a[i] / b_to_a;
    const auto log_of_color = [&](bool red) {
      const auto color = color_law(law_, red);
      const double red_argument = redness(law_, galaxy, log_mass);
      return log_logistic(red ? red_argument : -red_argument) +
             log_normal(galaxies.scalars[color_gr][i], color.color[0], color.color[1]) +
             log_normal(galaxies.scalars[log_size][i], linear(color.size, log_mass), law_.size_scatter) +
             log_logit_normal(b_to_a, color.b_to_a) + log_logit_normal(c_to_b, color.c_to_b) -
             std::log(b_to_a) + orientation_of(galaxy, log_mass, red).log_density(galaxies.frame[i]);
    };
    // The colour label is not a column: both populations could have made this galaxy.
    result[i] = log_normal(log_mass, galaxy.log_stellar_mass_mean, law_.stellar_mass_scatter) +
                log_sum_exp(log_of_color(true), log_of_color(false));
  }
  return result;
}

std::vector<std::string> AnalyticPainter::labels() const {
  std::vector<std::string> names;
  for (const auto& spec : scalars()) names.push_back(spec.name);
  names.insert(names.end(), {"b_to_a", "c_to_a"});
  return names;
}

std::vector<double> AnalyticPainter::log_density(const Inputs& inputs, const Observed& galaxies) const {
  const auto n = scalars().size();
  Painted painted{galaxies.frame, galaxies.labels[n], galaxies.labels[n + 1], galaxies.labels, {}};
  painted.scalars.resize(n);
  auto log_p = log_density(inputs, painted);
  for (const auto& known : galaxies.known)
    for (std::size_t i = 0; i < log_p.size(); ++i)
      if (!known[i]) log_p[i] = std::nan("");
  return log_p;
}

}  // namespace halobrush::model
