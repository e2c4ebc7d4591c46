// SPDX-License-Identifier: Apache-2.0
#include "tessera/arith/ibert.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

using namespace tessera;

// Golden values are from tests/golden/ibert_ops.npz, arrays as named.

static_assert(Requant<ibert::dyadic> && Requant<ibert::dyadic_channels> && ChannelRequant<ibert::dyadic_channels>);
static_assert(Requant<ibert::gelu> && Requant<ibert::gelu_channels> && Requant<ibert::rescale>);
static_assert(RowMap<ibert::softmax<>, int32_t, uint8_t> && RowMap<ibert::layer_norm, int32_t, int64_t>);

// ---- Symmetric quantisation ----------------------------------------------------------------------------------------

// act0_minmax_f64, act0_out_scale_f64 (8 bits); act1 (16 bits); act2 (22 bits).
static_assert(ibert::activation_scale(-50.87061358980944, 59.67186510050106, 8) == 0.4698572055157564);
static_assert(ibert::activation_scale(-55.29707362754957, 47.68756021447834, 16) == 0.001687584265497286);
static_assert(ibert::activation_scale(-43.135015145173654, 61.51665925534812, 22) == 2.933344296874575e-05);
// lin0: first output channel, whose largest weight is 0.12142445147037506.
static_assert(ibert::weight_scale(0.12142445147037506) == 0.0009560980430738194);
static_assert(ibert::quantize_weight(-0.06755515933036804, 0.0009560980430738194) == -71);
static_assert(ibert::quantize_bias(0.007901623845100403, 1.6540496145177074e-05) == 478);
// The largest weight becomes 126, its opposite -127.
static_assert(ibert::quantize_weight(1.27, ibert::weight_scale(1.27)) == 126);
static_assert(ibert::quantize_weight(-1.27, ibert::weight_scale(1.27)) == -127);

// ---- Dyadic requantisation -----------------------------------------------------------------------------------------

namespace {

constexpr bool operator==(const ibert::multiplier& a, const ibert::multiplier& b) { return a.m == b.m && a.e == b.e; }
/// The authors round the output scale to single precision first.
constexpr ibert::multiplier authors(double in, double out) {
  return ibert::to_multiplier(in / static_cast<double>(static_cast<float>(out)));
}

}  // namespace

// act0_in_scale_f64, act0_out_scale_f64 -> act0_m_f64, act0_e_f64: channels 0 and 2.
static_assert(authors(0.0006606953081559262, 0.4698572055157564) == ibert::multiplier{1546091343, 40});
static_assert(authors(0.0001279957397062258, 0.4698572055157564) == ibert::multiplier{1198089967, 42});
// act1_in_scale_f64, act1_out_scale_f64 -> act1_m_f64, act1_e_f64: channels 0 and 2.
static_assert(authors(1.9940997791207456e-06, 0.001687584265497286) == ibert::multiplier{1299215695, 40});
static_assert(authors(1.5071600437937797e-05, 0.001687584265497286) == ibert::multiplier{1227449852, 37});
// act2_in_scale_f64, act2_out_scale_f64 -> act2_m_f64, act2_e_f64: channels 0 and 2.
static_assert(authors(6.525709242934825e-05, 2.933344296874575e-05) == ibert::multiplier{1194358070, 29});
static_assert(authors(0.00029063231260879966, 2.933344296874575e-05) == ibert::multiplier{1329813492, 27});
// Exact powers of two; a negative ratio, as after GELU.
static_assert(ibert::to_multiplier(1.0) == ibert::multiplier{int64_t{1} << 30, 30});
static_assert(ibert::to_multiplier(-0.75) == ibert::multiplier{-(int64_t{3} << 29), 31});

// act0_x, act0_m_f64, act0_e_f64 -> act0_y_f64.
static_assert(ibert::dyadic{{1546091343, 40}, -128, 127}(-9092, 0) == -13);
static_assert(ibert::dyadic{{1546091343, 40}, -128, 127}(-9727, 0) == -14);
static_assert(ibert::dyadic{{1546091343, 40}, -128, 127}(-17158, 0) == -24);
static_assert(ibert::dyadic{{1546091343, 40}, -128, 127}(6313, 0) == 9);
static_assert(ibert::dyadic{{1546091343, 40}, -128, 127}(-13245, 0) == -19);
static_assert(ibert::dyadic{{1546091343, 40}, -128, 127}(46929, 0) == 66);
// act2: two branches, each rounded on its own, 22 bits that do not saturate.
static_assert(multiply_shift_half_even(-32, 1194358070, 29) + multiply_shift_half_even(70, 1108150027, 20) == 73906);
static_assert(multiply_shift_half_even(24880, 1152824468, 30) + multiply_shift_half_even(-73, 1108150027, 20) ==
              -50435);
