#include "facts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "halobrush/catalog/numbers.hpp"
#include "halobrush/mpi/directory.hpp"

namespace halobrush::validate {
namespace {

using Ids = std::vector<std::int64_t>;

std::optional<Ids> ids_of(const catalog::Table& table, const std::string& name) {
  for (const auto& column : table.columns())
    if (column.spec.name == name && std::holds_alternative<Ids>(column.data))
      return std::get<Ids>(column.data);
  return std::nullopt;
}

struct Nothing {};

mpi::Directory<Nothing> directory_of(const Ids& ids, const mpi::Communicator& comm) {
  Ids known;
  std::ranges::copy_if(ids, std::back_inserter(known), [](auto id) { return id >= 0; });
  return {known, [](std::size_t) { return Nothing{}; }, comm};
}

// Galaxies whose id is negative or another's.
double repeated(const Ids& ids, std::uint64_t total, const mpi::Communicator& comm) {
  return static_cast<double>(total - directory_of(ids, comm).distinct());
}

double missing_hosts(const Ids& halos, const Ids& hosts, const mpi::Communicator& comm) {
  double missing = 0;
  Ids wanted;
  for (const auto host : hosts) {
    if (host < 0) missing += 1;
    if (host >= 0) wanted.push_back(host);
  }
  for (const auto& found : directory_of(halos, comm).lookup(wanted)) missing += !found;
  return comm.sum(missing);
}

double outside_box(const Galaxies& galaxies, const mpi::Communicator& comm) {
  const Vec3 side = galaxies.box().side;
  double outside = 0;
  for (const auto& p : galaxies.positions())
    outside += !((p.array() >= 0).all() && (p.array() <= side.array()).all());
  return comm.sum(outside);
}

void check_frames(const Galaxies& galaxies, CatalogFacts& facts, const mpi::Communicator& comm) {
  const auto a = galaxies.axes('A'), b = galaxies.axes('B'), c = galaxies.axes('C');
  double worst = 0, left_handed = 0;
  std::vector<std::size_t> rows(a.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  for (const auto i : galaxies.oriented(rows)) {
    Mat3 frame;
    frame << a[i], b[i], c[i];
    const double off = (frame.transpose() * frame - Mat3::Identity()).cwiseAbs().maxCoeff();
    worst = std::isnan(off) ? std::numeric_limits<double>::infinity() : std::max(worst, off);
    left_handed += !(frame.determinant() > 0);
  }
  facts.gram_deviation = comm.max(worst);
  facts.left_handed = comm.sum(left_handed);
}

double unordered_ratios(const catalog::Table& table, const mpi::Communicator& comm) {
  const auto q = catalog::numbers(table, "b_to_a"), s = catalog::numbers(table, "c_to_a");
  double wrong = 0;
  for (std::size_t i = 0; i < q.size(); ++i) wrong += !(s[i] >= 0 && s[i] <= q[i] && q[i] <= 1);
  return comm.sum(wrong);
}

}  // namespace

CatalogFacts facts_of(const Galaxies& galaxies, const mpi::Communicator& comm) {
  const auto& table = galaxies.table;
  CatalogFacts facts;
  facts.outside_box = outside_box(galaxies, comm);
  if (const auto ids = ids_of(table, "galaxy_id")) facts.repeated_ids = repeated(*ids, galaxies.total, comm);
  const auto halos = ids_of(table, "halo_id"), hosts = ids_of(table, "host_halo_id");
  if (halos && hosts) facts.missing_hosts = missing_hosts(*halos, *hosts, comm);
  if (galaxies.has_axis('A') && galaxies.has_axis('B') && galaxies.has_axis('C'))
    check_frames(galaxies, facts, comm);
  if (table.has("b_to_a") && table.has("c_to_a")) facts.unordered_ratios = unordered_ratios(table, comm);
  if (table.has("out_of_distribution")) {
    double flagged = 0;
    for (const double flag : catalog::numbers(table, "out_of_distribution")) flagged += flag != 0;
    facts.out_of_distribution = comm.sum(flagged) / static_cast<double>(galaxies.total);
  }
  return facts;
}

}  // namespace halobrush::validate
