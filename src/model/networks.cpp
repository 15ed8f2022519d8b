#include "halobrush/model/networks.hpp"

#include <dlfcn.h>

#include <filesystem>
#include <utility>

#include "halobrush/core/error.hpp"
#include "halobrush/core/version.hpp"

// Linked into tests of networks; elsewhere it is looked up in the library.
extern "C" __attribute__((weak)) const halobrush::model::Networks* halobrush_networks();

namespace halobrush::model {
namespace {

namespace fs = std::filesystem;

Computing& computing() {
  static Computing how;
  return how;
}

// Beside the program, or where cmake --install puts it.
std::string library_path() {
  constexpr auto name = "halobrush-networks.so";
  std::error_code error;
  const auto folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  const auto installed = folder.parent_path() / "lib/halobrush" / name;
  return (fs::exists(installed, error) ? installed : folder / name).string();
}

const Networks& load(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw io_error("the library of networks cannot be loaded: {}; it belongs beside halobrush-main, or in lib/halobrush: copy all three, or install again", dlerror());
  const auto entry = reinterpret_cast<decltype(&halobrush_networks)>(dlsym(library, "halobrush_networks"));
  if (entry == nullptr) throw io_error("{}: is not the library of networks of halobrush; install again", path);
  if (entry()->built_with != version())
    throw io_error("{}: belongs to halobrush {}, this is {}; build or install again", path, entry()->built_with, version());
  return *entry();
}

const Networks& loaded() {
  const auto& found = halobrush_networks != nullptr ? *halobrush_networks() : load(library_path());
  found.set_up(computing());
  return found;
}

}  // namespace

void prepare_networks(Computing how) {
  computing() = std::move(how);
}

const Networks& networks() {
  static const Networks& once = loaded();
  return once;
}

std::string torch_version() {
  return HALOBRUSH_TORCH_VERSION;
}

}  // namespace halobrush::model
