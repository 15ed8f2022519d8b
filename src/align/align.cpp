#include "halobrush/align/align.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <sstream>

#include "axes.hpp"
#include "galaxies.hpp"
#include "halobrush/catalog/galaxy_file.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"
#include "projection.hpp"

namespace halobrush::align {
namespace {

namespace fs = std::filesystem;
using catalog::GalaxyFile;
using catalog::GalaxyGroup;

constexpr std::uint64_t rows_at_once = std::uint64_t{1} << 18;
constexpr auto notes_group = "halobrush";

// What bits of a copy depend on, beside its original.
std::string settings_of(const config::Config& config) {
  const auto& align = config.align;
  return fmt::format("seed {}, align.early {}, align.halo [{}], align.radius [{}], align.late_share {}, align.bulge_scatter {}", config.seed,
                     align.early, fmt::join(align.halo, ", "), fmt::join(align.radius, ", "), align.late_share, align.bulge_scatter);
}

// Sum over all columns but some, whatever the order of columns or rows.
struct Unchanged {
  std::size_t columns = 0;
  std::uint64_t checksum = 0;
};
Unchanged unchanged_columns(const GalaxyFile& file) {
  Unchanged all;
  for (const auto& group : file.groups()) {
    auto changed = replaced_columns(group);
    for (const auto& column : new_columns()) changed.push_back(column.name);
    for (const auto& column : group.columns())
      if (std::ranges::count(changed, column) == 0) {
        ++all.columns;
        all.checksum += group.checksum(column);
      }
  }
  return all;
}

// Settings and original of a copy that is there; empty where it says nothing of them.
std::pair<std::string, std::string> made_of(const std::string& copy) {
  std::pair<std::string, std::string> made;
  try {
    for (const auto& [name, text] : GalaxyFile::to_read(copy).notes(notes_group)) {
      if (name == "settings") made.first = text;
      if (name == "original_sha256") made.second = text;
    }
  } catch (const Error&) {  // no catalog: it is not ours
  }
  return made;
}

// Removes the unfinished copy unless it was published.
class Partial {
 public:
  explicit Partial(fs::path path) : path_(std::move(path)) {}
  ~Partial() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Counts {
  std::uint64_t galaxies = 0, late = 0, early_about_halo = 0, early_about_host = 0, early_without = 0;
  double seconds = 0;  // of reading, drawing and writing columns

  void add(const Galaxies& some) {
    galaxies += some.size();
    for (std::size_t i = 0; i < some.size(); ++i) {
      const auto reference = reference_of(some, i);
      ++(!some.early[i] ? late : reference == Reference::halo ? early_about_halo : reference == Reference::host ? early_about_host : early_without);
    }
  }
};

class Aligner {
 public:
  Aligner(const Task& task, const config::Config& config) : task_(task), config_(config), early_(config.align.early), law_(config) {}

  // Before any work: what cannot be done is refused.
  void check(const std::string& path) const {
    const auto file = GalaxyFile::to_read(path);
    if (!file.notes(notes_group).empty())
      throw data_error("{}: was aligned already ({} is in it); give the catalog as it was before", path, notes_group);
    for (const auto& group : file.groups()) check_columns(path, group, early_);
  }

  // Whether the copy is there and of this configuration.
  bool done(const std::string& path) const {
    const auto copy = copy_of(path, task_.out);
    if (!fs::exists(copy)) return false;
    const auto [settings, original] = made_of(copy);
    if (settings == settings_of(config_) && original == sha256_hex_of_file(path)) return true;
    if (task_.overwrite) return false;
    throw config_error("--out: {} is there and was made {}; choose another folder, or give --overwrite to replace it", copy,
                       settings.empty() ? "by something else" : "of another catalog, or with " + settings);
  }

  std::string align(const std::string& path, Counts& counts) const {
    const auto copy = copy_of(path, task_.out);
    const Partial partial(copy + ".partial");
    require_space(fs::path(copy).parent_path(), 1.1 * static_cast<double>(fs::file_size(path)));
    fs::copy_file(path, partial.path(), fs::copy_options::overwrite_existing);
    fs::permissions(partial.path(), fs::perms::owner_write, fs::perm_options::add);  // the original may be read-only
    auto file = GalaxyFile::to_change(partial.path().string());
    const Timer timer;
    const auto before = counts.galaxies;
    for (auto& group : file.groups()) align(path, group, counts);
    counts.seconds += timer.seconds();
    const auto original = unchanged_columns(GalaxyFile::to_read(path)), kept = unchanged_columns(file);
    if (original.columns != kept.columns || original.checksum != kept.checksum)
      throw internal_error("{}: columns that were to stay as they are have changed", copy);
    const auto replaced = replaced_columns(file.groups().front()).size();
    file.write_notes(notes_group, notes(path, file));
    file.close();
    publish(partial.path(), copy);
    return fmt::format("{}: {} galaxies; {} columns are as they were (checksum {:016x}), {} replaced, {} new", copy,
                       counts.galaxies - before, kept.columns, kept.checksum, replaced, new_columns().size());
  }

