#include "checkpoint.hpp"

#include <filesystem>

#include "halobrush/core/error.hpp"

namespace halobrush::train {
namespace {

void write_parameters(torch::serialize::OutputArchive& archive, const std::string& prefix,
                      const model::Network& network) {
  for (const auto& [name, parameter] : network.parameters()) archive.write(prefix + name, parameter.detach());
}

void read_parameters(torch::serialize::InputArchive& archive, const std::string& prefix,
                     model::Network& network) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, parameter] : network.parameters()) {
    torch::Tensor stored;
    archive.read(prefix + name, stored);
    parameter.copy_(stored);
  }
}

}  // namespace

void save_checkpoint(const std::string& path, const TrainingState& state, const std::string& identity) {
  torch::serialize::OutputArchive archive, optimiser;
  archive.write("identity", torch::IValue(identity));
  archive.write("step", torch::IValue(state.step));
  write_parameters(archive, "network.", state.network);
  write_parameters(archive, "averaged.", state.averaged);
  write_parameters(archive, "best.", state.best);
  archive.write("best_loss", torch::IValue(state.best_loss));
  state.optimiser->save(optimiser);
  archive.write("optimiser", optimiser);
  try {
    archive.save_to(path + ".partial");
    std::filesystem::rename(path + ".partial", path);
  } catch (const std::exception&) {
    throw io_error(
        "{}: checkpoint cannot be written (no permission, or disk full); choose another train.checkpoint",
        path);
  }
}

bool load_checkpoint(const std::string& path, TrainingState& state, const std::string& identity) {
  if (!std::filesystem::exists(path)) return false;
  torch::serialize::InputArchive archive, optimiser;
  torch::IValue stored_identity, step;
  try {
    archive.load_from(path);
    archive.read("identity", stored_identity);
    archive.read("step", step);
  } catch (const std::exception&) {
    throw model_error("{}: is not a readable checkpoint (truncated?); remove it to start again", path);
  }
  if (stored_identity.toStringRef() != identity)
    throw config_error(
        "{}: checkpoint of another configuration or training set; remove it, or choose another "
        "train.checkpoint",
        path);
  state.step = step.toInt();
  read_parameters(archive, "network.", state.network);
  read_parameters(archive, "averaged.", state.averaged);
  read_parameters(archive, "best.", state.best);
  torch::IValue best_loss;
  archive.read("best_loss", best_loss);
  state.best_loss = best_loss.toDouble();
  archive.read("optimiser", optimiser);
  state.optimiser->load(optimiser);
  return true;
}

}  // namespace halobrush::train
