// Hosts across ranks: chains of parents, columns, orphans and unusable catalogs.
#include <gtest/gtest.h>

#include <map>

#include "halobrush/domain/hosts.hpp"
#include "synthetic.hpp"

namespace halobrush::domain {
namespace {

const Box box{Vec3(20, 31, 17)};

catalog::HaloCatalog resolved(const std::vector<Halo>& halos, Deal deal, const mpi::Communicator& comm,
                              OrphanPolicy orphans = OrphanPolicy::error) {
  auto catalog = as_catalog(halos);
  catalog.halos = share_of(catalog.halos, deal, comm);
  resolve_hosts(catalog, box, orphans, comm);
  return catalog;
}

void expect_host_columns(const catalog::Table& table, const std::vector<Halo>& halos) {
  std::map<std::int64_t, Halo> by_id;
  for (const auto& halo : halos) by_id[halo.id] = halo;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto halo = by_id[table.get<std::int64_t>("id")[row]];
    auto host = halo;
    while (host.parent >= 0 && host.parent != host.id && by_id.contains(host.parent))
      host = by_id[host.parent];
    ASSERT_EQ(table.get<std::int64_t>("host_id")[row], host.id);
    EXPECT_EQ(table.get<double>("host_mass")[row], 1e12 + static_cast<double>(host.id % 1000));
    EXPECT_EQ(table.get<double>("host_radius")[row], 0.1 + static_cast<double>(host.id % 7));
    const Vec3 d = table.vectors("host_d")[row];
    for (int k = 0; k < 3; ++k) {
      EXPECT_LE(std::abs(d[k]), box.side[k] / 2);
      const double images = (halo.pos[k] - host.pos[k] - d[k]) / box.side[k];
      EXPECT_NEAR(images, std::round(images), 1e-14);
    }
    const double dv = static_cast<double>(halo.id % 100) - static_cast<double>(host.id % 100);
    EXPECT_EQ(table.vectors("host_dv")[row], Vec3(3 * dv, 5 * dv, 7 * dv));
    EXPECT_EQ(d.isZero(0), host.id == halo.id);
  }
}

TEST(Hosts, ChainsLeadToTheTopWhateverTheRanks) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const auto halos = clustered_halos(box, 300, 3);
  for (const auto deal : {Deal::scattered, Deal::reversed, Deal::last_rank_only})
    expect_host_columns(resolved(halos, deal, world).halos, halos);
}

TEST(Hosts, ALongChainAcrossBoxEdgesEnds) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  std::vector<Halo> halos = {{500, 500, Vec3(19.9, 0.1, 16.9)}};  // its own parent: a host
  for (std::int64_t i = 499; i > 300; --i)
    halos.push_back({i, i + 1, box.wrap(Vec3(19.9 + 0.02 * (500 - i), 0.1, 16.95))});
  const auto catalog = resolved(halos, Deal::scattered, world);
  expect_host_columns(catalog.halos, halos);
  for (std::size_t row = 0; row < catalog.halos.rows(); ++row)
    EXPECT_EQ(catalog.halos.get<std::int64_t>("parent_id")[row] == -1,
              catalog.halos.get<std::int64_t>("id")[row] == 500);
}

TEST(Hosts, AnEmptyCatalogIsNormal) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const auto catalog = resolved({}, Deal::scattered, world);
  EXPECT_EQ(catalog.halos.rows(), 0U);
  EXPECT_TRUE(catalog.halos.has("host_dvz"));
}

void expect_error(const std::vector<Halo>& halos, const std::string& text) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  for (const auto deal : {Deal::scattered, Deal::last_rank_only}) {
    const auto error = error_of([&] { resolved(halos, deal, world); });
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code(), ExitCode::data);
    EXPECT_EQ(std::string(error->what()), text);
  }
}

TEST(Hosts, AnOrphanNamesBothIds) {
  expect_error(
      {{1, -1, Vec3(1, 1, 1)}, {123, 456, Vec3(2, 2, 2)}, {200, 789, Vec3(2, 2, 2)}, {3, 123, Vec3(1, 1, 1)}},
      "halo 123: its host 456 is not in the catalog (so for 2 of 4 halos); add the host, write a parent_id of -1 where there is none, or set "
      "input.orphans: promote");
}

TEST(Hosts, APromotedOrphanBecomesAHostWithItsOwnSatellites) {
  const mpi::Communicator world(MPI_COMM_WORLD);
  const std::vector<Halo> halos = {{1, -1, Vec3(1, 1, 1)},
                                   {123, 456, Vec3(2, 2, 2)},
                                   {124, 123, Vec3(2, 2, 3)},
                                   {125, 124, Vec3(2, 2, 4)},
                                   {9, 8, Vec3(5, 5, 5)}};
  const auto catalog = resolved(halos, Deal::scattered, world, OrphanPolicy::promote);
  expect_host_columns(catalog.halos, halos);
  for (std::size_t row = 0; row < catalog.halos.rows(); ++row) {
    const auto id = catalog.halos.get<std::int64_t>("id")[row];
    EXPECT_EQ(catalog.halos.get<std::int64_t>("parent_id")[row] == -1, id == 1 || id == 123 || id == 9) << id;
  }
  EXPECT_EQ(catalog.remarks,
            std::vector<std::string>{
                "2 halos whose host is not in the catalog are taken as hosts (input.orphans: promote)."});
}

TEST(Hosts, UnusableIdsAndParentsAreNamed) {
  const Vec3 p(1, 2, 3);
  expect_error(
      {{17, -1, p}, {5, -1, p}, {17, -1, p}, {40, -1, p}, {40, -1, p}},
      "halo 17: its id is there more than once (random numbers and groups go by id); make ids unique");
  expect_error(
      {{17, -1, p}, {-5, -1, p}, {-2, -1, p}},
      "halo -5: its id is negative (ids name galaxies in the output and -1 means none); number halos from 0");
  expect_error({{1, -1, p}, {30, 31, p}, {31, 32, p}, {32, 30, p}, {33, 32, p}},
               "halo 30: following parent_id never reaches a host (a cycle of parents); repair parent_id");
}

}  // namespace
}  // namespace halobrush::domain
