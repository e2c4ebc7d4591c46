// SPDX-License-Identifier: Apache-2.0
// An exit code that is not 0 stays so, although the register has only 31 bits for it. The test expects a failure.
#include "tessera/runtime/core.hpp"

int main() { return tessera::runtime::core_id() == 0 ? -2147483647 - 1 : 0; }
