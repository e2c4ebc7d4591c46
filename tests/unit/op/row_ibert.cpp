// SPDX-License-Identifier: Apache-2.0
// Softmax and layer normalisation of the ibert dialect: the host against the reference, and both against real numbers.
#include <cmath>

#include "row_compare.hpp"
#include "tessera/kernel/row/ibert_xsimd.hpp"

using namespace tessera;
using namespace tessera::support;

namespace {

/// Softmax of scores of this scale; `peak` is the 16-bit exponential of the maximum.
ibert::softmax<> softmax_of(double scale, double peak) {
  const auto k = ibert::to_softmax(scale);
  return {k, {ibert::to_multiplier(peak / (static_cast<double>(k.c) * 0x1p30))}};
}

ibert::softmax<ibert::exp_multiplier_of_quotient> quotient_softmax_of(double scale, double peak) {
  const auto k = ibert::to_softmax(scale);
  const double unit = 0.35815147 * scale * scale / 0x1p30;
  return {k, {ibert::to_multiplier(peak / (static_cast<double>(k.c) * 0x1p30) * unit), unit}};
}

}  // namespace

TEST_CASE("softmax/ibert_i32/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("softmax" + to_string(s) + to_string(f));
      const double scale = std::exp2(random.real(-24, -1));
      const double peak = random.real(20000, 32700);
      std::vector<std::uint8_t> keep;
      for (index_t i = 0; i < s.columns; ++i)
        keep.push_back(random.one_in(3) ? 0 : static_cast<std::uint8_t>(random.between(1, 255)));
      for (const bool masked : {false, true}) {
        auto p = softmax_of(scale, peak);
        auto q = quotient_softmax_of(scale, peak);
        if (masked) p.keep = q.keep = keep.data();
        // Differences to the maximum must fit int32: half the range.
        const auto half = [](std::int32_t v) { return v / 2; };
        const auto near = [&](std::int32_t v) {
          return static_cast<std::int32_t>(v % static_cast<std::int32_t>(-40 * p.constants.x0));
        };
        check_rows<std::int32_t, std::int16_t>("softmax_ibert", s, f, p, half);
        check_rows<std::int32_t, std::int32_t>("softmax_ibert", s, f, p, near);
        check_rows<std::int32_t, std::int16_t>("softmax_ibert_quotient", s, f, q, near);
        if (p.output_fits<std::uint8_t>()) check_rows<std::int32_t, std::uint8_t>("softmax_ibert", s, f, p, near);
      }
    }
  });
  // Longer than the exponentials that are kept, and the longest row.
  for (const index_t n : {2047, 2048, 2049, 5003, 65536}) {
    check_rows<std::int32_t, std::uint8_t>("softmax_ibert", {1, n}, fill::uniform, softmax_of(1e-3, 30000.5),
                                           [](std::int32_t v) { return v >> 18; });
  }
}

TEST_CASE("softmax/ibert with every key masked") {
  auto p = softmax_of(1e-3, 30000.5);
  const std::vector<std::uint8_t> none(37, 0);
  p.keep = none.data();
  random_values random("all masked");
  const auto x = random.values<std::int32_t>(2 * 37, fill::uniform);
  std::vector<std::uint8_t> y(x.size(), 7);
  REQUIRE(op::softmax<target::host>(matrix(x.data(), 2, 37), p, matrix(y.data(), 2, 37)) == status::ok);
  std::vector<std::uint8_t> expected(x.size(), 7);
  REQUIRE(op::softmax<target::reference>(matrix(x.data(), 2, 37), p, matrix(expected.data(), 2, 37)) == status::ok);
  CHECK(y == expected);
}

TEST_CASE("layer_norm/ibert/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("layer_norm" + to_string(s) + to_string(f));
      std::vector<std::int64_t> bias;
      for (index_t i = 0; i < s.columns; ++i) bias.push_back(random.signed_bits(52));
      for (const int shift : {0, 1, 6, 31}) {
        const ibert::layer_norm p{bias.data(), shift};
        check_rows<std::int32_t, std::int64_t>("layer_norm_ibert", s, f, p, [](std::int32_t v) { return v >> 10; });
        check_rows<std::int32_t, std::int64_t>("layer_norm_ibert", s, f, p, [](std::int32_t v) { return v >> 3; });
        check_rows<std::int32_t, std::int64_t>("layer_norm_ibert", s, f, p, [](std::int32_t v) { return v / 2; });
        // Differences to the mean may pass 31 bits; the sum of squares must not pass 64.
        if (shift == 6) check_rows<std::int32_t, std::int64_t>("layer_norm_ibert", s, f, p);
        check_rows<std::int16_t, std::int64_t>("layer_norm_ibert", s, f, p);
        check_rows<std::int8_t, std::int64_t>("layer_norm_ibert", s, f, p);
      }
    }
  });
}

