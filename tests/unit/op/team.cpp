// SPDX-License-Identifier: Apache-2.0
// Operators on teams of cores, executed on this host one core after the other: the shared kernels (target::snitch) and
// the packed ones (target::mempool, emulated) against the reference, for every core count.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "support/shapes.hpp"
#include "tessera/arith/quantlib.hpp"
#include "tessera/kernel/map/shared.hpp"
#include "tessera/kernel/matmul/packed4.hpp"
#include "tessera/kernel/row/shared.hpp"
#include "tessera/target/mempool.hpp"
#include "tessera/target/snitch.hpp"

using namespace tessera;
using namespace tessera::support;

namespace {

/// A team whose cores take turns: operators without barriers in between give what cores at the same time would.
struct turns {
  static inline team who;
  static team share() { return who; }
  static void wait() {}
};
template <class Run>
status each_core(int32_t cores, Run run) {
  status result = status::ok;
  for (int32_t core = 0; core < cores; ++core) {
    turns::who = {core, cores};
    if (const status s = run(); s != status::ok) result = s;
  }
  return result;
}
constexpr int32_t team_sizes[] = {1, 2, 3, 4, 16, 192, 256};

using snitch = target::snitch<turns>;
using mempool = target::mempool<turns, isa::emulated>;

template <class Y>
void check_same(const std::string& id, const std::vector<Y>& expected, const std::vector<Y>& actual) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == actual[i]) continue;
    FAIL_CHECK(id, ": element ", i, ": reference ", static_cast<int64_t>(expected[i]), ", found ",
               static_cast<int64_t>(actual[i]), "; ", seed_text());
    return;
  }
}

/// Memory whose first element stands at a word plus `offset`, with a margin that must stay as it was.
template <class X>
class aligned {
 public:
  aligned(const std::vector<X>& values, std::size_t offset)
      : words_(values.size() * sizeof(X) / 4 + 4), offset_(offset) {
    for (std::size_t i = 0; i < values.size(); ++i) data()[i] = values[i];
  }
  X* data() { return reinterpret_cast<X*>(words_.data()) + offset_; }

 private:
  std::vector<uint32_t> words_;
  std::size_t offset_;
};

template <class A, class Policy, class Y = int8_t>
void check_linear(const std::string& name, const product_shape& s, const Policy& policy, random_values& random,
                  std::size_t offset = 0, index_t extra = 0) {
  const index_t pitch = s.k + extra;
  aligned<A> x(random.values<A>(s.m * pitch), offset);
  aligned<int8_t> w(random.values<int8_t>(s.n * pitch), 0);
  const auto bias = random.values<int32_t>(s.n, random.one_in(4) ? fill::extremes : fill::logarithmic);
  const auto product = [&]<Target T>(T, std::vector<Y>& y) {
    const auto left = pitched_matrix<const A>(x.data(), s.m, s.k, pitch);
    const auto right = pitched_matrix<const int8_t>(w.data(), s.n, s.k, pitch);
    return op::linear<T>(left, right, vector(bias.data(), s.n), policy, matrix(y.data(), s.m, s.n));
  };
  std::vector<Y> expected(static_cast<std::size_t>(s.m * s.n));
  REQUIRE(product(target::reference{}, expected) == status::ok);
  for (const int32_t cores : team_sizes) {
    const std::string id = name + "/" + to_string(s) + "/" + std::to_string(cores) + " cores";
    std::vector<Y> shared(expected.size(), Y{85});
    std::vector<Y> packed(expected.size(), Y{85});
    CHECK_MESSAGE(each_core(cores, [&] { return product(snitch{}, shared); }) == status::ok, id);
    CHECK_MESSAGE(each_core(cores, [&] { return product(mempool{}, packed); }) == status::ok, id);
    check_same(id + "/snitch", expected, shared);
    check_same(id + "/mempool", expected, packed);
  }
}

}  // namespace

TEST_CASE("team: shares cover everything once") {
  for (const int32_t cores : team_sizes) {
    for (const index_t n : {0, 1, 5, 191, 192, 1000}) {
      index_t next = 0;
      for (int32_t core = 0; core < cores; ++core) {
        const range r = share_of({core, cores}, n);
        CHECK(r.begin == next);
        CHECK(r.size() >= n / cores);
        CHECK(r.size() <= n / cores + 1);
        next = r.end;
      }
      CHECK(next == n);
    }
    std::vector<bool> seen(static_cast<std::size_t>(cores));
    for (int32_t core = 0; core < cores; ++core) {
      const packed::grid g = packed::grid_of({core, cores});
      REQUIRE(g.rows * g.columns == cores);
      REQUIRE((g.row < g.rows && g.column < g.columns));
      seen[static_cast<std::size_t>(g.row * g.columns + g.column)] = true;
    }
    CHECK(std::find(seen.begin(), seen.end(), false) == seen.end());
  }
}

