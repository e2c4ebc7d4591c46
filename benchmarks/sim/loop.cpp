// SPDX-License-Identifier: Apache-2.0
// The loop of loop.hpp on the first `cores` cores of the model; the host sets both numbers.
#include "loop.hpp"

#include "tessera/runtime/core.hpp"

extern "C" {
volatile uint32_t cores = 1;
volatile uint32_t rounds = 1000;
volatile uint32_t result;  // of core 0
}

int main() {
  const uint32_t core = tessera::runtime::core_id();
  if (core >= cores) return 0;
  const uint32_t sum = loop::run(rounds, core);
  if (core == 0) result = sum;
  return 0;
}
