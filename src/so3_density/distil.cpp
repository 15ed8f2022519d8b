// A student that takes in one evaluation what the teacher takes in many.
#include <cmath>

#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/so3/igso3.hpp"
#include "halobrush/so3/rotation.hpp"
#include "optimiser.hpp"
#include "state.hpp"

namespace halobrush::so3_density {
namespace {

using torch::Tensor;

constexpr double finest = 0.02;            // rad; where the teacher's own last jump starts
constexpr double teacher_step = 0.25;      // of log sigma; two evaluations each
constexpr std::int64_t pool_rows = 32768;  // lessons at each level
constexpr std::int64_t rows_at_once = 2048;

// Little happens above `second`: the first evaluation takes all of it. The last one leads down to the data,
// which the teacher could not do from so high.
std::vector<double> student_levels(double sigma_max, std::int64_t evaluations) {
  const double second = 1.4, last = evaluations >= 8 ? 0.06 : 0.1;
  const auto steps = static_cast<double>(std::max<std::int64_t>(1, evaluations - 2));
  std::vector<double> levels = {sigma_max};
  for (std::int64_t i = 1; i < evaluations; ++i)
    levels.push_back(second * std::pow(last / second, static_cast<double>(i - 1) / steps));
  return levels;
}

// One evaluation of the student: from `sigma` to `next`, keeping this share of the noise.
struct Leap {
  double sigma, next, kept;
  // An error counts by the noise that is left to hide it.
  double weight() const { return std::pow(sigma * (1 - kept) / next, 2); }
};

std::vector<Leap> leaps_of(const std::vector<double>& levels) {
  std::vector<Leap> leaps;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    const bool last = l + 1 == levels.size();
    const double next = last ? finest : levels[l + 1];
    leaps.push_back({levels[l], next, last ? 0 : next / levels[l]});
  }
  return leaps;
}

// Where the student stands, and what it should say there.
struct Lessons {
  Tensor rotations, target, example;  // [m, 9], [m, 3], [m] row of the examples
};

Lessons lessons_for(const Leap& leap, std::uint32_t level, const Examples& examples,
                    const RotationDensity& teacher, double sigma_max, std::uint64_t seed) {
  const diffusion::NoiseRange range{finest, sigma_max, finest, sigma_max};
  const so3::Igso3Sampler kernel(finest, sigma_max);
  const double from = diffusion::level_of_rotation_noise(range, leap.sigma),
               to = diffusion::level_of_rotation_noise(range, leap.next);
  const auto steps = static_cast<std::int64_t>(std::ceil(std::log(leap.sigma / leap.next) / teacher_step));
  const auto d = teacher.features();
  std::vector<Mat3> starts;
  std::vector<double> target;
  std::vector<std::int64_t> example;
  for (std::int64_t first = 0; first < pool_rows; first += rows_at_once) {
    std::vector<Mat3> noisy;
    std::vector<double> features;
    for (std::int64_t i = first; i < first + rows_at_once; ++i) {
      RandomStream random(seed, i, Purpose::train_rotation_noise, level);
      const auto row =
          static_cast<std::size_t>(random.uniform() * static_cast<double>(examples.rotations.size()));
      noisy.push_back(examples.rotations[row] * so3::exp(kernel.tangent(leap.sigma, random)));
      const auto y = examples.features.subspan(row * d, d);
      features.insert(features.end(), y.begin(), y.end());
      example.push_back(static_cast<std::int64_t>(row));
    }
    const auto denoise = teacher.denoiser(noisy.size(), features, range);
    auto end = diffusion::flow(denoise, {noisy, {}}, range, from, to, steps);
    if (leap.kept == 0) end = diffusion::follow({{1, {0, 0}, 0}}, denoise, std::move(end));
    for (std::size_t i = 0; i < noisy.size(); ++i) {
      const Vec3 jump = so3::log(noisy[i].transpose() * end.frames[i]) / (leap.sigma * (1 - leap.kept));
      target.insert(target.end(), jump.data(), jump.data() + 3);
    }
    starts.insert(starts.end(), noisy.begin(), noisy.end());
  }
  return {entries(starts), torch::tensor(target, torch::kFloat64).to(torch::kFloat32).view({-1, 3}),
          torch::tensor(example)};
}

Tensor random_rows(std::int64_t count, std::uint64_t seed, std::int64_t level, std::int64_t step) {
  RandomStream random(seed, level, Purpose::train_order, static_cast<std::uint32_t>(step));
  auto rows = torch::empty({count}, torch::kInt64);
  for (std::int64_t i = 0; i < count; ++i)
    rows.data_ptr<std::int64_t>()[i] =
        static_cast<std::int64_t>(random.uniform() * static_cast<double>(pool_rows));
  return rows;
}

}  // namespace

RotationDensity RotationDensity::distilled(const Examples& examples, const DistilOptions& options) const {
  if (options.evaluations < 1)
    throw config_error("density: distilled to {} evaluations (at least one)", options.evaluations);
  if (features_of(examples) != features())
    throw data_error("density: the examples have {} features, the network {}", features_of(examples),
                     features());
  auto architecture = state_->architecture;
  architecture.levels = student_levels(architecture.sigma_max, options.evaluations);
  const auto leaps = leaps_of(architecture.levels);
  const auto n = static_cast<std::int64_t>(leaps.size()),
             share = std::max<std::int64_t>(1, options.batch / n);

  std::vector<Lessons> lessons;
  std::vector<Tensor> sigma, weight;
  for (const auto& leap : leaps) {
    const auto level = static_cast<std::uint32_t>(lessons.size());
    lessons.push_back(lessons_for(leap, level, examples, *this, architecture.sigma_max, options.seed));
    sigma.push_back(torch::full({share, 1}, leap.sigma, torch::kFloat32));
    weight.push_back(torch::full({share, 1}, leap.weight(), torch::kFloat32));
  }
  const auto all_sigma = torch::cat(sigma), all_weight = torch::cat(weight);
  const auto features = state_->standardised(examples.features, examples.rotations.size());
  const auto batch = [&](std::int64_t step) {
    std::vector<Tensor> rotations, target, example;
    for (std::int64_t l = 0; l < n; ++l) {
      const auto& lesson = lessons[static_cast<std::size_t>(l)];
      const auto rows = random_rows(share, options.seed, l, step);
      rotations.push_back(lesson.rotations.index_select(0, rows));
      target.push_back(lesson.target.index_select(0, rows));
      example.push_back(lesson.example.index_select(0, rows));
    }
    return Batch{torch::cat(rotations), all_sigma, features.index_select(0, torch::cat(example)),
                 torch::cat(target), all_weight};
  };
  auto student = std::make_unique<State>(State{architecture, state_->network.copy()});
  student->network = optimised(std::move(student->network),
                               {options.steps, options.batch, options.learning_rate, options.report}, batch);
  return RotationDensity(std::move(student));
}

}  // namespace halobrush::so3_density
