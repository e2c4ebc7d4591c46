// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Row operators, one row after the other, by their definition.

#include "tessera/op/row.hpp"

namespace tessera {

template <class Params, class X, class Y, Target T>
struct kernel<row_op<Params, X, Y>, T> {
  static constexpr int tier = 0;
  template <class Xv, class Yv>
  static constexpr void run(Xv x, const Params& params, Yv y) {
    for (index_t r = 0; r < x.extent(0); ++r) params(x.row(r), y.row(r), x.extent(1));
  }
};

}  // namespace tessera
