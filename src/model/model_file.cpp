#include "halobrush/model/model_file.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"

namespace halobrush::model {

using nlohmann::json;
using nlohmann::ordered_json;

NLOHMANN_JSON_SERIALIZE_ENUM(Transform, {{Transform::identity, "identity"},
                                         {Transform::logit, "logit"},
                                         {Transform::logit_of_b_to_a, "logit_of_b_to_a"}})

NLOHMANN_JSON_SERIALIZE_ENUM(Orientation, {{Orientation::ellipsoid, "ellipsoid"},
                                           {Orientation::major_axis, "major_axis"},
                                           {Orientation::spin, "spin"}})

namespace {

constexpr int format_version = 2;

ordered_json to_json(const ModelSpec& spec) {
  ordered_json labels = ordered_json::array();
  for (const auto& label : spec.labels)
    labels.push_back({{"name", label.column.name},
                      {"unit", label.column.unit},
                      {"description", label.column.description},
                      {"transform", json(label.transform)},
                      {"mean", label.mean},
                      {"deviation", label.deviation}});
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
        {"test_fraction", spec.split.test_fraction}}},
      {"inputs",
       {{"scalars", spec.inputs.scalars},
        {"scalar_mean", spec.scalar_mean},
        {"scalar_deviation", spec.scalar_deviation},
        {"polar", spec.inputs.polar},
        {"axial", spec.inputs.axial},
        {"tensors", spec.inputs.tensors}}},
      {"labels", labels},
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
        {"scalar", {spec.noise.scalar_min, spec.noise.scalar_max}}}},
      {"evaluations", spec.evaluations},
      {"distilled", spec.distilled},
      {"input_range",
       {{"mean", spec.range.mean}, {"precision", spec.range.precision}, {"radius", spec.range.radius}}},
      {"provenance", provenance}};
  if (spec.gan.depth > 0)
    all["gan"] = {{"width", spec.gan.width}, {"depth", spec.gan.depth}, {"directions", spec.gan.directions}};
  return all;
}

ModelSpec spec_from(const ordered_json& j) {
  ModelSpec spec;
  spec.painter = j.at("painter");
  spec.orientation = json(j.at("orientation")).get<Orientation>();
  const auto& split = j.at("host_split");
  spec.split = {split.at("seed"), split.at("validation_fraction"), split.at("test_fraction")};
  const auto& inputs = j.at("inputs");
  spec.inputs = {inputs.at("scalars"), inputs.at("polar"), inputs.at("axial"), inputs.at("tensors")};
  spec.scalar_mean = inputs.at("scalar_mean").get<std::vector<double>>();
  spec.scalar_deviation = inputs.at("scalar_deviation").get<std::vector<double>>();
  for (const auto& label : j.at("labels"))
    spec.labels.push_back({{label.at("name"), label.at("unit"), label.at("description")},
                           json(label.at("transform")).get<Transform>(),
                           label.at("mean"),
                           label.at("deviation")});
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
                noise.at("scalar").at(1)};
  spec.evaluations = j.at("evaluations");
  spec.distilled = j.at("distilled");
  const auto& range = j.at("input_range");
  spec.range = {range.at("mean").get<std::vector<double>>(), range.at("precision").get<std::vector<double>>(),
                range.at("radius")};
  if (j.contains("gan")) spec.gan = {j["gan"].at("width"), j["gan"].at("depth"), j["gan"].at("directions")};
  for (const auto& [key, value] : j.at("provenance").items()) spec.provenance.emplace_back(key, value);
  return spec;
}

void check_spec(const ModelSpec& spec) {
  const std::size_t d = spec.inputs.scalars.size() + spec.inputs.polar.size() + spec.inputs.axial.size() +
                        spec.inputs.tensors.size();
  if (spec.scalar_mean.size() != spec.inputs.scalars.size() ||
      spec.scalar_deviation.size() != spec.inputs.scalars.size())
    throw std::runtime_error("the normalisation does not match the inputs");
  if (spec.range.mean.size() != d || spec.range.precision.size() != d * d)
    throw std::runtime_error("the input range does not match the inputs");
  if (spec.radius < 0 || spec.layers < 0 || spec.encoder_width < 1 || spec.channels < 1 ||
      spec.denoiser_width < 1 || spec.denoiser_depth < 1)
    throw std::runtime_error("a size of the architecture is out of range");
  if (spec.painter == "graph_gan" && (spec.gan.width < 1 || spec.gan.depth < 1 || spec.gan.directions < 1))
    throw std::runtime_error("a size of the generator is out of range");
}

