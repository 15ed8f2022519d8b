#include "halobrush/model/host_factor.hpp"

#include <cmath>
#include <map>

#include "halobrush/core/random.hpp"

namespace halobrush::model {
namespace {

const std::vector<double>& loading_of(const HostFactor& factor, std::int64_t id, std::int64_t host) {
  return id == host ? factor.central : factor.satellite;
}

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

// Of the members of one host: sums over their projections p on the loadings, of length lambda.
struct Members {
  double count = 0;
  double own = 0;    // log-density ratio of independent parts of variance 1 - lambda^2 to those of variance 1
  double share = 0;  // sum of lambda^2 / (1 - lambda^2)
  double pull = 0;   // sum of lambda p / (1 - lambda^2)

  void add(double lambda, double p) {
    const double rest = 1 - lambda * lambda;
    count += 1;
    own -= 0.5 * std::log(rest) + 0.5 * p * p * (1 / rest - 1);
    share += lambda * lambda / rest;
    pull += lambda * p / rest;
  }
  // Covariance diag(1 - lambda^2) + lambda lambda^T: determinant lemma and Sherman-Morrison.
  double log_ratio() const { return own - 0.5 * std::log1p(share) + 0.5 * pull * pull / (1 + share); }
};

}  // namespace

void add_host_factor(diffusion::State& noise, std::span<const std::int64_t> id,
                     std::span<const std::int64_t> host, std::uint64_t seed, const HostFactor& factor,
                     double sigma) {
  const auto labels = factor.satellite.size();
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto& loading = loading_of(factor, id[i], host[i]);
    const double squared = dot(loading, loading);
    if (squared == 0) continue;
    const auto own = std::span(noise.labels).subspan(i * labels, labels);
    const double shared = sigma * RandomStream(seed, host[i], Purpose::host_factor).normal();
    const double along = (std::sqrt(1 - squared) - 1) / squared * dot(loading, own);
    for (std::size_t l = 0; l < labels; ++l) own[l] += (shared + along) * loading[l];
  }
}

std::vector<double> log_density_ratio(const std::vector<double>& noise, std::span<const std::int64_t> id,
                                      std::span<const std::int64_t> host, const HostFactor& factor) {
  const auto labels = factor.satellite.size();
  std::map<std::int64_t, Members> hosts;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const auto& loading = loading_of(factor, id[i], host[i]);
    double squared = 0, product = 0;
    for (std::size_t l = 0; l < labels; ++l) {
      const double z = noise[i * labels + l];
      if (!std::isnan(z)) squared += loading[l] * loading[l], product += loading[l] * z;
    }
    const double lambda = std::sqrt(squared);
    hosts[host[i]].add(lambda, lambda > 0 ? product / lambda : 0);
  }
  std::vector<double> result;
  for (const auto h : host) result.push_back(hosts[h].log_ratio() / hosts[h].count);
  return result;
}

}  // namespace halobrush::model
