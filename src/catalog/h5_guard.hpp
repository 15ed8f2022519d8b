// Calls of HDF5 that may crash, or never end, in damaged files: HDF5 1.10 trusts the sizes that stand in the heap of a file
// where texts of variable length lie (H5HG_read).
#pragma once

namespace halobrush::catalog::h5 {

/// Runs call(job), a call of HDF5 without C++ objects to destroy. False where HDF5 crashed in it or took two seconds of the thread's
/// processor time; HDF5 must not be called for any purpose from then on, and handles are left open (library_is_lost).
bool comes_back(void (*call)(void*), void* job);

/// Whether a call did not come back.
bool library_is_lost();

}  // namespace halobrush::catalog::h5
