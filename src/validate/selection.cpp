#include "halobrush/validate/selection.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <numeric>

#include "halobrush/catalog/numbers.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::validate {

enum class Operation { any, all, negation, comparison, column, number };
enum class Order { less, less_equal, greater, greater_equal, equal, not_equal };

struct Selection::Node {
  Operation operation;
  std::vector<Node> parts;
  std::vector<Order> orders = {};  // between the parts of a comparison
  std::size_t column = 0;
  double number = 0;
};

namespace {

using Node = Selection::Node;

struct Token {
  enum class Kind { name, number, mark, end } kind;
  std::string text;
  std::size_t at;
};

constexpr std::array<std::pair<std::string_view, Order>, 6> orders = {{{"<", Order::less},
                                                                       {"<=", Order::less_equal},
                                                                       {">", Order::greater},
                                                                       {">=", Order::greater_equal},
                                                                       {"==", Order::equal},
                                                                       {"!=", Order::not_equal}}};

bool compare(double a, Order order, double b) {
  switch (order) {
    case Order::less:
      return a < b;
    case Order::less_equal:
      return a <= b;
    case Order::greater:
      return a > b;
    case Order::greater_equal:
      return a >= b;
    case Order::equal:
      return a == b;
    case Order::not_equal:
      return a != b;
  }
  return false;
}

class Parser {
 public:
  Parser(const std::string& name, const std::string& text, std::vector<std::string>& columns)
      : name_(name), text_(text), columns_(columns) {
    next();
  }

  Node whole() {
    Node node = any();
    if (token_.kind != Token::Kind::end) fail("'and', 'or' or the end was expected");
    return node;
  }

 private:
  Node any() {
    return joined("or", Operation::any, [this] { return all(); });
  }
  Node all() {
    return joined("and", Operation::all, [this] { return negation(); });
  }

  template <class Part>
  Node joined(std::string_view word, Operation operation, Part&& part) {
    Node node{operation, {part()}};
    while (is_word(word)) {
      next();
      node.parts.push_back(part());
    }
    return node.parts.size() == 1 ? std::move(node.parts.front()) : node;
  }

  Node negation() {
    if (!is_word("not")) return comparison();
    next();
    return {Operation::negation, {negation()}};
  }

  Node comparison() {
    if (is_mark("(")) {
      next();
      Node node = any();
      if (!is_mark(")")) fail("')' was expected");
      next();
      return node;
    }
    Node node{Operation::comparison, {operand()}};
    while (token_.kind == Token::Kind::mark && token_.text != ")" && token_.text != "(") {
      node.orders.push_back(order());
      node.parts.push_back(operand());
    }
    if (node.parts.size() > 1) return node;
    if (node.parts.front().operation == Operation::number) fail("a comparison was expected");
    return std::move(node.parts.front());
  }

  Order order() {
    const auto found = std::ranges::find(orders, token_.text, &std::pair<std::string_view, Order>::first);
    if (found == orders.end()) fail("one of < <= > >= == != was expected");
    next();
    return found->second;
  }

  Node operand() {
    const bool word = is_word("and") || is_word("or") || is_word("not");
    if (token_.kind == Token::Kind::name && !word) {
      const auto found = std::ranges::find(columns_, token_.text);
      Node node{Operation::column, {}};
      node.column = static_cast<std::size_t>(found - columns_.begin());
      if (found == columns_.end()) columns_.push_back(token_.text);
      next();
      return node;
    }
    if (token_.kind != Token::Kind::number) fail("a column or a number was expected");
    Node node{Operation::number, {}};
    const auto* end = token_.text.data() + token_.text.size();
    const bool plus = token_.text.starts_with('+') && !token_.text.starts_with("+-");
    const auto* begin = token_.text.data() + (plus ? 1 : 0);
    if (std::from_chars(begin, end, node.number).ptr != end) fail("this is no number");
    next();
    return node;
  }

  bool is_word(std::string_view word) const {
    return token_.kind == Token::Kind::name && token_.text == word;
  }
  bool is_mark(std::string_view mark) const {
    return token_.kind == Token::Kind::mark && token_.text == mark;
  }

