// SPDX-License-Identifier: Apache-2.0
#include "tessera/arith/quantlib.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tessera/arith/quantlib_norm.hpp"
#include "tessera/arith/quantlib_softmax.hpp"

using namespace tessera;
using quantlib::variant;

static_assert(Requant<quantlib::requant_shift> && Requant<quantlib::requant_shift_channels>);
static_assert(Requant<quantlib::offset> && Requant<quantlib::igelu> && Requant<quantlib::ihardswish>);
static_assert(Requant<quantlib::true_integer_div> && ChannelRequant<quantlib::requant_shift_channels>);
static_assert(UniformRequant<then<quantlib::igelu, quantlib::requant_shift>>);
static_assert(RowMap<quantlib::isoftmax, int8_t, uint8_t> && RowMap<quantlib::isoftmax, uint8_t, uint8_t>);
static_assert(RowMap<quantlib::itamax, int8_t, uint8_t> && RowMap<quantlib::itapartialmax<>, int8_t, int8_t>);
static_assert(RowMap<quantlib::ilayer_norm<>, uint8_t, int8_t> && RowMap<quantlib::irms_norm, int8_t, int8_t>);
static_assert(RowMap<quantlib::inonorm<variant::deeploy>, int8_t, int8_t>);
static_assert(!RowMap<quantlib::isoftmax, int32_t, uint8_t> && !RowMap<quantlib::ilayer_norm<>, int32_t, int8_t>);

namespace {

// Row 20 of the *1_* arrays of quantlib_ops.npz and deeploy_c_ops.npz.
constexpr int8_t row20[] = {68, 53,  27, 70, 15,  127, -29, -8,  6,  19, 39, -9,  -5, -15, -36,  51,
                            31, -31, -1, 13, 13,  1,   -10, -15, -8, -7, 3,  -20, -9, -6,  13,   9,
                            6,  -49, 1,  -1, -20, 12,  28,  14,  0,  0,  -9, -75, -9, -13, -128, -11};
// isoftmax1_2_y, coefficients (1, 25, 328, 18)
constexpr uint8_t row20_isoftmax[] = {15, 8, 2, 16, 1, 158, 0, 0, 1, 2, 4, 0, 0, 0, 0, 7, 3, 0, 0, 1, 1, 1, 0, 0,
                                      0,  0, 0, 0,  0, 0,   1, 1, 1, 0, 1, 0, 0, 1, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0};
// itamax1_y_signed + 128 and itapartialmax1_y_signed + 128
constexpr uint8_t row20_itamax[] = {13, 13, 6, 13, 3, 54, 1, 3, 3, 6, 6, 3, 3, 3, 1, 13, 6, 1, 3, 3, 3, 3, 3, 3,
                                    3,  3,  3, 1,  3, 3,  3, 3, 3, 0, 3, 3, 1, 3, 6, 3,  3, 3, 3, 0, 3, 3, 0, 3};
constexpr uint8_t row20_itapartialmax[] = {6, 6, 3, 6, 1, 27, 0, 1, 1, 3, 3, 1, 1, 1, 0, 6, 3, 0, 1, 1, 1, 1, 1, 1,
                                           1, 1, 1, 0, 1, 1,  1, 1, 1, 0, 1, 1, 0, 1, 3, 1, 1, 1, 1, 0, 1, 1, 0, 1};
// iln1_w, iln1_b, iln1_off0_y; D = 2048
constexpr int32_t row20_iln_w[] = {-1818, 1352,  1204,  -56,   -2086, -1370, -327,  -14,   2172,  1615,  -2235, -2641,
                                   -2500, -1525, -1915, 134,   689,   1464,  1293,  681,   -1184, -1777, -1196, 528,
                                   1478,  2671,  -1162, 243,   -39,   -763,  -626,  1529,  -19,   1432,  361,   -370,
                                   -2061, -2651, 2810,  -1932, 2380,  -2904, -1124, -1682, -2001, 1418,  2337,  -2756};
constexpr int32_t row20_iln_b[] = {11709,  -126167, 94010,  187898,  140717,  164790,  77597,  140927,  -135450, 28846,
                                   34958,  -182244, 163204, -55823,  14355,   -128672, 48851,  103120,  -55042,  -22591,
                                   -8273,  60190,   -43221, 173094,  -158293, -176544, -71064, -141473, -132047, 48768,
                                   -48490, -59662,  151620, 12630,   -159296, -40651,  75772,  98972,   190476,  12357,
                                   66355,  146830,  146770, -183939, 128532,  -182224, 88655,  144110};
constexpr int8_t row20_iln_y[] = {4,  -61, 46,  91,  68, 78, 38,  68, -66, 14,  15,  -89, 79,  -27, 7,   -63,
                                  24, 49,  -27, -11, -5, 29, -21, 84, -78, -87, -35, -70, -65, 23,  -24, -29,
                                  74, 5,   -78, -20, 37, 47, 94,  5,  32,  71,  71,  -89, 63,  -90, 39,  70};
// irms1_w, irms1_y; D = 4096
constexpr int32_t row20_irms_w[] = {46613, 25439, 54989, 14883, 13667, 17106, 52502, 5472,  16429, 47646, 4018,  13080,
                                    540,   16598, 6094,  27913, 32822, 6922,  26305, 20087, 31270, 28634, 53231, 36399,
                                    55600, 29455, 27427, 3255,  27986, 22770, 50695, 16286, 56560, 32701, 28594, 25342,
                                    1724,  23249, 52137, 29034, 47359, 1488,  7351,  44994, 47153, 8872,  34743, 11094};
constexpr int8_t row20_irms_y[] = {20, 8,   9,  6,  1,  14, -11, -1, 0,  5,  1,  -1,  -1, -2, -2,  9,
                                   6,  -2,  -1, 1,  2,  0,  -4,  -4, -3, -2, 0,  -1,  -2, -1, 4,   0,
                                   2,  -11, 0,  -1, -1, 1,  9,   2,  0,  0,  -1, -23, -3, -1, -30, -1};

template <class P, class X, class Y, size_t N>
constexpr bool gives(const P& p, const X (&x)[N], const Y (&expected)[N]) {
  Y y[N] = {};
  if (p.check(static_cast<index_t>(N)) != status::ok) return false;
  p(x, y, static_cast<index_t>(N));
  for (size_t i = 0; i < N; ++i) {
    if (y[i] != expected[i]) return false;
  }
  return true;
}

}  // namespace

