// Included by one source for each instruction set, with HALOBRUSH_ISA (a namespace) and HALOBRUSH_WIDTH
// (doubles in a register). Uses nothing of the standard library: an inline function of it compiled here might
// be called on a lesser processor.
#include "kernel.hpp"

namespace halobrush::stats::HALOBRUSH_ISA {
namespace {

constexpr int width = HALOBRUSH_WIDTH, groups = lanes / width;
constexpr std::int64_t block = 128;
constexpr double infinity = __builtin_inf();

typedef double Vector __attribute__((vector_size(8 * width), may_alias));
typedef double Unaligned __attribute__((vector_size(8 * width), aligned(8), may_alias));
typedef long long Mask __attribute__((vector_size(8 * width), may_alias));
typedef long long UnalignedMask __attribute__((vector_size(8 * width), aligned(8), may_alias));

inline Vector load(const double* p) {
  return *reinterpret_cast<const Unaligned*>(p);
}
inline void store(double* p, Vector v) {
  *reinterpret_cast<Unaligned*>(p) = v;
}
inline Vector spread(double x) {
  return x - Vector{};
}
inline Vector lesser(Vector a, Vector b) {
  return a < b ? a : b;
}
inline Vector greater(Vector a, Vector b) {
  return a > b ? a : b;
}

inline double gap(double x, double low, double high) {
  return x < low ? low - x : x > high ? x - high : 0;
}

// Values of one galaxy with up to `block` others, and the distance that puts them into bins.
struct Block {
  alignas(64) double squared[block];
  alignas(64) double value[radial_sums][block];
  Vector least, most;  // of `squared`
};

template <int Values>
void add_to_bin(const Block& b, std::int64_t n, double low, double high, const int* slot, double* sums,
                std::int64_t* pairs) {
  Vector acc[Values > 0 ? Values : 1][groups];
  Mask count[groups];
  for (int g = 0; g < groups; ++g) {
    for (int v = 0; v < Values; ++v) acc[v][g] = load(sums + slot[v] * lanes + g * width);
    count[g] = *reinterpret_cast<const UnalignedMask*>(pairs + g * width);
  }
  const Vector lo = spread(low), hi = spread(high), zero{};
  for (std::int64_t l = 0; l < n; l += lanes)
    for (int g = 0; g < groups; ++g) {
      const Vector d = load(b.squared + l + g * width);
      const Mask in = (d >= lo) & (d < hi);
      count[g] -= in;
      for (int v = 0; v < Values; ++v) acc[v][g] += in ? load(b.value[v] + l + g * width) : zero;
    }
  for (int g = 0; g < groups; ++g) {
    for (int v = 0; v < Values; ++v) store(sums + slot[v] * lanes + g * width, acc[v][g]);
    *reinterpret_cast<UnalignedMask*>(pairs + g * width) = count[g];
  }
}

// `values` of them, which go to the sums `slot`, out of `sums_per_bin`.
void add_to_bins(Block& b, std::int64_t n, const Edges& edges, int values, const int* slot, int sums_per_bin,
                 double* sums, std::int64_t* pairs) {
  double least = infinity, most = 0;
  for (int g = 0; g < width; ++g) {
    if (b.least[g] < least) least = b.least[g];
    if (b.most[g] > most) most = b.most[g];
  }
  int first = edges.bins, last = edges.bins;
  while (first > 0 && edges.squared[first] > least) --first;
  while (last > first && edges.squared[last - 1] > most) --last;
  const std::int64_t whole = (n + lanes - 1) / lanes * lanes;
  for (std::int64_t l = n; l < whole; ++l) b.squared[l] = infinity;
  for (int k = first; k < last; ++k) {
    const double low = edges.squared[k], high = edges.squared[k + 1];
    double* to = sums + k * sums_per_bin * lanes;
    std::int64_t* count = pairs + k * lanes;
    switch (values) {
      case 0:
        add_to_bin<0>(b, whole, low, high, slot, to, count);
        break;
      case 1:
        add_to_bin<1>(b, whole, low, high, slot, to, count);
        break;
      case 2:
        add_to_bin<2>(b, whole, low, high, slot, to, count);
        break;
      case 3:
        add_to_bin<3>(b, whole, low, high, slot, to, count);
        break;
      case 4:
        add_to_bin<4>(b, whole, low, high, slot, to, count);
        break;
      case 5:
        add_to_bin<5>(b, whole, low, high, slot, to, count);
        break;
      case 6:
        add_to_bin<6>(b, whole, low, high, slot, to, count);
        break;
      case 7:
        add_to_bin<7>(b, whole, low, high, slot, to, count);
        break;
      case 8:
        add_to_bin<8>(b, whole, low, high, slot, to, count);
        break;
      default:
        add_to_bin<9>(b, whole, low, high, slot, to, count);
        break;
    }
  }
}

// One galaxy and the rows [from, from + n) of the other cell.
struct Run {
  const CellPair& cells;
  const Wanted& wanted;
  std::int64_t i, from, n;

