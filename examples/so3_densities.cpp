// Draws from synthetic densities on SO(3) with a learned RotationDensity; trains it where none is there.
//   so3_densities --density blobs --evaluations 16 --samples 20000 --seed 1 --out blobs.hdf5

#include <filesystem>
#include <iostream>

#include "densities.hpp"
#include "halobrush/catalog/array_file.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/so3_density/rotation_density.hpp"
#include "halobrush/so3/igso3.hpp"
#include "halobrush/so3/rotation.hpp"
#include "program.hpp"

namespace {

using namespace halobrush;
using so3_density::RotationDensity;

struct Arguments {
  std::string density = "checkerboard", sampler = "multistep", models = "models/so3", out;
  std::int64_t evaluations = 16, samples = 20000, steps = 0, likelihood = 0;
  std::vector<std::int64_t> distil;
  std::uint64_t seed = 1;
  double sigma_min = 0.02;
  bool train = false, truth = false, plain = false;
};

constexpr std::size_t training_examples = 200000;
constexpr std::size_t smooth_training_examples = 2000000;  // whose density is to be exact to 0.01 nats
constexpr std::uint64_t training_seed = 20240101;          // its examples are never those of --truth
constexpr double smooth_blur = 0.05;  // rad; smallest noise of densities whose log p is asked for

std::string path_of(const Arguments& arguments, std::int64_t distilled = 0) {
  const auto suffix = distilled > 0 ? fmt::format("-{}", distilled) : std::string();
  return fmt::format("{}/{}{}.safetensors", arguments.models, arguments.density, suffix);
}

bool is_smooth(const Arguments& arguments) {
  return arguments.density == "mixture";
}

std::vector<Mat3> training_set(const Arguments& arguments) {
  const auto n = is_smooth(arguments) ? smooth_training_examples : training_examples;
  return examples::draw(*examples::density_named(arguments.density), n, training_seed);
}

void train(const Arguments& arguments) {
  const auto rotations = training_set(arguments);
  so3_density::FitOptions options;
  if (is_smooth(arguments)) {
    options.width = 64, options.frequencies = 32;
    options.high_frequency = 1.5, options.low_frequency = 0.5;
    options.sigma_min = smooth_blur;
    options.steps *= 2, options.batch *= 2;
  }
  if (arguments.steps > 0) options.steps = arguments.steps;
  options.report = examples::progress(arguments.density, options.steps);
  std::filesystem::create_directories(arguments.models);
  RotationDensity::fit({rotations, {}}, options).save(path_of(arguments));
}

void distil(const Arguments& arguments) {
  const auto rotations = training_set(arguments);
  const auto teacher = RotationDensity::load(path_of(arguments));
  for (const auto evaluations : arguments.distil) {
    RotationDensity::DistilOptions options;
    options.evaluations = evaluations;
    if (arguments.steps > 0) options.steps = arguments.steps;
    options.report =
        examples::progress(fmt::format("{}, {} evaluations", arguments.density, evaluations), options.steps);
    teacher.distilled({rotations, {}}, options).save(path_of(arguments, evaluations));
  }
}

// The network distilled to this number of evaluations where there is one.
std::string network_for(const Arguments& arguments) {
  const auto distilled = path_of(arguments, arguments.evaluations);
  if (arguments.sampler == "multistep" && !arguments.plain && std::filesystem::exists(distilled))
    return distilled;
  return path_of(arguments);
}

std::vector<Mat3> drawn(const Arguments& arguments) {
  const auto n = static_cast<std::size_t>(arguments.samples);
  if (arguments.truth) return examples::draw(*examples::density_named(arguments.density), n, arguments.seed);
  const auto path = network_for(arguments);
  std::cerr << "so3_densities: " << path << '\n';
  const so3_density::SampleOptions options{arguments.evaluations, *diffusion::sampler_named(arguments.sampler),
                                       arguments.sigma_min, arguments.seed};
  return RotationDensity::load(path).sample(n, {}, options);
}

// The integral of exp(log p) over SO(3), by draws from the truth mixed with uniform ones and as a difference
// from the truth's, which is 1; and what -log p costs more than the truth's own.
void print_likelihood(const Arguments& arguments) {
  if (!is_smooth(arguments))
    throw config_error(
        "--likelihood: '{}' has no density against Haar measure (one direction is a delta); take --density "
        "mixture",
        arguments.density);
  const auto density = RotationDensity::load(path_of(arguments));
  const auto n = static_cast<std::size_t>(arguments.likelihood);
  const auto truth = examples::draw(examples::Density::mixture, n, arguments.seed);
  const double uniform_share = 0.2;
  std::vector<Mat3> proposed;
  for (std::size_t i = 0; i < n; ++i) {
    RandomStream random(arguments.seed, static_cast<std::int64_t>(i), Purpose::initial_orientation);
    proposed.push_back(random.uniform() < uniform_share ? so3::uniform_rotation(random) : truth[i]);
  }
  const auto at_truth = density.log_density({truth, {}}, smooth_blur),
             at_proposed = density.log_density({proposed, {}}, smooth_blur);
  double integral = 1, excess = 0, entropy = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double exact_there = std::exp(examples::mixture_log_density(proposed[i]));
    const double proposal = uniform_share + (1 - uniform_share) * exact_there;
    integral += (std::exp(at_proposed[i]) - exact_there) / proposal / static_cast<double>(n);
    const double exact = examples::mixture_log_density(truth[i]);
    entropy -= exact / static_cast<double>(n);
    excess += (exact - at_truth[i]) / static_cast<double>(n);
  }
  std::cout << fmt::format("integral {:.4f}\nexcess {:.4f}\nentropy {:.4f}\n", integral, excess, entropy);
}

