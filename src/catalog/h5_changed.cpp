#include "h5_changed.hpp"

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iterator>
#include <new>

#include "halobrush/core/changed_file.hpp"

namespace halobrush::catalog::h5 {
namespace {

// What HDF5 keeps of an open file; the first member is HDF5's own.
struct Driven {
  H5FD_t hdf5{};
  std::shared_ptr<ChangedFile> file;
  haddr_t end_of_allocation = 0;
};

Driven& driven(H5FD_t* file) {
  return *reinterpret_cast<Driven*>(file);
}
const Driven& driven(const H5FD_t* file) {
  return *reinterpret_cast<const Driven*>(file);
}

// No exception may pass through HDF5: its text becomes the innermost message.
template <class Work>
herr_t guarded(Work&& work) {
  try {
    work();
    return 0;
  } catch (const std::exception& error) {
    H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_VFL, H5E_WRITEERROR, "%s", error.what());
    return -1;
  }
}

H5FD_t* open(const char*, unsigned, hid_t access, haddr_t) {
  const auto* file = static_cast<const std::shared_ptr<ChangedFile>*>(H5Pget_driver_info(access));
  auto* made = new (std::nothrow) Driven;
  if (file == nullptr || made == nullptr) return nullptr;
  made->file = *file;
  return &made->hdf5;
}

herr_t close(H5FD_t* file) {
  const auto done = guarded([&] { driven(file).file->flush(); });
  delete &driven(file);
  return done;
}

herr_t query(const H5FD_t*, unsigned long* features) {
  *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE | H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

haddr_t end_of_allocation(const H5FD_t* file, H5FD_mem_t) {
  return driven(file).end_of_allocation;
}

herr_t set_end_of_allocation(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  driven(file).end_of_allocation = end;
  return 0;
}

haddr_t end_of_file(const H5FD_t* file, H5FD_mem_t) {
  return driven(file).file->size();
}

herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, size_t bytes, void* to) {
  return guarded([&] { driven(file).file->read(at, {static_cast<std::byte*>(to), bytes}); });
}

herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, size_t bytes, const void* from) {
  return guarded([&] { driven(file).file->write(at, {static_cast<const std::byte*>(from), bytes}); });
}

herr_t truncate(H5FD_t* file, hid_t, hbool_t) {
  return guarded([&] {
    if (driven(file).end_of_allocation != driven(file).file->size()) driven(file).file->resize(driven(file).end_of_allocation);
  });
}

// One a process, HDF5 keeps it.
hid_t driver() {
  static const H5FD_class_t calls = [] {
    H5FD_class_t made{};
#ifdef H5FD_CLASS_VERSION  // HDF5 1.14
    made.version = H5FD_CLASS_VERSION;
    made.value = 600;  // 512 and more are for programs of their own
#endif
    made.name = "halobrush_changed";
    made.maxaddr = static_cast<haddr_t>(INT64_MAX);
    made.fc_degree = H5F_CLOSE_WEAK;
    made.fapl_size = 0;
    made.fapl_copy = [](const void* file) -> void* { return new (std::nothrow) std::shared_ptr<ChangedFile>(*static_cast<const std::shared_ptr<ChangedFile>*>(file)); };
    made.fapl_free = [](void* file) -> herr_t {
      delete static_cast<std::shared_ptr<ChangedFile>*>(file);
      return 0;
    };
    made.open = open;
    made.close = close;
    made.query = query;
    made.get_eoa = end_of_allocation;
    made.set_eoa = set_end_of_allocation;
    made.get_eof = end_of_file;
    made.read = read;
    made.write = write;
    made.truncate = truncate;
    constexpr H5FD_mem_t kinds[] = H5FD_FLMAP_DICHOTOMY;  // as HDF5's own driver has it
    std::copy(std::begin(kinds), std::end(kinds), made.fl_map);
    return made;
  }();
  static const hid_t id = H5FDregister(&calls);
  return id;
}

}  // namespace

Handle access_through(const std::shared_ptr<ChangedFile>& file) {
  Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_driver(access, driver(), &file);
  return access;
}

}  // namespace halobrush::catalog::h5
