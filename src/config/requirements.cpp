#include "halobrush/config/requirements.hpp"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "halobrush/core/error.hpp"
#include "halobrush/core/text.hpp"

namespace halobrush::config {
namespace {

template <class T>
void set(const YAML::Node& node, T& target) {
  target = node.as<T>();
}
template <class T>
void set(const YAML::Node& node, std::optional<T>& target) {
  target = node.as<T>();
}

// Reads maps with known keys; what it cannot read it keeps as problems.
class Reader {
 public:
  using Fields = std::map<std::string, std::function<void(const YAML::Node&)>>;

  explicit Reader(std::string where) : where_(std::move(where)) {}

  template <class T>
  static std::function<void(const YAML::Node&)> into(T& target) {
    return [&target](const YAML::Node& node) { set(node, target); };
  }

  void read(const YAML::Node& node, const std::string& section, const Fields& fields) {
    if (!node.IsMap()) return problem(node, section, "must hold 'key: value'");
    std::vector<std::string> known;
    for (const auto& [name, field] : fields) known.push_back(name);
    for (const auto& item : node) {
      const auto name = item.first.IsNull()     ? "null"  // the name of a section, which YAML takes for nothing
                        : item.first.IsScalar() ? item.first.Scalar()
                                                : "[...]";
      const auto field = fields.find(name);
      if (field == fields.end()) {
        problem(item.first, section + name, "unknown key" + nearest_hint(name, known));
        continue;
      }
      try {
        field->second(item.second);
      } catch (const YAML::Exception&) {
        problem(item.first, section + name, "the value is of the wrong type");
      }
    }
  }

  void problem(const YAML::Node& node, const std::string& name, const std::string& text) {
    problems_ += fmt::format("{}{}:{}: {}: {}; see docs/validation.md", problems_.empty() ? "" : "\n", where_,
                             node.Mark().line + 1, name, text);
  }
  void finish() const {
    if (!problems_.empty()) throw Error(ExitCode::config, problems_);
  }

