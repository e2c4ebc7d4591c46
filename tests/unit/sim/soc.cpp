// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/soc.hpp"

#include <doctest/doctest.h>

#include "machine_runs.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("soc: a stack overflow is the fault of the instruction that sets sp, not of one that uses it") {
  const auto limit = program(load_constant(2, 0x400), load_constant(5, 0x500), load_constant(6, 0x1000),
                             word("csrrw", {0, 5, 0, 0x7d1}));
  const std::vector<uint32_t> loads =
      program(limit, word("lw", {2, 6}), std::vector<uint32_t>(6, word("addi")), support::finish());
  const std::vector<uint32_t> uses = program(limit, word("sw", {0, 2, 6}), word("add", {7, 2, 2}), support::finish());
  for (const mode how : modes) {
    const stop_report stop = run(one_core, loads, how);
    CHECK(stop.reason == stop_reason::stack_overflow);
    CHECK(stop.pc == l2_base + 7 * 4);
    CHECK(run(one_core, uses, how).reason == stop_reason::finished);
  }
}

TEST_CASE("soc: a wake-up pulse keeps the mask that was set when it was sent") {
  configuration slow = minpool;
  slow.latency.wake_up = 200;  // far longer than the program takes to change the mask again
  const auto wait = program(word("wfi"), word("addi", {9, 0, 0, 1}), word("wfi"));
  const auto words =
      program(word("csrrs", {10, 0, 0, 0xf14}), word("bne", {0, 10, 0, 11 * 4}), load_constant(5, control_base),
              word("addi", {6, 0, 0, 4}), word("addi", {7, 0, 0, 1}), word("addi", {8, 0, 0, down(1)}),
              word("sw", {0, 5, 6, 0x2c}), word("sw", {0, 5, 7, 0x30}), word("sw", {0, 5, 8, 0x04}),
              word("sw", {0, 5, 7, 0x2c}), word("sw", {0, 5, 0, 0x30}), wait);
  for (const mode how : modes) {
    for (const configuration* c : std::initializer_list<const configuration*>{&minpool, &slow}) {
      const auto m = load(*c, words);
      CHECK(m->run(how, 100'000).reason == stop_reason::deadlock);
      for (uint32_t core = 0; core < m->cores(); ++core) {
        CAPTURE(core);
        CHECK(m->core(core).x[9] == (core % 4 == 1 ? 1 : 0));
      }
    }
  }
}

TEST_CASE("soc: tohost is a word of L2, wherever a symbol says that it is") {
  constexpr uint32_t end = one_core.l2_bytes;
  auto s = std::make_unique<soc>(one_core);
  for (const uint32_t address : {l2_base + end - 2, l2_base + 0x102, l2_base + end, 0u, ~0u}) {
    CAPTURE(address);
    s->set_tohost(address);
    if (s->bytes_at(address, 2) != nullptr) s->write({}, address, 1, 2);
    CHECK(!s->stopped());
  }
  s->set_tohost(l2_base + end - 4);
  s->write({}, l2_base + end - 4, 5 << 1 | 1, 4);
  CHECK(s->stop.reason == stop_reason::finished);
  CHECK(s->stop.exit_code == 5);
}
