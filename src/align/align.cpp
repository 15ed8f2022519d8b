#include "halobrush/align/align.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <numeric>
#include <sstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/stop.hpp"
#include "ways.hpp"

namespace halobrush::align {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

std::string copy_of(const std::string& file, const std::string& out) {
  return (fs::path(out) / fs::path(file).filename()).string();
}

std::string twice_in(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  const auto twice = std::ranges::adjacent_find(texts);
  return twice == texts.end() ? "" : *twice;
}

namespace {

std::unique_ptr<Way> way_of(const Task& task, const config::Config& config) {
  if (task.restore) return restore(task);
  return task.in_place ? change_in_place(task, config) : make_copies(task, config);
}

// Those of this rank, the largest first.
std::vector<std::string> files_of(const Task& task, const mpi::Communicator& comm) {
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

// @collective Makes the folder of what this run writes, and adds up what the files need on each file system.
void require_space(const Task& task, const std::vector<Need>& needs, const mpi::Communicator& comm) {
  std::string mine;
  for (const auto& need : needs) mine += fmt::format("{:.0f} {}", need.bytes, need.folder) + '\0';
  const auto all = comm.gather_all(std::span<const char>(mine)).data;
  mpi::agree(comm, [&] {
    if (!comm.root()) return;
    for (const auto& folder : {task.out, task.backup}) {
      std::error_code error;
      if (!folder.empty()) fs::create_directories(folder, error);
      if (error) throw cannot_write(folder, error.value());
    }
    std::vector<Need> sums;
    std::istringstream lines(std::string(all.begin(), all.end()));
    for (std::string line; std::getline(lines, line, '\0');) {
      const auto space = line.find(' ');
      const Need need{line.substr(space + 1), std::stod(line)};
      const auto same = std::ranges::find_if(sums, [&](const Need& sum) { return same_file_system(sum.folder, need.folder); });
      if (same == sums.end())
        sums.push_back(need);
      else
        same->bytes += need.bytes;
    }
    for (const auto& sum : sums) halobrush::require_space(sum.folder, sum.bytes);
  });
}

}  // namespace

void run(const Task& task, const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  const Timer timer;
  const auto mine = mpi::agree(comm, [&] { return files_of(task, comm); });
  const auto way = mpi::agree(comm, [&] { return way_of(task, config); });
  std::vector<Need> needs;
  std::string remarks;
  const auto todo = mpi::agree(comm, [&] {
    std::vector<std::string> files;
    for (const auto& file : mine) {
      const auto plan = way->plan(file);
      needs.insert(needs.end(), plan.space.begin(), plan.space.end());
      if (!plan.remark.empty()) remarks += plan.remark + "\n";
      if (!plan.done) files.push_back(file);
    }
    return files;
  });
  say(remarks, comm, log);
  require_space(task, needs, comm);
  log.info("align: {} catalogs, {} of them done before", task.files.size(),
           comm.sum(static_cast<std::uint64_t>(mine.size() - todo.size())));
  Counts counts;
  const auto rounds = comm.max(todo.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    mpi::stop_if_asked(comm, "the next catalogs");
    say(mpi::agree(comm, [&] {
          if (round >= todo.size()) return std::string();
          return timed(counts.spent.all, [&] { return way->work(todo[round], counts) + "\n"; });
        }), comm, log);
  }
  if (!task.restore) sum_up(counts, timer.seconds(), comm, log);
}

}  // namespace halobrush::align
