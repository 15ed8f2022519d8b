// What lies under the name of the mock already.
#pragma once

#include <string>

#include "halobrush/catalog/identity.hpp"

namespace halobrush::catalog {

enum class Existing {
  none,
  same,     ///< complete, of this configuration
  other,    ///< complete, of another one
  damaged,  ///< without its mark of completeness, or not readable
};

struct Found {
  Existing state = Existing::none;
  std::string text = {};  ///< what differs, or what is damaged
};

/// Not collective.
Found look_at(const std::string& mock, const Identity& identity);

}  // namespace halobrush::catalog
