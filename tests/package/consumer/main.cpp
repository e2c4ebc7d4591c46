// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdio>
#include <vector>

#include "tessera/core/tensor_view.hpp"

int main() {
  // Memory is yours. A view says how to read it: here 2 rows of 3 elements, row-major.
  std::vector<std::int8_t> memory = {1, 2, 3, 4, 5, 6};
  const auto x = tessera::matrix(memory.data(), 2, 3);

  for (tessera::index_t r = 0; r < x.extent(0); ++r) std::printf("row %d starts with %d\n", int(r), x(r, 0));
}