 private:
  std::string where_, problems_;
};

// Nothing below a section requires nothing; a number or a text there would do the same without a word.
bool has_items(Reader& reader, const YAML::Node& node, const std::string& section, bool list) {
  if (node.IsNull()) return false;
  if (list ? node.IsSequence() : node.IsMap()) return true;
  reader.problem(node, section, list ? "must be a list of requirements ('- {of: ...}')" : "must hold 'column: {...}'");
  return false;
}

void read_columns(Reader& reader, const YAML::Node& node, Requirements& out) {
  if (!has_items(reader, node, "columns", false)) return;
  for (const auto& item : node) {
    ColumnRequirement r;
    r.column = item.first.as<std::string>();
    reader.read(item.second, "columns." + r.column + ".",
                {{"range", Reader::into(r.range)},
                 {"mean", Reader::into(r.mean)},
                 {"std", Reader::into(r.std)},
                 {"nan", Reader::into(r.nan)},
                 {"optional", Reader::into(r.optional)}});
    out.columns.push_back(r);
  }
}

void read_catalog(Reader& reader, const YAML::Node& node, CatalogRequirement& r) {
  reader.read(node, "catalog.",
              {{"unique_ids", Reader::into(r.unique_ids)},
               {"positions_in_box", Reader::into(r.positions_in_box)},
               {"hosts_present", Reader::into(r.hosts_present)},
               {"right_handed_axes", Reader::into(r.right_handed_axes)},
               {"ordered_ratios", Reader::into(r.ordered_ratios)},
               {"orthonormal_axes", Reader::into(r.orthonormal_axes)},
               {"out_of_distribution", Reader::into(r.out_of_distribution)}});
}

void read_statistics(Reader& reader, const YAML::Node& node, const std::string& section,
                     std::vector<StatisticRequirement>& out) {
  if (!has_items(reader, node, section, true)) return;
  for (const auto& item : node) {
    StatisticRequirement r;
    reader.read(item, section + ".",
                {{"of", Reader::into(r.of)},
                 {"selections", Reader::into(r.selections)},
                 {"chi2_per_dof", Reader::into(r.chi2_per_dof)},
                 {"p_value", Reader::into(r.p_value)},
                 {"pooled_chi2_per_dof", Reader::into(r.pooled_chi2_per_dof)},
                 {"ratio", Reader::into(r.ratio)},
                 {"r", Reader::into(r.r)},
                 {"optional", Reader::into(r.optional)}});
    if (r.of.empty()) reader.problem(item, section + ".of", "names no statistic");
    if (!r.chi2_per_dof && !r.pooled_chi2_per_dof && !r.p_value && !r.ratio)
      reader.problem(item, section, "states no limit (chi2_per_dof, pooled_chi2_per_dof, p_value or ratio)");
    out.push_back(r);
  }
}

void read_misalignments(Reader& reader, const YAML::Node& node, std::vector<MisalignmentRequirement>& out) {
  if (!has_items(reader, node, "misalignments", true)) return;
  for (const auto& item : node) {
    MisalignmentRequirement r;
    reader.read(item, "misalignments.",
                {{"of", Reader::into(r.of)},
                 {"selections", Reader::into(r.selections)},
                 {"p_value", Reader::into(r.p_value)},
                 {"ks", Reader::into(r.ks)},
                 {"optional", Reader::into(r.optional)}});
    if (r.of.empty()) reader.problem(item, "misalignments.of", "names no angle");
    if (!r.p_value && !r.ks) reader.problem(item, "misalignments", "states no limit (p_value or ks)");
    out.push_back(r);
  }
}

void read_detected(Reader& reader, const YAML::Node& node, std::vector<DetectionRequirement>& out) {
  if (!has_items(reader, node, "detected", true)) return;
  for (const auto& item : node) {
    DetectionRequirement r;
    reader.read(item, "detected.",
                {{"of", Reader::into(r.of)},
                 {"selections", Reader::into(r.selections)},
                 {"significance", Reader::into(r.significance)},
                 {"r", Reader::into(r.r)},
                 {"optional", Reader::into(r.optional)}});
    if (r.of.empty()) reader.problem(item, "detected.of", "names no statistic");
    if (!(r.significance > 0)) reader.problem(item, "detected.significance", "must be > 0");
    out.push_back(r);
  }
}

void read_amplitudes(Reader& reader, const YAML::Node& node, std::vector<AmplitudeRequirement>& out) {
  if (!has_items(reader, node, "amplitudes", true)) return;
  for (const auto& item : node) {
    AmplitudeRequirement r;
    reader.read(item, "amplitudes.",
                {{"larger", Reader::into(r.larger)},
                 {"smaller", Reader::into(r.smaller)},
                 {"optional", Reader::into(r.optional)}});
    if (r.larger.empty() || r.smaller.empty())
      reader.problem(item, "amplitudes", "must name two sub-samples (larger, smaller)");
    out.push_back(r);
  }
}

void read_distributions(Reader& reader, const YAML::Node& node, std::vector<DistributionRequirement>& out) {
  if (!has_items(reader, node, "distributions", true)) return;
  for (const auto& item : node) {
    DistributionRequirement r;
    reader.read(
        item, "distributions.",
        {{"of", Reader::into(r.of)}, {"ks", Reader::into(r.ks)}, {"optional", Reader::into(r.optional)}});
    if (r.of.empty()) reader.problem(item, "distributions.of", "names no column");
    out.push_back(r);
  }
}

}  // namespace

Requirements parse_requirements(const std::string& text, const std::string& where) {
  YAML::Node root;
  try {
    const auto documents = YAML::LoadAll(text);
    if (documents.size() > 1)
      throw config_error("{}:{}: a second document begins ('---') and would not be read; keep one", where,
                         documents[1].Mark().line + 1);
    if (!documents.empty()) root = documents[0];
  } catch (const YAML::Exception& error) {
    throw config_error("{}:{}: not valid YAML ({}); check indentation and quotes", where, error.mark.line + 1,
                       printable(error.msg));
  }
  Requirements out;
  if (root.IsNull()) return out;
  Reader reader(where);
  reader.read(
      root, "",
      {{"columns", [&](const YAML::Node& n) { read_columns(reader, n, out); }},
       {"catalog", [&](const YAML::Node& n) { read_catalog(reader, n, out.catalog); }},
       {"statistics", [&](const YAML::Node& n) { read_statistics(reader, n, "statistics", out.statistics); }},
       {"null", [&](const YAML::Node& n) { read_statistics(reader, n, "null", out.null); }},
       {"misalignments", [&](const YAML::Node& n) { read_misalignments(reader, n, out.misalignments); }},
       {"distributions", [&](const YAML::Node& n) { read_distributions(reader, n, out.distributions); }},
       {"detected", [&](const YAML::Node& n) { read_detected(reader, n, out.detected); }},
       {"amplitudes", [&](const YAML::Node& n) { read_amplitudes(reader, n, out.amplitudes); }},
       {"targets",
        [&](const YAML::Node& n) {
          reader.read(n, "targets.", {{"chi2_per_dof", Reader::into(out.target_chi2_per_dof)}});
        }},
       {"ellipticities",
        [&](const YAML::Node& n) { reader.read(n, "ellipticities.", {{"ks", Reader::into(out.ellipticity_ks)}}); }},
       {"two_sample_accuracy", Reader::into(out.two_sample_accuracy)}});
  reader.finish();
  return out;
}

Requirements load_requirements(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (!file || !(text << file.rdbuf()))
    throw config_error("validate.requirements: {}: cannot be read; give the path of a YAML file", path);
  return parse_requirements(text.str(), path);
}

const std::string& default_requirements() {
  static const std::string text =
      R"(# What 'halobrush validate' requires unless validate.requirements names another file (docs/validation.md).
# optional: passed over where the catalog has nothing to measure; without it, that is a failure.
columns:
  x: {nan: 0}
  y: {nan: 0}
  z: {nan: 0}
  log_stellar_mass: {range: [3, 14], std: [0.05, 3], nan: 0, optional: true}
  color_gr: {range: [-1, 2.5], std: [0.01, 1], nan: 0, optional: true}
  log_size: {range: [-2, 3], std: [0.01, 2], nan: 0, optional: true}
  b_to_a: {range: [0, 1], std: [0.005, 0.5], nan: 0, optional: true}
  c_to_a: {range: [0, 1], std: [0.005, 0.5], nan: 0, optional: true}
  ellipticity: {range: [0, 1], std: [0.005, 0.5], nan: 0, optional: true}

catalog:
  unique_ids: true
  positions_in_box: true
  hosts_present: true
  orthonormal_axes: 1.0e-4
  right_handed_axes: true
  ordered_ratios: true
  out_of_distribution: 0.1

# Against every reference. The errors are those of the difference (jackknife of mock minus reference).
statistics:
  - {of: [ed_A, ee_A, wgplus], selections: [all, red, blue, central, satellite], p_value: 0.001, pooled_chi2_per_dof: 1.2,
     optional: true}
  - {of: [xi, wgg], selections: [all], ratio: [0.9, 1.1], r: [1, 20], optional: true}

# Which way galaxies point: the angles of their major and minor axes to the halo's major axis and spin, to the host's centre
# (satellites) and to the tidal field's axes. The errors are those of the difference here, too.
misalignments:
  - {of: [major_halo_axis, minor_halo_spin, major_host, minor_host, major_stretching, minor_compressing],
     selections: [central, satellite, red, blue], p_value: 1.0e-4, ks: 0.05, optional: true}

# Zero by symmetry under reflection.
null:
  - {of: [wgcross], selections: [all], p_value: 0.001, optional: true}

distributions:
  - {of: [log_stellar_mass, color_gr, log_size, b_to_a, c_to_a, ellipticity], ks: 0.05, optional: true}
  - {of: [log_halo_mass], ks: 0.02, optional: true}

# Of every vector of validate.targets and every list of validate.ellipticities.
targets: {chi2_per_dof: 1.2}
ellipticities: {ks: 0.03}
)";
  return text;
}

