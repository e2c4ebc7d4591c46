// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Layouts: maps from coordinates to offsets. A layout's `mapping<Extents>` gives the stride of each dimension,
/// in elements; every map is injective on its extents.

#include "tessera/core/shape.hpp"

namespace tessera {

/// Last dimension contiguous (C order). No state: strides follow from the extents.
struct row_major {
  template <class Extents>
  struct mapping {
    static constexpr bool contiguous_rows = true;
    Extents shape;
    constexpr explicit mapping(Extents e) : shape(e) {}
    constexpr index_t stride(int dimension) const {
      index_t s = 1;
      for (int d = Extents::rank - 1; d > dimension; --d) s *= shape[d];
      return s;
    }
  };
};

/// First dimension contiguous (Fortran order): a row-major matrix seen transposed.
struct col_major {
  template <class Extents>
  struct mapping {
    static constexpr bool contiguous_rows = false;
    Extents shape;
    constexpr explicit mapping(Extents e) : shape(e) {}
    constexpr index_t stride(int dimension) const {
      index_t s = 1;
      for (int d = 0; d < dimension; ++d) s *= shape[d];
      return s;
    }
  };
};

/// Last dimension contiguous, rows `pitch` elements apart: a block of columns of a wider row-major matrix, as one
/// attention head is. Rank 2 only.
struct row_pitched {
  template <class Extents>
  struct mapping {
    static_assert(Extents::rank == 2, "row_pitched describes matrices");
    static constexpr bool contiguous_rows = true;
    Extents shape;
    index_t pitch;
    constexpr mapping(Extents e, index_t row_pitch) : shape(e), pitch(row_pitch) {
      TESSERA_ASSERT(row_pitch >= e[1] || e[0] <= 1);
    }
    constexpr index_t stride(int dimension) const { return dimension == 0 ? pitch : 1; }
  };
};

/// The transpose of `row_pitched`: first dimension contiguous, columns `pitch` elements apart. Rank 2 only.
struct col_pitched {
  template <class Extents>
  struct mapping {
    static_assert(Extents::rank == 2, "col_pitched describes matrices");
    static constexpr bool contiguous_rows = false;
    Extents shape;
    index_t pitch;
    constexpr mapping(Extents e, index_t column_pitch) : shape(e), pitch(column_pitch) {
      TESSERA_ASSERT(column_pitch >= e[0] || e[1] <= 1);
    }
    constexpr index_t stride(int dimension) const { return dimension == 0 ? 1 : pitch; }
  };
};

/// Layouts whose mapping carries a pitch besides the extents.
template <class Layout>
concept PitchedLayout = same_as<Layout, row_pitched> || same_as<Layout, col_pitched>;

}  // namespace tessera
