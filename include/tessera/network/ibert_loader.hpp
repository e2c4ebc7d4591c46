// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Reads a Hugging Face I-BERT folder and computes its integers. Scales are computed in double precision from the
/// checkpoint's float32 values, as docs/arithmetic.md says; the stored act_scaling_factor and weight_integer tensors,
/// which are rounded copies, are not used.
///
/// A linear layer or embedding is stored either as floats (`NAME.weight`, any float type) or already quantised: int8
/// `NAME.weight` with float `NAME.weight_peak`, the largest magnitude per output channel (embeddings: of the table).

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "tessera/network/ibert_network.hpp"
#include "tessera/network/safetensors.hpp"

namespace tessera {
namespace detail {

/// Reads and quantises the tensors of one file; every message names the file and the tensor.
class ibert_reader {
 public:
  explicit ibert_reader(const safetensors_file& file) : file_(file) {}

  /// A tensor of exactly this shape as doubles, all finite.
  std::vector<double> floats(const std::string& name, std::initializer_list<index_t> shape) const {
    const tensor_ref tensor = checked(name, shape);
    std::vector<double> values = tensor.to<double>();
    for (const double v : values) {
      if (!std::isfinite(v)) tensor.fail("it holds a value that is not finite");
    }
    return values;
  }

  double scalar(const std::string& name) const {
    const tensor_ref tensor = file_.tensor(name);
    if (tensor.count() != 1) tensor.fail("it should hold one value, its shape is " + shape_text(tensor.shape));
    const double value = tensor.to<double>().front();
    if (!std::isfinite(value)) tensor.fail("its value is not finite");
    return value;
  }

  /// max(|x_min|, |x_max|) / (2^(bits-1) - 1) of a calibrated activation.
  double activation_scale(const std::string& name, int bits) const {
    const double scale = ibert::activation_scale(scalar(name + ".x_min"), scalar(name + ".x_max"), bits);
    if (!(scale > 0)) fail(name + ".x_max", "the activation's range is empty, so its scale would be zero");
    return scale;
  }

  quantized_table table(const std::string& name, index_t rows, index_t channels) const {
    auto [integers, peaks] = weights(name + ".weight", rows, channels, 1);
    return {std::move(integers), rows, ibert::weight_scale(peaks.front())};
  }

  quantized_linear linear(const std::string& name, index_t outputs, index_t inputs, double in_scale) const {
    quantized_linear q;
    auto [integers, peaks] = weights(name + ".weight", outputs, inputs, outputs);
    q.weight = std::move(integers);
    const std::vector<double> bias = floats(name + ".bias", {outputs});
    for (index_t c = 0; c < outputs; ++c) {
      const double weight_scale = ibert::weight_scale(peaks[at(c)]);
      const double out_scale = weight_scale * in_scale;
      q.weight_scale.push_back(weight_scale);
      q.out_scale.push_back(out_scale);
      q.bias.push_back(ibert::quantize_bias(bias[at(c)], out_scale));
      if (accumulator_peak(q, c, inputs) > limits<std::int32_t>::max) {
        fail(name + ".bias", "output channel " + std::to_string(c) + " could overflow its 32-bit accumulator");
      }
    }
    return q;
  }

  /// Largest magnitude that the accumulator of output c can have, for 8-bit inputs.
  static std::int64_t accumulator_peak(const quantized_linear& q, index_t c, index_t inputs) {
    std::int64_t sum = 0;
    for (index_t k = 0; k < inputs; ++k) sum += std::abs(static_cast<int>(q.weight[at(c * inputs + k)]));
    return std::abs(static_cast<std::int64_t>(q.bias[at(c)])) + 128 * sum;
  }

