// SPDX-License-Identifier: Apache-2.0
#include "ibert_run_impl.hpp"
#include "tessera/kernel/encoder/reference.hpp"

namespace tessera::test {
const ibert_target on_reference = make_ibert_target<target::reference>("reference");
}  // namespace tessera::test
