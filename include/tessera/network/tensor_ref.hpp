// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// A named tensor inside a file that someone else keeps in memory.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tessera/network/dtype.hpp"
#include "tessera/network/error.hpp"

namespace tessera {

/// Longest shape that the readers accept; NumPy's limit.
inline constexpr std::size_t maximum_rank = 64;

namespace detail {

/// Product of the extents, or nothing if it or the product of the non-zero ones times `item_bytes` is over 2^63 - 1.
inline std::optional<index_t> checked_count(std::span<const index_t> shape, index_t item_bytes = 1) {
  index_t product = item_bytes;
  bool empty = false;
  for (const index_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, extent, &product)) {
      return std::nullopt;
    }
  }
  return empty ? 0 : product / item_bytes;
}

inline std::string shape_text(std::span<const index_t> shape) {
  std::string text = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + ")";
}

}  // namespace detail

/// A view of a stored tensor: row-major, little-endian, `bytes.size() == count() * size_of(type)`. It borrows
/// everything from the file object it came from. The bytes may be unaligned.
struct tensor_ref {
  std::string_view file;  ///< for messages
  std::string_view name;
  dtype type = dtype::u8;
  std::span<const index_t> shape;  ///< empty for a scalar
  std::span<const std::byte> bytes;

  /// Number of elements.
  index_t count() const { return static_cast<index_t>(bytes.size()) / size_of(type); }

  /// The elements in place. Throws if `T` is not their type, or if they are not aligned for `T` (use `to` then).
  template <Element T>
  std::span<const T> as() const {
    check_type<T>();
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(T) != 0) fail("its data is not aligned in memory");
    if constexpr (std::is_same_v<T, bool>) check_booleans();
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  /// The elements as `T`, row-major. Every value is kept: throws for one that `T` has not got, be it too large, a
  /// fraction or in need of rounding. Booleans become 0 and 1.
  template <Arithmetic T>
  std::vector<T> to() const {
    std::vector<T> values(static_cast<std::size_t>(count()));
    copy_to<T>(values);
    return values;
  }

  /// As `to`, into the caller's memory, which must have room for exactly `count()` elements.
  template <Arithmetic T>
  void copy_to(std::span<T> values) const {
    if (static_cast<index_t>(values.size()) != count()) {
      fail("it has " + std::to_string(count()) + " elements, but " + std::to_string(values.size()) + " were asked for");
    }
    if (values.empty()) return;
    if (type == dtype_of<T>) {
      std::memcpy(values.data(), bytes.data(), bytes.size());
      return;
    }
    visit_dtype(type, [&]<class From>(From) {
      for (std::size_t i = 0; i < values.size(); ++i) convert<From>(i, values[i]);
    });
  }

  /// The only element. Throws unless there is exactly one, whatever the rank.
  template <Arithmetic T>
  T scalar() const {
    T value{};
    copy_to<T>(std::span<T>(&value, 1));
    return value;
  }

  /// Throws unless the shape is `expected`.
  void require_shape(std::span<const index_t> expected) const {
    bool same = shape.size() == expected.size();
    for (std::size_t i = 0; same && i < shape.size(); ++i) same = shape[i] == expected[i];
    if (same) return;
    fail("its shape is " + detail::shape_text(shape) + ", but " + detail::shape_text(expected) + " is expected");
  }

  /// Throws a `data_error` about this tensor.
  [[noreturn]] void fail(std::string_view reason) const {
    throw data_error(file, "tensor " + tessera::quoted(name), reason);
  }

 private:
  template <Element T>
  void check_type() const {
    if (type == dtype_of<T>) return;
    fail(std::string("its elements are ") + to_string(type) + ", but " + to_string(dtype_of<T>) + " is expected");
  }

  void check_booleans() const {
    for (const std::byte b : bytes) {
      if (b > std::byte{1}) fail("a boolean is neither 0 nor 1");
    }
  }

  template <class From, class T>
  void convert(std::size_t i, T& to) const {
    if constexpr (std::is_same_v<From, bool>) {
      const std::byte b = bytes[i];
      if (b > std::byte{1}) fail("a boolean is neither 0 nor 1");
      to = static_cast<T>(static_cast<uint8_t>(b));
    } else {
      From from;
      std::memcpy(&from, bytes.data() + i * sizeof(From), sizeof(From));
      if (!detail::convert_exactly(from, to)) refuse_value(i, from, to_string(dtype_of<T>));
    }
  }

  template <class From>
  [[noreturn]] void refuse_value(std::size_t i, From from, const char* wanted) const {
    std::string text;
    if constexpr (Integer<From>) {
      text = std::to_string(from);
    } else if constexpr (std::is_floating_point_v<From>) {
      text = decimal(from);
    } else {
      text = decimal(to_double(from));
    }
    fail("element " + std::to_string(i) + " is " + text + ", which " + wanted + " cannot hold");
  }

  static std::string decimal(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", value);
    return text;
  }
};

}  // namespace tessera
