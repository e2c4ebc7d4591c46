// SPDX-License-Identifier: Apache-2.0
// The matrix product of matmul.hpp with the core's own instructions, on all cores, against its definition and against
// the checksum that tests/unit/isa/matmul.cpp finds on a host.
#include "rv32/matmul.hpp"

#include "rv32/check.hpp"
#include "tessera/isa/native.hpp"
#include "tessera/runtime/counters.hpp"

using namespace tessera;
using namespace tessera::runtime;

namespace {
constexpr int size = test::matmul_size;
alignas(4) int8_t a[size * size];
alignas(4) int8_t b[size * size];
int32_t c[size * size];
}  // namespace

int main() {
  const auto core = static_cast<int>(core_id());
  const auto cores = static_cast<int>(cluster::cores);
  for (int i = core; i < size * size; i += cores) {
    a[i] = test::matmul_element(static_cast<uint32_t>(i), 1);
    b[i] = test::matmul_element(static_cast<uint32_t>(i), 2);
  }
  sync();
  const uint32_t start = cycles();
  test::matmul<isa::native>(a, b, c, size, size, size, core, cores);
  sync();
  const uint32_t elapsed = cycles() - start;

  for (int i = core; i < size * size; i += cores) {
    const auto expected = static_cast<uint32_t>(test::matmul_definition(a, b, i / size, i % size, size));
    check::equal("matmul", static_cast<uint32_t>(c[i]), expected, static_cast<uint32_t>(i / size),
                 static_cast<uint32_t>(i % size));
  }
  sync();
  if (core == 0) {
    check::equal("checksum", test::checksum(c, size * size), test::matmul_checksum);
    print("matmul ", size, "x", size, "x", size, " int8: ", elapsed, " cycles on ", cores, " cores\n");
  }
  return check::report();
}
