// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The definition of every Xpulpimg instruction that computes: one function per mnemonic, dots as underscores. They are
/// normative: the native intrinsics of isa/xpulpimg.hpp are tested equal to them, and the instruction-level model
/// executes them. Registers are uint32_t; h[i] is bits 16i+15..16i of a register, b[i] bits 8i+7..8i.
/// Forms: `pv_add_b` takes two registers; `_sc` uses the lowest lane of the second for all lanes; `_sci` does so with a
/// 6-bit immediate, sign-extended except for avgu, minu, maxu, dotup and sdotup, where it is zero-extended.
/// An instruction that also reads its destination takes the old value as its first argument.
/// Immediates are values here; code for both instruction sets writes them as imm<5> (isa/packed.hpp).
/// Source: MemPool's Snitch core (RTL and its instruction tests); the semantics are those of the hardware also where
/// they differ from what the name suggests (averages lose the carry of the lane; p.clip with 0 gives [-1, 0]).

#include "tessera/isa/packed.hpp"

namespace tessera::isa {

namespace detail {

/// f(a[i], b[i]) modulo the lane's width for every lane; T says how the lanes are read.
template <Lane T, class F>
constexpr uint32_t each(uint32_t a, uint32_t b, F f) {
  uint32_t result = 0;
  for (int i = 0; i < lane_count<T>; ++i) {
    const auto value = static_cast<uint32_t>(f(lane<T>(a, i), lane<T>(b, i)));
    result |= (value & lane_mask<T>) << (lane_bits<T> * i);
  }
  return result;
}

/// acc + sum of a[i] * b[i], modulo 2^32. Products of 16-bit lanes are taken modulo 2^32 too.
template <Lane A, Lane B>
constexpr uint32_t dot(uint32_t acc, uint32_t a, uint32_t b) {
  for (int i = 0; i < lane_count<A>; ++i) {
    acc += static_cast<uint32_t>(lane<A>(a, i)) * static_cast<uint32_t>(lane<B>(b, i));
  }
  return acc;
}

/// p, `bytes` further.
template <class T, Integer B>
T* moved(T* p, B bytes) {
  return const_cast<T*>(reinterpret_cast<const T*>(reinterpret_cast<const char*>(p) + bytes));
}

/// The bits of v, read as signed.
constexpr int32_t as_signed(uint32_t v) { return static_cast<int32_t>(v); }

}  // namespace detail

/// The value that a 6-bit immediate stands for in all lanes of a `_sci` form: sign- or zero-extended.
/// Only the low 6 bits of imm count.
constexpr uint32_t signed_imm6(uint32_t imm) { return ((imm & 0x3fu) ^ 0x20u) - 0x20u; }
constexpr uint32_t unsigned_imm6(uint32_t imm) { return imm & 0x3fu; }

/// All instructions as static functions, so that a target can name its instruction set as a type.
struct emulated {
  // ---- Scalar

  /// |a|; INT32_MIN maps to itself.
  static constexpr uint32_t p_abs(uint32_t a) { return detail::as_signed(a) < 0 ? 0 - a : a; }
  static constexpr uint32_t p_slet(uint32_t a, uint32_t b) {
    return detail::as_signed(a) <= detail::as_signed(b) ? 1 : 0;
  }
  static constexpr uint32_t p_sletu(uint32_t a, uint32_t b) { return a <= b ? 1 : 0; }
  static constexpr uint32_t p_min(uint32_t a, uint32_t b) {
    return detail::as_signed(a) <= detail::as_signed(b) ? a : b;
  }
  static constexpr uint32_t p_minu(uint32_t a, uint32_t b) { return a <= b ? a : b; }
  static constexpr uint32_t p_max(uint32_t a, uint32_t b) {
    return detail::as_signed(a) > detail::as_signed(b) ? a : b;
  }
  static constexpr uint32_t p_maxu(uint32_t a, uint32_t b) { return a > b ? a : b; }
  static constexpr uint32_t p_exths(uint32_t a) { return static_cast<uint32_t>(lane<int16_t>(a, 0)); }
  static constexpr uint32_t p_exthz(uint32_t a) { return static_cast<uint32_t>(lane<uint16_t>(a, 0)); }
  static constexpr uint32_t p_extbs(uint32_t a) { return static_cast<uint32_t>(lane<int8_t>(a, 0)); }
  static constexpr uint32_t p_extbz(uint32_t a) { return static_cast<uint32_t>(lane<uint8_t>(a, 0)); }

