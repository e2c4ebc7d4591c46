// SPDX-License-Identifier: Apache-2.0
// Sums, means and quotients.
#include "compare.hpp"
#include "tessera/arith/quantlib.hpp"
#include "tessera/kernel/divide/reference.hpp"
#include "tessera/kernel/mean/xsimd.hpp"

using namespace tessera;
using namespace tessera::support;
using quantlib::variant;

namespace {

/// Sums and means of both dimensions on both targets; the output vector is compared as a matrix of one row.
template <class X>
void check_reductions(const matrix_shape& s, fill f) {
  const std::string id = type_name<X>() + "/" + to_string(s) + "/" + to_string(f);
  random_values random(id);
  const auto data = random.values<X>((s.rows - 1) * (s.columns + 1) + s.columns, f);
  const auto x = pitched_matrix(data.data(), s.rows, s.columns, s.columns + 1);
  const auto both = [&]<axis Removed>(const std::string& name, bool_constant<Removed == axis::rows> /*which*/) {
    const matrix_shape out{1, Removed == axis::rows ? s.columns : s.rows};
    CHECK(check_targets<std::int64_t>("reduce_sum_" + name + "/" + id, out, [&]<Target T>(T, auto y) {
            return op::reduce_sum<T, Removed>(x, vector(y.data(), out.columns));
          }) == status::ok);
    CHECK(check_targets<std::int32_t>("reduce_sum_" + name + "/" + id, out, [&]<Target T>(T, auto y) {
            return op::reduce_sum<T, Removed>(x, vector(y.data(), out.columns));
          }) == status::ok);
    CHECK(check_targets<X>("mean_" + name + "/" + id, out, [&]<Target T>(T, auto y) {
            return op::mean<T, Removed>(x, quantlib::mean<>{}, vector(y.data(), out.columns));
          }) == status::ok);
    CHECK(check_targets<X>("mean_deeploy_" + name + "/" + id, out, [&]<Target T>(T, auto y) {
            return op::mean<T, Removed>(x, quantlib::mean<variant::deeploy>{}, vector(y.data(), out.columns));
          }) == status::ok);
  };
  both.template operator()<axis::rows>("rows", bool_constant<true>{});
  both.template operator()<axis::columns>("columns", bool_constant<false>{});
}

}  // namespace

TEST_CASE("mean and reduce_sum/host") {
  const auto check = [](const matrix_shape& s) {
    for (const fill f : all_fills) {
      check_reductions<std::int8_t>(s, f);
      check_reductions<std::uint8_t>(s, f);
      check_reductions<std::int16_t>(s, f);
      check_reductions<std::int32_t>(s, f);
    }
  };
  for_shapes(check);
  check({300, 3});
}

TEST_CASE("mean and reduce_sum/host where 32-bit lanes would overflow") {
  for (const fill f : {fill::lowest, fill::highest}) {
    check_reductions<std::int16_t>({1, 600001}, f);
    check_reductions<std::int16_t>({70001, 9}, f);
    check_reductions<std::int32_t>({5, 4097}, f);
  }
}

TEST_CASE_TEMPLATE("mean/statuses and values", T, target::reference, target::host) {
  const std::int8_t x[] = {1, 2, 3, -4, -5, -5};
  std::int8_t y[3] = {};
  const auto m = matrix(x, 2, 3);
  REQUIRE(op::mean<T, axis::rows>(m, quantlib::mean<>{}, vector(y, 3)) == status::ok);
  CHECK((y[0] == -1 && y[1] == -1 && y[2] == -1));  // -1.5, -1.5, -1: halves go up
  REQUIRE(op::mean<T, axis::columns>(m, quantlib::mean<>{}, vector(y, 2)) == status::ok);
  CHECK((y[0] == 2 && y[1] == -5));  // 2, -14 / 3
  std::int64_t sums[3] = {};
  REQUIRE(op::reduce_sum<T, axis::rows>(m, vector(sums, 3)) == status::ok);
  CHECK((sums[0] == -3 && sums[1] == -3 && sums[2] == -2));
  CHECK(op::mean<T, axis::rows>(m, quantlib::mean<>{}, vector(y, 2)) == status::shape_mismatch);
  CHECK(op::mean<T, axis::columns>(matrix(x, 3, 0), quantlib::mean<>{}, vector(y, 3)) == status::shape_mismatch);
  REQUIRE(op::reduce_sum<T, axis::columns>(matrix(x, 3, 0), vector(sums, 3)) == status::ok);
  CHECK((sums[0] == 0 && sums[1] == 0 && sums[2] == 0));
  CHECK(op::mean<T, axis::rows>(matrix(static_cast<std::int8_t*>(nullptr), 2, 3), quantlib::mean<>{}, vector(y, 3)) ==
        status::null_pointer);
  CHECK(op::mean<T, axis::rows>(m, quantlib::mean<>{}, vector(static_cast<std::int8_t*>(nullptr), 3)) ==
        status::null_pointer);
  std::int8_t z[6] = {};
  CHECK(op::mean<T, axis::rows>(matrix(z, 2, 3), quantlib::mean<>{}, vector(z + 3, 3)) == status::overlap);
}

