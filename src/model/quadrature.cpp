#include "quadrature.hpp"

#include <cmath>
#include <numbers>

namespace halobrush::model {

std::vector<QuadratureNode> half_gauss_legendre(int n) {
  std::vector<QuadratureNode> nodes;
  for (int i = 0; i < n; ++i) {
    double x = std::cos(std::numbers::pi * (i + 0.75) / (2 * n + 0.5)), slope = 1;
    for (int iteration = 0; iteration < 6; ++iteration) {
      const double p = std::legendre(static_cast<unsigned>(2 * n), x);
      slope = 2 * n * (x * p - std::legendre(static_cast<unsigned>(2 * n - 1), x)) / (x * x - 1);
      x -= p / slope;
    }
    nodes.push_back({x, 2 / ((1 - x * x) * slope * slope)});
  }
  return nodes;
}

}  // namespace halobrush::model
