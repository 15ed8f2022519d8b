#include "halobrush/config/config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "halobrush/config/requirements.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush {
namespace {

class ConfigFile : public testing::Test {
 protected:
  ConfigFile() { std::filesystem::create_directories(folder_); }
  ~ConfigFile() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text, const std::string& name = "run.yaml") const {
    const auto path = (folder_ / name).string();
    std::ofstream(path) << text;
    return path;
  }
  config::Config load(const std::string& text, const std::vector<std::string>& overrides = {}) const {
    return config::load(write(text), overrides);
  }
  /// The lines of the error, each without the folder of the file.
  std::vector<std::string> problems(const std::string& text,
                                    const std::vector<std::string>& overrides = {}) const {
    std::vector<std::string> lines;
    try {
      load(text, overrides);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::config);
      std::istringstream all(error.what());
      for (std::string line; std::getline(all, line);) {
        const auto at = line.find(folder_.string());
        lines.push_back(at == 0 ? line.substr(folder_.string().size() + 1) : line);
      }
    }
    return lines;
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("halobrush_config_{}", getpid());
};

bool starts_with(const std::string& text, const std::string& start) {
  return text.rfind(start, 0) == 0;
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Dotted names of the keys that a configuration in the form of to_yaml holds.
std::set<std::string> names_in(const std::string& yaml) {
  std::set<std::string> names;
  std::istringstream lines(yaml);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    const bool nested = starts_with(line, "  ");
    const auto colon = line.find(':');
    const auto name = line.substr(nested ? 2 : 0, colon - (nested ? 2 : 0));
    if (!nested && colon + 1 == line.size())
      section = name + ".";
    else
      names.insert(nested ? section + name : name);
  }
  return names;
}

TEST_F(ConfigFile, ReadsEveryTypeOfValue) {
  const auto c = load(
      "seed: 12\n"
      "input: {path: 'halos: all.list', box_size: 62.5}\n"
      "domain:\n  tiles: [2, 3, 4]\n  balance: false\n"
      "field:\n  smoothing: [0.5, 2, 8]\n"
      "analytic:\n  kappa_a_red: [-1e1, 2]\n"
      "train:\n  outputs: [color_gr, log_size]\n");
  EXPECT_EQ(c.seed, 12);
  EXPECT_EQ(c.input.path.brief(), "halos: all.list");
  EXPECT_EQ(c.input.box_size, 62.5);
  EXPECT_EQ(c.domain.tiles, (std::array<std::int64_t, 3>{2, 3, 4}));
  EXPECT_FALSE(c.domain.balance);
  EXPECT_EQ(c.field.smoothing, (std::vector<double>{0.5, 2, 8}));
  EXPECT_EQ(c.analytic.kappa_a_red, (std::array<double, 2>{-10, 2}));
  EXPECT_EQ(c.train.outputs, (std::vector<std::string>{"color_gr", "log_size"}));
}

TEST_F(ConfigFile, AnEmptyFileGivesTheDefaults) {
  EXPECT_EQ(config::to_yaml(load("")), config::to_yaml(config::Config{}));
  EXPECT_EQ(config::to_yaml(load("# nothing\n")), config::to_yaml(config::Config{}));
}

TEST_F(ConfigFile, ASectionIsNoKey) {
  for (const auto* text : {"domain: 5\n", "domain: [1, 2]\n", "domain: slabs\n", "domain: 'tiles: 4\n\n  balance: false'\n"}) {
    const auto lines = problems(text);
    ASSERT_EQ(lines.size(), 1) << text;
    EXPECT_TRUE(starts_with(lines[0], "run.yaml:1: domain: is a section, but ")) << lines[0];
  }
}

