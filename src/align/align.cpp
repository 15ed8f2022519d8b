#include "halobrush/align/align.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>
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
#include "halobrush/core/timer.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/stop.hpp"
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
  return fmt::format("halobrush {}, seed {}, align.early {}, align.halo [{}], align.radius [{}], align.late_share {}, align.bulge_scatter {}", version(), config.seed,
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

// Of the processor, this rank's since its start.
double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// Processor seconds, by what they were spent on; waiting for other ranks is not among them.
struct Spent {
  double reading = 0, drawing = 0, writing = 0, all = 0;
};

template <class Work>
auto timed(double& seconds, Work&& work) {
  const double start = processor_seconds();
  auto made = work();
  seconds += processor_seconds() - start;
  return made;
}

struct Counts {
  std::uint64_t galaxies = 0, about_halo = 0, about_host = 0, odd_shapes = 0;
  Spent spent;

  void add(const Galaxies& some, const Axes& axes) {
    galaxies += some.size(), odd_shapes += some.odd_shapes;
    about_halo += static_cast<std::uint64_t>(std::ranges::count(axes.reference, Reference::halo));
    about_host += static_cast<std::uint64_t>(std::ranges::count(axes.reference, Reference::host));
  }
};

// What the file system refuses, as one line.
void allowed(const fs::path& path, const std::error_code& error) {
  if (error) throw cannot_write(path, error.value());
}

class Aligner {
 public:
  Aligner(const Task& task, const config::Config& config) : task_(task), config_(config), early_(config.align.early), law_(config) {}

  // Before any work: what cannot be done is refused. Returns the size of the copy.
  double check(const std::string& path) const {
    const auto file = GalaxyFile::to_read(path);
    double bytes = file_bytes(path);
    for (const auto& group : file.groups()) {
      for (const auto& column : new_columns())
        if (group.has(column.name))
          throw data_error("{}: was aligned already ({} has a column '{}'); give the catalog as it was before", path, group.name(), column.name);
      check_columns(path, group, early_);
      bytes += static_cast<double>(group.rows() * new_columns().size() * sizeof(double));
    }
    return bytes;
  }

  // Whether the copy is there and of this configuration.
  bool done(const std::string& path) const {
    const auto copy = copy_of(path, task_.out);
    std::error_code error;
    if (!fs::exists(copy, error)) return false;
    const auto [settings, original] = made_of(copy);
    if (settings.empty()) throw config_error("--out: {} is there and is no copy that halobrush align made; choose another folder", copy);
    if (settings == settings_of(config_) && original == sha256_hex_of_file(path)) return true;
    if (task_.overwrite) return false;
    throw config_error("--out: {} is there and was made of another catalog, or with {}; choose another folder, or give --overwrite to replace it",
                       copy, settings);
  }

  // Returns what is to be said of it.
  std::string align(const std::string& path, Counts& counts) const {
    const auto copy = copy_of(path, task_.out);
    const Partial partial(copy + ".partial");
    std::error_code error;
    fs::remove(partial.path(), error);
    fs::copy_file(path, partial.path(), error);
    allowed(partial.path(), error);
    fs::permissions(partial.path(), fs::perms::owner_write, fs::perm_options::add, error);  // the original may be read-only
    allowed(partial.path(), error);
    const auto original = GalaxyFile::to_read(path);
    const auto before = counts.galaxies;
    change(path, original, partial.path().string(), counts);
    const auto were = unchanged_columns(original), are = unchanged_columns(GalaxyFile::to_read(partial.path().string()));
    if (were.columns != are.columns || were.checksum != are.checksum)
      throw internal_error("{}: columns that were to stay as they are have changed", copy);
    publish(partial.path(), copy);
    return fmt::format("{}: {} galaxies; {} columns are as they were (checksum {:016x}), {} replaced, {} new", copy, counts.galaxies - before,
                       are.columns, are.checksum, replaced_in(original).size(), new_columns().size() * original.groups().size());
  }

 private:
  static double file_bytes(const std::string& path) {
    std::error_code error;
    const auto bytes = fs::file_size(path, error);
    if (error) throw io_error("{}: cannot be read ({}); check the path", path, error.message());
    return static_cast<double>(bytes);
  }

  static std::vector<std::string> replaced_in(const GalaxyFile& file) {
    std::vector<std::string> columns;
    for (const auto& group : file.groups())
      for (const auto& column : replaced_columns(group)) columns.push_back(group.name() + "/" + column);
    return columns;
  }

  void change(const std::string& path, const GalaxyFile& original, const std::string& partial, Counts& counts) const {
    auto copy = GalaxyFile::to_change(partial);
    for (std::size_t k = 0; k < original.groups().size(); ++k) align(path, original.groups()[k], copy.groups()[k], counts);
    copy.write_notes(notes_group, notes(path, original));
    copy.close();
  }

  void align(const std::string& path, const GalaxyGroup& original, GalaxyGroup& copy, Counts& counts) const {
    add_columns(copy);
    for (std::uint64_t first = 0; first < original.rows(); first += rows_at_once) {
      auto& spent = counts.spent;
      const auto galaxies = timed(spent.reading, [&] { return read_galaxies(path, original, early_, first, std::min(rows_at_once, original.rows() - first)); });
      const auto columns = timed(spent.drawing, [&] {
        const auto axes = law_.draw(galaxies);
        counts.add(galaxies, axes);
        return orientations(galaxies, axes, static_cast<std::uint64_t>(config_.seed), config_.align.bulge_scatter);
      });
      const double start = processor_seconds();
      write(columns, copy, first);
      spent.writing += processor_seconds() - start;
    }
  }

  std::vector<std::pair<std::string, std::string>> notes(const std::string& path, const GalaxyFile& original) const {
    return {{"halobrush", version()},
            {"settings", settings_of(config_)},
            {"original", fs::path(path).filename().string()},
            {"original_sha256", sha256_hex_of_file(path)},
            {"config", config::to_yaml(config_)},
            {"replaced", fmt::format("{}", fmt::join(replaced_in(original), ", "))},
            {"position_angle", "psi: radians from west towards north; position angle from north to east = psi - pi/2"},
            {"ellipticity", "e1, e2: (1 - q) / (1 + q) (cos, sin) 2 psi; axes west, north"}};
  }

  const Task& task_;
  const config::Config& config_;
  EarlyTypes early_;
  AxesLaw law_;
};

// Files and their ranks: the largest first, each to the rank with the least so far.
std::vector<std::pair<std::size_t, int>> deal(const std::vector<std::uint64_t>& bytes, int ranks) {
  std::vector<std::size_t> order(bytes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t i) { return bytes[i]; });
  std::vector<std::uint64_t> load(static_cast<std::size_t>(ranks));
  std::vector<std::pair<std::size_t, int>> dealt;
  for (const auto i : order) {
    const auto least = std::ranges::min_element(load);
    *least += bytes[i];
    dealt.emplace_back(i, static_cast<int>(least - load.begin()));
  }
  return dealt;
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

namespace {

// Those of this rank, the largest first.
std::vector<std::string> files_of(const Task& task, const mpi::Communicator& comm) {
  check_names(task);
  std::vector<std::uint64_t> bytes;
  for (const auto& file : task.files) {
    std::error_code error;
    bytes.push_back(fs::file_size(file, error));
    if (error) throw io_error("{}: cannot be read ({}); check the path", file, error.message());
  }
  std::vector<std::string> files;
  for (const auto& [file, rank] : deal(bytes, comm.size()))
    if (rank == comm.rank()) files.push_back(task.files[file]);
  return files;
}

// @collective Texts of all ranks, a line each.
void say(const std::string& mine, const mpi::Communicator& comm, Logger& log) {
  const auto all = comm.gather_all(std::span<const char>(mine)).data;
  std::istringstream lines(std::string(all.begin(), all.end()));
  for (std::string line; std::getline(lines, line);) log.info("align: {}", line);
}

void sum_up(const Counts& mine, double seconds, const mpi::Communicator& comm, Logger& log) {
  const auto galaxies = comm.sum(mine.galaxies), halo = comm.sum(mine.about_halo), host = comm.sum(mine.about_host), odd = comm.sum(mine.odd_shapes);
  log.info("align: {} galaxies: {} about the major axis of their halo, {} about the direction to their host, {} isotropic; {:.1f} s", galaxies, halo, host,
           galaxies - halo - host, seconds);
  const auto& spent = mine.spent;
  const double all = comm.sum(spent.all), reading = comm.sum(spent.reading), drawing = comm.sum(spent.drawing), writing = comm.sum(spent.writing);
  if (galaxies > 0 && all > 0)
    log.info("align: {:.2f} s of processors, {:.3g} galaxies/s a core: {:.2f} s reading columns, {:.2f} s drawing, {:.2f} s writing columns, {:.2f} s copies, hashes and checksums",
             all, static_cast<double>(galaxies) / all, reading, drawing, writing, all - reading - drawing - writing);
  if (odd > 0) log.warn("align: {} galaxies have a halo whose eigS1, eigS2, eigS3 are not orthogonal: taken as without a shape", odd);
}

}  // namespace

void run(const Task& task, const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  const Timer timer;
  const auto mine = mpi::agree(comm, [&] { return files_of(task, comm); });
  const auto aligner = mpi::agree(comm, [&] { return std::make_unique<Aligner>(task, config); });
  double bytes = 0;
  const auto todo = mpi::agree(comm, [&] {
    std::vector<std::string> files;
    for (const auto& file : mine) {
      const double size = aligner->check(file);
      if (aligner->done(file)) continue;
      files.push_back(file);
      bytes += size;
    }
    return files;
  });
  bytes = comm.sum(bytes);
  mpi::agree(comm, [&] {
    if (!comm.root()) return;
    std::error_code error;
    fs::create_directories(task.out, error);
    allowed(task.out, error);
    require_space(task.out, bytes);
  });
  log.info("align: {} catalogs, {} of them done before", task.files.size(),
           comm.sum(static_cast<std::uint64_t>(mine.size() - todo.size())));
  Counts counts;
  const auto rounds = comm.max(todo.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    mpi::stop_if_asked(comm, "the next catalogs");
    say(mpi::agree(comm, [&] {
          if (round >= todo.size()) return std::string();
          return timed(counts.spent.all, [&] { return aligner->align(todo[round], counts) + "\n"; });
        }), comm, log);
  }
  sum_up(counts, timer.seconds(), comm, log);
}

}  // namespace halobrush::align