  double of_first(int column) const { return cells.first.column[column][i]; }
  Vector of_second(int column, std::int64_t l) const { return load(cells.second.column[column] + from + l); }
  // (x_j - x_i) + shift: rounds the same way from both sides.
  Vector separation(int column, int axis, std::int64_t l) const {
    return (of_second(column, l) - of_first(column)) + cells.shift[axis];
  }
};

template <bool First, bool SecondToo, bool Both, bool Weighted>
void sky_block(const Run& run, const PairBins& bins, const LaneSums& sums) {
  Block b;
  b.least = spread(infinity);
  b.most = Vector{};
  const bool shapes = (First || Both) && run.wanted.ellipticity;
  const double e1 = shapes ? run.of_first(col_e1) : 0, e2 = shapes ? run.of_first(col_e2) : 0;
  int slot[sky_sums], values = 0;
  if (Weighted) slot[values++] = rp_weight;
  if (shapes && First) slot[values++] = rp_plus, slot[values++] = rp_cross;
  if (shapes && Both) slot[values++] = rp_plus_plus;
  for (std::int64_t l = 0; l < run.n; l += width) {
    const Vector dx = run.separation(col_x, 0, l), dy = run.separation(col_y, 1, l);
    const Vector xx = dx * dx, yy = dy * dy, squared = xx + yy;
    store(b.squared + l, squared);
    b.least = lesser(b.least, squared);
    b.most = greater(b.most, squared);
    Vector w{};
    int v = 0;
    if (Weighted) {
      w = run.of_first(col_weight) * run.of_second(col_weight, l);
      store(b.value[v++] + l, w);
    }
    if (!shapes) continue;
    const Vector inverse = 1.0 / squared, cos2 = (xx - yy) * inverse, sin2 = 2.0 * (dx * dy) * inverse;
    const Vector plus_i = e1 * cos2 + e2 * sin2, cross_i = e2 * cos2 - e1 * sin2;
    Vector plus = plus_i, cross = cross_i, both{};
    if (SecondToo || Both) {
      const Vector f1 = run.of_second(col_e1, l), f2 = run.of_second(col_e2, l);
      const Vector plus_j = f1 * cos2 + f2 * sin2;
      if (SecondToo) plus += plus_j, cross += f2 * cos2 - f1 * sin2;
      both = plus_i * plus_j;
    }
    if (First) {
      store(b.value[v++] + l, Weighted ? w * plus : plus);
      store(b.value[v++] + l, Weighted ? w * cross : cross);
    }
    if (Both) store(b.value[v++] + l, Weighted ? w * both : both);
  }
  add_to_bins(b, run.n, bins.rp, values, slot, sky_sums, sums.sky, sums.sky_pairs);
}

template <bool First, bool SecondToo, bool Both, bool Weighted>
void radial_block(const Run& run, const PairBins& bins, const LaneSums& sums) {
  Block b;
  b.least = spread(infinity);
  b.most = Vector{};
  int slot[radial_sums], values = 0;
  if (Weighted) slot[values++] = r_weight;
  int axis[3], axes = 0;
  double* value_of[3][2];  // ed and ee of an axis
  for (int a = 0; a < 3; ++a) {
    if (!(First || Both) || !run.wanted.axis[a]) continue;
    axis[axes] = a;
    if (First) value_of[axes][0] = b.value[values], slot[values++] = r_ed + a;
    if (Both) value_of[axes][1] = b.value[values], slot[values++] = r_ee + a;
    ++axes;
  }
  const bool multipoles = First && run.wanted.multipoles;
  const double e1 = multipoles ? run.of_first(col_e1) : 0, e2 = multipoles ? run.of_first(col_e2) : 0;
  double *quadrupole = nullptr, *hexadecapole = nullptr;
  if (multipoles) {
    quadrupole = b.value[values], slot[values++] = r_plus_2;
    hexadecapole = b.value[values], slot[values++] = r_plus_4;
  }
  alignas(64) double separation[3][block], inverse[block];
  for (std::int64_t l = 0; l < run.n; l += width) {
    const Vector dx = run.separation(col_x, 0, l), dy = run.separation(col_y, 1, l),
                 dz = run.separation(col_z, 2, l);
    const Vector squared = (dx * dx + dy * dy) + dz * dz;
    store(b.squared + l, squared);
    b.least = lesser(b.least, squared);
    b.most = greater(b.most, squared);
    Vector w = spread(1);
    if (Weighted) {
      w = run.of_first(col_weight) * run.of_second(col_weight, l);
      store(b.value[0] + l, w);
    }
    if (multipoles) {
      // e+ is turned by r_p, of which (1 - mu^2) = r_p^2 / r^2 cancels the length
      Vector both1 = spread(e1), both2 = spread(e2);
      if (SecondToo) both1 += run.of_second(col_e1, l), both2 += run.of_second(col_e2, l);
      const Vector inverse_squared = 1.0 / squared;
      const Vector plus = w * (both1 * (dx * dx - dy * dy) + both2 * (2.0 * (dx * dy))) * inverse_squared;
      store(quadrupole + l, plus);
      store(hexadecapole + l, plus * (7.0 * (dz * dz) * inverse_squared - 1.0));
    }
    if (axes == 0 || !First) continue;
    store(separation[0] + l, dx);
    store(separation[1] + l, dy);
    store(separation[2] + l, dz);
    store(inverse + l, w / squared);
  }
  for (int k = 0; k < axes; ++k) {
    const int at = col_axes + 3 * axis[k];
    const double ax = run.of_first(at), ay = run.of_first(at + 1), az = run.of_first(at + 2);
    for (std::int64_t l = 0; l < run.n; l += width) {
      Vector bx{}, by{}, bz{};
      if (SecondToo || Both)
        bx = run.of_second(at, l), by = run.of_second(at + 1, l), bz = run.of_second(at + 2, l);
      if (First) {
        const Vector dx = load(separation[0] + l), dy = load(separation[1] + l), dz = load(separation[2] + l);
        const Vector along_i = (ax * dx + ay * dy) + az * dz;
        Vector cosines = along_i * along_i;
        if (SecondToo) {
          const Vector along_j = (bx * dx + by * dy) + bz * dz;
          cosines += along_j * along_j;
        }
        store(value_of[k][0] + l, cosines * load(inverse + l));
      }
      if (Both) {
        const Vector dot = (ax * bx + ay * by) + az * bz;
        store(value_of[k][1] + l, Weighted ? load(b.value[0] + l) * (dot * dot) : dot * dot);
      }
    }
  }
  add_to_bins(b, run.n, bins.r, values, slot, radial_sums, sums.radial, sums.radial_pairs);
}

// The rows of the second cell within reach along z of one of the first cell's, which are visited upwards.
struct Window {
  std::int64_t begin = 0, end = 0;