static_assert(multiply_shift_half_even(21254, 1785176420, 27) + multiply_shift_half_even(27, 1108150027, 20) == 311225);

// ---- GELU ----------------------------------------------------------------------------------------------------------

namespace {

constexpr bool same(const ibert::gelu_constants& a, int64_t b, int64_t c, int64_t shift) {
  return a.b == b && a.c == c && a.shift == shift;
}

}  // namespace

// gelu0_scale -> gelu0_consts, gelu0_out_scale_f64; gelu0_x -> gelu0_y_f64.
static_assert(same(ibert::to_gelu(0.01).constants, -251, -69251, -5));
static_assert(ibert::to_gelu(0.01).output_scale == -0.001182947488932838);
static_assert(ibert::gelu_value(-600, {-251, -69251, -5}) == 600);
static_assert(ibert::gelu_value(-200, {-251, -69251, -5}) == 200);
static_assert(ibert::gelu_value(0, {-251, -69251, -5}) == 0);
static_assert(ibert::gelu_value(1, {-251, -69251, -5}) == -6);
static_assert(ibert::gelu_value(7, {-251, -69251, -5}) == -42);
static_assert(ibert::gelu_value(561, {-251, -69251, -5}) == -5610);
static_assert(ibert::gelu_value(600, {-251, -69251, -5}) == -6000);
// gelu1_scale -> gelu1_consts, gelu1_out_scale_f64; gelu1_x -> gelu1_y_f64.
static_assert(same(ibert::to_gelu(0.0005).constants, -5004, -27700300, -1691));
static_assert(ibert::to_gelu(0.0005).output_scale == -1.4786843611660476e-07);
static_assert(ibert::gelu_value(-12000, {-5004, -27700300, -1691}) == 12000);
static_assert(ibert::gelu_value(-1993, {-5004, -27700300, -1691}) == 1104122);
static_assert(ibert::gelu_value(0, {-5004, -27700300, -1691}) == 0);
static_assert(ibert::gelu_value(1, {-5004, -27700300, -1691}) == -1854);
static_assert(ibert::gelu_value(7, {-5004, -27700300, -1691}) == -13006);
static_assert(ibert::gelu_value(11375, {-5004, -27700300, -1691}) == -38470250);
static_assert(ibert::gelu_value(12000, {-5004, -27700300, -1691}) == -40584000);
// gelu2_scale -> gelu2_consts, gelu2_out_scale_f64; gelu2_x -> gelu2_y_f64.
static_assert(same(ibert::to_gelu(2.3e-05).constants, -108771, -13090878887, -799004));
static_assert(ibert::to_gelu(2.3e-05).output_scale == -1.4392922097845838e-11);
static_assert(ibert::gelu_value(-260869, {-108771, -13090878887, -799004}) == 260869);
static_assert(ibert::gelu_value(-40548, {-108771, -13090878887, -799004}) == 11518916388);
static_assert(ibert::gelu_value(0, {-108771, -13090878887, -799004}) == 0);
static_assert(ibert::gelu_value(1, {-108771, -13090878887, -799004}) == -875907);
static_assert(ibert::gelu_value(7, {-108771, -13090878887, -799004}) == -6131902);
static_assert(ibert::gelu_value(247294, {-108771, -13090878887, -799004}) == -395177790352);
static_assert(ibert::gelu_value(260869, {-108771, -13090878887, -799004}) == -416870748952);

// ---- Softmax -------------------------------------------------------------------------------------------------------

