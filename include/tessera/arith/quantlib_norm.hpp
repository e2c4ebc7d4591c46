// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Dialect `quantlib`, normalisation of rows: iLayerNorm, iRMSNorm, iNoNorm. tdiv = C's truncating division.

#include "tessera/arith/quantlib.hpp"
#include "tessera/core/row_map.hpp"

namespace tessera::quantlib {

namespace detail {
/// The sum of 2^28 squares of 17-bit differences stays within 2^62. Shift and levels as for RequantShift, signed.
constexpr status check_norm(const void* w, const void* b, int32_t log2_d, int32_t n_levels, index_t n) {
  if (n < 1 || n > index_t{1} << 28) return status::shape_mismatch;
  if (w == nullptr || b == nullptr) return status::null_pointer;
  return requant_shift{1, 0, log2_d, n_levels}.check();
}

/// v >> log2_d as an output: limited to [-n_levels/2, n_levels/2 - 1], or wrapped to the width of Y.
template <variant V, Integer Y>
constexpr Y norm_output(int64_t v, int32_t log2_d, int32_t n_levels) {
  const int64_t shifted = shift_floor(v, log2_d);
  if constexpr (V == variant::deeploy) {
    return static_cast<Y>(shifted);
  } else {
    return static_cast<Y>(clamp<int64_t>(shifted, -(n_levels / 2), n_levels / 2 - 1));
  }
}

/// Wrapping is defined for Deeploy's int8 outputs only.
template <variant V, Integer Y>
constexpr bool norm_fits(int32_t n_levels) {
  return V == variant::deeploy ? same_as<Y, int8_t> : holds<Y>(-(n_levels / 2), n_levels / 2 - 1);
}
}  // namespace detail

/// iLayerNorm. x: (n) int8 or uint8 (16 bits at most), w, b: (n) int32 -> y: (n).
///     mean = tdiv(SUM x, n);  d = x - mean;  std = isqrt(floor(SUM d^2 / n) + 1)
///     y = (tdiv(d * w, std) + b) >> log2_d
/// quantlib limits y to its levels; Deeploy's C kernel wraps it to int8. std >= 1: a row of equal values gives b >>
/// log2_d. The mean is truncated towards 0, so a constant added to x can change y. Widths: |d| < 2^17 (2^16 for each of
/// x and mean), |d * w| < 2^48.
template <variant V = variant::quantlib>
struct ilayer_norm {
  const int32_t* w = nullptr;
  const int32_t* b = nullptr;
  int32_t log2_d = 0;
  int32_t n_levels = 256;

  constexpr status check(index_t n) const { return detail::check_norm(w, b, log2_d, n_levels, n); }
  template <Integer Y>
  constexpr bool output_fits() const {
    return detail::norm_fits<V, Y>(n_levels);
  }

  struct row_statistics {
    int64_t mean;
    int64_t deviation;
  };
  template <IntegerUpTo<16> X>
  constexpr row_statistics statistics(const X* x, index_t n) const {
    const int64_t mean = reduce_sum(x, n) / n;
    int64_t squares = 0;
    for (index_t j = 0; j < n; ++j) squares += (x[j] - mean) * (x[j] - mean);
    return {mean, int64_t{isqrt(static_cast<uint64_t>(squares / n + 1))}};
  }

  template <IntegerUpTo<16> X, Integer Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    const row_statistics s = statistics(x, n);
    for (index_t j = 0; j < n; ++j) {
      y[j] = detail::norm_output<V, Y>((x[j] - s.mean) * w[j] / s.deviation + b[j], log2_d, n_levels);
    }
  }
};

/// iRMSNorm. x: (n) of 16 bits at most, w: (n) int32 -> y: (n), limited to its levels.
///     std = isqrt(floor(SUM x^2 / n) + 1);  y = tdiv(x * w, std) >> log2_d
struct irms_norm {
  const int32_t* w = nullptr;
  int32_t log2_d = 0;
  int32_t n_levels = 256;

  constexpr status check(index_t n) const { return detail::check_norm(w, w, log2_d, n_levels, n); }
  template <Integer Y>
  constexpr bool output_fits() const {
    return detail::norm_fits<variant::quantlib, Y>(n_levels);
  }

  /// std of a row, at least 1.
  template <IntegerUpTo<16> X>
  constexpr int64_t deviation(const X* x, index_t n) const {
    int64_t squares = 0;
    for (index_t j = 0; j < n; ++j) squares += int64_t{x[j]} * x[j];
    return isqrt(static_cast<uint64_t>(squares / n + 1));
  }

  template <IntegerUpTo<16> X, Integer Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    const int64_t s = deviation(x, n);
    for (index_t j = 0; j < n; ++j) {
      y[j] = detail::norm_output<variant::quantlib, Y>(int64_t{x[j]} * w[j] / s, log2_d, n_levels);
    }
  }
};

/// iNoNorm: y = ((x * w + b) * mul) >> log2_d, rounded down. No statistics: the "row" is everything that w and b cover
/// (in the ONNX operator w has the shape of x without the batch).
/// quantlib's meaning limits y to its levels; Deeploy's C kernel keeps the product in int32 and wraps y to int8.
/// x: int8 or uint8. Widths: |x * w + b| <= 2^39, and `check` keeps |mul| <= 2^23, so the product stays within 2^62.
template <variant V = variant::quantlib>
struct inonorm {
  const int32_t* w = nullptr;
  const int32_t* b = nullptr;
  int32_t mul = 1;
  int32_t log2_d = 0;
  int32_t n_levels = 256;

  constexpr status check(index_t n) const {
    const status s = detail::check_norm(w, b, log2_d, n_levels, n);
    return s == status::ok && (mul < -(1 << 23) || mul > 1 << 23) ? status::bad_parameter : s;
  }
  template <Integer Y>
  constexpr bool output_fits() const {
    return detail::norm_fits<V, Y>(n_levels);
  }

  template <IntegerUpTo<8> X, Integer Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    for (index_t j = 0; j < n; ++j) {
      const int64_t product = (int64_t{x[j]} * w[j] + b[j]) * mul;
      y[j] = detail::norm_output<V, Y>(V == variant::deeploy ? wrap32(product) : product, log2_d, n_levels);
    }
  }
};

}  // namespace tessera::quantlib
