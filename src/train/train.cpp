#include "halobrush/train/train.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numbers>
#include <numeric>

#include "checkpoint.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"
#include "halobrush/core/random.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/model/runtime.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/pipeline/pipeline.hpp"
#include "loss.hpp"
#include "training_set.hpp"

namespace halobrush::train {
namespace {

// Draws of noise: of a training step, and fixed ones from the other end for the held-out loss, so that it
// compares between intervals.
std::vector<std::uint32_t> training_draws(std::int64_t step, std::int64_t count) {
  std::vector<std::uint32_t> draws;
  for (std::int64_t k = 0; k < count; ++k) draws.push_back(static_cast<std::uint32_t>(step * count + k));
  return draws;
}
std::vector<std::uint32_t> validation_draws() {
  return {0xffffffff, 0xfffffffe, 0xfffffffd, 0xfffffffc};
}

std::string identity_of(const config::Config& config, const model::ModelSpec& spec) {
  std::string text;
  for (const auto& [key, value] : config::science_keys(config)) text += key + ": " + value + "\n";
  const auto& t = config.train;
  text += fmt::format("{} {} {} {} {} {}", t.steps, t.batch, t.learning_rate, t.ema, t.gradient_clip,
                      t.validation_fraction);
  text += fmt::format(" {} {} {} {} ", t.interval, t.weight_decay, t.noise_draws, t.test_fraction);
  text += fmt::format("{} {} {} ", t.orientation, t.environment, t.environment_neighbours);
  text += fmt::format("{} {} {} {} {} {} {}", spec.radius, spec.layers, spec.encoder_width, spec.channels,
                      spec.denoiser_width, spec.denoiser_depth, spec.group_neighbours);
  for (const auto& v : spec.range.mean) text += fmt::format(" {}", v);
  for (const auto& label : spec.labels)
    text += fmt::format(" {} {} {}", label.column.name, label.mean, label.deviation);
  return sha256_hex(std::as_bytes(std::span(text)));
}

// Warm-up, then cosine to zero.
double learning_rate(const config::Train& train, std::int64_t step) {
  const double warm_up = std::min(200.0, 0.05 * static_cast<double>(train.steps));
  const double s = static_cast<double>(step);
  if (s < warm_up) return train.learning_rate * (s + 1) / warm_up;
  const double phase = (s - warm_up) / (static_cast<double>(train.steps) - warm_up);
  return 0.5 * train.learning_rate * (1 + std::cos(std::numbers::pi * phase));
}

class Trainer {
 public:
  Trainer(const config::Config& config, const mpi::Communicator& comm, Logger& log)
      : config_(config),
        comm_(comm),
        log_(log),
        set_(mpi::agree(comm, [&] { return load_training_set(config, log); })),
        seed_(static_cast<std::uint64_t>(config.seed)),
        state_{0,
               fresh_network(),
               fresh_network(),
               fresh_network(),
               std::numeric_limits<double>::infinity(),
               nullptr} {
    std::vector<torch::Tensor> parameters;
    for (auto& [name, parameter] : state_.network.parameters())
      parameters.push_back(parameter.set_requires_grad(true));
    state_.optimiser = std::make_unique<torch::optim::AdamW>(
        parameters, torch::optim::AdamWOptions(config.train.learning_rate)
                        .betas({0.9, 0.99})
                        .weight_decay(config.train.weight_decay));
    const model::Needs needs = model::needs_of(set_.spec);
    for (const auto& patch : set_.patches)
      batches_.push_back(
          model::make_batch(pipeline::inputs_of(patch.patch, needs), set_.spec, state_.network.options()));
    patches_a_step_ = std::clamp<std::size_t>(
        static_cast<std::size_t>(std::lround(
            static_cast<double>(config.train.batch * static_cast<std::int64_t>(set_.patches.size())) /
            static_cast<double>(set_.training + set_.validation))),
        1, set_.patches.size());
  }