 private:
  void align(const std::string& path, GalaxyGroup& group, Counts& counts) const {
    add_columns(group);
    for (std::uint64_t first = 0; first < group.rows(); first += rows_at_once) {
      const auto galaxies = read_galaxies(path, group, early_, first, std::min(rows_at_once, group.rows() - first));
      const auto axes = law_.draw(galaxies);
      write_orientations(path, group, first, galaxies, axes, static_cast<std::uint64_t>(config_.seed), config_.align.bulge_scatter);
      counts.add(galaxies);
    }
  }

  std::vector<std::pair<std::string, std::string>> notes(const std::string& path, const GalaxyFile& file) const {
    return {{"halobrush", version()},
            {"settings", settings_of(config_)},
            {"original", fs::path(path).filename().string()},
            {"original_sha256", sha256_hex_of_file(path)},
            {"config", config::to_yaml(config_)},
            {"replaced", fmt::format("{}", fmt::join(replaced_columns(file.groups().front()), ", "))},
            {"position_angle", "psi: radians from west towards north; position angle from north to east = psi - pi/2"},
            {"ellipticity", "e1, e2: (1 - q) / (1 + q) (cos, sin) 2 psi; axes west, north"}};
  }

  const Task& task_;
  const config::Config& config_;
  EarlyTypes early_;
  AxesLaw law_;
};

// The largest first, each to the rank with the least so far.
std::vector<int> deal(const std::vector<std::uint64_t>& bytes, int ranks) {
  std::vector<std::size_t> order(bytes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return bytes[i]; });
  std::vector<std::uint64_t> load(static_cast<std::size_t>(ranks));
  std::vector<int> rank_of(bytes.size());
  for (const auto i : order) {
    const auto least = std::ranges::min_element(load);
    *least += bytes[i];
    rank_of[i] = static_cast<int>(least - load.begin());
  }
  return rank_of;
}

void check_names(const Task& task) {
  std::vector<std::string> copies;
  for (const auto& file : task.files) copies.push_back(copy_of(file, task.out));
  std::ranges::sort(copies);
  if (const auto twice = std::ranges::adjacent_find(copies); twice != copies.end())
    throw config_error("two of the catalogs would become {}; give those of one name in runs with another --out", *twice);
}

}  // namespace

std::string copy_of(const std::string& file, const std::string& out) {
  return (fs::path(out) / fs::path(file).filename()).string();
}

void run(const Task& task, const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  const Timer timer;
  const auto mine = mpi::agree(comm, [&] {
    check_names(task);
    std::vector<std::uint64_t> bytes;
    for (const auto& file : task.files) {
      std::error_code error;
      bytes.push_back(fs::file_size(file, error));
      if (error) throw io_error("{}: cannot be read ({}); check the path", file, error.message());
    }
    std::vector<std::string> files;
    const auto rank_of = deal(bytes, comm.size());
    for (std::size_t i = 0; i < rank_of.size(); ++i)
      if (rank_of[i] == comm.rank()) files.push_back(task.files[i]);
    return files;
  });
  const auto aligner = mpi::agree(comm, [&] { return std::make_unique<Aligner>(task, config); });
  const auto todo = mpi::agree(comm, [&] {
    std::vector<std::string> files;
    for (const auto& file : mine) {
      aligner->check(file);
      if (!aligner->done(file)) files.push_back(file);
    }
    if (comm.root()) fs::create_directories(task.out);
    return files;
  });
  log.info("align: {} catalogs, {} of them done before", task.files.size(),
           comm.sum(static_cast<std::uint64_t>(mine.size() - todo.size())));
  Counts counts;
  std::string said;
  mpi::agree(comm, [&] {
    for (const auto& file : todo) {
      stop_here_if_asked("the next catalog");
      said += "align: " + aligner->align(file, counts) + "\n";
    }
  });
  const auto all = comm.gather_all(std::span<const char>(said)).data;
  std::istringstream lines(std::string(all.begin(), all.end()));
  for (std::string line; std::getline(lines, line);) log.info("{}", line);
  const auto galaxies = comm.sum(counts.galaxies);
  const double seconds = comm.sum(counts.seconds);
  log.info("align: {} galaxies; early types: {} about the major axis of their halo, {} about the direction to their host, {} isotropic, since "
           "their halo has no shape; late types: {}, {:g} times as strongly; {:.1f} s, {:.3g} galaxies/s a core without copies and checksums",
           galaxies, comm.sum(counts.early_about_halo), comm.sum(counts.early_about_host), comm.sum(counts.early_without), comm.sum(counts.late),
           config.align.late_share, timer.seconds(), seconds > 0 ? static_cast<double>(galaxies) / seconds : 0);
}

}  // namespace halobrush::align
