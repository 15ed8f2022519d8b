#include "halobrush/model/labels.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "logistic.hpp"

namespace halobrush::model {
namespace {

double clamped_logit(double p) {
  const double safe = std::clamp(p, 1e-6, 1 - 1e-6);
  return std::log(safe / (1 - safe));
}

const std::vector<double>* column_of(const std::vector<Label>& labels,
                                     const std::vector<std::vector<double>>& columns,
                                     const std::string& name) {
  for (std::size_t l = 0; l < labels.size(); ++l)
    if (labels[l].column.name == name) return &columns[l];
  return nullptr;
}

}  // namespace

std::vector<double> log_label_jacobian(const std::vector<Label>& labels,
                                       const std::vector<std::vector<double>>& columns,
                                       const std::vector<std::vector<std::uint8_t>>& known) {
  const std::size_t n = known[0].size();
  const auto* b_to_a = column_of(labels, columns, "b_to_a");
  std::vector<double> result(n);
  for (std::size_t l = 0; l < labels.size(); ++l)
    for (std::size_t i = 0; i < n; ++i) {
      if (!known[l + 1][i]) continue;
      if (labels[l].transform == Transform::normal_score) {
        result[i] += std::log(labels[l].scores.slope(columns[l][i]) / labels[l].deviation);
        continue;
      }
      const double unit = labels[l].transform == Transform::logit_of_b_to_a ? (*b_to_a)[i] : 1;
      const double u = columns[l][i] / unit;
      result[i] -= std::log(labels[l].deviation * unit);
      if (labels[l].transform != Transform::identity) result[i] -= std::log(u) + std::log1p(-u);
    }
  return result;
}

std::vector<double> encode_labels(const std::vector<Label>& labels,
                                  const std::vector<std::vector<double>>& columns) {
  const std::size_t n = columns.empty() ? 0 : columns[0].size();
  const auto* b_to_a = column_of(labels, columns, "b_to_a");
  std::vector<double> encoded(n * labels.size());
  for (std::size_t l = 0; l < labels.size(); ++l)
    for (std::size_t i = 0; i < n; ++i) {
      double y = columns[l][i];
      if (labels[l].transform == Transform::logit) y = clamped_logit(y);
      if (labels[l].transform == Transform::logit_of_b_to_a) y = clamped_logit(y / (*b_to_a)[i]);
      if (labels[l].transform == Transform::normal_score) y = labels[l].scores.score(y);
      encoded[i * labels.size() + l] = (y - labels[l].mean) / labels[l].deviation;
    }
  return encoded;
}

std::vector<std::vector<double>> decode_labels(const std::vector<Label>& labels,
                                               const std::vector<double>& encoded) {
  const std::size_t n = labels.empty() ? 0 : encoded.size() / labels.size();
  std::vector<std::vector<double>> columns(labels.size(), std::vector<double>(n));
  for (std::size_t l = 0; l < labels.size(); ++l)
    for (std::size_t i = 0; i < n; ++i) {
      const double y = encoded[i * labels.size() + l] * labels[l].deviation + labels[l].mean;
      const double value = labels[l].transform == Transform::identity       ? y
                           : labels[l].transform == Transform::normal_score ? labels[l].scores.value(y)
                                                                            : logistic(y);
      columns[l][i] = std::clamp(value, labels[l].lowest, labels[l].highest);
    }
  const auto* b_to_a = column_of(labels, columns, "b_to_a");
  for (std::size_t l = 0; l < labels.size(); ++l)
    if (labels[l].transform == Transform::logit_of_b_to_a)
      for (std::size_t i = 0; i < n; ++i) columns[l][i] *= (*b_to_a)[i];
  return columns;
}

}  // namespace halobrush::model
