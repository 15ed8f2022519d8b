#include "compaso.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "asdf.hpp"
#include "checks.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/mpi/agree.hpp"
#include "share.hpp"

namespace halobrush::catalog {
namespace {

constexpr auto id_column = "id", particles_column = "N", position_column = "x_L2com", velocity_column = "v_L2com",
               vmax_column = "vcirc_max_L2com", dispersion_column = "sigmav3d_L2com", radius_column = "SO_radius",
               axes_column = "sigmar_eigenvecs_L2com_u16", lengths_column = "sigmar_L2com_i16";
constexpr unsigned azimuths = 45, steps = 11, caps = 12;  // of Euler16

struct Needed {
  const char* name;
  const char* type;
  std::uint64_t width;
};
constexpr std::array<Needed, 9> needed_columns = {{{id_column, "uint64", 1},
                                           {particles_column, "uint32", 1},
                                           {position_column, "float32", 3},
                                           {velocity_column, "float32", 3},
                                           {vmax_column, "float32", 1},
                                           {dispersion_column, "float32", 1},
                                           {radius_column, "float32", 1},
                                           {axes_column, "uint16", 1},
                                           {lengths_column, "int16", 3}}};

// A file with what it says of itself.
struct SlabFile {
  AsdfFile asdf;
  Simulation simulation;
  double velocity_km_s = 1;  ///< unit of velocities
  std::uint64_t rows = 0;
};

double number_in_header(const AsdfFile& file, const std::string& key, bool may_be_zero = false) {
  const auto found = file.header.find(key);
  if (found == file.header.end())
    throw data_error("{}: its header does not say {}; give a file of halos as AbacusSummit writes them", file.path,
                     key);
  const auto& text = found->second;
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size() || !std::isfinite(value) || value < 0 ||
      (value == 0 && !may_be_zero))
    throw data_error("{}: header: {} is '{}' (a number{}); fetch the file again", file.path, key, text,
                     may_be_zero ? "" : " above 0");
  return value;
}

Simulation simulation_in_header(const AsdfFile& file) {
  Simulation simulation;
  simulation.box.fill(number_in_header(file, "BoxSizeHMpc"));
  const double redshift = number_in_header(file, "Redshift", true);
  simulation.scale_factor = number_in_header(file, "ScaleFactor");
  if (std::abs(simulation.scale_factor * (1 + redshift) - 1) > 1e-3)
    throw data_error("{}: header: ScaleFactor is {}, but Redshift is {}; fetch the file again", file.path,
                     simulation.scale_factor, redshift);
  simulation.omega_m = number_in_header(file, "Omega_M");
  simulation.omega_l = number_in_header(file, "Omega_DE", true);
  simulation.h = number_in_header(file, "H0") / 100;
  simulation.particle_mass = number_in_header(file, "ParticleMassHMsun");
  // Of the mean density, and of another redshift another number: CompaSO's is that of a virialised sphere, rescaled.
  simulation.mass_definition = fmt::format("{:.0f}b", number_in_header(file, "SODensityL1"));
  return simulation;
}

SlabFile slab_file(const std::string& path) {
  SlabFile slab{read_asdf(path), {}, 1, 0};
  std::vector<std::string> absent;
  for (const auto& [name, type, width] : needed_columns)
    if (!slab.asdf.columns.contains(name)) absent.emplace_back(name);
  if (!absent.empty())
    throw data_error(
        "{}: no column {} (CompaSO's halo_info files have them); give the halos as AbacusSummit writes them, and not a "
        "light cone",
        path, fmt::join(absent, ", "));
  slab.rows = slab.asdf.columns.at(id_column).rows();
  for (const auto& [name, type, width] : needed_columns)
    if (const auto& column = slab.asdf.columns.at(name);
        column.rows() != slab.rows || column.width() != width || column.type != type)
      throw data_error(
          "{}: column '{}' has {} rows of {} numbers of type {} ({} of {}, {} are needed); fetch the file again", path,
          name, column.rows(), column.width(), column.type, slab.rows, width, type);
  slab.simulation = simulation_in_header(slab.asdf);
  slab.velocity_km_s = number_in_header(slab.asdf, "VelZSpace_to_kms");
  return slab;
}

std::vector<SlabFile> slab_files(const std::vector<std::string>& paths) {
  std::vector<SlabFile> slabs;
  for (const auto& path : paths) {
    slabs.push_back(slab_file(path));
    require_same(path, slabs.back().simulation, paths.front(), slabs.front().simulation);
  }
  return slabs;
}

// The rows of a file, in blocks.
class SlabRows {
 public:
  explicit SlabRows(const SlabFile& slab) : slab_(slab) {
    for (const auto& column : needed_columns) readers_.emplace_back(slab.asdf, column.name);
  }

  // Throws data_error where one is damaged.
  void check_columns() {
    for (auto& column : readers_) column.check();
  }

