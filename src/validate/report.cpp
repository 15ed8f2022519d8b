#include "report.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "distributions.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/version.hpp"

namespace halobrush::validate {
namespace {

using Json = nlohmann::ordered_json;  // NaN becomes null

Json to_json(const Statistic& s) {
  Json json = {{"edges", s.edges}, {"value", s.value}, {"error", s.error}, {"pairs", s.pairs}};
  if (s.pi_max) json["pi_max"] = *s.pi_max;
  json["selection"] = s.selection == "all" ? "all" : s.cut;
  return json;
}

Json to_json(const Misalignment& m) {
  return {{"mean_cos2", m.value}, {"error", m.error},   {"galaxies", m.galaxies},
          {"edges", m.edges},     {"counts", m.counts}, {"selection", m.selection == "all" ? "all" : m.cut}};
}

Json to_json(const Distribution& d) {
  return {{"edges", d.edges}, {"value", d.value}, {"error", d.error}, {"counts", d.counts}, {"unit", d.unit}};
}

Json to_json(const Moments& m) {
  return {{"min", m.min}, {"max", m.max}, {"mean", m.mean}, {"std", m.std}, {"nan", m.nan}};
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const CatalogFacts& f) {
  return {{"outside_box", f.outside_box},
          {"repeated_ids", optional_json(f.repeated_ids)},
          {"missing_hosts", optional_json(f.missing_hosts)},
          {"gram_deviation", optional_json(f.gram_deviation)},
          {"left_handed", optional_json(f.left_handed)},
          {"unordered_ratios", optional_json(f.unordered_ratios)},
          {"out_of_distribution", optional_json(f.out_of_distribution)}};
}

Json to_json(const NlaFit& f) {
  return {{"A_1", f.amplitude}, {"A_1_error", f.amplitude_error}, {"bias", f.bias}, {"bias_error", f.bias_error},
          {"chi2", f.chi2},     {"dof", f.dof},                   {"selection", f.selection == "all" ? "all" : f.cut}};
}

Json to_json(const Nla& nla) {
  if (!nla.model) return nullptr;
  Json json = {{"edges", nla.model->edges}, {"w_mm", nla.model->w_mm},   {"w_nla", nla.model->w_nla},
               {"growth", nla.model->growth}, {"k_min", nla.model->k_min}, {"cosmology", nla.cosmology}};
  json["fits"] = Json::object();
  for (const auto& f : nla.fits) json["fits"][f.selection] = to_json(f);
  return json;
}

Json to_json(const TargetComparison& t) {
  return {{"file", t.file},       {"r", t.r},       {"value", t.value}, {"error", t.error},
          {"mock", t.mock},       {"mock_error", t.mock_error},
          {"chi2", t.chi2},       {"dof", t.dof},   {"chi2_per_dof", t.chi2 / t.dof}};
}

Json to_json(const EllipticityComparison& e) {
  return {{"file", e.file},           {"ks", e.ks},        {"ks_chance", e.ks_chance},
          {"galaxies", e.galaxies}, {"listed", e.listed}};
}

Json to_json(const Measurement& m) {
  Json json = {{"path", m.path},
               {"galaxies", m.galaxies},
               {"box", m.box},
               {"scale_factor", m.scale_factor},
               {"omega_m", m.omega_m},
               {"h", m.h},
               {"facts", to_json(m.facts)}};
  json["columns"] = Json::object();
  json["distributions"] = Json::object();
  json["statistics"] = Json::object();
  for (const auto& [name, moments] : m.columns) json["columns"][name] = to_json(moments);
  for (const auto& d : m.distributions) json["distributions"][d.full_name()] = to_json(d);
  json["misalignments"] = Json::object();
  for (const auto& s : m.statistics) json["statistics"][s.full_name()] = to_json(s);
  for (const auto& a : m.misalignments) json["misalignments"][a.full_name()] = to_json(a);
  json["nla"] = to_json(m.nla);
  if (!m.targets.empty()) json["targets"] = Json::object();
  for (const auto& t : m.targets) json["targets"][t.statistic] = to_json(t);
  if (!m.ellipticities.empty()) json["ellipticities"] = Json::object();
  for (const auto& e : m.ellipticities) json["ellipticities"][e.selection] = to_json(e);
  return json;
}

Json to_json(const Comparison& c) {
  return {{"chi2", c.chi2},
          {"dof", c.dof},
          {"chi2_per_dof", c.chi2 / c.dof},
          {"p_value", c.p_value},
          {"ratio", c.ratio}};
}

Json to_json(const MisalignmentComparison& c) {
  return {{"difference", c.difference},
          {"error", c.error},
          {"p_value", c.p_value},
          {"ks", c.ks},
          {"ks_chance", c.ks_chance}};
}

Json to_json(const KsTest& t) {
  return {{"column", t.column},
          {"galaxies", t.galaxies},
          {"distance", t.distance},
          {"n_mock", t.n_mock},
          {"n_reference", t.n_reference}};
}

Json to_json(const TwoSampleTest& t) {
  return {{"galaxies", t.galaxies}, {"accuracy", t.accuracy}, {"error", t.error}, {"n", t.n}};
}

Json to_json(const Reference& r) {
  Json json = to_json(r.measurement);
  json["comparable"] = r.comparable;
  json["comparisons"] = Json::object();
  for (const auto& c : r.comparisons) json["comparisons"][c.statistic] = to_json(c);
  json["misalignment_comparisons"] = Json::object();
  for (const auto& c : r.misalignments) json["misalignment_comparisons"][c.misalignment] = to_json(c);
  json["ks"] = Json::array();
  for (const auto& t : r.ks) json["ks"].push_back(to_json(t));
  json["two_sample_accuracy"] = optional_json(r.two_sample_accuracy);
  json["two_sample"] = Json::array();
  for (const auto& t : r.two_sample) json["two_sample"].push_back(to_json(t));
  return json;
}

Json to_json(const Requirement& r) {
  Json json = {{"name", r.name}, {"value", r.value}};
  json["limit"] = r.limit.size() == 1 ? Json(r.limit.front()) : Json(r.limit);
  json["sense"] = r.sense;
  json["pass"] = r.pass;
  if (!r.note.empty()) json["note"] = r.note;
  return json;
}

void add_arrays(std::vector<catalog::ResultArray>& arrays, const std::string& group, const Measurement& m) {
  for (const auto& s : m.statistics) {
    const auto at = group + "statistics/" + s.full_name() + "/";
    const auto bins = static_cast<std::uint64_t>(s.value.size());
    const catalog::Attributes about = {{"selection", s.selection == "all" ? "all" : s.cut}};
    arrays.push_back({at + "edges", {bins + 1}, s.edges, {{"unit", "Mpc/h"}}});
    arrays.push_back({at + "value", {bins}, s.value, about});
    arrays.push_back({at + "error", {bins}, s.error});
    arrays.push_back({at + "pairs", {bins}, s.pairs, {{"meaning", "ordered pairs i != j"}}});
    if (s.pi_max) arrays.push_back({at + "pi_max", {1}, {*s.pi_max}, {{"unit", "Mpc/h"}}});
    if (!s.covariance.empty())
      arrays.push_back({at + "covariance", {bins, bins}, s.covariance, {{"meaning", "jackknife"}}});
    std::vector<double> samples;
    for (const auto& sample : s.leave_one_out) samples.insert(samples.end(), sample.begin(), sample.end());
    if (!samples.empty())
      arrays.push_back({at + "leave_one_out", {s.leave_one_out.size(), bins}, std::move(samples)});
  }
  for (const auto& a : m.misalignments) {
    const auto at = group + "misalignments/" + a.full_name() + "/";
    const auto bins = static_cast<std::uint64_t>(a.counts.size());
    arrays.push_back({at + "mean_cos2", {1}, {a.value}});
    arrays.push_back({at + "error", {1}, {a.error}});
    arrays.push_back({at + "galaxies", {1}, {a.galaxies}});
    arrays.push_back({at + "edges", {bins + 1}, a.edges, {{"meaning", "|cos|"}}});
    arrays.push_back({at + "counts", {bins}, a.counts});
    if (!a.leave_one_out.empty())
      arrays.push_back({at + "leave_one_out", {a.leave_one_out.size()}, a.leave_one_out});
  }
  for (const auto& d : m.distributions) {
    const auto at = group + "distributions/" + d.full_name() + "/";
    const auto bins = static_cast<std::uint64_t>(d.value.size());
    arrays.push_back({at + "edges", {bins + 1}, d.edges});
    arrays.push_back({at + "value", {bins}, d.value, {{"unit", d.unit}}});
    arrays.push_back({at + "error", {bins}, d.error});
    arrays.push_back({at + "counts", {bins}, d.counts});
  }
}

// ---- the page ----

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string base64(const std::string& bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (int shift = 18; shift >= 0; shift -= 6) out += digits[word >> shift & 63];
  }
  for (std::size_t missing = (3 - bytes.size() % 3) % 3, k = 1; k <= missing; ++k) out[out.size() - k] = '=';
  return out;
}

std::string number(double x) {
  return std::isnan(x) ? "–" : fmt::format("{:.4g}", x);
}

std::string limit_text(const Requirement& r) {
  if (r.limit.size() == 2) return fmt::format("in [{:.4g}, {:.4g}]", r.limit[0], r.limit[1]);
  return fmt::format("{} {:.4g}", r.sense == "<=" ? "≤" : "≥", r.limit[0]);
}

// Those that hold, or those that do not.
std::string requirements_table(const std::vector<Requirement>& requirements, bool hold) {
  std::string html = "<table><tr><th></th><th>requirement</th><th>value</th><th>limit</th></tr>\n";
  for (const auto& r : requirements)
    if (r.pass == hold)
      html += fmt::format("<tr class={}><td>{}</td><td>{}{}</td><td>{}</td><td>{}</td></tr>\n",
                          r.pass ? "pass" : "fail", r.pass ? "PASS" : "FAIL", escaped(r.name),
                          r.note.empty() ? "" : " (" + escaped(r.note) + ")", number(r.value), limit_text(r));
  return html + "</table>\n";
}

// What does not hold is seen at once; what holds is folded.
std::string requirements_section(const std::vector<Requirement>& requirements) {
  const auto passed = std::ranges::count(requirements, true, &Requirement::pass);
  std::string html;
  if (passed < std::ssize(requirements)) html += "<h2>Requirements that do not hold</h2>\n" + requirements_table(requirements, false);
  return html + fmt::format("<details><summary>{} requirements that hold</summary>\n{}</details>\n", passed, requirements_table(requirements, true));
}

// The words of this page; docs/concepts.md and docs/statistics.md say more.
std::string words() {
  static const std::vector<std::pair<const char*, const char*>> all = {
      {"ed_A, ω(r)", "ellipticity–direction correlation: ⟨cos²⟩ − 1/3 of the angle between a galaxy's major axis (A; B, C: the others) and the direction to another at distance r"},
      {"ee_A, η(r)", "ellipticity–ellipticity correlation: the same between the axes of two galaxies"},
      {"wgplus, wgcross", "w_g+, w_g× [Mpc/h]: projected correlation of positions with shapes, along the line between two galaxies and at 45° to it (zero by symmetry)"},
      {"wpp, wgg", "w_++, w_gg [Mpc/h]: projected correlations of shapes with shapes, of positions with positions"},
      {"xi, xi_gplus_2, xi_gplus_4", "ξ(r) of positions; quadrupole and hexadecapole of ξ_g+, the correlation of positions with shapes in three dimensions"},
      {"misalignment", "angle between an axis of a galaxy and one of its halo, of its host's direction or of the tidal field; ⟨cos²⟩ is 1/3 where the two do not know of each other"},
      {"χ²/dof, p-value", "χ² for each degree of freedom of the difference, with its own jackknife covariance; how often two mocks of one law differ by as much"},
      {"jackknife", "errors from leaving out one sub-box after the other"},
      {"KS", "Kolmogorov–Smirnov distance: the largest difference of two cumulative distributions"},
      {"A_1, b", "amplitude of the nonlinear alignment model, galaxy bias"},
      {"C2ST", "classifier two-sample test: how often a classifier tells a galaxy of the mock from one of the reference; 0.5 is guessing"}};
  std::string html = "<h2>Words</h2>\n<dl>\n";
  for (const auto& [word, meaning] : all) html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", word, meaning);
  return html + "</dl>\n";
}

std::string comparisons_table(const Reference& reference) {
  std::string html =
      "<table><tr><th>statistic</th><th>χ²</th><th>dof</th><th>χ²/dof</th><th>p-value</th><th>ratio</th></"
      "tr>\n";
  for (const auto& c : reference.comparisons)
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        escaped(c.statistic), number(c.chi2), number(c.dof), number(c.chi2 / c.dof),
                        number(c.p_value), number(c.ratio));
  return html + "</table>\n";
}

