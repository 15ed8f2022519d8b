// Real Fourier transforms of a mesh cut into slabs, with the same bits for any number of ranks.
//
// FFTW-MPI's own three-dimensional plans do not promise that: the planner sees how many rows a rank holds and
// may pick other algorithms for other numbers (measured with FFTW_ESTIMATE: 30^3, 36^3, 48^3, 50^3, 56^3,
// 60^3 and 80^3 differ in the last bits between 1, 3 and 7 ranks). So every plane and every pencil is
// transformed here by one and the same serial plan, and FFTW-MPI only moves numbers in its global
// transposition.
#pragma once

#include <fftw3-mpi.h>

#include <complex>
#include <cstdint>
#include <memory>

#include "halobrush/mpi/communicator.hpp"
#include "slabs.hpp"

namespace halobrush::field {

class Transform {
 public:
  struct Free {
    void operator()(double* p) const { fftw_free(p); }
  };
  using Buffer = std::unique_ptr<double[], Free>;

  /// @collective, like forward() and backward(). FFTW_ESTIMATE: measured plans differ from run to run.
  Transform(std::int64_t n, const mpi::Communicator& comm);
  ~Transform();
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;

  const Slabs& slabs() const { return slabs_; }
  std::int64_t first() const { return first_; }  ///< first plane of x (before) and of ky (after) on this rank
  std::int64_t planes() const { return planes_; }    ///< their number
  std::int64_t modes() const { return n_ / 2 + 1; }  ///< kz = 0 ... n/2
  std::int64_t row() const { return 2 * modes(); }   ///< doubles that a padded row along z takes
  std::int64_t plane() const { return n_ * row(); }  ///< doubles in a padded plane

  /// Zeros; room for this rank's padded planes and one more, the neighbour's.
  Buffer make_buffer() const;

  /// In place: real [planes, x][n, y][row, z], the last two numbers (one for odd n) of each row unused, to
  /// complex [planes, ky][n, kx][modes, kz].
  void forward(Buffer& buffer) const;
  /// The inverse of forward, times n^3.
  void backward(Buffer& buffer) const;

  std::complex<double>* spectrum(Buffer& buffer) const {
    return reinterpret_cast<std::complex<double>*>(buffer.get());
  }

 private:
  struct Destroy {
    void operator()(fftw_plan_s* plan) const { fftw_destroy_plan(plan); }
  };
  using Plan = std::unique_ptr<fftw_plan_s, Destroy>;

  void transform_pencils(const Plan& plan, Buffer& buffer) const;

  std::int64_t n_;
  Slabs slabs_;
  std::int64_t first_, planes_, buffer_size_ = 0;
  int exceptions_;
  Plan plane_forward_, plane_backward_, pencils_forward_, pencils_backward_, transpose_;
};

}  // namespace halobrush::field
