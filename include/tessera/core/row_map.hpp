// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The shape of a row operator's parameters (softmax, normalisation).

#include "tessera/core/concepts.hpp"
#include "tessera/core/status.hpp"

namespace tessera {

/// A map from one row of N elements to one row of N elements. Pure and constexpr.
/// `p(x, y, n)` reads x[0..n) and writes y[0..n); y may be x where `X` and `Y` are the same type (every definition
/// reads all it needs of an element before it writes that element, and whole-row statistics before it writes anything).
/// `p.check(n)` says whether the row length (`shape_mismatch`) and the parameters (`bad_parameter`, or `null_pointer`
/// for missing constants) are within the documented range. Example: `ita::streaming_softmax`.
template <class P, class X, class Y>
concept RowMap = requires(const P p, const X* x, Y* y, index_t n) {
  p(x, y, n);
  { p.check(n) } -> same_as<status>;
};

}  // namespace tessera
