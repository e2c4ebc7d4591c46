// SPDX-License-Identifier: Apache-2.0
// Runs one program on several many-cores in both modes and prints all that can be counted. What it prints must not
// depend on the machine that runs it: portable.py compares the output of two architectures.
#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

#include "support/assembler.hpp"
#include "tessera/sim/machine.hpp"

using namespace tessera;
using namespace tessera::sim;

namespace {

constexpr uint32_t rows = 64;  // of two int8 matrices: the product of one and the transposed other, 64 bytes a row
constexpr uint32_t row_bytes = 64;
constexpr uint32_t l2_input = l2_base + 0x10000;
constexpr uint32_t l2_output = l2_base + 0x20000;

enum reg : uint32_t {
  zero,
  ra,
  sp,
  gp,
  tp,
  t0,
  t1,
  t2,
  s0,
  s1,
  a0,
  a1,
  a2,
  a3,
  a4,
  a5,
  a6,
  a7,
  s2,
  s3,
  s4,
  s5,
  s6
};

/// Code with labels: words of it, by their number.
class code {
 public:
  std::vector<uint32_t> words;
  uint32_t here() const { return static_cast<uint32_t>(words.size()); }
  void emit(const char* mnemonic, const support::fields& f = {}) { words.push_back(support::word(mnemonic, f)); }
  void constant(uint32_t rd, uint32_t value) {
    for (const uint32_t w : support::load_constant(rd, value)) words.push_back(w);
  }
  /// A branch or jump to a word before it, or to one behind it that `land` then names.
  uint32_t jump(const char* mnemonic, support::fields f, uint32_t to = 0) {
    f.imm = (to - here()) * 4;
    pending_.push_back({here(), mnemonic, f});
    emit(mnemonic, f);
    return static_cast<uint32_t>(pending_.size() - 1);
  }
  void land(uint32_t jump) {
    waiting& w = pending_[jump];
    w.f.imm = (here() - w.at) * 4;
    words[w.at] = support::word(w.mnemonic, w.f);
  }

