// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Policies of the `quantlib` dialect on the host's vector units. See map/xsimd.hpp. RequantShift and iGELU are so
/// short that they are computed by definition where rounding takes several instructions.

#include "tessera/arith/quantlib.hpp"
#include "tessera/kernel/map/xsimd.hpp"

namespace tessera {
namespace simd {

inline f64 saturated_i32(f64 v) { return xsimd::min(xsimd::max(v, f64(-2147483648.0)), f64(2147483647.0)); }

/// Largest magnitude, 2^31 at most.
inline int64_t peak(const int32_t* x, index_t n) {
  i32 low(0);
  i32 high(0);
  index_t i = 0;
  for (; i + lanes32 <= n; i += lanes32) {
    const i32 v = load_i32(x + i);
    low = xsimd::min(low, v);
    high = xsimd::max(high, v);
  }
  int32_t bounds[2 * lanes32];
  low.store_unaligned(bounds);
  high.store_unaligned(bounds + lanes32);
  int64_t most = 0;
  for (const int64_t v : bounds) most = max(most, v < 0 ? -v : v);
  for (const int32_t* p = x + i; p != x + n; ++p) most = max<int64_t>(most, *p < 0 ? -int64_t{*p} : *p);
  return most;
}

/// floor( (v * m + add + half) / 2^s ) for integers |v * m| <= 2^62, |v| <= 2^40, |m| and |add| <= 2^31, 0 <= s <= 62;
/// half is 2^(s-1) or 0 (always 0 for s = 0). Exact below 2^53 and monotone, so exact after a clamp to 32 bits.
///
/// v = h * 2^16 + l with 0 <= l < 2^16, so the quotient is
///     s > 16:    floor( (h * m + floor((l * m + add) / 2^16) + half / 2^16) / 2^(s-16) )
///     s <= 16:   h * m * 2^(16-s) + floor((l * m + add + half) / 2^s)
/// |h * m| and |l * m + add| are below 2^48 and half / 2^16 <= 2^45: all sums are exact but the last one, a single
/// rounding of integers. Where |v * m + add| < 2^52 (`is_short`) nothing needs to be split, see ita::requant.
struct multiply_add_shift {
  f64 high_scale;  // 2^(16-s), at least 1
  f64 low_scale;   // 2^-s, at least 2^-16
  f64 high_half;
  f64 low_half;
  f64 last_scale;  // 2^(16-s), at most 1
  f64 scale;       // 2^-s
  f64 half;        // 1/2 or 0
  bool is_short = false;

  multiply_add_shift(int s, bool half_up)
      : high_scale(scale_binary(1.0, s < 16 ? 16 - s : 0)),
        low_scale(scale_binary(1.0, s < 16 ? -s : -16)),
        high_half(half_up && s > 16 ? scale_binary(1.0, s - 17) : 0.0),
        low_half(half_up && s > 0 && s <= 16 ? scale_binary(1.0, s - 1) : 0.0),
        last_scale(scale_binary(1.0, s > 16 ? 16 - s : 0)),
        scale(scale_binary(1.0, -s)),
        half(half_up && s > 0 ? 0.5 : 0.0) {}

