// The patches of a distribution, a few at a time, on whichever rank asks for them.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <span>
#include <vector>

#include "halobrush/domain/distribution.hpp"
#include "halobrush/domain/patch.hpp"
#include "halobrush/domain/schedule.hpp"
#include "halobrush/mpi/communicator.hpp"
#include "halobrush/mpi/service.hpp"

namespace halobrush::domain {

/// From its construction to finish() ranks work on their own: no MPI but through next(). While a rank works on some
/// patches, the next ones are fetched, up to the last tenth of all work.
class PatchQueue {
 public:
  /// kept: a rank gets the tiles that it keeps, in order. by_need: ranks that are done take over tiles of others
  /// (Schedule).
  enum class Deal { kept, by_need };

  /// @collective `bytes`: of the galaxies of the patches that a rank holds, those that are fetched included; one patch of
  /// each is the least.
  PatchQueue(const Distribution& halos, Deal deal, double bytes, const mpi::Communicator& comm);
  ~PatchQueue();

  /// None at the end, or once a rank has called stop(). `seconds`: what those before took this rank. Not collective.
  std::vector<Patch> next(double seconds = 0);

  /// Ends the queue on all ranks. Not collective.
  void stop();
  bool stopped() const { return stopped_; }

  /// How much of all the work was given away when next() was called last, 0 to 1.
  double given() const { return given_; }

  /// @collective To be called by every rank, at the end or before.
  void finish();

 private:
  mpi::Bytes answer(int from, std::span<const std::byte> question);
  struct Fetched {
    std::vector<Patch> patches;
    double given;
  };
  Fetched fetch(double seconds);
  std::vector<mpi::Bytes> ask(std::span<const mpi::Service::Question> questions, std::byte kind);

  const Distribution& halos_;
  Deal deal_;
  int rank_, ranks_;
  Schedule schedule_;  // by_need: that of the root decides for all
  double given_ = 0;
  std::atomic<bool> stopped_ = false;
  mpi::Service service_;
  std::future<Fetched> ahead_;
};

}  // namespace halobrush::domain
