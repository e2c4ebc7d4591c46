// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The freestanding seam. Bare-metal RV32 compilers come without a C++ library, so device-visible headers
/// use only `<stdint.h>`, `<stddef.h>` and the few names below, which are the same on every target.

#include <stddef.h>
#include <stdint.h>

#include "tessera/config.hpp"

namespace tessera {

/// Signed index and extent type, as wide as a pointer.
using index_t = ptrdiff_t;

template <class A, class B>
inline constexpr bool is_same_v = false;
template <class A>
inline constexpr bool is_same_v<A, A> = true;

template <class A, class B>
concept same_as = is_same_v<A, B> && is_same_v<B, A>;

template <class T>
struct remove_cv {
  using type = T;
};
template <class T>
struct remove_cv<const T> {
  using type = T;
};
template <class T>
struct remove_cv<volatile T> {
  using type = T;
};
template <class T>
struct remove_cv<const volatile T> {
  using type = T;
};
template <class T>
using remove_cv_t = typename remove_cv<T>::type;

template <class T>
struct remove_reference {
  using type = T;
};
template <class T>
struct remove_reference<T&> {
  using type = T;
};
template <class T>
struct remove_reference<T&&> {
  using type = T;
};
template <class T>
using remove_cvref_t = remove_cv_t<typename remove_reference<T>::type>;

/// A value of type T, in unevaluated contexts only.
template <class T>
T& value_of() noexcept;

template <bool Value>
struct bool_constant {
  static constexpr bool value = Value;
};

template <bool Condition, class A, class B>
struct conditional {
  using type = A;
};
template <class A, class B>
struct conditional<false, A, B> {
  using type = B;
};
template <bool Condition, class A, class B>
using conditional_t = typename conditional<Condition, A, B>::type;

template <class T>
inline constexpr bool is_integer_v = false;
template <>
inline constexpr bool is_integer_v<int8_t> = true;
template <>
inline constexpr bool is_integer_v<uint8_t> = true;
template <>
inline constexpr bool is_integer_v<int16_t> = true;
template <>
inline constexpr bool is_integer_v<uint16_t> = true;
template <>
inline constexpr bool is_integer_v<int32_t> = true;
template <>
inline constexpr bool is_integer_v<uint32_t> = true;
template <>
inline constexpr bool is_integer_v<int64_t> = true;
template <>
inline constexpr bool is_integer_v<uint64_t> = true;

/// One of the fixed-width integers of 8 to 64 bits.
template <class T>
concept Integer = is_integer_v<remove_cv_t<T>>;

/// Smallest and largest value of a fixed-width integer.
template <Integer T>
struct limits {
  static constexpr bool is_signed = T(-1) < T(0);
  static constexpr int bits = static_cast<int>(sizeof(T)) * 8;
  static constexpr T max = static_cast<T>(is_signed ? (uint64_t{1} << (bits - 1)) - 1 : ~uint64_t{0} >> (64 - bits));
  static constexpr T min = static_cast<T>(is_signed ? -static_cast<int64_t>(max) - 1 : 0);
};

template <class T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}
template <class T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}
template <class T>
constexpr T clamp(T value, T low, T high) {
  return value < low ? low : (high < value ? high : value);
}

template <class To, class From>
requires(sizeof(To) == sizeof(From)) constexpr To bit_cast(const From& from) { return __builtin_bit_cast(To, from); }

/// True while the compiler evaluates a constant expression.
constexpr bool is_constant_evaluated() { return __builtin_is_constant_evaluated(); }

/// A list of types, for the one list of targets and the tests that iterate it.
template <class... T>
struct type_list {
  static constexpr int size = sizeof...(T);
};

}  // namespace tessera
