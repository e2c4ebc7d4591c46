// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Constants of an I-BERT layer, computed from scales as a network loader does. Weights and activations are random with
/// about unit variance, so that values use their ranges as those of a trained network do and do not all saturate.

#include "support/data.hpp"
#include "support/shapes.hpp"
#include "tessera/op/encoder_layer.hpp"

namespace tessera::bench {

/// Scale of 8-bit activations that are limited to +-4, and their standard deviation of 1 in units of it.
inline constexpr double activation_scale = 4.0 / 127;
inline constexpr double activation_deviation = 1.0 / activation_scale;
/// Scale of the 22-bit inputs of layer normalisation, limited to +-8.
inline constexpr double norm_scale = 8.0 / (1 << 21);

inline constexpr saturating to_8bit = saturate_to<std::int8_t>;
inline constexpr saturating to_22bit{-(std::int64_t{1} << 21), (std::int64_t{1} << 21) - 1};

inline ibert::dyadic dyadic(double in_scale, double out_scale, const saturating& range) {
  return {ibert::to_multiplier(in_scale / out_scale), range.low, range.high};
}

/// Dyadic multipliers from one scale per channel to one scale.
struct channel_multipliers {
  buffer<std::int64_t> m;
  buffer<std::int32_t> e;

  channel_multipliers() = default;
  channel_multipliers(const buffer<double>& in_scales, double out_scale) {
    for (const double in : in_scales) {
      const ibert::multiplier multiplier = ibert::to_multiplier(in / out_scale);
      m.push_back(multiplier.m);
      e.push_back(multiplier.e);
    }
  }
  ibert::dyadic_channels to(const saturating& range) const { return {m.data(), e.data(), range.low, range.high}; }
};

/// A linear layer: its result has about the variance of its input.
struct linear_data {
  buffer<std::int8_t> weight;
  buffer<std::int32_t> bias;
  buffer<double> scale;  ///< of the accumulator, per channel

  linear_data() = default;
  linear_data(random_data& random, index_t outputs, index_t inputs, double in_scale)
      : weight(random.uniform<std::int8_t>(outputs * inputs, -127, 126)) {
    const double peak = square_root(3.0 / static_cast<double>(inputs));
    for (index_t c = 0; c < outputs; ++c) {
      scale.push_back(ibert::weight_scale(peak * random.real(0.7, 1.3)) * in_scale);
      bias.push_back(ibert::quantize_bias(random.real(-0.1, 0.1), scale.back()));
    }
  }
  ibert::linear_weights view() const { return {weight.data(), bias.data()}; }
};

struct gelu_data {
  buffer<std::int64_t> b, c, shift;
  buffer<double> scale;

  gelu_data() = default;
  explicit gelu_data(const buffer<double>& in_scales) {
    for (const double in : in_scales) {
      const ibert::gelu_scaled gelu = ibert::to_gelu(in);
      b.push_back(gelu.constants.b);
      c.push_back(gelu.constants.c);
      shift.push_back(gelu.constants.shift);
      scale.push_back(gelu.output_scale);
    }
  }
  ibert::gelu_channels view() const { return {b.data(), c.data(), shift.data()}; }
};

/// Layer normalisation of 22-bit inputs; the shift keeps the sum of squares under 32 bits.
struct norm_data {
  buffer<std::int64_t> bias;
  buffer<double> scale;
  static constexpr int shift = 8;

  norm_data() = default;
  norm_data(random_data& random, index_t channels) {
    const double unit = square_root(static_cast<double>(channels)) / (1 << 30);
    for (index_t c = 0; c < channels; ++c) {
      const double gamma = random.real(0.5, 1.5);
      const double beta = random.real(-0.3, 0.3);
      bias.push_back(static_cast<std::int64_t>(ibert::layer_norm_bias(beta, gamma, unit)));
      scale.push_back(unit * gamma);
    }
  }
  ibert::layer_norm view() const { return {bias.data(), shift}; }
};

/// Softmax of scores q . k^T whose operands are activations of heads with `width` channels.
inline double score_scale(index_t width) {
  return activation_scale * activation_scale / square_root(static_cast<double>(width));
}
inline ibert::softmax<> score_softmax(index_t width) {
  const ibert::softmax_constants constants = ibert::to_softmax(score_scale(width));
  const double peak = scale_binary(static_cast<double>(constants.c), 30);  // of the exponential, at x = 0
  return {constants, {ibert::to_multiplier(32767.0 / peak)}};
}

/// Everything constant of one encoder layer, with Hugging Face's flow.
struct layer_data {
  static constexpr double context_scale = 1.0 / 127;
  static constexpr double gelu_scale = 3.0 / 127;

  linear_data query, key, value, attention_output, intermediate, output;
  norm_data attention_norm, output_norm;
  gelu_data activation;
  channel_multipliers query_act, key_act, value_act, attention_residual_act, hidden_act, activation_act,
      output_residual_act, output_act;
  index_t head_width;

  layer_data(random_data& random, const support::layer_shape& s)
      : query(random, s.channels, s.channels, activation_scale),
        key(random, s.channels, s.channels, activation_scale),
        value(random, s.channels, s.channels, activation_scale),
        attention_output(random, s.channels, s.channels, context_scale),
        intermediate(random, s.intermediate, s.channels, activation_scale),
        output(random, s.channels, s.intermediate, gelu_scale),
        attention_norm(random, s.channels),
        output_norm(random, s.channels),
        activation(intermediate.scale),
        query_act(query.scale, activation_scale),
        key_act(key.scale, activation_scale),
        value_act(value.scale, activation_scale),
        attention_residual_act(attention_output.scale, norm_scale),
        hidden_act(attention_norm.scale, activation_scale),
        activation_act(activation.scale, gelu_scale),
        output_residual_act(output.scale, norm_scale),
        output_act(output_norm.scale, activation_scale),
        head_width(s.channels / s.heads) {}

  ibert::dyadic context_act() const { return dyadic(activation_scale / 256, context_scale, to_8bit); }

  /// Views into this object.
  ibert::encoder_layer_params<ibert::huggingface_flow> params() const {
    const ibert::dyadic identity = dyadic(activation_scale, norm_scale, keep_accumulator);
    return {.query = query.view(),
            .key = key.view(),
            .value = value.view(),
            .attention_output = attention_output.view(),
            .intermediate = intermediate.view(),
            .output = output.view(),
            .query_act = query_act.to(to_8bit),
            .key_act = key_act.to(to_8bit),
            .value_act = value_act.to(to_8bit),
            .attention_softmax = score_softmax(head_width),
            .context_act = context_act(),
            .attention_residual_act = attention_residual_act.to(keep_accumulator),
            .attention_identity_act = identity,
            .attention_norm_range = to_22bit,
            .attention_norm = attention_norm.view(),
            .hidden_act = {hidden_act.to(to_8bit), dyadic(activation_scale, activation_scale, to_8bit)},
            .activation = activation.view(),
            .activation_act = {activation_act.to(to_8bit), dyadic(gelu_scale, gelu_scale, to_8bit)},
            .output_residual_act = output_residual_act.to(keep_accumulator),
            .output_identity_act = identity,
            .output_norm_range = to_22bit,
            .output_norm = output_norm.view()};
  }
};

}  // namespace tessera::bench
