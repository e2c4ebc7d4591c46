// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The program that the tests of GDB's protocol debug, on four cores.

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "support/assembler.hpp"
#include "support/gdb_client.hpp"

namespace tessera::test {

using namespace tessera::sim;
using support::finish;
using support::gdb_packet;
using support::gdb_payloads;
using support::load_constant;
using support::program;
using support::word;

inline constexpr configuration four_cores = [] {
  configuration c = minpool;
  c.name = "four";
  c.groups = c.tiles = 1;
  c.l2_bytes = 1 << 16;
  return c;
}();
static_assert(refusal(four_cores) == nullptr);

inline constexpr uint32_t a0 = 10, a1 = 11, a2 = 12, a3 = 13;

// Each core stores 10 + its number in L1 and loads it. The others sleep; core 0 ends the program with 7, late enough
// that in the functional mode, too, the others have had their turn.
inline constexpr uint32_t at_store = l2_base + 0x0c, at_load = l2_base + 0x10, at_add = l2_base + 0x14;
inline const std::vector<uint32_t> small =
    program(word("csrrs", {.rd = a0, .rs1 = 0, .imm = 0xf14}), word("addi", {.rd = a1, .rs1 = a0, .imm = 10}),
            word("slli", {.rd = a2, .rs1 = a0, .imm = 2}), word("sw", {.rs1 = a2, .rs2 = a1, .imm = 0x100}),
            word("lw", {.rd = a3, .rs1 = a2, .imm = 0x100}), word("addi", {.rd = a3, .rs1 = a3, .imm = 1}),
            word("beq", {.rs1 = a0, .rs2 = 0, .imm = 12}), word("wfi"),
            word("jal", {.rd = 0, .imm = static_cast<uint32_t>(-4)}),
            std::vector<uint32_t>(functional::quantum, word("addi")), finish(7));

class client : public support::gdb_client {
 public:
  client(const std::vector<uint32_t>& words, mode how, const configuration& c = four_cores)
      : gdb_client(words, how, c) {}
};

inline std::string hex(uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%x", value);
  return text;
}
/// A register's value as the protocol has it.
inline std::string little(uint32_t v) {
  char text[9];
  std::snprintf(text, sizeof text, "%02x%02x%02x%02x", v & 255, v >> 8 & 255, v >> 16 & 255, v >> 24);
  return text;
}

inline constexpr mode modes[] = {mode::functional, mode::timed};

}  // namespace tessera::test
