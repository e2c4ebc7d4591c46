// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/gdb.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "unit/sim/gdb_session.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("gdb: each core stops at a breakpoint, and the program ends as without") {
  for (const mode how : modes) {
    for (const char* go_on : {"c", "vCont;c"}) {
      CAPTURE(go_on);
      client c(small, how);
      CHECK(c.ask("qSupported:swbreak+;hwbreak+") != "");
      CHECK(c.ask("Z0," + hex(at_add) + ",4") == "OK");
      std::set<std::string> stops;
      for (int core = 0; core < 4; ++core) {
        stops.insert(c.ask(go_on));
        CHECK(c.ask("p20") == little(at_add));
        // What was stored and loaded is there, in the timed mode, too.
        const std::string number = c.ask("pa");
        CHECK(c.ask("pd") == little(10 + static_cast<uint32_t>(number[1] - '0')));
        CHECK(c.ask("m10" + hex(4 * static_cast<uint32_t>(number[1] - '0')) + ",4") == c.ask("pd"));
      }
      CHECK(stops == std::set<std::string>{"T05thread:1;swbreak:;", "T05thread:2;swbreak:;", "T05thread:3;swbreak:;",
                                           "T05thread:4;swbreak:;"});
      CHECK(c.ask(go_on) == "W07");
      CHECK(c.ask(go_on) == "W07");
      CHECK(c.ask("?") == "W07");
    }
  }
}

TEST_CASE("gdb: a step executes one instruction of one core while the others go on, or are held") {
  for (const mode how : modes) {
    client c(small, how);
    CHECK(c.ask("Z0," + hex(l2_base) + ",4") == "OK");
    const std::string first = c.ask("c");
    CHECK(c.ask("z0," + hex(l2_base) + ",4") == "OK");
    REQUIRE(first == "T05thread:1;");
    const auto executed = [&](uint32_t core) { return c.m.core(core).instructions; };
    for (uint32_t i = 1; i <= 3; ++i) {
      const uint64_t others = executed(1) + executed(2) + executed(3);
      const uint64_t own = executed(0);
      CHECK(c.ask("vCont;s:1") == "T05thread:1;");
      CHECK(c.ask("p20") == little(l2_base + 4 * i));
      CHECK(executed(0) == own + 1);
      CHECK(executed(1) + executed(2) + executed(3) == others);
    }
    const uint64_t before = executed(1);
    CHECK(c.ask("vCont;s:2;c") == "T05thread:2;");
    CHECK(executed(1) == before + 1);
    CHECK(c.ask("Hc3") == "OK");
    CHECK(c.ask("s") == "T05thread:3;");
    CHECK(c.ask("S05") == "T05thread:3;");
    CHECK(c.ask("C05") == "W07");
    for (const char* wrong :
         {"vCont", "vCont;", "vCont;x", "vCont;c:9", "vCont;S", "vCont;c:1;c:2", "vContc", "C", "Sxy", "cx"}) {
      client other(small, how);
      CAPTURE(wrong);
      CHECK(other.ask(wrong) == "E01");
      CHECK_FALSE(other.server.running());
    }
  }
}

