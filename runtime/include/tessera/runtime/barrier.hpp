// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Barriers. What a core stored before one, all cores may read after it.

#include "tessera/runtime/core.hpp"

namespace tessera::runtime {

/// A meeting point of the cores 0 to n - 1; n is the same for all of them. To be zero-initialised in L1, and used again
/// as often as wanted. Cores sleep while they wait.
class barrier {
 public:
  void wait(uint32_t n = cluster::cores) {
    // Stores to far banks may still be on their way when the counter, in another bank, already counts.
    fence();
    if (__atomic_fetch_add(&arrived_, 1, __ATOMIC_RELAXED) == n - 1) {
      __atomic_store_n(&arrived_, 0, __ATOMIC_RELAXED);
      fence();
      wake_first(n);
    }
    // The last one, too: it has woken itself. A pulse that comes before its core sleeps is remembered.
    sleep();
  }
  /// Before its first use, where nothing has cleared it.
  void reset() { __atomic_store_n(&arrived_, 0, __ATOMIC_RELAXED); }

 private:
  uint32_t arrived_;
};

/// The runtime's own barrier.
extern barrier all_cores;

/// Waits for all cores.
inline void sync() { all_cores.wait(); }

}  // namespace tessera::runtime
