// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Records every intermediate tensor of an I-BERT encoder run under Hugging Face's module names.
///
/// Inputs and outputs of operators are what the target computed. What happens inside a fused operator (softmax,
/// normalisation, GELU and its requantisations) is recomputed from the operator's input by its definition, and the
/// result is compared with the target's output: a recording is also a proof.

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tessera/network/ibert_classifier.hpp"
#include "tessera/network/ibert_network.hpp"
#include "tessera/network/npz_writer.hpp"
#include "tessera/network/token_batch.hpp"

namespace tessera {

class ibert_recorder {
 public:
  static constexpr bool enabled = true;

  /// Keys get `prefix` in front, e.g. `s0/`.
  ibert_recorder(const ibert_network& network, npz_writer& writer, std::string prefix, const encoded_batch& batch)
      : network_(network),
        writer_(writer),
        prefix_(std::move(prefix)),
        batch_(batch),
        rows_(batch.rows * batch.columns) {
    write("input_ids", std::vector<std::int32_t>(batch.ids.begin(), batch.ids.end()), {batch.rows, batch.columns});
    write("attention_mask", std::vector<std::uint8_t>(batch.mask.begin(), batch.mask.end()),
          {batch.rows, batch.columns});
  }

  /// After the encoder: the first token's vector and the logits.
  void head(const ibert_classifier& classifier, const std::vector<classification>& results) {
    std::vector<double> tokens, logits;
    const index_t c = network_.config.hidden_size;
    for (index_t b = 0; b < batch_.rows; ++b) {
      const auto token = classifier.dequantize(output_.data() + b * batch_.columns * c);
      tokens.insert(tokens.end(), token.begin(), token.end());
      const auto& result = results[static_cast<std::size_t>(b)].logits;
      logits.insert(logits.end(), result.begin(), result.end());
    }
    write("head.cls", tokens, {batch_.rows, c});
    write("logits", logits, {batch_.rows, network_.config.num_labels()});
  }

  // ---- What the operators call -------------------------------------------------------------------------------------

  void layer(index_t i) {
    layer_ = i;
    const auto heads = static_cast<std::size_t>(batch_.rows * network_.config.num_attention_heads);
    const auto square = static_cast<std::size_t>(batch_.columns * batch_.columns);
    scores_.assign(heads * square, 0);
    probabilities_.assign(heads * square, 0);
    context_.assign(static_cast<std::size_t>(rows_ * network_.config.hidden_size), 0);
  }

  std::int32_t* accumulators(index_t count) {
    accumulators_.resize(static_cast<std::size_t>(count));
    return accumulators_.data();
  }

  template <class View>
  void head(std::string_view what, index_t b, index_t h, const View& view) {
    const index_t heads = network_.config.num_attention_heads;
    const index_t width = network_.config.head_size();
    for (index_t r = 0; r < view.extent(0); ++r) {
      for (index_t c = 0; c < view.extent(1); ++c) {
        const auto square = static_cast<std::size_t>(((b * heads + h) * batch_.columns + r) * batch_.columns + c);
        if (what == "scores") scores_[square] = static_cast<std::int32_t>(view(r, c));
        if (what == "probs") probabilities_[square] = static_cast<std::uint8_t>(view(r, c));
        if (what == "context") {
          context_[static_cast<std::size_t>((b * batch_.columns + r) * heads * width + h * width + c)] =
              static_cast<std::int32_t>(view(r, c));
        }
      }
    }
  }

  template <class View>
  void tensor(std::string_view what, const View& view) {
    using element = typename View::value_type;
    std::vector<element> values(static_cast<std::size_t>(view.size()));
    for (index_t r = 0; r < view.extent(0); ++r) {
      for (index_t c = 0; c < view.extent(1); ++c) {
        values[static_cast<std::size_t>(r * view.extent(1) + c)] = view(r, c);
      }
    }
    if constexpr (std::is_same_v<element, std::int64_t>) {
      normalization(what, values);
    } else {
      if constexpr (std::is_same_v<element, std::int32_t>) {
        if (what == "attention_norm.in" || what == "output_norm.in") norm_input_ = values;
        if (what == "intermediate.acc") intermediate_ = values;
      }
      if constexpr (std::is_same_v<element, std::int16_t>) norm_input_.assign(values.begin(), values.end());
      if constexpr (std::is_same_v<element, std::int8_t>) {
        if (what == "context.out") softmax();
        if (what == "hidden.out") attention_norm_act(values);
        if (what == "intermediate.out") gelu(values);
        if (what == "layer.out" || what == "embeddings.out") output_ = values;
      }
      tokens(name(what), values);
    }
  }