// ---- Requantisation ------------------------------------------------------------------------------------------------

// rq2_mul, rq2_add (D = 2^14), rows 0-2: rq2_x -> rq2_signed1_cmsis0_y, rq2_signed0_cmsis0_y of quantlib_ops.npz.
constexpr int32_t rq2_mul[] = {386, 1920, 730, 276, 683};
constexpr int32_t rq2_add[] = {166751, 19685, 82624, -184867, -88407};
constexpr by_row rq2_signed{quantlib::requant_shift_channels{rq2_mul, rq2_add, 14}};
constexpr by_row rq2_unsigned{quantlib::requant_shift_channels{rq2_mul, rq2_add, 14, 256, false}};
static_assert(rq2_signed.row(0)(4096, 7) == 107 && rq2_signed.row(1)(700, 2) == 83 && rq2_signed.row(2)(-4, 4) == 5);
static_assert(rq2_signed.row(1)(-1132, 1) == -128 && rq2_signed.row(2)(2648, 5) == 123);
static_assert(rq2_unsigned.row(2)(3624, 0) == 167 && rq2_unsigned.row(2)(3309, 3) == 152);
static_assert(rq2_unsigned.row(1)(-1132, 1) == 0 && rq2_unsigned.row(1)(12593, 0) == 255);
// Deeploy's offsets: rq2_io0_oo-128_y_nchw and rq2_io128_oo0_y_nchw of deeploy_c_ops.npz.
constexpr then rq2_stored{rq2_unsigned, quantlib::to_stored(256)};
static_assert(rq2_stored.row(2)(3624, 0) == 39 && rq2_stored.row(1)(700, 2) == -45 && rq2_stored.output_min() == -128);
constexpr then rq2_from{quantlib::offset{128}, rq2_signed};
static_assert(rq2_from.row(0)(4096, 7) == 110 && rq2_from.row(2)(-2227, 2) == -88);
static_assert(quantlib::from_stored(256)(-128, 0) == 0 && quantlib::to_stored(256)(255, 0) == 127);
// Per column.
static_assert(quantlib::requant_shift_channels{rq2_mul, rq2_add, 14}.row(9)(700, 1) == 83);