  void move_to(const CellPair& cells, std::int64_t i, double reach) {
    const double z = cells.first.column[col_z][i], shift = cells.shift[2];
    const double* other = cells.second.column[col_z];
    const std::int64_t n = cells.second.count;
    const auto below = [&](std::int64_t j) { return (other[j] - z) + shift <= -reach; };
    const auto within = [&](std::int64_t j) { return (other[j] - z) + shift < reach; };
    while (begin > 0 && !below(begin - 1)) --begin;
    while (begin < n && below(begin)) ++begin;
    if (end < begin) end = begin;
    while (end > begin && !within(end - 1)) --end;
    while (end < n && within(end)) ++end;
  }
  std::int64_t first_partner(const CellPair& cells, std::int64_t i) const {
    return cells.same && begin < i + 1 ? i + 1 : begin;
  }
};

constexpr double rounding = 1e-12;  // relative, of a squared distance: many times what it can be off by

double least_squared_distance_on_sky(const CellPair& cells, std::int64_t i) {
  const auto& other = cells.second;
  const double dx =
      gap(cells.first.column[col_x][i], other.low[0] + cells.shift[0], other.high[0] + cells.shift[0]);
  const double dy =
      gap(cells.first.column[col_y][i], other.low[1] + cells.shift[1], other.high[1] + cells.shift[1]);
  return (dx * dx + dy * dy) * (1 - rounding);
}

// How far along z a partner can be that is at least so far away on the sky.
double reach_along(double max_squared, double least_on_sky) {
  return __builtin_sqrt((max_squared - least_on_sky) * (1 + rounding));
}

template <class Work>
void in_blocks(const CellPair& cells, const Wanted& wanted, const Window& window, std::int64_t i,
               Work&& work) {
  for (std::int64_t from = window.first_partner(cells, i); from < window.end; from += block)
    work(Run{cells, wanted, i, from, window.end - from < block ? window.end - from : block});
}

enum class Distance { radial, sky };

// Pairs nearer than each of N edges, which are squared.
template <Distance D, int N>
void count_below(const CellPair& cells, double pi_max, const double* edges, std::int64_t* below) {
  Mask count[N]{};
  Mask lane;
  for (int g = 0; g < width; ++g) lane[g] = g;
  Window window;
  for (std::int64_t i = 0; i < cells.first.count; ++i) {
    const double least = least_squared_distance_on_sky(cells, i);
    if (least >= edges[N - 1]) continue;
    window.move_to(cells, i, D == Distance::sky ? pi_max : reach_along(edges[N - 1], least));
    const std::int64_t from = window.first_partner(cells, i);
    const Run run{cells, {}, i, from, window.end - from};
    for (std::int64_t l = 0; l < run.n; l += width) {
      const Vector dx = run.separation(col_x, 0, l), dy = run.separation(col_y, 1, l);
      Vector squared = dx * dx + dy * dy;
      if (D == Distance::radial) {
        const Vector dz = run.separation(col_z, 2, l);
        squared += dz * dz;
      }
      if (run.n - l < width) squared = lane < run.n - l ? squared : spread(infinity);
      for (int k = 0; k < N; ++k) count[k] -= squared < edges[k];
    }
  }
  for (int k = 0; k < N; ++k)
    for (int g = 0; g < width; ++g) below[k] += count[k][g];
}

double least_squared_distance_of_cells(const CellPair& cells) {
  double sum = 0;
  for (int k = 0; k < 2; ++k) {
    const double above = cells.second.low[k] + cells.shift[k] - cells.first.high[k],
                 below = cells.first.low[k] - cells.second.high[k] - cells.shift[k];
    const double d = above > below ? above : below;
    if (d > 0) sum += d * d;
  }
  return sum * (1 - rounding);
}

// Counts only. A few of the largest edges at a time: the smaller ones look at far fewer pairs.
template <Distance D>
void count(const CellPair& cells, const Edges& edges, double pi_max, std::int64_t* pairs) {
  constexpr int at_once = 4;
  const double least = least_squared_distance_of_cells(cells);
  for (int last = edges.bins; last >= 0 && edges.squared[last] > least;) {
    int first = last;
    while (first > 0 && last - first + 1 < at_once && edges.squared[first - 1] > least) --first;
    const double* from = edges.squared + first;
    std::int64_t below[at_once]{};
    switch (last - first + 1) {
      case 1:
        count_below<D, 1>(cells, pi_max, from, below);
        break;
      case 2:
        count_below<D, 2>(cells, pi_max, from, below);
        break;
      case 3:
        count_below<D, 3>(cells, pi_max, from, below);
        break;
      default:
        count_below<D, 4>(cells, pi_max, from, below);
    }
    for (int k = first; k <= last; ++k) {
      if (k > 0) pairs[(k - 1) * lanes] += below[k - first];
      if (k < edges.bins) pairs[k * lanes] -= below[k - first];
    }
    last = first - 1;
  }
}

template <bool First, bool SecondToo, bool Both, bool Weighted>
void sums_of(const CellPair& cells, const PairBins& bins, const Wanted& wanted, const LaneSums& sums) {
  const bool shapes = (First || Both) && wanted.ellipticity,
             axes = (First || Both) && (wanted.axis[0] || wanted.axis[1] || wanted.axis[2]),
             multipoles = First && wanted.multipoles;
  const bool add_sky = bins.rp.bins > 0 && (Weighted || shapes),
             add_radial = bins.r.bins > 0 && (Weighted || axes || multipoles);
  if (bins.rp.bins > 0 && !add_sky) count<Distance::sky>(cells, bins.rp, bins.pi_max, sums.sky_pairs);
  if (bins.r.bins > 0 && !add_radial) count<Distance::radial>(cells, bins.r, bins.pi_max, sums.radial_pairs);
  if (!add_sky && !add_radial) return;
  Window sky, radial;
  for (std::int64_t i = 0; i < cells.first.count; ++i) {
    const double least = least_squared_distance_on_sky(cells, i);
    if (add_sky && least < bins.rp.max_squared()) {
      sky.move_to(cells, i, bins.pi_max);
      in_blocks(cells, wanted, sky, i,
                [&](const Run& run) { sky_block<First, SecondToo, Both, Weighted>(run, bins, sums); });
    }
    if (add_radial && least < bins.r.max_squared()) {
      radial.move_to(cells, i, reach_along(bins.r.max_squared(), least));
      in_blocks(cells, wanted, radial, i,
                [&](const Run& run) { radial_block<First, SecondToo, Both, Weighted>(run, bins, sums); });
    }
  }
}

void sums(const CellPair& cells, const PairBins& bins, const Wanted& wanted, const LaneSums& sums) {
  const auto run = [&]<bool Weighted>() {
    if (wanted.second_too && wanted.both)
      sums_of<true, true, true, Weighted>(cells, bins, wanted, sums);
    else if (wanted.second_too)
      sums_of<true, true, false, Weighted>(cells, bins, wanted, sums);
    else if (wanted.first)
      sums_of<true, false, false, Weighted>(cells, bins, wanted, sums);
    else if (wanted.both)
      sums_of<false, false, true, Weighted>(cells, bins, wanted, sums);
    else
      sums_of<false, false, false, Weighted>(cells, bins, wanted, sums);
  };
  if (wanted.weighted)
    run.template operator()<true>();
  else
    run.template operator()<false>();
}

typedef int Index __attribute__((vector_size(4 * width), aligned(4), may_alias));

// The cell of the histogram for each row of the run: rows of r_p bins with one below and one above, in each
// all bins of Pi.
void find_indices(const Run& run, std::int64_t n, const double* squared, double least, const Edges& rp,
                  double per_pi, int pi_bins, int* index) {
  int first = rp.bins + 1, last = rp.bins + 1;
  while (first > 0 && rp.squared[first - 1] > least) --first;
  const double all = pi_bins, before = all * first;
  for (std::int64_t l = 0; l < n; l += width) {
    const Vector d = load(squared + l), dz = run.separation(col_z, 2, l), zero{};
    Vector row = spread(before);
    for (int k = first; k < last; ++k) row += d >= rp.squared[k] ? spread(all) : zero;
    const Vector pi = lesser((dz < 0 ? -dz : dz) * per_pi, spread(all - 1));
    *reinterpret_cast<Index*>(index + l) =
        __builtin_convertvector(row, Index) + __builtin_convertvector(pi, Index);
  }
}

void histogram_block(const Run& run, const Edges& rp, double pi_max, const SkyHistogram& out) {
  alignas(64) double squared[block], plus[block];
  alignas(64) int index[block];
  const bool shapes = out.plus != nullptr;
  const double e1 = shapes ? run.of_first(col_e1) : 0, e2 = shapes ? run.of_first(col_e2) : 0;
  Vector smallest = spread(infinity);
  for (std::int64_t l = 0; l < run.n; l += width) {
    const Vector dx = run.separation(col_x, 0, l), dy = run.separation(col_y, 1, l);
    const Vector xx = dx * dx, yy = dy * dy, d = xx + yy;
    store(squared + l, d);
    smallest = lesser(smallest, d);
    if (!shapes) continue;
    const Vector inverse = 1.0 / d, cos2 = (xx - yy) * inverse, sin2 = 2.0 * (dx * dy) * inverse;
    Vector sum = e1 * cos2 + e2 * sin2;
    if (run.wanted.second_too) sum += run.of_second(col_e1, l) * cos2 + run.of_second(col_e2, l) * sin2;
    if (run.wanted.weighted) sum *= run.of_first(col_weight) * run.of_second(col_weight, l);
    store(plus + l, sum);
  }
  double least = infinity;
  for (int g = 0; g < width; ++g)
    if (smallest[g] < least) least = smallest[g];
  find_indices(run, run.n, squared, least, rp, out.pi_bins / pi_max, out.pi_bins, index);
  std::int64_t l = 0;
  for (; l + 4 <= run.n;
       l += 4) {  // neighbours often meet in one bin: a copy each, so that no addition waits for another
    ++out.pairs[4 * index[l]];
    ++out.pairs[4 * index[l + 1] + 1];
    ++out.pairs[4 * index[l + 2] + 2];
    ++out.pairs[4 * index[l + 3] + 3];
  }
  for (; l < run.n; ++l) ++out.pairs[4 * index[l]];
  if (shapes)
    for (l = 0; l < run.n; ++l) out.plus[index[l]] += plus[l];
}

void histogram(const CellPair& cells, const Edges& rp, double pi_max, const Wanted& wanted,
               const SkyHistogram& out) {
  Window window;
  for (std::int64_t i = 0; i < cells.first.count; ++i) {
    if (least_squared_distance_on_sky(cells, i) >= rp.max_squared()) continue;
    window.move_to(cells, i, pi_max);
    in_blocks(cells, wanted, window, i, [&](const Run& run) { histogram_block(run, rp, pi_max, out); });
  }
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels{HALOBRUSH_ISA_NAME, sums, histogram};

}  // namespace halobrush::stats::HALOBRUSH_ISA
