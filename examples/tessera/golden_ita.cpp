// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/golden_ita.hpp"

#include "golden.hpp"
#include "tessera/kernel/map/ita_xsimd.hpp"
#include "tessera/kernel/matmul/xsimd.hpp"
#include "tessera/kernel/row/ita_xsimd.hpp"
#include "tessera/kernel/row/quantlib_xsimd.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

void run_golden_ita(golden_schema schema, golden_input& in, golden_report& report) {
  check_golden_ita(schema, in, report, type_list<target::reference, target::host>{});
}
