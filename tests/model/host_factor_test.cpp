// Conformity: noise that the galaxies of one host halo share, against its stated covariance and a dense
// normal density.
#include "halobrush/model/host_factor.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <cmath>
#include <numbers>

#include "halobrush/core/random.hpp"
#include "support/statistics.hpp"

namespace halobrush::model {
namespace {

const HostFactor factor = {{-0.05, 0.2, 0.0, -0.3}, {0.4, -0.1, 0.1, 0.0}};
constexpr std::size_t labels = 4;
constexpr double sigma = 15;

// A central and two satellites in every host.
struct Galaxies {
  explicit Galaxies(std::size_t hosts) {
    for (std::size_t h = 0; h < hosts; ++h)
      for (std::size_t k = 0; k < 3; ++k) {
        id.push_back(static_cast<std::int64_t>(3 * h + k));
        host.push_back(static_cast<std::int64_t>(3 * h));
      }
  }
  std::vector<std::int64_t> id, host;
};

diffusion::State shared_noise(std::span<const std::int64_t> id, std::span<const std::int64_t> host) {
  diffusion::NoiseRange range;
  range.scalar_max = sigma;
  auto noise = diffusion::pure_noise(id, labels, 7, Mat3::Identity(), range);
  add_host_factor(noise, id, host, 7, factor, sigma);
  return noise;
}

// False alarm: 1e-6 a label by Kolmogorov, 16 x 3 covariances at 5 sigma: 4e-5 in all.
TEST(HostFactor, keeps_each_galaxy_standard_normal_and_gives_two_of_a_host_the_stated_covariance) {
  constexpr std::size_t hosts = 40'000;
  const Galaxies galaxies(hosts);
  const auto noise = shared_noise(galaxies.id, galaxies.host);
  const auto z = [&](std::size_t host, std::size_t member, std::size_t label) {
    return noise.labels[(3 * host + member) * labels + label] / sigma;
  };
  for (std::size_t member = 0; member < 2; ++member)
    for (std::size_t l = 0; l < labels; ++l) {
      std::vector<double> sample;
      for (std::size_t h = 0; h < hosts; ++h) sample.push_back(z(h, member, l));
      EXPECT_LT(testing_support::ks_statistic(sample,
                                              [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }),
                testing_support::ks_threshold(hosts, 1e-6))
          << "member " << member << ", label " << l;
    }
  const auto covariance = [&](std::size_t a, std::size_t k, std::size_t b, std::size_t l, std::size_t shift) {
    double sum = 0;
    for (std::size_t h = 0; h < hosts; ++h) sum += z(h, a, k) * z((h + shift) % hosts, b, l);
    return sum / hosts;
  };
  const double tolerance = 5 * std::sqrt(1.2 / hosts);
  for (std::size_t k = 0; k < labels; ++k)
    for (std::size_t l = 0; l < labels; ++l) {
      EXPECT_NEAR(covariance(1, k, 2, l, 0), factor.satellite[k] * factor.satellite[l], tolerance);
      EXPECT_NEAR(covariance(0, k, 1, l, 0), factor.central[k] * factor.satellite[l], tolerance);
      EXPECT_NEAR(covariance(1, k, 1, l, 0), k == l ? 1 : 0, 1.5 * tolerance);
      EXPECT_NEAR(covariance(1, k, 2, l, 1), 0, tolerance) << "galaxies of different hosts share noise";
    }
}

TEST(HostFactor, belongs_to_hosts_whatever_rows_are_painted_together) {
  const Galaxies galaxies(20);
  const auto all = shared_noise(galaxies.id, galaxies.host);
  const std::vector<std::int64_t> id = {galaxies.id[31], galaxies.id[7]},
                                  host = {galaxies.host[31], galaxies.host[7]};
  const auto some = shared_noise(id, host);
  for (std::size_t l = 0; l < labels; ++l) {
    EXPECT_EQ(some.labels[l], all.labels[31 * labels + l]);
    EXPECT_EQ(some.labels[labels + l], all.labels[7 * labels + l]);
  }
}

// log N(z; 0, covariance) - log N(z; 0, 1) of the known numbers of one host, by Cholesky.
double dense_ratio(const std::vector<double>& noise, const Galaxies& galaxies) {
  std::vector<std::size_t> known;
  for (std::size_t k = 0; k < noise.size(); ++k)
    if (!std::isnan(noise[k])) known.push_back(k);
  const auto n = static_cast<Eigen::Index>(known.size());
  Eigen::MatrixXd covariance(n, n);
  Eigen::VectorXd z(n);
  const auto loading = [&](std::size_t k) {
    const auto i = k / labels;
    return (galaxies.id[i] == galaxies.host[i] ? factor.central : factor.satellite)[k % labels];
  };
  for (Eigen::Index a = 0; a < n; ++a) {
    z[a] = noise[known[static_cast<std::size_t>(a)]];
    for (Eigen::Index b = 0; b < n; ++b) {
      const auto k = known[static_cast<std::size_t>(a)], l = known[static_cast<std::size_t>(b)];
      covariance(a, b) = k / labels == l / labels ? (a == b ? 1.0 : 0.0) : loading(k) * loading(l);
    }
  }
  const Eigen::LLT<Eigen::MatrixXd> cholesky(covariance);
  const Eigen::VectorXd white = cholesky.matrixL().solve(z);
  return -0.5 * white.squaredNorm() + 0.5 * z.squaredNorm() -
         Eigen::MatrixXd(cholesky.matrixL()).diagonal().array().log().sum();
}

TEST(HostFactor, density_is_that_of_the_joint_normal) {
  const Galaxies galaxies(1);
  std::vector<double> noise;
  RandomStream random(3, 1, Purpose::test);
  for (std::size_t k = 0; k < 3 * labels; ++k) noise.push_back(1.5 * random.normal());
  for (int round = 0; round < 2; ++round) {
    double sum = 0;
    for (const double r : log_density_ratio(noise, galaxies.id, galaxies.host, factor)) sum += r;
    EXPECT_NEAR(sum, dense_ratio(noise, galaxies), 1e-12) << (round == 0 ? "all known" : "known in part");
    noise[1] = noise[labels + 3] = std::nan("");
  }
}

}  // namespace
}  // namespace halobrush::model
