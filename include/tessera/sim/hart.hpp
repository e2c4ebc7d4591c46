// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Architectural state of a core, and the decoded code that it runs.

#include "tessera/sim/instructions.hpp"

namespace tessera::sim {

struct hart;

/// A decoded instruction and the function that executes it in the functional mode: returns the next slot, or nullptr if
/// the instruction needs the slow path (nothing has changed then).
struct slot {
  const slot* (*run)(hart&, const slot*);
  decoded instruction;
};

/// A stretch of code: slots for [base, base + bytes), and one sentinel behind.
struct code_region {
  slot* slots = nullptr;
  uint32_t base = 0;
  uint32_t bytes = 0;
  bool holds(uint32_t pc) const { return pc - base < bytes; }
};

/// The memories as the fast path sees them; what it does not cover takes the slow path.
struct memory_view {
  uint8_t* l1 = nullptr;
  uint32_t l1_bytes = 0;
  uint32_t l1_writable = 0;  ///< 0 while a reservation is held, so that every store is compared with it
  uint8_t* l2 = nullptr;
  uint32_t l2_bytes = 0;
  uint32_t l2_guarded = 0;  ///< bytes at the start of L2 (code, read-only data) whose stores are checked
};

inline constexpr uint32_t history_length = 16;

/// Whose instruction does something, for reports.
struct origin {
  uint32_t core = 0;
  uint32_t pc = 0;
};

struct hart {
  uint32_t x[33] = {};  ///< x[sink] takes what is written to x0
  uint32_t pc = 0;
  uint32_t id = 0;
  uint32_t stack_limit = ~uint32_t{0};
  uint32_t trace = 0;
  uint64_t instructions = 0;
  uint8_t pending_wakes = 0;
  bool asleep = false;
  /// Program counters of the last instructions; the newest is before history_next.
  uint32_t history[history_length] = {};
  uint32_t history_next = 0;

  const memory_view* memory = nullptr;
  code_region code;  ///< where pc is

  /// Whether `sp` lies below the limit, seen as a signed distance: stacks may begin at address 0. A limit of all ones
  /// is off.
  bool overflows(uint32_t sp) const {
    return stack_limit != ~uint32_t{0} && static_cast<int32_t>(sp - stack_limit) < 0;
  }
  origin where() const { return {id, pc}; }
  void remember(uint32_t address) {
    history[history_next] = address;
    history_next = (history_next + 1) % history_length;
  }
};

/// The register values that an instruction computes from.
inline operands operands_of(const hart& h, const decoded& d, const instruction& row, uint32_t pc) {
  const uint32_t rs2 = row.operand_form == form::branch_imm ? branch_immediate(d) : h.x[d.rs2];
  return {h.x[d.rd], h.x[d.rs1], rs2, d.imm, pc};
}

/// The address of a load, store or atomic, and what a post-incremented base becomes.
struct memory_operands {
  uint32_t address;
  uint32_t updated_base;
};
inline memory_operands memory_operands_of(const hart& h, const decoded& d, form f) {
  const uint32_t base = h.x[d.rs1];
  switch (f) {
    case form::load:
    case form::store: return {base + d.imm, base};
    case form::load_post:
    case form::store_post: return {base, base + d.imm};
    case form::load_register: return {base + h.x[d.rs2], base};
    case form::load_register_post: return {base, base + h.x[d.rs2]};
    case form::store_register: return {base + h.x[d.rd], base};
    case form::store_register_post: return {base, base + h.x[d.rd]};
    default: return {base, base};
  }
}

/// Whether an instruction sets sp. Stores may only use it.
inline bool sets_stack_pointer(const decoded& d, form f) {
  return (d.rd == 2 && writes_rd(f)) || (d.rs1 == 2 && post_increments(f));
}

// Memory is little-endian bytes on every host.
inline uint32_t load_bytes(const uint8_t* p, uint32_t bytes) {
  uint32_t value = p[0];
  if (bytes >= 2) value |= static_cast<uint32_t>(p[1]) << 8;
  if (bytes == 4) value |= static_cast<uint32_t>(p[2]) << 16 | static_cast<uint32_t>(p[3]) << 24;
  return value;
}
inline void store_bytes(uint8_t* p, uint32_t value, uint32_t bytes) {
  p[0] = static_cast<uint8_t>(value);
  if (bytes >= 2) p[1] = static_cast<uint8_t>(value >> 8);
  if (bytes == 4) {
    p[2] = static_cast<uint8_t>(value >> 16);
    p[3] = static_cast<uint8_t>(value >> 24);
  }
}
/// A loaded value as the register gets it.
constexpr uint32_t extend(uint32_t value, const instruction& row) {
  if (row.bytes == 4) return value;
  const int bits = 8 * row.bytes;
  return row.sign_extended ? detail::sign_extend(value & ((1u << bits) - 1), bits) : value & ((1u << bits) - 1);
}

}  // namespace tessera::sim
