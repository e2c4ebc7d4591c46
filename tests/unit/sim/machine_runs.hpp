// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// What tests of whole machines share: a small configuration, and running words of code.

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/assembler.hpp"
#include "tessera/sim/machine.hpp"

namespace tessera::test {

using namespace tessera::sim;
using support::load_constant;
using support::program;
using support::to_bytes;
using support::word;

constexpr uint32_t down(uint32_t n) { return 0 - n; }

inline constexpr configuration one_core = [] {
  configuration c = minpool;
  c.name = "one core";
  c.groups = c.tiles = c.cores_per_tile = 1;
  c.l2_bytes = 1 << 16;
  return c;
}();
static_assert(refusal(one_core) == nullptr);

inline std::unique_ptr<machine> load(const configuration& c, const std::vector<uint32_t>& words) {
  auto m = std::make_unique<machine>(c);
  const std::vector<uint8_t> bytes = to_bytes(words);
  REQUIRE(m->load_raw(bytes.data(), bytes.size()));
  return m;
}

/// Each core's cycles are its instructions and its stalls.
inline void check_sums(const machine& m) {
  for (uint32_t core = 0; core < m.cores(); ++core) {
    uint64_t sum = m.core(core).instructions;
    for (int i = 0; i < stall_count; ++i) sum += m.counters().stalls(core, static_cast<stall>(i));
    CAPTURE(core);
    if (sum != m.cycle(mode::timed)) FAIL(sum);
  }
}

inline stop_report run(const configuration& c, const std::vector<uint32_t>& words, mode how,
                       uint64_t cycles = 100'000) {
  const auto m = load(c, words);
  const stop_report stop = m->run(how, cycles);
  if (how == mode::timed) check_sums(*m);
  return stop;
}

inline constexpr mode modes[] = {mode::functional, mode::timed};

}  // namespace tessera::test
