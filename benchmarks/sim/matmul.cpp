// SPDX-License-Identifier: Apache-2.0
// An integer matrix product in plain C++ (rv32im): int8 x int8 -> int32, 32 x 32 x 32. Core i computes row i % 32,
// again and again, on the first `cores` cores; the host sets both numbers.
#include <stdint.h>

#include "tessera/runtime/barrier.hpp"

extern "C" {
volatile uint32_t cores = 1;
volatile uint32_t rounds = 10;
volatile uint32_t result;  // of core 0
}

namespace {
constexpr uint32_t size = 32;
int8_t a[size * size];
int8_t b[size * size];
}  // namespace

int main() {
  const uint32_t core = tessera::runtime::core_id();
  for (uint32_t i = core; i < size * size; i += tessera::runtime::cluster::cores) {
    a[i] = static_cast<int8_t>(i * 37 + 11);
    b[i] = static_cast<int8_t>(i * 53 + 7);
  }
  tessera::runtime::sync();
  if (core >= cores) return 0;
  uint32_t sum = 0;
  const int8_t* const row = a + core % size * size;
  for (uint32_t round = 0; round < rounds; ++round) {
    for (uint32_t j = 0; j < size; ++j) {
      int32_t product = 0;
      for (uint32_t k = 0; k < size; ++k) product += row[k] * b[k * size + j];
      sum = sum * 31 + static_cast<uint32_t>(product);
    }
  }
  if (core == 0) result = sum;
  return 0;
}
