#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"
#include "keys.hpp"

namespace halobrush::config {
namespace {

struct Entry {
  YAML::Node node;
  std::string where;  // file:line or --set
  int line = 0;
};
using Entries = std::map<std::string, Entry>;

template <class T>
bool read_as(const YAML::Node& node, T& target) {
  try {
    if constexpr (std::is_same_v<T, std::array<std::int64_t, 3>> ||
                  std::is_same_v<T, std::array<double, 2>>) {
      if (!node.IsSequence() || node.size() != target.size()) return false;
      for (std::size_t i = 0; i < target.size(); ++i) target[i] = node[i].as<typename T::value_type>();
    } else if constexpr (std::is_same_v<T, std::vector<double>> ||
                         std::is_same_v<T, std::vector<std::string>>) {
      if (!node.IsSequence()) return false;
      target = node.as<T>();
    } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
      if (!node.IsMap()) return false;
      target = node.as<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (node.IsNull()) {
        target.clear();
        return true;
      }
      if (!node.IsScalar()) return false;
      target = node.Scalar();
    } else {
      if (!node.IsScalar()) return false;
      target = node.as<T>();
    }
    return true;
  } catch (const YAML::Exception&) {
    return false;
  }
}

bool assign(const YAML::Node& node, const Value& value) {
  return std::visit([&](auto* target) { return read_as(node, *target); }, value);
}

std::string as_text(const YAML::Node& node) {
  YAML::Emitter out;
  out << YAML::Flow << node;
  return out.c_str();
}

// Sections become dotted names; a list or a scalar ends the descent.
void flatten(const YAML::Node& node, const std::string& prefix, const std::string& file, Entries& out,
             std::vector<std::string>& problems) {
  for (const auto& item : node) {
    const std::string name = prefix + item.first.as<std::string>();
    const int line = item.first.Mark().line + 1;
    const std::string where = fmt::format("{}:{}", file, line);
    if (item.second.IsMap()) {
      flatten(item.second, name + ".", file, out, problems);
    } else if (!out.emplace(name, Entry{item.second, where, line}).second) {
      problems.push_back(fmt::format("{}: {}: given twice; keep one", where, name));
    }
  }
}

Entries read_text(const std::string& text, const std::string& path, std::vector<std::string>& problems) {
  try {
    const YAML::Node root = YAML::Load(text);
    Entries entries;
    if (root.IsNull()) return entries;
    if (!root.IsMap())
      throw config_error("{}: is not a list of keys; write lines of the form 'key: value'", path);
    flatten(root, "", path, entries, problems);
    return entries;
  } catch (const YAML::ParserException& error) {
    throw config_error("{}:{}: not valid YAML ({}); check indentation and quotes", path, error.mark.line + 1,
                       error.msg);
  }
}

void apply_override(const std::string& text, Entries& entries, std::vector<std::string>& problems) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems.push_back(fmt::format("--set {}: has no '='; write --set section.key=value", text));
    return;
  }
  const std::string name = text.substr(0, equals);
  try {
    entries[name] = {YAML::Load(text.substr(equals + 1)), "--set", 0};
  } catch (const YAML::Exception&) {
    problems.push_back(fmt::format("--set {}: value is not valid YAML; quote it", text));
  }
}

// Adds one entry `<key>.<name>` to a key of texts by name.
bool assign_named(const std::string& name, const YAML::Node& node, std::vector<Key>& keys) {
  for (auto& key : keys)
    if (auto* texts = std::get_if<std::map<std::string, std::string>*>(&key.value))
      if (name.starts_with(key.name + ".")) return read_as(node, (**texts)[name.substr(key.name.size() + 1)]);
  return false;
}

