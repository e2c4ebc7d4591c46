// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/timed.hpp"

#include <doctest/doctest.h>

#include "machine_runs.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("timed: after a reset in mid-run, nothing of that run is left") {
  // All cores of a tile ask L2 at once, so that the port's arbiter has decided what it cannot do yet.
  const auto words =
      program(load_constant(5, l2_base + 0x2000), word("lw", {6, 5}), word("lw", {7, 5, 0, 4}),
              word("sw", {0, 5, 6, 8}), word("csrrs", {10, 0, 0, 0xf14}), word("addi", {11, 0, 0, 8}),
              word("lw", {9, 5, 0, 12}), word("beq", {0, 10, 11, 8}), word("wfi"), word("fence"), support::finish(3));
  const auto fresh = load(minpool, words);
  REQUIRE(fresh->run(mode::timed, 100'000).reason == stop_reason::finished);
  for (uint64_t cycles = 1000; cycles < fresh->cycle(mode::timed); ++cycles) {
    CAPTURE(cycles);
    const auto again = load(minpool, words);
    again->run(mode::timed, cycles);
    again->reset();
    CHECK(again->counters().line_refills() == 0);
    REQUIRE(again->run(mode::timed, 100'000).reason == stop_reason::finished);
    REQUIRE(again->cycle(mode::timed) == fresh->cycle(mode::timed));
    REQUIRE(again->counters().line_refills() == fresh->counters().line_refills());
    for (uint32_t core = 0; core < again->cores(); ++core) {
      for (int i = 0; i < stall_count; ++i) {
        const auto cause = static_cast<stall>(i);
        REQUIRE(again->counters().stalls(core, cause) == fresh->counters().stalls(core, cause));
      }
    }
  }
}

TEST_CASE("timed: a core whose pc is changed while it waits for a line goes on there") {
  std::vector<uint32_t> words(64, word("addi"));
  for (const uint32_t w : support::finish(5)) words.push_back(w);
  for (uint64_t cycles = 1; cycles < 60; ++cycles) {
    CAPTURE(cycles);
    const auto m = load(one_core, words);
    m->core(0).pc = l2_base;
    m->run(mode::timed, cycles);
    m->core(0).pc = l2_base + 64 * 4;
    REQUIRE(m->run(mode::timed, 5000).reason == stop_reason::finished);
    check_sums(*m);
  }
}

TEST_CASE("timed: a core that sleeps cannot run alone") {
  const auto m = load(one_core, program(word("wfi"), word("wfi"), support::finish()));
  REQUIRE(m->run(mode::timed).reason == stop_reason::deadlock);
  m->resume();
  REQUIRE(m->core(0).asleep);
  const uint64_t cycle = m->cycle(mode::timed);
  CHECK(m->run_alone(mode::timed, 0).reason == stop_reason::running);
  CHECK(m->cycle(mode::timed) == cycle);
}
