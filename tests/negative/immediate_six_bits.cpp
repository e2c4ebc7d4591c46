// SPDX-License-Identifier: Apache-2.0
// An instruction encodes its immediate; a larger constant must come in a register, with the form without "i".
// expect: this immediate has 6 bits: -32 to 63
#include "tessera/isa/xpulpimg.hpp"

using tessera::isa::imm;
using tessera::isa::xpulpimg;

#ifdef TESSERA_CONTROL
uint32_t f(uint32_t a) { return xpulpimg::pv_add_sci_b(a, imm<63>); }
#else
uint32_t f(uint32_t a) { return xpulpimg::pv_add_sci_b(a, imm<64>); }
#endif