namespace {

constexpr bool same(const ibert::softmax_constants& a, int64_t x0, int64_t b, int64_t c) {
  return a.x0 == x0 && a.b == b && a.c == c;
}

// soft0_consts, soft0_m_e_f64, soft0_exp_scale_f64.
constexpr ibert::softmax<ibert::exp_multiplier_of_quotient> soft0{{-70, 270, 27921},
                                                                  {{1478843660, 105}, 3.3355454914271835e-14}};
// Row [0, 1] of soft0_x, soft0_exp16, soft0_y_f64.
constexpr std::array<int32_t, 32> soft0_x{0,   25,  50,  75,  100, 125, 150, 175, 200, 225, 250,
                                          275, 300, 325, 350, 375, 400, 425, 450, 475, 500, 525,
                                          550, 575, 600, 625, 650, 675, 700, 725, 750, 775};
constexpr std::array<int64_t, 32> soft0_exp16{15,   19,   25,   32,   41,   53,    67,    86,    110,   140,  181,
                                              232,  295,  380,  488,  621,  799,   1024,  1305,  1681,  2141, 2746,
                                              3535, 4495, 5779, 7429, 9445, 12159, 15606, 19858, 25579, 32767};
constexpr std::array<int32_t, 32> soft0_y{0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  1,
                                          1, 1, 2, 2, 3, 4, 6, 7, 9, 12, 16, 20, 26, 34, 43, 56};

constexpr bool exponentials_agree() {
  for (index_t i = 0; i < 32; ++i) {
    if (soft0.exp16(soft0_x.data(), i, soft0_x[31]) != soft0_exp16[static_cast<size_t>(i)]) return false;
  }
  return true;
}

template <class Softmax>
constexpr std::array<int32_t, 32> probabilities(const Softmax& softmax) {
  std::array<int32_t, 32> y{};
  softmax(soft0_x.data(), y.data(), 32);
  return y;
}

}  // namespace

static_assert(same(ibert::to_softmax(0.01), -70, 270, 27921));        // soft0_consts
static_assert(same(ibert::to_softmax(0.0007), -991, 3867, 5698193));  // soft1_consts
static_assert(authors(3.3355454914271835e-14, 914943249.8521073) == ibert::multiplier{1478843660, 105});
static_assert(authors(1.6344172907993199e-16, 186724086590.90036) == ibert::multiplier{1163488450, 120});
static_assert(soft0.row_max(soft0_x.data(), 32) == soft0_x[31] && soft0.peak() == 32767);
static_assert(exponentials_agree());
static_assert(probabilities(soft0) == soft0_y);
// The other program applies the multiplier to the exponential itself: the same numbers.
static_assert(probabilities(ibert::softmax<>{soft0.constants, {ibert::to_multiplier(1 / 914943249.8521073)}}) ==
              soft0_y);

// ---- Layer normalisation -------------------------------------------------------------------------------------------