TEST_F(ConfigFile, ListsAllUnknownKeysAtOnceWithLineAndNearestName) {
  const auto lines = problems(
      "sead: 1\n"
      "output:\n  path: a.hdf5\n  stageing: b\n"
      "paintr:\n  kind: analytic\n"
      "xyzzyplugh: 3\n");
  ASSERT_EQ(lines.size(), 4);
  EXPECT_TRUE(starts_with(lines[0], "run.yaml:1: sead: unknown key (nearest known: 'seed')")) << lines[0];
  EXPECT_TRUE(
      starts_with(lines[1], "run.yaml:4: output.stageing: unknown key (nearest known: 'output.staging')"))
      << lines[1];
  EXPECT_TRUE(starts_with(lines[2], "run.yaml:6: paintr.kind: unknown key (nearest known: 'painter.kind')"))
      << lines[2];
  EXPECT_TRUE(starts_with(lines[3], "run.yaml:7: xyzzyplugh: unknown key")) << lines[3];
}

TEST_F(ConfigFile, RefusesValuesOfAnotherType) {
  const auto lines = problems(
      "seed: many\n"
      "input: {format: [a, b]}\n"
      "domain:\n  tiles: [2, 3]\n  balance: maybe\n"
      "field: {mesh: 12.5, smoothing: 4}\n"
      "train: {learning_rate: fast}\n"
      "analytic: {color_red: [1, 2, 3]}\n");
  ASSERT_EQ(lines.size(), 8);
  for (const auto& [line, text] :
       {std::pair{0, "run.yaml:1: seed: 'many' is of the wrong type (wanted: integer)"},
        {1, "run.yaml:2: input.format: '[a, b]' is of the wrong type (wanted: text)"},
        {2, "run.yaml:4: domain.tiles: '[2, 3]' is of the wrong type (wanted: three integers)"},
        {3, "run.yaml:5: domain.balance: 'maybe' is of the wrong type (wanted: true or false)"}})
    EXPECT_TRUE(starts_with(lines[static_cast<std::size_t>(line)], text))
        << lines[static_cast<std::size_t>(line)];
}

TEST_F(ConfigFile, AnIntegerWithALeadingZeroIsNotTakenForOctal) {
  const auto lines = problems("seed: 010\ndomain: {tiles: [2, 03, 1]}\nfield: {mesh: -08}\n");
  ASSERT_EQ(lines.size(), 3);
  EXPECT_TRUE(starts_with(lines[0], "run.yaml:1: seed: '010' begins with a zero")) << lines[0];
  EXPECT_TRUE(starts_with(lines[1], "run.yaml:2: domain.tiles: '[2, 03, 1]' begins with a zero")) << lines[1];
  EXPECT_TRUE(starts_with(lines[2], "run.yaml:3: field.mesh: '-08' begins with a zero")) << lines[2];
  EXPECT_TRUE(problems("seed: 0\nfield: {smoothing: [0.5, 04]}\n").empty());
}

TEST_F(ConfigFile, RefusesValuesOutOfRange) {
  const auto lines = problems(
      "seed: -1\n"
      "painter:\n  kind: gan\n  steps: -1\n  frame: [1, 0, 0]\n"
      "domain:\n  tiles: [0, 1, 1]\n"
      "field:\n  smoothing: [1, -4]\n"
      "train:\n  ema: 1\n"
      "input:\n  box_size: -3\n");
  ASSERT_EQ(lines.size(), 8);
  EXPECT_EQ(lines[0], "run.yaml:1: seed: '-1' must be >= 0; correct the value");
  EXPECT_TRUE(contains(lines[1], "'gan' must be one of ")) << lines[1];
  for (const auto& line : lines) EXPECT_TRUE(contains(line, "must be")) << line;
}

TEST_F(ConfigFile, RefusesAKeyGivenTwiceAndASectionGivenAValue) {
  EXPECT_EQ(problems("seed: 1\nseed: 2\n").size(), 1);
  EXPECT_EQ(problems("input: halos.list\n").size(), 1);
  EXPECT_EQ(problems("seed: {value: 1}\n").size(), 1);
}

