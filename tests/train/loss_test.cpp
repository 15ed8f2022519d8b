// What counts in the loss of score matching.
#include "loss.hpp"

#include <gtest/gtest.h>

namespace halobrush::train {
namespace {

TEST(SquaredErrors, counts_what_is_known_of_galaxies_with_a_weight) {
  const auto wide = torch::TensorOptions().dtype(torch::kFloat64);
  const networks::Denoised out{torch::ones({3, 3}, wide), torch::full({3, 2}, 2., wide)};
  const std::vector<double> rotation(9, 0.), labels(6, 0.);  // errors: 3 of a rotation, 4 of each label
  const auto known = torch::tensor({1., 1., 0., 0., 0., 1., 1., 1., 1.}, wide).view({3, 3});
  EXPECT_DOUBLE_EQ(squared_errors(out, rotation, labels, known, {1, 1, 0}).item<double>(), (3 + 4) + 4);
  EXPECT_DOUBLE_EQ(squared_errors(out, rotation, labels, known, {0, 0, 2}).item<double>(), 2 * (3 + 4 + 4));
}

}  // namespace
}  // namespace halobrush::train
