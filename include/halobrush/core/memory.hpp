// How much memory this process may use.
#pragma once

namespace halobrush {

/// Of this node, or of the control group that a batch system or a container put this process into.
double node_memory_bytes();

}  // namespace halobrush
