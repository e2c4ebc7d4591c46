// SPDX-License-Identifier: Apache-2.0
// The model against qemu-user, an independent implementation of RV32IMA: the same ELF file runs on qemu-riscv32 and on
// the model, functional and timed, and what it leaves in registers and memory must be equal.
//
//   qemu_differential [--seed N] [--instructions N] [--qemu COMMAND] [--work FOLDER]   random programs
//   qemu_differential --program FILE.elf [--qemu COMMAND]        a program that writes its symbol `output` and exits

#include <sys/wait.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qemu/random_program.hpp"
#include "tessera/sim/disassemble.hpp"
#include "tessera/sim/machine.hpp"

using namespace tessera;
using namespace tessera::qemu;

namespace {

constexpr int skipped = 77;
constexpr sim::mode modes[] = {sim::mode::functional, sim::mode::timed};
const char* name_of(sim::mode m) { return m == sim::mode::timed ? "timed" : "functional"; }
constexpr std::uint64_t most_cycles = 2'000'000'000;

using bytes = std::vector<std::uint8_t>;

struct options {
  std::uint64_t seed = 1;
  std::uint64_t instructions = 10'000'000;
  std::string qemu = "qemu-riscv32";
  std::string work = ".";
  std::string program;
};

std::string quoted(const std::string& text) { return "'" + text + "'"; }

bool is_installed(const std::string& command) {
  return std::system(("command -v " + quoted(command) + " >/dev/null").c_str()) == 0;
}

/// What the program writes to standard output; nothing if it does not end well.
std::optional<bytes> run_qemu(const options& o, const std::string& program) {
  std::FILE* const pipe = popen((quoted(o.qemu) + " " + quoted(program)).c_str(), "r");
  if (pipe == nullptr) return std::nullopt;
  bytes output;
  std::array<std::uint8_t, 65536> part;
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe)) {
    output.insert(output.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(n));
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
  std::printf("%s: qemu ends with status %#x\n", program.c_str(), static_cast<unsigned>(status));
  return std::nullopt;
}

/// Runs a program on a fresh machine to its end; false if it stops otherwise.
bool run_model(sim::machine& m, const bytes& file, sim::mode how) {
  if (const sim::elf_error error = m.load_elf(file.data(), file.size())) {
    std::printf("the model refuses the program: %s\n", sim::to_string(error.reason));
    return false;
  }
  const sim::stop_report& stop = m.run(how, most_cycles);
  if (stop.reason == sim::stop_reason::finished && stop.exit_code == 0) return true;
  std::printf("%s, the model stops at %08x %s: %s (address %08x, exit code %u)\n", name_of(how), stop.pc,
              sim::disassemble(stop.instruction, stop.pc).c_str(), sim::to_string(stop.reason), stop.address,
              stop.exit_code);
  return false;
}

// ---- Random programs

std::uint32_t word_at(const bytes& data, std::size_t at) { return support::get(data, at, 4); }

void print_body(const random_program& program, const block& b) {
  for (std::uint32_t i = b.body; i < b.body_end; ++i) {
    const std::uint32_t pc = random_program::address_of(i);
    const std::uint32_t word = program.code()[i];
    std::printf("  %08x: %08x  %s\n", pc, word, sim::disassemble(word, pc).c_str());
  }
}

/// Says where two outputs differ first, with the code and both register files.
void print_difference(const random_program& program, const bytes& expected, const bytes& actual) {
  std::size_t at = 0;
  while (expected[at] == actual[at]) ++at;
  if (at < register_log.bytes) {
    const std::size_t entry = at / log_entry_bytes;
    const block& b = program.block_at(static_cast<std::uint32_t>(entry / iterations));
    std::printf("block %zu, iteration %zu: registers (qemu, model)\n", entry / iterations, entry % iterations);
    for (std::size_t i = 0; i < logged_count; ++i) {
      const std::uint32_t q = word_at(expected, entry * log_entry_bytes + i * 4);
      const std::uint32_t m = word_at(actual, entry * log_entry_bytes + i * 4);
      std::printf("  %-4s %08x %08x%s\n", sim::register_name(b.logged[i]), q, m, q == m ? "" : "  <-");
    }
    return print_body(program, b);
  }
  // The blocks' memory: first all in L1, which even blocks have, then all in L2.
  const auto place = static_cast<std::uint32_t>((at - register_log.bytes) / buffer_bytes);
  const bool in_l1 = place < block_count / 2;
  const std::uint32_t number = in_l1 ? place * 2 : (place - block_count / 2) * 2 + 1;
  const auto offset = static_cast<std::uint32_t>((at - register_log.bytes) % buffer_bytes) & ~3u;
  std::printf("block %u: memory at %08x: qemu %08x, model %08x\n", number, program.block_at(number).buffer + offset,
              word_at(expected, at & ~std::size_t{3}), word_at(actual, at & ~std::size_t{3}));
  print_body(program, program.block_at(number));
}