  void next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    const std::size_t start = at_;
    const auto take = [&](auto&& belongs) {
      while (at_ < text_.size() && belongs(static_cast<unsigned char>(text_[at_]))) ++at_;
    };
    if (start == text_.size()) {
      token_ = {Token::Kind::end, "the end", start};
      return;
    }
    const auto c = static_cast<unsigned char>(text_[start]);
    auto kind = Token::Kind::mark;
    if (std::isalpha(c) || c == '_') {
      kind = Token::Kind::name;
      take([](unsigned char x) { return std::isalnum(x) || x == '_'; });
    } else if (std::isdigit(c) || c == '.' || c == '-' || c == '+') {
      kind = Token::Kind::number;
      ++at_;
      take([&](unsigned char x) {
        const bool sign_of_exponent =
            (x == '-' || x == '+') && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
        return std::isalnum(x) || x == '.' || sign_of_exponent;
      });
    } else if (c == '(' || c == ')') {
      ++at_;
    } else {
      take([](unsigned char x) { return x == '<' || x == '>' || x == '=' || x == '!'; });
      if (at_ == start) ++at_;
    }
    token_ = {kind, text_.substr(start, at_ - start), start};
  }

  [[noreturn]] void fail(const char* expected) const {
    const auto found = token_.kind == Token::Kind::end ? std::string("the end") : "'" + token_.text + "'";
    throw config_error("stats.selections.{}: '{}': character {}: {}, found {}; correct the cut", name_, text_,
                       token_.at + 1, expected, found);
  }

  const std::string& name_;
  const std::string& text_;
  std::vector<std::string>& columns_;
  std::size_t at_ = 0;
  Token token_{};
};

// The columns a cut reads, as numbers.
class Row {
 public:
  Row(const catalog::Table& table, const std::vector<std::string>& names) {
    for (const auto& name : names) values_.push_back(catalog::numbers(table, name));
  }
  double value(const Node& node, std::size_t row) const {
    return node.operation == Operation::number ? node.number : values_[node.column][row];
  }
  bool holds(const Node& node, std::size_t row) const {
    const auto part_holds = [&](const Node& part) { return holds(part, row); };
    switch (node.operation) {
      case Operation::any:
        return std::ranges::any_of(node.parts, part_holds);
      case Operation::all:
        return std::ranges::all_of(node.parts, part_holds);
      case Operation::negation:
        return !holds(node.parts.front(), row);
      case Operation::comparison:
        for (std::size_t i = 0; i < node.orders.size(); ++i)
          if (!compare(value(node.parts[i], row), node.orders[i], value(node.parts[i + 1], row)))
            return false;
        return true;
      case Operation::column:
      case Operation::number:
        return value(node, row) != 0;
    }
    return false;
  }

 private:
  std::vector<std::vector<double>> values_;
};

}  // namespace

Selection::Selection(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
  if (text_.find_first_not_of(" \t\n") != std::string::npos)
    root_ = std::make_shared<const Node>(Parser(name_, text_, columns_).whole());
}

void Selection::check(const catalog::Table& table) const {
  std::vector<std::string> known;
  for (const auto& column : table.columns()) known.push_back(column.spec.name);
  for (const auto& column : columns_)
    if (!table.has(column))
      throw config_error("stats.selections.{}: '{}': the catalog has no column '{}'{}; correct the cut",
                         name_, text_, column, nearest_hint(column, known));
}

std::vector<std::size_t> Selection::rows(const catalog::Table& table) const {
  std::vector<std::size_t> taken;
  if (!root_) {
    taken.resize(table.rows());
    std::iota(taken.begin(), taken.end(), std::size_t{0});
    return taken;
  }
  check(table);
  const Row row(table, columns_);
  for (std::size_t i = 0; i < table.rows(); ++i)
    if (row.holds(*root_, i)) taken.push_back(i);
  return taken;
}

}  // namespace halobrush::validate
