#include "noising.hpp"

#include <numbers>

#include "halobrush/core/random.hpp"
#include "halobrush/model/labels.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::train {
namespace {

// The known axis as it is, the roll about it drawn anew.
Mat3 rolled(const Mat3& frame, model::Orientation orientation, RandomStream random) {
  if (orientation == model::Orientation::ellipsoid) return frame;
  const double roll = 2 * std::numbers::pi * random.uniform();
  return frame * so3::exp(orientation == model::Orientation::spin ? Vec3(0, 0, roll) : Vec3(roll, 0, 0));
}

// [0, 1]: 0 the largest noise, 1 the smallest.
double level_from(RandomStream random, Levels levels) {
  if (levels == Levels::uniform) return random.uniform();
  constexpr double spread = 0.2;  // in ln of the noise some 1.2, as Karras et al. 2022 take
  double level = 0;
  do level = 0.5 + spread * random.normal();
  while (level < 0 || level > 1);
  return level;
}

}  // namespace

Levels levels_of(const config::Train& train) {
  return train.noise_levels == "middle" ? Levels::middle : Levels::uniform;
}

networks::Part part_that_forms(const diffusion::NoiseRange& range, std::uint32_t draw) {
  if (!range.labels_first) return networks::Part::both;
  return draw % 2 == 0 ? networks::Part::labels : networks::Part::orientation;
}

Noising::Noising(const LabelledPatch& patch, const model::ModelSpec& spec, const so3::Igso3Sampler& kernel,
                 Split split, std::uint64_t seed, Levels levels)
    : patch_(patch),
      spec_(spec),
      kernel_(kernel),
      split_(split),
      seed_(seed),
      levels_(levels),
      id_(patch.patch.halos.get<std::int64_t>("id")),
      clean_(model::encode_labels(spec.labels, patch.labels)) {}

void Noising::add(std::uint32_t draw, Noised& out, std::optional<double> level) const {
  for (std::size_t i = 0; i < patch_.patch.owned; ++i) {
    const double own = level.value_or(level_of(patch_.host[i], draw));
    const auto sigma = diffusion::noise_at(spec_.noise, own);
    out.level.push_back(own);
    out.weight.push_back(patch_.split[i] == split_ ? 1 : 0);
    for (std::size_t k = 0; k < patch_.known.size(); ++k) {
      const bool known = patch_.known[k][i] || (k > 0 && spec_.unknown_as_noise);
      const bool forms = !spec_.noise.labels_first || (k > 0) == (own < diffusion::middle_level);
      out.known.push_back(known);
      out.learned.push_back(known && forms);
    }
    add_rotation(i, sigma.rotation, draw, out);
    add_labels(i, sigma.scalar, draw, out);
  }
}

double Noising::level_of(std::int64_t host, std::uint32_t draw) const {
  const double level = level_from(RandomStream(seed_, host, Purpose::train_noise_level, draw), levels_);
  const auto part = part_that_forms(spec_.noise, draw);
  return part == networks::Part::both ? level : 0.5 * (level + (part == networks::Part::orientation ? 1 : 0));
}

void Noising::add_rotation(std::size_t i, double sigma, std::uint32_t draw, Noised& out) const {
  RandomStream random(seed_, id_[i], Purpose::train_rotation_noise, draw);
  const Vec3 tangent = kernel_.tangent(sigma, random);
  const double angle = tangent.norm();
  const double slope = angle > 0 ? so3::igso3_log_density_slope(angle, sigma) / angle : 0;
  for (int k = 0; k < 3; ++k) out.score.push_back(sigma * slope * tangent[k]);
  const Mat3 clean =
      rolled(patch_.frame[i], spec_.orientation, RandomStream(seed_, id_[i], Purpose::train_roll, draw));
  out.state.frames.push_back(patch_.known[0][i] ? Mat3(clean * so3::exp(tangent))
                                                : so3::uniform_rotation(random));
}

void Noising::add_labels(std::size_t i, double sigma, std::uint32_t draw, Noised& out) const {
  RandomStream random(seed_, id_[i], Purpose::train_scalar_noise, draw);
  const auto p = diffusion::preconditioning(sigma);
  for (std::size_t l = 0; l < spec_.labels.size(); ++l) {
    double x0 = clean_[i * spec_.labels.size() + l];
    const double noise = random.normal(), in_its_place = random.normal();
    if (spec_.unknown_as_noise && !patch_.known[l + 1][i]) x0 = in_its_place;
    const double x = x0 + sigma * noise;
    out.state.labels.push_back(x);
    out.target.push_back((x0 - p.skip * x) / p.out);
  }
}

}  // namespace halobrush::train
