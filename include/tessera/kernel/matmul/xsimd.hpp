// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Matrix product on the host's vector units: bytes widened to 16 bits, products of pairs added in 32 bits, which is
/// exact for every operand (2 * 255 * 128 < 2^31). Two register kernels:
///   dot    b is stored (N, K): vectors run along K, horizontal sums at the end;
///   outer  b is stored (K, N): vectors run along N, pairs of a broadcast.
/// Both compute rows of accumulators in a stack buffer, on which the policy then works by rows of columns.
///
/// Bound (AVX2): one multiply-add of 16 bytes and one add per 16 MACs, and (tile m + tile n) widening loads per
/// m * n * 16 MACs: with the default 3 x 4 tiles 31 vector instructions per 192 MACs.

#include "tessera/kernel/map/xsimd.hpp"
#include "tessera/kernel/matmul/reference.hpp"

namespace tessera {
namespace simd {

/// Columns of accumulators, and elements of K, that the stack buffers of the matrix product hold.
inline constexpr index_t column_block = 128;
inline constexpr index_t inner_block = 512;

/// lanes16 bytes at p as 16-bit integers, of which only the first n < lanes16 are read.
template <class Byte>
i16 widen16_partial(const Byte* p, index_t n) {
  Byte bytes[lanes16] = {};
  __builtin_memcpy(bytes, p, static_cast<size_t>(n));
  return widen16(bytes);
}

/// f(0), f(1), ..., f(N - 1), written out: accumulators indexed by the constants stay in registers.
template <index_t I>
struct constant {
  constexpr operator index_t() const { return I; }
};
template <index_t N, index_t I = 0, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  if constexpr (I < N) {
    f(constant<I>{});
    unrolled<N, I + 1>(f);
  }
}

/// acc[i][j] += sum over k < n of a[i][k] * b[j][k], for a block of M rows and N <= 4 columns. Rows of a and b are
/// contiguous. acc: rows `column_block` apart.
template <index_t M, index_t N, class A>
void dot_tile(const A* a, index_t step_a, const int8_t* b, index_t step_b, index_t n, int32_t* acc) {
  i32 sum[M][4];
  unrolled<M>([&](auto i) { unrolled<4>([&](auto j) { sum[i][j] = i32(0); }); });
  const auto step = [&](auto load, index_t k) __attribute__((always_inline)) {
    i16 left[M];
    unrolled<M>([&](auto i) { left[i] = load(a + i * step_a + k); });
    unrolled<N>([&](auto j) {
      const i16 right = load(b + j * step_b + k);
      unrolled<M>([&](auto i) { sum[i][j] = sum[i][j] + dot_pairs(left[i], right); });
    });
  };
  index_t k = 0;
  for (; k + lanes16 <= n; k += lanes16) step([](const auto* p) { return widen16(p); }, k);
  if (k < n) step([rest = n - k](const auto* p) { return widen16_partial(p, rest); }, k);
  unrolled<M>([&](auto i) {
    int32_t out[4];
    sum_each(sum[i][0], sum[i][1], sum[i][2], sum[i][3], out);
    for (index_t j = 0; j < N; ++j) {
      int32_t& total = acc[i * column_block + j];
      total = static_cast<int32_t>(static_cast<uint32_t>(total) + static_cast<uint32_t>(out[j]));
    }
  });
}

/// acc[i][j] += sum over pairs p < n of a_pairs[i][p] . (b[2p][j], b[2p + 1][j]) for M rows and lanes16 columns.
/// a_pairs: two 16-bit values in 32 bits, rows inner_block / 2 apart. The last row of b may be absent (odd K): its
/// partner in a_pairs is 0 and `last_row` is read instead.
template <index_t M>
void outer_tile(const int32_t* a_pairs, const int8_t* b, index_t step_b, index_t n, const int8_t* last_row,
                int32_t* acc) {
  i32 low[M];
  i32 high[M];
  unrolled<M>([&](auto i) {
    low[i] = i32::load_unaligned(acc + i * column_block);
    high[i] = i32::load_unaligned(acc + i * column_block + lanes32);
  });
  for (index_t p = 0; p < n; ++p) {
    const int8_t* const first = b + 2 * p * step_b;
    const pair_of_i16 columns = pairs16(first, p + 1 == n ? last_row : first + step_b);
    unrolled<M>([&](auto i) {
      const i16 pair = xsimd::bitwise_cast<i16>(i32(a_pairs[i * (inner_block / 2) + p]));
      low[i] = low[i] + dot_pairs(pair, columns.first);
      high[i] = high[i] + dot_pairs(pair, columns.second);
    });
  }
  unrolled<M>([&](auto i) {
    low[i].store_unaligned(acc + i * column_block);
    high[i].store_unaligned(acc + i * column_block + lanes32);
  });
}

/// Calls f.template operator()<i>() with i = n, for 1 <= n <= Most.
template <index_t Most, class F>
void with_constant(index_t n, F f) {
  if constexpr (Most > 1) {
    if (n < Most) return with_constant<Most - 1>(n, f);
  }
  f.template operator()<Most>();
}

/// M rows by `columns` columns of accumulators, b stored (N, K).
template <index_t M, index_t N, class A>
void dot_rows(const A* a, index_t step_a, const int8_t* b, index_t step_b, index_t inner, index_t columns,
              int32_t* acc) {
  index_t j = 0;
  for (; j + N <= columns; j += N) dot_tile<M, N>(a, step_a, b + j * step_b, step_b, inner, acc + j);
  if (j < columns) {
    with_constant<N>(columns - j,
                     [&]<index_t Rest>() { dot_tile<M, Rest>(a, step_a, b + j * step_b, step_b, inner, acc + j); });
  }
}

/// M rows by `columns` columns of accumulators, b stored (K, N).
template <index_t M>
void outer_rows(const int32_t* a_pairs, const int8_t* b, index_t step_b, index_t inner, index_t columns, int32_t* acc) {
  const index_t pairs = ceil_div(inner, 2);
  index_t j = 0;
  for (; j + lanes16 <= columns; j += lanes16) {
    const int8_t* const last = b + j + (inner - 1) * step_b;
    outer_tile<M>(a_pairs, b + j, step_b, pairs, last, acc + j);
  }
  if (j < columns) {  // the remaining columns, copied to rows that may be read in full
    int8_t edge[inner_block * lanes16];
    for (index_t k = 0; k < inner; ++k) {
      __builtin_memset(edge + k * lanes16, 0, static_cast<size_t>(lanes16));
      __builtin_memcpy(edge + k * lanes16, b + k * step_b + j, static_cast<size_t>(columns - j));
    }
    outer_tile<M>(a_pairs, edge, lanes16, pairs, edge + (inner - 1) * lanes16, acc + j);
  }
}

}  // namespace simd

