// SPDX-License-Identifier: Apache-2.0
// Element-wise operators of the ibert dialect: the host against the reference, and GELU against the real function.
#include <cmath>

#include "map_compare.hpp"
#include "tessera/arith/ibert.hpp"
#include "tessera/kernel/map/xsimd.hpp"

using namespace tessera;
using namespace tessera::support;

namespace {

/// Constants of n channels: mostly plausible ones, and now and then extreme ones.
struct channels {
  std::vector<std::int64_t> m, b, c, shift;
  std::vector<std::int32_t> e;

  channels(const std::string& id, index_t n, bool extreme) {
    random_values random(id + "/channels");
    for (index_t i = 0; i < n; ++i) {
      m.push_back(random.between(std::int64_t{1} << 30, std::int64_t{1} << 31) * (random.one_in(2) ? 1 : -1));
      e.push_back(static_cast<std::int32_t>(extreme ? random.between(-1500, 1500) : random.between(31, 90)));
      const auto k = ibert::to_gelu(std::exp2(random.real(-24, 0))).constants;
      b.push_back(k.b);
      c.push_back(extreme && random.one_in(9) ? -random.between(0, std::int64_t{1} << 62) : k.c);
      shift.push_back(k.shift);
    }
  }
  ibert::dyadic_channels dyadic(std::int64_t low, std::int64_t high) const { return {m.data(), e.data(), low, high}; }
  ibert::dyadic_channels dyadic8() const { return dyadic(-128, 127); }
  ibert::gelu_channels gelu() const { return {b.data(), c.data(), shift.data()}; }
};

/// Values that the policies accept: products must not pass 2^63, so int64 data has few bits now and then.
std::int64_t up_to_63_bits(std::int64_t v) { return v == INT64_MIN ? INT64_MIN + 1 : v; }

}  // namespace

TEST_CASE("requantize/ibert_dyadic/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      for (const bool extreme : {false, true}) {
        const channels k("dyadic" + to_string(s) + to_string(f), s.columns, extreme);
        const auto name = extreme ? std::string("dyadic_channels_extreme") : std::string("dyadic_channels");
        check_map<std::int32_t, std::int8_t>(name, s, f, k.dyadic8());
        check_map<std::int32_t, std::int32_t>(name, s, f, k.dyadic(-(1 << 21), (1 << 21) - 1));
        check_map<std::int64_t, std::int8_t>(name, s, f, k.dyadic8(), up_to_63_bits);
        check_map<std::int64_t, std::int64_t>(name, s, f, k.dyadic(INT64_MIN, INT64_MAX), up_to_63_bits);
        check_map<std::int64_t, std::int64_t>(name, s, f, k.dyadic(INT64_MIN, INT64_MAX),
                                              [](std::int64_t v) { return v >> 20; });
        check_map<std::int8_t, std::int8_t>(name, s, f, k.dyadic8());
        const ibert::dyadic one{{k.m[0], k.e[0]}, -128, 127};
        check_map<std::int32_t, std::int8_t>("dyadic", s, f, one);
        check_map<std::uint8_t, std::int16_t>("dyadic", s, f, one);
        check_map<std::int8_t, std::int8_t>("dyadic", s, f, one);
        check_map<std::int16_t, std::int8_t>("dyadic", s, f, one);
      }
    }
  });
}

// Products of 80 bits whose results have 49: one in 32 is rounded to a tie in double precision, which it is not.
TEST_CASE("requantize/ibert_dyadic/host near ties") {
  const matrix_shape s{4, 1999};
  const channels k("ties", s.columns, false);
  const std::vector<std::int32_t> e(static_cast<std::size_t>(s.columns), 31);
  const ibert::dyadic_channels wide{k.m.data(), e.data(), INT64_MIN, INT64_MAX};
  check_map<std::int64_t, std::int64_t>("dyadic_channels_ties", s, fill::uniform, wide,
                                        [](std::int64_t v) { return v >> 14; });
  check_map<std::int64_t, std::int64_t>("dyadic_ties", s, fill::uniform,
                                        ibert::dyadic{{k.m[0] | 1, 31}, INT64_MIN, INT64_MAX},
                                        [](std::int64_t v) { return v >> 14; });
}

