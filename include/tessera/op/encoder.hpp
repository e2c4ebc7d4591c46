// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The I-BERT encoder: embeddings and layers. One template over (flow, target, extents); activations live in the
/// caller's arena.

#include "tessera/op/embedding.hpp"
#include "tessera/op/encoder_layer.hpp"

namespace tessera {

namespace ibert {

/// An embedding table: (rows, C) int8 of somebody else.
struct embedding_table {
  const int8_t* data = nullptr;
  index_t rows = 0;
};

/// word + token type -> 16 bits, + position -> 16 bits, normalised, -> 8 bits. The order of the additions is Hugging
/// Face's; without token types (`type.data` null) the first step is only a requantisation of the word.
struct embedding_params {
  embedding_table word, type, position;
  dyadic word_act, type_act;     ///< 8 bits -> the first sum, 16 bits
  dyadic sum_act, position_act;  ///< first sum, position -> the second sum, 16 bits
  layer_norm norm;
  dyadic_channels output_act;  ///< -> 8 bits
};

/// One layer and the requantisation of its output to 8 bits.
template <class Flow>
struct encoder_stage {
  encoder_layer_params<Flow> layer;
  dyadic_channels output_act;
};

}  // namespace ibert

/// Token, type and position ids of B sequences of S tokens, (B * S) each; keep: (B, S), 0 marks padding, or null.
struct encoder_input {
  const int32_t* tokens = nullptr;
  const int32_t* types = nullptr;
  const int32_t* positions = nullptr;
  const uint8_t* keep = nullptr;
  index_t batch = 0;
  index_t sequence = 0;
};

/// Buffers of the encoder: the embedding stage and the layers use the same memory one after the other.
struct encoder_buffers {
  slice<int8_t> looked_up;
  slice<int16_t> sum;
  slice<int64_t> normalized;
  index_t bytes = 0;
  template <class Shape>
  constexpr encoder_buffers(const Shape& shape, index_t batch, index_t sequence) {
    const index_t tokens = batch * sequence * shape.hidden;
    arena_plan plan;
    looked_up = plan.add<int8_t>(2 * tokens);
    sum = plan.add<int16_t>(tokens);
    normalized = plan.add<int64_t>(tokens);
    bytes = max(plan.bytes(), op::encoder_layer_scratch_bytes(shape, batch, sequence));
  }
};

namespace op {

/// Bytes of the arena that `encoder` needs for B sequences of S tokens.
template <class Shape>
constexpr index_t encoder_arena_bytes(const Shape& shape, index_t batch, index_t sequence) {
  return encoder_buffers(shape, batch, sequence).bytes;
}

/// Embeddings -> y: (B * S, C) int8.
template <Target T, class Shape, RowMatrixView Y, class Observer = no_observer>
status encoder_embeddings(const Shape& shape, const encoder_input& in, const ibert::embedding_params& p,
                          scratch_span arena, Y y, Observer* observer = nullptr) {
  const index_t rows = in.batch * in.sequence;
  const index_t c = shape.hidden;
  const encoder_buffers buffers(shape, in.batch, in.sequence);
  if (const status s = check_arena(arena, buffers.bytes); s != status::ok) return s;
  const auto first = Shape::tokens(buffers.looked_up.in(arena), rows, c);
  const auto second = Shape::tokens(first.data() + rows * c, rows, c);
  const auto sum = Shape::tokens(buffers.sum.in(arena), rows, c);
  const auto normalized = Shape::tokens(buffers.normalized.in(arena), rows, c);
  const auto seen = [&](const char* name, const auto& view) {
    if constexpr (Observer::enabled) observer->tensor(name, view);
  };
  status s = status::ok;
  const auto good = [&s](status result) { return (s = result) == status::ok; };
  const auto look_up = [&](const char* name, const int32_t* ids, const ibert::embedding_table& table, const auto& to) {
    const bool done = good(op::embedding<T>(vector(ids, rows), matrix(table.data, table.rows, c), to));
    if (done) seen(name, to);
    return done;
  };

  if (!look_up("word.int", in.tokens, p.word, first)) return s;
  if (p.type.data == nullptr) {
    if (!good(op::requantize<T>(first, p.word_act, sum))) return s;
  } else {
    if (!look_up("type.int", in.types, p.type, second)) return s;
    if (!good(op::add<T>(first, p.word_act, second, p.type_act, saturate_to<int16_t>, sum))) return s;
  }
  seen("sum1.out", sum);
  if (!look_up("position.int", in.positions, p.position, first)) return s;
  if (!good(op::add<T>(sum, p.sum_act, first, p.position_act, saturate_to<int16_t>, sum))) return s;
  seen("sum2.out", sum);
  if (!good(op::layer_norm<T>(sum, p.norm, normalized))) return s;
  seen("norm.out", normalized);
  if (!good(op::requantize<T>(normalized, p.output_act, y))) return s;
  seen("embeddings.out", y);
  return status::ok;
}

/// ids -> y: (B * S, C) int8, the last layer's output with the scale of its requantisation.
template <Target T, class Shape, class Flow, RowMatrixView Y, class Observer = no_observer>
status encoder(const Shape& shape, const encoder_input& in, const ibert::embedding_params& embeddings,
               const ibert::encoder_stage<Flow>* stages, index_t layers, scratch_span arena, Y y,
               Observer* observer = nullptr) {
  const index_t rows = in.batch * in.sequence;
  if (!shape.valid() || in.batch < 1 || in.sequence < 1 || y.extent(0) != rows || y.extent(1) != shape.hidden) {
    return status::shape_mismatch;
  }
  if (const status s = encoder_embeddings<T>(shape, in, embeddings, arena, y, observer); s != status::ok) return s;
  for (index_t i = 0; i < layers; ++i) {
    if constexpr (Observer::enabled) observer->layer(i);
    if (const status s =
            encoder_layer<T>(shape, y, in.batch, in.keep, stages[i].layer, stages[i].output_act, arena, y, observer);
        s != status::ok) {
      return s;
    }
  }
  return status::ok;
}

}  // namespace op
}  // namespace tessera
