# LibTorch: Debian's 1.13 by default, any 2.x through CMAKE_PREFIX_PATH or Torch_DIR. Refuses what would build and then misbehave.
find_package(Torch REQUIRED)

# Headers of one version with the library of another compile, link and crash (both installed, one found through the other).
find_path(TORCH_VERSION_DIR torch/version.h PATHS ${TORCH_INCLUDE_DIRS} NO_DEFAULT_PATH)
if(NOT TORCH_VERSION_DIR)
  message(FATAL_ERROR "LibTorch at ${TORCH_INSTALL_PREFIX} has no torch/version.h; give CMAKE_PREFIX_PATH=<site-packages>/torch")
endif()
file(STRINGS ${TORCH_VERSION_DIR}/torch/version.h torch_version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX MATCHALL "[0-9]+" torch_version_parts "${torch_version_lines}")
list(JOIN torch_version_parts "." TORCH_HEADER_VERSION)

get_target_property(torch_library torch IMPORTED_LOCATION)
if(NOT torch_library)
  get_target_property(torch_library torch IMPORTED_LOCATION_RELEASE)
endif()
if(NOT torch_library OR NOT EXISTS "${torch_library}")
  set(torch_library ${TORCH_LIBRARY})
endif()

separate_arguments(torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
add_library(halobrush_torch INTERFACE)
target_include_directories(halobrush_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(halobrush_torch INTERFACE ${TORCH_LIBRARIES})
target_compile_options(halobrush_torch INTERFACE ${torch_flags})

string(REGEX MATCH "_GLIBCXX_USE_CXX11_ABI=([01])" _ "${TORCH_CXX_FLAGS}")
if(CMAKE_MATCH_1 STREQUAL "0")
  message(FATAL_ERROR "LibTorch at ${TORCH_INSTALL_PREFIX} uses the pre-C++11 ABI, which yaml-cpp, fmt and GoogleTest do not; "
                      "take the cxx11-abi download, a wheel of version 2.7 or newer, or Debian's libtorch-dev")
endif()

# at::Version / TORCH_VERSION of the library is asked for by running a program against it.
set(probe ${PROJECT_BINARY_DIR}/torch_probe.cpp)
file(WRITE ${probe} "#include <ATen/Version.h>\n#include <iostream>\nint main() { std::cout << at::show_config(); }\n")
if(NOT HALOBRUSH_TORCH_CHECKED STREQUAL "${torch_library};${TORCH_HEADER_VERSION}")
  file(STRINGS ${torch_library} torch_library_versions REGEX "^${TORCH_HEADER_VERSION}(\\+|$)" LIMIT_COUNT 1)
endif()
message(STATUS "LibTorch ${TORCH_HEADER_VERSION} headers in ${TORCH_VERSION_DIR}, library ${torch_library}")
