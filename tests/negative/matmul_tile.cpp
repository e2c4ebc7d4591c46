// SPDX-License-Identifier: Apache-2.0
// A tile that does not fit the vector registers would spill; the kernel says no instead of being slow.
// expect: matmul: this target's kernel cannot compute a tile of this shape; see its `accepts`
#include "tessera/kernel/matmul/xsimd.hpp"

using namespace tessera;

#ifdef TESSERA_CONTROL
using tile = tile_shape<2, 4, simd::lanes16>;
#else
using tile = tile_shape<16, 16, simd::lanes16>;
#endif

status product(const int8_t* a, const int8_t* b, int32_t* y) {
  return op::matmul<target::host, tile>(matrix(a, 2, 3), matrix(b, 3, 5), keep_accumulator, matrix(y, 2, 5));
}
