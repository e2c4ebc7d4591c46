// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Policies in 32-bit arithmetic, for cores whose registers have 32 bits: the epilogue of matrix products and the
/// element-wise operators there. Each form is exact wherever it says that it is `narrow`; elsewhere the definition is
/// computed, in 64 bits.

#include "tessera/arith/ibert.hpp"
#include "tessera/arith/ita.hpp"
#include "tessera/arith/quantlib.hpp"
#include "tessera/core/team.hpp"
#include "tessera/isa/packed.hpp"
#include "tessera/kernel/map/reference.hpp"

namespace tessera {
namespace packed {

/// f(0), f(1), ..., f(Count - 1) with constants, written out: arrays indexed by them stay in registers.
template <index_t I>
struct constant {
  static constexpr index_t value = I;
};
template <index_t Count, index_t I = 0, class F>
[[gnu::always_inline]] constexpr void unrolled(const F& f) {
  if constexpr (I < Count) {
    f(constant<I>{});
    unrolled<Count, I + 1>(f);
  }
}

/// What the forms share. `of_words`: four neighbouring columns at once, by map(), are cheaper than one after the other
/// and need few registers.
struct one_by_one {
  static constexpr bool of_words = false;
};

}  // namespace packed

/// The 32-bit form of a policy's row. `packed_policy<Isa, Row> f(row)` is built once per row; `f.narrow()` says whether
/// f(acc, c), for any int32 acc, is the policy's value. This one, for policies without a form of their own, never is.
template <class Isa, class Row>
struct packed_policy : packed::one_by_one {
  constexpr explicit packed_policy(const Row&) {}
  static constexpr bool narrow() { return false; }
  constexpr int32_t operator()(int32_t, index_t) const { return 0; }
};

namespace packed {

/// clamp(v, low, high) in two instructions.
template <class Isa>
constexpr int32_t limit(int32_t v, int32_t low, int32_t high) {
  const uint32_t above = Isa::p_max(static_cast<uint32_t>(v), static_cast<uint32_t>(low));
  return static_cast<int32_t>(Isa::p_min(above, static_cast<uint32_t>(high)));
}
template <class Isa>
constexpr int32_t limit_to_int8(int32_t v) {
  return static_cast<int32_t>(Isa::p_clip(static_cast<uint32_t>(v), isa::imm<8>));
}
constexpr int32_t as_int32(uint32_t v) { return static_cast<int32_t>(v); }
constexpr bool is_int32(int64_t low, int64_t high) {
  return low >= limits<int32_t>::min && high <= limits<int32_t>::max;
}

/// RHU((acc * mul + add) / 2^shift) + offset where the result will be limited to -256 .. 255: accumulators that give
/// more are limited first, to what still gives more, after which everything fits 32 bits. 5 instructions.
struct limited_product {
  int32_t most = 0;  ///< accumulators are limited to -most - 1 .. most
  uint32_t mul = 0;
  uint32_t add = 0;  ///< with the rounding and the offset, as both may come before the shift
  int32_t shift = 0;

  static constexpr int32_t most_shift = 20;
  /// Whether intermediate values fit 32 bits.
  static constexpr bool fits(int64_t m, int64_t a, int64_t s) {
    return m > 0 && m < 1 << 28 && s >= 0 && s <= most_shift && a > -(1 << 28) && a < 1 << 28;
  }
  /// Only for what fits. |offset| <= 128.
  constexpr limited_product(int32_t m, int32_t a, int32_t s, int32_t offset) : mul(static_cast<uint32_t>(m)), shift(s) {
    // |most * mul| is in 513 * 2^s + |a| and 2 * mul more: with the addends below 2^31, and beyond 256 without them.
    const int32_t bound = (513 << s) + (a < 0 ? -a : a);
    most = bound / m + 1;
    const uint32_t half = s == 0 ? 0u : 1u << (s - 1);
    add = static_cast<uint32_t>(a) + half + (static_cast<uint32_t>(offset) << s);
  }
  constexpr limited_product() = default;

