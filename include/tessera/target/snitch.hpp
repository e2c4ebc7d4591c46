// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Snitch cores as plain rv32im: one, or a team of them. Kernels are what a good compiler makes of straightforward C++;
/// they are the baseline of figures, and what runs on cores without Xpulpimg.

#include "tessera/core/team.hpp"

namespace tessera::target {

/// `Team` says who shares the work: `alone`, or on a device `runtime::all_cores_team`.
template <class Team = alone>
struct snitch {
  static constexpr const char* name = "snitch";
  static constexpr int minimum_tier = 1;
  static constexpr team share() { return Team::share(); }
  static constexpr void wait() { Team::wait(); }
};

}  // namespace tessera::target
