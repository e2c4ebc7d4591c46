// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Dialect `quantlib`, softmax: iSoftmax (a second-order polynomial) and the ITAMax pair (base two). Outputs are
/// logical and unsigned; Deeploy stores them as value - n_levels / 2. Every one of them is unchanged if a constant is
/// added to the row, so that signed and offset inputs need no distinction.

#include "tessera/arith/base2_softmax.hpp"
#include "tessera/arith/quantlib.hpp"

namespace tessera::quantlib {

/// iSoftmax. x: int8 or uint8; y: 0 .. n_levels - 1.
///     xt = x - max;  z = min(floor(-xt / log2), 31);  p = xt + z * log2;  e = (A * (p + B)^2 + C) >> z
///     y = floor( e * (n_levels - 1) / SUM e )
/// Where log2 < 8 a quotient over 31 is possible: Deeploy limits it to 31 and that is the definition here.
/// Widths: `check` keeps e under 2^40, so that SUM e < 2^62 and e * (n_levels - 1) < 2^48.
struct isoftmax {
  int32_t a = 1;
  int32_t b = 0;
  int32_t c = 0;
  int32_t log2 = 1;
  int32_t n_levels = 256;

  static constexpr index_t max_length = index_t{1} << 22;

  /// a, c >= 0 and A * B^2 + C >= 1 (so that the maximum contributes and the sum is not 0), log2 >= 1.
  constexpr status check(index_t n) const {
    if (n < 1 || n > max_length) return status::shape_mismatch;
    if (n_levels < 2 || n_levels > 256) return status::bad_parameter;
    if (a < 0 || c < 0 || log2 < 1 || b < -(1 << 18) || b > 1 << 18) return status::bad_parameter;
    const int64_t reach = (b < 0 ? -b : b) + 255;  // |p + B|, as -255 <= p <= 0
    if (a > ((int64_t{1} << 39) - 1) / (reach * reach)) return status::bad_parameter;
    return int64_t{a} * b * b + c >= 1 ? status::ok : status::bad_parameter;
  }

  /// e for d = max - x >= 0.
  constexpr int64_t exponential(int64_t d) const {
    const int64_t z = min<int64_t>(d / log2, 31);
    const int64_t p = z * log2 - d + b;
    return (a * (p * p) + c) >> z;
  }

  template <Integer Y>
  constexpr bool output_fits() const {
    return holds<Y>(0, n_levels - 1);
  }

  template <IntegerUpTo<8> X, Integer Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    int32_t m = x[0];
    for (index_t j = 1; j < n; ++j) m = max<int32_t>(m, x[j]);
    int64_t sum = 0;
    for (index_t j = 0; j < n; ++j) sum += exponential(m - x[j]);
    for (index_t j = 0; j < n; ++j) y[j] = static_cast<Y>(exponential(m - x[j]) * (n_levels - 1) / sum);
  }

  friend constexpr bool operator==(const isoftmax&, const isoftmax&) = default;
};

/// The coefficients for inputs of scale eps > 0: A = 1, B = RNE(1.353 / eps), C = RNE(0.344 / (0.3585 eps^2)) and
/// log2 = RNE(1 / eps). (log2 is not ln 2 / eps: quantlib takes the logarithm of two to base two.)
/// quantlib computes them in single precision; a quotient within 2^-24 of a tie may round differently there.
constexpr isoftmax isoftmax_for_scale(double eps, int32_t n_levels = 256) {
  TESSERA_ASSERT(eps > 0 && is_finite(eps));
  const auto r = [](double v) { return saturate_real<int32_t>(round_half_even(v)); };
  return {1, r(1.353 / eps), r(0.344 / (eps * eps * 0.3585)), r(1.0 / eps), n_levels};
}

/// ITAMax: y = floor((n_levels - 1) * 256 / SUM (256 >> s)) >> s with s = RHU((max - x) / 32), 0 .. n_levels - 1.
/// Deeploy and quantlib agree for n_levels = 256; others follow Deeploy.
struct itamax {
  int32_t n_levels = 256;

  constexpr base2_softmax rule() const { return {256, (n_levels - 1) * 256, 5, 0}; }
  constexpr status check(index_t n) const {
    if (n < 1 || n > base2_softmax::max_length) return status::shape_mismatch;
    return n_levels < 2 || n_levels > 256 ? status::bad_parameter : rule().check(n);
  }
  template <Integer Y>
  constexpr bool output_fits() const {
    return rule().template output_fits<Y>();
  }
  template <IntegerUpTo<8> X, Integer Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    rule()(x, y, n);
  }
};

/// ITAPartialMax: the same, streamed in groups (see `base2_softmax`). Numerator by implementation:
///     deeploy:  (n_levels / 2 - 1) * 256, so 0 .. n_levels / 2 - 1 -- the exported ITA networks need this one
///     quantlib: (n_levels - 1) * 256, so 0 .. n_levels - 1; its other constants are these for n_levels = 256 only
template <variant V = variant::deeploy>
struct itapartialmax {
  int32_t n_levels = 256;
  int32_t group_width = 16;

  constexpr base2_softmax rule() const {
    const int32_t top = V == variant::deeploy ? n_levels / 2 - 1 : n_levels - 1;
    return {256, top * 256, 5, group_width};
  }
  constexpr status check(index_t n) const {
    if (n < 1 || n > base2_softmax::max_length) return status::shape_mismatch;
    if (n_levels < 2 || n_levels > 256 || group_width < 1) return status::bad_parameter;
    if (V == variant::quantlib && n_levels != 256) return status::bad_parameter;
    return rule().check(n);
  }
  template <Integer Y>
  constexpr bool output_fits() const {
    return rule().template output_fits<Y>();
  }
  template <IntegerUpTo<8> X, Integer Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    rule()(x, y, n);
  }
};

}  // namespace tessera::quantlib
