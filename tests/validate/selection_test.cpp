#include "halobrush/validate/selection.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "halobrush/core/error.hpp"

namespace halobrush::validate {
namespace {

using Rows = std::vector<std::size_t>;

// Five galaxies; the columns are of all types.
catalog::Table galaxies() {
  catalog::Table table;
  table.add<float>({"log_stellar_mass", "", ""}, {9, 9.5, 10, 10.5, 11});
  table.add<double>({"color_gr", "", ""}, {0.3, 0.8, 0.6, -0.1, std::nan("")});
  table.add<std::uint8_t>({"is_central", "", ""}, {1, 0, 1, 0, 1});
  table.add<std::int64_t>({"halo_id", "", ""}, {10, 20, 30, 40, 50});
  return table;
}

Rows rows(const std::string& cut) {
  return Selection("sample", cut).rows(galaxies());
}

std::string error_of(const std::string& cut) {
  try {
    rows(cut);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    return error.what();
  }
  ADD_FAILURE() << "no error for '" << cut << "'";
  return "";
}

TEST(Selection, AnEmptyCutTakesEverything) {
  EXPECT_EQ(rows(""), (Rows{0, 1, 2, 3, 4}));
  EXPECT_EQ(rows("  "), (Rows{0, 1, 2, 3, 4}));
}

TEST(Selection, Compares) {
  EXPECT_EQ(rows("log_stellar_mass > 10"), (Rows{3, 4}));
  EXPECT_EQ(rows("log_stellar_mass >= 10"), (Rows{2, 3, 4}));
  EXPECT_EQ(rows("log_stellar_mass<10"), (Rows{0, 1}));
  EXPECT_EQ(rows("log_stellar_mass <= 10"), (Rows{0, 1, 2}));
  EXPECT_EQ(rows("halo_id == 30"), (Rows{2}));
  EXPECT_EQ(rows("halo_id != 30"), (Rows{0, 1, 3, 4}));
  EXPECT_EQ(rows("10 < log_stellar_mass"), (Rows{3, 4}));
  EXPECT_EQ(rows("color_gr > -1.5e-1"), (Rows{0, 1, 2, 3}));
  EXPECT_EQ(rows("color_gr < +.7 and color_gr > 0"), (Rows{0, 2}));
}

TEST(Selection, ComparesColumnsAndChains) {
  EXPECT_EQ(rows("9 < log_stellar_mass <= 10.5"), (Rows{1, 2, 3}));
  EXPECT_EQ(rows("halo_id > log_stellar_mass"), (Rows{0, 1, 2, 3, 4}));
}

TEST(Selection, AColumnAloneIsTrueWhereItIsNotZero) {
  EXPECT_EQ(rows("is_central"), (Rows{0, 2, 4}));
  EXPECT_EQ(rows("not is_central"), (Rows{1, 3}));
}

TEST(Selection, AndBindsTighterThanOrAndNotTighterThanAnd) {
  EXPECT_EQ(rows("is_central or log_stellar_mass < 10 and color_gr > 0.5"), (Rows{0, 1, 2, 4}));
  EXPECT_EQ(rows("(is_central or log_stellar_mass < 10) and color_gr > 0.5"), (Rows{1, 2}));
  EXPECT_EQ(rows("not is_central and log_stellar_mass > 10"), (Rows{3}));
  EXPECT_EQ(rows("not (is_central and log_stellar_mass > 10)"), (Rows{0, 1, 2, 3}));
  EXPECT_EQ(rows("not not is_central"), (Rows{0, 2, 4}));
}

TEST(Selection, NaNComparesFalse) {
  EXPECT_EQ(rows("color_gr < 100"), (Rows{0, 1, 2, 3}));
  EXPECT_EQ(rows("color_gr == color_gr"), (Rows{0, 1, 2, 3}));
  EXPECT_EQ(rows("color_gr != 0.3"), (Rows{1, 2, 3, 4}));
}

TEST(Selection, NamesItsColumnsOnce) {
  const Selection cut("s", "halo_id > 3 and (is_central or halo_id < 2)");
  EXPECT_EQ(cut.columns(), (std::vector<std::string>{"halo_id", "is_central"}));
}

TEST(Selection, AnErrorPointsAtThePlace) {
  const auto says = [](const std::string& cut, const std::string& place, const std::string& what) {
    const auto text = error_of(cut);
    EXPECT_EQ(text.find("stats.selections.sample: '" + cut + "': "), 0) << text;
    EXPECT_NE(text.find("character " + place + ": "), text.npos) << text;
    EXPECT_NE(text.find(what), text.npos) << text;
    EXPECT_EQ(text.find('\n'), text.npos);
  };
  says("color_gr >> 0.6", "10", "one of < <= > >= == != was expected, found '>>'");
  says("color_gr = 0.6", "10", "found '='");
  says("color_gr >", "11", "a column or a number was expected, found the end");
  says("color_gr > 0.6 is_central", "16", "'and', 'or' or the end was expected, found 'is_central'");
  says("(color_gr > 0.6", "16", "')' was expected, found the end");
  says("color_gr > 0.6)", "15", "found ')'");
  says("and color_gr > 1", "1", "a column or a number was expected, found 'and'");
  says("3", "2", "a comparison was expected, found the end");
  says("color_gr > 1.2.3", "12", "this is no number, found '1.2.3'");
  says("color_gr > 0.6 & is_central", "16", "found '&'");
}

TEST(Selection, AnUnknownColumnIsAnErrorThatNamesTheNearest) {
  const auto text = error_of("colour_gr > 0.6");
  EXPECT_NE(text.find("no column 'colour_gr' (nearest known: 'color_gr')"), text.npos) << text;
}

TEST(Selection, RanksWithoutRowsTakeNone) {
  auto none = galaxies().empty_like();
  EXPECT_EQ(Selection("s", "is_central").rows(none), Rows{});
  EXPECT_EQ(Selection("all", "").rows(none), Rows{});
}

}  // namespace
}  // namespace halobrush::validate