// rq0, column 42: the cmsis form rounds the addend to a multiple of mul; rq0_signed1_cmsis0_y and _cmsis1_y.
static_assert(quantlib::requant_shift{1797, 79423, 12}(-68, 0) == -10);
static_assert(quantlib::requant_shift{1797, static_cast<int32_t>(quantlib::cmsis_add(1797, 79423)), 12}(-68, 0) == -11);
static_assert(quantlib::cmsis_add(2, 3) == 4 && quantlib::cmsis_add(2, -3) == -2 && quantlib::cmsis_add(-2, 3) == 2);
static_assert(quantlib::cmsis_add(INT32_MAX, INT32_MAX) == INT32_MAX && quantlib::cmsis_add(INT32_MIN, 1) == 0);

// Ties up, no rounding at shift 0, extremes without overflow.
static_assert(quantlib::requant_shift{1, 0, 1}(-1, 0) == 0 && quantlib::requant_shift{1, 0, 1}(-3, 0) == -1);
static_assert(quantlib::requant_shift{3, 1, 0}(5, 0) == 16 && quantlib::requant_shift{1, 0, 0, 4}(5, 0) == 1);
static_assert(quantlib::requant_shift{INT32_MIN, INT32_MAX, 62}(INT32_MIN, 0) == 1);
static_assert(quantlib::requant_shift{INT32_MIN, INT32_MIN, 55}(INT32_MIN, 0) == 127);
static_assert(quantlib::requant_shift{1, 0, 0, 1 << 30}(INT64_MAX, 0) == (1 << 29) - 1);
static_assert(quantlib::requant_shift{}.check() == status::ok);
static_assert(quantlib::requant_shift{1, 0, 63}.check() == status::bad_parameter);
static_assert(quantlib::requant_shift{1, 0, -1}.check() == status::bad_parameter);
static_assert(quantlib::requant_shift{1, 0, 0, 255}.check() == status::bad_parameter);
static_assert(quantlib::requant_shift{1, 0, 0, 255, false}.check() == status::ok);
static_assert(quantlib::requant_shift{1, 0, 0, 1, false}.check() == status::bad_parameter);
static_assert(quantlib::requant_shift_channels{}.check() == status::null_pointer);
static_assert(quantlib::requant_shift_channels{rq2_mul, rq2_add, 64}.check() == status::bad_parameter);

TEST_CASE("quantlib/requant_shift is the rounded real value") {
  std::mt19937 random(1);
  for (int i = 0; i < 50000; ++i) {
    const auto x = static_cast<int32_t>(random()) >> (8 + random() % 24);
    const quantlib::requant_shift p{static_cast<int32_t>(random()) >> (random() % 32),
                                    static_cast<int32_t>(random()) >> (random() % 32),
                                    static_cast<int32_t>(random() % 40), i % 3 == 0 ? 65536 : 256, i % 2 == 0};
    // Exact unless the value is far outside the output's range: 56 bits, halved by the rounding to 53 at most there.
    const double exact = std::ldexp(static_cast<double>(int64_t{x} * p.mul + p.add), -p.log2_d);
    const double limited =
        std::clamp(std::floor(exact + 0.5), static_cast<double>(p.output_min()), static_cast<double>(p.output_max()));
    if (std::abs(int64_t{x} * p.mul + p.add) < int64_t{1} << 53) REQUIRE(p(x, 0) == static_cast<int64_t>(limited));
  }
}

// ---- Activations ---------------------------------------------------------------------------------------------------