TEST_CASE("gelu/ibert/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      for (const bool extreme : {false, true}) {
        const channels k("gelu" + to_string(s) + to_string(f), s.columns, extreme);
        const auto name = extreme ? std::string("gelu_channels_extreme") : std::string("gelu_channels");
        check_map<std::int32_t, std::int64_t>(name, s, f, k.gelu());
        check_map<std::int32_t, std::int64_t>(name, s, f, k.gelu(), [](std::int32_t v) { return v >> 8; });
        if (!extreme) {  // what follows it must fit 63 bits
          check_map<std::int32_t, std::int8_t>(name + "_dyadic", s, f, then{k.gelu(), k.dyadic8()},
                                               [](std::int32_t v) { return v >> 8; });
          check_map<std::int64_t, std::int8_t>(name + "_dyadic", s, f, then{k.gelu(), k.dyadic8()},
                                               [](std::int64_t v) { return v >> 40; });
          check_map<std::int64_t, std::int64_t>("gelu", s, f, ibert::gelu{{k.b[0], k.c[0], k.shift[0]}});
        }
      }
    }
  });
}

TEST_CASE("add/ibert/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      const channels k("add" + to_string(s) + to_string(f), s.columns, false);
      random_values random("add/residual" + to_string(s));
      const auto bytes = random.values<std::int8_t>(s.rows * s.columns, f);
      const auto words = random.values<std::int32_t>(s.rows * s.columns, f);
      const ibert::dyadic scale{{k.m[0], 31}, INT32_MIN, INT32_MAX};
      const saturating out{-(1 << 21), (1 << 21) - 1};
      check_map<std::int32_t, std::int32_t>(
          "add_i8", s, f, add_residual{k.dyadic(INT32_MIN, INT32_MAX), scale, out, bytes.data(), s.columns});
      check_map<std::int32_t, std::int32_t>(
          "add_i32", s, f, add_residual{k.dyadic(INT32_MIN, INT32_MAX), scale, out, words.data(), s.columns});
      check_map<std::int8_t, std::int32_t>("add_i8", s, f, add_residual{scale, scale, out, bytes.data(), s.columns});
    }
  });
}

TEST_CASE("requantize/ibert_rescale and saturating/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      check_map<std::int32_t, std::int64_t>("rescale", s, f, ibert::rescale{0.0123, 0.00456});
      check_map<std::int32_t, std::int64_t>("rescale_to_beyond_lanes", s, f, ibert::rescale{1e9, 1.0});
      check_map<std::int64_t, std::int32_t>("saturating", s, f, keep_accumulator);
      check_map<std::int32_t, std::uint8_t>("saturating", s, f, saturate_to<std::uint8_t>);
      // Limits that doubles cannot hold.
      check_map<std::int64_t, std::int64_t>("saturating", s, f, saturating{-INT64_MAX + 3, (1LL << 60) + 1});
      check_map<std::int64_t, std::int64_t>("saturating", s, f, saturating{(1LL << 54) + 1, (1LL << 60) + 1});
    }
  });
}

// |integer GELU - GELU| <= 0.018 of the paper (section 3.4, rounded), and what quantisation adds: erf and the one that
// is added to it are floors in units of sigma, and x / 2 multiplies their sum.
TEST_CASE("gelu/ibert_i32/reference against the real function") {
  for (const double scale : {1e-2, 1e-3, 1e-4, 1e-5}) {
    const auto k = ibert::to_gelu(scale);
    const double sigma = -2 * k.output_scale / scale;
    double worst = 0;
    for (double x = -6.0; x <= 6.0; x += 0.0137) {
      const auto q = static_cast<std::int32_t>(std::lround(x / scale));
      const double real = static_cast<double>(q) * scale;
      const double expected = real * 0.5 * (1.0 + std::erf(real / std::sqrt(2.0)));
      const double got = static_cast<double>(ibert::gelu_value(q, k.constants)) * k.output_scale;
      worst = std::max(worst, std::abs(got - expected) - std::abs(real) * sigma);
    }
    INFO("scale ", scale, ", largest error less that of quantisation ", worst);
    CHECK(worst <= 0.0185);
    if (sigma < 1e-4) CHECK(worst > 0.015);  // a smaller error means that the test computes something else
  }
}

