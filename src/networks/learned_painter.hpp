// What painters with a model file share: the file, what it needs and paints, and rows made of its answers.
#pragma once

#include <string>
#include <vector>

#include "halobrush/networks/diffusion.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::networks {

class LearnedPainter : public Painter {
 public:
  LearnedPainter(ModelSpec spec, std::string sha256);
  std::string kind() const override { return spec_.painter; }
  const Needs& needs() const override { return needs_; }
  const std::vector<catalog::ColumnSpec>& scalars() const override { return scalars_; }
  std::string sha256() const override { return sha256_; }
  std::vector<std::string> labels() const override;
  Orientation orientation() const override { return spec_.orientation; }
  std::vector<const ModelSpec*> models() const override { return {&spec_}; }

 protected:
  const ModelSpec& spec() const { return spec_; }
  /// Labels in the units of their columns.
  Painted painted(const diffusion::State& state, const Inputs& inputs) const;

 private:
  ModelSpec spec_;
  std::string sha256_;
  Needs needs_;
  std::vector<catalog::ColumnSpec> scalars_;
};

}  // namespace halobrush::networks
