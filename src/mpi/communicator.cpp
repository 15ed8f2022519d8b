#include "halobrush/mpi/communicator.hpp"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <exception>

#include "halobrush/core/error.hpp"

namespace halobrush::mpi {
namespace {

// Counts and offsets in elements of one contiguous type, so that only 2^31 elements (not bytes) bound a
// message.
class ElementType {
 public:
  explicit ElementType(std::size_t bytes) {
    check(MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &type_), "MPI_Type_contiguous");
    check(MPI_Type_commit(&type_), "MPI_Type_commit");
  }
  ~ElementType() { MPI_Type_free(&type_); }
  ElementType(const ElementType&) = delete;
  ElementType& operator=(const ElementType&) = delete;
  operator MPI_Datatype() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

int as_int(std::size_t count) {
  if (count > INT_MAX)
    throw internal_error("a message of {} elements is over MPI's limit; use more ranks", count);
  return static_cast<int>(count);
}

struct Layout {
  std::vector<int> counts, offsets;
  explicit Layout(std::span<const std::size_t> n) {
    std::size_t offset = 0;
    for (const auto c : n) {
      counts.push_back(as_int(c));
      offsets.push_back(as_int(offset));
      offset += c;
    }
  }
};

}  // namespace

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw internal_error("{} failed: {}", call, std::string(text, static_cast<std::size_t>(length)));
}

template <>
MPI_Datatype datatype<int>() {
  return MPI_INT;
}
template <>
MPI_Datatype datatype<std::int64_t>() {
  return MPI_INT64_T;
}
template <>
MPI_Datatype datatype<std::uint64_t>() {
  return MPI_UINT64_T;
}
template <>
MPI_Datatype datatype<float>() {
  return MPI_FLOAT;
}
template <>
MPI_Datatype datatype<double>() {
  return MPI_DOUBLE;
}

Communicator::Communicator(MPI_Comm parent) : exceptions_(std::uncaught_exceptions()) {
  check(MPI_Comm_dup(parent, &comm_), "MPI_Comm_dup");
  check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
}

Communicator::Communicator(Communicator&& other) noexcept
    : comm_(other.comm_), rank_(other.rank_), size_(other.size_), exceptions_(other.exceptions_) {
  other.comm_ = MPI_COMM_NULL;
}

Communicator::~Communicator() {
  // MPI_Comm_free is collective: during unwinding other ranks may never come.
  if (comm_ != MPI_COMM_NULL && std::uncaught_exceptions() <= exceptions_) MPI_Comm_free(&comm_);
}

Communicator Communicator::node() const {
  MPI_Comm shared = MPI_COMM_NULL;
  check(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &shared),
        "MPI_Comm_split_type");
  Communicator result(shared);
  check(MPI_Comm_free(&shared), "MPI_Comm_free");
  return result;
}

void Communicator::barrier() const {
  check(MPI_Barrier(comm_), "MPI_Barrier");
}

std::string Communicator::broadcast(std::string text, int from) const {
  std::uint64_t length = text.size();
  broadcast(std::span(&length, 1), from);
  text.resize(length);
  broadcast(std::span(text), from);
  return text;
}

void Communicator::broadcast_bytes(void* data, std::size_t bytes, int from) const {
  constexpr std::size_t most = std::size_t{1} << 30;
  auto* begin = static_cast<char*>(data);
  for (std::size_t done = 0; done < bytes; done += most)
    check(MPI_Bcast(begin + done, static_cast<int>(std::min(most, bytes - done)), MPI_BYTE, from, comm_),
          "MPI_Bcast");
}

std::vector<std::size_t> Communicator::gather_counts(std::size_t mine) const {
  const std::uint64_t count = mine;
  std::vector<std::uint64_t> all(static_cast<std::size_t>(size_));
  check(MPI_Allgather(&count, 1, MPI_UINT64_T, all.data(), 1, MPI_UINT64_T, comm_), "MPI_Allgather");
  return {all.begin(), all.end()};
}

std::vector<std::size_t> Communicator::exchange_counts(std::span<const std::size_t> counts) const {
  const std::vector<std::uint64_t> send(counts.begin(), counts.end());
  std::vector<std::uint64_t> receive(static_cast<std::size_t>(size_));
  check(MPI_Alltoall(send.data(), 1, MPI_UINT64_T, receive.data(), 1, MPI_UINT64_T, comm_), "MPI_Alltoall");
  return {receive.begin(), receive.end()};
}

void Communicator::gather_bytes(const void* mine, void* all, std::span<const std::size_t> counts,
                                std::size_t element) const {
  const ElementType type(element);
  const Layout layout(counts);
  check(MPI_Allgatherv(mine, layout.counts[static_cast<std::size_t>(rank_)], type, all, layout.counts.data(),
                       layout.offsets.data(), type, comm_),
        "MPI_Allgatherv");
}

void Communicator::exchange_bytes(const void* mine, std::span<const std::size_t> send, void* received,
                                  std::span<const std::size_t> receive, std::size_t element) const {
  const ElementType type(element);
  const Layout out(send), in(receive);
  check(MPI_Alltoallv(mine, out.counts.data(), out.offsets.data(), type, received, in.counts.data(),
                      in.offsets.data(), type, comm_),
        "MPI_Alltoallv");
}

}  // namespace halobrush::mpi
