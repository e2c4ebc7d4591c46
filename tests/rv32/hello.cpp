// SPDX-License-Identifier: Apache-2.0
// The smallest program: every core runs main, one prints.
#include "tessera/runtime/core.hpp"
#include "tessera/runtime/uart.hpp"

using namespace tessera::runtime;

int main() {
  if (core_id() == 0) print("hello from ", cluster::cores, " cores: ", -7, " ", hex{0xcafe}, "\n");
  return 0;
}
