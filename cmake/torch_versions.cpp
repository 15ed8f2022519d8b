// Whether LibTorch's headers and library are of one version; prints it, or both and fails. Run by HalobrushTorch.cmake.
#include <torch/version.h>

#include <iostream>
#include <string>

namespace at {
std::string show_config();  // declared in ATen/Version.h, which takes seconds to compile
}

int main() {
  const std::string headers = TORCH_VERSION, key = "TORCH_VERSION=", config = at::show_config();
  const auto at = config.find(key);
  if (at == std::string::npos) {
    std::cout << "headers " << headers << ", library of unknown version";
    return 1;
  }
  const auto start = at + key.size();
  const std::string library = config.substr(start, config.find(',', start) - start);
  if (library == headers) {
    std::cout << headers;
    return 0;
  }
  std::cout << "headers " << headers << ", library " << library;
  return 1;
}
