// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The part of the ZIP format that NumPy archives use: stored and deflated entries, ZIP64 sizes, CRC-32.

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/network/error.hpp"

namespace tessera::detail {

enum class zip_method : uint16_t {
  stored = 0,
  deflated = 8
};

inline constexpr uint32_t zip_local_signature = 0x04034b50;
inline constexpr uint32_t zip_central_signature = 0x02014b50;
inline constexpr uint32_t zip_end_signature = 0x06054b50;
inline constexpr uint32_t zip64_end_signature = 0x06064b50;
inline constexpr uint32_t zip64_locator_signature = 0x07064b50;

/// The little-endian number at `at`; the caller has checked that it is there.
template <class T>
T zip_number(std::span<const std::byte> bytes, uint64_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

/// One entry of the central directory, with `data` found and inside the file.
struct zip_entry {
  std::string name;
  uint16_t method = 0;
  uint16_t flags = 0;
  uint32_t crc = 0;
  uint64_t local_header = 0;  ///< offset of its local header
  uint64_t compressed_size = 0;
  uint64_t size = 0;  ///< uncompressed
  std::span<const std::byte> data;
};

/// Reads the central directory. It alone gives the sizes: local headers may defer theirs to a data descriptor.
class zip_directory_reader {
 public:
  zip_directory_reader(std::string_view file, std::span<const std::byte> bytes) : file_(file), bytes_(bytes) {}

  /// The entries in the directory's order. Throws for damage, repeated names and entries that overlap (zip bombs do).
  std::vector<zip_entry> read() {
    find_directory();
    std::vector<zip_entry> entries;
    uint64_t at = directory_;
    for (uint64_t i = 0; i < count_; ++i) entries.push_back(central_entry(at));
    if (at != directory_ + directory_size_) fail("the central directory has bytes after its last entry", at);
    refuse_repeated_names(entries);
    refuse_overlaps(entries);
    return entries;
  }

 private:
  [[noreturn]] void fail(std::string_view reason, uint64_t offset) const {
    throw data_error(file_, "", reason, offset);
  }
  [[noreturn]] void fail(const zip_entry& entry, std::string_view reason, uint64_t offset) const {
    throw data_error(file_, "entry " + tessera::quoted(entry.name), reason, offset);
  }

  template <class T>
  T number(uint64_t at) const {
    return zip_number<T>(bytes_, at);
  }

  void find_directory() {
    constexpr uint64_t end_size = 22;
    const uint64_t size = bytes_.size();
    if (size == 0) throw data_error(file_, "", "the file is empty, not a ZIP archive");
    if (size < end_size) throw data_error(file_, "", "the file is too short for a ZIP archive");
    uint64_t end = size - end_size;
    const uint64_t first = end > 65535 ? end - 65535 : 0;  // a comment may follow the record
    while (number<uint32_t>(end) != zip_end_signature || number<uint16_t>(end + 20) != size - end - end_size) {
      if (end == first)
        throw data_error(file_, "", "no end of a ZIP archive is found: it is another kind of file, or cut short");
      --end;
    }
    uint64_t limit = end;  // the directory ends before this
    uint32_t disks = uint32_t{number<uint16_t>(end + 4)} | number<uint16_t>(end + 6);
    uint64_t count_here = number<uint16_t>(end + 8);
    count_ = number<uint16_t>(end + 10);
    directory_size_ = number<uint32_t>(end + 12);
    directory_ = number<uint32_t>(end + 16);
    if (end >= 20 && number<uint32_t>(end - 20) == zip64_locator_signature) {
      const uint64_t record = number<uint64_t>(end - 12);
      constexpr uint64_t record_size = 56;
      if (end - 20 < record_size || record > end - 20 - record_size ||
          number<uint32_t>(record) != zip64_end_signature) {
        fail("the ZIP64 end record is not where its locator says", end - 20);
      }
      limit = record;
      disks = number<uint32_t>(record + 16) | number<uint32_t>(record + 20);
      count_here = number<uint64_t>(record + 24);
      count_ = number<uint64_t>(record + 32);
      directory_size_ = number<uint64_t>(record + 40);
      directory_ = number<uint64_t>(record + 48);
    }
    if (disks != 0 || count_here != count_)
      fail("the archive is split over several files, which is not supported", end);
    if (directory_ > limit || directory_size_ > limit - directory_) {
      fail("the central directory should be at byte " + std::to_string(directory_) + " and " +
               std::to_string(directory_size_) + " bytes long, which is outside the file",
           end);
    }
    constexpr uint64_t smallest_entry = 46;
    if (count_ > directory_size_ / smallest_entry) {
      fail("the archive claims " + std::to_string(count_) + " entries, more than its directory has room for", end);
    }
  }

  zip_entry central_entry(uint64_t& at) const {
    const uint64_t end = directory_ + directory_size_;
    constexpr uint64_t fixed = 46;
    if (end - at < fixed || number<uint32_t>(at) != zip_central_signature) {
      fail("the central directory is damaged: an entry is expected", at);
    }
    const uint64_t name_size = number<uint16_t>(at + 28);
    const uint64_t extra_size = number<uint16_t>(at + 30);
    const uint64_t comment_size = number<uint16_t>(at + 32);
    if (end - at - fixed < name_size + extra_size + comment_size)
      fail("an entry is longer than the central directory", at);
    zip_entry entry;
    entry.name.assign(reinterpret_cast<const char*>(bytes_.data() + at + fixed), name_size);
    if (entry.name.find('\0') != std::string::npos) fail(entry, "its name has a zero byte", at);
    entry.flags = number<uint16_t>(at + 8);
    entry.method = number<uint16_t>(at + 10);
    entry.crc = number<uint32_t>(at + 16);
    entry.compressed_size = number<uint32_t>(at + 20);
    entry.size = number<uint32_t>(at + 24);
    entry.local_header = number<uint32_t>(at + 42);
    read_zip64_extra(entry, at + fixed + name_size, extra_size);
    locate_data(entry, at);
    at += fixed + name_size + extra_size + comment_size;
    return entry;
  }

  /// Numbers that are all ones in the directory stand in the ZIP64 field, in this order.
  void read_zip64_extra(zip_entry& entry, uint64_t at, uint64_t size) const {
    const uint64_t begin = at;
    uint64_t* wide[3] = {};
    std::size_t missing = 0;
    for (uint64_t* value : {&entry.size, &entry.compressed_size, &entry.local_header}) {
      if (*value == 0xffffffffu) wide[missing++] = value;
    }
    if (missing == 0) return;
    for (const uint64_t end = at + size; end - at >= 4;) {
      const uint64_t field = number<uint16_t>(at + 2);
      if (field > end - at - 4) break;
      if (number<uint16_t>(at) == 1) {
        if (field < 8 * missing) break;
        for (std::size_t i = 0; i < missing; ++i) *wide[i] = number<uint64_t>(at + 4 + 8 * i);
        return;
      }
      at += 4 + field;
    }
    fail(entry, "its ZIP64 sizes are missing", begin);
  }

  void locate_data(zip_entry& entry, uint64_t central) const {
    constexpr uint64_t fixed = 30;
    const uint64_t local = entry.local_header;
    if (local > directory_ || directory_ - local < fixed || number<uint32_t>(local) != zip_local_signature) {
      fail(entry, "its local header is not at byte " + std::to_string(local) + " as the directory says", central);
    }
    const uint64_t names = uint64_t{number<uint16_t>(local + 26)} + number<uint16_t>(local + 28);
    if (number<uint16_t>(local + 26) != entry.name.size() || directory_ - local - fixed < names ||
        std::memcmp(bytes_.data() + local + fixed, entry.name.data(), entry.name.size()) != 0) {
      fail(entry, "its local header has another name", local);
    }
    const uint64_t data = local + fixed + names;
    if (entry.compressed_size > directory_ - data) {
      fail(entry,
           "its " + std::to_string(entry.compressed_size) + " bytes of data do not fit before the central directory",
           data);
    }
    entry.data = bytes_.subspan(data, entry.compressed_size);
  }

  void refuse_repeated_names(const std::vector<zip_entry>& entries) const {
    std::vector<std::string_view> names;
    names.reserve(entries.size());
    for (const zip_entry& entry : entries) names.push_back(entry.name);
    std::sort(names.begin(), names.end());
    const auto twin = std::adjacent_find(names.begin(), names.end());
    if (twin != names.end())
      throw data_error(file_, "entry " + tessera::quoted(*twin), "its name occurs more than once");
  }

  void refuse_overlaps(const std::vector<zip_entry>& entries) const {
    std::vector<const zip_entry*> order;
    order.reserve(entries.size());
    for (const zip_entry& entry : entries) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->local_header < b->local_header; });
    uint64_t end = 0;
    for (const zip_entry* entry : order) {
      if (entry->local_header < end) fail(*entry, "it overlaps another entry", entry->local_header);
      end = static_cast<uint64_t>(entry->data.data() - bytes_.data()) + entry->compressed_size;
    }
  }

