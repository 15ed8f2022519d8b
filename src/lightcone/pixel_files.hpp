// A light cone in files by pixel of the sky, as GCRCatalogs reads them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "snapshots.hpp"

namespace halobrush::lightcone {

struct PixelFile {
  std::string name;
  std::int64_t pixel = 0;             ///< HEALPix, nside 32, in ring order
  std::uint64_t first = 0, rows = 0;  ///< of the light cone
  double area = 0;                    ///< square degrees that the light cone covers of it
  std::size_t first_cell = 0, cells = 0;  ///< those of the light cone's index that are in it
};

/// A file for each pixel that the light cone covers, also where it holds no galaxies.
/// @param rows_of_cell  of the whole light cone, by finer pixels (catalog/sky_pixels.hpp)
std::vector<PixelFile> pixel_files(const Cone& cone, const std::vector<std::uint64_t>& rows_of_cell);

/// What GCRCatalogs opens a folder of these files with.
std::string gcr_configuration(const Cone& cone, const std::vector<PixelFile>& files, const std::string& folder);

}  // namespace halobrush::lightcone
