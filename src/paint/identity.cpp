#include "identity.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "halobrush/core/files.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/core/shared_files.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/model/networks.hpp"
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

// @collective Of all ranks: which of them paints a tile is decided while they do.
std::string processors(const mpi::Communicator& comm) {
  const auto mine = processor() + '\n';
  const auto all = comm.gather_all(std::span<const char>(mine)).data;
  std::istringstream lines(std::string(all.begin(), all.end()));
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) names.insert(line);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::filesystem::path note_of(const config::Config& config) {
  return std::filesystem::path(config.staging()) / "inputs.json";
}

std::string text_in(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return "";
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t checksum_of(const catalog::Content& content, const std::string& fingerprint) {
  const auto text = fmt::format("{} {} {}", content.sha256, content.bytes, fingerprint);
  return xxh3(std::as_bytes(std::span(text)));
}

// @collective What an earlier run noted of the input, if that looks as it did then.
std::optional<catalog::Content> noted_content(const config::Config& config, const mpi::Communicator& comm) {
  const auto text = comm.broadcast(mpi::agree(comm, [&] { return comm.root() ? text_in(note_of(config)) : std::string(); }));
  try {
    const auto note = nlohmann::json::parse(text);
    const auto fingerprint = note.at("fingerprint").get<std::string>();
    catalog::Content content{note.at("sha256"), note.at("bytes"), {}, {}};
    if (note.at("checksum") != checksum_of(content, fingerprint)) return std::nullopt;
    auto now = catalog::fingerprint_of(config.input.path.each, comm, config.input.format);
    if (fingerprint != now.to_json()) return std::nullopt;
    content.files = std::move(now.paths);
    for (const auto& file : now.files) content.states.push_back(file.state);
    return content;
  } catch (const nlohmann::json::exception&) {  // absent or damaged, the same on every rank
    return std::nullopt;
  }
}

}  // namespace

catalog::Content content_of_halos(const config::Config& config, const mpi::Communicator& comm) {
  return of_file({"input.path", config.input.path.brief(), ExitCode::io}, [&] {
    if (auto noted = noted_content(config, comm)) return std::move(*noted);
    return catalog::content_of(config.input.path.each, comm, config.input.format);
  });
}

void note_content(const config::Config& config, const catalog::Content& halos, const mpi::Communicator& comm) {
  const auto now = catalog::fingerprint_of(config.input.path.each, comm, config.input.format);
  mpi::agree(comm, [&] {
    if (!comm.root() || !std::ranges::equal(now.files, halos.states, {}, &catalog::Fingerprint::File::state)) return;
    const auto fingerprint = now.to_json();
    const nlohmann::json note = {{"fingerprint", fingerprint}, {"sha256", halos.sha256}, {"bytes", halos.bytes},
                                 {"checksum", checksum_of(halos, fingerprint)}};
    write_durably(note_of(config), note.dump() + "\n");
  });
}

catalog::Identity identity_of(const config::Config& config, const catalog::Content& halos, const mpi::Communicator& comm) {
  const std::string model = config.painter.kind == "analytic" ? "" : config.painter.model;
  const std::string axes = config.painter.axes == "law" ? "" : or_shared(config.painter.axes);
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
  catalog::Identity identity = {{"version", version()}, {"input.path (SHA-256)", halos.sha256}, {"density.file (SHA-256)", density_hash}};
  for (std::size_t i = 0; i < files.size(); ++i)
    identity.emplace_back(files[i].key + " (SHA-256)", comm.broadcast(hashes[i]));
  if (!model.empty() || !axes.empty()) {  // the stated laws are plain arithmetic on one thread
    identity.emplace_back("libtorch", model::torch_version());
    identity.emplace_back("threads", fmt::format("{}", config.compute.threads));
    identity.emplace_back("device", config.compute.device);
  }
  identity.emplace_back("processor", processors(comm));
  for (auto& key : config::science_keys(config)) identity.push_back(std::move(key));
  return identity;
}

}  // namespace halobrush::paint
