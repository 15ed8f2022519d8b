#include "halobrush/pipeline/labelled.hpp"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <variant>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/environment.hpp"
#include "halobrush/so3/rotation.hpp"

namespace halobrush::pipeline {
namespace {

using model::Orientation;

// What the catalog's columns say of orientations; a spin goes first, for a mock of a spin model has axes too.
Orientation orientation_of(const std::string& wanted, const std::vector<catalog::ColumnSpec>& columns) {
  const auto has = [&](const char* name) {
    return std::ranges::count(columns, name, &catalog::ColumnSpec::name) > 0;
  };
  const bool spin = has("galaxy_spin_x"), major = has("galaxy_axisA_x"),
             frame = major && has("galaxy_axisC_x");
  if (wanted == "spin" || (wanted == "auto" && spin)) return Orientation::spin;
  if (wanted == "major_axis" || (wanted == "auto" && major && !frame)) return Orientation::major_axis;
  return Orientation::ellipsoid;
}

std::vector<std::string> orientation_columns(Orientation orientation) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& prefix) {
    for (const char* c : {"x", "y", "z"}) names.push_back(prefix + c);
  };
  if (orientation == Orientation::spin) add("galaxy_spin_");
  if (orientation != Orientation::spin) add("galaxy_axisA_");
  if (orientation == Orientation::ellipsoid) add("galaxy_axisB_"), add("galaxy_axisC_");
  return names;
}

std::vector<std::string> columns_to_read(const std::vector<std::string>& labels, Orientation orientation,
                                         const std::vector<catalog::ColumnSpec>& there) {
  std::vector<std::string> names = orientation_columns(orientation);
  names.insert(names.begin(), "halo_id");
  names.insert(names.end(), labels.begin(), labels.end());
  std::vector<std::string> optional = {"orientation_known", "x", "y", "z", "halo_mass", "mass"};
  for (const auto& label : labels) optional.push_back(label + "_known");
  for (const auto& name : optional)
    if (std::ranges::count(there, name, &catalog::ColumnSpec::name) > 0 && std::ranges::count(names, name) == 0)
      names.push_back(name);
  return names;
}

model::Label label_named(const std::string& name, const std::vector<catalog::Column>& columns) {
  const auto found = std::ranges::find_if(columns, [&](const auto& c) { return c.spec.name == name; });
  if (found == columns.end()) throw internal_error("label '{}' was not read", name);
  model::Label label;
  label.column = found->spec;
  if (name == "b_to_a") label.transform = model::Transform::logit;
  if (name == "c_to_a") label.transform = model::Transform::logit_of_b_to_a;
  return label;
}

std::vector<double> as_double(const catalog::Table& table, const std::string& name) {
  for (const auto& column : table.columns())
    if (column.spec.name == name)
      return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); },
                        column.data);
  throw internal_error("column '{}' was not read", name);
}

// A right-handed frame whose column `column` is the axis.
Mat3 frame_around(const Vec3& axis, int column) {
  const Vec3 other = axis.unitOrthogonal();
  Mat3 frame;
  frame.col(column) = axis;
  frame.col((column + 1) % 3) = other;
  frame.col((column + 2) % 3) = axis.cross(other);
  return frame;
}

double neutral(const model::Label& label) {
  return label.transform == model::Transform::identity ? 0.0 : 0.5;
}

}  // namespace

config::Config config_for(const std::string& model, const std::string& catalog,
                          const std::vector<std::string>& overrides) {
  const auto galaxies = catalog::summarise_mock(catalog);
  const bool analytic = model == "analytic";
  const auto provenance = analytic ? galaxies.header.provenance : model::read_model(model).spec.provenance;
  const bool has_halos = std::ranges::count(galaxies.columns, "parent_id", &catalog::ColumnSpec::name) > 0;
  const std::string halos = has_halos ? catalog : catalog::entry_of(galaxies.header.provenance, "input_path");
  std::vector<std::string> changes = {
      "painter.kind=" + std::string(analytic ? "analytic" : "auto"),
      "painter.model=" + (analytic ? "" : model)};
  if (!halos.empty()) changes.push_back("input.path=" + halos);
  changes.insert(changes.end(), overrides.begin(), overrides.end());
  return config::parse(catalog::entry_of(provenance, "config"), (analytic ? catalog : model) + " (its configuration)",
                       changes);
}

