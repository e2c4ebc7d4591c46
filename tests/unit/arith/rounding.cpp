// SPDX-License-Identifier: Apache-2.0
#include "tessera/arith/rounding.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "tessera/arith/requant.hpp"

using namespace tessera;

static_assert(wrap32(int64_t{1} << 31) == INT32_MIN && wrap32(-1 - (int64_t{1} << 31)) == INT32_MAX);
static_assert(saturate<int8_t>(-129) == -128 && saturate<uint8_t>(-1) == 0 && saturate<uint8_t>(256) == 255);
static_assert(saturate<uint64_t>(-1) == 0 && saturate<int64_t>(INT64_MIN) == INT64_MIN);
static_assert(holds<int8_t>(-128, 127) && !holds<int8_t>(0, 128) && !holds<int8_t>(-384, 0) && !holds<uint8_t>(-1, 0));
static_assert(holds<uint64_t>(0, INT64_MAX) && !holds<uint64_t>(-1, 0));
static_assert(shift_half_up(-5, 1) == -2 && shift_half_up(5, 1) == 3 && shift_half_up(-3, 1) == -1);
static_assert(shift_half_up(INT64_MIN, 63) == -1 && shift_half_up(INT64_MIN, 64) == 0);
static_assert(shift_half_up(INT64_MAX, 64) == 0 && shift_half_up(INT64_MAX, 63) == 1 && shift_floor(-1, 255) == -1);
static_assert(divide_half_up(-5, 2) == -2 && divide_half_even(-5, 2) == -2 && divide_half_away(-5, 2) == -3);
static_assert(divide_half_up(7, 2) == 4 && divide_half_even(5, 2) == 2 && divide_floor(-7, -2) == 3);
static_assert(isqrt(0) == 0 && isqrt(UINT64_MAX) == UINT32_MAX && isqrt(24) == 4 && isqrt(25) == 5);
static_assert(square_root(2.0) == 0x1.6a09e667f3bcdp+0 && square_root(0x1p-1074) == 0x1p-537);
static_assert(round_half_even(2.5) == 2 && round_half_even(-3.5) == -4 && round_half_up(-2.5) == -2);
static_assert(saturate_real<uint8_t>(-1e300) == 0 && saturate_real<int16_t>(1e300) == 32767);
static_assert(saturate_real<int32_t>(std::numeric_limits<double>::quiet_NaN()) == INT32_MIN);
static_assert(saturate_real<int32_t>(-7091.0) == -7091);

TEST_CASE("arith/shifts and divisions agree with real arithmetic") {
  for (int v = -300; v <= 300; ++v) {
    for (int s = 0; s <= 10; ++s) {
      const double exact = std::ldexp(v, -s);
      CAPTURE(v);
      CAPTURE(s);
      CHECK(shift_floor(v, s) == static_cast<int64_t>(std::floor(exact)));
      CHECK(shift_half_up(v, s) == static_cast<int64_t>(std::floor(exact + 0.5)));
    }
    for (int d = 1; d <= 24; ++d) {
      // 2v/d and its fraction decide exactly: no double rounding at these sizes.
      const double exact = static_cast<double>(v) / d;
      CAPTURE(v);
      CAPTURE(d);
      CHECK(divide_floor(v, d) == static_cast<int64_t>(std::floor(exact)));
      CHECK(divide_floor(v, -d) == static_cast<int64_t>(std::floor(-exact)));
      CHECK(divide_half_up(v, d) == static_cast<int64_t>(std::floor((2.0 * v + d) / (2.0 * d))));
      CHECK(divide_half_even(v, d) == static_cast<int64_t>(std::nearbyint(exact)));
      CHECK(divide_half_away(v, d) == static_cast<int64_t>(std::round(exact)));
    }
  }
}

