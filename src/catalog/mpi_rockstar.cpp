#include "mpi_rockstar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <regex>

#include <fmt/ranges.h>

#include "checks.hpp"
#include "h5.hpp"
#include "halobrush/catalog/units.hpp"
#include "halobrush/core/error.hpp"
#include "overdensity.hpp"

namespace halobrush::catalog {
namespace {

constexpr double magic = 0xfadedacec0c0d0d0, newest_revision = 2;
constexpr auto m200c = "mass_200c";  // beside the columns of halo_schema
constexpr double printed = 5e-6;     // a list shows less as 0

struct ChunkHeader {
  std::int64_t chunk = 0, chunks = 1, snapshot = 0;
  std::uint64_t rows = 0, all_rows = 0;
  Simulation simulation;
};

double number_of_chunk(const h5::Handle& header, const std::string& path, const char* name) {
  const auto values = h5::numbers_attribute(header, name);
  if (!values || values->size() != 1)
    throw data_error("{}: /Header has no number {}; fetch the file again", path, name);
  return values->front();
}

std::int64_t count_of_chunk(const h5::Handle& header, const std::string& path, const char* name, double least = 0) {
  const double value = number_of_chunk(header, path, name);
  if (!(value >= least && value < 0x1p53) || value != std::floor(value))
    throw data_error("{}: /Header: {} is {} (a whole number from {} on); fetch the file again", path, name, value, least);
  return static_cast<std::int64_t>(value);
}

// The header has single precision: 0.3089 is meant, not 0.30889999866.
double quantity_of_chunk(const h5::Handle& header, const std::string& path, const char* name) {
  const double value = number_of_chunk(header, path, name);
  if (!(value > 0) || !std::isfinite(value))
    throw data_error("{}: /Header: {} is {} (it is positive); fetch the file again", path, name, value);
  const auto text = fmt::format("{}", static_cast<float>(value));
  double shortest = value;
  std::from_chars(text.data(), text.data() + text.size(), shortest);
  return static_cast<float>(value) == value ? shortest : value;
}

ChunkHeader header_of_chunk(const h5::File& file, const std::string& path) {
  const auto header = h5::open_group(file.id(), "/Header");
  if (number_of_chunk(header, path, "Magic") != magic)
    throw data_error("{}: /Header: Magic is not that of Rockstar; the file is damaged, fetch it again", path);
  if (const double revision = number_of_chunk(header, path, "FormatRevision"); !(revision >= 1 && revision <= newest_revision))
    throw data_error("{}: /Header: FormatRevision is {}, and {} is the newest that is known here; write the catalog as a list "
                     "(OUTPUT_FORMAT = ASCII), or use a newer halobrush",
                     path, revision, newest_revision);
  constexpr std::int64_t most_chunks = 1'000'000;
  ChunkHeader chunk{count_of_chunk(header, path, "Chunk"), count_of_chunk(header, path, "TotalChunks", 1), count_of_chunk(header, path, "Snap"),
                    static_cast<std::uint64_t>(count_of_chunk(header, path, "NumberHalos")),
                    static_cast<std::uint64_t>(count_of_chunk(header, path, "TotalNumberHalos")), {}};
  if (chunk.chunk >= chunk.chunks || chunk.chunks > most_chunks || chunk.rows > chunk.all_rows)
    throw data_error("{}: /Header: chunk {} of {}, {} halos of {}; the file is damaged, fetch it again", path, chunk.chunk, chunk.chunks, chunk.rows,
                     chunk.all_rows);
  auto& simulation = chunk.simulation;
  simulation.box.fill(quantity_of_chunk(header, path, "BoxSize"));
  simulation.scale_factor = quantity_of_chunk(header, path, "ScaleFactor");
  simulation.omega_m = quantity_of_chunk(header, path, "Omega_m");
  simulation.omega_l = number_of_chunk(header, path, "Omega_L") == 0 ? 0 : quantity_of_chunk(header, path, "Omega_L");
  simulation.h = quantity_of_chunk(header, path, "h");
  simulation.particle_mass = quantity_of_chunk(header, path, "ParticleMass");
  return chunk;
}

// The main mass has a radius beside it: "vir" of Rvir, "200b" of R200b.
std::string definition_of_chunk(const h5::File& file, const std::string& path) {
  static const std::regex name("R(vir|[0-9]+[bcm])");
  std::vector<std::string> found;
  std::smatch part;
  for (const auto& member : h5::members(h5::open_group(file.id(), "/Subhalo")))
    if (std::regex_match(member, part, name)) found.push_back(part[1]);
  if (found.size() != 1)
    throw data_error("{}: /Subhalo has {} radii of a mass definition ({}; Rvir, R200b or the like is the main one); fetch the file again", path,
                     found.size(), fmt::join(found, ", "));
  return found.front();
}

// A dataset, and our columns of it: one, or three of a vector.
struct ChunkField {
  std::string dataset;
  std::vector<std::string> ours;
  std::string unit = {};  ///< ours; empty: it has none, or only its direction is used
  bool integer = false;
};

std::vector<ChunkField> fields_of_chunk(const h5::File& file, const std::string& definition, bool with_200c) {
  const auto here = [&](const std::string& dataset) { return h5::exists(file.id(), dataset); };
  std::vector<ChunkField> fields = {
      {"/Subhalo/ID", {"id"}, "", true},
      {here("/Subhalo/Mbound") ? "/Subhalo/Mbound" : "/Subhalo/M" + definition, {"mass"}, "Msun/h"},
      {"/Subhalo/R" + definition, {"radius"}, "Mpc/h"},
      {"/Subhalo/Position", {"x", "y", "z"}, "Mpc/h"},
      {"/Subhalo/Velocity", {"vx", "vy", "vz"}, "km/s"},
  };
  if (with_200c) fields.push_back({"/Subhalo/M200c", {m200c}, "Msun/h"});
  const std::vector<ChunkField> more = {
      {"/Subhalo/Vmax", {"vmax"}, "km/s"},
      {"/Subhalo/Vrms", {"vrms"}, "km/s"},
      {"/Subhalo/ScaleRadius", {"scale_radius"}, "Mpc/h"},
      {"/Subhalo/Spin", {"spin"}},
      {"/Subhalo/AngularMomentum", {"jx", "jy", "jz"}, "(Msun/h) (Mpc/h) (km/s) (physical)"},
      {"/Subhalo/NumberParticles", {"n_particles"}, "", true},
  };
  const std::vector<ChunkField> shape = {{"/Shape/IntermediateToMajorAxisRatio", {"b_to_a"}},
                                         {"/Shape/MinorToMajorAxisRatio", {"c_to_a"}},
                                         {"/Shape/MajorAxis", {"axis_x", "axis_y", "axis_z"}}};
  const auto there = [&](const ChunkField& field) { return here(field.dataset); };
  std::ranges::copy_if(more, std::back_inserter(fields), there);
  if (std::ranges::all_of(shape, there)) fields.insert(fields.end(), shape.begin(), shape.end());
  return fields;
}

bool has_column(const std::vector<ChunkField>& fields, const std::string& name) {
  return std::ranges::any_of(fields, [&](const auto& field) { return field.ours.front() == name; });
}

ColumnSpec spec_in_chunk(const std::string& name) {
  return name == m200c ? ColumnSpec{name, "Msun/h", "M200c"} : spec_of_halo_column(name);
}

// Single precision stays what it is, but for positions.
bool stays_single(const h5::Column& column, const std::string& name) {
  const h5::Handle type(H5Dget_type(column.id()), H5Tclose);
  return H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) <= sizeof(float) && name != "x" && name != "y" && name != "z";
}

double chunk_unit_factor(const std::string& path, const ChunkField& field, const h5::Column& column, const Simulation& simulation) {
  if (field.unit.empty()) return 1;
  const auto said = h5::text_attribute(column.id(), "Unit").value_or("");
  return unit_factor(fmt::format("{}: column '{}'", path, field.dataset), said, field.unit, {simulation.h, simulation.scale_factor});
}

// An open file with what is read of it.
struct OpenedChunk {
  OpenedChunk(std::size_t number, const std::string& at) : index(number), path(at), file(h5::File::open(at)), header(header_of_chunk(file, at)) {}

