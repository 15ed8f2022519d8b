// Pose of a box from a few projected points, as a conditional density p(R | y) that knows what it cannot
// know. The centres of the box's three pairs of opposite faces are seen on a plane, each pair of its own
// colour, to 0.2 of half an edge. Which of a pair is which cannot be told, nor front from back: R D for D in
// D2, and all of these turned half around the line of sight, show the same points. Eight poses, equally
// likely.
//   so3_pose --views 20 --samples 800 --seed 1 --out pose.hdf5

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>

#include "halobrush/catalog/array_file.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/so3_density/rotation_density.hpp"
#include "halobrush/so3/igso3.hpp"
#include "halobrush/so3/rotation.hpp"
#include "program.hpp"

namespace {

using namespace halobrush;
using so3_density::RotationDensity;

constexpr double pixel_noise = 0.2;  // of the half edge, each coordinate
constexpr std::size_t poses = 8;
constexpr std::uint64_t training_seed = 20240102;

using Seen = std::array<Eigen::Vector2d, 3>;  // one of each pair of points, whichever

struct Arguments {
  std::string model = "models/so3/pose.safetensors", out;
  std::int64_t views = 20, samples = 800, evaluations = 16, steps = 10000;
  std::uint64_t seed = 1;
  bool train = false;
};

struct View {
  Mat3 pose;
  Seen seen;
};

View view(std::uint64_t seed, std::int64_t id) {
  RandomStream random(seed, id, Purpose::law_orientation);
  View v;
  v.pose = so3::uniform_rotation(random);
  for (int k = 0; k < 3; ++k)
    for (int axis = 0; axis < 2; ++axis) v.seen[k][axis] = v.pose(axis, k) + pixel_noise * random.normal();
  return v;
}

// What does not depend on which of a pair is which: p p^T of each. [9]
void append_features(const Seen& seen, std::vector<double>& to) {
  for (const auto& p : seen) to.insert(to.end(), {p[0] * p[0], p[1] * p[1], p[0] * p[1]});
}

// log of the likelihood of what is seen, up to a constant: each pair in both orders.
double log_likelihood(const Seen& seen, const Mat3& r) {
  double sum = 0;
  for (int k = 0; k < 3; ++k) {
    const Eigen::Vector2d p = r.block<2, 1>(0, k);
    const double scale = -0.5 / (pixel_noise * pixel_noise);
    sum += std::log(std::exp(scale * (seen[k] - p).squaredNorm()) +
                    std::exp(scale * (seen[k] + p).squaredNorm()));
  }
  return sum;
}

std::array<Mat3, poses> same_looking(const Mat3& pose) {
  std::array<Mat3, poses> all;
  const Mat3 half_turn = Vec3(-1, -1, 1).asDiagonal();
  for (std::size_t k = 0; k < 4; ++k) {
    all[k] = pose * so3::ellipsoid_symmetry()[k];
    all[k + 4] = half_turn * all[k];
  }
  return all;
}

// The exact posterior at one view, by importance sampling around the eight poses.
class Posterior {
 public:
  Posterior(const View& view, std::uint64_t seed) {
    const auto centres = same_looking(view.pose);
    const so3::Igso3Sampler kernel;
    constexpr std::size_t n = 20000;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      RandomStream random(seed, static_cast<std::int64_t>(i), Purpose::initial_orientation);
      const double pick = random.uniform();
      const auto k = static_cast<std::size_t>(pick * poses);
      const Mat3 r = random.uniform() < uniform_share
                         ? so3::uniform_rotation(random)
                         : Mat3(centres[k] * so3::exp(kernel.tangent(width, random)));
      double kernels = 0;
      for (const auto& c : centres)
        kernels += so3::igso3_density(so3::angle(c.transpose() * r), width) / poses;
      proposed_.push_back(r);
      proposal_.push_back(uniform_share + (1 - uniform_share) * kernels);
      sum += std::exp(log_likelihood(view.seen, r)) / proposal_.back();
      cumulative_.push_back(sum);
    }
    log_evidence_ = std::log(sum / n);
  }

  const std::vector<Mat3>& proposed() const { return proposed_; }
  double proposal(std::size_t i) const { return proposal_[i]; }
  double log_evidence() const { return log_evidence_; }
  std::vector<Mat3> draw(std::size_t n) const {
    std::vector<Mat3> drawn;
    for (std::size_t i = 0; i < n; ++i) {
      const double at = cumulative_.back() * (static_cast<double>(i) + 0.5) / static_cast<double>(n);
      drawn.push_back(proposed_[static_cast<std::size_t>(std::ranges::lower_bound(cumulative_, at) -
                                                         cumulative_.begin())]);
    }
    return drawn;
  }

 private:
  static constexpr double width = 0.3, uniform_share = 0.2;
  std::vector<Mat3> proposed_;
  std::vector<double> proposal_, cumulative_;
  double log_evidence_ = 0;
};

void train(const Arguments& arguments) {
  constexpr std::size_t n = 400000;
  std::vector<Mat3> rotations;
  std::vector<double> features;
  for (std::size_t i = 0; i < n; ++i) {
    const auto v = view(training_seed, static_cast<std::int64_t>(i));
    rotations.push_back(v.pose);
    append_features(v.seen, features);
  }
  so3_density::FitOptions options;
  options.steps = arguments.steps;
  options.high_frequency = 2, options.low_frequency = 0.5;
  options.report = examples::progress("pose", options.steps);
  if (const auto folder = std::filesystem::path(arguments.model).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder);
  RotationDensity::fit({rotations, features}, options).save(arguments.model);
}

