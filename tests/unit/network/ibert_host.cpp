// SPDX-License-Identifier: Apache-2.0
#include "ibert_run_impl.hpp"
#include "tessera/kernel/encoder/xsimd.hpp"

namespace tessera::test {
const ibert_target on_host = make_ibert_target<target::host>("host");
}  // namespace tessera::test
