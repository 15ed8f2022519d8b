#include <gtest/gtest.h>

#include "catalog/support.hpp"

namespace halobrush::catalog {
namespace {

Table three_rows() {
  Table table;
  table.add({"id", "", "number"}, std::vector<std::int64_t>{1, 2, 3});
  for (const std::string axis : {"x", "y", "z"})
    table.add({"host_d" + axis, "Mpc/h", ""}, std::vector<double>{1, 2, 3});
  table.get<double>("host_dz")[1] = 9;
  return table;
}

TEST(Table, AddsZeroColumnsOfItsLengthAndKeepsTheirOrder) {
  auto table = three_rows();
  EXPECT_EQ(table.add<float>({"w", "", ""}).size(), 3u);
  EXPECT_EQ(table.get<float>("w")[2], 0);
  EXPECT_EQ(table.columns().back().spec.name, "w");
  EXPECT_EQ(table.vectors("host_d")[1], Vec3(2, 2, 9));
  table.remove("w");
  EXPECT_FALSE(table.has("w"));
}

TEST(Table, SelectsAndAppendsRows) {
  auto table = three_rows();
  const std::vector<std::size_t> rows = {2, 0, 2};
  auto chosen = table.select(rows);
  EXPECT_EQ(chosen.rows(), 3u);
  EXPECT_EQ(chosen.columns()[0].data, ColumnData(std::vector<std::int64_t>{3, 1, 3}));
  chosen.append(table);
  EXPECT_EQ(chosen.rows(), 6u);
  EXPECT_EQ(chosen.get<std::int64_t>("id")[4], 2);
  chosen.append(table.empty_like());
  EXPECT_EQ(chosen.rows(), 6u);
  chosen.resize(7);
  EXPECT_EQ(chosen.get<std::int64_t>("id")[6], 0);
}

TEST(Table, RefusesWhatDoesNotFit) {
  auto table = three_rows();
  expect_error(ExitCode::internal, "table: column 'id' is added twice", [&] {
    table.add<double>({"id", "", ""});
  });
  expect_error(ExitCode::internal, "table: column 'q' has 2 values, the table has 3 rows", [&] {
    table.add({"q", "", ""}, std::vector<double>(2));
  });
  expect_error(ExitCode::internal, "table: no column 'q'", [&] { table.get<double>("q"); });
  expect_error(ExitCode::internal, "table: column 'id' holds int64, asked for as double",
               [&] { table.get<double>("id"); });
  auto other = three_rows();
  other.columns()[0].spec.unit = "km/s";
  expect_error(ExitCode::internal, "table: rows are appended from a table with other columns",
               [&] { table.append(other); });
}

}  // namespace
}  // namespace halobrush::catalog
