// SPDX-License-Identifier: Apache-2.0
// I-BERT's softmax reads 32-bit scores; 8-bit logits belong to the softmax of another dialect.
// expect: these parameters do not map rows of this element type to that one
#include "tessera/arith/ibert.hpp"
#include "tessera/kernel/row/reference.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;

#ifdef TESSERA_CONTROL
using score = int32_t;
#else
using score = int8_t;
#endif

status probabilities(const score* x, const ibert::softmax<>& softmax, uint8_t* y) {
  return op::softmax<target::reference>(matrix(x, 2, 8), softmax, matrix(y, 2, 8));
}
