// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Element types of stored tensors, and conversions that never change a value.

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "tessera/std.hpp"

namespace tessera {

static_assert(std::endian::native == std::endian::little, "the file formats are little-endian and so must the host be");

/// Type of one element of a stored tensor.
enum class dtype : uint8_t {
  boolean,
  i8,
  i16,
  i32,
  i64,
  u8,
  u16,
  u32,
  u64,
  f16,
  bf16,
  f32,
  f64
};

/// IEEE 754 binary16, as stored.
struct float16 {
  uint16_t bits = 0;
  bool operator==(const float16&) const = default;
};

/// The upper half of an IEEE 754 binary32, as stored.
struct bfloat16 {
  uint16_t bits = 0;
  bool operator==(const bfloat16&) const = default;
};

/// Bytes per element.
constexpr index_t size_of(dtype type) {
  switch (type) {
    case dtype::boolean:
    case dtype::i8:
    case dtype::u8: return 1;
    case dtype::i16:
    case dtype::u16:
    case dtype::f16:
    case dtype::bf16: return 2;
    case dtype::i32:
    case dtype::u32:
    case dtype::f32: return 4;
    case dtype::i64:
    case dtype::u64:
    case dtype::f64: return 8;
  }
  return 0;
}

/// NumPy's name of the type, for messages.
constexpr const char* to_string(dtype type) {
  switch (type) {
    case dtype::boolean: return "bool";
    case dtype::i8: return "int8";
    case dtype::i16: return "int16";
    case dtype::i32: return "int32";
    case dtype::i64: return "int64";
    case dtype::u8: return "uint8";
    case dtype::u16: return "uint16";
    case dtype::u32: return "uint32";
    case dtype::u64: return "uint64";
    case dtype::f16: return "float16";
    case dtype::bf16: return "bfloat16";
    case dtype::f32: return "float32";
    case dtype::f64: return "float64";
  }
  return "unknown";
}

namespace detail {

template <class T>
struct dtype_of {};
template <dtype Type>
struct dtype_is {
  static constexpr dtype value = Type;
};
template <>
struct dtype_of<bool> : dtype_is<dtype::boolean> {};
template <>
struct dtype_of<int8_t> : dtype_is<dtype::i8> {};
template <>
struct dtype_of<int16_t> : dtype_is<dtype::i16> {};
template <>
struct dtype_of<int32_t> : dtype_is<dtype::i32> {};
template <>
struct dtype_of<int64_t> : dtype_is<dtype::i64> {};
template <>
struct dtype_of<uint8_t> : dtype_is<dtype::u8> {};
template <>
struct dtype_of<uint16_t> : dtype_is<dtype::u16> {};
template <>
struct dtype_of<uint32_t> : dtype_is<dtype::u32> {};
template <>
struct dtype_of<uint64_t> : dtype_is<dtype::u64> {};
template <>
struct dtype_of<float16> : dtype_is<dtype::f16> {};
template <>
struct dtype_of<bfloat16> : dtype_is<dtype::bf16> {};
template <>
struct dtype_of<float> : dtype_is<dtype::f32> {};
template <>
struct dtype_of<double> : dtype_is<dtype::f64> {};

}  // namespace detail

/// A C++ type that has a `dtype`.
template <class T>
concept Element = requires {
  detail::dtype_of<T>::value;
};

/// A C++ type that values can be converted to.
template <class T>
concept Arithmetic = Integer<T> || std::same_as<T, float> || std::same_as<T, double>;

template <Element T>
inline constexpr dtype dtype_of = detail::dtype_of<T>::value;

/// Exact. The top bit of a NaN's payload is set, as the hardware does.
constexpr double to_double(float16 value) {
  const uint64_t sign = uint64_t{value.bits} >> 15 << 63;
  const int exponent = value.bits >> 10 & 31;
  const uint64_t fraction = value.bits & 1023u;
  if (exponent == 31) {
    const uint64_t quiet = fraction != 0 ? uint64_t{1} << 51 : 0;
    return std::bit_cast<double>(sign | uint64_t{0x7ff} << 52 | quiet | fraction << 42);
  }
  if (exponent == 0) {  // zero or fraction * 2^-24
    const double magnitude = static_cast<double>(fraction) * 0x1p-24;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<double>(sign | static_cast<uint64_t>(exponent - 15 + 1023) << 52 | fraction << 42);
}

/// Exact.
constexpr double to_double(bfloat16 value) { return std::bit_cast<float>(uint32_t{value.bits} << 16); }

namespace detail {

/// Writes `from` to `to` and says true, if `To` has that very value; NaN has only NaN.
template <Arithmetic To, class From>
constexpr bool convert_exactly(From from, To& to) {
  if constexpr (std::same_as<From, float16> || std::same_as<From, bfloat16>) {
    return convert_exactly(to_double(from), to);
  } else if constexpr (Integer<From> && Integer<To>) {
    to = static_cast<To>(from);
    return static_cast<From>(to) == from && (to < To{0}) == (from < From{0});
  } else if constexpr (Integer<To>) {
    // Both bounds are powers of two, so they are exact in every floating-point type.
    constexpr From low = static_cast<From>(limits<To>::min);
    constexpr From high = static_cast<From>(limits<To>::max / 2 + 1) * From{2};
    if (!(from >= low && from < high)) return false;
    to = static_cast<To>(from);
    return static_cast<From>(to) == from;
  } else if constexpr (Integer<From>) {
    to = static_cast<To>(from);
    From back{};
    return convert_exactly(to, back) && back == from;
  } else if constexpr (sizeof(From) > sizeof(To)) {
    const bool finite = from - from == From{0};
    if (finite && (from > static_cast<From>(std::numeric_limits<To>::max()) ||
                   from < static_cast<From>(std::numeric_limits<To>::lowest()))) {
      return false;
    }
    to = static_cast<To>(from);
    return from != from || static_cast<From>(to) == from;
  } else {
    to = static_cast<To>(from);
    return true;
  }
}

}  // namespace detail

/// Calls `function` with a value-initialised object of the C++ type of `type`, and returns what it returns.
template <class Function>
constexpr decltype(auto) visit_dtype(dtype type, Function&& function) {
  switch (type) {
    case dtype::boolean: return function(bool{});
    case dtype::i8: return function(int8_t{});
    case dtype::i16: return function(int16_t{});
    case dtype::i32: return function(int32_t{});
    case dtype::i64: return function(int64_t{});
    case dtype::u8: return function(uint8_t{});
    case dtype::u16: return function(uint16_t{});
    case dtype::u32: return function(uint32_t{});
    case dtype::u64: return function(uint64_t{});
    case dtype::f16: return function(float16{});
    case dtype::bf16: return function(bfloat16{});
    case dtype::f32: return function(float{});
    case dtype::f64: break;
  }
  return function(double{});
}

}  // namespace tessera
