// SPDX-License-Identifier: Apache-2.0
// Clipping to 32 bits would be no clipping, and 32 does not fit the encoding.
// expect: this immediate has 5 bits: 0 to 31
#include "tessera/isa/xpulpimg.hpp"

using tessera::isa::imm;
using tessera::isa::xpulpimg;

#ifdef TESSERA_CONTROL
uint32_t f(uint32_t a) { return xpulpimg::p_clip(a, imm<31>); }
#else
uint32_t f(uint32_t a) { return xpulpimg::p_clip(a, imm<32>); }
#endif
