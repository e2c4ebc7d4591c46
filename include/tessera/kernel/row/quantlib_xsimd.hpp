// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Row operators of the `quantlib` dialect on the host's vector units. Each step says why it is exact; a row for which
/// it might not be is computed by definition.

#include "tessera/arith/quantlib_norm.hpp"
#include "tessera/arith/quantlib_softmax.hpp"
#include "tessera/kernel/map/quantlib_xsimd.hpp"
#include "tessera/kernel/row/base2_xsimd.hpp"

namespace tessera {
static_assert(Base2Softmax<quantlib::itamax> && Base2Softmax<quantlib::itapartialmax<>>);

/// Quotients of integers n < 2^53 and d with (n + d) < 2^54: the rounded quotient does not reach an integer k that the
/// exact one does not, which is 1 / d away, more than k * 2^-54.
///
/// Softmax: e < 2^40 and e * (n_levels - 1) < 2^48 are exact, as is the sum below 2^53. A sum beyond may be rounded,
/// but then all quotients are below 1, rounded or not.
template <IntegerUpTo<8> X, simd::LaneInteger Y>
struct vector_row<quantlib::isoftmax, X, Y> {
  explicit vector_row(const quantlib::isoftmax& params) : p(params) {}

  void operator()(const X* x, Y* y, index_t n) const {
    const int m = maximum(x, n);
    double exponentials[kept];
    f64 sums(0.0);
    index_t i = 0;
    for (; i + step <= n; i += step) {
      const f64 e = exponential(m, x + i);
      sums = sums + e;
      if (i + step <= kept) e.store_unaligned(exponentials + i);
    }
    auto sum = static_cast<int64_t>(xsimd::hadd(sums));  // below 2^62
    for (index_t j = i; j < n; ++j) sum += p.exponential(m - x[j]);
    const f64 top(static_cast<double>(p.n_levels - 1));
    const f64 divisor(static_cast<double>(sum));
    for (i = 0; i + step <= n; i += step) {
      const f64 e = i + step <= kept ? f64::load_unaligned(exponentials + i) : exponential(m, x + i);
      simd::store_f64(y + i, simd::floor(e * top / divisor));
    }
    for (; i < n; ++i) y[i] = static_cast<Y>(p.exponential(m - x[i]) * (p.n_levels - 1) / sum);
  }

 private:
  using f64 = simd::f64;
  static constexpr index_t step = simd::lanes64;
  /// Exponentials kept between the two passes over a row; longer rows compute them twice.
  static constexpr index_t kept = 1024;

  static int maximum(const X* x, index_t n) {
    constexpr int bias = limits<X>::is_signed ? 128 : 0;
    const simd::u8 flip(static_cast<uint8_t>(bias));
    simd::u8 most(uint8_t{0});
    index_t i = 0;
    for (; i + simd::lanes8 <= n; i += simd::lanes8) most = simd::larger(most, simd::load_bytes(x + i) ^ flip);
    int m = simd::largest(most) - bias;
    for (; i < n; ++i) m = max<int>(m, x[i]);
    return m;
  }

  f64 exponential(int m, const X* x) const {
    const f64 d = f64(static_cast<double>(m)) - simd::load_f64(x);
    const f64 log2(static_cast<double>(p.log2));
    const f64 z = xsimd::min(simd::floor(d / log2), f64(31.0));
    const f64 t = z * log2 - d + f64(static_cast<double>(p.b));
    const f64 polynomial = t * t * f64(static_cast<double>(p.a)) + f64(static_cast<double>(p.c));
    return simd::floor(polynomial * simd::power_of_two(-z));
  }

