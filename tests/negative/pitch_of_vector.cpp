// SPDX-License-Identifier: Apache-2.0
// A pitch is the distance of rows: a vector has none, and beyond matrices it would not say which dimension it means.
// expect: row_pitched describes matrices
#include "tessera/core/tensor_view.hpp"

#ifdef TESSERA_CONTROL
using view = tessera::tensor_view<int, tessera::extents<2, 4>, tessera::row_pitched>;
#else
using view = tessera::tensor_view<int, tessera::extents<4>, tessera::row_pitched>;
#endif

constexpr int rank = view::rank;
