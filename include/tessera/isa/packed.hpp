// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Packed values: a 32-bit register holds four 8-bit or two 16-bit lanes, lane 0 in the lowest bits. In memory that is
/// the order of an array's elements, as all targets are little-endian.
/// Also immediates: an operand that an instruction encodes is a type, so that one call serves both instruction sets:
/// `Isa::pv_add_sci_b(a, imm<-1>)`.

#include "tessera/std.hpp"

namespace tessera::isa {

/// The integers that a lane can hold.
template <class T>
concept Lane = Integer<T> && sizeof(T) <= 2;

template <Lane T>
inline constexpr int lane_count = 4 / static_cast<int>(sizeof(T));
template <Lane T>
inline constexpr int lane_bits = 8 * static_cast<int>(sizeof(T));
template <Lane T>
inline constexpr uint32_t lane_mask = (uint32_t{1} << lane_bits<T>)-1;

/// Lane i of a register, sign- or zero-extended by the type of the lane.
template <Lane T>
constexpr int32_t lane(uint32_t r, int i) {
  return static_cast<T>(r >> (lane_bits<T> * i));
}

/// The low bits of `value` in every lane.
template <Lane T>
constexpr uint32_t splat(uint32_t value) {
  return (value & lane_mask<T>)*(~uint32_t{0} / lane_mask<T>);
}

/// One value per lane, the first in the lowest bits: pack<int8_t>(a, b, c, d) or pack<int16_t>(a, b).
template <Lane T, class... Values>
requires(sizeof...(Values) == lane_count<T> && (is_same_v<Values, T> && ...)) constexpr uint32_t
    pack(Values... values) {
  uint32_t r = 0;
  int i = 0;
  ((r |= (static_cast<uint32_t>(values) & lane_mask<T>) << (lane_bits<T> * i++)), ...);
  return r;
}

/// A constant that an instruction encodes; where a register is wanted it is that value.
template <int32_t Value>
struct immediate {
  constexpr operator int32_t() const { return Value; }
  constexpr operator uint32_t() const { return static_cast<uint32_t>(Value); }
};
template <int32_t Value>
inline constexpr immediate<Value> imm{};

}  // namespace tessera::isa
