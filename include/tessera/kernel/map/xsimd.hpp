// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Element-wise map on the host's vector units: the seam, the kernels, and the policies of `ibert`. The other dialects'
/// policies are in ita_xsimd.hpp and quantlib_xsimd.hpp next to this file.
///
/// Bytes under a uniform policy go through a table of 256; everything else is computed in double precision, where
/// integers below 2^53 are exact. Elements whose intermediate values could pass that are computed by definition.

#include "tessera/arith/ibert.hpp"
#include "tessera/kernel/map/reference.hpp"
#include "tessera/target/host.hpp"
#include "tessera/target/reference.hpp"

namespace tessera {

/// The vector form of a policy's row `p`. Specialise it next to a new policy's kernels; without it a policy has no
/// vector kernel. `vector_policy<Row> f(p)` is built once per row, then
///     f.prepare(first, n)  says whether the policy's values for those columns can travel as doubles;
///     f(x, c, exact)       maps lanes64 integers x, exact and below 2^53, of columns c, c + 1, ...; it clears the
///                          lanes of `exact` whose result might not be.
template <class Row>
struct vector_policy;

template <class Row>
concept VectorRow = requires {
  sizeof(vector_policy<Row>);
};

template <class P>
concept VectorRequant = Requant<P> && VectorRow<row_of<P>>;

namespace simd {

inline f64 broadcast(int64_t v) { return f64(static_cast<double>(v)); }

/// The lanes in which |v| < most.
inline mask64 below(f64 v, int64_t most) { return xsimd::abs(v) < broadcast(most); }

/// A clamp of exact lanes.
struct interval {
  f64 low;
  f64 high;
  bool exact;  ///< limits that doubles round are beyond all exact lanes, except for these
  interval(int64_t l, int64_t h)
      : low(broadcast(l)), high(broadcast(h)), exact(l <= exact_integer && h >= -exact_integer) {}
  f64 operator()(f64 v) const { return xsimd::min(xsimd::max(v, low), high); }
};

}  // namespace simd

template <>
struct vector_policy<saturating> {
  simd::interval limits;
  explicit vector_policy(const saturating& p) : limits(p.low, p.high) {}
  bool prepare(index_t, index_t) const { return limits.exact; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64&) const { return limits(x); }
};

namespace simd {

/// Beyond this exponent every product is 0 or saturates, whatever it is exactly.
inline constexpr int32_t most_exponent = 900;

/// clamp( RNE( x * ratio ), low, high ). Rounding is exact below 2^51, which is watched where the limits are not.
struct dyadic_limits {
  interval limits;
  bool wide;
  dyadic_limits(int64_t low, int64_t high)
      : limits(low, high), wide(low < -exact_int64_lane || high > exact_int64_lane) {}
  f64 operator()(f64 x, f64 ratio, mask64& exact) const {
    const f64 y = multiply_round_even(x, ratio);
    if (wide) exact = exact && below(y, exact_int64_lane);
    return limits(y);
  }
};

}  // namespace simd

/// The multiplier m / 2^e is a double without rounding; multiply_round_even rounds the exact product.
template <>
struct vector_policy<ibert::dyadic> {
  simd::dyadic_limits limits;
  simd::f64 ratio;
  explicit vector_policy(const ibert::dyadic& p)
      : limits(p.low, p.high),
        ratio(scale_binary(static_cast<double>(p.scale.m),
                           -clamp(p.scale.e, -simd::most_exponent, simd::most_exponent))) {}
  bool prepare(index_t, index_t) const { return limits.limits.exact; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64& exact) const { return limits(x, ratio, exact); }
};

template <>
struct vector_policy<ibert::dyadic_channels> {
  simd::dyadic_limits limits;
  const int64_t* m;
  const int32_t* e;
  explicit vector_policy(const ibert::dyadic_channels& p) : limits(p.low, p.high), m(p.m), e(p.e) {}
  bool prepare(index_t, index_t) const { return limits.limits.exact; }
  simd::f64 operator()(simd::f64 x, index_t c, simd::mask64& exact) const {
    const simd::f64 most(static_cast<double>(simd::most_exponent));
    const simd::f64 exponent = xsimd::min(xsimd::max(-simd::load_f64(e + c), -most), most);
    return limits(x, simd::load_f64(m + c) * simd::power_of_two(exponent), exact);
  }
};

template <>
struct vector_policy<ibert::rescale> {
  simd::f64 numerator;
  simd::f64 denominator;
  explicit vector_policy(const ibert::rescale& p) : numerator(p.numerator), denominator(p.denominator) {}
  bool prepare(index_t, index_t) const { return true; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64& exact) const {
    const simd::f64 quotient = x * numerator / denominator;
    exact = exact && simd::below(quotient, simd::exact_int64_lane);  // round_even is exact below 2^51 only
    return simd::round_even(quotient);
  }
};

namespace simd {

/// v, its sign reversed in the lanes of negative x; either sign for x = 0.
inline f64 with_sign_of(f64 x, f64 v) { return v ^ (x & f64(-0.0)); }

/// Largest magnitude of the b of GELU's lanes.
inline constexpr int64_t gelu_b = int64_t{1} << 26;

/// x * (erf + shift) for |b| <= 2^26 and |c| <= 2^50, so that the square and the polynomial are below 2^53; exact while
/// the result is, too.
inline f64 gelu(f64 x, f64 b, f64 c, f64 shift, mask64& exact) {
  const f64 t = xsimd::min(xsimd::abs(x) + b, f64(0.0));
  const f64 polynomial = t * t + c;
  const f64 y = x * (floor(with_sign_of(x, polynomial) * f64(1.0 / 16384.0)) + shift);
  exact = exact && below(y, exact_integer);
  return y;
}

}  // namespace simd

template <>
struct vector_policy<ibert::gelu> {
  simd::f64 b;
  simd::f64 c;
  simd::f64 shift;
  bool exact_constants;
  explicit vector_policy(const ibert::gelu& p)
      : b(simd::broadcast(p.constants.b)),
        c(simd::broadcast(p.constants.c)),
        shift(simd::broadcast(p.constants.shift)) {
    const int64_t constants[] = {p.constants.b, p.constants.c, p.constants.shift};
    exact_constants = simd::lanes_hold(constants, 3) && simd::lanes_hold<simd::gelu_b>(constants, 1);
  }
  bool prepare(index_t, index_t) const { return exact_constants; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64& exact) const { return simd::gelu(x, b, c, shift, exact); }
};

template <>
struct vector_policy<ibert::gelu_channels> {
  ibert::gelu_channels p;
  explicit vector_policy(const ibert::gelu_channels& policy) : p(policy) {}
  bool prepare(index_t first, index_t n) const {
    for (index_t i = 0; i < n; ++i) {
      if (p.b[first + i] > 0) return false;  // the lanes take min(|x|, -b) + b as min(|x| + b, 0)
    }
    return simd::lanes_hold<simd::gelu_b>(p.b + first, n) && simd::lanes_hold(p.c + first, n) &&
           simd::lanes_hold(p.shift + first, n);
  }
  simd::f64 operator()(simd::f64 x, index_t i, simd::mask64& exact) const {
    return simd::gelu(x, simd::load_f64(p.b + i), simd::load_f64(p.c + i), simd::load_f64(p.shift + i), exact);
  }
};

template <VectorRow First, VectorRow Second>
struct vector_policy<then_row<First, Second>> {
  vector_policy<First> first;
  vector_policy<Second> second;
  explicit vector_policy(const then_row<First, Second>& p) : first(p.first), second(p.second) {}
  bool prepare(index_t c, index_t n) { return first.prepare(c, n) && second.prepare(c, n); }
  simd::f64 operator()(simd::f64 x, index_t c, simd::mask64& exact) const {
    return second(first(x, c, exact), c, exact);
  }
};

template <VectorRow First, VectorRow Second, VectorRow Out, simd::LaneInteger R>
requires(sizeof(R) < 8) struct vector_policy<add_residual_row<First, Second, Out, R>> {
  vector_policy<First> first;
  vector_policy<Second> second;
  vector_policy<Out> out;
  const R* residual;
  explicit vector_policy(const add_residual_row<First, Second, Out, R>& p)
      : first(p.first), second(p.second), out(p.out), residual(p.residual) {}
  bool prepare(index_t c, index_t n) { return first.prepare(c, n) && second.prepare(c, n) && out.prepare(c, n); }
  simd::f64 operator()(simd::f64 x, index_t c, simd::mask64& exact) const {
    const simd::f64 sum = first(x, c, exact) + second(simd::load_f64(residual + c), c, exact);
    exact = exact && simd::below(sum, simd::exact_integer);
    return out(sum, c, exact);
  }
};

namespace simd {

/// Columns first, first + 1, ..., first + n - 1 of one row, of which x and y hold just these; y may be x. From the
/// first element that could be inexact on, they are computed by definition.
template <class Row, Integer X, Integer Y>
void map_row(const Row& row, const X* x, Y* y, index_t first, index_t n) {
  index_t c = 0;
  if constexpr (LaneInteger<X> && LaneInteger<Y>) {
    vector_policy<Row> f(row);
    if (lanes_hold(x, n) && f.prepare(first, n)) {
      for (; c + lanes64 <= n; c += lanes64) {
        mask64 exact(true);
        const f64 v = f(load_f64(x + c), first + c, exact);
        if constexpr (sizeof(Y) == 8) exact = exact && below(v, exact_int64_lane);
        if (!xsimd::all(exact)) break;
        store_f64(y + c, v);
      }
    }
  }
  for (; c < n; ++c) y[c] = static_cast<Y>(row(static_cast<int64_t>(x[c]), first + c));
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

/// Wide inputs that the first of two policies brings to bytes, and a uniform second one: lanes, then look-ups.
template <class First, class Second, class X, class Y, VectorTarget T>
requires(sizeof(X) > 1) &&
    UniformRequant<Second>&& VectorRequant<then<First, Second>> struct kernel<map_op<then<First, Second>, X, Y>, T> {
  static constexpr int tier = 1;
  template <class Xv, class Yv>
  static void run(Xv x, const then<First, Second>& policy, Yv y) {
    constexpr index_t block = 512;
    const bool bytes = policy.first.output_min() >= -128 && policy.first.output_max() <= 127;
    if (!bytes || x.size() < 1024) {
      for (index_t r = 0; r < x.extent(0); ++r) simd::map_row(policy.row(r), x.row(r), y.row(r), 0, x.extent(1));
      return;
    }
    Y table[256];
    const auto& second = policy.second.row(0);
    for (int i = 0; i < 256; ++i) table[i] = static_cast<Y>(second(i - 128, 0));
    for (index_t r = 0; r < x.extent(0); ++r) {
      const auto& first = policy.first.row(r);
      for (index_t c = 0; c < x.extent(1); c += block) {
        const index_t n = min(block, x.extent(1) - c);
        int8_t between[block];
        simd::map_row(first, x.row(r) + c, between, c, n);
        Y* const out = y.row(r) + c;
        for (index_t i = 0; i < n; ++i) out[i] = table[between[i] + 128];
      }
    }
  }
};

/// Bytes under a uniform policy: 256 evaluations, then look-ups; small tensors as above.
template <class Policy, class X, class Y, VectorTarget T>
requires ByteTable<Policy, X>
struct kernel<map_op<Policy, X, Y>, T> {
  static constexpr int tier = 1;
  template <class Xv, class Yv>
  static void run(Xv x, const Policy& policy, Yv y) {
    const auto& f = policy.row(0);
    const index_t n = x.extent(1);
    if (x.size() < (VectorRequant<Policy> ? 1024 : 512)) {
      for (index_t r = 0; r < x.extent(0); ++r) each(f, x.row(r), y.row(r), n);
      return;
    }
    X values[256];
    Y table[256];
    for (int i = 0; i < 256; ++i) values[i] = static_cast<X>(static_cast<uint8_t>(i));
    each(f, values, table, 256);
    for (index_t r = 0; r < x.extent(0); ++r) {
      const X* const in = x.row(r);
      Y* const out = y.row(r);
      for (index_t c = 0; c < n; ++c) out[c] = table[static_cast<uint8_t>(in[c])];
    }
  }

 private:
  template <class Row>
  static void each(const Row& f, const X* x, Y* y, index_t n) {
    if constexpr (VectorRequant<Policy>) {
      simd::map_row(f, x, y, 0, n);
    } else {
      for (index_t c = 0; c < n; ++c) y[c] = static_cast<Y>(f(static_cast<int64_t>(x[c]), 0));
    }
  }
};

}  // namespace tessera
