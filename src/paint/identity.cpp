#include "identity.hpp"

#include <algorithm>
#include <sstream>

#include "halobrush/core/hash.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::paint {
namespace {

struct File {
  std::string key, path;
  ExitCode missing;  // what its absence means
};

// Runs work that reads a file; its errors name the key.
template <class Work>
auto of_file(const File& file, Work&& work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.code() == ExitCode::io ? file.missing : error.code(), file.key + ": " + error.what());
  }
}

std::string hash_of(const File& file) {
  return file.path.empty() ? "none" : of_file(file, [&] { return sha256_hex_of_file(file.path); });
}

}  // namespace

catalog::Content content_of_halos(const config::Config& config, const mpi::Communicator& comm) {
  return of_file({"input.path", config.input.path.text(), ExitCode::io},
                 [&] { return catalog::content_of(config.input.path.each, comm, config.input.format); });
}

catalog::Identity identity_of(const config::Config& config, const catalog::Content& halos, const mpi::Communicator& comm) {
  const std::string model = config.painter.kind == "analytic" ? "" : config.painter.model;
  const std::string axes = config.painter.axes == "law" ? "" : config.painter.axes;
  const File density = {"density.file", config.density.file, ExitCode::io};
  const auto density_hash =
      density.path.empty() ? "none" : of_file(density, [&] {
        return catalog::content_of_files({density.path}, catalog::states_of({density.path}, comm), comm).sha256;
      });
  const std::vector<File> files = {{"painter.model", model, ExitCode::model}, {"painter.axes", axes, ExitCode::model}};
  const auto hashes = mpi::agree(comm, [&] {
    std::vector<std::string> result(files.size());
    if (comm.root()) std::ranges::transform(files, result.begin(), hash_of);
    return result;
  });
  catalog::Identity identity = {{"halobrush", version()}, {"input.path (SHA-256)", halos.sha256}, {"density.file (SHA-256)", density_hash}};
  for (std::size_t i = 0; i < files.size(); ++i)
    identity.emplace_back(files[i].key + " (SHA-256)", comm.broadcast(hashes[i]));
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
