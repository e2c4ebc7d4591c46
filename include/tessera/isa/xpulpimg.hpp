// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Xpulpimg's instructions themselves, with the names and signatures of isa/emulated.hpp. Stock compilers do not know
/// them, so each is an `.insn` with the fixed bits of its encoding as template argument (source: table of MemPool's
/// instruction encodings). Immediates are types, imm<5>, because an encoding needs a constant.
/// Instructions that compute are not volatile, and loads and stores name exactly the memory that they touch: the
/// compiler may schedule them, and drop those whose result it does not need.
/// The branches p.beqimm and p.bneimm are missing on purpose: a C++ function cannot jump, and an `asm goto` in their
/// place hides the loop from the compiler and the branch from MemPool's instruction prefetcher.

#include "tessera/isa/packed.hpp"

namespace tessera::isa {

struct xpulpimg {
  // ---- Scalar
  static uint32_t p_abs(uint32_t a) { return r1<0x04000033>(a); }
  static uint32_t p_slet(uint32_t a, uint32_t b) { return r<0x04002033>(a, b); }
  static uint32_t p_sletu(uint32_t a, uint32_t b) { return r<0x04003033>(a, b); }
  static uint32_t p_min(uint32_t a, uint32_t b) { return r<0x04004033>(a, b); }
  static uint32_t p_minu(uint32_t a, uint32_t b) { return r<0x04005033>(a, b); }
  static uint32_t p_max(uint32_t a, uint32_t b) { return r<0x04006033>(a, b); }
  static uint32_t p_maxu(uint32_t a, uint32_t b) { return r<0x04007033>(a, b); }
  static uint32_t p_exths(uint32_t a) { return r1<0x10004033>(a); }
  static uint32_t p_exthz(uint32_t a) { return r1<0x10005033>(a); }
  static uint32_t p_extbs(uint32_t a) { return r1<0x10006033>(a); }
  static uint32_t p_extbz(uint32_t a) { return r1<0x10007033>(a); }
  template <int32_t I>
  static uint32_t p_clip(uint32_t a, immediate<I>) {
    return i5<0x14001033, I>(a);
  }
  template <int32_t I>
  static uint32_t p_clipu(uint32_t a, immediate<I>) {
    return i5<0x14002033, I>(a);
  }
  static uint32_t p_clipr(uint32_t a, uint32_t b) { return r<0x14005033>(a, b); }
  static uint32_t p_clipur(uint32_t a, uint32_t b) { return r<0x14006033>(a, b); }
  static uint32_t p_mac(uint32_t acc, uint32_t a, uint32_t b) { return racc<0x42000033>(acc, a, b); }
  static uint32_t p_msu(uint32_t acc, uint32_t a, uint32_t b) { return racc<0x42001033>(acc, a, b); }

