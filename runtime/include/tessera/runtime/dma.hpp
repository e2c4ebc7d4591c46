// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The DMA engine, between L2 and the interleaved part of L1. It does not see the address scrambling of cores: a
/// transfer from or to the sequential part (stacks) moves other bytes than a core would. Any alignment and size will
/// do. The front-end has one set of registers and does not queue: one core at a time may start and wait.

#include <stddef.h>

#include "tessera/runtime/core.hpp"

namespace tessera::runtime::dma {

inline constexpr uintptr_t source = 0x4001'0000;
inline constexpr uintptr_t destination = 0x4001'0004;
inline constexpr uintptr_t bytes = 0x4001'0008;
inline constexpr uintptr_t next_id = 0x4001'0014;  ///< reading it launches
inline constexpr uintptr_t done = 0x4001'0018;     ///< 1 once all launched transfers have ended

/// Starts a copy of `size` bytes; several may be under way, about 16. Size 0 does nothing.
inline void start(void* to, const void* from, size_t size) {
  if (size == 0) return;  // the hardware would never end
  device_register(source) = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(from));
  device_register(destination) = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(to));
  device_register(bytes) = static_cast<uint32_t>(size);
  // The engine must find what this core has written, the registers first.
  fence();
  static_cast<void>(static_cast<uint32_t>(device_register(next_id)));
  fence();
}

/// Waits until all started copies have ended. At least one must have been started since reset.
inline void wait() {
  while (device_register(done) == 0) {
  }
  fence();
}

inline void copy(void* to, const void* from, size_t size) {
  if (size == 0) return;
  start(to, from, size);
  wait();
}

}  // namespace tessera::runtime::dma
