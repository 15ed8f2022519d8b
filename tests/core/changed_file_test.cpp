// Files that are changed in place: what is read is what was written, and they go back byte for byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "halobrush/core/changed_file.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/hash.hpp"

namespace halobrush {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class ChangedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / fmt::format("halobrush-changed-{}", std::random_device{}());
    fs::create_directories(folder_);
    std::string text(3 * ChangedFile::page_bytes * 1000 + 123, '\0');  // more than is held at once
    for (auto& c : text) c = static_cast<char>(draw_());
    std::ofstream(file_ = folder_ / "file", std::ios::binary) << text;
    before_ = now_ = text;
    begin_backup(backup_ = folder_ / "backup", file_, sha256_hex_of_file(file_));
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Writes of up to three pages anywhere, also across the old end and behind it.
  void change(ChangedFile& changed, int writes) {
    for (int k = 0; k < writes; ++k) {
      const std::size_t at = draw_() % (before_.size() + 20000), count = 1 + draw_() % (3 * ChangedFile::page_bytes);
      std::string some(count, static_cast<char>(draw_()));
      if (now_.size() < at + count) now_.resize(at + count);
      std::ranges::copy(some, now_.begin() + static_cast<std::ptrdiff_t>(at));
      changed.write(at, std::as_bytes(std::span(some)));
      if (k % 100 == 0) check_read(changed);
    }
  }
  void check_read(const ChangedFile& changed) {
    std::string read(50000, '\0');
    const auto at = draw_() % (now_.size() - read.size());
    changed.read(at, std::as_writable_bytes(std::span(read)));
    EXPECT_TRUE(read == now_.substr(at, read.size()));
  }

  std::mt19937_64 draw_{3};
  fs::path folder_, file_, backup_;
  std::string before_, now_;
};

TEST_F(ChangedFileTest, HoldsWhatWasWrittenAndGoesBack) {
  {
    ChangedFile changed(file_);
    changed.save_to(backup_);
    change(changed, 8000);
    changed.resize(before_.size() + 5000);
    now_.resize(before_.size() + 5000);
    change(changed, 300);
    changed.flush();
  }
  EXPECT_TRUE(bytes_of(file_) == now_);
  finish_backup(backup_, sha256_hex_of_file(file_));
  EXPECT_EQ(facts_of_backup(backup_).sha256_changed, sha256_hex_of_file(file_));
  put_back(file_, backup_);
  EXPECT_TRUE(bytes_of(file_) == before_);
  EXPECT_FALSE(holds_pages(backup_));
}

TEST_F(ChangedFileTest, UnfinishedAndWithHalfARecordGoesBack) {
  {
    ChangedFile changed(file_);
    changed.save_to(backup_);
    change(changed, 8000);  // what is still held gets lost
  }
  EXPECT_FALSE(bytes_of(file_) == before_);
  std::ofstream(backup_, std::ios::binary | std::ios::app) << std::string(1000, 'x');
  EXPECT_EQ(facts_of_backup(backup_).sha256_changed, "");
  put_back(file_, backup_);
  EXPECT_TRUE(bytes_of(file_) == before_);
}

TEST_F(ChangedFileTest, AbandonedWritesNothing) {
  ChangedFile changed(file_);
  changed.save_to(backup_);
  change(changed, 10);
  changed.abandon();
  const auto left = bytes_of(file_);
  changed.write(0, std::as_bytes(std::span("abc")));
  changed.resize(before_.size() + 1);
  changed.flush();
  EXPECT_TRUE(bytes_of(file_) == left);
  put_back(file_, backup_);
  EXPECT_TRUE(bytes_of(file_) == before_);
}

TEST_F(ChangedFileTest, RefusesAnotherFile) {
  std::ofstream(file_, std::ios::binary | std::ios::in | std::ios::out) << "changed by another program";
  EXPECT_THROW(put_back(file_, backup_), Error);
  fs::resize_file(file_, 100);
  EXPECT_THROW(put_back(file_, backup_), Error);
  EXPECT_EQ(fs::file_size(file_), 100);
  std::ofstream(backup_) << "text";
  EXPECT_THROW(facts_of_backup(backup_), Error);
}

}  // namespace
}  // namespace halobrush
