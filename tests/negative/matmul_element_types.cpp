// SPDX-License-Identifier: Apache-2.0
// 16-bit operands would overflow the pairwise products that every kernel relies on.
// expect: matmul multiplies int8 or uint8 by int8
#include "tessera/kernel/matmul/reference.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

#ifdef TESSERA_CONTROL
using element = uint8_t;
#else
using element = int16_t;
#endif

status product(const element* a, const int8_t* b, int32_t* y) {
  return op::matmul<target::reference>(matrix(a, 2, 3), matrix(b, 3, 5), keep_accumulator, matrix(y, 2, 5));
}
