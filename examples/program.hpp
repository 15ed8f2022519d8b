// What the examples share: start-up and errors as in the main program, rotations in files.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "halobrush/core/geometry.hpp"

namespace halobrush::examples {

/// Parses, sets up LibTorch on one thread, runs `body`. Errors are one line; the exit codes are the
/// program's.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

/// [n, 9] as one row of numbers.
std::vector<double> flattened(const std::vector<Mat3>& rotations);

/// Prints a step of a training to stderr, some ten times in all.
std::function<void(std::int64_t, double)> progress(const std::string& what, std::int64_t steps);

}  // namespace halobrush::examples
