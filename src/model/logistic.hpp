#pragma once

#include <cmath>

namespace halobrush::model {

inline double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace halobrush::model
