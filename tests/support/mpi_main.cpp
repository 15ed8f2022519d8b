// main() of every test program: real MPI ranks, a watchdog against deadlock, failures of any rank shown and
// counted.
#include <gtest/gtest.h>
#include <mpi.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

// Ranks other than 0 print only what failed.
class FailurePrinter : public testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank_, result.file_name() ? result.file_name() : "",
                 result.line_number(), result.message());
    std::fflush(stderr);
  }

 private:
  int rank_;
};

// A deadlock must be a failed test, not a hung job: abort a little before CTest's own limit.
class Watchdog {
 public:
  explicit Watchdog(int seconds)
      : thread_([this, seconds] {
          for (int i = 0; i < seconds * 10 && !done_; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
          if (!done_) {
            std::fprintf(stderr, "watchdog: no end after %d s, aborting (a deadlock?)\n", seconds);
            MPI_Abort(MPI_COMM_WORLD, 1);
          }
        }) {}
  ~Watchdog() {
    done_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

// CTest's limit for this test, which cmake/HalobrushTest.cmake hands on.
int timeout_s() {
  const char* set = std::getenv("HALOBRUSH_TEST_TIMEOUT");
  return set ? std::atoi(set) : 120;
}

}  // namespace

int main(int argc, char** argv) {
  int threads = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &threads);
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  testing::InitGoogleTest(&argc, argv);
  if (rank != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter(rank));
  }
  int failed = 0;
  {
    Watchdog watchdog(timeout_s() - 10);
    failed = RUN_ALL_TESTS();
    const auto* unit = testing::UnitTest::GetInstance();
    if (unit->test_to_run_count() == 0) {
      std::fprintf(stderr, "no test was run\n");
      failed = 1;
    } else if (unit->skipped_test_count() == unit->test_to_run_count() && rank == 0) {
      std::printf("every test skipped\n");
    }
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  }
  MPI_Finalize();
  return failed;
}
