// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The one place that decides which instruction set a kernel gets: the core's own where the build says that it has
/// Xpulpimg, else its definition. Kernels take it as a template parameter and otherwise do not care.

#include "tessera/config.hpp"
#include "tessera/isa/emulated.hpp"
#include "tessera/isa/xpulpimg.hpp"

namespace tessera::isa {

using native = conditional_t<TESSERA_XPULPIMG != 0, xpulpimg, emulated>;

}  // namespace tessera::isa
