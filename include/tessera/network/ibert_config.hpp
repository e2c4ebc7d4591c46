// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// config.json of a Hugging Face I-BERT folder.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/network/error.hpp"
#include "tessera/network/json.hpp"
#include "tessera/std.hpp"

namespace tessera {

/// Shape of an I-BERT encoder with a classification head. Written by hand or by `parse_ibert_config`.
struct ibert_config {
  index_t vocab_size = 0;
  index_t type_vocab_size = 0;
  index_t hidden_size = 0;
  index_t num_attention_heads = 0;
  index_t intermediate_size = 0;
  index_t num_hidden_layers = 0;
  index_t max_position_embeddings = 0;  ///< rows of the position table, see `max_length`
  int32_t pad_token_id = 1;
  int32_t bos_token_id = 0;
  int32_t eos_token_id = 2;
  std::vector<std::string> labels = {};  ///< name of each class, the index is its id

  index_t head_size() const { return hidden_size / num_attention_heads; }
  index_t num_labels() const { return static_cast<index_t>(labels.size()); }
  /// Most tokens of one sequence: as in RoBERTa the first token has position pad_token_id + 1.
  index_t max_length() const { return max_position_embeddings - pad_token_id - 1; }

  bool operator==(const ibert_config&) const = default;
};

/// What `parse_ibert_config` accepts at most, so that a damaged or hostile file cannot ask for absurd memory. The
/// largest published relatives stay well below (RoBERTa-large: 50265, 1024, 16, 4096, 24, 514).
struct ibert_config_limits {
  index_t vocab_size = index_t{4} << 20;
  index_t type_vocab_size = 1024;
  index_t hidden_size = 16384;
  index_t num_attention_heads = 1024;
  index_t intermediate_size = 65536;
  index_t num_hidden_layers = 256;
  index_t max_position_embeddings = index_t{1} << 20;
  index_t num_labels = 65536;
};

namespace detail {

/// id2label, label2id and num_labels: any of them may be absent, but together they must say the same.
inline std::vector<std::string> ibert_labels(const json_fields& config, index_t most) {
  const auto stated = config.optional_integer("num_labels", 1, most);
  const auto names = config.optional_object("id2label");
  const auto ids = config.optional_object("label2id");
  std::vector<std::string> labels;
  if (names) {
    const auto count = names->json().size();
    if (count == 0) config.fail("id2label", "has no label");
    if (count > static_cast<std::size_t>(most))
      config.fail("id2label", "has " + std::to_string(count) + " labels, the limit is " + std::to_string(most));
    std::set<std::string_view> seen;
    labels.reserve(count);  // the views in `seen` stay valid
    for (std::size_t i = 0; i < count; ++i) {
      const std::string id = std::to_string(i);
      if (!names->has(id))
        config.fail("id2label", "has " + std::to_string(count) + " entries but none for '" + id + "'");
      labels.push_back(names->string(id));
      if (!seen.insert(labels.back()).second)
        config.fail("id2label", "has the name " + tessera::quoted(labels.back()) + " twice");
    }
  } else {
    // Hugging Face leaves out two labels with their default names.
    const index_t count = ids ? static_cast<index_t>(ids->json().size()) : stated.value_or(2);
    if (count == 0) config.fail("label2id", "has no label");
    if (count > most) config.fail("label2id", "has more labels than the limit of " + std::to_string(most));
    labels.resize(static_cast<std::size_t>(count));
    if (!ids) {
      for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = "LABEL_" + std::to_string(i);
    } else {
      std::vector<bool> taken(labels.size());
      for (const auto& [name, value] : ids->json().items()) {
        const auto id = static_cast<std::size_t>(ids->integer(name, 0, count - 1));
        if (taken[id]) config.fail("label2id", "has the id " + std::to_string(id) + " twice");
        taken[id] = true;
        labels[id] = name;
      }
    }
  }
  if (stated && *stated != static_cast<std::int64_t>(labels.size()))
    config.fail("num_labels",
                "is " + std::to_string(*stated) + " but there are " + std::to_string(labels.size()) + " labels");
  if (names && ids) {
    if (ids->json().size() != labels.size())
      config.fail("label2id", "has " + std::to_string(ids->json().size()) + " entries, id2label has " +
                                  std::to_string(labels.size()));
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto id = ids->integer(labels[i], 0, most);
      if (id != static_cast<std::int64_t>(i))
        config.fail("label2id", "gives " + tessera::quoted(labels[i]) + " the id " + std::to_string(id) +
                                    ", id2label gives it " + std::to_string(i));
    }
  }
  return labels;
}

inline void require_string(const json_fields& config, std::string_view key, std::string_view expected,
                           std::string_view why) {
  const auto value = config.optional_string(key);
  if (value && *value != expected)
    config.fail(key,
                "must be '" + std::string(expected) + "', is " + tessera::quoted(*value) + ": " + std::string(why));
}

}  // namespace detail