// Rows: columns; columns: all galaxies and bins of halo mass. Beyond what chance allows: in bold.
std::string distributions_table(const Reference& reference) {
  std::vector<std::string> samples, columns;
  for (const auto& t : reference.ks) {
    if (std::ranges::find(samples, t.galaxies) == samples.end()) samples.push_back(t.galaxies);
    if (std::ranges::find(columns, t.column) == columns.end()) columns.push_back(t.column);
  }
  std::string html = "<table><tr><th>KS distance</th>";
  for (const auto& sample : samples) html += "<th>" + escaped(sample) + "</th>";
  html += "</tr>\n";
  for (const auto& column : columns) {
    html += "<tr><td>" + escaped(column) + "</td>";
    for (const auto& sample : samples) {
      const auto t = std::ranges::find_if(
          reference.ks, [&](const KsTest& k) { return k.column == column && k.galaxies == sample; });
      if (t == reference.ks.end()) {
        html += "<td>–</td>";
        continue;
      }
      const std::string tag = t->distance > ks_allowance(t->n_mock, t->n_reference) ? "b" : "span";
      html += fmt::format("<td><{0}>{1}</{0}></td>", tag, number(t->distance));
    }
    html += "</tr>\n";
  }
  return html +
         "</table>\n<p>Bold: two samples of one population differ by more once in a thousand times.</p>\n";
}

