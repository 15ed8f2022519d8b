#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "halobrush/catalog/units.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/mpi/agree.hpp"
#include "table_file.hpp"

namespace halobrush::catalog {
namespace {

constexpr double neutrino_species = 3.046;  // OpenCosmo wants a number; ours are all massless

// ---- what stands beside the rows ----

void write_simulation(hid_t provenance, const Simulation& s) {
  const auto group = h5::create_group(provenance, "simulation");
  h5::write_attribute(group, "box", std::span<const double>(s.box));
  for (const auto& [name, value] : {std::pair{"scale_factor", s.scale_factor},
                                    {"omega_m", s.omega_m},
                                    {"omega_l", s.omega_l},
                                    {"h", s.h},
                                    {"omega_b", s.omega_b},
                                    {"sigma_8", s.sigma_8},
                                    {"n_s", s.n_s},
                                    {"particle_mass", s.particle_mass}})
    h5::write_attribute(group, name, value);
  if (!s.mass_definition.empty()) h5::write_attribute(group, "mass_definition", s.mass_definition);
}

double redshift_of(const Simulation& s) {
  return 1 / s.scale_factor - 1;
}

void write_opencosmo_header(hid_t file, const std::string& data_type, const Simulation& s) {
  const auto header = h5::create_group(file, "header");
  const auto about = h5::create_group(header, "file");
  h5::write_attribute(about, "origin", std::string("halobrush"));
  h5::write_attribute(about, "data_type", data_type);
  h5::write_attribute(about, "is_lightcone", false);
  h5::write_attribute(about, "redshift", redshift_of(s));
  h5::write_attribute(about, "unit_convention", std::string("scalefree"));
  h5::write_attribute(about, "region_p1", std::array{0., 0., 0.});
  h5::write_attribute(about, "region_p2", std::span<const double>(s.box));

  const auto simulation = h5::create_group(header, "simulation");
  const auto cosmology = h5::create_group(simulation, "cosmology");
  // A flat cosmology is recognised by an exact sum in floating point.
  const bool flat = std::abs(s.omega_m + s.omega_l - 1) < 1e-3;
  for (const auto& [name, value] : {std::pair{"h", s.h},
                                    {"omega_m", s.omega_m},
                                    {"omega_b", s.omega_b},
                                    {"omega_l", flat ? 1.0 - s.omega_m : s.omega_l},
                                    {"n_eff_massless", neutrino_species},
                                    {"sigma_8", s.sigma_8},
                                    {"w_0", -1.0},
                                    {"w_a", 0.0}})
    if (!std::isnan(value)) h5::write_attribute(cosmology, name, value);
}

// What GCRCatalogs compares with its YAML file.
void write_gcr_metadata(hid_t file, const Simulation& s) {
  const auto group = h5::create_group(file, "metaData");
  for (const auto& [name, value] :
       {std::pair{"versionMajor", 1}, {"versionMinor", 0}, {"versionMinorMinor", 0}})
    h5::write_scalar(group, name, std::int64_t{value});
  h5::write_scalar(group, "H_0", 100 * s.h);
  h5::write_scalar(group, "Omega_matter", s.omega_m);
  if (!std::isnan(s.omega_b)) h5::write_scalar(group, "Omega_b", s.omega_b);
  if (s.box[0] == s.box[1] && s.box[0] == s.box[2]) h5::write_scalar(group, "box_size", s.box[0]);
  h5::write_scalar(group, "redshift", redshift_of(s));
}

// Columns that only GCRCatalogs' snapshot reader asks for, under its own names; others need not see them
// twice.
bool is_for_gcr_only(const std::string& name) {
  static const std::array<std::string, 4> names = {"upid", "target_halo_id", "target_halo_mass", "obs_sm"};
  return std::ranges::find(names, name) != names.end();
}

/// @param gcr  GCRCatalogs' group, which gets a second name of every column; invalid in a halo catalog
std::vector<h5::Handle> create_columns(hid_t data, hid_t gcr, const Table& columns, std::uint64_t rows) {
  std::vector<h5::Handle> datasets;
  for (const auto& [spec, values] : columns.columns()) {
    const bool hidden = gcr >= 0 && is_for_gcr_only(spec.name);
    datasets.push_back(h5::create_column(hidden ? gcr : data, spec.name, values, rows));
    h5::write_attribute(datasets.back(), "unit", opencosmo_unit(spec.unit));
    h5::write_attribute(datasets.back(), "units", spec.unit);
    h5::write_attribute(datasets.back(), "description", spec.description);
    if (gcr >= 0 && !hidden) h5::link_hard(data, spec.name, gcr, spec.name);
  }
  return datasets;
}

// ---- rows ----

void check_cover(const std::vector<RowBlock>& blocks, std::uint64_t total_rows,
                 const mpi::Communicator& comm) {
  struct Range {
    std::uint64_t first, rows;
  };
  std::vector<Range> mine;
  for (const auto& block : blocks) mine.push_back({block.first_row, block.rows});
  auto all = comm.gather_all(std::span<const Range>(mine)).data;
  std::erase_if(all, [](const Range& range) { return range.rows == 0; });
  std::ranges::sort(all, {}, &Range::first);
  std::uint64_t next = 0;
  for (const auto& range : all) {
    if (range.first != next)
      throw internal_error("blocks of rows leave a gap or overlap at row {}", std::min(next, range.first));
    next += range.rows;
  }
  if (next != total_rows) throw internal_error("blocks hold {} rows of {}", next, total_rows);
}

Table load(const RowBlock& block, const Table& columns) {
  Table rows = block.load();
  Table same = columns.empty_like();
  same.append(rows.empty_like());  // throws where the columns differ
  if (rows.rows() != block.rows)
    throw internal_error("a block of {} rows at row {} holds {}", block.rows, block.first_row, rows.rows());
  return rows;
}

// At most what the file will take: the rows and, generously, what describes them.
std::uint64_t file_bytes(const MockHeader& header, const Table& columns, std::uint64_t total_rows) {
  constexpr std::uint64_t fixed = 64 << 10, each_column = 4 << 10, each_text = 1 << 10;
  std::uint64_t bytes = fixed;
  for (const auto& column : columns.columns())
    bytes +=
        each_column + std::visit([&](const auto& v) { return total_rows * sizeof(*v.data()); }, column.data);
  for (const auto& [name, text] : header.provenance) bytes += each_text + name.size() + text.size();
  return bytes;
}

// One block of each rank at a time: in memory at once, and in the collective calls of every rank.
void write_rows(const std::vector<h5::Handle>& datasets, const Table& columns,
                const std::vector<RowBlock>& blocks, const mpi::Communicator& comm) {
  const auto rounds = comm.max<std::uint64_t>(blocks.size());
  for (std::size_t round = 0; round < rounds; ++round) {
    const bool mine = round < blocks.size();
    const auto rows =
        mpi::agree(comm, [&] { return mine ? load(blocks[round], columns) : columns.empty_like(); });
    const auto first = mine ? blocks[round].first_row : 0;
    for (std::size_t c = 0; c < datasets.size(); ++c)
      mpi::together(comm, [&] { h5::write_slice(datasets[c], first, rows.columns()[c].data); });
  }
}

void fill(h5::File& file, const std::string& data_type, const MockHeader& header, const Table& columns,
          std::uint64_t total_rows, const std::vector<RowBlock>& blocks, const mpi::Communicator& comm) {
  h5::Handle provenance, data, gcr;
  std::vector<h5::Handle> datasets;
  mpi::together(comm, [&] {
    write_opencosmo_header(file.id(), data_type, header.simulation);
    write_gcr_metadata(file.id(), header.simulation);
    provenance = h5::create_group(file.id(), "provenance");
    for (const auto& [name, text] : header.provenance) h5::write_attribute(provenance, name, text);
    write_simulation(provenance, header.simulation);
    data = h5::create_group(file.id(), "data");
    if (data_type == galaxy_data_type) gcr = h5::create_group(file.id(), "galaxyProperties");
    datasets = create_columns(data, gcr, columns, total_rows);
  });
  if (total_rows > 0) write_rows(datasets, columns, blocks, comm);
  mpi::together(comm, [&] { h5::write_attribute(provenance, "complete", std::int64_t{1}); });
}

}  // namespace

void write_table_file(const std::string& path, const std::string& data_type, const MockHeader& header,
                      const Table& columns, std::uint64_t total_rows, const std::vector<RowBlock>& blocks,
                      const mpi::Communicator& comm) {
  check_cover(blocks, total_rows, comm);
  const auto target = mpi::agree(comm, [&] { return behind_links(path); });  // a link stays one
  const auto partial = target.string() + ".partial";
  mpi::agree(comm, [&] {
    if (comm.root()) create_empty(partial);
  });
  std::optional<h5::File> file;
  try {
    file = mpi::together(comm, [&] { return h5::File::create(partial, comm); });
    mpi::agree(comm, [&] {
      if (comm.root()) reserve(partial, file_bytes(header, columns, total_rows));
    });
    fill(*file, data_type, header, columns, total_rows, blocks, comm);
    mpi::together(comm, [&] { file->close(); });
    mpi::agree(comm, [&] {
      if (comm.root()) publish(partial, target);
    });
  } catch (const Error&) {
    // The same error is on its way on every rank, so closing, which is collective, is safe here.
    file.reset();
    std::error_code ignored;
    if (comm.root()) std::filesystem::remove(partial, ignored);
    throw;
  }
}

}  // namespace halobrush::catalog
