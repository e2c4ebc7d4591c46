// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The public concepts, each with its meaning and an example.

#include "tessera/core/shape.hpp"
#include "tessera/core/tensor_view.hpp"

namespace tessera {

/// Says what executes. Example: `target::reference`.
/// `name` is printed in test ids; `minimum_tier` is the least specialised kernel that an operator may choose.
template <class T>
concept Target = requires {
  T::name;
  T::minimum_tier;
};

/// A target with wide vector registers, described by `T::simd`. Example: `target::host`.
template <class T>
concept VectorTarget = Target<T> && requires {
  typename T::simd;
};

namespace detail {
template <class T>
inline constexpr bool is_tensor_view = false;
template <class T, class E, class L>
inline constexpr bool is_tensor_view<tensor_view<T, E, L>> = true;
}  // namespace detail

/// A non-owning view. Example: `decltype(matrix(p, 2, 3))`.
template <class T>
concept TensorView = detail::is_tensor_view<T>;

/// A view with two dimensions.
template <class T>
concept MatrixView = TensorView<T> && T::rank == 2;

/// A matrix view whose rows are contiguous in memory.
template <class T>
concept RowMatrixView = MatrixView<T> && T::contiguous_rows;

/// Maps an accumulator to an output integer. Pure and constexpr; the *type* says order, rounding, widths and
/// saturation, the *values* are multiplier, shift and add. `p.row(r)` gives the map of row r, and
/// `p.row(r)(acc, c)` the output for column c, already saturated; `p.output_min()` / `p.output_max()` bound it.
/// Example: `ita::requant`.
template <class P>
concept Requant = requires(const P p, int64_t acc, index_t i) {
  { p.row(i)(acc, i) } -> same_as<int64_t>;
  { p.output_min() } -> same_as<int64_t>;
  { p.output_max() } -> same_as<int64_t>;
};

}  // namespace tessera
