// SPDX-License-Identifier: Apache-2.0
// The target is named, its kernels are not included: the classical way to get a slow program.
// clang-format off
// expect: only the reference kernel is visible for this target: include the target's kernel header from tessera/kernel/, or say allow_reference<Target>
// clang-format on
#include "tessera/kernel/embedding/reference.hpp"
#include "tessera/target/host.hpp"

#ifdef TESSERA_CONTROL
#include "tessera/kernel/embedding/xsimd.hpp"
#endif

using namespace tessera;

status rows(const int32_t* ids, const int8_t* table, int8_t* y) {
  return op::embedding<target::host>(vector(ids, 2), matrix(table, 10, 4), matrix(y, 2, 4));
}