  void prepare(bool with_200c) {
    definition = definition_of_chunk(file, path);
    fields = fields_of_chunk(file, definition, with_200c);
    for (const auto& field : fields) {
      columns.emplace_back(file.id(), field.dataset);
      check_shape(field, columns.back());
      factors.push_back(chunk_unit_factor(path, field, columns.back(), header.simulation));
    }
  }

  void check_shape(const ChunkField& field, const h5::Column& column) const {
    const auto wanted = field.ours.size() == 1 ? std::vector{header.rows} : std::vector{header.rows, std::uint64_t{3}};
    if (column.shape() != wanted)
      throw data_error("{}: column '{}' has shape [{}], [{}] is needed (/Header: NumberHalos is {}); fetch the file again", path, field.dataset,
                       fmt::join(column.shape(), ", "), fmt::join(wanted, ", "), header.rows);
  }

  std::size_t index;
  std::string path;
  h5::File file;
  ChunkHeader header;
  std::string definition;
  std::vector<ChunkField> fields;
  std::vector<h5::Column> columns;
  std::vector<double> factors;
};

template <class ValueOf>
void put_numbers(Table& halos, const std::string& name, bool single, ValueOf&& value_of) {
  const auto fill = [&]<class T>(std::span<T> values) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(value_of(i));
  };
  if (single)
    fill(halos.add<float>(spec_in_chunk(name)));
  else
    fill(halos.add<double>(spec_in_chunk(name)));
}

