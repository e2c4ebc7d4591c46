// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/configuration.hpp"

#include <doctest/doctest.h>

#include <random>

#include "machine_runs.hpp"
#include "support/random.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

using generator = std::mt19937_64;

uint32_t power(generator& random, uint32_t lowest, uint32_t highest) {
  return 1u << (lowest + random() % (highest - lowest + 1));
}

/// Anything that is not refused, small enough for a test.
configuration any_configuration(generator& random) {
  for (;;) {
    configuration c = minpool;
    c.groups = power(random, 0, 4);
    c.sub_groups = power(random, 0, 3);
    c.tiles = c.groups * c.sub_groups * power(random, 0, 3);
    c.core_tiles_per_group = 1 + static_cast<uint32_t>(random() % c.tiles_per_group());
    c.cores_per_tile = power(random, 0, 4);
    c.banks_per_tile = power(random, 0, 5);
    c.bank_bytes = power(random, 4, 12);
    c.sequential_bytes = power(random, 2, 11);
    c.stack_bytes = 0;
    c.l2_bytes = 1 << 16;
    c.axi_bytes = power(random, 2, 7);
    c.dma_engines_per_group = power(random, 0, 3);
    c.line_bytes = power(random, 4, 8);
    c.l0_lines = power(random, 0, 5);
    c.icache_ways = power(random, 0, 4);
    c.icache_bytes = power(random, 5, 13);
    c.ro_cache_bytes = random() % 3 == 0 ? 0 : power(random, 6, 13);
    c.ro_line_bytes = power(random, 4, 8);
    c.outstanding = 1 + static_cast<uint32_t>(random() % 16);
    latencies& l = c.latency;
    for (uint32_t* cycles :
         {&l.l2_read, &l.l2_cached_read, &l.l2_cached_miss, &l.l2_write, &l.l2_read_interval, &l.l2_word_interval,
          &l.device, &l.device_effect, &l.wake_up, &l.refill_hit, &l.refill_miss, &l.dma_start, &l.dma_end}) {
      *cycles = 1 + static_cast<uint32_t>(random() % 40);
    }
    const bool small = c.cores() <= 64 && c.l1_bytes() <= 1 << 18;
    if (refusal(c) == nullptr && small && c.sequential_total() <= c.l1_bytes() / 4 && c.l1_bytes() >= 4096) return c;
  }
}

std::string text_of(const configuration& c) {
  std::string text;
  for (const uint32_t v :
       {c.groups, c.sub_groups, c.tiles, c.core_tiles_per_group, c.cores_per_tile, c.banks_per_tile, c.bank_bytes,
        c.sequential_bytes, c.axi_bytes, c.dma_engines_per_group, c.line_bytes, c.l0_lines, c.icache_ways,
        c.icache_bytes, c.ro_cache_bytes, c.ro_line_bytes, c.outstanding}) {
    text += std::to_string(v) + " ";
  }
  return text;
}

constexpr uint32_t source = l2_base + 0x4003, sums_in_l2 = l2_base + 0x8000;

/// Core 0 moves `bytes` by DMA to three quarters of L1, while all others, and then it, add their number + 1 to words
/// that depend on it, in L1 from a half on and in L2. What is added does not depend on the order. The last one ends.
std::vector<uint32_t> adding_program(const configuration& c, uint32_t bytes) {
  const uint32_t counter = c.l1_bytes() / 4, sums = c.l1_bytes() / 2, moved = sums + counter + 1;
  const auto move = program(load_constant(21, dma_base), load_constant(22, source), load_constant(23, moved),
                            load_constant(24, bytes), word("sw", {0, 21, 22, 0}), word("sw", {0, 21, 23, 4}),
                            word("sw", {0, 21, 24, 8}), word("fence"), word("lw", {25, 21, 0, 0x14}),
                            word("lw", {26, 21, 0, 0x18}), word("beq", {0, 26, 0, down(4)}));
  const auto add = program(word("mul", {11, 11, 15}), word("addi", {11, 11, 0, 1234}), word("srli", {16, 11, 0, 8}),
                           word("and", {16, 16, 14}), word("andi", {16, 16, 0, down(4)}), word("add", {16, 16, 6}),
                           word("addi", {17, 10, 0, 1}), word("amoadd.w", {18, 16, 17}), word("lw", {19, 16}),
                           word("andi", {27, 11, 0, 0x7c}), word("add", {27, 27, 20}), word("amoadd.w", {0, 27, 17}),
                           word("lw", {28, 27}), word("sw", {0, 20, 28, 0x100}), word("addi", {12, 12, 0, down(1)}));
  const auto end = support::finish(3);
  const auto bytes_of = [](const std::vector<uint32_t>& words) { return static_cast<uint32_t>(4 * words.size()); };
  return program(load_constant(5, counter), load_constant(6, sums), load_constant(14, counter - 1),
                 load_constant(20, sums_in_l2), load_constant(15, 1103515245), word("csrrs", {10, 0, 0, 0xf14}),
                 word("addi", {11, 10}), word("addi", {12, 0, 0, 20}), word("bne", {0, 10, 0, bytes_of(move) + 4}),
                 move, add, word("bne", {0, 12, 0, down(bytes_of(add))}), word("fence"), word("addi", {17, 0, 0, 1}),
                 word("amoadd.w", {18, 5, 17}), load_constant(29, c.cores() - 1),
                 word("bne", {0, 18, 29, bytes_of(end) - 4}), end);
}

}  // namespace

