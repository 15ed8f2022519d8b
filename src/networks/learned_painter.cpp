#include "learned_painter.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/model/labels.hpp"
#include "halobrush/model/input_range.hpp"
#include "halobrush/networks/network.hpp"

namespace halobrush::networks {
namespace {

bool is_axis_ratio(const std::string& name) {
  return name == "b_to_a" || name == "c_to_a";
}

}  // namespace

LearnedPainter::LearnedPainter(ModelSpec spec, std::string sha256)
    : spec_(std::move(spec)), sha256_(std::move(sha256)), needs_(needs_of(spec_)) {
  for (const auto& label : spec_.labels)
    if (!is_axis_ratio(label.column.name)) scalars_.push_back(label.column);
}

std::vector<std::string> LearnedPainter::labels() const {
  std::vector<std::string> names;
  for (const auto& label : spec_.labels) names.push_back(label.column.name);
  return names;
}

Painted LearnedPainter::painted(const diffusion::State& state, const Inputs& inputs) const {
  const auto& labels = spec().labels;
  Painted rows;
  rows.frame = state.frames;
  rows.b_to_a.assign(inputs.owned, std::nan(""));
  rows.c_to_a.assign(inputs.owned, std::nan(""));
  auto columns = decode_labels(labels, state.labels);
  for (std::size_t l = 0; l < columns.size(); ++l) {
    if (labels[l].column.name == "b_to_a")
      rows.b_to_a = std::move(columns[l]);
    else if (labels[l].column.name == "c_to_a")
      rows.c_to_a = std::move(columns[l]);
    else
      rows.scalars.push_back(std::move(columns[l]));
  }
  rows.out_of_distribution = out_of_distribution(inputs.nodes, inputs.owned, spec());
  return rows;
}

}  // namespace halobrush::networks