// igelu1_off0_{y,rq_y} and igelu2_off128_{y,rq_y} of deeploy_c_ops.npz; quantlib_ops.npz has the same y.
constexpr then igelu1{quantlib::igelu{-81, 7206}, quantlib::requant_shift{34, -4362, 20}};
static_assert(igelu1.first(77, 0) == 554246 && igelu1.row(0)(77, 0) == 18 && igelu1.first(-40, 0) == -33600);
static_assert(igelu1.first(-128, 0) == 0 && igelu1.row(0)(127, 0) == 30 && igelu1.row(0)(-1, 0) == 0);
constexpr then igelu2{then{quantlib::from_stored(256), quantlib::igelu{-126, 17665}},
                      quantlib::requant_shift{37, -3795, 23}};
static_assert(igelu2.row(0)(127, 0) == 20 && igelu2.first.row(0)(127, 0) == 4504575);
static_assert(igelu2.first.row(0)(-100, 0) == 360164 && igelu2.row(0)(-100, 0) == 2);
static_assert(quantlib::igelu_for_scale(0.05) == quantlib::igelu{-50, 2770});
static_assert(quantlib::igelu_for_scale(0.031) == quantlib::igelu{-81, 7206});
static_assert(quantlib::igelu_for_scale(0.0198) == quantlib::igelu{-126, 17665});
static_assert(quantlib::igelu_for_scale(1e-100).check() == status::bad_parameter);
static_assert(quantlib::igelu{-126, 17665}.check() == status::ok &&
              quantlib::igelu{1, 5}.check() == status::bad_parameter);
static_assert(quantlib::igelu{-81, 1 << 24}.check() == status::bad_parameter);
// Nothing overflows, whatever the constants.
static_assert(quantlib::igelu{INT32_MIN, INT32_MIN}(INT64_MIN, 0) == 0);
static_assert(quantlib::igelu{INT32_MIN, INT32_MAX}(0, 0) == 0 && quantlib::igelu{INT32_MIN, 0}(1, 0) == INT32_MIN);
static_assert(quantlib::igelu{INT32_MAX, INT32_MAX}(INT64_MAX, 0) >= 0);

// hswish0_{y,rq7_33_16_y}, constants (33, 188, 376).
constexpr then hswish0{quantlib::ihardswish{33, 188, 376}, quantlib::requant_shift{7, 33, 16}};
static_assert(hswish0.first(-128, 0) == -253440 && hswish0.row(0)(-128, 0) == -27);
static_assert(hswish0.first(77, 0) == 673365 && hswish0.row(0)(77, 0) == 72 && hswish0.row(0)(127, 0) == 127);
static_assert(hswish0.first.check() == status::ok);
static_assert(quantlib::ihardswish{1 << 20, 3, 6}.check() == status::ok);
static_assert(quantlib::ihardswish{1 << 21, 3, 6}.check() == status::bad_parameter);
static_assert(quantlib::ihardswish{1, 3, -6}.check() == status::bad_parameter);
static_assert(quantlib::ihardswish{INT32_MIN, INT32_MAX, INT32_MAX}(INT32_MIN, 0) == 0);
static_assert(quantlib::ihardswish{INT32_MIN, INT32_MAX, INT32_MAX}(INT32_MAX, 0) == INT32_MIN);

TEST_CASE("quantlib/activations are near the real ones, and checked constants fit 32 bits") {
  for (const double eps : {0.05, 0.031, 0.0198}) {
    const auto g = quantlib::igelu_for_scale(eps);
    const double e = eps / std::sqrt(2.0);
    const double scale = 0.2888 * e * e * eps;
    for (int x = -128; x <= 255; ++x) {
      const double real = 0.5 * x * eps * (1 + std::erf(x * e));
      CAPTURE(x);
      CHECK(std::abs(static_cast<double>(g(x, 0)) * scale - real) < 0.03);  // 0.018 is the polynomial's own
    }
  }
  std::mt19937 random(2);
  for (int i = 0; i < 3000; ++i) {
    const quantlib::igelu g{-static_cast<int32_t>(random() >> (12 + random() % 20)),
                            static_cast<int32_t>(random() >> (1 + random() % 31))};
    if (g.check() != status::ok) continue;
    for (const int x : {-128, -127, -1, 0, 1, 100, 127, 128, 255}) {
      const int64_t t = std::min<int64_t>(std::abs(x), -g.b) + g.b;
      const int64_t l = (x < 0 ? -1 : 1) * (g.one - t * t);
      REQUIRE(g(x, 0) == x * static_cast<int64_t>(std::floor(static_cast<double>(g.one + l) / 2)));
    }
  }
}