  f64 operator()(f64 v, f64 m, f64 add) const {
    if (is_short) return floor((v * m + add) * scale + half);
    const f64 h = floor(v * f64(1.0 / 65536.0));
    const f64 l = v - h * f64(65536.0);
    const f64 high = h * m * high_scale + high_half;
    const f64 low = floor((l * m + (add + low_half)) * low_scale);
    return floor((high + low) * last_scale);
  }
};

}  // namespace simd

namespace simd {
/// |acc * mul + add| <= 2^51 + 2^31 for multipliers up to this.
inline constexpr int32_t short_multiplier = 1 << 20;
}  // namespace simd

template <>
struct vector_policy<quantlib::requant_shift> {
  simd::multiply_add_shift shift;
  simd::interval limits;
  simd::f64 mul;
  simd::f64 add;
  explicit vector_policy(const quantlib::requant_shift& p)
      : shift(p.log2_d, true),
        limits(p.output_min(), p.output_max()),
        mul(static_cast<double>(p.mul)),
        add(static_cast<double>(p.add)) {
    shift.is_short = p.mul >= -simd::short_multiplier && p.mul <= simd::short_multiplier;
  }
  bool prepare(index_t, index_t) const { return simd::has_floor; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64&) const {
    return limits(shift(simd::saturated_i32(x), mul, add));
  }
};

template <>
struct vector_policy<quantlib::requant_shift_channels> {
  simd::multiply_add_shift shift;
  simd::interval limits;
  const int32_t* mul;
  const int32_t* add;
  explicit vector_policy(const quantlib::requant_shift_channels& p)
      : shift(p.log2_d, true), limits(p.output_min(), p.output_max()), mul(p.mul), add(p.add) {}
  bool prepare(index_t first, index_t n) {
    shift.is_short = simd::peak(mul + first, n) <= simd::short_multiplier;
    return simd::has_floor;
  }
  simd::f64 operator()(simd::f64 x, index_t c, simd::mask64&) const {
    return limits(shift(simd::saturated_i32(x), simd::load_f64(mul + c), simd::load_f64(add + c)));
  }
};

template <>
struct vector_policy<quantlib::offset> {
  simd::f64 value;
  simd::interval limits;
  bool exact_value;
  explicit vector_policy(const quantlib::offset& p)
      : value(simd::broadcast(p.value)), limits(p.low, p.high), exact_value(simd::lanes_hold(&p.value, 1)) {}
  bool prepare(index_t, index_t) const { return limits.exact && exact_value; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64& exact) const {
    const simd::f64 sum = x + value;
    exact = exact && simd::below(sum, simd::exact_integer);
    return limits(sum);
  }
};

/// Saturated values may round on the way, but they are beyond 2^53 then and stay beyond 2^31. The square is at most
/// 2^62 and only matters while the polynomial is below 2^33.
template <>
struct vector_policy<quantlib::igelu> {
  simd::f64 b;
  simd::f64 one;
  explicit vector_policy(const quantlib::igelu& p) : b(static_cast<double>(p.b)), one(static_cast<double>(p.one)) {}
  bool prepare(index_t, index_t) const { return simd::has_floor; }
  simd::f64 operator()(simd::f64 wide, index_t, simd::mask64&) const {
    const simd::f64 x = simd::saturated_i32(wide);
    const simd::f64 t = xsimd::min(xsimd::abs(x) + b, simd::f64(0.0));
    const simd::f64 polynomial = one - t * t;
    const simd::f64 l = simd::with_sign_of(x, polynomial);
    return simd::saturated_i32(x * simd::saturated_i32(simd::floor((one + l) * simd::f64(0.5))));
  }
};

/// As igelu: products beyond 2^53 round and saturate.
template <>
struct vector_policy<quantlib::ihardswish> {
  simd::f64 one_over_six;
  simd::f64 three;
  simd::f64 six;
  explicit vector_policy(const quantlib::ihardswish& p)
      : one_over_six(static_cast<double>(p.one_over_six)),
        three(static_cast<double>(p.three)),
        six(static_cast<double>(max(p.six, 0))) {}
  bool prepare(index_t, index_t) const { return true; }
  simd::f64 operator()(simd::f64 wide, index_t, simd::mask64&) const {
    const simd::f64 x = simd::saturated_i32(wide);
    const simd::f64 gate = xsimd::min(xsimd::max(x + three, simd::f64(0.0)), six) * one_over_six;
    return simd::saturated_i32(x * simd::saturated_i32(gate));
  }
};

/// Below 2^53 a rounded quotient cannot reach an integer k that the exact one does not: n / d is 1 / d away from k, and
/// the rounding moves it by at most k * 2^-54 < 1 / d.
template <>
struct vector_policy<quantlib::true_integer_div> {
  simd::f64 factor;
  simd::f64 denominator;
  bool exact_values;
  explicit vector_policy(const quantlib::true_integer_div& p)
      : factor(simd::broadcast(int64_t{p.delta} * p.eta)), denominator(simd::broadcast(p.denominator())) {
    const int64_t values[] = {int64_t{p.delta} * p.eta, p.denominator()};
    exact_values = simd::lanes_hold(values, 2) && p.denominator() != 0;
  }
  bool prepare(index_t, index_t) const { return exact_values; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64& exact) const {
    const simd::f64 n = simd::saturated_i32(x) * factor;
    exact = exact && simd::below(n, simd::exact_integer);
    const simd::f64 q = n / denominator;
    const simd::f64 magnitude = simd::floor(xsimd::abs(q));
    return simd::saturated_i32(xsimd::select(q < simd::f64(0.0), -magnitude, magnitude));
  }
};

}  // namespace tessera