std::string two_sample_table(const Reference& reference) {
  if (reference.two_sample.empty()) return {};
  std::string html =
      "<table><tr><th>classifier of mock against reference</th><th>accuracy (0.5: alike)</th>"
      "<th>error</th><th>galaxies</th></tr>\n";
  for (const auto& t : reference.two_sample)
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.0f}</td></tr>\n", escaped(t.galaxies),
                        number(t.accuracy), number(t.error), t.n);
  return html + "</table>\n";
}

// What the angles are called in words.
std::string angle_in_words(const std::string& name) {
  static const std::map<std::string, std::string> words = {
      {"major_halo_axis", "major axis and the halo's major axis"},
      {"minor_halo_spin", "minor axis and the halo's spin"},
      {"major_host", "major axis and the direction to the host halo's centre"},
      {"minor_host", "minor axis and the direction to the host halo's centre"},
      {"major_stretching", "major axis and the axis along which the tidal field stretches"},
      {"minor_compressing", "minor axis and the axis along which the tidal field compresses"}};
  const auto found = words.find(name);
  return found == words.end() ? name : found->second;
}

std::string with_error(double value, double error) {
  return std::isnan(error) ? number(value) : fmt::format("{:.4f} ± {:.4f}", value, error);
}

// Mean and distribution of an angle in one reference beside the mock's.
std::string compared_cells(const Misalignment& mock, const Reference& reference) {
  const auto& all = reference.measurement.misalignments;
  const auto other = std::ranges::find(all, mock.full_name(), &Misalignment::full_name);
  const auto found = std::ranges::find(reference.misalignments, mock.full_name(),
                                       &MisalignmentComparison::misalignment);
  if (other == all.end() || found == reference.misalignments.end())
    return "<td>–</td><td>–</td><td>–</td><td>–</td>";
  const std::string tag = found->ks > found->ks_chance ? "b" : "span";
  return fmt::format("<td>{0}</td><td>{1}</td><td>{2}</td><td><{3}>{4}</{3}></td>",
                     with_error(other->value, other->error),
                     with_error(found->difference, found->error), number(found->p_value), tag,
                     number(found->ks));
}