std::vector<char> read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file || std::filesystem::is_directory(path))
    throw model_error("{}: model cannot be read (no such file, or no permission); set painter.model", path);
  std::vector<char> bytes(static_cast<std::size_t>(file.tellg()));
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

NamedTensor tensor_from(const std::string& name, const ordered_json& entry, std::span<const char> data) {
  if (entry.at("dtype") != "F32") throw std::runtime_error(fmt::format("tensor '{}' is not F32", name));
  NamedTensor tensor{name, entry.at("shape").get<std::vector<std::int64_t>>(), {}};
  const std::size_t begin = entry.at("data_offsets").at(0), end = entry.at("data_offsets").at(1);
  std::size_t count = 1;
  for (const auto n : tensor.shape) {
    if (n < 0) throw std::runtime_error(fmt::format("tensor '{}' has a negative size", name));
    count *= static_cast<std::size_t>(n);
  }
  if (begin > end || end > data.size() || end - begin != count * sizeof(float))
    throw std::runtime_error(fmt::format("tensor '{}' lies outside the file (truncated?)", name));
  tensor.values.resize(count);
  std::memcpy(tensor.values.data(), data.data() + begin, end - begin);
  for (const float v : tensor.values)
    if (!std::isfinite(v)) throw std::runtime_error(fmt::format("tensor '{}' is not finite", name));
  return tensor;
}

}  // namespace

ModelFile read_model(const std::string& path) {
  const auto bytes = read_bytes(path);
  ModelFile model;
  model.sha256 = sha256_hex(std::as_bytes(std::span(bytes)));
  try {
    std::uint64_t header_size = 0;
    if (bytes.size() < sizeof header_size)
      throw std::runtime_error("it is shorter than a safetensors header");
    std::memcpy(&header_size, bytes.data(), sizeof header_size);
    if (header_size > bytes.size() - sizeof header_size)
      throw std::runtime_error("it is truncated, or no safetensors file");
    const auto header = ordered_json::parse(bytes.data() + sizeof header_size,
                                            bytes.data() + sizeof header_size + header_size);
    const auto spec = ordered_json::parse(header.at("__metadata__").at("halobrush").get<std::string>());
    if (const int version = spec.at("format_version"); version != format_version)
      throw std::runtime_error(
          fmt::format("its format version is {}, this program reads {}", version, format_version));
    model.spec = spec_from(spec);
    check_spec(model.spec);
    const auto data = std::span(bytes).subspan(sizeof header_size + header_size);
    for (const auto& [name, entry] : header.items())
      if (name != "__metadata__") model.tensors.push_back(tensor_from(name, entry, data));
  } catch (const std::exception& error) {
    throw model_error(
        "{}: cannot be used as a model ({}); take a file written by 'halobrush train' of this version", path,
        error.what());
  }
  return model;
}

void write_model(const std::string& path, const ModelFile& model) {
  ordered_json header;
  header["__metadata__"] = {{"halobrush", to_json(model.spec).dump()}};
  std::size_t offset = 0;
  for (const auto& tensor : model.tensors) {
    const std::size_t bytes = tensor.values.size() * sizeof(float);
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // safetensors aligns its data to eight bytes
  const std::uint64_t size = text.size();
  const std::string partial = path + ".partial";
  {
    std::ofstream file(partial, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&size), sizeof size);
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    for (const auto& tensor : model.tensors)
      file.write(reinterpret_cast<const char*>(tensor.values.data()),
                 static_cast<std::streamsize>(tensor.values.size() * sizeof(float)));
    file.flush();
    if (!file)
      throw io_error("{}: cannot be written (no permission, or disk full); choose another train.model",
                     partial);
  }
  std::filesystem::rename(partial, path);
}

}  // namespace halobrush::model