  /// Multipliers from each input scale to `out_scale`; `name` is the activation, for messages.
  quantized_act act(const std::string& name, const std::vector<double>& in_scales, double out_scale) const {
    quantized_act q{out_scale, {}, {}};
    for (const double in : in_scales) {
      const double ratio = in / out_scale;
      if (!std::isfinite(ratio) || ratio == 0) fail(name, "the ratio of two scales is zero or not finite");
      const ibert::multiplier multiplier = ibert::to_multiplier(ratio);
      q.m.push_back(multiplier.m);
      q.e.push_back(multiplier.e);
    }
    return q;
  }

  quantized_act act(const std::string& name, const std::vector<double>& in_scales, int bits) const {
    return act(name, in_scales, activation_scale(name, bits));
  }

  /// The multipliers of a residual sum of up to 22 bits. Each branch saturates at 32 bits before they are added; with
  /// the identity branch below 2^30 that never changes the sum's own, narrower saturation.
  quantized_residual_act residual(const std::string& name, const std::vector<double>& main_scales,
                                  double identity_scale, int bits) const {
    const double scale = activation_scale(name, bits);
    if (!(std::abs(identity_scale / scale) * 32768 < 1073741824.0)) {
      fail(name + ".x_max", "the residual branch would pass 30 bits: its scale is too large for this range");
    }
    return {act(name, main_scales, scale), act(name, {identity_scale}, scale)};
  }

  quantized_norm norm(const std::string& name, index_t channels) const {
    quantized_norm q;
    const std::vector<double> gamma = floats(name + ".weight", {channels});
    const std::vector<double> beta = floats(name + ".bias", {channels});
    const double shift = scalar(name + ".shift");
    if (shift < 0 || shift > 31 || shift != std::floor(shift)) fail(name + ".shift", "it is not an integer in 0..31");
    q.shift = static_cast<int>(shift);
    const double unit = std::sqrt(static_cast<double>(channels)) / 1073741824.0;  // 2^30
    for (index_t c = 0; c < channels; ++c) {
      const std::string where = "channel " + std::to_string(c);
      if (gamma[at(c)] == 0) fail(name + ".weight", where + " is zero, so its scale would be zero");
      const double bias = ibert::layer_norm_bias(beta[at(c)], gamma[at(c)], unit);
      if (!(std::abs(bias) < 1125899906842624.0)) {  // 2^50
        fail(name + ".bias", where + " is too large for its weight: the integer bias would pass 50 bits");
      }
      q.bias.push_back(static_cast<std::int64_t>(bias));
      q.out_scale.push_back(unit * gamma[at(c)]);
    }
    return q;
  }

  /// name: the linear layer before the activation.
  quantized_gelu gelu(const std::string& name, const quantized_linear& before, index_t inputs) const {
    quantized_gelu q;
    for (std::size_t c = 0; c < before.out_scale.size(); ++c) {
      const double s = before.out_scale[c];
      const std::string where = "output channel " + std::to_string(c);
      if (!(s > 2.4e-9)) fail(name + ".weight", where + " has so small a scale that GELU's constants pass 62 bits");
      const ibert::gelu_scaled gelu = ibert::to_gelu(s);
      if (!ibert::gelu_fits(gelu.constants, accumulator_peak(before, static_cast<index_t>(c), inputs))) {
        fail(name + ".weight", where + ": GELU's output could pass 62 bits");
      }
      q.b.push_back(gelu.constants.b);
      q.c.push_back(gelu.constants.c);
      q.shift.push_back(gelu.constants.shift);
      q.out_scale.push_back(gelu.output_scale);
    }
    return q;
  }

