// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Instructions as assembly text, from the table. Branches and jumps show where they go.

#include "tessera/sim/instructions.hpp"

namespace tessera::sim {

/// The ABI's name of register 0..31; of `sink`, which stands for x0 as a destination, "zero".
constexpr const char* register_name(uint32_t r) {
  constexpr const char* names[33] = {"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
                                     "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                     "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6", "zero"};
  return names[r];
}

/// Name of a CSR that Snitch has, or nullptr.
constexpr const char* csr_name(uint32_t number) {
  switch (number) {
    case 0xf14: return "mhartid";
    case 0xb00: return "mcycle";
    case 0xb80: return "mcycleh";
    case 0xb02: return "minstret";
    case 0xb82: return "minstreth";
    case 0xb03: return "mhpmcounter3";
    case 0xb04: return "mhpmcounter4";
    case 0xb05: return "mhpmcounter5";
    case 0x7d0: return "trace";
    case 0x7d1: return "stacklimit";
    default: return nullptr;
  }
}

/// A line of text of bounded length; what does not fit is cut.
class assembly_text {
 public:
  const char* c_str() const { return text_; }
  size_t size() const { return size_; }

  assembly_text& operator<<(const char* s) {
    while (*s != '\0') put(*s++);
    return *this;
  }
  assembly_text& operator<<(char c) {
    put(c);
    return *this;
  }
  assembly_text& number(int64_t value) {
    if (value < 0) {
      put('-');
      value = -value;
    }
    char digits[20];
    int count = 0;
    do digits[count++] = static_cast<char>('0' + value % 10);
    while ((value /= 10) != 0);
    while (count != 0) put(digits[--count]);
    return *this;
  }
  assembly_text& hex(uint32_t value) {
    *this << "0x";
    bool leading = true;
    for (int shift = 28; shift >= 0; shift -= 4) {
      const uint32_t digit = value >> shift & 15;
      leading = leading && digit == 0 && shift != 0;
      if (!leading) put("0123456789abcdef"[digit]);
    }
    return *this;
  }
  void pad(size_t column) {
    while (size_ < column) put(' ');
  }

 private:
  void put(char c) {
    if (size_ + 1 < sizeof(text_)) text_[size_++] = c;
  }
  char text_[80] = {};
  size_t size_ = 0;
};

/// The instruction `word` at `pc`.
inline assembly_text disassemble(uint32_t word, uint32_t pc) {
  const decoded d = decode(word);
  const instruction& row = row_of(d.row);
  assembly_text t;
  if (d.row == illegal_row) {
    t << ".word ";
    return t.hex(word);
  }
  t << row.mnemonic;
  const form f = row.operand_form;
  if (f == form::none || f == form::fence) return t;
  t.pad(13);
  t << ' ';
  const char* const rd = register_name(d.rd);
  const char* const rs1 = register_name(d.rs1);
  const char* const rs2 = register_name(d.rs2);
  const auto imm = static_cast<int32_t>(d.imm);
  switch (f) {
    case form::r: t << rd << ", " << rs1 << ", " << rs2; break;
    case form::r_unary: t << rd << ", " << rs1; break;
    case form::r_imm5:
    case form::r_imm6:
    case form::i:
    case form::i_shift: (t << rd << ", " << rs1 << ", ").number(imm); break;
    case form::u:
    case form::u_pc: (t << rd << ", ").hex(d.imm >> 12); break;
    case form::load: ((t << rd << ", ").number(imm)) << '(' << rs1 << ')'; break;
    case form::load_post: ((t << rd << ", ").number(imm)) << '(' << rs1 << "!)"; break;
    case form::load_register: t << rd << ", " << rs2 << '(' << rs1 << ')'; break;
    case form::load_register_post: t << rd << ", " << rs2 << '(' << rs1 << "!)"; break;
    case form::store: ((t << rs2 << ", ").number(imm)) << '(' << rs1 << ')'; break;
    case form::store_post: ((t << rs2 << ", ").number(imm)) << '(' << rs1 << "!)"; break;
    case form::store_register: t << rs2 << ", " << rd << '(' << rs1 << ')'; break;
    case form::store_register_post: t << rs2 << ", " << rd << '(' << rs1 << "!)"; break;
    case form::branch: (t << rs1 << ", " << rs2 << ", ").hex(pc + d.imm); break;
    case form::branch_imm:
      ((t << rs1 << ", ").number(static_cast<int32_t>(branch_immediate(d))) << ", ").hex(pc + d.imm);
      break;
    case form::jump: (t << rd << ", ").hex(pc + d.imm); break;
    case form::jump_register: ((t << rd << ", ").number(imm)) << '(' << rs1 << ')'; break;
    case form::atomic: t << rd << ", " << rs2 << ", (" << rs1 << ')'; break;
    case form::load_reserved: t << rd << ", (" << rs1 << ')'; break;
    case form::csr:
    case form::csr_imm:
      t << rd << ", ";
      if (const char* name = csr_name(d.imm)) {
        t << name;
      } else {
        t.hex(d.imm);
      }
      t << ", ";
      if (f == form::csr) {
        t << rs1;
      } else {
        t.number(d.rs1);
      }
      break;
    case form::fence:
    case form::none: break;
  }
  return t;
}

}  // namespace tessera::sim
