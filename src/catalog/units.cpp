#include "halobrush/catalog/units.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>
#include <string_view>
#include <vector>

#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::catalog {
namespace {

enum Dimension { length, mass, time, temperature, angle, magnitude, dimensions };
enum class Frame { unsaid, comoving, physical, peculiar };

/// A number n in this unit is n * factor * h^h_power * a^a_power in cm, g, s, K, rad or mag, physical.
struct Unit {
  double factor = 1;
  std::array<double, dimensions> powers = {};
  double h_power = 0, a_power = 0;
  Frame frame = Frame::unsaid;
  bool logarithmic = false;  ///< dex(...)
  double number = 1;         ///< what of the factor is written as a number
  std::vector<std::pair<std::string, double>> parts;  ///< names that astropy knows, and their powers

  void multiply(const Unit& other, double power = 1) {
    factor *= std::pow(other.factor, power);
    number *= std::pow(other.number, power);
    for (const auto& [name, p] : other.parts) parts.emplace_back(name, p * power);
    for (std::size_t d = 0; d < powers.size(); ++d) powers[d] += power * other.powers[d];
    h_power += power * other.h_power;
    a_power += power * other.a_power;
  }
};

// ---- the table: every spelling; names of one letter are exact, others in any case ----

constexpr double pc = 3.0856775814913673e18, msun = 1.988409870698051e33, year = 3.15576e7;
constexpr double degree = std::numbers::pi / 180;

struct Name {
  std::string astropy;  ///< what it is written as
  double factor;
  std::array<double, dimensions> powers;
  std::vector<std::string> spellings;
  Frame frame = Frame::unsaid;
};

const std::vector<Name>& names() {
  constexpr std::array<double, dimensions> L = {1}, M = {0, 1}, T = {0, 0, 1}, temp = {0, 0, 0, 1},
                                           ang = {0, 0, 0, 0, 1}, mag = {0, 0, 0, 0, 0, 1},
                                           energy = {2, 1, -2};
  static const std::vector<Name> table = {
      {"pc", pc, L, {"pc", "parsec"}},
      {"kpc", 1e3 * pc, L, {"kpc"}},
      {"Mpc", 1e6 * pc, L, {"mpc"}},
      {"Gpc", 1e9 * pc, L, {"gpc"}},
      {"kpc", 1e3 * pc, L, {"ckpc", "kpccm"}, Frame::comoving},
      {"Mpc", 1e6 * pc, L, {"cmpc", "mpccm"}, Frame::comoving},
      {"Gpc", 1e9 * pc, L, {"cgpc", "gpccm"}, Frame::comoving},
      {"kpc", 1e3 * pc, L, {"pkpc"}, Frame::physical},
      {"Mpc", 1e6 * pc, L, {"pmpc"}, Frame::physical},
      {"cm", 1, L, {"cm"}},
      {"m", 1e2, L, {"m"}},
      {"km", 1e5, L, {"km"}},
      {"AU", 1.495978707e13, L, {"au"}},
      {"g", 1, M, {"g", "gram"}},
      {"kg", 1e3, M, {"kg"}},
      {"Msun",
       msun,
       M,
       {"msun", "m_sun", "msol", "m_sol", "msolar", "m_solar", "modot", "m_odot", "solmass", "solarmass"}},
      {"s", 1, T, {"s", "sec", "second", "seconds"}},
      {"yr", year, T, {"yr", "yrs", "year", "years"}},
      {"kyr", 1e3 * year, T, {"kyr"}},
      {"Myr", 1e6 * year, T, {"myr", "myrs"}},
      {"Gyr", 1e9 * year, T, {"gyr", "gyrs"}},
      {"K", 1, temp, {"K", "kelvin"}},
      {"rad", 1, ang, {"rad", "radian", "radians"}},
      {"deg", degree, ang, {"deg", "degree", "degrees"}},
      {"arcmin", degree / 60, ang, {"arcmin"}},
      {"arcsec", degree / 3600, ang, {"arcsec"}},
      {"mag", 1, mag, {"mag", "mags", "magnitude"}},
      {"erg", 1, energy, {"erg", "ergs"}},
      {"J", 1e7, energy, {"J", "joule"}},
      {"eV", 1.602176634e-12, energy, {"ev"}},
      {"keV", 1.602176634e-9, energy, {"kev"}},
      {"", 1, {}, {"dimensionless", "unitless", "none"}},
      {"", 1, {}, {"comoving"}, Frame::comoving},
      {"", 1, {}, {"physical", "proper"}, Frame::physical},
      {"", 1, {}, {"peculiar"}, Frame::peculiar},
  };
  return table;
}

const std::vector<std::string> h_spellings = {"h", "h0", "littleh", "h_100", "h100"};

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

const Name* find_name(const std::string& word) {
  const auto key = word.size() == 1 ? word : lower(word);
  for (const auto& name : names())
    if (std::ranges::find(name.spellings, key) != name.spellings.end()) return &name;
  return nullptr;
}

bool is_h(const std::string& word) {
  return std::ranges::find(h_spellings, word) != h_spellings.end();
}

bool is_known(const std::string& word) {
  return is_h(word) || word == "a" || find_name(word) != nullptr;
}

std::string nearest_unit(const std::string& word) {
  std::vector<std::string> known = {"littleh"};
  for (const auto& name : names())
    if (!name.astropy.empty()) known.push_back(name.astropy);
  return nearest_hint(word, known);
}

// ---- the grammar: products and quotients of names, numbers and brackets, each with a power ----

struct UnitFault {
  std::string text;
};

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

// LaTeX, Unicode and words of two words in one way of writing.
std::string plain(std::string text) {
  for (const auto& [what, by] :
       {std::pair{"\u2609", "sun"}, {"\u2299", "sun"}, {"\u00d7", "*"}, {"\u00b7", "*"}, {"\u207b\u00b9", "^-1"},
        {"\u00b2", "^2"}, {"\u00b3", "^3"}, {"\\rm", ""}, {"\\", ""}, {"{", ""}, {"}", ""}, {"$", ""}, {"**", "^"},
        {"co-moving", "comoving"}, {"Co-moving", "comoving"}, {"solar masses", "solmass"},
        {"Solar masses", "solmass"}, {"solar mass", "solmass"}, {"Solar mass", "solmass"}, {"kms^", "km s^"}, {"kms-", "km s-"}})
    replace_all(text, what, by);
  return text;
}

class Parser {
 public:
  explicit Parser(const std::string& text) : text_(plain(text)), rest_(text_) {}

