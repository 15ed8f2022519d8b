#include "halobrush/catalog/identity.hpp"

#include <algorithm>
#include <sstream>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog {
namespace {

std::string value_in(const Identity& identity, const std::string& key) {
  const auto it = std::ranges::find(identity, key, &Identity::value_type::first);
  return it == identity.end() ? "(not set)" : it->second;
}

}  // namespace

const std::vector<std::string>& acceptable_differences() {
  static const std::vector<std::string> keys = {"libtorch", "threads", "device", "processor"};
  return keys;
}

Identity without(Identity identity, const std::vector<std::string>& keys) {
  std::erase_if(identity, [&](const auto& entry) { return std::ranges::count(keys, entry.first) > 0; });
  return identity;
}

std::string differences(const Identity& there, const Identity& here) {
  constexpr std::size_t shown = 5;
  auto keys = here;
  for (const auto& entry : there)
    if (std::ranges::find(here, entry.first, &Identity::value_type::first) == here.end()) keys.push_back(entry);
  std::string text;
  std::size_t count = 0;
  for (const auto& [key, unused] : keys) {
    const auto before = value_in(there, key), after = value_in(here, key);
    if (before == after) continue;
    if (++count <= shown)
      text += fmt::format("{}{} is {} there and {} here", text.empty() ? "" : ", ", key, before, after);
  }
  if (count > shown) text += fmt::format(", and {} more", count - shown);
  return text;
}

std::string text_of(const Identity& identity) {
  std::string text;
  for (const auto& [key, value] : identity) text += key + " = " + value + "\n";
  return text;
}

Identity identity_from(const std::string& text) {
  Identity identity;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (const auto equals = line.find(" = "); equals != std::string::npos)
      identity.emplace_back(line.substr(0, equals), line.substr(equals + 3));
  return identity;
}

}  // namespace halobrush::catalog
