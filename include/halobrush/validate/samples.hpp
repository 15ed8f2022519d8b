// Which sub-samples are measured.
#pragma once

#include <string>
#include <vector>

#include "halobrush/config/config.hpp"
#include "halobrush/validate/galaxies.hpp"
#include "halobrush/validate/selection.hpp"

namespace halobrush::validate {

struct SubSample {
  Selection selection;
  bool asked = false;  ///< by the user: what cannot be measured is an error, not a remark
};

/// "all", then those of stats.selections, or the usual ones as far as the catalog has their columns. Throws
/// config_error (not the same place in the text: not understood; a column that is unknown).
std::vector<SubSample> sub_samples(const config::Stats& stats, const catalog::Table& table);

/// Throws config_error with the nearest known name where there is no sub-sample `name`, which `key` asks for.
void check_sub_sample(const std::string& key, const std::string& name, const std::vector<SubSample>& samples);

}  // namespace halobrush::validate
