#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "halobrush/core/error.hpp"
#include "halobrush/graph/graph.hpp"
#include "incoming.hpp"
#include "nearest.hpp"
#include "tree.hpp"

namespace halobrush::graph {
namespace {

using Rows = std::span<const std::int64_t>;

void link_all(Rows members, Incoming& incoming) {
  std::vector<std::int64_t> others;
  for (const auto destination : members) {
    others.clear();
    std::copy_if(members.begin(), members.end(), std::back_inserter(others),
                 [&](std::int64_t row) { return row != destination; });
    incoming.set(destination, others);
  }
}

// Members are in order of their rows, so the lower index is the lower row.
void link_nearest(std::span<const Vec3> pos, Rows members, std::size_t neighbours, Incoming& incoming) {
  std::vector<Vec3> local(members.size());
  std::transform(members.begin(), members.end(), local.begin(),
                 [&](std::int64_t row) { return pos[static_cast<std::size_t>(row)]; });
  const Tree tree(local);
  Nearest nearest(neighbours);
  std::vector<std::int64_t> sources(neighbours);
  for (std::size_t i = 0; i < local.size(); ++i) {
    nearest.clear();
    tree.search(
        local[i], [&] { return nearest.reach(); },
        [&](std::size_t j) {
          if (j != i) nearest.offer(squared_distance(local[i], local[j]), j);
        });
    std::transform(nearest.found().begin(), nearest.found().end(), sources.begin(),
                   [&](const auto& entry) { return members[entry.second]; });
    incoming.set(members[i], sources);
  }
}

}  // namespace

Edges group_graph(std::span<const Vec3> pos, std::span<const std::int64_t> host, std::size_t neighbours) {
  if (pos.size() != host.size())
    throw internal_error("group_graph: {} positions but {} hosts", pos.size(), host.size());
  if (neighbours == 0) return {};
  std::vector<std::int64_t> rows(host.size());
  std::iota(rows.begin(), rows.end(), 0);
  const auto host_of = [&](std::int64_t row) { return host[static_cast<std::size_t>(row)]; };
  std::stable_sort(rows.begin(), rows.end(), [&](auto a, auto b) { return host_of(a) < host_of(b); });

  Incoming incoming(host.size());
  for (auto first = rows.begin(); first != rows.end();) {
    const auto last =
        std::find_if(first, rows.end(), [&](auto row) { return host_of(row) != host_of(*first); });
    const Rows members(first, last);
    if (members.size() <= neighbours + 1)
      link_all(members, incoming);
    else
      link_nearest(pos, members, neighbours, incoming);
    first = last;
  }
  return std::move(incoming).sorted();
}

}  // namespace halobrush::graph
