// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Writer of NumPy's .npz archives, for `numpy.load` and for `npz_file`.

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/network/npy.hpp"
#include "tessera/network/output_file.hpp"
#include "tessera/network/tensor_ref.hpp"
#include "tessera/network/zip.hpp"

namespace tessera {

namespace detail {

/// Appends to a ZIP archive in memory. The same entries give the same bytes: there are no times in it.
class zip_builder {
 public:
  explicit zip_builder(zip_method method) : method_(method) {}

  /// Appends an entry whose content is `head` followed by `body`.
  void add(std::string_view name, std::span<const std::byte> head, std::span<const std::byte> body) {
    entry item{std::string(name), 0, bytes_.size(), 0, head.size() + body.size()};
    item.crc = checksum(body, checksum(head, static_cast<uint32_t>(::crc32(0, nullptr, 0))));
    // The compressed size stands before the data, so the header is written again when it is known.
    local_header(bytes_, item);
    const std::size_t data = bytes_.size();
    if (method_ == zip_method::deflated) {
      deflate(head, body);
    } else {
      bytes_.insert(bytes_.end(), head.begin(), head.end());
      bytes_.insert(bytes_.end(), body.begin(), body.end());
    }
    item.compressed_size = bytes_.size() - data;
    std::vector<std::byte> header;
    local_header(header, item);
    std::copy(header.begin(), header.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(item.local_header));
    entries_.push_back(std::move(item));
  }

  /// The archive so far.
  std::vector<std::byte> finish() const {
    std::vector<std::byte> out = bytes_;
    const uint64_t directory = out.size();
    for (const entry& item : entries_) central_header(out, item);
    const uint64_t end = out.size();
    const uint64_t count = entries_.size();
    if (count >= 0xffff || end >= all_ones) {
      put<uint32_t>(out, zip64_end_signature);
      put<uint64_t>(out, 44);  // the rest of this record
      put<uint16_t>(out, 45);
      put<uint16_t>(out, 45);
      put<uint32_t>(out, 0);
      put<uint32_t>(out, 0);
      put<uint64_t>(out, count);
      put<uint64_t>(out, count);
      put<uint64_t>(out, end - directory);
      put<uint64_t>(out, directory);
      put<uint32_t>(out, zip64_locator_signature);
      put<uint32_t>(out, 0);
      put<uint64_t>(out, end);
      put<uint32_t>(out, 1);
    }
    put<uint32_t>(out, zip_end_signature);
    put<uint32_t>(out, 0);
    put<uint16_t>(out, std::min<uint64_t>(count, 0xffff));
    put<uint16_t>(out, std::min<uint64_t>(count, 0xffff));
    put<uint32_t>(out, std::min(end - directory, all_ones));
    put<uint32_t>(out, std::min(directory, all_ones));
    put<uint16_t>(out, 0);
    return out;
  }

 private:
  static constexpr uint64_t all_ones = 0xffffffff;

  struct entry {
    std::string name;
    uint32_t crc;
    uint64_t local_header;
    uint64_t compressed_size;
    uint64_t size;
    /// Deflate can make data longer, so the decision leaves it room.
    bool is_large() const { return size >= all_ones - all_ones / 256; }
  };

  template <class T>
  static void put(std::vector<std::byte>& out, uint64_t value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) out.push_back(static_cast<std::byte>(value >> (8 * i) & 255));
  }

  static void put_text(std::vector<std::byte>& out, std::string_view text) {
    for (const char c : text) out.push_back(static_cast<std::byte>(c));
  }

  static uint32_t checksum(std::span<const std::byte> bytes, uint32_t crc) {
    if (bytes.empty()) return crc;  // zlib takes a null pointer as "start again"
    return static_cast<uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  }

  /// Version, flags, method, time and sizes: the fields that both headers share.
  void common_header(std::vector<std::byte>& out, const entry& item, bool wide) const {
    const bool ascii = std::all_of(item.name.begin(), item.name.end(), [](char c) { return (c & 0x80) == 0; });
    put<uint16_t>(out, wide ? 45 : 20);
    put<uint16_t>(out, ascii ? 0 : 0x800);  // 0x800: the name is UTF-8
    put<uint16_t>(out, static_cast<uint16_t>(method_));
    put<uint16_t>(out, 0);
    put<uint16_t>(out, 0x21);  // 1980-01-01, the first date there is
    put<uint32_t>(out, item.crc);
    put<uint32_t>(out, item.is_large() ? all_ones : item.compressed_size);
    put<uint32_t>(out, item.is_large() ? all_ones : item.size);
    put<uint16_t>(out, item.name.size());
  }

  void local_header(std::vector<std::byte>& out, const entry& item) const {
    put<uint32_t>(out, zip_local_signature);
    common_header(out, item, item.is_large());
    put<uint16_t>(out, item.is_large() ? 20 : 0);
    put_text(out, item.name);
    if (!item.is_large()) return;
    put<uint16_t>(out, 1);
    put<uint16_t>(out, 16);
    put<uint64_t>(out, item.size);
    put<uint64_t>(out, item.compressed_size);
  }

