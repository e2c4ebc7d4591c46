// SPDX-License-Identifier: Apache-2.0
// Softmax and normalisations of the quantlib dialect: the host against the reference.
#include "row_compare.hpp"
#include "tessera/kernel/row/quantlib_xsimd.hpp"

using namespace tessera;
using namespace tessera::support;
using quantlib::variant;

namespace {

/// w and b of n columns.
struct columns {
  std::vector<std::int32_t> w, b;
  columns(random_values& random, index_t n, bool extreme) {
    for (index_t i = 0; i < n; ++i) {
      w.push_back(static_cast<std::int32_t>(random.signed_bits(extreme ? 31 : 16)));
      b.push_back(static_cast<std::int32_t>(random.signed_bits(extreme ? 31 : 20)));
      if (extreme && random.one_in(5)) w.back() = INT32_MIN;
      if (extreme && random.one_in(5)) b.back() = INT32_MIN;
    }
  }
};

template <class Params>
void check_norm(const std::string& name, const matrix_shape& s, fill f, const Params& params) {
  check_rows<std::int8_t, std::int8_t>(name, s, f, params);
  check_rows<std::uint8_t, std::int8_t>(name, s, f, params);
}

std::int32_t random_shift(random_values& random) {
  return static_cast<std::int32_t>(random.below(random.one_in(3) ? 63 : 24));
}

}  // namespace

TEST_CASE("softmax/quantlib_isoftmax/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("isoftmax" + to_string(s) + to_string(f));
      const auto plausible = quantlib::isoftmax_for_scale(random.real(0.01, 1.0));
      quantlib::isoftmax any{static_cast<std::int32_t>(random.below(random.one_in(2) ? 5 : 1 << 20)),
                             static_cast<std::int32_t>(random.signed_bits(random.one_in(2) ? 8 : 17)),
                             static_cast<std::int32_t>(random.below(1LL << 31)),
                             static_cast<std::int32_t>(random.between(1, random.one_in(2) ? 300 : INT32_MAX)),
                             static_cast<std::int32_t>(random.between(2, 256))};
      if (any.check(1) != status::ok) any.a = 1, any.c = 9;
      for (const auto& p : {plausible, any}) {
        check_rows<std::int8_t, std::uint8_t>("isoftmax", s, f, p);
        check_rows<std::uint8_t, std::uint8_t>("isoftmax", s, f, p);
        check_rows<std::int8_t, std::int32_t>("isoftmax", s, f, p);
      }
    }
  });
  // Longer than the exponentials that are kept, and a sum beyond 2^53.
  check_rows<std::int8_t, std::uint8_t>("isoftmax", {2, 5001}, fill::uniform, quantlib::isoftmax{1, 25, 328, 18});
  check_rows<std::int8_t, std::uint8_t>("isoftmax", {1, 40001}, fill::highest,
                                        quantlib::isoftmax{(1 << 21) - 1, 257, 0, 18, 256});
}

TEST_CASE("layer_norm/quantlib/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("ilayer_norm" + to_string(s) + to_string(f));
      for (const bool extreme : {false, true}) {
        const columns k(random, s.columns, extreme);
        const quantlib::ilayer_norm<> p{k.w.data(), k.b.data(), random_shift(random), 2 << random.below(8)};
        check_norm("ilayer_norm", s, f, p);
        check_rows<std::int16_t, std::int8_t>("ilayer_norm", s, f, p);
        check_rows<std::int8_t, std::int32_t>("ilayer_norm", s, f, p);
        check_norm("ilayer_norm_deeploy", s, f,
                   quantlib::ilayer_norm<variant::deeploy>{k.w.data(), k.b.data(), random_shift(random)});
        const quantlib::irms_norm rms{k.w.data(), random_shift(random), 2 << random.below(8)};
        check_norm("irms_norm", s, f, rms);
        check_rows<std::int16_t, std::int8_t>("irms_norm", s, f, rms);
      }
    }
  });
}

TEST_CASE("layer_norm/quantlib/host on rows that overflow narrow sums") {
  const matrix_shape s{1, 300001};
  random_values random("long rows");
  const columns k(random, s.columns, false);
  for (const fill f : {fill::uniform, fill::alternating, fill::highest, fill::lowest}) {
    check_norm("ilayer_norm", s, f, quantlib::ilayer_norm<>{k.w.data(), k.b.data(), 12});
    check_rows<std::int16_t, std::int8_t>("ilayer_norm", s, f, quantlib::ilayer_norm<>{k.w.data(), k.b.data(), 12});
    check_norm("irms_norm", s, f, quantlib::irms_norm{k.w.data(), 12});
  }
}

