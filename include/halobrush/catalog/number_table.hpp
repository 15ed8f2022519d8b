// Columns of numbers in tables of other programs: FITS, HDF5 and CSV, told apart by content.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace halobrush::catalog {

/// The named columns, numbers as [columns][rows], NaN where a cell is empty.
struct IdTable {
  std::vector<std::int64_t> ids;
  std::vector<std::vector<double>> columns;
};

/// FITS: the first table of the file, gzipped or not; HDF5: one-dimensional datasets at the top or in /data;
/// text, gzipped or not: names in the first line that is no comment, commas, semicolons, tabs or blanks between
/// the cells. File names are taken as they are. Ids are whole numbers, not negative, exact: integers, floats below
/// 2^53 (32 bits: 2^24), or text. Not collective. Throws io_error (unreadable), data_error naming the column and
/// the nearest one there is, the row, or the shape of a column with several numbers a row.
IdTable read_id_table(const std::string& path, const std::string& id, const std::vector<std::string>& columns);

}  // namespace halobrush::catalog