const std::string& lensing_requirements() {
  static const std::string text =
      R"(# What 'halobrush validate' requires of a mock for lensing, by validate.requirements: lensing (docs/validation.md).
columns:
  x: {nan: 0}
  y: {nan: 0}
  z: {nan: 0}
  b_to_a: {range: [0, 1], nan: 0}
  c_to_a: {range: [0, 1], nan: 0}
  ellipticity_1: {range: [-1, 1], nan: 0}
  ellipticity_2: {range: [-1, 1], nan: 0}
  ellipticity: {range: [0, 1], std: [0.005, 0.5], nan: 0}

catalog:
  unique_ids: true
  positions_in_box: true
  hosts_present: true
  orthonormal_axes: 1.0e-4
  right_handed_axes: true
  ordered_ratios: true
  out_of_distribution: 0.1

# Red galaxies point at others.
detected:
  - {of: [wgplus, xi_gplus_2], selections: [red], r: [1, 21], significance: 5}

# The alignment amplitude A_1 of red galaxies is larger than that of blue ones.
amplitudes:
  - {larger: red, smaller: blue}

# Zero by symmetry under reflection.
null:
  - {of: [wgcross], selections: [all], p_value: 0.001}

# Of every vector of validate.targets and every list of validate.ellipticities.
targets: {chi2_per_dof: 1.2}
ellipticities: {ks: 0.03}
)";
  return text;
}

}  // namespace halobrush::config
