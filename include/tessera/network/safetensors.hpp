// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Reader of safetensors files. The writer is in `safetensors_writer.hpp`.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tessera/network/dtype.hpp"
#include "tessera/network/error.hpp"
#include "tessera/network/mapped_file.hpp"
#include "tessera/network/tensor_ref.hpp"

namespace tessera {

/// Longest JSON header that is read; the limit of the reference implementation.
inline constexpr uint64_t maximum_safetensors_header = 100'000'000;

namespace detail {

/// The format's names..
inline constexpr std::pair<std::string_view, dtype> safetensors_types[] = {
    {"BOOL", dtype::boolean}, {"I8", dtype::i8},   {"I16", dtype::i16}, {"I32", dtype::i32}, {"I64", dtype::i64},
    {"U8", dtype::u8},        {"U16", dtype::u16}, {"U32", dtype::u32}, {"U64", dtype::u64}, {"F16", dtype::f16},
    {"BF16", dtype::bf16},    {"F32", dtype::f32}, {"F64", dtype::f64}};

/// One tensor as the header describes it.
struct safetensors_entry {
  std::string name;
  dtype type = dtype::u8;
  std::vector<index_t> shape;
  uint64_t begin = 0;  ///< offset in the data, which follows the header
  uint64_t end = 0;
};

/// Receives the header's JSON piece by piece. No document is built, so nesting costs no stack and little memory.
class safetensors_header_reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<safetensors_entry> entries;
  std::map<std::string, std::string, std::less<>> metadata;