  void run() {
    resume();
    Timer timer;
    Progress lines(log_, "train", static_cast<double>(config_.train.steps), config_.log.interval);
    double interval_loss = 0;
    std::int64_t interval_steps = 0;
    while (state_.step < config_.train.steps) {
      interval_loss += take_step();
      interval_steps += 1;
      const bool last = state_.step == config_.train.steps;
      if (last || state_.step % config_.train.interval == 0) {
        training_loss_ = interval_loss / static_cast<double>(interval_steps);
        validation_loss_ = validation_loss();
        keep_if_best();
        record(timer.seconds());
        lines.update(static_cast<double>(state_.step),
                     fmt::format("loss {:.4f}, held out {:.4f}", training_loss_, validation_loss_));
        interval_loss = 0, interval_steps = 0;
      }
      if (last || state_.step % config_.train.checkpoint_interval == 0) write_checkpoint();
    }
    write_model(timer.seconds());
  }

 private:
  model::Network fresh_network() const {
    return {set_.spec, seed_, model::device_options(config_.compute.device)};
  }

  std::string checkpoint_path() const {
    return config_.train.checkpoint.empty() ? config_.train.model + ".checkpoint" : config_.train.checkpoint;
  }

  void resume() {
    const bool resumed = mpi::agree(comm_, [&] {
      return model::guarded(
          [&] { return load_checkpoint(checkpoint_path(), state_, identity_of(config_, set_.spec)); });
    });
    if (resumed) log_.info("train: goes on from step {} of {}", state_.step, checkpoint_path());
    if (!resumed && comm_.root())
      std::ofstream(config_.train.model + ".losses.csv")
          << "step,training_loss,validation_loss,learning_rate,seconds\n";
  }

  // The patches of a step: consecutive pieces of one random order for each pass through the data.
  std::vector<std::size_t> patches_of(std::int64_t step) const {
    const auto all = set_.patches.size();
    std::vector<std::size_t> chosen;
    for (std::size_t k = 0; k < patches_a_step_; ++k) {
      const auto place = static_cast<std::size_t>(step) * patches_a_step_ + k;
      chosen.push_back(order_of(place / all)[place % all]);
    }
    return chosen;
  }

  const std::vector<std::size_t>& order_of(std::size_t pass) const {
    if (pass != ordered_pass_ || order_.empty()) {
      std::vector<double> key;
      for (std::size_t i = 0; i < set_.patches.size(); ++i)
        key.push_back(RandomStream(seed_, static_cast<std::int64_t>(i), Purpose::train_order,
                                   static_cast<std::uint32_t>(pass))
                          .uniform());
      order_.resize(key.size());
      std::iota(order_.begin(), order_.end(), std::size_t{0});
      std::ranges::sort(order_, {}, [&](std::size_t i) { return key[i]; });
      ordered_pass_ = pass;
    }
    return order_;
  }

  torch::Tensor loss_of(std::size_t patch, const model::Network& network, Split split,
                        std::span<const std::uint32_t> draws) const {
    return loss_sum(set_.patches[patch], batches_[patch], network, set_.spec, kernel_, split, seed_, draws);
  }

  // One optimiser step over this step's patches, shared among the ranks; returns the mean loss per galaxy.
  double take_step() {
    const auto chosen = patches_of(state_.step);
    const auto draws = training_draws(state_.step, config_.train.noise_draws);
    double galaxies = 0;
    for (const auto p : chosen)
      galaxies += static_cast<double>(std::ranges::count(set_.patches[p].split, Split::training));
    galaxies = std::max(galaxies, 1.0);
    double loss = 0;
    mpi::agree(comm_, [&] {
      model::guarded([&] {
        state_.optimiser->zero_grad();
        for (std::size_t k = static_cast<std::size_t>(comm_.rank()); k < chosen.size();
             k += static_cast<std::size_t>(comm_.size())) {
          const auto patch_loss =
              loss_of(chosen[k], state_.network, Split::training, draws) /
              galaxies;
          patch_loss.backward();
          loss += patch_loss.item<double>();
        }
        return 0;
      });
    });
    loss = comm_.sum(loss);
    if (!std::isfinite(loss)) stop_on_bad_loss(loss, chosen);
    share_gradients();
    update(learning_rate(config_.train, state_.step));
    ++state_.step;
    return loss;
  }

  [[noreturn]] void stop_on_bad_loss(double loss, const std::vector<std::size_t>& chosen) const {
    std::string tiles;
    for (const auto p : chosen) tiles += fmt::format(" {}", set_.patches[p].patch.tile);
    throw model_error(
        "train: step {}: the loss is {} (patches{}); the last checkpoint {} is kept; lower "
        "train.learning_rate",
        state_.step, loss, tiles, checkpoint_path());
  }

