#include "report.hpp"

#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/tool.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::evaluate {
namespace {

using Json = nlohmann::ordered_json;

std::string json_path(const Request& request) {
  return request.folder + "/evaluation.json";
}

// Means over the held-out galaxies; of log_p also its error, galaxies taken as independent.
Json means(const catalog::Table& rows, const std::string& column, const mpi::Communicator& comm) {
  const auto values = rows.get<double>(column);
  const auto held_out = rows.get<std::uint8_t>("held_out");
  double count = 0, sum = 0, squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (held_out[i] != 0 && std::isfinite(values[i]))
      count += 1, sum += values[i], squares += values[i] * values[i];
  count = comm.sum(count), sum = comm.sum(sum), squares = comm.sum(squares);
  const double mean = sum / count;
  return {{"galaxies", count},
          {"mean", mean},
          {"error", std::sqrt(std::max(0.0, squares / count - mean * mean) / count)}};
}

std::uint64_t count(const catalog::Table& rows, const std::string& flag, const mpi::Communicator& comm) {
  std::uint64_t set = 0;
  for (const auto value : rows.get<std::uint8_t>(flag)) set += value != 0 ? 1 : 0;
  return comm.sum(set);
}

void say_that_statistics_are_missing(const Request& request, const std::string& why) {
  std::ifstream file(json_path(request));
  auto summary = Json::parse(file);
  summary["statistics"] = "not computed: " + why;
  write_durably(json_path(request), summary.dump(2) + "\n");
}

}  // namespace

void write_summary(const Request& request, const catalog::Table& rows,
                   std::optional<pipeline::Split> held_out, const mpi::Communicator& comm) {
  Json summary = {
      {"model", request.model},
      {"catalog", request.catalog},
      {"draws", request.draws},
      {"galaxies", comm.sum(static_cast<std::uint64_t>(rows.rows()))},
      {"held_out", count(rows, "held_out", comm)},
      {"held_out_by",
       !held_out ? "nothing: these are not the halos that the model was trained on"
       : *held_out == pipeline::Split::test
           ? "the model's own split of host halos: its test part"
           : "the model's own split of host halos: its validation part, which chose the weights"}};
  if (rows.has("out_of_distribution"))
    summary["out_of_distribution"] = count(rows, "out_of_distribution", comm);
  if (rows.has("log_p")) summary["log_p"] = means(rows, "log_p", comm);
  mpi::agree(comm, [&] {
    if (comm.root()) write_durably(json_path(request), summary.dump(2) + "\n");
  });
}

namespace {

// The last line of a run that judges.
bool verdict(const Request& request, Logger& log) {
  std::ifstream file(json_path(request));
  const auto summary = Json::parse(file);
  std::vector<std::string> failed;
  for (const auto& one : summary.at("requirements"))
    if (!one.at("pass").get<bool>()) failed.push_back(one.at("name").get<std::string>());
  const auto all = summary.at("requirements").size();
  if (failed.empty())
    log.info("evaluate: all {} requirements hold", all);
  else
    log.error("evaluate: {} of {} requirements FAIL: {}", failed.size(), all, fmt::join(failed, "; "));
  return failed.empty();
}

}  // namespace

bool write_report(const Request& request, Logger& log) {
  std::error_code ignored;
  std::filesystem::remove(request.folder + "/index.html", ignored);  // of another table
  try {
    run_tool(find_tool("evaluate", ""), {request.folder + "/evaluation.hdf5", "--out", request.folder},
             request.folder + "/evaluate.log");
    log.info("evaluate: {}/index.html", request.folder);
    return verdict(request, log);
  } catch (const Error& problem) {
    log.warn("evaluate: no statistics and no page: {}; the galaxies are in {}/evaluation.hdf5: run halobrush-evaluate of the Python package on it", problem.what(),
             request.folder);
    say_that_statistics_are_missing(request, problem.what());
    return false;
  }
}

}  // namespace halobrush::evaluate