namespace {

// Row [0, 0] of ln1_x and ln1_y_f64; ln1_bias_int_f64, ln1_shift_f64.
constexpr std::array<int32_t, 96> ln1_x{
    -101040, -27582,  143039,  261683,  394126,  -206191, 386447,  -525265, 420813,  654896, -27297,  116871,
    71943,   108827,  60772,   -234837, 16521,   -74049,  -247184, 521823,  -74544,  -73215, -220798, -45903,
    -116976, -57929,  195104,  345243,  190674,  -271287, -446092, -292884, 387834,  153497, 257759,  -5093,
    400712,  -26741,  273581,  48607,   342341,  181612,  109282,  -176286, -194784, 192871, -198130, 91815,
    383123,  211375,  -201442, 79675,   170048,  -14456,  -320017, -448276, 144545,  430797, 374750,  -54843,
    659045,  -238064, 572413,  -109383, -164932, -30956,  -123199, 174099,  -337346, 67475,  -271230, -66044,
    -131633, 195548,  5937,    135856,  343216,  625611,  411699,  324052,  -155236, 194365, -263491, 606375,
    28840,   254953,  162420,  -110776, 526864,  89392,   555736,  448496,  -184053, 251970, 312146,  405532};
constexpr std::array<int64_t, 96> ln1_bias{
    -16511185, 4064242,   -12013407, 21160685,  41337373,  -24729656, 15933442,  -18892887, 50047081,  -18160374,
    -24853984, -59270853, 34662262,  -29906347, -15441728, 3840621,   8776373,   7091406,   29858545,  26592867,
    -14233954, -4625210,  9967520,   -14513274, 9772293,   44375961,  345615,    -73736617, -17646862, 2425259,
    4321629,   -17895088, 27229415,  -13011175, -5206910,  -5071583,  -25580918, 10360779,  -16327502, -26059582,
    -6160929,  11152201,  -1093944,  23150460,  13047409,  23326264,  19386340,  -3516084,  17673701,  50977075,
    -26329359, -5139814,  21523059,  -13275536, -3175561,  -27952623, -207098,   -24784662, 41234149,  8478775,
    -11972185, -5971947,  28686400,  -23945028, -48912636, -8300389,  -22859134, -21836173, 13868520,  19729547,
    73099832,  -13265483, 2167247,   14610806,  -56969982, -60141608, -22837055, -6007735,  8975976,   9990241,
    2557341,   3058429,   -24478825, 38709220,  7382970,   26237126,  36374004,  -62787020, -44951638, 6119957,
    610340,    -31061730, 10093539,  -9158842,  -9582916,  22853912};
constexpr std::array<int64_t, 96> ln1_y{
    -93546309,  -43293850,  9559385,    90665653,   164349313,  -144245784, 135843066,  -267314911, 183840569,
    210202646,  -72096936,  -48269933,  27512270,   -22155203,  -27104804,  -127248491, -20764107,  -59039354,
    -106218755, 201194395,  -80564694,  -70419034,  -115449836, -69273050,  -73700975,  -15242319,  42952667,
    29526591,   23170470,   -143389653, -212114503, -172435188, 147699387,  12786649,   62712762,   -43344119,
    100091766,  -36657549,  57984258,   -42637318,  95929871,   48308485,   6841020,    -84284048,  -101860291,
    65031184,   -96873144,  -2637788,   136240429,  100157611,  -143926891, -9166078,   54007487,   -55330724,
    -168677393, -245271091, 21974118,   113042362,  156418185,  -49892761,  218067031,  -138364767, 223726288,
    -104350724, -151760128, -57021577,  -108846494, 12284859,   -158634228, 10774483,   -72692052,  -76162223,
    -87227449,  57397234,   -90786398,  -41470748,  79607245,   210524145,  139087408,  104692285,  -96372967,
    45366925,   -167144153, 247469756,  -17180634,  93023174,   65776720,   -143755488, 131686454,  6019361,
    188912720,  113915690,  -100478837, 56422074,   80309104,   150473876};

constexpr std::array<int64_t, 96> normalised() {
  std::array<int64_t, 96> y{};
  ibert::layer_norm{ln1_bias.data(), 6}(ln1_x.data(), y.data(), 96);
  return y;
}

/// sqrt(C) / 2^30 as the authors have it, in single precision.
constexpr double norm_unit(double channels) {
  return static_cast<double>(static_cast<float>(square_root(channels))) / 1073741824.0;
}

}  // namespace

static_assert(normalised() == ln1_y);
// ln1_weight_f64, ln1_bias_f64, channel 0 -> ln1_bias_int_f64, ln1_out_scale_f64.
static_assert(ibert::layer_norm_bias(-0.23520128266028092, 1.5610819569239198, norm_unit(96)) == -16511185);
static_assert(norm_unit(96) * 1.5610819569239198 == 1.4244967625609956e-08);

// A row of equal values: the source divides by zero, here the bias is the result.
static_assert(ibert::layer_norm{ln1_bias.data(), 0}.normalized(7, 3, {7, 0, 0, 0}) == ln1_bias[3]);

// ---- Against real numbers ------------------------------------------------------------------------------------------

TEST_CASE("ibert/dyadic is the rounded real product") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 50000; ++i) {
    const auto x = static_cast<int32_t>(random()) >> (random() % 32);
    const double ratio =
        std::ldexp(1.0 + static_cast<double>(random() % 1000000) / 1e6, -static_cast<int>(random() % 30));
    const ibert::multiplier k = ibert::to_multiplier(i % 2 == 0 ? ratio : -ratio);
    REQUIRE(k.m >= -(int64_t{1} << 31));
    REQUIRE(k.m <= int64_t{1} << 31);
    // |m / 2^e - ratio| <= 2^-32 of it; the product has up to 63 bits, which a long double holds.
    const long double exact = std::ldexp(static_cast<long double>(x) * static_cast<long double>(k.m), -k.e);
    REQUIRE(multiply_shift_half_even(x, k.m, k.e) == static_cast<int64_t>(std::nearbyint(exact)));
    REQUIRE(std::abs(static_cast<double>(k.m) / std::ldexp(1.0, k.e) / (i % 2 == 0 ? ratio : -ratio) - 1) <= 0x1p-31);
  }
}

