#include "halobrush/pipeline/split.hpp"

#include <cmath>

#include "halobrush/core/random.hpp"

namespace halobrush::pipeline {

Split split_of(std::int64_t host, const model::HostSplit& split) {
  const double hash =
      RandomStream(static_cast<std::uint64_t>(split.seed), host, Purpose::train_split).uniform() +
      split.shift;
  const double u = hash - std::floor(hash);
  if (u < split.validation_fraction) return Split::validation;
  return u < split.validation_fraction + split.test_fraction ? Split::test : Split::training;
}

}  // namespace halobrush::pipeline
