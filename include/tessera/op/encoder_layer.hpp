// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// One I-BERT encoder layer (post-norm, as BERT and RoBERTa): parameters, buffers and the composition of operators.
///
/// Two published programs execute the same arithmetic and differ in how scales travel and in where they requantise.
/// Each is a *flow*, a set of policy types; docs/arithmetic.md has them side by side.

#include "tessera/arith/ibert.hpp"
#include "tessera/op/attention.hpp"
#include "tessera/op/feed_forward.hpp"
#include "tessera/op/map.hpp"

namespace tessera {

namespace ibert {

/// Hugging Face transformers: softmax's multiplier acts on the exponential; every block ends in 8 bits and the next
/// begins with another 8-bit requantisation; inputs of layer normalisation are limited to 22 bits.
struct huggingface_flow {
  using exp_requant = exp_multiplier;
  using context_policy = dyadic;
  using norm_policy = then<dyadic_channels, dyadic>;
  using hidden_policy = then<dyadic_channels, dyadic>;
};

/// The authors' fairseq fork: the exponential is divided by its scale first, the context is rounded onto a grid of the
/// wrong scale, one requantisation between blocks, inputs of layer normalisation are not limited.
struct authors_flow {
  using exp_requant = exp_multiplier_of_quotient;
  using context_policy = then<rescale, dyadic>;
  using norm_policy = dyadic_channels;
  using hidden_policy = dyadic_channels;
};

/// The authors' program with the context's scale corrected.
struct corrected_flow : authors_flow {
  using context_policy = dyadic;
};

/// Weights (N, K) int8 and bias (N) int32 of a linear layer; both belong to somebody else.
struct linear_weights {
  const int8_t* weight = nullptr;
  const int32_t* bias = nullptr;
};

/// Everything constant of one layer. Channel arrays belong to somebody else.
template <class Flow>
struct encoder_layer_params {
  linear_weights query, key, value, attention_output, intermediate, output;
  dyadic_channels query_act, key_act, value_act;  ///< -> 8 bits
  softmax<typename Flow::exp_requant> attention_softmax;
  typename Flow::context_policy context_act;  ///< -> 8 bits
  dyadic_channels attention_residual_act;     ///< attention_output's accumulator -> attention_norm's input
  dyadic attention_identity_act;              ///< the layer's input -> attention_norm's input
  saturating attention_norm_range;            ///< of the sum of both
  layer_norm attention_norm;
  typename Flow::norm_policy hidden_act;  ///< attention_norm -> 8 bits
  gelu_channels activation;
  typename Flow::hidden_policy activation_act;  ///< GELU -> 8 bits
  dyadic_channels output_residual_act;          ///< output's accumulator -> output_norm's input
  dyadic output_identity_act;                   ///< hidden_act -> output_norm's input
  saturating output_norm_range;
  layer_norm output_norm;
};

}  // namespace ibert

/// Hidden size C, heads H and feed-forward size F; a static extent is checked against the run-time shape and makes the
/// views static.
template <index_t Hidden = dynamic_extent, index_t Heads = dynamic_extent, index_t Intermediate = dynamic_extent>
struct encoder_shape {
  index_t hidden = Hidden;
  index_t heads = Heads;
  index_t intermediate = Intermediate;

  constexpr bool valid() const {
    return compatible_extent(hidden, Hidden) && compatible_extent(heads, Heads) &&
           compatible_extent(intermediate, Intermediate) && hidden > 0 && heads > 0 && intermediate > 0 &&
           hidden % heads == 0;
  }
  /// Views with the static extents that are known: (rows, C), (rows, F) and weights (outputs, inputs).
  template <class T>
  static constexpr auto tokens(T* data, index_t rows, index_t c) {
    return view<dynamic_extent, Hidden>(data, rows, c);
  }
  template <class T>
  static constexpr auto expanded(T* data, index_t rows, index_t f) {
    return view<dynamic_extent, Intermediate>(data, rows, f);
  }
  constexpr auto square_weight(const int8_t* data) const { return view<Hidden, Hidden>(data, hidden, hidden); }
  constexpr auto up_weight(const int8_t* data) const { return view<Intermediate, Hidden>(data, intermediate, hidden); }
  constexpr auto down_weight(const int8_t* data) const {
    return view<Hidden, Intermediate>(data, hidden, intermediate);
  }

 private:
  template <index_t Rows, index_t Cols, class T>
  static constexpr auto view(T* data, index_t rows, index_t cols) {
    return tensor_view<T, extents<Rows, Cols>>(data, extents<Rows, Cols>(rows, cols));
  }
};

/// Buffers of one layer for `batch` sequences of `sequence` tokens; they overlay each other where lifetimes allow.
struct encoder_layer_buffers {
  slice<int8_t> query, key, value, context, hidden, expanded;
  slice<int32_t> norm_input;
  slice<int64_t> norm_output;
  slice<unsigned char> attention;
  index_t attention_bytes = 0;
  index_t bytes = 0;