void run(const Arguments& arguments) {
  if (arguments.train || (!arguments.truth && !std::filesystem::exists(path_of(arguments)))) train(arguments);
  if (!arguments.distil.empty()) distil(arguments);
  if (arguments.likelihood > 0) print_likelihood(arguments);
  if (arguments.out.empty()) return;
  const auto rotations = drawn(arguments);
  catalog::write_arrays(
      arguments.out, {{"R", {rotations.size(), 3, 3}, examples::flattened(rotations)}},
      {{"density", arguments.density}, {"drawn", arguments.truth ? "truth" : arguments.sampler}});
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  CLI::App app("Synthetic densities on SO(3), learned and drawn from.", "so3_densities");
  app.add_option("--density", a.density, "which density")
      ->required()
      ->check(CLI::IsMember({"checkerboard", "blobs", "stripes", "mixture"}));
  app.add_option("--evaluations", a.evaluations, "network evaluations a sample")->check(CLI::PositiveNumber);
  app.add_option("--samples", a.samples, "rotations to draw")->check(CLI::PositiveNumber);
  app.add_option("--seed", a.seed, "of the draws");
  app.add_option("--out", a.out, "HDF5 file to write: R [n,3,3]");
  app.add_option("--sampler", a.sampler, "multistep, midpoint or authors")
      ->check(CLI::IsMember({"multistep", "midpoint", "authors"}));
  app.add_option("--sigma-min", a.sigma_min, "rad; where the last jump starts")->check(CLI::PositiveNumber);
  app.add_option("--models", a.models, "folder of the networks");
  app.add_option("--likelihood", a.likelihood,
                 "print the integral of exp(log p) and the excess of -log p, by so many draws (mixture)");
  app.add_option("--steps", a.steps, "training steps instead of the defaults")->check(CLI::PositiveNumber);
  app.add_flag("--train", a.train, "train anew (under 5 minutes on a core)");
  app.add_option("--distil", a.distil, "distil the network to each of these numbers of evaluations");
  app.add_flag("--truth", a.truth, "draw from the density itself");
  app.add_flag("--plain", a.plain, "never a distilled network");
  return examples::run_program(app, argc, argv, [&] { run(a); });
}
