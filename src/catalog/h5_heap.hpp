// The global heap of an HDF5 file, where texts of variable length lie, looked at before HDF5 reads it: HDF5 1.10 copies as many
// bytes as a text's own size says into a buffer of the size that the attribute says, and so destroys its memory in damaged files.
#pragma once

#include <string>

namespace halobrush::catalog::h5 {

/// Throws data_error where a text in one of the file's collections of texts ("GCOL", HDF5 File Format Specification 3.0, III.E) reaches
/// beyond it. Looks at the first and the last megabyte, where attributes of a header have theirs, at a file once: every rank of a large run does.
void check_heaps(const std::string& path);

}  // namespace halobrush::catalog::h5
