// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Element-wise map, one element after the other.

#include "tessera/op/map.hpp"

namespace tessera {

template <class Policy, class X, class Y, Target T>
struct kernel<map_op<Policy, X, Y>, T> {
  static constexpr int tier = 0;
  template <class Xv, class Yv>
  static constexpr void run(Xv x, const Policy& policy, Yv y) {
    for (index_t r = 0; r < x.extent(0); ++r) {
      const auto& f = policy.row(r);
      const auto* const in = x.row(r);
      auto* const out = y.row(r);
      for (index_t c = 0; c < x.extent(1); ++c) out[c] = static_cast<Y>(f(static_cast<int64_t>(in[c]), c));
    }
  }
};

}  // namespace tessera
