#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/subfind.hpp"
#include "halobrush/core/error.hpp"
#include "asdf.hpp"
#include "genericio.hpp"
#include "mpi_rockstar.hpp"
#include "opencosmo_halos.hpp"
#include "table_file.hpp"
#include "text_file.hpp"

namespace halobrush::catalog {
namespace {

using Start = std::array<char, 9>;

Start start_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw io_error("{}: cannot be opened ({}); check the path", path, std::strerror(errno));
  Start start{};
  file.read(start.data(), start.size());
  if (file.bad()) throw io_error("{}: cannot be read ({}); check the path", path, std::strerror(errno));
  return start;
}

bool is_hdf5(const Start& start) {
  return std::string_view(start.data(), 8) == "\x89HDF\r\n\x1a\n";
}

// safetensors: the length of the JSON header, then the header.
bool is_safetensors(const Start& start) {
  return start[8] == '{' && start[6] == 0 && start[7] == 0;
}

// A gzipped file can only be a list; a damaged one is for its reader to complain about.
bool is_gzip(const Start& start) {
  return start[0] == '\x1f' && start[1] == '\x8b';
}

bool begins_with_names(const std::string& path) {
  try {
    TextFile file(path);
    const auto line = file.next_line();
    return line && line->starts_with('#');
  } catch (const Error&) {
    return false;
  }
}

FileKind kind_of_hdf5(const std::string& path) {
  const auto type = data_type_of(path);
  if (type == galaxy_data_type) return FileKind::mock;
  if (type == halo_data_type) return has_hacc_columns(path) ? FileKind::opencosmo : FileKind::halo_catalog;
  if (is_mpi_rockstar(path)) return FileKind::mpi_rockstar;
  return is_subfind(path) ? FileKind::subfind : FileKind::unknown;
}

}  // namespace

FileKind kind_of(const std::string& path) {
  if (std::filesystem::is_directory(path)) return FileKind::subfind;
  const auto start = start_of(path);
  if (is_hdf5(start)) return kind_of_hdf5(path);
  if (is_genericio(start)) return FileKind::genericio;
  if (is_asdf(start)) return FileKind::compaso;
  if (is_safetensors(start)) return FileKind::model;
  return is_gzip(start) || begins_with_names(path) ? FileKind::rockstar : FileKind::unknown;
}

bool is_halo_catalog(FileKind kind) {
  return kind != FileKind::mock && kind != FileKind::model && kind != FileKind::unknown;
}

}  // namespace halobrush::catalog