void put_field(Table& halos, const ChunkField& field, const h5::Column& column, double factor, std::uint64_t first, std::uint64_t rows) {
  if (field.integer) return halos.add(spec_in_chunk(field.ours.front()), column.integers(first, rows));
  const auto values = field.ours.size() == 1 ? column.reals(first, rows) : column.numbers(first, rows);
  for (std::size_t k = 0; k < field.ours.size(); ++k)
    put_numbers(halos, field.ours[k], stays_single(column, field.ours[k]), [&](auto i) { return values[field.ours.size() * i + k] * factor; });
}

// Calls work(span) with the numbers of a column, whichever their width.
template <class Work>
void with_numbers(Table& halos, const std::string& name, Work&& work) {
  if (halos.is_single(name))
    work(halos.get<float>(name));
  else
    work(halos.get<double>(name));
}

template <class ValueOf>
void set_numbers(Table& halos, const std::string& name, ValueOf&& value_of) {
  with_numbers(halos, name, [&]<class T>(std::span<T> values) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(value_of(i));
  });
}

// As of a list: M200c where it was measured, and radii that enclose 200 times the critical density.
void take_mass_200c(Table& halos, const Simulation& simulation) {
  std::vector<double> mass;
  for (std::size_t i = 0; i < halos.rows(); ++i) mass.push_back(halos.reals(m200c)[i] > 0 ? halos.reals(m200c)[i] : halos.reals("mass")[i]);
  set_numbers(halos, "mass", [&](auto i) { return mass[i]; });
  set_numbers(halos, "radius", [&](auto i) { return radius_200c(mass[i], simulation); });
  halos.remove(m200c);
}

// The major axis has a length, whatever its attribute says. Returns how many halos have no shape.
std::uint64_t resolve_axes(Table& halos) {
  const auto resolved = halos.add<std::uint8_t>(spec_of_halo_column("shape_resolved"));
  const auto major = halos.vectors("axis_");
  const auto b_to_a = halos.reals("b_to_a"), c_to_a = halos.reals("c_to_a");
  std::vector<double> length;
  std::uint64_t shapeless = 0;
  for (std::size_t i = 0; i < halos.rows(); ++i) {
    length.push_back(major[i].stableNorm());
    resolved[i] = length[i] >= printed && b_to_a[i] >= printed && c_to_a[i] >= printed;
    shapeless += resolved[i] == 0;
  }
  for (const char* name : {"axis_x", "axis_y", "axis_z"})
    with_numbers(halos, name, [&]<class T>(std::span<T> axis) {
      for (std::size_t i = 0; i < axis.size(); ++i) axis[i] = resolved[i] ? static_cast<T>(static_cast<double>(axis[i]) / length[i]) : T{0};
    });
  for (const char* name : {"b_to_a", "c_to_a"})
    with_numbers(halos, name, [&]<class T>(std::span<T> ratio) {
      for (std::size_t i = 0; i < ratio.size(); ++i) ratio[i] = resolved[i] ? ratio[i] : T{0};
    });
  return shapeless;
}

class MpiRockstarHalos : public HaloFiles {
 public:
  MpiRockstarHalos(const std::vector<std::string>& paths, const ReadOptions& options) : paths_(paths), with_200c_(options.host_mass == "200c") {
    first_ = open(0).header;
    for (std::size_t i = 0; i < paths_.size() && fields_.empty(); ++i)
      if (const auto& chunk = open(i); !chunk.fields.empty()) describe(chunk);
    simulation_ = first_.simulation;
    simulation_.mass_definition = definition_.ends_with('m') ? definition_.substr(0, definition_.size() - 1) + "b" : definition_;
    if (with_200c_ && !definition_.empty()) simulation_.mass_definition = "200c";
    remark();
  }

