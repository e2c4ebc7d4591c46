// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Every kernel that the I-BERT encoder needs on the host's vector units.

#include "tessera/kernel/embedding/xsimd.hpp"
#include "tessera/kernel/map/xsimd.hpp"
#include "tessera/kernel/matmul/xsimd.hpp"
#include "tessera/kernel/row/ibert_xsimd.hpp"
#include "tessera/op/encoder.hpp"