struct totals {
  std::uint64_t instructions = 0;
  std::uint64_t cycles = 0;
  std::uint64_t executed[256] = {};
};

/// Runs the program of one seed; false if anything differs.
bool compare(const options& o, std::uint64_t seed, totals& total) {
  random_program program(seed);
  const support::file_bytes elf = program.elf();
  const std::string path = o.work + "/random.elf";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(elf.data()), static_cast<std::streamsize>(elf.size()));
  if (std::system(("chmod +x " + quoted(path)).c_str()) != 0) return false;
  const std::optional<bytes> expected = run_qemu(o, path);
  if (!expected) return false;
  for (const sim::mode how : modes) {
    sim::machine m(one_core);
    if (!run_model(m, elf, how)) return false;
    bytes actual;
    for (const region& r : outputs) {
      const std::size_t end = actual.size();
      actual.resize(end + r.bytes);
      if (!m.read(r.begin, actual.data() + end, r.bytes)) return false;
    }
    if (expected->size() != actual.size()) {
      std::printf("qemu wrote %zu bytes instead of %zu\n", expected->size(), actual.size());
      return false;
    }
    if (*expected != actual) {
      std::printf("seed %" PRIu64 ", %s:\n", seed, name_of(how));
      print_difference(program, *expected, actual);
      return false;
    }
    if (how == sim::mode::timed) {
      total.instructions += m.core(0).instructions;
      total.cycles += m.cycle(how);
      for (int row = 0; row < 256; ++row) total.executed[row] += m.counters().executed[row];
    }
  }
  return true;
}

/// Every base instruction that a Linux process can execute without a trap must have run.
bool covers_base(const totals& total) {
  bool base = false;
  bool covered = true;
  for (int row = 0; row < sim::instruction_count; ++row) {
    const sim::instruction& i = sim::instructions[row];
    base = base || std::strcmp(i.mnemonic, "lui") == 0;
    const bool traps =
        i.executes_on == sim::unit::csr || i.executes_on == sim::unit::wait || std::strcmp(i.mnemonic, "ebreak") == 0;
    if (!base || traps || total.executed[row] != 0) continue;
    std::printf("no program executed %s\n", i.mnemonic);
    covered = false;
  }
  return covered;
}

int run_random(const options& o) {
  totals total;
  std::uint64_t seed = o.seed;
  std::uint64_t differing = 0;
  for (; total.instructions < o.instructions && differing == 0; ++seed) differing += compare(o, seed, total) ? 0 : 1;
  std::printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " instructions (%" PRIu64 " cycles timed), %" PRIu64
              " differing programs\n",
              o.seed, seed - 1, total.instructions, total.cycles, differing);
  return differing == 0 && covers_base(total) ? 0 : 1;
}

// ---- Programs from a compiler

int run_program(const options& o) {
  std::ifstream in(o.program, std::ios::binary);
  const bytes file{std::istreambuf_iterator<char>(in), {}};
  const std::optional<bytes> expected = run_qemu(o, o.program);
  if (!expected) return 1;
  for (const sim::mode how : modes) {
    sim::machine m(one_core);
    if (!run_model(m, file, how)) return 1;
    const sim::elf_symbol output = m.symbol("output");
    bytes actual(output.size);
    if (output.size == 0 || !m.read(output.address, actual.data(), output.size) || actual != *expected) {
      std::printf("%s, %s: the output differs\n", o.program.c_str(), name_of(how));
      return 1;
    }
    if (how == sim::mode::timed) {
      std::printf("%s: %" PRIu64 " instructions, %zu bytes of output equal\n", o.program.c_str(),
                  m.core(0).instructions, actual.size());
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (value != nullptr && name == "--seed")
      o.seed = std::strtoull(value, nullptr, 0);
    else if (value != nullptr && name == "--instructions")
      o.instructions = std::strtoull(value, nullptr, 0);
    else if (value != nullptr && name == "--qemu")
      o.qemu = value;
    else if (value != nullptr && name == "--work")
      o.work = value;
    else if (value != nullptr && name == "--program")
      o.program = value;
    else {
      std::fprintf(stderr,
                   "usage: %s [--seed N] [--instructions N] [--qemu COMMAND] [--work FOLDER] [--program FILE]\n",
                   argv[0]);
      return 2;
    }
  }
  if (!is_installed(o.qemu)) {
    std::printf("skipped: there is no %s (Debian: qemu-user)\n", o.qemu.c_str());
    return skipped;
  }
  return o.program.empty() ? run_random(o) : run_program(o);
}
