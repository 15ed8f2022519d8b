// halobrush checksum: whether two catalogs hold the same galaxies, whatever wrote them and in whatever order.
#include <fmt/format.h>

#include <iostream>
#include <map>

#include "../command.hpp"
#include "halobrush/align/align.hpp"
#include "halobrush/catalog/galaxy_file.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::app {
namespace {

constexpr std::uint64_t rows_at_once = std::uint64_t{1} << 18;

struct Sum {
  std::uint64_t rows = 0, checksum = 0;
};
using Sums = std::map<std::string, Sum>;  // of a group's columns, and of its rows

// Sum over rows of the hash of a whole row, so that rows whose columns were mixed differ.
std::uint64_t checksum_of_rows(const catalog::GalaxyGroup& group) {
  std::uint64_t sum = 0;
  for (std::uint64_t first = 0; first < group.rows(); first += rows_at_once)
    for (const auto hash : group.row_hashes(first, std::min(rows_at_once, group.rows() - first))) sum += hash;
  return sum;
}

Sums sums_of(const std::string& path) {
  align::refuse_half_changed(path);
  Sums sums;
  const auto file = catalog::GalaxyFile::to_read(path);
  for (const auto& group : file.groups()) {
    for (const auto& column : group.columns()) sums[group.name() + "/" + column] = {group.rows(), group.checksum(column)};
    sums[group.name() + " (whole rows)"] = {group.rows(), checksum_of_rows(group)};
  }
  return sums;
}

std::string text_of(const Sums& sums, const std::string& path) {
  std::string text;
  for (const auto& [name, sum] : sums) text += fmt::format("{:016x}  {:>12}  {}  {}\n", sum.checksum, sum.rows, name, path);
  return text;
}

}  // namespace

Command checksum_command(CLI::App& program) {
  const auto files = std::make_shared<std::vector<std::string>>();
  auto* parser = program.add_subcommand("checksum", "print a checksum of each column of galaxy catalogs, whatever the order of rows");
  parser->add_option("files", *files, "HDF5 catalogs with a group 'data': mocks, diffsky, OpenCosmo")->required();
  parser->footer(
      "Lines: checksum, rows, column, file. Equal lines mean the same bytes in every row, whatever their order; types and units are not compared. Checksums of parts add up (modulo 2^64) to that of "
      "the whole: of several files, the lines 'all files' have the sums.\nExample: halobrush checksum a.hdf5 b.hdf5");
  return {parser, [files](int&, char**&) {
            leave_signals_alone();
            Sums all;
            for (const auto& path : *files) {
              const auto sums = sums_of(path);
              std::cout << printable_lines(text_of(sums, path));
              for (const auto& [name, sum] : sums) all[name].rows += sum.rows, all[name].checksum += sum.checksum;
            }
            if (files->size() > 1) std::cout << printable_lines(text_of(all, "all files"));
            return 0;
          }};
}

}  // namespace halobrush::app