// ---- Softmax -------------------------------------------------------------------------------------------------------

static_assert(gives(quantlib::isoftmax{1, 25, 328, 18}, row20, row20_isoftmax));
static_assert(gives(quantlib::itamax{}, row20, row20_itamax));
static_assert(gives(quantlib::itapartialmax<>{}, row20, row20_itapartialmax));
static_assert(quantlib::isoftmax_for_scale(0.02) == quantlib::isoftmax{1, 68, 2399, 50});
static_assert(quantlib::isoftmax_for_scale(0.0078) == quantlib::isoftmax{1, 173, 15772, 128});
static_assert(quantlib::isoftmax_for_scale(1e-100).check(4) == status::bad_parameter);
static_assert(quantlib::isoftmax_for_scale(1e100).check(4) == status::bad_parameter);  // log2 = 0

static_assert(quantlib::isoftmax{1, 25, 328, 18}.check(0) == status::shape_mismatch);
static_assert(quantlib::isoftmax{1, 25, 328, 0}.check(8) == status::bad_parameter);
static_assert(quantlib::isoftmax{0, 25, 0, 1}.check(8) == status::bad_parameter);  // all exponentials 0
static_assert(quantlib::isoftmax{1, 0, 0, 1}.check(8) == status::bad_parameter);   // the maximum's exponential is 0
static_assert(quantlib::isoftmax{-1, 25, 328, 18}.check(8) == status::bad_parameter);
static_assert(quantlib::isoftmax{1 << 30, 25, 328, 18}.check(8) == status::bad_parameter);
static_assert(quantlib::isoftmax{1, -(1 << 18), INT32_MAX, INT32_MAX}.check(8) == status::ok);
static_assert(quantlib::isoftmax{1, 25, 328, 18, 257}.check(8) == status::bad_parameter);
static_assert(quantlib::isoftmax{}.output_fits<uint8_t>() && !quantlib::isoftmax{}.output_fits<int8_t>());
static_assert(quantlib::itamax{1}.check(8) == status::bad_parameter && quantlib::itamax{128}.output_fits<int8_t>());
static_assert(!quantlib::itamax{}.output_fits<int8_t>() && quantlib::itapartialmax<>{}.output_fits<int8_t>());
static_assert(!quantlib::itapartialmax<variant::quantlib>{}.output_fits<int8_t>());
static_assert(quantlib::itapartialmax<>{256, 0}.check(8) == status::bad_parameter);
static_assert(quantlib::itapartialmax<variant::quantlib>{128}.check(8) == status::bad_parameter);
static_assert(quantlib::itapartialmax<>{128}.rule().numerator == 63 * 256);

TEST_CASE("quantlib/isoftmax equals its text in floating point") {
  std::mt19937 random(3);
  for (const quantlib::isoftmax p : {quantlib::isoftmax{1, 68, 2399, 50}, quantlib::isoftmax{1, 25, 328, 18},
                                     quantlib::isoftmax{3, -7, 11, 5, 64}, quantlib::isoftmax{1, 300, 0, 1, 16}}) {
    for (int i = 0; i < 200; ++i) {
      std::vector<uint8_t> x(1 + random() % 90);
      for (auto& v : x) v = static_cast<uint8_t>(random() >> (random() % 8));
      const auto n = static_cast<index_t>(x.size());
      REQUIRE(p.check(n) == status::ok);
      std::vector<uint8_t> y(x.size());
      p(x.data(), y.data(), n);
      const int m = *std::max_element(x.begin(), x.end());
      std::vector<double> e;
      double sum = 0;
      for (const int v : x) {
        const double z = std::min(std::floor(static_cast<double>(m - v) / p.log2), 31.0);
        const double r = v - m + z * p.log2 + p.b;
        e.push_back(std::floor((p.a * r * r + p.c) / std::exp2(z)));
        sum += e.back();
      }
      for (size_t j = 0; j < x.size(); ++j) {
        CAPTURE(j);
        REQUIRE(y[j] == std::floor(e[j] * (p.n_levels - 1) / sum));
      }
      // A signed row, everything less by 128, and in place.
      std::vector<int8_t> s(x.size());
      for (size_t j = 0; j < x.size(); ++j) s[j] = static_cast<int8_t>(x[j] - 128);
      std::vector<uint8_t> ys(x.size());
      p(s.data(), ys.data(), n);
      REQUIRE(ys == y);
      p(x.data(), x.data(), n);
      REQUIRE(x == y);
    }
  }
}

