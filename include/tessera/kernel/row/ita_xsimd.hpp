// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Row operators of the `ita` dialect on the host's vector units.

#include "tessera/arith/ita.hpp"
#include "tessera/kernel/row/base2_xsimd.hpp"

namespace tessera {
static_assert(Base2Softmax<ita::streaming_softmax> && Base2Softmax<ita::mempool_softmax>);
}  // namespace tessera
