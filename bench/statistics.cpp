// Measures a bare catalog and says what it cost. FILE: rows of eight doubles x y z, axis, e1 e2 (Mpc/h, unit
// vector; rows whose axis is zero are neighbours only). TASK: counts (of r_p and Pi), r (counts of r), sums
// (all statistics) or the names of some, joined by commas. WEIGHTED: 1. One JSON object on stdout.
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "halobrush/core/version.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/stats/statistics.hpp"

namespace {

using namespace halobrush;

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// This rank's share of rows.
stats::Sample read(const std::string& path, const mpi::Communicator& comm) {
  constexpr std::size_t row_bytes = 8 * sizeof(double);
  const auto rows = std::filesystem::file_size(path) / row_bytes;
  const auto rank = static_cast<std::size_t>(comm.rank()), ranks = static_cast<std::size_t>(comm.size());
  const auto first = rows * rank / ranks, last = rows * (rank + 1) / ranks;
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(first * row_bytes));
  stats::Sample sample;
  sample.pos.reserve(last - first), sample.axes[0].reserve(last - first),
      sample.ellipticity.reserve(last - first);
  std::array<double, 8> row{};
  for (auto i = first; i < last && file.read(reinterpret_cast<char*>(row.data()), row_bytes); ++i) {
    sample.pos.emplace_back(row[0], row[1], row[2]);
    sample.axes[0].emplace_back(row[3], row[4], row[5]);
    sample.ellipticity.push_back({row[6], row[7]});
  }
  return sample;
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::istringstream in(list);
  for (std::string word; std::getline(in, word, ',');) words.push_back(word);
  return words;
}

bool has_axis(const stats::Sample& sample, std::size_t row) {
  return !sample.axes[0][row].isZero(0);
}

stats::Sample oriented(const stats::Sample& all) {
  stats::Sample some;
  for (std::size_t i = 0; i < all.pos.size(); ++i) {
    if (!has_axis(all, i)) continue;
    some.pos.push_back(all.pos[i]);
    some.axes[0].push_back(all.axes[0][i]);
    some.ellipticity.push_back(all.ellipticity[i]);
    if (!all.weight.empty()) some.weight.push_back(all.weight[i]);
  }
  return some;
}

stats::Sample without_shapes(stats::Sample all) {
  all.axes = {};
  all.ellipticity = {};
  return all;
}

std::vector<stats::Statistic> measure_rows(const domain::Box& box, const stats::Sample& sample,
                                           const stats::Options& options, const mpi::Communicator& comm) {
  bool all_oriented = true;
  for (std::size_t i = 0; i < sample.pos.size(); ++i) all_oriented = all_oriented && has_axis(sample, i);
  if (comm.min(static_cast<int>(all_oriented)) == 1) return stats::measure(box, sample, options, comm);
  return stats::measure(box, oriented(sample), without_shapes(sample), options, comm);
}

nlohmann::json to_json(const std::vector<stats::Statistic>& all) {
  nlohmann::json out;
  for (const auto& s : all)
    out[s.name] = {{"edges", s.edges},
                   {"value", s.value},
                   {"error", s.error},
                   {"pairs", s.pairs},
                   {"covariance", s.covariance}};
  return out;
}

int run(int argc, char** argv) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  if (argc < 4)
    throw config_error("usage: bench_statistics FILE SIDE TASK [R_MAX PI_MAX JACKKNIFE WEIGHTED]");
  const std::string task = argv[3];
  const domain::Box box{Vec3::Constant(std::stod(argv[2]))};
  stats::Options options;
  options.r.max = options.rp.max = argc > 4 ? std::stod(argv[4]) : 30;
  options.pi_max = argc > 5 ? std::stod(argv[5]) : 60;
  options.jackknife = argc > 6 ? std::stoi(argv[6]) : 0;
  auto sample = mpi::agree(comm, [&] { return read(argv[1], comm); });
  if (argc > 7 && std::stoi(argv[7]) > 0) sample.weight.assign(sample.pos.size(), 1);

  comm.barrier();
  const auto memory = peak_memory_bytes();
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  nlohmann::json out;
  if (task == "counts") {
    const int bins = std::max(1, static_cast<int>(options.pi_max));
    out["pairs"] =
        stats::count_pairs(box, sample, stats::SkyBins{options.rp.edges(), options.pi_max, bins, {}}, comm);
  } else if (task == "r") {
    out["pairs"] = stats::count_pairs(box, sample, options.r.edges(), comm);
  } else {
    if (task != "sums") options.only = words_of(task);
    out["statistics"] = to_json(measure_rows(box, sample, options, comm));
  }
  out["wall_s"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double spent = cpu_seconds() - cpu;
  out["cpu_s"] = comm.max(spent);
  out["cpu_s_all_ranks"] = comm.sum(spent);
  out["memory_mib"] = comm.sum(static_cast<double>(peak_memory_bytes() - memory)) / (1 << 20);
  out["ranks"] = comm.size();
  if (comm.root()) std::cout << out.dump() << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const mpi::Environment environment(argc, argv);
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return static_cast<int>(error.code());
  }
}
