// Help for error messages: the known name nearest to a mistyped one.
#pragma once

#include <span>
#include <string>

namespace halobrush {

/// ` (nearest known: 'x')`, or an empty string when nothing is near.
std::string nearest_hint(const std::string& name, std::span<const std::string> known);

}  // namespace halobrush