  Unit parse() {
    Unit unit = product();
    if (!rest_.empty()) throw UnitFault{fmt::format("'{}' is not understood", rest_)};
    unit.frame = frame_;
    return unit;
  }

 private:
  // Numbers stand first or behind a sign: "100 100 Mpc" is no unit.
  Unit product() {
    Unit all;
    bool divided = false, first = true;
    for (;;) {
      skip_blanks();
      if (rest_.empty() || rest_.front() == ')') return all;
      const bool slash = rest_.front() == '/', sign = slash || rest_.front() == '*' || rest_.front() == '.';
      if (sign) {
        if (first && !slash) throw UnitFault{fmt::format("it begins with '{}'", rest_.front())};
        rest_.remove_prefix(1);
        skip_blanks();
      }
      if (skip_remark()) {
        if (sign) throw UnitFault{"a sign without a unit behind it"};
        continue;
      }
      if (divided && !sign) throw UnitFault{"it can be read in two ways (a / b c); use brackets"};
      if (!first && !sign && starts_number()) throw UnitFault{"a number stands where a unit is expected"};
      const Unit one = factor();
      if (one.logarithmic && (!first || slash)) throw UnitFault{"a logarithm is a factor"};
      all.multiply(one, slash ? -1 : 1);
      all.logarithmic = all.logarithmic || one.logarithmic;
      divided = divided || slash;
      first = false;
    }
  }

  Unit factor() {
    if (rest_.empty()) throw UnitFault{"a sign without a unit behind it"};
    Unit unit = rest_.front() == '(' ? bracket() : starts_number() ? number() : named();
    skip_blanks();
    if (!rest_.starts_with('^') && !attached_power_) return unit;
    Unit raised;
    raised.multiply(unit, power());
    raised.logarithmic = unit.logarithmic;
    return raised;
  }

  Unit bracket() {
    rest_.remove_prefix(1);
    const Unit unit = product();
    if (!rest_.starts_with(')')) throw UnitFault{"a bracket is not closed"};
    rest_.remove_prefix(1);
    return unit;
  }

  Unit number() {
    Unit unit;
    unit.factor = unit.number = take_number();
    if (!(unit.factor > 0) || !std::isfinite(unit.factor)) throw UnitFault{"its number is not positive"};
    return unit;
  }

