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

// No key lies deeper; a text that refers to itself has no end.
constexpr int deepest = 8;

// A path that holds a null character would be cut there by the system.
bool is_whole(const std::string& text) {
  return text.find('\0') == std::string::npos;
}

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
      if (!node.IsMap() && !node.IsNull()) return false;
      target = node.IsNull() ? T{} : node.as<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (node.IsNull()) {
        target.clear();
        return true;
      }
      if (!node.IsScalar()) return false;
      target = node.Scalar();
      return is_whole(target);
    } else if constexpr (std::is_same_v<T, Paths>) {
      target.each.clear();
      if (node.IsSequence()) target.each = node.as<std::vector<std::string>>();
      if (node.IsScalar() && !node.Scalar().empty()) target.each = {node.Scalar()};
      return !node.IsMap() && std::ranges::all_of(target.each, is_whole);
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

std::string as_text(const YAML::Node& node, int depth = 0) {
  if (node.IsScalar()) return printable(node.Scalar());
  if (node.IsNull()) return "~";
  if (depth > deepest) return "...";
  std::string text;
  for (const auto& item : node) {
    if (!text.empty()) text += ", ";
    text += node.IsMap() ? as_text(item.first, depth + 1) + ": " + as_text(item.second, depth + 1)
                         : as_text(item, depth + 1);
  }
  return node.IsMap() ? "{" + text + "}" : "[" + text + "]";
}

// Sections become dotted names; a list or a scalar ends the descent.
void flatten(const YAML::Node& node, const std::string& prefix, const std::string& file, Entries& out,
             std::vector<std::string>& problems, int depth = 0) {
  for (const auto& item : node) {
    const int line = item.first.Mark().line + 1;
    const std::string where = fmt::format("{}:{}", file, line);
    if (!item.first.IsScalar() || depth > deepest) {
      problems.push_back(fmt::format("{}: {}{}: is no name of a key; see 'halobrush describe-config'", where, prefix,
                                     as_text(item.first)));
      continue;
    }
    const std::string name = prefix + item.first.Scalar();
    if (item.second.IsMap()) {
      flatten(item.second, name + ".", file, out, problems, depth + 1);
    } else if (!out.emplace(name, Entry{item.second, where, line}).second) {
      problems.push_back(fmt::format("{}: {}: given twice; keep one", where, name));
    }
  }
}

Entries read_text(const std::string& text, const std::string& path, std::vector<std::string>& problems) {
  try {
    const auto documents = YAML::LoadAll(text);
    Entries entries;
    if (documents.size() > 1)
      throw config_error("{}:{}: a second document begins ('---') and would not be read; keep one", path,
                         documents[1].Mark().line + 1);
    if (documents.empty() || documents[0].IsNull()) return entries;
    if (!documents[0].IsMap())
      throw config_error("{}: is not a list of keys; write lines of the form 'key: value'", path);
    flatten(documents[0], "", path, entries, problems);
    return entries;
  } catch (const YAML::Exception& error) {
    throw config_error("{}:{}: not valid YAML ({}); check indentation and quotes", path, error.mark.line + 1,
                       printable(error.msg));
  }
}

template <class T>
bool holds(const Value& value) {
  return std::holds_alternative<T*>(value);
}

using Texts = std::map<std::string, std::string>;

// A text is taken as it is given, whatever YAML would make of its '#', '[', '*' or ': ', unless it stands in quotes, as
// in YAML. Elsewhere a comment would hide a part of the value.
bool is_taken_literally(const std::string& name, const std::string& value, const std::vector<Key>& keys) {
  const bool in_quotes =
      value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
  if (in_quotes) return false;
  for (const auto& key : keys) {
    if (holds<Texts>(key.value) && name.starts_with(key.name + ".")) return true;
    if (key.name != name) continue;
    const bool quotes = holds<Texts>(key.value) || holds<std::vector<std::string>>(key.value);
    if (holds<Paths>(key.value)) return !(value.starts_with('[') && value.ends_with(']'));
    return holds<std::string>(key.value) || (!quotes && value.find('#') != std::string::npos);
  }
  return false;
}

void apply_override(const std::string& text, const std::vector<Key>& keys, Entries& entries,
                    std::vector<std::string>& problems) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems.push_back(fmt::format("--set {}: has no '='; write --set section.key=value", printable(text)));
    return;
  }
  const std::string name = text.substr(0, equals), value = text.substr(equals + 1);
  try {
    const auto node = is_taken_literally(name, value, keys) ? YAML::Node(value) : YAML::Load(value);
    entries[name] = {node, "--set", 0};
  } catch (const YAML::Exception&) {
    problems.push_back(fmt::format("--set {}: value is not valid YAML; quote it", printable(text)));
  }
}

