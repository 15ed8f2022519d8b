#include "halobrush/mpi/service.hpp"

#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <exception>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "halobrush/mpi/agree.hpp"

namespace halobrush::mpi {
namespace {

using namespace std::chrono_literals;

constexpr int question_tag = 1, answer_tag = 2;
constexpr std::chrono::microseconds between_looks = 1ms, while_asking = 50us;

int as_count(std::size_t bytes) {
  if (bytes > INT_MAX)
    throw internal_error("a message of {} bytes is over MPI's limit; set domain.max_halos lower", bytes);
  return static_cast<int>(bytes);
}

// The last byte of an answer says whether it is an error: code and text.
Bytes closed(Bytes answer, bool is_error) {
  answer.push_back(std::byte{is_error});
  return answer;
}
Bytes closed(const Error& error) {
  const std::string text = error.what();
  return closed(Packer().put(static_cast<int>(error.code())).put(std::span<const char>(text)).take(), true);
}
Bytes opened(Bytes message) {
  const bool is_error = message.back() != std::byte{0};
  message.pop_back();
  if (!is_error) return message;
  Unpacker error(message);
  const auto code = static_cast<ExitCode>(error.take_one<int>());
  const auto text = error.take<char>();
  throw Error(code, std::string(text.begin(), text.end()));
}

}  // namespace

// MPI may be used by one thread at a time: whoever does holds the mutex, and nobody waits inside of MPI.
class Service::State {
 public:
  State(const Communicator& comm, Answer answer) : comm_(comm.handle()), answer_(std::move(answer)) {
    if (comm_.size() == 1) return;
    // Signals are for the thread that works.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void give_up() {
    given_up_ = true;
    end();
  }

  void end() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }

  std::vector<Bytes> ask(std::span<const Question> questions) {
    std::vector<Bytes> answers(questions.size());
    std::list<Message> sent;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const std::lock_guard lock(mutex_);
      if (questions[i].rank == comm_.rank())
        answers[i] = answer_to(comm_.rank(), questions[i].bytes);
      else
        send(questions[i].bytes, questions[i].rank, question_tag, sent);
    }
    for (std::size_t i = 0; i < questions.size(); ++i)
      if (questions[i].rank != comm_.rank()) answers[i] = wait_for_answer(questions[i].rank);
    wait_until([&] { return all_gone(sent); });
    for (auto& answer : answers) answer = opened(std::move(answer));
    return answers;
  }

  void finish() {
    MPI_Request request = MPI_REQUEST_NULL;
    {
      const std::lock_guard lock(mutex_);
      check(MPI_Ibarrier(comm_.handle(), &request), "MPI_Ibarrier");
    }
    wait_until([&] {
      int done = 0;
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      return done != 0;
    }, between_looks);
    end();
    wait_until([&] { return all_gone(answers_); });
  }

 private:
  struct Message {
    Bytes bytes;
    MPI_Request request = MPI_REQUEST_NULL;
  };

  void serve() {
    try {
      while (!ended_) {
        bool any = false;
        {
          const std::lock_guard lock(mutex_);
          any = answer_waiting_questions();
        }
        if (!any) std::this_thread::sleep_for(between_looks);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
  }

  // Answers others as well, until `done`, which is called with the mutex held.
  template <class Done>
  void wait_until(Done&& done, std::chrono::microseconds between = while_asking) {
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (failure_) std::rethrow_exception(failure_);
        if (done()) return;
        if (given_up_) throw internal_error("a question to another rank was given up");
        if (answer_waiting_questions()) continue;
      }
      std::this_thread::sleep_for(between);
    }
  }

  Bytes wait_for_answer(int rank) {
    std::optional<Bytes> answer;
    wait_until([&] {
      answer = received(rank, answer_tag);
      return answer.has_value();
    });
    return std::move(*answer);
  }

  // With the mutex held: the next message, if there is one.
  std::optional<Bytes> received(int rank, int tag, int* from = nullptr) const {
    int there = 0, count = 0;
    MPI_Status status;
    check(MPI_Iprobe(rank, tag, comm_.handle(), &there, &status), "MPI_Iprobe");
    if (!there) return std::nullopt;
    check(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
    Bytes bytes(static_cast<std::size_t>(count));
    check(MPI_Recv(bytes.data(), count, MPI_BYTE, status.MPI_SOURCE, tag, comm_.handle(), MPI_STATUS_IGNORE), "MPI_Recv");
    if (from) *from = status.MPI_SOURCE;
    return bytes;
  }

  void send(Bytes bytes, int rank, int tag, std::list<Message>& messages) const {
    auto& message = messages.emplace_back(std::move(bytes));
    check(MPI_Isend(message.bytes.data(), as_count(message.bytes.size()), MPI_BYTE, rank, tag, comm_.handle(),
                    &message.request),
          "MPI_Isend");
  }

  static bool all_gone(std::list<Message>& messages) {
    messages.remove_if([](Message& message) {
      int done = 0;
      check(MPI_Test(&message.request, &done, MPI_STATUS_IGNORE), "MPI_Test");
      return done != 0;
    });
    return messages.empty();
  }

  Bytes answer_to(int from, std::span<const std::byte> question) const {
    try {
      auto answer = closed(answer_(from, question), false);
      if (from != comm_.rank()) as_count(answer.size());
      return answer;
    } catch (...) {
      return closed(current_error(comm_));
    }
  }

  bool answer_waiting_questions() {
    bool any = false;
    int from = 0;
    all_gone(answers_);
    while (const auto question = received(MPI_ANY_SOURCE, question_tag, &from)) {
      send(answer_to(from, *question), from, answer_tag, answers_);
      any = true;
    }
    return any;
  }

  Communicator comm_;
  Answer answer_;
  std::mutex mutex_;
  std::list<Message> answers_;
  std::exception_ptr failure_;
  std::atomic<bool> ended_ = false, given_up_ = false;
  std::thread thread_;
};

Service::Service(const Communicator& comm, Answer answer) : state_(std::make_unique<State>(comm, std::move(answer))) {}

Service::~Service() {
  end();
}

void Service::end() {
  state_->give_up();
}

std::vector<Bytes> Service::ask(std::span<const Question> questions) {
  return state_->ask(questions);
}

void Service::finish() {
  state_->finish();
}

}  // namespace halobrush::mpi
