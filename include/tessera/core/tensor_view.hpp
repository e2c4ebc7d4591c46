// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// A non-owning view of a tensor in memory that the caller owns: pointer, extents, layout.

#include "tessera/core/layout.hpp"

namespace tessera {

template <class T, class Extents, class Layout = row_major>
class tensor_view {
 public:
  using element_type = T;
  using value_type = remove_cv_t<T>;
  using extents_type = Extents;
  using layout_type = Layout;
  using mapping_type = typename Layout::template mapping<Extents>;
  static constexpr int rank = Extents::rank;
  /// The last dimension is contiguous: a row can be handed to code that takes a pointer and a length.
  static constexpr bool contiguous_rows = mapping_type::contiguous_rows;

  constexpr tensor_view(T* data, mapping_type mapping) : data_(data), mapping_(mapping) {}
  constexpr tensor_view(T* data, Extents e) requires(!PitchedLayout<Layout>) : data_(data), mapping_(e) {}

  /// A view of mutable elements is also a view of constant ones.
  constexpr operator tensor_view<const T, Extents, Layout>() const { return {data_, mapping_}; }

  constexpr T* data() const { return data_; }
  constexpr const Extents& shape() const { return mapping_.shape; }
  constexpr index_t extent(int dimension) const { return mapping_.shape[dimension]; }
  static constexpr index_t static_extent(int dimension) { return Extents::static_extent(dimension); }
  constexpr index_t stride(int dimension) const { return mapping_.stride(dimension); }
  constexpr index_t size() const { return mapping_.shape.size(); }

  template <class... I>
  requires(sizeof...(I) == Extents::rank) constexpr T& operator()(I... coordinate) const {
    index_t offset = 0;
    int dimension = 0;
    ((offset += static_cast<index_t>(coordinate) * mapping_.stride(dimension++)), ...);
    return data_[offset];
  }

  /// Pointer to the first element of row `r` of a matrix.
  constexpr T* row(index_t r) const requires(Extents::rank == 2) { return data_ + r * mapping_.stride(0); }

  /// One past the largest offset that the view can reach, 0 if it is empty.
  constexpr index_t span() const {
    if constexpr (PitchedLayout<Layout>) {
      return size() == 0 ? 0 : (extent(0) - 1) * stride(0) + (extent(1) - 1) * stride(1) + 1;
    } else {
      return size();
    }
  }

 private:
  T* data_;
  mapping_type mapping_;
};

/// Row-major matrix of `rows` x `cols` over `data`.
template <class T>
constexpr auto matrix(T* data, index_t rows, index_t cols) {
  return tensor_view<T, dynamic_extents<2>>(data, dynamic_extents<2>(rows, cols));
}

/// Row-major matrix with static extents over `data`.
template <index_t Rows, index_t Cols, class T>
constexpr auto matrix(T* data) {
  return tensor_view<T, extents<Rows, Cols>>(data, extents<Rows, Cols>());
}

/// `cols` columns of a wider row-major matrix whose rows are `pitch` elements apart.
template <class T>
constexpr auto pitched_matrix(T* data, index_t rows, index_t cols, index_t pitch) {
  using mapping = row_pitched::mapping<dynamic_extents<2>>;
  return tensor_view<T, dynamic_extents<2>, row_pitched>(data, mapping(dynamic_extents<2>(rows, cols), pitch));
}

namespace detail {
template <index_t M, index_t N>
constexpr extents<N, M> swapped(const extents<M, N>& e) {
  return extents<N, M>(e[1], e[0]);
}
}  // namespace detail

/// The transpose of a matrix view: same memory, no copy.
template <class T, class Extents, class Layout>
requires(Extents::rank == 2) constexpr auto transposed(const tensor_view<T, Extents, Layout>& x) {
  const auto e = detail::swapped(x.shape());
  using swapped = remove_cv_t<decltype(e)>;
  if constexpr (PitchedLayout<Layout>) {
    using layout = conditional_t<same_as<Layout, row_pitched>, col_pitched, row_pitched>;
    using mapping = typename layout::template mapping<swapped>;
    return tensor_view<T, swapped, layout>(x.data(), mapping(e, x.stride(same_as<Layout, row_pitched> ? 0 : 1)));
  } else {
    using layout = conditional_t<same_as<Layout, row_major>, col_major, row_major>;
    return tensor_view<T, swapped, layout>(x.data(), e);
  }
}

/// Vector of `size` elements over `data`.
template <class T>
constexpr auto vector(T* data, index_t size) {
  return tensor_view<T, dynamic_extents<1>>(data, dynamic_extents<1>(size));
}

/// True if the bytes reached by two views intersect. In constant expressions only identical pointers compare.
template <class A, class B>
constexpr bool overlaps(const A& a, const B& b) {
  if (a.size() == 0 || b.size() == 0) return false;
  const void* const pa = a.data();
  const void* const pb = b.data();
  if (is_constant_evaluated()) return pa == pb;
  const auto first_a = reinterpret_cast<uintptr_t>(pa);
  const auto first_b = reinterpret_cast<uintptr_t>(pb);
  const auto bytes_a = static_cast<uintptr_t>(a.span()) * sizeof(typename A::value_type);
  const auto bytes_b = static_cast<uintptr_t>(b.span()) * sizeof(typename B::value_type);
  return first_a < first_b + bytes_b && first_b < first_a + bytes_a;
}

/// True if two views are the same elements: same pointer, same element size, same strides. Element-wise operators may
/// run in place on such a pair.
template <class A, class B>
constexpr bool same_elements(const A& a, const B& b) {
  if constexpr (sizeof(typename A::value_type) != sizeof(typename B::value_type) || A::rank != B::rank) {
    return false;
  } else {
    if (static_cast<const void*>(a.data()) != static_cast<const void*>(b.data())) return false;
    for (int d = 0; d < A::rank; ++d) {
      if (a.stride(d) != b.stride(d)) return false;
    }
    return true;
  }
}

}  // namespace tessera
