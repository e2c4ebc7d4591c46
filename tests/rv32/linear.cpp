// SPDX-License-Identifier: Apache-2.0
// op::linear by all cores, packed (target::mempool) and in plain C++ (target::snitch), against the reference: shapes
// with and without blocks, words and edges, each dialect's requantisation, operands in L1.
#include "tessera/op/matmul.hpp"

#include "rv32/check.hpp"
#include "tessera/kernel/matmul/packed4.hpp"
#include "tessera/runtime/team.hpp"
#include "tessera/target/mempool.hpp"
#include "tessera/target/reference.hpp"
#include "tessera/target/snitch.hpp"

using namespace tessera;
using namespace tessera::runtime;

namespace {
constexpr int size = 64;
alignas(4) int8_t a[size * size];
alignas(4) int8_t b[size * size];
int32_t bias[size];
int32_t multipliers[size];
int32_t addends[size];
int64_t m[size];
int32_t e[size];
alignas(4) int8_t expected[size * size];
alignas(4) int8_t result[size * size];

uint32_t random_bits(uint32_t i, uint32_t seed) {
  uint32_t x = i * 0x9e3779b9u + seed * 0x85ebca6bu;
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

struct shape {
  index_t m, n, k;
};

/// Computes what is expected, on core 0.
template <class Product>
[[gnu::noinline]] void define(const char* what, const Product& product) {
  if (core_id() != 0) return;
  const status done = product(target::reference{}, expected);
  check::equal(what, static_cast<uint32_t>(done), static_cast<uint32_t>(status::ok));
}

/// Runs `product` on T by all cores, and compares with what core 0 computed by the definition.
/// Not inlined, as nothing here is, for a stack of 512 bytes holds the variables of few calls at once.
template <Target T, class Product>
[[gnu::noinline]] void compare(const char* what, const shape& s, const Product& product) {
  const auto core = static_cast<index_t>(core_id());
  const auto cores = static_cast<index_t>(cluster::cores);
  for (index_t i = core; i < size * size; i += cores) result[i] = 85;
  sync();
  const status done = product(T{}, result);
  check::equal(what, static_cast<uint32_t>(done), static_cast<uint32_t>(status::ok));
  for (index_t i = core; i < s.m * s.n; i += cores) {
    check::equal(what, static_cast<uint32_t>(result[i]), static_cast<uint32_t>(expected[i]),
                 static_cast<uint32_t>(i / s.n), static_cast<uint32_t>(i % s.n));
  }
  for (index_t i = s.m * s.n + core; i < size * size; i += cores) {
    check::equal("memory behind the result", static_cast<uint32_t>(result[i]), 85, static_cast<uint32_t>(i));
  }
  sync();
}

template <class Policy>
[[gnu::noinline]] void check_linear(const char* what, const shape& s, const Policy& policy) {
  const auto product = [&]<Target T>(T, int8_t* y) {
    return op::linear<T>(matrix(a, s.m, s.k), matrix(b, s.n, s.k), vector(bias, s.n), policy, matrix(y, s.m, s.n));
  };
  define(what, product);
  compare<target::mempool<all_cores_team>>(what, s, product);
  compare<target::snitch<all_cores_team>>(what, s, product);
}

[[gnu::noinline]] void fill() {
  const uint32_t core = core_id();
  for (uint32_t i = core; i < size * size; i += cluster::cores) {
    a[i] = static_cast<int8_t>(random_bits(i, 1));
    b[i] = static_cast<int8_t>(random_bits(i, 2));
  }
  for (uint32_t i = core; i < size; i += cluster::cores) {
    bias[i] = static_cast<int32_t>(random_bits(i, 3)) >> 12;
    multipliers[i] = static_cast<int32_t>(random_bits(i, 4)) >> 8;
    addends[i] = static_cast<int32_t>(random_bits(i, 5)) >> 4;
    m[i] = (i % 2 ? 1 : -1) * (int64_t{1} << 30 | static_cast<int64_t>(random_bits(i, 6) >> 2));
    e[i] = 41 + static_cast<int32_t>(i % 3);
  }
  sync();
}

/// All extents and strides in the types.
[[gnu::noinline]] void check_static() {
  const auto product = []<Target T>(T, int8_t* y) {
    return op::linear<T>(matrix<size, size>(a), matrix<size, size>(b), tensor_view<int32_t, extents<size>>(bias, {}),
                         ita::requant{9, 13, -3}, matrix<size, size>(y));
  };
  static constexpr shape s{size, size, size};
  define("static extents", product);
  compare<target::mempool<all_cores_team>>("static extents", s, product);
}

constexpr ita::requant ita_policy{9, 13, -3};
constexpr quantlib::requant_shift quantlib_policy{700, -12345, 19};
constexpr quantlib::requant_shift_channels quantlib_channels{multipliers, addends, 26};
constexpr ibert::dyadic_channels ibert_channels{m, e, -128, 127};
constexpr shape shapes[] = {{1, 1, 1}, {3, 5, 7}, {4, 4, 4}, {8, 12, 20}, {13, 9, 33}, {64, 64, 64}};

}  // namespace

int main() {
  fill();
  for (const shape& s : shapes) {
    check_linear("ita", s, ita_policy);
    check_linear("quantlib", s, quantlib_policy);
    check_linear("quantlib by channel", s, quantlib_channels);
    check_linear("ibert by channel", s, ibert_channels);
  }
  check_static();
  return check::report();
}
