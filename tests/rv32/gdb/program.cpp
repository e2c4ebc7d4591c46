// SPDX-License-Identifier: Apache-2.0
// What session.py debugs. Its lines are looked for by their comments.
#include "tessera/runtime/barrier.hpp"
#include "tessera/runtime/uart.hpp"

using namespace tessera::runtime;

int32_t factor = 3;
int32_t results[cluster::cores];
volatile int32_t exit_code = 0;
volatile bool spins = false;

[[gnu::noinline]] int32_t scale(int32_t value, int32_t by) {
  const int32_t scaled = value * by;
  return scaled + 1;
}

int main() {
  const auto core = static_cast<int32_t>(core_id());
  while (spins) {
  }
  results[core] = scale(core, factor);  // all cores
  sync();
  if (core == 0) {
    int32_t sum = 0;
    for (const int32_t r : results) sum += r;
    print("sum ", sum, "\n");  // one core
  }
  sync();
  return exit_code;
}
