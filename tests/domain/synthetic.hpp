// Random clustered catalogs, the same on every rank, and shares of them.
#pragma once

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/domain/box.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::domain {

struct Halo {
  std::int64_t id, parent;
  Vec3 pos;
};

inline catalog::HaloCatalog as_catalog(const std::vector<Halo>& halos) {
  catalog::HaloCatalog result;
  const auto column = [&](const char* name, const char* unit, auto&& value) {
    using T = std::decay_t<decltype(value(halos[0]))>;
    std::vector<T> values(halos.size());
    std::transform(halos.begin(), halos.end(), values.begin(), value);
    result.halos.add({name, unit, ""}, std::move(values));
  };
  column("id", "", [](const Halo& h) { return h.id; });
  column("parent_id", "", [](const Halo& h) { return h.parent; });
  column("mass", "Msun/h", [](const Halo& h) { return 1e12 + static_cast<double>(h.id % 1000); });
  column("radius", "Mpc/h", [](const Halo& h) { return 0.1 + static_cast<double>(h.id % 7); });
  column("x", "Mpc/h", [](const Halo& h) { return h.pos[0]; });
  column("y", "Mpc/h", [](const Halo& h) { return h.pos[1]; });
  column("z", "Mpc/h", [](const Halo& h) { return h.pos[2]; });
  column("vx", "km/s", [](const Halo& h) { return 3.0 * static_cast<double>(h.id % 100); });
  column("vy", "km/s", [](const Halo& h) { return 5.0 * static_cast<double>(h.id % 100); });
  column("vz", "km/s", [](const Halo& h) { return 7.0 * static_cast<double>(h.id % 100); });
  column("concentration", "", [](const Halo& h) { return static_cast<float>(h.pos[0]); });
  column("shape_resolved", "", [](const Halo& h) { return static_cast<std::uint8_t>(h.id % 2); });
  return result;
}

/// `hosts` hosts, some in clumps, with satellites and satellites of satellites around them, many across the
/// box's edges; ids in no order, some beyond 32 bits; rows shuffled.
inline std::vector<Halo> clustered_halos(const Box& box, std::size_t hosts, std::uint64_t seed) {
  RandomStream random(seed, 1, Purpose::test);
  const auto pick = [&](std::size_t n) {
    return static_cast<std::size_t>(random.uniform() * static_cast<double>(n));
  };
  std::vector<Halo> halos;
  std::vector<Vec3> clumps;
  for (int i = 0; i < 5; ++i)
    clumps.push_back(Vec3(random.uniform(), random.uniform(), random.uniform()).cwiseProduct(box.side));
  clumps[0] = Vec3(0, 0, 0);
  for (std::size_t i = 0; i < hosts; ++i) {
    const bool in_clump = random.uniform() < 0.5;
    const Vec3 centre =
        box.wrap(in_clump ? Vec3(clumps[pick(5)] + 1.5 * random.normal3())
                          : Vec3(random.unit_vector() * 2 * box.side.maxCoeff() * random.uniform()));
    const auto host_index = halos.size();
    halos.push_back({0, -1, centre});
    const std::size_t satellites = random.uniform() < 0.3 ? pick(8) : 0;
    for (std::size_t s = 0; s < satellites; ++s) {
      const auto parent = host_index + pick(halos.size() - host_index);
      halos.push_back({0, static_cast<std::int64_t>(parent), box.wrap(centre + 0.4 * random.normal3())});
    }
  }
  std::vector<std::int64_t> ids(halos.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<std::int64_t>(i) * 37 + (i % 5 == 0 ? 5'000'000'000 : 0);
  const auto shuffle = [&](auto& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[pick(i)]);
  };
  shuffle(ids);
  for (std::size_t i = 0; i < halos.size(); ++i) {
    halos[i].id = ids[i];
    if (halos[i].parent >= 0) halos[i].parent = ids[static_cast<std::size_t>(halos[i].parent)];
  }
  shuffle(halos);
  return halos;
}

enum class Deal { scattered, reversed, last_rank_only };

/// This rank's share: rows in no order, in reversed order, or all on the last rank.
inline catalog::Table share_of(const catalog::Table& all, Deal deal, const mpi::Communicator& comm) {
  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < all.rows(); ++row) {
    const auto size = static_cast<std::size_t>(comm.size());
    const auto owner = deal == Deal::last_rank_only ? size - 1 : (row * 2654435761U >> 7) % size;
    if (owner == static_cast<std::size_t>(comm.rank())) rows.push_back(row);
  }
  if (deal == Deal::reversed) std::reverse(rows.begin(), rows.end());
  return all.select(rows);
}

inline bool same_columns(const catalog::Table& a, const catalog::Table& b) {
  return std::equal(a.columns().begin(), a.columns().end(), b.columns().begin(), b.columns().end(),
                    [](const auto& p, const auto& q) { return p.spec == q.spec && p.data == q.data; });
}

/// The error that `work` ends with, if any.
inline std::optional<Error> error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace halobrush::domain
