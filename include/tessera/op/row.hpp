// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Row operators: softmax and the normalisations map each row of a matrix on its own, as their parameters describe.

#include "tessera/core/dispatch.hpp"
#include "tessera/core/row_map.hpp"

namespace tessera {

/// Tag: y[r][:] = params(x[r][:]).
template <class Params, Integer X, Integer Y>
struct row_op {};

namespace detail {
template <Target T, class Params, RowMatrixView X, RowMatrixView Y>
constexpr status run_rows(X x, const Params& params, Y y) {
  using in = typename X::value_type;
  using out = typename Y::value_type;
  if constexpr (!RowMap<Params, in, out>) {
    static_assert(RowMap<Params, in, out>, "these parameters do not map rows of this element type to that one");
    return status::bad_parameter;
  } else {
    if (x.extent(0) != y.extent(0) || x.extent(1) != y.extent(1)) return status::shape_mismatch;
    if (x.size() == 0) return status::ok;
    if (x.data() == nullptr || y.data() == nullptr) return status::null_pointer;
    if (const status s = params.check(x.extent(1)); s != status::ok) return s;
    if constexpr (requires { params.template output_fits<out>(); }) {
      if (!params.template output_fits<out>()) return status::bad_parameter;
    }
    if (overlaps(x, y) && !(same_as<in, out> && same_elements(x, y))) return status::overlap;
    run<row_op<Params, in, out>, T>(x, params, y);
    return status::ok;
  }
}
}  // namespace detail

namespace op {

/// x: (M, N) -> y: (M, N), each row on its own. The parameters name the dialect: `ibert::softmax` (int32 -> unsigned,
/// scale 2^-8), `ita::streaming_softmax`, `quantlib::isoftmax`, `quantlib::itamax`, `quantlib::itapartialmax`.
/// In place is supported for equal element types when y is exactly the elements of x; any other overlap is refused.
template <Target T, class Params, RowMatrixView X, RowMatrixView Y>
constexpr status softmax(X x, const Params& params, Y y) {
  return detail::run_rows<T>(x, params, y);
}

/// x: (M, N) -> y: (M, N), each row normalised on its own: `ibert::layer_norm`, `quantlib::ilayer_norm`,
/// `quantlib::inonorm`. Overlap as for softmax.
template <Target T, class Params, RowMatrixView X, RowMatrixView Y>
constexpr status layer_norm(X x, const Params& params, Y y) {
  return detail::run_rows<T>(x, params, y);
}

/// As layer_norm, without the mean: `quantlib::irms_norm`.
template <Target T, class Params, RowMatrixView X, RowMatrixView Y>
constexpr status rms_norm(X x, const Params& params, Y y) {
  return detail::run_rows<T>(x, params, y);
}

}  // namespace op
}  // namespace tessera