TEST_CASE("arith/divisions at the ends of the range") {
  constexpr int64_t big = INT64_MAX;
  CHECK(divide_half_up(big, big) == 1);
  CHECK(divide_half_up(big / 2, big) == 0);  // (2^62 - 1) / (2^63 - 1) is below one half
  CHECK(divide_half_up(big / 2 + 1, big) == 1);
  CHECK(divide_half_up(INT64_MIN, 2) == INT64_MIN / 2);
  CHECK(divide_half_even(-big, 2) == -(big / 2 + 1));  // -(2^62 - 1/2): the even neighbour is -2^62
  CHECK(divide_half_away(-big, 2) == -(big / 2 + 1));
  CHECK(divide_floor(INT64_MIN, 3) == INT64_MIN / 3 - 1);
}

TEST_CASE("arith/isqrt is the floor of the root") {
  const auto is_root = [](uint64_t v) {
    const uint64_t r = isqrt(v);
    return r * r <= v && (r == UINT32_MAX || (r + 1) * (r + 1) > v);
  };
  for (uint64_t v = 0; v < 5000; ++v) CHECK(is_root(v));
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t v = random() >> (random() % 64);
    REQUIRE(is_root(v));
    const uint64_t r = isqrt(v);
    REQUIRE(isqrt(r * r) == r);
    if (r > 0) REQUIRE(isqrt(r * r - 1) == r - 1);
  }
}

namespace {

__extension__ using wide = __int128;

// RNE(x * m / 2^e) limited to +-INT64_MAX, with the whole product in one integer.
int64_t reference_multiply_shift(int64_t x, int64_t m, int e) {
  constexpr wide most = INT64_MAX;
  const wide product = static_cast<wide>(x) * m;
  const bool negative = product < 0;
  wide p = negative ? -product : product;
  wide q = 0;
  if (e <= 0) {
    for (int i = 0; i < -e && p <= most; ++i) p *= 2;
    q = p;
  } else if (e < 120) {
    q = p >> e;
    const wide rest = p - (q << e);
    const wide half = static_cast<wide>(1) << (e - 1);
    if (rest > half || (rest == half && (q & 1) != 0)) ++q;
  }
  q = q > most ? most : q;
  return static_cast<int64_t>(negative ? -q : q);
}

}  // namespace

TEST_CASE("arith/multiply_shift_half_even equals 128-bit arithmetic") {
  constexpr int64_t x_edges[] = {0,
                                 1,
                                 -1,
                                 2,
                                 3,
                                 -3,
                                 255,
                                 65535,
                                 INT32_MAX,
                                 INT32_MIN,
                                 int64_t{1} << 32,
                                 INT64_MAX,
                                 -INT64_MAX,
                                 int64_t{1} << 62,
                                 (int64_t{1} << 53) + 1,
                                 -(int64_t{1} << 31) - 1};
  constexpr int64_t m_edges[] = {0,
                                 1,
                                 -1,
                                 3,
                                 int64_t{1} << 30,
                                 (int64_t{1} << 30) + 1,
                                 (int64_t{1} << 31) - 1,
                                 int64_t{1} << 31,
                                 -(int64_t{1} << 31),
                                 -(int64_t{1} << 30)};
  for (const int64_t x : x_edges) {
    for (const int64_t m : m_edges) {
      for (int e = -130; e <= 130; ++e) {
        CAPTURE(x);
        CAPTURE(m);
        CAPTURE(e);
        REQUIRE(multiply_shift_half_even(x, m, e) == reference_multiply_shift(x, m, e));
      }
    }
  }
  std::mt19937_64 random(2);
  for (int i = 0; i < 200000; ++i) {
    auto x = static_cast<int64_t>(random()) >> (random() % 63);
    x = x == INT64_MIN ? 0 : x;
    const auto m = static_cast<int64_t>(random()) >> (32 + random() % 31);
    const int e = static_cast<int>(random() % 110) - 8;
    // Half of the cases are ties: an odd multiple of 2^(e-1).
    if (i % 2 == 0 && e > 0 && e < 62) x = (x >> e << e) | (int64_t{1} << (e - 1));
    CAPTURE(x);
    CAPTURE(m);
    CAPTURE(e);
    REQUIRE(multiply_shift_half_even(x, m, e) == reference_multiply_shift(x, m, e));
    REQUIRE(multiply_shift_half_even(x, 1, e) == reference_multiply_shift(x, 1, e));
  }
}
static_assert(multiply_shift_half_even(5, 1, 1) == 2 && multiply_shift_half_even(-7, 1, 1) == -4);
static_assert(multiply_shift_half_even(INT64_MAX, int64_t{1} << 31, 31) == INT64_MAX);

