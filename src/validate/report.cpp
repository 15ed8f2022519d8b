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
          {"chance", ks_allowance(t.n_mock, t.n_reference)},
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

}  // namespace halobrush::validate
