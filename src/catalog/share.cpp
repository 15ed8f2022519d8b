#include "share.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace halobrush::catalog {
namespace {

// Where the middle of each file lies among all bytes decides.
std::vector<Ranks> whole_files(const std::vector<double>& sizes, double all, int ranks) {
  std::vector<Ranks> dealt;
  double before = 0;
  for (const double size : sizes) {
    const int rank = std::min(static_cast<int>((before + size / 2) / all * ranks), ranks - 1);
    dealt.push_back({rank, rank + 1});
    before += size;
  }
  return dealt;
}

std::vector<Ranks> shared_files(const std::vector<double>& sizes, double all, int ranks) {
  std::vector<Ranks> dealt;
  double behind = 0;
  int begin = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    behind += sizes[i];
    const int later = static_cast<int>(sizes.size() - i - 1);
    const int end = std::clamp(static_cast<int>(std::round(behind / all * ranks)), begin + 1, ranks - later);
    dealt.push_back({begin, later == 0 ? ranks : end});
    begin = end;
  }
  return dealt;
}

}  // namespace

std::vector<Ranks> deal(const std::vector<std::uint64_t>& sizes, int ranks) {
  const std::vector<double> bytes(sizes.begin(), sizes.end());
  const double all = std::max(std::accumulate(bytes.begin(), bytes.end(), 0.), 1.);
  return sizes.size() < static_cast<std::size_t>(ranks) ? shared_files(bytes, all, ranks) : whole_files(bytes, all, ranks);
}

}  // namespace halobrush::catalog
