// The jackknife of one pass against catalogs from which the galaxies of one sub-box were taken.
#include <gtest/gtest.h>

#include <functional>

#include "halobrush/core/error.hpp"
#include "stats/support.hpp"

namespace halobrush::stats {
namespace {

using testing_support::clustered_sample;
using testing_support::rows_of;
using testing_support::share_of;
constexpr double pi = std::numbers::pi;

const domain::Box box{Vec3(93, 99, 120)};
constexpr int per_side = 3;

Options options_for_box(int jackknife) {
  Options options;
  options.r = {1, 30, 6};
  options.rp = {1, 30, 6};
  options.pi_max = 40;
  options.jackknife = jackknife;
  return options;
}

std::size_t region_of(const Vec3& pos) {
  std::size_t region = 0;
  for (int k = 0; k < 3; ++k)
    region = region * per_side + static_cast<std::size_t>(pos[k] / box.side[k] * per_side);
  return region;
}

// RR in the whole box over RR in the box with a hole, for a bin: closed forms, good while separations stay
// below a sub-box' sides. The mean of prod (l_k - |d_k|) over directions is a polynomial in r: <|n_x|> = 2/pi
// on the circle, 1/2 on the sphere, and so on.
double whole_over_holed(double integral_of_overlap, double bin_volume) {
  const double whole = box.side.prod(), hole = whole / std::pow(per_side, 3);
  return bin_volume / whole /
         ((bin_volume * (whole - 2 * hole) + integral_of_overlap) / std::pow(whole - hole, 2));
}

double radial_factor(double low, double high) {
  const Vec3 l = box.side / per_side;
  const auto integral = [&](double r) {
    return 4 * pi *
           (l.prod() * std::pow(r, 3) / 3 -
            (l.x() * l.y() + l.x() * l.z() + l.y() * l.z()) / 2 * std::pow(r, 4) / 4 +
            l.sum() * 2 / (3 * pi) * std::pow(r, 5) / 5 - std::pow(r, 6) / (6 * 4 * pi));
  };
  return whole_over_holed(integral(high) - integral(low),
                          4 * pi / 3 * (std::pow(high, 3) - std::pow(low, 3)));
}

double sky_factor(double low, double high, double pi_max) {
  const Vec3 l = box.side / per_side;
  const double depth = pi_max < l.z() ? 2 * (l.z() * pi_max - pi_max * pi_max / 2) : l.z() * l.z();
  const auto integral = [&](double r) {
    return 2 * pi * depth *
           (l.x() * l.y() * r * r / 2 - 2 / pi * (l.x() + l.y()) * std::pow(r, 3) / 3 +
            std::pow(r, 4) / (4 * pi));
  };
  return whole_over_holed(integral(high) - integral(low), pi * (high * high - low * low) * 2 * pi_max);
}

// A value measured with RR of the whole box, as if with RR of the box without a sub-box.
double with_hole(const Statistic& s, std::size_t bin) {
  if (s.name[0] == 'e') return s.value[bin];
  if (s.name == "xi") return (s.value[bin] + 1) * radial_factor(s.edges[bin], s.edges[bin + 1]) - 1;
  if (s.name.starts_with("xi_gplus")) return s.value[bin] * radial_factor(s.edges[bin], s.edges[bin + 1]);
  const double factor = sky_factor(s.edges[bin], s.edges[bin + 1], s.pi_max), depth = 2 * s.pi_max;
  return s.name == "wgg" ? depth * ((s.value[bin] / depth + 1) * factor - 1) : s.value[bin] * factor;
}

using Measure =
    std::function<std::vector<Statistic>(const Options&, const std::function<bool(const Vec3&)>& keep)>;

void expect_explicit_leave_one_out(const Measure& measure_kept) {
  const auto all = measure_kept(options_for_box(per_side), [](const Vec3&) { return true; });
  constexpr std::size_t regions = per_side * per_side * per_side;
  std::vector<std::vector<Statistic>> without;
  for (std::size_t k = 0; k < regions; ++k)
    without.push_back(measure_kept(options_for_box(0), [k](const Vec3& pos) { return region_of(pos) != k; }));
  for (std::size_t s = 0; s < all.size(); ++s) {
    const auto bins = all[s].value.size();
    ASSERT_EQ(all[s].regions, static_cast<std::int64_t>(regions));
    std::vector<std::vector<double>> left_out(regions, std::vector<double>(bins));
    std::vector<double> mean(bins);
    for (std::size_t k = 0; k < regions; ++k)
      for (std::size_t b = 0; b < bins; ++b)
        mean[b] += (left_out[k][b] = with_hole(without[k][s], b)) / regions;
    for (std::size_t a = 0; a < bins; ++a)
      for (std::size_t b = 0; b < bins; ++b) {
        double covariance = 0;
        for (std::size_t k = 0; k < regions; ++k)
          covariance += (left_out[k][a] - mean[a]) * (left_out[k][b] - mean[b]);
        covariance *= (regions - 1.0) / regions;
        EXPECT_NEAR(all[s].covariance[a * bins + b], covariance,
                    1e-12 * all[s].error[a] * all[s].error[b] + 1e-13 * std::abs(covariance))
            << all[s].name << " " << a << " " << b;
      }
  }
}

TEST(Jackknife, EqualsExplicitLeaveOneOutForOneSample) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const auto all = clustered_sample(box, 1500, 1, true);
  expect_explicit_leave_one_out([&](const Options& options, const auto& keep) {
    return measure(box, share_of(rows_of(all, [&](std::size_t i) { return keep(all.pos[i]); }), comm),
                   options, comm);
  });
}

TEST(Jackknife, EqualsExplicitLeaveOneOutForTwoSamples) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  const auto shapes = clustered_sample(box, 1000, 1, false), density = clustered_sample(box, 1500, 2, true);
  expect_explicit_leave_one_out([&](const Options& options, const auto& keep) {
    return measure(box, share_of(rows_of(shapes, [&](std::size_t i) { return keep(shapes.pos[i]); }), comm),
                   share_of(rows_of(density, [&](std::size_t i) { return keep(density.pos[i]); }), comm),
                   options, comm);
  });
}

