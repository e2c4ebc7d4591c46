// SPDX-License-Identifier: Apache-2.0
#include "tessera/isa/native.hpp"
#include "tessera/runtime/core.hpp"
#include "tessera/runtime/uart.hpp"

int main() {
  using tessera::isa::native;
  const uint32_t sum = native::pv_add_sci_b(tessera::runtime::core_id(), tessera::isa::imm<1>);
  if (tessera::runtime::core_id() == 0) tessera::runtime::print(tessera::runtime::hex{sum}, "\n");
  return 0;
}
