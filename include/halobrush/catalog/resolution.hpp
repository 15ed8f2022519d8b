// Which halos are well enough resolved to be painted: input.min_particles, input.min_mass, input.min_vmax.
#pragma once

#include <string>
#include <vector>

#include "halobrush/catalog/halo_catalog.hpp"
#include "halobrush/catalog/reader.hpp"

namespace halobrush::catalog {

/// Leaves halos out and counts them. A halo's particles are the smaller of n_particles, which counts unbound ones,
/// too, in Rockstar lists, and its bound mass over the particle mass: of those that a catalog tells.
class Resolution {
 public:
  Resolution(const ReadOptions& options, const Simulation& simulation, const LeftOut& left_out_before = {})
      : options_(options), particle_mass_(simulation.particle_mass), left_out_(left_out_before) {}

  /// The halos that are kept. Throws data_error where input.min_vmax is set and there is no vmax.
  Table kept(Table halos, const std::string& path);
  const LeftOut& left_out() const { return left_out_; }
  LeftOut left_out(const mpi::Communicator& comm) const;  ///< @collective of all ranks

  /// What is to be said of halos left out beside those kept, and of limits that cannot be applied to such columns.
  std::vector<std::string> remarks(const LeftOut& left_out, std::uint64_t kept, const Table& columns) const;

 private:
  bool tells_particles(const Table& halos) const;
  ReadOptions options_;
  double particle_mass_;
  LeftOut left_out_;
};

}  // namespace halobrush::catalog
