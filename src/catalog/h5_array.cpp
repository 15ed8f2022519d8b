#include "h5_array.hpp"

namespace halobrush::catalog::h5 {
namespace {

template <class Result>
Result checked(Result result, const std::string& what, const char* action) {
  if (result < 0)
    throw io_error("{}: {} failed; check the file, the free space and the file system", what, action);
  return result;
}

}  // namespace

Handle create_file(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  return {
      checked(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), path, "creating the file"),
      H5Fclose};
}

void write_array(hid_t at, const std::string& path, std::span<const std::uint64_t> shape,
                 std::span<const double> values,
                 const std::vector<std::pair<std::string, std::string>>& attributes) {
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(links, 1);
  const std::vector<hsize_t> sides(shape.begin(), shape.end());
  const Handle space(H5Screate_simple(static_cast<int>(sides.size()), sides.data(), nullptr), H5Sclose);
  const Handle dataset(
      checked(H5Dcreate2(at, path.c_str(), H5T_NATIVE_DOUBLE, space, links, H5P_DEFAULT, H5P_DEFAULT), path,
              "creating a dataset"),
      H5Dclose);
  if (!values.empty())
    checked(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), path,
            "writing a dataset");
  for (const auto& [name, text] : attributes) write_attribute(dataset, name, text);
}

}  // namespace halobrush::catalog::h5