TEST_CASE("layer_norm/quantlib_inonorm/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("inonorm" + to_string(s) + to_string(f));
      for (const bool extreme : {false, true}) {
        const columns k(random, s.columns, extreme);
        for (std::int32_t mul : {static_cast<std::int32_t>(random.signed_bits(9)),
                                 static_cast<std::int32_t>(random.signed_bits(23)), 1 << 23, -(1 << 23)}) {
          if (mul > 1 << 23) mul = 1 << 23;
          check_norm("inonorm", s, f,
                     quantlib::inonorm<>{k.w.data(), k.b.data(), mul, random_shift(random), 2 << random.below(8)});
          check_norm("inonorm_deeploy", s, f,
                     quantlib::inonorm<variant::deeploy>{k.w.data(), k.b.data(), mul, random_shift(random)});
        }
      }
    }
  });
}

// Products of 59 bits just below, on and above the border between two results: b solves (x * w + b) * mul = -1, 0 or 1
// modulo 2^31.
TEST_CASE("layer_norm/quantlib_inonorm/host at rounding borders") {
  constexpr index_t n = 1000;
  random_values random("inonorm borders");
  const std::int32_t mul = (1 << 22) - 5;
  std::uint32_t inverse = 1;  // of mul modulo 2^32, by Newton's iteration
  for (int i = 0; i < 5; ++i) inverse *= 2 - static_cast<std::uint32_t>(mul) * inverse;
  std::vector<std::uint8_t> x;
  std::vector<std::int32_t> w, b;
  for (index_t i = 0; i < n; ++i) {
    x.push_back(static_cast<std::uint8_t>(random.between(200, 255)));
    w.push_back(static_cast<std::int32_t>(random.between(1 << 27, 1 << 28)));
    const std::uint32_t wanted = static_cast<std::uint32_t>(i % 3 - 1) * inverse;
    b.push_back(static_cast<std::int32_t>(
        (wanted - static_cast<std::uint32_t>(x.back()) * static_cast<std::uint32_t>(w.back())) & 0x7fffffffu));
  }
  const quantlib::inonorm<> p{w.data(), b.data(), mul, 31, 1 << 30};
  CHECK(check_targets<std::int32_t>("inonorm/borders", {1, n}, [&]<Target T>(T, auto y) {
          return op::layer_norm<T>(matrix(x.data(), 1, n), p, y);
        }) == status::ok);
}

TEST_CASE_TEMPLATE("layer_norm/quantlib/statuses and in place", T, target::reference, target::host) {
  random_values random("statuses");
  const auto x = random.values<std::int8_t>(3 * 50);
  std::vector<std::int8_t> y(x.size());
  std::vector<std::int8_t> expected(x.size());
  const columns k(random, 50, false);
  const auto in = matrix(x.data(), 3, 50);
  const auto out = matrix(y.data(), 3, 50);
  const quantlib::ilayer_norm<> p{k.w.data(), k.b.data(), 10};
  CHECK(op::layer_norm<T>(in, p, out) == status::ok);
  CHECK(op::layer_norm<T>(in, p, matrix(y.data(), 50, 3)) == status::shape_mismatch);
  CHECK(op::layer_norm<T>(in, quantlib::ilayer_norm<>{nullptr, k.b.data(), 10}, out) == status::null_pointer);
  CHECK(op::layer_norm<T>(in, quantlib::ilayer_norm<>{k.w.data(), k.b.data(), 63}, out) == status::bad_parameter);
  CHECK(op::layer_norm<T>(in, quantlib::inonorm<>{k.w.data(), k.b.data(), 1 << 24}, out) == status::bad_parameter);
  CHECK(op::layer_norm<T>(in, quantlib::ilayer_norm<>{k.w.data(), k.b.data(), 10, 512}, out) ==
        status::bad_parameter);  // int8 does not hold 512 levels
  CHECK(op::rms_norm<T>(in, quantlib::irms_norm{k.w.data(), -1}, out) == status::bad_parameter);
  CHECK(op::softmax<T>(in, quantlib::isoftmax{1, 25, 328, 0}, matrix(expected.data(), 3, 50)) == status::bad_parameter);
  CHECK(op::layer_norm<T>(matrix(y.data(), 2, 50), p, matrix(y.data() + 50, 2, 50)) == status::overlap);

  REQUIRE(op::layer_norm<target::reference>(in, p, matrix(expected.data(), 3, 50)) == status::ok);
  y = x;
  REQUIRE(op::layer_norm<T>(out, p, out) == status::ok);
  CHECK(y == expected);
}
