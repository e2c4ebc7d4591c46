// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Sums along one dimension on the host's vector units: 32-bit lanes that are emptied before they can overflow, 64-bit
/// lanes for 32-bit elements.

#include "tessera/kernel/mean/reference.hpp"
#include "tessera/target/host.hpp"
#include "tessera/target/reference.hpp"

namespace tessera {
namespace simd {

/// Elements whose sum certainly fits 32 bits.
template <class X>
inline constexpr index_t steps_in_i32 = index_t{1} << (31 - 8 * sizeof(X));
static_assert(steps_in_i32<uint8_t> * 255 < index_t{1} << 31 && steps_in_i32<int16_t> * 32768 < index_t{1} << 31);

template <class X>
int64_t row_sum(const X* x, index_t n) {
  int64_t sum = 0;
  index_t i = 0;
  if constexpr (sizeof(X) == 4) {
    i64 lanes(int64_t{0});
    for (; i + lanes64 <= n; i += lanes64) lanes = lanes + load_i64(x + i);
    sum = xsimd::hadd(lanes);
  } else {
    while (i + lanes32 <= n) {
      i32 lanes(0);
      const index_t end = min(n - lanes32, i + (steps_in_i32<X> - 1) * lanes32);
      for (; i <= end; i += lanes32) lanes = lanes + load_i32(x + i);
      int32_t parts[lanes32];
      lanes.store_unaligned(parts);
      for (const int32_t part : parts) sum += part;
    }
  }
  for (; i < n; ++i) sum += x[i];
  return sum;
}

}  // namespace simd

template <class X, axis Removed, VectorTarget T>
requires(simd::LaneInteger<X> && sizeof(X) <= 4) struct kernel<sum_op<X, Removed>, T> {
  static constexpr int tier = 1;
  template <class Xv>
  static void run(Xv x, index_t first, index_t n, int64_t* sums) {
    if constexpr (Removed == axis::columns) {
      for (index_t i = 0; i < n; ++i) sums[i] = simd::row_sum(x.row(first + i), x.extent(1));
    } else {
      for (index_t i = 0; i < n; ++i) sums[i] = 0;
      if constexpr (sizeof(X) == 4) {
        for (index_t r = 0; r < x.extent(0); ++r) add_row(x.row(r) + first, n, sums);
      } else {
        for (index_t r = 0; r < x.extent(0); r += simd::steps_in_i32<X>) {
          add_rows(x, r, min(simd::steps_in_i32<X>, x.extent(0) - r), first, n, sums);
        }
      }
    }
  }

 private:
  static void add_row(const X* row, index_t n, int64_t* sums) {
    index_t i = 0;
    for (; i + simd::lanes64 <= n; i += simd::lanes64) {
      (simd::i64::load_unaligned(sums + i) + simd::load_i64(row + i)).store_unaligned(sums + i);
    }
    for (; i < n; ++i) sums[i] += row[i];
  }

  /// Adds `rows` rows from row r, few enough for sums of 32 bits.
  template <class Xv>
  static void add_rows(Xv x, index_t r, index_t rows, index_t first, index_t n, int64_t* sums) {
    int32_t narrow[sum_block] = {};
    for (index_t k = 0; k < rows; ++k) {
      const X* const row = x.row(r + k) + first;
      index_t i = 0;
      for (; i + simd::lanes32 <= n; i += simd::lanes32) {
        (simd::i32::load_unaligned(narrow + i) + simd::load_i32(row + i)).store_unaligned(narrow + i);
      }
      for (; i < n; ++i) narrow[i] += row[i];
    }
    for (index_t i = 0; i < n; ++i) sums[i] += narrow[i];
  }
};

}  // namespace tessera