TEST_CASE("arith/roundings of doubles equal the C library's") {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> exponent(-60, 60);
  for (int i = 0; i < 20000; ++i) {
    double v = std::exp2(exponent(random)) * (i % 2 == 0 ? 1 : -1);
    if (i % 5 == 0) v = std::floor(v) + 0.5;
    CAPTURE(v);
    REQUIRE(tessera::floor(v) == std::floor(v));
    REQUIRE(round_half_even(v) == std::nearbyint(v));
    int e = 0;
    const double f = std::frexp(v, &e);
    const auto split = split_binary(v);
    REQUIRE(split.fraction == f);
    REQUIRE(split.exponent == e);
    REQUIRE(scale_binary(split.fraction, split.exponent) == v);
  }
  const auto subnormal = split_binary(std::numeric_limits<double>::denorm_min());
  CHECK(subnormal.fraction == 0.5);
  CHECK(subnormal.exponent == -1073);
  CHECK_FALSE(is_finite(std::numeric_limits<double>::infinity()));
  CHECK(is_finite(std::numeric_limits<double>::max()));
}

// Square roots in constant expressions are computed differently: some of each parity of exponent.
static_assert(square_root(1.0) == 1 && square_root(4.0) == 2 &&
              square_root(0x1.fffffffffffffp+0) == 0x1.6a09e667f3bccp+0);
static_assert(square_root(3.0) == 0x1.bb67ae8584caap+0 && square_root(10.0) == 0x1.94c583ada5b53p+1);
static_assert(square_root(0.0) == 0 && square_root(768.0) == 0x1.bb67ae8584caap+4);

namespace {

// Per-channel policy for the composition tests: y = acc + channel value.
struct plus_value {
  int64_t value;
  constexpr const plus_value& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t) const { return acc + value; }
  constexpr int64_t output_min() const { return INT32_MIN; }
  constexpr int64_t output_max() const { return INT32_MAX; }
};
struct plus_channel {
  const int32_t* values;
  constexpr plus_value channel(index_t c) const { return {values[c]}; }
  constexpr const plus_channel& row(index_t) const { return *this; }
  constexpr int64_t operator()(int64_t acc, index_t c) const { return acc + values[c]; }
  constexpr int64_t output_min() const { return INT32_MIN; }
  constexpr int64_t output_max() const { return INT32_MAX; }
};

constexpr int32_t channel_values[] = {10, 20, 30};
constexpr int8_t residuals[] = {1, 2, 3, 4, 5, 6};

}  // namespace

static_assert(Requant<saturating> && Requant<plus_channel> && Requant<then<plus_channel, saturating>>);
static_assert(Requant<by_row<plus_channel>> && Requant<add_residual<saturating, saturating, saturating, int8_t>>);
static_assert(saturate_to<int8_t>.row(3)(-1000, 0) == -128 &&
              keep_accumulator.row(0)(int64_t{1} << 40, 0) == INT32_MAX);

TEST_CASE("arith/policies compose") {
  constexpr then both{plus_channel{channel_values}, saturate_to<int8_t>};
  static_assert(both.row(0)(100, 1) == 120 && both.row(0)(100, 2) == 127 && both.output_max() == 127);
  constexpr by_row transposed{plus_channel{channel_values}};
  static_assert(transposed.row(2)(1, 0) == 31 && transposed.row(0)(1, 2) == 11);
  constexpr then nested{by_row{plus_channel{channel_values}}, then{plus_value{-5}, saturate_to<uint8_t>}};
  static_assert(nested.row(1)(0, 7) == 15 && nested.row(1)(-100, 7) == 0 && nested.output_min() == 0);
  constexpr add_residual sum{keep_accumulator, plus_channel{channel_values}, saturate_to<int8_t>, +residuals, 3};
  static_assert(sum.row(1)(100, 2) == 127 && sum.row(1)(-100, 2) == -100 + 6 + 30 && sum.row(0)(0, 0) == 11);
  CHECK(sum.output_min() == -128);
}
