// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/dma.hpp"

#include <doctest/doctest.h>

#include "machine_runs.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("dma: a transfer within L2 leaves the banks of L1 to the cores") {
  constexpr uint32_t from = l2_base + 0x4003, to = l2_base + 0x8001, bytes = 3000;
  const auto words =
      program(load_constant(4, 0x2000), load_constant(5, dma_base), load_constant(6, from), load_constant(7, to),
              load_constant(8, bytes), word("sw", {0, 5, 6, 0}), word("sw", {0, 5, 7, 4}), word("sw", {0, 5, 8, 8}),
              word("fence"), word("lw", {9, 5, 0, 0x14}), word("addi", {12, 0, 0, 500}), word("lw", {0, 4}),
              word("lw", {0, 4, 0, 4}), word("addi", {12, 12, 0, down(1)}), word("bne", {0, 12, 0, down(12)}),
              word("lw", {9, 5, 0, 0x18}), word("beq", {0, 9, 0, down(4)}), support::finish());
  for (const mode how : modes) {
    const auto m = load(one_core, words);
    std::vector<uint8_t> data(bytes);
    for (uint32_t i = 0; i < bytes; ++i) data[i] = static_cast<uint8_t>(i * 7 + i / 256);
    m->write(from, data.data(), bytes);
    REQUIRE(m->run(how, 100'000).reason == stop_reason::finished);
    std::vector<uint8_t> moved(bytes);
    m->read(to, moved.data(), bytes);
    CHECK(moved == data);
    CHECK(m->counters().stalls(0, stall::dma_conflict) == 0);
  }
}