  quantlib::isoftmax p;
};

namespace simd {

/// Sum and sum of squares of a row.
struct moments {
  int64_t sum;
  int64_t squares;
};

/// Bytes: pairs of products in 32-bit lanes, emptied before 2^31 / 2^17 steps. (255^2 * 2 < 2^17.)
template <Integer X>
requires(sizeof(X) == 1) moments row_moments(const X* x, index_t n) {
  constexpr index_t steps = 8192;
  moments total{0, 0};
  const i16 one(int16_t{1});
  index_t i = 0;
  while (i + lanes16 <= n) {
    i32 sums(0);
    i32 squares(0);
    const index_t end = min(n - lanes16, i + (steps - 1) * lanes16);
    for (; i <= end; i += lanes16) {
      const i16 v = widen16(x + i);
      sums = sums + dot_pairs(v, one);
      squares = squares + dot_pairs(v, v);
    }
    int32_t parts[2 * lanes32];
    sums.store_unaligned(parts);
    squares.store_unaligned(parts + lanes32);
    for (index_t k = 0; k < lanes32; ++k) {
      total.sum += parts[k];
      total.squares += parts[lanes32 + k];
    }
  }
  for (; i < n; ++i) {
    total.sum += x[i];
    total.squares += int64_t{x[i]} * x[i];
  }
  return total;
}

/// 16 bits: doubles, emptied long before 2^53. (2^32 * 2^16 steps.)
template <Integer X>
requires(sizeof(X) == 2) moments row_moments(const X* x, index_t n) {
  constexpr index_t steps = 65536;
  moments total{0, 0};
  index_t i = 0;
  while (i + lanes64 <= n) {
    f64 sums(0.0);
    f64 squares(0.0);
    const index_t end = min(n - lanes64, i + (steps - 1) * lanes64);
    for (; i <= end; i += lanes64) {
      const f64 v = load_f64(x + i);
      sums = sums + v;
      squares = squares + v * v;
    }
    total.sum += static_cast<int64_t>(xsimd::hadd(sums));
    total.squares += static_cast<int64_t>(xsimd::hadd(squares));
  }
  for (; i < n; ++i) {
    total.sum += x[i];
    total.squares += int64_t{x[i]} * x[i];
  }
  return total;
}

/// v / 2^log2_d rounded down, for integers |v| < 2^50, and then as quantlib::detail::norm_output: limited to its
/// levels, or wrapped to the signed bytes that variant::deeploy stores.
template <quantlib::variant V>
struct norm_output {
  f64 scale;
  f64 low;
  f64 high;
  norm_output(int32_t log2_d, int32_t n_levels)
      : scale(scale_binary(1.0, -log2_d)), low(broadcast(-(n_levels / 2))), high(broadcast(n_levels / 2 - 1)) {}
  f64 operator()(f64 v) const {
    const f64 shifted = simd::floor(v * scale);
    if constexpr (V == quantlib::variant::deeploy) {
      return shifted - f64(256.0) * simd::floor((shifted + f64(128.0)) * f64(1.0 / 256.0));
    } else {
      return xsimd::min(xsimd::max(shifted, low), high);
    }
  }
};

/// tdiv(n, d) for |n| < 2^53, 0 < d < 2^32.
inline f64 divide_truncating(f64 n, f64 d) {
  const f64 q = n / d;
  const f64 magnitude = simd::floor(xsimd::abs(q));
  return xsimd::select(q < f64(0.0), -magnitude, magnitude);
}

}  // namespace simd

/// SUM (x - mean)^2 = SUM x^2 - 2 mean SUM x + n mean^2 in integers, as n <= 2^28 and |x| <= 2^16.
/// |(x - mean) * w| < 2^48 and the bias are exact.
template <quantlib::variant V, IntegerUpTo<16> X, simd::LaneInteger Y>
requires simd::LaneInteger<X>
struct vector_row<quantlib::ilayer_norm<V>, X, Y> {
  explicit vector_row(const quantlib::ilayer_norm<V>& params) : p(params) {}

  void operator()(const X* x, Y* y, index_t n) const {
    using simd::f64;
    const auto [sum, squares] = simd::row_moments(x, n);
    const int64_t mean = sum / n;
    const int64_t centered = squares - 2 * mean * sum + n * mean * mean;
    const int64_t deviation = isqrt(static_cast<uint64_t>(centered / n + 1));
    const f64 center = simd::broadcast(mean);
    const f64 divisor = simd::broadcast(deviation);
    const simd::norm_output<V> output(p.log2_d, p.n_levels);
    index_t i = 0;
    for (; i + simd::lanes64 <= n; i += simd::lanes64) {
      const f64 v = (simd::load_f64(x + i) - center) * simd::load_f64(p.w + i);
      simd::store_f64(y + i, output(simd::divide_truncating(v, divisor) + simd::load_f64(p.b + i)));
    }
    for (; i < n; ++i) {
      const int64_t v = (x[i] - mean) * p.w[i] / deviation + p.b[i];
      y[i] = quantlib::detail::norm_output<V, Y>(v, p.log2_d, p.n_levels);
    }
  }