/// Checks and takes over a parsed config.json; `file` is only for messages. Keys that change the arithmetic
/// (quant_mode, hidden_act, ...) must have the one value that is implemented. Ignored: layer_norm_eps (I-BERT's integer
/// layer normalisation has none), dropout, and whatever else the file says. Errors: data_error with the key.
inline ibert_config parse_ibert_config(const nlohmann::json& document, std::string_view file,
                                       const ibert_config_limits& limits = {}) {
  const json_fields fields(document, file);
  detail::require_string(fields, "model_type", "ibert", "only I-BERT is supported");
  if (!fields.boolean("quant_mode"))
    fields.fail("quant_mode", "must be true: the checkpoint has not been fine-tuned with integer arithmetic");
  detail::require_string(fields, "force_dequant", "none", "it replaces integer operators by float ones");
  detail::require_string(fields, "hidden_act", "gelu", "I-BERT has an integer form of GELU only");
  detail::require_string(fields, "position_embedding_type", "absolute", "relative positions are not supported");

  ibert_config c;
  c.vocab_size = fields.integer("vocab_size", 1, limits.vocab_size);
  c.type_vocab_size = fields.integer("type_vocab_size", 1, limits.type_vocab_size);
  c.hidden_size = fields.integer("hidden_size", 1, limits.hidden_size);
  c.num_attention_heads = fields.integer("num_attention_heads", 1, limits.num_attention_heads);
  c.intermediate_size = fields.integer("intermediate_size", 1, limits.intermediate_size);
  c.num_hidden_layers = fields.integer("num_hidden_layers", 1, limits.num_hidden_layers);
  c.max_position_embeddings = fields.integer("max_position_embeddings", 1, limits.max_position_embeddings);
  if (c.hidden_size % c.num_attention_heads != 0)
    fields.fail("hidden_size", "is " + std::to_string(c.hidden_size) + ", not a multiple of the " +
                                   std::to_string(c.num_attention_heads) + " attention heads");

  const auto token = [&](std::string_view key, int32_t fallback) {
    const auto id = fields.optional_integer(key, 0, std::min<index_t>(c.vocab_size - 1, INT32_MAX)).value_or(fallback);
    if (id >= c.vocab_size)
      fields.fail(key, "is absent, and the usual " + std::to_string(id) + " is not in the vocabulary");
    return static_cast<int32_t>(id);
  };
  c.pad_token_id = token("pad_token_id", 1);
  c.bos_token_id = token("bos_token_id", 0);
  c.eos_token_id = token("eos_token_id", 2);
  if (c.max_length() < 2)
    fields.fail("max_position_embeddings", "is " + std::to_string(c.max_position_embeddings) +
                                               ", too small for two tokens: positions start at pad_token_id + 1 = " +
                                               std::to_string(index_t{c.pad_token_id} + 1));
  c.labels = detail::ibert_labels(fields, limits.num_labels);
  return c;
}

/// `parse_ibert_config` of a file.
inline ibert_config read_ibert_config(const std::string& path, const ibert_config_limits& limits = {}) {
  return parse_ibert_config(read_json(path), path, limits);
}

}  // namespace tessera
