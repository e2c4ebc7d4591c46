// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The rounding rules that the dialects are made of: shifts, divisions, saturation, square root, and a product of 94
/// bits rounded to an integer. All constexpr, all on integers except the few that turn scales into integers at load.

#include "tessera/std.hpp"

namespace tessera {

/// Two's-complement wrap to 32 bits: what an int32 accumulator does on every target.
constexpr int32_t wrap32(int64_t v) { return static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint64_t>(v))); }

/// v limited to the range of T.
template <Integer T>
constexpr T saturate(int64_t v) {
  if constexpr (!limits<T>::is_signed && sizeof(T) == 8) {
    return static_cast<T>(max<int64_t>(v, 0));
  } else {
    return static_cast<T>(
        clamp<int64_t>(v, static_cast<int64_t>(limits<T>::min), static_cast<int64_t>(limits<T>::max)));
  }
}

/// True if T holds every integer from low to high.
template <Integer T>
constexpr bool holds(int64_t low, int64_t high) {
  return static_cast<int64_t>(saturate<T>(low)) == low && static_cast<int64_t>(saturate<T>(high)) == high;
}

/// An integer type that holds every value from Low to High.
template <class T, int64_t Low, int64_t High>
concept IntegerHolding = Integer<T> && holds<T>(Low, High);

/// An integer type of at most this many bits.
template <class T, int Bits>
concept IntegerUpTo = Integer<T> && sizeof(T) * 8 <= Bits;

/// v / 2^s rounded to minus infinity, for any s >= 0.
constexpr int64_t shift_floor(int64_t v, int s) { return v >> min(s, 63); }

/// v / 2^s rounded to nearest, ties to plus infinity (RHU), for any s >= 0: -2.5 -> -2, 2.5 -> 3.
constexpr int64_t shift_half_up(int64_t v, int s) {
  if (s > 63) return 0;  // |v / 2^s| <= 1/2, and -1/2 goes up
  return s == 0 ? v : (v >> s) + ((v >> (s - 1)) & 1);
}

/// n / d rounded to minus infinity; d != 0.
constexpr int64_t divide_floor(int64_t n, int64_t d) {
  const int64_t q = n / d;
  return q - (n % d != 0 && (n < 0) != (d < 0) ? 1 : 0);
}

/// n / d rounded to nearest, ties to plus infinity (RHU); d > 0.
constexpr int64_t divide_half_up(int64_t n, int64_t d) {
  const int64_t q = divide_floor(n, d);
  const int64_t r = n - q * d;  // 0 <= r < d
  return q + (r >= d - r ? 1 : 0);
}

/// n / d rounded to nearest, ties to even (RNE); d > 0.
constexpr int64_t divide_half_even(int64_t n, int64_t d) {
  const int64_t q = divide_floor(n, d);
  const int64_t r = n - q * d;
  const int64_t other = d - r;
  return q + (r > other || (r == other && (q & 1) != 0) ? 1 : 0);
}

/// n / d rounded to nearest, ties away from zero; d > 0.
constexpr int64_t divide_half_away(int64_t n, int64_t d) {
  return n < 0 ? -divide_half_up(-n, d) : divide_half_up(n, d);
}