  Unit named() {
    auto word = take_word();
    if (word.empty()) throw UnitFault{fmt::format("'{}' is not understood", rest_)};
    if (lower(word) == "dex" || lower(word) == "log10") return logarithm();
    if (word == "sqrt") {
      skip_blanks();
      if (!rest_.starts_with('(')) throw UnitFault{"sqrt without a bracket"};
      Unit root;
      root.multiply(bracket(), 0.5);
      return root;
    }
    if (!is_known(word)) word = without_power(word);
    if (!is_known(word)) throw UnitFault{fmt::format("'{}' is not known{}", word, nearest_unit(word))};
    attached_power_ = attached_power_ || (!rest_.empty() && (rest_.front() == '-' || rest_.front() == '+'));
    Unit unit;
    if (is_h(word)) {
      unit.h_power = 1;
      unit.parts = {{"littleh", 1}};
    } else if (word == "a") {
      unit.a_power = 1;
    } else {
      const auto* name = find_name(word);
      unit.factor = name->factor;
      unit.powers = name->powers;
      if (!name->astropy.empty()) unit.parts = {{name->astropy, 1}};
      say(name->frame);
    }
    return unit;
  }

  Unit logarithm() {
    skip_blanks();
    Unit unit = rest_.starts_with('(') ? bracket() : product();
    unit.logarithmic = true;
    return unit;
  }

  // "s-1", "Mpc3": astropy's powers without a sign; "h70" is another h, no power.
  std::string without_power(const std::string& word) {
    const auto digits = word.find_last_not_of("0123456789") + 1;
    if (digits == word.size() || digits == 0 || word[digits] == '0' || word[digits - 1] == '_' || is_h(word.substr(0, digits)))
      return word;
    rest_ = std::string_view(rest_.data() - (word.size() - digits), rest_.size() + word.size() - digits);
    attached_power_ = true;
    return word.substr(0, digits);
  }

  double power() {
    attached_power_ = false;
    if (rest_.starts_with('^')) rest_.remove_prefix(1);
    skip_blanks();
    const bool bracketed = rest_.starts_with('(');
    if (bracketed) rest_.remove_prefix(1);
    skip_blanks();
    const bool negative = rest_.starts_with('-');
    if (negative || rest_.starts_with('+')) rest_.remove_prefix(1);
    if (rest_.starts_with('-')) throw UnitFault{"a power has two signs"};
    double value = take_number();
    if (bracketed && rest_.starts_with('/')) {
      rest_.remove_prefix(1);
      value /= take_number();
    }
    if (bracketed && !rest_.starts_with(')')) throw UnitFault{"a bracket is not closed"};
    if (bracketed) rest_.remove_prefix(1);
    if (!bracketed && rest_.size() > 1 && rest_[0] == '/' && std::isdigit(static_cast<unsigned char>(rest_[1])))
      throw UnitFault{"its power can be read in two ways; use brackets"};
    return negative ? -value : value;
  }

  // "(comoving)", "(physical, peculiar)", "comoving", a comma: no factors.
  bool skip_remark() {
    if (rest_.starts_with(',')) {
      rest_.remove_prefix(1);
      return true;
    }
    const auto before = rest_;
    const bool bracketed = rest_.starts_with('(');
    if (bracketed) rest_.remove_prefix(1);
    Frame frame = Frame::unsaid;
    for (skip_blanks(); !rest_.empty(); skip_blanks()) {
      if (bracketed && rest_.front() == ',') {
        rest_.remove_prefix(1);
        continue;
      }
      const auto here = rest_;
      const auto* name = find_name(take_word());
      if (name == nullptr || !name->astropy.empty() || name->frame == Frame::unsaid) {
        rest_ = here;
        break;
      }
      say(name->frame);
      frame = name->frame;
      if (!bracketed) return true;
    }
    if (bracketed && frame != Frame::unsaid && rest_.starts_with(')')) {
      rest_.remove_prefix(1);
      return true;
    }
    rest_ = before;
    return false;
  }

  void say(Frame frame) {
    if (frame == Frame::unsaid) return;
    const bool comoving = frame == Frame::comoving, before = frame_ == Frame::comoving;
    if (frame_ != Frame::unsaid && comoving != before) throw UnitFault{"it is comoving and physical at once"};
    if (frame_ != Frame::physical) frame_ = frame;
  }

  bool starts_number() const { return !rest_.empty() && (rest_.front() >= '0' && rest_.front() <= '9'); }

  double take_number() {
    double value = 0;
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc() || !std::isfinite(value))
      throw UnitFault{fmt::format("'{}' is no number", rest_)};
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    return value;
  }

