// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Sums and means along one dimension of a matrix.

#include "tessera/arith/rounding.hpp"
#include "tessera/core/dispatch.hpp"
#include "tessera/core/status.hpp"

namespace tessera {

/// The dimension of a matrix that a reduction removes.
enum class axis : uint8_t {
  rows,    ///< y[c] is made of column c
  columns  ///< y[r] is made of row r
};

/// Tag: y = the sums of x along one dimension, as 64-bit integers.
template <Integer X, axis Removed>
struct sum_op {};

/// Columns (or rows) whose sums an operator keeps on the stack at a time.
inline constexpr index_t sum_block = 256;

namespace detail {
/// Hands the sum of output i to `put(i, sum)`, in order.
template <Target T, axis Removed, class X, class Put>
constexpr void for_sums(X x, Put put) {
  const index_t outputs = x.extent(Removed == axis::rows ? 1 : 0);
  int64_t sums[sum_block] = {};
  for (index_t first = 0; first < outputs; first += sum_block) {
    const index_t n = min(sum_block, outputs - first);
    run<sum_op<typename X::value_type, Removed>, T>(x, first, n, sums);
    for (index_t i = 0; i < n; ++i) put(first + i, sums[i]);
  }
}

template <axis Removed, class X, class Y>
constexpr status check_reduction(X x, Y y) {
  static_assert(Y::rank == 1, "a reduction of a matrix is a vector");
  static_assert(IntegerUpTo<typename X::value_type, 32>, "sums of elements of at most 32 bits are exact in 64");
  if (y.extent(0) != x.extent(Removed == axis::rows ? 1 : 0)) return status::shape_mismatch;
  if (y.size() == 0) return status::ok;
  if (y.data() == nullptr || (x.size() != 0 && x.data() == nullptr)) return status::null_pointer;
  return overlaps(x, y) ? status::overlap : status::ok;
}
}  // namespace detail

namespace op {

/// x: (M, N) of at most 32 bits -> y: (N) for axis::rows, (M) for axis::columns. y = SUM x, exact in int64; an int32 y
/// wraps, as ReduceSum of the C kernels does. The sum of nothing is 0. y may not overlap x.
/// Example: `op::reduce_sum<T, axis::rows>(x, y)`.
template <Target T, axis Removed, RowMatrixView X, TensorView Y>
constexpr status reduce_sum(X x, Y y) {
  using out = typename Y::value_type;
  static_assert(same_as<out, int32_t> || same_as<out, int64_t>, "reduce_sum: sums are int32 or int64");
  if (const status s = detail::check_reduction<Removed>(x, y); s != status::ok) return s;
  detail::for_sums<T, Removed>(x, [&](index_t i, int64_t sum) { y(i) = static_cast<out>(static_cast<uint64_t>(sum)); });
  return status::ok;
}

/// x: (M, N) of at most 32 bits -> y: (N) for axis::rows, (M) for axis::columns, at least as wide as x and signed if x
/// is. y = params(SUM x, n) for the n elements along the dimension; there must be one (`status::shape_mismatch`).
/// y may not overlap x. Example: `op::mean<T, axis::rows>(x, quantlib::mean<>{}, y)`, which rounds half up.
template <Target T, axis Removed, class Params, RowMatrixView X, TensorView Y>
constexpr status mean(X x, const Params& params, Y y) {
  using in = typename X::value_type;
  using out = typename Y::value_type;
  static_assert(holds<out>(static_cast<int64_t>(limits<in>::min), static_cast<int64_t>(limits<in>::max)),
                "mean: y does not hold every value of x");
  if (const status s = detail::check_reduction<Removed>(x, y); s != status::ok) return s;
  const index_t n = x.extent(Removed == axis::rows ? 0 : 1);
  if (n == 0 && y.size() != 0) return status::shape_mismatch;
  if (y.size() == 0) return status::ok;
  detail::for_sums<T, Removed>(x, [&](index_t i, int64_t sum) { y(i) = static_cast<out>(params(sum, n)); });
  return status::ok;
}

}  // namespace op
}  // namespace tessera
