// SPDX-License-Identifier: Apache-2.0
#include "golden.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "commands.hpp"
#include "progress.hpp"

namespace {

using namespace tessera;

struct options {
  std::vector<std::string> files;
  std::string target = "all";
  bool json = false;
};

struct file_error {
  std::string file;
  std::string reason;
};

golden_schema run_file(const npz_file& file, golden_report& report) {
  const golden_schema schema = recognise_golden(file);
  golden_input in(file);
  switch (schema) {
    case golden_schema::unknown:
      throw data_error(file.name(), "",
                       "its arrays belong to no schema of golden vectors that this program knows; docs/golden.md has "
                       "the list");
    case golden_schema::ita_mha:
    case golden_schema::ita_requant:
    case golden_schema::ita_activation:
    case golden_schema::ita_softmax: run_golden_ita(schema, in, report); break;
    case golden_schema::quantlib_ops:
    case golden_schema::deeploy_c_ops: run_golden_quantlib(schema, in, report); break;
    case golden_schema::ibert_ops: run_golden_ibert(in, report); break;
    case golden_schema::ibert_layer: run_golden_ibert_layer(in, report); break;
  }
  return schema;
}

std::string verdict_text(const golden_result& r) {
  const std::string note = r.note.empty() ? "" : " (" + r.note + ")";
  if (r.verdict == golden_verdict::passed) return "ok" + note;
  if (r.verdict == golden_verdict::skipped) return "--" + note;
  if (r.at.empty() && r.differences == 0) return "FAIL" + note;
  std::string index;
  for (const index_t i : r.at) index += (index.empty() ? "" : ",") + std::to_string(i);
  return fmt::format("FAIL first difference at [{}]: expected {}, got {}; {} of {} differ{}", index, r.expected,
                     r.actual, r.differences, r.elements, note);
}

void print_results(const std::vector<golden_result>& results, std::size_t first) {
  std::size_t width = 0;
  for (std::size_t i = first; i < results.size(); ++i) width = std::max(width, results[i].name.size());
  for (std::size_t i = first; i < results.size(); ++i) {
    const golden_result& r = results[i];
    const std::string elements = r.elements == 0 ? "" : std::to_string(r.elements);
    fmt::print("  {:<{}}  {:<9}  {:>7}  {}\n", r.name, width, r.target, elements, verdict_text(r));
  }
}

nlohmann::json number(const std::string& text) {
  nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  return value.is_number() ? value : nlohmann::json(text);
}

const char* name_of(golden_verdict verdict) {
  switch (verdict) {
    case golden_verdict::passed: return "passed";
    case golden_verdict::failed: return "failed";
    case golden_verdict::skipped: break;
  }
  return "skipped";
}

nlohmann::json case_json(const golden_result& r) {
  nlohmann::json entry = {{"file", r.file},         {"case", r.name}, {"target", r.target},
                          {"elements", r.elements}, {"ok", r.ok()},   {"verdict", name_of(r.verdict)}};
  if (r.differences > 0) {
    entry["differences"] = r.differences;
    entry["index"] = r.at;
    entry["expected"] = number(r.expected);
    entry["actual"] = number(r.actual);
  }
  if (!r.note.empty()) entry["note"] = r.note;
  return entry;
}

void print_json(const golden_report& report, const std::vector<file_error>& errors) {
  nlohmann::json document;
  document["cases"] = nlohmann::json::array();
  for (const golden_result& r : report.results()) document["cases"].push_back(case_json(r));
  document["errors"] = nlohmann::json::array();
  for (const file_error& e : errors) document["errors"].push_back({{"file", e.file}, {"reason", e.reason}});
  document["passed"] = report.count(golden_verdict::passed);
  document["failed"] = report.count(golden_verdict::failed);
  document["skipped"] = report.count(golden_verdict::skipped);
  // Names of files and arrays need not be UTF-8.
  fmt::print("{}\n", document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void golden(const options& o) {
  golden_report report(o.target == "all" ? std::vector<std::string>{"reference", "host"}
                                         : std::vector<std::string>{o.target});
  std::vector<file_error> errors;
  // Lines of results show how far it is, if somebody sees them.
  progress_bar bar("golden", o.json || isatty(STDOUT_FILENO) == 0 ? o.files.size() : 0);
  for (std::size_t i = 0; i < o.files.size(); ++i) {
    const std::size_t first = report.results().size();
    const std::string& name = o.files[i];
    report.begin_file(name);
    std::string heading = name;
    std::string error;
    try {
      heading += std::string(": ") + to_string(run_file(npz_file::open(name), report));
      const auto& all = report.results();
      if (std::none_of(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(),
                       [](const golden_result& r) { return r.elements > 0; })) {
        error = data_error(name, "", "it has nothing that could be compared").what();
      }
    } catch (const data_error& e) {
      error = e.what();
    }
    if (!o.json) {
      if (report.results().size() > first) fmt::print("{}\n", heading);
      print_results(report.results(), first);
      std::fflush(stdout);
    }
    if (!error.empty()) {
      fmt::print(stderr, "tessera: {}\n", error);
      errors.push_back({name, error});
    }
    bar.update(i + 1);
  }
  if (o.json) {
    print_json(report, errors);
  } else {
    fmt::print("{} passed, {} failed, {} skipped in {} {}", report.count(golden_verdict::passed),
               report.count(golden_verdict::failed), report.count(golden_verdict::skipped), o.files.size(),
               o.files.size() == 1 ? "file" : "files");
    if (!errors.empty()) fmt::print("; {} could not be checked", errors.size());
    fmt::print("\n");
  }
  if (!errors.empty() || report.count(golden_verdict::failed) > 0) throw failed_check();
}

}  // namespace

void add_golden(CLI::App& program) {
  const auto o = std::make_shared<options>();
  CLI::App& command = *program.add_subcommand("golden", "Compare files of golden vectors with what targets compute");
  command.add_option("files", o->files, "Files of golden vectors (.npz); the schema is recognised by their arrays")
      ->required()
      ->type_name("FILE");
  command.add_option("--target", o->target, "Who computes: reference (scalar definition), host (vector units) or all")
      ->check(CLI::IsMember({"reference", "host", "all"}))
      ->capture_default_str();
  command.add_flag("--json", o->json, "Print one JSON object: cases, errors, passed, failed, skipped");
  command.footer(
      "A line per case and target: ok; FAIL with the first difference; or -- for what is not compared, and why.\n"
      "The exit status is 0 only if nothing differs and every file could be read.\n\n" +
      examples("  tessera golden tests/golden/*.npz\n"
               "  tessera golden vectors.npz --target host\n"
               "  tessera golden vectors.npz --json"));
  command.callback([o] { golden(*o); });
}