 private:
  using shape_type = std::vector<index_t>;

  /// Hugging Face's name of an operator's tensor.
  std::string name(std::string_view what) const {
    static const std::map<std::string_view, std::string_view> embedding_names = {
        {"word.int", "word_embeddings.int"},         {"type.int", "token_type_embeddings.int"},
        {"position.int", "position_embeddings.int"}, {"sum1.out", "embeddings_act1.1.out"},
        {"sum2.out", "embeddings_act1.2.out"},       {"norm.out", "LayerNorm"},
        {"embeddings.out", "output_activation.out"}};
    static const std::map<std::string_view, std::string_view> layer_names = {
        {"query.acc", "attention.self.query.acc"},
        {"key.acc", "attention.self.key.acc"},
        {"value.acc", "attention.self.value.acc"},
        {"query.out", "attention.self.query_activation.out"},
        {"key.out", "attention.self.key_activation.out"},
        {"value.out", "attention.self.value_activation.out"},
        {"context.out", "attention.self.output_activation.out"},
        {"attention_output.acc", "attention.output.dense.acc"},
        {"attention_norm.in", "attention.output.ln_input_act.out"},
        {"attention_norm.out", "attention.output.LayerNorm"},
        {"hidden.out", "pre_intermediate_act.out"},
        {"intermediate.acc", "intermediate.dense.acc"},
        {"intermediate.out", "pre_output_act.out"},
        {"output.acc", "output.dense.acc"},
        {"output_norm.in", "output.ln_input_act.out"},
        {"output_norm.out", "output.LayerNorm"},
        {"layer.out", "output.output_activation.out"}};
    if (layer_ < 0) return "embeddings." + std::string(embedding_names.at(what));
    return layer_name(layer_names.at(what));
  }
  std::string layer_name(std::string_view module) const {
    return "layer" + std::to_string(layer_) + "." + std::string(module);
  }
  const quantized_layer& constants() const { return network_.layers[static_cast<std::size_t>(layer_)]; }

  template <class T>
  void write(const std::string& key, const std::vector<T>& values, const shape_type& shape) {
    writer_.add<T>(prefix_ + key, shape, values);
  }
  /// (B, S, channels)
  template <class T>
  void tokens(const std::string& key, const std::vector<T>& values) {
    write(key, values, {batch_.rows, batch_.columns, static_cast<index_t>(values.size()) / rows_});
  }
  /// As tokens, in 32 bits where all values fit.
  void narrow_tokens(const std::string& key, const std::vector<std::int64_t>& values) {
    for (const std::int64_t v : values) {
      if (v != static_cast<std::int32_t>(v)) return tokens(key, values);
    }
    tokens(key, std::vector<std::int32_t>(values.begin(), values.end()));
  }

  template <class T, class U>
  static void prove(const std::string& what, const std::vector<T>& defined, const std::vector<U>& computed) {
    for (std::size_t i = 0; i < defined.size(); ++i) {
      if (static_cast<std::int64_t>(defined[i]) != static_cast<std::int64_t>(computed[i])) {
        throw std::logic_error(what + ": the target's value " + std::to_string(computed[i]) + " at index " +
                               std::to_string(i) + " is not " + std::to_string(defined[i]) + ", as defined");
      }
    }
  }

  void normalization(std::string_view what, const std::vector<std::int64_t>& computed) {
    const index_t c = network_.config.hidden_size;
    const quantized_norm& q = layer_ < 0                     ? network_.embeddings.norm
                              : what == "attention_norm.out" ? constants().attention_norm
                                                             : constants().output_norm;
    const ibert::layer_norm norm = q.view();
    std::vector<std::int32_t> mean, deviation, factor;
    std::vector<std::int64_t> variance, defined(computed.size());
    for (index_t r = 0; r < rows_; ++r) {
      const std::int32_t* const x = norm_input_.data() + r * c;
      const auto s = norm.statistics(x, c);
      mean.push_back(static_cast<std::int32_t>(s.mean));
      variance.push_back(static_cast<std::int64_t>(s.variance));
      deviation.push_back(static_cast<std::int32_t>(s.deviation));
      factor.push_back(static_cast<std::int32_t>(s.factor));
      norm(x, defined.data() + r * c, c);
    }
    const std::string module = name(what);
    prove(module, defined, computed);
    tokens(module + ".mean", mean);
    tokens(module + ".var", variance);
    tokens(module + ".std", deviation);
    tokens(module + ".factor", factor);
    narrow_tokens(module + ".out", computed);
    norm_output_ = computed;
  }

