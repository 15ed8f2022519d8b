#include "halobrush/model/model_file.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "halobrush/core/error.hpp"
#include "halobrush/safetensors/safetensors.hpp"
#include "origin_json.hpp"

namespace halobrush::model {

using nlohmann::json;
using nlohmann::ordered_json;

NLOHMANN_JSON_SERIALIZE_ENUM(Transform, {{Transform::identity, "identity"},
                                         {Transform::logit, "logit"},
                                         {Transform::logit_of_b_to_a, "logit_of_b_to_a"},
                                         {Transform::normal_score, "normal_score"}})

NLOHMANN_JSON_SERIALIZE_ENUM(Orientation, {{Orientation::ellipsoid, "ellipsoid"},
                                           {Orientation::major_axis, "major_axis"},
                                           {Orientation::spin, "spin"}})

namespace {

constexpr int format_version = 2;

// JSON has no infinity: a bound that is absent is none.
ordered_json to_json(const Label& label) {
  ordered_json j = {{"name", label.column.name},
                    {"unit", label.column.unit},
                    {"description", label.column.description},
                    {"transform", json(label.transform)},
                    {"mean", label.mean},
                    {"deviation", label.deviation}};
  if (label.transform == Transform::normal_score) j["knots"] = label.scores.knots;
  if (std::isfinite(label.lowest)) j["lowest"] = label.lowest;
  if (std::isfinite(label.highest)) j["highest"] = label.highest;
  if (label.trained.known())
    j["trained"] = {{"least", label.trained.least},
                    {"low", label.trained.low},
                    {"high", label.trained.high},
                    {"greatest", label.trained.greatest}};
  return j;
}

Label label_from(const ordered_json& j) {
  Label label;
  label.column = {j.at("name"), j.at("unit"), j.at("description")};
  label.transform = json(j.at("transform")).get<Transform>();
  label.mean = j.at("mean");
  label.deviation = j.at("deviation");
  if (label.transform == Transform::normal_score)
    label.scores.knots = j.at("knots").get<std::vector<double>>();
  label.lowest = j.value("lowest", label.lowest);
  label.highest = j.value("highest", label.highest);
  if (j.contains("trained")) {
    const auto& t = j["trained"];
    label.trained = {t.at("least"), t.at("low"), t.at("high"), t.at("greatest")};
  }
  return label;
}

ordered_json to_json(const ModelSpec& spec) {
  ordered_json labels = ordered_json::array();
  for (const auto& label : spec.labels) labels.push_back(to_json(label));
  ordered_json provenance = ordered_json::object();
  for (const auto& [key, value] : spec.provenance) provenance[key] = value;
  ordered_json all = {
      {"format", "halobrush model"},
      {"format_version", format_version},
      {"painter", spec.painter},
      {"orientation", json(spec.orientation)},
      {"host_split",
       {{"seed", spec.split.seed},
        {"validation_fraction", spec.split.validation_fraction},
        {"test_fraction", spec.split.test_fraction},
        {"shift", spec.split.shift}}},
      {"inputs",
       {{"scalars", spec.inputs.scalars},
        {"scalar_mean", spec.scalar_mean},
        {"scalar_deviation", spec.scalar_deviation},
        {"polar", spec.inputs.polar},
        {"axial", spec.inputs.axial},
        {"tensors", spec.inputs.tensors}}},
      {"labels", labels},
      {"unknown_as_noise", spec.unknown_as_noise},
      {"radius", spec.radius},
      {"own_group_only", spec.own_group_only},
      {"layers", spec.layers},
      {"environment_neighbours", spec.environment_neighbours},
      {"encoder_width", spec.encoder_width},
      {"channels", spec.channels},
      {"denoiser_width", spec.denoiser_width},
      {"denoiser_depth", spec.denoiser_depth},
      {"group_neighbours", spec.group_neighbours},
      {"noise",
       {{"rotation", {spec.noise.rotation_min, spec.noise.rotation_max}},
        {"scalar", {spec.noise.scalar_min, spec.noise.scalar_max}},
        {"labels_first", spec.noise.labels_first}}},
      {"evaluations", spec.evaluations},
      {"distilled", spec.distilled},
      {"input_range",
       {{"mean", spec.range.mean}, {"precision", spec.range.precision}, {"radius", spec.range.radius}}},
      {"provenance", provenance}};
  if (spec.density.known())
    all["input_density"] = {{"distance", spec.density.distance},
                            {"held_out", spec.density.held_out},
                            {"beyond", spec.density.beyond}};
  if (!spec.units.empty()) all["inputs"]["units"] = spec.units;
  if (spec.origin.known()) all["origin"] = to_json(spec.origin);
  ordered_json hosts = ordered_json::array();
  for (const auto& host : spec.hosts) hosts.push_back({host.id, host.pos[0], host.pos[1], host.pos[2]});
  if (!spec.hosts.empty()) all["host_split"]["hosts"] = hosts;
  if (!spec.host_factor.empty())
    all["host_factor"] = {{"satellite", spec.host_factor.satellite}, {"central", spec.host_factor.central}};
  if (spec.gan.depth > 0)
    all["gan"] = {{"width", spec.gan.width}, {"depth", spec.gan.depth}, {"directions", spec.gan.directions}};
  return all;
}

ModelSpec spec_from(const ordered_json& j) {
  ModelSpec spec;
  spec.painter = j.at("painter");
  spec.orientation = json(j.at("orientation")).get<Orientation>();
  const auto& split = j.at("host_split");
  spec.split = {split.at("seed"), split.at("validation_fraction"), split.at("test_fraction"),
                split.value("shift", 0.0)};
  if (split.contains("hosts"))
    for (const auto& host : split["hosts"])
      spec.hosts.push_back({host.at(0), Vec3(host.at(1), host.at(2), host.at(3))});
  if (j.contains("host_factor"))
    spec.host_factor = {j["host_factor"].at("satellite").get<std::vector<double>>(),
                        j["host_factor"].at("central").get<std::vector<double>>()};
  const auto& inputs = j.at("inputs");
  spec.inputs = {inputs.at("scalars"), inputs.at("polar"), inputs.at("axial"), inputs.at("tensors")};
  spec.scalar_mean = inputs.at("scalar_mean").get<std::vector<double>>();
  spec.scalar_deviation = inputs.at("scalar_deviation").get<std::vector<double>>();
  if (inputs.contains("units")) spec.units = inputs["units"].get<std::map<std::string, std::string>>();
  if (j.contains("origin")) spec.origin = origin_from(j["origin"]);
  for (const auto& label : j.at("labels")) spec.labels.push_back(label_from(label));
  spec.unknown_as_noise = j.value("unknown_as_noise", false);
  spec.radius = j.at("radius");
  spec.own_group_only = j.at("own_group_only");
  spec.layers = j.at("layers");
  spec.environment_neighbours = j.at("environment_neighbours");
  spec.encoder_width = j.at("encoder_width");
  spec.channels = j.at("channels");
  spec.denoiser_width = j.at("denoiser_width");
  spec.denoiser_depth = j.at("denoiser_depth");
  spec.group_neighbours = j.at("group_neighbours");
  const auto& noise = j.at("noise");
  spec.noise = {noise.at("rotation").at(0), noise.at("rotation").at(1), noise.at("scalar").at(0),
                noise.at("scalar").at(1), noise.value("labels_first", false)};
  spec.evaluations = j.at("evaluations");
  spec.distilled = j.at("distilled");
  const auto& range = j.at("input_range");
  spec.range = {range.at("mean").get<std::vector<double>>(), range.at("precision").get<std::vector<double>>(),
                range.at("radius")};
  if (j.contains("input_density")) {
    const auto& density = j["input_density"];
    spec.density.distance = density.at("distance");
    spec.density.held_out = density.at("held_out");
    spec.density.beyond = density.at("beyond");
  }
  if (j.contains("gan")) spec.gan = {j["gan"].at("width"), j["gan"].at("depth"), j["gan"].at("directions")};
  for (const auto& [key, value] : j.at("provenance").items()) spec.provenance.emplace_back(key, value);
  return spec;
}

std::size_t invariants_of(const ModelSpec& spec) {
  return spec.inputs.scalars.size() + spec.inputs.polar.size() + spec.inputs.axial.size() +
         spec.inputs.tensors.size();
}

void check_spec(const ModelSpec& spec) {
  const std::size_t d = invariants_of(spec);
  if (spec.scalar_mean.size() != spec.inputs.scalars.size() ||
      spec.scalar_deviation.size() != spec.inputs.scalars.size())
    throw std::runtime_error("the normalisation does not match the inputs");
  if (spec.range.mean.size() != d || spec.range.precision.size() != d * d)
    throw std::runtime_error("the input range does not match the inputs");
  if (spec.radius < 0 || spec.layers < 0 || spec.encoder_width < 1 || spec.channels < 1 ||
      spec.denoiser_width < 1 || spec.denoiser_depth < 1)
    throw std::runtime_error("a size of the architecture is out of range");
  for (const auto* loading : {&spec.host_factor.satellite, &spec.host_factor.central})
    if (!spec.host_factor.empty() &&
        (loading->size() != spec.labels.size() ||
         !(std::inner_product(loading->begin(), loading->end(), loading->begin(), 0.0) < 1)))
      throw std::runtime_error("host_factor: a loading has not one number for each label, or is not below 1");
  for (const auto& label : spec.labels)
    if (label.transform == Transform::normal_score &&
        (label.scores.knots.size() < 2 ||
         std::ranges::adjacent_find(label.scores.knots, std::greater_equal{}) != label.scores.knots.end()))
      throw std::runtime_error(
          fmt::format("the normal scores of '{}' are not increasing", label.column.name));
  if (spec.painter == "graph_gan" && (spec.gan.width < 1 || spec.gan.depth < 1 || spec.gan.directions < 1))
    throw std::runtime_error("a size of the generator is out of range");
}

// The arrays of density and sample are tensors of the file, beside the network's.
std::vector<NamedTensor> input_tensors(const ModelSpec& spec) {
  const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  const auto d = size(invariants_of(spec));
  std::vector<NamedTensor> tensors;
  if (const auto& m = spec.density.mixture; !m.empty()) {
    const auto k = size(m.components());
    tensors.push_back({"input_density.weight", {k}, m.weight});
    tensors.push_back({"input_density.mean", {k, d}, m.mean});
    tensors.push_back({"input_density.whitening", {k, d, d}, m.whitening});
  }
  if (const auto n = size(spec.sample.region.size()); n > 0) {
    tensors.push_back({"input_sample.values", {n, d}, spec.sample.values});
    tensors.push_back({"input_sample.region", {n}, spec.sample.region});
  }
  return tensors;
}

// Takes one out of `tensors`; of shape [n, further...], n any.
std::vector<float> take(std::vector<NamedTensor>& tensors, const std::string& name,
                        const std::vector<std::size_t>& further) {
  const auto found = std::ranges::find(tensors, name, &NamedTensor::name);
  if (found == tensors.end()) return {};
  const auto& shape = found->shape;
  const bool fits =
      !shape.empty() && std::equal(shape.begin() + 1, shape.end(), further.begin(), further.end(),
                                   [](auto a, auto b) { return a == static_cast<std::int64_t>(b); });
  if (!fits) throw std::runtime_error(fmt::format("tensor '{}' has another shape", name));
  auto values = std::move(found->values);
  tensors.erase(found);
  return values;
}

void take_input_tensors(ModelSpec& spec, std::vector<NamedTensor>& tensors, bool has_density) {
  const auto d = invariants_of(spec);
  auto& m = spec.density.mixture;
  m.weight = take(tensors, "input_density.weight", {});
  m.mean = take(tensors, "input_density.mean", {d});
  m.whitening = take(tensors, "input_density.whitening", {d, d});
  m.dimensions = m.weight.empty() ? 0 : d;
  if (m.weight.empty() == has_density || m.mean.size() != m.weight.size() * d ||
      m.whitening.size() != m.mean.size() * d)
    throw std::runtime_error("the density of the inputs is incomplete");
  for (std::size_t i = 0; i < m.weight.size() * d; ++i)
    if (!(m.whitening[i * d + i % d] > 0) || !(m.weight[i / d] > 0))
      throw std::runtime_error("the density of the inputs is none");
  spec.sample.values = take(tensors, "input_sample.values", {d});
  spec.sample.region = take(tensors, "input_sample.region", {});
  if (spec.sample.values.size() != spec.sample.region.size() * d)
    throw std::runtime_error("the sample of the inputs is incomplete");
}

}  // namespace

TrainedRange TrainedRange::of(std::vector<double> values) {
  std::ranges::sort(values);
  const auto beyond = values.size() / 1000;
  return {values.front(), values[beyond], values[values.size() - 1 - beyond], values.back()};
}

ModelFile read_model(const std::string& path) {
  ModelFile model;
  try {
    auto file = safetensors::read(path);
    model.sha256 = file.sha256;
    const auto spec = ordered_json::parse(file.metadata);
    if (const int version = spec.at("format_version"); version != format_version)
      throw std::runtime_error(
          fmt::format("its format version is {}, this program reads {}", version, format_version));
    model.spec = spec_from(spec);
    check_spec(model.spec);
    for (auto& [name, shape, values] : file.tensors)
      model.tensors.push_back({name, shape, std::move(values)});
    take_input_tensors(model.spec, model.tensors, spec.contains("input_density"));
  } catch (const std::exception& error) {
    throw model_error(
        "{}: cannot be used as a model ({}); set painter.model to a file written by 'halobrush train' of "
        "this version",
        path, error.what());
  }
  return model;
}

void write_model(const std::string& path, const ModelFile& model) {
  std::vector<safetensors::NamedTensor> tensors;
  for (const auto& list : {model.tensors, input_tensors(model.spec)})
    for (const auto& [name, shape, values] : list) tensors.push_back({name, shape, values});
  safetensors::write(path, to_json(model.spec).dump(), tensors);
}

}  // namespace halobrush::model
