#include "halobrush/validate/nla.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "halobrush/core/error.hpp"
#include "halobrush/core/tool.hpp"
#include "halobrush/validate/jackknife.hpp"
#include "halobrush/validate/lensing.hpp"

namespace halobrush::validate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::Vector2d;
using Eigen::VectorXd;

std::vector<double> joined(const std::vector<double>& wgg, const std::vector<double>& wgplus,
                           const std::vector<std::size_t>& bins) {
  std::vector<double> both;
  for (const auto* one : {&wgg, &wgplus})
    for (const auto bin : bins) both.push_back((*one)[bin]);
  return both;
}

VectorXd vector_of(const std::vector<double>& x) {
  return Eigen::Map<const VectorXd>(x.data(), static_cast<Index>(x.size()));
}

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Parameter {
  const char* name;
  double value;
};

// What the catalog does not say, the configuration may.
std::vector<Parameter> parameters_of(const catalog::Simulation& s, const config::Cosmology& c) {
  const auto either = [](double value, double given) { return value > 0 ? value : given; };
  return {{"omega_m", either(s.omega_m, c.omega_m)},
          {"omega_b", either(s.omega_b, c.omega_b)},
          {"h", either(s.h, c.h)},
          {"sigma_8", either(s.sigma_8, c.sigma_8)},
          {"n_s", either(s.n_s, c.n_s)}};
}

std::vector<std::string> tool_arguments(const catalog::Simulation& s, const config::Cosmology& c,
                                        const std::vector<double>& edges, double pi_max) {
  std::vector<std::string> words;
  const auto add = [&](std::string name, double value) {
    std::ranges::replace(name, '_', '-');
    words.insert(words.end(), {"--" + name, fmt::format("{}", value)});
  };
  for (const auto& p : parameters_of(s, c)) {
    if (!(p.value > 0))
      throw data_error("{} is not known; set cosmology.{}", p.name, p.name);
    add(p.name, p.value);
  }
  add("scale_factor", s.scale_factor);
  add("box", std::cbrt(s.box[0] * s.box[1] * s.box[2]));
  add("pi_max", pi_max);
  words.emplace_back("--edges");
  for (const double edge : edges) words.push_back(fmt::format("{}", edge));
  return words;
}

NlaModel model_of(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  NlaModel model;
  model.edges = json.at("edges").get<std::vector<double>>();
  model.w_mm = json.at("w_mm").get<std::vector<double>>();
  model.w_nla = json.at("w_nla").get<std::vector<double>>();
  model.growth = json.at("growth").get<double>();
  model.k_min = json.at("k_min").get<double>();
  return model;
}

// Runs the tool on the root; everyone gets its result or its error.
NlaModel run_nla_tool(const std::vector<std::string>& arguments, const std::string& out, const std::string& python,
                      const mpi::Communicator& comm) {
  std::string text, problem;
  if (comm.root()) try {
      const auto result = out + "/nla_model.json";
      std::vector<std::string> words = {result};
      words.insert(words.end(), arguments.begin(), arguments.end());
      run_tool(find_tool("nla_model", python), words, out + "/nla_model.log");
      text = file_text(result);
      model_of(text);
    } catch (const std::exception& error) {
      problem = error.what();
    }
  problem = comm.broadcast(problem);
  text = comm.broadcast(text);
  if (!problem.empty()) throw data_error("{}", problem);
  return model_of(text);
}

