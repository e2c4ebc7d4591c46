// SPDX-License-Identifier: Apache-2.0
// Element-wise operators of the ita and quantlib dialects: the host against the reference.
#include "map_compare.hpp"
#include "tessera/kernel/map/ita_xsimd.hpp"
#include "tessera/kernel/map/quantlib_xsimd.hpp"

using namespace tessera;
using namespace tessera::support;

namespace {

template <class Policy>
void check_types(const std::string& name, const matrix_shape& s, fill f, const Policy& policy) {
  const auto accumulator = [](std::int64_t v) { return v >> 11; };  // 53 bits
  check_map<std::int8_t, std::int32_t>(name, s, f, policy);
  check_map<std::uint8_t, std::int32_t>(name, s, f, policy);
  check_map<std::int32_t, std::int32_t>(name, s, f, policy);
  check_map<std::int32_t, std::int32_t>(name, s, f, policy, [](std::int32_t v) { return v >> 9; });
  check_map<std::int64_t, std::int64_t>(name, s, f, policy, accumulator);
}

ita::requant random_ita_requant(random_values& random, bool extreme) {
  return {static_cast<std::uint8_t>(random.bits()), static_cast<std::uint8_t>(random.below(extreme ? 256 : 24)),
          static_cast<std::int8_t>(random.bits())};
}

quantlib::requant_shift random_requant_shift(random_values& random, bool extreme) {
  quantlib::requant_shift p;
  p.mul = static_cast<std::int32_t>(random.signed_bits(extreme ? 31 : 20));
  p.log2_d = static_cast<std::int32_t>(random.below(extreme ? 63 : 25));
  p.add = static_cast<std::int32_t>(random.signed_bits(31));
  p.n_levels = extreme ? 2 << random.below(30) : 256;
  p.is_signed = random.one_in(2);
  if (extreme && random.one_in(4)) p.mul = p.add = INT32_MIN;
  return p;
}

}  // namespace

TEST_CASE("requantize/ita/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("ita" + to_string(s) + to_string(f));
      for (const bool extreme : {false, true}) {
        const ita::requant p = random_ita_requant(random, extreme);
        check_types("ita_requant", s, f, p);
        check_types("ita_relu", s, f, then{p, ita::relu{random_ita_requant(random, extreme)}});
        check_types("ita_gelu", s, f,
                    then{p, ita::gelu{static_cast<std::int16_t>(random.between(-300, 40)),
                                      static_cast<std::int16_t>(random.signed_bits(13)), p}});
      }
      check_types("ita_identity", s, f, ita::identity{});
      check_types("ita_gelu_for_scale", s, f, ita::gelu_for_scale(random.real(0.015, 0.2)));
    }
  });
}

TEST_CASE("requantize/quantlib/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("quantlib" + to_string(s) + to_string(f));
      for (const bool extreme : {false, true}) {
        const quantlib::requant_shift p = random_requant_shift(random, extreme);
        check_types("requant_shift", s, f, p);
        std::vector<std::int32_t> mul;
        std::vector<std::int32_t> add;
        for (index_t i = 0; i < max(s.rows, s.columns); ++i) {
          const quantlib::requant_shift c = random_requant_shift(random, extreme);
          mul.push_back(c.mul);
          add.push_back(c.add);
        }
        const quantlib::requant_shift_channels channels{mul.data(), add.data(), p.log2_d, p.n_levels, p.is_signed};
        check_types("requant_shift_channels", s, f, channels);
        check_types("requant_shift_by_row", s, f, by_row{channels});
        const auto residual = random.values<std::int8_t>(s.rows * s.columns, f);
        check_types("add", s, f, add_residual{channels, p, quantlib::offset{3, -128, 127}, residual.data(), s.columns});
      }
    }
  });
}