TEST_F(ConfigFile, SaysWhereAFileCannotBeRead) {
  EXPECT_TRUE(contains(problems("seed: [1,\n").at(0), "not valid YAML"));
  // The library's message quotes the character that it does not know.
  EXPECT_EQ(problems(std::string("density:\n  dataset: delta") + '\0' + "\nlimits:\n  wall_time: 3600\n").size(), 1U);
  EXPECT_TRUE(contains(problems("- a\n- b\n").at(0), "run.yaml"));
  try {
    config::load("/nowhere/run.yaml", {});
    FAIL() << "a missing file was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::config);
    EXPECT_TRUE(contains(error.what(), "/nowhere/run.yaml: cannot be read")) << error.what();
  }
}

TEST_F(ConfigFile, OverridesWinInTheirOrder) {
  const auto c = load("seed: 1\noutput: {path: a.hdf5}\n",
                      {"seed=2", "domain.tiles=[1, 2, 3]", "output.path=b=c.hdf5", "seed=3"});
  EXPECT_EQ(c.seed, 3);
  EXPECT_EQ(c.domain.tiles, (std::array<std::int64_t, 3>{1, 2, 3}));
  EXPECT_EQ(c.output.path, "b=c.hdf5");
}

TEST_F(ConfigFile, WrongOverridesAreListedWithTheRest) {
  const auto lines = problems("sead: 1\n", {"seed", "domain.tile=[1,1,1]", "seed=x"});
  ASSERT_EQ(lines.size(), 4);
  EXPECT_TRUE(std::ranges::any_of(lines, [](auto& l) { return starts_with(l, "--set seed: has no '='"); }));
  EXPECT_TRUE(std::ranges::any_of(lines, [](auto& l) {
    return starts_with(l, "--set: domain.tile: unknown key (nearest known: 'domain.tiles')");
  }));
  EXPECT_TRUE(std::ranges::any_of(lines, [](auto& l) {
    return starts_with(l, "--set: seed: 'x' is of the wrong type (wanted: integer)");
  }));
  EXPECT_TRUE(std::ranges::any_of(lines, [](auto& l) { return starts_with(l, "run.yaml:1: sead"); }));
}

TEST_F(ConfigFile, AnOverrideOfATextIsTakenAsItIsGiven) {
  for (const std::string path : {"run #3.list", "snap: all.list", "[a].list", "*a.list", "&a", "{b}", "~", "'", "it's",
                                 "a\tb", "- x", "!tag", "%x", "@x", "true", "010", " x "}) {
    const auto c = load("", {"input.path=" + path, "stats.selections.red=" + path});
    EXPECT_EQ(c.input.path.brief(), path);
    EXPECT_EQ(c.stats.selections.at("red"), path);
  }
  for (const std::string quoted : {"'run #3.list'", "\"run #3.list\""})
    EXPECT_EQ(load("", {"input.path=" + quoted}).input.path.brief(), "run #3.list") << "quotes are those of YAML";
  EXPECT_EQ(load("input: {path: a}", {"input.path="}).input.path.brief(), "");
  EXPECT_EQ(load("", {"train.outputs=['a #b', c]"}).train.outputs, (std::vector<std::string>{"a #b", "c"}));
}

TEST_F(ConfigFile, NoCommentHidesAPartOfAnOverride) {
  EXPECT_EQ(problems("", {"seed=3 #4"}).size(), 1);
  EXPECT_EQ(problems("", {"field.smoothing=[1, 4] # [2]"}).size(), 1);
  EXPECT_EQ(problems("", {"train.outputs=[a, b #c]"}).size(), 1);
}

TEST_F(ConfigFile, RefusesSmoothingRadiiThatAreTheSame) {
  for (const char* radii : {"[4, 4]", "[4, 4.0000001]", "[1, 4, 1]", "[4, 4.003]", "[.nan, 4]", "[0, 4]", "[.inf]"}) {
    const auto lines = problems(std::string("field: {smoothing: ") + radii + "}\n");
    ASSERT_EQ(lines.size(), 1) << radii;
    EXPECT_TRUE(starts_with(lines[0], "run.yaml:1: field.smoothing: '")) << lines[0];
  }
  EXPECT_EQ(load("field: {smoothing: [4, 1, 4.1]}\n").field.smoothing, (std::vector<double>{4, 1, 4.1}));
  EXPECT_TRUE(load("field: {smoothing: []}\n").field.smoothing.empty());
}