TEST_CASE("quantlib/itapartialmax in one group is itamax with the other numerator") {
  std::mt19937 random(4);
  std::vector<int8_t> x(40);
  for (int i = 0; i < 100; ++i) {
    for (auto& v : x) v = static_cast<int8_t>(random());
    std::vector<uint8_t> whole(40);
    std::vector<uint8_t> one_group(40);
    quantlib::itamax{}(x.data(), whole.data(), 40);
    quantlib::itapartialmax<variant::quantlib>{256, 40}(x.data(), one_group.data(), 40);
    REQUIRE(whole == one_group);
  }
}

// ---- Normalisation -------------------------------------------------------------------------------------------------

static_assert(gives(quantlib::ilayer_norm<>{row20_iln_w, row20_iln_b, 11}, row20, row20_iln_y));
static_assert(gives(quantlib::ilayer_norm<variant::deeploy>{row20_iln_w, row20_iln_b, 11}, row20, row20_iln_y));
static_assert(gives(quantlib::irms_norm{row20_irms_w, 12}, row20, row20_irms_y));

// By hand. x = (0, 0, 3): mean = 1, d = (-1, -1, 2), std = isqrt(6/3 + 1) = 1.
constexpr int8_t three[] = {0, 0, 3};
constexpr int32_t ones[] = {1, 1, 1};
constexpr int32_t large[] = {100, 200, 100};
constexpr int32_t none[] = {0, 0, 0};
constexpr int32_t bias[] = {1, 0, -1};
constexpr int8_t three_unit[] = {0, -1, 1};
constexpr int8_t three_clipped[] = {-100, -128, 127};
constexpr int8_t three_wrapped[] = {-100, 56, -56};
static_assert(gives(quantlib::ilayer_norm<>{ones, bias, 0}, three, three_unit));
static_assert(gives(quantlib::ilayer_norm<>{large, none, 0}, three, three_clipped));
static_assert(gives(quantlib::ilayer_norm<variant::deeploy>{large, none, 0}, three, three_wrapped));
// A row of equal values has std 1 and gives the bias; the mean is truncated towards 0.
constexpr int8_t equal[] = {-7, -7, -7};
constexpr int8_t equal_y[] = {0, 0, -1};
static_assert(gives(quantlib::ilayer_norm<>{large, bias, 1}, equal, equal_y));
constexpr int8_t negative[] = {-1, 0, -1};  // sum -2, mean 0 and not -1
constexpr int8_t negative_y[] = {-1, 0, -1};
static_assert(gives(quantlib::ilayer_norm<>{ones, none, 0}, negative, negative_y));
// iRMSNorm: std = isqrt(9/3 + 1) = 2; quotients are truncated, the shift rounds down.
constexpr int8_t three_rms[] = {0, 0, 127};
static_assert(gives(quantlib::irms_norm{large, 0}, three, three_rms));
constexpr int8_t minus_three[] = {0, 0, -3};
constexpr int8_t minus_three_rms[] = {0, 0, -1};  // tdiv(-3, 2) = -1
static_assert(gives(quantlib::irms_norm{ones, 0}, minus_three, minus_three_rms));
constexpr int8_t minus_three_half[] = {0, 0, -1};  // -1 >> 1
static_assert(gives(quantlib::irms_norm{ones, 1}, minus_three, minus_three_half));
// iNoNorm: (x * w + b) * mul >> 2.
constexpr int8_t nonorm[] = {0, 0, 127};  // (300 - 1) * 3 / 4 = 224
constexpr int8_t nonorm_wrapped[] = {0, 0, -32};
static_assert(gives(quantlib::inonorm<>{large, bias, 3, 2}, three, nonorm));
static_assert(gives(quantlib::inonorm<variant::deeploy>{large, bias, 3, 2}, three, nonorm_wrapped));

