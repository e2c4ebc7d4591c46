// SPDX-License-Identifier: Apache-2.0
// Base-two softmax: the host against the reference, for the accelerator's variants, quantlib's, and any other numbers.
#include "row_compare.hpp"
#include "tessera/arith/quantlib_softmax.hpp"
#include "tessera/kernel/row/ita_xsimd.hpp"

using namespace tessera;
using namespace tessera::support;

namespace {

template <class Params>
void check_bytes(const std::string& name, const matrix_shape& s, fill f, const Params& params) {
  check_rows<std::int8_t, std::uint8_t>(name, s, f, params);
  check_rows<std::uint8_t, std::uint8_t>(name, s, f, params);
  // Few octaves, so that later groups raise the maximum and sums are renormalised.
  check_rows<std::int8_t, std::uint8_t>(name, s, f, params,
                                        [](std::int8_t v) { return static_cast<std::int8_t>(v >> 5); });
  check_rows<std::int8_t, std::int32_t>(name, s, f, params);
}

}  // namespace

TEST_CASE("softmax/ita/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      check_bytes("softmax_ita", s, f, ita::streaming_softmax{});
      check_bytes("softmax_mempool", s, f, ita::mempool_softmax{});
    }
  });
  check_bytes("softmax_ita", {2, ita::streaming_softmax::max_length}, fill::uniform, ita::streaming_softmax{});
}

TEST_CASE("softmax/quantlib_itamax/host") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      check_bytes("itamax", s, f, quantlib::itamax{});
      check_bytes("itamax128", s, f, quantlib::itamax{128});
      check_bytes("itapartialmax", s, f, quantlib::itapartialmax<>{});
      check_bytes("itapartialmax_quantlib", s, f, quantlib::itapartialmax<quantlib::variant::quantlib>{});
      check_rows<std::int8_t, std::int8_t>("itapartialmax", s, f, quantlib::itapartialmax<>{});
    }
  });
}

TEST_CASE("softmax/base2/host with any numbers") {
  for_shapes([](const matrix_shape& s) {
    for (const fill f : all_fills) {
      random_values random("base2" + to_string(s) + to_string(f));
      for (std::int32_t log2_step = 0; log2_step <= 8; ++log2_step) {
        base2_softmax p{static_cast<std::int32_t>(random.between(2, 1024)), 0, log2_step,
                        static_cast<std::int32_t>(random.below(random.one_in(2) ? 40 : 300))};
        p.numerator = static_cast<std::int32_t>(random.below(min(256 * p.one, 1 << 18)));
        check_bytes("base2", s, f, p);
        p.group_width = 1 << random.below(7);
        check_bytes("base2", s, f, p);
      }
    }
  });
}

TEST_CASE("softmax/base2/host at the longest row") {
  const matrix_shape longest{1, base2_softmax::max_length};
  check_bytes("base2", longest, fill::highest, base2_softmax{1024, 130048, 5, 16});
  check_bytes("base2", longest, fill::near_zero, base2_softmax{1024, 130048, 5, 0});
}

namespace {

// A group that does not end a vector, a later maximum, equal logits: every rounding step is written out.
//     one = 256, one octave per unit, groups of 2: {0, 0}: sum 512; {1, 0}: 512 >> 1 = 256, + 256 + 128 = 640
//     inverse = 65280 / 640 = 102; y = 102 >> (1 - x)
constexpr bool constant_expression() {
  const std::int8_t x[] = {0, 0, 1, 0};
  std::uint8_t y[4] = {};
  const base2_softmax rule{256, 65280, 0, 2};
  if (op::softmax<target::reference>(matrix<1, 4>(x), rule, matrix<1, 4>(y)) != status::ok) return false;
  return y[0] == 51 && y[1] == 51 && y[2] == 102 && y[3] == 51;
}
static_assert(constant_expression());

}  // namespace

TEST_CASE_TEMPLATE("softmax/ita/statuses and in place", T, target::reference, target::host) {
  const ita::streaming_softmax p;
  std::vector<std::uint8_t> x(4096);
  std::vector<std::uint8_t> y(4096);
  const auto run = [&](index_t rows, index_t columns) {
    return op::softmax<T>(matrix(x.data(), rows, columns), p, matrix(y.data(), rows, columns));
  };
  CHECK(run(2, 64) == status::ok);
  CHECK(run(0, 64) == status::ok);
  CHECK(run(1, 2048) == status::shape_mismatch);
  CHECK(op::softmax<T>(matrix(x.data(), 2, 64), p, matrix(y.data(), 64, 2)) == status::shape_mismatch);
  CHECK(op::softmax<T>(matrix(static_cast<std::uint8_t*>(nullptr), 2, 64), p, matrix(y.data(), 2, 64)) ==
        status::null_pointer);
  CHECK(op::softmax<T>(matrix(x.data(), 2, 64), p, matrix(x.data() + 1, 2, 64)) == status::overlap);
  CHECK(op::softmax<T>(matrix(x.data(), 2, 64), base2_softmax{1, 1, 1, 1}, matrix(y.data(), 2, 64)) ==
        status::bad_parameter);
  // 2^18 / 2 needs more than a byte.
  CHECK(op::softmax<T>(matrix(x.data(), 2, 64), base2_softmax{2, 1 << 18, 5, 16}, matrix(y.data(), 2, 64)) ==
        status::bad_parameter);

  for (const index_t columns : {1, 31, 32, 33, 64, 100, 129}) {
    random_values random("in place" + std::to_string(columns));
    auto data = random.values<std::uint8_t>(3 * columns);
    std::vector<std::uint8_t> expected(data.size());
    const auto in_place = matrix(data.data(), 3, columns);
    REQUIRE(op::softmax<target::reference>(in_place, p, matrix(expected.data(), 3, columns)) == status::ok);
    REQUIRE(op::softmax<T>(in_place, p, in_place) == status::ok);
    CHECK(data == expected);
  }
}