// The mock beside every reference, angle by angle.
std::string misalignments_table(const Report& report) {
  if (report.mock.misalignments.empty()) return "<p>The catalog lacks what angles are measured from.</p>\n";
  std::string html =
      "<p>θ is the angle between an axis of a galaxy and a direction of its surroundings. The mean of cos² θ is 1 "
      "where both are parallel, 1/3 where they know nothing of each other, 0 where they are perpendicular. "
      "p-value: how often two mocks of one law differ by as much. KS distance: of the distributions of |cos θ|; "
      "bold where two samples of one population differ by more once in a thousand times.</p>\n"
      "<table><tr><th>angle between a galaxy's …</th><th>of</th><th>galaxies</th><th>mean cos² θ</th>";
  for (const auto& r : report.references)
    html += fmt::format("<th>in {}</th><th>difference</th><th>p-value</th><th>KS distance</th>",
                        escaped(std::filesystem::path(r.measurement.path).filename().string()));
  html += "</tr>\n";
  for (const auto& m : report.mock.misalignments) {
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.0f}</td><td>{}</td>", angle_in_words(m.name),
                        escaped(m.selection), m.galaxies, with_error(m.value, m.error));
    for (const auto& r : report.references) html += compared_cells(m, r);
    html += "</tr>\n";
  }
  return html + "</table>\n";
}