 private:
  quantlib::ilayer_norm<V> p;
};

template <IntegerUpTo<16> X, simd::LaneInteger Y>
requires simd::LaneInteger<X>
struct vector_row<quantlib::irms_norm, X, Y> {
  explicit vector_row(const quantlib::irms_norm& params) : p(params) {}

  void operator()(const X* x, Y* y, index_t n) const {
    using simd::f64;
    const int64_t deviation = isqrt(static_cast<uint64_t>(simd::row_moments(x, n).squares / n + 1));
    const f64 divisor = simd::broadcast(deviation);
    const simd::norm_output<quantlib::variant::quantlib> output(p.log2_d, p.n_levels);
    index_t i = 0;
    for (; i + simd::lanes64 <= n; i += simd::lanes64) {
      const f64 v = simd::load_f64(x + i) * simd::load_f64(p.w + i);
      simd::store_f64(y + i, output(simd::divide_truncating(v, divisor)));
    }
    for (; i < n; ++i) {
      y[i] = quantlib::detail::norm_output<quantlib::variant::quantlib, Y>(int64_t{x[i]} * p.w[i] / deviation, p.log2_d,
                                                                           p.n_levels);
    }
  }

 private:
  quantlib::irms_norm p;
};

/// |x * w + b| <= 2^40; the product with mul is split as it is for RequantShift, unless it is short anyway.
template <IntegerUpTo<8> X, simd::LaneInteger Y>
struct vector_row<quantlib::inonorm<quantlib::variant::quantlib>, X, Y> {
  using params = quantlib::inonorm<quantlib::variant::quantlib>;
  explicit vector_row(const params& q)
      : p(q), shift(q.log2_d, false), output(q.log2_d, q.n_levels), mul(simd::broadcast(q.mul)) {}

  void operator()(const X* x, Y* y, index_t n) const {
    if (!simd::has_floor) return p(x, y, n);
    const int64_t factor = p.mul < 0 ? -int64_t{p.mul} : p.mul;
    const bool is_short = (255 * simd::peak(p.w, n) + simd::peak(p.b, n)) * factor < int64_t{1} << 50;
    const index_t done = is_short
                             ? lanes(x, y, n, [this](simd::f64 v) { return output(v * mul); })
                             : lanes(x, y, n, [this](simd::f64 v) {
                                 return xsimd::min(xsimd::max(shift(v, mul, simd::f64(0.0)), output.low), output.high);
                               });
    for (index_t i = done; i < n; ++i) {
      const int64_t product = (int64_t{x[i]} * p.w[i] + p.b[i]) * p.mul;
      y[i] = quantlib::detail::norm_output<quantlib::variant::quantlib, Y>(product, p.log2_d, p.n_levels);
    }
  }

 private:
  template <class F>
  index_t lanes(const X* x, Y* y, index_t n, F f) const {
    const int32_t* const w = p.w;
    const int32_t* const b = p.b;
    index_t i = 0;
    for (; i + simd::lanes64 <= n; i += simd::lanes64) {
      simd::store_f64(y + i, f(simd::load_f64(x + i) * simd::load_f64(w + i) + simd::load_f64(b + i)));
    }
    return i;
  }

  params p;
  simd::multiply_add_shift shift;
  simd::norm_output<quantlib::variant::quantlib> output;
  simd::f64 mul;
};

/// Everything modulo 2^32, as Deeploy's kernel.
template <IntegerUpTo<8> X>
struct vector_row<quantlib::inonorm<quantlib::variant::deeploy>, X, int8_t> {
  using params = quantlib::inonorm<quantlib::variant::deeploy>;
  explicit vector_row(const params& q) : p(q) {}

  void operator()(const X* x, int8_t* y, index_t n) const {
    using simd::i32;
    const int32_t* const w = p.w;
    const int32_t* const b = p.b;
    const i32 mul(p.mul);
    const int shift = min(p.log2_d, 31);
    index_t i = 0;
    for (; i + simd::lanes32 <= n; i += simd::lanes32) {
      const i32 v =
          simd::multiply(simd::multiply(simd::load_i32(x + i), simd::load_i32(w + i)) + simd::load_i32(b + i), mul);
      simd::store_low(y + i, v >> shift);
    }
    for (; i < n; ++i) {
      const int64_t product = (int64_t{x[i]} * w[i] + b[i]) * p.mul;
      y[i] = quantlib::detail::norm_output<quantlib::variant::deeploy, int8_t>(wrap32(product), p.log2_d, p.n_levels);
    }
  }

 private:
  params p;
};

}  // namespace tessera
