// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The cores of the cluster as a team for operators: target::mempool<runtime::all_cores_team>.

#include "tessera/core/team.hpp"
#include "tessera/runtime/barrier.hpp"

namespace tessera::runtime {

struct all_cores_team {
  static team share() { return {static_cast<int32_t>(core_id()), static_cast<int32_t>(cluster::cores)}; }
  static void wait() { sync(); }
};

}  // namespace tessera::runtime
