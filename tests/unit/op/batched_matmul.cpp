// SPDX-License-Identifier: Apache-2.0
// Batched products, each operand plain or transposed, against loops written out here.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "tessera/kernel/matmul/xsimd.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

namespace {

template <class T>
auto cube(T* data, index_t b, index_t r, index_t c) {
  return tensor_view<T, dynamic_extents<3>>(data, dynamic_extents<3>(b, r, c));
}

template <class T, bool TransposeA, bool TransposeB, class A>
void check(index_t batch, index_t m, index_t n, index_t k) {
  std::mt19937 random(99);
  std::vector<A> a(static_cast<std::size_t>(batch * m * k));
  std::vector<std::int8_t> b(static_cast<std::size_t>(batch * k * n));
  for (auto& v : a) v = static_cast<A>(random());
  for (auto& v : b) v = static_cast<std::int8_t>(random());
  std::vector<std::int32_t> y(static_cast<std::size_t>(batch * m * n));
  const auto va = TransposeA ? cube(a.data(), batch, k, m) : cube(a.data(), batch, m, k);
  const auto vb = TransposeB ? cube(b.data(), batch, n, k) : cube(b.data(), batch, k, n);
  REQUIRE(op::batched_matmul<T, TransposeA, TransposeB>(va, vb, keep_accumulator, cube(y.data(), batch, m, n)) ==
          status::ok);
  for (index_t i = 0; i < batch; ++i) {
    for (index_t r = 0; r < m; ++r) {
      for (index_t c = 0; c < n; ++c) {
        std::int64_t sum = 0;
        for (index_t j = 0; j < k; ++j) {
          sum += static_cast<std::int64_t>(TransposeA ? va(i, j, r) : va(i, r, j)) *
                 (TransposeB ? vb(i, c, j) : vb(i, j, c));
        }
        REQUIRE(y[static_cast<std::size_t>((i * m + r) * n + c)] == sum);
      }
    }
  }
}

template <class T, class A>
void check_all(index_t batch, index_t m, index_t n, index_t k) {
  check<T, false, false, A>(batch, m, n, k);
  check<T, false, true, A>(batch, m, n, k);
  check<T, true, false, A>(batch, m, n, k);
  check<T, true, true, A>(batch, m, n, k);
}

}  // namespace

TEST_CASE_TEMPLATE("batched_matmul/i8i8 and u8i8", T, target::reference, target::host) {
  for (const auto& [b, m, n, k] :
       {std::array<index_t, 4>{1, 1, 1, 1}, {3, 5, 7, 9}, {2, 16, 17, 33}, {2, 3, 130, 515}}) {
    check_all<T, std::int8_t>(b, m, n, k);
    check_all<T, std::uint8_t>(b, m, n, k);
  }
}

TEST_CASE("batched_matmul/i8i8 statuses") {
  std::int8_t a[24] = {};
  std::int8_t b[24] = {};
  std::int32_t y[24] = {};
  using host = target::host;
  CHECK(op::batched_matmul<host>(cube(a, 2, 2, 3), cube(b, 3, 3, 2), keep_accumulator, cube(y, 2, 2, 2)) ==
        status::shape_mismatch);
  CHECK(op::batched_matmul<host>(cube(a, 2, 2, 3), cube(b, 2, 2, 2), keep_accumulator, cube(y, 2, 2, 2)) ==
        status::shape_mismatch);
  CHECK(op::batched_matmul<host>(cube(a, 2, 2, 3), cube(b, 2, 3, 2), saturate_to<std::int8_t>, cube(a, 2, 2, 2)) ==
        status::overlap);
}