  /// name: the 16-bit activation inside softmax.
  quantized_softmax softmax(const std::string& name, double in_scale, index_t longest) const {
    quantized_softmax q;
    q.in_scale = in_scale;
    if (!(in_scale > 3e-8 && in_scale < 1.6)) {
      char text[32];
      std::snprintf(text, sizeof text, "%g", in_scale);
      fail(name, std::string("the scale of its scores, ") + text + ", is outside 3e-8..1.6");
    }
    q.constants = ibert::to_softmax(in_scale);
    q.act = act(name, {1.0}, 16);
    const ibert::softmax<> view = q.view();
    if (longest > 65536) {
      fail("ibert.embeddings.position_embeddings.weight",
           "sums of 16-bit exponentials over more than 65536 positions could pass 31 bits");
    }
    if (view.check(longest) != status::ok) {
      fail(name + ".x_max", "the 16-bit exponential of the largest score would be zero");
    }
    if (view.exp_requant(ibert::integer_exp(30 * q.constants.x0, q.constants)) != 0) {
      fail(name + ".x_max", "the range is so small that padding would get a probability");
    }
    if (!view.output_fits<std::uint8_t>()) {
      fail(name + ".x_max",
           "the exponential of the largest score is a power of two: a probability of 1 would need 9 bits");
    }
    return q;
  }

  /// Integers and the peak magnitude of `groups` equal parts of the tensor (1, or one per row), at least 1e-8.
  std::pair<std::vector<std::int8_t>, std::vector<double>> weights(const std::string& name, index_t rows,
                                                                   index_t columns, index_t groups) const {
    const tensor_ref tensor = checked(name, {rows, columns});
    const index_t size = rows * columns / groups;
    if (tensor.type == dtype::i8) {
      std::vector<double> peaks = floats(name + "_peak", {groups});
      for (double& peak : peaks) {
        if (!(peak >= 0)) fail(name + "_peak", "it holds a negative value");
        peak = std::max(peak, 1e-8);
      }
      std::vector<std::int8_t> integers = tensor.to<std::int8_t>();
      for (const std::int8_t w : integers) {
        if (w == -128 || w == 127) tensor.fail("it holds a value outside [-127, 126]");
      }
      return {std::move(integers), std::move(peaks)};
    }
    const std::vector<double> values = floats(name, {rows, columns});
    std::vector<std::int8_t> integers(values.size());
    std::vector<double> peaks;
    for (index_t g = 0; g < groups; ++g) {
      double peak = 1e-8;  // a channel of zeros gets the smallest scale of the source programs
      for (index_t i = 0; i < size; ++i) peak = std::max(peak, std::abs(values[at(g * size + i)]));
      peaks.push_back(peak);
      const double scale = ibert::weight_scale(peak);
      for (index_t i = 0; i < size; ++i) {
        integers[at(g * size + i)] = ibert::quantize_weight(values[at(g * size + i)], scale);
      }
    }
    return {std::move(integers), std::move(peaks)};
  }

  [[noreturn]] void fail(const std::string& name, const std::string& reason) const {
    throw data_error(file_.name(), "tensor " + tessera::quoted(name), reason);
  }

 private:
  static std::size_t at(index_t i) { return static_cast<std::size_t>(i); }

  tensor_ref checked(const std::string& name, std::initializer_list<index_t> shape) const {
    const tensor_ref tensor = file_.tensor(name);
    if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end())) {
      tensor.fail("its shape is " + shape_text(tensor.shape) + ", the configuration asks for " +
                  shape_text(std::vector<index_t>(shape)));
    }
    return tensor;
  }

  const safetensors_file& file_;
};

inline quantized_embeddings read_embeddings(const ibert_reader& read, const ibert_config& config) {
  const std::string base = "ibert.embeddings.";
  const index_t c = config.hidden_size;
  quantized_embeddings q;
  q.word = read.table(base + "word_embeddings", config.vocab_size, c);
  q.type = read.table(base + "token_type_embeddings", config.type_vocab_size, c);
  q.position = read.table(base + "position_embeddings", config.max_position_embeddings, c);
  // The same calibrated range serves both sums.
  const std::string sum = base + "embeddings_act1";
  q.sum1 = read.residual(sum, {q.word.scale}, q.type.scale, 16);
  q.sum2 = read.residual(sum, {q.sum1.main.scale}, q.position.scale, 16);
  q.norm = read.norm(base + "LayerNorm", c);
  q.output = read.act(base + "output_activation", q.norm.out_scale, 8);
  return q;
}

