// Columns of numbers in tables of other programs: FITS, HDF5 and CSV, told apart by content.
#pragma once

#include <string>
#include <vector>

namespace halobrush::catalog {

/// The named columns as [columns][rows] numbers, NaN where a cell is empty. FITS: the first table of the
/// file; HDF5: one-dimensional datasets at the top or in /data; CSV: names in the first line, commas or
/// blanks between the cells. Not collective. Throws io_error (unreadable), data_error naming the column and
/// the nearest one there is.
std::vector<std::vector<double>> read_number_columns(const std::string& path,
                                                     const std::vector<std::string>& names);

}  // namespace halobrush::catalog
