// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The one table of instructions: RV32I, M, A, Zicsr and Xpulpimg. It drives the decoder, the disassembler, coverage,
/// both executors and the trace. A row's `compute` is the instruction's arithmetic; for Xpulpimg it *is* the function
/// of isa/emulated.hpp. Source: the RISC-V unprivileged manual; MemPool's Snitch core for Xpulpimg and for what is left
/// out (no traps, no fence.i, ecall and ebreak do nothing).

#include "tessera/isa/emulated.hpp"

namespace tessera::sim {

/// What an instruction computes from: register values, the immediate (as its form says) and its own address.
struct operands {
  uint32_t rd;  ///< old value of the destination
  uint32_t rs1;
  uint32_t rs2;
  uint32_t imm;
  uint32_t pc;
};
using compute_function = uint32_t (*)(const operands&);

/// How the fields of the word are used, and how the instruction is written in assembly.
enum class form : uint8_t {
  r,                    ///< rd, rs1, rs2
  r_unary,              ///< rd, rs1
  r_imm5,               ///< rd, rs1, imm5: unsigned, in the place of rs2
  r_imm6,               ///< rd, rs1, imm6: {inst[24:20], inst[25]}, raw
  i,                    ///< rd, rs1, imm12
  i_shift,              ///< rd, rs1, shift amount
  u,                    ///< rd, imm20 << 12
  u_pc,                 ///< the same, relative to pc
  load,                 ///< rd, imm12(rs1)
  load_post,            ///< rd, imm12(rs1!): the address is rs1, which then grows by imm12
  load_register,        ///< rd, rs2(rs1)
  load_register_post,   ///< rd, rs2(rs1!)
  store,                ///< rs2, imm12(rs1)
  store_post,           ///< rs2, imm12(rs1!)
  store_register,       ///< rs2, rs3(rs1): rs3 stands in the place of rd
  store_register_post,  ///< rs2, rs3(rs1!)
  branch,               ///< rs1, rs2, label
  branch_imm,           ///< rs1, imm5 (signed, in the place of rs2), label
  jump,                 ///< rd, label
  jump_register,        ///< rd, imm12(rs1)
  atomic,               ///< rd, rs2, (rs1)
  load_reserved,        ///< rd, (rs1)
  csr,                  ///< rd, csr, rs1
  csr_imm,              ///< rd, csr, imm5: unsigned, in the place of rs1
  fence,                ///< nothing; the fields of the word are ignored
  none,                 ///< nothing
};

/// Who executes an instruction; the timed model's latency class.
enum class unit : uint8_t {
  alu,
  ipu,
  divider,
  load,
  store,
  atomic,
  reserve,
  conditional,
  branch,
  jump,
  fence,
  wait,
  csr,
  nothing,
  illegal
};

/// One row of the table.
struct instruction {
  const char* mnemonic;
  uint32_t match;
  form operand_form;
  unit executes_on;
  compute_function compute;  ///< result, condition (branch), or new memory word from rd = old word and rs2 (atomic)
  uint8_t bytes;             ///< of a memory access
  bool sign_extended;        ///< what a load does with its value
  bool reads_rd;             ///< the destination is a source, too
};

/// The bits of a word that say which instruction it is.
constexpr uint32_t mask_of(form f) {
  switch (f) {
    case form::r:
    case form::r_imm5:
    case form::i_shift:
    case form::load_register:
    case form::load_register_post:
    case form::store_register:
    case form::store_register_post: return 0xfe00707f;
    case form::r_unary: return 0xfff0707f;
    case form::r_imm6: return 0xfc00707f;
    case form::u:
    case form::u_pc:
    case form::jump: return 0x7f;
    case form::atomic: return 0xf800707f;
    case form::load_reserved: return 0xf9f0707f;
    case form::none: return 0xffffffff;
    default: return 0x707f;
  }
}
constexpr bool is_load(form f) { return f >= form::load && f <= form::load_register_post; }
constexpr bool is_store(form f) { return f >= form::store && f <= form::store_register_post; }
constexpr bool post_increments(form f) {
  return f == form::load_post || f == form::load_register_post || f == form::store_post ||
         f == form::store_register_post;
}
/// rd's place holds a third source (rs3) instead of a destination.
constexpr bool stores_by_register(form f) { return f == form::store_register || f == form::store_register_post; }
constexpr bool writes_rd(form f) {
  return !is_store(f) && f != form::branch && f != form::branch_imm && f != form::fence && f != form::none;
}
constexpr bool reads_rs1(form f) {
  return f != form::u && f != form::u_pc && f != form::jump && f != form::csr_imm && f != form::fence &&
         f != form::none;
}
constexpr bool reads_rs2(form f) {
  return f == form::r || f == form::load_register || f == form::load_register_post || is_store(f) ||
         f == form::branch || f == form::atomic;
}

namespace detail {

/// The arithmetic of the base instructions. Division gives what the manual says, where Snitch's divider errs (-1 / 1).
struct base {
  static constexpr int32_t s(uint32_t v) { return static_cast<int32_t>(v); }
  static constexpr uint32_t u(int64_t v) { return static_cast<uint32_t>(v); }
  static constexpr uint32_t lui(uint32_t, uint32_t imm) { return imm; }
  static constexpr uint32_t auipc(uint32_t pc, uint32_t imm) { return pc + imm; }
  static constexpr uint32_t add(uint32_t a, uint32_t b) { return a + b; }
  static constexpr uint32_t sub(uint32_t a, uint32_t b) { return a - b; }
  static constexpr uint32_t sll(uint32_t a, uint32_t b) { return a << (b & 31); }
  static constexpr uint32_t srl(uint32_t a, uint32_t b) { return a >> (b & 31); }
  static constexpr uint32_t sra(uint32_t a, uint32_t b) { return u(s(a) >> (b & 31)); }
  static constexpr uint32_t slt(uint32_t a, uint32_t b) { return s(a) < s(b) ? 1 : 0; }
  static constexpr uint32_t sltu(uint32_t a, uint32_t b) { return a < b ? 1 : 0; }
  static constexpr uint32_t xor_(uint32_t a, uint32_t b) { return a ^ b; }
  static constexpr uint32_t or_(uint32_t a, uint32_t b) { return a | b; }
  static constexpr uint32_t and_(uint32_t a, uint32_t b) { return a & b; }
  static constexpr uint32_t beq(uint32_t a, uint32_t b) { return a == b ? 1 : 0; }
  static constexpr uint32_t bne(uint32_t a, uint32_t b) { return a != b ? 1 : 0; }
  static constexpr uint32_t blt(uint32_t a, uint32_t b) { return slt(a, b); }
  static constexpr uint32_t bge(uint32_t a, uint32_t b) { return slt(a, b) ^ 1; }
  static constexpr uint32_t bltu(uint32_t a, uint32_t b) { return sltu(a, b); }
  static constexpr uint32_t bgeu(uint32_t a, uint32_t b) { return sltu(a, b) ^ 1; }
  static constexpr uint32_t mul(uint32_t a, uint32_t b) { return a * b; }
  static constexpr uint32_t mulh(uint32_t a, uint32_t b) { return u((int64_t{s(a)} * s(b)) >> 32); }
  static constexpr uint32_t mulhsu(uint32_t a, uint32_t b) { return u((int64_t{s(a)} * b) >> 32); }
  static constexpr uint32_t mulhu(uint32_t a, uint32_t b) { return static_cast<uint32_t>((uint64_t{a} * b) >> 32); }
  static constexpr uint32_t div(uint32_t a, uint32_t b) { return b == 0 ? ~uint32_t{0} : u(int64_t{s(a)} / s(b)); }
  static constexpr uint32_t rem(uint32_t a, uint32_t b) { return b == 0 ? a : u(int64_t{s(a)} % s(b)); }
  static constexpr uint32_t divu(uint32_t a, uint32_t b) { return b == 0 ? ~uint32_t{0} : a / b; }
  static constexpr uint32_t remu(uint32_t a, uint32_t b) { return b == 0 ? a : a % b; }
  static constexpr uint32_t amoswap(uint32_t, uint32_t b) { return b; }
  static constexpr uint32_t amomin(uint32_t a, uint32_t b) { return s(a) < s(b) ? a : b; }
  static constexpr uint32_t amomax(uint32_t a, uint32_t b) { return s(a) > s(b) ? a : b; }
  static constexpr uint32_t amominu(uint32_t a, uint32_t b) { return a < b ? a : b; }
  static constexpr uint32_t amomaxu(uint32_t a, uint32_t b) { return a > b ? a : b; }
};

template <class Function>
inline constexpr int arity = 0;
template <class... Argument>
inline constexpr int arity<uint32_t (*)(Argument...)> = sizeof...(Argument);

/// Binds the arguments of F to operands: `second` is rs2 or the immediate; a third argument in front is the old rd.
template <auto F, uint32_t operands::*First, uint32_t operands::*Second>
constexpr uint32_t bound(const operands& o) {
  if constexpr (arity<decltype(F)> == 1) {
    return F(o.*First);
  } else if constexpr (arity<decltype(F)> == 2) {
    return F(o.*First, o.*Second);
  } else {
    return F(o.rd, o.*First, o.*Second);
  }
}

template <auto F>
constexpr instruction compute(const char* mnemonic, form f, unit executes_on, uint32_t match) {
  compute_function function = bound<F, &operands::rs1, &operands::imm>;
  if (f == form::u_pc) function = bound<F, &operands::pc, &operands::imm>;
  if (f == form::r || f == form::branch || f == form::branch_imm) {
    function = bound<F, &operands::rs1, &operands::rs2>;
  }
  if (f == form::atomic) function = bound<F, &operands::rd, &operands::rs2>;
  return {mnemonic, match, f, executes_on, function, 0, false, arity<decltype(F)> == 3};
}
template <auto F>
constexpr instruction alu(const char* mnemonic, form f, uint32_t match) {
  return compute<F>(mnemonic, f, unit::alu, match);
}
template <auto F>
constexpr instruction ipu(const char* mnemonic, form f, uint32_t match) {
  return compute<F>(mnemonic, f, unit::ipu, match);
}
template <auto F>
constexpr instruction divider(const char* mnemonic, form f, uint32_t match) {
  return compute<F>(mnemonic, f, unit::divider, match);
}
template <auto F>
constexpr instruction branch(const char* mnemonic, form f, uint32_t match) {
  return compute<F>(mnemonic, f, unit::branch, match);
}
template <auto F>
constexpr instruction atomic(const char* mnemonic, uint32_t match) {
  instruction result = compute<F>(mnemonic, form::atomic, unit::atomic, match);
  result.bytes = 4;
  return result;
}
template <Integer T>
constexpr instruction load(const char* mnemonic, form f, uint32_t match) {
  return {mnemonic, match, f, unit::load, nullptr, sizeof(T), limits<T>::is_signed, false};
}
template <Integer T>
constexpr instruction store(const char* mnemonic, form f, uint32_t match) {
  return {mnemonic, match, f, unit::store, nullptr, sizeof(T), false, false};
}
constexpr instruction other(const char* mnemonic, form f, unit executes_on, uint32_t match) {
  const bool memory = executes_on == unit::reserve || executes_on == unit::conditional;
  return {mnemonic, match, f, executes_on, nullptr, static_cast<uint8_t>(memory ? 4 : 0), false, false};
}

using packed = isa::emulated;

}  // namespace detail

/// All instructions, Xpulpimg first. A word matches row i where (word & mask_of(form)) == match.
inline constexpr instruction instructions[] = {
    // Xpulpimg
    detail::load<int8_t>("p.lb", form::load_post, 0x0000000b),
    detail::load<uint8_t>("p.lbu", form::load_post, 0x0000400b),
    detail::load<int16_t>("p.lh", form::load_post, 0x0000100b),
    detail::load<uint16_t>("p.lhu", form::load_post, 0x0000500b),
    detail::load<int32_t>("p.lw", form::load_post, 0x0000200b),
    detail::load<int8_t>("p.lb", form::load_register_post, 0x0000700b),
    detail::load<uint8_t>("p.lbu", form::load_register_post, 0x4000700b),
    detail::load<int16_t>("p.lh", form::load_register_post, 0x1000700b),
    detail::load<uint16_t>("p.lhu", form::load_register_post, 0x5000700b),
    detail::load<int32_t>("p.lw", form::load_register_post, 0x2000700b),
    detail::load<int8_t>("p.lb", form::load_register, 0x00007003),
    detail::load<uint8_t>("p.lbu", form::load_register, 0x40007003),
    detail::load<int16_t>("p.lh", form::load_register, 0x10007003),
    detail::load<uint16_t>("p.lhu", form::load_register, 0x50007003),
    detail::load<int32_t>("p.lw", form::load_register, 0x20007003),
    detail::store<uint8_t>("p.sb", form::store_post, 0x0000002b),
    detail::store<uint16_t>("p.sh", form::store_post, 0x0000102b),
    detail::store<uint32_t>("p.sw", form::store_post, 0x0000202b),
    detail::store<uint8_t>("p.sb", form::store_register_post, 0x0000402b),
    detail::store<uint16_t>("p.sh", form::store_register_post, 0x0000502b),
    detail::store<uint32_t>("p.sw", form::store_register_post, 0x0000602b),
    detail::store<uint8_t>("p.sb", form::store_register, 0x00004023),
    detail::store<uint16_t>("p.sh", form::store_register, 0x00005023),
    detail::store<uint32_t>("p.sw", form::store_register, 0x00006023),
    detail::branch<detail::base::beq>("p.beqimm", form::branch_imm, 0x00002063),
    detail::branch<detail::base::bne>("p.bneimm", form::branch_imm, 0x00003063),
    detail::ipu<detail::packed::p_abs>("p.abs", form::r_unary, 0x04000033),
    detail::ipu<detail::packed::p_slet>("p.slet", form::r, 0x04002033),
    detail::ipu<detail::packed::p_sletu>("p.sletu", form::r, 0x04003033),
    detail::ipu<detail::packed::p_min>("p.min", form::r, 0x04004033),
    detail::ipu<detail::packed::p_minu>("p.minu", form::r, 0x04005033),
    detail::ipu<detail::packed::p_max>("p.max", form::r, 0x04006033),
    detail::ipu<detail::packed::p_maxu>("p.maxu", form::r, 0x04007033),
    detail::ipu<detail::packed::p_exths>("p.exths", form::r_unary, 0x10004033),
    detail::ipu<detail::packed::p_exthz>("p.exthz", form::r_unary, 0x10005033),
    detail::ipu<detail::packed::p_extbs>("p.extbs", form::r_unary, 0x10006033),
    detail::ipu<detail::packed::p_extbz>("p.extbz", form::r_unary, 0x10007033),
    detail::ipu<detail::packed::p_clip>("p.clip", form::r_imm5, 0x14001033),
    detail::ipu<detail::packed::p_clipu>("p.clipu", form::r_imm5, 0x14002033),
    detail::ipu<detail::packed::p_clipr>("p.clipr", form::r, 0x14005033),
    detail::ipu<detail::packed::p_clipur>("p.clipur", form::r, 0x14006033),
    detail::ipu<detail::packed::p_mac>("p.mac", form::r, 0x42000033),
    detail::ipu<detail::packed::p_msu>("p.msu", form::r, 0x42001033),
    detail::ipu<detail::packed::pv_add_h>("pv.add.h", form::r, 0x00000057),
    detail::ipu<detail::packed::pv_add_sc_h>("pv.add.sc.h", form::r, 0x00004057),
    detail::ipu<detail::packed::pv_add_sci_h>("pv.add.sci.h", form::r_imm6, 0x00006057),
    detail::ipu<detail::packed::pv_add_b>("pv.add.b", form::r, 0x00001057),
    detail::ipu<detail::packed::pv_add_sc_b>("pv.add.sc.b", form::r, 0x00005057),
    detail::ipu<detail::packed::pv_add_sci_b>("pv.add.sci.b", form::r_imm6, 0x00007057),
    detail::ipu<detail::packed::pv_sub_h>("pv.sub.h", form::r, 0x08000057),
    detail::ipu<detail::packed::pv_sub_sc_h>("pv.sub.sc.h", form::r, 0x08004057),
    detail::ipu<detail::packed::pv_sub_sci_h>("pv.sub.sci.h", form::r_imm6, 0x08006057),
    detail::ipu<detail::packed::pv_sub_b>("pv.sub.b", form::r, 0x08001057),
    detail::ipu<detail::packed::pv_sub_sc_b>("pv.sub.sc.b", form::r, 0x08005057),
    detail::ipu<detail::packed::pv_sub_sci_b>("pv.sub.sci.b", form::r_imm6, 0x08007057),
    detail::ipu<detail::packed::pv_avg_h>("pv.avg.h", form::r, 0x10000057),
    detail::ipu<detail::packed::pv_avg_sc_h>("pv.avg.sc.h", form::r, 0x10004057),
    detail::ipu<detail::packed::pv_avg_sci_h>("pv.avg.sci.h", form::r_imm6, 0x10006057),
    detail::ipu<detail::packed::pv_avg_b>("pv.avg.b", form::r, 0x10001057),
    detail::ipu<detail::packed::pv_avg_sc_b>("pv.avg.sc.b", form::r, 0x10005057),
    detail::ipu<detail::packed::pv_avg_sci_b>("pv.avg.sci.b", form::r_imm6, 0x10007057),
    detail::ipu<detail::packed::pv_avgu_h>("pv.avgu.h", form::r, 0x18000057),
    detail::ipu<detail::packed::pv_avgu_sc_h>("pv.avgu.sc.h", form::r, 0x18004057),
    detail::ipu<detail::packed::pv_avgu_sci_h>("pv.avgu.sci.h", form::r_imm6, 0x18006057),
    detail::ipu<detail::packed::pv_avgu_b>("pv.avgu.b", form::r, 0x18001057),
    detail::ipu<detail::packed::pv_avgu_sc_b>("pv.avgu.sc.b", form::r, 0x18005057),
    detail::ipu<detail::packed::pv_avgu_sci_b>("pv.avgu.sci.b", form::r_imm6, 0x18007057),
    detail::ipu<detail::packed::pv_min_h>("pv.min.h", form::r, 0x20000057),
    detail::ipu<detail::packed::pv_min_sc_h>("pv.min.sc.h", form::r, 0x20004057),
    detail::ipu<detail::packed::pv_min_sci_h>("pv.min.sci.h", form::r_imm6, 0x20006057),
    detail::ipu<detail::packed::pv_min_b>("pv.min.b", form::r, 0x20001057),
    detail::ipu<detail::packed::pv_min_sc_b>("pv.min.sc.b", form::r, 0x20005057),
    detail::ipu<detail::packed::pv_min_sci_b>("pv.min.sci.b", form::r_imm6, 0x20007057),
    detail::ipu<detail::packed::pv_minu_h>("pv.minu.h", form::r, 0x28000057),
    detail::ipu<detail::packed::pv_minu_sc_h>("pv.minu.sc.h", form::r, 0x28004057),
    detail::ipu<detail::packed::pv_minu_sci_h>("pv.minu.sci.h", form::r_imm6, 0x28006057),
    detail::ipu<detail::packed::pv_minu_b>("pv.minu.b", form::r, 0x28001057),
    detail::ipu<detail::packed::pv_minu_sc_b>("pv.minu.sc.b", form::r, 0x28005057),
    detail::ipu<detail::packed::pv_minu_sci_b>("pv.minu.sci.b", form::r_imm6, 0x28007057),
    detail::ipu<detail::packed::pv_max_h>("pv.max.h", form::r, 0x30000057),
    detail::ipu<detail::packed::pv_max_sc_h>("pv.max.sc.h", form::r, 0x30004057),
    detail::ipu<detail::packed::pv_max_sci_h>("pv.max.sci.h", form::r_imm6, 0x30006057),
    detail::ipu<detail::packed::pv_max_b>("pv.max.b", form::r, 0x30001057),
    detail::ipu<detail::packed::pv_max_sc_b>("pv.max.sc.b", form::r, 0x30005057),
    detail::ipu<detail::packed::pv_max_sci_b>("pv.max.sci.b", form::r_imm6, 0x30007057),
    detail::ipu<detail::packed::pv_maxu_h>("pv.maxu.h", form::r, 0x38000057),
    detail::ipu<detail::packed::pv_maxu_sc_h>("pv.maxu.sc.h", form::r, 0x38004057),
    detail::ipu<detail::packed::pv_maxu_sci_h>("pv.maxu.sci.h", form::r_imm6, 0x38006057),
    detail::ipu<detail::packed::pv_maxu_b>("pv.maxu.b", form::r, 0x38001057),
    detail::ipu<detail::packed::pv_maxu_sc_b>("pv.maxu.sc.b", form::r, 0x38005057),
    detail::ipu<detail::packed::pv_maxu_sci_b>("pv.maxu.sci.b", form::r_imm6, 0x38007057),
    detail::ipu<detail::packed::pv_srl_h>("pv.srl.h", form::r, 0x40000057),
    detail::ipu<detail::packed::pv_srl_sc_h>("pv.srl.sc.h", form::r, 0x40004057),
    detail::ipu<detail::packed::pv_srl_sci_h>("pv.srl.sci.h", form::r_imm6, 0x40006057),
    detail::ipu<detail::packed::pv_srl_b>("pv.srl.b", form::r, 0x40001057),
    detail::ipu<detail::packed::pv_srl_sc_b>("pv.srl.sc.b", form::r, 0x40005057),
    detail::ipu<detail::packed::pv_srl_sci_b>("pv.srl.sci.b", form::r_imm6, 0x40007057),
    detail::ipu<detail::packed::pv_sra_h>("pv.sra.h", form::r, 0x48000057),
    detail::ipu<detail::packed::pv_sra_sc_h>("pv.sra.sc.h", form::r, 0x48004057),
    detail::ipu<detail::packed::pv_sra_sci_h>("pv.sra.sci.h", form::r_imm6, 0x48006057),
    detail::ipu<detail::packed::pv_sra_b>("pv.sra.b", form::r, 0x48001057),
    detail::ipu<detail::packed::pv_sra_sc_b>("pv.sra.sc.b", form::r, 0x48005057),
    detail::ipu<detail::packed::pv_sra_sci_b>("pv.sra.sci.b", form::r_imm6, 0x48007057),
    detail::ipu<detail::packed::pv_sll_h>("pv.sll.h", form::r, 0x50000057),
    detail::ipu<detail::packed::pv_sll_sc_h>("pv.sll.sc.h", form::r, 0x50004057),
    detail::ipu<detail::packed::pv_sll_sci_h>("pv.sll.sci.h", form::r_imm6, 0x50006057),
    detail::ipu<detail::packed::pv_sll_b>("pv.sll.b", form::r, 0x50001057),
    detail::ipu<detail::packed::pv_sll_sc_b>("pv.sll.sc.b", form::r, 0x50005057),
    detail::ipu<detail::packed::pv_sll_sci_b>("pv.sll.sci.b", form::r_imm6, 0x50007057),
    detail::ipu<detail::packed::pv_or_h>("pv.or.h", form::r, 0x58000057),
    detail::ipu<detail::packed::pv_or_sc_h>("pv.or.sc.h", form::r, 0x58004057),
    detail::ipu<detail::packed::pv_or_sci_h>("pv.or.sci.h", form::r_imm6, 0x58006057),
    detail::ipu<detail::packed::pv_or_b>("pv.or.b", form::r, 0x58001057),
    detail::ipu<detail::packed::pv_or_sc_b>("pv.or.sc.b", form::r, 0x58005057),
    detail::ipu<detail::packed::pv_or_sci_b>("pv.or.sci.b", form::r_imm6, 0x58007057),
    detail::ipu<detail::packed::pv_xor_h>("pv.xor.h", form::r, 0x60000057),
    detail::ipu<detail::packed::pv_xor_sc_h>("pv.xor.sc.h", form::r, 0x60004057),
    detail::ipu<detail::packed::pv_xor_sci_h>("pv.xor.sci.h", form::r_imm6, 0x60006057),
    detail::ipu<detail::packed::pv_xor_b>("pv.xor.b", form::r, 0x60001057),
    detail::ipu<detail::packed::pv_xor_sc_b>("pv.xor.sc.b", form::r, 0x60005057),
    detail::ipu<detail::packed::pv_xor_sci_b>("pv.xor.sci.b", form::r_imm6, 0x60007057),
    detail::ipu<detail::packed::pv_and_h>("pv.and.h", form::r, 0x68000057),
    detail::ipu<detail::packed::pv_and_sc_h>("pv.and.sc.h", form::r, 0x68004057),
    detail::ipu<detail::packed::pv_and_sci_h>("pv.and.sci.h", form::r_imm6, 0x68006057),
    detail::ipu<detail::packed::pv_and_b>("pv.and.b", form::r, 0x68001057),
    detail::ipu<detail::packed::pv_and_sc_b>("pv.and.sc.b", form::r, 0x68005057),
    detail::ipu<detail::packed::pv_and_sci_b>("pv.and.sci.b", form::r_imm6, 0x68007057),
    detail::ipu<detail::packed::pv_abs_h>("pv.abs.h", form::r_unary, 0x70000057),
    detail::ipu<detail::packed::pv_abs_b>("pv.abs.b", form::r_unary, 0x70001057),
    detail::ipu<detail::packed::pv_extract_h>("pv.extract.h", form::r_imm6, 0x78006057),
    detail::ipu<detail::packed::pv_extract_b>("pv.extract.b", form::r_imm6, 0x78007057),
    detail::ipu<detail::packed::pv_extractu_h>("pv.extractu.h", form::r_imm6, 0x90006057),
    detail::ipu<detail::packed::pv_extractu_b>("pv.extractu.b", form::r_imm6, 0x90007057),
    detail::ipu<detail::packed::pv_insert_h>("pv.insert.h", form::r_imm6, 0xb0006057),
    detail::ipu<detail::packed::pv_insert_b>("pv.insert.b", form::r_imm6, 0xb0007057),
    detail::ipu<detail::packed::pv_dotup_h>("pv.dotup.h", form::r, 0x80000057),
    detail::ipu<detail::packed::pv_dotup_sc_h>("pv.dotup.sc.h", form::r, 0x80004057),
    detail::ipu<detail::packed::pv_dotup_sci_h>("pv.dotup.sci.h", form::r_imm6, 0x80006057),
    detail::ipu<detail::packed::pv_dotup_b>("pv.dotup.b", form::r, 0x80001057),
    detail::ipu<detail::packed::pv_dotup_sc_b>("pv.dotup.sc.b", form::r, 0x80005057),
    detail::ipu<detail::packed::pv_dotup_sci_b>("pv.dotup.sci.b", form::r_imm6, 0x80007057),
    detail::ipu<detail::packed::pv_dotusp_h>("pv.dotusp.h", form::r, 0x88000057),
    detail::ipu<detail::packed::pv_dotusp_sc_h>("pv.dotusp.sc.h", form::r, 0x88004057),
    detail::ipu<detail::packed::pv_dotusp_sci_h>("pv.dotusp.sci.h", form::r_imm6, 0x88006057),
    detail::ipu<detail::packed::pv_dotusp_b>("pv.dotusp.b", form::r, 0x88001057),
    detail::ipu<detail::packed::pv_dotusp_sc_b>("pv.dotusp.sc.b", form::r, 0x88005057),
    detail::ipu<detail::packed::pv_dotusp_sci_b>("pv.dotusp.sci.b", form::r_imm6, 0x88007057),
    detail::ipu<detail::packed::pv_dotsp_h>("pv.dotsp.h", form::r, 0x98000057),
    detail::ipu<detail::packed::pv_dotsp_sc_h>("pv.dotsp.sc.h", form::r, 0x98004057),
    detail::ipu<detail::packed::pv_dotsp_sci_h>("pv.dotsp.sci.h", form::r_imm6, 0x98006057),
    detail::ipu<detail::packed::pv_dotsp_b>("pv.dotsp.b", form::r, 0x98001057),
    detail::ipu<detail::packed::pv_dotsp_sc_b>("pv.dotsp.sc.b", form::r, 0x98005057),
    detail::ipu<detail::packed::pv_dotsp_sci_b>("pv.dotsp.sci.b", form::r_imm6, 0x98007057),
    detail::ipu<detail::packed::pv_sdotup_h>("pv.sdotup.h", form::r, 0xa0000057),
    detail::ipu<detail::packed::pv_sdotup_sc_h>("pv.sdotup.sc.h", form::r, 0xa0004057),
    detail::ipu<detail::packed::pv_sdotup_sci_h>("pv.sdotup.sci.h", form::r_imm6, 0xa0006057),
    detail::ipu<detail::packed::pv_sdotup_b>("pv.sdotup.b", form::r, 0xa0001057),
    detail::ipu<detail::packed::pv_sdotup_sc_b>("pv.sdotup.sc.b", form::r, 0xa0005057),
    detail::ipu<detail::packed::pv_sdotup_sci_b>("pv.sdotup.sci.b", form::r_imm6, 0xa0007057),
    detail::ipu<detail::packed::pv_sdotusp_h>("pv.sdotusp.h", form::r, 0xa8000057),
    detail::ipu<detail::packed::pv_sdotusp_sc_h>("pv.sdotusp.sc.h", form::r, 0xa8004057),
    detail::ipu<detail::packed::pv_sdotusp_sci_h>("pv.sdotusp.sci.h", form::r_imm6, 0xa8006057),
    detail::ipu<detail::packed::pv_sdotusp_b>("pv.sdotusp.b", form::r, 0xa8001057),
    detail::ipu<detail::packed::pv_sdotusp_sc_b>("pv.sdotusp.sc.b", form::r, 0xa8005057),
    detail::ipu<detail::packed::pv_sdotusp_sci_b>("pv.sdotusp.sci.b", form::r_imm6, 0xa8007057),
    detail::ipu<detail::packed::pv_sdotsp_h>("pv.sdotsp.h", form::r, 0xb8000057),
    detail::ipu<detail::packed::pv_sdotsp_sc_h>("pv.sdotsp.sc.h", form::r, 0xb8004057),
    detail::ipu<detail::packed::pv_sdotsp_sci_h>("pv.sdotsp.sci.h", form::r_imm6, 0xb8006057),
    detail::ipu<detail::packed::pv_sdotsp_b>("pv.sdotsp.b", form::r, 0xb8001057),
    detail::ipu<detail::packed::pv_sdotsp_sc_b>("pv.sdotsp.sc.b", form::r, 0xb8005057),
    detail::ipu<detail::packed::pv_sdotsp_sci_b>("pv.sdotsp.sci.b", form::r_imm6, 0xb8007057),
    detail::ipu<detail::packed::pv_shuffle2_h>("pv.shuffle2.h", form::r, 0xc8000057),
    detail::ipu<detail::packed::pv_shuffle2_b>("pv.shuffle2.b", form::r, 0xc8001057),
    detail::ipu<detail::packed::pv_pack>("pv.pack", form::r, 0xd0000057),
    detail::ipu<detail::packed::pv_pack_h>("pv.pack.h", form::r, 0xd2000057),
    // RV32I
    detail::alu<detail::base::lui>("lui", form::u, 0x00000037),
    detail::alu<detail::base::auipc>("auipc", form::u_pc, 0x00000017),
    detail::other("jal", form::jump, unit::jump, 0x0000006f),
    detail::other("jalr", form::jump_register, unit::jump, 0x00000067),
    detail::branch<detail::base::beq>("beq", form::branch, 0x00000063),
    detail::branch<detail::base::bne>("bne", form::branch, 0x00001063),
    detail::branch<detail::base::blt>("blt", form::branch, 0x00004063),
    detail::branch<detail::base::bge>("bge", form::branch, 0x00005063),
    detail::branch<detail::base::bltu>("bltu", form::branch, 0x00006063),
    detail::branch<detail::base::bgeu>("bgeu", form::branch, 0x00007063),
    detail::load<int8_t>("lb", form::load, 0x00000003),
    detail::load<uint8_t>("lbu", form::load, 0x00004003),
    detail::load<int16_t>("lh", form::load, 0x00001003),
    detail::load<uint16_t>("lhu", form::load, 0x00005003),
    detail::load<int32_t>("lw", form::load, 0x00002003),
    detail::store<uint8_t>("sb", form::store, 0x00000023),
    detail::store<uint16_t>("sh", form::store, 0x00001023),
    detail::store<uint32_t>("sw", form::store, 0x00002023),
    detail::alu<detail::base::add>("addi", form::i, 0x00000013),
    detail::alu<detail::base::slt>("slti", form::i, 0x00002013),
    detail::alu<detail::base::sltu>("sltiu", form::i, 0x00003013),
    detail::alu<detail::base::xor_>("xori", form::i, 0x00004013),
    detail::alu<detail::base::or_>("ori", form::i, 0x00006013),
    detail::alu<detail::base::and_>("andi", form::i, 0x00007013),
    detail::alu<detail::base::sll>("slli", form::i_shift, 0x00001013),
    detail::alu<detail::base::srl>("srli", form::i_shift, 0x00005013),
    detail::alu<detail::base::sra>("srai", form::i_shift, 0x40005013),
    detail::alu<detail::base::add>("add", form::r, 0x00000033),
    detail::alu<detail::base::sub>("sub", form::r, 0x40000033),
    detail::alu<detail::base::sll>("sll", form::r, 0x00001033),
    detail::alu<detail::base::slt>("slt", form::r, 0x00002033),
    detail::alu<detail::base::sltu>("sltu", form::r, 0x00003033),
    detail::alu<detail::base::xor_>("xor", form::r, 0x00004033),
    detail::alu<detail::base::srl>("srl", form::r, 0x00005033),
    detail::alu<detail::base::sra>("sra", form::r, 0x40005033),
    detail::alu<detail::base::or_>("or", form::r, 0x00006033),
    detail::alu<detail::base::and_>("and", form::r, 0x00007033),
    detail::other("fence", form::fence, unit::fence, 0x0000000f),
    detail::other("ecall", form::none, unit::nothing, 0x00000073),
    detail::other("ebreak", form::none, unit::nothing, 0x00100073),
    detail::other("wfi", form::none, unit::wait, 0x10500073),
    // Zicsr
    detail::other("csrrw", form::csr, unit::csr, 0x00001073),
    detail::other("csrrs", form::csr, unit::csr, 0x00002073),
    detail::other("csrrc", form::csr, unit::csr, 0x00003073),
    detail::other("csrrwi", form::csr_imm, unit::csr, 0x00005073),
    detail::other("csrrsi", form::csr_imm, unit::csr, 0x00006073),
    detail::other("csrrci", form::csr_imm, unit::csr, 0x00007073),
    // RV32M
    detail::ipu<detail::base::mul>("mul", form::r, 0x02000033),
    detail::ipu<detail::base::mulh>("mulh", form::r, 0x02001033),
    detail::ipu<detail::base::mulhsu>("mulhsu", form::r, 0x02002033),
    detail::ipu<detail::base::mulhu>("mulhu", form::r, 0x02003033),
    detail::divider<detail::base::div>("div", form::r, 0x02004033),
    detail::divider<detail::base::divu>("divu", form::r, 0x02005033),
    detail::divider<detail::base::rem>("rem", form::r, 0x02006033),
    detail::divider<detail::base::remu>("remu", form::r, 0x02007033),
    // RV32A
    detail::atomic<detail::base::add>("amoadd.w", 0x0000202f),
    detail::atomic<detail::base::xor_>("amoxor.w", 0x2000202f),
    detail::atomic<detail::base::or_>("amoor.w", 0x4000202f),
    detail::atomic<detail::base::and_>("amoand.w", 0x6000202f),
    detail::atomic<detail::base::amomin>("amomin.w", 0x8000202f),
    detail::atomic<detail::base::amomax>("amomax.w", 0xa000202f),
    detail::atomic<detail::base::amominu>("amominu.w", 0xc000202f),
    detail::atomic<detail::base::amomaxu>("amomaxu.w", 0xe000202f),
    detail::atomic<detail::base::amoswap>("amoswap.w", 0x0800202f),
    detail::other("lr.w", form::load_reserved, unit::reserve, 0x1000202f),
    detail::other("sc.w", form::atomic, unit::conditional, 0x1800202f),
};
inline constexpr int instruction_count = sizeof(instructions) / sizeof(instructions[0]);
static_assert(instruction_count < 255, "a row's number fits a byte, and 255 is the illegal instruction");

/// Number of the row that stands for every word which is no instruction.
inline constexpr uint8_t illegal_row = 255;
inline constexpr instruction illegal_instruction = {"illegal", 0, form::none, unit::illegal, nullptr, 0, false, false};

constexpr const instruction& row_of(uint8_t row) {
  return row == illegal_row ? illegal_instruction : instructions[row];
}

namespace detail {

/// Whether a word could be two instructions. load_reserved is an atomic with rs2 = 0 and its own function, so the only
/// legitimate way to be unambiguous is this test.
constexpr bool table_overlaps() {
  for (int a = 0; a < instruction_count; ++a) {
    for (int b = a + 1; b < instruction_count; ++b) {
      const uint32_t common = mask_of(instructions[a].operand_form) & mask_of(instructions[b].operand_form);
      if (((instructions[a].match ^ instructions[b].match) & common) == 0) return true;
    }
  }
  return false;
}
/// Whether some match has bits outside its mask, so that it could never be found.
constexpr bool table_has_lost_rows() {
  for (const instruction& row : instructions) {
    if ((row.match & ~mask_of(row.operand_form)) != 0 || (row.match & 3) != 3) return true;
  }
  return false;
}
static_assert(!table_overlaps(), "two rows of the instruction table match the same word");
static_assert(!table_has_lost_rows(), "a row of the instruction table matches no word");

/// Rows grouped by opcode and funct3, so that decoding looks at a handful of rows.
struct decode_index {
  static constexpr int keys = 256;
  static constexpr uint32_t key(uint32_t word) { return (word >> 2 & 31) << 3 | (word >> 12 & 7); }
  uint16_t begin[keys + 1] = {};
  uint8_t rows[instruction_count + 7 * 8] = {};