  template <class Isa>
  constexpr int32_t apply(int32_t acc) const {
    const uint32_t limited = Isa::p_clipr(static_cast<uint32_t>(acc), static_cast<uint32_t>(most));
    return as_int32(Isa::p_mac(add, limited, mul)) >> shift;
  }
  /// The same for N, one step of all before the next: each result takes three cycles until it can be used.
  template <class Isa, index_t N, class Limit>
  [[gnu::always_inline]] constexpr void apply(const uint32_t (&acc)[N], int32_t (&value)[N], Limit limit) const {
    uint32_t v[N];
    const auto step = [&](const auto& f) __attribute__((always_inline)) {
      unrolled<N>([&](auto j) __attribute__((always_inline)) { v[j.value] = f(v[j.value]); });
      Isa::step(v);
    };
    unrolled<N>([&](auto j) __attribute__((always_inline)) { v[j.value] = acc[j.value]; });
    step([this](uint32_t x) { return Isa::p_clipr(x, static_cast<uint32_t>(most)); });
    step([this](uint32_t x) { return x * mul; });
    step([this](uint32_t x) { return static_cast<uint32_t>(as_int32(x + add) >> shift); });
    unrolled<N>([&](auto j) __attribute__((always_inline)) { value[j.value] = limit(as_int32(v[j.value])); });
  }
};

/// x * m as 64 bits in two registers.
struct wide {
  int32_t high;
  uint32_t low;
};
constexpr wide multiply(int32_t x, int32_t m) {
  const int64_t product = int64_t{x} * m;
  return {static_cast<int32_t>(product >> 32), static_cast<uint32_t>(product)};
}

}  // namespace packed

/// Saturation.
template <class Isa>
struct packed_policy<Isa, saturating> : packed::one_by_one {
  int32_t low;
  int32_t high;
  bool fits;
  constexpr explicit packed_policy(const saturating& p)
      : low(saturate<int32_t>(p.low)), high(saturate<int32_t>(p.high)), fits(packed::is_int32(p.low, p.high)) {}
  constexpr bool narrow() const { return fits; }
  constexpr int32_t operator()(int32_t acc, index_t) const { return packed::limit<Isa>(acc, low, high); }
};

/// RHU(acc * mult / 2^shift) + add, saturated to int8. 5 instructions.
template <class Isa>
struct packed_policy<Isa, ita::requant> {
  static constexpr bool of_words = true;
  packed::limited_product product;
  bool fits;
  constexpr explicit packed_policy(const ita::requant& p) : fits(packed::limited_product::fits(p.mult, 0, p.shift)) {
    if (fits) product = packed::limited_product(p.mult, 0, p.shift, p.add);
  }
  constexpr bool narrow() const { return fits; }
  constexpr int32_t operator()(int32_t acc, index_t) const {
    return packed::limit_to_int8<Isa>(product.template apply<Isa>(acc));
  }
  template <index_t N>
  [[gnu::always_inline]] constexpr void map(const uint32_t (&acc)[N], int32_t (&value)[N], index_t) const {
    product.template apply<Isa>(acc, value, packed::limit_to_int8<Isa>);
  }
};

/// RHU((acc * mul + add) / 2^log2_d), saturated. 6 instructions.
template <class Isa>
struct packed_policy<Isa, quantlib::requant_shift> {
  static constexpr bool of_words = true;
  packed::limited_product product;
  int32_t low;
  int32_t high;
  bool fits;
  constexpr explicit packed_policy(const quantlib::requant_shift& p)
      : low(static_cast<int32_t>(p.output_min())),
        high(static_cast<int32_t>(p.output_max())),
        fits(packed::limited_product::fits(p.mul, p.add, p.log2_d) && low >= -256 && high <= 255) {
    if (fits) product = packed::limited_product(p.mul, p.add, p.log2_d, 0);
  }
  constexpr bool narrow() const { return fits; }
  constexpr int32_t operator()(int32_t acc, index_t) const {
    return packed::limit<Isa>(product.template apply<Isa>(acc), low, high);
  }
  template <index_t N>
  [[gnu::always_inline]] constexpr void map(const uint32_t (&acc)[N], int32_t (&value)[N], index_t) const {
    product.template apply<Isa>(acc, value, [this](int32_t v) { return packed::limit<Isa>(v, low, high); });
  }
};

/// The same with a multiplier per column, exact for all: the sum has 64 bits in two registers, of which the upper one
/// is limited so that the shifted value fits one: to no less than 2^30, which is more than the limits of the result.
/// 2 <= log2_d <= 31.
template <class Isa>
struct packed_policy<Isa, quantlib::requant_shift_channels> : packed::one_by_one {
  const int32_t* mul;
  const int32_t* add;
  int32_t shift;
  int32_t low;
  int32_t high;
  bool fits;
  constexpr explicit packed_policy(const quantlib::requant_shift_channels& p)
      : mul(p.mul),
        add(p.add),
        shift(p.log2_d),
        low(static_cast<int32_t>(p.output_min())),
        high(static_cast<int32_t>(p.output_max())),
        fits(p.log2_d >= 2 && p.log2_d <= 31 && p.n_levels <= 1 << 30) {}
  constexpr bool narrow() const { return fits; }
  constexpr int32_t operator()(int32_t acc, index_t c) const {
    const int64_t sum = int64_t{acc} * mul[c] + add[c] + (int64_t{1} << (shift - 1));
    const int32_t most = static_cast<int32_t>((1u << (shift - 1)) - 1);
    const uint32_t top = Isa::p_clipr(static_cast<uint32_t>(sum >> 32), static_cast<uint32_t>(most));
    const uint32_t value = top << (32 - shift) | static_cast<uint32_t>(sum) >> shift;
    return packed::limit<Isa>(packed::as_int32(value), low, high);
  }
};

namespace packed {

/// RNE(x * m / 2^e) for |m| < 2^31 and 33 <= e <= 62: the rounding bit and all that decides about ties but the lower
/// register being 0 is in the upper one.
template <class Isa>
constexpr int32_t multiply_round_even(int32_t x, int32_t m, int32_t e) {
  const wide product = multiply(x, m);
  const int32_t shift = e - 32;
  const int32_t rounded = as_int32(static_cast<uint32_t>(product.high) + (1u << (shift - 1)));
  int32_t result = rounded >> shift;
  if (product.low == 0 && (static_cast<uint32_t>(rounded) & ((1u << shift) - 1)) == 0) result &= ~1;
  return result;
}
constexpr bool is_narrow(const ibert::multiplier& s) {
  return s.e >= 33 && s.e <= 62 && s.m > -(int64_t{1} << 31) && s.m < int64_t{1} << 31;
}

}  // namespace packed

/// Dyadic requantisation with limits of 32 bits. 7 instructions.
template <class Isa>
struct packed_policy<Isa, ibert::dyadic> : packed::one_by_one {
  int32_t m;
  int32_t e;
  int32_t low;
  int32_t high;
  bool fits;
  constexpr explicit packed_policy(const ibert::dyadic& p)
      : m(static_cast<int32_t>(p.scale.m)),
        e(p.scale.e),
        low(saturate<int32_t>(p.low)),
        high(saturate<int32_t>(p.high)),
        fits(packed::is_narrow(p.scale) && packed::is_int32(p.low, p.high)) {}
  constexpr bool narrow() const { return fits; }
  constexpr int32_t operator()(int32_t acc, index_t) const {
    return packed::limit<Isa>(packed::multiply_round_even<Isa>(acc, m, e), low, high);
  }
};

/// The same per column; a column whose multiplier is out of range is computed by definition.
template <class Isa>
struct packed_policy<Isa, ibert::dyadic_channels> : packed::one_by_one {
  ibert::dyadic_channels policy;
  int32_t low;
  int32_t high;
  constexpr explicit packed_policy(const ibert::dyadic_channels& p)
      : policy(p), low(saturate<int32_t>(p.low)), high(saturate<int32_t>(p.high)) {}
  constexpr bool narrow() const { return packed::is_int32(policy.low, policy.high); }
  constexpr int32_t operator()(int32_t acc, index_t c) const {
    const ibert::multiplier scale{policy.m[c], policy.e[c]};
    if (!packed::is_narrow(scale)) return static_cast<int32_t>(policy(acc, c));
    const int32_t rounded = packed::multiply_round_even<Isa>(acc, static_cast<int32_t>(scale.m), scale.e);
    return packed::limit<Isa>(rounded, low, high);
  }
};

/// Compositions whose first part gives 32 bits.
template <class Isa, class First, class Second>
struct packed_policy<Isa, then_row<First, Second>> : packed::one_by_one {
  packed_policy<Isa, First> first;
  packed_policy<Isa, Second> second;
  constexpr explicit packed_policy(const then_row<First, Second>& p) : first(p.first), second(p.second) {}
  constexpr bool narrow() const { return first.narrow() && second.narrow(); }
  constexpr int32_t operator()(int32_t acc, index_t c) const { return second(first(acc, c), c); }
};

/// The 32-bit forms of a policy's rows: one for all where the policy treats rows alike, so that it is prepared once.
template <class Isa, Requant Policy>
struct packed_rows {
  const Policy& policy;
  constexpr explicit packed_rows(const Policy& p) : policy(p) {}
  constexpr packed_policy<Isa, row_of<Policy>> row(index_t r) const {
    return packed_policy<Isa, row_of<Policy>>(policy.row(r));
  }
};
template <class Isa, UniformRequant Policy>
struct packed_rows<Isa, Policy> {
  const Policy& policy;
  packed_policy<Isa, row_of<Policy>> form;
  constexpr explicit packed_rows(const Policy& p) : policy(p), form(p.row(0)) {}
  constexpr const packed_policy<Isa, row_of<Policy>>& row(index_t) const { return form; }
};

}  // namespace tessera