  FileFacts look_at(std::size_t file) override {
    const auto& chunk = open(file);
    auto simulation = chunk.header.simulation;
    simulation.mass_definition = simulation_.mass_definition;
    require_same(chunk.path, simulation, paths_.front(), simulation_);
    for (const auto& [what, here, wanted] : {std::tuple("Snap", chunk.header.snapshot, first_.snapshot), {"TotalChunks", chunk.header.chunks, first_.chunks},
                                             {"TotalNumberHalos", static_cast<std::int64_t>(chunk.header.all_rows), static_cast<std::int64_t>(first_.all_rows)}})
      if (here != wanted)
        throw data_error("{}: /Header: {} is {}, but {} in {} (files of two catalogs or snapshots); give the files of one", chunk.path, what, here,
                         wanted, paths_.front());
    if (!chunk.fields.empty()) check_columns(chunk);
    return {chunk.header.rows, chunk.header.chunk};
  }

  void check_set(std::span<const FileFacts> files) const override {
    std::vector<std::size_t> file_of(static_cast<std::size_t>(first_.chunks), files.size());
    std::uint64_t rows = 0;
    for (std::size_t i = 0; i < files.size(); ++i) {
      auto& file = file_of[static_cast<std::size_t>(files[i].number)];
      if (file != files.size())
        throw data_error("{}: is chunk {} of the catalog, as {} is; give each once", paths_[i], files[i].number, paths_[file]);
      file = i;
      rows += files[i].rows;
    }
    if (const auto absent = std::ranges::find(file_of, files.size()); absent != file_of.end())
      throw data_error("{}: chunk {} of {} is absent ({} files are given; /Header: TotalChunks); give all of them", paths_.front(),
                       absent - file_of.begin(), first_.chunks, files.size());
    if (rows != first_.all_rows)
      throw data_error("{}: the {} files hold {} halos, but /Header says {} (TotalNumberHalos); fetch them again", paths_.front(), files.size(), rows,
                       first_.all_rows);
  }

  Table read(std::size_t file, std::uint64_t first, std::uint64_t rows) override {
    const auto& chunk = open(rows == 0 ? example_ : file);
    if (chunk.fields.empty()) return no_halos();
    Table halos;
    for (std::size_t i = 0; i < chunk.fields.size(); ++i) put_field(halos, chunk.fields[i], chunk.columns[i], chunk.factors[i], first, rows);
    check_halos(halos, simulation_, [&](std::size_t i) { return fmt::format("{}: row {}", chunk.path, first + i); });
    return completed(std::move(halos));
  }

  std::vector<std::string> remarks_on_rows(const Sum& sum) const override {
    const auto shapeless = sum(shapeless_), rows = sum(rows_);
    if (shapeless == 0) return {};
    return {fmt::format("{} of {} halos have no shape (MajorAxis or a ratio is 0)", shapeless, rows)};
  }

 private:
  // A file without halos may have no columns.
  const OpenedChunk& open(std::size_t file) {
    if (!opened_ || opened_->index != file) {
      opened_.reset();
      opened_.emplace(file, paths_[file]);
      if (opened_->header.rows > 0 || h5::exists(opened_->file.id(), "/Subhalo/ID")) opened_->prepare(with_200c_);
    }
    return *opened_;
  }

