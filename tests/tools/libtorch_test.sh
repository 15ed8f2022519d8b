#!/usr/bin/env bash
# cmake/HalobrushTorch.cmake refuses headers of one LibTorch with the library of another, and the old C++ ABI, with the cure.
# libtorch_test.sh CMAKE VERSION LIBTORCH LIBTORCH_CPU LIBC10
set -euo pipefail
source tests/tools/support.sh
cmake=$1 version=$2

# A LibTorch whose headers claim version $1 and whose flags are $2, with the library that the build uses.
torch() {
  mkdir -p "$folder/include/torch" "$folder/project"
  echo "#define TORCH_VERSION \"$1\"" >"$folder/include/torch/version.h"
  cat >"$folder/TorchConfig.cmake" <<END
set(TORCH_INSTALL_PREFIX $folder)
set(TORCH_INCLUDE_DIRS $folder/include)
set(TORCH_CXX_FLAGS "$2")
set(TORCH_LIBRARY $3)
set(c10_LIBRARY $5)
add_library(torch_cpu SHARED IMPORTED)
set_target_properties(torch_cpu PROPERTIES IMPORTED_LOCATION $4)
set(TORCH_LIBRARIES $3 $4 $5)
END
  cat >"$folder/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.21)
project(check LANGUAGES CXX)
find_package(fmt REQUIRED)
include($root/cmake/HalobrushTorch.cmake)
END
}
configure() { "$cmake" -S "$folder/project" -B "$folder/build" -D Torch_DIR="$folder" 2>&1 | tr -s ' \n' ' '; }

torch "$version" "" "${@:3}"
expect 0 "LibTorch $version at $folder" configure
torch 99.0.0 "" "${@:3}"
rm -r "$folder/build"
expect 1 "headers 99.0.0, library $version .*; configure a fresh build folder with CMAKE_PREFIX_PATH=" configure
expect 1 "headers 99.0.0, library $version" configure # and again, not waved through by what the first try left in the cache
torch "$version" -D_GLIBCXX_USE_CXX11_ABI=0 "${@:3}"
expect 1 "has the old C\+\+ ABI.*; take its cxx11-abi download" configure
