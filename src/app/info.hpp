// `halobrush info FILE`: what a file is, in one screen.
#pragma once

#include <string>
#include <vector>

namespace halobrush::app {

/// A mock, a model, an input catalog, or galaxies of another program; what names a catalog in several files: its folder, a pattern, or the files. Throws
/// io_error or data_error where it is none of them.
std::string info(const std::vector<std::string>& paths);

}  // namespace halobrush::app
