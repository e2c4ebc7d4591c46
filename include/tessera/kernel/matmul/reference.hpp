// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Matrix product, one output after the other.

#include "tessera/op/matmul.hpp"

namespace tessera {

template <class A, class B, class Policy, class Y, class Tile, Target T>
struct kernel<matmul_op<A, B, Policy, Y, Tile>, T> {
  static constexpr int tier = 0;
  template <class Yv>
  static constexpr void run(A a, B b, const int32_t* bias, const Policy& policy, Yv y) {
    const index_t inner = a.extent(1);
    const index_t step_a = a.stride(1);
    const index_t step_b = b.stride(0);
    for (index_t r = 0; r < y.extent(0); ++r) {
      const auto& f = policy.row(r);
      for (index_t c = 0; c < y.extent(1); ++c) {
        const auto* pa = a.data() + r * a.stride(0);
        const auto* pb = b.data() + c * b.stride(1);
        uint32_t acc = bias == nullptr ? 0u : static_cast<uint32_t>(bias[c]);  // wraps as an int32 accumulator does
        for (index_t k = 0; k < inner; ++k) {
          acc += static_cast<uint32_t>(static_cast<int32_t>(*pa) * static_cast<int32_t>(*pb));
          pa += step_a;
          pb += step_b;
        }
        y(r, c) = static_cast<Y>(f(static_cast<int32_t>(acc), c));
      }
    }
  }
};

}  // namespace tessera
