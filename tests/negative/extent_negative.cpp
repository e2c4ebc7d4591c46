// SPDX-License-Identifier: Apache-2.0
// Only dynamic_extent stands for "not known"; every other negative extent is a mistake in somebody's arithmetic.
// expect: a static extent cannot be negative
#include "tessera/core/shape.hpp"

#ifdef TESSERA_CONTROL
using shape = tessera::extents<4, tessera::dynamic_extent>;
#else
using shape = tessera::extents<4, -2>;
#endif

constexpr int rank = shape::rank;