TEST_CASE("divide/i32/reference") {
  using host = allow_reference<target::host>;  // there is no vector kernel
  const quantlib::integer_div<> p{10, 1, 1};   // x * 10 / (d + 1)
  const std::int32_t x[] = {1, 2, 3, -1, -2, -3};
  const std::int32_t d[] = {3, 3, 3, 1, 1, 1};
  const std::int32_t per_row[] = {3, 1};
  std::int32_t y[6] = {};
  std::int32_t z[6] = {};
  REQUIRE(op::divide<target::reference>(matrix(x, 2, 3), matrix(d, 2, 3), p, matrix(y, 2, 3)) == status::ok);
  for (int i = 0; i < 6; ++i) CHECK(y[i] == p(x[i], d[i]));
  CHECK((y[0] == 3 && y[1] == 5 && y[2] == 8 && y[3] == -5 && y[4] == -10 && y[5] == -15));  // 2.5 and 7.5 go up
  REQUIRE(op::divide<host>(matrix(x, 2, 3), matrix(per_row, 2, 1), p, matrix(z, 2, 3)) == status::ok);
  for (int i = 0; i < 6; ++i) CHECK(y[i] == z[i]);

  const std::int32_t zero[] = {3, 3, 3, 1, -1, 1};
  CHECK(op::divide<host>(matrix(x, 2, 3), matrix(zero, 2, 3), p, matrix(z, 2, 3)) == status::bad_parameter);
  CHECK(op::divide<host>(matrix(x, 2, 3), matrix(d, 3, 2), p, matrix(z, 2, 3)) == status::shape_mismatch);
  CHECK(op::divide<host>(matrix(x, 2, 3), matrix(d, 2, 2), p, matrix(z, 2, 3)) == status::shape_mismatch);
  CHECK(op::divide<host>(matrix(x, 2, 3), matrix(d, 2, 3), p, matrix(z, 3, 2)) == status::shape_mismatch);
  CHECK(op::divide<host>(matrix(x, 2, 3), matrix(static_cast<const std::int32_t*>(nullptr), 2, 3), p,
                         matrix(z, 2, 3)) == status::null_pointer);
  CHECK(op::divide<host>(matrix(x, 2, 3), matrix(d, 2, 3), quantlib::integer_div<>{1 << 20, 1, 1 << 12},
                         matrix(z, 2, 3)) == status::bad_parameter);
  std::int32_t in_place[] = {3, 3, 3, 1, 1, 1};
  REQUIRE(op::divide<host>(matrix(x, 2, 3), matrix(in_place, 2, 3), p, matrix(in_place, 2, 3)) == status::ok);
  for (int i = 0; i < 6; ++i) CHECK(y[i] == in_place[i]);
  std::int32_t shared[] = {3, 1, 0, 0, 0, 0, 0};
  CHECK(op::divide<host>(matrix(x, 2, 3), matrix(shared, 2, 1), p, matrix(shared + 1, 2, 3)) == status::overlap);

  // A quotient beyond int32 is saturated; RQIntegerDiv wraps and requantises it.
  const std::int32_t large[] = {INT32_MAX};
  const std::int32_t one[] = {1};
  std::int32_t limited[1];
  REQUIRE(op::divide<host>(matrix(large, 1, 1), matrix(one, 1, 1), quantlib::integer_div<>{100, 0, 1},
                           matrix(limited, 1, 1)) == status::ok);
  CHECK(limited[0] == INT32_MAX);
  std::int8_t bytes[6];
  const quantlib::rq_integer_div rq{{10, 1, 1}, {1, 0, 1}};
  REQUIRE(op::divide<host>(matrix(x, 2, 3), matrix(d, 2, 3), rq, matrix(bytes, 2, 3)) == status::ok);
  for (int i = 0; i < 6; ++i) CHECK(bytes[i] == rq(x[i], d[i]));
  std::uint8_t unsigned_bytes[6];
  CHECK(op::divide<host>(matrix(x, 2, 3), matrix(d, 2, 3), rq, matrix(unsigned_bytes, 2, 3)) == status::bad_parameter);
}

namespace {
constexpr bool constant_expression() {
  const std::int8_t x[] = {1, 2, 3, 5};
  std::int8_t y[2] = {};
  if (op::mean<target::reference, axis::rows>(matrix<2, 2>(x), quantlib::mean<>{}, vector(y, 2)) != status::ok) {
    return false;
  }
  return y[0] == 2 && y[1] == 4;
}
static_assert(constant_expression());
}  // namespace
