#include "gan_painter.hpp"

#include <Eigen/Geometry>

#include "halobrush/core/random.hpp"
#include "halobrush/networks/graph_gan.hpp"
#include "halobrush/networks/runtime.hpp"
#include "halobrush/so3/rotation.hpp"
#include "learned_painter.hpp"

namespace halobrush::networks {
namespace {

std::vector<double> doubles_of(const torch::Tensor& t) {
  const auto flat = t.to(torch::kCPU, torch::kFloat64).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

class GanPainter : public LearnedPainter {
 public:
  GanPainter(const ModelFile& file, const std::string& path, std::uint64_t seed, const std::string& device)
      : LearnedPainter(file.spec, file.sha256),
        seed_(seed),
        tensor_options_(device_options(device)),
        generator_(file.spec, 0, tensor_options_) {
    generator_.network().load(file, path);
  }

  Painted draw(const Inputs& inputs) const override {
    return guarded([&] { return painted(drawn(inputs), inputs); });
  }

 private:
  diffusion::State drawn(const Inputs& inputs) const {
    const c10::InferenceMode inference;
    const auto batch = make_group_batch(inputs, spec(), tensor_options_);
    const auto numbers = axis_numbers + static_cast<std::int64_t>(spec().labels.size());
    const auto noise =
        noise_of(inputs.id.first(inputs.owned), numbers, seed_, Purpose::initial_scalars, 0, tensor_options_);
    const auto galaxies = generator_(noise, batch);
    return {frames_of(galaxies, batch.canonical), doubles_of(galaxies.labels)};
  }

  static std::vector<Mat3> frames_of(const Generated& galaxies, const std::vector<Mat3>& canonical) {
    const auto major = doubles_of(galaxies.major), minor = doubles_of(galaxies.minor);
    std::vector<Mat3> frames;
    for (std::size_t i = 0; i < canonical.size(); ++i) {
      const Vec3 a(major.data() + 3 * i), c(minor.data() + 3 * i);
      Mat3 own;
      own << a, c.cross(a), c;
      frames.push_back(so3::orthonormalised(canonical[i] * own));
    }
    return frames;
  }

  std::uint64_t seed_;
  torch::TensorOptions tensor_options_;
  Generator generator_;
};

}  // namespace

std::unique_ptr<Painter> make_gan_painter(const ModelFile& file, const std::string& path, const SamplingOptions& options) {
  return std::make_unique<GanPainter>(file, path, options.seed, options.device);
}

}  // namespace halobrush::networks
