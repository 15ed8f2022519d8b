#include "halobrush/catalog/content.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/mpi/agree.hpp"
#include "share.hpp"

namespace halobrush::catalog {
namespace {

using Digest = std::array<char, 64>;  // in hexadecimal

FileState state_of(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0)
    throw io_error("{}: cannot be opened ({}); check the path", path, std::strerror(errno));
  return {static_cast<std::uint64_t>(found.st_size),
          std::int64_t{found.st_ctim.tv_sec} * 1'000'000'000 + found.st_ctim.tv_nsec, found.st_ino};
}

std::vector<char> bytes_at(const std::string& path, std::uint64_t begin, std::uint64_t bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("{}: cannot be opened ({}); check the path", path, std::strerror(errno));
  std::vector<char> buffer(bytes);
  file.seekg(static_cast<std::streamoff>(begin));
  file.read(buffer.data(), static_cast<std::streamsize>(bytes));
  if (static_cast<std::uint64_t>(file.gcount()) != bytes)
    throw io_error("{}: cannot be read to its end (it became shorter, or the disk fails); check the file", path);
  return buffer;
}

struct Piece {
  std::size_t file;
  std::uint64_t begin, bytes;
};

// An empty file has one piece.
std::vector<Piece> pieces_of(const std::vector<FileState>& files) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::uint64_t begin = 0;
    do {
      pieces.push_back({i, begin, std::min(piece_bytes, files[i].bytes - begin)});
      begin += piece_bytes;
    } while (begin < files[i].bytes);
  }
  return pieces;
}

Digest digest_of(const std::vector<std::string>& files, const Piece& piece) {
  const auto hex = sha256_hex_of_part(files[piece.file], piece.begin, piece.bytes);
  Digest digest{};
  std::ranges::copy(hex, digest.begin());
  return digest;
}

// One hash stays what it is.
std::string combined(const std::vector<std::string>& hashes) {
  if (hashes.size() == 1) return hashes.front();
  std::string lines;
  for (const auto& hash : hashes) lines += hash + "\n";
  return sha256_hex(std::as_bytes(std::span(lines)));
}

Content content_from(std::vector<std::string> files, std::vector<FileState> states, const std::vector<Piece>& pieces,
                     const std::vector<Digest>& digests) {
  std::vector<std::vector<std::string>> of_pieces(files.size());
  for (std::size_t i = 0; i < pieces.size(); ++i)
    of_pieces[pieces[i].file].emplace_back(digests[i].begin(), digests[i].end());
  std::vector<std::string> of_files;
  std::ranges::transform(of_pieces, std::back_inserter(of_files), combined);
  Content content{combined(of_files), 0, std::move(files), std::move(states)};
  for (const auto& state : content.states) content.bytes += state.bytes;
  return content;
}

Fingerprint::File look_at(const std::string& path) {
  constexpr std::uint64_t sample = 1 << 20;
  Fingerprint::File file{state_of(path), {}};
  const auto bytes = std::min(sample, file.state.bytes), last = file.state.bytes - bytes;
  for (std::size_t k = 0; k < Fingerprint::samples; ++k) {
    const auto begin = last / (Fingerprint::samples - 1) * k + last % (Fingerprint::samples - 1) * k / (Fingerprint::samples - 1);
    const auto read = bytes_at(path, begin, bytes);
    file.hashes[k] = xxh3(std::as_bytes(std::span(read)));
  }
  return file;
}

}  // namespace

std::vector<FileState> states_of(const std::vector<std::string>& files) {
  std::vector<FileState> states;
  for (const auto& file : files) states.push_back(state_of(file));
  return states;
}

std::vector<FileState> states_of(const std::vector<std::string>& files, const mpi::Communicator& comm) {
  auto states = mpi::agree(comm, [&] { return comm.root() ? states_of(files) : std::vector<FileState>(files.size()); });
  comm.broadcast(std::span(states));
  return states;
}

Content content_of(const InputPaths& paths, const std::string& format) {
  auto files = files_of_catalog(paths, format).files;
  auto states = states_of(files);
  const auto pieces = pieces_of(states);
  std::vector<Digest> digests;
  for (const auto& piece : pieces) digests.push_back(digest_of(files, piece));
  return content_from(std::move(files), std::move(states), pieces, digests);
}

Content content_of(const InputPaths& paths, const mpi::Communicator& comm, const std::string& format) {
  auto files = files_of_catalog(paths, format, comm).files;
  auto states = states_of(files, comm);
  return content_of_files(std::move(files), std::move(states), comm);
}

Content content_of_files(std::vector<std::string> files, std::vector<FileState> states, const mpi::Communicator& comm) {
  const auto pieces = pieces_of(states);
  const auto mine = share_of({0, pieces.size()}, comm.rank(), comm.size());
  const auto digests = mpi::agree(comm, [&] {
    std::vector<Digest> of_mine;
    for (auto i = mine.begin; i < mine.end; ++i) of_mine.push_back(digest_of(files, pieces[i]));
    return of_mine;
  });
  return content_from(std::move(files), std::move(states), pieces, comm.gather_all(std::span<const Digest>(digests)).data);
}

void check_unchanged(const std::vector<std::string>& files, const std::vector<FileState>& before,
                     const mpi::Communicator& comm) {
  mpi::agree(comm, [&] {
    if (!comm.root()) return;
    if (files.size() != before.size())
      throw io_error("{}: files came or went while the catalog was read ({} before, {} now); run again when it is complete",
                     files.empty() ? "input.path" : files.front(), before.size(), files.size());
    for (std::size_t i = 0; i < files.size(); ++i)
      if (state_of(files[i]) != before[i])
        throw io_error("{}: changed while it was read (its size or time of change is another one); run again when it is "
                       "complete",
                       files[i]);
  });
}

std::string Fingerprint::to_json() const {
  auto json = nlohmann::json::array();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& [state, hashes] = files[i];
    json.push_back({{"path", paths[i]},
                    {"bytes", state.bytes},
                    {"changed_ns", state.changed_ns},
                    {"inode", state.inode},
                    {"samples", hashes}});
  }
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Fingerprint Fingerprint::from_json(const std::string& text) {
  try {
    Fingerprint fingerprint;
    for (const auto& file : nlohmann::json::parse(text)) {
      fingerprint.paths.push_back(file.at("path"));
      fingerprint.files.push_back(
          {{file.at("bytes"), file.at("changed_ns"), file.at("inode")}, file.at("samples")});
    }
    return fingerprint;
  } catch (const nlohmann::json::exception& error) {
    throw data_error("the fingerprint of an input cannot be read ({}); remove it", error.what());
  }
}

Fingerprint fingerprint_of(const InputPaths& paths, const mpi::Communicator& comm, const std::string& format) {
  const auto files = files_of_catalog(paths, format, comm).files;
  const auto mine = share_of({0, files.size()}, comm.rank(), comm.size());
  const auto looked = mpi::agree(comm, [&] {
    std::vector<Fingerprint::File> of_mine;
    for (auto i = mine.begin; i < mine.end; ++i) of_mine.push_back(look_at(files[i]));
    return of_mine;
  });
  Fingerprint fingerprint;
  for (const auto& file : files) fingerprint.paths.push_back(std::filesystem::absolute(file).string());
  fingerprint.files = comm.gather_all(std::span<const Fingerprint::File>(looked)).data;
  return fingerprint;
}

}  // namespace halobrush::catalog
