#include "halobrush/catalog/mapped.hpp"

#include <charconv>
#include <optional>
#include <regex>

#include "h5.hpp"
#include "halobrush/mpi/agree.hpp"
#include "table_file.hpp"

namespace halobrush::catalog {
namespace {

struct NamedDataset {
  std::string dataset;
  std::optional<std::uint64_t> component;
  std::optional<double> factor;
};

NamedDataset parse(const std::string& column, const std::string& text) {
  static const std::regex pattern(R"(\s*([^\[\]*\s]+)\s*(?:\[(\d+)\])?\s*(?:\*\s*(\S+))?\s*)");
  std::smatch found;
  const auto fail = [&] {
    return config_error(
        "validate.columns.{}: '{}' is not understood; write dataset, dataset[k] or dataset[k] * number",
        column, text);
  };
  if (!std::regex_match(text, found, pattern)) throw fail();
  NamedDataset source{found[1].str(), std::nullopt, std::nullopt};
  if (found[2].matched) source.component = std::stoull(found[2].str());
  if (found[3].matched) {
    const auto number = found[3].str();
    source.factor.emplace();
    if (std::from_chars(number.data(), number.data() + number.size(), *source.factor).ptr !=
        number.data() + number.size())
      throw fail();
  }
  return source;
}

ColumnData read(const h5::Column& dataset, const std::string& name, const NamedDataset& source, std::uint64_t first,
                std::uint64_t rows) {
  if (is_integer_column(name)) return dataset.integers(first, rows);
  ColumnData data = source.component ? dataset.component(*source.component, first, rows) : dataset.read(first, rows);
  if (!source.factor) return data;
  return std::visit(
      [&](const auto& values) {
        std::vector<double> scaled(values.begin(), values.end());
        for (auto& x : scaled) x *= *source.factor;
        return ColumnData(std::move(scaled));
      },
      data);
}

class MappedFile {
 public:
  explicit MappedFile(const std::string& path) : path_(path), file_(h5::File::open(path)) {}

  Table share(const ColumnMap& columns, std::uint64_t rank, std::uint64_t ranks) const {
    Table table;
    std::optional<std::uint64_t> rows;
    for (const auto& [name, text] : columns) {
      const auto source = parse(name, text);
      const auto dataset = open(name, source);
      const auto here = dataset.shape().front();
      if (!rows) rows = here;
      if (here != *rows)
        throw data_error(
            "{}: validate.columns.{}: '{}' has {} rows, the first column has {}; make them equal", path_,
            name, source.dataset, here, *rows);
      const auto first = *rows * rank / ranks, end = *rows * (rank + 1) / ranks;
      std::visit(
          [&](auto&& values) {
            table.add({name, "", source.dataset}, std::move(values));
          },
          read(dataset, name, source, first, end - first));
    }
    return table;
  }

 private:
  h5::Column open(const std::string& name, const NamedDataset& source) const {
    if (!h5::exists(file_.id(), source.dataset))
      throw data_error("{}: validate.columns.{}: the file has no dataset '{}'; correct the column map", path_,
                       name, source.dataset);
    if (is_integer_column(name) && (source.component || source.factor))
      throw config_error("validate.columns.{}: ids are read as they are; name the dataset '{}' without [k] or a factor", name,
                         source.dataset);
    h5::Column dataset(file_.id(), source.dataset);
    const auto& shape = dataset.shape();
    const bool fits =
        source.component ? shape.size() == 2 && *source.component < shape[1] : shape.size() == 1;
    if (!fits)
      throw data_error(
          "{}: validate.columns.{}: '{}' has {} dimensions; name a column as dataset, or as dataset[k] "
          "with k below its second side",
          path_, name, source.dataset, shape.size());
    return dataset;
  }

  const std::string& path_;
  h5::File file_;
};

}  // namespace

Table read_mapped(const std::string& path, const ColumnMap& columns, const mpi::Communicator& comm) {
  return mpi::agree(comm, [&] {
    return MappedFile(path).share(columns, static_cast<std::uint64_t>(comm.rank()),
                                  static_cast<std::uint64_t>(comm.size()));
  });
}

}  // namespace halobrush::catalog