/// in_scale: of the layer's 8-bit input.
inline quantized_layer read_layer(const ibert_reader& read, const ibert_config& config, index_t index,
                                  double in_scale) {
  const std::string base = "ibert.encoder.layer." + std::to_string(index) + ".";
  const std::string self = base + "attention.self.";
  const index_t c = config.hidden_size;
  const index_t f = config.intermediate_size;
  quantized_layer q;
  q.query = read.linear(self + "query", c, c, in_scale);
  q.key = read.linear(self + "key", c, c, in_scale);
  q.value = read.linear(self + "value", c, c, in_scale);
  q.query_act = read.act(self + "query_activation", q.query.out_scale, 8);
  q.key_act = read.act(self + "key_activation", q.key.out_scale, 8);
  q.value_act = read.act(self + "value_activation", q.value.out_scale, 8);
  const double score_scale = q.query_act.scale * q.key_act.scale / std::sqrt(static_cast<double>(config.head_size()));
  q.softmax = read.softmax(self + "softmax.act", score_scale, config.max_length());
  q.context = read.act(self + "output_activation", {q.value_act.scale / 256.0}, 8);

  const std::string attention = base + "attention.output.";
  q.attention_output = read.linear(attention + "dense", c, c, q.context.scale);
  q.attention_sum = read.residual(attention + "ln_input_act", q.attention_output.out_scale, in_scale, 22);
  q.attention_norm = read.norm(attention + "LayerNorm", c);
  q.attention_norm_act = read.act(attention + "output_activation", q.attention_norm.out_scale, 8);
  q.pre_intermediate = read.act(base + "pre_intermediate_act", {q.attention_norm_act.scale}, 8);

  const std::string up = base + "intermediate.";
  q.intermediate = read.linear(up + "dense", f, c, q.pre_intermediate.scale);
  q.gelu = read.gelu(up + "dense", q.intermediate, c);
  q.gelu_act = read.act(up + "output_activation", q.gelu.out_scale, 8);
  q.pre_output = read.act(base + "pre_output_act", {q.gelu_act.scale}, 8);

  const std::string down = base + "output.";
  q.output = read.linear(down + "dense", c, f, q.pre_output.scale);
  q.output_sum = read.residual(down + "ln_input_act", q.output.out_scale, q.pre_intermediate.scale, 22);
  q.output_norm = read.norm(down + "LayerNorm", c);
  q.output_act = read.act(down + "output_activation", q.output_norm.out_scale, 8);
  return q;
}

}  // namespace detail

/// The network of an opened file. Throws `data_error` for what is missing, misshapen or would not be exact.
inline ibert_network read_ibert(const safetensors_file& file, ibert_config config) {
  const detail::ibert_reader read(file);
  ibert_network network;
  network.embeddings = detail::read_embeddings(read, config);
  double scale = network.embeddings.output.scale;
  for (index_t i = 0; i < config.num_hidden_layers; ++i) {
    network.layers.push_back(detail::read_layer(read, config, i, scale));
    scale = network.layers.back().output_act.scale;
  }
  const index_t c = config.hidden_size;
  network.head = {read.floats("classifier.dense.weight", {c, c}), read.floats("classifier.dense.bias", {c}),
                  read.floats("classifier.out_proj.weight", {config.num_labels(), c}),
                  read.floats("classifier.out_proj.bias", {config.num_labels()})};
  network.config = std::move(config);
  return network;
}

/// The network of a folder with config.json and model.safetensors.
inline ibert_network load_ibert(const std::filesystem::path& folder) {
  ibert_config config = read_ibert_config(folder / "config.json");
  return read_ibert(safetensors_file::open(folder / "model.safetensors"), std::move(config));
}

}  // namespace tessera
