// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/machine.hpp"

#include <doctest/doctest.h>

#include <random>

#include "machine_runs.hpp"
#include "support/elf_builder.hpp"
#include "support/random.hpp"

using namespace tessera;
using namespace tessera::test;
using support::encode;
using support::find;

TEST_CASE("l1_map: scrambling is a bijection that keeps a tile's sequential memory in the tile") {
  for (const configuration* c : configurations) {
    CAPTURE(c->name);
    const l1_map map(*c);
    std::vector<bool> seen(c->l1_bytes());
    uint32_t wrong = 0;
    for (uint32_t a = 0; a < c->l1_bytes(); ++a) {
      const uint32_t s = map.scramble(a);
      if (s >= c->l1_bytes()) FAIL(s);
      const bool in_place =
          a < c->sequential_total() ? map.tile(a) == a / c->sequential_bytes : map.bank(a) == a / 4 % c->banks();
      wrong += !seen[s] && map.unscramble(s) == a && s % 4 == a % 4 && in_place ? 0 : 1;
      seen[s] = true;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("configuration: what cannot be modelled is refused with a reason") {
  const auto with = [](auto change) {
    configuration c = minpool;
    change(c);
    return std::string(refusal(c) == nullptr ? "" : refusal(c));
  };
  CHECK(with([](configuration&) {}).empty());
  CHECK(with([](configuration& c) { c.banks_per_tile = 12; }).find("powers of two") != std::string::npos);
  CHECK(with([](configuration& c) { c.groups = 0; }).find("powers of two") != std::string::npos);
  CHECK(with([](configuration& c) { c.tiles = 2; }).find("fewer tiles") != std::string::npos);
  CHECK(with([](configuration& c) { c.core_tiles_per_group = 2; }).find("tiles with cores") != std::string::npos);
  CHECK(with([](configuration& c) { c.stack_bytes = 520; }).find("stacks") != std::string::npos);
  CHECK(with([](configuration& c) { c.axi_bytes = 128; }).find("banks of one tile") != std::string::npos);
  CHECK(with([](configuration& c) { c.latency.device = 0; }).find("latencies") != std::string::npos);
  CHECK(with([](configuration& c) { c.latency.device_effect = 17; }).find("before it answers") != std::string::npos);
  CHECK(with([](configuration& c) { c.latency.wake_up = 1000; }).empty());
  CHECK(with([](configuration& c) {
          c.latency.wake_up = 64;
          c.latency.device = c.latency.device_effect = 1;
        }).find("wake-up") != std::string::npos);
  CHECK(with([](configuration& c) { c.tiles = 64, c.groups = 1, c.core_tiles_per_group = 64; }).find("32 tiles") !=
        std::string::npos);
  CHECK(with([](configuration& c) { c.outstanding = 17; }).find("outstanding") != std::string::npos);
  CHECK(with([](configuration& c) { c.l2_bytes = 1u << 30; }).find("L2") != std::string::npos);
  CHECK(with([](configuration& c) { c.ro_line_bytes = 16; }).find("read-only cache") != std::string::npos);
  // Products that wrap, and engines that would share banks.
  CHECK(with([](configuration& c) { c.stack_bytes = 1u << 30; }).find("stacks") != std::string::npos);
  CHECK(with([](configuration& c) { c.ro_line_bytes = 1u << 31; }).find("read-only cache") != std::string::npos);
  CHECK(with([](configuration& c) { c.icache_bytes = 1u << 31; }).find("1 MiB") != std::string::npos);
  CHECK(with([](configuration& c) { c.dma_engines_per_group = 4; }).find("DMA engines") != std::string::npos);
}

TEST_CASE("machine: every instruction gives the same on the fast path, the slow path and timed") {
  INFO(support::seed_text());
  std::mt19937_64 random(support::test_seed());
  constexpr uint32_t buffer_base = 0x1000;
  for (int row = 0; row < instruction_count; ++row) {
    const instruction& i = instructions[row];
    CAPTURE(i.mnemonic);
    CAPTURE(static_cast<int>(i.operand_form));
    if (i.executes_on == unit::wait || i.executes_on == unit::csr) continue;
    const bool memory = i.bytes != 0;
    for (int repeat = 0; repeat < 20; ++repeat) {
      // Registers 5 and 6 hold addresses for memory instructions; the immediate is small and aligned.
      support::fields f{7, memory ? 5u : 8u, memory ? 6u : 9u, static_cast<uint32_t>(random() % 16) * 4};
      if (is_store(i.operand_form)) f = {6, 5, 9, f.imm};
      if (stores_by_register(i.operand_form)) f.rd = 6;
      if (i.executes_on == unit::atomic || i.executes_on == unit::conditional) f.rs2 = 9;
      if (repeat == 1 && writes_rd(i.operand_form)) f.rd = 0;
      if (i.operand_form == form::branch || i.operand_form == form::branch_imm || i.operand_form == form::jump)
        f.imm = 8;
      if (i.operand_form == form::jump_register) f = {7, 10, 0, 8};
      const uint32_t skipped = word("addi", {11, 11, 0, 1});
      const std::vector<uint32_t> words = program(encode(i, f), skipped, support::finish());
      const auto start = [&] {
        auto m = load(one_core, words);
        hart& h = m->core(0);
        h.pc = l2_base;
        std::mt19937_64 values(support::test_seed() + static_cast<uint64_t>(row * 100 + repeat));
        constexpr uint32_t edges[] = {0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 0x80, 0x8000, 0x7f7f7f7f};
        for (uint32_t r = 1; r < 30; ++r) {
          h.x[r] = repeat % 2 == 0 ? static_cast<uint32_t>(values()) : edges[values() % 8];
        }
        h.x[5] = buffer_base;
        h.x[6] = static_cast<uint32_t>(values() % 16) * 4;
        h.x[10] = l2_base;
        for (uint32_t a = 0; a < 256; a += 4) {
          const auto v = static_cast<uint32_t>(values());
          m->write(buffer_base + a, &v, 4);
        }
        return m;
      };
      const auto fast = start();
      const auto slow = start();
      const auto timed = start();
      REQUIRE(fast->run(mode::functional, 10'000).reason == stop_reason::finished);
      while (slow->step(0)) {
      }
      REQUIRE(slow->stop().reason == stop_reason::finished);
      REQUIRE(timed->run(mode::timed, 10'000).reason == stop_reason::finished);
      for (uint32_t r = 0; r < 32; ++r) {
        CAPTURE(r);
        REQUIRE(fast->core(0).x[r] == slow->core(0).x[r]);
        REQUIRE(fast->core(0).x[r] == timed->core(0).x[r]);
      }
      REQUIRE(fast->core(0).x[0] == 0);
      uint8_t bytes[3][256];
      fast->read(buffer_base, bytes[0], 256);
      slow->read(buffer_base, bytes[1], 256);
      timed->read(buffer_base, bytes[2], 256);
      REQUIRE(std::equal(bytes[0], bytes[0] + 256, bytes[1]));
      REQUIRE(std::equal(bytes[0], bytes[0] + 256, bytes[2]));
      REQUIRE(timed->counters().executed[row] > 0);
      check_sums(*timed);
    }
  }
}

TEST_CASE("machine: loads, stores and post-increment") {
  const auto m = load(one_core, program(word("p.lw", {10, 5, 0, 8}), encode(instructions[15], {0, 6, 7, 3}),
                                        word("lb", {11, 5, 0, 0}), word("lbu", {12, 5, 0, 0}), support::finish()));
  REQUIRE(std::string(instructions[15].mnemonic) == "p.sb");
  for (const mode how : modes) {
    m->reset();
    hart& h = m->core(0);
    h.pc = l2_base;
    h.x[5] = 0x1000;
    h.x[6] = 0x1100;
    h.x[7] = 0xabcd;
    const uint32_t values[] = {0x11223344, 0, 0x000000f0};
    m->write(0x1000, values, sizeof(values));
    REQUIRE(m->run(how, 10'000).reason == stop_reason::finished);
    CHECK(h.x[10] == 0x11223344);
    CHECK(h.x[5] == 0x1008);
    CHECK(h.x[11] == 0xfffffff0);
    CHECK(h.x[12] == 0xf0);
    CHECK(h.x[6] == 0x1103);
    uint8_t stored = 0;
    m->read(0x1100, &stored, 1);
    CHECK(stored == 0xcd);
  }
}

TEST_CASE("machine: programs that go wrong stop with core, pc and cause") {
  struct bad {
    std::vector<uint32_t> words;
    stop_reason reason;
    uint32_t pc;
  };
  const auto with = [](uint32_t address, uint32_t last) {
    return program(load_constant(5, address), last, word("jal"));
  };
  const std::vector<bad> programs = {
      {{word("addi"), 0}, stop_reason::illegal_instruction, l2_base + 4},
      {with(0x1002, word("lw", {6, 5})), stop_reason::misaligned_access, l2_base + 8},
      {with(0x1000, word("p.lh", {6, 5, 0, 1})), stop_reason::misaligned_access, l2_base + 8},
      {with(0x70000000, word("lw", {6, 5})), stop_reason::unmapped_access, l2_base + 8},
      {with(0x00010000, word("sw", {0, 5, 6})), stop_reason::unmapped_access, l2_base + 8},
      {with(0xa0000000, word("sw", {0, 5, 6})), stop_reason::read_only_write, l2_base + 8},
      {with(0x80001000, word("jalr", {0, 5})), stop_reason::fetch_outside_code, 0x80001000},
      {with(0x00001000, word("jalr", {0, 5})), stop_reason::fetch_outside_code, 0x00001000},
      {with(0x80000002, word("jalr", {0, 5})), stop_reason::misaligned_jump, 0x80000002},
      {with(0x80002000, word("lr.w", {6, 5})), stop_reason::unsupported_access, l2_base + 8},
      {with(0x40000000, word("lb", {6, 5})), stop_reason::unsupported_access, l2_base + 8},
      {with(0x40010014, word("lw", {6, 5})), stop_reason::bad_dma, l2_base + 8},
      {with(0x40000030, word("sw", {0, 5, 6})), stop_reason::unsupported_access, l2_base + 8},
      {{word("wfi"), word("jal", {0, 0, 0, down(4)})}, stop_reason::deadlock, 0},
      {program(load_constant(2, 0x400), load_constant(5, 0x3f0), word("csrrw", {0, 5, 0, 0x7d1}),
               word("addi", {2, 2, 0, down(0x20)})),
       stop_reason::stack_overflow, l2_base + 20},
  };
  for (const bad& p : programs) {
    for (const mode how : modes) {
      for (const configuration* c : {&one_core, &minpool}) {
        const stop_report stop = run(*c, p.words, how);
        CAPTURE(to_string(p.reason));
        CAPTURE(static_cast<int>(how));
        CHECK(to_string(stop.reason) == std::string(to_string(p.reason)));
        if (p.reason != stop_reason::deadlock && p.reason != stop_reason::misaligned_jump) CHECK(stop.pc == p.pc);
        CHECK(stop.core < c->cores());
      }
    }
  }
}

TEST_CASE("machine: a run that does not end is still running") {
  for (const mode how : modes) {
    CHECK(run(one_core, {word("jal", {0, 0, 0, 0})}, how, 5000).reason == stop_reason::running);
  }
}

TEST_CASE("machine: the exit code, UART and dumps reach the host") {
  const auto m =
      load(minpool, program(word("csrrs", {10, 0, 0, 0xf14}), word("bne", {0, 10, 0, 40}), load_constant(5, uart_base),
                            word("addi", {6, 0, 0, 'h'}), word("sb", {0, 5, 6}), word("addi", {6, 0, 0, '\n'}),
                            word("sb", {0, 5, 6}), word("addi", {7, 0, 0, 42}), word("csrrw", {0, 7, 0, 0x800}),
                            word("addi"), support::finish(21)));
  for (const mode how : modes) {
    m->reset();
    struct heard {
      std::string text;
      std::vector<uint32_t> values;
    } heard;
    host_interface host;
    host.context = &heard;
    host.uart = [](void* c, const char* text, size_t size) { static_cast<struct heard*>(c)->text.append(text, size); };
    host.dump = [](void* c, uint32_t, uint64_t, uint32_t csr, uint32_t value) {
      if (csr == 0x800) static_cast<struct heard*>(c)->values.push_back(value);
    };
    m->set_host(host);
    const stop_report& stop = m->run(how, 100'000);
    CHECK(stop.reason == stop_reason::finished);
    if (stop.core == 0) CHECK(heard.text == "h\n");
    CHECK(stop.exit_code == 21);
  }
}

TEST_CASE("machine: a timed run is the same in one piece and in slices, and again after a reset") {
  // All cores add to one counter, then to counters of their own, and the last to finish ends the program.
  const auto words =
      program(load_constant(5, 0x4000), word("addi", {6, 0, 0, 1}), word("csrrs", {10, 0, 0, 0xf14}),
              word("slli", {11, 10, 0, 6}), word("add", {11, 11, 5}), word("addi", {12, 0, 0, 20}),
              word("amoadd.w", {7, 5, 6}), word("lw", {8, 11, 0, 64}), word("mul", {8, 8, 7}),
              word("sw", {0, 11, 8, 64}), word("addi", {12, 12, 0, down(1)}), word("bne", {0, 12, 0, down(20)}),
              word("fence"), word("amoadd.w", {7, 5, 6, 0}), word("addi", {9, 0, 0, 16 * 20 + 15}),
              word("beq", {0, 7, 9, 8}), word("wfi"), support::finish(3));
  const auto whole = load(minpool, words);
  REQUIRE(whole->run(mode::timed, 100'000).reason == stop_reason::finished);
  CHECK(whole->stop().exit_code == 3);
  CHECK(whole->counters().bank_conflicts() > 0);
  check_sums(*whole);
  const auto sliced = load(minpool, words);
  while (sliced->stop().reason == stop_reason::running) {
    sliced->run(mode::timed, 7);
    check_sums(*sliced);
  }
  CHECK(sliced->cycle(mode::timed) == whole->cycle(mode::timed));
  const uint64_t cycles = whole->cycle(mode::timed);
  whole->reset();
  const uint32_t zero = 0;
  whole->write(0x4000, &zero, 4);
  REQUIRE(whole->run(mode::timed, 100'000).reason == stop_reason::finished);
  CHECK(whole->cycle(mode::timed) == cycles);
}

TEST_CASE("machine: DMA moves bytes of any alignment, seen without scrambling") {
  INFO(support::seed_text());
  std::mt19937_64 random(support::test_seed());
  for (const configuration* c : {&minpool, &mempool}) {
    for (const mode how : modes) {
      for (int repeat = 0; repeat < 30; ++repeat) {
        const uint32_t l1 = 0x20000 % c->l1_bytes() + c->sequential_total() + static_cast<uint32_t>(random() % 5000);
        const uint32_t l2 = l2_base + 0x10000 + static_cast<uint32_t>(random() % 9000);
        const uint32_t bytes = 1 + static_cast<uint32_t>(random() % (repeat < 10 ? 40 : 6000));
        const bool in = repeat % 2 == 0;
        const auto registers = program(load_constant(5, dma_base), load_constant(6, in ? l2 : l1),
                                       load_constant(7, in ? l1 : l2), load_constant(8, bytes));
        const auto words = program(word("csrrs", {10, 0, 0, 0xf14}), word("beq", {0, 10, 0, 8}), word("wfi"), registers,
                                   word("sw", {0, 5, 6, 0}), word("sw", {0, 5, 7, 4}), word("sw", {0, 5, 8, 8}),
                                   word("fence"), word("lw", {9, 5, 0, 0x14}), word("fence"),
                                   word("lw", {9, 5, 0, 0x18}), word("beq", {0, 9, 0, down(4)}), support::finish());
        const auto m = load(*c, words);
        std::vector<uint8_t> data(bytes + 2);
        for (uint8_t& b : data) b = static_cast<uint8_t>(random());
        m->write(in ? l2 : l1, data.data(), bytes);
        REQUIRE(m->run(how, 200'000).reason == stop_reason::finished);
        std::vector<uint8_t> moved(bytes + 2);
        REQUIRE(m->read((in ? l1 : l2) - 1, moved.data(), bytes + 2));
        CHECK(moved.front() == 0);
        CHECK(moved.back() == 0);
        CHECK(std::equal(data.begin(), data.end() - 2, moved.begin() + 1));
        if (how == mode::timed) CHECK(m->counters().dma_bytes() == bytes);
      }
    }
  }
}

TEST_CASE("machine: a program that starts in L1 is refused, and changes nothing") {
  const auto m = load(one_core, support::finish(3));
  support::elf_builder b;
  b.entry = 0x1000;
  b.add_segment(0x1000, std::string(16, '\x13'), 16, 5);
  const std::vector<uint8_t> file = b.bytes();
  const elf_error error = m->load_elf(file.data(), file.size());
  CHECK(error.reason == elf_reason::entry_outside_l2);
  CHECK(error.segment == 0);
  REQUIRE(m->run(mode::timed, 10'000).reason == stop_reason::finished);
  CHECK(m->stop().exit_code == 3);
}

TEST_CASE("machine: breakpoints stop before the instruction, and the program goes on") {
  for (const mode how : modes) {
    const auto m = load(one_core, program(word("addi", {5, 0, 0, 1}), word("addi", {5, 5, 0, 2}), support::finish()));
    REQUIRE(m->set_breakpoint(l2_base + 4));
    CHECK(!m->set_breakpoint(0x1000));
    REQUIRE(m->run(how, 10'000).reason == stop_reason::breakpoint);
    CHECK(m->stop().pc == l2_base + 4);
    CHECK(m->core(0).x[5] == 1);
    m->clear_breakpoint(l2_base + 6);  // is nowhere: changes nothing
    m->clear_breakpoint(l2_base + 4);
    m->resume();
    REQUIRE(m->run(how, 10'000).reason == stop_reason::finished);
    CHECK(m->core(0).x[5] == 3);
  }
}

TEST_CASE("machine: the history has the last instructions, oldest first") {
  const auto m = load(one_core, program(word("addi", {5, 0, 0, 3}), word("addi", {5, 5, 0, down(1)}),
                                        word("bne", {0, 5, 0, down(4)}), 0u));
  for (const mode how : modes) {
    m->reset();
    REQUIRE(m->run(how, 10'000).reason == stop_reason::illegal_instruction);
    const hart& h = m->core(0);
    std::vector<uint32_t> recent;
    for (uint32_t i = 0; i < history_length; ++i) recent.push_back(h.history[(h.history_next + i) % history_length]);
    const std::vector<uint32_t> expected = {l2_base,     l2_base + 4, l2_base + 8, l2_base + 4,
                                            l2_base + 8, l2_base + 4, l2_base + 8};
    CHECK(std::equal(expected.rbegin(), expected.rend(), recent.rbegin()));
  }
}

TEST_CASE("machine: stores into code take effect in the functional mode and at the next fetch") {
  // Overwrites the instruction behind it with addi t2, zero, 7.
  const auto words = program(load_constant(5, l2_base + 20), load_constant(6, word("addi", {7, 0, 0, 7})),
                             word("sw", {0, 5, 6}), word("addi", {7, 0, 0, 1}), support::finish());
  for (const mode how : modes) {
    const auto m = load(one_core, words);
    m->core(0).pc = l2_base;
    REQUIRE(m->run(how, 10'000).reason == stop_reason::finished);
    if (how == mode::functional) CHECK(m->core(0).x[7] == 7);
  }
}

TEST_CASE("machine: LR/SC succeed undisturbed, fail when another core wrote") {
  const instruction& sc = find("sc.w");
  const auto words = program(load_constant(5, 0x2000), word("addi", {6, 0, 0, 9}), word("lr.w", {7, 5}),
                             encode(sc, {8, 5, 6}), encode(sc, {9, 5, 6}), support::finish());
  for (const mode how : modes) {
    const auto m = load(one_core, words);
    m->core(0).pc = l2_base;
    REQUIRE(m->run(how, 10'000).reason == stop_reason::finished);
    CHECK(m->core(0).x[8] == 0);  // stored
    CHECK(m->core(0).x[9] == 1);  // the reservation is gone
    uint32_t value = 0;
    m->read(0x2000, &value, 4);
    CHECK(value == 9);
  }
}
