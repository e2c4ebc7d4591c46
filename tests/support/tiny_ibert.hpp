// SPDX-License-Identifier: Apache-2.0
#pragma once

// A small I-BERT checkpoint made in memory, tensor by tensor, so that tests can spoil one of them.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "tessera/network/ibert_loader.hpp"
#include "tessera/network/safetensors_writer.hpp"

namespace tessera::testing {

class tiny_ibert {
 public:
  struct tensor {
    dtype type = dtype::f32;
    std::vector<index_t> shape;
    std::vector<std::byte> bytes;
  };

  ibert_config config;
  std::map<std::string, tensor> tensors;

  static ibert_config default_config() {
    ibert_config c;
    c.vocab_size = 300;
    c.type_vocab_size = 2;
    c.hidden_size = 8;
    c.num_attention_heads = 2;
    c.intermediate_size = 16;
    c.num_hidden_layers = 2;
    c.max_position_embeddings = 26;
    c.labels = {"no", "maybe", "yes"};
    return c;
  }

  /// Weights are random, activation ranges are such that no tensor is all zeros or all saturated.
  explicit tiny_ibert(std::uint32_t seed = 1, ibert_config shape = default_config())
      : config(std::move(shape)), random_(seed) {
    const index_t c = config.hidden_size;
    const index_t f = config.intermediate_size;
    const float reach = 1.7f / static_cast<float>(std::sqrt(static_cast<double>(c)));
    const std::string embeddings = "ibert.embeddings.";
    weights(embeddings + "word_embeddings", {config.vocab_size, c}, 1.5f);
    weights(embeddings + "token_type_embeddings", {config.type_vocab_size, c}, 0.5f);
    weights(embeddings + "position_embeddings", {config.max_position_embeddings, c}, 0.7f);
    range(embeddings + "embeddings_act1", 2.2f);
    norm(embeddings + "LayerNorm", 1);
    range(embeddings + "output_activation", 3.1f);
    for (index_t i = 0; i < config.num_hidden_layers; ++i) {
      const std::string layer = "ibert.encoder.layer." + std::to_string(i) + ".";
      const std::string self = layer + "attention.self.";
      for (const char* name : {"query", "key", "value"}) {
        linear(self + name, c, c, reach);
        range(self + name + "_activation", 3.3f);
      }
      // Its range is that of the integer exponential itself, which is 1 / (0.358 * scale^2) * 2^30 at the row's
      // maximum.
      const double score = 3.3 / 127 * 3.3 / 127 / std::sqrt(static_cast<double>(config.head_size()));
      range(self + "softmax.act", static_cast<float>(1.04 / 0.35815147 / score / score * 1073741824.0));
      range(self + "output_activation", 2.9f);
      linear(layer + "attention.output.dense", c, c, reach);
      range(layer + "attention.output.ln_input_act", 5.3f);
      norm(layer + "attention.output.LayerNorm", 7);
      range(layer + "attention.output.output_activation", 3.2f);
      range(layer + "pre_intermediate_act", 3.1f);
      linear(layer + "intermediate.dense", f, c, reach);
      range(layer + "intermediate.output_activation", 3.7f);
      range(layer + "pre_output_act", 3.6f);
      linear(layer + "output.dense", c, f, reach);
      range(layer + "output.ln_input_act", 6.1f);
      norm(layer + "output.LayerNorm", 7);
      range(layer + "output.output_activation", 3.3f);
    }
    weights("classifier.dense", {c, c}, 0.4f);
    weights("classifier.out_proj", {config.num_labels(), c}, 0.9f);
    put<float>("classifier.dense.bias", {c}, values(c, 0.3f));
    put<float>("classifier.out_proj.bias", {config.num_labels()}, values(config.num_labels(), 0.3f));
  }

  /// Sets or replaces a tensor.
  template <class T>
  void put(const std::string& name, const std::vector<index_t>& shape, const std::vector<T>& values) {
    tensor& t = tensors[name];
    t = {dtype_of<T>, shape, std::vector<std::byte>(values.size() * sizeof(T))};
    if (!values.empty()) std::memcpy(t.bytes.data(), values.data(), t.bytes.size());
  }
  /// Replaces all values by one.
  void fill(const std::string& name, float value) {
    tensor& t = tensors.at(name);
    put<float>(name, t.shape, std::vector<float>(t.bytes.size() / sizeof(float), value));
  }
  /// Replaces one value of a float32 tensor.
  void set(const std::string& name, index_t at, float value) {
    std::memcpy(tensors.at(name).bytes.data() + static_cast<std::size_t>(at) * sizeof(float), &value, sizeof value);
  }
  float get(const std::string& name, index_t at = 0) const {
    float value;
    std::memcpy(&value, tensors.at(name).bytes.data() + static_cast<std::size_t>(at) * sizeof(float), sizeof value);
    return value;
  }

  /// The checkpoint as a safetensors file.
  std::vector<std::byte> bytes() const {
    safetensors_writer writer;
    for (const auto& [name, t] : tensors) {
      writer.add(tensor_ref{"tiny", name, t.type, t.shape, t.bytes});
    }
    return writer.bytes();
  }
  ibert_network load() const { return read(bytes(), config); }
  static ibert_network read(std::span<const std::byte> bytes, const ibert_config& config) {
    return read_ibert(safetensors_file::from_bytes("tiny.safetensors", bytes), config);
  }

 private:
  std::vector<float> values(index_t count, float reach) {
    std::vector<float> v(static_cast<std::size_t>(count));
    for (float& x : v) x = reach * (static_cast<float>(random_() >> 8) / 8388608.0f - 1.0f);  // 2^23
    return v;
  }
  void weights(const std::string& name, std::vector<index_t> shape, float reach) {
    put<float>(name + ".weight", shape, values(shape[0] * shape[1], reach));
  }
  void linear(const std::string& name, index_t outputs, index_t inputs, float reach) {
    weights(name, {outputs, inputs}, reach);
    put<float>(name + ".bias", {outputs}, values(outputs, 0.4f));
  }
  void range(const std::string& name, float peak) {
    put<float>(name + ".x_min", {1}, {name.ends_with("softmax.act") ? 0.0f : -0.93f * peak});
    put<float>(name + ".x_max", {1}, {peak});
  }
  void norm(const std::string& name, float shift) {
    std::vector<float> gamma = values(config.hidden_size, 0.4f);
    for (float& g : gamma) g += 1.0f;
    put<float>(name + ".weight", {config.hidden_size}, gamma);
    put<float>(name + ".bias", {config.hidden_size}, values(config.hidden_size, 0.3f));
    put<float>(name + ".shift", {1}, {shift});
  }

  std::mt19937 random_;
};

}  // namespace tessera::testing
