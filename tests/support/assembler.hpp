// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/sim/instructions.hpp"

/// An assembler driven by the simulator's own table: the inverse of its decoder, for tests that need a few words of
/// code. What the table gets wrong is found by programs that real compilers made (tests/rv32) and by qemu (tests/qemu).
namespace tessera::support {

/// Fields of an instruction; what its form does not use is ignored.
struct fields {
  uint32_t rd = 0;
  uint32_t rs1 = 0;
  uint32_t rs2 = 0;
  uint32_t imm = 0;
};

inline uint32_t encode(const sim::instruction& row, const fields& f) {
  using sim::form;
  const uint32_t rd = f.rd << 7;
  const uint32_t rs1 = f.rs1 << 15;
  const uint32_t rs2 = f.rs2 << 20;
  const uint32_t i = f.imm;
  switch (row.operand_form) {
    case form::r:
    case form::load_register:
    case form::load_register_post:
    case form::store_register:
    case form::store_register_post:
    case form::atomic: return row.match | rd | rs1 | rs2;
    case form::r_unary:
    case form::load_reserved: return row.match | rd | rs1;
    case form::r_imm5:
    case form::i_shift: return row.match | rd | rs1 | (i & 31) << 20;
    case form::r_imm6: return row.match | rd | rs1 | (i >> 1 & 31) << 20 | (i & 1) << 25;
    case form::i:
    case form::load:
    case form::load_post:
    case form::jump_register:
    case form::csr:
    case form::csr_imm: return row.match | rd | rs1 | i << 20;
    case form::u:
    case form::u_pc: return row.match | rd | (i & 0xfffff000);
    case form::store:
    case form::store_post: return row.match | rs1 | rs2 | (i & 31) << 7 | (i >> 5 & 127) << 25;
    case form::branch:
    case form::branch_imm:
      return row.match | rs1 | rs2 | (i >> 11 & 1) << 7 | (i >> 1 & 15) << 8 | (i >> 5 & 63) << 25 |
             (i >> 12 & 1) << 31;
    case form::jump:
      return row.match | rd | (i & 0xff000) | (i >> 11 & 1) << 20 | (i >> 1 & 1023) << 21 | (i >> 20 & 1) << 31;
    case form::fence:
    case form::none: return row.match;
  }
  return row.match;
}

/// The first row of this name, with this form where the name has several.
inline const sim::instruction& find(std::string_view mnemonic) {
  for (const sim::instruction& row : sim::instructions) {
    if (mnemonic == row.mnemonic) return row;
  }
  throw std::invalid_argument("no instruction " + std::string(mnemonic));
}
inline uint32_t word(std::string_view mnemonic, const fields& f = {}) { return encode(find(mnemonic), f); }

/// Words that load a constant into a register.
inline std::vector<uint32_t> load_constant(uint32_t rd, uint32_t value) {
  return {word("lui", {.rd = rd, .imm = value + 0x800}), word("addi", {.rd = rd, .rs1 = rd, .imm = value & 0xfff})};
}
/// Words that end the program with an exit code, by registers 30 and 31.
inline std::vector<uint32_t> finish(uint32_t exit_code = 0) {
  std::vector<uint32_t> words = load_constant(30, 0x4000'0000);
  for (const uint32_t w : load_constant(31, exit_code << 1 | 1)) words.push_back(w);
  words.push_back(word("sw", {.rs1 = 30, .rs2 = 31}));
  words.push_back(word("wfi"));
  words.push_back(word("jal", {.rd = 0, .imm = static_cast<uint32_t>(-4)}));
  return words;
}
/// Joins stretches of code.
template <class... Part>
std::vector<uint32_t> program(const Part&... parts) {
  std::vector<uint32_t> words;
  const auto append = [&](const auto& part) {
    if constexpr (requires { part.begin(); }) {
      words.insert(words.end(), part.begin(), part.end());
    } else {
      words.push_back(part);
    }
  };
  (append(parts), ...);
  return words;
}
inline std::vector<uint8_t> to_bytes(const std::vector<uint32_t>& words) {
  std::vector<uint8_t> bytes;
  for (const uint32_t w : words) {
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<uint8_t>(w >> shift));
  }
  return bytes;
}

}  // namespace tessera::support
