// SPDX-License-Identifier: Apache-2.0
// A tile with an empty edge would make its loops run forever or not at all.
// expect: a tile_shape needs three positive edges
#include "tessera/core/shape.hpp"

#ifdef TESSERA_CONTROL
using tile = tessera::tile_shape<8, 8, 8>;
#else
using tile = tessera::tile_shape<0, 8, 8>;
#endif

constexpr auto edge = tile::m;
