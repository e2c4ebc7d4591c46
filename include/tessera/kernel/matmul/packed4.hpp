// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Matrix product with packed instructions, on one core or shared by many: blocks of M x N accumulators in registers,
/// four products per instruction along K, which is contiguous for both operands.
///
/// Bound: an M x N block takes M + N loads and M * N multiply-accumulates per 4 steps of K, and a branch. 4 x 4: 64
/// MACs in 25 instructions, 2.56 per instruction. All 8 loads come before their uses, in an order that leaves each at
/// least 7 cycles (a word of a far group takes 6), and the 25 instructions fit the core's instruction buffer.
///
/// Sharing: cores form a grid, each with every so-many-th block of rows and of columns. Neighbours, which share a tile
/// and its one port to each group, work on blocks that lie in different groups, and cores begin at different places of
/// K, because those that read the same rows would all ask the same bank.

#include "tessera/isa/packed.hpp"
#include "tessera/kernel/map/packed4.hpp"
#include "tessera/kernel/matmul/shared.hpp"

namespace tessera {
namespace packed {

/// Where a core stands among those that share a matrix.
struct grid {
  index_t row = 0;
  index_t column = 0;
  index_t rows = 1;
  index_t columns = 1;
};
constexpr grid grid_of(const team& t) {
  // As many columns as rows or twice as many, where the number of cores allows it. Closed, so that a compiler that
  // knows the number computes it.
  const int bits = 32 - __builtin_clz(static_cast<uint32_t>(t.cores));
  grid g;
  g.columns = min<index_t>(index_t{1} << (bits / 2), t.cores & -t.cores);
  g.rows = t.cores / g.columns;
  g.row = t.core / g.columns;
  g.column = t.core % g.columns;
  if (g.rows % 4 == 0) g.row = (g.row & ~index_t{3}) | ((g.row + g.column) & 3);
  return g;
}

template <class Isa, class A>
constexpr uint32_t dot(uint32_t acc, uint32_t a, uint32_t b) {
  if constexpr (limits<A>::is_signed) {
    return Isa::pv_sdotsp_b(acc, a, b);
  } else {
    return Isa::pv_sdotusp_b(acc, a, b);
  }
}

/// How a block walks along its rows: with a pitch that is known, the rows of an operand are at constant distances from
/// one pointer; else one pointer steps from row to row and back.
template <class Isa, index_t Rows, index_t Pitch>
struct walk {
  const void* last;  // the last row
  constexpr walk(const void* first, index_t) : last(static_cast<const char*>(first) + (Rows - 1) * Pitch) {}
  template <index_t Row>
  uint32_t word() {
    if constexpr (Row == Rows - 1) {
      return Isa::p_lw_post(last, isa::imm<4>);
    } else {
      constexpr index_t behind = (Rows - 1 - Row) * Pitch;
      using any_word [[gnu::may_alias]] = const volatile uint32_t;
      return *reinterpret_cast<any_word*>(static_cast<const char*>(last) - behind);
    }
  }
  const void* end(index_t bytes) const { return static_cast<const char*>(last) + bytes; }
  bool at(const void* end) const { return last == end; }
};
template <class Isa, index_t Rows>
struct walk<Isa, Rows, dynamic_extent> {
  const void* place;
  int32_t pitch;
  int32_t back;  // from the last row to the next word of the first
  constexpr walk(const void* first, index_t p)
      : place(first), pitch(static_cast<int32_t>(p)), back(static_cast<int32_t>(4 - (Rows - 1) * p)) {}
  template <index_t Row>
  uint32_t word() {
    return Row == Rows - 1 ? Isa::p_lw_post(place, back) : Isa::p_lw_post(place, pitch);
  }
  const void* end(index_t bytes) const { return static_cast<const char*>(place) + bytes; }
  bool at(const void* end) const { return place == end; }
};

/// f(i, j) for i < M and j < N, in squares that grow: (0,0), then all that needs row or column 1, and so on.
template <index_t M, index_t N, class F>
[[gnu::always_inline]] inline void for_each_product(const F& f) {
  unrolled<(M > N ? M : N)>([&](auto k) __attribute__((always_inline)) {
    if constexpr (k.value < M) {
      unrolled<(k.value < N ? k.value : N)>([&](auto j) __attribute__((always_inline)) { f(k, j); });
    }
    if constexpr (k.value < N) {
      unrolled<(k.value + 1 < M ? k.value + 1 : M)>([&](auto i) __attribute__((always_inline)) { f(i, k); });
    }
  });
}

/// acc[i][j] += sum over k < bytes of a[i][k] * b[j][k]; bytes is a multiple of 4 and not 0, rows start at
/// words.
template <class Isa, class A, index_t M, index_t N, index_t PitchA, index_t PitchB>
[[gnu::always_inline]] inline void accumulate(const A* a, index_t pitch_a, const int8_t* b, index_t pitch_b,
                                              index_t bytes, uint32_t (&acc)[M][N]) {
  walk<Isa, M, PitchA> left(a, pitch_a);
  walk<Isa, N, PitchB> right(b, pitch_b);
  const void* const end = left.end(bytes);
  do {
    // Alternately, so that a use never comes soon after its load: those of the first loads come first.
    uint32_t x[M];
    uint32_t y[N];
    unrolled<(M > N ? M : N)>([&](auto i) __attribute__((always_inline)) {
      if constexpr (i.value < M) x[i.value] = left.template word<i.value>();
      if constexpr (i.value < N) y[i.value] = right.template word<i.value>();
    });
    for_each_product<M, N>([&](auto i, auto j) __attribute__((always_inline)) {
      acc[i.value][j.value] = dot<Isa, A>(acc[i.value][j.value], x[i.value], y[j.value]);
    });
  } while (!left.at(end));
}

}  // namespace packed

template <class A, class B, class Policy, class Y, class Tile, PackedTarget T>
struct kernel<matmul_op<A, B, Policy, Y, Tile>, T> {
  static constexpr int tier = 2;
  using tile = conditional_t<same_as<Tile, default_tile>, tile_shape<4, 4, 4>, Tile>;
  /// m x n accumulators in registers, of which 16 can be spared.
  template <class Candidate>
  static constexpr bool accepts = Candidate::m <= 4 && Candidate::n <= 4 && Candidate::k == 4;

