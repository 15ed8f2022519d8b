#include "loop.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "checkpoint.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/signals.hpp"
#include "halobrush/core/timer.hpp"
#include "halobrush/networks/runtime.hpp"
#include "halobrush/mpi/agree.hpp"
#include "halobrush/mpi/stop.hpp"
#include "schedule.hpp"

namespace halobrush::train {
namespace {

// So many that a step sees train.batch galaxies on average.
std::size_t patches_a_step(const TrainingSet& set, std::int64_t batch) {
  const double patches = static_cast<double>(set.patches.size());
  const double galaxies = static_cast<double>(set.training + set.validation);
  return std::clamp<std::size_t>(
      static_cast<std::size_t>(std::lround(static_cast<double>(batch) * patches / galaxies)), 1,
      set.patches.size());
}

Weights copy_of(const Weights& weights) {
  Weights copy;
  for (const auto& [name, tensor] : weights) copy.emplace_back(name, tensor.detach().clone());
  return copy;
}

Learner learner_of(Player player, double rate) {
  std::vector<torch::Tensor> tensors;
  for (auto& [name, tensor] : player.weights) tensors.push_back(tensor.set_requires_grad(true));
  Learner learner;
  learner.optimiser =
      std::make_unique<torch::optim::AdamW>(tensors, torch::optim::AdamWOptions(rate)
                                                         .betas({player.betas[0], player.betas[1]})
                                                         .weight_decay(player.weight_decay));
  learner.player = std::move(player);
  return learner;
}

class Loop {
 public:
  Loop(Method& method, const TrainingSet& set, const config::Config& config, const std::string& identity,
       const Timer& since_start, const mpi::Communicator& comm, Logger& log)
      : method_(method),
        set_(set),
        train_(config.train),
        limits_(config.limits),
        since_start_(since_start),
        identity_(identity),
        comm_(comm),
        log_(log),
        patches_a_step_(patches_a_step(set, config.train.batch)),
        order_(set.patches.size(), patches_a_step_, static_cast<std::uint64_t>(config.seed)),
        lines_(log, "train", static_cast<double>(config.train.steps), config.log.interval) {
    for (auto& player : method.players())
      state_.learners.push_back(learner_of(std::move(player), train_.learning_rate));
    state_.averaged = method.averaged();
    state_.kept = copy_of(state_.averaged);
  }

  Outcome run() {
    resume();
    Timer timer;
    while (state_.step < train_.steps && !out_of_patience()) {
      take_step();
      if (state_.step == train_.steps || state_.step % train_.interval == 0) close_interval(timer.seconds());
    }
    write_checkpoint();
    return {copy_of(state_.kept), state_.kept_loss, state_.training_loss,
            state_.step,          patches_a_step_,  timer.seconds()};
  }

 private:
  std::string checkpoint_path() const {
    return train_.checkpoint.empty() ? train_.model + ".checkpoint" : train_.checkpoint;
  }
  std::string table_path() const { return train_.model + ".losses.csv"; }

  void resume() {
    const bool resumed = mpi::agree(comm_, [&] {
      return networks::guarded([&] { return load_checkpoint(checkpoint_path(), state_, identity_); });
    });
    resumed_at_ = resumed ? state_.step : -1;
    if (resumed) log_.info("train: goes on from step {} of {}", state_.step, checkpoint_path());
    mpi::agree(comm_, [&] {
      if (comm_.root()) begin_table();
    });
  }

  // The rows up to the step that the run goes on from stay.
  void begin_table() const {
    std::string kept = "step,training_loss,validation_loss,learning_rate,seconds";
    for (std::size_t i = 1; i < state_.learners.size(); ++i)
      kept += "," + state_.learners[i].player.name + "_loss";
    kept += "\n";
    std::ifstream old(table_path());
    std::string line;
    std::getline(old, line);
    while (std::getline(old, line))
      if (std::atoll(line.c_str()) <= resumed_at_) kept += line + "\n";
    old.close();
    write_durably(table_path(), kept);
  }

  bool out_of_patience() const {
    return train_.patience > 0 && state_.intervals_since_best >= train_.patience;
  }

