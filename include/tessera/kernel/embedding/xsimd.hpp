// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Table look-up, row by row.

#include "tessera/kernel/embedding/reference.hpp"
#include "tessera/target/host.hpp"
#include "tessera/target/reference.hpp"

namespace tessera {

template <VectorTarget T>
struct kernel<embedding_op, T> {
  static constexpr int tier = 1;
  template <class Ids, class Table, class Y>
  static void run(Ids ids, Table table, Y y) {
    for (index_t r = 0; r < y.extent(0); ++r) {
      __builtin_memcpy(y.row(r), table.row(ids(r)), static_cast<size_t>(y.extent(1)));
    }
  }
};

}  // namespace tessera
