// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Cores that execute one operator together, and how they share its rows.

#include "tessera/core/concepts.hpp"

namespace tessera {

/// Core `core` of `cores`. All of them call the operator with the same arguments; each computes its share.
struct team {
  int32_t core = 0;
  int32_t cores = 1;
};

/// A target of cores that share work: `T::share()` is the calling core's part, and `T::wait()` returns when all of them
/// have come to it. An operator ends with it, so that any core may read all of the result.
template <class T>
concept TeamTarget = Target<T> && requires {
  { T::share() } -> same_as<team>;
  T::wait();
};

/// A team of cores with packed instructions on 32-bit registers, `T::packed`. Example: `target::mempool<>`.
template <class T>
concept PackedTarget = TeamTarget<T> && requires {
  typename T::packed;
};

/// A stretch of rows or elements.
struct range {
  index_t begin = 0;
  index_t end = 0;
  constexpr index_t size() const { return end - begin; }
};

/// What a core does of n things: as many as every other, give or take one.
constexpr range share_of(const team& t, index_t n) {
  const index_t each = n / t.cores;
  const index_t more = n % t.cores;  // the first ones take one more
  const index_t begin = t.core * each + min<index_t>(t.core, more);
  return {begin, begin + each + (t.core < more ? 1 : 0)};
}

/// A team of one: a core on its own, or a host that runs a kernel of many cores.
struct alone {
  static constexpr team share() { return {}; }
  static constexpr void wait() {}
};

/// Rows begin, begin + 1, ..., end - 1 of a matrix.
template <class T, class Extents, class Layout>
requires(Extents::rank == 2) constexpr auto rows_of(const tensor_view<T, Extents, Layout>& x, const range& rows) {
  return pitched_matrix(x.data() + rows.begin * x.stride(0), rows.size(), x.extent(1), x.stride(0));
}

/// A policy whose row 0 is row `first` of another.
template <Requant Policy>
struct rows_from {
  static constexpr bool uniform = requires { requires Policy::uniform; };
  const Policy& policy;
  index_t first;
  constexpr decltype(auto) row(index_t r) const { return policy.row(first + r); }
  constexpr int64_t output_min() const { return policy.output_min(); }
  constexpr int64_t output_max() const { return policy.output_max(); }
};

}  // namespace tessera
