#include "chain.hpp"

#include <algorithm>
#include <cmath>

#include "halobrush/core/error.hpp"

namespace halobrush::model {
namespace {

class Chain : public Painter {
 public:
  Chain(std::unique_ptr<Painter> first, std::unique_ptr<AxesPainter> axes)
      : first_(std::move(first)), axes_(std::move(axes)), needs_(first_->needs()), scalars_(first_->scalars()) {
    needs_.then = {axes_->needs()};
    std::ranges::copy(axes_->scalars(), std::back_inserter(scalars_));
  }
  std::string kind() const override { return first_->kind() + ", axes: " + axes_->kind(); }
  const Needs& needs() const override { return needs_; }
  const std::vector<catalog::ColumnSpec>& scalars() const override { return scalars_; }
  std::vector<std::string> labels() const override {
    auto names = first_->labels();
    for (const char* ratio : {"b_to_a", "c_to_a"})
      if (std::ranges::count(names, ratio) == 0) names.push_back(ratio);
    return names;
  }
  bool paints_spin() const override { return first_->paints_spin(); }
  std::string sha256() const override { return first_->sha256(); }
  std::vector<const ModelSpec*> models() const override {
    auto all = first_->models();
    std::ranges::copy(axes_->models(), std::back_inserter(all));
    return all;
  }
  std::vector<double> log_density(const Inputs&, const Observed&) const override {
    throw model_error(
        "painter.axes: a chain of painters has no density here; judge its first painter (painter.axes: \"\"), whose scalars "
        "it paints unchanged");
  }

 private:
  Painted draw(const Inputs& inputs) const override {
    auto painted = paint_first(*first_, inputs);
    axes_->paint(inputs.then.front(), painted);
    return painted;
  }

  std::unique_ptr<Painter> first_;
  std::unique_ptr<AxesPainter> axes_;
  Needs needs_;
  std::vector<catalog::ColumnSpec> scalars_;
};

class LearnedAxes : public AxesPainter {
 public:
  explicit LearnedAxes(std::unique_ptr<Painter> painter) : painter_(std::move(painter)) {}
  std::string kind() const override { return painter_->kind(); }
  const Needs& needs() const override { return painter_->needs(); }
  std::vector<const ModelSpec*> models() const override { return painter_->models(); }
  void paint(const Inputs& inputs, Painted& galaxies) const override {
    auto own = painter_->paint(inputs);
    galaxies.frame = std::move(own.frame);
    galaxies.b_to_a = std::move(own.b_to_a);
    galaxies.c_to_a = std::move(own.c_to_a);
    for (std::size_t i = 0; i < galaxies.out_of_distribution.size(); ++i)
      galaxies.out_of_distribution[i] |= own.out_of_distribution[i];
  }

 private:
  std::unique_ptr<Painter> painter_;
};

}  // namespace

Painted paint_first(const Painter& first, const Inputs& inputs) {
  auto painted = first.paint(inputs);
  if (first.paints_spin() && painted.spin.empty())
    for (const auto& frame : painted.frame) painted.spin.push_back(frame.col(2));
  return painted;
}

std::unique_ptr<Painter> make_chain(std::unique_ptr<Painter> first, std::unique_ptr<AxesPainter> axes) {
  return std::make_unique<Chain>(std::move(first), std::move(axes));
}

std::unique_ptr<AxesPainter> learned_axes(std::unique_ptr<Painter> painter, const std::string& path) {
  const auto labels = painter->labels();
  for (const char* ratio : {"b_to_a", "c_to_a"})
    if (std::ranges::count(labels, ratio) == 0)
      throw config_error(
          "painter.axes: {} does not paint '{}', and a galaxy without it has no ellipticity; give a model that was "
          "trained with it in train.outputs, or painter.axes: law",
          path, ratio);
  if (painter->orientation() != Orientation::ellipsoid)
    throw config_error("painter.axes: {} paints one axis, no ellipsoid; give a model of ellipsoids, or painter.axes: law",
                       path);
  return std::make_unique<LearnedAxes>(std::move(painter));
}

}  // namespace halobrush::model
