// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Compile-time tile shapes, and extents that are static, dynamic, or a mix of both.

#include "tessera/std.hpp"

namespace tessera {

/// An M x N block of output computed over K at a time: a register block, the L1 block that DMA moves, or an
/// engine's fixed block. Always static.
template <index_t M, index_t N, index_t K>
struct tile_shape {
  static_assert(M > 0 && N > 0 && K > 0, "a tile_shape needs three positive edges");
  static constexpr index_t m = M;
  static constexpr index_t n = N;
  static constexpr index_t k = K;
};

/// Placeholder for "the default tile of this target for these extents".
struct default_tile {};

template <class T>
concept TileShape = same_as<T, default_tile> || requires {
  T::m;
  T::n;
  T::k;
};

/// Marks an extent that is known only at run time.
inline constexpr index_t dynamic_extent = -1;

constexpr index_t ceil_div(index_t a, index_t b) { return (a + b - 1) / b; }
constexpr index_t round_up(index_t a, index_t b) { return ceil_div(a, b) * b; }
constexpr bool divides(index_t divisor, index_t value) { return value % divisor == 0; }

/// The extents of a tensor. `extents<128, dynamic_extent>` fixes the first and leaves the second to run time.
/// Every extent is stored, so that one constructor serves all; a static extent reads as a constant.
template <index_t... Static>
class extents {
 public:
  static constexpr int rank = sizeof...(Static);
  static_assert(rank > 0, "extents needs at least one dimension");
  static_assert(((Static >= 0 || Static == dynamic_extent) && ...), "a static extent cannot be negative");

  static constexpr index_t static_extent(int dimension) {
    constexpr index_t values[] = {Static...};
    return values[dimension];
  }
  static constexpr bool is_static = ((Static != dynamic_extent) && ...);

  /// All static extents: no argument needed.
  constexpr extents() requires is_static : values_{Static...} {}

  /// One value per dimension; where the extent is static the value must be equal to it. A negative value, as computed
  /// from somebody's broken size, counts as 0: nothing is read or written.
  template <class... I>
  requires(sizeof...(I) == sizeof...(Static)) constexpr explicit extents(I... value)
      : values_{max<index_t>(static_cast<index_t>(value), 0)...} {
    for (int d = 0; d < rank; ++d) {
      TESSERA_ASSERT(static_extent(d) == dynamic_extent || static_extent(d) == values_[d]);
    }
  }

  constexpr index_t operator[](int dimension) const {
    const index_t fixed = static_extent(dimension);
    return fixed == dynamic_extent ? values_[dimension] : fixed;
  }

  /// Number of elements.
  constexpr index_t size() const {
    index_t product = 1;
    const index_t* value = values_;
    ((product *= Static == dynamic_extent ? *value : Static, ++value), ...);
    return product;
  }

 private:
  index_t values_[sizeof...(Static)];
};

/// `dynamic_extents<2>` is `extents<dynamic_extent, dynamic_extent>`.
namespace detail {
template <int Rank, index_t... Static>
struct dynamic_extents : dynamic_extents<Rank - 1, dynamic_extent, Static...> {};
template <index_t... Static>
struct dynamic_extents<0, Static...> {
  using type = extents<Static...>;
};
}  // namespace detail
template <int Rank>
using dynamic_extents = typename detail::dynamic_extents<Rank>::type;

/// True if two static extents can describe the same length (equal, or one of them dynamic).
constexpr bool compatible_extent(index_t a, index_t b) { return a == b || a == dynamic_extent || b == dynamic_extent; }

}  // namespace tessera
