#include "existing.hpp"

#include <filesystem>

#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/error.hpp"
#include "identity.hpp"

namespace halobrush::paint {

Found look_at(const std::string& mock, const catalog::Identity& identity) {
  std::error_code error;
  if (!std::filesystem::exists(mock, error) || std::filesystem::file_size(mock, error) == 0) return {};
  try {
    catalog::Identity old;
    for (const auto& [name, text] : catalog::summarise_mock(mock).header.provenance)
      if (name == catalog::identity_attribute) old = catalog::identity_from(text);
    // What changes last digits alone is no reason to paint a finished mock again.
    const auto& digits = catalog::acceptable_differences();
    const auto differences = catalog::differences(catalog::without(old, digits), catalog::without(identity, digits));
    return {differences.empty() ? Existing::same : Existing::other, differences};
  } catch (const Error& problem) {
    return {Existing::damaged, problem.what()};
  }
}

}  // namespace halobrush::paint
