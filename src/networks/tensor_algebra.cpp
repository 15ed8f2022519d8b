#include "tensor_algebra.hpp"

namespace halobrush::networks {
Tensor gather(const Tensor& rows, const Tensor& index) {
  return rows.index_select(0, index);
}

Tensor segment_sum(const Tensor& values, const Tensor& destination, std::int64_t rows) {
  auto shape = values.sizes().vec();
  shape[0] = rows;
  return torch::zeros(shape, values.options()).index_add(0, destination, values);
}

Tensor component(const Tensor& t, std::int64_t k) {
  return t.select(-1, k);
}

Tensor outer(const Tensor& v) {
  const auto x = component(v, 0), y = component(v, 1), z = component(v, 2);
  return torch::stack({x * x, y * y, z * z, x * y, x * z, y * z}, -1);
}

Tensor matrices_of(const Tensor& t) {
  const auto entries =
      torch::tensor({0, 3, 4, 3, 1, 5, 4, 5, 2}, torch::TensorOptions(torch::kInt64).device(t.device()));
  auto shape = t.sizes().vec();
  shape.back() = 3;
  shape.push_back(3);
  return t.index_select(-1, entries).view(shape);
}

Tensor six_components(const Tensor& m) {
  const auto entries =
      torch::tensor({0, 4, 8, 1, 2, 5}, torch::TensorOptions(torch::kInt64).device(m.device()));
  return m.flatten(-2).index_select(-1, entries);
}

Tensor traceless(const Tensor& t) {
  const auto trace = t.slice(-1, 0, 3).mean(-1, true);
  return torch::cat({t.slice(-1, 0, 3) - trace, t.slice(-1, 3, 6)}, -1);
}

Tensor tensor_square(const Tensor& t) {
  const auto xx = component(t, 0), yy = component(t, 1), zz = component(t, 2);
  const auto xy = component(t, 3), xz = component(t, 4), yz = component(t, 5);
  return torch::stack({xx * xx + xy * xy + xz * xz, xy * xy + yy * yy + yz * yz, xz * xz + yz * yz + zz * zz,
                       xx * xy + xy * yy + xz * yz, xx * xz + xy * yz + xz * zz, xy * xz + yy * yz + yz * zz},
                      -1);
}

Tensor contract(const Tensor& s, const Tensor& t) {
  return (s.slice(-1, 0, 3) * t.slice(-1, 0, 3)).sum(-1) +
         2 * (s.slice(-1, 3, 6) * t.slice(-1, 3, 6)).sum(-1);
}

Tensor cross_product(const Tensor& a, const Tensor& b) {
  const auto ax = component(a, 0), ay = component(a, 1), az = component(a, 2);
  const auto bx = component(b, 0), by = component(b, 1), bz = component(b, 2);
  return torch::stack({ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx}, -1);
}

Tensor direction(const Tensor& v) {
  return v / torch::sqrt((v * v).sum(-1, true) + 1e-4);
}
Tensor tensor_direction(const Tensor& t) {
  return t / torch::sqrt(contract(t, t).unsqueeze(-1) + 1e-4);
}

constexpr double longest = 3;
Tensor bounded(const Tensor& v) {
  return v / torch::sqrt(1 + (v * v).sum(-1, true) / (longest * longest));
}
Tensor bounded_tensor(const Tensor& t) {
  return t / torch::sqrt(1 + contract(t, t).unsqueeze(-1) / (longest * longest));
}

Tensor mix(const Tensor& x, const Tensor& weight) {
  return torch::matmul(x.transpose(1, 2), weight).transpose(1, 2);
}

Tensor as_tensor(const std::vector<double>& values, std::vector<std::int64_t> shape,
                 const torch::TensorOptions& options) {
  return torch::from_blob(const_cast<double*>(values.data()), shape, torch::kFloat64)
      .to(options, false, true);
}

Tensor as_index(const std::vector<std::int64_t>& values, torch::Device device) {
  return torch::from_blob(const_cast<std::int64_t*>(values.data()),
                          {static_cast<std::int64_t>(values.size())}, torch::kInt64)
      .clone()
      .to(device);
}

}  // namespace halobrush::networks
