#include "rockstar_comments.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <regex>
#include <sstream>

#include "halobrush/catalog/units.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::catalog {
namespace {

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t.");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t.") - first + 1);
}

std::string without_blanks(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c); });
  return text;
}

std::vector<std::string> words_of(std::string text) {
  std::ranges::replace(text, ',', ' ');
  std::istringstream stream(lower(std::move(text)));
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

const std::map<std::string, std::string>& keys_of_numbers() {
  static const std::map<std::string, std::string> keys = {
      {"a", "a"},           {"om", "omega_m"},       {"omega_m", "omega_m"},
      {"ol", "omega_l"},    {"omega_l", "omega_l"},  {"h", "h"},
      {"h0", "h"},          {"box size", "box"},     {"full box size", "box"},
      {"bounds", "bounds"}, {"particle mass", "particle mass"}};
  return keys;
}

// Words that name what a unit is of, and words that may stand beside them.
const std::map<std::string, std::string>& quantities() {
  static const std::map<std::string, std::string> words = {
      {"mass", "masses"},         {"masses", "masses"},      {"position", "positions"},
      {"positions", "positions"}, {"coordinates", "positions"}, {"velocity", "velocities"},
      {"velocities", "velocities"}, {"radius", "radii"},     {"radii", "radii"},
      {"lengths", "radii"},       {"distances", "radii"},    {"momenta", "angular momenta"},
      {"momentum", "angular momenta"}, {"halo", ""},         {"halos", ""},
      {"and", ""},                {"angular", ""},           {"all", ""},
      {"are", ""},                {"is", ""}};
  return words;
}

// Brackets in a text, the outermost ones, without themselves.
std::vector<std::string> brackets_in(const std::string& text) {
  std::vector<std::string> found;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(' && depth++ == 0) begin = i + 1;
    if (text[i] == ')' && depth > 0 && --depth == 0) found.push_back(text.substr(begin, i - begin));
  }
  return found;
}

bool looks_like_unit(const std::string& text) {
  const auto key = lower(text);
  return key.find('/') != key.npos || key.find('^') != key.npos || key.find("sun") != key.npos ||
         key.find("pc") != key.npos;
}

// "Halo mass (Msun/h)", "Halo mass in Msun/h": a unit, or what may be meant as one.
std::optional<std::string> unit_in(const std::string& prose) {
  const auto groups = brackets_in(prose);
  for (const auto& group : groups)
    if (!trimmed(group).empty() && is_unit(group)) return group;
  if (const auto in = lower(prose).find(" in "); in != prose.npos)
    if (const auto text = trimmed(prose.substr(in + 4)); is_unit(text)) return text;
  for (const auto& group : groups)
    if (looks_like_unit(group)) return group;
  return std::nullopt;
}

class Reader {
 public:
  Reader(const std::string& line, std::uint64_t number, const std::vector<std::string>& names)
      : text_(line.substr(1)), names_(names), line_{"", "", number, trimmed(line)} {}

  std::vector<Statement> read() {
    if (read_columns()) return std::move(statements_);
    const auto units = lower(trimmed(text_)).starts_with("units:");
    std::istringstream parts(units ? text_.substr(text_.find(':') + 1) : text_);
    for (std::string part; std::getline(parts, part, ';');) {
      if (!units && read_number(part)) continue;
      if (!read_quantity(part, units)) read_column_unit(part);
    }
    return std::move(statements_);
  }

 private:
  void say(const std::string& key, const std::string& text) {
    statements_.push_back({key, trimmed(text), line_.line, line_.whole});
  }

  // A line of names has many of the first line's.
  bool read_columns() {
    const auto names = names_in(text_);
    const auto shared = std::ranges::count_if(
        names, [&](const auto& name) { return std::ranges::count(names_, lower(name)) > 0; });
    if (shared < 3 || 2 * static_cast<std::size_t>(shared) < names.size()) return false;
    say("columns", lower(fmt::format("{}", fmt::join(names, " "))));
    return true;
  }

  bool read_number(const std::string& part) {
    const auto sign = part.find_first_of("=:");
    if (sign == part.npos) return false;
    const auto known = keys_of_numbers().find(lower(trimmed(part.substr(0, sign))));
    if (known == keys_of_numbers().end()) return false;
    auto text = trimmed(part.substr(sign + 1));
    if (text.starts_with('+') && !text.starts_with("+-")) text.erase(0, 1);  // which from_chars does not take
    // Without a digit a line may be prose; what must be there is then missed, but nobody would miss the particle mass.
    const bool stated = text.find_first_of("0123456789") != text.npos || known->second == "particle mass";
    if (stated) say(known->second, text);
    return stated;
  }

  // "Masses in Msun / h", "Halo Distances, Lengths, and Radii in kpc / h (comoving)"
  bool read_quantity(const std::string& part, bool units) {
    auto cut = lower(part).find(" in ");
    std::size_t skip = 4;
    if (cut == part.npos && units) {
      cut = part.find_first_of(":=[(");
      skip = cut == part.npos || part[cut] == '(' ? 0 : 1;
    }
    std::vector<std::string> found;
    for (const auto& word : words_of(part.substr(0, cut))) {
      const auto known = quantities().find(word);
      if (known == quantities().end() && !units) return false;
      if (known != quantities().end() && !known->second.empty()) found.push_back(known->second);
    }
    if (cut == part.npos && !units) return false;
    auto text = cut == part.npos ? "" : part.substr(cut + skip);
    if (text.ends_with(']')) text.pop_back();
    for (const auto& quantity : found) say("unit of " + quantity, text);
    return !found.empty();
  }

  // consistent-trees: "X/Y/Z: Halo position (Mpc/h comoving)."
  void read_column_unit(const std::string& part) {
    const auto colon = part.find(':');
    if (colon == part.npos) return;
    auto subjects = part.substr(0, colon);
    std::ranges::replace(subjects, '/', ' ');
    const auto prose = part.substr(colon + 1);
    const auto unit = unit_in(prose);
    if (!unit) return;
    bool columns = false;
    for (const auto& subject : words_of(subjects)) {
      if (std::ranges::count(names_, subject) == 0) return;
      say("unit of column " + subject, *unit);
      columns = true;
    }
    if (!columns) return;
    const auto about = lower(without_blanks(prose));
    for (const auto& [start, quantity] : {std::pair{"halomass(", "masses"},
                                          {"haloradius(", "radii"},
                                          {"haloposition(", "positions"},
                                          {"halovelocity(", "velocities"},
                                          {"haloangularmomenta(", "angular momenta"}})
      if (about.starts_with(start)) say(std::string("unit of ") + quantity, *unit);
  }

  std::string text_;
  const std::vector<std::string>& names_;
  Statement line_;
  std::vector<Statement> statements_;
};

bool same(const Statement& a, const Statement& b) {
  if (lower(without_blanks(a.text)) == lower(without_blanks(b.text))) return true;
  if (a.key.starts_with("unit of ") && is_unit(a.text) && is_unit(b.text)) {
    try {
      return unit_factor("", a.text, b.text, {0.7, 0.5}) == 1;
    } catch (const Error&) {
      return false;
    }
  }
  double x = 0, y = 0;
  const auto parsed = [](const std::string& text, double& value) {
    return std::from_chars(text.data(), text.data() + text.size(), value);
  };
  const auto [x_end, x_error] = parsed(a.text, x);
  const auto [y_end, y_error] = parsed(b.text, y);
  return x_error == std::errc() && y_error == std::errc() && x == y &&
         without_blanks(x_end) == without_blanks(y_end);
}

}  // namespace

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// A mass definition as in `b_to_a(500c)` stays.
std::string without_index(const std::string& name) {
  const auto open = name.rfind('(');
  if (open == std::string::npos || open == 0 || name.back() != ')' || open + 2 >= name.size()) return name;
  const bool digits = std::all_of(name.begin() + static_cast<std::ptrdiff_t>(open) + 1, name.end() - 1,
                                  [](unsigned char c) { return std::isdigit(c); });
  return digits ? name.substr(0, open) : name;
}

