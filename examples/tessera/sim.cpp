// SPDX-License-Identifier: Apache-2.0
#include "sim.hpp"

#include <fmt/core.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>

#include "commands.hpp"
#include "progress.hpp"
#include "sim_gdb.hpp"
#include "sim_watch.hpp"

using namespace tessera::sim;

namespace {

struct sim_options {
  std::filesystem::path program;
  std::string config;
  bool raw = false;
  bool functional = false;
  std::uint64_t max_cycles = 1'000'000'000;
  std::filesystem::path stats;
  bool quiet = false;
  std::optional<std::uint16_t> gdb_port;
  watch_options watch;
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

std::string error_text(const std::filesystem::path& path, const elf_error& error, const configuration& c) {
  std::string text = fmt::format("{}: {}", path.string(), to_string(error.reason));
  if (error.reason == elf_reason::segment_outside_memory) text += fmt::format(" of {}", c.name);
  if (error.segment >= 0) text += fmt::format(" (segment {})", error.segment);
  return text + fmt::format(" (byte {} of the file)", error.offset);
}

/// The configuration that the program says it was linked for; nothing if it does not say.
std::string linked_for(const std::vector<std::uint8_t>& bytes) {
  elf_file file;
  if (elf_file::parse(bytes.data(), bytes.size(), file)) return {};
  const elf_text text = file.section_text(".tessera.config");
  return std::string(text.data, text.size);
}

/// Whether a program linked for one finds the cores, stacks and memories of the other.
bool alike(const configuration& a, const configuration& b) {
  return a.cores() == b.cores() && a.tiles == b.tiles && a.groups == b.groups && a.stack_bytes == b.stack_bytes &&
         a.sequential_bytes == b.sequential_bytes && a.l1_bytes() == b.l1_bytes() && a.l2_bytes == b.l2_bytes;
}

/// The configuration asked for, else the one that the program says it was linked for, else minpool.
const configuration& choose_configuration(const sim_options& options, const std::vector<std::uint8_t>& bytes) {
  const std::string linked = linked_for(bytes);
  const configuration* const from_program = linked.empty() ? &minpool : find_configuration(linked);
  if (options.config.empty()) {
    if (from_program != nullptr) return *from_program;
    throw std::runtime_error(fmt::format("{}: linked for a configuration '{}' that is not known; --config takes {}",
                                         options.program.string(), linked, configuration_names()));
  }
  const configuration* const asked = find_configuration(options.config);
  if (asked == nullptr) {
    throw usage_error(
        fmt::format("there is no configuration '{}'; known are {}", options.config, configuration_names()));
  }
  if (!linked.empty() && !options.quiet && from_program != nullptr && !alike(*asked, *from_program)) {
    fmt::print(stderr,
               "tessera: {}: linked for {}, whose cores and memories are not those of {}: expect wrong results\n",
               options.program.string(), linked, asked->name);
  }
  return *asked;
}

void load(machine& m, const sim_options& options, const std::vector<std::uint8_t>& bytes) {
  if (options.raw) {
    if (m.load_raw(bytes.data(), bytes.size())) return;
    throw std::runtime_error(fmt::format("{}: {} bytes; the L2 of {} takes 1 to {}", options.program.string(),
                                         bytes.size(), m.config().name, m.config().l2_bytes));
  }
  if (const elf_error error = m.load_elf(bytes.data(), bytes.size())) {
    throw std::runtime_error(error_text(options.program, error, m.config()));
  }
}

/// Runs in slices, so that a person sees that it goes on.
void run_with_progress(machine& m, mode how, const sim_options& options, const runner& run) {
  const std::uint64_t max_cycles = options.max_cycles;
  // Not into a log on the same terminal.
  progress_bar bar(how == mode::timed ? "cycles" : "turns", options.watch.log == "-" ? 0 : max_cycles);
  constexpr std::uint64_t slice = 100 * functional::quantum;  // whole turns, so that slices change nothing
  while (m.stop().reason == stop_reason::running && m.cycle(how) < max_cycles) {
    run(std::min(slice, max_cycles - m.cycle(how)));
    bar.update(m.cycle(how));
  }
}

/// What the parser cannot see.
void check(const sim_options& options) {
  const watch_options& watch = options.watch;
  if (options.functional && !watch.trace.empty()) {
    throw usage_error("--trace shows cycles, which --functional does not have; --log does without them");
  }
  if (!watch.any() && !(watch.cores.empty() && watch.window.empty())) {
    throw usage_error("--cores and --window choose what --trace and --log write; give one of those, too");
  }
  if (options.gdb_port && watch.any()) {
    throw usage_error("--gdb goes without --trace and --log: cycles at a breakpoint would be in them");
  }
  if (watch.trace == "-") throw usage_error("--trace needs the name of a file");
}

/// The exit status of the tool.
int simulate(const sim_options& options) {
  check(options);
  const std::vector<std::uint8_t> bytes = read_file(options.program);
  machine m(choose_configuration(options, bytes));
  load(m, options, bytes);
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
  // Files are created before a long run, not found impossible after it.
  std::ofstream stats;
  if (!options.stats.empty()) {
    stats.open(options.stats);
    if (!stats) throw std::runtime_error(options.stats.string() + ": cannot be created");
  }
  const bool ended_by_gdb =
      options.gdb_port && debug(m, how, *options.gdb_port, options.program) == gdb_session::killed;
  if (ended_by_gdb) {
    // It stays where it is.
  } else if (options.watch.any()) {
    watched_run watched(options.watch, m, how);
    run_with_progress(m, how, options, [&](std::uint64_t cycles) { watched.run(cycles); });
    watched.finish();
  } else {
    run_with_progress(m, how, options, [&](std::uint64_t cycles) { m.run(how, cycles); });
  }
  if (!options.stats.empty()) {
    stats << statistics(m, how, dumps).dump(1) << '\n';
    if (!stats.flush()) throw std::runtime_error(options.stats.string() + ": cannot be written");
  }

  const stop_report& stop = m.stop();
  if (ended_by_gdb && (stop.reason == stop_reason::running || stop.reason == stop_reason::breakpoint)) {
    fmt::print(stderr, "tessera: {}: ended by GDB before it had finished\n", options.program.string());
    return 1;
  }
  if (stop.reason != stop_reason::finished) {
    fmt::print(stderr, "tessera: {}: {}", options.program.string(),
               stop.reason == stop_reason::running ? unfinished_text(m, how) : fault_text(m));
    return 1;
  }
  if (!options.quiet) fmt::print(stderr, "{}", summary_text(m, how));
  if (stop.exit_code == 0) return 0;
  fmt::print(stderr, "tessera: {}: exit code {}\n", options.program.string(), stop.exit_code);
  // Of 32 bits a process has eight; none of a failure may look like success.
  return (stop.exit_code & 0xff) == 0 ? 1 : static_cast<int>(stop.exit_code & 0xff);
}

}  // namespace

void add_sim(CLI::App& program) {
  const auto options = std::make_shared<sim_options>();
  CLI::App& command = *program.add_subcommand("sim", "Run a bare-metal RV32 program on the model of MemPool");
  command.add_option("program", options->program, "The program, an ELF file")->required()->option_text("PROGRAM.elf");
  command
      .add_option("--config", options->config,
                  fmt::format("{} (default: what the program was linked for, else minpool)", configuration_names()))
      ->option_text("NAME");
  command.add_flag("--raw", options->raw, "The program is no ELF file but the bytes at the start of L2");
  command.add_flag("--functional", options->functional, "Compute only: much faster, without cycles and stalls");
  command.add_option("--max-cycles", options->max_cycles, "Give up after so many cycles (default: 1000000000)")
      ->option_text("N");
  command.add_option("--stats", options->stats, "Write all counters, of each core, as JSON")->option_text("FILE.json");
  watch_options& watch = options->watch;
  command
      .add_option("--trace", watch.trace, "Write a timeline for ui.perfetto.dev: functions, stalls, sleep, counters")
      ->option_text("FILE.json");
  command
      .add_option("--trace-detail", watch.trace_detail,
                  "functions, stalls (with functions) or instructions (with both) (default: stalls)")
      ->check(CLI::IsMember({"functions", "stalls", "instructions"}))
      ->needs("--trace")
      ->option_text("WHAT");
  command.add_option("--log", watch.log, "Write each instruction with its effects, as text; - is standard error")
      ->option_text("FILE");
  command.add_option("--cores", watch.cores, "Trace and log these cores only, as 0-3,8")->option_text("LIST");
  command
      .add_option("--window", watch.window,
                  "Trace and log cycles A to B - 1 only; A or B may be missing. 'marked': where the program says "
                  "runtime::trace(true)")
      ->option_text("A:B");
  command
      .add_option("--gdb", options->gdb_port,
                  "Wait for GDB on this port of the loopback interface, 0: on a free one; without --max-cycles")
      ->option_text("PORT");
  command.add_flag("--quiet", options->quiet, "No summary");
  command.footer(
      examples("  tessera sim program.elf\n"
               "  tessera sim --config mempool --stats stats.json program.elf\n"
               "  tessera sim --functional program.elf\n"
               "  tessera sim --gdb 3333 program.elf              # prints what to start in another terminal\n"
               "  tessera sim --trace trace.json program.elf      # then open it in https://ui.perfetto.dev\n"
               "  tessera sim --trace trace.json --trace-detail instructions --window 2000:3000 program.elf\n"
               "  tessera sim --log - --cores 0,4-7 --window marked program.elf") +
      "\n\nExit status: the program's exit code; 1 also if it was stopped or does not end, 2 for wrong usage.");
  command.callback([options] {
    if (const int status = simulate(*options); status != 0) throw failed_check{status};
  });
}
