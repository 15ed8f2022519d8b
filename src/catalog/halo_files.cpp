#include "halo_files.hpp"

#include <algorithm>
#include <utility>

#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "share.hpp"

namespace halobrush::catalog {
namespace {

constexpr std::uint64_t rows_of_a_block = 1 << 18;

// Columns are read one after another, so of two rows with a fault in one block the later one may be found first. Halves are tried until the
// first row alone is left: the same is named on any number of ranks.
Table read_block(HaloFiles& files, std::size_t file, std::uint64_t first, std::uint64_t rows) {
  try {
    return files.read(file, first, rows);
  } catch (const Error&) {
    if (rows < 2) throw;
  }
  const auto half = rows / 2;
  auto halos = read_block(files, file, first, half);
  halos.append(read_block(files, file, first + half, rows - half));
  return halos;
}

class FilesSource : public HaloSource {
 public:
  FilesSource(Input from, const OpenHaloFiles& open, const mpi::Communicator& comm)
      : HaloSource(std::move(from)), files_(mpi::agree(comm, [&] { return open(input().catalog.files); })) {
    const auto count = input().catalog.files.size();
    const auto mine = share_of({0, count}, comm.rank(), comm.size());
    const auto facts = mpi::agree(comm, [&] {
      std::vector<FileFacts> of_mine;
      for (auto i = mine.begin; i < mine.end; ++i) of_mine.push_back(files_->look_at(i));
      return of_mine;
    });
    const auto all = comm.gather_all(std::span<const FileFacts>(facts)).data;
    header_ = mpi::agree(comm, [&] {
      files_->check_set(all);
      return HaloCatalog{files_->read(0, 0, 0), files_->simulation(), input().source, files_->remarks()};
    });
    for (const auto& file : all) offsets_.push_back(offsets_.back() + file.rows);
  }

  double rows() const override { return static_cast<double>(offsets_.back()); }

  void read(const Take& take, const mpi::Communicator& comm) override {
    const auto mine = share_of({0, offsets_.back()}, comm.rank(), comm.size());
    mpi::agree(comm, [&] {
      for (std::size_t file = 0; file + 1 < offsets_.size(); ++file)
        for (auto first = std::max(mine.begin, offsets_[file]), end = std::min(mine.end, offsets_[file + 1]); first < end;) {
          const auto rows = std::min(rows_of_a_block, end - first);
          auto halos = read_block(*files_, file, first - offsets_[file], rows);
          first += rows;
          take(std::move(halos), static_cast<double>(first - mine.begin) / static_cast<double>(mine.size()));
        }
    });
    for (auto& remark : files_->remarks_on_rows([&](std::uint64_t count) { return comm.sum(count); }))
      header_.remarks.push_back(std::move(remark));
  }

 private:
  std::unique_ptr<HaloFiles> files_;
  std::vector<std::uint64_t> offsets_ = {0};  // of the rows of each file, and the end
};

std::vector<FileFacts> facts_of_all(HaloFiles& files, const Input& input) {
  std::vector<FileFacts> facts;
  for (std::size_t i = 0; i < input.catalog.files.size(); ++i) facts.push_back(files.look_at(i));
  files.check_set(facts);
  return facts;
}

}  // namespace

std::unique_ptr<HaloSource> open_halo_files(Input input, const OpenHaloFiles& open, const mpi::Communicator& comm) {
  return std::make_unique<FilesSource>(std::move(input), open, comm);
}

HaloHeader read_halo_files_header(const Input& input, const OpenHaloFiles& open) {
  const auto files = open(input.catalog.files);
  HaloHeader header{files->simulation(), input.source, {}, 0, true, files->remarks(), files->units()};
  for (const auto& file : facts_of_all(*files, input)) header.rows += file.rows;
  const auto columns = files->read(0, 0, 0);
  for (const auto& column : columns.columns()) header.columns.push_back(column.spec.name);
  return header;
}

Table sample_halo_files(const OpenHaloFiles& open, HaloHeader& said, const Input& input) {
  constexpr std::uint64_t most = 1'000'000;
  if (said.rows > most) return {};
  const auto files = open(input.catalog.files);
  const auto facts = facts_of_all(*files, input);
  auto all = files->read(0, 0, 0);
  for (std::size_t i = 0; i < facts.size(); ++i)
    if (facts[i].rows > 0) all.append(read_block(*files, i, 0, facts[i].rows));
  for (auto& remark : files->remarks_on_rows([](std::uint64_t count) { return count; })) said.remarks.push_back(std::move(remark));
  return all;
}

}  // namespace halobrush::catalog
