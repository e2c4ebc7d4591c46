// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Rewrites an I-BERT checkpoint with its weights stored as the 8-bit integers that they are executed as: about a
/// quarter of the size, and exactly the same network when loaded again.

#include <deque>
#include <string>
#include <vector>

#include "tessera/network/ibert_loader.hpp"
#include "tessera/network/safetensors_writer.hpp"

namespace tessera {

/// A checkpoint in memory, ready to be saved by `writer`, which refers to the other members.
class packed_ibert {
 public:
  /// The tensors of `file` that a network of this configuration needs. Throws `data_error` as `read_ibert` does.
  packed_ibert(const safetensors_file& file, const ibert_config& config) : file_(file), read_(file) {
    const index_t c = config.hidden_size;
    const index_t f = config.intermediate_size;
    const std::string embeddings = "ibert.embeddings.";
    weights(embeddings + "word_embeddings", config.vocab_size, c, 1);
    weights(embeddings + "token_type_embeddings", config.type_vocab_size, c, 1);
    weights(embeddings + "position_embeddings", config.max_position_embeddings, c, 1);
    range(embeddings + "embeddings_act1");
    norm(embeddings + "LayerNorm");
    range(embeddings + "output_activation");
    for (index_t i = 0; i < config.num_hidden_layers; ++i) {
      const std::string layer = "ibert.encoder.layer." + std::to_string(i) + ".";
      const std::string self = layer + "attention.self.";
      for (const char* name : {"query", "key", "value"}) {
        linear(self + name, c, c);
        range(self + name + "_activation");
      }
      range(self + "softmax.act");
      range(self + "output_activation");
      block(layer + "attention.output.", c, c);
      range(layer + "pre_intermediate_act");
      linear(layer + "intermediate.dense", f, c);
      range(layer + "intermediate.output_activation");
      range(layer + "pre_output_act");
      block(layer + "output.", c, f);
    }
    for (const char* name : {"classifier.dense", "classifier.out_proj"}) {
      copy(std::string(name) + ".weight");
      copy(std::string(name) + ".bias");
    }
    for (const auto& [key, value] : file.metadata()) writer_.add_metadata(key, value);
  }
  packed_ibert(const packed_ibert&) = delete;
  packed_ibert& operator=(const packed_ibert&) = delete;

  const safetensors_writer& writer() const { return writer_; }
  safetensors_writer& writer() { return writer_; }

 private:
  void copy(const std::string& name) { writer_.add(file_.tensor(name)); }
  void range(const std::string& name) {
    copy(name + ".x_min");
    copy(name + ".x_max");
  }
  void norm(const std::string& name) {
    for (const char* part : {".weight", ".bias", ".shift"}) copy(name + part);
  }
  void weights(const std::string& name, index_t rows, index_t columns, index_t groups) {
    auto [integers, peaks] = read_.weights(name + ".weight", rows, columns, groups);
    integers_.push_back(std::move(integers));
    peaks_.push_back(std::move(peaks));
    writer_.add<std::int8_t>(keep(name + ".weight"), {rows, columns}, integers_.back());
    writer_.add<double>(keep(name + ".weight_peak"), {groups}, peaks_.back());
  }
  void linear(const std::string& name, index_t outputs, index_t inputs) {
    weights(name, outputs, inputs, outputs);
    copy(name + ".bias");
  }
  /// A linear layer, the residual sum after it, and its normalisation.
  void block(const std::string& name, index_t outputs, index_t inputs) {
    linear(name + "dense", outputs, inputs);
    range(name + "ln_input_act");
    norm(name + "LayerNorm");
    range(name + "output_activation");
  }
  const std::string& keep(std::string name) { return names_.emplace_back(std::move(name)); }

  const safetensors_file& file_;
  detail::ibert_reader read_;
  std::deque<std::string> names_;
  std::deque<std::vector<std::int8_t>> integers_;
  std::deque<std::vector<double>> peaks_;
  safetensors_writer writer_;
};

}  // namespace tessera