  template <class Yv>
  static void run(const A& a, const B& b, const int32_t* bias, const Policy& policy, const Yv& y) {
    if (is_packed(a, b)) {
      blocks(a, b, bias, policy, y);
    } else {
      // Operands whose K is not contiguous, or whose rows do not start at words.
      detail::shared_product(T::share(), a, b, bias, policy, y);
    }
    T::wait();
  }

 private:
  using isa = typename T::packed;
  using lhs = typename A::value_type;

  static bool is_word(const void* p, index_t pitch) {
    return reinterpret_cast<uintptr_t>(p) % 4 == 0 && pitch % 4 == 0;
  }
  static bool is_packed(const A& a, const B& b) {
    if constexpr (!A::contiguous_rows || B::contiguous_rows) {
      return false;
    } else {
      return a.extent(1) >= 4 && (a.extent(0) == 1 || is_word(a.data(), a.stride(0))) && is_word(a.data(), 0) &&
             (b.extent(1) == 1 || is_word(b.data(), b.stride(1))) && is_word(b.data(), 0);
    }
  }
  /// Distance of rows in bytes if it is known and small enough for the offsets of loads.
  template <class Layout, index_t Inner>
  static constexpr index_t known_pitch =
      !PitchedLayout<Layout> && Inner != dynamic_extent && Inner % 4 == 0 && Inner * 3 <= 2048 ? Inner : dynamic_extent;

  /// What stays the same from block to block.
  template <class Yv>
  struct job {
    const A& a;
    const B& b;
    const int32_t* bias;
    packed_rows<isa, Policy> epilogue;
    const Yv& y;
    index_t start;  // byte of K where this core begins: a multiple of 4
  };