  // ---- add
  static uint32_t pv_add_h(uint32_t a, uint32_t b) { return r<0x00000057>(a, b); }
  static uint32_t pv_add_sc_h(uint32_t a, uint32_t b) { return r<0x00004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_add_sci_h(uint32_t a, immediate<I>) {
    return i6<0x00006057, I>(a);
  }
  static uint32_t pv_add_b(uint32_t a, uint32_t b) { return r<0x00001057>(a, b); }
  static uint32_t pv_add_sc_b(uint32_t a, uint32_t b) { return r<0x00005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_add_sci_b(uint32_t a, immediate<I>) {
    return i6<0x00007057, I>(a);
  }

  // ---- sub
  static uint32_t pv_sub_h(uint32_t a, uint32_t b) { return r<0x08000057>(a, b); }
  static uint32_t pv_sub_sc_h(uint32_t a, uint32_t b) { return r<0x08004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_sub_sci_h(uint32_t a, immediate<I>) {
    return i6<0x08006057, I>(a);
  }
  static uint32_t pv_sub_b(uint32_t a, uint32_t b) { return r<0x08001057>(a, b); }
  static uint32_t pv_sub_sc_b(uint32_t a, uint32_t b) { return r<0x08005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_sub_sci_b(uint32_t a, immediate<I>) {
    return i6<0x08007057, I>(a);
  }

  // ---- avg
  static uint32_t pv_avg_h(uint32_t a, uint32_t b) { return r<0x10000057>(a, b); }
  static uint32_t pv_avg_sc_h(uint32_t a, uint32_t b) { return r<0x10004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_avg_sci_h(uint32_t a, immediate<I>) {
    return i6<0x10006057, I>(a);
  }
  static uint32_t pv_avg_b(uint32_t a, uint32_t b) { return r<0x10001057>(a, b); }
  static uint32_t pv_avg_sc_b(uint32_t a, uint32_t b) { return r<0x10005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_avg_sci_b(uint32_t a, immediate<I>) {
    return i6<0x10007057, I>(a);
  }

  // ---- avgu
  static uint32_t pv_avgu_h(uint32_t a, uint32_t b) { return r<0x18000057>(a, b); }
  static uint32_t pv_avgu_sc_h(uint32_t a, uint32_t b) { return r<0x18004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_avgu_sci_h(uint32_t a, immediate<I>) {
    return i6<0x18006057, I>(a);
  }
  static uint32_t pv_avgu_b(uint32_t a, uint32_t b) { return r<0x18001057>(a, b); }
  static uint32_t pv_avgu_sc_b(uint32_t a, uint32_t b) { return r<0x18005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_avgu_sci_b(uint32_t a, immediate<I>) {
    return i6<0x18007057, I>(a);
  }

  // ---- min
  static uint32_t pv_min_h(uint32_t a, uint32_t b) { return r<0x20000057>(a, b); }
  static uint32_t pv_min_sc_h(uint32_t a, uint32_t b) { return r<0x20004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_min_sci_h(uint32_t a, immediate<I>) {
    return i6<0x20006057, I>(a);
  }
  static uint32_t pv_min_b(uint32_t a, uint32_t b) { return r<0x20001057>(a, b); }
  static uint32_t pv_min_sc_b(uint32_t a, uint32_t b) { return r<0x20005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_min_sci_b(uint32_t a, immediate<I>) {
    return i6<0x20007057, I>(a);
  }

  // ---- minu
  static uint32_t pv_minu_h(uint32_t a, uint32_t b) { return r<0x28000057>(a, b); }
  static uint32_t pv_minu_sc_h(uint32_t a, uint32_t b) { return r<0x28004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_minu_sci_h(uint32_t a, immediate<I>) {
    return i6<0x28006057, I>(a);
  }
  static uint32_t pv_minu_b(uint32_t a, uint32_t b) { return r<0x28001057>(a, b); }
  static uint32_t pv_minu_sc_b(uint32_t a, uint32_t b) { return r<0x28005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_minu_sci_b(uint32_t a, immediate<I>) {
    return i6<0x28007057, I>(a);
  }

  // ---- max
  static uint32_t pv_max_h(uint32_t a, uint32_t b) { return r<0x30000057>(a, b); }
  static uint32_t pv_max_sc_h(uint32_t a, uint32_t b) { return r<0x30004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_max_sci_h(uint32_t a, immediate<I>) {
    return i6<0x30006057, I>(a);
  }
  static uint32_t pv_max_b(uint32_t a, uint32_t b) { return r<0x30001057>(a, b); }
  static uint32_t pv_max_sc_b(uint32_t a, uint32_t b) { return r<0x30005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_max_sci_b(uint32_t a, immediate<I>) {
    return i6<0x30007057, I>(a);
  }

  // ---- maxu
  static uint32_t pv_maxu_h(uint32_t a, uint32_t b) { return r<0x38000057>(a, b); }
  static uint32_t pv_maxu_sc_h(uint32_t a, uint32_t b) { return r<0x38004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_maxu_sci_h(uint32_t a, immediate<I>) {
    return i6<0x38006057, I>(a);
  }
  static uint32_t pv_maxu_b(uint32_t a, uint32_t b) { return r<0x38001057>(a, b); }
  static uint32_t pv_maxu_sc_b(uint32_t a, uint32_t b) { return r<0x38005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_maxu_sci_b(uint32_t a, immediate<I>) {
    return i6<0x38007057, I>(a);
  }

  // ---- srl
  static uint32_t pv_srl_h(uint32_t a, uint32_t b) { return r<0x40000057>(a, b); }
  static uint32_t pv_srl_sc_h(uint32_t a, uint32_t b) { return r<0x40004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_srl_sci_h(uint32_t a, immediate<I>) {
    return i6<0x40006057, I>(a);
  }
  static uint32_t pv_srl_b(uint32_t a, uint32_t b) { return r<0x40001057>(a, b); }
  static uint32_t pv_srl_sc_b(uint32_t a, uint32_t b) { return r<0x40005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_srl_sci_b(uint32_t a, immediate<I>) {
    return i6<0x40007057, I>(a);
  }

  // ---- sra
  static uint32_t pv_sra_h(uint32_t a, uint32_t b) { return r<0x48000057>(a, b); }
  static uint32_t pv_sra_sc_h(uint32_t a, uint32_t b) { return r<0x48004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_sra_sci_h(uint32_t a, immediate<I>) {
    return i6<0x48006057, I>(a);
  }
  static uint32_t pv_sra_b(uint32_t a, uint32_t b) { return r<0x48001057>(a, b); }
  static uint32_t pv_sra_sc_b(uint32_t a, uint32_t b) { return r<0x48005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_sra_sci_b(uint32_t a, immediate<I>) {
    return i6<0x48007057, I>(a);
  }

  // ---- sll
  static uint32_t pv_sll_h(uint32_t a, uint32_t b) { return r<0x50000057>(a, b); }
  static uint32_t pv_sll_sc_h(uint32_t a, uint32_t b) { return r<0x50004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_sll_sci_h(uint32_t a, immediate<I>) {
    return i6<0x50006057, I>(a);
  }
  static uint32_t pv_sll_b(uint32_t a, uint32_t b) { return r<0x50001057>(a, b); }
  static uint32_t pv_sll_sc_b(uint32_t a, uint32_t b) { return r<0x50005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_sll_sci_b(uint32_t a, immediate<I>) {
    return i6<0x50007057, I>(a);
  }

  // ---- or
  static uint32_t pv_or_h(uint32_t a, uint32_t b) { return r<0x58000057>(a, b); }
  static uint32_t pv_or_sc_h(uint32_t a, uint32_t b) { return r<0x58004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_or_sci_h(uint32_t a, immediate<I>) {
    return i6<0x58006057, I>(a);
  }
  static uint32_t pv_or_b(uint32_t a, uint32_t b) { return r<0x58001057>(a, b); }
  static uint32_t pv_or_sc_b(uint32_t a, uint32_t b) { return r<0x58005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_or_sci_b(uint32_t a, immediate<I>) {
    return i6<0x58007057, I>(a);
  }

  // ---- xor
  static uint32_t pv_xor_h(uint32_t a, uint32_t b) { return r<0x60000057>(a, b); }
  static uint32_t pv_xor_sc_h(uint32_t a, uint32_t b) { return r<0x60004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_xor_sci_h(uint32_t a, immediate<I>) {
    return i6<0x60006057, I>(a);
  }
  static uint32_t pv_xor_b(uint32_t a, uint32_t b) { return r<0x60001057>(a, b); }
  static uint32_t pv_xor_sc_b(uint32_t a, uint32_t b) { return r<0x60005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_xor_sci_b(uint32_t a, immediate<I>) {
    return i6<0x60007057, I>(a);
  }

  // ---- and
  static uint32_t pv_and_h(uint32_t a, uint32_t b) { return r<0x68000057>(a, b); }
  static uint32_t pv_and_sc_h(uint32_t a, uint32_t b) { return r<0x68004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_and_sci_h(uint32_t a, immediate<I>) {
    return i6<0x68006057, I>(a);
  }
  static uint32_t pv_and_b(uint32_t a, uint32_t b) { return r<0x68001057>(a, b); }
  static uint32_t pv_and_sc_b(uint32_t a, uint32_t b) { return r<0x68005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_and_sci_b(uint32_t a, immediate<I>) {
    return i6<0x68007057, I>(a);
  }

  // ---- abs
  static uint32_t pv_abs_h(uint32_t a) { return r1<0x70000057>(a); }
  static uint32_t pv_abs_b(uint32_t a) { return r1<0x70001057>(a); }

  // ---- extract, insert
  template <int32_t I>
  static uint32_t pv_extract_h(uint32_t a, immediate<I>) {
    return i6<0x78006057, I>(a);
  }
  template <int32_t I>
  static uint32_t pv_extract_b(uint32_t a, immediate<I>) {
    return i6<0x78007057, I>(a);
  }
  template <int32_t I>
  static uint32_t pv_extractu_h(uint32_t a, immediate<I>) {
    return i6<0x90006057, I>(a);
  }
  template <int32_t I>
  static uint32_t pv_extractu_b(uint32_t a, immediate<I>) {
    return i6<0x90007057, I>(a);
  }
  template <int32_t I>
  static uint32_t pv_insert_h(uint32_t old, uint32_t a, immediate<I>) {
    return i6acc<0xb0006057, I>(old, a);
  }
  template <int32_t I>
  static uint32_t pv_insert_b(uint32_t old, uint32_t a, immediate<I>) {
    return i6acc<0xb0007057, I>(old, a);
  }

  // ---- dotup, sdotup
  static uint32_t pv_dotup_h(uint32_t a, uint32_t b) { return r<0x80000057>(a, b); }
  static uint32_t pv_dotup_sc_h(uint32_t a, uint32_t b) { return r<0x80004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_dotup_sci_h(uint32_t a, immediate<I>) {
    return i6<0x80006057, I>(a);
  }
  static uint32_t pv_sdotup_h(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xa0000057>(acc, a, b); }
  static uint32_t pv_sdotup_sc_h(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xa0004057>(acc, a, b); }
  template <int32_t I>
  static uint32_t pv_sdotup_sci_h(uint32_t acc, uint32_t a, immediate<I>) {
    return i6acc<0xa0006057, I>(acc, a);
  }
  static uint32_t pv_dotup_b(uint32_t a, uint32_t b) { return r<0x80001057>(a, b); }
  static uint32_t pv_dotup_sc_b(uint32_t a, uint32_t b) { return r<0x80005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_dotup_sci_b(uint32_t a, immediate<I>) {
    return i6<0x80007057, I>(a);
  }
  static uint32_t pv_sdotup_b(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xa0001057>(acc, a, b); }
  static uint32_t pv_sdotup_sc_b(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xa0005057>(acc, a, b); }
  template <int32_t I>
  static uint32_t pv_sdotup_sci_b(uint32_t acc, uint32_t a, immediate<I>) {
    return i6acc<0xa0007057, I>(acc, a);
  }

  // ---- dotusp, sdotusp
  static uint32_t pv_dotusp_h(uint32_t a, uint32_t b) { return r<0x88000057>(a, b); }
  static uint32_t pv_dotusp_sc_h(uint32_t a, uint32_t b) { return r<0x88004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_dotusp_sci_h(uint32_t a, immediate<I>) {
    return i6<0x88006057, I>(a);
  }
  static uint32_t pv_sdotusp_h(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xa8000057>(acc, a, b); }
  static uint32_t pv_sdotusp_sc_h(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xa8004057>(acc, a, b); }
  template <int32_t I>
  static uint32_t pv_sdotusp_sci_h(uint32_t acc, uint32_t a, immediate<I>) {
    return i6acc<0xa8006057, I>(acc, a);
  }
  static uint32_t pv_dotusp_b(uint32_t a, uint32_t b) { return r<0x88001057>(a, b); }
  static uint32_t pv_dotusp_sc_b(uint32_t a, uint32_t b) { return r<0x88005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_dotusp_sci_b(uint32_t a, immediate<I>) {
    return i6<0x88007057, I>(a);
  }
  static uint32_t pv_sdotusp_b(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xa8001057>(acc, a, b); }
  static uint32_t pv_sdotusp_sc_b(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xa8005057>(acc, a, b); }
  template <int32_t I>
  static uint32_t pv_sdotusp_sci_b(uint32_t acc, uint32_t a, immediate<I>) {
    return i6acc<0xa8007057, I>(acc, a);
  }

  // ---- dotsp, sdotsp
  static uint32_t pv_dotsp_h(uint32_t a, uint32_t b) { return r<0x98000057>(a, b); }
  static uint32_t pv_dotsp_sc_h(uint32_t a, uint32_t b) { return r<0x98004057>(a, b); }
  template <int32_t I>
  static uint32_t pv_dotsp_sci_h(uint32_t a, immediate<I>) {
    return i6<0x98006057, I>(a);
  }
  static uint32_t pv_sdotsp_h(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xb8000057>(acc, a, b); }
  static uint32_t pv_sdotsp_sc_h(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xb8004057>(acc, a, b); }
  template <int32_t I>
  static uint32_t pv_sdotsp_sci_h(uint32_t acc, uint32_t a, immediate<I>) {
    return i6acc<0xb8006057, I>(acc, a);
  }
  static uint32_t pv_dotsp_b(uint32_t a, uint32_t b) { return r<0x98001057>(a, b); }
  static uint32_t pv_dotsp_sc_b(uint32_t a, uint32_t b) { return r<0x98005057>(a, b); }
  template <int32_t I>
  static uint32_t pv_dotsp_sci_b(uint32_t a, immediate<I>) {
    return i6<0x98007057, I>(a);
  }
  static uint32_t pv_sdotsp_b(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xb8001057>(acc, a, b); }
  static uint32_t pv_sdotsp_sc_b(uint32_t acc, uint32_t a, uint32_t b) { return racc<0xb8005057>(acc, a, b); }
  template <int32_t I>
  static uint32_t pv_sdotsp_sci_b(uint32_t acc, uint32_t a, immediate<I>) {
    return i6acc<0xb8007057, I>(acc, a);
  }

  // ---- shuffle2, pack
  static uint32_t pv_shuffle2_h(uint32_t old, uint32_t a, uint32_t b) { return racc<0xc8000057>(old, a, b); }
  static uint32_t pv_shuffle2_b(uint32_t old, uint32_t a, uint32_t b) { return racc<0xc8001057>(old, a, b); }
  static uint32_t pv_pack(uint32_t a, uint32_t b) { return r<0xd0000057>(a, b); }
  static uint32_t pv_pack_h(uint32_t a, uint32_t b) { return r<0xd2000057>(a, b); }

  // ---- Order of instructions
  /// No instruction, but one step of a calculation on N values: all are computed before any is used. A core that issues
  /// in order waits for a result that is used too soon, and a compiler that does not know the latency of an `.insn`
  /// would use it at once.
  template <int32_t N>
  static void step(uint32_t (&v)[N]) {
    if constexpr (N == 1) asm volatile("" : "+r"(v[0]));
    if constexpr (N == 2) asm volatile("" : "+r"(v[0]), "+r"(v[1]));
    if constexpr (N == 3) asm volatile("" : "+r"(v[0]), "+r"(v[1]), "+r"(v[2]));
    if constexpr (N >= 4) asm volatile("" : "+r"(v[0]), "+r"(v[1]), "+r"(v[2]), "+r"(v[3]));
    static_assert(N >= 1 && N <= 4, "a step has one to four values");
  }

  // ---- Memory
  template <class T, int32_t Step>
  static uint32_t p_lw_post(T*& p, immediate<Step>) {
    return load_post<0x0000200b, uint32_t, Step>(p);
  }
  template <class T>
  static uint32_t p_lw_post(T*& p, int32_t step) {
    return load_post<0x2000700b, uint32_t>(p, step);
  }
  static uint32_t p_lw(const void* p, uint32_t offset) { return load<0x20007003>(p, offset); }
  template <class T, int32_t Step>
  static uint32_t p_lh_post(T*& p, immediate<Step>) {
    return load_post<0x0000100b, int16_t, Step>(p);
  }
  template <class T>
  static uint32_t p_lh_post(T*& p, int32_t step) {
    return load_post<0x1000700b, int16_t>(p, step);
  }
  static uint32_t p_lh(const void* p, uint32_t offset) { return load<0x10007003>(p, offset); }
  template <class T, int32_t Step>
  static uint32_t p_lhu_post(T*& p, immediate<Step>) {
    return load_post<0x0000500b, uint16_t, Step>(p);
  }
  template <class T>
  static uint32_t p_lhu_post(T*& p, int32_t step) {
    return load_post<0x5000700b, uint16_t>(p, step);
  }
  static uint32_t p_lhu(const void* p, uint32_t offset) { return load<0x50007003>(p, offset); }
  template <class T, int32_t Step>
  static uint32_t p_lb_post(T*& p, immediate<Step>) {
    return load_post<0x0000000b, int8_t, Step>(p);
  }
  template <class T>
  static uint32_t p_lb_post(T*& p, int32_t step) {
    return load_post<0x0000700b, int8_t>(p, step);
  }
  static uint32_t p_lb(const void* p, uint32_t offset) { return load<0x00007003>(p, offset); }
  template <class T, int32_t Step>
  static uint32_t p_lbu_post(T*& p, immediate<Step>) {
    return load_post<0x0000400b, uint8_t, Step>(p);
  }
  template <class T>
  static uint32_t p_lbu_post(T*& p, int32_t step) {
    return load_post<0x4000700b, uint8_t>(p, step);
  }
  static uint32_t p_lbu(const void* p, uint32_t offset) { return load<0x40007003>(p, offset); }
  template <class T, int32_t Step>
  static void p_sw_post(uint32_t value, T*& p, immediate<Step>) {
    store_post<0x0000202b, uint32_t, Step>(value, p);
  }
  template <class T>
  static void p_sw_post(uint32_t value, T*& p, int32_t step) {
    store_post<0x0000602b, uint32_t>(value, p, step);
  }
  static void p_sw(uint32_t value, void* p, uint32_t offset) { store<0x00006023>(value, p, offset); }
  template <class T, int32_t Step>
  static void p_sh_post(uint32_t value, T*& p, immediate<Step>) {
    store_post<0x0000102b, uint16_t, Step>(value, p);
  }
  template <class T>
  static void p_sh_post(uint32_t value, T*& p, int32_t step) {
    store_post<0x0000502b, uint16_t>(value, p, step);
  }
  static void p_sh(uint32_t value, void* p, uint32_t offset) { store<0x00005023>(value, p, offset); }
  template <class T, int32_t Step>
  static void p_sb_post(uint32_t value, T*& p, immediate<Step>) {
    store_post<0x0000002b, uint8_t, Step>(value, p);
  }
  template <class T>
  static void p_sb_post(uint32_t value, T*& p, int32_t step) {
    store_post<0x0000402b, uint8_t>(value, p, step);
  }
  static void p_sb(uint32_t value, void* p, uint32_t offset) { store<0x00004023>(value, p, offset); }

 private:
  /// What an access touches: as bytes, which an object of any type consists of.
  template <int32_t Size>
  using bytes = unsigned char[Size];
  /// More bytes than any memory has.
  static constexpr int32_t all = 1 << 30;

  // The fields of an encoding. Match has zeros where operands go.
  template <uint32_t Match>
  struct fields {
    static constexpr uint32_t opcode = Match & 0x7f;
    static constexpr uint32_t funct3 = Match >> 12 & 0x7;
    static constexpr uint32_t funct7 = Match >> 25;
  };

  /// rd, rs1, rs2
  template <uint32_t Match>
  static uint32_t r(uint32_t a, uint32_t b) {
    using f = fields<Match>;
    uint32_t d;
    asm(".insn r %3, %4, %5, %0, %1, %2" : "=r"(d) : "r"(a), "r"(b), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7));
    return d;
  }
  /// rd, rs1, rs2, where rd is also read
  template <uint32_t Match>
  static uint32_t racc(uint32_t d, uint32_t a, uint32_t b) {
    using f = fields<Match>;
    asm(".insn r %3, %4, %5, %0, %1, %2" : "+r"(d) : "r"(a), "r"(b), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7));
    return d;
  }
  /// rd, rs1
  template <uint32_t Match>
  static uint32_t r1(uint32_t a) {
    using f = fields<Match>;
    uint32_t d;
    asm(".insn r %2, %3, %4, %0, %1, x0" : "=r"(d) : "r"(a), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7));
    return d;
  }
  /// rd, rs1, imm5 in the place of rs2
  template <uint32_t Match, int32_t I>
  static uint32_t i5(uint32_t a) {
    static_assert(0 <= I && I < 32, "this immediate has 5 bits: 0 to 31");
    using f = fields<Match>;
    uint32_t d;
    asm(".insn r %2, %3, %4, %0, %1, x%5" : "=r"(d) : "r"(a), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7), "i"(I));
    return d;
  }
  /// rd, rs1, imm6, whose lowest bit is the lowest of funct7 and whose others are in the place of rs2
  template <uint32_t Match, int32_t I>
  static uint32_t i6(uint32_t a) {
    static_assert(-32 <= I && I < 64, "this immediate has 6 bits: -32 to 63");
    using f = fields<Match>;
    uint32_t d;
    asm(".insn r %2, %3, %4, %0, %1, x%5"
        : "=r"(d)
        : "r"(a), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7 | (I & 1)), "i"(I >> 1 & 0x1f));
    return d;
  }
  template <uint32_t Match, int32_t I>
  static uint32_t i6acc(uint32_t d, uint32_t a) {
    static_assert(-32 <= I && I < 64, "this immediate has 6 bits: -32 to 63");
    using f = fields<Match>;
    asm(".insn r %2, %3, %4, %0, %1, x%5"
        : "+r"(d)
        : "r"(a), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7 | (I & 1)), "i"(I >> 1 & 0x1f));
    return d;
  }

  // Loads and stores. The memory operand is not in the text: it tells the compiler what is read or written. Where a
  // register says how far from p, that is all from p on; naming the one element would cost computing its address.
  template <uint32_t Match, Integer M, int32_t Step, class T>
  static uint32_t load_post(T*& p) {
    static_assert(-2048 <= Step && Step < 2048, "a step has 12 bits: -2048 to 2047; take a register for more");
    using f = fields<Match>;
    T* const old = p;
    uint32_t d;
    asm(".insn i %2, %3, %0, %4(%1)"
        : "=r"(d), "+r"(p)
        : "i"(f::opcode), "i"(f::funct3), "i"(Step), "m"(*reinterpret_cast<const bytes<sizeof(M)>*>(old)));
    return d;
  }
  template <uint32_t Match, Integer M, class T>
  static uint32_t load_post(T*& p, int32_t step) {
    using f = fields<Match>;
    T* const old = p;
    uint32_t d;
    asm(".insn r %3, %4, %5, %0, %1, %2"
        : "=r"(d), "+r"(p)
        : "r"(step), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7),
          "m"(*reinterpret_cast<const bytes<sizeof(M)>*>(old)));
    return d;
  }
  template <uint32_t Match>
  static uint32_t load(const void* p, uint32_t offset) {
    using f = fields<Match>;
    uint32_t d;
    asm(".insn r %3, %4, %5, %0, %1, %2"
        : "=r"(d)
        : "r"(p), "r"(offset), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7), "m"(*static_cast<const bytes<all>*>(p)));
    return d;
  }
  template <uint32_t Match, Integer M, int32_t Step, class T>
  static void store_post(uint32_t value, T*& p) {
    static_assert(-2048 <= Step && Step < 2048, "a step has 12 bits: -2048 to 2047; take a register for more");
    using f = fields<Match>;
    T* const old = p;
    asm(".insn s %3, %4, %2, %5(%0)"
        : "+r"(p), "=m"(*reinterpret_cast<bytes<sizeof(M)>*>(old))
        : "r"(value), "i"(f::opcode), "i"(f::funct3), "i"(Step));
  }
  // The register of a store's step or offset is in the place of rd.
  template <uint32_t Match, Integer M, class T>
  static void store_post(uint32_t value, T*& p, int32_t step) {
    using f = fields<Match>;
    T* const old = p;
    asm(".insn r %4, %5, %6, %3, %0, %2"
        : "+r"(p), "=m"(*reinterpret_cast<bytes<sizeof(M)>*>(old))
        : "r"(value), "r"(step), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7));
  }
  template <uint32_t Match>
  static void store(uint32_t value, void* p, uint32_t offset) {
    using f = fields<Match>;
    asm(".insn r %4, %5, %6, %3, %1, %2"
        : "+m"(*static_cast<bytes<all>*>(p))
        : "r"(p), "r"(value), "r"(offset), "i"(f::opcode), "i"(f::funct3), "i"(f::funct7));
  }
};

}  // namespace tessera::isa
