// `halobrush info FILE`: what a file is, in one screen.
#pragma once

#include <string>

namespace halobrush::app {

/// A mock, a model, or an input catalog. Throws io_error or data_error where it is none of them.
std::string info(const std::string& path);

}  // namespace halobrush::app
