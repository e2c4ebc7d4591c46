// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Every kernel that the I-BERT encoder needs on the reference target.

#include "tessera/kernel/embedding/reference.hpp"
#include "tessera/kernel/map/reference.hpp"
#include "tessera/kernel/matmul/reference.hpp"
#include "tessera/kernel/row/reference.hpp"
#include "tessera/op/encoder.hpp"
#include "tessera/target/reference.hpp"
