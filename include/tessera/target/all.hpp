// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The one list of targets.

#include "tessera/target/host.hpp"
#include "tessera/target/reference.hpp"

namespace tessera::target {

/// Tests, benchmarks and the support matrix iterate this list.
using all = type_list<reference, host>;

}  // namespace tessera::target
