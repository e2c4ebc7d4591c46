// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Slicing one block of the caller's memory into buffers. The plan is constexpr: its size can be a static array's.

#include "tessera/core/status.hpp"

namespace tessera {

/// A buffer inside an arena.
template <class T>
struct slice {
  index_t offset = 0;
  T* in(const scratch_span& arena) const {
    return static_cast<T*>(static_cast<void*>(static_cast<unsigned char*>(arena.data) + offset));
  }
};

/// Hands out slices one after the other, each aligned to `scratch_alignment`.
class arena_plan {
 public:
  template <class T>
  constexpr slice<T> add(index_t count) {
    const index_t offset = bytes_;
    index_t size = 0;
    const bool absurd = count < 0 || __builtin_mul_overflow(count, static_cast<index_t>(sizeof(T)), &size) ||
                        __builtin_add_overflow(size, scratch_alignment - 1, &size) ||
                        __builtin_add_overflow(bytes_, size / scratch_alignment * scratch_alignment, &bytes_);
    if (absurd) bytes_ = PTRDIFF_MAX / 2;  // more than any arena has
    return {offset};
  }
  /// Bytes that the arena needs.
  constexpr index_t bytes() const { return bytes_; }

 private:
  index_t bytes_ = 0;
};

/// Whether `arena` can hold `bytes`.
constexpr status check_arena(const scratch_span& arena, index_t bytes) {
  if (bytes == 0) return status::ok;
  if (arena.data == nullptr || arena.bytes < bytes) return status::scratch_too_small;
  if (!is_constant_evaluated() && reinterpret_cast<uintptr_t>(arena.data) % scratch_alignment != 0) {
    return status::misaligned;
  }
  return status::ok;
}

}  // namespace tessera
