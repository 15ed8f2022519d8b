#include "identity.hpp"

#include "halobrush/core/hash.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::paint {
namespace {

std::string hash_or_none(const std::string& path) {
  return path.empty() ? "none" : sha256_hex_of_file(path);
}

}  // namespace

catalog::Identity identity_of(const config::Config& config, const mpi::Communicator& comm) {
  const std::string model = config.painter.kind == "analytic" ? "" : config.painter.model;
  std::vector<std::pair<std::string, std::string>> files = {{"input.path (SHA-256)", config.input.path},
                                                            {"density.file (SHA-256)", config.density.file},
                                                            {"painter.model (SHA-256)", model}};
  const auto hashes = mpi::agree(comm, [&] {
    std::vector<std::string> result(files.size());
    if (comm.root())
      for (std::size_t i = 0; i < files.size(); ++i) result[i] = hash_or_none(files[i].second);
    return result;
  });
  catalog::Identity identity = {{"halobrush", version()}};
  for (std::size_t i = 0; i < files.size(); ++i)
    identity.emplace_back(files[i].first, comm.broadcast(hashes[i]));
  for (auto& key : config::science_keys(config)) identity.push_back(std::move(key));
  return identity;
}

std::string text_of(const catalog::Identity& identity) {
  std::string text;
  for (const auto& [key, value] : identity) text += key + " = " + value + "\n";
  return text;
}

}  // namespace halobrush::paint
