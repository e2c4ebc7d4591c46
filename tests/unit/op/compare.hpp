// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Runs an operator on two targets over shapes and data, and compares bit for bit. Rows lie apart in memory, and what
/// is between them must stay as it was.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/random.hpp"
#include "support/shapes.hpp"
#include "tessera/core/status.hpp"
#include "tessera/core/tensor_view.hpp"
#include "tessera/target/host.hpp"
#include "tessera/target/reference.hpp"

namespace tessera::support {

/// "host(fma3+avx2)": which vector units this binary was compiled for.
inline std::string host_name() { return std::string(target::host::name) + "(" + simd::arch::name() + ")"; }

/// Reports the first difference.
template <class Y>
void check_equal(const std::string& id, const std::vector<Y>& expected, const std::vector<Y>& actual, index_t pitch) {
  REQUIRE(expected.size() == actual.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == actual[i]) continue;
    const index_t at = static_cast<index_t>(i);
    FAIL_CHECK(id, ": row ", at / pitch, " column ", at % pitch, ": reference ", static_cast<std::int64_t>(expected[i]),
               ", ", host_name(), " ", static_cast<std::int64_t>(actual[i]), "; ", seed_text());
    return;
  }
}

/// y of `shape` from run(target, y view) on the reference and on the host; statuses must be equal. Returns the status.
template <class Y, class Run>
status check_targets(const std::string& id, const matrix_shape& shape, Run run) {
  const index_t pitch = shape.columns + 3;
  const auto size = static_cast<std::size_t>(shape.rows * pitch);
  std::vector<Y> expected(size, Y{85});
  std::vector<Y> actual(size, Y{85});
  const status a = run(target::reference{}, pitched_matrix(expected.data(), shape.rows, shape.columns, pitch));
  const status b = run(target::host{}, pitched_matrix(actual.data(), shape.rows, shape.columns, pitch));
  CHECK_MESSAGE(a == b, id, ": ", std::string(tessera::to_string(a)), " but on ", host_name(), ": ",
                std::string(tessera::to_string(b)));
  check_equal(id, expected, actual, pitch);
  return a;
}

/// The shapes of the operators' tests.
template <class F>
void for_shapes(F f) {
  for (const matrix_shape& s : edge_matrices) f(s);
  f(matrix_shape{40, 96});
}

}  // namespace tessera::support
