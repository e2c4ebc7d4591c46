// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Packets of GDB's remote serial protocol, `$payload#checksum`: taken out of a stream of bytes, taken apart, and made.
/// All buffers are bounded, and any bytes are safe.
/// Source: "Debugging with GDB", appendix E (Remote Serial Protocol).

#include "tessera/std.hpp"

namespace tessera::sim {

/// Longest payload in both directions.
inline constexpr uint32_t gdb_packet_bytes = 4096;

/// Finds packets in a stream of bytes.
class gdb_receiver {
 public:
  enum class event : uint8_t {
    nothing,    ///< go on
    packet,     ///< payload() is one
    corrupt,    ///< one with a wrong checksum
    too_long,   ///< one that did not fit
    interrupt,  ///< Ctrl-C
    repeat,     ///< "-": the other side did not understand
  };

  event put(uint8_t byte) {
    switch (state_) {
      case state::outside:
        if (byte == '$') begin();
        return byte == 0x03 ? event::interrupt : byte == '-' ? event::repeat : event::nothing;
      case state::inside:
      case state::escaped:
        if (byte == '$') {  // never part of a payload: the packet before it lost its end
          begin();
          return event::nothing;
        }
        if (byte == '#') {
          state_ = state::first_digit;
          return event::nothing;
        }
        sum_ = static_cast<uint8_t>(sum_ + byte);
        if (state_ == state::inside && byte == '}') {
          state_ = state::escaped;
          return event::nothing;
        }
        if (size_ < gdb_packet_bytes)
          payload_[size_] = static_cast<char>(state_ == state::escaped ? byte ^ 0x20 : byte);
        if (size_ <= gdb_packet_bytes) ++size_;
        state_ = state::inside;
        return event::nothing;
      case state::first_digit:
        expected_ = digit(byte);
        state_ = state::second_digit;
        return event::nothing;
      case state::second_digit: {
        state_ = state::outside;
        const int low = digit(byte);
        if (expected_ < 0 || low < 0 || expected_ * 16 + low != sum_) return event::corrupt;
        return size_ > gdb_packet_bytes ? event::too_long : event::packet;
      }
    }
    return event::nothing;
  }

  const char* payload() const { return payload_; }
  uint32_t size() const { return size_; }

  /// The value of a hexadecimal digit, -1 if it is none.
  static constexpr int digit(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }

 private:
  enum class state : uint8_t {
    outside,
    inside,
    escaped,
    first_digit,
    second_digit
  };

  void begin() {
    state_ = state::inside;
    size_ = 0;
    sum_ = 0;
  }

  state state_ = state::outside;
  uint8_t sum_ = 0;
  int expected_ = 0;
  uint32_t size_ = 0;
  char payload_[gdb_packet_bytes] = {};
};

/// Takes a payload apart from its front. What is not there is not taken.
class gdb_reader {
 public:
  gdb_reader(const char* data, uint32_t size) : at_(data), end_(data + size) {}

  bool done() const { return at_ == end_; }
  uint32_t left() const { return static_cast<uint32_t>(end_ - at_); }
  /// The next character, 0 at the end.
  char next() { return done() ? '\0' : *at_++; }

  bool take(const char* prefix) {
    const char* p = at_;
    for (; *prefix != '\0'; ++prefix, ++p) {
      if (p == end_ || *p != *prefix) return false;
    }
    at_ = p;
    return true;
  }
  /// A hexadecimal number of at most 32 bits.
  bool number(uint32_t& value) {
    uint64_t v = 0;
    const char* p = at_;
    for (; p != end_ && gdb_receiver::digit(*p) >= 0; ++p) {
      v = v * 16 + static_cast<uint32_t>(gdb_receiver::digit(*p));
      if (v > ~uint32_t{0}) return false;
    }
    if (p == at_) return false;
    at_ = p;
    value = static_cast<uint32_t>(v);
    return true;
  }
  /// Two digits.
  bool byte(uint8_t& value) {
    if (left() < 2) return false;
    const int high = gdb_receiver::digit(at_[0]);
    const int low = gdb_receiver::digit(at_[1]);
    if (high < 0 || low < 0) return false;
    value = static_cast<uint8_t>(high * 16 + low);
    at_ += 2;
    return true;
  }
  /// A register's 32 bits: digits of its bytes, the lowest first.
  bool word(uint32_t& value) {
    uint32_t v = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      uint8_t b = 0;
      if (!byte(b)) return false;
      v |= uint32_t{b} << shift;
    }
    value = v;
    return true;
  }
  /// Whether `word` occurs in what is left.
  bool contains(const char* word) const {
    for (gdb_reader r = *this; !r.done(); r.next()) {
      gdb_reader here = r;
      if (here.take(word)) return true;
    }
    return false;
  }

 private:
  const char* at_;
  const char* end_;
};

/// A packet in the making. What does not fit is cut, and then the packet still is one.
class gdb_reply {
 public:
  gdb_reply& begin() {
    size_ = 1;
    return *this;
  }
  gdb_reply& put(char c) {
    if (size_ <= gdb_packet_bytes) frame_[size_++] = c;
    return *this;
  }
  gdb_reply& text(const char* s) {
    while (*s != '\0') put(*s++);
    return *this;
  }
  /// Without leading zeros.
  gdb_reply& hex(uint32_t value) {
    int shift = 28;
    while (shift != 0 && value >> shift == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) put(digits[value >> shift & 15]);
    return *this;
  }
  gdb_reply& byte(uint32_t value) { return put(digits[value >> 4 & 15]).put(digits[value & 15]); }
  gdb_reply& word(uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) byte(value >> shift);
    return *this;
  }
  /// An answer that says only that something is wrong.
  void fail(const char* code = "E01") { begin().text(code); }
  /// Text as the digits of its bytes.
  gdb_reply& encoded(const char* s) {
    while (*s != '\0') byte(static_cast<uint8_t>(*s++));
    return *this;
  }
  /// Changes the first character.
  void set_kind(char c) { frame_[1] = c; }
  uint32_t room() const { return gdb_packet_bytes + 1 - size_; }

  /// Adds the checksum; then data() and size() are what to send.
  void end() {
    uint8_t sum = 0;
    for (uint32_t i = 1; i < size_; ++i) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(frame_[i]));
    frame_[size_++] = '#';
    frame_[size_++] = digits[sum >> 4];
    frame_[size_++] = digits[sum & 15];
  }
  const char* data() const { return frame_; }
  uint32_t size() const { return size_; }

 private:
  static constexpr const char* digits = "0123456789abcdef";

  char frame_[gdb_packet_bytes + 4] = {'$'};
  uint32_t size_ = 1;
};

}  // namespace tessera::sim
