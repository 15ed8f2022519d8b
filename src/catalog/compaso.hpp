// Halos that CompaSO found in AbacusSummit (Hadzhiyska et al. 2022, arXiv:2110.11408): `halo_info_NNN.asdf`, one file
// for each slab of the box, packed as https://abacussummit.readthedocs.io says.
#pragma once

#include <string>

#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// Whether an ASDF file holds such halos; true of one that cannot be read, whose reader says why.
bool is_compaso(const std::string& path);

/// @collective
std::unique_ptr<HaloSource> open_compaso(Input input, const mpi::Communicator& comm);

/// As read_header. Not collective.
HaloHeader read_compaso_header(const Input& input);

/// As sample_rockstar.
Table sample_compaso(const Input& input, const HaloHeader& said);

/// The major axis of a shape that is packed into 16 bits ("Euler16"): a unit vector; `packed` < 65340.
Vec3 major_axis_of_euler16(unsigned packed);

}  // namespace halobrush::catalog
