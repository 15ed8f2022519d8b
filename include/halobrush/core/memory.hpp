// How much memory this process may use.
#pragma once

#include <optional>
#include <string>

namespace halobrush {

/// Of this node, or of the control group that a batch system or a container put this process into.
double node_memory_bytes();

/// "3 GiB", "800 MB", "2e9": a number above 0 and a unit of bytes, decimal or binary; none for anything else.
std::optional<double> bytes_in(const std::string& text);

}  // namespace halobrush
