// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Table look-up, element by element.

#include "tessera/op/embedding.hpp"

namespace tessera {

template <Target T>
struct kernel<embedding_op, T> {
  static constexpr int tier = 0;
  template <class Ids, class Table, class Y>
  static constexpr void run(Ids ids, Table table, Y y) {
    for (index_t r = 0; r < y.extent(0); ++r) {
      for (index_t c = 0; c < y.extent(1); ++c) y(r, c) = table(ids(r), c);
    }
  }
};

}  // namespace tessera