TEST_CASE("linear/snitch and mempool over shapes, types, alignments and team sizes") {
  random_values random("team/linear");
  const product_shape shapes[] = {{1, 1, 1},   {1, 1, 4},    {3, 3, 3},    {4, 4, 4},  {4, 4, 7},
                                  {5, 5, 8},   {7, 9, 33},   {8, 3, 12},   {3, 8, 12}, {13, 1, 40},
                                  {1, 13, 40}, {16, 20, 24}, {37, 29, 68}, {0, 3, 4}};
  for (const product_shape& s : shapes) {
    const auto add = static_cast<int8_t>(random.bits());
    check_linear<int8_t>("linear/i8i8_ita", s, ita::requant{3, 9, add}, random);
    check_linear<uint8_t>("linear/u8i8_ita", s, ita::requant{200, 14, add}, random);
    check_linear<int8_t, saturating, int32_t>("linear/i8i32", s, keep_accumulator, random);
    check_linear<int8_t>("linear/i8i8_ita, rows apart", s, ita::requant{7, 10, add}, random, 0, 4);
    check_linear<int8_t>("linear/i8i8_ita, rows at no words", s, ita::requant{7, 10, add}, random, 0, 1);
    check_linear<int8_t>("linear/i8i8_ita, at no word", s, ita::requant{7, 10, add}, random, 1);
    check_linear<int8_t>("linear/i8i8_quantlib", s, quantlib::requant_shift{1000, 77, 18}, random);
    const auto mul = random.values<int32_t>(s.n, fill::logarithmic);
    const auto addends = random.values<int32_t>(s.n, fill::logarithmic);
    check_linear<int8_t>("linear/i8i8_quantlib_channels", s,
                         quantlib::requant_shift_channels{mul.data(), addends.data(), 20}, random);
    std::vector<int64_t> m;
    std::vector<int32_t> e;
    for (index_t i = 0; i < s.n; ++i) {
      m.push_back(random.between(1 << 30, int64_t{1} << 31) * (random.one_in(3) ? -1 : 1));
      e.push_back(static_cast<int32_t>(random.between(30, 60)));
    }
    check_linear<int8_t>("linear/i8i8_ibert", s, ibert::dyadic_channels{m.data(), e.data(), -128, 127}, random);
  }
}

TEST_CASE("matmul/mempool with other tiles, layouts and static extents") {
  random_values random("team/tiles");
  const auto a = random.values<int8_t>(12 * 20);
  const auto b = random.values<int8_t>(12 * 20);
  aligned<int8_t> left(a, 0);
  aligned<int8_t> right(b, 0);
  const ita::requant policy{9, 11, 3};
  std::vector<int8_t> expected(144);
  REQUIRE(op::matmul<target::reference>(matrix(left.data(), 12, 20), transposed(matrix(right.data(), 12, 20)), policy,
                                        matrix(expected.data(), 12, 12)) == status::ok);
  const auto with_tile = [&]<index_t M, index_t N>(tile_shape<M, N, 4>) {
    std::vector<int8_t> y(144);
    const auto run = [&] {
      return op::matmul<mempool, tile_shape<M, N, 4>>(
          matrix<12, 20>(left.data()), transposed(matrix<12, 20>(right.data())), policy, matrix<12, 12>(y.data()));
    };
    CHECK(each_core(16, run) == status::ok);
    check_same("matmul/tile " + std::to_string(M) + "x" + std::to_string(N), expected, y);
  };
  with_tile(tile_shape<4, 4, 4>{});
  with_tile(tile_shape<4, 2, 4>{});
  with_tile(tile_shape<2, 4, 4>{});
  with_tile(tile_shape<2, 2, 4>{});
  with_tile(tile_shape<1, 4, 4>{});
  with_tile(tile_shape<3, 4, 4>{});
  // b stored (K, N): no words along K.
  std::vector<int8_t> turned(expected.size());
  std::vector<int8_t> stored(240);
  for (int k = 0; k < 20; ++k) {
    for (int n = 0; n < 12; ++n) stored[static_cast<std::size_t>(k * 12 + n)] = b[static_cast<std::size_t>(n * 20 + k)];
  }
  CHECK(each_core(3, [&] {
          return op::matmul<mempool>(matrix(left.data(), 12, 20), matrix(stored.data(), 20, 12), policy,
                                     matrix(turned.data(), 12, 12));
        }) == status::ok);
  check_same("matmul/(K, N)", expected, turned);
}

