// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// I-BERT softmax and layer normalisation on the host's vector units, in double precision. Each step says why it is
/// exact; a row for which it might not be is computed by definition.

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

  static void run(const params& p, const int32_t* x, Y* y, index_t n) {
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

template <class X, class Y>
requires(sizeof(X) <= 4) struct vector_row<ibert::layer_norm, X, Y> {
  using f64 = simd::f64;
  static constexpr index_t step = simd::lanes64;

  static void run(const ibert::layer_norm& p, const X* x, Y* y, index_t n) {
    f64 sums(0.0);
    index_t i = 0;
    for (; i + step <= n; i += step) sums = sums + simd::load_f64(x + i);
    int64_t sum = static_cast<int64_t>(xsimd::hadd(sums));  // below 2^31 * 2^20
    for (; i < n; ++i) sum += x[i];
    const int64_t mean = divide_half_even(sum, n);

    const f64 center(static_cast<double>(mean));
    const f64 unshift(scale_binary(1.0, -p.shift));
    f64 squares(0.0);
    for (i = 0; i + step <= n; i += step) {
      const f64 d = simd::floor((simd::load_f64(x + i) - center) * unshift);
      squares = squares + d * d;
    }
    const double total = xsimd::hadd(squares);
    // Sums of squares only grow, so a total below 2^52 means that every step was exact.
    if (!(total < 4503599627370496.0)) return p(x, y, n);
    auto variance = static_cast<uint64_t>(total);
    for (; i < n; ++i) {
      const auto d = static_cast<uint64_t>((x[i] - mean) >> p.shift);
      variance += d * d;
    }
    const auto s = p.finish(mean, variance);
    const f64 half_factor(static_cast<double>(s.factor) * 0.5);
    for (i = 0; i + step <= n; i += step) {
      if (!simd::lanes_hold(p.bias + i, step)) break;
      // |x - mean| * factor < 2^32; the bias is below 2^50.
      const f64 v = simd::floor((simd::load_f64(x + i) - center) * half_factor) + simd::load_f64(p.bias + i);
      simd::store_f64(y + i, v);
    }
    for (; i < n; ++i) y[i] = static_cast<Y>(p.normalized(x[i], i, s));
  }
};

}  // namespace tessera
