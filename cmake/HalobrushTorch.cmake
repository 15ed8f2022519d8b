# LibTorch: Debian's 1.13 by default, a 2.x through CMAKE_PREFIX_PATH or Torch_DIR. What would build and then misbehave is refused.
set(HALOBRUSH_TORCH_CURE "configure a fresh build folder with CMAKE_PREFIX_PATH=<folder of one LibTorch> (a wheel: <site-packages>/torch)")

# TorchConfig.cmake looks for its libraries in the system before its own folder unless that folder is a prefix, which neither
# Torch_DIR nor what torch.utils.cmake_prefix_path prints is. Both are <folder>/share/cmake/..., so <folder> is added.
file(TO_CMAKE_PATH "$ENV{CMAKE_PREFIX_PATH}" torch_environment_paths)
set(torch_prefixes)
foreach(path IN LISTS Torch_DIR CMAKE_PREFIX_PATH torch_environment_paths ITEMS $ENV{Torch_DIR})
  if(path MATCHES "^(.+)/share/cmake(/Torch)?/?$")
    list(APPEND torch_prefixes "${CMAKE_MATCH_1}")
  endif()
endforeach()
list(PREPEND CMAKE_PREFIX_PATH ${torch_prefixes})
unset(Caffe2_DIR CACHE)  # of another LibTorch, maybe
foreach(library TORCH c10 kineto)
  unset(${library}_LIBRARY CACHE)
endforeach()

set(CMAKE_MESSAGE_LOG_LEVEL ERROR)  # it warns of static libraries that no shared build has
find_package(Torch)
unset(CMAKE_MESSAGE_LOG_LEVEL)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "LibTorch not found; install libtorch-dev (${HALOBRUSH_CURE}), or ${HALOBRUSH_TORCH_CURE}")
endif()
if(TORCH_CXX_FLAGS MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
  message(FATAL_ERROR "LibTorch at ${TORCH_INSTALL_PREFIX} has the old C++ ABI, which yaml-cpp, fmt and GoogleTest have not; take "
                      "its cxx11-abi download, a wheel of 2.7 or newer, or Debian's libtorch-dev")
endif()

# A wheel brings headers of its own fmt, of another version than the library; ours go first, alone, for no option moves /usr/include up.
set(first_headers ${PROJECT_BINARY_DIR}/first_headers)
get_target_property(fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
file(MAKE_DIRECTORY ${first_headers})
file(CREATE_LINK ${fmt_headers}/fmt ${first_headers}/fmt SYMBOLIC)

add_library(halobrush_torch INTERFACE)
target_include_directories(halobrush_torch SYSTEM INTERFACE ${first_headers} ${TORCH_INCLUDE_DIRS})
target_link_libraries(halobrush_torch INTERFACE ${TORCH_LIBRARIES})

# Headers of one version with the library of another compile, link and crash: a small program asks both, once for each LibTorch.
get_target_property(torch_cpu_library torch_cpu LOCATION)
set(torch_libraries ${TORCH_LIBRARY} ${torch_cpu_library} ${c10_LIBRARY})
if(NOT HALOBRUSH_TORCH_CHECKED STREQUAL "${TORCH_INCLUDE_DIRS};${torch_libraries}")
  unset(HALOBRUSH_TORCH_RUNS CACHE)
  try_run(HALOBRUSH_TORCH_RUNS HALOBRUSH_TORCH_LINKS ${PROJECT_BINARY_DIR}/torch_versions
          ${CMAKE_CURRENT_LIST_DIR}/torch_versions.cpp
          CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${TORCH_INCLUDE_DIRS}"
          LINK_LIBRARIES ${torch_libraries}
          COMPILE_OUTPUT_VARIABLE torch_build_log RUN_OUTPUT_VARIABLE torch_versions)
  if(NOT HALOBRUSH_TORCH_LINKS)
    message(FATAL_ERROR "no program links with LibTorch (headers ${TORCH_INCLUDE_DIRS}, libraries ${torch_libraries}); "
                        "${HALOBRUSH_TORCH_CURE}\n${torch_build_log}")
  elseif(NOT HALOBRUSH_TORCH_RUNS EQUAL 0)
    message(FATAL_ERROR "LibTorch does not fit together: ${torch_versions} (headers ${TORCH_INCLUDE_DIRS}, libraries "
                        "${torch_libraries}); ${HALOBRUSH_TORCH_CURE}")
  endif()
  set(HALOBRUSH_TORCH_CHECKED "${TORCH_INCLUDE_DIRS};${torch_libraries}" CACHE INTERNAL "LibTorch whose versions agree")
  set(HALOBRUSH_TORCH_VERSION "${torch_versions}" CACHE INTERNAL "its version")
endif()
message(STATUS "LibTorch ${HALOBRUSH_TORCH_VERSION} at ${TORCH_INSTALL_PREFIX}")
