// SPDX-License-Identifier: Apache-2.0
#include "tessera/config.hpp"

static_assert(TESSERA_ISA_X86 == 1 && !TESSERA_ISA_FMA, "this binary tests the kernels of machines without AVX2");