  Table next(std::uint64_t rows) {
    const auto ids = reader(id_column).next<std::uint64_t>(rows);
    Table halos;
    halos.resize(rows);
    const auto id = halos.add<std::int64_t>(spec_of_halo_column("id"));
    for (std::size_t i = 0; i < rows; ++i)
      id[i] = static_cast<std::int64_t>(ids[i]);  // beyond 2^63 negative, which is refused
    std::ranges::fill(halos.add<std::int64_t>(spec_of_halo_column("parent_id")), -1);
    add_masses(halos);
    add_positions(halos);
    add_scaled(halos, {"vx", "vy", "vz"}, velocity_column, slab_.velocity_km_s);
    add_scaled(halos, {"vmax"}, vmax_column, slab_.velocity_km_s);
    add_scaled(halos, {"vrms"}, dispersion_column, slab_.velocity_km_s);
    add_shapes(halos);
    check_halos(halos, slab_.simulation, [&](std::size_t i) { return fmt::format("{}: row {}", slab_.asdf.path, first_row_ + i); });
    first_row_ += rows;
    return halos;
  }

  std::uint64_t shapeless() const { return shapeless_; }

 private:
  AsdfReader& reader(const std::string& name) {
    return readers_[static_cast<std::size_t>(
        std::ranges::find_if(needed_columns, [&](const auto& column) { return name == column.name; }) - needed_columns.begin())];
  }

  void add_masses(Table& halos) {
    const auto particles = reader(particles_column).next<std::int64_t>(halos.rows());
    const auto mass = halos.add<double>(spec_of_halo_column("mass"));
    for (std::size_t i = 0; i < halos.rows(); ++i)
      mass[i] = static_cast<double>(particles[i]) * slab_.simulation.particle_mass;
    add_scaled(halos, {"radius"}, radius_column, slab_.simulation.box[0]);
    std::ranges::copy(mass, halos.add<double>(spec_of_halo_column("bound_mass")).begin());
    std::ranges::copy(particles, halos.add<std::int64_t>(spec_of_halo_column("n_particles")).begin());
  }

  void add_scaled(Table& halos, const std::vector<std::string>& ours, const std::string& theirs, double unit) {
    const auto values = reader(theirs).next<float>(halos.rows());
    for (std::size_t k = 0; k < ours.size(); ++k) {
      const auto column = halos.add<float>(spec_of_halo_column(ours[k]));
      for (std::size_t i = 0; i < halos.rows(); ++i) column[i] = static_cast<float>(values[ours.size() * i + k] * unit);
    }
  }

  // In the file the box has side 1, and its middle is at 0.
  void add_positions(Table& halos) {
    const auto values = reader(position_column).next<float>(halos.rows());
    for (std::size_t k = 0; k < 3; ++k) {
      const double side = slab_.simulation.box[k];
      const auto column = halos.add<double>(spec_of_halo_column(std::string(1, "xyz"[k])));
      for (std::size_t i = 0; i < halos.rows(); ++i) {
        const double x = values[3 * i + k] * side;
        column[i] = x < 0 && x >= -side / 2 ? x + side : x;
      }
    }
  }

  void add_shapes(Table& halos) {
    const auto packed = reader(axes_column).next<std::int64_t>(halos.rows());
    const auto lengths = reader(lengths_column).next<float>(halos.rows());  // from the major to the minor axis
    std::vector<std::span<float>> columns;
    for (const char* name : {"b_to_a", "c_to_a", "axis_x", "axis_y", "axis_z"})
      columns.push_back(halos.add<float>(spec_of_halo_column(name)));
    const auto resolved = halos.add<std::uint8_t>(spec_of_halo_column("shape_resolved"));
    for (std::size_t i = 0; i < halos.rows(); ++i) {
      const float major = lengths[3 * i], middle = lengths[3 * i + 1], minor = lengths[3 * i + 2];
      resolved[i] = minor > 0 && middle >= minor && major >= middle && packed[i] < azimuths * steps * steps * caps;
      shapeless_ += resolved[i] == 0;
      if (resolved[i] == 0) continue;
      const auto axis = major_axis_of_euler16(static_cast<unsigned>(packed[i]));
      columns[0][i] = middle / major, columns[1][i] = minor / major;
      for (int k = 0; k < 3; ++k) columns[static_cast<std::size_t>(2 + k)][i] = static_cast<float>(axis[k]);
    }
  }

  const SlabFile& slab_;
  std::vector<AsdfReader> readers_;
  std::uint64_t first_row_ = 0, shapeless_ = 0;
};

// Calls `take` with blocks of a file's rows, and the number of rows handed out; returns the halos without a shape.
template <class Take>
std::uint64_t read_slab(const SlabFile& slab, Take&& take) {
  constexpr std::uint64_t block_rows = 1 << 17;
  SlabRows rows(slab);
  rows.check_columns();
  for (std::uint64_t done = 0; done < slab.rows;) {
    const auto count = std::min(block_rows, slab.rows - done);
    done += count;
    take(rows.next(count), done);
  }
  return rows.shapeless();
}

Table without_rows(const SlabFile& slab) {
  return SlabRows(slab).next(0);
}

std::vector<std::string> remarks_on_compaso() {
  return {"halos as CompaSO found them: the cleaning tables of AbacusSummit are not applied",
          "masses are those of the particles of a halo, which others may have taken from its sphere; axes are known to "
          "about 4 degrees"};
}

class CompasoSource : public HaloSource {
 public:
  CompasoSource(Input from, const mpi::Communicator& comm)
      : HaloSource(std::move(from)), slabs_(mpi::agree(comm, [&] { return slab_files(input().catalog.files); })) {
    header_ = {mpi::agree(comm, [&] { return without_rows(slabs_.front()); }), slabs_.front().simulation,
               input().source, remarks_on_compaso()};
  }

