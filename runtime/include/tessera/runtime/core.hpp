// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// One core and its surroundings: who am I, sleeping and waking, device registers, the end of a program.
///
/// A program is `int main()`, which all cores execute; core_id() tells them apart. It ends when it has returned on all
/// cores, with the bitwise or of what it returned as exit code.
///
/// Where variables go: zero-initialised ones (.bss) into L1, spread over all banks and cleared before main; initialised
/// ones (.data) into L2. A section attribute places a variable elsewhere:
///   [[gnu::section(".l1_prio")]]  L1, before all else        not cleared
///   [[gnu::section(".l1")]]       L1                         not cleared
///   [[gnu::section(".l2_bss")]]   L2, for large buffers      not cleared
/// What is left of L1 is from __l1_heap_start to __l1_heap_end (extern char[]), of L2 likewise __l2_heap_start/_end.
/// Locals are on the core's stack, which is small (cluster::stack_bytes) and in its tile. There are no constructors of
/// global objects: make them constinit.

#include <stdint.h>

#include "tessera/runtime/cluster.hpp"

namespace tessera::runtime {

/// This core's number, 0 to cluster::cores - 1.
inline uint32_t core_id() {
  uint32_t id;
  asm("csrr %0, mhartid" : "=r"(id));
  return id;
}

/// Waits until all earlier loads and stores of this core have been performed, those of devices included.
inline void fence() { asm volatile("fence" ::: "memory"); }

/// Sleeps until a wake-up pulse, or takes one that came before. At most seven pulses are remembered.
inline void sleep() { asm volatile("wfi" ::: "memory"); }

/// A 32-bit device register.
inline volatile uint32_t& device_register(uintptr_t address) { return *reinterpret_cast<volatile uint32_t*>(address); }

/// Control registers of the cluster (MemPool's ctrl_registers).
namespace control {
inline constexpr uintptr_t end_of_computation = 0x4000'0000;
inline constexpr uintptr_t wake_up = 0x4000'0004;         ///< a core, or all_ones for all cores
inline constexpr uintptr_t wake_up_tiles = 0x4000'0008;   ///< + 4 * group: a mask of its tiles
inline constexpr uintptr_t wake_up_groups = 0x4000'0028;  ///< a mask of groups
inline constexpr uintptr_t read_only_end = 0x4000'0058;   ///< where the first region of the read-only caches ends
inline constexpr uint32_t all_ones = 0xffff'ffff;
}  // namespace control

/// One pulse to each of the cores 0 to n - 1, this one included if it is one of them.
inline void wake_first(uint32_t n) {
  if (n >= cluster::cores) {
    device_register(control::wake_up) = control::all_ones;
    return;
  }
  const uint32_t groups = n / cluster::cores_per_group;
  const uint32_t tiles = n % cluster::cores_per_group / cluster::cores_per_tile;
  if (groups != 0) device_register(control::wake_up_groups) = (uint32_t{1} << groups) - 1;
  if (tiles != 0) device_register(control::wake_up_tiles + 4 * groups) = (uint32_t{1} << tiles) - 1;
  for (uint32_t core = n - n % cluster::cores_per_tile; core < n; ++core) device_register(control::wake_up) = core;
}

/// Ends the program at once, whatever the other cores do. main's return is the polite way. The register takes 31 bits
/// of the code: one of which they are 0 although it is not becomes 1, for 0 says that all is well.
[[noreturn]] inline void exit(uint32_t code) {
  fence();
  const uint32_t kept = code == uint32_t{1} << 31 ? 1 : code;
  device_register(control::end_of_computation) = kept << 1 | 1;
  for (;;) sleep();
}

}  // namespace tessera::runtime
