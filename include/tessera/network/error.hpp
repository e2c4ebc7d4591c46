// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The one exception of the file readers and writers.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tessera {

/// `name` in quotes, safe to print: names come from untrusted files, so control characters become `\xNN` and long names
/// are cut. Call it qualified: with a `std::string`, plain `quoted` would find `std::quoted` as well.
inline std::string quoted(std::string_view name) {
  constexpr std::size_t longest = 120;
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "'";
  for (const char c : name.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    } else {
      text += c;
    }
  }
  return text + (name.size() > longest ? "...'" : "'");
}

/// A file that cannot be read, written or believed. `what()` is one sentence: the file, where in it (if known), the
/// reason, and the byte (if known), as in `model.safetensors: tensor 'a': the data type 'F7' is not known (at byte 8)`.
class data_error : public std::runtime_error {
 public:
  /// `where` is a phrase such as `tensor 'a'`, or empty when the whole file is meant.
  data_error(std::string_view file, std::string_view where, std::string_view reason,
             std::optional<std::uint64_t> offset = std::nullopt)
      : std::runtime_error(sentence(file, where, reason, offset)),
        file_(file),
        where_(where),
        reason_(reason),
        offset_(offset) {}

  const std::string& file() const { return file_; }
  const std::string& where() const { return where_; }
  const std::string& reason() const { return reason_; }
  std::optional<std::uint64_t> offset() const { return offset_; }

 private:
  static std::string sentence(std::string_view file, std::string_view where, std::string_view reason,
                              std::optional<std::uint64_t> offset) {
    std::string text(file);
    if (!where.empty()) text.append(": ").append(where);
    text.append(": ").append(reason);
    if (offset) text.append(" (at byte ").append(std::to_string(*offset)).append(")");
    return text;
  }

  std::string file_;
  std::string where_;
  std::string reason_;
  std::optional<std::uint64_t> offset_;
};

}  // namespace tessera
