// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Every constant of an I-BERT network under Hugging Face's module names, as int64 and float64 arrays `const/...`.

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/network/ibert_network.hpp"
#include "tessera/network/npz_writer.hpp"

namespace tessera {
namespace detail {

class constant_writer {
 public:
  explicit constant_writer(npz_writer& writer) : writer_(writer) {}

  template <class T>
  void integers(const std::string& name, const std::vector<T>& values) {
    add(name, std::vector<std::int64_t>(values.begin(), values.end()));
  }
  void reals(const std::string& name, const std::vector<double>& values) { add(name, values); }

  void act(const std::string& name, const quantized_act& q) {
    reals(name + ".scale", {q.scale});
    multipliers(name, q);
  }
  void residual(const std::string& name, const quantized_residual_act& q) {
    act(name, q.main);
    multipliers(name + ".identity", q.identity);
  }
  void linear(const std::string& name, const quantized_linear& q) {
    reals(name + ".weight_scale", q.weight_scale);
    integers(name + ".bias_int", q.bias);
    reals(name + ".out_scale", q.out_scale);
  }
  void norm(const std::string& name, const quantized_norm& q) {
    integers(name + ".bias_int", q.bias);
    reals(name + ".out_scale", q.out_scale);
    integers<int>(name + ".shift", {q.shift});
  }
  void softmax(const std::string& name, const quantized_softmax& q) {
    integers<std::int64_t>(name + ".x0_int", {q.constants.x0});
    integers<std::int64_t>(name + ".b_int", {q.constants.b});
    integers<std::int64_t>(name + ".c_int", {q.constants.c});
    reals(name + ".in_scale", {q.in_scale});
    act(name + ".act", q.act);
  }
  void gelu(const std::string& name, const quantized_gelu& q) {
    integers(name + ".b_int", q.b);
    integers(name + ".c_int", q.c);
    integers(name + ".shift_int", q.shift);
    reals(name + ".out_scale", q.out_scale);
  }

 private:
  void multipliers(const std::string& name, const quantized_act& q) {
    integers(name + ".m", q.m);
    integers(name + ".e", q.e);
  }
  template <class T>
  void add(const std::string& name, const std::vector<T>& values) {
    writer_.add<T>("const/" + name, {static_cast<index_t>(values.size())}, values);
  }
  npz_writer& writer_;
};

}  // namespace detail

/// Adds all constants of `network` to `writer`.
inline void write_constants(const ibert_network& network, npz_writer& writer) {
  detail::constant_writer to(writer);
  const quantized_embeddings& e = network.embeddings;
  to.reals("embeddings.word_embeddings.scale", {e.word.scale});
  to.reals("embeddings.token_type_embeddings.scale", {e.type.scale});
  to.residual("embeddings.embeddings_act1.1", e.sum1);
  to.reals("embeddings.position_embeddings.scale", {e.position.scale});
  to.residual("embeddings.embeddings_act1.2", e.sum2);
  to.norm("embeddings.LayerNorm", e.norm);
  to.act("embeddings.output_activation", e.output);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const quantized_layer& q = network.layers[i];
    const std::string layer = "layer" + std::to_string(i) + ".";
    const std::string self = layer + "attention.self.";
    to.linear(self + "query", q.query);
    to.linear(self + "key", q.key);
    to.linear(self + "value", q.value);
    to.act(self + "query_activation", q.query_act);
    to.act(self + "key_activation", q.key_act);
    to.act(self + "value_activation", q.value_act);
    to.softmax(self + "softmax", q.softmax);
    to.act(self + "output_activation", q.context);
    to.linear(layer + "attention.output.dense", q.attention_output);
    to.residual(layer + "attention.output.ln_input_act", q.attention_sum);
    to.norm(layer + "attention.output.LayerNorm", q.attention_norm);
    to.act(layer + "attention.output.output_activation", q.attention_norm_act);
    to.act(layer + "pre_intermediate_act", q.pre_intermediate);
    to.linear(layer + "intermediate.dense", q.intermediate);
    to.gelu(layer + "intermediate.intermediate_act_fn", q.gelu);
    to.act(layer + "intermediate.output_activation", q.gelu_act);
    to.act(layer + "pre_output_act", q.pre_output);
    to.linear(layer + "output.dense", q.output);
    to.residual(layer + "output.ln_input_act", q.output_sum);
    to.norm(layer + "output.LayerNorm", q.output_norm);
    to.act(layer + "output.output_activation", q.output_act);
  }
}

}  // namespace tessera