  template <class Yv>
  static void blocks(const A& a, const B& b, const int32_t* bias, const Policy& policy, const Yv& y) {
    const job<Yv> all{
        a, b, bias, packed_rows<isa, Policy>(policy), y, index_t{T::share().core} * 4 % (a.extent(1) & ~index_t{3})};
    constexpr bool of_words = tile::n == 4 && sizeof(Y) == 1 && packed_policy<isa, row_of<Policy>>::of_words;
    if (!is_narrow(all.epilogue, y.extent(0))) {
      blocks<way::by_definition>(all);
    } else if (of_words && is_word(y.data(), y.stride(0))) {
      if constexpr (of_words) blocks<way::words>(all);
    } else {
      blocks<way::elements>(all);
    }
    edges(all);
  }
  static bool is_narrow(const packed_rows<isa, Policy>& epilogue, index_t rows) {
    for (index_t r = 0; r < (UniformRequant<Policy> ? 1 : rows); ++r) {
      if (!epilogue.row(r).narrow()) return false;
    }
    return true;
  }

  /// Where a block's operands and results begin.
  struct place {
    const lhs* left;
    const int8_t* right;
    const int32_t* bias;
    Y* out;
  };
  template <class Yv>
  static place place_of(const job<Yv>& all, index_t row, index_t column) {
    return {all.a.data() + row * all.a.stride(0), all.b.data() + column * all.b.stride(1),
            all.bias == nullptr ? nullptr : all.bias + column, all.y.row(row) + column};
  }

  /// How a block's accumulators become results: by the policy's definition, in its 32-bit form, or that and four at
  /// once.
  enum class way {
    by_definition,
    elements,
    words
  };

  /// This core's blocks. Not inlined: the accumulators and operands of a block take every register there is, and its
  /// surroundings must not claim any; and a small stack holds what one way to store needs, not what all do.
  template <way Way, class Yv>
  [[gnu::noinline]] static void blocks(const job<Yv>& all) {
    const packed::grid g = packed::grid_of(T::share());
    const index_t rows = whole<tile::m>(all.y.extent(0));
    const index_t columns = whole<tile::n>(all.y.extent(1));
    for (index_t row = g.row * tile::m; row < rows; row += g.rows * tile::m) {
      const place first = place_of(all, row, 0);
      for (index_t column = g.column * tile::n; column < columns; column += g.columns * tile::n) {
        const place at{first.left, first.right + column * all.b.stride(1),
                       first.bias == nullptr ? nullptr : first.bias + column, first.out + column};
        block<tile::m, tile::n, Way>(all, at, row, column);
      }
    }
  }
  template <index_t Edge>
  static constexpr index_t whole(index_t n) {
    return n / Edge * Edge;
  }

  /// What is left below and beside the blocks, dealt out one piece after the other.
  template <class Yv>
  [[gnu::noinline]] static void edges(const job<Yv>& all) {
    const team who = T::share();
    const index_t row = whole<tile::m>(all.y.extent(0));
    const index_t column = whole<tile::n>(all.y.extent(1));
    index_t turn = 0;
    const auto mine = [&] { return turn++ % who.cores == who.core; };
    for (index_t r = row; r < all.y.extent(0); ++r) {
      for (index_t c = 0; c < column; c += tile::n) {
        if (mine()) block<1, tile::n, way::by_definition>(all, place_of(all, r, c), r, c);
      }
    }
    for (index_t c = column; c < all.y.extent(1); ++c) {
      for (index_t r = 0; r < row; r += tile::m) {
        if (mine()) block<tile::m, 1, way::by_definition>(all, place_of(all, r, c), r, c);
      }
      for (index_t r = row; r < all.y.extent(0); ++r) {
        if (mine()) block<1, 1, way::by_definition>(all, place_of(all, r, c), r, c);
      }
    }
  }

