// SPDX-License-Identifier: Apache-2.0
// The next row of a large matrix is too far for an encoded step; a register does it.
// expect: a step has 12 bits: -2048 to 2047; take a register for more
#include "tessera/isa/xpulpimg.hpp"

using tessera::isa::imm;
using tessera::isa::xpulpimg;

#ifdef TESSERA_CONTROL
uint32_t f(const int8_t* row) { return xpulpimg::p_lw_post(row, int32_t{4096}); }
#else
uint32_t f(const int8_t* row) { return xpulpimg::p_lw_post(row, imm<4096>); }
#endif
