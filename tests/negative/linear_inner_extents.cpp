// SPDX-License-Identifier: Apache-2.0
// Static extents that cannot be multiplied are a typing mistake, not something to find out at run time.
// expect: matmul: the inner extents of the operands differ
#include "tessera/kernel/matmul/reference.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

#ifdef TESSERA_CONTROL
constexpr index_t inputs = 3;
#else
constexpr index_t inputs = 4;
#endif

status layer(const int8_t* x, const int8_t* w, int32_t* y) {
  return op::linear<target::reference>(matrix<2, 3>(x), matrix<5, inputs>(w), keep_accumulator, matrix<2, 5>(y));
}