// One difference to the mean of 2^31, and a factor that is not 0 nevertheless: isqrt(8^2 + 15) << 28 = 2^31.
TEST_CASE("layer_norm/ibert/host where a difference has 32 bits") {
  const std::vector<std::int64_t> bias(16, 3);
  for (std::size_t at = 0; at < 16; ++at) {
    std::vector<std::int32_t> x(16, -143165578);
    x[at] = INT32_MAX;
    CHECK(check_targets<std::int64_t>("layer_norm_ibert/outlier", {1, 16}, [&]<Target T>(T, auto y) {
            return op::layer_norm<T>(matrix(x.data(), 1, 16), ibert::layer_norm{bias.data(), 28}, y);
          }) == status::ok);
    std::vector<std::int64_t> y(16);
    REQUIRE(op::layer_norm<target::reference>(matrix(x.data(), 1, 16), ibert::layer_norm{bias.data(), 28},
                                              matrix(y.data(), 1, 16)) == status::ok);
    CHECK(y[at] == (std::int64_t{1} << 30) + 3);
  }
}

// |integer exponential - exp| <= 1.9e-3 of the paper (section 3.5), and the step of the input's scale.
TEST_CASE("softmax/ibert/reference exponential against the real function") {
  for (const double scale : {1e-2, 1e-3, 1e-4, 1e-5}) {
    const auto k = ibert::to_softmax(scale);
    const double unit = 0.35815147 * scale * scale / 0x1p30;
    double worst = 0;
    for (double x = 0; x > -20.0; x -= 0.00773) {
      const auto q = static_cast<std::int64_t>(x / scale);
      const ibert::exponential e = ibert::integer_exp(q, k);
      const double got = std::ldexp(static_cast<double>(e.polynomial), 30 - e.quotient) * unit;
      worst = std::max(worst, std::abs(got - std::exp(static_cast<double>(q) * scale)));
    }
    INFO("scale ", scale, ", largest error ", worst);
    CHECK(worst <= 1.9e-3 + 2 * scale);
    CHECK(worst > 1e-3);
  }
}

// Probabilities of scale 2^-8: the exponential's error, relative to a sum of at least 1, and one step.
TEST_CASE_TEMPLATE("softmax/ibert_i32u8/against the real function", T, target::reference, target::host) {
  const double scale = 1e-4;
  const auto p = softmax_of(scale, 32000.5);
  random_values random("softmax model");
  constexpr index_t rows = 20;
  constexpr index_t n = 43;
  std::vector<std::int32_t> x;
  for (index_t i = 0; i < rows * n; ++i) x.push_back(static_cast<std::int32_t>(random.real(-6.0, 6.0) / scale));
  std::vector<std::uint8_t> y(x.size());
  REQUIRE(op::softmax<T>(matrix(x.data(), rows, n), p, matrix(y.data(), rows, n)) == status::ok);
  for (index_t r = 0; r < rows; ++r) {
    const std::int32_t* const row = x.data() + r * n;
    double sum = 0;
    double most = row[0];
    for (index_t c = 0; c < n; ++c) most = std::max(most, static_cast<double>(row[c]));
    for (index_t c = 0; c < n; ++c) sum += std::exp((row[c] - most) * scale);
    for (index_t c = 0; c < n; ++c) {
      const double expected = std::exp((row[c] - most) * scale) / sum;
      const double got = y[static_cast<std::size_t>(r * n + c)] / 256.0;
      CHECK_MESSAGE(std::abs(got - expected) <= 1.0 / 256 + n * 1.9e-3 / sum, seed_text());
    }
  }
}

