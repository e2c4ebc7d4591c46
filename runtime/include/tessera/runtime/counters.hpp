// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// A core's performance counters. Reading one takes a cycle. 32 bits: differences are right up to 2^32.

#include <stdint.h>

namespace tessera::runtime {

namespace detail {
template <uint32_t Number>
uint32_t read_csr() {
  uint32_t value;
  // With the clobber: what is measured must not move out of the measurement.
  asm volatile("csrr %0, %1" : "=r"(value) : "i"(Number) : "memory");
  return value;
}
}  // namespace detail

inline uint32_t cycles() { return detail::read_csr<0xb00>(); }
inline uint32_t instructions() { return detail::read_csr<0xb02>(); }
inline uint32_t fetch_stalls() { return detail::read_csr<0xb03>(); }    ///< cycles without an instruction
inline uint32_t memory_stalls() { return detail::read_csr<0xb04>(); }   ///< cycles with the load-store unit full
inline uint32_t operand_stalls() { return detail::read_csr<0xb05>(); }  ///< cycles with a register not ready

/// Marks the part of a program that is of interest to a trace.
inline void trace(bool on) { asm volatile("csrw 0x7d0, %0" ::"r"(static_cast<uint32_t>(on)) : "memory"); }

}  // namespace tessera::runtime