static_assert(quantlib::ilayer_norm<>{}.check(3) == status::null_pointer);
static_assert(quantlib::ilayer_norm<>{ones, none, 63}.check(3) == status::bad_parameter);
static_assert(quantlib::ilayer_norm<>{ones, none, 0, 255}.check(3) == status::bad_parameter);
static_assert(quantlib::ilayer_norm<>{ones, none, 0}.check(0) == status::shape_mismatch);
static_assert(quantlib::irms_norm{ones, -1}.check(3) == status::bad_parameter);
static_assert(quantlib::inonorm<>{ones, none, 1 << 24, 0}.check(3) == status::bad_parameter);
static_assert(!quantlib::ilayer_norm<>{ones, none, 0, 512}.output_fits<int8_t>());
static_assert(quantlib::ilayer_norm<>{ones, none, 0, 512}.output_fits<int16_t>());
static_assert(!quantlib::ilayer_norm<variant::deeploy>{ones, none}.output_fits<int16_t>());

TEST_CASE("quantlib/normalisation is near the real one, extremes included") {
  std::mt19937 random(5);
  std::vector<int32_t> w(64);
  std::vector<int32_t> b(64);
  std::vector<int16_t> x(64);
  std::vector<int16_t> y(64);
  for (int i = 0; i < 200; ++i) {
    for (auto& v : w) v = static_cast<int32_t>(random() % (1 << 20));
    for (auto& v : b) v = static_cast<int32_t>(random() % (1 << 20)) - (1 << 19);
    for (auto& v : x) v = static_cast<int16_t>(static_cast<int16_t>(random()) >> (i % 8));
    quantlib::ilayer_norm<>{w.data(), b.data(), 12, 65536}(x.data(), y.data(), 64);
    double mean = 0;
    double variance = 0;
    for (const double v : x) mean += v / 64;
    for (const double v : x) variance += (v - mean) * (v - mean) / 64;
    for (size_t j = 0; j < 64; ++j) {
      // The integer deviation is within 1.5 of the real one, the mean within 1.
      const double d = std::sqrt(variance);
      const double real = (w[j] * (x[j] - mean) / d + b[j]) / 4096;
      const double bound = 2 + w[j] / 4096.0 * (1 / d + std::abs(x[j] - mean) * 1.5 / (d * (d - 1.5)));
      REQUIRE(std::abs(y[j] - real) <= bound);
    }
  }
  // The widest values that the types allow: 16-bit rows, 32-bit weights.
  for (size_t j = 0; j < 64; ++j) {
    x[j] = j % 2 == 0 ? INT16_MIN : INT16_MAX;
    w[j] = INT32_MIN;
    b[j] = INT32_MIN;
  }
  quantlib::ilayer_norm<>{w.data(), b.data(), 16, 65536}(x.data(), y.data(), 64);
  CHECK(y[0] == 1);       // std = 32767: (2^31 * 32768 / 32767 - 2^31) >> 16
  CHECK(y[1] == -32768);  // -2^32 >> 16, limited
  quantlib::irms_norm{w.data(), 16, 65536}(x.data(), y.data(), 64);
  CHECK(y[0] == 32767);
  CHECK(y[1] == -32768);
}

// ---- Sums, means and quotients --------------------------------------------------------------------------------------

// imean_x[0, :, 0] and [1, :, 3] -> imean_axis1_y of quantlib_ops.npz.
constexpr int8_t mean_a[] = {60, -84, 28, -4, -73, -36, -24};
constexpr int8_t mean_b[] = {96, -71, 89, -85, -117, -61, 30};
static_assert(quantlib::integer_mean(quantlib::reduce_sum(mean_a, 7), 7) == -19);
static_assert(quantlib::integer_mean(quantlib::reduce_sum(mean_b, 7), 7) == -17);
static_assert(quantlib::reduce_sum(mean_a, 3, 3) == 60 - 4 - 24 && quantlib::reduce_sum(mean_a, 0) == 0);
static_assert(quantlib::integer_mean(-3, 2) == -1 && quantlib::integer_mean<variant::deeploy>(-3, 2) == -1);
static_assert(quantlib::integer_mean(-9, 6) == -1 && quantlib::integer_mean<variant::deeploy>(-9, 6) == -2);
static_assert(quantlib::integer_mean(9, 6) == 2 && quantlib::integer_mean<variant::deeploy>(9, 6) == 2);

