// SPDX-License-Identifier: Apache-2.0
// Copies of odd sizes between odd addresses, in both directions, change what they should and nothing else.
#include "tessera/runtime/dma.hpp"

#include "rv32/check.hpp"

using namespace tessera;
using namespace tessera::runtime;

namespace {

constexpr uint32_t largest = 9000;  // more than two rows of all banks of the larger configuration
constexpr uint32_t room = largest + 64;
[[gnu::section(".l1")]] alignas(64) uint8_t near[room];
[[gnu::section(".l2_bss")]] alignas(64) uint8_t far[room];
[[gnu::section(".l2_bss")]] alignas(64) uint8_t back[room];

constexpr uint8_t value(uint32_t i) { return static_cast<uint8_t>(i * 167 + (i >> 8) * 13 + 1); }
constexpr uint8_t untouched = 0xa5;

/// All cores: fills bytes [0, size + 64).
void fill(uint8_t* p, uint32_t size, bool pattern) {
  for (uint32_t i = core_id(); i < size + 64; i += cluster::cores) p[i] = pattern ? value(i) : untouched;
}

/// All cores: p holds size bytes of the pattern from `from` on at offset `to`, and nothing around them.
void expect(const char* what, const uint8_t* p, uint32_t size, uint32_t to, uint32_t from) {
  for (uint32_t i = core_id(); i < size + 64; i += cluster::cores) {
    const bool inside = i >= to && i < to + size;
    check::equal(what, p[i], inside ? value(i - to + from) : untouched, size, i << 16 | to << 8 | from);
  }
}

/// L2 to L1 and from there back to L2.
void round_trip(uint32_t size, uint32_t to, uint32_t from) {
  fill(near, size, false);
  fill(back, size, false);
  sync();
  if (core_id() == 0) dma::copy(near + to, far + from, size);
  sync();
  expect("DMA from L2", near, size, to, from);
  if (core_id() == 0) dma::copy(back + from, near + to, size);
  sync();
  expect("DMA to L2", back, size, from, from);
  sync();
}

}  // namespace

int main() {
  fill(far, largest, true);
  sync();
  constexpr uint32_t sizes[] = {1u, 2u, 3u, 4u, 5u, 15u, 32u, 63u, 64u, 65u, 255u, 257u, 1000u};
  for (const uint32_t size : sizes) {
    round_trip(size, 0, 0);
    round_trip(size, 1, 0);
    round_trip(size, 0, 3);
    round_trip(size, 5, 1);
    round_trip(size, 2, 2);
    round_trip(size, 63, 61);
  }
  round_trip(4096, 0, 0);
  round_trip(largest, 7, 9);

  // Several at once, an empty one among them.
  fill(near, 2048, false);
  sync();
  if (core_id() == 0) {
    dma::start(near + 1, far + 1, 1021);
    dma::start(near + 2000, far + 2000, 0);
    dma::start(near + 1022, far + 1022, 1000);
    dma::wait();
  }
  sync();
  expect("two DMA transfers", near, 2021, 1, 1);
  return check::report();
}
