// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The scalar reference: constexpr, normative, runs anywhere.

#include "tessera/core/concepts.hpp"

namespace tessera::target {

struct reference {
  static constexpr const char* name = "reference";
  static constexpr int minimum_tier = 0;
};

}  // namespace tessera::target
