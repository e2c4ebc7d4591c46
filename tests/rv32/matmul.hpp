// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// A matrix product written with packed instructions, the same source for a host and for MemPool, and its definition.
/// c = a * b: a (M, K) row-major int8, b (N, K) row-major int8, i.e. transposed; c (M, N) row-major int32.

#include "tessera/isa/packed.hpp"

namespace tessera::test {

inline constexpr int matmul_size = 64;
/// checksum() of the product of the matrices below, which the definition and the kernel must reproduce everywhere.
inline constexpr uint32_t matmul_checksum = 1200460053;

/// Element i of the left (seed 1) and right (seed 2) matrix.
constexpr int8_t matmul_element(uint32_t i, uint32_t seed) {
  return static_cast<int8_t>(((i + seed * 7919) * 2654435761u) >> 24);
}

constexpr uint32_t checksum(const int32_t* values, int count) {
  uint32_t sum = 2166136261u;
  for (int i = 0; i < count; ++i) sum = (sum ^ static_cast<uint32_t>(values[i])) * 16777619u;
  return sum;
}

constexpr int32_t matmul_definition(const int8_t* a, const int8_t* b, int row, int column, int k) {
  int32_t sum = 0;
  for (int i = 0; i < k; ++i) sum += a[row * k + i] * b[column * k + i];
  return sum;
}

/// Blocks of 2 rows by 4 columns: 8 accumulators, and 6 loads for 8 products of 4. Core `core` of `cores` takes every
/// cores-th block. m must be a multiple of 2, n and k of 4; rows start at multiples of 4 bytes.
template <class Isa>
void matmul(const int8_t* a, const int8_t* b, int32_t* c, int m, int n, int k, int core, int cores) {
  using isa::imm;
  const int columns = n / 4;
  for (int block = core; block < m / 2 * columns; block += cores) {
    const int row = block / columns * 2;
    const int column = block % columns * 4;
    const int8_t* a0 = a + row * k;
    const int8_t* a1 = a0 + k;
    const int8_t* b0 = b + column * k;
    const int8_t* b1 = b0 + k;
    const int8_t* b2 = b1 + k;
    const int8_t* b3 = b2 + k;
    uint32_t s00 = 0, s01 = 0, s02 = 0, s03 = 0;
    uint32_t s10 = 0, s11 = 0, s12 = 0, s13 = 0;
    for (const int8_t* const end = a1; a0 != end;) {
      const uint32_t x0 = Isa::p_lw_post(a0, imm<4>);
      const uint32_t x1 = Isa::p_lw_post(a1, imm<4>);
      const uint32_t y0 = Isa::p_lw_post(b0, imm<4>);
      const uint32_t y1 = Isa::p_lw_post(b1, imm<4>);
      const uint32_t y2 = Isa::p_lw_post(b2, imm<4>);
      const uint32_t y3 = Isa::p_lw_post(b3, imm<4>);
      s00 = Isa::pv_sdotsp_b(s00, x0, y0);
      s01 = Isa::pv_sdotsp_b(s01, x0, y1);
      s02 = Isa::pv_sdotsp_b(s02, x0, y2);
      s03 = Isa::pv_sdotsp_b(s03, x0, y3);
      s10 = Isa::pv_sdotsp_b(s10, x1, y0);
      s11 = Isa::pv_sdotsp_b(s11, x1, y1);
      s12 = Isa::pv_sdotsp_b(s12, x1, y2);
      s13 = Isa::pv_sdotsp_b(s13, x1, y3);
    }
    int32_t* c0 = c + row * n + column;
    int32_t* c1 = c0 + n;
    Isa::p_sw_post(s00, c0, imm<4>);
    Isa::p_sw_post(s01, c0, imm<4>);
    Isa::p_sw_post(s02, c0, imm<4>);
    Isa::p_sw_post(s03, c0, imm<4>);
    Isa::p_sw_post(s10, c1, imm<4>);
    Isa::p_sw_post(s11, c1, imm<4>);
    Isa::p_sw_post(s12, c1, imm<4>);
    Isa::p_sw_post(s13, c1, imm<4>);
  }
}

}  // namespace tessera::test