std::vector<std::string> names_in(const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> names;
  for (std::string word; words >> word;) names.push_back(without_index(word));
  return names;
}

std::vector<Statement> statements_of(const std::string& line, std::uint64_t number,
                                     const std::vector<std::string>& names) {
  return Reader(line, number, names).read();
}

std::string where_said(const Statement& statement) {
  return fmt::format("line {} ('{}')", statement.line, printable(statement.whole));
}

void Statements::add(const std::string& path, const std::vector<Statement>& more) {
  for (const auto& statement : more) {
    const auto* before = find(statement.key);
    if (before != nullptr && statement.key != "bounds" && !same(*before, statement))
      throw data_error("{}: {} does not agree with {}; leave one of them", path, where_said(statement),
                       where_said(*before));
    all_.push_back(statement);
  }
}

const Statement* Statements::find(const std::string& key) const {
  const auto found = std::ranges::find(all_, key, &Statement::key);
  return found == all_.end() ? nullptr : &*found;
}

std::optional<std::string> disagreement(const Statements& header, const Statement& later) {
  if (later.key == "bounds") return std::nullopt;
  const auto* first = header.find(later.key);
  if (first != nullptr && same(*first, later)) return std::nullopt;
  return fmt::format("'{}' {} (two catalogs in one file); read one at a time", later.whole,
                     first == nullptr ? "is not in the header"
                                      : fmt::format("does not agree with {}", where_said(*first)));
}

std::optional<std::string> difference(const std::string& path, const Statements& header, const std::string& first_path,
                                      const Statements& first) {
  constexpr auto cure = "(files of two catalogs or snapshots); give the files of one";
  for (const auto& statement : header.all()) {
    if (statement.key == "bounds") continue;
    const auto* there = first.find(statement.key);
    if (there == nullptr) return fmt::format("{}: {} is not said in {} {}", path, where_said(statement), first_path, cure);
    if (!same(*there, statement))
      return fmt::format("{}: {} does not agree with {} of {} {}", path, where_said(statement), where_said(*there), first_path, cure);
  }
  for (const auto& statement : first.all())
    if (statement.key != "bounds" && header.find(statement.key) == nullptr)
      return fmt::format("{}: does not say what {} of {} says {}", path, where_said(statement), first_path, cure);
  return std::nullopt;
}

std::optional<Bounds> bounds_in(const std::string& text) {
  static const std::regex number(R"([-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?)");
  Bounds bounds{};
  std::size_t n = 0;
  // "(0, 0, 0) - (1, 1, 1)": the sign between the brackets is none of a number's.
  for (auto at = std::sregex_iterator(text.begin(), text.end(), number); at != std::sregex_iterator(); ++at) {
    if (n == bounds.size()) return std::nullopt;
    bounds[n++] = std::stod(at->str());
  }
  return n == bounds.size() ? std::optional(bounds) : std::nullopt;
}

}  // namespace halobrush::catalog