  /// clamp(a, -2^(i-1), 2^(i-1) - 1) for i = 1..31; i = 0 is as i = 1: [-1, 0].
  static constexpr uint32_t p_clip(uint32_t a, uint32_t i) {
    const int32_t high = clip_limit(i);
    return static_cast<uint32_t>(clamp(detail::as_signed(a), -high - 1, high));
  }
  /// clamp(a, 0, 2^(i-1) - 1); a is read as signed.
  static constexpr uint32_t p_clipu(uint32_t a, uint32_t i) {
    return static_cast<uint32_t>(clamp<int32_t>(detail::as_signed(a), 0, clip_limit(i)));
  }
  /// clamp(a, -b - 1, b) for b >= 0; the hardware's choice for negative b is kept.
  static constexpr uint32_t p_clipr(uint32_t a, uint32_t b) { return clip_register(a, b, ~b); }
  /// clamp(a, 0, b) for b >= 0; the hardware's choice for negative b is kept.
  static constexpr uint32_t p_clipur(uint32_t a, uint32_t b) { return clip_register(a, b, 0); }

  /// acc + a * b and acc - a * b, modulo 2^32.
  static constexpr uint32_t p_mac(uint32_t acc, uint32_t a, uint32_t b) { return acc + a * b; }
  static constexpr uint32_t p_msu(uint32_t acc, uint32_t a, uint32_t b) { return acc - a * b; }