  template <index_t M, index_t N, way Way, class Yv>
  [[gnu::always_inline]] static void block(const job<Yv>& all, place at, index_t row, index_t column) {
    constexpr index_t pitch_a = known_pitch<typename A::layout_type, A::static_extent(1)>;
    constexpr index_t pitch_b = known_pitch<typename B::layout_type, B::static_extent(0)>;
    uint32_t acc[M][N] = {};
    if (at.bias != nullptr) {
      packed::unrolled<N>([&](auto j) __attribute__((always_inline)) {
        packed::unrolled<M>([&](auto i) __attribute__((always_inline)) {
          acc[i.value][j.value] = static_cast<uint32_t>(at.bias[j.value]);
        });
      });
    }
    const index_t inner = all.a.extent(1);
    const index_t words = inner & ~index_t{3};
    const auto part = [&](index_t from, index_t bytes) __attribute__((always_inline)) {
      packed::accumulate<isa, lhs, M, N, pitch_a, pitch_b>(at.left + from, all.a.stride(0), at.right + from,
                                                           all.b.stride(1), bytes, acc);
    };
    part(all.start, words - all.start);
    if (all.start != 0) part(0, all.start);
    for (index_t k = words; k < inner; ++k) {
      packed::unrolled<M>([&](auto i) __attribute__((always_inline)) {
        packed::unrolled<N>([&](auto j) __attribute__((always_inline)) {
          const int32_t x = at.left[i.value * all.a.stride(0) + k];
          const int32_t w = at.right[j.value * all.b.stride(1) + k];
          acc[i.value][j.value] += static_cast<uint32_t>(x * w);
        });
      });
    }
    if constexpr (Way == way::words) {
      store_words(all, at, acc, row, column);
    } else {
      // A copy: an array whose address is given away could not stay in registers.
      int32_t sums[M][N];
      packed::unrolled<M>([&](auto i) __attribute__((always_inline)) {
        packed::unrolled<N>([&](auto j) __attribute__((always_inline)) {
          sums[i.value][j.value] = static_cast<int32_t>(acc[i.value][j.value]);
        });
      });
      for (index_t i = 0; i < M; ++i) {
        const auto& f = form_of<Way>(all, row + i);
        for (index_t j = 0; j < N; ++j) at.out[i * all.y.stride(0) + j] = static_cast<Y>(f(sums[i][j], column + j));
      }
    }
  }

  template <way Way, class Yv>
  [[gnu::always_inline]] static decltype(auto) form_of(const job<Yv>& all, index_t row) {
    if constexpr (Way == way::by_definition) {
      return all.epilogue.policy.row(row);
    } else {
      return all.epilogue.row(row);
    }
  }

  /// Rows of four results, one step of all rows before the next.
  template <index_t M, class Yv>
  [[gnu::always_inline]] static void store_words(const job<Yv>& all, const place& at, const uint32_t (&acc)[M][4],
                                                 index_t row, index_t column) {
    // A copy, so that the registers that are free now hold what it has. Rows alike have the form of the first.
    auto f = packed_policy<isa, row_of<Policy>>(all.epilogue.row(row));
    uint32_t low[M];
    uint32_t high[M];
    packed::unrolled<M>([&](auto i) __attribute__((always_inline)) {
      if constexpr (i.value != 0 && !UniformRequant<Policy>) f = all.epilogue.row(row + i.value);
      int32_t value[4];
      f.map(acc[i.value], value, column);
      low[i.value] = isa::pv_pack(static_cast<uint32_t>(value[1]), static_cast<uint32_t>(value[0]));
      high[i.value] = isa::pv_pack(static_cast<uint32_t>(value[3]), static_cast<uint32_t>(value[2]));
    });
    isa::step(low);
    packed::unrolled<M>([&](auto i) __attribute__((always_inline)) {
      low[i.value] = isa::pv_shuffle2_b(low[i.value], high[i.value], 0x06040200);
    });
    isa::step(low);
    packed::unrolled<M>([&](auto i) __attribute__((always_inline)) {
      __builtin_memcpy(__builtin_assume_aligned(at.out + i.value * all.y.stride(0), 4), &low[i.value], 4);
    });
  }
};

}  // namespace tessera