  /// f(key, row) for each key under which a row can be found: all eight of funct3 if it is not part of the match.
  template <class F>
  static constexpr void for_each_entry(F f) {
    for (int row = 0; row < instruction_count; ++row) {
      const uint32_t first = key(instructions[row].match);
      const uint32_t variants = (mask_of(instructions[row].operand_form) & 0x7000) != 0 ? 1 : 8;
      for (uint32_t k = first; k < first + variants; ++k) f(k, row);
    }
  }

  constexpr decode_index() {
    uint16_t count[keys] = {};
    for_each_entry([&](uint32_t k, int) { ++count[k]; });
    for (int k = 0; k < keys; ++k) begin[k + 1] = static_cast<uint16_t>(begin[k] + count[k]);
    for_each_entry([&](uint32_t k, int row) { rows[begin[k + 1] - count[k]--] = static_cast<uint8_t>(row); });
  }
};
inline constexpr decode_index rows_by_key;

constexpr uint32_t sign_extend(uint32_t value, int bits) {
  const uint32_t sign = uint32_t{1} << (bits - 1);
  return (value ^ sign) - sign;
}

}  // namespace detail

/// An instruction taken apart. Registers are numbers; a destination x0 becomes `sink`, a register nobody reads.
struct decoded {
  uint8_t row;
  uint8_t rd;   ///< destination, or rs3 of a store by register
  uint8_t rs1;  ///< or the immediate of csr_imm
  uint8_t rs2;
  uint32_t imm;  ///< sign-extended where the form says so; for `branch` the distance; for csr the register's number
};
inline constexpr uint8_t sink = 32;

/// The immediate in the place of rs2 of `branch_imm`: 5 bits, signed.
constexpr uint32_t branch_immediate(const decoded& d) { return detail::sign_extend(d.rs2, 5); }

/// The row that matches `word`, or illegal_row.
constexpr uint8_t find_row(uint32_t word) {
  if ((word & 3) != 3) return illegal_row;
  const uint32_t key = detail::decode_index::key(word);
  for (uint16_t i = detail::rows_by_key.begin[key]; i < detail::rows_by_key.begin[key + 1]; ++i) {
    const uint8_t row = detail::rows_by_key.rows[i];
    if ((word & mask_of(instructions[row].operand_form)) == instructions[row].match) return row;
  }
  return illegal_row;
}

/// Takes any 32 bits apart; what is no instruction gets row illegal_row, no registers and the word as immediate.
constexpr decoded decode(uint32_t word) {
  const uint8_t row = find_row(word);
  if (row == illegal_row) return {illegal_row, 0, 0, 0, word};
  decoded d{row, static_cast<uint8_t>(word >> 7 & 31), static_cast<uint8_t>(word >> 15 & 31),
            static_cast<uint8_t>(word >> 20 & 31), 0};
  const form f = instructions[row].operand_form;
  switch (f) {
    case form::r_imm5:
    case form::i_shift: d.imm = d.rs2; break;
    case form::r_imm6: d.imm = uint32_t{d.rs2} << 1 | (word >> 25 & 1); break;
    case form::i:
    case form::load:
    case form::load_post:
    case form::jump_register: d.imm = detail::sign_extend(word >> 20, 12); break;
    case form::csr:
    case form::csr_imm: d.imm = word >> 20; break;
    case form::u:
    case form::u_pc: d.imm = word & 0xfffff000; break;
    case form::store:
    case form::store_post: d.imm = detail::sign_extend((word >> 25) << 5 | (word >> 7 & 31), 12); break;
    case form::branch:
    case form::branch_imm:
      d.imm = detail::sign_extend(
          (word >> 31) << 12 | (word >> 7 & 1) << 11 | (word >> 25 & 0x3f) << 5 | (word >> 8 & 0xf) << 1, 13);
      break;
    case form::jump:
      d.imm = detail::sign_extend(
          (word >> 31) << 20 | (word >> 12 & 0xff) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1, 21);
      break;
    default: break;
  }
  if (writes_rd(f) && d.rd == 0) d.rd = sink;
  return d;
}

}  // namespace tessera::sim
