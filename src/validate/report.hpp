// The results as files: numbers (JSON, HDF5) and one page.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "halobrush/catalog/results_file.hpp"
#include "halobrush/validate/requirements.hpp"
#include "halobrush/validate/results.hpp"

namespace halobrush::validate {

struct Reference {
  Measurement measurement;
  bool comparable = true;
  std::vector<Comparison> comparisons;
  std::vector<MisalignmentComparison> misalignments;
  std::vector<KsTest> ks;
  std::optional<double> two_sample_accuracy;
  std::vector<TwoSampleTest> two_sample;  ///< on the root
};

struct Report {
  std::vector<std::string> mocks;  ///< their files, more than one of several draws
  Measurement mock;
  std::vector<Reference> references;
  std::vector<std::string> remarks;
  std::vector<Requirement> requirements;
  std::vector<catalog::ResultArray> slice;
  std::string config;

  bool pass() const;
};

struct Figure {
  std::string file, caption;
};

// Not collective; they throw io_error.
void write_json(const std::string& path, const Report& report);
void write_hdf5(const std::string& path, const Report& report);
/// @param no_figures  why there are none; empty when there are
void write_page(const std::string& path, const Report& report, const std::vector<Figure>& figures,
                const std::string& no_figures);

}  // namespace halobrush::validate
