#include "network.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "halobrush/core/random.hpp"

namespace halobrush::so3_density {

using torch::Tensor;

namespace {

constexpr double unit_variance = 1.7;  // the nine entries have variance 1/3
constexpr std::int64_t level_features = 9;

// Noise blurs a wave of frequency b over R by a factor that falls with b^2 sigma^2; a third of that exponent
// is enough to keep what noise has made meaningless from the first layer (measured).
constexpr double damping = 1.0 / 6;

Tensor level_embedding(const Tensor& sigma, const Architecture& a) {
  const double low = std::log(a.sigma_min), high = std::log(a.sigma_max);
  const auto c = (torch::log(sigma) - low) * (2 / (high - low)) - 1;
  std::vector<Tensor> parts = {1.7 * c};
  for (int k = 1; k <= 4; ++k) {
    parts.push_back(torch::sin(0.5 * std::numbers::pi * k * c));
    parts.push_back(torch::cos(0.5 * std::numbers::pi * k * c));
  }
  return torch::cat(parts, 1);
}

std::vector<float> draws(std::uint64_t seed, std::int64_t stream, std::int64_t count, double deviation) {
  RandomStream random(seed, stream, Purpose::weight_initialisation);
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(deviation * random.normal()));
  return values;
}

// d/dt of the entries of R Exp(t e_k): column j becomes R (e_k x e_j). [3 n, 9]
Tensor tangents(const Tensor& rotations) {
  const auto r = rotations.view({-1, 3, 3});
  const auto x = r.select(2, 0), y = r.select(2, 1), z = r.select(2, 2), none = torch::zeros_like(x);
  return torch::cat(
             {torch::stack({none, z, -y}, 2), torch::stack({-z, none, x}, 2), torch::stack({y, -x, none}, 2)})
      .view({-1, 9});
}

}  // namespace

std::vector<std::pair<std::string, std::vector<std::int64_t>>> declared(const Architecture& a) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes = {
      {"frequencies", {9, a.frequencies}}};
  for (std::int64_t l = 0; l <= a.depth; ++l) {
    const std::int64_t in = l == 0 ? 2 * a.frequencies + 9 + level_features + a.features : a.width;
    const std::int64_t out = l == a.depth ? 3 : a.width;
    shapes.push_back({fmt::format("layer.{}.weight", l), {in, out}});
    shapes.push_back({fmt::format("layer.{}.bias", l), {out}});
  }
  return shapes;
}

Tensor entries(const std::vector<Mat3>& rotations) {
  const auto n = static_cast<std::int64_t>(rotations.size());
  auto out = torch::empty({n, 9}, torch::kFloat32);
  auto* v = out.data_ptr<float>();
  for (const auto& r : rotations)
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) *v++ = static_cast<float>(r(i, j));
  return out;
}

Network::Network(const Architecture& architecture, double high_frequency, double low_frequency,
                 std::uint64_t seed)
    : architecture_(architecture) {
  std::int64_t stream = 0;
  for (const auto& [name, shape] : declared(architecture)) {
    const std::int64_t count = shape.size() == 1 ? 0 : shape[0] * shape[1];
    auto tensor = torch::zeros(shape, torch::kFloat32);
    const auto values = draws(seed, stream++, count, 1 / std::sqrt(static_cast<double>(shape[0])));
    if (count > 0) std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
    if (name == "frequencies") {
      const auto half = architecture.frequencies / 2;
      tensor *= 3 * unit_variance;  // undo the scale by the nine inputs
      tensor =
          torch::cat({tensor.slice(1, 0, half) * high_frequency, tensor.slice(1, half) * low_frequency}, 1);
    }
    if (shape.size() == 2 && shape[1] == 3) tensor *= 0.1;
    tensors_.emplace_back(name, tensor.contiguous());
  }
}

Network::Network(const Architecture& architecture, std::vector<std::pair<std::string, Tensor>> tensors)
    : architecture_(architecture), tensors_(std::move(tensors)) {}

const Tensor& Network::weight(std::int64_t layer) const {
  return tensors_[static_cast<std::size_t>(1 + 2 * layer)].second;
}
const Tensor& Network::bias(std::int64_t layer) const {
  return tensors_[static_cast<std::size_t>(2 + 2 * layer)].second;
}

Tensor Network::operator()(const Tensor& rotations, const Tensor& sigma, const Tensor& features) const {
  const auto& b = tensors_[0].second;
  const auto phase = torch::mm(rotations, b);
  const auto fading = torch::exp(torch::square(sigma) *
                                 ((b * b).sum(0, true) * (-damping / (unit_variance * unit_variance))));
  const auto level = level_embedding(sigma, architecture_).expand({rotations.size(0), level_features});
  auto h = torch::cat(
      {torch::sin(phase) * fading, torch::cos(phase) * fading, unit_variance * rotations, level, features},
      1);
  for (std::int64_t l = 0; l < architecture_.depth; ++l) h = torch::silu(torch::addmm(bias(l), h, weight(l)));
  return torch::addmm(bias(architecture_.depth), h, weight(architecture_.depth));
}

std::pair<Tensor, Tensor> Network::with_divergence(const Tensor& rotations, const Tensor& sigma,
                                                   const Tensor& features) const {
  const auto n = rotations.size(0);
  const auto& b = tensors_[0].second;
  const auto phase = torch::mm(rotations, b);
  const auto fading = torch::exp(torch::square(sigma) *
                                 ((b * b).sum(0, true) * (-damping / (unit_variance * unit_variance))));
  const auto sine = torch::sin(phase) * fading, cosine = torch::cos(phase) * fading;
  const auto level = level_embedding(sigma, architecture_).expand({n, level_features});
  auto h = torch::cat({sine, cosine, unit_variance * rotations, level, features}, 1);

  // Forward mode: the tangents of all three directions ride along as three more batches.
  const auto dr = tangents(rotations);
  const auto dphase = torch::mm(dr, b);
  auto dh = torch::cat({dphase * cosine.repeat({3, 1}), -dphase * sine.repeat({3, 1}), unit_variance * dr,
                        torch::zeros({3 * n, level_features + architecture_.features})},
                       1);
  for (std::int64_t l = 0; l < architecture_.depth; ++l) {
    const auto z = torch::addmm(bias(l), h, weight(l)), gate = torch::sigmoid(z);
    h = z * gate;
    dh = torch::mm(dh, weight(l)).view({3, n, -1}).mul_(gate + h * (1 - gate)).view({3 * n, -1});
  }
  const auto& last = weight(architecture_.depth);
  auto divergence = torch::zeros({n});
  for (std::int64_t k = 0; k < 3; ++k)
    divergence += torch::mv(dh.slice(0, k * n, (k + 1) * n), last.select(1, k));
  return {torch::addmm(bias(architecture_.depth), h, last), divergence};
}

Network Network::copy() const {
  auto tensors = tensors_;
  for (auto& [name, tensor] : tensors) tensor = tensor.detach().clone();
  return {architecture_, std::move(tensors)};
}

std::vector<Tensor> Network::trainable() const {
  std::vector<Tensor> parameters;
  for (std::size_t i = 1; i < tensors_.size(); ++i) parameters.push_back(tensors_[i].second);
  return parameters;
}

}  // namespace halobrush::so3_density
