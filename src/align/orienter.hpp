// The galaxies of one file get orientations, wherever these are written to.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "axes.hpp"
#include "galaxies.hpp"
#include "halobrush/catalog/galaxy_file.hpp"
#include "halobrush/config/config.hpp"

namespace halobrush::align {

/// Processor seconds, by what they were spent on; waiting for other ranks is not among them.
struct Spent {
  double reading = 0, drawing = 0, writing = 0, all = 0;
};

/// Of the processor, this rank's since its start.
double processor_seconds();

template <class Work>
auto timed(double& seconds, Work&& work) {
  const double start = processor_seconds();
  auto made = work();
  seconds += processor_seconds() - start;
  return made;
}

struct Counts {
  std::uint64_t galaxies = 0, about_halo = 0, about_host = 0, odd_shapes = 0;
  Spent spent;
  void add(const Galaxies& some, const Axes& axes);
};

/// Sum over all columns but those of orientations, whatever the order of columns or rows.
struct Unchanged {
  std::size_t columns = 0;
  std::uint64_t checksum = 0;
};
Unchanged unchanged_columns(const catalog::GalaxyFile& file);

/// Of one file.
struct Oriented {
  std::uint64_t galaxies = 0;
  std::size_t replaced = 0, added = 0;  ///< columns
};
/// A line on a file that is complete. Throws internal_error where other columns have changed.
std::string verified(const std::string& path, const Oriented& oriented, const Unchanged& were, const Unchanged& are);

/// Of a file that was aligned; empty where it says nothing of them.
struct Made {
  std::string settings, original_sha256;
};
Made made_of(const catalog::GalaxyFile& file);

class Orienter {
 public:
  /// Throws config_error.
  explicit Orienter(const config::Config& config);

  /// What bits depend on, beside the original.
  std::string settings() const;
  /// Throws data_error where the galaxies of a file cannot get orientations.
  void check(const std::string& path, const catalog::GalaxyFile& file) const;
  /// Bytes of all new columns.
  double new_bytes(const catalog::GalaxyFile& file) const;
  /// `original` may be `changed` itself: a block of galaxies is read before it is written, and once.
  Oriented orient(const std::string& path, const std::string& sha256, const catalog::GalaxyFile& original, catalog::GalaxyFile& changed, Counts& counts) const;

 private:
  void orient(const std::string& path, const catalog::GalaxyGroup& original, catalog::GalaxyGroup& changed, Counts& counts) const;
  std::vector<std::pair<std::string, std::string>> notes(const std::string& path, const std::string& sha256, const catalog::GalaxyFile& original) const;

  const config::Config& config_;
  EarlyTypes early_;
  AxesLaw law_;
};

}  // namespace halobrush::align