std::vector<double> repeated(const std::vector<double>& row, std::size_t n) {
  std::vector<double> rows;
  for (std::size_t i = 0; i < n; ++i) rows.insert(rows.end(), row.begin(), row.end());
  return rows;
}

// The share of the drawn poses that each of the eight is nearest to.
std::array<double, poses> shares(const std::vector<Mat3>& drawn, const Mat3& pose) {
  const auto centres = same_looking(pose);
  std::array<double, poses> share{};
  for (const auto& r : drawn) {
    const auto nearest =
        std::ranges::min_element(centres, {}, [&](const Mat3& c) { return so3::angle(c.transpose() * r); });
    share[static_cast<std::size_t>(nearest - centres.begin())] += 1.0 / static_cast<double>(drawn.size());
  }
  return share;
}

struct Findings {
  std::size_t modes_found = 0;
  double least_share = 1, worst_integral = 1, excess = 0, entropy = 0;
  std::vector<Mat3> drawn, truth, pose;
};

void look(const RotationDensity& density, const View& v, std::size_t view_id, const Arguments& arguments,
          Findings& found) {
  const auto n = static_cast<std::size_t>(arguments.samples);
  std::vector<double> y;
  append_features(v.seen, y);
  const so3_density::SampleOptions options{arguments.evaluations, diffusion::Sampler::multistep, 0.02,
                                       arguments.seed + view_id};
  const auto drawn = density.sample(n, repeated(y, n), options);
  for (const double share : shares(drawn, v.pose)) {
    found.modes_found += share > 0.5 / poses;
    found.least_share = std::min(found.least_share, share);
  }

  const Posterior exact(v, arguments.seed + view_id);
  constexpr std::size_t points = 2000;
  const std::span some = std::span(exact.proposed()).first(points);
  const auto nats = density.log_density({some, repeated(y, points)});
  double learned = 0, posterior = 0;  // on the same points, so that their scatter cancels
  for (std::size_t i = 0; i < points; ++i) {
    learned += std::exp(nats[i]) / exact.proposal(i);
    posterior += std::exp(log_likelihood(v.seen, some[i]) - exact.log_evidence()) / exact.proposal(i);
  }
  const double integral = learned / posterior;
  if (std::abs(integral - 1) > std::abs(found.worst_integral - 1)) found.worst_integral = integral;

  const auto truth = exact.draw(n);
  const auto at_truth = density.log_density({truth, repeated(y, n)});
  for (std::size_t i = 0; i < n; ++i) {
    const double log_p = log_likelihood(v.seen, truth[i]) - exact.log_evidence();
    found.entropy -= log_p / static_cast<double>(n) / static_cast<double>(arguments.views);
    found.excess += (log_p - at_truth[i]) / static_cast<double>(n) / static_cast<double>(arguments.views);
  }
  found.drawn.insert(found.drawn.end(), drawn.begin(), drawn.end());
  found.truth.insert(found.truth.end(), truth.begin(), truth.end());
  found.pose.push_back(v.pose);
}

void run(const Arguments& arguments) {
  if (arguments.train || !std::filesystem::exists(arguments.model)) train(arguments);
  const auto density = RotationDensity::load(arguments.model);
  Findings found;
  for (std::int64_t i = 0; i < arguments.views; ++i)
    look(density, view(arguments.seed, i), static_cast<std::size_t>(i), arguments, found);
  const auto views = static_cast<std::uint64_t>(arguments.views),
             n = static_cast<std::uint64_t>(arguments.samples);
  std::cout << fmt::format(
      "modes {} of {} (with at least half their share of the samples; least share {:.3f}, equal 0.125)\n"
      "integral {:.4f} (of exp(log p), the worst of {} views)\n"
      "excess {:.4f} nats over the exact posterior, whose entropy is {:.3f}\n",
      found.modes_found, poses * views, found.least_share, found.worst_integral, views, found.excess,
      found.entropy);
  if (!arguments.out.empty())
    catalog::write_arrays(arguments.out, {{"R", {views, n, 3, 3}, examples::flattened(found.drawn)},
                                          {"truth", {views, n, 3, 3}, examples::flattened(found.truth)},
                                          {"pose", {views, 3, 3}, examples::flattened(found.pose)}});
  if (found.modes_found < poses * views)
    throw model_error(
        "{}: {} of {} symmetric poses are missing from its samples; train it longer (--train --steps)",
        arguments.model, poses * views - found.modes_found, poses * views);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  CLI::App app("Pose of a box from a few projected points: all eight poses that look alike.", "so3_pose");
  app.add_option("--views", a.views, "boxes to look at")->check(CLI::PositiveNumber);
  app.add_option("--samples", a.samples, "poses to draw for each")->check(CLI::PositiveNumber);
  app.add_option("--evaluations", a.evaluations, "network evaluations a sample")->check(CLI::PositiveNumber);
  app.add_option("--seed", a.seed, "of the views and draws");
  app.add_option("--model", a.model, "the network; trained where it is absent");
  app.add_option("--out", a.out, "HDF5 file to write: R and truth [views,n,3,3], pose [views,3,3]");
  app.add_option("--steps", a.steps, "training steps")->check(CLI::PositiveNumber);
  app.add_flag("--train", a.train, "train anew (under 5 minutes on a core)");
  return examples::run_program(app, argc, argv, [&] { run(a); });
}