  std::string take_word() {
    std::size_t n = 0;
    while (n < rest_.size() && (std::isalpha(static_cast<unsigned char>(rest_[n])) || rest_[n] == '_' ||
                                (n > 0 && std::isdigit(static_cast<unsigned char>(rest_[n])))))
      ++n;
    const std::string word(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return word;
  }

  void skip_blanks() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front()))) rest_.remove_prefix(1);
  }

  std::string text_;
  std::string_view rest_;
  bool attached_power_ = false;
  Frame frame_ = Frame::unsaid;
};

std::optional<Unit> parse(const std::string& text, std::string* why = nullptr) {
  try {
    return Parser(text).parse();
  } catch (const UnitFault& fault) {
    if (why != nullptr) *why = fault.text;
    return std::nullopt;
  }
}

/// The power of a in numbers of this unit, where a unit that does not say means `otherwise`.
double a_power_of(const Unit& unit, double otherwise) {
  if (unit.frame == Frame::comoving) return unit.a_power + unit.powers[length];
  if (unit.frame == Frame::physical || unit.powers[time] != 0 || unit.a_power != 0) return unit.a_power;
  return otherwise;
}

std::string astropy_text(const Unit& unit) {
  std::vector<std::string> above, below;
  if (unit.number != 1) above.push_back(fmt::format("{:g}", unit.number));
  for (const auto& [name, power] : unit.parts) {
    if (power == 0) continue;
    const auto size = std::abs(power);
    (power > 0 ? above : below).push_back(size == 1 ? name : fmt::format("{}^{:g}", name, size));
  }
  if (above.empty() && !below.empty()) above.emplace_back("1");
  auto text = fmt::format("{}", fmt::join(above, " "));
  if (!below.empty())
    text += below.size() == 1 ? fmt::format("/{}", below.front()) : fmt::format("/({})", fmt::join(below, " "));
  return unit.logarithmic ? fmt::format("dex({})", text) : text;
}

// A ratio of table entries without the last digits' noise: kpc is 1e-3 Mpc exactly.
double tidy(double ratio) {
  double value = 0;
  const auto text = fmt::format("{:.13g}", ratio);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::abs(value / ratio - 1) < 1e-15 ? value : ratio;
}

}  // namespace

double unit_factor(const std::string& where, const std::string& text, const std::string& wanted,
                   const UnitScales& scales) {
  if (text == wanted) return 1;
  const auto fail = [&](const std::string& why) {
    return data_error("{}: unit '{}': {}; write it as '{}' or the like, or convert the numbers", where, text,
                      why, wanted.empty() ? "dimensionless" : wanted);
  };
  std::string why;
  const auto from = parse(text, &why), to = parse(wanted);
  if (!to) throw internal_error("unit '{}' is not in the table", wanted);
  if (!from) throw fail(why);
  if (from->powers != to->powers || from->logarithmic != to->logarithmic)
    throw fail(text.empty() ? "none is given" : fmt::format("{} is needed, which is something else", wanted.empty() ? "a pure number" : fmt::format("'{}'", wanted)));
  if (from->frame == Frame::comoving && from->powers[length] != 0 && from->powers[time] != 0)
    throw fail("a comoving velocity has several meanings; peculiar ones are needed");
  if (from->frame == Frame::peculiar && from->powers[time] == 0)
    throw fail("only velocities are peculiar: comoving or physical is meant");
  const double ours = a_power_of(*to, to->h_power != 0 ? to->powers[length] : 0);
  const double h_power = from->h_power - to->h_power, a_power = a_power_of(*from, ours) - ours;
  if (h_power != 0 && std::isnan(scales.h)) throw fail("its conversion needs h, which is unknown");
  if (a_power != 0 && std::isnan(scales.scale_factor))
    throw fail("its conversion needs the scale factor, which is unknown");
  const double factor = tidy(from->factor / to->factor) * (h_power == 0 ? 1 : std::pow(scales.h, h_power)) *
                        (a_power == 0 ? 1 : std::pow(scales.scale_factor, a_power));
  if (from->logarithmic && factor != 1)
    throw fail(fmt::format("a logarithm, to which {:.4f} would be added", std::log10(factor)));
  return factor;
}

bool is_unit(const std::string& text) {
  return parse(text).has_value();
}

std::string opencosmo_unit(const std::string& text) {
  if (text == "Mpc/h" || text == "kpc/h") return fmt::format("comoving {}", text);
  if (text == "Msun/h") return text;
  const auto unit = parse(text);
  return unit && unit->a_power == 0 ? astropy_text(*unit) : "";
}

}  // namespace halobrush::catalog
