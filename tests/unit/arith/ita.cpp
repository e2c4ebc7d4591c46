// SPDX-License-Identifier: Apache-2.0
#include "tessera/arith/ita.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

using namespace tessera;

static_assert(Requant<ita::requant> && Requant<ita::gelu> && Requant<ita::relu> && Requant<ita::identity>);
static_assert(UniformRequant<then<ita::requant, ita::gelu>>);
static_assert(RowMap<ita::streaming_softmax, int8_t, uint8_t> && RowMap<ita::mempool_softmax, int8_t, int8_t>);
static_assert(!RowMap<ita::streaming_softmax, int8_t, int8_t> && !RowMap<ita::streaming_softmax, int32_t, uint8_t>);

// ---- Requantisation ------------------------------------------------------------------------------------------------

// ita_requant.npz, entries 861-863, 1671, 1672, 25, 3, 4: (acc, mult, shift, add) -> out_rtl. Ties go up for negatives
// too.
static_assert(ita::requant{1, 1, -1}(-1, 0) == -1 && ita::requant{1, 1, 0}(-1, 0) == 0);
static_assert(ita::requant{1, 1, 1}(-1, 0) == 1 && ita::requant{1, 1, -1}(1, 0) == 0);
static_assert(ita::requant{1, 1, 0}(1, 0) == 1 && ita::requant{0, 15, -128}(-33554432, 0) == -128);
static_assert(ita::requant{0, 0, 1}(-33554432, 0) == 1 && ita::requant{0, 0, 127}(-33554432, 0) == 127);
// Beyond the vectors: any shift, any int32 accumulator, and the 53 bits that compositions may pass.
static_assert(ita::requant{255, 255, 7}(INT32_MIN, 0) == 7 && ita::requant{255, 63, 0}(INT32_MAX, 0) == 0);
static_assert(ita::requant{255, 39, 0}(INT32_MIN, 0) == -1 && ita::requant{255, 0, 0}(INT32_MIN, 0) == -128);
static_assert(ita::requant{255, 54, 0}(int64_t{1} << 53, 0) == 127 &&
              ita::requant{255, 54, 0}(-(int64_t{1} << 53), 0) == -127);
static_assert(ita::add_after_shift(-5, 2) == -2 && ita::add_after_shift(8, 2) == 2);

TEST_CASE("ita/requant is the rounded real product") {
  std::mt19937 random(1);
  for (int i = 0; i < 50000; ++i) {
    const auto acc = static_cast<int32_t>(random()) >> (random() % 26);
    const ita::requant p{static_cast<uint8_t>(random()), static_cast<uint8_t>(random() % 40),
                         static_cast<int8_t>(random())};
    // The double is exact: 40 bits times a power of two.
    const double exact = std::floor(std::ldexp(static_cast<double>(acc) * p.mult, -p.shift) + 0.5) + p.add;
    REQUIRE(p(acc, 0) == static_cast<int64_t>(std::clamp(exact, -128.0, 127.0)));
  }
}

// ---- Activations ---------------------------------------------------------------------------------------------------

constexpr ita::gelu default_gelu{-80, -7091, {74, 20, 0}};
static_assert(ita::gelu_for_scale(0.03125) == default_gelu && default_gelu.check() == status::ok);
static_assert(ita::gelu_for_scale(4 * (254.0 / 256) / 127, 20) == default_gelu);
// ita_gelu.npz, rows 4-7 of params: b = -160, c = -28366 belong to half that scale; D = 2^20, 18 to the same.
static_assert(ita::gelu_for_scale(0.015625) == ita::gelu{-160, -28366, {18, 20, 0}});
// Hostile scales saturate and never convert out of range; check() then refuses.
static_assert(ita::gelu_for_scale(1e-100).b == -32768 && ita::gelu_for_scale(1e-100).check() == status::bad_parameter);
static_assert(ita::gelu_for_scale(1e100) == ita::gelu{0, 0, {127, 20, 0}});