template <class A, class B, class Policy, class Y, class Tile, VectorTarget T>
requires VectorRequant<Policy>
struct kernel<matmul_op<A, B, Policy, Y, Tile>, T> {
  static constexpr int tier = 1;
  using tile = conditional_t<same_as<Tile, default_tile>, tile_shape<3, 4, simd::lanes16>, Tile>;
  /// m x n accumulators in registers: at most 4 x 4; vectors of K have a fixed length.
  template <class Candidate>
  static constexpr bool accepts = Candidate::m <= 4 && Candidate::n <= 4 && Candidate::k == simd::lanes16;

  /// b is stored with K contiguous.
  static constexpr bool inner_contiguous = !B::contiguous_rows;

  template <class Yv>
  static void run(A a, B b, const int32_t* bias, const Policy& policy, Yv y) {
    for (index_t column = 0; column < y.extent(1); column += simd::column_block) {
      const index_t columns = min(simd::column_block, y.extent(1) - column);
      index_t row = 0;
      for (; row + tile::m <= y.extent(0); row += tile::m) {
        block<tile::m>(a, b, bias, policy, y, row, column, columns);
      }
      if (row < y.extent(0)) {
        simd::with_constant<tile::m>(y.extent(0) - row,
                                     [&]<index_t Rest>() { block<Rest>(a, b, bias, policy, y, row, column, columns); });
      }
    }
  }

 private:
  using lhs = typename A::value_type;

  /// M rows by up to column_block columns.
  template <index_t M, class Yv>
  static void block(A a, B b, const int32_t* bias, const Policy& policy, Yv y, index_t row, index_t column,
                    index_t columns) {
    alignas(64) int32_t acc[M * simd::column_block + simd::lanes16];
    for (index_t i = 0; i < M; ++i) {
      int32_t* const line = acc + i * simd::column_block;
      if (bias == nullptr) {
        __builtin_memset(line, 0, sizeof(int32_t) * simd::column_block);
      } else {
        __builtin_memcpy(line, bias + column, sizeof(int32_t) * static_cast<size_t>(columns));
      }
    }
    const index_t inner = a.extent(1);
    const int8_t* const right = b.data() + column * b.stride(1);
    if constexpr (inner_contiguous && A::contiguous_rows) {
      simd::dot_rows<M, tile::n>(a.row(row), a.stride(0), right, b.stride(1), inner, columns, acc);
    } else {
      for (index_t k = 0; k < inner; k += simd::inner_block) {
        const index_t depth = min(simd::inner_block, inner - k);
        if constexpr (inner_contiguous) {
          lhs rows[M * simd::inner_block];
          pack<M>(a, row, k, depth, [&](index_t i, index_t p, lhs v) { rows[i * simd::inner_block + p] = v; });
          simd::dot_rows<M, tile::n>(rows, simd::inner_block, right + k, b.stride(1), depth, columns, acc);
        } else {
          int16_t pairs[M * simd::inner_block];
          pack<M>(a, row, k, depth, [&](index_t i, index_t p, lhs v) { pairs[i * simd::inner_block + p] = v; });
          int32_t words[M * simd::inner_block / 2];
          if (depth % 2 != 0) {
            for (index_t i = 0; i < M; ++i) pairs[i * simd::inner_block + depth] = 0;
          }
          __builtin_memcpy(words, pairs, sizeof(words));
          simd::outer_rows<M>(words, right + k * b.stride(0), b.stride(0), depth, columns, acc);
        }
      }
    }
    for (index_t i = 0; i < M; ++i) {
      simd::map_row(policy.row(row + i), acc + i * simd::column_block, y.row(row + i) + column, column, columns);
    }
  }

  /// Hands rows row.. row + M, columns k.. k + depth of a to `put`.
  template <index_t M, class Put>
  static void pack(A a, index_t row, index_t k, index_t depth, Put put) {
    for (index_t i = 0; i < M; ++i) {
      const lhs* const p = a.data() + (row + i) * a.stride(0) + k * a.stride(1);
      for (index_t j = 0; j < depth; ++j) put(i, j, p[j * a.stride(1)]);
    }
  }
};

}  // namespace tessera
