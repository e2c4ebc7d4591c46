// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/dtype.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tessera/network/tensor_ref.hpp"
#include "unit/network/file_bytes.hpp"

using namespace tessera;
using namespace tessera::test;

static_assert(to_double(float16{0x3c00}) == 1.0 && to_double(float16{0xc000}) == -2.0);
static_assert(to_double(float16{0x7bff}) == 65504.0 && to_double(float16{0x0400}) == 0x1p-14);
static_assert(to_double(float16{0x0001}) == 0x1p-24 && to_double(float16{0x83ff}) == -1023 * 0x1p-24);
static_assert(to_double(float16{0xfc00}) == -std::numeric_limits<double>::infinity());
static_assert(to_double(bfloat16{0x3f80}) == 1.0 && to_double(bfloat16{0xc2f7}) == -123.5);
static_assert(dtype_of<int8_t> == dtype::i8 && dtype_of<bfloat16> == dtype::bf16 && size_of(dtype::f64) == 8);

namespace {

template <class T>
tensor_ref make_tensor(const std::vector<T>& values, const std::vector<index_t>& shape) {
  return {"file", "t", dtype_of<T>, shape, std::as_bytes(std::span(values))};
}

template <class To, class From>
bool converts(From from) {
  To to{};
  return tessera::detail::convert_exactly(from, to) && static_cast<From>(to) == from;
}

}  // namespace

TEST_CASE("network/float16 every value has the bits of its exact double") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const double value = to_double(float16{static_cast<uint16_t>(bits)});
    const uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 31) {
      REQUIRE((fraction == 0 ? std::isinf(value) : std::isnan(value)));
    } else {
      const double magnitude =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
      REQUIRE(std::fabs(value) == magnitude);
    }
    REQUIRE(std::signbit(value) == (bits >> 15 != 0));
  }
}

TEST_CASE("network/convert_exactly keeps every value or refuses it") {
  CHECK(converts<int8_t>(int32_t{-128}));
  CHECK_FALSE(converts<int8_t>(int32_t{128}));
  CHECK_FALSE(converts<uint8_t>(int32_t{-1}));
  CHECK_FALSE(converts<int64_t>(UINT64_MAX));
  CHECK_FALSE(converts<uint64_t>(int64_t{-1}));
  CHECK(converts<uint8_t>(255.0));
  CHECK_FALSE(converts<uint8_t>(256.0));
  CHECK_FALSE(converts<uint8_t>(-0.5));
  CHECK_FALSE(converts<int8_t>(1.5f));
  CHECK(converts<int64_t>(-0x1p63));
  CHECK_FALSE(converts<int64_t>(0x1p63));
  CHECK(converts<uint64_t>(0x1p63));
  CHECK_FALSE(converts<uint64_t>(0x1p64));
  CHECK_FALSE(converts<int64_t>(std::numeric_limits<double>::quiet_NaN()));
  CHECK_FALSE(converts<int64_t>(std::numeric_limits<double>::infinity()));
  CHECK(converts<float>(int32_t{1 << 24}));
  CHECK_FALSE(converts<float>(int32_t{(1 << 24) + 1}));
  CHECK_FALSE(converts<double>(INT64_MAX));
  CHECK(converts<double>(INT64_MIN));
  CHECK(converts<float>(0.5));
  CHECK_FALSE(converts<float>(0.1));
  CHECK_FALSE(converts<float>(1e300));
  CHECK(converts<float>(-std::numeric_limits<double>::infinity()));
  float to = 0;
  CHECK(tessera::detail::convert_exactly(std::numeric_limits<double>::quiet_NaN(), to));
  CHECK(std::isnan(to));
}

TEST_CASE("network/tensor_ref reads in place, converts, and names the element that does not fit") {
  const std::vector<int32_t> values{1, -2, 300, 4};
  const std::vector<index_t> shape{2, 2};
  const auto t = make_tensor(values, shape);
  CHECK(t.count() == 4);
  CHECK(t.as<int32_t>().data() == values.data());
  CHECK(t.to<int64_t>() == std::vector<int64_t>{1, -2, 300, 4});
  CHECK(t.to<double>() == std::vector<double>{1, -2, 300, 4});
  CHECK(refusal([&] { (void)t.to<int8_t>(); }) == "file: tensor 't': element 2 is 300, which int8 cannot hold");
  CHECK(refusal([&] { (void)t.as<int8_t>(); }) == "file: tensor 't': its elements are int32, but int8 is expected");
  CHECK(refusal([&] { (void)t.scalar<int>(); }) == "file: tensor 't': it has 4 elements, but 1 were asked for");
  CHECK(refusal([&] { t.require_shape(std::vector<index_t>{4}); }) ==
        "file: tensor 't': its shape is (2, 2), but (4) is expected");
  t.require_shape(shape);

  const std::vector<double> real{0.5};
  CHECK(refusal([&] { (void)make_tensor(real, {1}).scalar<int>(); }) ==
        "file: tensor 't': element 0 is 0.5, which int32 cannot hold");
  const std::vector<float16> half{{0x3c00}, {0x3800}};
  CHECK(make_tensor(half, {2}).to<float>() == std::vector<float>{1.0f, 0.5f});
  CHECK(refusal([&] { (void)make_tensor(half, {2}).to<int8_t>(); }) ==
        "file: tensor 't': element 1 is 0.5, which int8 cannot hold");
}

TEST_CASE("network/tensor_ref unaligned data and strange booleans") {
  alignas(8) std::byte memory[16] = {};
  const int32_t value = -5;
  std::memcpy(memory + 1, &value, sizeof value);
  const std::vector<index_t> scalar;
  tensor_ref t{"file", "t", dtype::i32, scalar, std::span(memory).subspan(1, 4)};
  CHECK(t.scalar<int32_t>() == -5);
  CHECK(t.to<float>() == std::vector<float>{-5});
  CHECK(refusal([&] { (void)t.as<int32_t>(); }) == "file: tensor 't': its data is not aligned in memory");

  memory[8] = std::byte{1};
  const std::vector<index_t> pair{2};
  t = {"file", "t", dtype::boolean, pair, std::span(memory).subspan(8, 2)};
  CHECK(t.as<bool>()[0]);
  CHECK(t.to<int8_t>() == std::vector<int8_t>{1, 0});
  memory[9] = std::byte{2};
  CHECK(refusal([&] { (void)t.as<bool>(); }) == "file: tensor 't': a boolean is neither 0 nor 1");
  CHECK(refusal([&] { (void)t.to<int8_t>(); }) == "file: tensor 't': a boolean is neither 0 nor 1");
}
