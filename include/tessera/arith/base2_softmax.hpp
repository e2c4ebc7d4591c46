// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The softmax of base two that the accelerator, its models and quantlib's ITAMax operators share. They differ in four
/// numbers only, so there is one row loop; `ita` and `quantlib` give the numbers their names.

#include "tessera/arith/rounding.hpp"
#include "tessera/core/row_map.hpp"

namespace tessera {

/// With s(d) = RHU(d / 2^log2_step), the columns in groups of `group_width` from the left, and sum = 0 before the
/// first:
///     m   = max(max, group)
///     sum = (sum >> s(m - max)) + SUM_i (one >> s(m - group[i]));  max = m        after each group
///     y[j] = floor(numerator / sum) >> s(max - x[j])
/// A shift by more than the width gives 0. The last group may be shorter: it holds the columns that are left, as if no
/// others existed. Group width 0 means that the whole row is one group.
/// Every renormalisation rounds down, so the width of the groups is part of the result.
/// The group with the maximum contributes `one` itself and later groups keep it: sum >= one, no division by zero, and
/// y <= numerator / one.
struct base2_softmax {
  int32_t one;          ///< 2^1 .. 2^10
  int32_t numerator;    ///< 0 .. 2^18
  int32_t log2_step;    ///< one octave is 2^log2_step units of x: 0 .. 8
  int32_t group_width;  ///< columns per group, 0 = all

  /// s(d) for 0 <= d <= 255, limited to 31.
  constexpr int32_t shift(int32_t d) const { return min<int32_t>((d + (1 << log2_step >> 1)) >> log2_step, 31); }

  /// Longest row: sum <= one * n <= 2^30 stays in int32.
  static constexpr index_t max_length = index_t{1} << 20;

  /// Itself: the dialects' softmaxes say `rule()` too.
  constexpr base2_softmax rule() const { return *this; }

  constexpr status check(index_t n) const {
    const bool good = one >= 2 && one <= 1024 && numerator >= 0 && numerator <= 1 << 18 && log2_step >= 0 &&
                      log2_step <= 8 && group_width >= 0;
    if (n < 1 || n > max_length) return status::shape_mismatch;
    return good ? status::ok : status::bad_parameter;
  }

  template <Integer Y>
  constexpr bool output_fits() const {
    return holds<Y>(0, numerator / one);
  }

  /// floor(numerator / sum) and the maximum of a row.
  struct row_statistics {
    int32_t inverse;
    int32_t maximum;
  };
  template <IntegerUpTo<8> X>
  constexpr row_statistics statistics(const X* x, index_t n) const {
    const index_t width = group_width == 0 ? n : group_width;
    int32_t maximum = x[0];
    int32_t sum = 0;
    for (index_t begin = 0; begin < n; begin += width) {
      const index_t end = begin + min(width, n - begin);
      int32_t m = maximum;
      for (index_t j = begin; j < end; ++j) m = max<int32_t>(m, x[j]);
      sum >>= shift(m - maximum);
      for (index_t j = begin; j < end; ++j) sum += one >> shift(m - x[j]);
      maximum = m;
    }
    return {numerator / sum, maximum};
  }

  template <IntegerUpTo<8> X, Integer Y>
  constexpr void operator()(const X* x, Y* y, index_t n) const {
    const row_statistics s = statistics(x, n);
    for (index_t j = 0; j < n; ++j) y[j] = static_cast<Y>(s.inverse >> shift(s.maximum - x[j]));
  }
};

}  // namespace tessera
