// SPDX-License-Identifier: Apache-2.0
// What compilers call for 64-bit arithmetic and bit counts on RV32: clang brings no library for that at all.
// Shifts are by 0 to 63. Division by zero is undefined, as in C++.
#include <stdint.h>

namespace {

struct halves {
  uint32_t low, high;
};
halves split(uint64_t v) { return __builtin_bit_cast(halves, v); }
uint64_t join(uint32_t low, uint32_t high) { return __builtin_bit_cast(uint64_t, halves{low, high}); }

uint64_t magnitude(int64_t v) { return v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v); }
int64_t with_sign(uint64_t magnitude, bool negative) {
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

struct division {
  uint64_t quotient, remainder;
};

/// Bit by bit, from the first bit in which n may be as large as d.
division divide(uint64_t n, uint64_t d) {
  if ((split(n).high | split(d).high) == 0) {
    return {join(split(n).low / split(d).low, 0), join(split(n).low % split(d).low, 0)};
  }
  uint64_t quotient = 0;
  uint64_t bit = 1;
  while (d < n && (d >> 63) == 0) {
    d <<= 1;
    bit <<= 1;
  }
  for (; bit != 0; bit >>= 1, d >>= 1) {
    if (n >= d) {
      n -= d;
      quotient |= bit;
    }
  }
  return {quotient, n};
}

}  // namespace

extern "C" {

uint64_t __ashldi3(uint64_t v, int shift) {
  const auto [low, high] = split(v);
  if (shift == 0) return v;
  return shift < 32 ? join(low << shift, high << shift | low >> (32 - shift)) : join(0, low << (shift - 32));
}
uint64_t __lshrdi3(uint64_t v, int shift) {
  const auto [low, high] = split(v);
  if (shift == 0) return v;
  return shift < 32 ? join(low >> shift | high << (32 - shift), high >> shift) : join(high >> (shift - 32), 0);
}
int64_t __ashrdi3(int64_t v, int shift) {
  const auto [low, bits] = split(static_cast<uint64_t>(v));
  const auto high = static_cast<int32_t>(bits);
  if (shift == 0) return v;
  return static_cast<int64_t>(
      shift < 32 ? join(low >> shift | bits << (32 - shift), static_cast<uint32_t>(high >> shift))
                 : join(static_cast<uint32_t>(high >> (shift - 32)), static_cast<uint32_t>(high >> 31)));
}

uint64_t __muldi3(uint64_t a, uint64_t b) {
  const auto [a0, a1] = split(a);
  const auto [b0, b1] = split(b);
  const halves low = split(uint64_t{a0} * b0);
  return join(low.low, low.high + a0 * b1 + a1 * b0);
}

uint64_t __udivdi3(uint64_t n, uint64_t d) { return divide(n, d).quotient; }
uint64_t __umoddi3(uint64_t n, uint64_t d) { return divide(n, d).remainder; }
int64_t __divdi3(int64_t n, int64_t d) {
  return with_sign(divide(magnitude(n), magnitude(d)).quotient, (n < 0) != (d < 0));
}
int64_t __moddi3(int64_t n, int64_t d) { return with_sign(divide(magnitude(n), magnitude(d)).remainder, n < 0); }

/// Leading zeros of v, which is not 0.
int __clzsi2(uint32_t v) {
  int zeros = 0;
  for (int step = 16; step != 0; step /= 2) {
    if (v >> (32 - step) == 0) {
      zeros += step;
      v <<= step;
    }
  }
  return zeros;
}
int __clzdi2(uint64_t v) {
  const auto [low, high] = split(v);
  return high != 0 ? __clzsi2(high) : 32 + __clzsi2(low);
}
int __ctzsi2(uint32_t v) { return 31 - __clzsi2(v & (0 - v)); }
int __ctzdi2(uint64_t v) {
  const auto [low, high] = split(v);
  return low != 0 ? __ctzsi2(low) : 32 + __ctzsi2(high);
}
int __popcountsi2(uint32_t v) {
  v -= v >> 1 & 0x55555555;
  v = (v & 0x33333333) + (v >> 2 & 0x33333333);
  return static_cast<int>(((v + (v >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24);
}
int __popcountdi2(uint64_t v) { return __popcountsi2(split(v).low) + __popcountsi2(split(v).high); }
uint32_t __bswapsi2(uint32_t v) { return v << 24 | (v << 8 & 0xff0000) | (v >> 8 & 0xff00) | v >> 24; }

}  // extern "C"
