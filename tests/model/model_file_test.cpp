// Model files: what is written is read back, and what is damaged is refused in words.
#include "halobrush/model/model_file.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "halobrush/core/error.hpp"
#include "halobrush/networks/network.hpp"
#include "support/patches.hpp"

namespace halobrush::model {
namespace {

class ModelFiles : public testing::Test {
 protected:
  void SetUp() override {
    const networks::Network network(spec, 5, torch::kFloat32);
    tensors = network.to_file();
    write_model(path, {spec, tensors, ""});
  }
  void TearDown() override { std::filesystem::remove(path); }

  std::string refusal() const {
    try {
      read_model(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::model);
      return error.what();
    }
    return "";
  }
  void replace(const std::string& from, const std::string& to) const {
    std::ifstream in(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    text.replace(text.find(from), from.size(), to);
    std::ofstream(path, std::ios::binary) << text;
  }

  std::string path =
      std::filesystem::temp_directory_path() / ("model_" + std::to_string(getpid()) + ".safetensors");
  ModelSpec spec = testing_support::small_spec();
  std::vector<NamedTensor> tensors;
};

TEST_F(ModelFiles, give_back_what_was_written) {
  const auto file = read_model(path);
  EXPECT_EQ(file.sha256.size(), 64u);
  EXPECT_EQ(file.spec.inputs, spec.inputs);
  EXPECT_EQ(file.spec.scalar_mean, spec.scalar_mean);
  EXPECT_EQ(file.spec.labels.at(2).transform, Transform::logit_of_b_to_a);
  EXPECT_EQ(file.spec.labels.at(0).column, spec.labels.at(0).column);
  EXPECT_EQ(file.spec.noise.scalar_max, spec.noise.scalar_max);
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) EXPECT_EQ(file.tensors[i].values, tensors[i].values);
}

TEST_F(ModelFiles, give_back_where_they_come_from) {
  auto& origin = spec.origin;
  origin.galaxies = 19270;
  origin.format = "rockstar";
  origin.simulation.box = {150, 100, 75};
  origin.simulation.scale_factor = 0.5;
  origin.simulation.omega_m = 0.31;
  origin.simulation.mass_definition = "200b";
  origin.simulation.particle_mass = 4.1e10;
  origin.least_particles = 20;
  origin.tidal = {{1, 4}, 128, 150.0 / 128, "density.h5"};
  spec.units = {{"log_mass", "log10(Msun/h)"}};
  spec.labels[0].trained = {8, 9, 11, 12.5};
  write_model(path, {spec, tensors, ""});
  const auto read = read_model(path).spec;
  EXPECT_TRUE(read.origin.known());
  EXPECT_EQ(read.origin.galaxies, 19270u);
  EXPECT_EQ(read.origin.format, "rockstar");
  EXPECT_EQ(read.origin.simulation.box, origin.simulation.box);
  EXPECT_EQ(read.origin.simulation.scale_factor, 0.5);
  EXPECT_EQ(read.origin.simulation.omega_m, 0.31);
  EXPECT_EQ(read.origin.simulation.mass_definition, "200b");
  EXPECT_EQ(read.origin.simulation.particle_mass, 4.1e10);
  EXPECT_TRUE(std::isnan(read.origin.simulation.sigma_8)) << "unknown stays unknown";
  EXPECT_TRUE(std::isnan(read.origin.least_vmax));
  EXPECT_EQ(read.origin.least_particles, 20);
  EXPECT_EQ(read.origin.tidal.smoothing, origin.tidal.smoothing);
  EXPECT_EQ(read.origin.tidal.cell, 150.0 / 128);
  EXPECT_EQ(read.origin.tidal.density_file, "density.h5");
  EXPECT_EQ(read.units, spec.units);
  EXPECT_EQ(read.labels[0].trained.least, 8);
  EXPECT_EQ(read.labels[0].trained.greatest, 12.5);
  EXPECT_FALSE(read.labels[1].trained.known());
}

// As all files before they said it.
TEST_F(ModelFiles, that_say_nothing_of_their_origin_are_read) {
  const auto read = read_model(path).spec;
  EXPECT_FALSE(read.origin.known());
  EXPECT_TRUE(std::isnan(read.origin.simulation.scale_factor));
  EXPECT_TRUE(read.units.empty());
}

TEST_F(ModelFiles, give_back_density_and_sample_of_the_inputs) {
  EXPECT_FALSE(read_model(path).spec.density.known()) << "as files of older versions";
  auto& density = spec.density;
  density.distance = 7.5, density.held_out = 1234, density.beyond = 0.004;
  density.mixture = {6, {0.25F, 0.75F}, std::vector<float>(12, 0.5F), std::vector<float>(72, 1.5F)};
  spec.sample = {std::vector<float>(18, 0.1F), {0, 7, 124}};
  write_model(path, {spec, tensors, ""});
  const auto file = read_model(path);
  const auto& read = file.spec;
  EXPECT_EQ(file.tensors.size(), tensors.size()) << "those of the network";
  EXPECT_EQ(read.density.mixture.dimensions, 6u);
  EXPECT_EQ(read.density.mixture.weight, density.mixture.weight);
  EXPECT_EQ(read.density.mixture.mean, density.mixture.mean);
  EXPECT_EQ(read.density.mixture.whitening, density.mixture.whitening);
  EXPECT_EQ(read.density.distance, 7.5);
  EXPECT_EQ(read.density.held_out, 1234u);
  EXPECT_EQ(read.density.beyond, 0.004);
  EXPECT_EQ(read.sample.values, spec.sample.values);
  EXPECT_EQ(read.sample.region, spec.sample.region);
}

TEST_F(ModelFiles, with_a_part_of_a_density_are_refused) {
  spec.density.mixture = {6, {1}, std::vector<float>(6), std::vector<float>(36, 1)};
  write_model(path, {spec, tensors, ""});
  for (const std::string name : {"input_density.mean", "input_density.weight"}) {
    replace(name, std::string(name.size(), 'x'));
    EXPECT_NE(refusal().find("the density of the inputs is incomplete"), std::string::npos) << refusal();
  }
  spec.density.mixture.whitening.assign(36, 0);
  write_model(path, {spec, tensors, ""});
  EXPECT_NE(refusal().find("the density of the inputs is none"), std::string::npos) << refusal();
  spec.density = {};
  spec.sample = {std::vector<float>(12), {0, 1, 2}};
  spec.sample.region.pop_back();
  write_model(path, {spec, tensors, ""});
  replace("input_sample.region", "input_sample.sorted");
  EXPECT_NE(refusal().find("the sample of the inputs is incomplete"), std::string::npos) << refusal();
}

TEST(TrainedRange, leaves_one_galaxy_in_a_thousand_beyond_each_of_its_inner_ends) {
  std::vector<double> values;
  for (int i = 0; i < 10000; ++i) values.push_back((i * 7919) % 10000);
  const auto range = TrainedRange::of(values);
  EXPECT_EQ(range.least, 0);
  EXPECT_EQ(range.low, 10);
  EXPECT_EQ(range.high, 9989);
  EXPECT_EQ(range.greatest, 9999);
}

TEST_F(ModelFiles, that_are_truncated_are_refused) {
  for (const auto size : {4ul, 1000ul, std::filesystem::file_size(path) - 1}) {
    std::filesystem::resize_file(path, size);
    EXPECT_NE(refusal().find("cannot be used as a model"), std::string::npos) << size;
  }
}

TEST_F(ModelFiles, of_another_format_version_are_refused) {
  replace("format_version\\\":2", "format_version\\\":9");
  EXPECT_NE(refusal().find("its format version is 9, this program reads 2"), std::string::npos) << refusal();
}

TEST_F(ModelFiles, that_do_not_exist_are_named) {
  EXPECT_THROW(
      {
        try {
          read_model("/nowhere/m.safetensors");
        } catch (const Error& error) {
          EXPECT_STREQ(error.what(),
                       "/nowhere/m.safetensors: cannot be used as a model (it cannot be read: no such file, or no "
                       "permission); set painter.model to a file written by 'halobrush train' of this version");
          throw;
        }
      },
      Error);
}

TEST_F(ModelFiles, with_tensors_of_another_architecture_are_refused) {
  auto other = spec;
  other.denoiser_width = 16;
  write_model(path, {other, tensors, ""});
  const auto file = read_model(path);
  EXPECT_THROW(networks::Network(file, path, torch::kFloat32), Error);
}

}  // namespace
}  // namespace halobrush::model
