// Galaxies that are known, joined to the halos they live in: what models are trained on and judged by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/config/config.hpp"
#include "halobrush/domain/patch.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/pipeline/split.hpp"

namespace halobrush::pipeline {

/// The configuration under which a model judges known galaxies: that of its training, or, for the analytic law
/// (`model` is "analytic"), of the catalog; the halos are the catalog itself where it has halo columns, else
/// those that it says it was painted on. Then the overrides. painter.kind and painter.model are set.
config::Config config_for(const std::string& model, const std::string& catalog,
                          const std::vector<std::string>& overrides);

struct LabelledPatch {
  domain::Patch patch;
  std::vector<std::int64_t> host;                ///< [owned]
  std::vector<Mat3> frame;                       ///< [owned] the roll about a single known axis is arbitrary
  std::vector<std::vector<double>> labels;       ///< [label][owned], units of the columns
  std::vector<std::vector<std::uint8_t>> known;  ///< [1 + label][owned] 0: no orientation, or no such label
  std::vector<Split> split;                      ///< [owned] none: not in the galaxy catalog
};

/// The labels of a galaxy catalog (docs/formats.md). A boolean column `<label>_known`, or
/// `orientation_known`, masks a label where it is false. Held whole on every rank: catalogs with labels are
/// small.
class GalaxyLabels {
 public:
  /// `orientation`: as train.orientation. Throws data_error: a column is missing, a halo has two galaxies.
  GalaxyLabels(const std::string& path, const std::vector<std::string>& labels,
               const std::string& orientation);

  model::Orientation orientation() const { return orientation_; }
  const std::vector<model::Label>& labels() const { return labels_; }  ///< not normalised
  std::size_t size() const { return row_.size(); }
  const std::string& path() const { return path_; }
  const catalog::MockHeader& header() const { return header_; }
  std::string provenance(const std::string& name) const;  ///< empty: none
  /// What was read: halo_id, labels, axes, and of x, y, z, halo_mass and mass what there is.
  const catalog::Table& table() const { return galaxies_; }
  std::optional<std::size_t> row_of(std::int64_t halo) const;

  /// By halo_id; halos without a galaxy have split `none`. Throws data_error: axes that are no rotation or no
  /// unit vector, a known label that is not finite.
  LabelledPatch join(domain::Patch patch, const model::HostSplit& split) const;

 private:
  std::vector<double> mask(const std::string& label) const;
  Vec3 axis(std::size_t which, std::size_t row) const;
  Mat3 frame(std::size_t row, std::int64_t halo) const;
  double label(std::size_t l, std::size_t row, std::int64_t halo) const;

  std::string path_;
  model::Orientation orientation_;
  std::vector<model::Label> labels_;
  catalog::MockHeader header_;
  catalog::Table galaxies_;
  std::unordered_map<std::int64_t, std::size_t> row_;  ///< of a halo_id
  std::vector<std::vector<double>> axes_, columns_, known_;
};

}  // namespace halobrush::pipeline
