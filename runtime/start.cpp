// SPDX-License-Identifier: Apache-2.0
// From the boot ROM's jump, on all cores at once, to main and the end of the program. All of it is C++, so that a
// project needs no assembler language to be enabled.
#include "tessera/runtime/barrier.hpp"

namespace tessera::runtime {

/// The program. In a freestanding build C++ does not know main as something special; the linker script knows its names.
int program() asm("main");

namespace {

// Placed by the linker script.
extern "C" {
extern char _erodata[];
extern uint32_t __bss_start[];
extern uint32_t __bss_end[];
}

[[gnu::section(".l1_prio")]] uint32_t exit_code;

/// The name of the configuration, for who loads the program; it takes no room in memory.
[[gnu::used, gnu::section(".tessera.config")]] constexpr char configuration[] = TESSERA_RUNTIME_CONFIG;

}  // namespace

// The counter of the barrier is what cores meet at before .bss is cleared.
[[gnu::section(".l1_prio")]] barrier all_cores;

extern "C" [[noreturn, gnu::used]] void tessera_runtime_start(uint32_t core) {
  if (core == 0) {
    // Instructions and constants only: what is written must not be cached.
    device_register(control::read_only_end) = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(_erodata));
    all_cores.reset();
    exit_code = 0;
    fence();
    wake_first(cluster::cores);
  }
  sleep();
  for (uint32_t* word = __bss_start + core; word < __bss_end; word += cluster::cores) *word = 0;
  sync();
  if (const int code = program(); code != 0) {
    __atomic_fetch_or(&exit_code, static_cast<uint32_t>(code), __ATOMIC_RELAXED);
  }
  sync();
  if (core == 0) exit(exit_code);
  for (;;) sleep();
}

/// Registers as after reset; gp; the stack of this core, which is the core's part of its tile's sequential memory.
extern "C" [[gnu::naked, gnu::used, gnu::section(".text.init")]] void _start() {
  asm volatile(R"(
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    .irp n, 1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li x\n, 0
    .endr
    csrr a0, mhartid
    li t0, %0           # t1 = group, t2 = core in the group
    divu t1, a0, t0
    remu t2, a0, t0
    li t0, %1           # t3 = tile in the group, t2 = core in the tile
    divu t3, t2, t0
    remu t2, t2, t0
    li t0, %2           # t1 = start of the tile's memory
    mul t1, t1, t0
    add t1, t1, t3
    li t0, %3
    mul t1, t1, t0
    li t0, %4           # t1 = end of the stack, sp = start
    mul t2, t2, t0
    add t1, t1, t2
    add sp, t1, t0
    csrw 0x7d1, t1      # from here on, sp below it is an overflow
    tail tessera_runtime_start
  )" ::"i"(cluster::cores_per_group),
               "i"(cluster::cores_per_tile), "i"(cluster::tiles_per_group), "i"(cluster::sequential_bytes),
               "i"(cluster::stack_bytes));
}

}  // namespace tessera::runtime
