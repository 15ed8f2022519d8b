// A communicator with typed collectives on plain data. Every function here is @collective unless it says
// otherwise.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace halobrush::mpi {

template <class T>
concept Plain = std::is_trivially_copyable_v<T>;

template <class T>
concept Number = std::is_arithmetic_v<T>;

/// Throws internal_error with MPI's own text when `code` is not MPI_SUCCESS.
void check(int code, const char* call);

template <Number T>
MPI_Datatype datatype();

/// Elements received from every rank, in rank order; `counts[r]` of them came from rank r.
template <Plain T>
struct Received {
  std::vector<T> data;
  std::vector<std::size_t> counts;
};

class Communicator {
 public:
  /// Duplicates `parent`, so that our messages never meet a library's.
  explicit Communicator(MPI_Comm parent);
  ~Communicator();
  Communicator(Communicator&& other) noexcept;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }  ///< not collective
  int size() const { return size_; }  ///< not collective
  bool root() const { return rank_ == 0; }
  MPI_Comm handle() const { return comm_; }  ///< for libraries that take a raw communicator

  /// Ranks on this node get one communicator; its rank() is the node-local rank.
  Communicator node() const;

  void barrier() const;

  template <Number T>
  T sum(T value) const {
    return reduce(value, MPI_SUM);
  }
  template <Number T>
  T min(T value) const {
    return reduce(value, MPI_MIN);
  }
  template <Number T>
  T max(T value) const {
    return reduce(value, MPI_MAX);
  }
  /// Sum over ranks of the values of lower ranks only (0 on rank 0).
  template <Number T>
  T exclusive_sum(T value) const {
    T result{};
    check(MPI_Exscan(&value, &result, 1, datatype<T>(), MPI_SUM, comm_), "MPI_Exscan");
    return rank_ == 0 ? T{} : result;
  }
  template <Number T>
  void sum_in_place(std::span<T> values) const {
    reduce_in_place(values, MPI_SUM);
  }
  template <Number T>
  void min_in_place(std::span<T> values) const {
    reduce_in_place(values, MPI_MIN);
  }
  template <Number T>
  void max_in_place(std::span<T> values) const {
    reduce_in_place(values, MPI_MAX);
  }

  template <Plain T>
  void broadcast(std::span<T> values, int from = 0) const {
    broadcast_bytes(values.data(), values.size_bytes(), from);
  }
  std::string broadcast(std::string text, int from = 0) const;

  /// Everyone's elements on every rank, in rank order.
  template <Plain T>
  Received<T> gather_all(std::span<const T> mine) const {
    Received<T> out;
    out.counts = gather_counts(mine.size());
    out.data.resize(std::accumulate(out.counts.begin(), out.counts.end(), std::size_t{0}));
    gather_bytes(mine.data(), out.data.data(), out.counts, sizeof(T));
    return out;
  }

  /// `mine` is sorted by destination, `counts[r]` elements go to rank r.
  template <Plain T>
  Received<T> exchange(std::span<const T> mine, std::span<const std::size_t> counts) const {
    Received<T> out;
    out.counts = exchange_counts(counts);
    out.data.resize(std::accumulate(out.counts.begin(), out.counts.end(), std::size_t{0}));
    exchange_bytes(mine.data(), counts, out.data.data(), out.counts, sizeof(T));
    return out;
  }

 private:
  template <Number T>
  T reduce(T value, MPI_Op op) const {
    T result{};
    check(MPI_Allreduce(&value, &result, 1, datatype<T>(), op, comm_), "MPI_Allreduce");
    return result;
  }
  template <Number T>
  void reduce_in_place(std::span<T> values, MPI_Op op) const {
    check(MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), datatype<T>(), op, comm_),
          "MPI_Allreduce");
  }
  std::vector<std::size_t> gather_counts(std::size_t mine) const;
  std::vector<std::size_t> exchange_counts(std::span<const std::size_t> counts) const;
  void broadcast_bytes(void* data, std::size_t bytes, int from) const;
  void gather_bytes(const void* mine, void* all, std::span<const std::size_t> counts,
                    std::size_t element) const;
  void exchange_bytes(const void* mine, std::span<const std::size_t> send, void* received,
                      std::span<const std::size_t> receive, std::size_t element) const;

  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1, exceptions_ = 0;
};

}  // namespace halobrush::mpi
