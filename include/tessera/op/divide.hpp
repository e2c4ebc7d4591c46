// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Element-wise quotients of two integer tensors. A constant divisor is a policy: `op::requantize` with
/// `quantlib::true_integer_div`.

#include "tessera/arith/rounding.hpp"
#include "tessera/core/dispatch.hpp"
#include "tessera/core/status.hpp"

namespace tessera {

/// Tag: y[r][c] = params(x[r][c], d[r][c]).
template <class Params, Integer Y>
struct divide_op {};

namespace op {

/// x: (M, N) int32, d: (M, N) int32 or (M, 1), one per row -> y: (M, N). y = params(x, d): `quantlib::integer_div` (y:
/// int32 or wider, saturated to it) or `quantlib::rq_integer_div` (any y that holds its levels).
/// A denominator that is not positive is `status::bad_parameter`, and then nothing is written. In place is supported
/// on x, and on d of N columns, if y is exactly their elements; any other overlap is refused.
template <Target T, class Params, RowMatrixView X, RowMatrixView D, RowMatrixView Y>
constexpr status divide(X x, D d, const Params& params, Y y) {
  using out = typename Y::value_type;
  static_assert(same_as<typename X::value_type, int32_t> && same_as<typename D::value_type, int32_t>,
                "divide: numerators and denominators are int32");
  if (x.extent(0) != y.extent(0) || x.extent(1) != y.extent(1)) return status::shape_mismatch;
  if (d.extent(0) != x.extent(0) || (d.extent(1) != x.extent(1) && d.extent(1) != 1)) return status::shape_mismatch;
  if (x.size() == 0) return status::ok;
  if (x.data() == nullptr || d.data() == nullptr || y.data() == nullptr) return status::null_pointer;
  if constexpr (requires { params.output_min(); }) {
    if (!holds<out>(params.output_min(), params.output_max())) return status::bad_parameter;
  } else {
    static_assert(limits<out>::is_signed && sizeof(out) >= 4, "divide: quotients need int32 or int64");
  }
  for (index_t r = 0; r < d.extent(0); ++r) {
    if (const status s = params.check(d.row(r), d.extent(1)); s != status::ok) return s;
  }
  if (overlaps(x, y) && !same_elements(x, y)) return status::overlap;
  if (overlaps(d, y) && !(d.extent(1) == y.extent(1) && same_elements(d, y))) return status::overlap;
  run<divide_op<Params, out>, T>(x, d, params, y);
  return status::ok;
}

}  // namespace op
}  // namespace tessera