  void central_header(std::vector<std::byte>& out, const entry& item) const {
    const bool far = item.local_header >= all_ones;
    const uint64_t wide = (item.is_large() ? 16u : 0u) + (far ? 8u : 0u);
    put<uint32_t>(out, zip_central_signature);
    put<uint16_t>(out, wide != 0 ? 45 : 20);
    common_header(out, item, wide != 0);
    put<uint16_t>(out, wide != 0 ? 4 + wide : 0);
    put<uint16_t>(out, 0);  // no comment
    put<uint16_t>(out, 0);  // first disk
    put<uint16_t>(out, 0);
    put<uint32_t>(out, 0);
    put<uint32_t>(out, far ? all_ones : item.local_header);
    put_text(out, item.name);
    if (wide == 0) return;
    put<uint16_t>(out, 1);
    put<uint16_t>(out, wide);
    if (item.is_large()) {
      put<uint64_t>(out, item.size);
      put<uint64_t>(out, item.compressed_size);
    }
    if (far) put<uint64_t>(out, item.local_header);
  }

  void deflate(std::span<const std::byte> head, std::span<const std::byte> body) {
    z_stream stream{};
    if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
    struct closer {
      z_stream& stream;
      ~closer() { ::deflateEnd(&stream); }
    } const guard{stream};
    constexpr std::size_t largest_step = std::size_t{1} << 30;
    std::vector<std::byte> buffer(std::size_t{1} << 16);
    for (const bool last : {false, true}) {
      std::span<const std::byte> rest = last ? body : head;
      do {
        const std::size_t step = std::min(rest.size(), largest_step);
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(rest.data()));
        stream.avail_in = static_cast<uInt>(step);
        rest = rest.subspan(step);
        do {
          stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
          stream.avail_out = static_cast<uInt>(buffer.size());
          ::deflate(&stream, last && rest.empty() ? Z_FINISH : Z_NO_FLUSH);
          bytes_.insert(bytes_.end(), buffer.begin(), buffer.end() - static_cast<std::ptrdiff_t>(stream.avail_out));
        } while (stream.avail_out == 0);
      } while (!rest.empty());
    }
  }

  zip_method method_;
  std::vector<std::byte> bytes_;
  std::vector<entry> entries_;
};

}  // namespace detail

enum class npz_compression : uint8_t {
  stored,
  deflated
};

/// Collects arrays in memory, then writes them at once. The same arrays in the same order give the same bytes.
class npz_writer {
 public:
  explicit npz_writer(npz_compression compression = npz_compression::deflated)
      : zip_(compression == npz_compression::stored ? detail::zip_method::stored : detail::zip_method::deflated) {}

  /// Adds `values` of `shape`, row-major; `{}` is the shape of a scalar. Write the type: `add<int8_t>("w", {2, 3}, w)`.
  /// Throws for a name that is taken or not possible, and for a shape that does not fit the values.
  template <Element T>
  requires(!std::is_same_v<T, bfloat16>)  // NumPy has none
      void add(std::string_view name, const std::vector<index_t>& shape,
               std::type_identity_t<std::span<const T>> values) {
    add(tensor_ref{"npz", name, dtype_of<T>, shape, std::as_bytes(values)});
  }

  /// Adds one value as an array without extents.
  template <Element T>
  requires(!std::is_same_v<T, bfloat16>) void add_scalar(std::string_view name, T value) {
    add<T>(name, {}, std::span<const T>(&value, 1));
  }

  /// Adds a tensor read from a file.
  void add(const tensor_ref& tensor) {
    if (tensor.type == dtype::bf16) tensor.fail("NumPy has no bfloat16, so it cannot be written to a .npz");
    if (tensor.shape.size() > maximum_rank) tensor.fail("its shape has more than 64 extents");
    const auto count = detail::checked_count(tensor.shape, size_of(tensor.type));
    if (!count || *count * size_of(tensor.type) != static_cast<index_t>(tensor.bytes.size())) {
      tensor.fail("its shape " + detail::shape_text(tensor.shape) + " does not fit its " +
                  std::to_string(tensor.count()) + " elements");
    }
    const std::string entry = std::string(tensor.name) + ".npy";
    if (entry.size() > 0xffff) tensor.fail("its name is too long for a ZIP archive");
    if (entry.find('\0') != std::string::npos) tensor.fail("its name has a zero byte");
    if (!names_.insert(entry).second) tensor.fail("its name is taken by an earlier tensor");
    const std::string header = detail::npy_header_text(tensor.type, tensor.shape);
    zip_.add(entry, std::as_bytes(std::span(header)), tensor.bytes);
  }

  /// The archive of all that was added so far.
  std::vector<std::byte> bytes() const { return zip_.finish(); }

  /// Writes the archive; see `write_file`.
  void save(const std::string& path) const {
    const std::vector<std::byte> all = bytes();
    const std::span<const std::byte> part = all;
    write_file(path, std::span(&part, 1));
  }

 private:
  detail::zip_builder zip_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace tessera