TEST_CASE("configuration: whatever is not refused computes the same, and takes the same cycles however it is run") {
  INFO(support::seed_text());
  generator random(support::test_seed());
  for (int repeat = 0; repeat < 25; ++repeat) {
    const configuration c = any_configuration(random);
    CAPTURE(text_of(c));
    const uint32_t bytes = 1 + static_cast<uint32_t>(random() % min(c.l1_bytes() / 4 - 1, 0x3000u));
    const auto words = adding_program(c, bytes);
    std::vector<uint8_t> data(bytes);
    for (uint8_t& b : data) b = static_cast<uint8_t>(random());
    const auto prepare = [&](machine& m) {
      const std::vector<uint8_t> zeros(max(c.l1_bytes(), 0x200u));
      REQUIRE(m.write(0, zeros.data(), c.l1_bytes()));
      REQUIRE(m.write(sums_in_l2, zeros.data(), 0x200));
      REQUIRE(m.write(source, data.data(), bytes));
    };
    const auto start = [&] {
      auto m = load(c, words);
      prepare(*m);
      return m;
    };
    const auto memory = [&](machine& m) {
      REQUIRE(m.stop().reason == stop_reason::finished);
      std::vector<uint8_t> all(c.l1_bytes() + 0x80);
      m.read(0, all.data(), c.l1_bytes());
      m.read(sums_in_l2, all.data() + c.l1_bytes(), 0x80);
      return all;
    };
    constexpr uint64_t most = 1'000'000;
    const auto functional = start();
    functional->run(mode::functional, most);
    const auto expected = memory(*functional);
    const uint32_t moved = c.l1_bytes() / 2 + c.l1_bytes() / 4 + 1;
    CHECK(std::equal(data.begin(), data.end(), expected.begin() + moved));

    const auto timed = start();
    timed->run(mode::timed, most);
    CHECK(memory(*timed) == expected);
    check_sums(*timed);
    const uint64_t cycles = timed->cycle(mode::timed);

    const auto again = start();
    again->run(mode::timed, random() % cycles);
    again->reset();
    prepare(*again);
    while (again->stop().reason == stop_reason::running && again->cycle(mode::timed) < most) {
      again->run(mode::timed, 1 + random() % 97);
    }
    CHECK(memory(*again) == expected);
    CHECK(again->cycle(mode::timed) == cycles);
    CHECK(again->counters().line_refills() == timed->counters().line_refills());
    CHECK(again->counters().bank_conflicts() == timed->counters().bank_conflicts());

    const auto debugged = start();
    while (debugged->stop().reason == stop_reason::running && debugged->cycle(mode::timed) < most) {
      const auto core = static_cast<uint32_t>(random() % c.cores());
      switch (random() % 4) {
        case 0: debugged->run(mode::timed, random() % 200); break;
        case 1: debugged->settle(mode::timed); break;
        case 2: debugged->run_step(mode::timed, core, 500); break;
        default: debugged->run_alone(mode::timed, core, 30); break;
      }
    }
    CHECK(memory(*debugged) == expected);
    check_sums(*debugged);
  }
}
