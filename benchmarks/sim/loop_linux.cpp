// SPDX-License-Identifier: Apache-2.0
// The same loop as a Linux program without a library, for qemu-riscv32: exit status 0 if the checksum is that of the
// model. The number of rounds stands in the symbol `rounds`, the checksum in `expected`; the host patches both.
#include "loop.hpp"

extern "C" {
volatile uint32_t rounds = 1000;
volatile uint32_t expected = 1;  // not 0, so that the file has a place for it

[[gnu::used]] int check() { return loop::run(rounds, 0) == expected ? 0 : 1; }

[[noreturn, gnu::naked]] void _start() {
  asm(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
      "call check\n"
      "li a7, 93\n"
      "ecall\n");
}
}
