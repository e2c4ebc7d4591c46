// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// An I-BERT network for sequence classification with everything constant computed: 8-bit weights, 32-bit biases,
/// dyadic multipliers, polynomial constants, integer biases of the normalisations. `load_ibert` makes one from a
/// folder.

#include <cstdint>
#include <vector>

#include "tessera/network/ibert_config.hpp"
#include "tessera/op/encoder.hpp"

namespace tessera {

/// An embedding table with one scale. integers: (rows, C).
struct quantized_table {
  std::vector<std::int8_t> integers;
  index_t rows = 0;
  double scale = 0;
  ibert::embedding_table view() const { return {integers.data(), rows}; }
};

/// weight: (N, K); scales and bias: (N).
struct quantized_linear {
  std::vector<std::int8_t> weight;
  std::vector<std::int32_t> bias;
  std::vector<double> weight_scale;
  std::vector<double> out_scale;  ///< of the accumulator
  ibert::linear_weights view() const { return {weight.data(), bias.data()}; }
};

/// Multipliers from the scales of the input's channels (one or C) to one output scale.
struct quantized_act {
  double scale = 0;  ///< of the output
  std::vector<std::int64_t> m;
  std::vector<std::int32_t> e;
  ibert::dyadic_channels channels(saturating range) const { return {m.data(), e.data(), range.low, range.high}; }
  ibert::dyadic scalar(saturating range) const { return {{m.front(), e.front()}, range.low, range.high}; }
};

/// A requantisation with a residual branch of another scale.
struct quantized_residual_act {
  quantized_act main;
  quantized_act identity;
};

struct quantized_norm {
  std::vector<std::int64_t> bias;
  std::vector<double> out_scale;
  int shift = 0;
  ibert::layer_norm view() const { return {bias.data(), shift}; }
};

struct quantized_gelu {
  std::vector<std::int64_t> b, c, shift;
  std::vector<double> out_scale;
  ibert::gelu_channels view() const { return {b.data(), c.data(), shift.data()}; }
};

struct quantized_softmax {
  double in_scale = 0;
  ibert::softmax_constants constants{};
  quantized_act act;  ///< the 16-bit exponential
  ibert::softmax<> view() const { return {constants, {{act.m.front(), act.e.front()}}}; }
};

struct quantized_embeddings {
  quantized_table word, type, position;
  quantized_residual_act sum1, sum2;
  quantized_norm norm;
  quantized_act output;
};

struct quantized_layer {
  quantized_linear query, key, value, attention_output, intermediate, output;
  quantized_act query_act, key_act, value_act;
  quantized_softmax softmax;
  quantized_act context;
  quantized_residual_act attention_sum, output_sum;
  quantized_norm attention_norm, output_norm;
  quantized_act attention_norm_act, pre_intermediate;  ///< two steps to the feed-forward block's input
  quantized_gelu gelu;
  quantized_act gelu_act, pre_output;  ///< two steps to the second linear layer's input
  quantized_act output_act;
};

/// The classifier on the first token, in double precision: out . tanh(dense . x + bias) + bias. Row-major.
struct classification_head {
  std::vector<double> dense_weight, dense_bias;  ///< (C, C), (C)
  std::vector<double> out_weight, out_bias;      ///< (labels, C), (labels)
};

inline constexpr saturating ibert_8bit = saturate_to<std::int8_t>;
inline constexpr saturating ibert_22bit{-(std::int64_t{1} << 21), (std::int64_t{1} << 21) - 1};
/// Branches of a residual sum saturate at 32 bits, which `load_ibert` makes sure never shows in the sum.
inline constexpr saturating ibert_branch = keep_accumulator;

struct ibert_network {
  ibert_config config;
  quantized_embeddings embeddings;
  std::vector<quantized_layer> layers;
  classification_head head;

  encoder_shape<> shape() const { return {config.hidden_size, config.num_attention_heads, config.intermediate_size}; }

  double output_scale() const { return layers.empty() ? embeddings.output.scale : layers.back().output_act.scale; }

  ibert::embedding_params embedding_view() const {
    const auto& q = embeddings;
    return {q.word.view(),
            q.type.view(),
            q.position.view(),
            q.sum1.main.scalar(ibert_branch),
            q.sum1.identity.scalar(ibert_branch),
            q.sum2.main.scalar(ibert_branch),
            q.sum2.identity.scalar(ibert_branch),
            q.norm.view(),
            q.output.channels(ibert_8bit)};
  }

  ibert::encoder_stage<ibert::huggingface_flow> stage_view(const quantized_layer& q) const {
    ibert::encoder_stage<ibert::huggingface_flow> stage{
        .layer = {.query = q.query.view(),
                  .key = q.key.view(),
                  .value = q.value.view(),
                  .attention_output = q.attention_output.view(),
                  .intermediate = q.intermediate.view(),
                  .output = q.output.view(),
                  .query_act = q.query_act.channels(ibert_8bit),
                  .key_act = q.key_act.channels(ibert_8bit),
                  .value_act = q.value_act.channels(ibert_8bit),
                  .attention_softmax = q.softmax.view(),
                  .context_act = q.context.scalar(ibert_8bit),
                  .attention_residual_act = q.attention_sum.main.channels(ibert_branch),
                  .attention_identity_act = q.attention_sum.identity.scalar(ibert_branch),
                  .attention_norm_range = ibert_22bit,
                  .attention_norm = q.attention_norm.view(),
                  .hidden_act = {q.attention_norm_act.channels(ibert_8bit), q.pre_intermediate.scalar(ibert_8bit)},
                  .activation = q.gelu.view(),
                  .activation_act = {q.gelu_act.channels(ibert_8bit), q.pre_output.scalar(ibert_8bit)},
                  .output_residual_act = q.output_sum.main.channels(ibert_branch),
                  .output_identity_act = q.output_sum.identity.scalar(ibert_branch),
                  .output_norm_range = ibert_22bit,
                  .output_norm = q.output_norm.view()},
        .output_act = q.output_act.channels(ibert_8bit)};
    return stage;
  }

  /// Views of all layers; they point into this network.
  std::vector<ibert::encoder_stage<ibert::huggingface_flow>> stage_views() const {
    std::vector<ibert::encoder_stage<ibert::huggingface_flow>> views;
    views.reserve(layers.size());
    for (const quantized_layer& layer : layers) views.push_back(stage_view(layer));
    return views;
  }
};

}  // namespace tessera
