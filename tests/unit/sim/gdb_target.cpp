// SPDX-License-Identifier: Apache-2.0
#include "tessera/sim/gdb_target.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "unit/sim/gdb_session.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("gdb: packets, acknowledged and not, damaged and too long") {
  client c(small, mode::timed);
  CHECK(c.raw("+") == "");
  CHECK(c.raw("noise\x03#00") == "");
  CHECK(c.raw("$?#3f") == "+$T05thread:1;#d7");
  CHECK(c.raw("-") == "$T05thread:1;#d7");
  CHECK(c.raw("$?#3e") == "-");
  CHECK(c.raw("$?#zz") == "-");
  CHECK(c.raw("$qC$?#3f") == "+$T05thread:1;#d7");  // the first has lost its end
  CHECK(c.raw(gdb_packet("vMustReplyEmpty")) == "+$#00");
  CHECK(c.raw(gdb_packet("")) == "+$#00");
  CHECK(c.raw(gdb_packet(std::string(gdb_packet_bytes, 'm'))) == "+" + gdb_packet("E01"));
  CHECK(c.raw(gdb_packet(std::string(gdb_packet_bytes + 1, 'g'))) == "+" + gdb_packet("E01"));
  CHECK(c.raw(gdb_packet(std::string(3 * gdb_packet_bytes, 'g'))) == "+" + gdb_packet("E01"));
  for (const char byte : gdb_packet("qC")) {
    CAPTURE(byte);
    const std::string sent = c.raw(std::string(1, byte));
    if (!sent.empty()) CHECK(sent == "+" + gdb_packet("QC1"));
  }
  CHECK(c.raw(gdb_packet("QStartNoAckMode")) == "+" + gdb_packet("OK"));
  CHECK(c.raw("$?#3f") == gdb_packet("T05thread:1;"));
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
    CHECK(c.ask("pf55") == "03000000");     // mhartid
    CHECK(c.ask("P812=00010000") == "OK");  // stacklimit
    CHECK(c.m.core(3).stack_limit == 0x100);
    std::string all;
    for (uint32_t r = 0; r < 33; ++r) all += little(r * 0x01020304);
    CHECK(c.ask("G" + all) == "OK");
    CHECK(c.ask("g") == all);
    CHECK(c.m.core(3).x[31] == 31 * 0x01020304);
    CHECK(c.m.core(0).x[31] == 0);
    for (const char* wrong : {"p", "p21", "pffffffff", "pfffffffff", "P5", "P5=", "P5=123456", "P5=1234567g",
                              "P21=00000000", "Pf55=00000000", "G", "G00"}) {
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
  for (const std::string& outside :
       {"m" + hex(l1_end) + ",4", "M" + hex(l1_end - 2) + ",4:01020304", std::string("m40000000,4"),
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
