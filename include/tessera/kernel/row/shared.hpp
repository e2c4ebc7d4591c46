// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Row operators by their definition, the rows shared by a team of cores.

#include "tessera/core/team.hpp"
#include "tessera/kernel/row/reference.hpp"

namespace tessera {

template <class Params, class X, class Y, TeamTarget T>
struct kernel<row_op<Params, X, Y>, T> {
  static constexpr int tier = 1;
  template <class Xv, class Yv>
  static constexpr void run(Xv x, const Params& params, Yv y) {
    const range rows = share_of(T::share(), x.extent(0));
    for (index_t r = rows.begin; r < rows.end; ++r) params(x.row(r), y.row(r), x.extent(1));
    T::wait();
  }
};

}  // namespace tessera