 private:
  struct waiting {
    uint32_t at;
    const char* mnemonic;
    support::fields f;
  };
  std::vector<waiting> pending_;
};

/// Copies by DMA and waits for its end, on the core that calls it.
void copy(code& c, uint32_t source, uint32_t destination, uint32_t bytes) {
  c.constant(t0, dma_base);
  const uint32_t values[] = {source, destination, bytes};
  for (uint32_t i = 0; i < 3; ++i) {
    c.constant(t1, values[i]);
    c.emit("sw", {.rs1 = t0, .rs2 = t1, .imm = 4 * i});
  }
  c.emit("lw", {.rd = t1, .rs1 = t0, .imm = 0x14});
  const uint32_t wait = c.here();
  c.emit("lw", {.rd = t1, .rs1 = t0, .imm = 0x18});
  c.jump("beq", {.rs1 = t1, .rs2 = zero}, wait);
}

/// The last core to arrive wakes all. The counter is the word at `counter` in L1.
void barrier(code& c, uint32_t counter, uint32_t cores) {
  c.emit("fence");
  c.constant(t0, counter);
  c.emit("addi", {.rd = t1, .rs1 = zero, .imm = 1});
  c.emit("amoadd.w", {.rd = t1, .rs1 = t0, .rs2 = t1});
  c.constant(t2, cores - 1);
  const uint32_t not_last = c.jump("bne", {.rs1 = t1, .rs2 = t2});
  c.emit("sw", {.rs1 = t0, .rs2 = zero});
  c.emit("fence");
  c.constant(t0, control_base);
  c.emit("addi", {.rd = t1, .rs1 = zero, .imm = 0xfff});
  c.emit("sw", {.rs1 = t0, .rs2 = t1, .imm = 4});
  c.land(not_last);
  c.emit("wfi");
}

/// a0 += the locked counter at `address`: LR and SC, with the contention of all cores.
void take_ticket(code& c, uint32_t address) {
  c.constant(t0, address);
  const uint32_t again = c.here();
  c.emit("lr.w", {.rd = a0, .rs1 = t0});
  c.emit("addi", {.rd = t1, .rs1 = a0, .imm = 1});
  c.emit("sc.w", {.rd = t2, .rs1 = t0, .rs2 = t1});
  c.jump("bne", {.rs1 = t2, .rs2 = zero}, again);
}

/// Inputs to L1, a product of matrices by packed instructions, some arithmetic of every latency, results to L2.
std::vector<uint32_t> program(const configuration& config) {
  const uint32_t cores = config.cores();
  const uint32_t input = config.sequential_total();
  const uint32_t output = input + rows * row_bytes;
  const uint32_t counter = output + rows * rows * 4;
  code c;
  c.emit("csrrs", {.rd = s0, .rs1 = zero, .imm = 0xf14});
  const uint32_t not_first = c.jump("bne", {.rs1 = s0, .rs2 = zero});
  copy(c, l2_input, input, rows * row_bytes);
  c.land(not_first);
  barrier(c, counter, cores);

  // Elements s0, s0 + cores, ...
  c.emit("addi", {.rd = s1, .rs1 = s0});
  const uint32_t next = c.here();
  c.constant(t0, rows * rows);
  const uint32_t done = c.jump("bgeu", {.rs1 = s1, .rs2 = t0});
  c.constant(s2, input);
  c.emit("srli", {.rd = s3, .rs1 = s1, .imm = 6});
  c.emit("slli", {.rd = s3, .rs1 = s3, .imm = 6});
  c.emit("add", {.rd = s3, .rs1 = s3, .rs2 = s2});
  c.emit("andi", {.rd = s4, .rs1 = s1, .imm = rows - 1});
  c.emit("slli", {.rd = s4, .rs1 = s4, .imm = 6});
  c.emit("add", {.rd = s4, .rs1 = s4, .rs2 = s2});
  c.emit("addi", {.rd = a0, .rs1 = zero});
  c.emit("addi", {.rd = a1, .rs1 = zero, .imm = row_bytes / 4});
  const uint32_t inner = c.here();
  c.emit("p.lw", {.rd = a2, .rs1 = s3, .imm = 4});
  c.emit("p.lw", {.rd = a3, .rs1 = s4, .imm = 4});
  c.emit("addi", {.rd = a1, .rs1 = a1, .imm = 0xfff});
  c.emit("pv.sdotsp.b", {.rd = a0, .rs1 = a2, .rs2 = a3});
  c.jump("bne", {.rs1 = a1, .rs2 = zero}, inner);
  c.emit("div", {.rd = a4, .rs1 = a0, .rs2 = a3});
  c.emit("mulh", {.rd = a5, .rs1 = a0, .rs2 = a2});
  c.emit("xor", {.rd = a4, .rs1 = a4, .rs2 = a5});
  c.emit("add", {.rd = a0, .rs1 = a0, .rs2 = a4});
  c.constant(t0, output);
  c.emit("slli", {.rd = t1, .rs1 = s1, .imm = 2});
  c.emit("add", {.rd = t0, .rs1 = t0, .rs2 = t1});
  c.emit("sw", {.rs1 = t0, .rs2 = a0});
  c.constant(t0, cores);
  c.emit("add", {.rd = s1, .rs1 = s1, .rs2 = t0});
  c.jump("jal", {}, next);
  c.land(done);
  take_ticket(c, counter + 4);
  barrier(c, counter, cores);

  const uint32_t others = c.jump("bne", {.rs1 = s0, .rs2 = zero});
  copy(c, output, l2_output, rows * rows * 4);
  c.constant(t0, uart_base);
  for (const char letter : std::string("done\n")) {
    c.emit("addi", {.rd = t1, .rs1 = zero, .imm = static_cast<uint32_t>(letter)});
    c.emit("sw", {.rs1 = t0, .rs2 = t1});
  }
  c.emit("csrrs", {.rd = t1, .rs1 = zero, .imm = 0xb00});
  c.emit("csrrw", {.rd = zero, .rs1 = t1, .imm = 0x7c0});  // a dump
  for (const uint32_t w : support::finish(7)) c.words.push_back(w);
  c.land(others);
  const uint32_t sleep = c.here();
  c.emit("wfi");
  c.jump("jal", {}, sleep);
  return c.words;
}

class hash {
 public:
  void add(uint64_t value) {
    for (int i = 0; i < 8; ++i) value_ = (value_ ^ (value >> 8 * i & 0xff)) * 1099511628211u;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 14695981039346656037u;
};

void print(machine& m, mode how, const std::string& text) {
  const stop_report& stop = m.stop();
  std::printf("%s %s: %s, core %" PRIu32 " pc %08" PRIx32 " exit %" PRIu32 ", cycles %" PRIu64 "\n%s", m.config().name,
              how == mode::timed ? "timed" : "functional", to_string(stop.reason), stop.core, stop.pc, stop.exit_code,
              m.cycle(how), text.c_str());
  uint64_t instructions = 0;
  hash state;
  for (uint32_t i = 0; i < m.cores(); ++i) {
    const hart& h = m.core(i);
    instructions += h.instructions;
    for (uint32_t r = 1; r < 32; ++r) state.add(h.x[r]);
    for (const uint64_t v : {uint64_t{h.pc}, h.instructions, uint64_t{h.asleep}}) state.add(v);
  }
  std::vector<uint8_t> memory(m.config().l1_bytes() + m.config().l2_bytes);
  m.read(0, memory.data(), m.config().l1_bytes());
  m.read(l2_base, memory.data() + m.config().l1_bytes(), m.config().l2_bytes);
  for (const uint8_t b : memory) state.add(b);
  std::printf("  instructions %" PRIu64 ", state %016" PRIx64 "\n", instructions, state.value());
  if (how == mode::functional) return;
  hash stalls;
  for (int cause = 0; cause < stall_count; ++cause) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < m.cores(); ++i) {
      const uint64_t lost = m.counters().stalls(i, static_cast<stall>(cause));
      sum += lost;
      stalls.add(lost);
    }
    std::printf("  %s %" PRIu64 "\n", name_of(static_cast<stall>(cause)), sum);
  }
  std::printf("  stalls by core %016" PRIx64 ", bank conflicts %" PRIu64 ", DMA bytes %" PRIu64 ", refills %" PRIu64
              "\n",
              stalls.value(), m.counters().bank_conflicts(), m.counters().dma_bytes(), m.counters().line_refills());
}