  explicit safetensors_header_reader(std::string_view file) : file_(file) {}

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a boolean"); }
  bool number_integer(number_integer_t) override { return scalar("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return scalar("a number with a fraction, an exponent or too many digits");
  }
  bool binary(binary_t&) override { return scalar("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != place::shape && place_ != place::offsets) return scalar("a number");
    if (place_ == place::shape) {
      if (value > static_cast<uint64_t>(limits<index_t>::max)) fail("its shape has an extent above 2^63 - 1");
      if (current_.shape.size() == maximum_rank) fail("its shape has more than 64 extents");
      current_.shape.push_back(static_cast<index_t>(value));
    } else {
      if (offsets_ == 2) fail("its data_offsets are more than two numbers");
      (offsets_++ == 0 ? current_.begin : current_.end) = value;
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == place::metadata) {
      if (!metadata.emplace(key_, std::move(value)).second) {
        throw data_error(file_, "__metadata__", "the key " + tessera::quoted(key_) + " is there twice");
      }
      return true;
    }
    if (place_ != place::tensor || key_ != "dtype") return scalar("a string");
    for (const auto& [name, type] : safetensors_types) {
      if (value == name) {
        current_.type = type;
        return true;
      }
    }
    fail("its dtype " + tessera::quoted(value) + " is not supported");
  }

  bool key(string_t& value) override {
    if (skipped_ > 0) return true;
    key_ = std::move(value);
    if (place_ == place::document) {
      current_ = {};
      current_.name = key_;
      has_type_ = has_shape_ = has_offsets_ = false;
      offsets_ = 0;
    } else if (place_ == place::tensor) {
      bool other = false;
      bool& seen = key_ == "dtype"          ? has_type_
                   : key_ == "shape"        ? has_shape_
                   : key_ == "data_offsets" ? has_offsets_
                                            : other;
      if (std::exchange(seen, true)) fail("its " + key_ + " is there twice");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    switch (place_) {
      case place::start: place_ = place::document; return true;
      case place::document:
        if (key_ != "__metadata__") {
          place_ = place::tensor;
        } else {
          if (std::exchange(has_metadata_, true)) throw data_error(file_, "__metadata__", "it is there twice");
          place_ = place::metadata;
        }
        return true;
      default: return nested("an object");
    }
  }

  bool end_object() override {
    if (skipped_ > 0) {
      --skipped_;
    } else if (place_ == place::tensor) {
      if (!has_type_ || !has_shape_ || !has_offsets_) fail("it lacks one of dtype, shape and data_offsets");
      entries.push_back(std::move(current_));
      place_ = place::document;
    } else {
      place_ = place_ == place::metadata ? place::document : place::end;
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == place::tensor && skipped_ == 0 && (key_ == "shape" || key_ == "data_offsets")) {
      place_ = key_ == "shape" ? place::shape : place::offsets;
      return true;
    }
    return nested("an array");
  }

  bool end_array() override {
    if (skipped_ > 0) {
      --skipped_;
    } else {
      if (place_ == place::offsets && offsets_ != 2) fail("its data_offsets are fewer than two numbers");
      place_ = place::tensor;
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) override {
    // Only the library's reason: what it quotes of the file may be long or not printable.
    std::string_view reason = error.what();
    reason = reason.substr(0, std::min(reason.find("; last read"), std::size_t{200}));
    if (const auto colon = reason.find(": "); colon != reason.npos) reason.remove_prefix(colon + 2);
    throw data_error(file_, "", "the header is not JSON: " + std::string(reason),
                     8 + (position > 0 ? position - 1 : 0));
  }

 private:
  enum class place : uint8_t {
    start,
    document,
    metadata,
    tensor,
    shape,
    offsets,
    end
  };
  static constexpr int deepest_skipped = 64;

  [[noreturn]] void fail(std::string_view reason) const {
    throw data_error(file_, "tensor " + tessera::quoted(current_.name), reason);
  }

  bool is_skipping() const {
    return skipped_ > 0 || (place_ == place::tensor && key_ != "dtype" && key_ != "shape" && key_ != "data_offsets");
  }

  /// A value that is not what its place asks for; the values of unknown keys of a tensor are skipped, for newer files.
  bool scalar(const char* kind) const {
    if (is_skipping()) return true;
    unexpected(kind);
  }

  bool nested(const char* kind) {
    if (!is_skipping()) unexpected(kind);
    if (++skipped_ > deepest_skipped) fail("an unknown key of it is nested deeper than 64 levels");
    return true;
  }

  [[noreturn]] void unexpected(const std::string& kind) const {
    switch (place_) {
      case place::start:
      case place::end: throw data_error(file_, "", "the header must be an object, is " + kind, 8);
      case place::metadata:
        throw data_error(file_, "__metadata__",
                         "the value of " + tessera::quoted(key_) + " must be a string, is " + kind);
      case place::document:
        if (key_ == "__metadata__") throw data_error(file_, key_, "it must be an object, is " + kind);
        fail("its description must be an object, is " + kind);
      case place::shape: fail("its shape must have non-negative integers only, has " + kind);
      case place::offsets: fail("its data_offsets must be two non-negative integers, have " + kind);
      case place::tensor: break;
    }
    fail("its " + key_ + " must be " + (key_ == "dtype" ? "a string" : "an array") + ", is " + kind);
  }

  std::string_view file_;
  place place_ = place::start;
  int skipped_ = 0;  ///< open brackets below an unknown key
  std::string key_;
  safetensors_entry current_;
  int offsets_ = 0;
  bool has_type_ = false, has_shape_ = false, has_offsets_ = false, has_metadata_ = false;
};

}  // namespace detail

/// A file of named tensors, used in place: nothing is copied or converted before it is asked for. All that the header
/// says is checked when the file is opened, as strictly as the reference implementation does: the tensors must fill the
/// data without overlap, hole or rest. Everything throws `data_error`.
class safetensors_file {
 public:
  /// Maps the file, which must not change while this object lives.
  static safetensors_file open(const std::string& path) {
    mapped_file file(path);
    const std::span<const std::byte> bytes = file.bytes();
    safetensors_file result(file.name(), bytes);
    result.mapping_ = std::move(file);
    return result;
  }

  /// Reads from memory of the caller's, which must outlive this object; `name` is for messages.
  static safetensors_file from_bytes(std::string name, std::span<const std::byte> bytes) {
    return {std::move(name), bytes};
  }

  /// The path or name, for messages.
  const std::string& name() const { return *name_; }

  /// Names of the tensors in the order of their data.
  const std::vector<std::string>& names() const { return names_; }

  bool contains(std::string_view name) const { return index_.find(name) != index_.end(); }

  /// The tensor `name`, valid as long as this object or the one that it is moved to. Throws if there is none.
  tensor_ref tensor(std::string_view name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) {
      throw data_error(*name_, "tensor " + tessera::quoted(name), "there is no tensor of this name");
    }
    const detail::safetensors_entry& entry = entries_[found->second];
    return {*name_, entry.name, entry.type, entry.shape, data_.subspan(entry.begin, entry.end - entry.begin)};
  }

  /// The tensor `name` as `T`, row-major; see `tensor_ref::to`.
  template <Arithmetic T>
  std::vector<T> to(std::string_view name) const {
    return tensor(name).to<T>();
  }

  /// The text entries of `__metadata__`, which are the writer's business.
  const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }

 private:
  safetensors_file(std::string name, std::span<const std::byte> bytes)
      : name_(std::make_unique<const std::string>(std::move(name))) {
    read_header(bytes);
    check_tensors();
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      names_.push_back(entries_[i].name);
      if (!index_.emplace(entries_[i].name, i).second) fail(entries_[i], "its name is there twice");
    }
  }

