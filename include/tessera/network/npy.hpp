// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// One array in NumPy's .npy format (versions 1 to 3), read from a stream of bytes.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/network/dtype.hpp"
#include "tessera/network/error.hpp"
#include "tessera/network/mapped_file.hpp"
#include "tessera/network/tensor_ref.hpp"

namespace tessera {

/// An array with its own memory; row-major and little-endian whatever the file had. Its members are `tensor_ref`'s.
struct npy_array {
  std::string file;  ///< for messages
  std::string name;
  dtype type = dtype::u8;
  std::vector<index_t> shape;    ///< empty for a scalar
  std::vector<std::byte> bytes;  ///< aligned for every element type

  // The spans from pointers, here and below: a span from a vector costs every user noticeable compile time.
  tensor_ref ref() const { return {file, name, type, {shape.data(), shape.size()}, {bytes.data(), bytes.size()}}; }
  index_t count() const { return ref().count(); }

  template <Element T>
  std::span<const T> as() const {
    return ref().as<T>();
  }
  template <Arithmetic T>
  std::vector<T> to() const {
    return ref().to<T>();
  }
  template <Arithmetic T>
  void copy_to(std::span<T> values) const {
    ref().copy_to(values);
  }
  template <Arithmetic T>
  T scalar() const {
    return ref().scalar<T>();
  }
  void require_shape(std::span<const index_t> expected) const { ref().require_shape(expected); }
};

namespace detail {

/// What the header of a .npy says.
struct npy_header {
  dtype type = dtype::u8;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<index_t> shape;
};

/// Reads the Python dictionary of a .npy header: `{'descr': '<i4', 'fortran_order': False, 'shape': (3, 4), }`.
class npy_header_parser {
 public:
  npy_header_parser(std::string_view text, std::string_view file, std::string_view where)
      : text_(text), file_(file), where_(where) {}

  npy_header parse() {
    npy_header header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !std::exchange(has_descr, true)) {
        descr(header);
      } else if (key == "fortran_order" && !std::exchange(has_order, true)) {
        header.fortran_order = boolean();
      } else if (key == "shape" && !std::exchange(has_shape, true)) {
        shape(header.shape);
      } else {
        fail("its header has the unexpected or repeated key " + tessera::quoted(key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (next() != '\0' || position_ < text_.size()) fail("its header goes on after the closing brace");
    if (!has_descr || !has_order || !has_shape) fail("its header lacks one of the keys descr, fortran_order and shape");
    return header;
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const { throw data_error(file_, where_, reason); }

  /// The next character that is not blank, or NUL at the end.
  char next() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  bool accept(char c) {
    if (next() != c || position_ >= text_.size()) return false;
    ++position_;
    return true;
  }

  void expect(char c) {
    if (!accept(c)) fail(std::string("its header should have a '") + c + "' at position " + std::to_string(position_));
  }

  std::string_view string() {
    const char quote = next();
    if (quote != '\'' && quote != '"') fail("its header should have a string at position " + std::to_string(position_));
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) fail("its header has a string without an end");
    const std::string_view value = text_.substr(position_ + 1, end - position_ - 1);
    position_ = end + 1;
    return value;
  }

  bool boolean() {
    next();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(position_, word.size()) == word) {
        position_ += word.size();
        return word == "True";
      }
    }
    fail("the fortran_order of its header is neither True nor False");
  }

  void descr(npy_header& header) {
    if (next() == '[' || next() == '(') fail("it is a structured array, which is not supported");
    const std::string_view text = string();
    static constexpr struct {
      char name[3];
      dtype type;
    } types[] = {{"b1", dtype::boolean}, {"i1", dtype::i8},  {"i2", dtype::i16}, {"i4", dtype::i32},
                 {"i8", dtype::i64},     {"u1", dtype::u8},  {"u2", dtype::u16}, {"u4", dtype::u32},
                 {"u8", dtype::u64},     {"f2", dtype::f16}, {"f4", dtype::f32}, {"f8", dtype::f64}};
    const char order = text.empty() ? '\0' : text.front();
    const std::string_view kind = text.substr(text.empty() ? 0 : 1);
    for (const auto& [name, type] : types) {
      if (kind != name || (order != '<' && order != '>' && (order != '|' || size_of(type) > 1))) continue;
      header.type = type;
      header.big_endian = order == '>';
      return;
    }
    fail("its element type " + tessera::quoted(text) + " is not supported");
  }

