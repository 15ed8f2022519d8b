#include "loss.hpp"

#include "halobrush/pipeline/pipeline.hpp"

namespace halobrush::train {

std::vector<model::Batch> batches_of(const TrainingSet& set, torch::TensorOptions options) {
  const auto needs = model::needs_of(set.spec);
  std::vector<model::Batch> batches;
  for (const auto& patch : set.patches)
    batches.push_back(model::make_batch(pipeline::inputs_of(patch.patch, needs), set.spec, options));
  return batches;
}

torch::Tensor squared_errors(const model::Denoised& out, const std::vector<double>& rotation,
                             const std::vector<double>& labels, const torch::Tensor& known,
                             const std::vector<double>& weight) {
  const auto n = known.size(0);
  const auto as = [&](const std::vector<double>& values, std::int64_t columns) {
    return torch::from_blob(const_cast<double*>(values.data()), {n, columns}, torch::kFloat64)
        .to(known.options(), false, true);
  };
  const auto turn = torch::square(out.rotation - as(rotation, 3)).sum(1, true);
  const auto scalars = torch::square(out.scalars - as(labels, known.size(1) - 1));
  return ((torch::cat({turn, scalars}, 1) * known).sum(1, true) * as(weight, 1)).sum();
}

torch::Tensor loss_sum(const LabelledPatch& patch, const model::Batch& batch, const model::Network& network,
                       const model::ModelSpec& spec, const so3::Igso3Sampler& kernel, Split split,
                       const NoiseDraws& shown, model::Dropout dropout) {
  Noised noise;
  const Noising noising(patch, spec, kernel, split, shown.seed, shown.levels);
  for (const auto draw : shown.draws) noising.add(draw, noise);
  const auto times = static_cast<std::int64_t>(shown.draws.size());
  const auto denoiser =
      network.denoiser(batch.repeated(times), network.encode(batch).repeated(times), dropout);
  const auto noisy = model::noisy_of(noise.state, noise.level, noise.known, spec.noise, network.options());
  const auto learned = torch::from_blob(noise.learned.data(), noisy.known.sizes(), torch::kFloat64)
                           .to(noisy.known.options(), false, true);
  return squared_errors(denoiser(noisy), noise.score, noise.target, learned, noise.weight) /
         static_cast<double>(times);
}

}  // namespace halobrush::train