TEST_F(ConfigFile, RefusesNumbersThatNoRunCouldUse) {
  const auto lines = problems(
      "domain:\n  tiles: [100000, 100000, 1]\n"
      "field:\n  mesh: 10000000\n"
      "compute:\n  threads: 4294967297\n"
      "stats:\n  jackknife: 100000\n"
      "train:\n  learning_rate: .inf\n"
      "input:\n  units: [1, .inf, 1]\n");
  ASSERT_EQ(lines.size(), 6);
  const char* keys[] = {"2: domain.tiles", "4: field.mesh", "6: compute.threads", "8: stats.jackknife", "10: train.learning_rate",
                        "12: input.units"};
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_TRUE(starts_with(lines[i], std::string("run.yaml:") + keys[i])) << lines[i];
  EXPECT_EQ(problems("domain: {tiles: [9223372036854775807, 9223372036854775807, 3]}\n").size(), 1);
}

TEST_F(ConfigFile, ASectionWithNothingBelowItHasItsDefaults) {
  EXPECT_EQ(config::to_yaml(load("domain:\nstats:\n  r:\n  selections:\nseed: 1\n")), config::to_yaml(config::Config{}));
  EXPECT_EQ(problems("domian:\n").size(), 1);
  EXPECT_EQ(problems("seed:\n").size(), 1);
}

TEST_F(ConfigFile, RefusesASecondDocument) {
  const auto lines = problems("seed: 1\n---\nseed: 2\n");
  ASSERT_EQ(lines.size(), 1);
  EXPECT_TRUE(starts_with(lines[0], "run.yaml:3: a second document")) << lines[0];
  EXPECT_EQ(load("---\nseed: 2\n").seed, 2);
}

TEST_F(ConfigFile, WhatIsNoNameAndWhatHasNoEndIsRefused) {
  EXPECT_EQ(problems("[a]: 1\n").size(), 1);
  EXPECT_EQ(problems("? {a: b}\n: 1\n").size(), 1);
  EXPECT_EQ(problems("input: &a {path: *a}\n").size(), 1);
  EXPECT_EQ(problems("seed: &a [*a]\n").size(), 1);
  EXPECT_EQ(problems("seed: *nothing\n").size(), 1);
  EXPECT_EQ(problems("input: {path: \"a\\0b\"}\n").size(), 1);
}

TEST_F(ConfigFile, SeveralPathsAreAList) {
  const std::vector<std::string> both = {"a, b.list", "c"};
  EXPECT_EQ(load("input:\n  path: ['a, b.list', c]\n").input.path.each, both);
  EXPECT_EQ(load("", {"input.path=['a, b.list', c]"}).input.path.each, both);
  EXPECT_EQ(load("input:\n  path: ['a, b.list', c]\n").input.path.brief(), "a, b.list and 1 more");
  const auto lines = problems("input: {path: [a, {b: c}]}\n");
  ASSERT_EQ(lines.size(), 1);
  EXPECT_TRUE(starts_with(lines[0], "run.yaml:1: input.path: '[a, {b: c}]' is of the wrong type (wanted: path or list of paths)")) << lines[0];
}

TEST_F(ConfigFile, AnOverrideReplacesAWrongValueInTheFile) {
  EXPECT_EQ(load("seed: x\n", {"seed=4"}).seed, 4);
}

