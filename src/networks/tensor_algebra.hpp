// Small operations on rows of tensors: gathers and sums over edges, and the algebra of vectors [.., 3] and of
// symmetric tensors [.., 6] (xx yy zz xy xz yz).
#pragma once

#include <torch/types.h>

#include <vector>

namespace halobrush::networks {

using torch::Tensor;

Tensor gather(const Tensor& rows, const Tensor& index);
/// Edges are sorted by destination, so the order of summation does not depend on anything but the graph.
Tensor segment_sum(const Tensor& values, const Tensor& destination, std::int64_t rows);
Tensor component(const Tensor& t, std::int64_t k);
Tensor outer(const Tensor& v);
/// Six components <-> symmetric 3x3 matrices, in the last dimensions.
Tensor matrices_of(const Tensor& t);
Tensor six_components(const Tensor& matrices);
Tensor traceless(const Tensor& t);
Tensor tensor_square(const Tensor& t);
Tensor contract(const Tensor& s, const Tensor& t);
Tensor cross_product(const Tensor& a, const Tensor& b);
/// Direction without length, smooth through zero.
Tensor direction(const Tensor& v);
Tensor tensor_direction(const Tensor& t);
/// Length limited, direction kept: products of channels then cannot run away from layer to layer.
Tensor bounded(const Tensor& v);
Tensor bounded_tensor(const Tensor& t);
/// Channels mix; components do not: [n, in, c] x [in, out] -> [n, out, c].
Tensor mix(const Tensor& x, const Tensor& weight);
Tensor as_tensor(const std::vector<double>& values, std::vector<std::int64_t> shape,
                 const torch::TensorOptions& options);
Tensor as_index(const std::vector<std::int64_t>& values, torch::Device device);

}  // namespace halobrush::networks
