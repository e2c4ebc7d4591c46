// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tessera/network/golden.hpp"

/// One translation unit per family of schemas, because each instantiates many kernels.
void run_golden_ita(tessera::golden_schema schema, tessera::golden_input& in, tessera::golden_report& report);
void run_golden_quantlib(tessera::golden_schema schema, tessera::golden_input& in, tessera::golden_report& report);
void run_golden_ibert(tessera::golden_input& in, tessera::golden_report& report);
void run_golden_ibert_layer(tessera::golden_input& in, tessera::golden_report& report);