TEST_F(ConfigFile, WrittenOutAndReadBackItIsTheSame) {
  config::Config c;
  c.seed = 77;
  c.input.path.each = {"a \"quoted\": path # with, [marks]"};
  c.output.path = "true";
  c.field.smoothing = {0.1, 1. / 3, 1e-12};
  c.domain.tiles = {1, 2, 3};
  c.domain.balance = false;
  c.train.outputs = {"1", "yes", "", "a, b"};
  c.train.inputs = {};
  c.train.learning_rate = 0.1 + 0.2;
  c.analytic.kappa_a_red = {-1. / 7, 1e300};
  const auto text = config::to_yaml(c);
  const auto back = load(text);
  EXPECT_EQ(config::to_yaml(back), text);
  EXPECT_EQ(back.input.path, c.input.path);
  EXPECT_EQ(back.output.path, "true");
  EXPECT_EQ(back.field.smoothing, c.field.smoothing);
  EXPECT_EQ(back.train.outputs, c.train.outputs);
  EXPECT_EQ(back.train.learning_rate, c.train.learning_rate);
  EXPECT_EQ(back.analytic.kappa_a_red, c.analytic.kappa_a_red);
  EXPECT_TRUE(std::isnan(back.input.box_size));
}

TEST_F(ConfigFile, TextsByNameAreReadSetAndWritten) {
  const auto c =
      load("stats:\n  selections:\n    red: color_gr > 0.6\n    'odd: one': x < 1\n  r: {max: 20}\n",
           {"stats.selections.red=color_gr > 0.7", "stats.selections.blue=not is_central"});
  EXPECT_EQ(c.stats.selections,
            (std::map<std::string, std::string>{
                {"red", "color_gr > 0.7"}, {"odd: one", "x < 1"}, {"blue", "not is_central"}}));
  EXPECT_EQ(c.stats.r.max, 20);
  const auto text = config::to_yaml(c);
  EXPECT_EQ(load(text).stats.selections, c.stats.selections);
  EXPECT_EQ(config::to_yaml(load(text)), text);
  EXPECT_EQ(problems("stats: {selections: red}\n").size(), 1);
  EXPECT_EQ(problems("stats: {selections: {red: [1, 2]}}\n").size(), 1);
}

TEST_F(ConfigFile, WithoutAFileThereAreTheDefaultsAndOverrides) {
  EXPECT_EQ(config::load("", {"seed=9"}).seed, 9);
  EXPECT_EQ(config::to_yaml(config::load("", {})), config::to_yaml(config::Config{}));
}

TEST_F(ConfigFile, DescribeListsEveryKey) {
  const auto names = names_in(config::to_yaml({}));
  EXPECT_GT(names.size(), 60);
  std::set<std::string> described;
  std::istringstream lines(config::describe());
  for (std::string line; std::getline(lines, line);)
    if (!starts_with(line, " ")) described.insert(line.substr(0, line.find(' ')));
  EXPECT_EQ(described, names);
}

TEST_F(ConfigFile, ScienceKeysAreThoseThatDecideTheRows) {
  config::Config c;
  std::set<std::string> names;
  for (const auto& [name, value] : config::science_keys(c)) names.insert(name);
  for (const char* name :
       {"seed", "domain.tiles", "field.smoothing", "painter.kind", "painter.steps", "analytic.kappa_a_red"})
    EXPECT_TRUE(names.contains(name)) << name;
  for (const char* name :
       {"output.path", "output.staging", "compute.threads", "limits.wall_time", "log.interval"})
    EXPECT_FALSE(names.contains(name)) << name;
  const auto before = config::science_keys(c);
  c.output.path = "elsewhere.hdf5", c.compute.threads = 8;
  EXPECT_EQ(config::science_keys(c), before);
  c.seed = 2;
  EXPECT_NE(config::science_keys(c), before);
}

TEST(Requirements, WhatWouldRequireNothingUnsaidIsRefused) {
  for (const char* text : {"catalog: {unique_ids: true}\n---\ncolumns: {}\n", "statistics: 5\n", "statistics: {of: [xi]}\n",
                           "columns: [x, y]\n", "misalignments: none\n", "distributions: {}\n", "[a]: 1\n", "columns: *x\n"})
    EXPECT_THROW(config::parse_requirements(text, "r.yaml"), Error) << text;
  EXPECT_TRUE(config::parse_requirements("columns:\nstatistics:\n", "r.yaml").columns.empty());
  EXPECT_FALSE(config::parse_requirements(config::default_requirements(), "built in").statistics.empty());
}

}  // namespace
}  // namespace halobrush
