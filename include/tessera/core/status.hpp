// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Run-time result of an operator. The core has no exceptions.

#include "tessera/std.hpp"

namespace tessera {

enum class [[nodiscard]] status : uint8_t{
    ok,
    null_pointer,       ///< a tensor with elements has no data
    shape_mismatch,     ///< extents of the operands do not fit together
    overlap,            ///< output memory overlaps an input in a way the operator does not support
    scratch_too_small,  ///< less scratch than `*_scratch_bytes` asks for
    misaligned,         ///< scratch or arena not aligned to `scratch_alignment`
    bad_parameter,      ///< a multiplier, shift or constant outside its documented range
    bad_index,          ///< an index outside its table (embedding)
};

/// One sentence, for messages.
constexpr const char* to_string(status s) {
  switch (s) {
    case status::ok: return "ok";
    case status::null_pointer: return "a tensor with elements has a null pointer";
    case status::shape_mismatch: return "the shapes of the operands do not fit together";
    case status::overlap: return "the output overlaps an input";
    case status::scratch_too_small: return "the scratch memory is too small";
    case status::misaligned: return "the scratch memory is misaligned";
    case status::bad_parameter: return "a parameter is outside its range";
    case status::bad_index: return "an index is outside its table";
  }
  return "unknown status";
}

/// Scratch and arenas start at a multiple of this many bytes.
inline constexpr index_t scratch_alignment = 64;

/// Memory lent by the caller to an operator for the length of one call.
struct scratch_span {
  void* data = nullptr;
  index_t bytes = 0;
};

}  // namespace tessera