// Products of 51 to 58 bits just below half of 2^50, modulo 2^50: as doubles they are exact up to 2^53 only.
TEST_CASE("requantize/ita/host at rounding borders") {
  constexpr std::uint64_t mask = (std::uint64_t{1} << 50) - 1;
  for (std::uint64_t mult = 3; mult < 256; mult += 2) {
    std::uint64_t inverse = 1;  // of mult modulo 2^64, by Newton's iteration
    for (int i = 0; i < 6; ++i) inverse *= 2 - mult * inverse;
    std::vector<std::int64_t> x;
    for (int i = 0; i < 8; ++i) {
      const std::uint64_t wanted = (mask >> 1) + static_cast<std::uint64_t>(i % 3 - 1);
      x.push_back(static_cast<std::int64_t>((wanted * inverse) & mask));
    }
    const ita::requant p{static_cast<std::uint8_t>(mult), 50, 0};
    CHECK(check_targets<std::int8_t>("requantize/ita_border", {1, 8}, [&]<Target T>(T, auto y) {
            return op::requantize<T>(matrix(x.data(), 1, 8), p, y);
          }) == status::ok);
  }
}

// Products of 59 bits that lie just below or on the border between two results: add is chosen so that product + add +
// half is -1, 0 or 1 modulo 2^31.
TEST_CASE("requantize/quantlib/host at rounding borders") {
  constexpr index_t n = 499;
  constexpr std::int64_t modulus = std::int64_t{1} << 31;
  random_values random("borders");
  std::vector<std::int32_t> x, mul, add;
  for (index_t i = 0; i < n; ++i) {
    x.push_back(static_cast<std::int32_t>(random.between(1 << 29, 1 << 30)));
    mul.push_back(static_cast<std::int32_t>(random.between(1 << 27, 1 << 29)));
    const std::int64_t rest = (i % 3 - 1 - modulus / 2 - std::int64_t{x.back()} * mul.back()) % modulus;
    add.push_back(static_cast<std::int32_t>(rest));
  }
  const quantlib::requant_shift_channels p{mul.data(), add.data(), 31, 1 << 30};
  CHECK(check_targets<std::int32_t>("requantize/borders", {1, n}, [&]<Target T>(T, auto y) {
          return op::requantize<T>(matrix(x.data(), 1, n), p, y);
        }) == status::ok);
  for (index_t i = 0; i < n; ++i) {
    const quantlib::requant_shift one{mul[static_cast<std::size_t>(i)], add[static_cast<std::size_t>(i)], 31, 1 << 30};
    const std::vector<std::int32_t> same(8, x[static_cast<std::size_t>(i)]);
    CHECK(check_targets<std::int32_t>("requantize/border", {1, 8}, [&]<Target T>(T, auto y) {
            return op::requantize<T>(matrix(same.data(), 1, 8), one, y);
          }) == status::ok);
  }
}

TEST_CASE("gelu and hardswish/quantlib/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("activation" + to_string(s) + to_string(f));
      const auto igelu = quantlib::igelu_for_scale(random.real(0.02, 0.5));
      check_types("igelu", s, f, igelu);
      check_types("igelu_requant", s, f, then{igelu, random_requant_shift(random, false)});
      check_types("igelu_stored", s, f, then{quantlib::from_stored(256), igelu});
      check_types("igelu", s, f, quantlib::igelu{-static_cast<std::int32_t>(random.below(2800)), 100000});
      const quantlib::ihardswish swish{static_cast<std::int32_t>(random.below(1000)),
                                       static_cast<std::int32_t>(random.signed_bits(31)),
                                       static_cast<std::int32_t>(random.below(8000))};
      check_types("ihardswish", s, f, swish);
      check_types("ihardswish_requant", s, f, then{swish, random_requant_shift(random, false)});
    }
  });
}

TEST_CASE("requantize/quantlib_offset and true_integer_div/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("offset" + to_string(s) + to_string(f));
      check_types("offset", s, f, quantlib::offset{random.signed_bits(31)});
      check_map<std::int32_t, std::int64_t>("offset_wide", s, f,
                                            quantlib::offset{random.signed_bits(61), -INT64_MAX, INT64_MAX});
      quantlib::true_integer_div p{
          static_cast<std::int32_t>(random.signed_bits(22)), static_cast<std::int32_t>(random.signed_bits(31)),
          static_cast<std::int32_t>(random.between(1, 500)), static_cast<std::int32_t>(random.signed_bits(31))};
      if (p.denominator() == 0) ++p.eps;
      check_types("true_integer_div", s, f, p);
      check_types("true_integer_div_exact", s, f, quantlib::true_integer_div{7, 0, 1, 7});
    }
  });
}
