// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// I-BERT softmax and layer normalisation on the host's vector units: the first in double precision, the second in
/// integers. Each step says why it is exact; a row for which it might not be is computed by definition.

#include "tessera/arith/ibert.hpp"
#include "tessera/kernel/row/xsimd.hpp"

namespace tessera {
namespace simd {

/// The 16-bit exponential of lanes whose polynomial and power of two are given. polynomial < 2^53 times a power of two
/// is exact; the result is below 2^51 or saturates.
inline f64 exp16(const ibert::exp_multiplier& r, f64 polynomial, f64 power) {
  const f64 ratio(scale_binary(static_cast<double>(r.scale.m), -r.scale.e));
  return xsimd::min(multiply_round_even(polynomial * power, ratio), f64(32767.0));
}
inline f64 exp16(const ibert::exp_multiplier_of_quotient& r, f64 polynomial, f64 power) {
  const f64 ratio(scale_binary(static_cast<double>(r.scale.m), -r.scale.e));
  return xsimd::min(multiply_round_even(polynomial * power / f64(r.exp_scale), ratio), f64(32767.0));
}

}  // namespace simd

template <class ExpRequant, simd::LaneInteger Y>
struct vector_row<ibert::softmax<ExpRequant>, int32_t, Y> {
  using params = ibert::softmax<ExpRequant>;
  using f64 = simd::f64;
  static constexpr index_t step = simd::lanes64;
  /// Exponentials kept between the two passes over a row; longer rows compute them twice.
  static constexpr index_t kept = 2048;

  explicit vector_row(const params& q) : p(q) {}

  void operator()(const int32_t* x, Y* y, index_t n) const {
    const int64_t most = p.row_max(x, n);
    const lanes k(p, most);
    int16_t exponentials[kept];
    f64 sums(0.0);
    index_t i = 0;
    for (; i + step <= n; i += step) {
      const f64 e = k.exp16(p, x, i);
      sums = sums + e;
      if (i + step <= kept) simd::store_f64(exponentials + i, e);
    }
    int64_t sum = static_cast<int64_t>(xsimd::hadd(sums));  // < 2^16 * 2^15
    for (index_t j = i; j < n; ++j) sum += p.exp16(x, j, most);
    const int64_t f = params::factor(sum);
    const f64 factor = f64(static_cast<double>(f) / 16777216.0);  // p * f <= 2^47 and the scaling are exact
    for (i = 0; i + step <= n; i += step) {
      const f64 e = i + step <= kept ? simd::load_f64(exponentials + i) : k.exp16(p, x, i);
      simd::store_f64(y + i, simd::floor(e * factor));
    }
    for (; i < n; ++i) y[i] = static_cast<Y>((p.exp16(x, i, most) * f) >> 24);
  }

 private:
  params p;

  struct lanes {
    f64 most, lowest, x0, b, c;
    lanes(const params& p, int64_t row_max)
        : most(static_cast<double>(row_max)),
          lowest(static_cast<double>(30 * p.constants.x0)),
          x0(static_cast<double>(p.constants.x0)),
          b(static_cast<double>(p.constants.b)),
          c(static_cast<double>(p.constants.c)) {}

