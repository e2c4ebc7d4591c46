// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/gdb.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/assembler.hpp"
#include "support/random.hpp"

using namespace tessera;
using namespace tessera::sim;
using support::finish;
using support::load_constant;
using support::program;
using support::to_bytes;
using support::word;

namespace {

constexpr configuration four_cores = [] {
  configuration c = minpool;
  c.name = "four";
  c.groups = c.tiles = 1;
  c.l2_bytes = 1 << 16;
  return c;
}();
static_assert(refusal(four_cores) == nullptr);

constexpr uint32_t a0 = 10, a1 = 11, a2 = 12, a3 = 13;

// Each core stores 10 + its number in L1 and loads it. The others sleep; core 0 ends the program with 7, late enough
// that in the functional mode, too, the others have had their turn.
constexpr uint32_t at_store = l2_base + 0x0c, at_load = l2_base + 0x10, at_add = l2_base + 0x14;
const std::vector<uint32_t> small = program(
    word("csrrs", {.rd = a0, .rs1 = 0, .imm = 0xf14}), word("addi", {.rd = a1, .rs1 = a0, .imm = 10}),
    word("slli", {.rd = a2, .rs1 = a0, .imm = 2}), word("sw", {.rs1 = a2, .rs2 = a1, .imm = 0x100}),
    word("lw", {.rd = a3, .rs1 = a2, .imm = 0x100}), word("addi", {.rd = a3, .rs1 = a3, .imm = 1}),
    word("beq", {.rs1 = a0, .rs2 = 0, .imm = 12}), word("wfi"), word("jal", {.rd = 0, .imm = static_cast<uint32_t>(-4)}),
    std::vector<uint32_t>(functional::quantum, word("addi")), finish(7));

std::string framed(const std::string& payload) {
  unsigned sum = 0;
  for (const char c : payload) sum += static_cast<uint8_t>(c);
  char checksum[4];
  std::snprintf(checksum, sizeof checksum, "#%02x", sum % 256);
  return "$" + payload + checksum;
}

/// The other end of the line.
class client {
 public:
  client(const std::vector<uint32_t>& words, mode how, const configuration& c = four_cores)
      : bytes_(to_bytes(words)), m(c), server_(m, how, take, this) {
    REQUIRE(m.load_raw(bytes_.data(), bytes_.size()));
  }

