// Questions among ranks that each do work of their own in the meantime.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "halobrush/mpi/bytes.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::mpi {

/// Every rank answers the questions of the others, on a thread that looks for them every millisecond. From its
/// construction to finish(), the rank's own thread uses MPI through ask() alone.
class Service {
 public:
  /// What rank `from` gets for its question. Called on one thread at a time, perhaps not the one that made the service;
  /// must not use MPI. What it throws, the asking rank's ask() throws.
  using Answer = std::function<Bytes(int from, std::span<const std::byte> question)>;

  /// @collective
  Service(const Communicator& comm, Answer answer);
  /// Not collective; ranks that still ask this one get no answer.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  struct Question {
    int rank;
    Bytes bytes;
  };
  /// Answers, in the order of the questions. Not collective.
  std::vector<Bytes> ask(std::span<const Question> questions);

  /// @collective Answers others until every rank has come here, and ends the service.
  void finish();

  /// Ends it on this rank, as the destructor does; an ask() that still waits on another thread throws.
  void end();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace halobrush::mpi