  void describe(const OpenedChunk& chunk) {
    example_ = chunk.index;
    definition_ = chunk.definition;
    fields_ = chunk.fields;
    singles_ = singles_of(chunk);
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      if (fields_[i].unit.empty()) continue;
      const auto said = h5::text_attribute(chunk.columns[i].id(), "Unit").value_or("");
      units_.push_back(fmt::format("{}: {} in '{}'{}", fmt::join(fields_[i].ours, ", "), fields_[i].dataset, said,
                                   chunk.factors[i] == 1 ? "" : fmt::format(" (times {:g})", chunk.factors[i])));
    }
  }

  void remark() {
    remarks_.push_back(fmt::format("{}MPI-Rockstar's HDF5 does not say which halos lie in others: every halo is taken for a host, satellites for "
                                   "centrals; Rockstar's find_parents adds PID to its list (OUTPUT_FORMAT = ASCII)",
                                   warning));
    if (has_column(fields_, "axis_x")) remarks_.emplace_back("the halos' major axes are known, the roll about them is not");
    if (with_200c_) remarks_.emplace_back("mass of hosts: M200c; radii enclose 200 times the critical density");
  }

  static std::vector<bool> singles_of(const OpenedChunk& chunk) {
    std::vector<bool> single;
    for (std::size_t i = 0; i < chunk.fields.size(); ++i) single.push_back(stays_single(chunk.columns[i], chunk.fields[i].ours.front()));
    return single;
  }

  void check_columns(const OpenedChunk& chunk) const {
    const auto refuse = [&](const std::string& dataset) {
      throw data_error("{}: has no column '{}', or of another type, unlike {} (files of two catalogs); give the files of one", chunk.path, dataset,
                       paths_[example_]);
    };
    const auto single = singles_of(chunk);
    if (chunk.definition != definition_) refuse("/Subhalo/R" + definition_);
    for (std::size_t i = 0; i < std::max(fields_.size(), chunk.fields.size()); ++i)
      if (i >= fields_.size() || i >= chunk.fields.size() || fields_[i].dataset != chunk.fields[i].dataset || single[i] != singles_[i])
        refuse(i < fields_.size() ? fields_[i].dataset : chunk.fields[i].dataset);
  }

  Table no_halos() const {
    Table halos;
    for (const auto& column : halo_schema())
      if (column.required && column.integer)
        halos.add<std::int64_t>(column.spec);
      else if (column.required)
        halos.add<double>(column.spec);
    halos.add<double>(spec_of_halo_column("bound_mass"));
    return halos;
  }

  // What follows from the columns of the file.
  Table completed(Table halos) {
    std::ranges::fill(halos.add<std::int64_t>(spec_of_halo_column("parent_id")), -1);
    const auto mass = halos.reals("mass");
    if (halos.has("jx"))
      add_reals(halos, spec_of_halo_column("specific_spin"), "jx", [&, spin = halos.vectors("j")](auto i) { return spin[i].stableNorm() / mass[i]; });
    add_reals(halos, spec_of_halo_column("bound_mass"), "mass", [&](auto i) { return mass[i]; });
    if (halos.has(m200c)) take_mass_200c(halos, simulation_);
    if (halos.has("axis_x")) shapeless_ += resolve_axes(halos);
    rows_ += halos.rows();
    return halos;
  }

  std::vector<std::string> paths_;
  bool with_200c_;
  ChunkHeader first_;
  std::size_t example_ = 0;  // a file with columns
  std::string definition_;
  std::vector<ChunkField> fields_;
  std::vector<bool> singles_;  // of each field, whether it has single precision
  std::optional<OpenedChunk> opened_;
  std::uint64_t shapeless_ = 0, rows_ = 0;
};

}  // namespace

bool is_mpi_rockstar(const std::string& path) {
  const auto file = h5::File::open(path);
  if (!h5::exists(file.id(), "/Header")) return false;
  const auto header = h5::open_group(file.id(), "/Header");
  return H5Aexists(header, "TotalChunks") > 0 && H5Aexists(header, "NumberHalos") > 0;
}

std::vector<std::string> mpi_rockstar_files(const std::string& path) {
  const auto header = header_of_chunk(h5::File::open(path), path);
  if (header.chunks == 1) return {path};
  static const std::regex name(R"((.*\.)([0-9]+)(\.hdf5|\.h5))");
  std::smatch part;
  if (!std::regex_match(path, part, name) || part[2] != std::to_string(header.chunk))
    throw data_error("{}: is chunk {} of {} by its /Header, but not by its name, as 'halos_0.{}.hdf5' is; keep the names, or give all files", path,
                     header.chunk, header.chunks, header.chunk);
  std::vector<std::string> files, absent;
  for (std::int64_t i = 0; i < header.chunks; ++i) {
    files.push_back(fmt::format("{}{}{}", part[1].str(), i, part[3].str()));
    if (std::error_code ignored; !std::filesystem::exists(files.back(), ignored)) absent.push_back(files.back());
  }
  if (!absent.empty())
    throw data_error("{}: is absent ({} of {} files of the catalog are, says {}); fetch them, too", absent.front(), absent.size(), files.size(), path);
  return files;
}

std::unique_ptr<HaloFiles> open_mpi_rockstar(const std::vector<std::string>& files, const ReadOptions& options) {
  return std::make_unique<MpiRockstarHalos>(files, options);
}

}  // namespace halobrush::catalog
