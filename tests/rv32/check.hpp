// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Checks for programs that all cores execute: any core may note a failure, and core 0 prints the first ones at the
/// end.

#include "tessera/runtime/barrier.hpp"
#include "tessera/runtime/uart.hpp"

namespace tessera::check {

struct failure {
  const char* what;
  uint32_t core, got, expected, a, b;
};
inline constexpr uint32_t shown = 8;
inline failure failures[shown];
inline uint32_t failure_count;

/// Notes a failure unless got == expected; a and b say in which case.
inline void equal(const char* what, uint32_t got, uint32_t expected, uint32_t a = 0, uint32_t b = 0) {
  if (got == expected) return;
  const uint32_t index = __atomic_fetch_add(&failure_count, 1, __ATOMIC_RELAXED);
  if (index < shown) failures[index] = {what, runtime::core_id(), got, expected, a, b};
}

/// What main returns: the last thing that all cores call.
inline int report() {
  using runtime::hex;
  runtime::sync();
  if (runtime::core_id() != 0 || failure_count == 0) return 0;
  for (uint32_t i = 0; i < failure_count && i < shown; ++i) {
    const failure& f = failures[i];
    runtime::print(f.what, " (", hex{f.a}, ", ", hex{f.b}, "): ", hex{f.got}, " instead of ", hex{f.expected},
                   " on core ", f.core, "\n");
  }
  runtime::print(failure_count, " failures\n");
  return 1;
}

}  // namespace tessera::check
