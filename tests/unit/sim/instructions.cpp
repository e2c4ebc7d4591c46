// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/instructions.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "support/assembler.hpp"
#include "support/random.hpp"
#include "tessera/sim/disassemble.hpp"

using namespace tessera;
using namespace tessera::sim;
using support::encode;
using support::fields;
using support::word;

namespace {

/// Fields that the form can hold, as the decoder returns them.
fields random_fields(form f, std::mt19937_64& random) {
  const auto bits = [&](int n) { return static_cast<uint32_t>(random()) & ((n == 32 ? 0 : 1u << n) - 1); };
  const auto signed_bits = [&](int n) { return detail::sign_extend(bits(n), n); };
  fields x{bits(5), bits(5), bits(5), 0};
  switch (f) {
    case form::r_imm5:
    case form::i_shift: x.imm = bits(5); break;
    case form::r_imm6: x.imm = bits(6); break;
    case form::csr:
    case form::csr_imm: x.imm = bits(12); break;
    case form::u:
    case form::u_pc: x.imm = bits(20) << 12; break;
    case form::branch:
    case form::branch_imm: x.imm = signed_bits(12) * 2; break;
    case form::jump: x.imm = signed_bits(20) * 2; break;
    default: x.imm = signed_bits(12); break;
  }
  return x;
}

bool has_immediate(form f) {
  switch (f) {
    case form::r:
    case form::r_unary:
    case form::load_register:
    case form::load_register_post:
    case form::store_register:
    case form::store_register_post:
    case form::atomic:
    case form::load_reserved:
    case form::fence:
    case form::none: return false;
    default: return true;
  }
}

}  // namespace

TEST_CASE("instructions: the table has RV32IMA, Zicsr and all of Xpulpimg") {
  int packed = 0;
  for (const instruction& row : instructions) packed += std::string_view(row.mnemonic).starts_with("p") ? 1 : 0;
  CHECK(packed == 175);
  CHECK(instruction_count == 175 + 66);
}

TEST_CASE("instructions: every row is decoded from every word that it matches") {
  INFO(support::seed_text());
  std::mt19937_64 random(support::test_seed());
  for (int row = 0; row < instruction_count; ++row) {
    const instruction& i = instructions[row];
    CAPTURE(i.mnemonic);
    for (int repeat = 0; repeat < 50; ++repeat) {
      const fields x = random_fields(i.operand_form, random);
      const uint32_t w = encode(i, x);
      const decoded d = decode(w);
      REQUIRE(d.row == row);
      if (writes_rd(i.operand_form)) CHECK(d.rd == (x.rd == 0 ? sink : x.rd));
      if (stores_by_register(i.operand_form)) CHECK(d.rd == x.rd);
      if (reads_rs1(i.operand_form) || i.operand_form == form::csr_imm) CHECK(d.rs1 == x.rs1);
      if (reads_rs2(i.operand_form)) CHECK(d.rs2 == x.rs2);
      if (i.operand_form == form::branch_imm) CHECK(branch_immediate(d) == detail::sign_extend(x.rs2, 5));
      if (has_immediate(i.operand_form)) CHECK(d.imm == x.imm);
    }
  }
}

TEST_CASE("instructions: any word is decoded, and found in at most one row") {
  INFO(support::seed_text());
  std::mt19937_64 random(support::test_seed());
  int legal = 0;
  for (int repeat = 0; repeat < 200'000; ++repeat) {
    const auto w = static_cast<uint32_t>(random());
    int matches = 0;
    for (const instruction& row : instructions) matches += (w & mask_of(row.operand_form)) == row.match ? 1 : 0;
    const bool illegal = decode(w).row == illegal_row;
    if (matches > 1 || illegal != (matches == 0) || disassemble(w, 0x80000000).size() == 0) FAIL(w);
    legal += matches;
  }
  CHECK(legal > 1000);
}

TEST_CASE("instructions: what the core lacks is illegal") {
  const uint32_t words[] = {0x00000000,
                            0xffffffff,
                            0x0000100f /* fence.i */,
                            0x30200073 /* mret */,
                            0x0000003b /* addw */,
                            0x0200003b /* mulw */,
                            0x00000007 /* flw */,
                            0x00000053 /* fadd.s */,
                            0x00003003 /* ld */,
                            0x00001013 | 1u << 25,
                            0x00000001 /* compressed */,
                            0x04000057 /* pv.cmpeq.h */};
  for (const uint32_t w : words) {
    CAPTURE(w);
    CHECK(decode(w).row == illegal_row);
  }
}

