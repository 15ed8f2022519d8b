#include "halobrush/mpi/directory.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <map>
#include <random>

namespace halobrush::mpi {
namespace {

// Ids as catalogs have them: in a row, multiples of a power of ten, replicas in the high bits, up to 2^63 - 1.
std::vector<std::int64_t> patterns() {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < 3000; ++i) ids.push_back(i);
  for (std::int64_t i = 1; i < 3000; ++i) ids.push_back(i * 1'000'000'000);
  for (std::int64_t i = 1; i < 3000; ++i) ids.push_back((i << 41) + 7);
  for (std::int64_t i = 0; i < 100; ++i) ids.push_back(std::numeric_limits<std::int64_t>::max() - i);
  return ids;
}

// Every rank has its share, of unequal size.
std::vector<std::int64_t> share_of(const std::vector<std::int64_t>& all, const Communicator& comm) {
  std::vector<std::int64_t> mine;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (static_cast<int>(i * i % 7) % comm.size() == comm.rank()) mine.push_back(all[i]);
  return mine;
}

TEST(Directory, FindsWhatAnyRankGave) {
  const Communicator comm(MPI_COMM_WORLD);
  const auto all = patterns();
  const auto mine = share_of(all, comm);
  const Directory<double> directory(mine, [&](std::size_t i) { return 0.5 * static_cast<double>(mine[i]); }, comm);
  EXPECT_EQ(directory.distinct(), all.size());
  EXPECT_FALSE(directory.duplicate());
  std::map<std::int64_t, double> expected;
  for (const auto id : all) expected[id] = 0.5 * static_cast<double>(id);
  auto wanted = all;
  wanted.insert(wanted.end(), {2'999'999'999'999, 3000, 1, 1, (std::int64_t{1} << 41) + 8});
  std::shuffle(wanted.begin(), wanted.end(), std::mt19937(static_cast<unsigned>(comm.rank())));
  wanted.resize(wanted.size() / static_cast<std::size_t>(comm.rank() + 1));
  const auto found = directory.lookup(wanted);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(found[i].has_value(), expected.contains(wanted[i])) << wanted[i];
    ASSERT_EQ(found[i].value_or(0), found[i] ? expected[wanted[i]] : 0);
  }
}

TEST(Directory, NamesTheSmallestIdThatIsThereTwice) {
  const Communicator comm(MPI_COMM_WORLD);
  auto mine = share_of(patterns(), comm);
  if (comm.rank() == 0) mine.insert(mine.end(), {5'000'000'000, 1'234});
  if (comm.rank() == comm.size() - 1) mine.push_back(40'000'000'000);
  const Directory<char> directory(mine, [](std::size_t) { return '.'; }, comm);
  EXPECT_EQ(directory.duplicate(), std::optional<std::int64_t>(1'234));
  EXPECT_EQ(directory.distinct(), patterns().size());
}

TEST(Directory, OfNothing) {
  const Communicator comm(MPI_COMM_WORLD);
  const std::vector<std::int64_t> none, asked = {0, 1};
  const Directory<char> directory(none, [](std::size_t) { return '.'; }, comm);
  EXPECT_EQ(directory.distinct(), 0u);
  EXPECT_FALSE(directory.duplicate());
  for (const auto& found : directory.lookup(asked)) EXPECT_FALSE(found);
}

}  // namespace
}  // namespace halobrush::mpi