  void shape(std::vector<index_t>& extents) {
    expect('(');
    bool comma = true;
    while (!accept(')')) {
      if (!comma) fail("its shape has no comma between two extents");
      if (extents.size() == maximum_rank) fail("its shape has more than 64 extents");
      extents.push_back(extent());
      comma = accept(',');
    }
    if (extents.size() == 1 && !comma) fail("its shape is a number, not a tuple");
  }

  index_t extent() {
    index_t value = 0;
    bool good = false;
    for (char c = next(); c >= '0' && c <= '9'; c = ++position_ < text_.size() ? text_[position_] : '\0') {
      good = !__builtin_mul_overflow(value, 10, &value) && !__builtin_add_overflow(value, c - '0', &value);
      if (!good) break;
    }
    if (!good) fail("its shape has an extent that is not a number from 0 to 2^63 - 1");
    return value;
  }

  std::string_view text_;
  std::string_view file_;
  std::string_view where_;
  std::size_t position_ = 0;
};

/// Row-major from column-major: `to[i0, i1, ...] = from[... i1, i0]`.
inline void transpose_from_fortran(std::span<const index_t> shape, std::size_t item, const std::byte* from,
                                   std::byte* to, std::size_t bytes) {
  std::vector<std::size_t> strides(shape.size()), index(shape.size());
  std::size_t stride = item;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    strides[d] = stride;
    stride *= static_cast<std::size_t>(shape[d]);
  }
  std::size_t source = 0;
  for (std::size_t target = 0; target < bytes; target += item) {
    std::memcpy(to + target, from + source, item);
    for (std::size_t d = shape.size(); d-- > 0;) {
      source += strides[d];
      if (++index[d] < static_cast<std::size_t>(shape[d])) break;
      source -= strides[d] * index[d];
      index[d] = 0;
    }
  }
}

/// Reads a .npy of `size` bytes in all. `read_bytes(span)` fills the span with the next bytes, or throws. Nothing is
/// allocated for the elements before the shape has been found to agree with `size`.
template <class Read>
npy_array read_npy_stream(std::string file, std::string name, uint64_t size, const Read& read_bytes) {
  const auto read = [&](std::span<std::byte> to) { read_bytes(to); };
  npy_array array{std::move(file), std::move(name), dtype::u8, {}, {}};
  const std::string where = array.name.empty() ? "" : "tensor " + tessera::quoted(array.name);
  const auto fail = [&](std::string_view reason) { throw data_error(array.file, where, reason); };

  std::byte start[12] = {};
  const auto byte = [&](std::size_t i) { return static_cast<uint32_t>(start[i]); };
  if (size < 10) fail("it is too short for a .npy header");
  read({start, 10});
  if (std::memcmp(start, "\x93NUMPY", 6) != 0) fail("it is not a .npy: the magic bytes are wrong");
  const uint32_t version = byte(6);
  if (version < 1 || version > 3 || byte(7) != 0) {
    fail("its .npy version " + std::to_string(version) + "." + std::to_string(byte(7)) + " is not supported");
  }
  uint64_t prefix = 10;
  uint64_t header_size = byte(8) | byte(9) << 8;
  if (version > 1) {
    prefix = 12;
    if (size < prefix) fail("it is too short for a .npy header");
    read({start + 10, 2});
    header_size |= uint64_t{byte(10)} << 16 | uint64_t{byte(11)} << 24;
  }
  if (header_size > size - prefix) {
    fail("its header says that it has " + std::to_string(header_size) + " bytes, but only " +
         std::to_string(size - prefix) + " are left");
  }
  if (header_size > 65535)
    fail("its header has " + std::to_string(header_size) + " bytes, more than any plain array needs");
  std::string text(static_cast<std::size_t>(header_size), '\0');
  read({reinterpret_cast<std::byte*>(text.data()), text.size()});
  npy_header header = npy_header_parser(text, array.file, where).parse();

  const auto item = static_cast<std::size_t>(size_of(header.type));
  const std::span<const index_t> shape(header.shape.data(), header.shape.size());
  const std::optional<index_t> count = checked_count(shape, size_of(header.type));
  if (!count) fail("its shape " + shape_text(shape) + " has more bytes than 2^63 - 1");
  const uint64_t data_size = static_cast<uint64_t>(*count) * item;
  if (data_size != size - prefix - header_size) {
    fail("its shape " + shape_text(shape) + " of " + to_string(header.type) + " needs " + std::to_string(data_size) +
         " bytes, but it has " + std::to_string(size - prefix - header_size));
  }
  array.type = header.type;
  try {
    array.bytes.reserve(static_cast<std::size_t>(data_size));
  } catch (const std::exception&) {
    fail("there is no memory for its " + std::to_string(data_size) + " bytes");
  }
  // In steps: memory that a false compressed size claims is reserved, but never touched.
  while (array.bytes.size() < data_size) {
    const std::size_t done = array.bytes.size();
    array.bytes.resize(static_cast<std::size_t>(min<uint64_t>(data_size, done + (uint64_t{1} << 20))));
    read({array.bytes.data() + done, array.bytes.size() - done});
  }
  if (header.big_endian && item > 1) {
    for (std::size_t at = 0; at < array.bytes.size(); at += item) {
      for (std::size_t i = 0; i < item / 2; ++i) std::swap(array.bytes[at + i], array.bytes[at + item - 1 - i]);
    }
  }
  if (header.fortran_order && header.shape.size() > 1 && *count > 1) {
    std::vector<std::byte> rows(array.bytes.size());
    transpose_from_fortran(shape, item, array.bytes.data(), rows.data(), rows.size());
    array.bytes = std::move(rows);
  }
  array.shape = std::move(header.shape);
  return array;
}

/// The header of a version 1 .npy, padded so that the elements start at a multiple of 64 bytes as NumPy does it.
inline std::string npy_header_text(dtype type, std::span<const index_t> shape) {
  std::string descr = size_of(type) == 1 ? "|" : "<";
  switch (type) {
    case dtype::boolean: descr += 'b'; break;
    case dtype::i8:
    case dtype::i16:
    case dtype::i32:
    case dtype::i64: descr += 'i'; break;
    case dtype::u8:
    case dtype::u16:
    case dtype::u32:
    case dtype::u64: descr += 'u'; break;
    default: descr += 'f'; break;
  }
  descr += std::to_string(size_of(type));
  std::string extents = shape_text(shape);
  if (shape.size() == 1) extents.insert(extents.size() - 1, ",");
  std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + extents + ", }";
  text.append(63 - (10 + text.size()) % 64, ' ').push_back('\n');
  std::string header = "\x93NUMPY";
  header += {'\x01', '\0', static_cast<char>(text.size() & 255), static_cast<char>(text.size() >> 8)};
  return header + text;
}

}  // namespace detail

/// Reads a .npy from memory; `file` is only for messages. Booleans, integers, float16, float32 and float64 of either
/// byte order and either element order. Throws `data_error`.
inline npy_array read_npy(std::string file, std::span<const std::byte> bytes) {
  std::size_t position = 0;
  return detail::read_npy_stream(std::move(file), "", bytes.size(), [&](std::span<std::byte> to) {
    if (!to.empty()) std::memcpy(to.data(), bytes.data() + position, to.size());
    position += to.size();
  });
}

/// Reads a .npy file.
inline npy_array load_npy(const std::string& path) {
  const mapped_file file(path);
  return read_npy(file.name(), file.bytes());
}

}  // namespace tessera
