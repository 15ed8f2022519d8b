#include "outputs.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "halobrush/align/align.hpp"
#include "halobrush/catalog/input_files.hpp"
#include "halobrush/catalog/mock.hpp"
#include "halobrush/core/error.hpp"
#include "halobrush/core/files.hpp"
#include "halobrush/core/shared_files.hpp"

namespace halobrush::app {
namespace {

namespace fs = std::filesystem;
using catalog::FileKind;

constexpr auto configuration = "the configuration";

FileKind kind_or_unknown(const std::string& path) {
  try {
    return catalog::kind_of(path);
  } catch (const Error&) {  // damaged, or of another kind
    return FileKind::unknown;
  }
}

bool has_entry(const catalog::MockSummary& mock, const std::string& name) {
  return std::ranges::count(mock.header.provenance, name, &std::pair<std::string, std::string>::first) > 0;
}

// Whether a galaxy catalog has this entry of provenance, by which its maker is known.
bool is_made_with(const std::string& path, const std::string& entry) {
  try {
    return kind_or_unknown(path) == FileKind::mock && has_entry(catalog::summarise_mock(path), entry);
  } catch (const Error&) {
    return false;
  }
}

// A damaged mock is for `paint` to judge.
std::string unless_mock(const std::string& path) {
  if (kind_or_unknown(path) != FileKind::mock) return "is no mock of halobrush (or is damaged)";
  try {
    if (!has_entry(catalog::summarise_mock(path), "identity")) return "is a galaxy catalog that was not painted";
  } catch (const Error&) {
  }
  return "";
}

std::string unless_converted(const std::string& path) {
  const auto kind = kind_or_unknown(path);
  return kind == FileKind::halo_catalog || is_made_with(path, "made_from") ? "" : "is no converted catalog";
}

std::string unless_model(const std::string& path) {
  return kind_or_unknown(path) == FileKind::model ? "" : "is no model";
}

std::string unless_loglike(const std::string& path) {
  return is_made_with(path, "model_sha256") && !is_made_with(path, "identity") ? "" : "is no table of log p";
}

// A small file beside a product belongs to it where the product is there, or where it says so itself.
auto beside(const std::string& product, const std::string& says) {
  return [product, says](const std::string& path) -> std::string {
    std::error_code error;
    if (fs::exists(product, error)) return "";
    std::ifstream file(path);
    std::string start(1 << 12, '\0');
    file.read(start.data(), static_cast<std::streamsize>(start.size()));
    return start.find(says) != std::string::npos ? "" : "is not of halobrush";
  };
}

void add_input(const std::string& key, const std::string& path, std::vector<InputFile>& inputs) {
  if (!path.empty()) inputs.push_back({key, path});
}

// A catalog in several files is read whole, whatever names them.
void add_catalog(const std::string& key, const catalog::InputPaths& paths, const std::string& format, std::vector<InputFile>& inputs) {
  for (const auto& path : paths.each) add_input(key, path, inputs);
  try {
    for (const auto& file : catalog::files_of_catalog(paths, format).files) inputs.push_back({"of the files of " + key, file});
  } catch (const Error&) {  // its reader says what is wrong with it
  }
}

std::vector<InputFile> inputs_of(const config::Config& config, const std::string& file) {
  std::vector<InputFile> inputs;
  add_input(configuration, file, inputs);
  add_catalog("input.path", config.input.path.each, config.input.format, inputs);
  add_input("density.file", config.density.file, inputs);
  return inputs;
}

// What a run that was killed left of its product has bytes that are no text.
std::string unless_unfinished(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string start(8, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(file.gcount()));
  const bool text = std::ranges::all_of(start, [](unsigned char c) { return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\r' || c == '\t'; });
  return text ? "is not of halobrush" : "";
}

// The file itself and the name it has until it is complete.
void add_output(const OutputFile& output, std::vector<OutputFile>& outputs) {
  outputs.push_back(output);
  if (!output.path.empty())
    outputs.push_back({output.key, behind_links(output.path).string() + ".partial", unless_unfinished});
}

}  // namespace

Files files_of_paint(const config::Config& config, const std::string& file) {
  Files files{inputs_of(config, file), {}};
  add_input("painter.model", config.painter.model, files.inputs);
  if (config.painter.axes != "law") add_input("painter.axes", or_shared(config.painter.axes), files.inputs);
  const auto& mock = config.output.path;
  add_output({"output.path", mock, unless_mock}, files.outputs);
  files.outputs.push_back({"output.path (its summary)", mock + ".json", beside(mock, "\"halobrush\"")});
  for (auto& output : files.outputs) output.makes_folder = true;
  files.folder = {"output.staging", config.staging()};
  files.locked = {{"output.path", mock}, {"output.staging", config.staging()}};
  return files;
}

Files files_of_lightcone(const config::Config& config, const std::string& file) {
  Files files{{}, {}};
  add_input(configuration, file, files.inputs);
  for (const auto& snapshot : config.lightcone.snapshots) add_input("lightcone.snapshots", snapshot, files.inputs);
  if (config.lightcone.files == "one") add_output({"output.path", config.output.path, unless_mock}, files.outputs);  // a folder is judged by lightcone::run
  for (auto& output : files.outputs) output.makes_folder = true;
  files.folder = {"output.staging", config.staging()};
  files.locked = {{"output.path", config.output.path}, {"output.staging", config.staging()}};
  return files;
}

Files files_of_train(const config::Config& config, const std::string& file) {
  const auto& train = config.train;
  Files files{inputs_of(config, file), {}};
  add_input("train.catalog", train.catalog, files.inputs);
  for (const auto& catalog : train.more_catalogs) add_input("train.more_catalogs", catalog, files.inputs);
  add_input("train.teacher", train.teacher, files.inputs);
  add_output({"train.model", train.model, unless_model}, files.outputs);
  files.outputs.push_back({"train.model (its losses)", train.model + ".losses.csv",
                           beside(train.model, "training_loss")});
  add_output({"train.checkpoint", train.checkpoint.empty() ? train.model + ".checkpoint" : train.checkpoint},
             files.outputs);
  files.locked = {{"train.model", train.model}};
  files.replaced = train.model;
  if (!train.checkpoint.empty()) files.locked.push_back({"train.checkpoint", train.checkpoint});
  return files;
}

Files files_of_convert(const config::Config& config, const std::string& file) {
  Files files{inputs_of(config, file), {}};
  add_input("convert.morphology", config.convert.morphology, files.inputs);
  add_input("convert.shapes", config.convert.shapes, files.inputs);
  add_output({"convert.path", config.convert.path, unless_converted}, files.outputs);
  files.locked = {{"convert.path", config.convert.path}};
  files.replaced = config.convert.path;
  return files;
}

Files files_of_calibrate(const config::Config& config, const std::string& file) {
  Files files{inputs_of(config, file), {}};
  add_input("painter.model", config.painter.model, files.inputs);
  for (const auto& [name, path] : config.validate.targets) add_input("validate.targets." + name, path, files.inputs);
  const auto& folder = config.calibrate.path;
  files.folder = {"calibrate.path", folder};
  const auto json = folder + "/calibration.json";
  files.outputs.push_back({"calibrate.path", json, beside("", "halobrush calibrate")});
  for (const char* name : {"/calibrated.yaml", "/calibration.png"})
    files.outputs.push_back({"calibrate.path", folder + name, beside(json, "halobrush calibrate")});
  files.locked = {{"calibrate.path", folder}};
  return files;
}

Files files_of_align(const std::string& file, const std::vector<std::string>& catalogs, const std::string& folder) {
  Files files{{}, {}};
  add_input(configuration, file, files.inputs);
  if (folder.empty()) return files;
  for (const auto& catalog : catalogs) {
    add_input("a catalog", catalog, files.inputs);
    add_output({"--out", align::copy_of(catalog, folder), {}, true}, files.outputs);
  }
  files.folder = {"--out", folder};
  files.locked = {{"--out", folder + "/run"}};
  return files;
}

Files files_of_loglike(const config::Config& config, const std::string& model, const std::string& catalog,
                       const std::string& out) {
  Files files{inputs_of(config, ""), {}};
  add_input("the model", model == "analytic" ? "" : model, files.inputs);
  add_input("the catalog", catalog, files.inputs);
  add_output({"--out", out, unless_loglike}, files.outputs);
  files.outputs.push_back({"--out (its means)", out + ".json", beside(out, "log_likelihood")});
  files.locked = {{"--out", out}};
  files.replaced = out;
  return files;
}

Files files_of_evaluate(const config::Config& config, const std::string& model, const std::string& catalog,
                        const std::string& folder) {
  Files files{inputs_of(config, ""), {}};
  add_input("the model", model == "analytic" ? "" : model, files.inputs);
  add_input("the catalog", catalog, files.inputs);
  files.folder = {"--out", folder};
  const auto table = folder + "/evaluation.hdf5";
  add_output({"--out", table, [](const std::string& path) -> std::string {
                return is_made_with(path, "halos_sha256") ? "" : "is no table of halobrush evaluate";
              }},
             files.outputs);
  for (const char* name : {"/evaluation.json", "/index.html"})
    files.outputs.push_back({"--out", folder + name, beside(table, "halobrush evaluate")});
  files.locked = {{"--out", folder + "/run"}};
  return files;
}

Files files_of_validate(const config::Config& config, const std::string& file, const validate::Task& task) {
  Files files{{}, {}};
  add_input(configuration, file, files.inputs);
  for (const auto& mock : task.mocks) add_input("the mock", mock, files.inputs);
  for (const auto& reference : task.references) add_input("--reference", reference, files.inputs);
  for (const auto& [name, path] : config.validate.targets) add_input("validate.targets." + name, path, files.inputs);
  for (const auto& [name, path] : config.validate.ellipticities)
    add_input("validate.ellipticities." + name, path, files.inputs);
  files.folder = {"--out", task.out};
  const auto json = task.out + "/validation.json";
  files.outputs.push_back({"--out", json, beside("", "\"halobrush\"")});
  add_output({"--out", task.out + "/validation.hdf5", beside(json, "halobrush validate")}, files.outputs);
  files.outputs.push_back({"--out", task.out + "/index.html", beside(json, "halobrush validate")});
  // Requirements that lie there and are given are written back as they were read.
  const auto& given = config.validate.requirements;
  files.outputs.push_back({"--out", task.out + "/requirements.yaml", [given, json](const std::string& path) {
                             std::error_code error;
                             return fs::equivalent(path, given, error) ? "" : beside(json, "halobrush validate")(path);
                           }});
  files.locked = {{"--out", task.out + "/run"}};
  return files;
}

}  // namespace halobrush::app
