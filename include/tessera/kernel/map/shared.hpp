// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Element-wise map by its definition, the elements shared by a team of cores.

#include "tessera/core/team.hpp"
#include "tessera/kernel/map/reference.hpp"

namespace tessera {

template <class Policy, class X, class Y, TeamTarget T>
struct kernel<map_op<Policy, X, Y>, T> {
  static constexpr int tier = 1;
  template <class Xv, class Yv>
  static constexpr void run(Xv x, const Policy& policy, Yv y) {
    const index_t columns = x.extent(1);
    const range mine = share_of(T::share(), x.size());
    for (index_t i = mine.begin; i < mine.end;) {
      const index_t r = i / columns;
      const index_t end = min(columns, mine.end - r * columns);
      const auto& f = policy.row(r);
      const auto* const in = x.row(r);
      auto* const out = y.row(r);
      for (index_t c = i - r * columns; c < end; ++c) out[c] = static_cast<Y>(f(static_cast<int64_t>(in[c]), c));
      i = r * columns + end;
    }
    T::wait();
  }
};

}  // namespace tessera
