// The results as files of numbers, JSON and HDF5. The page is made of them by the Python package (halobrush/validation_page.py).
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

// Not collective; they throw io_error.
void write_json(const std::string& path, const Report& report);
void write_hdf5(const std::string& path, const Report& report);

}  // namespace halobrush::validate
