// SPDX-License-Identifier: Apache-2.0
// Element-wise operators: what they refuse, and in place.
#include <doctest/doctest.h>

#include <array>
#include <numeric>

#include "support/random.hpp"
#include "tessera/kernel/map/ita_xsimd.hpp"
#include "tessera/kernel/map/quantlib_xsimd.hpp"

using namespace tessera;
using quantlib::requant_shift;

TEST_CASE_TEMPLATE("requantize/statuses", T, target::reference, target::host) {
  std::array<std::int32_t, 12> x{};
  std::array<std::int8_t, 12> y{};
  const auto in = matrix(x.data(), 3, 4);
  const requant_shift good{};
  CHECK(op::requantize<T>(in, good, matrix(y.data(), 3, 4)) == status::ok);
  CHECK(op::requantize<T>(in, good, matrix(y.data(), 4, 3)) == status::shape_mismatch);
  CHECK(op::requantize<T>(in, good, matrix(y.data(), 3, 3)) == status::shape_mismatch);
  CHECK(op::requantize<T>(in, good, matrix(static_cast<std::int8_t*>(nullptr), 3, 4)) == status::null_pointer);
  CHECK(op::requantize<T>(matrix(static_cast<std::int32_t*>(nullptr), 3, 4), good, matrix(y.data(), 3, 4)) ==
        status::null_pointer);
  // Nothing to do: nothing is asked.
  CHECK(op::requantize<T>(matrix(static_cast<std::int32_t*>(nullptr), 0, 4), requant_shift{.log2_d = 99},
                          matrix(static_cast<std::int8_t*>(nullptr), 0, 4)) == status::ok);

  // The output does not hold the policy's range.
  CHECK(op::requantize<T>(in, requant_shift{.is_signed = false}, matrix(y.data(), 3, 4)) == status::bad_parameter);
  // The policy's own check, through every composition.
  const requant_shift bad{1, 0, 63};
  const auto out = matrix(y.data(), 3, 4);
  CHECK(op::requantize<T>(in, bad, out) == status::bad_parameter);
  CHECK(op::requantize<T>(in, then{bad, good}, out) == status::bad_parameter);
  CHECK(op::requantize<T>(in, then{good, bad}, out) == status::bad_parameter);
  CHECK(op::requantize<T>(in, by_row{quantlib::requant_shift_channels{}}, out) == status::null_pointer);
  CHECK(op::requantize<T>(in, quantlib::requant_shift_channels{}, out) == status::null_pointer);
  CHECK(op::requantize<T>(in, quantlib::true_integer_div{1, 0, 1, 0}, matrix(x.data(), 3, 4)) == status::bad_parameter);
  CHECK(op::requantize<T>(in, ibert::dyadic{{std::int64_t{1} << 32, 31}, -128, 127}, out) == status::bad_parameter);
  CHECK(op::requantize<T>(in, ibert::dyadic{{std::int64_t{1} << 30, 31}, 127, -128}, out) == status::bad_parameter);
  CHECK(op::requantize<T>(in, ibert::dyadic_channels{nullptr, nullptr, -128, 127}, out) == status::null_pointer);
  CHECK(op::gelu<T>(in, ita::gelu{-513, 0, {}}, out) == status::bad_parameter);
  CHECK(op::gelu<T>(in, then{ita::requant{1, 0, 0}, ita::gelu{-10, 0, {1, 8, 0}}}, out) == status::ok);

  CHECK(op::add<T>(in, good, matrix(y.data(), 3, 3), good, good, out) == status::shape_mismatch);
  CHECK(op::add<T>(in, good, matrix(static_cast<std::int8_t*>(nullptr), 3, 4), good, good, out) ==
        status::null_pointer);
  CHECK(op::add<T>(in, good, out, bad, good, out) == status::bad_parameter);
  CHECK(op::add<T>(in, good, out, good, bad, out) == status::bad_parameter);
}

TEST_CASE_TEMPLATE("requantize/overlap and in place", T, target::reference, target::host) {
  const requant_shift p{3, 1, 1};
  alignas(8) std::array<std::int8_t, 64> bytes{};
  std::iota(bytes.begin(), bytes.end(), std::int8_t{-32});
  auto expected = bytes;
  for (auto& v : expected) v = static_cast<std::int8_t>(p(v, 0));
  CHECK(op::requantize<T>(matrix(bytes.data(), 4, 15), p, matrix(bytes.data() + 1, 4, 15)) == status::overlap);
  CHECK(op::requantize<T>(pitched_matrix(bytes.data(), 4, 10, 16), p, pitched_matrix(bytes.data(), 4, 10, 15)) ==
        status::overlap);
  const auto all = matrix(bytes.data(), 4, 16);
  REQUIRE(op::requantize<T>(all, p, all) == status::ok);
  CHECK(bytes == expected);

  // Elements of another width are not the same elements.
  std::array<std::int32_t, 16> words{};
  std::iota(words.begin(), words.end(), -8);
  CHECK(op::requantize<T>(matrix(words.data(), 4, 4), p,
                          matrix(static_cast<std::int8_t*>(static_cast<void*>(words.data())), 4, 4)) ==
        status::overlap);
  const auto same = matrix(words.data(), 2, 8);
  REQUIRE(op::requantize<T>(same, p, same) == status::ok);
  for (int i = 0; i < 16; ++i) CHECK(words[static_cast<std::size_t>(i)] == p(i - 8, 0));

  // add: in place on either branch, refused in between.
  std::array<std::int8_t, 16> a{};
  std::array<std::int8_t, 16> b{};
  std::iota(a.begin(), a.end(), std::int8_t{1});
  std::iota(b.begin(), b.end(), std::int8_t{5});
  const requant_shift one{};
  REQUIRE(op::add<T>(matrix(a.data(), 2, 8), one, matrix(b.data(), 2, 8), one, one, matrix(b.data(), 2, 8)) ==
          status::ok);
  for (int i = 0; i < 16; ++i) CHECK(b[static_cast<std::size_t>(i)] == 6 + 2 * i);
  CHECK(op::add<T>(matrix(a.data(), 2, 4), one, matrix(b.data(), 2, 4), one, one, matrix(b.data() + 4, 2, 4)) ==
        status::overlap);
}