  std::string_view file_;
  std::span<const std::byte> bytes_;
  uint64_t directory_ = 0;
  uint64_t directory_size_ = 0;
  uint64_t count_ = 0;
};

/// Reads one entry from its beginning to its end, inflating as needed; the CRC-32 is checked at the end.
class zip_entry_stream {
 public:
  /// `where` names the entry in messages. Refuses encryption, other methods, and sizes that the data cannot have.
  zip_entry_stream(std::string_view file, std::string where, const zip_entry& entry)
      : file_(file), where_(std::move(where)), entry_(entry) {
    if ((entry.flags & 0x2041) != 0) fail("it is encrypted");
    if (entry.method == static_cast<uint16_t>(zip_method::stored)) {
      if (entry.size != entry.compressed_size) fail("it is not compressed, yet has two different sizes");
    } else if (entry.method == static_cast<uint16_t>(zip_method::deflated)) {
      // Deflate writes at least two bits for 258 bytes: 1032 to 1 at best.
      if (entry.size / 1032 > entry.compressed_size) {
        fail("it claims to inflate from " + std::to_string(entry.compressed_size) + " bytes to " +
             std::to_string(entry.size) + ", more than deflate can");
      }
      if (::inflateInit2(&stream_, -MAX_WBITS) != Z_OK) fail("zlib has no memory to inflate it");
      inflating_ = true;
    } else {
      fail("its compression method " + std::to_string(entry.method) + " is not supported");
    }
  }
  zip_entry_stream(const zip_entry_stream&) = delete;
  zip_entry_stream& operator=(const zip_entry_stream&) = delete;
  ~zip_entry_stream() {
    if (inflating_) ::inflateEnd(&stream_);
  }

