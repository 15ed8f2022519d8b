// Columns of HDF5 files of any layout, by a map from our names to theirs.
#pragma once

#include <map>
#include <string>

#include "halobrush/catalog/table.hpp"
#include "halobrush/mpi/communicator.hpp"

namespace halobrush::catalog {

/// Where a column comes from, `dataset`, `dataset[k]` (component k of an [n,m] dataset), either followed by
/// `* number` (a change of units).
using ColumnMap = std::map<std::string, std::string>;

/// @collective Every rank its share of rows, consecutive in rank order. Integers come as int64, booleans as
/// uint8, numbers with a factor or a component as double. Throws data_error naming file, column and dataset
/// where one is absent, of another shape or length, config_error where a source cannot be understood.
Table read_mapped(const std::string& path, const ColumnMap& columns, const mpi::Communicator& comm);

}  // namespace halobrush::catalog
