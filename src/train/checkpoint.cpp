#include "checkpoint.hpp"

#include <filesystem>
#include <sstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"

namespace halobrush::train {
namespace {

void write_weights(torch::serialize::OutputArchive& archive, const std::string& prefix,
                   const Weights& weights) {
  for (const auto& [name, tensor] : weights) archive.write(prefix + name, tensor.detach());
}

void read_weights(torch::serialize::InputArchive& archive, const std::string& prefix, Weights& weights) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : weights) {
    torch::Tensor stored;
    archive.read(prefix + name, stored);
    tensor.copy_(stored);
  }
}

torch::IValue read_value(torch::serialize::InputArchive& archive, const std::string& name) {
  torch::IValue value;
  archive.read(name, value);
  return value;
}

void write_learner(torch::serialize::OutputArchive& archive, const Learner& learner) {
  const auto& name = learner.player.name;
  torch::serialize::OutputArchive optimiser;
  write_weights(archive, name + ".", learner.player.weights);
  learner.optimiser->save(optimiser);
  archive.write(name + "_optimiser", optimiser);
  archive.write(name + "_updates", torch::IValue(learner.updates));
  archive.write(name + "_loss_sum", torch::IValue(learner.loss_sum));
  archive.write(name + "_loss_count", torch::IValue(learner.loss_count));
}

void read_learner(torch::serialize::InputArchive& archive, Learner& learner) {
  const auto& name = learner.player.name;
  torch::serialize::InputArchive optimiser;
  read_weights(archive, name + ".", learner.player.weights);
  archive.read(name + "_optimiser", optimiser);
  learner.optimiser->load(optimiser);
  learner.updates = read_value(archive, name + "_updates").toInt();
  learner.loss_sum = read_value(archive, name + "_loss_sum").toDouble();
  learner.loss_count = read_value(archive, name + "_loss_count").toInt();
}

}  // namespace

void save_checkpoint(const std::string& path, const TrainingState& state, const std::string& identity) {
  torch::serialize::OutputArchive archive;
  archive.write("identity", torch::IValue(identity));
  archive.write("step", torch::IValue(state.step));
  for (const auto& learner : state.learners) write_learner(archive, learner);
  write_weights(archive, "averaged.", state.averaged);
  write_weights(archive, "kept.", state.kept);
  archive.write("kept_loss", torch::IValue(state.kept_loss));
  archive.write("best_loss", torch::IValue(state.best_loss));
  archive.write("intervals_since_best", torch::IValue(state.intervals_since_best));
  archive.write("training_loss", torch::IValue(state.training_loss));
  // Into memory first: an archive that cannot write its file ends the program in its destructor (LibTorch 1.13).
  std::ostringstream bytes;
  archive.save_to(bytes);
  write_durably(path, bytes.str());
}

bool load_checkpoint(const std::string& path, TrainingState& state, const std::string& identity) {
  if (!std::filesystem::exists(path)) return false;
  torch::serialize::InputArchive archive;
  std::string stored_identity;
  try {
    archive.load_from(path);
    stored_identity = read_value(archive, "identity").toStringRef();
  } catch (const std::exception&) {
    throw model_error("{}: is not a readable checkpoint (truncated?); remove it to start again", path);
  }
  if (stored_identity != identity)
    throw config_error(
        "{}: checkpoint of another configuration or training set; remove it, or choose another "
        "train.checkpoint",
        path);
  state.step = read_value(archive, "step").toInt();
  for (auto& learner : state.learners) read_learner(archive, learner);
  read_weights(archive, "averaged.", state.averaged);
  read_weights(archive, "kept.", state.kept);
  state.kept_loss = read_value(archive, "kept_loss").toDouble();
  state.best_loss = read_value(archive, "best_loss").toDouble();
  state.intervals_since_best = read_value(archive, "intervals_since_best").toInt();
  state.training_loss = read_value(archive, "training_loss").toDouble();
  return true;
}

}  // namespace halobrush::train
