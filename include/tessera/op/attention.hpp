// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Scaled dot-product attention of several heads, composed of matmul and softmax. The dialect is in the policies.

#include "tessera/core/arena.hpp"
#include "tessera/op/matmul.hpp"
#include "tessera/op/row.hpp"

namespace tessera {

/// Watches intermediate tensors; this one does not, and costs nothing. One that does has `enabled = true` and
/// `head(what, batch, head, view)` / `tensor(what, view)` / `accumulators(count)`; see op/encoder_layer.hpp.
struct no_observer {
  static constexpr bool enabled = false;
};

/// Memory for the scores and probabilities of one head; Score is the element that softmax reads.
template <Integer Score>
struct attention_buffers {
  slice<Score> scores;
  slice<uint8_t> probabilities;
  index_t bytes;
  constexpr explicit attention_buffers(index_t sequence) : bytes(0) {
    arena_plan plan;
    scores = plan.add<Score>(sequence * sequence);
    probabilities = plan.add<uint8_t>(sequence * sequence);
    bytes = plan.bytes();
  }
};

namespace op {

/// Bytes of scratch that `attention` needs for sequences of this length.
template <Integer Score>
constexpr index_t attention_scratch_bytes(index_t sequence) {
  return attention_buffers<Score>(sequence).bytes;
}

/// q, k, v: (B * S, H * D) int8, the rows of a batch one after the other, the columns of a head side by side
/// -> y: (B * S, H * D). For each sequence and head:
///   y = context( softmax( score( q . k^T ) ) . v ), the probabilities being unsigned bytes.
/// keep: (B, S), 0 marks a padded key; null keeps all, and parameters without `keep` (ita) take only null.
/// The 1/sqrt(D) is in the scales. Overlap: y may not overlap an input. Sources: I-BERT section 3.5; ITA section 3.
template <Target T, Integer Score, RowMatrixView X, Requant ScorePolicy, class Softmax, Requant ContextPolicy,
          RowMatrixView Y, class Observer = no_observer>
status attention(X q, X k, X v, index_t batch, index_t heads, const ScorePolicy& score, const Softmax& softmax,
                 const ContextPolicy& context, const uint8_t* keep, scratch_span scratch, Y y,
                 Observer* observer = nullptr) {
  const index_t rows = q.extent(0);
  const index_t channels = q.extent(1);
  if (batch < 1 || heads < 1 || rows % batch != 0 || channels % heads != 0) return status::shape_mismatch;
  if (k.extent(0) != rows || v.extent(0) != rows || y.extent(0) != rows || k.extent(1) != channels ||
      v.extent(1) != channels || y.extent(1) != channels) {
    return status::shape_mismatch;
  }
  if (rows == 0 || channels == 0) return status::ok;
  const index_t sequence = rows / batch;
  const index_t width = channels / heads;
  const attention_buffers<Score> buffers(sequence);
  if (const status s = check_arena(scratch, buffers.bytes); s != status::ok) return s;
  const auto scores = matrix(buffers.scores.in(scratch), sequence, sequence);
  const auto probabilities = matrix(buffers.probabilities.in(scratch), sequence, sequence);
  constexpr bool masks = requires { softmax.keep; };
  if (keep != nullptr && !masks) return status::bad_parameter;

  for (index_t b = 0; b < batch; ++b) {
    Softmax row_softmax = softmax;
    if constexpr (masks) row_softmax.keep = keep == nullptr ? nullptr : keep + b * sequence;
    for (index_t h = 0; h < heads; ++h) {
      const auto head = [&](const auto& x) {
        return pitched_matrix(x.row(b * sequence) + h * width, sequence, width, x.stride(0));
      };
      if (const status s = matmul<T>(head(q), transposed(head(k)), score, scores); s != status::ok) return s;
      if (const status s = op::softmax<T>(scores, row_softmax, probabilities); s != status::ok) return s;
      if (const status s = matmul<T>(probabilities, head(v), context, head(y)); s != status::ok) return s;
      if constexpr (Observer::enabled) {
        observer->head("scores", b, h, scores);
        observer->head("probs", b, h, probabilities);
        const auto acc = matrix(observer->accumulators(sequence * width), sequence, width);
        if (const status s = matmul<T>(probabilities, head(v), keep_accumulator, acc); s != status::ok) return s;
        observer->head("context", b, h, acc);
      }
    }
  }
  return status::ok;
}

}  // namespace op
}  // namespace tessera
