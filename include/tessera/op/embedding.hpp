// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Table look-up.

#include "tessera/core/dispatch.hpp"
#include "tessera/core/status.hpp"

namespace tessera {

/// Tag: y[r] = table[ids[r]].
struct embedding_op {};

namespace op {

/// ids: (M) int32, table: (V, C) int8 -> y: (M, C) int8, the rows of the table. An id outside [0, V) is
/// `status::bad_index`, and then nothing is written. y may not overlap the table or the ids.
template <Target T, TensorView Ids, RowMatrixView Table, RowMatrixView Y>
constexpr status embedding(Ids ids, Table table, Y y) {
  static_assert(Ids::rank == 1 && same_as<typename Ids::value_type, int32_t>, "embedding: ids are a vector of int32");
  static_assert(same_as<typename Table::value_type, int8_t> && same_as<typename Y::value_type, int8_t>,
                "embedding: table and output are int8");
  if (ids.extent(0) != y.extent(0) || table.extent(1) != y.extent(1)) return status::shape_mismatch;
  if (y.size() == 0) return status::ok;
  if (ids.data() == nullptr || table.data() == nullptr || y.data() == nullptr) return status::null_pointer;
  if (overlaps(ids, y) || overlaps(table, y)) return status::overlap;
  for (index_t i = 0; i < ids.extent(0); ++i) {
    if (ids(i) < 0 || ids(i) >= table.extent(0)) return status::bad_index;
  }
  run<embedding_op, T>(ids, table, y);
  return status::ok;
}

}  // namespace op
}  // namespace tessera