// Constant expressions use the reference kernel, with the same operator.
namespace {
constexpr bool constant_expression() {
  const std::int32_t x[] = {-300, -1, 0, 1, 100, 1000};
  std::int8_t y[6] = {};
  const ibert::dyadic half{{std::int64_t{1} << 30, 31}, -128, 127};
  if (op::requantize<target::reference>(matrix<2, 3>(x), half, matrix<2, 3>(y)) != status::ok) return false;
  return y[0] == -128 && y[1] == 0 && y[2] == 0 && y[3] == 0 && y[4] == 50 && y[5] == 127;
}
static_assert(constant_expression());
}  // namespace

TEST_CASE_TEMPLATE("requantize/ibert/parameters out of range are refused", T, target::reference, target::host) {
  std::vector<std::int32_t> x(8, 5);
  std::vector<std::int64_t> y(8);
  const auto in = matrix(x.data(), 2, 4);
  const auto out = matrix(y.data(), 2, 4);
  CHECK(op::gelu<T>(in, ibert::gelu{{1000, -100000, -3}}, out) == status::bad_parameter);
  CHECK(op::requantize<T>(in, saturating{5, -5}, out) == status::bad_parameter);
  CHECK(op::requantize<T>(in, ibert::rescale{1.0, 0.0}, out) == status::bad_parameter);
  CHECK(op::requantize<T>(in, ibert::rescale{1.0, 3.0}, out) == status::ok);
  // A negative extent counts as 0.
  CHECK(op::requantize<T>(matrix(x.data(), 2, -4), saturate_to<std::int64_t>, matrix(y.data(), 2, -4)) == status::ok);
}

TEST_CASE("requantize/ibert exponents far outside") {
  static_assert(multiply_shift_half_even(5, 1 << 30, INT32_MIN) == INT64_MAX);
  static_assert(multiply_shift_half_even(-5, 1 << 30, INT32_MAX) == 0);
  static_assert(multiply_shift_half_even(0, 1 << 30, INT32_MIN) == 0);
  std::vector<std::int32_t> x = {5, -5, 0, 1, 7, -7, 100, INT32_MIN};
  std::vector<std::int8_t> host(8), reference(8);
  for (const std::int32_t e : {INT32_MIN, -2000, -128, 0, 128, 2000, INT32_MAX}) {
    const ibert::dyadic p{{1 << 30, e}, -128, 127};
    REQUIRE(op::requantize<target::host>(matrix(x.data(), 1, 8), p, matrix(host.data(), 1, 8)) == status::ok);
    REQUIRE(op::requantize<target::reference>(matrix(x.data(), 1, 8), p, matrix(reference.data(), 1, 8)) == status::ok);
    CHECK(host == reference);
  }
}

TEST_CASE("requantize/ibert/unsigned outputs") {
  std::vector<std::int32_t> x;
  for (std::uint32_t i = 0; i < 37; ++i) x.push_back(static_cast<std::int32_t>(i * 123456789u));
  const auto check = [&](auto element) {
    using out = decltype(element);
    std::vector<out> host(x.size()), reference(x.size());
    const ibert::dyadic p{{(1 << 30) + 12345, 31}, 0, sizeof(out) == 2 ? 65535 : INT32_MAX};
    REQUIRE(op::requantize<target::host>(matrix(x.data(), 1, 37), p, matrix(host.data(), 1, 37)) == status::ok);
    REQUIRE(op::requantize<target::reference>(matrix(x.data(), 1, 37), p, matrix(reference.data(), 1, 37)) ==
            status::ok);
    CHECK(host == reference);
  };
  check(std::uint16_t{});
  check(std::uint32_t{});
  check(std::uint64_t{});
}
