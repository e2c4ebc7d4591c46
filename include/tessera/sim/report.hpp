// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Why a run stopped, and what the model tells its host while it runs.

#include "tessera/std.hpp"

namespace tessera::sim {

enum class stop_reason : uint8_t {
  running,   ///< not stopped: the cycles asked for are over
  finished,  ///< the program wrote the end-of-computation register, or `tohost`
  illegal_instruction,
  misaligned_access,
  misaligned_jump,
  unmapped_access,
  fetch_outside_code,
  read_only_write,
  stack_overflow,
  unsupported_access,  ///< LR/SC outside L1, an atomic or less than a word on a device
  bad_dma,             ///< a transfer that the hardware would lose or do wrongly
  deadlock,            ///< all cores sleep and nothing can wake them
  breakpoint,
};

/// One sentence, for messages.
constexpr const char* to_string(stop_reason r) {
  switch (r) {
    case stop_reason::running: return "still running";
    case stop_reason::finished: return "finished";
    case stop_reason::illegal_instruction: return "illegal instruction";
    case stop_reason::misaligned_access: return "misaligned memory access";
    case stop_reason::misaligned_jump: return "jump to an address that is no multiple of 4";
    case stop_reason::unmapped_access: return "access to an address where nothing is";
    case stop_reason::fetch_outside_code: return "instruction fetch from a place that holds no code";
    case stop_reason::read_only_write: return "write to read-only data or code, which the caches may hold";
    case stop_reason::stack_overflow: return "stack overflow: sp was set below the core's stack limit";
    case stop_reason::unsupported_access: return "access that this memory or device does not support";
    case stop_reason::bad_dma: return "DMA transfer that the hardware would lose or do wrongly";
    case stop_reason::deadlock: return "deadlock: all cores sleep, and nothing is left that could wake them";
    case stop_reason::breakpoint: return "breakpoint";
  }
  return "unknown";
}

struct stop_report {
  stop_reason reason = stop_reason::running;
  uint32_t exit_code = 0;    ///< of a finished program
  uint32_t core = 0;         ///< who stopped it
  uint32_t pc = 0;           ///< of the instruction that did
  uint32_t instruction = 0;  ///< its word
  uint32_t address = 0;      ///< of the access or the jump
  const char* detail = "";   ///< more about the reason, or empty
  uint64_t cycle = 0;
};

/// What the host wants to hear. All may be null.
struct host_interface {
  void* context = nullptr;
  void (*uart)(void* context, const char* text, size_t size) = nullptr;
  /// A program wrote a CSR that the hardware does not have: a convenient way to report numbers.
  void (*dump)(void* context, uint32_t core, uint64_t cycle, uint32_t csr, uint32_t value) = nullptr;
};

}  // namespace tessera::sim
