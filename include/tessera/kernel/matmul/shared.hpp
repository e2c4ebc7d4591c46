// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Matrix product by its definition, the rows shared by a team of cores; where there are fewer rows than cores, the
/// columns.

#include "tessera/core/team.hpp"
#include "tessera/kernel/matmul/reference.hpp"
#include "tessera/target/reference.hpp"

namespace tessera {

namespace detail {

/// A stretch of the rows of any matrix view, or of its columns as the rows of the transpose.
template <class V>
constexpr auto some_rows(const V& x, const range& rows) {
  if constexpr (V::contiguous_rows) {
    return rows_of(x, rows);
  } else {
    return transposed(pitched_matrix(x.data() + rows.begin, x.extent(1), rows.size(), x.stride(1)));
  }
}

/// A policy whose column 0 is column `first` of another.
template <Requant Policy>
struct columns_from {
  struct row_map {
    row_of<Policy> map;
    index_t first;
    constexpr int64_t operator()(int64_t acc, index_t c) const { return map(acc, first + c); }
  };
  const Policy& policy;
  index_t first;
  constexpr row_map row(index_t r) const { return {policy.row(r), first}; }
  constexpr int64_t output_min() const { return policy.output_min(); }
  constexpr int64_t output_max() const { return policy.output_max(); }
};

template <class A, class B, class Policy, class Yv>
constexpr void shared_product(const team& who, const A& a, const B& b, const int32_t* bias, const Policy& policy,
                              const Yv& y) {
  using out = typename Yv::value_type;
  if (y.extent(0) >= who.cores) {
    const range rows = share_of(who, y.extent(0));
    const auto left = some_rows(a, rows);
    using op = matmul_op<remove_cv_t<decltype(left)>, B, rows_from<Policy>, out, default_tile>;
    kernel<op, target::reference>::run(left, b, bias, rows_from<Policy>{policy, rows.begin}, rows_of(y, rows));
  } else {
    const range columns = share_of(who, y.extent(1));
    const auto right = transposed(some_rows(transposed(b), columns));
    const auto part = pitched_matrix(y.data() + columns.begin, y.extent(0), columns.size(), y.stride(0));
    using op = matmul_op<A, remove_cv_t<decltype(right)>, columns_from<Policy>, out, default_tile>;
    kernel<op, target::reference>::run(a, right, bias == nullptr ? nullptr : bias + columns.begin,
                                       columns_from<Policy>{policy, columns.begin}, part);
  }
}

}  // namespace detail

template <class A, class B, class Policy, class Y, class Tile, TeamTarget T>
struct kernel<matmul_op<A, B, Policy, Y, Tile>, T> {
  static constexpr int tier = 1;
  template <class Yv>
  static constexpr void run(const A& a, const B& b, const int32_t* bias, const Policy& policy, const Yv& y) {
    detail::shared_product(T::share(), a, b, bias, policy, y);
    T::wait();
  }
};

}  // namespace tessera