TEST_CASE("instructions: assembly text") {
  const auto text = [](uint32_t w) {
    std::string t = disassemble(w, 0x80000100).c_str();
    std::string squeezed;
    for (const char c : t) {
      if (c != ' ' || squeezed.empty() || squeezed.back() != ' ') squeezed += c;
    }
    return squeezed;
  };
  CHECK(text(word("add", {10, 11, 12})) == "add a0, a1, a2");
  CHECK(text(word("addi", {10, 11, 0, static_cast<uint32_t>(-5)})) == "addi a0, a1, -5");
  CHECK(text(word("lui", {5, 0, 0, 0x12345000})) == "lui t0, 0x12345");
  CHECK(text(word("lw", {10, 2, 0, 16})) == "lw a0, 16(sp)");
  CHECK(text(word("sw", {0, 2, 10, static_cast<uint32_t>(-4)})) == "sw a0, -4(sp)");
  CHECK(text(word("beq", {0, 10, 0, static_cast<uint32_t>(-256)})) == "beq a0, zero, 0x80000000");
  CHECK(text(word("p.bneimm", {0, 10, 31, 8})) == "p.bneimm a0, -1, 0x80000108");
  CHECK(text(word("jal", {1, 0, 0, 0x100})) == "jal ra, 0x80000200");
  CHECK(text(word("jalr", {0, 1, 0, 0})) == "jalr zero, 0(ra)");
  CHECK(text(word("p.lw", {10, 11, 0, 4})) == "p.lw a0, 4(a1!)");
  CHECK(text(word("p.sb", {0, 11, 12, 1})) == "p.sb a2, 1(a1!)");
  CHECK(text(word("amoadd.w", {10, 11, 12})) == "amoadd.w a0, a2, (a1)");
  CHECK(text(word("lr.w", {10, 11, 0})) == "lr.w a0, (a1)");
  CHECK(text(word("csrrs", {10, 0, 0, 0xf14})) == "csrrs a0, mhartid, zero");
  CHECK(text(word("csrrwi", {0, 3, 0, 0x7d0})) == "csrrwi zero, trace, 3");
  CHECK(text(word("pv.sdotsp.b", {10, 11, 12})) == "pv.sdotsp.b a0, a1, a2");
  CHECK(text(word("pv.add.sci.h", {10, 11, 0, 7})) == "pv.add.sci.h a0, a1, 7");
  CHECK(text(word("fence")) == "fence");
  CHECK(text(0xdeadbeef & ~3u) == ".word 0xdeadbeec");
}

TEST_CASE("instructions: the arithmetic of the base set") {
  const auto run = [](std::string_view name, uint32_t a, uint32_t b) {
    const instruction& row = support::find(name);
    return row.compute({0, a, b, b, 0x80000000});
  };
  constexpr uint32_t low = 0x80000000;
  constexpr uint32_t ones = 0xffffffff;
  CHECK(run("add", ones, 2) == 1);
  CHECK(run("sub", 0, 1) == ones);
  CHECK(run("sll", 1, 33) == 2);
  CHECK(run("srl", low, 31) == 1);
  CHECK(run("sra", low, 31) == ones);
  CHECK(run("slt", low, 0) == 1);
  CHECK(run("sltu", low, 0) == 0);
  CHECK(run("mulh", low, low) == 0x40000000);
  CHECK(run("mulhu", ones, ones) == 0xfffffffe);
  CHECK(run("mulhsu", ones, ones) == ones);
  CHECK(run("div", low, ones) == low);
  CHECK(run("rem", low, ones) == 0);
  CHECK(run("div", ones, 1) == ones);  // where Snitch's divider errs
  CHECK(run("rem", ones, 1) == 0);
  CHECK(run("div", 7, 0) == ones);
  CHECK(run("rem", 7, 0) == 7);
  CHECK(run("divu", low, ones) == 0);
  CHECK(run("remu", low, ones) == low);
  CHECK(run("div", static_cast<uint32_t>(-7), 2) == static_cast<uint32_t>(-3));
  CHECK(run("rem", static_cast<uint32_t>(-7), 2) == ones);
  CHECK(run("bge", 1, low) == 1);
  CHECK(run("bgeu", 1, low) == 0);
  CHECK(run("auipc", 0, 0x1000) == 0x80001000);
}
