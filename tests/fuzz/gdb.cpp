// SPDX-License-Identifier: Apache-2.0
// Any bytes from GDB to a tiny many-core. The first byte says which mode it runs in, and whether what follows is the
// stream as it is, or lines that become packets, because checksums would stop most mutations of a stream.
// Whatever comes, what is sent back are acknowledges and packets with the right checksums, and a question that is asked
// properly at the end is answered.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/gdb_client.hpp"

using namespace tessera;
using namespace tessera::sim;
using support::word;

namespace {

constexpr uint64_t cycles_per_packet = 300;
constexpr int most_packets = 200;

constexpr configuration tiny = [] {
  configuration c = minpool;
  c.groups = c.tiles = 1;
  c.cores_per_tile = 2;
  c.l2_bytes = 4096;
  return c;
}();
static_assert(refusal(tiny) == nullptr);

/// Loads, stores, divides, wakes the other core, and sleeps; core 0 ends the program after some rounds.
std::vector<uint32_t> code() {
  return support::program(word("csrrs", {.rd = 10, .rs1 = 0, .imm = 0xf14}),
                          support::load_constant(11, control_base + 4), word("addi", {.rd = 12, .rs1 = 0, .imm = 6}),
                          // Each round:
                          word("sw", {.rs1 = 0, .rs2 = 12, .imm = 0x40}), word("lw", {.rd = 13, .rs1 = 0, .imm = 0x40}),
                          word("div", {.rd = 13, .rs1 = 13, .rs2 = 12}), word("sw", {.rs1 = 11, .rs2 = 13}),
                          word("wfi"), word("addi", {.rd = 12, .rs1 = 12, .imm = 0xfff}),
                          word("bne", {.rs1 = 12, .rs2 = 0, .imm = static_cast<uint32_t>(-24)}), support::finish(3));
}

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const mode how = (data[0] & 1) != 0 ? mode::timed : mode::functional;
  const bool lines = (data[0] & 2) != 0;
  support::gdb_client gdb(code(), how, tiny);

  const auto send = [&](const std::string& bytes) {
    support::gdb_payloads(gdb.raw(bytes));
    support::gdb_payloads(gdb.run(cycles_per_packet));
  };
  std::string part;
  int packets = 0;
  for (std::size_t i = 1; i < size && packets < most_packets; ++i) {
    const char c = static_cast<char>(data[i]);
    if (c != (lines ? '\n' : '#')) {
      part += c;
      continue;
    }
    ++packets;
    send(lines ? support::gdb_packet(part) : part);
    part = lines ? "" : "#";
  }
  send(part);

  if (gdb.server.session() != gdb_session::active) return 0;
  gdb.raw("#00\x03");  // ends whatever there is
  require(!gdb.server.running(), "Ctrl-C has not stopped it");
  const std::string answer = support::gdb_payloads(gdb.raw(support::gdb_packet("?")));
  require(!answer.empty() && (answer[0] == 'T' || answer[0] == 'W'), "it no longer answers");
  return 0;
}
