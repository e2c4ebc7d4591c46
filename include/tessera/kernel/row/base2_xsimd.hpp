// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The softmax of base two on the host's vector units: one kernel for the accelerator's variants and quantlib's ITAMax.
/// Everything but the sums is done in lanes of bytes.

#include "tessera/arith/base2_softmax.hpp"
#include "tessera/kernel/row/xsimd.hpp"

namespace tessera {

/// Row maps that are a base-two softmax with other names for its numbers.
template <class P>
concept Base2Softmax = requires(const P p) {
  { p.rule() } -> same_as<base2_softmax>;
};

/// Notation of `base2_softmax`. Bytes are compared as unsigned ones: signed ones are moved by 128, which no difference
/// sees.
///
/// Shifts. With h = 2^(log2_step - 1), s(d) = floor((d + h) / 2h) = (floor(d / h) + 1) >> 1, a rounding average of
/// bytes. one <= 1024, so every shift by 11 or more gives 0: s is limited to 15, and one >> s is looked up in a table
/// of 16 numbers.
///
/// Sums. While the maximum stays the same, s(m - max) = 0 and nothing is rounded: the contributions of any number of
/// groups are added in lanes. Only a group that raises the maximum makes the sum so far an integer that is shifted.
template <Base2Softmax P, IntegerUpTo<8> X, Integer Y>
struct vector_row<P, X, Y> {
  explicit vector_row(const P& p) : params_(p), rule_(p.rule()), parts_(part_values(rule_.one).v) {}

  void operator()(const X* x, Y* y, index_t n) const {
    if (n < shortest) return params_(x, y, n);
    const index_t width = rule_.group_width == 0 ? n : rule_.group_width;
    // Groups that share a vector, or one group in one or more vectors.
    const index_t block = width < lanes && lanes % width == 0 ? lanes : width;
    state s{x[0] + bias, 0, simd::u64(uint64_t{0})};
    for (index_t begin = 0; begin < n; begin += block) {
      const index_t size = min(block, n - begin);
      if (size > lanes) {
        simd::u8 most = bytes(s.maximum);
        for (index_t j = 0; j + lanes <= size; j += lanes) most = simd::larger(most, load(x + begin + j));
        raise(s, simd::largest(simd::larger(most, load(x + begin + size - lanes))));
        index_t j = 0;
        for (; j + lanes <= size; j += lanes) accumulate(s, shifts(load(x + begin + j), s.maximum));
        if (j < size) add_columns(s, load(x + begin + size - lanes), lanes - (size - j), lanes);
      } else {
        // A vector inside the row that holds the block, whose first column is lane `at`.
        const index_t at = max<index_t>(begin + lanes - n, 0);
        const simd::u8 v = load(x + begin - at);
        for (index_t j = at; j < at + size;) {
          const simd::u8 rest = v & ~outside(j, at + size);
          const bool raised = !xsimd::all(simd::larger(rest, bytes(s.maximum)) == bytes(s.maximum));
          const index_t end = raised ? min(j + width, at + size) : at + size;
          if (raised) raise(s, max(s.maximum, simd::largest(v & ~outside(j, end))));
          add_columns(s, v, j, end);
          j = end;
        }
      }
    }
    finish(x, y, n, rule_.numerator / total(s), s.maximum);
  }

 private:
  static constexpr index_t lanes = simd::lanes8;
  static constexpr index_t shortest =
      32;  ///< shorter rows, of which a vector may hold more, are computed by definition
  static_assert(lanes <= shortest);
  static constexpr int bias = limits<X>::is_signed ? 128 : 0;

  struct state {
    int maximum;      ///< moved by the bias
    int32_t sum;      ///< up to the last group that raised the maximum
    simd::u64 later;  ///< the contributions since then
  };

  struct sixteen {
    uint16_t v[16];
  };
  static constexpr sixteen part_values(int32_t one) {
    sixteen t{};
    for (int i = 0; i < 16; ++i) t.v[i] = static_cast<uint16_t>(one >> i);
    return t;
  }

  static simd::u8 bytes(int v) { return simd::u8(static_cast<uint8_t>(v)); }
  static simd::u8 load(const X* x) { return simd::load_bytes(x) ^ bytes(bias); }

  /// 255 in the lanes outside [begin, end).
  static simd::u8 outside(index_t begin, index_t end) {
    static constexpr auto window = [] {
      struct {
        uint8_t v[3 * lanes];
      } w{};
      for (index_t i = 0; i < 3 * lanes; ++i) w.v[i] = i < lanes || i >= 2 * lanes ? 255 : 0;
      return w;
    }();
    return simd::load_bytes(window.v + lanes - begin) | simd::load_bytes(window.v + 2 * lanes - end);
  }

  /// s(max - v), limited to 15.
  simd::u8 shifts(simd::u8 v, int maximum) const {
    const simd::u8 d = bytes(maximum) - v;
    const simd::u8 s = rule_.log2_step == 0 ? d : simd::half_sum(simd::shifted_right(d, rule_.log2_step - 1), bytes(0));
    return simd::smaller(s, bytes(15));
  }

  void accumulate(state& s, simd::u8 shift) const { s.later = s.later + simd::sum_of(parts_, shift); }

  /// Adds the lanes [begin, end) of v, none of which is above the maximum.
  void add_columns(state& s, simd::u8 v, index_t begin, index_t end) const {
    accumulate(s, simd::smaller(shifts(v, s.maximum) | outside(begin, end), bytes(15)));
  }

  static int32_t total(const state& s) { return s.sum + static_cast<int32_t>(xsimd::hadd(s.later)); }

  void raise(state& s, int maximum) const {
    if (maximum == s.maximum) return;
    s = {maximum, total(s) >> rule_.shift(maximum - s.maximum), simd::u64(uint64_t{0})};
  }

  /// y = inverse >> s(max - x). Bytes hold it, so inverse < 256 and every shift by 8 or more gives 0.
  void finish(const X* x, Y* y, index_t n, int32_t inverse, int maximum) const {
    if constexpr (sizeof(Y) == 1) {
      uint8_t outputs[lanes];
      for (index_t i = 0; i < lanes; ++i) outputs[i] = static_cast<uint8_t>(inverse >> (i % 16));
      const simd::u8 table = simd::load_bytes(outputs);
      const simd::u8 last = simd::look_up(table, shifts(load(x + n - lanes), maximum));  // before y, which may be x
      for (index_t j = 0; j + lanes <= n; j += lanes) {
        simd::store_bytes(y + j, simd::look_up(table, shifts(load(x + j), maximum)));
      }
      simd::store_bytes(y + n - lanes, last);
    } else {
      for (index_t j = 0; j < n; ++j) y[j] = static_cast<Y>(inverse >> rule_.shift(maximum - (x[j] + bias)));
    }
  }

  P params_;
  base2_softmax rule_;
  simd::table16 parts_;
};

}  // namespace tessera
