// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Element-wise operators: requantisation, activations and residual addition are all one map from an integer to an
/// integer, described by a policy.

#include "tessera/arith/requant.hpp"
#include "tessera/core/dispatch.hpp"
#include "tessera/core/status.hpp"

namespace tessera {

/// Tag: y[r][c] = policy.row(r)(x[r][c], c).
template <Requant Policy, Integer X, Integer Y>
struct map_op {};

namespace op {

/// x: (M, N) any integer -> y: (M, N). y = policy(x), which must fit Y (`status::bad_parameter` otherwise). A policy
/// with a `check()` is asked first.
/// In place is supported when y is exactly the elements of x and both have the same width; any other overlap is
/// refused. Examples: `ibert::dyadic`, `quantlib::requant_shift`, `ita::requant`, `ibert::gelu_channels`, or a
/// composition.
template <Target T, Requant Policy, RowMatrixView X, RowMatrixView Y>
constexpr status requantize(X x, const Policy& policy, Y y) {
  static_assert(compatible_extent(X::static_extent(0), Y::static_extent(0)) &&
                    compatible_extent(X::static_extent(1), Y::static_extent(1)),
                "requantize: x and y have different static extents");
  if (x.extent(0) != y.extent(0) || x.extent(1) != y.extent(1)) return status::shape_mismatch;
  if (x.size() == 0) return status::ok;
  if (x.data() == nullptr || y.data() == nullptr) return status::null_pointer;
  if (const status s = check_policy(policy); s != status::ok) return s;
  using out = typename Y::value_type;
  if (!holds<out>(policy.output_min(), policy.output_max())) return status::bad_parameter;
  if (overlaps(x, y) && !same_elements(x, y)) return status::overlap;
  run<map_op<Policy, typename X::value_type, out>, T>(x, policy, y);
  return status::ok;
}

/// An activation is a policy like any other: gelu<T>(x, ibert::gelu_channels{...}, y) keeps the wide result,
/// gelu<T>(x, then{ibert::gelu_channels{...}, ibert::dyadic_channels{...}}, y) requantises it at once.
template <Target T, Requant Policy, RowMatrixView X, RowMatrixView Y>
constexpr status gelu(X x, const Policy& policy, Y y) {
  return requantize<T>(x, policy, y);
}

/// a: (M, N), b: (M, N) -> y: (M, N). y = out( first(a) + second(b) ), each branch rounded on its own.
/// In place is supported on a, and on b if it is exactly y; any other overlap is refused.
template <Target T, Requant First, Requant Second, Requant Out, RowMatrixView A, RowMatrixView B, RowMatrixView Y>
constexpr status add(A a, const First& first, B b, const Second& second, const Out& out, Y y) {
  if (a.extent(0) != b.extent(0) || a.extent(1) != b.extent(1)) return status::shape_mismatch;
  if (b.size() != 0 && b.data() == nullptr) return status::null_pointer;
  if (overlaps(b, y) && !same_elements(b, y)) return status::overlap;
  using residual = typename B::value_type;
  const residual* const data = b.data();
  return requantize<T>(a, add_residual{first, second, out, data, b.stride(0)}, y);
}

}  // namespace op
}  // namespace tessera
