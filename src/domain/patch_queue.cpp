#include "halobrush/domain/patch_queue.hpp"

#include <utility>

namespace halobrush::domain {
namespace {

// The last byte of a question says what is asked for.
constexpr std::byte for_tiles{0}, for_halos{1}, to_stop{2};

std::vector<TileCost> costs_of_all(const Distribution& halos, const mpi::Communicator& comm) {
  const auto mine = halos.costs();
  return comm.gather_all(std::span<const TileCost>(mine)).data;
}

// A rank's own tiles in their order: as if all cost the same.
std::vector<TileCost> in_order(const Distribution& halos) {
  auto costs = halos.costs();
  for (auto& tile : costs) tile.cost = 0;
  return costs;
}

}  // namespace

PatchQueue::PatchQueue(const Distribution& halos, Deal deal, double bytes, const mpi::Communicator& comm)
    : halos_(halos),
      deal_(deal),
      rank_(comm.rank()),
      ranks_(comm.size()),
      schedule_(deal == Deal::by_need ? costs_of_all(halos, comm) : in_order(halos), comm.size(), bytes / 2),
      service_(comm, [this](int from, std::span<const std::byte> question) { return answer(from, question); }) {}

mpi::Bytes PatchQueue::answer(int from, std::span<const std::byte> question) {
  const auto kind = question.back();
  question = question.first(question.size() - 1);
  if (kind == for_halos) return halos_.answer(question);
  if (kind == to_stop) {
    stopped_ = true;
    return {};
  }
  const auto tiles = schedule_.take(from, mpi::Unpacker(question).take_one<double>());
  return mpi::Packer().put(std::span<const std::int64_t>(tiles)).put(schedule_.given()).take();
}

std::vector<mpi::Bytes> PatchQueue::ask(std::span<const mpi::Service::Question> questions, std::byte kind) {
  std::vector<mpi::Service::Question> asked(questions.begin(), questions.end());
  for (auto& question : asked) question.bytes.push_back(kind);
  return service_.ask(asked);
}

PatchQueue::Fetched PatchQueue::fetch(double seconds) {
  const int decides = deal_ == Deal::by_need ? 0 : rank_;
  const mpi::Service::Question question{decides, mpi::Packer().put(seconds).take()};
  const auto answer = ask(std::span(&question, 1), for_tiles).front();
  mpi::Unpacker unpacker(answer);
  const auto tiles = unpacker.take<std::int64_t>();
  const double given = unpacker.take_one<double>();
  if (tiles.empty()) return {{}, given};
  return {halos_.patches(tiles, [&](std::span<const mpi::Service::Question> questions) { return ask(questions, for_halos); }),
          given};
}

std::vector<Patch> PatchQueue::next(double seconds) {
  if (stopped_) return {};
  auto [patches, given] = ahead_.valid() ? ahead_.get() : fetch(seconds);
  given_ = given;
  // Towards the end a rank must not hold back what another one could paint.
  constexpr double end = 0.9;
  if (!patches.empty() && given < end) ahead_ = std::async(std::launch::async, [this, seconds] { return fetch(seconds); });
  return std::move(patches);
}

void PatchQueue::stop() {
  if (ahead_.valid()) ahead_.wait();  // one asks at a time
  std::vector<mpi::Service::Question> questions;
  for (int rank = 0; rank < ranks_; ++rank) questions.push_back({rank, {}});
  ask(questions, to_stop);
}

void PatchQueue::finish() {
  if (ahead_.valid()) ahead_.wait();
  service_.finish();
}

PatchQueue::~PatchQueue() {
  service_.end();
}

}  // namespace halobrush::domain