std::string amplitude_cells(const NlaFit& f) {
  return fmt::format("<td>{}</td><td>{}</td><td>{}</td>", with_error(f.amplitude, f.amplitude_error),
                     with_error(f.bias, f.bias_error), number(f.chi2 / f.dof));
}

// A_1 and bias of every sub-sample, in the mock beside every reference.
std::string amplitudes_table(const Report& report) {
  const auto& nla = report.mock.nla;
  if (!nla.model) return {};
  std::string html = fmt::format(
      "<p>Nonlinear alignment model: w_g+ = b A<sub>1</sub> w_nla and w_gg = b² w_mm, fitted together to {:.3g} &lt; r_p &lt; {:.3g} "
      "Mpc/h with the jackknife covariance. A<sub>1</sub> is that of the mean shear ⟨ε⟩, |ε| = (1−q)/(1+q), with C<sub>1</sub>ρ_crit = "
      "0.0134; positive: galaxies point at overdensities. Matter power: HMcode-2020 by CAMB, σ<sub>8</sub> = {}, growth D = {}.</p>\n"
      "<table><tr><th>of</th><th>A<sub>1</sub></th><th>bias b</th><th>χ²/dof</th>",
      nla.model->edges.front(), nla.model->edges.back(), number(nla.cosmology.at("sigma_8")), number(nla.model->growth));
  for (const auto& r : report.references)
    html += fmt::format("<th>A<sub>1</sub> in {}</th><th>b</th><th>χ²/dof</th>",
                        escaped(std::filesystem::path(r.measurement.path).filename().string()));
  html += "</tr>\n";
  for (const auto& fit : nla.fits) {
    html += "<tr><td>" + escaped(fit.selection) + "</td>" + amplitude_cells(fit);
    for (const auto& r : report.references) {
      const auto& fits = r.measurement.nla.fits;
      const auto other = std::ranges::find(fits, fit.selection, &NlaFit::selection);
      html += amplitude_cells(other == fits.end() ? NlaFit{} : *other);
    }
    html += "</tr>\n";
  }
  return html + "</table>\n";
}

