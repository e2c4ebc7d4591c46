// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Sums along one dimension, one element after the other.

#include "tessera/op/mean.hpp"

namespace tessera {

template <class X, axis Removed, Target T>
struct kernel<sum_op<X, Removed>, T> {
  static constexpr int tier = 0;
  /// sums[i] = the sum of output first + i, for i < n.
  template <class Xv>
  static constexpr void run(Xv x, index_t first, index_t n, int64_t* sums) {
    for (index_t i = 0; i < n; ++i) sums[i] = 0;
    if constexpr (Removed == axis::rows) {
      for (index_t r = 0; r < x.extent(0); ++r) {
        for (index_t i = 0; i < n; ++i) sums[i] += x.row(r)[first + i];
      }
    } else {
      for (index_t i = 0; i < n; ++i) {
        for (index_t c = 0; c < x.extent(1); ++c) sums[i] += x.row(first + i)[c];
      }
    }
  }
};

}  // namespace tessera
