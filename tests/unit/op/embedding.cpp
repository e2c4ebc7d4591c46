// SPDX-License-Identifier: Apache-2.0
#include "tessera/kernel/embedding/xsimd.hpp"

#include "compare.hpp"

using namespace tessera;
using namespace tessera::support;

TEST_CASE("embedding/i8/host") {
  for_shapes([](const matrix_shape& s) {
    random_values random("embedding" + to_string(s));
    const index_t rows = 11;
    const auto table = random.values<std::int8_t>((rows - 1) * (s.columns + 2) + s.columns);
    std::vector<std::int32_t> ids;
    for (index_t i = 0; i < s.rows; ++i)
      ids.push_back(static_cast<std::int32_t>(i == 0 ? rows - 1 : random.below(rows)));
    const status result = check_targets<std::int8_t>("embedding/i8/" + to_string(s), s, [&]<Target T>(T, auto y) {
      return op::embedding<T>(vector(ids.data(), s.rows), pitched_matrix(table.data(), rows, s.columns, s.columns + 2),
                              y);
    });
    CHECK(result == status::ok);
  });
}

TEST_CASE_TEMPLATE("embedding/statuses", T, target::reference, target::host) {
  std::vector<std::int8_t> table(12, 5);
  std::vector<std::int8_t> y(6, 9);
  const auto rows = matrix(table.data(), 4, 3);
  const auto out = matrix(y.data(), 2, 3);
  const auto look_up = [&](std::int32_t first, std::int32_t second) {
    const std::int32_t ids[] = {first, second};
    return op::embedding<T>(vector(ids, 2), rows, out);
  };
  CHECK(look_up(0, 4) == status::bad_index);
  CHECK(look_up(-1, 0) == status::bad_index);
  CHECK(y == std::vector<std::int8_t>(6, 9));  // nothing was written
  CHECK(look_up(0, 3) == status::ok);
  const std::int32_t ids[] = {0, 1};
  CHECK(op::embedding<T>(vector(ids, 1), rows, out) == status::shape_mismatch);
  CHECK(op::embedding<T>(vector(ids, 2), matrix(table.data(), 3, 4), out) == status::shape_mismatch);
  CHECK(op::embedding<T>(vector(ids, 2), rows, matrix(table.data(), 2, 3)) == status::overlap);
  CHECK(op::embedding<T>(vector(static_cast<const std::int32_t*>(nullptr), 2), rows, out) == status::null_pointer);
}

namespace {
constexpr bool constant_expression() {
  const std::int32_t ids[] = {1, 0, 1};
  const std::int8_t table[] = {1, 2, 3, 4};
  std::int8_t y[6] = {};
  if (op::embedding<target::reference>(vector(ids, 3), matrix<2, 2>(table), matrix<3, 2>(y)) != status::ok)
    return false;
  return y[0] == 3 && y[1] == 4 && y[2] == 1 && y[3] == 2 && y[4] == 3 && y[5] == 4;
}
static_assert(constant_expression());
}  // namespace
