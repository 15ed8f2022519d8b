#include "halobrush/train/train.hpp"

#include "distillation.hpp"
#include "gan.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/pipeline/sizes.hpp"
#include "loop.hpp"
#include "score_matching.hpp"
#include "training_set.hpp"

namespace halobrush::train {
namespace {

// What a resumed run must share with the one that wrote the checkpoint: every key that is not a place or a
// limit, and the data as the normalisation shows them.
std::string identity_of(config::Config config, const model::ModelSpec& spec) {
  const config::Config defaults;
  config.input.path = {};
  config.output.path = config.train.catalog = config.train.model = config.train.checkpoint = "";
  for (auto& catalog : config.train.more_catalogs) catalog = "";
  config.limits = defaults.limits;
  config.log = defaults.log;
  config.compute = defaults.compute;
  std::string text = config::to_yaml(config);
  for (const auto& v : spec.range.mean) text += fmt::format(" {}", v);
  for (const auto& label : spec.labels)
    text += fmt::format(" {} {} {}", label.column.name, label.mean, label.deviation);
  return sha256_hex(std::as_bytes(std::span(text)));
}

std::unique_ptr<Method> make_method(const TrainingSet& set, const config::Config& config) {
  if (!config.train.teacher.empty()) return std::make_unique<Distillation>(set, config);
  if (set.spec.painter == "graph_gan") return std::make_unique<GanTraining>(set, config);
  return std::make_unique<ScoreMatching>(set, config);
}

void write_model(const Outcome& outcome, const TrainingSet& set, const config::Config& config,
                 const mpi::Communicator& comm, Logger& log) {
  auto spec = set.spec;
  spec.provenance.emplace_back("steps", fmt::format("{}", outcome.steps));
  spec.provenance.emplace_back("training_loss", fmt::format("{:.5f}", outcome.training_loss));
  spec.provenance.emplace_back("held_out_loss", fmt::format("{:.5f}", outcome.held_out_loss));
  spec.provenance.emplace_back("training_galaxies_used", fmt::format("{}", set.training));
  spec.provenance.emplace_back("seconds", fmt::format("{:.0f} on {} ranks", outcome.seconds, comm.size()));
  mpi::agree(comm, [&] {
    if (comm.root()) model::write_model(config.train.model, {spec, networks::named_tensors(outcome.kept), ""});
  });
  log.info("train: wrote {} ({} patches a step, held-out loss {:.4f})", config.train.model,
           outcome.patches_a_step, outcome.held_out_loss);
}

}  // namespace

void run(const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  const Timer since_start;
  pipeline::check_input(config);
  if (config.train.catalog.empty())
    throw config_error("train.catalog: is not given; name the galaxy catalog to learn from");
  const auto set = mpi::agree(comm, [&] {
    if (config.train.teacher.empty()) return load_training_set(config, log);
    auto data = load_training_set(with_teachers_choices(config), log);
    data.spec = student_spec(config, data, log);
    return data;
  });
  const auto method = mpi::agree(comm, [&] { return make_method(set, config); });
  const auto outcome = run_loop(*method, set, config, identity_of(config, set.spec), since_start, comm, log);
  write_model(outcome, set, config, comm, log);
}

}  // namespace halobrush::train
