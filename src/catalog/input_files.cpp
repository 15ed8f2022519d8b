#include "halobrush/catalog/input_files.hpp"

#include <fmt/ranges.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "ahf.hpp"
#include "canonical.hpp"
#include "checks.hpp"
#include "compaso.hpp"
#include "genericio_halos.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/catalog/subfind.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "mpi_rockstar.hpp"
#include "rockstar_comments.hpp"
#include "text_file.hpp"

namespace halobrush::catalog {
namespace {

namespace fs = std::filesystem;

// False where it cannot be looked at: whoever opens it says why.
bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::string_view digits_at(std::string_view text, std::size_t at) {
  auto end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return text.substr(at, end - at);
}

// Negative: the first number is the smaller one. Numbers have any length.
int compare_numbers(std::string_view a, std::string_view b) {
  const auto significant = [](std::string_view digits) {
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  };
  const auto x = significant(a), y = significant(b);
  if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
  return x.compare(y);
}

bool is_there(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

std::vector<std::string> matches_of(const std::string& pattern) {
  glob_t found{};
  const int code = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + (code == 0 ? found.gl_pathc : 0));
  ::globfree(&found);
  std::erase_if(paths, is_folder);
  if (paths.empty())
    throw io_error("{}: no file matches this pattern; check input.path", pattern);
  return paths;
}

// ---- formats ----

std::string name_of(HaloFormat format) {
  switch (format) {
    case HaloFormat::rockstar: return "a Rockstar list";
    case HaloFormat::halobrush: return "a halobrush HDF5 catalog";
    case HaloFormat::subfind: return "a file of a SUBFIND catalog";
    case HaloFormat::opencosmo: return "an OpenCosmo catalog of HACC halos";
    case HaloFormat::mpi_rockstar: return "a file of an MPI-Rockstar catalog";
    case HaloFormat::genericio: return "a GenericIO catalog";
    case HaloFormat::compaso: return "a file of CompaSO halos";
    case HaloFormat::column_map: return "an HDF5 file by input.columns";
  }
  throw internal_error("a halo format without a name");
}

std::optional<HaloFormat> format_named(const std::string& format) {
  if (format == "rockstar") return HaloFormat::rockstar;
  if (format == "halobrush") return HaloFormat::halobrush;
  if (format == "subfind") return HaloFormat::subfind;
  if (format == "opencosmo") return HaloFormat::opencosmo;
  if (format == "mpi_rockstar") return HaloFormat::mpi_rockstar;
  if (format == "genericio") return HaloFormat::genericio;
  if (format == "compaso") return HaloFormat::compaso;
  if (format == "columns") return HaloFormat::column_map;
  if (format != "auto")
    throw config_error("input.format: no format '{}'; use auto, rockstar, halobrush, subfind, opencosmo, mpi_rockstar, genericio, compaso or columns", format);
  return std::nullopt;
}

HaloFormat format_of_file(const std::string& path) {
  switch (kind_of(path)) {
    case FileKind::rockstar:
      return HaloFormat::rockstar;
    case FileKind::subfind:
      return HaloFormat::subfind;
    case FileKind::opencosmo:
      return HaloFormat::opencosmo;
    case FileKind::mpi_rockstar:
      return HaloFormat::mpi_rockstar;
    case FileKind::genericio:
      return HaloFormat::genericio;
    case FileKind::compaso:
      return HaloFormat::compaso;
    case FileKind::halo_catalog:
      return HaloFormat::halobrush;
    case FileKind::mock:
      if (has_halo_columns(path)) return HaloFormat::halobrush;
      throw data_error("{}: holds galaxies (a mock), not halos; give a halo catalog", path);
    default:
      throw data_error(
          "{}: is no halo catalog of a format that is read here (they are in docs/formats.md); check input.path, or set input.format to learn what "
          "is missing; HDF5 of any layout is read by input.columns",
          path);
  }
}

// ---- folders ----

// A text may begin with '#' for other reasons: a list names at least these columns.
bool is_list_of_halos(const std::string& path) {
  TextFile file(path);
  const auto line = file.next_line();
  if (!line || !line->starts_with('#')) return false;
  const auto names = names_in(lower(std::string(line->substr(1))));
  return is_ahf(names) || std::ranges::all_of(std::array{"id", "x", "y", "z"}, [&](const char* name) { return std::ranges::count(names, name) > 0; });
}

std::optional<HaloFormat> by_its_name(const std::string& path, HaloFormat format) {
  return path.ends_with(".hdf5") || path.ends_with(".h5") ? std::optional(format) : std::nullopt;
}

// What a file of a folder is; nothing where it is no halo catalog, or an HDF5 file by another name (unfinished, a copy).
std::optional<HaloFormat> format_in_folder(const std::string& path) {
  const auto by_name = [&](HaloFormat format) { return by_its_name(path, format); };
  switch (kind_of(path)) {
    case FileKind::rockstar:
      return is_list_of_halos(path) ? std::optional(HaloFormat::rockstar) : std::nullopt;
    case FileKind::halo_catalog:
      return by_name(HaloFormat::halobrush);
    case FileKind::subfind:
      return by_name(HaloFormat::subfind);
    case FileKind::opencosmo:
      return by_name(HaloFormat::opencosmo);
    case FileKind::mpi_rockstar:
      return by_name(HaloFormat::mpi_rockstar);
    case FileKind::genericio:
      return is_genericio_of_halos(path) ? std::optional(HaloFormat::genericio) : std::nullopt;
    case FileKind::compaso:
      return is_compaso(path) ? std::optional(HaloFormat::compaso) : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) throw io_error("{}: cannot be read ({}); check the path", folder, error.message());
  for (const auto& entry : entries)
    if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.')) files.push_back(entry.path().string());
  std::ranges::sort(files, natural_less);
  return files;
}

std::string filename_of(const std::string& path) {
  return fs::path(path).filename().string();
}

std::string remark_on_others(const std::string& folder, const std::vector<std::string>& others) {
  constexpr std::size_t most = 5;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(most, others.size()); ++i) names.push_back(filename_of(others[i]));
  if (others.size() > most) names.push_back(fmt::format("{} more", others.size() - most));
  return fmt::format("{}: not read, for they are no halo catalogs: {}", folder, fmt::join(names, ", "));
}

CatalogFiles files_of_folder(const std::string& folder, std::optional<HaloFormat> wanted) {
  if (wanted == HaloFormat::subfind) return {HaloFormat::subfind, folder, subfind_files(folder)};
  std::map<HaloFormat, std::vector<std::string>> found;
  std::vector<std::string> others;
  for (const auto& file : files_in(folder)) {
    const auto format = wanted == HaloFormat::column_map ? by_its_name(file, HaloFormat::column_map) : format_in_folder(file);
    if (format && (!wanted || format == wanted))
      found[*format].push_back(file);
    else
      others.push_back(file);
  }
  if (found.empty())
    throw data_error("{}: is a folder without {}; check input.path", folder, wanted ? name_of(*wanted) : "a halo catalog");
  if (found.size() > 1) {
    const auto said = [](const auto& of) { return fmt::format("{} is {}", filename_of(of.second.front()), name_of(of.first)); };
    throw data_error("{}: the folder has catalogs of several formats ({}, {}); name the files of one by a pattern", folder,
                     said(*found.begin()), said(*std::next(found.begin())));
  }
  auto& [format, files] = *found.begin();
  if (format == HaloFormat::subfind) return {format, folder, subfind_files(folder)};
  CatalogFiles catalog{format, "", std::move(files)};
  if (!others.empty()) catalog.remarks.push_back(remark_on_others(folder, others));
  return catalog;
}

// ---- several files ----

// Each file once, by whatever names it is given.
void sort_and_make_unique(std::vector<std::string>& files) {
  std::ranges::sort(files, natural_less);
  std::set<std::pair<dev_t, ino_t>> seen;
  std::erase_if(files, [&](const std::string& file) {
    struct stat found {};
    return ::stat(file.c_str(), &found) == 0 && !seen.emplace(found.st_dev, found.st_ino).second;
  });
}

// name.N.list: the names of a numbered set without their numbers, and the numbers.
struct Numbered {
  std::string before, after;
  unsigned long number = 0;
  std::size_t width = 0;
};

// By the last number of the name, the one in .hdf5 apart. Files of a set may be compressed or not.
std::optional<Numbered> numbered(std::string path) {
  if (path.ends_with(".gz")) path.resize(path.size() - 3);
  const auto folder = path.size() - filename_of(path).size();
  auto end = path.size();
  for (const std::string_view extension : {".hdf5", ".h5"})
    if (path.ends_with(extension)) end = path.size() - extension.size();
  while (end > folder && !is_digit(path[end - 1])) --end;
  auto begin = end;
  while (begin > folder && is_digit(path[begin - 1])) --begin;
  if (begin == end || end - begin > 9) return std::nullopt;
  return Numbered{path.substr(0, begin), path.substr(end), std::stoul(path.substr(begin, end - begin)), end - begin};
}

// Some formats say themselves which files belong together.
void take_whole_sets(CatalogFiles& catalog) {
  if (catalog.format != HaloFormat::genericio) return;
  catalog.files = genericio_files(catalog.files);
  catalog.path = catalog.files.front();
}

// out_0.0.list and out_0.2.list: where is out_0.1.list?
void check_numbers(const std::vector<std::string>& files, std::vector<std::string>& remarks) {
  std::map<std::pair<std::string, std::string>, std::map<unsigned long, std::size_t>> sets;
  for (const auto& file : files)
    if (const auto name = numbered(file)) sets[{name->before, name->after}][name->number] = name->width;
  for (const auto& [name, numbers] : sets) {
    const auto [first, width] = *numbers.begin();
    const auto last = numbers.rbegin()->first;
    if (numbers.size() < 2 || (first <= 1 && last - first + 1 == numbers.size())) continue;
    auto absent = first > 1 ? 0 : first;
    while (numbers.contains(absent)) ++absent;
    const bool padded = width >= std::to_string(last).size();
    const auto file = fmt::format("{}{:0{}}{}", name.first, absent, padded ? width : 0, name.second);
    const auto why = fmt::format("{} files of this set are numbered from {} to {}", numbers.size(), first, last);
    if (first <= 1)
      throw data_error("{}: {} ({}); add it, or rename the files if they are all", file,
                       is_there(file) || is_there(file + ".gz") ? "is not one of the halo catalogs" : "is absent", why);
    remarks.push_back(fmt::format("{}{} is absent ({})", warning, file, why));
  }
}

void check_one_format(const std::vector<std::string>& files, std::optional<HaloFormat> wanted, CatalogFiles& catalog) {
  catalog.format = wanted ? *wanted : format_of_file(files.front());
  for (const auto& file : files) {
    const auto format = wanted ? *wanted : format_of_file(file);
    if (format == HaloFormat::subfind)
      throw data_error("{}: is {}, and is given with other files; name its set by one of its files or by its folder", file,
                       name_of(format));
    if (format != catalog.format)
      throw data_error("{}: is {}, but {} is {}; give files of one format", file, name_of(format), files.front(),
                       name_of(catalog.format));
  }
}

// What one entry of input.path names. Of a single file the format is still to be found.
std::vector<std::string> files_of_entry(const std::string& path, std::optional<HaloFormat> format, CatalogFiles& catalog) {
  if (!is_there(path) && path.find_first_of("*?[") != std::string::npos) return matches_of(path);
  if (!is_folder(path)) return {path};
  auto folder = files_of_folder(path, format);
  std::ranges::move(folder.remarks, std::back_inserter(catalog.remarks));
  return std::move(folder.files);
}

// As text, for other ranks.
std::string joined(const CatalogFiles& catalog) {
  auto text = fmt::format("{}", static_cast<int>(catalog.format)) + '\0' + catalog.path + '\0' + std::to_string(catalog.files.size()) + '\0';
  for (const auto& file : catalog.files) text += file + '\0';
  for (const auto& remark : catalog.remarks) text += remark + '\0';
  return text;
}

CatalogFiles parted(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\0', begin);
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  const auto files = parts.begin() + 3, remarks = files + std::stol(parts[2]);
  return {static_cast<HaloFormat>(std::stoi(parts[0])), parts[1], {files, remarks}, {remarks, parts.end()}};
}

}  // namespace

