// The declaration of every key, shared by loading, printing and describing.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "halobrush/config/config.hpp"

namespace halobrush::config {

using Value =
    std::variant<bool*, std::int64_t*, double*, std::string*, Paths*, std::vector<double>*, std::vector<std::string>*,
                 std::array<std::int64_t, 3>*, std::array<double, 2>*, std::map<std::string, std::string>*>;

/// What a key may hold beyond its type.
struct Rule {
  std::string text;                             ///< as told to the user, e.g. "must be > 0"
  std::function<bool(const Value&)> satisfied;  ///< empty: anything
};

struct Key {
  std::string name;  ///< section.key
  Value value;
  std::string unit;
  std::string meaning;
  bool science = true;  ///< decides the rows of a mock
  Rule rule = {};
};

/// Every key of `config`, in the order in which they are printed.
std::vector<Key> keys_of(Config& config);

std::string type_name(const Value& value);

}  // namespace halobrush::config
