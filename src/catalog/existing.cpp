#include "halobrush/catalog/existing.hpp"

#include <filesystem>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::catalog {

Found look_at(const std::string& mock, const Identity& identity) {
  std::error_code error;
  if (!std::filesystem::exists(mock, error) || std::filesystem::file_size(mock, error) == 0) return {};
  try {
    const auto old = identity_from(entry_of(summarise_mock(mock).header.provenance, identity_attribute));
    // What changes last digits alone is no reason to paint a finished mock again.
    const auto& digits = acceptable_differences();
    const auto differing = differences(without(old, digits), without(identity, digits));
    return {differing.empty() ? Existing::same : Existing::other, differing};
  } catch (const Error& problem) {
    return {Existing::damaged, problem.what()};
  }
}

}  // namespace halobrush::catalog
