// SPDX-License-Identifier: Apache-2.0
// Matrix products: the host against the reference over layouts, types, tails and tiles.
#include "compare.hpp"
#include "tessera/arith/ibert.hpp"
#include "tessera/arith/quantlib.hpp"
#include "tessera/kernel/map/quantlib_xsimd.hpp"
#include "tessera/kernel/matmul/xsimd.hpp"

using namespace tessera;
using namespace tessera::support;

namespace {

/// Matrices of one shape in each of the layouts. Each has exactly the memory that its view spans, so that the address
/// sanitizer sees a read beyond it.
template <class X>
class operand {
 public:
  operand(random_values& random, index_t rows, index_t columns, fill f)
      : rows_(rows),
        columns_(columns),
        dense_(random.values<X>(rows * columns, f)),
        by_rows_(random.values<X>(max<index_t>((rows - 1) * (columns + 5) + columns, 0), f)),
        by_columns_(random.values<X>(max<index_t>((columns - 1) * (rows + 5) + rows, 0), f)) {}
  auto plain() const { return matrix(dense_.data(), rows_, columns_); }
  auto pitched() const { return pitched_matrix(by_rows_.data(), rows_, columns_, columns_ + 5); }
  auto stored_transposed() const { return transposed(matrix(dense_.data(), columns_, rows_)); }
  auto pitched_transposed() const { return transposed(pitched_matrix(by_columns_.data(), columns_, rows_, rows_ + 5)); }

 private:
  index_t rows_, columns_;
  std::vector<X> dense_, by_rows_, by_columns_;
};
template <class X>
operand<X> random_operand(random_values& random, index_t rows, index_t columns, fill f) {
  return {random, rows, columns, f};
}

template <class Tile = default_tile, class A, class B, class Policy>
void check_product(const std::string& id, A a, B b, const Policy& policy) {
  const matrix_shape s{a.extent(0), b.extent(1)};
  const status result = check_targets<std::int32_t>(id, s, [&]<Target T>(T, auto y) {
    if constexpr (same_as<T, target::reference>) {
      return op::matmul<T>(a, b, policy, y);
    } else {
      return op::matmul<T, Tile>(a, b, policy, y);
    }
  });
  CHECK_MESSAGE(result == status::ok, id, ": ", std::string(tessera::to_string(result)));
}

/// All sixteen pairs of layouts.
template <class X>
void check_layouts(const product_shape& s, fill f) {
  const std::string id = "matmul/" + type_name<X>() + "i8i32/" + to_string(s) + "/" + to_string(f);
  random_values random(id);
  const auto a = random_operand<X>(random, s.m, s.k, f);
  const auto b = random_operand<std::int8_t>(random, s.k, s.n, f);
  const auto all = [&](const std::string& name, auto view) {
    check_product(id + "/" + name + ",row_major", view, b.plain(), keep_accumulator);
    check_product(id + "/" + name + ",row_pitched", view, b.pitched(), keep_accumulator);
    check_product(id + "/" + name + ",col_major", view, b.stored_transposed(), keep_accumulator);
    check_product(id + "/" + name + ",col_pitched", view, b.pitched_transposed(), keep_accumulator);
  };
  all("row_major", a.plain());
  all("row_pitched", a.pitched());
  all("col_major", a.stored_transposed());
  all("col_pitched", a.pitched_transposed());
}

}  // namespace

TEST_CASE("matmul/i8i8 and u8i8/host over layouts") {
  for (const product_shape& s : edge_products) {
    for (const fill f : {fill::uniform, fill::extremes, fill::lowest}) {
      check_layouts<std::int8_t>(s, f);
      check_layouts<std::uint8_t>(s, f);
    }
  }
  check_layouts<std::uint8_t>({3, 5, 0}, fill::uniform);
}

TEST_CASE("matmul/K = 0") {
  const std::int8_t nothing = 0;
  std::int32_t y[6] = {1, 2, 3, 4, 5, 6};
  CHECK(op::matmul<target::host>(matrix(&nothing, 2, 0), matrix(&nothing, 0, 3), keep_accumulator, matrix(y, 2, 3)) ==
        status::ok);
  for (const std::int32_t v : y) CHECK(v == 0);
  const std::int32_t bias[] = {7, 8, 9};
  CHECK(op::linear<target::host>(matrix(&nothing, 2, 0), matrix(&nothing, 3, 0), vector(bias, 3), keep_accumulator,
                                 matrix(y, 2, 3)) == status::ok);
  CHECK((y[0] == 7 && y[1] == 8 && y[2] == 9 && y[3] == 7 && y[4] == 8 && y[5] == 9));
}

TEST_CASE("matmul/i8i8/host with explicit tiles") {
  for (const product_shape& s : {product_shape{1, 1, 1}, {5, 7, 33}, {13, 29, 47}, {9, 130, 513}}) {
    random_values random("tiles" + to_string(s));
    const auto a = random_operand<std::int8_t>(random, s.m, s.k, fill::uniform);
    const auto b = random_operand<std::int8_t>(random, s.k, s.n, fill::uniform);
    const std::string id = "matmul/i8i8i32/" + to_string(s) + "/tile ";
    const auto both = [&]<index_t M, index_t N>(tile_shape<M, N, simd::lanes16>) {
      using tile = tile_shape<M, N, simd::lanes16>;
      const std::string name = id + std::to_string(M) + "x" + std::to_string(N);
      check_product<tile>(name, a.plain(), b.plain(), keep_accumulator);
      check_product<tile>(name, a.plain(), b.stored_transposed(), keep_accumulator);
    };
    both(tile_shape<1, 1, simd::lanes16>{});
    both(tile_shape<2, 3, simd::lanes16>{});
    both(tile_shape<4, 4, simd::lanes16>{});
  }
}

