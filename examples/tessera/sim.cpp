// SPDX-License-Identifier: Apache-2.0
#include "sim.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

#include "commands.hpp"
#include "progress.hpp"

using namespace tessera::sim;

namespace {

struct sim_options {
  std::filesystem::path program;
  std::string config;
  bool functional = false;
  std::uint64_t max_cycles = 1'000'000'000;
  std::filesystem::path stats;
  bool quiet = false;
};

const configuration* find_configuration(std::string_view name) {
  for (const configuration* c : configurations) {
    if (name == c->name) return c;
  }
  return nullptr;
}

std::string configuration_names() {
  std::string names;
  for (const configuration* c : configurations) names += (names.empty() ? "" : ", ") + std::string(c->name);
  return names;
}

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) throw std::runtime_error(path.string() + ": cannot be read");
  std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(file)), {});
  if (file.bad()) throw std::runtime_error(path.string() + ": cannot be read");
  return bytes;
}

std::string error_text(const std::filesystem::path& path, const elf_error& error) {
  std::string text = fmt::format("{}: {}", path.string(), to_string(error.reason));
  if (error.segment >= 0) text += fmt::format(" (segment {})", error.segment);
  return text + fmt::format(" (byte {} of the file)", error.offset);
}

/// The configuration asked for, else the one that the program says it was linked for, else minpool.
const configuration& choose_configuration(const sim_options& options, const std::vector<std::uint8_t>& bytes) {
  std::string name = options.config;
  if (name.empty()) {
    elf_file file;
    if (!elf_file::parse(bytes.data(), bytes.size(), file)) {
      const elf_text text = file.section_text(".tessera.config");
      name.assign(text.data, text.size);
    }
  }
  if (name.empty()) return minpool;
  const configuration* const c = find_configuration(name);
  if (c == nullptr) {
    throw usage_error(fmt::format("there is no configuration '{}'; known are {}", name, configuration_names()));
  }
  return *c;
}

/// Runs in slices, so that a person sees that it goes on.
void run_with_progress(machine& m, mode how, std::uint64_t max_cycles) {
  progress_bar bar("cycles", max_cycles);
  constexpr std::uint64_t slice = 100'000;
  while (m.stop().reason == stop_reason::running && m.cycle(how) < max_cycles) {
    m.run(how, std::min(slice, max_cycles - m.cycle(how)));
    bar.update(m.cycle(how));
  }
}

int simulate(const sim_options& options) {
  const std::vector<std::uint8_t> bytes = read_file(options.program);
  machine m(choose_configuration(options, bytes));
  if (const elf_error error = m.load_elf(bytes.data(), bytes.size())) {
    throw std::runtime_error(error_text(options.program, error));
  }
  std::vector<sim_dump> dumps;
  host_interface host;
  host.context = &dumps;
  host.uart = [](void*, const char* text, std::size_t size) {
    std::fwrite(text, 1, size, stdout);
    std::fflush(stdout);
  };
  host.dump = [](void* context, std::uint32_t core, std::uint64_t cycle, std::uint32_t csr, std::uint32_t value) {
    static_cast<std::vector<sim_dump>*>(context)->push_back({core, cycle, csr, value});
  };
  m.set_host(host);

  const mode how = options.functional ? mode::functional : mode::timed;
  run_with_progress(m, how, options.max_cycles);

  if (!options.stats.empty()) {
    std::ofstream file(options.stats);
    file << statistics(m, how, dumps).dump(1) << '\n';
    if (!file.flush()) throw std::runtime_error(options.stats.string() + ": cannot be written");
  }
  const stop_report& stop = m.stop();
  if (stop.reason == stop_reason::finished) {
    if (!options.quiet) fmt::print(stderr, "{}", summary_text(m, how));
    if (stop.exit_code != 0) fmt::print(stderr, "exit code {}\n", stop.exit_code);
    return stop.exit_code == 0 ? 0 : 1;
  }
  if (stop.reason == stop_reason::running) {
    fmt::print(stderr, "tessera: {}: not finished after {} cycles (--max-cycles); core 0 is at {:08x} {}\n",
               options.program.string(), m.cycle(how), m.core(0).pc, symbol_text(m, m.core(0).pc));
  } else {
    fmt::print(stderr, "tessera: {}: {}", options.program.string(), fault_text(m));
  }
  return 1;
}

}  // namespace

void add_sim(CLI::App& program) {
  const auto options = std::make_shared<sim_options>();
  CLI::App& command = *program.add_subcommand("sim", "Run a bare-metal RV32 program on the model of MemPool");
  command.add_option("program", options->program, "The program, an ELF file")->required()->option_text("PROGRAM.elf");
  command.add_option("--config", options->config,
                     fmt::format("{} (default: what the program was linked for, else minpool)", configuration_names()));
  command.add_flag("--functional", options->functional, "Compute only: much faster, without cycles and stalls");
  command.add_option("--max-cycles", options->max_cycles, "Give up after so many cycles")->capture_default_str();
  command.add_option("--stats", options->stats, "Write all counters to this file, as JSON");
  command.add_flag("--quiet", options->quiet, "No summary");
  command.footer(
      examples("  tessera sim program.elf\n"
               "  tessera sim --config mempool --stats stats.json program.elf\n"
               "  tessera sim --functional program.elf"));
  command.callback([options] {
    if (simulate(*options) != 0) throw failed_check{};
  });
}