  void softmax() {
    const index_t s = batch_.columns;
    const index_t heads = network_.config.num_attention_heads;
    ibert::softmax<> softmax = constants().softmax.view();
    std::vector<std::int32_t> x, sums, factors;
    std::vector<std::int64_t> exponentials;
    std::vector<std::int16_t> narrow;
    std::vector<std::uint8_t> defined(probabilities_.size());
    for (index_t row = 0; row < batch_.rows * heads * s; ++row) {
      softmax.keep = batch_.mask.data() + row / (heads * s) * s;
      const std::int32_t* const scores = scores_.data() + row * s;
      const std::int64_t most = softmax.row_max(scores, s);
      std::int64_t sum = 0;
      for (index_t i = 0; i < s; ++i) {
        const std::int64_t shifted = softmax.shifted(scores, i, most);
        const std::int64_t p = softmax.exp16(scores, i, most);
        x.push_back(static_cast<std::int32_t>(shifted));
        exponentials.push_back(ibert::integer_exp(shifted, softmax.constants).value());
        narrow.push_back(static_cast<std::int16_t>(p));
        sum += p;
      }
      sums.push_back(static_cast<std::int32_t>(sum));
      factors.push_back(static_cast<std::int32_t>(softmax.factor(sum)));
      softmax(scores, defined.data() + row * s, s);
    }
    const std::string module = layer_name("attention.self.softmax");
    prove(module, defined, probabilities_);
    const shape_type square{batch_.rows, heads, s, s};
    const shape_type per_row{batch_.rows, heads, s, 1};
    write(module + ".scores", scores_, square);
    write(module + ".x", x, square);
    write(module + ".exp", exponentials, square);
    write(module + ".act.out", narrow, square);
    write(module + ".sum", sums, per_row);
    write(module + ".factor", factors, per_row);
    write(module + ".probs", probabilities_, square);
    tokens(layer_name("attention.self.output_activation.in"), context_);
  }

  /// Two requantisations follow attention's normalisation; the first is inside the operator.
  void attention_norm_act(const std::vector<std::int8_t>& computed) {
    const index_t c = network_.config.hidden_size;
    const auto first = constants().attention_norm_act.channels(ibert_8bit);
    const auto second = constants().pre_intermediate.scalar(ibert_8bit);
    std::vector<std::int8_t> between, defined;
    for (std::size_t i = 0; i < computed.size(); ++i) {
      const index_t channel = static_cast<index_t>(i) % c;
      between.push_back(static_cast<std::int8_t>(first(norm_output_[i], channel)));
      defined.push_back(static_cast<std::int8_t>(second(between.back(), channel)));
    }
    prove(layer_name("pre_intermediate_act"), defined, computed);
    tokens(layer_name("attention.output.output_activation.out"), between);
  }

  void gelu(const std::vector<std::int8_t>& computed) {
    const index_t f = network_.config.intermediate_size;
    const quantized_layer& q = constants();
    const auto activation = q.gelu.view();
    const auto first = q.gelu_act.channels(ibert_8bit);
    const auto second = q.pre_output.scalar(ibert_8bit);
    std::vector<std::int64_t> erf, value;
    std::vector<std::int8_t> between, defined;
    for (std::size_t i = 0; i < computed.size(); ++i) {
      const index_t channel = static_cast<index_t>(i) % f;
      const auto k = activation.channel(channel).constants;
      erf.push_back(ibert::gelu_erf(intermediate_[i], k));
      value.push_back(ibert::gelu_value(intermediate_[i], k));
      between.push_back(static_cast<std::int8_t>(first(value.back(), channel)));
      defined.push_back(static_cast<std::int8_t>(second(between.back(), channel)));
    }
    prove(layer_name("pre_output_act"), defined, computed);
    narrow_tokens(layer_name("intermediate.intermediate_act_fn.erf"), erf);
    tokens(layer_name("intermediate.intermediate_act_fn.out"), value);
    tokens(layer_name("intermediate.output_activation.out"), between);
  }

  const ibert_network& network_;
  npz_writer& writer_;
  std::string prefix_;
  const encoded_batch& batch_;
  index_t rows_;
  index_t layer_ = -1;  // embeddings
  std::vector<std::int32_t> accumulators_, scores_, context_, norm_input_, intermediate_;
  std::vector<std::uint8_t> probabilities_;
  std::vector<std::int64_t> norm_output_;
  std::vector<std::int8_t> output_;
};

}  // namespace tessera