TEST_CASE("gdb: a core that sleeps steps when it was woken, and cannot go on alone") {
  const auto wake_all = program(load_constant(30, 0x4000'0004), load_constant(31, ~uint32_t{0}));
  const auto words = program(
      word("csrrs", {.rd = a0, .rs1 = 0, .imm = 0xf14}), word("beq", {.rs1 = a0, .rs2 = 0, .imm = 16}), word("wfi"),
      word("addi", {.rd = a1, .rs1 = 0, .imm = 5}), word("wfi"), wake_all, std::vector<uint32_t>(1100, word("addi")),
      word("sw", {.rs1 = 30, .rs2 = 31}), std::vector<uint32_t>(60, word("addi")), finish());
  for (const mode how : modes) {
    client c(words, how);
    CHECK(c.ask("Z0," + hex(l2_base + 0x24 + 1100 * 4) + ",4") == "OK");  // core 0, about to wake the others
    CHECK(c.ask("c") == "T05thread:1;");
    CHECK(c.ask("Hg3") == "OK");
    const std::string asleep = c.ask("p20");
    CHECK(c.ask("vCont;c:3") == "T05thread:3;");
    CHECK(c.ask("vCont;s:3") == "T05thread:3;");
    CHECK(c.ask("p20") == asleep);
    CHECK(c.ask("vCont;s:3;c") == "T05thread:3;");
    CHECK(c.ask("p20") != asleep);
  }
}

TEST_CASE("gdb: faults have a signal and a reason, and may be mended") {
  for (const mode how : modes) {
    client c(small, how);
    CHECK(c.ask("Z0," + hex(at_store) + ",4") == "OK");
    REQUIRE(c.ask("c") == "T05thread:1;");
    CHECK(c.ask("z0," + hex(at_store) + ",4") == "OK");
    CHECK(c.ask("Pc=00000050") == "OK");
    const auto reason_of = [](const std::string& answer) {
      std::string text;
      for (std::size_t i = 1; i + 1 < answer.find(' '); i += 2)
        text += static_cast<char>(std::stoi(answer.substr(i, 2), nullptr, 16));
      return text + answer.substr(answer.find(' ') + 1);
    };
    CHECK(reason_of(c.ask("vCont;c:1")) == "core 0: access to an address where nothing is: 0x50000100\nT0bthread:1;");
    CHECK(c.ask("Pc=02000000") == "OK");
    CHECK(reason_of(c.ask("vCont;s:1")) == "core 0: misaligned memory access: 0x102\nT0athread:1;");
    CHECK(c.ask("Pc=00000000") == "OK");
    CHECK(c.ask("vCont;s:1") == "T05thread:1;");
    CHECK(c.ask("P20=02000080") == "OK");
    CHECK(reason_of(c.ask("vCont;s:1")) ==
          "core 0: jump to an address that is no multiple of 4: 0x80000002\nT0athread:1;");
    CHECK(c.ask("P20=00000090") == "OK");
    CHECK(c.ask("vCont;s:1").find("T0bthread:1;") != std::string::npos);
    CHECK(c.ask("P20=" + little(at_store)) == "OK");
    CHECK(c.ask("M" + hex(at_store) + ",4:ffffffff") == "OK");
    CHECK(reason_of(c.ask("vCont;c:1")) == "core 0: illegal instruction: 0xffffffff\nT04thread:1;");
    CHECK(c.ask("M" + hex(at_store) + ",4:" + little(small[3])) == "OK");
    CHECK(c.ask("c") == "W07");

    client sleeper({word("wfi"), word("jal", {.rd = 0, .imm = static_cast<uint32_t>(-4)})}, how);
    CHECK(reason_of(sleeper.ask("c")) ==
          "core 0: deadlock: all cores sleep, and nothing is left that could wake them\nT05thread:1;");
  }
}

TEST_CASE("gdb: a breakpoint stays when its code is written, and a moved pc stops at what is there") {
  for (const mode how : modes) {
    client c(small, how);
    CHECK(c.ask("Z0," + hex(at_load) + ",4") == "OK");
    CHECK(c.ask("M" + hex(at_load) + ",4:" + little(word("addi", {.rd = a3, .rs1 = 0, .imm = 99}))) == "OK");
    REQUIRE(c.ask("c") == "T05thread:1;");
    CHECK(c.ask("m" + hex(at_load) + ",4") == little(word("addi", {.rd = a3, .rs1 = 0, .imm = 99})));
    CHECK(c.ask("Z0," + hex(at_add) + ",4") == "OK");
    CHECK(c.ask("P20=" + little(at_add)) == "OK");
    CHECK(c.ask("vCont;c:1") == "T05thread:1;");
    CHECK(c.ask("p20") == little(at_add));
    CHECK(c.ask("c" + hex(at_load)) == "T05thread:1;");
    CHECK(c.ask("vCont;s:1") == "T05thread:1;");
    CHECK(c.ask("pd") == little(99));
  }
}

TEST_CASE("gdb: interrupting, leaving, ending") {
  const std::vector<uint32_t> forever = {word("jal", {.rd = 0, .imm = 0})};
  for (const mode how : modes) {
    client c(forever, how);
    CHECK(c.raw("\x03") == "");
    CHECK(c.raw(gdb_packet("vCont;c")) == "+");
    c.run(5000);
    CHECK(c.server.running());
    CHECK(c.raw(gdb_packet("g")) == "+");  // GDB waits
    CHECK(gdb_payloads(c.raw("\x03")) == "T02thread:1;");
    CHECK_FALSE(c.server.running());
    // An instruction that jumps to itself under a breakpoint is executed before it is met again.
    CHECK(c.ask("Z0," + hex(l2_base) + ",4") == "OK");
    c.ask("c");
    const uint32_t core = c.m.stop().core;
    const uint64_t before = c.m.core(core).instructions;
    c.ask("c");
    CHECK(c.m.core(core).instructions == before + 1);
    CHECK(c.ask("D") == "OK");
    CHECK(c.server.session() == gdb_session::detached);
    CHECK(c.m.stop().reason == stop_reason::running);
    CHECK(c.m.run(how, 5000).reason == stop_reason::running);  // no breakpoint is left
    CHECK(c.ask("g") == "");
    client killed(small, how);
    CHECK(killed.raw(gdb_packet("k")) == "+");
    CHECK(killed.server.session() == gdb_session::killed);
    client killed_politely(small, how);
    CHECK(killed_politely.ask("vKill;1") == "OK");
    CHECK(killed_politely.server.session() == gdb_session::killed);
  }
}

TEST_CASE("gdb: every cycle in which a core was held is in its sum, and stepping changes no result") {
  for (const mode how : modes) {
    client alone(small, how);
    CHECK(alone.ask("c") == "W07");
    client stepped(small, how);
    std::string answer;
    for (int i = 0; i < 5000 && answer != "W07"; ++i) {
      answer = stepped.ask(i % 3 == 0 ? "vCont;s:2;c" : i % 3 == 1 ? "vCont;s:1" : "vCont;s:1;c");
      if (stepped.m.core(1).asleep && stepped.m.core(1).pc > l2_base) answer = stepped.ask("vCont;s:1;c");
    }
    CHECK(answer == "W07");
    for (uint32_t core = 0; core < 4; ++core) {
      for (uint32_t r = 0; r < 30; ++r) CHECK(stepped.m.core(core).x[r] == alone.m.core(core).x[r]);
      if (how == mode::functional) continue;
      uint64_t sum = stepped.m.core(core).instructions;
      for (int i = 0; i < stall_count; ++i) sum += stepped.m.counters().stalls(core, static_cast<stall>(i));
      CHECK(sum == stepped.m.cycle(how));
    }
  }
}

TEST_CASE("gdb: any bytes are safe") {
  for (const mode how : modes) {
    std::mt19937_64 random(support::test_seed());
    INFO(support::seed_text());
    client c(small, how);
    const std::string letters = "?gGpPmMXZzcsCSHTDqQv0123456789abcdef,:;=#$}\x03+-";
    for (int i = 0; i < 3000 && c.server.session() == gdb_session::active; ++i) {
      std::string bytes;
      for (uint64_t n = random() % 20; n != 0; --n) {
        bytes += random() % 4 == 0 ? static_cast<char>(random() % 256) : letters[random() % letters.size()];
      }
      if (bytes.find_first_of("kD") != std::string::npos) continue;
      gdb_payloads(c.raw(random() % 2 == 0 ? gdb_packet(bytes) : bytes));
      gdb_payloads(c.run(50));
    }
  }
}
