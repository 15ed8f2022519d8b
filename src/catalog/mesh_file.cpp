#include "halobrush/catalog/mesh_file.hpp"

#include <hdf5.h>

#include <algorithm>

#include "halobrush/core/error.hpp"

namespace halobrush::catalog {
namespace {

// An HDF5 handle; negative where opening failed, without HDF5's own report on stderr.
class Handle {
 public:
  template <class Open>
  Handle(Open&& open, herr_t (*close)(hid_t)) : close_(close) {
    H5E_BEGIN_TRY {
      id_ = open();
    }
    H5E_END_TRY
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_ = H5I_INVALID_HID;
  herr_t (*close_)(hid_t);
};

class MeshDataset {
 public:
  MeshDataset(const std::string& file, const std::string& dataset)
      : where_(file + ": " + dataset),
        file_([&] { return H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT); }, H5Fclose),
        dataset_([&] { return H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT); }, H5Dclose) {
    if (file_ < 0)
      throw io_error("{}: cannot be opened (absent, unreadable or not HDF5); check density.file", where_);
    if (dataset_ < 0) throw data_error("{}: the file has no such dataset; check density.dataset", where_);
    check_shape();
  }

  const std::array<std::uint64_t, 3>& shape() const { return shape_; }

  std::vector<double> read(std::uint64_t first_plane, std::uint64_t planes) const {
    const hsize_t start[3] = {first_plane, 0, 0}, count[3] = {planes, shape_[1], shape_[2]};
    std::vector<double> values(planes * shape_[1] * shape_[2]);
    if (values.empty()) return values;
    const Handle memory([&] { return H5Screate_simple(3, count, nullptr); }, H5Sclose);
    const Handle space([&] { return H5Dget_space(dataset_); }, H5Sclose);
    herr_t status = -1;
    H5E_BEGIN_TRY {
      status = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr);
      if (status >= 0)
        status = H5Dread(dataset_, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values.data());
    }
    H5E_END_TRY
    if (status < 0)
      throw data_error(
          "{}: planes {} to {} cannot be read as numbers (damaged, or of another type); check the file",
          where_, first_plane, first_plane + planes);
    return values;
  }

 private:
  void check_shape() {
    const Handle space([&] { return H5Dget_space(dataset_); }, H5Sclose);
    std::array<hsize_t, 3> sides{};
    if (H5Sget_simple_extent_ndims(space) == 3) H5Sget_simple_extent_dims(space, sides.data(), nullptr);
    if (sides[0] == 0 || sides[1] != sides[0] || sides[2] != sides[0])
      throw data_error("{}: a mesh of shape [n,n,n] is needed; give another dataset", where_);
    std::copy(sides.begin(), sides.end(), shape_.begin());
  }

  std::string where_;
  Handle file_, dataset_;
  std::array<std::uint64_t, 3> shape_{};
};

}  // namespace

std::array<std::uint64_t, 3> mesh_shape(const std::string& file, const std::string& dataset) {
  return MeshDataset(file, dataset).shape();
}

std::vector<double> read_mesh_planes(const std::string& file, const std::string& dataset,
                                     std::uint64_t first_plane, std::uint64_t planes) {
  return MeshDataset(file, dataset).read(first_plane, planes);
}

}  // namespace halobrush::catalog
