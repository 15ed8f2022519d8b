// Averages over (-1, 1) of even functions.
#pragma once

#include <vector>

namespace halobrush::model {

struct QuadratureNode {
  double x, weight;
};

/// Nodes in (0, 1) of the Gauss-Legendre rule with 2 n points in (-1, 1), weights of an average over (-1, 1).
std::vector<QuadratureNode> half_gauss_legendre(int n);

}  // namespace halobrush::model
