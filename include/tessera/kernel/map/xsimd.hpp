// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Element-wise map on the host's vector units. Bytes under a uniform policy go through a table of 256; everything else
/// is computed in double precision, where integers below 2^53 are exact. A row whose intermediate values could pass
/// that is computed by definition instead.

#include "tessera/arith/ibert.hpp"
#include "tessera/kernel/map/reference.hpp"
#include "tessera/target/host.hpp"
#include "tessera/target/reference.hpp"

namespace tessera {

/// The vector form of a policy's row: `apply(row, x, c, peak)` maps lanes64 integers x of columns c... and raises peak
/// to the largest magnitude of an unbounded intermediate value. `apply` is exact while peak stays below 2^53.
/// Specialise it next to a new policy's kernels; without it a policy has no vector kernel.
template <class Row>
struct vector_policy;

template <class P>
concept VectorRequant = Requant<P> && requires {
  sizeof(vector_policy<row_of<P>>);
};

namespace simd {
inline f64 broadcast(int64_t v) { return f64(static_cast<double>(v)); }
inline f64 clamped(f64 v, int64_t low, int64_t high) {
  return xsimd::min(xsimd::max(v, broadcast(low)), broadcast(high));
}
}  // namespace simd

template <>
struct vector_policy<saturating> {
  static simd::f64 apply(const saturating& p, simd::f64 x, index_t, simd::f64&) {
    return simd::clamped(x, p.low, p.high);
  }
};

namespace simd {
/// Beyond this exponent every product is 0 or saturates, whatever it is exactly.
inline constexpr int32_t most_exponent = 900;

/// clamp( RNE( x * ratio ), low, high ). Rounding is exact below 2^51, which `peak` watches where the limits do not.
inline f64 dyadic(f64 x, f64 ratio, int64_t low, int64_t high, f64& peak) {
  const f64 y = multiply_round_even(x, ratio);
  if (low < -exact_int64_lane || high > exact_int64_lane) peak = xsimd::max(peak, xsimd::abs(y) * f64(8.0));
  return clamped(y, low, high);
}
}  // namespace simd

/// The multiplier m / 2^e is a double without rounding; multiply_round_even rounds the exact product.
template <>
struct vector_policy<ibert::dyadic> {
  static simd::f64 apply(const ibert::dyadic& p, simd::f64 x, index_t, simd::f64& peak) {
    const int32_t e = clamp(p.scale.e, -simd::most_exponent, simd::most_exponent);
    const simd::f64 ratio(scale_binary(static_cast<double>(p.scale.m), -e));
    return simd::dyadic(x, ratio, p.low, p.high, peak);
  }
};

template <>
struct vector_policy<ibert::dyadic_channels> {
  static simd::f64 apply(const ibert::dyadic_channels& p, simd::f64 x, index_t c, simd::f64& peak) {
    const simd::f64 e = simd::clamped(simd::load_f64(p.e + c), -simd::most_exponent, simd::most_exponent);
    return simd::dyadic(x, simd::load_f64(p.m + c) * simd::power_of_two(-e), p.low, p.high, peak);
  }
};

template <>
struct vector_policy<ibert::rescale> {
  static simd::f64 apply(const ibert::rescale& p, simd::f64 x, index_t, simd::f64& peak) {
    const simd::f64 quotient = x * simd::f64(p.numerator) / simd::f64(p.denominator);
    peak = xsimd::max(peak, xsimd::abs(quotient) * simd::f64(8.0));  // round_even is exact below 2^51 only
    return simd::round_even(quotient);
  }
};

namespace simd {
inline f64 gelu(f64 x, f64 b, f64 c, f64 shift, f64& peak) {
  const f64 t = xsimd::min(xsimd::abs(x), -b) + b;
  const f64 polynomial = t * t + c;
  const f64 mirrored = xsimd::select(x < f64(0.0), -polynomial, xsimd::select(x > f64(0.0), polynomial, f64(0.0)));
  const f64 y = x * (floor(mirrored * f64(1.0 / 16384.0)) + shift);
  peak = xsimd::max(peak, xsimd::max(t * t, xsimd::max(xsimd::abs(polynomial), xsimd::abs(y))));
  return y;
}
}  // namespace simd

template <>
struct vector_policy<ibert::gelu> {
  static simd::f64 apply(const ibert::gelu& p, simd::f64 x, index_t, simd::f64& peak) {
    const auto& k = p.constants;
    return simd::gelu(x, simd::broadcast(k.b), simd::broadcast(k.c), simd::broadcast(k.shift), peak);
  }
};

template <>
struct vector_policy<ibert::gelu_channels> {
  static simd::f64 apply(const ibert::gelu_channels& p, simd::f64 x, index_t i, simd::f64& peak) {
    return simd::gelu(x, simd::load_f64(p.b + i), simd::load_f64(p.c + i), simd::load_f64(p.shift + i), peak);
  }
};

template <class First, class Second>
requires requires { sizeof(vector_policy<First>) + sizeof(vector_policy<Second>); }
struct vector_policy<then_row<First, Second>> {
  static simd::f64 apply(const then_row<First, Second>& p, simd::f64 x, index_t c, simd::f64& peak) {
    return vector_policy<Second>::apply(p.second, vector_policy<First>::apply(p.first, x, c, peak), c, peak);
  }
};

template <class First, class Second, class Out, class R>
requires(sizeof(R) < 8) && simd::LaneInteger<R>&& requires {
  sizeof(vector_policy<First>) + sizeof(vector_policy<Second>) + sizeof(vector_policy<Out>);
}
struct vector_policy<add_residual_row<First, Second, Out, R>> {
  static simd::f64 apply(const add_residual_row<First, Second, Out, R>& p, simd::f64 x, index_t c, simd::f64& peak) {
    const simd::f64 a = vector_policy<First>::apply(p.first, x, c, peak);
    const simd::f64 b = vector_policy<Second>::apply(p.second, simd::load_f64(p.residual + c), c, peak);
    return vector_policy<Out>::apply(p.out, a + b, c, peak);
  }
};

namespace simd {

/// Columns first, first + 1, ..., first + n - 1 of one row, of which x and y hold just these; y may be x. From the
/// first element that could be inexact on, they are computed by definition.
template <class Row, Integer X, Integer Y>
void map_row(const Row& f, const X* x, Y* y, index_t first, index_t n) {
  const f64 most = broadcast(sizeof(Y) == 8 ? exact_int64_lane : exact_integer);
  index_t c = 0;
  if (lanes_hold(x, n)) {
    for (; c + lanes64 <= n; c += lanes64) {
      f64 peak(0.0);
      const f64 v = vector_policy<Row>::apply(f, load_f64(x + c), first + c, peak);
      if constexpr (sizeof(Y) == 8) peak = xsimd::max(peak, xsimd::abs(v));
      if (!xsimd::all(peak < most)) break;
      store_f64(y + c, v);
    }
  }
  for (; c < n; ++c) y[c] = static_cast<Y>(f(static_cast<int64_t>(x[c]), first + c));
}

}  // namespace simd

/// All values of the input fit a table.
template <class Policy, class X>
concept ByteTable = UniformRequant<Policy> && sizeof(X) == 1;

/// Wide inputs, or policies with channels: vector lanes.
template <class Policy, class X, class Y, VectorTarget T>
requires VectorRequant<Policy> &&(!ByteTable<Policy, X>)struct kernel<map_op<Policy, X, Y>, T> {
  static constexpr int tier = 1;
  template <class Xv, class Yv>
  static void run(Xv x, const Policy& policy, Yv y) {
    for (index_t r = 0; r < x.extent(0); ++r) simd::map_row(policy.row(r), x.row(r), y.row(r), 0, x.extent(1));
  }
};

/// Bytes under a uniform policy: 256 evaluations, then look-ups.
template <class Policy, class X, class Y, VectorTarget T>
requires ByteTable<Policy, X>
struct kernel<map_op<Policy, X, Y>, T> {
  static constexpr int tier = 1;
  template <class Xv, class Yv>
  static void run(Xv x, const Policy& policy, Yv y) {
    if (x.size() < 256) return kernel<map_op<Policy, X, Y>, target::reference>::run(x, policy, y);
    Y table[256];
    const auto& f = policy.row(0);
    for (int i = 0; i < 256; ++i) {
      table[i] = static_cast<Y>(f(static_cast<int64_t>(static_cast<X>(static_cast<uint8_t>(i))), 0));
    }
    const index_t n = x.extent(1);
    for (index_t r = 0; r < x.extent(0); ++r) {
      const X* const in = x.row(r);
      Y* const out = y.row(r);
      for (index_t c = 0; c < n; ++c) out[c] = table[static_cast<uint8_t>(in[c])];
    }
  }
};

}  // namespace tessera