  // ---- add: sum modulo the lane
  static constexpr uint32_t pv_add_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x + y; });
  }
  static constexpr uint32_t pv_add_sc_h(uint32_t a, uint32_t b) { return pv_add_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_add_sci_h(uint32_t a, uint32_t imm) { return pv_add_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_add_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x + y; });
  }
  static constexpr uint32_t pv_add_sc_b(uint32_t a, uint32_t b) { return pv_add_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_add_sci_b(uint32_t a, uint32_t imm) { return pv_add_sc_b(a, signed_imm6(imm)); }

  // ---- sub: difference modulo the lane
  static constexpr uint32_t pv_sub_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x - y; });
  }
  static constexpr uint32_t pv_sub_sc_h(uint32_t a, uint32_t b) { return pv_sub_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_sub_sci_h(uint32_t a, uint32_t imm) { return pv_sub_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_sub_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x - y; });
  }
  static constexpr uint32_t pv_sub_sc_b(uint32_t a, uint32_t b) { return pv_sub_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_sub_sci_b(uint32_t a, uint32_t imm) { return pv_sub_sc_b(a, signed_imm6(imm)); }

  // ---- avg: the sum wraps to the lane before it is halved, rounding down
  static constexpr uint32_t pv_avg_h(uint32_t a, uint32_t b) {
    return detail::each<int16_t>(a, b, [](int32_t x, int32_t y) { return static_cast<int16_t>(x + y) >> 1; });
  }
  static constexpr uint32_t pv_avg_sc_h(uint32_t a, uint32_t b) { return pv_avg_h(a, splat<int16_t>(b)); }
  static constexpr uint32_t pv_avg_sci_h(uint32_t a, uint32_t imm) { return pv_avg_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_avg_b(uint32_t a, uint32_t b) {
    return detail::each<int8_t>(a, b, [](int32_t x, int32_t y) { return static_cast<int8_t>(x + y) >> 1; });
  }
  static constexpr uint32_t pv_avg_sc_b(uint32_t a, uint32_t b) { return pv_avg_b(a, splat<int8_t>(b)); }
  static constexpr uint32_t pv_avg_sci_b(uint32_t a, uint32_t imm) { return pv_avg_sc_b(a, signed_imm6(imm)); }

  // ---- avgu: the same without signs; the carry is lost
  static constexpr uint32_t pv_avgu_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return static_cast<uint16_t>(x + y) >> 1; });
  }
  static constexpr uint32_t pv_avgu_sc_h(uint32_t a, uint32_t b) { return pv_avgu_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_avgu_sci_h(uint32_t a, uint32_t imm) { return pv_avgu_sc_h(a, unsigned_imm6(imm)); }
  static constexpr uint32_t pv_avgu_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return static_cast<uint8_t>(x + y) >> 1; });
  }
  static constexpr uint32_t pv_avgu_sc_b(uint32_t a, uint32_t b) { return pv_avgu_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_avgu_sci_b(uint32_t a, uint32_t imm) { return pv_avgu_sc_b(a, unsigned_imm6(imm)); }

  // ---- min: signed minimum
  static constexpr uint32_t pv_min_h(uint32_t a, uint32_t b) {
    return detail::each<int16_t>(a, b, [](int32_t x, int32_t y) { return x <= y ? x : y; });
  }
  static constexpr uint32_t pv_min_sc_h(uint32_t a, uint32_t b) { return pv_min_h(a, splat<int16_t>(b)); }
  static constexpr uint32_t pv_min_sci_h(uint32_t a, uint32_t imm) { return pv_min_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_min_b(uint32_t a, uint32_t b) {
    return detail::each<int8_t>(a, b, [](int32_t x, int32_t y) { return x <= y ? x : y; });
  }
  static constexpr uint32_t pv_min_sc_b(uint32_t a, uint32_t b) { return pv_min_b(a, splat<int8_t>(b)); }
  static constexpr uint32_t pv_min_sci_b(uint32_t a, uint32_t imm) { return pv_min_sc_b(a, signed_imm6(imm)); }

  // ---- minu: unsigned minimum
  static constexpr uint32_t pv_minu_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x <= y ? x : y; });
  }
  static constexpr uint32_t pv_minu_sc_h(uint32_t a, uint32_t b) { return pv_minu_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_minu_sci_h(uint32_t a, uint32_t imm) { return pv_minu_sc_h(a, unsigned_imm6(imm)); }
  static constexpr uint32_t pv_minu_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x <= y ? x : y; });
  }
  static constexpr uint32_t pv_minu_sc_b(uint32_t a, uint32_t b) { return pv_minu_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_minu_sci_b(uint32_t a, uint32_t imm) { return pv_minu_sc_b(a, unsigned_imm6(imm)); }

  // ---- max: signed maximum
  static constexpr uint32_t pv_max_h(uint32_t a, uint32_t b) {
    return detail::each<int16_t>(a, b, [](int32_t x, int32_t y) { return x > y ? x : y; });
  }
  static constexpr uint32_t pv_max_sc_h(uint32_t a, uint32_t b) { return pv_max_h(a, splat<int16_t>(b)); }
  static constexpr uint32_t pv_max_sci_h(uint32_t a, uint32_t imm) { return pv_max_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_max_b(uint32_t a, uint32_t b) {
    return detail::each<int8_t>(a, b, [](int32_t x, int32_t y) { return x > y ? x : y; });
  }
  static constexpr uint32_t pv_max_sc_b(uint32_t a, uint32_t b) { return pv_max_b(a, splat<int8_t>(b)); }
  static constexpr uint32_t pv_max_sci_b(uint32_t a, uint32_t imm) { return pv_max_sc_b(a, signed_imm6(imm)); }

  // ---- maxu: unsigned maximum
  static constexpr uint32_t pv_maxu_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x > y ? x : y; });
  }
  static constexpr uint32_t pv_maxu_sc_h(uint32_t a, uint32_t b) { return pv_maxu_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_maxu_sci_h(uint32_t a, uint32_t imm) { return pv_maxu_sc_h(a, unsigned_imm6(imm)); }
  static constexpr uint32_t pv_maxu_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x > y ? x : y; });
  }
  static constexpr uint32_t pv_maxu_sc_b(uint32_t a, uint32_t b) { return pv_maxu_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_maxu_sci_b(uint32_t a, uint32_t imm) { return pv_maxu_sc_b(a, unsigned_imm6(imm)); }

  // ---- srl: logical shift by the low 4 (h) or 3 (b) bits
  static constexpr uint32_t pv_srl_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x >> (y & 15); });
  }
  static constexpr uint32_t pv_srl_sc_h(uint32_t a, uint32_t b) { return pv_srl_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_srl_sci_h(uint32_t a, uint32_t imm) { return pv_srl_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_srl_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x >> (y & 7); });
  }
  static constexpr uint32_t pv_srl_sc_b(uint32_t a, uint32_t b) { return pv_srl_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_srl_sci_b(uint32_t a, uint32_t imm) { return pv_srl_sc_b(a, signed_imm6(imm)); }

  // ---- sra: arithmetic shift by the low 4 (h) or 3 (b) bits
  static constexpr uint32_t pv_sra_h(uint32_t a, uint32_t b) {
    return detail::each<int16_t>(a, b, [](int32_t x, int32_t y) { return x >> (y & 15); });
  }
  static constexpr uint32_t pv_sra_sc_h(uint32_t a, uint32_t b) { return pv_sra_h(a, splat<int16_t>(b)); }
  static constexpr uint32_t pv_sra_sci_h(uint32_t a, uint32_t imm) { return pv_sra_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_sra_b(uint32_t a, uint32_t b) {
    return detail::each<int8_t>(a, b, [](int32_t x, int32_t y) { return x >> (y & 7); });
  }
  static constexpr uint32_t pv_sra_sc_b(uint32_t a, uint32_t b) { return pv_sra_b(a, splat<int8_t>(b)); }
  static constexpr uint32_t pv_sra_sci_b(uint32_t a, uint32_t imm) { return pv_sra_sc_b(a, signed_imm6(imm)); }

  // ---- sll: shift to the left by the low 4 (h) or 3 (b) bits
  static constexpr uint32_t pv_sll_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x << (y & 15); });
  }
  static constexpr uint32_t pv_sll_sc_h(uint32_t a, uint32_t b) { return pv_sll_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_sll_sci_h(uint32_t a, uint32_t imm) { return pv_sll_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_sll_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x << (y & 7); });
  }
  static constexpr uint32_t pv_sll_sc_b(uint32_t a, uint32_t b) { return pv_sll_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_sll_sci_b(uint32_t a, uint32_t imm) { return pv_sll_sc_b(a, signed_imm6(imm)); }

  // ---- or: bitwise
  static constexpr uint32_t pv_or_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x | y; });
  }
  static constexpr uint32_t pv_or_sc_h(uint32_t a, uint32_t b) { return pv_or_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_or_sci_h(uint32_t a, uint32_t imm) { return pv_or_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_or_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x | y; });
  }
  static constexpr uint32_t pv_or_sc_b(uint32_t a, uint32_t b) { return pv_or_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_or_sci_b(uint32_t a, uint32_t imm) { return pv_or_sc_b(a, signed_imm6(imm)); }

  // ---- xor: bitwise
  static constexpr uint32_t pv_xor_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x ^ y; });
  }
  static constexpr uint32_t pv_xor_sc_h(uint32_t a, uint32_t b) { return pv_xor_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_xor_sci_h(uint32_t a, uint32_t imm) { return pv_xor_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_xor_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x ^ y; });
  }
  static constexpr uint32_t pv_xor_sc_b(uint32_t a, uint32_t b) { return pv_xor_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_xor_sci_b(uint32_t a, uint32_t imm) { return pv_xor_sc_b(a, signed_imm6(imm)); }

  // ---- and: bitwise
  static constexpr uint32_t pv_and_h(uint32_t a, uint32_t b) {
    return detail::each<uint16_t>(a, b, [](int32_t x, int32_t y) { return x & y; });
  }
  static constexpr uint32_t pv_and_sc_h(uint32_t a, uint32_t b) { return pv_and_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_and_sci_h(uint32_t a, uint32_t imm) { return pv_and_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_and_b(uint32_t a, uint32_t b) {
    return detail::each<uint8_t>(a, b, [](int32_t x, int32_t y) { return x & y; });
  }
  static constexpr uint32_t pv_and_sc_b(uint32_t a, uint32_t b) { return pv_and_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_and_sci_b(uint32_t a, uint32_t imm) { return pv_and_sc_b(a, signed_imm6(imm)); }

  // ---- abs: magnitude; the most negative lane maps to itself
  static constexpr uint32_t pv_abs_h(uint32_t a) {
    return detail::each<int16_t>(a, 0, [](int32_t x, int32_t) { return x < 0 ? -x : x; });
  }
  static constexpr uint32_t pv_abs_b(uint32_t a) {
    return detail::each<int8_t>(a, 0, [](int32_t x, int32_t) { return x < 0 ? -x : x; });
  }

  // ---- extract, insert: lane k = the low 1 (h) or 2 (b) bits of the immediate
  static constexpr uint32_t pv_extract_h(uint32_t a, uint32_t k) { return lane_of<int16_t>(a, k); }
  static constexpr uint32_t pv_extract_b(uint32_t a, uint32_t k) { return lane_of<int8_t>(a, k); }
  static constexpr uint32_t pv_extractu_h(uint32_t a, uint32_t k) { return lane_of<uint16_t>(a, k); }
  static constexpr uint32_t pv_extractu_b(uint32_t a, uint32_t k) { return lane_of<uint8_t>(a, k); }
  static constexpr uint32_t pv_insert_h(uint32_t old, uint32_t a, uint32_t k) { return with_lane<uint16_t>(old, a, k); }
  static constexpr uint32_t pv_insert_b(uint32_t old, uint32_t a, uint32_t k) { return with_lane<uint8_t>(old, a, k); }

  // ---- dotup, sdotup: unsigned products; modulo 2^32
  static constexpr uint32_t pv_dotup_h(uint32_t a, uint32_t b) { return detail::dot<uint16_t, uint16_t>(0, a, b); }
  static constexpr uint32_t pv_dotup_sc_h(uint32_t a, uint32_t b) { return pv_dotup_h(a, splat<uint16_t>(b)); }
  static constexpr uint32_t pv_dotup_sci_h(uint32_t a, uint32_t imm) { return pv_dotup_sc_h(a, unsigned_imm6(imm)); }
  static constexpr uint32_t pv_sdotup_h(uint32_t acc, uint32_t a, uint32_t b) {
    return detail::dot<uint16_t, uint16_t>(acc, a, b);
  }
  static constexpr uint32_t pv_sdotup_sc_h(uint32_t acc, uint32_t a, uint32_t b) {
    return pv_sdotup_h(acc, a, splat<uint16_t>(b));
  }
  static constexpr uint32_t pv_sdotup_sci_h(uint32_t acc, uint32_t a, uint32_t imm) {
    return pv_sdotup_sc_h(acc, a, unsigned_imm6(imm));
  }
  static constexpr uint32_t pv_dotup_b(uint32_t a, uint32_t b) { return detail::dot<uint8_t, uint8_t>(0, a, b); }
  static constexpr uint32_t pv_dotup_sc_b(uint32_t a, uint32_t b) { return pv_dotup_b(a, splat<uint8_t>(b)); }
  static constexpr uint32_t pv_dotup_sci_b(uint32_t a, uint32_t imm) { return pv_dotup_sc_b(a, unsigned_imm6(imm)); }
  static constexpr uint32_t pv_sdotup_b(uint32_t acc, uint32_t a, uint32_t b) {
    return detail::dot<uint8_t, uint8_t>(acc, a, b);
  }
  static constexpr uint32_t pv_sdotup_sc_b(uint32_t acc, uint32_t a, uint32_t b) {
    return pv_sdotup_b(acc, a, splat<uint8_t>(b));
  }
  static constexpr uint32_t pv_sdotup_sci_b(uint32_t acc, uint32_t a, uint32_t imm) {
    return pv_sdotup_sc_b(acc, a, unsigned_imm6(imm));
  }

  // ---- dotusp, sdotusp: a without sign, b and immediates signed; modulo 2^32
  static constexpr uint32_t pv_dotusp_h(uint32_t a, uint32_t b) { return detail::dot<uint16_t, int16_t>(0, a, b); }
  static constexpr uint32_t pv_dotusp_sc_h(uint32_t a, uint32_t b) { return pv_dotusp_h(a, splat<int16_t>(b)); }
  static constexpr uint32_t pv_dotusp_sci_h(uint32_t a, uint32_t imm) { return pv_dotusp_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_sdotusp_h(uint32_t acc, uint32_t a, uint32_t b) {
    return detail::dot<uint16_t, int16_t>(acc, a, b);
  }
  static constexpr uint32_t pv_sdotusp_sc_h(uint32_t acc, uint32_t a, uint32_t b) {
    return pv_sdotusp_h(acc, a, splat<int16_t>(b));
  }
  static constexpr uint32_t pv_sdotusp_sci_h(uint32_t acc, uint32_t a, uint32_t imm) {
    return pv_sdotusp_sc_h(acc, a, signed_imm6(imm));
  }
  static constexpr uint32_t pv_dotusp_b(uint32_t a, uint32_t b) { return detail::dot<uint8_t, int8_t>(0, a, b); }
  static constexpr uint32_t pv_dotusp_sc_b(uint32_t a, uint32_t b) { return pv_dotusp_b(a, splat<int8_t>(b)); }
  static constexpr uint32_t pv_dotusp_sci_b(uint32_t a, uint32_t imm) { return pv_dotusp_sc_b(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_sdotusp_b(uint32_t acc, uint32_t a, uint32_t b) {
    return detail::dot<uint8_t, int8_t>(acc, a, b);
  }
  static constexpr uint32_t pv_sdotusp_sc_b(uint32_t acc, uint32_t a, uint32_t b) {
    return pv_sdotusp_b(acc, a, splat<int8_t>(b));
  }
  static constexpr uint32_t pv_sdotusp_sci_b(uint32_t acc, uint32_t a, uint32_t imm) {
    return pv_sdotusp_sc_b(acc, a, signed_imm6(imm));
  }

  // ---- dotsp, sdotsp: signed products; modulo 2^32
  static constexpr uint32_t pv_dotsp_h(uint32_t a, uint32_t b) { return detail::dot<int16_t, int16_t>(0, a, b); }
  static constexpr uint32_t pv_dotsp_sc_h(uint32_t a, uint32_t b) { return pv_dotsp_h(a, splat<int16_t>(b)); }
  static constexpr uint32_t pv_dotsp_sci_h(uint32_t a, uint32_t imm) { return pv_dotsp_sc_h(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_sdotsp_h(uint32_t acc, uint32_t a, uint32_t b) {
    return detail::dot<int16_t, int16_t>(acc, a, b);
  }
  static constexpr uint32_t pv_sdotsp_sc_h(uint32_t acc, uint32_t a, uint32_t b) {
    return pv_sdotsp_h(acc, a, splat<int16_t>(b));
  }
  static constexpr uint32_t pv_sdotsp_sci_h(uint32_t acc, uint32_t a, uint32_t imm) {
    return pv_sdotsp_sc_h(acc, a, signed_imm6(imm));
  }
  static constexpr uint32_t pv_dotsp_b(uint32_t a, uint32_t b) { return detail::dot<int8_t, int8_t>(0, a, b); }
  static constexpr uint32_t pv_dotsp_sc_b(uint32_t a, uint32_t b) { return pv_dotsp_b(a, splat<int8_t>(b)); }
  static constexpr uint32_t pv_dotsp_sci_b(uint32_t a, uint32_t imm) { return pv_dotsp_sc_b(a, signed_imm6(imm)); }
  static constexpr uint32_t pv_sdotsp_b(uint32_t acc, uint32_t a, uint32_t b) {
    return detail::dot<int8_t, int8_t>(acc, a, b);
  }
  static constexpr uint32_t pv_sdotsp_sc_b(uint32_t acc, uint32_t a, uint32_t b) {
    return pv_sdotsp_b(acc, a, splat<int8_t>(b));
  }
  static constexpr uint32_t pv_sdotsp_sci_b(uint32_t acc, uint32_t a, uint32_t imm) {
    return pv_sdotsp_sc_b(acc, a, signed_imm6(imm));
  }

  // ---- shuffle2: lane i of the result is lane c of a if the bit above c in b's lane i is set, else of the old value
  static constexpr uint32_t pv_shuffle2_h(uint32_t old, uint32_t a, uint32_t b) { return shuffle<uint16_t>(old, a, b); }
  static constexpr uint32_t pv_shuffle2_b(uint32_t old, uint32_t a, uint32_t b) { return shuffle<uint8_t>(old, a, b); }

  // ---- pack: the low (pack) or high (pack.h) halves of a and b, a's in the upper half
  static constexpr uint32_t pv_pack(uint32_t a, uint32_t b) { return a << 16 | (b & 0xffffu); }
  static constexpr uint32_t pv_pack_h(uint32_t a, uint32_t b) { return (a & 0xffff0000u) | b >> 16; }

  // ---- Order of instructions, of which results do not depend: see isa/xpulpimg.hpp
  template <int32_t N>
  static constexpr void step(uint32_t (&)[N]) {}

  // ---- Memory: the pointer moves by `step` bytes after the access, imm<4> or a register; whatever it points to, it is
  // ---- read or written as the mnemonic says
  template <class T>
  static uint32_t p_lw_post(T*& p, int32_t step) {
    return load_post<uint32_t>(p, step);
  }
  template <class T>
  static uint32_t p_lh_post(T*& p, int32_t step) {
    return load_post<int16_t>(p, step);
  }
  template <class T>
  static uint32_t p_lhu_post(T*& p, int32_t step) {
    return load_post<uint16_t>(p, step);
  }
  template <class T>
  static uint32_t p_lb_post(T*& p, int32_t step) {
    return load_post<int8_t>(p, step);
  }
  template <class T>
  static uint32_t p_lbu_post(T*& p, int32_t step) {
    return load_post<uint8_t>(p, step);
  }
  template <class T>
  static void p_sw_post(uint32_t value, T*& p, int32_t step) {
    store_post<uint32_t>(value, p, step);
  }
  template <class T>
  static void p_sh_post(uint32_t value, T*& p, int32_t step) {
    store_post<uint16_t>(value, p, step);
  }
  template <class T>
  static void p_sb_post(uint32_t value, T*& p, int32_t step) {
    store_post<uint8_t>(value, p, step);
  }

  // ---- Memory at p + offset bytes, never before p; the pointer stays
  static uint32_t p_lw(const void* p, uint32_t offset) { return load<uint32_t>(detail::moved(p, offset)); }
  static uint32_t p_lh(const void* p, uint32_t offset) { return load<int16_t>(detail::moved(p, offset)); }
  static uint32_t p_lhu(const void* p, uint32_t offset) { return load<uint16_t>(detail::moved(p, offset)); }
  static uint32_t p_lb(const void* p, uint32_t offset) { return load<int8_t>(detail::moved(p, offset)); }
  static uint32_t p_lbu(const void* p, uint32_t offset) { return load<uint8_t>(detail::moved(p, offset)); }
  static void p_sw(uint32_t value, void* p, uint32_t offset) { store<uint32_t>(value, detail::moved(p, offset)); }
  static void p_sh(uint32_t value, void* p, uint32_t offset) { store<uint16_t>(value, detail::moved(p, offset)); }
  static void p_sb(uint32_t value, void* p, uint32_t offset) { store<uint8_t>(value, detail::moved(p, offset)); }

 private:
  template <Integer M>
  static uint32_t load(const void* p) {
    M value;
    __builtin_memcpy(&value, p, sizeof value);
    return static_cast<uint32_t>(value);
  }
  template <Integer M>
  static void store(uint32_t value, void* p) {
    const auto low = static_cast<M>(value);
    __builtin_memcpy(p, &low, sizeof low);
  }
  template <Integer M, class T>
  static uint32_t load_post(T*& p, int32_t step) {
    T* const old = p;
    p = detail::moved(p, step);
    return load<M>(old);
  }
  template <Integer M, class T>
  static void store_post(uint32_t value, T*& p, int32_t step) {
    T* const old = p;
    p = detail::moved(p, step);
    store<M>(value, old);
  }
  static constexpr int32_t clip_limit(uint32_t i) {
    return i == 0 ? 0 : static_cast<int32_t>((uint32_t{1} << (i - 1)) - 1);
  }
  static constexpr uint32_t clip_register(uint32_t a, uint32_t high, uint32_t low) {
    const int32_t x = detail::as_signed(a);
    if (x < 0 || detail::as_signed(high) < 0) return x <= detail::as_signed(low) ? low : (low != 0 && x < 0 ? a : high);
    return x <= detail::as_signed(high) ? a : high;
  }
  template <Lane T>
  static constexpr uint32_t lane_of(uint32_t a, uint32_t k) {
    return static_cast<uint32_t>(lane<T>(a, static_cast<int>(k & (lane_count<T> - 1))));
  }
  template <Lane T>
  static constexpr uint32_t with_lane(uint32_t old, uint32_t a, uint32_t k) {
    const uint32_t shift = lane_bits<T> * (k & (lane_count<T> - 1));
    return (old & ~(lane_mask<T> << shift)) | (a & lane_mask<T>) << shift;
  }
  template <Lane T>
  static constexpr uint32_t shuffle(uint32_t old, uint32_t a, uint32_t b) {
    constexpr uint32_t count = lane_count<T>;
    uint32_t result = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t c = lane_of<T>(b, i);
      result = with_lane<T>(result, lane_of<T>((c & count) != 0 ? a : old, c), i);
    }
    return result;
  }
};

}  // namespace tessera::isa