// ita_gelu.npz, row 0: x -> raw_i_gelu, out_rtl.
static_assert(ita::i_gelu(-33, -80, -7091) == 72897 && default_gelu(-33, 0) == 5);
static_assert(ita::i_gelu(1, -80, -7091) == -7941 && default_gelu(1, 0) == -1);
static_assert(ita::i_gelu(40, -80, -7091) == -503280 && default_gelu(40, 0) == -36);
static_assert(ita::i_gelu(127, -80, -7091) == -1801114 && default_gelu(127, 0) == -127);
static_assert(default_gelu(-128, 0) == 0 && default_gelu(0, 0) == 0);
// Row 6: b < -127, and x = -128 is not limited to -127. raw_i_gelu there is PyITA's, of x = -127: 138303.
constexpr ita::gelu wide_gelu{-160, -28366, {48, 19, 0}};
static_assert(wide_gelu(-128, 0) == 12 && wide_gelu(-127, 0) == 13 && ita::i_gelu(-127, -160, -28366) == 138303);
static_assert(wide_gelu(-80, 0) == 47 && wide_gelu(40, 0) == -128 && wide_gelu.check() == status::ok);
static_assert(default_gelu(1000, 0) == default_gelu(127, 0) && default_gelu(-1000, 0) == default_gelu(-128, 0));
static_assert(ita::gelu{-513, 0, {}}.check() == status::bad_parameter);
static_assert(ita::gelu{32767, -32768, {}}.check() == status::ok && ita::i_gelu(-128, 32767, -32768) == 0);

// ita_relu.npz, row 5: mult 255, shift 8, add 5.
constexpr ita::relu some_relu{{255, 8, 5}};
static_assert(some_relu(-128, 0) == 5 && some_relu(0, 0) == 5 && some_relu(1, 0) == 6 && some_relu(64, 0) == 69);
static_assert(some_relu(127, 0) == 127 && ita::identity{}(-128, 0) == -128 && ita::identity{}(200, 0) == 127);
static_assert(then{ita::requant{1, 4, 0}, some_relu}.row(0)(16 * 64, 0) == 69);

TEST_CASE("ita/gelu check is the 26-bit bound") {
  std::mt19937 random(2);
  int accepted = 0;
  for (int i = 0; i < 3000; ++i) {
    const ita::gelu g{
        static_cast<int16_t>(static_cast<int16_t>(random()) >> (random() % 12)), static_cast<int16_t>(random()), {}};
    if (g.check() != status::ok) continue;
    ++accepted;
    for (int x = -128; x <= 127; ++x) REQUIRE(std::abs(ita::i_gelu(x, g.b, g.c)) < int64_t{1} << 25);
  }
  CHECK(accepted > 500);
}

TEST_CASE("ita/gelu is near the real GELU") {
  // Output scale = input scale, sign reversed by the convention "scale_out < 0". The polynomial of erf is off by up to
  // 0.02 in GELU, i.e. less than one unit of 1/32 plus rounding of the 7-bit multiplier at the upper end.
  for (int x = -128; x <= 127; ++x) {
    const double s = 0.03125;
    const double exact = 0.5 * x * s * (1 + std::erf(x * s / std::sqrt(2.0)));
    const auto y = static_cast<double>(default_gelu(x, 0));
    CAPTURE(x);
    CHECK(std::abs(-y * s - exact) <= 1.5 * s);
  }
}

// ---- Softmax -------------------------------------------------------------------------------------------------------

