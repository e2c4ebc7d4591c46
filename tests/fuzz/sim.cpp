// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration, registers and code: decoding and disassembling are total, the model never crashes, its
// cycles add up, it does the same however a run is split, and the two modes agree on what a single core computes.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <vector>

#include "support/assembler.hpp"
#include "tessera/sim/disassemble.hpp"
#include "tessera/sim/machine.hpp"

using namespace tessera;
using namespace tessera::sim;

namespace {

constexpr uint32_t most_words = 96;
constexpr uint32_t most_steps = 400;
constexpr uint64_t most_cycles = 20'000;

std::vector<uint32_t> current_code;  // for the message

void require(bool condition, const char* what) {
  if (condition) return;
  for (uint32_t i = 0, pc = l2_base; i < current_code.size(); ++i, pc += 4) {
    std::fprintf(stderr, "%08x: %08x  %s\n", pc, current_code[i], disassemble(current_code[i], pc).c_str());
  }
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

/// The input, byte by byte; zeros behind its end.
class input {
 public:
  input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  uint32_t byte() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  uint32_t word() {
    const uint32_t low = byte() | byte() << 8;
    return low | byte() << 16 | byte() << 24;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

// ---- Configurations

/// The smallest useful many-core: `groups` tiles of `cores` cores.
constexpr configuration tiny(uint32_t groups, uint32_t cores) {
  configuration c = minpool;
  c.name = "tiny";
  c.groups = c.tiles = groups;
  c.cores_per_tile = cores;
  c.banks_per_tile = 8;
  c.bank_bytes = 256;
  c.sequential_bytes = 256;
  c.stack_bytes = 64;
  c.l2_bytes = 4096;
  c.icache_bytes = 128;
  c.ro_cache_bytes = 128;
  return c;
}
static_assert(refusal(tiny(1, 1)) == nullptr && refusal(tiny(4, 2)) == nullptr);

/// Mostly small powers of two, sometimes anything.
uint32_t quantity(input& in) {
  const uint32_t b = in.byte();
  if (b == 255) return in.word();
  return b < 128 ? 1u << b % 32 : b - 128;
}
constexpr uint32_t configuration::*sizes[] = {
    &configuration::groups,         &configuration::sub_groups,     &configuration::tiles,
    &configuration::cores_per_tile, &configuration::banks_per_tile, &configuration::core_tiles_per_group,
    &configuration::bank_bytes,     &configuration::stack_bytes,    &configuration::sequential_bytes,
    &configuration::l2_bytes,       &configuration::axi_bytes,      &configuration::dma_engines_per_group,
    &configuration::line_bytes,     &configuration::l0_lines,       &configuration::icache_ways,
    &configuration::icache_bytes,   &configuration::ro_cache_bytes, &configuration::ro_line_bytes,
    &configuration::outstanding};
constexpr uint32_t latencies::*delays[] = {
    &latencies::l2_read,  &latencies::l2_cached_read,   &latencies::l2_cached_miss,   &latencies::device,
    &latencies::l2_write, &latencies::l2_read_interval, &latencies::l2_word_interval, &latencies::device_effect,
    &latencies::wake_up,  &latencies::refill_hit,       &latencies::refill_miss,      &latencies::dma_start,
    &latencies::dma_end};

/// A few fields of `c` changed.
configuration changed(configuration c, input& in) {
  for (uint32_t n = in.byte() % 8; n != 0; --n) {
    const uint32_t field = in.byte() % (std::size(sizes) + std::size(delays));
    (field < std::size(sizes) ? c.*sizes[field] : c.latency.*delays[field - std::size(sizes)]) = quantity(in);
  }
  return c;
}
/// Whether a machine of this size is built in no time.
bool is_small(const configuration& c) {
  return c.cores() <= 32 && c.l1_bytes() <= 1 << 16 && c.l2_bytes <= 1 << 16 && c.tiles <= 32 &&
         c.icache_bytes <= 4096 && c.ro_cache_bytes <= 4096;
}
void check_accepted(const configuration& c) {
  require(uint64_t{c.stack_bytes} * c.cores_per_tile <= c.sequential_bytes, "the stacks do not fit");
  require(c.ro_cache_bytes == 0 || uint64_t{2} * c.ro_line_bytes <= c.ro_cache_bytes, "a cache without lines");
  require(c.dma_engines_per_group * c.groups * c.axi_bytes <= c.banks() * 4, "a DMA engine has no banks of its own");
  for (uint32_t core = 0; core < c.cores(); ++core) require(c.tile_of(core) < c.tiles, "a core outside the tiles");
  const l1_map map(c);
  for (uint32_t a = 0; a < c.l1_bytes(); a += 252) {
    require(map.scramble(a) < c.l1_bytes() && map.unscramble(map.scramble(a)) == a, "scrambling is not a bijection");
    require(map.bank(a) < c.banks() && map.tile(a) < c.tiles, "an address outside the banks");
  }
}

// ---- Programs

struct guest {
  std::vector<uint32_t> code;
  uint32_t x[32] = {};
};

uint32_t register_value(input& in, const configuration& c) {
  const uint32_t b = in.byte();
  const uint32_t places[] = {0,
                             0,
                             c.l1_bytes() / 2,
                             c.sequential_total(),
                             l2_base,
                             control_base,
                             dma_base,
                             uart_base,
                             boot_base,
                             ~0u,
                             0x8000'0000u,
                             1,
                             l2_base + c.l2_bytes,
                             l2_base + c.l2_bytes / 2,
                             l2_base + 64};
  return b < 120 ? places[b % 15] + (b / 15) * 4 : b < 250 ? b - 120 : in.word();
}

/// An instruction whose jumps stay near.
uint32_t likely_word(input& in) {
  const instruction& row = instructions[in.byte() % instruction_count];
  support::fields f{in.byte() & 31, in.byte() & 31, in.byte() & 31, in.byte()};
  const bool jumps = row.executes_on == unit::branch || row.operand_form == form::jump;
  f.imm = jumps ? (f.imm & 63) * 4 - 128 : f.imm < 192 ? f.imm - 64 : f.imm << 4;
  const bool twelve_bits = is_load(row.operand_form) || row.operand_form == form::i || row.operand_form == form::csr;
  if (twelve_bits || row.operand_form == form::jump_register) f.imm &= 0xfff;
  return support::encode(row, f);
}

guest read_guest(input& in, const configuration& c) {
  guest g;
  const uint32_t raw = in.byte();  // one bit says how a word is made
  for (uint32_t r = 1; r < 32; ++r) g.x[r] = register_value(in, c);
  while (!in.empty() && g.code.size() < most_words) {
    g.code.push_back((raw >> g.code.size() % 8 & 1) != 0 ? in.word() : likely_word(in));
  }
  g.code.push_back(support::word("fence"));  // so that everything has happened when the program ends:
  g.code.push_back(0);
  return g;
}
uint32_t end_of(const guest& g) { return l2_base + static_cast<uint32_t>(g.code.size() - 1) * 4; }

void check_words(const guest& g) {
  for (const uint32_t word : g.code) {
    const decoded d = decode(word);
    require(d.row == illegal_row || d.row < instruction_count, "a row outside the table");
    require(d.rd <= sink && d.rs1 < 32 && d.rs2 < 32, "a register that is none");
    const assembly_text text = disassemble(word, l2_base);
    require(text.size() != 0 && text.size() < 80 && std::strlen(text.c_str()) == text.size(), "text out of bounds");
  }
}

/// Loads the program and runs all cores through the boot ROM to its first instruction.
void start(machine& m, const guest& g, mode how) {
  const std::vector<uint8_t> bytes = support::to_bytes(g.code);
  require(m.load_raw(bytes.data(), bytes.size()), "the program does not fit");
  const auto has_begun = [&] {
    uint32_t begun = 0;
    for (uint32_t i = 0; i < m.cores(); ++i) begun += m.core(i).pc == l2_base ? 1 : 0;
    return begun == m.cores();
  };
  // In the timed mode cores begin at different times: what they start with is set in the boot ROM, where a0 changes.
  if (how == mode::functional) {
    while (!has_begun()) m.run(how, 1);
  }
  for (uint32_t i = 0; i < m.cores(); ++i) {
    for (uint32_t r = 1; r < 32; ++r) {
      if (r != 10) m.core(i).x[r] = g.x[r];
    }
  }
}

// ---- What must hold

void check_sums(const machine& m) {
  for (uint32_t i = 0; i < m.cores(); ++i) {
    uint64_t cycles = m.core(i).instructions;
    for (int cause = 0; cause < stall_count; ++cause) cycles += m.counters().stalls(i, static_cast<stall>(cause));
    require(cycles == m.cycle(mode::timed), "instructions and stalls are not the cycles");
  }
}
std::vector<uint8_t> memory_of(machine& m) {
  std::vector<uint8_t> bytes(m.config().l1_bytes() + m.config().l2_bytes);
  require(m.read(0, bytes.data(), m.config().l1_bytes()), "L1 cannot be read");
  require(m.read(l2_base, bytes.data() + m.config().l1_bytes(), m.config().l2_bytes), "L2 cannot be read");
  return bytes;
}
void check_same_stop(const machine& a, const machine& b) {
  const stop_report& s = a.stop();
  const stop_report& t = b.stop();
  require(s.reason == t.reason && s.core == t.core && s.pc == t.pc && s.instruction == t.instruction &&
              s.address == t.address && s.exit_code == t.exit_code,
          "the program stops differently");
}
void check_same_state(machine& a, machine& b) {
  for (uint32_t i = 0; i < a.cores(); ++i) {
    const hart& h = a.core(i);
    const hart& k = b.core(i);
    require(h.x[0] == 0 && k.x[0] == 0, "x0 is not 0");
    for (uint32_t r = 1; r < 32; ++r) require(h.x[r] == k.x[r], register_name(r));
    require(h.pc == k.pc && h.asleep == k.asleep, "program counters differ");
    require(h.instructions == k.instructions, "numbers of instructions differ");
  }
  require(memory_of(a) == memory_of(b), "memory differs");
}

/// What may make the modes differ: time, and code that changes under the core that runs it.
struct influences {
  bool clock = false;
  bool other = false;
};
void look_at(const machine& m, const guest& g, influences& seen) {
  const hart& h = m.core(0);
  const decoded d = decode(m.instruction_at(h.pc));
  const instruction& row = row_of(d.row);
  if (row.executes_on == unit::csr) {
    seen.clock = seen.clock || d.imm == 0xb00 || d.imm == 0xb80;
    seen.other = seen.other || d.imm != 0xf14;
  }
  if (row.bytes == 0) return;
  const uint32_t address = memory_operands_of(h, d, row.operand_form).address;
  const bool writes_code = row.executes_on != unit::load && address - l2_base < g.code.size() * 4;
  seen.other = seen.other || soc::is_device(address) || writes_code;
}

/// One core, instruction by instruction, in one go, and timed.
void compare_modes(const configuration& c, const guest& g) {
  machine stepped(c);
  start(stepped, g, mode::functional);
  influences seen;
  uint32_t steps = 0;
  bool goes_on = true;
  while (goes_on && steps < most_steps) {
    look_at(stepped, g, seen);
    goes_on = stepped.step(0);
    ++steps;
  }
  if (seen.clock) return;

  machine whole(c);
  start(whole, g, mode::functional);
  whole.run(mode::functional, steps);
  check_same_stop(stepped, whole);
  check_same_state(stepped, whole);
  if (goes_on || seen.other) return;
  whole.run(mode::functional, 1);  // sleeping is noticed then

  machine clocked(c);
  start(clocked, g, mode::timed);
  clocked.run(mode::timed, most_cycles);
  if (clocked.stop().reason == stop_reason::running) return;
  check_same_stop(whole, clocked);
  require(whole.core(0).instructions == clocked.core(0).instructions, "numbers of instructions differ between modes");
  // Loads, stores and atomics on their way have arrived if all sleep, or behind the fence at the end.
  const hart& h = whole.core(0);
  const uint32_t last = h.history[(h.history_next + history_length - 1) % history_length];
  const bool drained = clocked.stop().reason == stop_reason::deadlock || last == end_of(g) - 4;
  if (drained) check_same_state(whole, clocked);
}

/// All cores at once, for some time.
void run_all(const configuration& c, const guest& g) {
  machine functional(c);
  start(functional, g, mode::functional);
  functional.run(mode::functional, most_steps);
  for (uint32_t i = 0; i < functional.cores(); ++i) require(functional.core(i).x[0] == 0, "x0 is not 0");

  constexpr uint64_t cycles = 2000;
  machine whole(c);
  start(whole, g, mode::timed);
  whole.run(mode::timed, cycles);
  check_sums(whole);

  machine split(c);
  start(split, g, mode::timed);
  for (uint64_t at = 0, length = 1; at < cycles; at += length, length = length % 97 + 5) {
    split.run(mode::timed, std::min(length, cycles - at));
  }
  require(whole.cycle(mode::timed) == split.cycle(mode::timed), "a split run takes other cycles");
  check_same_stop(whole, split);
  check_same_state(whole, split);
  check_sums(split);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input in(data, size);
  const uint32_t choice = in.byte();
  configuration c = choice % 2 == 0 ? tiny(1, 1) : tiny(4, 2);
  if (choice % 4 >= 2) c = changed(c, in);
  if (refusal(c) != nullptr) return 0;
  check_accepted(c);
  if (!is_small(c)) return 0;
  const guest g = read_guest(in, c);
  current_code = g.code;
  check_words(g);
  if (c.cores() == 1) compare_modes(c, g);
  run_all(c, g);
  return 0;
}
