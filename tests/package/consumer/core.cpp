// SPDX-License-Identifier: Apache-2.0
// tessera::tessera alone: no third party, and yet the C++ standard and the include folder.
#include "tessera/arith/rounding.hpp"
#include "tessera/core/status.hpp"
#include "tessera/core/tensor_view.hpp"

static_assert(TESSERA_VERSION >= 100);
static_assert(__cplusplus >= 202002L, "tessera::tessera asks for C++20");

// README.md shows this line.
static_assert(tessera::divide_half_even(5, 2) == 2 && tessera::divide_half_away(5, 2) == 3);

int main() {
  int8_t storage[6] = {1, 2, 3, 4, 5, 6};
  const auto x = tessera::matrix(storage, 2, 3);
  return x(1, 2) == 6 && tessera::status::ok == tessera::status{} ? 0 : 1;
}
