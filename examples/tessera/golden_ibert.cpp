// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/golden_ibert.hpp"

#include "golden.hpp"
#include "tessera/kernel/encoder/reference.hpp"
#include "tessera/kernel/encoder/xsimd.hpp"

using namespace tessera;

void run_golden_ibert(golden_input& in, golden_report& report) {
  check_golden_ibert(in, report, type_list<target::reference, target::host>{});
}
