// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Runs an I-BERT network on encoded text: integers up to the last layer, the head in double precision.

#include <Eigen/Core>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "tessera/network/ibert_network.hpp"
#include "tessera/network/token_batch.hpp"

namespace tessera {

/// The result for one sequence.
struct classification {
  index_t label = 0;           ///< index of the largest logit
  std::vector<double> logits;  ///< (labels)
  /// Softmax probability of `label`, for people.
  double score() const {
    double sum = 0;
    for (const double v : logits) sum += std::exp(v - logits[static_cast<std::size_t>(label)]);
    return 1 / sum;
  }
};

/// A network ready to run. It keeps views of `network`, which must stay where it is, and an arena that grows to the
/// largest batch seen; calls after that allocate only their results. One object per thread.
class ibert_classifier {
 public:
  explicit ibert_classifier(const ibert_network& network)
      : network_(network), embeddings_(network.embedding_view()), stages_(network.stage_views()) {}

  /// Arena bytes for B sequences padded to S tokens.
  index_t arena_bytes(index_t batch, index_t sequence) const {
    return op::encoder_arena_bytes(network_.shape(), batch, sequence);
  }

  /// Encoder output of a batch: (B * S, C) int8 with scale `network.output_scale()`.
  /// Throws std::invalid_argument for batches that the network cannot take.
  template <Target T, class Observer = no_observer>
  const std::vector<std::int8_t>& encode(const encoded_batch& batch, Observer* observer = nullptr) {
    const index_t rows = batch.rows * batch.columns;
    const index_t c = network_.config.hidden_size;
    if (batch.rows < 1 || batch.columns < 1) throw std::invalid_argument("an I-BERT batch needs at least one token");
    const auto cells = static_cast<std::size_t>(rows);
    if (batch.ids.size() != cells || batch.mask.size() != cells) {
      throw std::invalid_argument("an I-BERT batch needs an id and a mask for each of its rows times columns");
    }
    if (batch.columns > network_.config.max_length()) {
      throw std::invalid_argument("a sequence of " + std::to_string(batch.columns) +
                                  " tokens is longer than the network's " +
                                  std::to_string(network_.config.max_length()) + " positions");
    }
    set_positions(batch);
    types_.assign(static_cast<std::size_t>(rows), 0);
    const index_t bytes = arena_bytes(batch.rows, batch.columns);
    if (static_cast<index_t>(arena_.size() * sizeof(block)) < bytes) {
      arena_.resize(static_cast<std::size_t>(ceil_div(bytes, static_cast<index_t>(sizeof(block)))));
    }
    output_.resize(static_cast<std::size_t>(rows * c));
    const encoder_input input{batch.ids.data(),  types_.data(), positions_.data(),
                              batch.mask.data(), batch.rows,    batch.columns};
    const scratch_span arena{arena_.data(), static_cast<index_t>(arena_.size() * sizeof(block))};
    const status s =
        op::encoder<T>(network_.shape(), input, embeddings_, stages_.data(), static_cast<index_t>(stages_.size()),
                       arena, matrix(output_.data(), rows, c), observer);
    if (s != status::ok) throw std::invalid_argument(std::string("I-BERT encoder: ") + to_string(s));
    return output_;
  }

  /// One result per row of the batch.
  template <Target T, class Observer = no_observer>
  std::vector<classification> classify(const encoded_batch& batch, Observer* observer = nullptr) {
    const std::vector<std::int8_t>& tokens = encode<T>(batch, observer);
    std::vector<classification> results;
    for (index_t b = 0; b < batch.rows; ++b) {
      results.push_back(head(tokens.data() + b * batch.columns * network_.config.hidden_size));
    }
    return results;
  }

  /// The first token's vector as real numbers: what the head reads. token: (C).
  std::vector<double> dequantize(const std::int8_t* token) const {
    std::vector<double> values;
    const double scale = network_.output_scale();
    for (index_t i = 0; i < network_.config.hidden_size; ++i) values.push_back(token[i] * scale);
    return values;
  }

 private:
  struct alignas(scratch_alignment) block {
    std::byte bytes[scratch_alignment];
  };

  /// As RoBERTa: pad_id + 1, pad_id + 2, ... for tokens; pad_id for padding, and for a pad token that the text spells
  /// out.
  void set_positions(const encoded_batch& batch) {
    positions_.assign(batch.ids.size(), network_.config.pad_token_id);
    for (index_t b = 0; b < batch.rows; ++b) {
      std::int32_t next = network_.config.pad_token_id;
      for (index_t t = 0; t < batch.columns; ++t) {
        const auto i = static_cast<std::size_t>(b * batch.columns + t);
        if (batch.ids[i] != network_.config.pad_token_id) positions_[i] = ++next;
      }
    }
  }

  classification head(const std::int8_t* token) const {
    using vector_map = Eigen::Map<const Eigen::VectorXd>;
    using matrix_map = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
    const index_t c = network_.config.hidden_size;
    const index_t labels = network_.config.num_labels();
    const classification_head& h = network_.head;
    const std::vector<double> input = dequantize(token);
    const Eigen::VectorXd hidden =
        (matrix_map(h.dense_weight.data(), c, c) * vector_map(input.data(), c) + vector_map(h.dense_bias.data(), c))
            .array()
            .tanh();
    classification result;
    result.logits.resize(static_cast<std::size_t>(labels));
    Eigen::Map<Eigen::VectorXd> logits(result.logits.data(), labels);
    logits = matrix_map(h.out_weight.data(), labels, c) * hidden + vector_map(h.out_bias.data(), labels);
    logits.maxCoeff(&result.label);
    return result;
  }

  const ibert_network& network_;
  ibert::embedding_params embeddings_;
  std::vector<ibert::encoder_stage<ibert::huggingface_flow>> stages_;
  std::vector<std::int32_t> types_, positions_;
  std::vector<block> arena_;
  std::vector<std::int8_t> output_;
};

}  // namespace tessera