// idiv_x, idiv_d -> idiv_y with (Delta, eps, eta) = (64, 1, 3): the same in both files.
constexpr quantlib::integer_div<> divide{64, 1, 3};
constexpr quantlib::integer_div<variant::deeploy> divide_c{64, 1, 3};
static_assert(divide(21101, 836) == 1615 && divide(-8187, 2366) == -221 && divide(2531, 999) == 162);
static_assert(divide_c(21101, 836) == 1615 && divide_c(-26486, 3747) == -452 && divide_c(-6740, 4345) == -99);
// Negative ties: -3/2 is -1 in quantlib and -2 in Deeploy.
static_assert(quantlib::integer_div<>{1, 0, 1}(-3, 2) == -1 &&
              quantlib::integer_div<variant::deeploy>{1, 0, 1}(-3, 2) == -2);
static_assert(quantlib::integer_div<>{INT32_MIN, 1, 1}(INT32_MIN, 0) == int64_t{1} << 62);
constexpr int32_t denominators[] = {5, 0, 7};
static_assert(divide.check(denominators, 3) == status::ok);
static_assert(quantlib::integer_div<>{1, 0, 1}.check(denominators, 3) == status::bad_parameter);
static_assert(quantlib::integer_div<>{1, 0, 1}.check(denominators, 2, 2) == status::ok);
static_assert(quantlib::integer_div<>{1, 0, 1}(9, 0) == 0);
static_assert(quantlib::integer_div<>{1 << 20, 1, 1 << 12}.check() == status::bad_parameter);
static_assert(quantlib::rq_integer_div{divide_c, {2, 1, 1}}(2531, 999) == 127);
static_assert(quantlib::rq_integer_div{divide_c, {1, 1, 2}}(-8187, 2366) == -55);
static_assert(quantlib::rq_integer_div{divide_c, {1, 1, 63}}.check() == status::bad_parameter);
static_assert(quantlib::true_integer_div{1, 0, 1, 2}(-3, 0) == -1 && quantlib::true_integer_div{1, 0, 1, 2}(3, 0) == 1);
static_assert(quantlib::true_integer_div{64, 1, 3, 836}(21101, 0) == 1614 &&
              quantlib::true_integer_div{1, 0, 1, -2}(3, 0) == -1);
static_assert(quantlib::true_integer_div{1, 0, 1, 0}.check() == status::bad_parameter);
static_assert(quantlib::true_integer_div{1, 0, 1, 3}.check() == status::ok);
static_assert(quantlib::true_integer_div{INT32_MIN, 0, 1, 1}(INT64_MIN, 0) == INT32_MAX);

TEST_CASE("quantlib/integer_div rounds as its two sources do") {
  std::mt19937 random(6);
  for (int i = 0; i < 20000; ++i) {
    const auto x = static_cast<int32_t>(random() % 4001) - 2000;
    const auto d = static_cast<int32_t>(random() % 60);
    const quantlib::integer_div<> half_up{2, 1, 3};
    const quantlib::integer_div<variant::deeploy> half_away{2, 1, 3};
    const double exact = 6.0 * x / (3.0 * d + 1);
    REQUIRE(half_up(x, d) == static_cast<int64_t>(std::floor((12.0 * x + (3.0 * d + 1)) / (2 * (3.0 * d + 1)))));
    REQUIRE(half_away(x, d) == static_cast<int64_t>(std::round(exact)));
    // Deeploy's own expression.
    const int64_t n = int64_t{x} * 6;
    const int64_t q = int64_t{d} * 3 + 1;
    REQUIRE(half_away(x, d) == (n + ((n >= 0) - (n < 0)) * (q >> 1)) / q);
  }
}
