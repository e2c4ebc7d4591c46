// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Random RV32IMA programs that end, and that one ELF file runs alike on Linux (qemu-user) and on the model.
///
/// A program is a row of independent blocks. Each iteration of a block loads its registers from a table of biased
/// values, runs the block's random body, and logs its registers. At the end the program writes its log and its memory
/// to standard output and exits. The model ignores these system calls and comes to a store that ends it there.

#include <algorithm>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/assembler.hpp"
#include "support/elf_builder.hpp"
#include "tessera/sim/configuration.hpp"

namespace tessera::qemu {

using support::fields;

/// The model that runs the programs: one core, and L1 where Linux lets a process have memory.
inline constexpr sim::configuration one_core = [] {
  sim::configuration c = sim::minpool;
  c.name = "one core";
  c.groups = c.tiles = c.cores_per_tile = 1;
  c.bank_bytes = 64 << 10;
  c.l2_bytes = 16 << 20;
  return c;
}();
static_assert(sim::refusal(one_core) == nullptr);

inline constexpr std::uint32_t block_count = 512;
inline constexpr std::uint32_t iterations = 16;
inline constexpr std::uint32_t buffer_bytes = 2048;  // one per block: of even blocks in L1, of odd ones in L2
inline constexpr std::uint32_t reserved_count = 4;
inline constexpr std::uint32_t logged_count = 31 - reserved_count;
inline constexpr std::uint32_t log_entry_bytes = logged_count * 4;
inline constexpr std::uint32_t block_log_bytes = iterations * log_entry_bytes;

/// Stretches of memory.
struct region {
  std::uint32_t begin = 0;
  std::uint32_t bytes = 0;
};
inline constexpr region l1_buffers = {0x2'0000, block_count / 2 * buffer_bytes};
inline constexpr region l2_buffers = {0x8020'0000, block_count / 2 * buffer_bytes};
inline constexpr region table = {0x8030'0000, 0x4000};
inline constexpr region register_log = {0x8040'0000, block_count* block_log_bytes};
/// What the program writes to standard output, in this order.
inline constexpr region outputs[] = {register_log, l1_buffers, l2_buffers};

struct block {
  std::uint32_t begin = 0;  ///< words of code: from here,
  std::uint32_t body = 0;   ///< the random part,
  std::uint32_t body_end = 0;
  std::uint32_t logged[logged_count] = {};  ///< registers, in the order of the log
  std::uint32_t buffer = 0;
};

class random_program {
 public:
  explicit random_program(std::uint64_t seed) : random_(seed) {
    bool base = false;
    for (const sim::instruction& row : sim::instructions) {
      base = base || std::string(row.mnemonic) == "lui";  // Xpulpimg stands before
      if (!base) continue;
      switch (row.executes_on) {
        case sim::unit::alu:
        case sim::unit::ipu:
        case sim::unit::divider: arithmetic_.push_back(&row); break;
        case sim::unit::load: loads_.push_back(&row); break;
        case sim::unit::store: stores_.push_back(&row); break;
        case sim::unit::atomic: atomics_.push_back(&row); break;
        case sim::unit::branch: branches_.push_back(&row); break;
        default: break;
      }
    }
    for (std::uint32_t i = 0; i < block_count; ++i) emit_block(i);
    emit_end();
  }

  const std::vector<std::uint32_t>& code() const { return code_; }
  const block& block_at(std::uint32_t i) const { return blocks_[i]; }
  static std::uint32_t address_of(std::uint32_t word) { return sim::l2_base + word * 4; }

  support::file_bytes elf() {
    support::elf_builder builder;
    builder.page = 4096;
    builder.stripped = true;
    const auto add = [&](region r, std::string content, std::uint32_t flags) {
      builder.add_segment(r.begin, std::move(content), r.bytes, flags);
    };
    const std::vector<std::uint8_t> bytes = support::to_bytes(code_);
    const auto size = static_cast<std::uint32_t>(bytes.size());
    if (sim::l2_base + size > l2_buffers.begin) throw std::length_error("the code reaches the data");
    add({sim::l2_base, size}, {bytes.begin(), bytes.end()}, 5);
    for (const region r : {l1_buffers, l2_buffers, table}) add(r, random_words(r.bytes / 4), 6);
    add(register_log, "", 6);
    return builder.bytes();
  }

 private:
  using rows = std::vector<const sim::instruction*>;

  // ---- Random choices

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  const sim::instruction& one_of(const rows& r) { return *r[below(static_cast<std::uint32_t>(r.size()))]; }

  /// Mostly what arithmetic stumbles over.
  std::uint32_t operand() {
    const std::uint32_t edges[] = {0, 1, 2, ~0u, ~1u, 0x8000'0000, 0x8000'0001, 0x7fff'ffff, 0xffff, 0x8000, 0xff80};
    switch (below(6)) {
      case 0: return edges[below(sizeof edges / sizeof edges[0])];
      case 1: return (1u << below(32)) + below(3) - 1;
      case 2: return 0u - (1u << below(32)) + below(3) - 1;
      case 3: return static_cast<std::uint32_t>(random_()) >> below(32);
      case 4: return ~(static_cast<std::uint32_t>(random_()) >> below(32));
      default: return static_cast<std::uint32_t>(random_());
    }
  }
  std::string random_words(std::uint32_t count) {
    std::vector<std::uint32_t> words;
    for (std::uint32_t i = 0; i < count; ++i) words.push_back(operand());
    const std::vector<std::uint8_t> bytes = support::to_bytes(words);
    return {bytes.begin(), bytes.end()};
  }
  /// 12 bits, as an assembler takes them.
  std::uint32_t immediate() {
    const std::uint32_t edges[] = {0, 1, 0xfff, 0x7ff, 0x800};
    return one_in(3) ? edges[below(5)] : below(4096);
  }
  std::uint32_t source() { return below(32); }
  /// A register that may change; sometimes x0.
  std::uint32_t destination() { return one_in(16) ? 0 : scratch(); }
  std::uint32_t scratch() {
    for (;;) {
      const std::uint32_t r = below(31) + 1;
      if ((pinned_ >> r & 1) == 0) return r;
    }
  }

  // ---- Code

  std::uint32_t here() const { return static_cast<std::uint32_t>(code_.size()); }
  void emit(const sim::instruction& row, const fields& f) { code_.push_back(support::encode(row, f)); }
  void emit(const char* mnemonic, const fields& f = {}) { code_.push_back(support::word(mnemonic, f)); }
  void emit_constant(std::uint32_t rd, std::uint32_t value) {
    for (const std::uint32_t w : support::load_constant(rd, value)) code_.push_back(w);
  }
  /// Lets the branch or jump at word `from` go to word `to`.
  void aim(std::uint32_t from, const sim::instruction& row, fields f, std::uint32_t to) {
    f.imm = (to - from) * 4;
    const auto reach = static_cast<std::int32_t>(row.operand_form == sim::form::branch ? 4096 : 1 << 20);
    if (static_cast<std::int32_t>(f.imm) >= reach || static_cast<std::int32_t>(f.imm) < -reach) {
      throw std::length_error("a branch goes too far");
    }
    code_[from] = support::encode(row, f);
  }

  void emit_block(std::uint32_t number) {
    block b;
    b.begin = here();
    b.buffer = (number % 2 == 0 ? l1_buffers : l2_buffers).begin + number / 2 * buffer_bytes;
    in_l1_ = number % 2 == 0;
    std::uint32_t registers[31];
    for (std::uint32_t r = 1; r < 32; ++r) registers[r - 1] = r;
    std::shuffle(registers, registers + 31, random_);
    std::copy_n(registers + reserved_count, logged_count, b.logged);
    const std::uint32_t count = registers[0];
    const std::uint32_t log_at = registers[1];
    table_ = registers[2];
    base_ = registers[3];
    pinned_ = 1u << count | 1u << log_at | 1u << table_ | 1u << base_;

    emit_constant(count, iterations);
    emit_constant(table_, table.begin + below(table.bytes / 8) * 4);
    emit_constant(log_at, register_log.begin + number * block_log_bytes);
    emit_constant(base_, b.buffer + buffer_bytes / 2);
    const std::uint32_t head = here();
    for (std::uint32_t i = 0; i < logged_count; ++i) emit("lw", {.rd = b.logged[i], .rs1 = table_, .imm = i * 4});
    b.body = here();
    emit_body(60, 0);
    b.body_end = here();
    for (std::uint32_t i = 0; i < logged_count; ++i) emit("sw", {.rs1 = log_at, .rs2 = b.logged[i], .imm = i * 4});
    emit("addi", {.rd = table_, .rs1 = table_, .imm = 4 * (logged_count + 2)});
    emit("addi", {.rd = log_at, .rs1 = log_at, .imm = log_entry_bytes});
    emit("addi", {.rd = count, .rs1 = count, .imm = 0xfff});
    // The body may be longer than a branch reaches.
    emit("beq", {.rs1 = count, .rs2 = 0, .imm = 8});
    const std::uint32_t back = here();
    emit("jal");
    aim(back, support::find("jal"), {}, head);
    blocks_.push_back(b);
  }

  void emit_body(std::uint32_t length, int depth) {
    for (std::uint32_t i = 0; i < length; ++i) {
      const std::uint32_t choice = below(100);
      if (choice < 60)
        emit_arithmetic();
      else if (choice < 78)
        emit_access();
      else if (choice < 83)
        emit_atomic();
      else if (choice < 86)
        emit_conditional();
      else if (choice < 87)
        emit("fence", {.imm = 0xff});
      else if (depth == 3)
        emit_arithmetic();
      else if (choice < 93)
        emit_skip(depth);
      else if (choice < 95)
        emit_jump(depth);
      else if (choice < 98)
        emit_loop(depth);
      else
        emit_call(depth);
    }
  }
  void emit_nested(int depth) { emit_body(1 + below(8), depth + 1); }

  void emit_arithmetic() {
    // What was computed dies out in zeros: bring new operands.
    if (one_in(8)) return emit("lw", {.rd = scratch(), .rs1 = table_, .imm = below(512) * 4});
    const sim::instruction& row = one_of(arithmetic_);
    const bool upper = row.operand_form == sim::form::u || row.operand_form == sim::form::u_pc;
    const std::uint32_t imm = upper ? static_cast<std::uint32_t>(random_()) : immediate();
    emit(row, {.rd = destination(), .rs1 = source(), .rs2 = source(), .imm = imm});
  }

  /// A load or store of any size in the block's memory, at a fixed place or at one that a register chooses.
  void emit_access() {
    const bool stores = one_in(2);
    const sim::instruction& row = one_of(stores ? stores_ : loads_);
    const std::uint32_t aligned = ~(row.bytes - 1u);
    std::uint32_t base = base_;
    std::uint32_t offset = (below(buffer_bytes) & aligned) - buffer_bytes / 2;
    if (one_in(3)) {
      base = scratch();
      emit("andi", {.rd = base, .rs1 = source(), .imm = (buffer_bytes / 2 - 1) & aligned});
      emit("add", {.rd = base, .rs1 = base, .rs2 = base_});
      offset = below(2) * (0u - buffer_bytes / 2);
    }
    emit(row, {.rd = destination(), .rs1 = base, .rs2 = source(), .imm = offset & 0xfff});
  }
  /// Puts the address of some word of the block's memory into a register.
  std::uint32_t emit_address(std::uint32_t offset) {
    const std::uint32_t address = scratch();
    emit("addi", {.rd = address, .rs1 = base_, .imm = offset & 0xfff});
    return address;
  }
  std::uint32_t word_offset() { return (below(buffer_bytes) & ~3u) - buffer_bytes / 2; }
  void emit_atomic() {
    const std::uint32_t address = emit_address(word_offset());
    emit(one_of(atomics_), {.rd = destination(), .rs1 = address, .rs2 = source()});
  }
  /// LR and SC where the manual leaves no choice, and where the hardware does as the manual says: it has one
  /// reservation per bank, so that a failed SC to another bank does not end it.
  void emit_conditional() {
    if (!in_l1_) return emit_atomic();
    const std::uint32_t offset = word_offset();
    const std::uint32_t saved = pinned_;
    const std::uint32_t address = emit_address(offset);
    pinned_ |= 1u << address;
    if (one_in(4)) {
      emit("lr.w", {.rd = destination(), .rs1 = address});
      const std::uint32_t distance = one_in(2) ? 4 : one_core.banks() * 4;  // to another bank, or to the same one
      const std::uint32_t middle = buffer_bytes / 2;
      const std::uint32_t other = emit_address(((offset + middle + distance) & (buffer_bytes - 1)) - middle);
      emit("sc.w", {.rd = destination(), .rs1 = other, .rs2 = source()});
    }
    emit("lr.w", {.rd = destination(), .rs1 = address});
    for (std::uint32_t n = below(4); n != 0; --n) emit_arithmetic();
    emit("sc.w", {.rd = destination(), .rs1 = address, .rs2 = source()});
    if (one_in(3)) emit("sc.w", {.rd = destination(), .rs1 = address, .rs2 = source()});
    pinned_ = saved;
  }

  void emit_skip(int depth) {
    const sim::instruction& row = one_of(branches_);
    const fields f = {.rs1 = source(), .rs2 = source()};
    const std::uint32_t from = here();
    emit(row, f);
    emit_nested(depth);
    aim(from, row, f, here());
  }
  /// Over something that never runs, by jal or by jalr.
  void emit_jump(int depth) {
    const fields f = {.rd = destination()};
    if (one_in(2)) {
      const std::uint32_t from = here();
      emit("jal", f);
      emit_nested(depth);
      aim(from, support::find("jal"), f, here());
      return;
    }
    const std::uint32_t base = scratch();
    const std::uint32_t from = here();
    emit("auipc", {.rd = base});
    emit("jalr", f);
    for (std::uint32_t n = below(20); n != 0; --n) emit_arithmetic();
    const std::uint32_t distance = (here() - from) * 4 + below(2);  // jalr ignores bit 0
    code_[from + 1] = support::word("jalr", {.rd = f.rd, .rs1 = base, .imm = distance});
  }
  void emit_loop(int depth) {
    const std::uint32_t saved = pinned_;
    const std::uint32_t counter = scratch();
    pinned_ |= 1u << counter;
    emit("addi", {.rd = counter, .rs1 = 0, .imm = 1 + below(4)});
    const std::uint32_t head = here();
    emit_nested(depth);
    emit("addi", {.rd = counter, .rs1 = counter, .imm = 0xfff});
    const char* const counts[] = {"bne", "blt", "bltu"};  // x0 != counter, x0 < counter
    const std::uint32_t from = here();
    emit("bne");
    aim(from, support::find(counts[below(3)]), {.rs1 = 0, .rs2 = counter}, head);
    pinned_ = saved;
  }
  /// A subroutine before its caller, and its return.
  void emit_call(int depth) {
    const std::uint32_t over = here();
    emit("jal");
    const std::uint32_t saved = pinned_;
    const std::uint32_t link = scratch();
    pinned_ |= 1u << link;
    const std::uint32_t begin = here();
    emit_nested(depth);
    const std::uint32_t shift = below(0x800);
    emit("addi", {.rd = link, .rs1 = link, .imm = (0u - shift) & 0xfff});
    pinned_ = saved;
    emit("jalr", {.rd = destination(), .rs1 = link, .imm = shift});
    aim(over, support::find("jal"), {}, here());
    const std::uint32_t call = here();
    emit("jal");
    aim(call, support::find("jal"), {.rd = link}, begin);
  }

  void emit_end() {
    constexpr std::uint32_t a0 = 10, a1 = 11, a2 = 12, a7 = 17;
    for (const region& r : outputs) {
      emit_constant(a0, 1);
      emit_constant(a1, r.begin);
      emit_constant(a2, r.bytes);
      emit_constant(a7, 64);  // write
      emit("ecall");
    }
    emit_constant(a0, 0);
    emit_constant(a7, 93);  // exit
    emit("ecall");
    for (const std::uint32_t w : support::finish()) code_.push_back(w);
  }

  std::mt19937_64 random_;
  rows arithmetic_, loads_, stores_, atomics_, branches_;
  std::vector<std::uint32_t> code_;
  std::vector<block> blocks_;
  std::uint32_t pinned_ = 0;  ///< registers that keep their values
  std::uint32_t table_ = 0;   ///< the register that points into the table,
  std::uint32_t base_ = 0;    ///< and the one that holds the middle of the block's memory
  bool in_l1_ = false;
};

}  // namespace tessera::qemu
