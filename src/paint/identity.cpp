#include "identity.hpp"

#include <algorithm>
#include <sstream>

#include "halobrush/core/version.hpp"
#include "halobrush/model/setup.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::paint {
namespace {

struct File {
  std::string key, path;
  ExitCode missing;  // what its absence means
};

catalog::Content content_of(const File& file) {
  if (file.path.empty()) return {"none", 0};
  try {
    return catalog::content_of(file.path);
  } catch (const Error& error) {
    throw Error(error.code() == ExitCode::io ? file.missing : error.code(), file.key + ": " + error.what());
  }
}

}  // namespace

catalog::Content content_of_halos(const config::Config& config, const mpi::Communicator& comm) {
  const auto content = mpi::agree(comm, [&] {
    return comm.root() ? content_of({"input.path", config.input.path.text(), ExitCode::io}) : catalog::Content{};
  });
  return {comm.broadcast(content.sha256), comm.max(content.bytes)};
}

catalog::Identity identity_of(const config::Config& config, const catalog::Content& halos, const mpi::Communicator& comm) {
  const std::string model = config.painter.kind == "analytic" ? "" : config.painter.model;
  const std::string axes = config.painter.axes == "law" ? "" : config.painter.axes;
  const std::vector<File> files = {{"density.file", config.density.file, ExitCode::io},
                                   {"painter.model", model, ExitCode::model},
                                   {"painter.axes", axes, ExitCode::model}};
  const auto hashes = mpi::agree(comm, [&] {
    std::vector<std::string> result(files.size());
    if (comm.root()) std::ranges::transform(files, result.begin(), [](const File& file) { return content_of(file).sha256; });
    return result;
  });
  catalog::Identity identity = {{"version", version()}, {"input.path (SHA-256)", halos.sha256}};
  for (std::size_t i = 0; i < files.size(); ++i)
    identity.emplace_back(files[i].key + " (SHA-256)", comm.broadcast(hashes[i]));
  if (!model.empty() || !axes.empty()) {  // the stated laws are plain arithmetic on one thread
    identity.emplace_back("libtorch", model::torch_version());
    identity.emplace_back("threads", fmt::format("{}", config.compute.threads));
    identity.emplace_back("device", config.compute.device);
  }
  identity.emplace_back("processor", processor());
  for (auto& key : config::science_keys(config)) identity.push_back(std::move(key));
  return identity;
}

std::string text_of(const catalog::Identity& identity) {
  std::string text;
  for (const auto& [key, value] : identity) text += key + " = " + value + "\n";
  return text;
}

catalog::Identity identity_from(const std::string& text) {
  catalog::Identity identity;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (const auto equals = line.find(" = "); equals != std::string::npos)
      identity.emplace_back(line.substr(0, equals), line.substr(equals + 3));
  return identity;
}

}  // namespace halobrush::paint
