// SPDX-License-Identifier: Apache-2.0
// An operator is called, but no kernel header is included: the compiler must name the folder to include from.
// expect: no kernel of this operator is visible for this target: include its header from tessera/kernel/
#include "tessera/core/dispatch.hpp"

namespace {
struct twice;
struct scalar {
  static constexpr const char* name = "scalar";
  static constexpr int minimum_tier = 0;
};
}  // namespace

#ifdef TESSERA_CONTROL
template <class T>
struct tessera::kernel<twice, T> {
  static constexpr int tier = 0;
  static constexpr int run(int x) { return 2 * x; }
};
#endif

int main() { tessera::run<twice, scalar>(21); }