GalaxyLabels::GalaxyLabels(const std::string& path, const std::vector<std::string>& labels,
                           const std::string& orientation)
    : path_(path) {
  const auto there = catalog::summarise_mock(path).columns;
  orientation_ = orientation_of(orientation, there);
  const auto self = mpi::alone();
  auto mock = catalog::read_mock(path, columns_to_read(labels, orientation_, there), self);
  galaxies_ = std::move(mock.galaxies);
  header_ = std::move(mock.header);

  const auto halo_id = galaxies_.get<std::int64_t>("halo_id");
  for (std::size_t i = 0; i < halo_id.size(); ++i)
    if (!row_.emplace(halo_id[i], i).second)
      throw data_error("{}: halo_id {}: two galaxies in one halo (one is painted per halo); keep one", path_,
                       halo_id[i]);
  for (const auto& name : orientation_columns(orientation_)) axes_.push_back(as_double(galaxies_, name));
  known_.push_back(mask("orientation"));
  for (const auto& name : labels) {
    labels_.push_back(label_named(name, galaxies_.columns()));
    columns_.push_back(as_double(galaxies_, name));
    known_.push_back(mask(name));
  }
}

std::string GalaxyLabels::provenance(const std::string& name) const {
  return catalog::entry_of(header_.provenance, name);
}

std::optional<std::size_t> GalaxyLabels::row_of(std::int64_t halo) const {
  const auto found = row_.find(halo);
  return found == row_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<double> GalaxyLabels::mask(const std::string& label) const {
  const auto name = label + "_known";
  return galaxies_.has(name) ? as_double(galaxies_, name) : std::vector<double>(galaxies_.rows(), 1);
}

LabelledPatch GalaxyLabels::join(domain::Patch patch, const model::HostSplit& split) const {
  LabelledPatch out;
  const auto id = patch.halos.get<std::int64_t>("id"), host = patch.halos.get<std::int64_t>("host_id");
  out.labels.resize(labels_.size());
  out.known.resize(known_.size());
  for (std::size_t i = 0; i < patch.owned; ++i) {
    const auto found = row_.find(id[i]);
    const bool labelled = found != row_.end();
    out.host.push_back(host[i]);
    out.split.push_back(labelled ? split_of(host[i], split) : Split::none);
    for (std::size_t k = 0; k < known_.size(); ++k)
      out.known[k].push_back(labelled && known_[k][found->second] != 0);
    out.frame.push_back(out.known[0][i] ? frame(found->second, id[i]) : Mat3::Identity());
    for (std::size_t l = 0; l < labels_.size(); ++l)
      out.labels[l].push_back(out.known[l + 1][i] ? label(l, found->second, id[i]) : neutral(labels_[l]));
  }
  out.patch = std::move(patch);
  return out;
}

Vec3 GalaxyLabels::axis(std::size_t which, std::size_t row) const {
  return {axes_[3 * which][row], axes_[3 * which + 1][row], axes_[3 * which + 2][row]};
}

Mat3 GalaxyLabels::frame(std::size_t row, std::int64_t halo) const {
  if (orientation_ == Orientation::ellipsoid) {
    Mat3 axes;
    axes << axis(0, row), axis(1, row), axis(2, row);
    if (const auto rotation = so3::frame_of_axes(axes)) return *rotation;
    throw data_error(
        "{}: halo_id {}: its axes are not three orthogonal vectors; mend galaxy_axis{{A,B,C}}_{{x,y,z}}, or mark it "
        "with orientation_known = 0",
        path_, halo);
  }
  const Vec3 a = axis(0, row);
  if (!a.allFinite() || a.isZero(0))
    throw data_error(
        "{}: halo_id {}: its axis is no direction (null or not finite); mend {} to _z, or mark it with "
        "orientation_known = 0",
        path_, halo, orientation_columns(orientation_).front());
  return frame_around(a.stableNormalized(), orientation_ == Orientation::spin ? 2 : 0);
}

double GalaxyLabels::label(std::size_t l, std::size_t row, std::int64_t halo) const {
  const double value = columns_[l][row];
  const auto& name = labels_[l].column.name;
  if (!std::isfinite(value))
    throw data_error(
        "{}: halo_id {}: {} is {}; mend it, mark it with a boolean column {}_known, or leave it out of the "
        "labels",
        path_, halo, name, value, name);
  return value;
}

}  // namespace halobrush::pipeline
