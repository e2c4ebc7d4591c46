// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The parts of GPT-2's byte-level BPE that know nothing of a vocabulary: each byte's printable character, and the
/// pattern that cuts text into words before merging.

#include <utf8proc.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tessera/std.hpp"

namespace tessera::byte_level {

/// GPT-2's bytes_to_unicode: vocab.json writes printable Latin-1 bytes as themselves and the other 68 bytes, in
/// order, as U+0100.. (a space is U+0120).
inline constexpr std::array<char32_t, 256> characters = [] {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (char32_t b = 0; b < 256; ++b) {
    const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    table[b] = printable ? b : next++;
  }
  return table;
}();

/// The UTF-8 form (1 or 2 bytes) of `byte`'s character, as vocab.json and merges.txt have it.
inline std::string symbol(std::uint8_t byte) {
  const char32_t c = characters[byte];
  if (c < 0x80) return std::string(1, static_cast<char>(c));
  return {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))};
}

/// Inverse of `characters`: the byte, or -1 for a character that stands for none.
inline int byte_of(char32_t character) {
  static constexpr auto table = [] {
    std::array<std::int16_t, 0x144> inverse{};
    inverse.fill(-1);
    for (std::size_t b = 0; b < 256; ++b) inverse[characters[b]] = static_cast<std::int16_t>(b);
    return inverse;
  }();
  return character < table.size() ? table[character] : -1;
}

/// Unicode's White_Space property, which is `\s` of the pattern: U+0085 is in it, U+001C to U+001F are not.
constexpr bool is_white_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

enum class kind : std::uint8_t {
  letter,  ///< \p{L}
  number,  ///< \p{N}
  space,   ///< \s
  other,   ///< all else, and each byte that is not part of valid UTF-8
};

struct character {
  kind what;
  std::uint8_t bytes;  ///< 1..4
};

constexpr kind kind_of_ascii(unsigned char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return kind::letter;
  if (c >= '0' && c <= '9') return kind::number;
  return is_white_space(c) ? kind::space : kind::other;
}

/// The character that starts at byte `at` < text.size(). Where no valid UTF-8 character starts (stray or missing
/// continuation bytes, overlong forms, surrogates), one byte counts as one character of kind `other`.
/// The categories are those of the Unicode version that utf8proc knows; characters newer than that are `other`.
inline character character_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {kind_of_ascii(first), 1};
  const auto rest = static_cast<utf8proc_ssize_t>(text.size() - at < 4 ? text.size() - at : 4);
  utf8proc_int32_t code = 0;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at, rest, &code);
  if (bytes <= 0) return {kind::other, 1};
  const auto length = static_cast<std::uint8_t>(bytes);
  if (is_white_space(static_cast<char32_t>(code))) return {kind::space, length};
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return {kind::letter, length};
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return {kind::number, length};
    default: return {kind::other, length};
  }
}

/// Appends the bytes that `token` (as vocab.json spells it) stands for; characters that stand for no byte are kept.
inline void append_bytes(std::string_view token, std::string& text) {
  for (std::size_t at = 0; at < token.size();) {
    const auto first = static_cast<unsigned char>(token[at]);
    const std::size_t length = character_at(token, at).bytes;
    char32_t code = first;
    if (length == 2)
      code = static_cast<char32_t>((first & 0x1F) << 6 | (static_cast<unsigned char>(token[at + 1]) & 0x3F));
    const int byte = length > 2 ? -1 : byte_of(code);  // symbols have one or two bytes
    if (byte >= 0) {
      text += static_cast<char>(byte);
    } else {
      text += token.substr(at, length);
    }
    at += length;
  }
}

/// End of the word that starts at byte `begin` < text.size(), by GPT-2's pattern
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
/// The words of a text are adjacent and cover it, so the next word starts where this one ends.
inline std::size_t word_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'') {
    for (const std::string_view suffix : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (text.substr(begin, suffix.size()) == suffix) return begin + suffix.size();
    }
  }
  character c = character_at(text, begin);
  std::size_t at = begin + c.bytes;
  if (text[begin] == ' ' && at < text.size()) {
    const character next = character_at(text, at);
    if (next.what != kind::space) {  // the optional space before a run
      c = next;
      at += c.bytes;
    }
  }
  std::size_t last = begin;  // where the last character of the run starts
  const kind what = c.what;
  while (at < text.size()) {
    c = character_at(text, at);
    if (c.what != what) break;
    last = at;
    at += c.bytes;
  }
  // `\s+(?!\S)`: before a word, a run of two or more leaves its last character to that word or to itself.
  return what == kind::space && at < text.size() && last > begin ? last : at;
}

/// `text` without white space (`\s`) at its end.
inline std::string_view trim_end(std::string_view text) {
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 3 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    const character c = character_at(text, start);
    if (c.what != kind::space || start + c.bytes != text.size()) break;
    text = text.substr(0, start);
  }
  return text;
}

/// `text` without white space (`\s`) at its start.
inline std::string_view trim_start(std::string_view text) {
  while (!text.empty()) {
    const character c = character_at(text, 0);
    if (c.what != kind::space) break;
    text.remove_prefix(c.bytes);
  }
  return text;
}

}  // namespace tessera::byte_level
