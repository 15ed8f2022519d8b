#include "loss.hpp"

#include <numbers>

#include "halobrush/core/random.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::train {
namespace {

// What the network is shown and what it should have said; galaxies of one draw after those of another.
struct Noised {
  std::vector<double> frames, known, level, score, scaled_labels, target, weight;
};

// The known axis as it is, the roll about it drawn anew.
Mat3 rolled(const Mat3& frame, model::Orientation orientation, RandomStream random) {
  if (orientation == model::Orientation::ellipsoid) return frame;
  const double roll = 2 * std::numbers::pi * random.uniform();
  return frame * so3::exp(orientation == model::Orientation::spin ? Vec3(0, 0, roll) : Vec3(roll, 0, 0));
}

class NoiseMaker {
 public:
  NoiseMaker(const LabelledPatch& patch, const model::ModelSpec& spec, const so3::Igso3Sampler& kernel,
             Split split, std::uint64_t seed)
      : patch_(patch),
        spec_(spec),
        kernel_(kernel),
        split_(split),
        seed_(seed),
        id_(patch.patch.halos.get<std::int64_t>("id")),
        clean_(model::encode_labels(spec.labels, patch.labels)) {}

  void add(std::uint32_t draw, Noised& out) const {
    for (std::size_t i = 0; i < patch_.patch.owned; ++i) {
      const double level = RandomStream(seed_, patch_.host[i], Purpose::train_noise_level, draw).uniform();
      const auto sigma = diffusion::noise_at(spec_.noise, level);
      out.level.push_back(level);
      out.weight.push_back(patch_.split[i] == split_ ? 1 : 0);
      for (const auto& known : patch_.known) out.known.push_back(known[i]);
      add_rotation(i, sigma.rotation, draw, out);
      add_labels(i, sigma.scalar, draw, out);
    }
  }

 private:
  void add_rotation(std::size_t i, double sigma, std::uint32_t draw, Noised& out) const {
    RandomStream random(seed_, id_[i], Purpose::train_rotation_noise, draw);
    const Vec3 tangent = kernel_.tangent(sigma, random);
    const double angle = tangent.norm();
    const double slope = angle > 0 ? so3::igso3_log_density_slope(angle, sigma) / angle : 0;
    for (int k = 0; k < 3; ++k) out.score.push_back(sigma * slope * tangent[k]);
    const Mat3 clean =
        rolled(patch_.frame[i], spec_.orientation, RandomStream(seed_, id_[i], Purpose::train_roll, draw));
    const Mat3 frame = patch_.known[0][i] ? Mat3(clean * so3::exp(tangent)) : so3::uniform_rotation(random);
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 3; ++column) out.frames.push_back(frame(row, column));
  }

  void add_labels(std::size_t i, double sigma, std::uint32_t draw, Noised& out) const {
    RandomStream random(seed_, id_[i], Purpose::train_scalar_noise, draw);
    const auto p = diffusion::preconditioning(sigma);
    for (std::size_t l = 0; l < spec_.labels.size(); ++l) {
      const double x0 = clean_[i * spec_.labels.size() + l], x = x0 + sigma * random.normal();
      out.scaled_labels.push_back(p.in * x);
      out.target.push_back((x0 - p.skip * x) / p.out);
    }
  }

  const LabelledPatch& patch_;
  const model::ModelSpec& spec_;
  const so3::Igso3Sampler& kernel_;
  Split split_;
  std::uint64_t seed_;
  std::span<const std::int64_t> id_;
  std::vector<double> clean_;
};

}  // namespace

torch::Tensor loss_sum(const LabelledPatch& patch, const model::Batch& batch, const model::Network& network,
                       const model::ModelSpec& spec, const so3::Igso3Sampler& kernel, Split split,
                       std::uint64_t seed, std::span<const std::uint32_t> draws) {
  Noised noise;
  const NoiseMaker maker(patch, spec, kernel, split, seed);
  for (const auto draw : draws) maker.add(draw, noise);

  const auto times = static_cast<std::int64_t>(draws.size()), n = times * batch.owned;
  const auto labels = static_cast<std::int64_t>(spec.labels.size());
  const auto tensor = [&](const std::vector<double>& values, std::vector<std::int64_t> shape) {
    return torch::from_blob(const_cast<double*>(values.data()), shape, torch::kFloat64)
        .to(network.options(), false, true);
  };
  const auto denoiser = network.denoiser(batch.repeated(times), network.encode(batch).repeated(times));
  const auto known = tensor(noise.known, {n, 1 + labels});
  const auto out = denoiser({tensor(noise.frames, {n, 3, 3}), tensor(noise.scaled_labels, {n, labels}), known,
                             tensor(noise.level, {n, 1})});
  const auto rotation = torch::square(out.rotation - tensor(noise.score, {n, 3})).sum(1, true);
  const auto scalars = torch::square(out.scalars - tensor(noise.target, {n, labels}));
  const auto each = torch::cat({rotation, scalars}, 1) * known;
  return (each.sum(1, true) * tensor(noise.weight, {n, 1})).sum() / static_cast<double>(times);
}

}  // namespace halobrush::train
