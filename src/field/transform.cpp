#include "transform.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"

namespace halobrush::field {
namespace {

fftw_complex* as_fftw(double* p) {
  return reinterpret_cast<fftw_complex*>(p);
}

// How many doubles FFTW-MPI needs for the transposition of this rank's slab.
std::int64_t transposition_size(const Slabs& slabs, std::int64_t row, const mpi::Communicator& comm) {
  const std::array<std::ptrdiff_t, 2> sides = {slabs.n(), slabs.n()};
  std::ptrdiff_t planes_in = 0, first_in = 0, planes_out = 0, first_out = 0;
  const auto size =
      fftw_mpi_local_size_many_transposed(2, sides.data(), row, slabs.block(), slabs.block(), comm.handle(),
                                          &planes_in, &first_in, &planes_out, &first_out);
  if (planes_in != slabs.planes(comm.rank()) || planes_out != planes_in)
    throw internal_error("FFTW-MPI gives rank {} other planes of the mesh than halobrush does", comm.rank());
  return size;
}

}  // namespace

Transform::Transform(std::int64_t n, const mpi::Communicator& comm)
    : n_(n),
      slabs_(n, comm.size()),
      first_(slabs_.first(comm.rank())),
      planes_(slabs_.planes(comm.rank())),
      exceptions_(std::uncaught_exceptions()) {
  fftw_mpi_init();
  buffer_size_ = std::max<std::int64_t>(transposition_size(slabs_, row(), comm), (planes_ + 1) * plane());
  const Buffer scratch = mpi::agree(comm, [&] { return make_buffer(); });
  double* real = scratch.get();
  const auto side = static_cast<int>(n), columns = static_cast<int>(modes());
  const auto pencils = [&](int sign) {
    return Plan(fftw_plan_many_dft(1, &side, columns, as_fftw(real), nullptr, columns, 1, as_fftw(real),
                                   nullptr, columns, 1, sign, FFTW_ESTIMATE));
  };
  plane_forward_.reset(fftw_plan_dft_r2c_2d(side, side, real, as_fftw(real), FFTW_ESTIMATE));
  plane_backward_.reset(fftw_plan_dft_c2r_2d(side, side, as_fftw(real), real, FFTW_ESTIMATE));
  pencils_forward_ = pencils(FFTW_FORWARD);
  pencils_backward_ = pencils(FFTW_BACKWARD);
  transpose_.reset(fftw_mpi_plan_many_transpose(n, n, row(), slabs_.block(), slabs_.block(), real, real,
                                                comm.handle(), FFTW_ESTIMATE));
  if (!plane_forward_ || !plane_backward_ || !pencils_forward_ || !pencils_backward_ || !transpose_)
    throw internal_error("FFTW makes no plan for a mesh of {} cells a side", n);
}

Transform::~Transform() {
  // Its destruction frees a communicator, which is collective: during unwinding other ranks may never come.
  if (std::uncaught_exceptions() > exceptions_) static_cast<void>(transpose_.release());
}

Transform::Buffer Transform::make_buffer() const {
  Buffer buffer(fftw_alloc_real(static_cast<std::size_t>(buffer_size_)));
  if (!buffer)
    throw internal_error("out of memory for a mesh of {} cells a side; use more ranks or nodes", n_);
  std::fill_n(buffer.get(), buffer_size_, 0.0);
  return buffer;
}

void Transform::forward(Buffer& buffer) const {
  for (std::int64_t i = 0; i < planes_; ++i) {
    double* begin = buffer.get() + i * plane();
    fftw_execute_dft_r2c(plane_forward_.get(), begin, as_fftw(begin));
  }
  fftw_mpi_execute_r2r(transpose_.get(), buffer.get(), buffer.get());
  transform_pencils(pencils_forward_, buffer);
}

void Transform::backward(Buffer& buffer) const {
  transform_pencils(pencils_backward_, buffer);
  fftw_mpi_execute_r2r(transpose_.get(), buffer.get(), buffer.get());
  for (std::int64_t i = 0; i < planes_; ++i) {
    double* begin = buffer.get() + i * plane();
    fftw_execute_dft_c2r(plane_backward_.get(), as_fftw(begin), begin);
  }
}

void Transform::transform_pencils(const Plan& plan, Buffer& buffer) const {
  for (std::int64_t i = 0; i < planes_; ++i) {
    fftw_complex* begin = as_fftw(buffer.get() + i * plane());
    fftw_execute_dft(plan.get(), begin, begin);
  }
}

}  // namespace halobrush::field