// Adds one entry `<key>.<name>` to a key of texts by name.
bool assign_named(const std::string& name, const YAML::Node& node, std::vector<Key>& keys) {
  for (auto& key : keys)
    if (auto* texts = std::get_if<Texts*>(&key.value))
      if (name.starts_with(key.name + ".")) return read_as(node, (**texts)[name.substr(key.name.size() + 1)]);
  return false;
}

bool is_section(const std::string& name, const std::vector<std::string>& known) {
  return std::ranges::any_of(known, [&](const auto& key) { return key.starts_with(name + "."); });
}

// `domain:` with nothing below it leaves all of its keys as they are.
bool is_empty_section(const std::string& name, const YAML::Node& node, const std::vector<std::string>& known) {
  return node.IsNull() && is_section(name, known);
}

bool is_finite(const Value& value) {
  const auto finite = [](double x) { return !std::isinf(x); };
  if (auto* d = std::get_if<double*>(&value)) return finite(**d);
  if (auto* l = std::get_if<std::vector<double>*>(&value)) return std::ranges::all_of(**l, finite);
  if (auto* p = std::get_if<std::array<double, 2>*>(&value)) return std::ranges::all_of(**p, finite);
  return true;
}

// 010 is 8 in YAML 1.1 and 10 in YAML 1.2.
bool begins_with_zero(const YAML::Node& node) {
  if (!node.IsScalar()) return false;
  const auto text = node.Scalar();
  const auto digits = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  return digits.size() > 1 && digits[0] == '0' && digits.find_first_not_of("0123456789") == std::string::npos;
}

// A number, or one of a list.
bool has_leading_zero(const YAML::Node& node) {
  return begins_with_zero(node) || (node.IsSequence() && std::any_of(node.begin(), node.end(), begins_with_zero));
}

bool holds_integers(const Value& value) {
  return holds<std::int64_t>(value) || holds<std::array<std::int64_t, 3>>(value);
}

