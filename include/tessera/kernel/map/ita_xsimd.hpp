// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Policies of the `ita` dialect on the host's vector units. See map/xsimd.hpp. They are so short that they are
/// computed by definition where rounding takes several instructions.

#include "tessera/arith/ita.hpp"
#include "tessera/kernel/map/xsimd.hpp"

namespace tessera {

/// RHU(p / 2^s) = floor(p / 2^s + 1/2) for p = x * mult. The scaling is exact. The sum is too while |p| < 2^52: it is a
/// multiple of 2^-s below 2^(53-s) for s <= 53, and for larger s strictly between 0 and 1 however it is rounded.
template <>
struct vector_policy<ita::requant> {
  simd::f64 mult;
  simd::f64 scale;
  simd::f64 add;
  explicit vector_policy(const ita::requant& p)
      : mult(static_cast<double>(p.mult)), scale(scale_binary(1.0, -p.shift)), add(static_cast<double>(p.add)) {}
  bool prepare(index_t, index_t) const { return simd::has_floor; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64& exact) const {
    const simd::f64 product = x * mult;
    exact = exact && simd::below(product, simd::exact_integer / 2);
    const simd::f64 y = simd::floor(product * scale + simd::f64(0.5)) + add;
    return xsimd::min(xsimd::max(y, simd::f64(-128.0)), simd::f64(127.0));
  }
};

template <>
struct vector_policy<ita::identity> {
  explicit vector_policy(const ita::identity&) {}
  bool prepare(index_t, index_t) const { return simd::has_floor; }
  simd::f64 operator()(simd::f64 x, index_t, simd::mask64&) const {
    return xsimd::min(xsimd::max(x, simd::f64(-128.0)), simd::f64(127.0));
  }
};

template <>
struct vector_policy<ita::relu> {
  vector_policy<ita::requant> second;
  explicit vector_policy(const ita::relu& p) : second(p.second) {}
  bool prepare(index_t, index_t) const { return simd::has_floor; }
  simd::f64 operator()(simd::f64 x, index_t c, simd::mask64& exact) const {
    return second(xsimd::max(x, simd::f64(0.0)), c, exact);
  }
};

/// Intermediate values are below 2^38, see i_gelu.
template <>
struct vector_policy<ita::gelu> {
  simd::f64 b;
  simd::f64 c;
  vector_policy<ita::requant> second;
  explicit vector_policy(const ita::gelu& p)
      : b(static_cast<double>(p.b)), c(static_cast<double>(p.c)), second(p.second) {}
  bool prepare(index_t, index_t) const { return simd::has_floor; }
  simd::f64 operator()(simd::f64 wide, index_t column, simd::mask64& exact) const {
    const simd::f64 x = xsimd::min(xsimd::max(wide, simd::f64(-128.0)), simd::f64(127.0));
    const simd::f64 t = xsimd::min(xsimd::abs(x) + b, simd::f64(0.0));
    const simd::f64 l = t * t + c;
    return second(x * (simd::with_sign_of(x, l) + c), column, exact);
  }
};

}  // namespace tessera