TEST_CASE("linear/i8i8/host with bias and policies") {
  for (const product_shape& s : edge_products) {
    random_values random("linear" + to_string(s));
    const auto x = random_operand<std::int8_t>(random, s.m, s.k, fill::uniform);
    const auto w = random_operand<std::int8_t>(random, s.n, s.k, fill::uniform);
    const auto bias = random.values<std::int32_t>(s.n, random.one_in(4) ? fill::extremes : fill::logarithmic);
    std::vector<std::int64_t> m;
    std::vector<std::int32_t> e, mul, add;
    for (index_t i = 0; i < max(s.m, s.n); ++i) {
      m.push_back(random.between(1 << 30, std::int64_t{1} << 31));
      e.push_back(static_cast<std::int32_t>(random.between(36, 50)));
      mul.push_back(static_cast<std::int32_t>(random.signed_bits(31)));
      add.push_back(static_cast<std::int32_t>(random.signed_bits(31)));
    }
    const auto residual = random.values<std::int8_t>(s.m * s.n);
    const auto check = [&](const std::string& name, const auto& policy) {
      const std::string id = "linear/i8i8i8_" + name + "/" + to_string(s);
      const status result = check_targets<std::int8_t>(id, {s.m, s.n}, [&]<Target T>(T, auto y) {
        return op::linear<T>(x.plain(), w.pitched(), vector(bias.data(), s.n), policy, y);
      });
      CHECK_MESSAGE(result == status::ok, id);
    };
    const ibert::dyadic_channels dyadic{m.data(), e.data(), -128, 127};
    check("dyadic_channels", dyadic);
    check("requant_shift_channels", quantlib::requant_shift_channels{mul.data(), add.data(), 40});
    check("requant_shift_by_row", by_row{quantlib::requant_shift_channels{mul.data(), add.data(), 40}});
    check("residual", add_residual{dyadic, saturate_to<std::int8_t>, saturate_to<std::int8_t>, residual.data(), s.n});
  }
}

// 65,537 products of 127 * 127 pass 2^30; 140,000 of -128 * -128 wrap, on both targets alike.
TEST_CASE("matmul/i8i8/host wraps as the reference does") {
  const index_t k = 140000;
  const std::vector<std::int8_t> a(static_cast<std::size_t>(2 * k), -128);
  const std::vector<std::int8_t> b(static_cast<std::size_t>(3 * k), -128);
  check_product("matmul/wrap/nt", matrix(a.data(), 2, k), transposed(matrix(b.data(), 3, k)), keep_accumulator);
  check_product("matmul/wrap/nn", matrix(a.data(), 2, k), matrix(b.data(), k, 3), keep_accumulator);
  std::int32_t y = 0;
  REQUIRE(op::matmul<target::reference>(matrix(a.data(), 1, k), matrix(b.data(), k, 1), keep_accumulator,
                                        matrix(&y, 1, 1)) == status::ok);
  CHECK(y == wrap32(k * 16384));
}

TEST_CASE_TEMPLATE("matmul/statuses", T, target::reference, target::host) {
  std::vector<std::int8_t> a(6), b(12), y(8);
  const std::vector<std::int32_t> bias(4);
  const auto policy = saturate_to<std::int8_t>;
  const auto ma = matrix(a.data(), 2, 3);
  const auto mb = matrix(b.data(), 3, 4);
  const auto my = matrix(y.data(), 2, 4);
  CHECK(op::matmul<T>(ma, mb, policy, my) == status::ok);
  CHECK(op::matmul<T>(ma, matrix(b.data(), 4, 3), policy, my) == status::shape_mismatch);
  CHECK(op::matmul<T>(ma, mb, policy, matrix(y.data(), 4, 2)) == status::shape_mismatch);
  CHECK(op::matmul<T>(ma, mb, keep_accumulator, my) == status::bad_parameter);  // int8 does not hold it
  CHECK(op::matmul<T>(ma, mb, quantlib::requant_shift{1, 0, 63}, my) == status::bad_parameter);
  CHECK(op::matmul<T>(matrix(static_cast<std::int8_t*>(nullptr), 2, 3), mb, policy, my) == status::null_pointer);
  CHECK(op::matmul<T>(ma, mb, policy, matrix(static_cast<std::int8_t*>(nullptr), 2, 4)) == status::null_pointer);
  CHECK(op::matmul<T>(ma, mb, policy, matrix(b.data(), 2, 4)) == status::overlap);
  CHECK(op::matmul<T>(ma, matrix(b.data(), 3, 2), policy, pitched_matrix(a.data(), 2, 2, 3)) == status::overlap);
  const auto w = matrix(b.data(), 4, 3);
  CHECK(op::linear<T>(ma, w, vector(bias.data(), 4), policy, my) == status::ok);
  CHECK(op::linear<T>(ma, w, vector(bias.data(), 3), policy, my) == status::shape_mismatch);
  CHECK(op::linear<T>(ma, w, vector(static_cast<const std::int32_t*>(nullptr), 4), policy, my) == status::null_pointer);
}

namespace {
constexpr bool constant_expression() {
  const std::int8_t x[] = {1, -2, 3, 4};
  const std::int8_t w[] = {5, 6, -7, 8};
  const std::int32_t bias[] = {100, -100};
  std::int32_t y[4] = {};
  if (op::linear<target::reference>(matrix<2, 2>(x), matrix<2, 2>(w), vector(bias, 2), keep_accumulator,
                                    matrix<2, 2>(y)) != status::ok) {
    return false;
  }
  return y[0] == 93 && y[1] == -123 && y[2] == 139 && y[3] == -89;
}
static_assert(constant_expression());
}  // namespace
