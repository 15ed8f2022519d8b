#include "halobrush/catalog/mesh_file.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "h5.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::catalog {
namespace {

class MeshDataset {
 public:
  MeshDataset(const std::string& file, const std::string& dataset)
      : file_(h5::File::open(file)), dataset_(column_of(file, dataset)) {
    const auto& sides = dataset_.shape();
    if (sides.size() != 3 || sides[0] == 0 || sides[1] != sides[0] || sides[2] != sides[0])
      throw data_error("{}: {}: a mesh of shape [n,n,n] is needed, this one is [{}]; give another dataset", file,
                       dataset, fmt::join(sides, ","));
  }

  const h5::Column& column() const { return dataset_; }

 private:
  h5::Column column_of(const std::string& file, const std::string& dataset) const {
    if (!h5::exists(file_.id(), dataset))
      throw data_error("{}: {}: the file has no such dataset; check density.dataset", file, dataset);
    return {file_.id(), dataset};
  }

  h5::File file_;
  h5::Column dataset_;
};

}  // namespace

std::array<std::uint64_t, 3> mesh_shape(const std::string& file, const std::string& dataset) {
  std::array<std::uint64_t, 3> shape{};
  std::ranges::copy(MeshDataset(file, dataset).column().shape(), shape.begin());
  return shape;
}

std::vector<double> read_mesh_planes(const std::string& file, const std::string& dataset,
                                     std::uint64_t first_plane, std::uint64_t planes) {
  return MeshDataset(file, dataset).column().numbers(first_plane, planes);
}

}  // namespace halobrush::catalog