  // Gradients of all ranks are summed in one message; every rank gets the same bits, so replicas stay equal.
  void share_gradients() {
    std::vector<torch::Tensor> flat;
    for (auto& [name, parameter] : state_.network.parameters())
      flat.push_back(parameter.grad().defined() ? parameter.grad().reshape({-1})
                                                : torch::zeros({parameter.numel()}, parameter.options()));
    auto all = torch::cat(flat).to(torch::kCPU, torch::kFloat32).contiguous();
    comm_.sum_in_place(std::span(all.data_ptr<float>(), static_cast<std::size_t>(all.numel())));
    const double norm = all.norm().item<double>();
    if (norm > config_.train.gradient_clip) all.mul_(config_.train.gradient_clip / norm);
    std::int64_t at = 0;
    for (auto& [name, parameter] : state_.network.parameters()) {
      parameter.mutable_grad() =
          all.slice(0, at, at + parameter.numel()).view(parameter.sizes()).to(parameter.options()).clone();
      at += parameter.numel();
    }
  }

  void update(double rate) {
    for (auto& group : state_.optimiser->param_groups())
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    state_.optimiser->step();
    const torch::NoGradGuard no_grad;
    const double step = static_cast<double>(state_.step);
    const double decay = std::min(config_.train.ema, (1 + step) / (10 + step));
    auto& averaged = state_.averaged.parameters();
    for (std::size_t i = 0; i < averaged.size(); ++i)
      averaged[i].second.mul_(decay).add_(state_.network.parameters()[i].second, 1 - decay);
  }

  double validation_loss() const {
    const torch::NoGradGuard no_grad;
    const auto draws = validation_draws();
    double loss = 0;
    for (std::size_t p = static_cast<std::size_t>(comm_.rank()); p < set_.patches.size();
         p += static_cast<std::size_t>(comm_.size()))
      loss += loss_of(p, state_.averaged, Split::validation, draws).item<double>();
    return comm_.sum(loss) / static_cast<double>(set_.validation);
  }

  void keep_if_best() {
    if (!(validation_loss_ < state_.best_loss)) return;
    state_.best_loss = validation_loss_;
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < state_.best.parameters().size(); ++i)
      state_.best.parameters()[i].second.copy_(state_.averaged.parameters()[i].second);
  }

  void record(double seconds) const {
    if (comm_.root())
      std::ofstream(config_.train.model + ".losses.csv", std::ios::app)
          << fmt::format("{},{:.6f},{:.6f},{:.3e},{:.1f}\n", state_.step, training_loss_, validation_loss_,
                         learning_rate(config_.train, state_.step), seconds);
  }

  void write_checkpoint() const {
    mpi::agree(comm_, [&] {
      if (comm_.root()) save_checkpoint(checkpoint_path(), state_, identity_of(config_, set_.spec));
    });
  }

  void write_model(double seconds) {
    auto spec = set_.spec;
    spec.provenance.emplace_back("steps", fmt::format("{}", state_.step));
    spec.provenance.emplace_back("training_loss", fmt::format("{:.5f}", training_loss_));
    spec.provenance.emplace_back("held_out_loss", fmt::format("{:.5f}", state_.best_loss));
    spec.provenance.emplace_back("training_galaxies_used", fmt::format("{}", set_.training));
    spec.provenance.emplace_back("seconds", fmt::format("{:.0f} on {} ranks", seconds, comm_.size()));
    mpi::agree(comm_, [&] {
      if (comm_.root()) model::write_model(config_.train.model, {spec, state_.best.to_file(), ""});
    });
    log_.info("train: wrote {} ({} patches a step, lowest held-out loss {:.4f})", config_.train.model,
              patches_a_step_, state_.best_loss);
  }

  const config::Config& config_;
  const mpi::Communicator& comm_;
  Logger& log_;
  TrainingSet set_;
  std::uint64_t seed_;
  TrainingState state_;
  std::vector<model::Batch> batches_;
  std::size_t patches_a_step_ = 1;
  so3::Igso3Sampler kernel_;
  double training_loss_ = 0, validation_loss_ = 0;
  mutable std::vector<std::size_t> order_;
  mutable std::size_t ordered_pass_ = 0;
};

}  // namespace

void run(const config::Config& config, const mpi::Communicator& comm, Logger& log) {
  Trainer(config, comm, log).run();
}

}  // namespace halobrush::train
