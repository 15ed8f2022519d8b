// Files that survive a crash: flushed to the disk before they get their name. Errors carry the system's
// reason and a cure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "halobrush/core/error.hpp"

namespace halobrush {

/// `path: cannot be written (reason); cure` for an errno value.
Error cannot_write(const std::filesystem::path& path, int reason);

/// Where a file lies that is opened under this name: links are followed, also one to a file that is not there yet.
/// Throws io_error for links without an end.
std::filesystem::path behind_links(const std::filesystem::path& path);

/// Throws io_error where the file system of a folder (or of the nearest one above that exists) has fewer bytes free.
void require_space(const std::filesystem::path& folder, double bytes);

/// Whether both lie on one file system.
bool same_file_system(const std::filesystem::path& a, const std::filesystem::path& b);

/// Creates or empties a file, to learn early whether that is possible.
void create_empty(const std::filesystem::path& path);

/// Claims disk space for a file to come, so that a full disk is an error before anything is read for it, and not in the
/// middle of a collective write, where Open MPI 4.1 fails on one rank and leaves the others waiting.
void reserve(const std::filesystem::path& path, std::uint64_t bytes);
/// Gives back what was claimed behind its end.
void release(const std::filesystem::path& path);

/// Returns when the disk has what was written to a file on this node.
void flush(const std::filesystem::path& path);

/// Lets the disk begin with what was written to a file on this node, without waiting for it; where the system cannot, later.
void begin_flush(const std::filesystem::path& path);

/// Writes `<path>.tmp` and publishes it as `path`.
void write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// The same of a text; where `path` is a link, what it points to is replaced.
void write_durably(const std::filesystem::path& path, const std::string& text);

/// Flushes `from` and renames it to `to` in the same folder, for good.
void publish(const std::filesystem::path& from, const std::filesystem::path& to);

/// Appends a line and flushes it, a new file with its folder. What a crash left of an earlier line is ended first, so that it spoils no
/// other.
void append_line_durably(const std::filesystem::path& path, const std::string& line);

}  // namespace halobrush
