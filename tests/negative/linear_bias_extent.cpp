// SPDX-License-Identifier: Apache-2.0
// One bias per output.
// expect: linear: the bias does not have one value per output
#include "tessera/kernel/matmul/reference.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

#ifdef TESSERA_CONTROL
constexpr index_t biases = 5;
#else
constexpr index_t biases = 3;
#endif

status layer(const int8_t* x, const int8_t* w, const int32_t* bias, int32_t* y) {
  const auto b = tensor_view<const int32_t, extents<biases>>(bias, extents<biases>());
  return op::linear<target::reference>(matrix<2, 3>(x), matrix<5, 3>(w), b, keep_accumulator, matrix<2, 5>(y));
}
