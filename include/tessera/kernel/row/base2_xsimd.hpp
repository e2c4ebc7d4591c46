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
/// bytes. one <= 1024, so every shift by 11 or more gives 0: s is limited to 15, and one >> s is looked up in two
/// tables of 16 bytes.
///
/// Sums. While the maximum stays the same, s(m - max) = 0 and nothing is rounded: the contributions of any number of
/// groups are added in lanes. Only a group that raises the maximum makes the sum so far an integer that is shifted.
template <Base2Softmax P, IntegerUpTo<8> X, Integer Y>
struct vector_row<P, X, Y> {
  explicit vector_row(const P& p) : rule_(p.rule()) {
    uint8_t low[lanes];
    uint8_t high[lanes];
    for (index_t i = 0; i < lanes; ++i) {
      low[i] = static_cast<uint8_t>(rule_.one >> (i % 16));
      high[i] = static_cast<uint8_t>(rule_.one >> (i % 16) >> 8);
    }
    low_ = simd::load_bytes(low);
    high_ = simd::load_bytes(high);
  }

  void operator()(const X* x, Y* y, index_t n) const {
    const index_t width = rule_.group_width == 0 ? n : rule_.group_width;
    // Groups that share a vector, or one group in one or more vectors.
    const index_t block = width < lanes && lanes % width == 0 ? lanes : width;
    state s{flipped(x[0]), 0, simd::u64(uint64_t{0}), simd::u64(uint64_t{0})};
    for (index_t begin = 0; begin < n; begin += block) {
      const index_t size = min(block, n - begin);
      if (size > lanes) {
        int highest = s.maximum;
        for (index_t j = 0; j < size; j += lanes) {
          highest = max(highest, simd::largest(load(x + begin + j, min(lanes, size - j))));
        }
        raise(s, highest);
        for (index_t j = 0; j < size; j += lanes) {
          const index_t rest = min(lanes, size - j);
          accumulate(s, load(x + begin + j, rest), 0, rest);
        }
      } else {
        const simd::u8 v = load(x + begin, size);  // absent columns are 0, which raises no maximum
        if (xsimd::all(simd::larger(v, bytes(s.maximum)) == bytes(s.maximum))) {
          accumulate(s, v, 0, size);
        } else {
          for (index_t j = 0; j < size; j += width) {
            const index_t end = min(j + width, size);
            raise(s, max(s.maximum, simd::largest(v & ~outside(j, end))));
            accumulate(s, v, j, end);
          }
        }
      }
    }
    finish(x, y, n, rule_.numerator / total(s), s.maximum);
  }

 private:
  static constexpr index_t lanes = simd::lanes8;

  struct state {
    int maximum;     ///< moved by 128 for signed bytes
    int32_t sum;     ///< up to the last group that raised the maximum
    simd::u64 low;   ///< low bytes of what came later
    simd::u64 high;  ///< high bytes
  };

  static simd::u8 bytes(int v) { return simd::u8(static_cast<uint8_t>(v)); }
  static constexpr int bias = limits<X>::is_signed ? 128 : 0;
  static int flipped(X x) { return x + bias; }

  static simd::u8 load(const X* x, index_t n) {
    if (n == lanes) return simd::load_bytes(x) ^ bytes(bias);
    X part[lanes];
    __builtin_memset(part, -bias, sizeof(part));
    __builtin_memcpy(part, x, static_cast<size_t>(n));
    return simd::load_bytes(part) ^ bytes(bias);
  }

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

  /// Adds the columns [begin, end) of v, none of which is above the maximum.
  void accumulate(state& s, simd::u8 v, index_t begin, index_t end) const {
    simd::u8 index = shifts(v, s.maximum);
    if (end - begin < lanes) index = index | (outside(begin, end) & bytes(15));
    s.low = s.low + simd::sum_bytes(simd::look_up(low_, index));
    s.high = s.high + simd::sum_bytes(simd::look_up(high_, index));
  }

  static int32_t total(const state& s) {
    const uint64_t later = xsimd::hadd(s.low) + 256 * xsimd::hadd(s.high);
    return s.sum + static_cast<int32_t>(later);
  }

  void raise(state& s, int maximum) const {
    if (maximum == s.maximum) return;
    s = {maximum, total(s) >> rule_.shift(maximum - s.maximum), simd::u64(uint64_t{0}), simd::u64(uint64_t{0})};
  }

  /// y = inverse >> s(max - x). Bytes hold it, so inverse < 256 and every shift by 8 or more gives 0.
  void finish(const X* x, Y* y, index_t n, int32_t inverse, int maximum) const {
    index_t j = 0;
    if constexpr (sizeof(Y) == 1) {
      uint8_t outputs[lanes];
      for (index_t i = 0; i < lanes; ++i) outputs[i] = static_cast<uint8_t>(inverse >> (i % 16));
      const simd::u8 table = simd::load_bytes(outputs);
      for (; j + lanes <= n; j += lanes) {
        simd::store_bytes(y + j, simd::look_up(table, shifts(load(x + j, lanes), maximum)));
      }
      if (j < n) {
        simd::store_bytes(outputs, simd::look_up(table, shifts(load(x + j, n - j), maximum)));
        __builtin_memcpy(y + j, outputs, static_cast<size_t>(n - j));
      }
    } else {
      for (; j < n; ++j) y[j] = static_cast<Y>(inverse >> rule_.shift(maximum - flipped(x[j])));
    }
  }

  base2_softmax rule_;
  simd::u8 low_ = bytes(0);
  simd::u8 high_ = bytes(0);
};

}  // namespace tessera