// (x - mean) / deviation. factor = floor(2^31 / (deviation * sqrt(n))) is the coarsest step; the mean, off by 1/2, and
// the deviation, off by 2^shift, are below 1e-4 of the deviation here.
TEST_CASE_TEMPLATE("layer_norm/ibert_i32i64/against the real function", T, target::reference, target::host) {
  random_values random("layer norm model");
  constexpr index_t rows = 20;
  constexpr index_t n = 97;
  std::vector<std::int32_t> x;
  for (index_t i = 0; i < rows * n; ++i) x.push_back(static_cast<std::int32_t>(random.between(-1000000, 1500000)));
  std::vector<std::int64_t> bias(n);
  for (index_t c = 0; c < n; ++c) bias[static_cast<std::size_t>(c)] = (c - 40) << 20;
  std::vector<std::int64_t> y(x.size());
  const ibert::layer_norm p{bias.data(), 6};
  REQUIRE(op::layer_norm<T>(matrix(x.data(), rows, n), p, matrix(y.data(), rows, n)) == status::ok);
  const double unit = std::sqrt(static_cast<double>(n)) / 0x1p30;
  for (index_t r = 0; r < rows; ++r) {
    const std::int32_t* const row = x.data() + r * n;
    double mean = 0;
    double squares = 0;
    for (index_t c = 0; c < n; ++c) mean += row[c] / static_cast<double>(n);
    for (index_t c = 0; c < n; ++c) squares += (row[c] - mean) * (row[c] - mean);
    const double factor = 0x1p31 / std::sqrt(squares);
    for (index_t c = 0; c < n; ++c) {
      const double expected = (row[c] - mean) / std::sqrt(squares / static_cast<double>(n));
      const auto at = static_cast<std::size_t>(r * n + c);
      const double got = static_cast<double>(y[at] - bias[static_cast<std::size_t>(c)]) * unit;
      CHECK_MESSAGE(std::abs(got - expected) <= std::abs(expected) / factor + 1e-4, seed_text());
    }
  }
}

TEST_CASE_TEMPLATE("softmax and layer_norm/ibert/statuses", T, target::reference, target::host) {
  std::vector<std::int32_t> x(3 * 20, 5);
  std::vector<std::uint8_t> y(x.size());
  std::vector<std::int64_t> wide(x.size());
  const auto in = matrix(x.data(), 3, 20);
  const auto out = matrix(y.data(), 3, 20);
  const auto good = softmax_of(1e-3, 30000.5);
  CHECK(op::softmax<T>(in, good, out) == status::ok);
  CHECK(op::softmax<T>(in, good, matrix(y.data(), 20, 3)) == status::shape_mismatch);
  CHECK(op::softmax<T>(in, good, matrix(static_cast<std::uint8_t*>(nullptr), 3, 20)) == status::null_pointer);
  auto bad = good;
  bad.constants.x0 = 0;
  CHECK(op::softmax<T>(in, bad, out) == status::bad_parameter);
  // The maximum of a row with one key would be 256.
  const auto power_of_two = softmax_of(1e-3, 16384.0);
  REQUIRE(power_of_two.peak() == 16384);
  CHECK(op::softmax<T>(in, power_of_two, out) == status::bad_parameter);
  CHECK(op::softmax<T>(in, good, matrix(static_cast<std::uint8_t*>(static_cast<void*>(x.data())), 3, 20)) ==
        status::overlap);

  const std::vector<std::int64_t> bias(20);
  CHECK(op::layer_norm<T>(in, ibert::layer_norm{bias.data(), 6}, matrix(wide.data(), 3, 20)) == status::ok);
  CHECK(op::layer_norm<T>(in, ibert::layer_norm{bias.data(), 32}, matrix(wide.data(), 3, 20)) == status::bad_parameter);
  CHECK(op::layer_norm<T>(in, ibert::layer_norm{nullptr, 6}, matrix(wide.data(), 3, 20)) == status::null_pointer);

  // With the bias a value may need more than 32 bits.
  std::vector<std::int32_t> narrow(x.size());
  CHECK(op::layer_norm<T>(in, ibert::layer_norm{bias.data(), 6}, matrix(narrow.data(), 3, 20)) ==
        status::bad_parameter);

  // In place: int32 -> int32.
  random_values random("in place");
  auto data = random.values<std::int32_t>(3 * 20, fill::logarithmic);
  for (auto& v : data) v >>= 6;
  std::vector<std::int32_t> expected(data.size());
  const auto same = matrix(data.data(), 3, 20);
  REQUIRE(op::softmax<target::reference>(same, good, matrix(expected.data(), 3, 20)) == status::ok);
  REQUIRE(op::softmax<T>(same, good, same) == status::ok);
  CHECK(data == expected);
}
