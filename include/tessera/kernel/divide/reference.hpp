// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Quotients, one element after the other. There is no vector kernel: use `allow_reference<Target>`.

#include "tessera/op/divide.hpp"

namespace tessera {

template <class Params, class Y, Target T>
struct kernel<divide_op<Params, Y>, T> {
  static constexpr int tier = 0;
  template <class Xv, class Dv, class Yv>
  static constexpr void run(Xv x, Dv d, const Params& params, Yv y) {
    const index_t step = d.extent(1) == 1 ? 0 : 1;
    for (index_t r = 0; r < x.extent(0); ++r) {
      const int32_t* const divisor = d.row(r);
      for (index_t c = 0; c < x.extent(1); ++c) y.row(r)[c] = saturate<Y>(params(x.row(r)[c], divisor[c * step]));
    }
  }
};

}  // namespace tessera