bool run(const configuration& config, mode how) {
  machine m(config);
  std::string text;
  host_interface host;
  host.context = &text;
  host.uart = [](void* to, const char* s, size_t size) { static_cast<std::string*>(to)->append(s, size); };
  host.dump = [](void* to, uint32_t core, uint64_t, uint32_t csr, uint32_t value) {
    *static_cast<std::string*>(to) +=
        "dump of " + std::to_string(core) + ": " + std::to_string(csr) + " " + std::to_string(value) + "\n";
  };
  m.set_host(host);
  const std::vector<uint8_t> bytes = support::to_bytes(program(config));
  if (!m.load_raw(bytes.data(), bytes.size())) return false;
  uint32_t state = 1;
  for (uint32_t i = 0; i < rows * row_bytes; ++i) {
    state = state * 1664525 + 1013904223;
    const auto value = static_cast<uint8_t>(state >> 24);
    m.write(l2_input + i, &value, 1);
  }
  m.run(how, 1'000'000);
  print(m, how, text);
  return m.stop().reason == stop_reason::finished && m.stop().exit_code == 7;
}

}  // namespace

int main() {
  bool ends_well = true;
  for (const configuration* c : {&minpool, &minpool_tile4, &mempool, &mempool_ita}) {
    for (const mode how : {mode::functional, mode::timed}) ends_well = run(*c, how) && ends_well;
  }
  return ends_well ? 0 : 1;
}