bool natural_less(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    const auto x = digits_at(a, i), y = digits_at(b, j);
    if (x.empty() || y.empty()) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i, ++j;
      continue;
    }
    if (const int order = compare_numbers(x, y); order != 0) return order < 0;
    i += x.size(), j += y.size();
  }
  if (i < a.size() || j < b.size()) return i == a.size();
  return a < b;  // the same numbers with other zeros before them
}

std::string InputPaths::brief() const {
  if (each.size() < 2) return each.empty() ? "" : each.front();
  return fmt::format("{} and {} more", each.front(), each.size() - 1);
}

std::string InputPaths::text() const {
  if (each.size() < 2) return brief();
  std::vector<std::string> quoted;
  for (auto path : each) {
    for (std::size_t at = 0; (at = path.find('\'', at)) != std::string::npos; at += 2) path.insert(at, 1, '\'');
    quoted.push_back("'" + path + "'");
  }
  return fmt::format("[{}]", fmt::join(quoted, ", "));
}

CatalogFiles files_of_catalog(const InputPaths& paths, const std::string& format) {
  const auto wanted = format_named(format);
  if (paths.each.empty()) throw config_error("input.path: is not given; name the halo catalog (--set input.path=FILE)");
  if (paths.each.size() == 1 && is_folder(paths.each.front())) {
    auto catalog = files_of_folder(paths.each.front(), wanted);
    if (catalog.format == HaloFormat::subfind) return catalog;
    sort_and_make_unique(catalog.files);
    take_whole_sets(catalog);
    if (catalog.path.empty()) check_numbers(catalog.files, catalog.remarks);
    return catalog;
  }
  CatalogFiles catalog;
  for (const auto& path : paths.each)
    std::ranges::move(files_of_entry(path, wanted, catalog), std::back_inserter(catalog.files));
  sort_and_make_unique(catalog.files);
  if (catalog.files.size() == 1) {
    catalog.path = catalog.files.front();
    catalog.format = wanted ? *wanted : format_of_file(catalog.path);
    if (catalog.format == HaloFormat::subfind) catalog.files = subfind_files(catalog.path);
    if (catalog.format == HaloFormat::mpi_rockstar) catalog.files = mpi_rockstar_files(catalog.path);
    take_whole_sets(catalog);
    return catalog;
  }
  check_one_format(catalog.files, wanted, catalog);
  take_whole_sets(catalog);
  if (catalog.path.empty()) check_numbers(catalog.files, catalog.remarks);
  return catalog;
}

CatalogFiles files_of_catalog(const InputPaths& paths, const std::string& format, const mpi::Communicator& comm) {
  const auto text = mpi::agree(comm, [&] { return comm.root() ? joined(files_of_catalog(paths, format)) : ""; });
  return parted(comm.broadcast(text));
}

}  // namespace halobrush::catalog
