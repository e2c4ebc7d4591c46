// SPDX-License-Identifier: Apache-2.0
// The matrix product that tests/rv32 runs with MemPool's own instructions, here with emulated ones.
#include "rv32/matmul.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tessera/isa/emulated.hpp"

using namespace tessera;

TEST_CASE("isa/emulated matmul 64x64x64 int8 equals its definition and the checksum of the native run") {
  constexpr int size = test::matmul_size;
  std::vector<int8_t> a, b;
  for (uint32_t i = 0; i < size * size; ++i) {
    a.push_back(test::matmul_element(i, 1));
    b.push_back(test::matmul_element(i, 2));
  }
  std::vector<int32_t> c(size * size), expected;
  for (int i = 0; i < size * size; ++i) {
    expected.push_back(test::matmul_definition(a.data(), b.data(), i / size, i % size, size));
  }
  const int cores = 3;
  for (int core = 0; core < cores; ++core) {
    test::matmul<isa::emulated>(a.data(), b.data(), c.data(), size, size, size, core, cores);
  }
  CHECK(c == expected);
  CHECK(test::checksum(c.data(), size * size) == test::matmul_checksum);
}
