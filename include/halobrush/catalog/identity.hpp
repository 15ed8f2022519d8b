// What tiles and mocks were made with: the keys that decide rows, and the hashes of everything read.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace halobrush::catalog {

/// Keys and values, `seed` and `1`. Tiles of one staging folder have one; a folder of another is refused.
using Identity = std::vector<std::pair<std::string, std::string>>;

/// Keys that change last digits alone; a user may allow them to differ (output.accept).
const std::vector<std::string>& acceptable_differences();
/// The identity without some keys.
Identity without(Identity identity, const std::vector<std::string>& keys);

/// `seed is 1 there and 2 here, ...`: the first few keys that differ, and how many more do; empty: none.
std::string differences(const Identity& there, const Identity& here);

/// One text for a mock's provenance (its attribute of this name), to compare a finished mock with a run or with another mock.
constexpr const char* identity_attribute = "identity";
std::string text_of(const Identity& identity);
Identity identity_from(const std::string& text);

}  // namespace halobrush::catalog