  /// What the server sends for these bytes, as it is.
  std::string raw(const std::string& bytes) {
    sent_.clear();
    server_.receive(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    return sent_;
  }
  /// The payloads of what it sends for a packet and the run that follows, joined.
  std::string ask(const std::string& payload) {
    std::string sent = raw(framed(payload));
    for (int i = 0; i < 1000 && server_.running(); ++i) {
      sent_.clear();
      server_.run(64);
      sent += sent_;
    }
    return payloads(sent);
  }
  static std::string payloads(const std::string& sent) {
    std::string all;
    for (std::size_t at = sent.find('$'); at != std::string::npos; at = sent.find('$', at)) {
      const std::size_t end = sent.find('#', at);
      REQUIRE(end + 2 < sent.size());
      const std::string payload = sent.substr(at + 1, end - at - 1);
      CHECK(sent.substr(at, end + 3 - at) == framed(payload));
      all += (all.empty() ? "" : " ") + payload;
      at = end;
    }
    return all;
  }
  gdb_server& server() { return server_; }

 private:
  static void take(void* context, const char* data, std::size_t size) {
    static_cast<client*>(context)->sent_.append(data, size);
  }
  std::vector<uint8_t> bytes_;
  std::string sent_;

 public:
  machine m;

 private:
  gdb_server server_;
};

std::string hex(uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%x", value);
  return text;
}
/// A register's value as the protocol has it.
std::string little(uint32_t v) {
  char text[9];
  std::snprintf(text, sizeof text, "%02x%02x%02x%02x", v & 255, v >> 8 & 255, v >> 16 & 255, v >> 24);
  return text;
}

constexpr mode modes[] = {mode::functional, mode::timed};

}  // namespace

TEST_CASE("gdb: packets, acknowledged and not, damaged and too long") {
  client c(small, mode::timed);
  CHECK(c.raw("+") == "");
  CHECK(c.raw("noise\x03#00") == "");
  CHECK(c.raw("$?#3f") == "+$T05thread:1;#d7");
  CHECK(c.raw("-") == "$T05thread:1;#d7");
  CHECK(c.raw("$?#3e") == "-");
  CHECK(c.raw("$?#zz") == "-");
  CHECK(c.raw("$qC$?#3f") == "+$T05thread:1;#d7");  // the first has lost its end
  CHECK(c.raw(framed("vMustReplyEmpty")) == "+$#00");
  CHECK(c.raw(framed("")) == "+$#00");
  CHECK(c.raw(framed(std::string(gdb_packet_bytes, 'm'))) == "+" + framed("E01"));
  CHECK(c.raw(framed(std::string(gdb_packet_bytes + 1, 'g'))) == "+" + framed("E01"));
  CHECK(c.raw(framed(std::string(3 * gdb_packet_bytes, 'g'))) == "+" + framed("E01"));
  for (const char byte : framed("qC")) {
    CAPTURE(byte);
    const std::string sent = c.raw(std::string(1, byte));
    if (!sent.empty()) CHECK(sent == "+" + framed("QC1"));
  }
  CHECK(c.raw(framed("QStartNoAckMode")) == "+" + framed("OK"));
  CHECK(c.raw("$?#3f") == framed("T05thread:1;"));
  CHECK(c.raw("$?#3e") == "");
}

TEST_CASE("gdb: what GDB asks first") {
  client c(small, mode::timed);
  CHECK(c.ask("qSupported:multiprocess+;swbreak+") ==
        "PacketSize=1000;QStartNoAckMode+;qXfer:features:read+;vContSupported+;swbreak+;hwbreak+");
  CHECK(c.ask("vCont?") == "vCont;c;C;s;S");
  CHECK(c.ask("qAttached") == "0");
  CHECK(c.ask("qfThreadInfo") == "m1,2,3,4");
  CHECK(c.ask("qsThreadInfo") == "l");
  CHECK(c.ask("T4") == "OK");
  CHECK(c.ask("T5") == "E01");
  CHECK(c.ask("T0") == "E01");
  CHECK(c.ask("qThreadExtraInfo,2") == "666f757220636f726520312c206177616b65");  // four core 1, awake
  CHECK(c.ask("qThreadExtraInfo,9") == "E01");
  CHECK(c.ask("Hg3") == "OK");
  CHECK(c.ask("qC") == "QC3");
  CHECK(c.ask("Hg-1") == "OK");
  CHECK(c.ask("Hg5") == "E01");
  CHECK(c.ask("Hx1") == "E01");
  CHECK(c.ask("qSymbol::") == "OK");
  for (const char* unknown : {"qTStatus", "qOffsets", "qRcmd,00", "vAttach;1", "!", "QNonStop:1", "i", "Z2,0,4"}) {
    CAPTURE(unknown);
    CHECK(c.ask(unknown) == "");
  }
}

TEST_CASE("gdb: threads of a machine with more cores than a packet can name") {
  client c(small, mode::functional, terapool);
  std::set<std::string> seen;
  std::string answer = c.ask("qfThreadInfo");
  for (int packets = 0; answer != "l" && packets < 10; ++packets) {
    REQUIRE(answer.at(0) == 'm');
    REQUIRE(answer.size() <= gdb_packet_bytes);
    for (std::size_t at = 0; at != std::string::npos; at = answer.find(',', at + 1)) {
      seen.insert(answer.substr(at + 1, answer.find(',', at + 1) - at - 1));
    }
    answer = c.ask("qsThreadInfo");
  }
  CHECK(seen.size() == 1024);
  CHECK(seen.count("400") == 1);
}

TEST_CASE("gdb: the target description, in parts of any size") {
  client c(small, mode::timed);
  const std::string whole = c.ask("qXfer:features:read:target.xml:0,fff");
  REQUIRE(whole.substr(0, 6) == "l<?xml");
  CHECK(whole.find("<architecture>riscv:rv32</architecture>") != std::string::npos);
  CHECK(whole.find("<reg name=\"sp\" bitsize=\"32\" regnum=\"2\" type=\"data_ptr\"/>") != std::string::npos);
  CHECK(whole.find("<reg name=\"mhartid\" bitsize=\"32\" regnum=\"3925\" type=\"int\"/>") != std::string::npos);
  CHECK(whole.substr(whole.size() - 9) == "</target>");
  for (const uint32_t size : {1u, 7u, 1000u}) {
    std::string joined;
    std::string part = "m";
    while (part[0] == 'm' && joined.size() < whole.size()) {
      part = c.ask("qXfer:features:read:target.xml:" + hex(static_cast<uint32_t>(joined.size())) + "," + hex(size));
      joined += part.substr(1);
    }
    CHECK("l" + joined == whole);
  }
  CHECK(c.ask("qXfer:features:read:target.xml:ffffffff,ffffffff") == "l");
  CHECK(c.ask("qXfer:features:read:other.xml:0,10") == "E00");
}

TEST_CASE("gdb: registers") {
  for (const mode how : modes) {
    client c(small, how);
    CHECK(c.ask("P5=78563412") == "OK");
    CHECK(c.ask("p5") == "78563412");
    CHECK(c.m.core(0).x[5] == 0x12345678);
    CHECK(c.ask("P0=78563412") == "OK");
    CHECK(c.ask("p0") == "00000000");
    CHECK(c.ask("p20") == little(boot_base));
    CHECK(c.ask("P20=00000080") == "OK");
    CHECK(c.m.core(0).pc == l2_base);
    CHECK(c.ask("Hg4") == "OK");
    CHECK(c.ask("pf55") == "03000000");      // mhartid
    CHECK(c.ask("P812=00010000") == "OK");  // stacklimit
    CHECK(c.m.core(3).stack_limit == 0x100);
    std::string all;
    for (uint32_t r = 0; r < 33; ++r) all += little(r * 0x01020304);
    CHECK(c.ask("G" + all) == "OK");
    CHECK(c.ask("g") == all);
    CHECK(c.m.core(3).x[31] == 31 * 0x01020304);
    CHECK(c.m.core(0).x[31] == 0);
    for (const char* wrong : {"p", "p21", "pffffffff", "pfffffffff", "P5", "P5=", "P5=123456", "P5=1234567g", "P21=00000000",
                              "Pf55=00000000", "G", "G00"}) {
      CAPTURE(wrong);
      CHECK(c.ask(wrong) == "E01");
    }
  }
}

TEST_CASE("gdb: memory") {
  client c(small, mode::timed);
  CHECK(c.ask("M200,4:01020304") == "OK");
  CHECK(c.ask("m200,4") == "01020304");
  CHECK(c.ask("m1fe,4") == "00000102");
  CHECK(c.ask(std::string("X201,3:") + "\x7d\x03" + "a" + "\x7d\x5d") == "OK");  // "#" and "}" are escaped
  CHECK(c.ask("m200,4") == "0123617d");
  CHECK(c.ask("X0,0:") == "OK");
  CHECK(c.ask("m80000000,4") == little(small[0]));
  CHECK(c.ask("ma0000008,4") == little(word("wfi")));
  CHECK(c.ask("ma000000e,8") == "0500");  // the end of the boot ROM
  const uint32_t l1_end = four_cores.l1_bytes();
  CHECK(c.ask("m" + hex(l1_end - 2) + ",4") == "0000");
  CHECK(c.ask("m0,ffffffff").size() == gdb_packet_bytes);
  for (const std::string& outside : {"m" + hex(l1_end) + ",4", "M" + hex(l1_end - 2) + ",4:01020304", std::string("m40000000,4"),
                                     std::string("M40000000,4:00000000"), std::string("Ma0000000,1:00"), std::string("mffffffff,2"),
                                     std::string("M8000ffff,2:0102")}) {
    CAPTURE(outside);
    CHECK(c.ask(outside) == "E0e");
  }
  for (const char* wrong : {"m", "m0", "m0,", "m,4", "mfffffffff,4", "M0,4", "M0,4:", "M0,4:0102", "M0,4:0102030g",
                            "M0,1:0102", "X0,2:a", "Mffffffff,ffffffff:00"}) {
    CAPTURE(wrong);
    CHECK(c.ask(wrong) == "E01");
  }
}

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

TEST_CASE("gdb: kinds of breakpoints, and places where none can be") {
  for (const mode how : modes) {
    client c(small, how);
    const std::string place = "," + hex(at_store) + ",4";
    CHECK(c.ask("Z0,100,4") == "E0e");
    CHECK(c.ask("Z0," + hex(at_store + 2) + ",4") == "E0e");
    CHECK(c.ask("Z0," + hex(l2_base + 0x8000) + ",4") == "E0e");
    CHECK(c.ask("Z0") == "E01");
    CHECK(c.ask("Z1" + place) == "OK");
    CHECK(c.ask("c").substr(0, 12) == "T05thread:1;");  // not swbreak: it was not asked for
    CHECK(c.ask("Z0" + place) == "OK");
    CHECK(c.ask("z1" + place) == "OK");
    CHECK(c.ask("c") == "T05thread:2;");
    CHECK(c.ask("z0" + place) == "OK");
    CHECK(c.ask("z0" + place) == "OK");
    CHECK(c.ask("c") == "W07");
  }
  client c(program(std::vector<uint32_t>(300, word("addi")), finish()), mode::functional);
  for (uint32_t i = 0; i < 256; ++i) CHECK(c.ask("Z0," + hex(l2_base + 4 * i) + ",4") == "OK");
  CHECK(c.ask("Z0," + hex(l2_base + 1024) + ",4") == "E01");
  CHECK(c.ask("z0," + hex(l2_base) + ",4") == "OK");
  CHECK(c.ask("Z0," + hex(l2_base + 1024) + ",4") == "OK");
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
    for (const char* wrong : {"vCont", "vCont;", "vCont;x", "vCont;c:9", "vCont;S", "vCont;c:1;c:2", "vContc", "C", "Sxy", "cx"}) {
      client other(small, how);
      CAPTURE(wrong);
      CHECK(other.ask(wrong) == "E01");
      CHECK_FALSE(other.server().running());
    }
  }
}