std::string targets_table(const std::vector<TargetComparison>& targets) {
  if (targets.empty()) return {};
  std::string html =
      "<table><tr><th>statistic</th><th>published vector</th><th>bins</th><th>from</th><th>to [Mpc/h]</th><th>χ²/dof</th></tr>\n";
  for (const auto& t : targets)
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.0f}</td><td>{:.3g}</td><td>{:.3g}</td><td>{}</td></tr>\n",
                        escaped(t.statistic), escaped(t.file), t.dof, t.r.front(), t.r.back(), number(t.chi2 / t.dof));
  return html + "</table>\n<p>From, to: centres of the first and the last bin.</p>\n";
}

std::string ellipticities_table(const std::vector<EllipticityComparison>& all) {
  if (all.empty()) return {};
  std::string html =
      "<table><tr><th>|ε| of</th><th>observed</th><th>galaxies</th><th>listed</th><th>KS distance</th><th>two samples of one "
      "population differ by more once in a thousand times</th></tr>\n";
  for (const auto& e : all)
    html += fmt::format("<tr><td>{}</td><td>{}</td><td>{:.0f}</td><td>{:.0f}</td><td>{}</td><td>{}</td></tr>\n",
                        escaped(e.selection), escaped(e.file), e.galaxies, e.listed, number(e.ks), number(e.ks_chance));
  return html + "</table>\n";
}

std::string lensing_section(const Report& report) {
  const auto tables =
      amplitudes_table(report) + targets_table(report.mock.targets) + ellipticities_table(report.mock.ellipticities);
  return tables.empty() ? tables : "<h2>Alignment for lensing</h2>\n" + tables;
}

std::string statistic_table(const Statistic& s) {
  std::string html = fmt::format(
      "<details><summary>{}</summary><table><tr><th>from</th><th>to [Mpc/h]</th>"
      "<th>value</th><th>error</th><th>ordered pairs</th></tr>\n",
      escaped(s.full_name()));
  for (std::size_t i = 0; i < s.value.size(); ++i)
    html += fmt::format("<tr><td>{:.3g}</td><td>{:.3g}</td><td>{}</td><td>{}</td><td>{:.0f}</td></tr>\n",
                        s.edges[i], s.edges[i + 1], number(s.value[i]), number(s.error[i]), s.pairs[i]);
  return html + "</table></details>\n";
}

std::string catalog_line(const Measurement& m) {
  return fmt::format("{}: {} galaxies, box {:g} × {:g} × {:g} Mpc/h, a = {}, Ω<sub>m</sub> = {}, h = {}",
                     escaped(m.path), m.galaxies, m.box[0], m.box[1], m.box[2], number(m.scale_factor),
                     number(m.omega_m), number(m.h));
}