    f64 exp16(const params& p, const int32_t* x, index_t i) const {
      f64 v = xsimd::max(simd::load_f64(x + i) - most, lowest);
      if (p.keep != nullptr) v = xsimd::select(simd::load_f64(p.keep + i) == f64(0.0), lowest, v);
      // 0 <= v / x0 <= 30 with |v| < 2^31: the rounded quotient cannot pass an integer that the exact one does not.
      const f64 q = simd::floor(v / x0);
      const f64 r = v - x0 * q;
      const f64 polynomial = xsimd::max((r + b) * r + c, f64(0.0));  // below 2^53, see softmax::check
      return simd::exp16(p.exp_requant, polynomial, simd::power_of_two(f64(30.0) - q));
    }
  };
};

template <class X, Integer Y>
requires(sizeof(X) <= 4 && simd::LaneInteger<X>) struct vector_row<ibert::layer_norm, X, Y> {
  using i32 = simd::i32;
  using i64 = simd::i64;
  using u64 = simd::u64;
  explicit vector_row(const ibert::layer_norm& q) : p(q) {}

  void operator()(const X* x, Y* y, index_t n) const {
    // The sum of x + 2^31, which has no sign, and the range of x.
    const i32 flip(limits<int32_t>::min);
    u64 sums(uint64_t{0});
    i32 lowest(static_cast<int32_t>(x[0]));
    i32 highest = lowest;
    index_t i = 0;
    for (; i + simd::lanes32 <= n; i += simd::lanes32) {
      const i32 v = simd::load_i32(x + i);
      lowest = xsimd::min(lowest, v);
      highest = xsimd::max(highest, v);
      const u64 pair = xsimd::bitwise_cast<u64>(v ^ flip);
      sums = sums + (pair & u64(uint64_t{0xffffffff})) + (pair >> 32);
    }
    int64_t sum = static_cast<int64_t>(xsimd::hadd(sums)) - (i << 31);
    int32_t bounds[2 * simd::lanes32];
    lowest.store_unaligned(bounds);
    highest.store_unaligned(bounds + simd::lanes32);
    int64_t least = bounds[0];
    int64_t most = bounds[0];
    for (const int32_t v : bounds) least = min<int64_t>(least, v), most = max<int64_t>(most, v);
    for (index_t j = i; j < n; ++j) {
      sum += x[j];
      least = min<int64_t>(least, x[j]);
      most = max<int64_t>(most, x[j]);
    }
    const int64_t mean = divide_half_even(sum, n);
    // All differences fit 32 bits, or the row is computed by definition.
    if (most - mean > limits<int32_t>::max || least - mean < limits<int32_t>::min) return p(x, y, n);

    // Squares of 32-bit magnitudes, added modulo 2^64 as the definition does.
    const i32 center(static_cast<int32_t>(mean));
    u64 squares(uint64_t{0});
    for (i = 0; i + simd::lanes32 <= n; i += simd::lanes32) {
      const u64 d = xsimd::bitwise_cast<u64>(xsimd::abs((simd::load_i32(x + i) - center) >> p.shift));
      const u64 odd = d >> 32;
      squares = squares + simd::multiply_low(d, d) + simd::multiply_low(odd, odd);
    }
    uint64_t variance = xsimd::hadd(squares);
    for (; i < n; ++i) {
      const auto d = static_cast<uint64_t>((x[i] - mean) >> p.shift);
      variance += d * d;
    }

    // u = x - mean + 2^31 has 32 bits and no sign, so that (x - mean) * factor >> 1 = (u * factor >> 1) - 2^30 *
    // factor.
    const auto s = p.finish(mean, variance);
    const i64 to_unsigned((int64_t{1} << 31) - mean);
    const u64 factor(static_cast<uint64_t>(s.factor));
    const i64 excess(s.factor << 30);
    const int64_t* const bias = p.bias;
    for (i = 0; i + simd::lanes64 <= n; i += simd::lanes64) {
      const u64 u = xsimd::bitwise_cast<u64>(simd::load_i64(x + i) + to_unsigned);
      const i64 half = xsimd::bitwise_cast<i64>(simd::multiply_low(u, factor) >> 1);
      store(y + i, half + (i64::load_unaligned(bias + i) - excess));
    }
    for (; i < n; ++i) y[i] = static_cast<Y>(p.normalized(x[i], i, s));
  }

 private:
  static void store(Y* y, i64 v) {
    if constexpr (same_as<Y, int64_t>) {
      v.store_unaligned(y);
    } else {
      int64_t wide[simd::lanes64];
      v.store_unaligned(wide);
      for (index_t k = 0; k < simd::lanes64; ++k) y[k] = static_cast<Y>(wide[k]);
    }
  }

  ibert::layer_norm p;
};

}  // namespace tessera