  double rows() const override {
    double all = 0;
    for (const auto& slab : slabs_) all += static_cast<double>(slab.rows);
    return all;
  }

  // Every file is read by one rank: its columns can only be inflated from their beginning on.
  void read(const Take& take, const mpi::Communicator& comm) override {
    std::uint64_t shapeless = 0, rows = 0;
    mpi::agree(comm, [&] {
      std::vector<std::uint64_t> sizes;
      for (const auto& slab : slabs_) sizes.push_back(slab.rows);
      const auto ranks = deal(sizes, comm.size());
      std::uint64_t all = 0;
      for (std::size_t i = 0; i < slabs_.size(); ++i)
        if (ranks[i].begin == comm.rank()) all += slabs_[i].rows;
      for (std::size_t i = 0; i < slabs_.size(); ++i) {
        if (ranks[i].begin != comm.rank()) continue;
        shapeless += read_slab(slabs_[i], [&](Table halos, std::uint64_t done) {
          take(std::move(halos), static_cast<double>(rows + done) / static_cast<double>(all));
        });
        rows += slabs_[i].rows;
      }
    });
    shapeless = comm.sum(shapeless);
    rows = comm.sum(rows);
    if (shapeless > 0) header_.remarks.push_back(fmt::format("{} of {} halos have no shape", shapeless, rows));
  }

 private:
  std::vector<SlabFile> slabs_;
};

}  // namespace

// Facts of the packing: a cap of twelve (an axis of the box and the side towards which the vector leans), a step of
// 11^2 in it, and an azimuth of the minor axis, which is not needed.
Vec3 major_axis_of_euler16(unsigned packed) {
  constexpr double norm = 1.8477590650225735;  // 2 cos(pi / 8)
  const unsigned cell = packed / azimuths, cap = cell / (steps * steps), in_cap = cell % (steps * steps);
  const auto ring = static_cast<unsigned>(std::sqrt(static_cast<double>(in_cap)));
  const double t = (ring + 0.5) / steps / norm, along = (in_cap - ring * ring + 0.5) / (ring + 0.5) - 1;
  const double y = t * std::sqrt(2 - t * t) / (1 - t * t), x = along * y;
  const Vec3 direction = Vec3(1, y, x).normalized();  // towards the cap's axis, to its side, and across
  const auto axis = static_cast<int>(cap / 4), side = static_cast<int>(cap % 4);
  const double sign = side % 2 == 0 ? 1 : -1;
  Vec3 major;
  major[axis] = direction[0];
  major[(axis + (side < 2 ? 1 : 2)) % 3] = sign * direction[1];
  major[(axis + (side < 2 ? 2 : 1)) % 3] = direction[2];
  return major;
}

bool is_compaso(const std::string& path) {
  try {
    const auto file = read_asdf(path);
    return file.columns.contains(position_column) && file.columns.contains(particles_column);
  } catch (const Error&) {
    return true;
  }
}

std::unique_ptr<HaloSource> open_compaso(Input input, const mpi::Communicator& comm) {
  return std::make_unique<CompasoSource>(std::move(input), comm);
}

HaloHeader read_compaso_header(const Input& input) {
  const auto slabs = slab_files(input.catalog.files);
  HaloHeader header{slabs.front().simulation, input.source, {}, 0, true, remarks_on_compaso()};
  for (const auto& slab : slabs) header.rows += slab.rows;
  const auto none = without_rows(slabs.front());
  for (const auto& column : none.columns()) header.columns.push_back(column.spec.name);
  header.units = {
      fmt::format("x, y, z: {} in sides of the box, whose middle is at 0", position_column),
      fmt::format("vx, vy, vz: {} in {:g} km/s", velocity_column, slabs.front().velocity_km_s),
      fmt::format("mass: {} in particles of {:g} Msun/h", particles_column, slabs.front().simulation.particle_mass),
      fmt::format("radius: {} in sides of the box", radius_column)};
  return header;
}

Table sample_compaso(const Input& input, const HaloHeader& said) {
  constexpr std::uint64_t most = 1'000'000;
  if (said.rows > most) return {};
  Table all;
  for (const auto& slab : slab_files(input.catalog.files)) {
    if (all.columns().empty()) all = without_rows(slab);
    read_slab(slab, [&](Table halos, std::uint64_t) { all.append(halos); });
  }
  return all;
}

}  // namespace halobrush::catalog