// The paper's table 1: the largest distance of i-GELU to GELU is 0.018. erf and the constant that is added to it are
// both rounded down to steps of sigma, each of which x / 2 multiplies; x is at most 6 here.
TEST_CASE("ibert/gelu is within 0.019 and steps of its scale of GELU") {
  for (const double s : {0.01, 0.001, 0.0005, 2.3e-5}) {
    CAPTURE(s);
    const ibert::gelu_scaled k = ibert::to_gelu(s);
    double worst = 0;
    for (int i = -2000; i <= 2000; ++i) {
      const auto x = static_cast<int64_t>(std::lround(i * 0.003 / s));
      const double real = static_cast<double>(x) * s;
      const double exact = real * 0.5 * (1 + std::erf(real / std::sqrt(2.0)));
      worst =
          std::max(worst, std::abs(static_cast<double>(ibert::gelu_value(x, k.constants)) * k.output_scale - exact));
    }
    const double sigma = -2 * k.output_scale / s;
    CHECK(worst < 0.019 + 6 * sigma);
  }
}

// The paper's table 2 has 0.0019 for the exponential; the probability loses up to one step of 2^-8 by rounding down,
// and the constants' own rounding shows at coarse scales.
TEST_CASE("ibert/softmax is within 2^-8 + 0.01 of softmax") {
  std::mt19937 random(2);
  for (const double s : {0.02, 0.004, 0.0007}) {
    CAPTURE(s);
    const ibert::softmax_constants constants = ibert::to_softmax(s);
    const double peak = static_cast<double>(ibert::integer_exp(0, constants).value());
    const ibert::softmax<> softmax{constants, {ibert::to_multiplier(32767.0 / peak)}};
    for (int row = 0; row < 50; ++row) {
      std::vector<int32_t> x(40);
      std::normal_distribution<double> scores(0, 1.0 + row % 5);
      for (auto& v : x) v = static_cast<int32_t>(std::lround(scores(random) / s));
      std::vector<uint8_t> y(x.size());
      REQUIRE(softmax.check(40) == status::ok);
      softmax(x.data(), y.data(), 40);
      double sum = 0;
      const int32_t most = *std::max_element(x.begin(), x.end());
      for (const int32_t v : x) sum += std::exp((v - most) * s);
      for (std::size_t i = 0; i < x.size(); ++i) {
        REQUIRE(std::abs(y[i] / 256.0 - std::exp((x[i] - most) * s) / sum) < 1 / 256.0 + 0.01);
      }
    }
  }
}

// 2^31 / deviation is rounded down, and so is the deviation, at most 1 (2^shift) of its thousands.
TEST_CASE("ibert/layer_norm is within 0.2 % of normalisation") {
  std::mt19937 random(3);
  for (const int shift : {0, 4, 7}) {
    CAPTURE(shift);
    constexpr index_t n = 128;
    std::vector<int32_t> x(n);
    const std::vector<int64_t> bias(n, 0);
    std::normal_distribution<double> values(100, 4000.0 * (1 << shift));
    for (auto& v : x) v = static_cast<int32_t>(std::lround(values(random)));
    std::vector<int64_t> y(n);
    const ibert::layer_norm norm{bias.data(), shift};
    REQUIRE(norm.check(n) == status::ok);
    norm(x.data(), y.data(), n);
    double mean = 0, variance = 0;
    for (const int32_t v : x) mean += v / static_cast<double>(n);
    for (const int32_t v : x) variance += (v - mean) * (v - mean) / static_cast<double>(n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = (x[i] - mean) / std::sqrt(variance);
      REQUIRE(std::abs(static_cast<double>(y[i]) * std::sqrt(static_cast<double>(n)) / 1073741824.0 - exact) <
              0.002 * std::abs(exact) + 0.002);
    }
  }
}
