// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// What row kernels on the host's vector units share: the `vector_row` seam. The dialects' kernels are in
/// ibert_xsimd.hpp, ita_xsimd.hpp and quantlib_xsimd.hpp next to this file.

#include "tessera/kernel/row/reference.hpp"
#include "tessera/target/host.hpp"
#include "tessera/target/reference.hpp"

namespace tessera {

/// The vector form of a row map: `const vector_row<Params, X, Y> f(params)` once per call of an operator, then
/// `f(x, y, n)` per row, equal to `params(x, y, n)` bit for bit. Specialise it next to a new row operator; without it
/// the operator has no vector kernel.
template <class Params, class X, class Y>
struct vector_row;

template <class Params, class X, class Y, VectorTarget T>
requires requires { sizeof(vector_row<Params, X, Y>); }
struct kernel<row_op<Params, X, Y>, T> {
  static constexpr int tier = 1;
  template <class Xv, class Yv>
  static void run(Xv x, const Params& params, Yv y) {
    const vector_row<Params, X, Y> f(params);
    for (index_t r = 0; r < x.extent(0); ++r) f(x.row(r), y.row(r), x.extent(1));
  }
};

}  // namespace tessera
