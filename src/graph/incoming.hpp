// Edges while they are being found: the sources of each destination, in any order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "halobrush/graph/graph.hpp"

namespace halobrush::graph {

class Incoming {
 public:
  explicit Incoming(std::size_t rows) : range_(rows, {0, 0}) {}

  /// All sources of one destination, which is given once at most.
  void set(std::int64_t destination, const std::vector<std::int64_t>& sources) {
    range_[static_cast<std::size_t>(destination)] = {source_.size(), source_.size() + sources.size()};
    source_.insert(source_.end(), sources.begin(), sources.end());
  }

  Edges sorted() && {
    Edges edges;
    edges.source.reserve(source_.size());
    edges.destination.reserve(source_.size());
    for (std::size_t row = 0; row < range_.size(); ++row) {
      const auto [first, last] = range_[row];
      const auto begin = source_.begin();
      edges.source.insert(edges.source.end(), begin + static_cast<std::ptrdiff_t>(first),
                          begin + static_cast<std::ptrdiff_t>(last));
      std::sort(edges.source.end() - static_cast<std::ptrdiff_t>(last - first), edges.source.end());
      edges.destination.insert(edges.destination.end(), last - first, static_cast<std::int64_t>(row));
    }
    return edges;
  }

 private:
  struct Range {
    std::size_t first, last;
  };
  std::vector<Range> range_;  ///< [n], into source_
  std::vector<std::int64_t> source_;
};

}  // namespace halobrush::graph
