// How rows get from the ranks onto the disk, whatever the layout of the file.
#pragma once

#include <string>
#include <vector>

#include "layout.hpp"

namespace halobrush::catalog {

/// @collective As write_mock.
std::vector<std::string> write_file(const std::string& path, const Layout& layout, const MockHeader& header,
                                    const Table& columns, std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                                    const WriteOptions& options, const mpi::Communicator& comm);

}  // namespace halobrush::catalog