TEST_CASE("policies in 32 bits are the policies, at the limits of their accumulators too") {
  random_values random("team/policies");
  const auto check = [&](const auto& policy) {
    using row = row_of<remove_cvref_t<decltype(policy)>>;
    const packed_policy<isa::emulated, row> form(policy.row(0));
    if (!form.narrow()) return 0;
    for (int i = 0; i < 200; ++i) {
      const int32_t acc = i == 0   ? limits<int32_t>::min
                          : i == 1 ? limits<int32_t>::max
                                   : static_cast<int32_t>(random.signed_bits(31));
      if (form(acc, 0) != policy.row(0)(acc, 0)) {
        FAIL_CHECK("accumulator ", acc, ": ", policy.row(0)(acc, 0), ", in 32 bits ", form(acc, 0), "; ", seed_text());
        return 1;
      }
    }
    return 1;
  };
  int narrow = 0;
  for (int i = 0; i < 2000; ++i) {
    narrow += check(ita::requant{static_cast<uint8_t>(random.bits()), static_cast<uint8_t>(random.below(26)),
                                 static_cast<int8_t>(random.bits())});
    const auto mul = static_cast<int32_t>(random.signed_bits(31));
    const auto add = static_cast<int32_t>(random.signed_bits(31));
    const auto shift = static_cast<int32_t>(random.below(34));
    narrow += check(quantlib::requant_shift{mul, add, shift, 256, random.one_in(2)});
    narrow += check(quantlib::requant_shift_channels{&mul, &add, shift, 256, random.one_in(2)});
    const int64_t m = random.between(1 << 30, int64_t{1} << 31) * (random.one_in(2) ? -1 : 1);
    // Exact halves are rare in random data: powers of two make them.
    const int64_t power = random.one_in(4) ? 1 << 30 : m;
    const auto e = static_cast<int32_t>(random.between(28, 66));
    narrow += check(ibert::dyadic{{power, e}, -128, 127});
    narrow += check(ibert::dyadic_channels{&power, &e, limits<int32_t>::min, limits<int32_t>::max});
    narrow += check(saturating{-static_cast<int64_t>(random.below(int64_t{1} << 33)), limits<int32_t>::max});
  }
  CHECK(narrow > 4000);
}

TEST_CASE("requantize, softmax and layer norm on teams are those of the reference") {
  random_values random("team/shared");
  for (const matrix_shape& s : {matrix_shape{1, 1}, {1, 17}, {3, 8}, {40, 96}}) {
    const auto x = random.values<int32_t>(s.rows * s.columns, fill::logarithmic);
    const auto bytes = random.values<int8_t>(s.rows * s.columns);
    const ita::requant policy{5, 12, 1};
    std::vector<int8_t> expected(x.size());
    std::vector<uint8_t> probabilities(x.size());
    const auto requantize = [&]<Target T>(T, std::vector<int8_t>& y) {
      return op::requantize<T>(matrix(x.data(), s.rows, s.columns), policy, matrix(y.data(), s.rows, s.columns));
    };
    const auto softmax = [&]<Target T>(T, std::vector<uint8_t>& y) {
      return op::softmax<T>(matrix(bytes.data(), s.rows, s.columns), ita::streaming_softmax{},
                            matrix(y.data(), s.rows, s.columns));
    };
    REQUIRE(requantize(target::reference{}, expected) == status::ok);
    REQUIRE(softmax(target::reference{}, probabilities) == status::ok);
    for (const int32_t cores : team_sizes) {
      std::vector<int8_t> y(x.size());
      std::vector<uint8_t> p(x.size());
      CHECK(each_core(cores, [&] { return requantize(snitch{}, y); }) == status::ok);
      CHECK(each_core(cores, [&] { return softmax(snitch{}, p); }) == status::ok);
      check_same("requantize/" + to_string(s), expected, y);
      check_same("softmax/" + to_string(s), probabilities, p);
    }
  }
}
