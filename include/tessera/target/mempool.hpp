// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// MemPool's cores with Xpulpimg: packed instructions, natively on a device and by definition elsewhere.

#include "tessera/core/team.hpp"
#include "tessera/isa/native.hpp"

namespace tessera::target {

/// `Team` says who shares the work: `alone`, or on a device `runtime::all_cores_team`.
template <class Team = alone, class Packed = isa::native>
struct mempool {
  static constexpr const char* name = "mempool";
  static constexpr int minimum_tier = 1;
  using packed = Packed;
  static constexpr team share() { return Team::share(); }
  static constexpr void wait() { Team::wait(); }
};

}  // namespace tessera::target
