// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Barriers. What a core stored before one, all cores may read after it.

#include "tessera/runtime/core.hpp"

namespace tessera::runtime {

/// A meeting point of the cores 0 to n - 1; n is the same for all of them. To be zero-initialised in L1, and used again
/// as often as wanted. Cores sleep while they wait.
/// A bank adds for one core after the other, so that a counter for all would take hundreds of cycles: cores are counted
/// in groups of 16, and then the groups.
class barrier {
 public:
  void wait(uint32_t n = cluster::cores) {
    // Stores to far banks may still be on their way when a counter, in another bank, already counts.
    fence();
    if (is_last(n)) wake_first(n);
    // The last one, too: it has woken itself. A pulse that comes before its core sleeps is remembered.
    sleep();
  }
  /// Before its first use, where nothing has cleared it.
  void reset() {
    for (uint32_t& counter : of_group_) counter = 0;
    all_ = 0;
    fence();
  }

 private:
  static constexpr uint32_t group_size = 16;
  static constexpr uint32_t groups = (cluster::cores + group_size - 1) / group_size;

  bool is_last(uint32_t n) {
    if (n <= group_size) return arrive(all_, n);
    const uint32_t group = core_id() / group_size;
    const uint32_t left = n - group * group_size;
    return arrive(of_group_[group], left < group_size ? left : group_size) &&
           arrive(all_, (n + group_size - 1) / group_size);
  }
  /// Counts one more of n; the last one clears the counter, for the next time.
  static bool arrive(uint32_t& counter, uint32_t n) {
    if (__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED) != n - 1) return false;
    __atomic_store_n(&counter, 0, __ATOMIC_RELAXED);
    fence();
    return true;
  }

  uint32_t of_group_[groups];
  uint32_t all_;
};

/// The runtime's own barrier.
extern barrier all_cores;

/// Waits for all cores.
inline void sync() { all_cores.wait(); }

}  // namespace tessera::runtime
