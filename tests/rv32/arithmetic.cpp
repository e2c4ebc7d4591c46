// SPDX-License-Identifier: Apache-2.0
// The runtime's 64-bit arithmetic and bit counts, which compilers call, against what the same compiler finds for the
// same operands in constant expressions; and its memory functions.
#include <stddef.h>

#include "rv32/check.hpp"

using namespace tessera;

extern "C" {
void* memcpy(void*, const void*, size_t);
void* memmove(void*, const void*, size_t);
void* memset(void*, int, size_t);
int memcmp(const void*, const void*, size_t);
}

namespace {

constexpr uint64_t operands[] = {1,
                                 2,
                                 3,
                                 7,
                                 10,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x100000000,
                                 0x100000001,
                                 0x123456789abcdef,
                                 0xfedcba9876543210,
                                 0x7fffffffffffffff,
                                 0x8000000000000000,
                                 0x8000000000000001,
                                 0xfffffffffffffff6,
                                 0xffffffffffffffff};
constexpr int count = sizeof operands / sizeof operands[0];

struct results {
  uint64_t values[14];
};

constexpr results compute(uint64_t a, uint64_t b) {
  const auto s = static_cast<int64_t>(a);
  const auto t = static_cast<int64_t>(b);
  const int shift = static_cast<int>(b & 63);
  const auto low = static_cast<uint32_t>(a | 1u << (b & 31));
  return {a * b, a / b, a % b,
          // The one quotient that does not exist.
          static_cast<uint64_t>(t == -1 ? s : s / t), static_cast<uint64_t>(t == -1 ? s : s % t), a << shift,
          a >> shift, static_cast<uint64_t>(s >> shift), static_cast<uint64_t>(__builtin_clz(low)),
          static_cast<uint64_t>(__builtin_ctz(low)), static_cast<uint64_t>(__builtin_popcount(low)),
          static_cast<uint64_t>(__builtin_clzll(a)), static_cast<uint64_t>(__builtin_ctzll(a)),
          static_cast<uint64_t>(__builtin_popcountll(a))};
}

struct table {
  results pairs[count][count];
};
constexpr table all_pairs() {
  table t{};
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < count; ++j) t.pairs[i][j] = compute(operands[i], operands[j]);
  }
  return t;
}
constexpr table expected = all_pairs();

void arithmetic(uint32_t core) {
  for (int i = static_cast<int>(core); i < count; i += static_cast<int>(runtime::cluster::cores)) {
    for (int j = 0; j < count; ++j) {
      // Read through volatile: to be computed here.
      const volatile uint64_t& a = operands[i];
      const volatile uint64_t& b = operands[j];
      const results got = compute(a, b);
      for (int k = 0; k < 14; ++k) {
        const auto case_number = static_cast<uint32_t>(i << 8 | j);
        check::equal("low word", static_cast<uint32_t>(got.values[k]),
                     static_cast<uint32_t>(expected.pairs[i][j].values[k]), case_number, static_cast<uint32_t>(k));
        check::equal("high word", static_cast<uint32_t>(got.values[k] >> 32),
                     static_cast<uint32_t>(expected.pairs[i][j].values[k] >> 32), case_number,
                     static_cast<uint32_t>(k));
      }
    }
  }
}

constexpr int room = 40;
uint8_t from[room];
uint8_t to[room];

/// Every size and alignment up to a few words, byte by byte.
void memory() {
  // The compiler must call, not know better.
  void* (*volatile copy)(void*, const void*, size_t) = &memcpy;
  void* (*volatile move)(void*, const void*, size_t) = &memmove;
  void* (*volatile set)(void*, int, size_t) = &memset;
  int (*volatile compare)(const void*, const void*, size_t) = &memcmp;
  const auto pattern = [](int i) { return static_cast<uint8_t>(i * 37 + 1); };
  for (int size = 0; size <= 12; ++size) {
    for (int offset = 0; offset < 16; ++offset) {
      const int d = offset / 4;
      const int s = offset % 4;
      const auto bytes = static_cast<size_t>(size);
      const auto fill = [&](uint8_t* p) {
        for (int i = 0; i < room; ++i) p[i] = pattern(i);
      };
      const auto expect = [&](const char* what, const uint8_t* p, auto value) {
        for (int i = 0; i < room; ++i) {
          const bool inside = i >= d && i < d + size;
          check::equal(what, p[i], inside ? value(i) : pattern(i), static_cast<uint32_t>(size),
                       static_cast<uint32_t>(offset << 8 | i));
        }
      };
      fill(to);
      set(to + d, -3, bytes);
      expect("memset", to, [](int) { return uint8_t{0xfd}; });
      fill(to);
      for (int i = 0; i < room; ++i) from[i] = static_cast<uint8_t>(~pattern(i));
      copy(to + d, from + s, bytes);
      expect("memcpy", to, [&](int i) { return static_cast<uint8_t>(~pattern(i - d + s)); });
      fill(to);
      move(to + d, to + s, bytes);
      expect("memmove", to, [&](int i) { return pattern(i - d + s); });

      fill(to);
      fill(from);
      check::equal("memcmp", static_cast<uint32_t>(compare(to + d, from + d, bytes)), 0);
      if (size == 0) continue;
      to[d + size - 1] = 0x80;
      from[d + size - 1] = 0x7f;
      check::equal("memcmp greater", compare(to + d, from + d, bytes) > 0, true);
      check::equal("memcmp less", compare(from + d, to + d, bytes) < 0, true);
    }
  }
}

}  // namespace

int main() {
  const uint32_t core = runtime::core_id();
  arithmetic(core);
  if (core == runtime::cluster::cores - 1) memory();
  return check::report();
}