  void take_step() {
    auto& learner = state_.learners[method_.turn(state_.step)];
    const auto chosen = order_.of_step(state_.step);
    const double loss = add_up_gradients(learner, chosen);
    const double norm = share_gradients(learner);
    if (!std::isfinite(loss + norm)) stop_on_bad_loss(loss, chosen);
    if (state_.step % train_.checkpoint_interval == 0 && state_.step > std::max<std::int64_t>(resumed_at_, 0))
      write_checkpoint();  // only now is it known that these weights have a finite loss
    stop_if_asked();
    update(learner);
    learner.loss_sum += loss;
    ++learner.loss_count;
    ++state_.step;
  }

  // A signal, or the time that limits.wall_time leaves.
  void stop_if_asked() {
    const bool late = limits_.wall_time > 0 && since_start_.seconds() + limits_.margin > limits_.wall_time;
    if (late) ask_to_stop("limits.wall_time");
    if (comm_.max(stop_asked().empty() ? 0 : 1) == 0) return;
    write_checkpoint();
    log_.warn("train: {} holds step {} of {}", checkpoint_path(), state_.step, train_.steps);
    mpi::stop_if_asked(comm_, "the last step");
  }

  // This rank's share of the step's patches; returns the mean loss per galaxy over all ranks.
  double add_up_gradients(Learner& learner, const std::vector<std::size_t>& chosen) {
    double galaxies = 0, loss = 0;
    for (const auto p : chosen)
      galaxies += static_cast<double>(std::ranges::count(set_.patches[p].split, Split::training));
    bad_tiles_.clear();
    mpi::agree(comm_, [&] {
      networks::guarded([&] {
        learner.optimiser->zero_grad();
        for (std::size_t k = static_cast<std::size_t>(comm_.rank()); k < chosen.size();
             k += static_cast<std::size_t>(comm_.size())) {
          const auto patch_loss = method_.loss(chosen[k], state_.step) / std::max(galaxies, 1.0);
          patch_loss.backward();
          loss += patch_loss.item<double>();
          if (!std::isfinite(patch_loss.item<double>()))
            bad_tiles_.push_back(set_.patches[chosen[k]].patch.tile);
        }
        return 0;
      });
    });
    return comm_.sum(loss);
  }

  // Gradients of all ranks are summed in one message; every rank gets the same bits, so replicas stay equal.
  // Returns their norm, which is then limited.
  double share_gradients(Learner& learner) {
    auto& weights = learner.player.weights;
    std::vector<torch::Tensor> flat;
    for (auto& [name, tensor] : weights)
      flat.push_back(tensor.grad().defined() ? tensor.grad().reshape({-1})
                                             : torch::zeros({tensor.numel()}, tensor.options()));
    auto all = torch::cat(flat).to(torch::kCPU, torch::kFloat32).contiguous();
    comm_.sum_in_place(std::span(all.data_ptr<float>(), static_cast<std::size_t>(all.numel())));
    const double norm = all.norm(2, torch::kFloat64).item<double>();
    if (norm > train_.gradient_clip) all.mul_(train_.gradient_clip / norm);
    std::int64_t at = 0;
    for (auto& [name, tensor] : weights) {
      tensor.mutable_grad() =
          all.slice(0, at, at + tensor.numel()).view(tensor.sizes()).to(tensor.options()).clone();
      at += tensor.numel();
    }
    return norm;
  }

  [[noreturn]] void stop_on_bad_loss(double loss, const std::vector<std::size_t>& chosen) {
    auto bad = comm_.gather_all(std::span<const std::int64_t>(bad_tiles_)).data;
    if (bad.empty())
      for (const auto p : chosen) bad.push_back(set_.patches[p].patch.tile);
    std::ranges::sort(bad);
    bad.erase(std::unique(bad.begin(), bad.end()), bad.end());
    stop(fmt::format("the {} is not finite (patch{} {})", std::isfinite(loss) ? "gradient" : "loss",
                     bad.size() > 1 ? "es" : "", fmt::join(bad, ", ")));
  }

