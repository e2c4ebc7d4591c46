// SPDX-License-Identifier: Apache-2.0
// The target has vector units, but only the reference kernel is included: ten times slower, and nobody would notice.
// allow_reference makes the same call visible, and thus legal.
// clang-format off
// expect: only the reference kernel is visible for this target: include the target's kernel header from tessera/kernel/, or say allow_reference<Target>
// clang-format on
#include "tessera/core/dispatch.hpp"

namespace {
struct twice;
struct vector_unit {
  static constexpr const char* name = "vector_unit";
  static constexpr int minimum_tier = 1;
};
}  // namespace

template <class T>
struct tessera::kernel<twice, T> {
  static constexpr int tier = 0;
  static constexpr int run(int x) { return 2 * x; }
};

#ifdef TESSERA_CONTROL
using target = tessera::allow_reference<vector_unit>;
#else
using target = vector_unit;
#endif

static_assert(tessera::run<twice, target>(21) == 42);
