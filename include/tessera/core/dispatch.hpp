// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The only dispatch mechanism: an operator is a tag type, a kernel is a partial specialisation of `kernel` found by
/// what the target can do (its concept), and the tier says how specialised it is. Falling back is never silent.

#include "tessera/core/concepts.hpp"

namespace tessera {

/// One way to execute `Op` on `Target`: `static constexpr int tier` (0 = reference) and
/// `static constexpr auto run(...)`. Specialised in kernel/<op>/; a more constrained specialisation wins.
template <class Op, class T>
struct kernel;

template <class Op, class T>
concept HasKernel = requires {
  kernel<Op, T>::tier;
};

/// Accepts the reference kernel where `T` has none of its own:
/// `op::embedding<allow_reference<target::host>>(...)`.
template <Target T>
struct allow_reference : T {
  static constexpr int minimum_tier = 0;
};

/// Tier of the kernel that `Op` resolves to on `T`.
template <class Op, Target T>
requires HasKernel<Op, T>
inline constexpr int kernel_tier = kernel<Op, T>::tier;

/// Runs `Op` on `T`. Refuses, in one sentence, a missing kernel and a silent fallback.
template <class Op, Target T, class... Args>
constexpr decltype(auto) run(Args&&... args) {
  if constexpr (!HasKernel<Op, T>) {
    static_assert(HasKernel<Op, T>,
                  "no kernel of this operator is visible for this target: include its header from tessera/kernel/");
  } else {
    static_assert(kernel<Op, T>::tier >= T::minimum_tier,
                  "only the reference kernel is visible for this target: include the target's kernel header from "
                  "tessera/kernel/, or say allow_reference<Target>");
    return kernel<Op, T>::run(static_cast<Args&&>(args)...);
  }
}

}  // namespace tessera
