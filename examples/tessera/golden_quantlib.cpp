// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/golden_quantlib.hpp"

#include "golden.hpp"
#include "tessera/kernel/divide/reference.hpp"
#include "tessera/kernel/map/quantlib_xsimd.hpp"
#include "tessera/kernel/mean/xsimd.hpp"
#include "tessera/kernel/row/quantlib_xsimd.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

void run_golden_quantlib(golden_schema schema, golden_input& in, golden_report& report) {
  check_golden_quantlib(schema, in, report, type_list<target::reference, target::host>{});
}
