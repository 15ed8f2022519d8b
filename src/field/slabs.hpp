// Which rank holds which planes of x: blocks of equal size, FFTW-MPI's own rule, so ranks at the end may hold
// none.
#pragma once

#include <algorithm>
#include <cstdint>

namespace halobrush::field {

class Slabs {
 public:
  Slabs(std::int64_t n, int ranks) : n_(n), block_((n + ranks - 1) / ranks) {}

  std::int64_t n() const { return n_; }
  std::int64_t block() const { return block_; }
  std::int64_t first(int rank) const { return std::min(n_, rank * block_); }
  std::int64_t planes(int rank) const { return std::min(block_, n_ - first(rank)); }
  int owner(std::int64_t plane) const { return static_cast<int>(plane / block_); }

 private:
  std::int64_t n_, block_;
};

}  // namespace halobrush::field