const Statistic* first(const std::vector<Statistic>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &Statistic::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::size_t> bins_inside(const std::vector<double>& edges, config::Interval r) {
  constexpr double rounding = 1e-9;
  std::vector<std::size_t> bins;
  for (std::size_t bin = 0; bin + 1 < edges.size(); ++bin)
    if (edges[bin] >= r[0] * (1 - rounding) && edges[bin + 1] <= r[1] * (1 + rounding)) bins.push_back(bin);
  return bins;
}

NlaFit fit_nla(const Statistic& wgplus, const Statistic& wgg, const NlaModel& model) {
  NlaFit fit;
  fit.selection = wgplus.selection, fit.cut = wgplus.cut;
  const auto bins = bins_inside(wgplus.edges, {model.edges.front(), model.edges.back()});
  const auto n = static_cast<Index>(bins.size()), regions = static_cast<Index>(wgplus.leave_one_out.size());
  if (regions < 2 * n + 3) return fit;
  MatrixXd samples(2 * n, regions);
  for (Index k = 0; k < regions; ++k) {
    const auto i = static_cast<std::size_t>(k);
    samples.col(k) = vector_of(joined(wgg.leave_one_out[i], wgplus.leave_one_out[i], bins));
  }
  const VectorXd data = vector_of(joined(wgg.value, wgplus.value, bins));
  if (!samples.allFinite() || !data.allFinite()) return fit;

  MatrixXd design = MatrixXd::Zero(2 * n, 2);  // of b^2 and b A_1
  design.col(0).head(n) = vector_of(model.w_mm);
  design.col(1).tail(n) = vector_of(model.w_nla);
  const Eigen::LDLT<MatrixXd> covariance(jackknife_covariance(samples));
  if (covariance.info() != Eigen::Success || !(covariance.vectorD().minCoeff() > 0)) return fit;
  const double hartlap = hartlap_factor(regions, 2 * n);
  const Eigen::Matrix2d errors = (hartlap * design.transpose() * covariance.solve(design)).inverse();
  const Vector2d best = errors * hartlap * design.transpose() * covariance.solve(data);
  const VectorXd rest = data - design * best;
  fit.chi2 = hartlap * rest.dot(covariance.solve(rest)), fit.dof = static_cast<double>(2 * n - 2);
  if (!(best[0] > 0)) return fit;
  fit.bias = std::sqrt(best[0]), fit.amplitude = best[1] / fit.bias;
  const Vector2d of_bias(0.5 / fit.bias, 0), of_amplitude(-0.5 * fit.amplitude / best[0], 1 / fit.bias);
  fit.bias_error = std::sqrt(of_bias.dot(errors * of_bias));
  fit.amplitude_error = std::sqrt(of_amplitude.dot(errors * of_amplitude));
  return fit;
}

NlaModel nla_model(const std::vector<double>& rp_edges, double pi_max, const catalog::Simulation& simulation,
                   const config::Config& config, const std::string& out, const mpi::Communicator& comm) {
  const auto& r = config.validate.nla_r;
  const auto bins = bins_inside(rp_edges, r);
  if (bins.size() < 2)
    throw data_error("{} bins of r_p lie inside {:g}-{:g} Mpc/h, two are needed; set stats.rp or validate.nla_r", bins.size(),
                     r[0], r[1]);
  const std::vector<double> edges(rp_edges.begin() + static_cast<std::ptrdiff_t>(bins.front()),
                                  rp_edges.begin() + static_cast<std::ptrdiff_t>(bins.back()) + 2);
  return run_nla_tool(tool_arguments(simulation, config.cosmology, edges, pi_max), out, config.validate.python, comm);
}

Nla measure_nla(const std::vector<Statistic>& statistics, const catalog::Simulation& simulation,
                const config::Config& config, const std::string& out, const mpi::Communicator& comm) {
  const auto* wgplus = first(statistics, "wgplus");
  if (wgplus == nullptr) throw data_error("the catalog has no ellipticities");
  if (wgplus->leave_one_out.empty()) throw data_error("stats.jackknife is below 2: no covariance");
  Nla nla;
  nla.model = nla_model(wgplus->edges, wgplus->pi_max.value_or(0), simulation, config, out, comm);
  for (const auto& p : parameters_of(simulation, config.cosmology)) nla.cosmology[p.name] = p.value;
  nla.cosmology["scale_factor"] = simulation.scale_factor;
  for (const auto& s : statistics) {
    if (s.name != "wgplus") continue;
    const auto wgg = std::ranges::find_if(
        statistics, [&](const Statistic& other) { return other.name == "wgg" && other.selection == s.selection; });
    if (wgg != statistics.end()) nla.fits.push_back(fit_nla(s, *wgg, *nla.model));
  }
  return nla;
}

}  // namespace halobrush::validate