  [[noreturn]] void fail(const detail::safetensors_entry& entry, std::string_view reason) const {
    throw data_error(*name_, "tensor " + tessera::quoted(entry.name), reason);
  }

  void read_header(std::span<const std::byte> bytes) {
    uint64_t length = 0;
    if (bytes.size() < sizeof length) {
      throw data_error(
          *name_, "",
          "the file has " + std::to_string(bytes.size()) + " bytes, too few for the length of a safetensors header");
    }
    std::memcpy(&length, bytes.data(), sizeof length);
    const std::span<const std::byte> rest = bytes.subspan(sizeof length);
    const std::string claim = "the header should have " + std::to_string(length) + " bytes, ";
    if (length > maximum_safetensors_header) throw data_error(*name_, "", claim + "more than the limit of 100 MB", 0);
    if (length > rest.size()) {
      throw data_error(*name_, "", claim + "but only " + std::to_string(rest.size()) + " are left", 0);
    }
    const std::string_view text(reinterpret_cast<const char*>(rest.data()), length);
    if (!text.starts_with('{')) throw data_error(*name_, "", "the header does not start with a brace", 8);
    // nlohmann takes a zero byte for the end of the text and would ignore what follows.
    if (const auto zero = text.find('\0'); zero != text.npos) {
      throw data_error(*name_, "", "the header is not JSON: it has a zero byte", 8 + zero);
    }
    detail::safetensors_header_reader reader(*name_);
    nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
    entries_ = std::move(reader.entries);
    metadata_ = std::move(reader.metadata);
    data_ = rest.subspan(length);
  }

  void check_tensors() {
    std::sort(entries_.begin(), entries_.end(),
              [](const auto& a, const auto& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t filled = 0;
    for (const detail::safetensors_entry& entry : entries_) {
      const std::string range = "[" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + ")";
      if (entry.begin > entry.end) fail(entry, "its data_offsets " + range + " end before they begin");
      if (entry.end > data_.size()) {
        fail(entry,
             "its data_offsets " + range + " are outside the data of " + std::to_string(data_.size()) + " bytes");
      }
      const auto count = detail::checked_count(entry.shape, size_of(entry.type));
      if (!count) fail(entry, "its shape " + detail::shape_text(entry.shape) + " has more bytes than 2^63 - 1");
      const auto size = static_cast<uint64_t>(*count * size_of(entry.type));
      if (size != entry.end - entry.begin) {
        fail(entry, "its shape " + detail::shape_text(entry.shape) + " of " + to_string(entry.type) + " needs " +
                        std::to_string(size) + " bytes, but its data_offsets " + range + " give " +
                        std::to_string(entry.end - entry.begin));
      }
      if (entry.begin < filled) fail(entry, "its data_offsets " + range + " overlap another tensor");
      if (entry.begin > filled) {
        fail(entry,
             "its data_offsets " + range + " leave a hole after byte " + std::to_string(filled) + " of the data");
      }
      filled = entry.end;
    }
    if (filled != data_.size()) {
      throw data_error(*name_, "",
                       "the tensors have " + std::to_string(filled) + " bytes, but the file has data of " +
                           std::to_string(data_.size()));
    }
  }

  std::unique_ptr<const std::string> name_;  // tensors point to it, and it must not move
  mapped_file mapping_;
  std::span<const std::byte> data_;
  std::vector<detail::safetensors_entry> entries_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace tessera
