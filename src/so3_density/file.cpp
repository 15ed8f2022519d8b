#include <algorithm>
#include <nlohmann/json.hpp>

#include "halobrush/core/error.hpp"
#include "halobrush/core/version.hpp"
#include "halobrush/safetensors/safetensors.hpp"
#include "state.hpp"

namespace halobrush::so3_density {
namespace {

using nlohmann::ordered_json;

constexpr auto format = "halobrush rotation density";
constexpr int format_version = 1;

ordered_json to_json(const Architecture& a) {
  return {{"format", format},
          {"format_version", format_version},
          {"features", a.features},
          {"width", a.width},
          {"depth", a.depth},
          {"frequencies", a.frequencies},
          {"sigma", {a.sigma_min, a.sigma_max}},
          {"feature_mean", a.feature_mean},
          {"feature_deviation", a.feature_deviation},
          {"levels", a.levels},
          {"provenance", {{"halobrush", version()}}}};
}

Architecture from_json(const ordered_json& j) {
  if (j.at("format") != format) throw std::runtime_error("it is a model of another kind");
  if (const int found = j.at("format_version"); found != format_version)
    throw std::runtime_error(
        fmt::format("its format version is {}, this program reads {}", found, format_version));
  Architecture a{j.at("features"),    j.at("width"),       j.at("depth"),        j.at("frequencies"),
                 j.at("sigma").at(0), j.at("sigma").at(1), j.at("feature_mean"), j.at("feature_deviation"),
                 j.at("levels")};
  if (a.features < 0 || a.width < 1 || a.depth < 1 || a.frequencies < 1)
    throw std::runtime_error("a size of the architecture is out of range");
  if (a.feature_mean.size() != static_cast<std::size_t>(a.features) ||
      a.feature_deviation.size() != a.feature_mean.size())
    throw std::runtime_error("the normalisation does not match the features");
  return a;
}

}  // namespace

void RotationDensity::save(const std::string& path) const {
  std::vector<safetensors::NamedTensor> tensors;
  for (const auto& [name, tensor] : state_->network.tensors()) {
    const auto flat = tensor.detach().contiguous();
    const auto* values = flat.data_ptr<float>();
    tensors.push_back({name, tensor.sizes().vec(), {values, values + flat.numel()}});
  }
  safetensors::write(path, to_json(state_->architecture).dump(), tensors);
}

RotationDensity RotationDensity::load(const std::string& path) {
  try {
    const auto file = safetensors::read(path);
    const auto architecture = from_json(ordered_json::parse(file.metadata));
    std::vector<std::pair<std::string, torch::Tensor>> tensors;
    for (const auto& [name, shape] : declared(architecture)) {
      const auto found = std::ranges::find(file.tensors, name, &safetensors::NamedTensor::name);
      if (found == file.tensors.end()) throw std::runtime_error(fmt::format("tensor '{}' is absent", name));
      if (found->shape != shape)
        throw std::runtime_error(fmt::format("tensor '{}' has another shape than the architecture", name));
      tensors.emplace_back(name, torch::tensor(found->values).view(shape));
    }
    return RotationDensity(
        std::make_unique<State>(State{architecture, Network(architecture, std::move(tensors))}));
  } catch (const std::exception& error) {
    throw model_error("{}: cannot be used as a rotation density ({}); train it again", path, error.what());
  }
}

}  // namespace halobrush::so3_density