  [[noreturn]] void stop(const std::string& what) const {
    const auto kept = std::filesystem::exists(checkpoint_path())
                          ? fmt::format("{} is the last good checkpoint", checkpoint_path())
                          : "there is no checkpoint yet";
    throw model_error("train: step {}: {}; {}: lower train.learning_rate, or look at these galaxies",
                      state_.step, what, kept);
  }

  void update(Learner& learner) {
    for (auto& group : learner.optimiser->param_groups())
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(learning_rate(train_, state_.step));
    learner.optimiser->step();
    if (&learner == &state_.learners[0]) average(learner);
    ++learner.updates;
  }

  void average(const Learner& learner) {
    const torch::NoGradGuard no_grad;
    const double updates = static_cast<double>(learner.updates);
    const double decay = std::min(train_.ema, (1 + updates) / (10 + updates));
    for (std::size_t i = 0; i < state_.averaged.size(); ++i)
      state_.averaged[i].second.mul_(decay).add_(learner.player.weights[i].second, 1 - decay);
  }

  void close_interval(double seconds) {
    state_.training_loss = state_.learners[0].mean_loss();
    const double held_out = held_out_loss();
    if (!std::isfinite(held_out)) stop("the held-out loss is not finite");
    keep(held_out);
    record(held_out, seconds);
    lines_.update(static_cast<double>(state_.step),
                  fmt::format("loss {:.4f}, held out {:.4f}", state_.training_loss, held_out));
    for (auto& learner : state_.learners) learner.loss_sum = 0, learner.loss_count = 0;
    if (out_of_patience())
      log_.info("train: stops at step {}: the held-out loss has not fallen for {} intervals", state_.step,
                train_.patience);
  }

  double held_out_loss() const {
    const torch::NoGradGuard no_grad;
    double loss = 0;
    mpi::agree(comm_, [&] {
      networks::guarded([&] {
        for (std::size_t p = static_cast<std::size_t>(comm_.rank()); p < set_.patches.size();
             p += static_cast<std::size_t>(comm_.size()))
          if (std::ranges::count(set_.patches[p].split, Split::validation) > 0) loss += method_.held_out_loss(p);
        return 0;
      });
    });
    return comm_.sum(loss) / static_cast<double>(set_.validation);
  }

  void keep(double held_out) {
    ++state_.intervals_since_best;
    const bool best = held_out < state_.best_loss;
    if (best) state_.best_loss = held_out, state_.intervals_since_best = 0;
    if (!best && train_.keep == "best") return;
    state_.kept_loss = held_out;
    const torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < state_.kept.size(); ++i)
      state_.kept[i].second.copy_(state_.averaged[i].second);
  }

  void record(double held_out, double seconds) const {
    auto row = fmt::format("{},{:.6f},{:.6f},{:.3e},{:.1f}", state_.step, state_.training_loss, held_out,
                           learning_rate(train_, state_.step), seconds);
    for (std::size_t i = 1; i < state_.learners.size(); ++i)
      row += fmt::format(",{:.6f}", state_.learners[i].mean_loss());
    mpi::agree(comm_, [&] {
      if (comm_.root()) append_line_durably(table_path(), row);
    });
  }

  void write_checkpoint() const {
    mpi::agree(comm_, [&] {
      if (comm_.root()) save_checkpoint(checkpoint_path(), state_, identity_);
    });
  }

  Method& method_;
  const TrainingSet& set_;
  const config::Train& train_;
  const config::Limits& limits_;
  Timer since_start_;  // of the whole run: reading counts against the budget, too
  const std::string& identity_;
  const mpi::Communicator& comm_;
  Logger& log_;
  TrainingState state_;
  std::size_t patches_a_step_;
  PatchOrder order_;
  Progress lines_;
  std::int64_t resumed_at_ = -1;
  std::vector<std::int64_t> bad_tiles_;  // of this rank, in this step
};

}  // namespace

Outcome run_loop(Method& method, const TrainingSet& set, const config::Config& config,
                 const std::string& identity, const Timer& since_start, const mpi::Communicator& comm, Logger& log) {
  return Loop(method, set, config, identity, since_start, comm, log).run();
}

}  // namespace halobrush::train
