// Questions among ranks that are busy, idle or already done.
#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <string>
#include <thread>

#include "halobrush/mpi/service.hpp"

namespace halobrush::mpi {
namespace {

using Question = Service::Question;

Bytes doubled(std::span<const std::byte> question) {
  auto values = Unpacker(question).take<int>();
  for (auto& value : values) value *= 2;
  return Packer().put(std::span<const int>(values)).take();
}

std::vector<int> values_of(const Bytes& bytes) {
  return Unpacker(bytes).take<int>();
}

TEST(Service, AnswersComeInTheOrderOfTheQuestionsWhoeverIsBusy) {
  const Communicator world(MPI_COMM_WORLD);
  Service service(world, [](int, std::span<const std::byte> question) { return doubled(question); });
  for (int round = 0; round < 50; ++round) {
    std::vector<Question> questions;
    for (int k = 0; k < 3 * world.size(); ++k) {
      const std::vector<int> values(static_cast<std::size_t>(k % 4), 1000 * world.rank() + round + k);
      questions.push_back({(k + round) % world.size(), Packer().put(std::span<const int>(values)).take()});
    }
    const auto answers = service.ask(questions);
    ASSERT_EQ(answers.size(), questions.size());
    for (std::size_t k = 0; k < answers.size(); ++k) EXPECT_EQ(answers[k], doubled(questions[k].bytes));
    if (world.rank() == round % world.size()) std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  service.finish();
}

TEST(Service, AnswersOfAllSizesArriveWhole) {
  const Communicator world(MPI_COMM_WORLD);
  Service service(world, [](int from, std::span<const std::byte> question) {
    const std::vector<int> values(Unpacker(question).take_one<std::uint64_t>(), from);
    return Packer().put(std::span<const int>(values)).take();
  });
  for (const std::uint64_t count : {0, 1, 1000, 5'000'000}) {
    std::vector<Question> questions;
    for (int rank = 0; rank < world.size(); ++rank) questions.push_back({rank, Packer().put(count).take()});
    for (const auto& answer : service.ask(questions)) EXPECT_EQ(values_of(answer), std::vector<int>(count, world.rank()));
  }
  service.finish();
}

TEST(Service, WhatAnsweringThrowsReachesTheRankThatAsked) {
  const Communicator world(MPI_COMM_WORLD);
  const int last = world.size() - 1;
  Service service(world, [&](int from, std::span<const std::byte>) -> Bytes {
    if (from == 0) throw data_error("tile 7: is not here; ask another");
    return Packer().put(1).take();
  });
  const Question question{last, {}};
  try {
    EXPECT_EQ(values_of(service.ask(std::span(&question, 1)).front()), std::vector<int>{1});
    EXPECT_NE(world.rank(), 0);
  } catch (const Error& error) {
    EXPECT_EQ(world.rank(), 0);
    EXPECT_EQ(error.code(), ExitCode::data);
    EXPECT_EQ(std::string(error.what()), "tile 7: is not here; ask another");
  }
  service.finish();
}

TEST(Service, ARankThatIsDoneAnswersUntilAllAre) {
  const Communicator world(MPI_COMM_WORLD);
  Service service(world, [](int, std::span<const std::byte> question) { return doubled(question); });
  if (world.rank() == world.size() - 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the others wait in finish() by now
    for (int rank = 0; rank < world.size(); ++rank) {
      const Question question{rank, Packer().put(21).take()};
      EXPECT_EQ(values_of(service.ask(std::span(&question, 1)).front()), std::vector<int>{42});
    }
  }
  service.finish();
  EXPECT_EQ(world.sum(1), world.size());  // the communicator is free for collectives again
}

TEST(Service, OneAfterTheOtherDoNotMeet) {
  const Communicator world(MPI_COMM_WORLD);
  for (int k = 0; k < 20; ++k) {
    Service service(world, [k](int, std::span<const std::byte>) { return Packer().put(k).take(); });
    const Question question{(world.rank() + k) % world.size(), {}};
    EXPECT_EQ(values_of(service.ask(std::span(&question, 1)).front()), std::vector<int>{k});
    service.finish();
  }
}

TEST(Messages, AreRefusedWhereTheyAreShorterThanTheySay) {
  auto bytes = Packer().put(std::span<const double>(std::vector<double>{1, 2, 3})).take();
  EXPECT_EQ(Unpacker(bytes).take<double>(), (std::vector<double>{1, 2, 3}));
  bytes.pop_back();
  EXPECT_THROW(Unpacker(bytes).take<double>(), Error);
  bytes.resize(4);
  EXPECT_THROW(Unpacker(bytes).take<double>(), Error);
}

}  // namespace
}  // namespace halobrush::mpi