/// floor(sqrt(v)), by the digit-by-digit method: 32 steps at most, no multiplication.
constexpr uint32_t isqrt(uint64_t v) {
  uint64_t root = 0;
  uint64_t bit = uint64_t{1} << 62;
  while (bit > v) bit >>= 2;
  while (bit != 0) {
    if (v >= root + bit) {
      v -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
    bit >>= 2;
  }
  return static_cast<uint32_t>(root);
}

/// Position of the highest set bit + 1; 0 for 0.
constexpr int bit_width(uint64_t v) { return v == 0 ? 0 : 64 - __builtin_clzll(v); }

/// RNE( x * m / 2^e ), limited to the range of int64.
/// |x| < 2^63 and |m| <= 2^31, so the product has up to 94 bits; it is held as a high part of 64 and a low part of 32
/// bits, which needs no 128-bit type. e may be any integer; e <= 0 multiplies, and beyond +-128 nothing changes.
constexpr int64_t multiply_shift_half_even(int64_t x, int64_t m, int e) {
  TESSERA_ASSERT(m >= -(int64_t{1} << 31) && m <= (int64_t{1} << 31) && x != INT64_MIN);
  e = clamp(e, -128, 128);
  const bool negative = (x < 0) != (m < 0);
  const uint64_t ux = x < 0 ? uint64_t{0} - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
  const uint64_t um = m < 0 ? uint64_t{0} - static_cast<uint64_t>(m) : static_cast<uint64_t>(m);
  const uint64_t low_product = (ux & 0xffffffffu) * um;         // <= (2^32 - 1) * 2^31
  const uint64_t high = (ux >> 32) * um + (low_product >> 32);  // < 2^31 * 2^31 + 2^31
  const uint64_t low = low_product & 0xffffffffu;               // product = high * 2^32 + low
  constexpr uint64_t most = static_cast<uint64_t>(limits<int64_t>::max);
  uint64_t quotient = 0;  // floor(product / 2^e)
  bool half = false;      // the next lower bit
  bool below = false;     // anything under that bit
  if (e <= 0) {
    const bool fits = high < (uint64_t{1} << 31) && bit_width((high << 32) | low) - e <= 63;
    quotient = high == 0 && low == 0 ? 0 : (fits ? ((high << 32) | low) << -e : most);
  } else if (e <= 32) {
    quotient = (high >> 31) >> e != 0 ? most : (high << (32 - e)) | (low >> e);
    half = ((low >> (e - 1)) & 1) != 0;
    below = (low & ((uint64_t{1} << (e - 1)) - 1)) != 0;
  } else if (e <= 32 + 63) {
    const int s = e - 32;
    quotient = high >> s;
    half = ((high >> (s - 1)) & 1) != 0;
    below = (high & ((uint64_t{1} << (s - 1)) - 1)) != 0 || low != 0;
  }
  if (half && (below || (quotient & 1) != 0) && quotient < most) ++quotient;
  const auto magnitude = static_cast<int64_t>(min(quotient, most));
  return negative ? -magnitude : magnitude;
}

// ---- From real scales to integers, at load time. constexpr, so that constants can be checked by static_assert. ----

/// True unless v is a NaN or an infinity.
constexpr bool is_finite(double v) { return (bit_cast<uint64_t>(v) >> 52 & 0x7ff) != 0x7ff; }

/// Largest integer <= v as a double; v finite.
constexpr double floor(double v) {
  constexpr double exact = 4503599627370496.0;  // 2^52: doubles from here on are integers
  if (!(v < exact && v > -exact)) return v;
  const auto t = static_cast<double>(static_cast<int64_t>(v));
  return t > v ? t - 1.0 : t;
}

/// Nearest integer as a double, ties to even (RNE); v finite.
constexpr double round_half_even(double v) {
  const double f = floor(v);
  const double d = v - f;  // exact: both have the same binade or v is already an integer
  if (d < 0.5) return f;
  if (d > 0.5) return f + 1.0;
  const double h = f * 0.5;
  return floor(h) == h ? f : f + 1.0;
}

/// Nearest integer as a double, ties to plus infinity (RHU).
constexpr double round_half_up(double v) {
  const double f = floor(v);
  return v - f >= 0.5 ? f + 1.0 : f;
}

/// v, already rounded, limited to the range of T (32 bits at most); a NaN gives the smallest.
template <IntegerUpTo<32> T>
constexpr T saturate_real(double v) {
  constexpr auto low = static_cast<double>(limits<T>::min);
  constexpr auto high = static_cast<double>(limits<T>::max);
  return v > low ? (v < high ? static_cast<T>(v) : limits<T>::max) : limits<T>::min;
}

/// v * 2^n; exact unless the result leaves the range of normal doubles.
constexpr double scale_binary(double v, int n) {
  for (; n >= 1000; n -= 1000) v *= bit_cast<double>(uint64_t{1023 + 1000} << 52);
  for (; n <= -1000; n += 1000) v *= bit_cast<double>(uint64_t{1023 - 1000} << 52);
  return v * bit_cast<double>(static_cast<uint64_t>(1023 + n) << 52);
}

/// v = fraction * 2^exponent with 0.5 <= |fraction| < 1; v finite and not zero. As C's frexp, but constexpr.
struct fraction_and_exponent {
  double fraction;
  int exponent;
};
constexpr fraction_and_exponent split_binary(double v) {
  int shift = 0;
  uint64_t bits = bit_cast<uint64_t>(v);
  if ((bits >> 52 & 0x7ff) == 0) {  // subnormal
    v *= 18014398509481984.0;       // 2^54
    shift = -54;
    bits = bit_cast<uint64_t>(v);
  }
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1022;
  return {bit_cast<double>((bits & ~(uint64_t{0x7ff} << 52)) | uint64_t{1022} << 52), exponent + shift};
}

/// Square root in double precision, correctly rounded, in constant expressions too.
constexpr double square_root(double v) {
  if (!is_constant_evaluated()) return __builtin_sqrt(v);
  if (!(v > 0)) return 0;
  const auto [fraction, exponent] = split_binary(v);
  const int even = (exponent - 1) & ~1;                      // v = a * 2^even
  const double a = scale_binary(fraction, exponent - even);  // in [1, 4), so the root is in [1, 2)
  double r = 1.5;
  for (int i = 0; i < 8; ++i) r = 0.5 * (r + a / r);
  // r is within a unit in the last place. With q = r * 2^52 an integer, it is correctly rounded if
  // (q - 1/2)^2 < a * 2^104 < (q + 1/2)^2; both sides are compared as integers, in digits of 52 bits.
  auto q = static_cast<uint64_t>(scale_binary(r, 52));
  const auto mantissa = static_cast<uint64_t>(scale_binary(a, 52));
  const auto above_midpoint = [mantissa](uint64_t n) {  // (n + 1/2)^2 < a * 2^104, as n^2 + n < mantissa * 2^52
    constexpr uint64_t low52 = (uint64_t{1} << 52) - 1;
    const uint64_t high_half = n >> 27;
    const uint64_t low_half = n & ((uint64_t{1} << 27) - 1);
    const uint64_t cross = 2 * high_half * low_half;  // weight 2^27
    const uint64_t ones = low_half * low_half + n;
    const uint64_t low = ((cross << 27) & low52) + (ones & low52);
    const uint64_t high = (high_half * high_half << 2) + (cross >> 25) + (ones >> 52) + (low >> 52);
    return high < mantissa;
  };
  while (above_midpoint(q)) ++q;
  while (!above_midpoint(q - 1)) --q;
  return scale_binary(static_cast<double>(q), even / 2 - 52);
}

}  // namespace tessera
