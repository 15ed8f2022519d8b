// Meshes in HDF5 files, e.g. a density grid: plain serial reads, each rank its planes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace halobrush::catalog {

/// The shape of a mesh dataset, always [n,n,n]. Not collective. Throws data_error naming file and dataset
/// when it is absent or of another shape, io_error when the file cannot be opened.
std::array<std::uint64_t, 3> mesh_shape(const std::string& file, const std::string& dataset);

/// Planes [first_plane, first_plane + planes) of the first axis as double: [planes, n, n]. `planes` may be 0.
/// Not collective. Throws as mesh_shape does, and data_error when the values cannot be read as numbers.
std::vector<double> read_mesh_planes(const std::string& file, const std::string& dataset,
                                     std::uint64_t first_plane, std::uint64_t planes);

}  // namespace halobrush::catalog
