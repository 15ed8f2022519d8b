// The innermost loops: sums over the pairs of two cells. Compiled once for each instruction set
// (kernel_body.hpp); all give the same bits, because a sum always runs in eight lanes and products are never
// fused with sums.
#pragma once

#include <cstddef>
#include <cstdint>

namespace halobrush::stats {

/// Columns of a galaxy; z first, which rows are sorted by.
enum Column : int { col_z, col_y, col_x, col_weight, col_e1, col_e2, col_axes, columns = col_axes + 9 };

/// Sums in a bin of r: w, for each axis those of ed, e+ (1 - mu^2) and e+ (1 - mu^2)(7 mu^2 - 1) with mu = Pi / r, for each
/// axis those of ee; and in a bin of r_p: w, S+D, SxD, S+S+.
enum RadialSum : int { r_weight, r_ed, r_plus_2 = r_ed + 3, r_plus_4, r_ee, radial_sums = r_ee + 3 };
enum SkySum : int { rp_weight, rp_plus, rp_cross, rp_plus_plus, sky_sums };

constexpr int lanes = 8;
constexpr std::size_t padding = 16;  ///< rows that may be read beyond the end of a column

/// The rows of one cell, by z.
struct CellRows {
  const double* column[columns];  ///< null where there is none
  std::int64_t count;
  double low[2], high[2];  ///< x and y of the galaxies
};

struct Edges {
  const double* squared;  ///< [bins+1] (Mpc/h)^2
  int bins;
  double max_squared() const { return squared[bins]; }
};

struct CellPair {
  CellRows first, second;
  double shift[3];  ///< x, y, z: added to the second's positions
  bool same;        ///< one cell and no shift: each unordered pair once
};

/// What is summed: `first`: shapes of the first about the second; with `second_too` also those of the second
/// about the first; `both`: products of two shapes (with `first` only together with `second_too`).
struct Wanted {
  bool first, second_too, both;
  bool weighted, ellipticity, multipoles;  // multipoles: of e+, in bins of r
  bool axis[3];
};

/// [bins][sums][lanes], and the counts [bins][lanes].
struct LaneSums {
  double* radial;
  std::int64_t* radial_pairs;
  double* sky;
  std::int64_t* sky_pairs;
};

struct PairBins {
  Edges r, rp;
  double r_max, pi_max;
};

/// [bins of r_p and one below and one above][Pi]: the counts of each cell `copies` times, side by side.
struct SkyHistogram {
  static constexpr int copies = 4;
  std::uint32_t* pairs;
  double* plus;  ///< null: counts only; one copy
  int pi_bins;
};

struct Kernels {
  const char* name;
  void (*sums)(const CellPair&, const PairBins&, const Wanted&, const LaneSums&);
  void (*histogram)(const CellPair&, const Edges& rp, double pi_max, const Wanted&, const SkyHistogram&);
};

/// The fastest that this processor runs with at most so many doubles in a register.
const Kernels& kernels(int widest = lanes);

namespace baseline {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}

}  // namespace halobrush::stats