  template <class Shape>
  constexpr encoder_layer_buffers(const Shape& shape, index_t batch, index_t sequence) {
    const index_t rows = batch * sequence;
    const index_t tokens = rows * shape.hidden;
    arena_plan plan;
    norm_input = plan.add<int32_t>(tokens);
    norm_output = plan.add<int64_t>(tokens);
    hidden = plan.add<int8_t>(tokens);
    context = plan.add<int8_t>(tokens);
    arena_plan projections = plan;  // attention's operands are dead when the feed-forward block begins
    query = projections.add<int8_t>(tokens);
    key = projections.add<int8_t>(tokens);
    value = projections.add<int8_t>(tokens);
    attention_bytes = op::attention_scratch_bytes<int32_t>(sequence);
    attention = projections.add<unsigned char>(attention_bytes);
    expanded = plan.add<int8_t>(rows * shape.intermediate);
    bytes = max(plan.bytes(), projections.bytes());
  }
};

namespace op {

/// Bytes of scratch that `encoder_layer` needs.
template <class Shape>
constexpr index_t encoder_layer_scratch_bytes(const Shape& shape, index_t batch, index_t sequence) {
  return encoder_layer_buffers(shape, batch, sequence).bytes;
}

/// x: (B * S, C) int8, keep: (B, S) or null -> y: (B * S, C).
/// y = out( output_norm( ... ) ); `out` is the next layer's input requantisation, or keep_wide for the normalised
/// integers themselves (y int64). Rows of padded tokens are computed like any other; they influence nobody.
/// In place (y is x) is supported for 8-bit outputs. An observer sees every intermediate tensor, see no_observer.
template <Target T, class Shape, class Flow, RowMatrixView X, Requant Out, RowMatrixView Y,
          class Observer = no_observer>
status encoder_layer(const Shape& shape, X x, index_t batch, const uint8_t* keep,
                     const ibert::encoder_layer_params<Flow>& p, const Out& out, scratch_span scratch, Y y,
                     Observer* observer = nullptr) {
  const index_t rows = x.extent(0);
  const index_t c = shape.hidden;
  const index_t f = shape.intermediate;
  if (!shape.valid() || x.extent(1) != c || batch < 1 || rows % batch != 0) return status::shape_mismatch;
  const encoder_layer_buffers buffers(shape, batch, rows / batch);
  if (const status s = check_arena(scratch, buffers.bytes); s != status::ok) return s;
  const auto tokens = [&](auto slice_of) { return Shape::tokens(slice_of.in(scratch), rows, c); };
  const auto q = tokens(buffers.query);
  const auto k = tokens(buffers.key);
  const auto v = tokens(buffers.value);
  const auto context = tokens(buffers.context);
  const auto hidden = tokens(buffers.hidden);
  const auto norm_input = tokens(buffers.norm_input);
  const auto norm_output = tokens(buffers.norm_output);
  const auto expanded = Shape::expanded(buffers.expanded.in(scratch), rows, f);

  // One linear layer with its fused policy; its accumulator exists only for an observer.
  const auto linear_to = [&](const char* name, const auto& in, const ibert::linear_weights& w, const auto& weight,
                             const auto& policy, const auto& to) {
    const auto bias = vector(w.bias, weight.extent(0));
    if constexpr (Observer::enabled) {
      const auto acc = matrix(observer->accumulators(rows * weight.extent(0)), rows, weight.extent(0));
      if (const status s = op::linear<T>(in, weight, bias, keep_accumulator, acc); s != status::ok) return s;
      observer->tensor(name, acc);
    }
    return op::linear<T>(in, weight, bias, policy, to);
  };
  const auto seen = [&](const char* name, const auto& view) {
    if constexpr (Observer::enabled) observer->tensor(name, view);
  };
  status s = status::ok;
  const auto good = [&s](status result) { return (s = result) == status::ok; };

  const auto project = [&](const char* name, const ibert::linear_weights& w, const auto& policy, const auto& to) {
    return good(linear_to(name, x, w, shape.square_weight(w.weight), policy, to));
  };
  if (!project("query.acc", p.query, p.query_act, q)) return s;
  if (!project("key.acc", p.key, p.key_act, k)) return s;
  if (!project("value.acc", p.value, p.value_act, v)) return s;
  seen("query.out", q);
  seen("key.out", k);
  seen("value.out", v);

  const scratch_span attention_scratch{buffers.attention.in(scratch), buffers.attention_bytes};
  if (!good(op::attention<T, int32_t>(q, k, v, batch, shape.heads, keep_accumulator, p.attention_softmax, p.context_act,
                                      keep, attention_scratch, context, observer))) {
    return s;
  }
  seen("context.out", context);

  const add_residual attention_sum{p.attention_residual_act, p.attention_identity_act, p.attention_norm_range,
                                   static_cast<const int8_t*>(x.data()), x.stride(0)};
  if (!good(linear_to("attention_output.acc", context, p.attention_output,
                      shape.square_weight(p.attention_output.weight), attention_sum, norm_input))) {
    return s;
  }
  seen("attention_norm.in", norm_input);
  if (!good(op::layer_norm<T>(norm_input, p.attention_norm, norm_output))) return s;
  seen("attention_norm.out", norm_output);
  if (!good(op::requantize<T>(norm_output, p.hidden_act, hidden))) return s;
  seen("hidden.out", hidden);

  const add_residual output_sum{p.output_residual_act, p.output_identity_act, p.output_norm_range,
                                static_cast<const int8_t*>(hidden.data()), hidden.stride(0)};
  const then activate{p.activation, p.activation_act};
  if (!good(linear_to("intermediate.acc", hidden, p.intermediate, shape.up_weight(p.intermediate.weight), activate,
                      expanded))) {
    return s;
  }
  seen("intermediate.out", expanded);
  if (!good(linear_to("output.acc", expanded, p.output, shape.down_weight(p.output.weight), output_sum, norm_input))) {
    return s;
  }
  seen("output_norm.in", norm_input);
  if (!good(op::layer_norm<T>(norm_input, p.output_norm, norm_output))) return s;
  seen("output_norm.out", norm_output);
  if (!good(op::requantize<T>(norm_output, out, y))) return s;
  seen("layer.out", y);
  return status::ok;
}

}  // namespace op
}  // namespace tessera
