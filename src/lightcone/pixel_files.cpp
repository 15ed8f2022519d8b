#include "pixel_files.hpp"

#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <span>

#include "halobrush/catalog/sky_pixels.hpp"
#include "halobrush/core/error.hpp"

namespace halobrush::lightcone {
namespace {

constexpr int level_of_files = 5;                  // nside 32: 3.36 square degrees, as cosmoDC2 has them
constexpr int level_of_area = level_of_files + 5;  // 1024 points in each, to see how much of it is covered
constexpr const char* name_template = "z_{}_{}.step_all.healpix_{}.hdf5";

// Of a pixel, by the points in it.
double area_of(const Sky& sky, std::int64_t pixel) {
  constexpr double reach = 0.05;  // radians from the middle of a pixel to its corners, at most
  const catalog::SkyPixels pixels(level_of_files), points(level_of_area);
  const double whole_sky = Sky::full().area();
  if (sky.is_full()) return whole_sky / static_cast<double>(pixels.cells());
  if (!sky.may_hold(pixels.direction_of(pixel), reach)) return 0;
  constexpr std::int64_t count = std::int64_t{1} << 2 * (level_of_area - level_of_files);
  std::int64_t held = 0;
  for (auto point = pixel * count; point < (pixel + 1) * count; ++point) held += sky.holds(points.direction_of(point)) ? 1 : 0;
  return whole_sky * static_cast<double>(held) / static_cast<double>(points.cells());
}

// GCRCatalogs finds one digit each.
std::string name_of(const Cone& cone, std::int64_t ring_number) {
  const double from = std::min(std::floor(cone.redshifts[0]), 9.), to = std::min(std::max(std::ceil(cone.redshifts[1]), from + 1), 9.);
  return fmt::format(fmt::runtime(name_template), from, to, ring_number);
}

}  // namespace

std::vector<PixelFile> pixel_files(const Cone& cone, const std::vector<std::uint64_t>& rows_of_cell) {
  const catalog::SkyPixels pixels(level_of_files);
  const auto cells_of_file = rows_of_cell.size() / pixels.cells();
  std::vector<PixelFile> files;
  std::uint64_t first = 0;
  for (std::size_t pixel = 0; pixel < pixels.cells(); ++pixel) {
    const auto cells = std::span(rows_of_cell).subspan(pixel * cells_of_file, cells_of_file);
    const auto rows = std::accumulate(cells.begin(), cells.end(), std::uint64_t{0});
    const double area = area_of(cone.sky, static_cast<std::int64_t>(pixel));
    if (rows > 0 || area > 0) {
      const auto number = pixels.ring_number(static_cast<std::int64_t>(pixel));
      files.push_back({name_of(cone, number), number, first, rows, area, pixel * cells_of_file, cells_of_file});
    }
    first += rows;
  }
  if (files.empty()) throw config_error("lightcone.radius: the cone is so small that it covers no pixel of files; use lightcone.files: one");
  return files;
}

std::string gcr_configuration(const Cone& cone, const std::vector<PixelFile>& files, const std::string& folder) {
  const auto& s = cone.snapshots.front().header.simulation;
  std::vector<std::int64_t> pixels;
  for (const auto& file : files) pixels.push_back(file.pixel);
  std::ranges::sort(pixels);
  std::string text = "# GCRCatalogs.load_catalog_from_config_dict(yaml.safe_load(open(THIS FILE))); after moving the folder, change catalog_root_dir.\n";
  text += "subclass_name: cosmodc2.DiffSkyGalaxyCatalog\n";
  text += "catalog_root_dir: " + YAML::Dump(YAML::Node(std::filesystem::absolute(folder).lexically_normal().string())) + "\n";
  text += fmt::format("catalog_filename_template: '{}'\n", name_template);
  text += "lightcone: true\nversion: 1.0.0\ncheck_md5: false\ncheck_size: false\n";
  text += fmt::format("cosmology: {{H0: {}, Om0: {}, Ob0: {}, sigma8: {}, n_s: {}}}\n", 100 * s.h, s.omega_m, s.omega_b, s.sigma_8, s.n_s);
  text += fmt::format("sky_area: {}\nhealpix_pixels: {}\n", cone.sky.area(), pixels);
  if (!s.mass_definition.empty()) text += fmt::format("halo_mass_def: M{}\n", s.mass_definition);
  return text;
}

}  // namespace halobrush::lightcone