void apply(const Entries& entries, std::vector<Key>& keys, std::vector<std::string>& problems) {
  std::vector<std::string> known;
  for (const auto& key : keys) known.push_back(key.name);
  std::vector<std::pair<int, std::string>> found;
  for (const auto& [name, entry] : entries) {
    const auto key = std::ranges::find(keys, name, &Key::name);
    if (key == keys.end() && assign_named(name, entry.node, keys)) continue;
    if (key == keys.end()) {
      found.emplace_back(entry.line, fmt::format("{}: {}: unknown key{}; see 'halobrush describe-config'",
                                                 entry.where, name, nearest_hint(name, known)));
    } else if (!assign(entry.node, key->value)) {
      found.emplace_back(entry.line,
                         fmt::format("{}: {}: '{}' is of the wrong type (wanted: {}); correct the value",
                                     entry.where, name, as_text(entry.node), type_name(key->value)));
    } else if (key->rule.satisfied && !key->rule.satisfied(key->value)) {
      found.emplace_back(entry.line, fmt::format("{}: {}: '{}' {}; correct the value", entry.where, name,
                                                 as_text(entry.node), key->rule.text));
    }
  }
  std::ranges::stable_sort(found, {}, &std::pair<int, std::string>::first);
  for (auto& [line, text] : found) problems.push_back(std::move(text));
}

std::string quoted(const std::string& text) {
  YAML::Emitter out;
  out << YAML::DoubleQuoted << text;
  return out.c_str();
}

template <class T>
std::string value_text(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, double>) {
    return std::isnan(value) ? ".nan" : fmt::format("{}", value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return quoted(value);
  } else if constexpr (std::is_same_v<T, std::map<std::string, std::string>>) {
    std::string text;
    for (const auto& [name, item] : value)
      text += (text.empty() ? "" : ", ") + quoted(name) + ": " + quoted(item);
    return "{" + text + "}";
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return fmt::format("{}", value);
  } else {
    std::string text;
    for (const auto& item : value) text += (text.empty() ? "" : ", ") + value_text(item);
    return "[" + text + "]";
  }
}

std::string value_text(const Value& value) {
  return std::visit([](auto* v) { return value_text(*v); }, value);
}

}  // namespace

Config load(const std::string& path, const std::vector<std::string>& overrides) {
  if (path.empty()) return parse("", "no file", overrides);
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path))
    throw config_error("{}: cannot be read; give the path of a YAML configuration", path);
  std::stringstream text;
  text << file.rdbuf();
  return parse(text.str(), path, overrides);
}

Config parse(const std::string& text, const std::string& name, const std::vector<std::string>& overrides) {
  std::vector<std::string> problems;
  Entries entries = read_text(text, name, problems);
  for (const auto& change : overrides) apply_override(change, entries, problems);
  Config config;
  auto keys = keys_of(config);
  apply(entries, keys, problems);
  if (problems.empty()) return config;
  std::string all;
  for (const auto& p : problems) all += (all.empty() ? "" : "\n") + p;
  throw Error(ExitCode::config, all);
}

std::string to_yaml(const Config& config) {
  Config copy = config;
  std::string text, section;
  for (const auto& key : keys_of(copy)) {
    const auto dot = key.name.find('.');
    if (dot == std::string::npos) {
      text += key.name + ": " + value_text(key.value) + "\n";
      continue;
    }
    if (key.name.substr(0, dot) != section) {
      section = key.name.substr(0, dot);
      text += section + ":\n";
    }
    text += "  " + key.name.substr(dot + 1) + ": " + value_text(key.value) + "\n";
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> science_keys(const Config& config) {
  Config copy = config;
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& key : keys_of(copy))
    if (key.science) result.emplace_back(key.name, value_text(key.value));
  return result;
}

std::string describe() {
  Config defaults;
  std::string text;
  for (const auto& key : keys_of(defaults)) {
    std::string facts = type_name(key.value);
    if (!key.unit.empty()) facts += ", " + key.unit;
    if (!key.rule.text.empty()) facts += ", " + key.rule.text;
    const std::string value = value_text(key.value);
    text += fmt::format("{:<30} {}\n{:<30} {}; default {}\n", key.name, key.meaning, "", facts,
                        value == ".nan" || value == "\"\"" || value == "{}" ? "none" : value);
  }
  return text;
}

}  // namespace halobrush::config
