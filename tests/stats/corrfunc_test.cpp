// DD(r_p, Pi) of 143,152 galaxies against the counts that Corrfunc ships with its own tests (Sinha & Garrison
// 2020).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "stats/support.hpp"

namespace halobrush::stats {
namespace {

const std::filesystem::path folder = std::filesystem::path(HALOBRUSH_SOURCE_DIR) / "../shared/data/corrfunc";

// Fortran records: the length in bytes, the data, the length again.
template <class T>
std::vector<T> read_record(std::ifstream& file) {
  std::int32_t bytes = 0, again = 0;
  file.read(reinterpret_cast<char*>(&bytes), sizeof bytes);
  std::vector<T> data(static_cast<std::size_t>(bytes) / sizeof(T));
  file.read(reinterpret_cast<char*>(data.data()), bytes);
  file.read(reinterpret_cast<char*>(&again), sizeof again);
  EXPECT_EQ(bytes, again);
  return data;
}

struct Catalog {
  domain::Box box;
  Sample sample;
};

// The box is as large as the catalog, as Corrfunc takes it where none is given.
Catalog read_catalog() {
  std::ifstream file(folder / "cmassmock_Zspace.ff", std::ios::binary);
  read_record<std::int32_t>(file);
  read_record<float>(file);
  read_record<float>(file);
  Catalog catalog;
  for (int k = 0; k < 3; ++k) {
    const auto x = read_record<double>(file);
    const auto [low, high] = std::minmax_element(x.begin(), x.end());
    catalog.box.side[k] = *high - *low;
    catalog.sample.pos.resize(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) catalog.sample.pos[i][k] = x[i] - *low;
  }
  return catalog;
}

std::vector<double> read_edges() {
  std::ifstream file(folder / "bins");
  std::vector<double> edges;
  for (double low, high; file >> low >> high;) {
    if (edges.empty()) edges.push_back(low);
    edges.push_back(high);
  }
  return edges;
}

std::vector<std::int64_t> read_counts() {
  std::ifstream file(folder / "cmass_DD_periodic");
  std::vector<std::int64_t> counts;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::int64_t pairs = 0;
    if (words >> pairs) counts.push_back(pairs);
  }
  return counts;
}

TEST(Corrfunc, AllCountsEqual) {
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no data of Corrfunc at " << folder;
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const auto catalog = read_catalog();
  ASSERT_EQ(catalog.sample.pos.size(), 143152U);
  const auto share = testing_support::share_of(catalog.sample, comm);
  const auto reference = read_counts();
  ASSERT_EQ(reference.size(), 14U * 80U);
  for (const std::array<std::int64_t, 3> tiles : {std::array<std::int64_t, 3>{7, 1, 1}, {3, 2, 4}})
    EXPECT_EQ(count_pairs(catalog.box, share, SkyBins{read_edges(), 80, 80, tiles}, comm), reference);
}

}  // namespace
}  // namespace halobrush::stats