void apply(const Entries& entries, std::vector<Key>& keys, std::vector<std::string>& problems) {
  std::vector<std::string> known;
  for (const auto& key : keys) known.push_back(key.name);
  std::vector<std::pair<int, std::string>> found;
  for (const auto& [name, entry] : entries) {
    const auto key = std::ranges::find(keys, name, &Key::name);
    if (key == keys.end() &&
        (assign_named(name, entry.node, keys) || is_empty_section(name, entry.node, known)))
      continue;
    if (key == keys.end() && is_section(name, known)) {
      found.emplace_back(entry.line, fmt::format("{}: {}: is a section, but a value stands there; write its keys below it ('halobrush describe-config {}')",
                                                 entry.where, name, name));
    } else if (key == keys.end()) {
      found.emplace_back(entry.line, fmt::format("{}: {}: unknown key{}; see 'halobrush describe-config'",
                                                 entry.where, name, nearest_hint(name, known)));
    } else if (holds_integers(key->value) && has_leading_zero(entry.node)) {
      found.emplace_back(entry.line,
                         fmt::format("{}: {}: '{}' begins with a zero (YAML 1.1 takes that for octal, YAML 1.2 does not); write the "
                                     "number without it",
                                     entry.where, name, as_text(entry.node)));
    } else if (!assign(entry.node, key->value)) {
      found.emplace_back(entry.line,
                         fmt::format("{}: {}: '{}' is of the wrong type (wanted: {}); correct the value",
                                     entry.where, name, as_text(entry.node), type_name(key->value)));
    } else if (!is_finite(key->value)) {
      found.emplace_back(entry.line, fmt::format("{}: {}: '{}' is not finite; correct the value", entry.where, name,
                                                 as_text(entry.node)));
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
  } else if constexpr (std::is_same_v<T, Paths>) {
    if (value.each.size() < 2) return quoted(value.empty() ? "" : value.each.front());
    return value_text(value.each);
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

std::string Paths::brief() const {
  if (each.size() < 2) return each.empty() ? "" : each.front();
  return fmt::format("{} and {} more", each.front(), each.size() - 1);
}

namespace {

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path))
    throw config_error("{}: cannot be read; give the path of a YAML configuration", path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Config load(const std::string& path, const std::vector<std::string>& overrides) {
  if (path.empty()) return parse("", "no file", overrides);
  return parse(text_of_file(path), path, overrides);
}

namespace {

void settle_input_format(Input& input, std::vector<std::string>& problems) {
  if (!input.columns.empty() && input.format == "auto") input.format = "columns";
  if (!input.columns.empty() && input.format != "columns")
    problems.push_back(fmt::format("input.columns: is for HDF5 of any layout, but input.format is {}; remove one of them", input.format));
  if (input.columns.empty() && input.format == "columns")
    problems.push_back("input.format: columns needs input.columns: our column name: its dataset");
}

}  // namespace

Config parse(const std::string& text, const std::string& name, const std::vector<std::string>& overrides) {
  std::vector<std::string> problems;
  Entries entries = read_text(text, name, problems);
  Config config;
  auto keys = keys_of(config);
  for (const auto& change : overrides) apply_override(change, keys, entries, problems);
  apply(entries, keys, problems);
  settle_input_format(config.input, problems);
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

namespace {

std::string section_of(const std::string& key) {
  return key.substr(0, key.find('.'));
}

// Type, unit and rule.
std::string facts_of(const Key& key) {
  std::string facts = type_name(key.value);
  if (!key.unit.empty()) facts += ", " + key.unit;
  if (!key.rule.text.empty()) facts += ", " + key.rule.text;
  return facts;
}

bool is_none(const std::string& value) {
  return value == ".nan" || value == "\"\"" || value == "{}";
}

}  // namespace

std::vector<std::string> sections() {
  Config defaults;
  std::vector<std::string> names;
  for (const auto& key : keys_of(defaults))
    if (std::ranges::count(names, section_of(key.name)) == 0) names.push_back(section_of(key.name));
  return names;
}

std::vector<std::string> sections_given(const std::string& path) {
  std::vector<std::string> problems, names;
  for (const auto& [name, entry] : read_text(text_of_file(path), path, problems))
    if (std::ranges::count(names, section_of(name)) == 0) names.push_back(section_of(name));
  return names;
}

std::string describe(const std::string& section) {
  Config defaults;
  std::string text;
  for (const auto& key : keys_of(defaults)) {
    if (!section.empty() && section_of(key.name) != section) continue;
    const std::string value = value_text(key.value);
    text += fmt::format("{:<30} {}\n{:<30} {}; default {}\n", key.name, key.meaning, "", facts_of(key), is_none(value) ? "none" : value);
  }
  return text;
}

std::string template_yaml(const std::string& section) {
  Config defaults;
  std::string text, open;
  for (const auto& key : keys_of(defaults)) {
    const auto of = section_of(key.name);
    if (!section.empty() && of != section) continue;
    const bool in_section = of != key.name;
    if (in_section && of != open) text += fmt::format("{}{}:\n", text.empty() ? "" : "\n", open = of);
    const std::string indent = in_section ? "  " : "", value = value_text(key.value);
    text += fmt::format("{}# {} ({})\n{}{}{}: {}\n", indent, key.meaning, facts_of(key), indent, is_none(value) ? "# " : "",
                        in_section ? key.name.substr(of.size() + 1) : key.name, is_none(value) ? "" : value);
  }
  return text;
}

}  // namespace halobrush::config