  /// Fills `to` with the next bytes. The caller asks for no more than `size` bytes in all.
  void read(std::span<std::byte> to) {
    if (to.size() > entry_.size - produced_) fail("it is shorter than expected");
    produced_ += to.size();
    if (inflating_) {
      inflate_to(to);
    } else if (!to.empty()) {
      std::memcpy(to.data(), entry_.data.data() + consumed_, to.size());
      consumed_ += to.size();
    }
    for (std::size_t done = 0; done < to.size();) {  // zlib counts in 32 bits
      const auto step = static_cast<uInt>(std::min<std::size_t>(to.size() - done, largest_step));
      crc_ = ::crc32(crc_, reinterpret_cast<const Bytef*>(to.data() + done), step);
      done += step;
    }
  }

  /// Call after the last byte: throws if there is more, or if the bytes are not those that were written.
  void finish() {
    if (inflating_) {
      std::byte extra{};
      if (inflate_some(std::span(&extra, 1)) != 0) fail("its compressed data goes on after its end");
      if (!ended_) fail("its compressed data is cut short");
      if (consumed_ - stream_.avail_in != entry_.data.size()) fail("it has bytes after its compressed data");
    }
    if (crc_ != entry_.crc) fail("its CRC-32 is wrong, so the data is damaged");
  }

 private:
  static constexpr std::size_t largest_step = std::size_t{1} << 30;

  [[noreturn]] void fail(std::string_view reason) const { throw data_error(file_, where_, reason); }

  void inflate_to(std::span<std::byte> to) {
    while (!to.empty()) {
      const std::size_t got = inflate_some(to.first(std::min(to.size(), largest_step)));
      if (got == 0) fail("its compressed data is cut short");
      to = to.subspan(got);
    }
  }

  /// Inflates up to `to.size()` bytes and returns how many; zero only at the end of the data.
  std::size_t inflate_some(std::span<std::byte> to) {
    stream_.next_out = reinterpret_cast<Bytef*>(to.data());
    stream_.avail_out = static_cast<uInt>(to.size());
    while (!ended_ && stream_.avail_out == to.size()) {
      if (stream_.avail_in == 0) {
        const std::size_t step = std::min(entry_.data.size() - consumed_, largest_step);
        if (step == 0) break;
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(entry_.data.data() + consumed_));
        stream_.avail_in = static_cast<uInt>(step);
        consumed_ += step;
      }
      const int result = ::inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        ended_ = true;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        fail(std::string("its compressed data is damaged: ") + (stream_.msg != nullptr ? stream_.msg : "zlib failed"));
      }
    }
    return to.size() - stream_.avail_out;
  }

  std::string_view file_;
  std::string where_;
  const zip_entry& entry_;
  z_stream stream_{};
  bool inflating_ = false;
  bool ended_ = false;
  uint64_t produced_ = 0;
  std::size_t consumed_ = 0;
  uLong crc_ = ::crc32(0, nullptr, 0);
};

}  // namespace tessera::detail
