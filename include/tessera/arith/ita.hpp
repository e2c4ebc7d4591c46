// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Dialect `ita`: the datapath of the Integer Transformer Accelerator (pulp-platform/ITA, "ITA: An Energy-Efficient
/// Attention and Softmax Accelerator for Quantized Transformers"). The SystemVerilog is normative; where its Python
/// model (PyITA) differs, the comment says so. RHU = floor(v + 1/2), also for negative v.

#include "tessera/arith/base2_softmax.hpp"
#include "tessera/arith/requant.hpp"

namespace tessera::ita {

/// y = clamp( RHU(acc * mult / 2^shift) + add, -128, 127 ): the addition comes after the shift (MUL-DIV-ADD).
/// mult: 0..255 and shift: 0..255 without sign, add: int8. The hardware's accumulators have 26 bits; this is exact for
/// |acc| <= 2^54, as |acc * mult| < 2^62; a larger acc is limited to that. A shift by 63 or more gives 0 before the
/// addition. PyITA computes in double and agrees for shift <= 22.
struct requant {
  static constexpr bool uniform = true;
  uint8_t mult = 0;
  uint8_t shift = 0;
  int8_t add = 0;

  constexpr const requant& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t) const {
    constexpr int64_t most = int64_t{1} << 54;
    return clamp<int64_t>(shift_half_up(clamp(acc, -most, most) * mult, shift) + add, -128, 127);
  }
  constexpr int64_t output_min() const { return -128; }
  constexpr int64_t output_max() const { return 127; }

  friend constexpr bool operator==(const requant&, const requant&) = default;
};

/// The MUL-ADD-DIV addend of quantlib as this dialect's: floor(add / 2^log2_d). Exact only if 2^log2_d divides add.
constexpr int64_t add_after_shift(int64_t add, int log2_d) { return shift_floor(add, log2_d); }

/// Activation code 0: the requantised int8 as it is.
struct identity {
  static constexpr bool uniform = true;
  constexpr const identity& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t x, index_t) const { return clamp<int64_t>(x, -128, 127); }
  constexpr int64_t output_min() const { return -128; }
  constexpr int64_t output_max() const { return 127; }
};

/// GELU before its requantisation. x: int8, all 256 values; result at scale s^3 * 0.2888 / 4, sign reversed:
///     t = min(|x|, -b);  L = (t + b)^2 + c;  result = x * (sign(x) * L + c)
/// The hardware holds it in 26 bits (`gelu::check`); |result| < 2^38 for any b and c, so int64 is exact.
/// PyITA limits x to -127 first; for b < -127 it then differs at x = -128.
constexpr int64_t i_gelu(int32_t x, int32_t b, int32_t c) {
  const int64_t t = min<int64_t>(x < 0 ? -int64_t{x} : x, -int64_t{b});
  const int64_t l = (t + b) * (t + b) + c;
  return x * ((x < 0 ? -l : l) + c);
}

/// Activation code 1: y = requant(i_gelu(x)). Input: the int8 of the preceding requantisation (`then{requant, gelu}`);
/// anything larger is limited to int8.
struct gelu {
  static constexpr bool uniform = true;
  int16_t b = 0;
  int16_t c = 0;
  requant second{};

  constexpr const gelu& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t x, index_t column) const {
    return second(i_gelu(saturate<int8_t>(x), b, c), column);
  }
  constexpr int64_t output_min() const { return -128; }
  constexpr int64_t output_max() const { return 127; }

  /// Refuses constants whose i_gelu does not fit the hardware's 26 bits, where it would wrap. |L| is largest at t = 0
  /// or at the largest t, since (t + b)^2 falls on [0, -b].
  constexpr status check() const {
    const auto magnitude = [](int64_t v) { return v < 0 ? -v : v; };
    const int64_t d = min<int64_t>(128, -int64_t{b}) + b;
    const int64_t l0 = b < 0 ? int64_t{b} * b + c : int64_t{c};
    const int64_t l = max(magnitude(l0), magnitude(d * d + c));
    return 128 * (l + magnitude(c)) < int64_t{1} << 25 ? status::ok : status::bad_parameter;
  }

  friend constexpr bool operator==(const gelu&, const gelu&) = default;
};

/// Activation code 2: y = requant(max(x, 0)). Input as for `gelu`.
struct relu {
  static constexpr bool uniform = true;
  requant second{};

  constexpr const relu& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t x, index_t column) const { return second(max<int64_t>(x, 0), column); }
  constexpr int64_t output_min() const { return -128; }
  constexpr int64_t output_max() const { return 127; }
};

/// The GELU constants for inputs of scale s > 0 (real value = s * x); the output has the same scale. With s2 =
/// s/sqrt(2), D = 2^shift and r(v) = floor(v + 1/2 + 2^-23) limited to its type, as in PyITA:
///     b = r16(-1.769 / s2);  c = r16(-1 / (0.2888 s2^2));  mult = min(r(0.2888 s2^2 / 2 * D), 127);  add = 0
/// An s under about 0.0103 makes c saturate at int16; ask `check()` and mind the error.
constexpr gelu gelu_for_scale(double s, int shift = 20) {
  TESSERA_ASSERT(s > 0 && is_finite(s) && shift >= 0 && shift <= 255);
  const double s2 = s / square_root(2.0);
  const double unit = 0.2888 * (s2 * s2);
  const auto r = [](double v) { return floor(v + 0.5 + 0x1p-23); };
  return {
      saturate_real<int16_t>(r(-1.769 / s2)),
      saturate_real<int16_t>(r(1.0 / -unit)),
      {min<uint8_t>(saturate_real<uint8_t>(r(scale_binary(unit / 2, shift))), 127), static_cast<uint8_t>(shift), 0}};
}

/// The accelerator's softmax (`ita_softmax`; PyITA's streamingPartialSoftmax with range scale 32 agrees on every
/// vector). x: int8 logits, one unit = one octave; y: uint8 probabilities, 0..255 standing for 0..1 (a row of n equal
/// values gives floor(65280 / 256 / n), so 0 from n = 256 on). Groups of 16 columns; hardware rows are multiples of 64,
/// a shorter last group is this library's extension. 1 <= n <= 2047: the sum reaches 256 * n and the hardware holds it
/// in 19 bits.
struct streaming_softmax {
  static constexpr base2_softmax rule() { return {256, 65280, 0, 16}; }
  static constexpr index_t max_length = 2047;
  static constexpr status check(index_t n) { return n >= 1 && n <= max_length ? status::ok : status::shape_mismatch; }
  template <IntegerUpTo<8> X, IntegerHolding<0, 255> Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    rule()(x, y, n);
  }
};

/// The softmax of MemPool's functional ITA model (in the simulator banshee): 32 units of x are one octave, 10 bits in
/// the sum, probabilities 0..127. Not what the hardware computes.
struct mempool_softmax {
  static constexpr base2_softmax rule() { return {1024, 130048, 5, 16}; }
  static constexpr status check(index_t n) { return rule().check(n); }
  template <IntegerUpTo<8> X, IntegerHolding<0, 127> Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    rule()(x, y, n);
  }
};

}  // namespace tessera::ita
