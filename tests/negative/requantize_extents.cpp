// SPDX-License-Identifier: Apache-2.0
// Element-wise operators keep the shape.
// expect: requantize: x and y have different static extents
#include "tessera/kernel/map/reference.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

#ifdef TESSERA_CONTROL
constexpr index_t columns = 4;
#else
constexpr index_t columns = 5;
#endif

status narrow(const int32_t* x, int8_t* y) {
  return op::requantize<target::reference>(matrix<3, 4>(x), saturate_to<int8_t>, matrix<3, columns>(y));
}
