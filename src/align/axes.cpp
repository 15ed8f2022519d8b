#include "axes.hpp"

#include "halobrush/core/error.hpp"
#include "halobrush/features/features.hpp"

namespace halobrush::align {
namespace {

// The first painter of the chain: it has painted already.
class CatalogGalaxies : public model::Painter {
 public:
  std::string kind() const override { return "catalog"; }
  const model::Needs& needs() const override { return needs_; }
  const std::vector<catalog::ColumnSpec>& scalars() const override { return scalars_; }
  std::vector<std::string> labels() const override { return {"log_stellar_mass", "early_type"}; }

 private:
  model::Painted draw(const model::Inputs&) const override { throw internal_error("the galaxies are painted already"); }

  model::Needs needs_;
  std::vector<catalog::ColumnSpec> scalars_ = {{"log_stellar_mass", "log10(Msun)", ""}, {"early_type", "", ""}};
};

template <class T, class Value>
void put(catalog::Table& table, const std::string& name, Value&& value_of) {
  auto column = table.add<T>({name, "", ""});
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<T>(value_of(i));
}

// What features::assemble takes; a satellite's host has any other number.
catalog::Table halos_of(const Galaxies& galaxies) {
  catalog::Table halos;
  halos.resize(galaxies.size());
  put<std::int64_t>(halos, "id", [&](auto i) { return galaxies.id[i]; });
  put<std::int64_t>(halos, "host_id", [&](auto i) { return galaxies.central[i] ? galaxies.id[i] : galaxies.id[i] ^ 1; });
  put<std::uint8_t>(halos, "shape_resolved", [&](auto i) { return !galaxies.halo_axis[i].isZero(0); });
  put<double>(halos, "host_radius", [](auto) { return 1; });
  for (int k = 0; k < 3; ++k) {
    const std::string axis(1, "xyz"[k]);
    put<double>(halos, "axis_" + axis, [&](auto i) { return galaxies.halo_axis[i][k]; });
    put<double>(halos, "host_d" + axis, [&](auto i) { return galaxies.from_host[i][k]; });
  }
  return halos;
}

config::Shapes law_of(const config::Align& align) {
  config::Shapes law;
  law.halo = align.halo;
  law.radius = align.radius;
  law.late_share = align.late_share;
  law.tide = law.spin = {0, 0};
  return law;
}

}  // namespace

AxesLaw::AxesLaw(const config::Config& config)
    : align_(config.align),
      law_(model::make_shape_law(law_of(config.align), static_cast<std::uint64_t>(config.seed), Mat3::Identity(), CatalogGalaxies(),
                                  halos_of({}), {})) {}

AxesLaw::~AxesLaw() = default;

Axes AxesLaw::draw(const Galaxies& galaxies) const {
  model::Inputs inputs;
  inputs.owned = galaxies.size();
  inputs.id = galaxies.id;
  inputs.nodes = features::assemble(halos_of(galaxies), law_->needs().features);
  model::Painted painted;
  painted.scalars = {galaxies.log_stellar_mass, {galaxies.early.begin(), galaxies.early.end()}};
  law_->paint(inputs, painted);
  Axes axes{std::move(painted.frame), {}};
  for (std::size_t i = 0; i < galaxies.size(); ++i) axes.reference.push_back(reference(galaxies, i));
  return axes;
}

Reference AxesLaw::reference(const Galaxies& galaxies, std::size_t row) const {
  const bool central = galaxies.central[row];
  const double share = galaxies.early[row] ? 1 : align_.late_share;
  if (share * model::concentration(central ? align_.halo : align_.radius, galaxies.log_stellar_mass[row]) <= 0) return Reference::none;
  if (central) return galaxies.halo_axis[row].isZero(0) ? Reference::none : Reference::halo;
  return galaxies.from_host[row].isZero(0) ? Reference::none : Reference::host;
}

}  // namespace halobrush::align
