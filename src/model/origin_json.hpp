// What a model was trained on, as it stands in the header of its file.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "halobrush/model/origin.hpp"

namespace halobrush::model {

/// What is unknown is null.
nlohmann::ordered_json to_json(const Origin& origin);
/// What is absent, or null, is unknown.
Origin origin_from(const nlohmann::ordered_json& json);

}  // namespace halobrush::model