TEST_CASE("gdb: a core that sleeps steps when it was woken, and cannot go on alone") {
  const auto wake_all = program(load_constant(30, 0x4000'0004), load_constant(31, ~uint32_t{0}));
  const auto words = program(word("csrrs", {.rd = a0, .rs1 = 0, .imm = 0xf14}), word("beq", {.rs1 = a0, .rs2 = 0, .imm = 16}),
                             word("wfi"), word("addi", {.rd = a1, .rs1 = 0, .imm = 5}), word("wfi"), wake_all,
                             std::vector<uint32_t>(1100, word("addi")), word("sw", {.rs1 = 30, .rs2 = 31}),
                             std::vector<uint32_t>(60, word("addi")), finish());
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
      for (std::size_t i = 1; i + 1 < answer.find(' '); i += 2) text += static_cast<char>(std::stoi(answer.substr(i, 2), nullptr, 16));
      return text + answer.substr(answer.find(' ') + 1);
    };
    CHECK(reason_of(c.ask("vCont;c:1")) == "core 0: access to an address where nothing is: 0x50000100\nT0bthread:1;");
    CHECK(c.ask("Pc=02000000") == "OK");
    CHECK(reason_of(c.ask("vCont;s:1")) == "core 0: misaligned memory access: 0x102\nT0athread:1;");
    CHECK(c.ask("Pc=00000000") == "OK");
    CHECK(c.ask("vCont;s:1") == "T05thread:1;");
    CHECK(c.ask("P20=02000080") == "OK");
    CHECK(reason_of(c.ask("vCont;s:1")) == "core 0: jump to an address that is no multiple of 4: 0x80000002\nT0athread:1;");
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
    CHECK(c.raw(framed("vCont;c")) == "+");
    c.server().run(5000);
    CHECK(c.server().running());
    CHECK(c.raw(framed("g")) == "+");  // GDB waits
    CHECK(client::payloads(c.raw("\x03")) == "T02thread:1;");
    CHECK_FALSE(c.server().running());
    // An instruction that jumps to itself under a breakpoint is executed before it is met again.
    CHECK(c.ask("Z0," + hex(l2_base) + ",4") == "OK");
    c.ask("c");
    const uint32_t core = c.m.stop().core;
    const uint64_t before = c.m.core(core).instructions;
    c.ask("c");
    CHECK(c.m.core(core).instructions == before + 1);
    CHECK(c.ask("D") == "OK");
    CHECK(c.server().session() == gdb_session::detached);
    CHECK(c.m.stop().reason == stop_reason::running);
    CHECK(c.m.run(how, 5000).reason == stop_reason::running);  // no breakpoint is left
    CHECK(c.ask("g") == "");
    client killed(small, how);
    CHECK(killed.raw(framed("k")) == "+");
    CHECK(killed.server().session() == gdb_session::killed);
    client killed_politely(small, how);
    CHECK(killed_politely.ask("vKill;1") == "OK");
    CHECK(killed_politely.server().session() == gdb_session::killed);
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
    for (int i = 0; i < 3000 && c.server().session() == gdb_session::active; ++i) {
      std::string bytes;
      for (uint64_t n = random() % 20; n != 0; --n) {
        bytes += random() % 4 == 0 ? static_cast<char>(random() % 256) : letters[random() % letters.size()];
      }
      if (bytes.find_first_of("kD") != std::string::npos) continue;
      client::payloads(c.raw(random() % 2 == 0 ? framed(bytes) : bytes));
      c.server().run(50);
    }
  }
}
