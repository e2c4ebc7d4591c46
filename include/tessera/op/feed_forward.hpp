// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The two linear layers of a transformer's feed-forward block.

#include "tessera/op/matmul.hpp"

namespace tessera::op {

/// x: (M, C) int8, w1: (F, C), b1: (F), w2: (N, F), b2: (N), hidden: (M, F) int8 scratch -> y: (M, N).
/// hidden = first( x . w1^T + b1 ), where `first` holds the activation; y = second( hidden . w2^T + b2 ).
/// hidden may not overlap x, and y may not overlap hidden.
template <Target T, RowMatrixView X, MatrixView W1, TensorView B1, Requant First, MatrixView W2, TensorView B2,
          Requant Second, RowMatrixView Hidden, RowMatrixView Y>
constexpr status feed_forward(X x, W1 w1, B1 b1, const First& first, W2 w2, B2 b2, const Second& second, Hidden hidden,
                              Y y) {
  if (const status s = linear<T>(x, w1, b1, first, hidden); s != status::ok) return s;
  return linear<T>(hidden, w2, b2, second, y);
}

}  // namespace tessera::op
