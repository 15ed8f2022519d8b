// Networks, as the rest of the program sees them: a library of its own, halobrush-networks.so, which is loaded when the first network
// is asked for. It brings LibTorch, on Debian with some 250 further libraries, whose loading takes most of a second in every process:
// what needs no network (a refusal, info, validate, a stated law) starts without. No torch in this header.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "halobrush/config/config.hpp"
#include "halobrush/core/log.hpp"
#include "halobrush/model/model_file.hpp"
#include "halobrush/model/painter.hpp"

namespace halobrush::mpi {
class Communicator;
}

namespace halobrush::model {

struct SamplingOptions {
  std::string sampler = "auto";
  std::int64_t evaluations = 0;  ///< 0: what the model says
  std::uint64_t seed = 1;
  Mat3 frame = Mat3::Identity();  ///< turns the initial random orientations
  bool host_factor =
      true;  ///< what the model says of it; false: members of a host start from noise of their own
  std::string device = "cpu";
};

/// How networks compute.
struct Computing {
  int threads = 1;
  std::string device = "cpu";
  int node_rank = 0;                              ///< of this process on its node: chooses its GPU
  std::function<void(const std::string&)> warn = {};  ///< of a slow library
};

/// What the library gives.
struct Networks {
  const char* built_with;  ///< version of the program that it belongs to
  /// Threads, GPU. Throws config_error when ranks outnumber the visible GPUs of the node.
  void (*set_up)(const Computing& computing);
  /// The painter of a model file, of any kind that is trained. `path` is for messages. Throws model_error, config_error.
  std::unique_ptr<Painter> (*make_painter)(const ModelFile& file, const std::string& path, const SamplingOptions& options);
  /// @collective As train::run.
  void (*train)(const config::Config& config, const mpi::Communicator& comm, Logger& log);
};

/// To be called before networks(), which does as it says.
void prepare_networks(Computing computing);

/// Loads the library at the first call. Not collective. Throws io_error where it cannot be loaded, or belongs to another build;
/// as Networks::set_up.
const Networks& networks();

/// Of the LibTorch that the library was built with. Loads nothing.
std::string torch_version();

}  // namespace halobrush::model