namespace {

template <class P, class Y, size_t N>
constexpr bool gives(const P& p, const int8_t (&x)[N], const Y (&expected)[N]) {
  Y y[N] = {};
  p(x, y, static_cast<index_t>(N));
  for (size_t i = 0; i < N; ++i) {
    if (y[i] != expected[i]) return false;
  }
  return true;
}

// ita_softmax.npz, row 40 of S64_x and S64_rtl: the running maximum grows twice.
constexpr int8_t row40[] = {1,  -1, -3, -7, 2, -3, -4, 4,  2,  0,  2, -4, 4,  0,  -1, 0,  4, -4, 1,  -2, -2, -4,
                            0,  -3, 1,  3,  0, 1,  4,  4,  -7, -1, 0, -4, -2, -3, 0,  7,  1, -1, 1,  3,  2,  0,
                            -6, 0,  2,  3,  1, 1,  -2, -3, -3, -2, 1, -1, -7, 4,  3,  -5, 3, 2,  -4, 2};
constexpr uint8_t row40_rtl[] = {1, 0, 0, 0, 3, 0, 0,  12, 3, 0, 3, 0, 12, 0,  0, 0,   12, 0, 1, 0, 0, 0,
                                 0, 0, 1, 6, 0, 1, 12, 12, 0, 0, 0, 0, 0,  0,  0, 101, 1,  0, 1, 6, 3, 0,
                                 0, 0, 3, 6, 1, 1, 0,  0,  0, 0, 1, 0, 0,  12, 6, 0,   6,  3, 0, 3};
static_assert(gives(ita::streaming_softmax{}, row40, row40_rtl));

// ita_softmax_corner.npz, row 0: x, banshee.
constexpr int8_t corner0[] = {-10, -72, -4, 29,  -86,  11, -7,  55,  21,  -73, -122, -6,  -68, 0,    -94, -78,
                              52,  42,  66, -21, -105, 4,  45,  -93, -13, 13,  -80,  -81, 77,  -105, -73, 66,
                              89,  127, -4, 103, 31,   37, -25, 53,  70,  -28, 116,  90,  -12, -3,   38,  92,
                              111, 30,  99, 8,   -9,   51, -56, -1,  30,  127, 84,   -46, -43, 3,    61,  -71};
constexpr uint8_t corner0_banshee[] = {0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 0, 0,  0, 0,  0, 0, 2, 1, 2, 0, 0,  0,
                                       1, 0, 0, 0, 0, 0, 2, 0, 0, 2, 5, 11, 0, 5,  1, 1, 0, 2, 2, 0, 11, 5,
                                       0, 0, 1, 5, 5, 1, 5, 0, 0, 2, 0, 0,  1, 11, 5, 0, 0, 0, 2, 0};
static_assert(gives(ita::mempool_softmax{}, corner0, corner0_banshee));

// One element has probability 255; a short last group is a group of what is left.
constexpr int8_t alone[] = {-128};
constexpr uint8_t alone_y[] = {255};
static_assert(gives(ita::streaming_softmax{}, alone, alone_y));
constexpr int8_t seventeen[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
// sum = (16 * 256 >> 1) + 256 = 2304; 65280 / 2304 = 28.
constexpr uint8_t seventeen_y[] = {14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 28};
static_assert(gives(ita::streaming_softmax{}, seventeen, seventeen_y));

static_assert(ita::streaming_softmax::check(0) == status::shape_mismatch);
static_assert(ita::streaming_softmax::check(1) == status::ok && ita::streaming_softmax::check(2047) == status::ok);
static_assert(ita::streaming_softmax::check(2048) == status::shape_mismatch);
static_assert(base2_softmax{256, 65280, 9, 16}.check(4) == status::bad_parameter);
static_assert(base2_softmax{256, 65280, 0, -1}.check(4) == status::bad_parameter);
static_assert(base2_softmax{256, 65280, 5, 0}.shift(15) == 0 && base2_softmax{256, 65280, 5, 0}.shift(16) == 1);

// The text of the definition, with real powers and no shifts.
std::vector<double> model(const base2_softmax& rule, const std::vector<int8_t>& x) {
  const auto octaves = [&](int d) { return std::floor(d / std::exp2(rule.log2_step) + 0.5); };
  const size_t width = rule.group_width == 0 ? x.size() : static_cast<size_t>(rule.group_width);
  double sum = 0;
  int maximum = -128;
  for (size_t begin = 0; begin < x.size(); begin += width) {
    const size_t end = std::min(begin + width, x.size());
    const int m = std::max<int>(
        maximum, *std::max_element(x.begin() + static_cast<ptrdiff_t>(begin), x.begin() + static_cast<ptrdiff_t>(end)));
    sum = std::floor(sum / std::exp2(octaves(m - maximum)));
    for (size_t j = begin; j < end; ++j) sum += std::floor(rule.one / std::exp2(octaves(m - x[j])));
    maximum = m;
  }
  std::vector<double> y;
  for (const int8_t v : x) y.push_back(std::floor(std::floor(rule.numerator / sum) / std::exp2(octaves(maximum - v))));
  return y;
}

}  // namespace

TEST_CASE("ita/softmax equals its text for every length and spread") {
  std::mt19937 random(3);
  for (const base2_softmax rule :
       {ita::streaming_softmax::rule(), ita::mempool_softmax::rule(), base2_softmax{256, 65280, 5, 0},
        base2_softmax{256, 32512, 5, 16}, base2_softmax{64, 4096, 3, 7}}) {
    for (int i = 0; i < 400; ++i) {
      std::vector<int8_t> x(1 + random() % 150);
      const int spread = 1 << random() % 9;
      for (auto& v : x)
        v = static_cast<int8_t>(std::clamp(static_cast<int>(random() % 256) * spread / 256 - spread / 2, -128, 127));
      if (i % 7 == 0) std::sort(x.begin(), x.end());
      const auto expected = model(rule, x);
      std::vector<uint8_t> y(x.size());
      const auto n = static_cast<index_t>(x.size());
      REQUIRE(rule.check(n) == status::ok);
      rule(x.data(), y.data(), n);
      for (size_t j = 0; j < x.size(); ++j) {
        CAPTURE(j);
        REQUIRE(y[j] == expected[j]);
      }
    }
  }
}

TEST_CASE("ita/softmax of the longest rows, and in place") {
  std::vector<int8_t> x(2047, int8_t{-128});
  std::vector<uint8_t> y(x.size(), 9);
  ita::streaming_softmax{}(x.data(), y.data(), 2047);
  CHECK(std::count(y.begin(), y.end(), 0) == 2047);  // 65280 / (256 * 2047) = 0
  x[2046] = 127;                                     // the sum is shifted by 255 and vanishes
  ita::streaming_softmax{}(x.data(), y.data(), 2047);
  CHECK(y[2046] == 255);
  CHECK(y[0] == 0);

  std::vector<uint8_t> u(100);
  for (size_t i = 0; i < u.size(); ++i) u[i] = static_cast<uint8_t>(i * 53);
  std::vector<uint8_t> out(u.size());
  ita::streaming_softmax{}(u.data(), out.data(), 100);
  ita::streaming_softmax{}(u.data(), u.data(), 100);
  CHECK(u == out);

  std::vector<int8_t> most(static_cast<size_t>(base2_softmax::max_length));
  std::vector<uint8_t> none(most.size(), 1);
  ita::mempool_softmax{}(most.data(), none.data(), base2_softmax::max_length);
  CHECK(none.back() == 0);
  CHECK(ita::mempool_softmax::check(base2_softmax::max_length + 1) == status::shape_mismatch);
}

TEST_CASE("ita/softmax is near the real one in base two") {
  // Truncation of the inverse and of each shift: the error is below 2/255 where few elements matter.
  std::mt19937 random(4);
  for (int i = 0; i < 200; ++i) {
    std::vector<int8_t> x(64);
    for (auto& v : x) v = static_cast<int8_t>(static_cast<int8_t>(random()) / 4);
    std::vector<uint8_t> y(64);
    ita::streaming_softmax{}(x.data(), y.data(), 64);
    double sum = 0;
    for (const auto v : x) sum += std::exp2(v);
    for (size_t j = 0; j < 64; ++j) {
      CAPTURE(j);
      REQUIRE(std::abs(y[j] / 255.0 - std::exp2(x[j]) / sum) < 3.0 / 255);
    }
  }
}