// Uniform catalogs have no clustering, and a hole does not make any: the mean over catalogs of the mean
// leave-one-out is zero within four of its errors. With RR of the whole box it would be a few percent of the
// depth off, dozens of errors.
TEST(Jackknife, AHoleMakesNoClustering) {
  const mpi::Communicator comm(MPI_COMM_WORLD);
  constexpr std::size_t catalogs = 20, bins = 6;
  std::vector<double> sum(bins), squares(bins);
  for (std::size_t seed = 0; seed < catalogs; ++seed) {
    RandomStream random(seed, 9, Purpose::test);
    Sample uniform;
    for (int i = 0; i < 1500; ++i)
      uniform.pos.push_back(
          Vec3(random.uniform(), random.uniform(), random.uniform()).cwiseProduct(box.side));
    const auto wgg = measure(box, share_of(uniform, comm), options_for_box(per_side), comm).front();
    ASSERT_EQ(wgg.name, "wgg");
    for (std::size_t b = 0; b < bins; ++b) {
      double mean = 0;
      for (std::size_t k = b; k < wgg.leave_one_out.size(); k += bins) mean += wgg.leave_one_out[k];
      mean /= static_cast<double>(wgg.regions);
      sum[b] += mean, squares[b] += mean * mean;
    }
  }
  for (std::size_t b = 0; b < bins; ++b) {
    const double mean = sum[b] / catalogs, scatter = std::sqrt(squares[b] / catalogs - mean * mean);
    EXPECT_LT(std::abs(mean), 4 * scatter / std::sqrt(catalogs - 1.0)) << b;
  }
}

}  // namespace
}  // namespace halobrush::stats
