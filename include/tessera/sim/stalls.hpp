// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Why a core lost a cycle, and the counters of it.

#include "tessera/std.hpp"

namespace tessera::sim {

enum class stall : uint8_t {
  fetch,          ///< the instruction is not in the core's buffer yet
  load,           ///< a register waits for data from L1
  far_load,       ///< a register waits for data from L2 or a device
  result,         ///< a register waits for the IPU or the divider
  unit_full,      ///< the IPU takes nothing: results or a division are in the way
  bank_conflict,  ///< the last request waits for its bank, so the next cannot leave
  port_conflict,  ///< ... for a port of the tile
  dma_conflict,   ///< ... for DMA to leave the bank
  transactions,   ///< ... for one of the outstanding ones to end
  system_port,    ///< ... for the tile's port to L2 and the devices
  fence,          ///< outstanding transactions end first
  sleep,          ///< asleep: barriers, or nothing to do
  halted,         ///< the instruction that stopped the program, or a debugger held the core
};
inline constexpr int stall_count = 13;

/// The word that stands for a cause in tables and files.
constexpr const char* name_of(stall s) {
  constexpr const char* names[stall_count] = {
      "fetch",        "load_use",     "far_load",    "alu_result", "unit_full", "bank_conflict", "port_conflict",
      "dma_conflict", "transactions", "system_port", "fence",      "sleep",     "halted"};
  return names[static_cast<int>(s)];
}

/// Cycles of a core by what became of them.
struct cycle_counts {
  uint64_t instructions = 0;
  uint64_t stalls[stall_count] = {};

  void lose(stall cause, uint64_t cycles = 1) { stalls[static_cast<int>(cause)] += cycles; }
  uint64_t lost(stall cause) const { return stalls[static_cast<int>(cause)]; }
  uint64_t sum() const {
    uint64_t cycles = instructions;
    for (const uint64_t s : stalls) cycles += s;
    return cycles;
  }
  cycle_counts& operator+=(const cycle_counts& other) {
    instructions += other.instructions;
    for (int i = 0; i < stall_count; ++i) stalls[i] += other.stalls[i];
    return *this;
  }
};

}  // namespace tessera::sim