std::string figure_html(const std::string& folder, const Figure& figure) {
  std::ifstream file(folder + "/" + figure.file, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return fmt::format(
      "<figure><img alt='{0}' src='data:image/png;base64,{1}'><figcaption>{0}</figcaption></figure>\n",
      escaped(figure.caption), base64(bytes));
}

constexpr const char* style = R"(
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #111; background: #fff }
table { border-collapse: collapse; margin: .5em 0 } th, td { padding: .15em .8em .15em 0; text-align: left; border-bottom: 1px solid #ddd }
td:nth-child(n+2) { font-variant-numeric: tabular-nums }
.verdict { font-size: 1.6em; font-weight: bold } .fail td:first-child, .verdict.fail { color: #a33000; font-weight: bold }
.pass td:first-child, .verdict.pass { color: #00558c } img { max-width: 100% } figure { margin: 1.2em 0 } figcaption { color: #444 }
pre { background: #f4f4f4; padding: .7em; overflow-x: auto } dt { font-weight: bold } summary { cursor: pointer } @media print { details { display: none } })";

}  // namespace

bool Report::pass() const {
  return std::ranges::all_of(requirements, &Requirement::pass);
}

void write_json(const std::string& path, const Report& report) {
  Json json = {{"halobrush", version()}};
  json["mock"] = report.mock.path;
  json["mocks"] = report.mocks;
  json.update(to_json(report.mock));
  json["references"] = Json::array();
  for (const auto& reference : report.references) json["references"].push_back(to_json(reference));
  json["remarks"] = report.remarks;
  json["requirements"] = Json::array();
  for (const auto& r : report.requirements) json["requirements"].push_back(to_json(r));
  json["pass"] = report.pass();
  write_durably(path, json.dump(1) + "\n");
}

void write_hdf5(const std::string& path, const Report& report) {
  std::vector<catalog::ResultArray> arrays;
  add_arrays(arrays, "", report.mock);
  for (std::size_t i = 0; i < report.references.size(); ++i)
    add_arrays(arrays, fmt::format("references/{}/", i), report.references[i].measurement);
  arrays.insert(arrays.end(), report.slice.begin(), report.slice.end());
  catalog::write_results(path,
                         {{"halobrush", version()},
                          {"mock", report.mock.path},
                          {"config", report.config},
                          {"pass", report.pass() ? "true" : "false"}},
                         arrays);
}

void write_page(const std::string& path, const Report& report, const std::vector<Figure>& figures,
                const std::string& no_figures) {
  const auto failed = std::ranges::count(report.requirements, false, &Requirement::pass);
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=en><meta charset=utf-8><title>halobrush validation: "
      "{}</title>\n<style>{}</style>\n"
      "<h1>Validation of {}</h1>\n<p class='verdict {}'>{}</p>\n",
      escaped(report.mock.path), style, escaped(std::filesystem::path(report.mock.path).filename().string()),
      report.pass() ? "pass" : "fail",
      report.pass()
          ? fmt::format("PASS: all {} requirements hold", report.requirements.size())
          : fmt::format("FAIL: {} of {} requirements do not hold", failed, report.requirements.size()));
  html += "<p>" + catalog_line(report.mock) + "</p>\n";
  if (report.mocks.size() > 1) html += "<p>Draws: " + escaped(fmt::format("{}", fmt::join(report.mocks, ", "))) + "</p>\n";
  for (const auto& r : report.references) html += "<p>Reference " + catalog_line(r.measurement) + "</p>\n";
  html += requirements_section(report.requirements);
  if (!report.remarks.empty()) {
    html += "<h2>Remarks</h2>\n<ul>\n";
    for (const auto& remark : report.remarks) html += "<li>" + escaped(remark) + "</li>\n";
    html += "</ul>\n";
  }
  html += "<h2>Figures</h2>\n";
  if (!no_figures.empty()) html += "<p>No figures: " + escaped(no_figures) + ".</p>\n";
  const auto folder = std::filesystem::path(path).parent_path().string();
  for (const auto& figure : figures) html += figure_html(folder.empty() ? "." : folder, figure);
  html += "<h2>Which way galaxies point</h2>\n" + misalignments_table(report);
  html += lensing_section(report);
  for (const auto& r : report.references)
    html += "<h2>Against " + escaped(r.measurement.path) + "</h2>\n" + comparisons_table(r) +
            distributions_table(r) + two_sample_table(r);
  html += "<h2>Statistics</h2>\n";
  for (const auto& s : report.mock.statistics) html += statistic_table(s);
  html += words();
  html += "<h2>Configuration</h2>\n<details><summary>every key</summary><pre>" + escaped(report.config) +
          "</pre></details>\n<p>Made by halobrush " + version() +
          "; numbers: validation.json, validation.hdf5.</p>\n</html>\n";
  write_durably(path, html);
}

}  // namespace halobrush::validate
