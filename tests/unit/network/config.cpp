// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdlib>

#include "tessera/network/ibert_config.hpp"

using namespace tessera;
using nlohmann::json;

namespace {

json small() {
  return {{"model_type", "ibert"},
          {"vocab_size", 300},
          {"type_vocab_size", 1},
          {"hidden_size", 12},
          {"num_attention_heads", 3},
          {"intermediate_size", 20},
          {"num_hidden_layers", 2},
          {"max_position_embeddings", 10},
          {"hidden_act", "gelu"},
          {"layer_norm_eps", 1e-5},
          {"pad_token_id", 1},
          {"bos_token_id", 0},
          {"eos_token_id", 2},
          {"position_embedding_type", "absolute"},
          {"quant_mode", true},
          {"force_dequant", "none"},
          {"id2label", {{"0", "no"}, {"1", "yes"}, {"2", "maybe"}}},
          {"label2id", {{"no", 0}, {"yes", 1}, {"maybe", 2}}}};
}

std::string error(const json& document) {
  try {
    (void)parse_ibert_config(document, "config.json");
  } catch (const data_error& e) {
    return e.what();
  }
  return "no error";
}

std::string with(const char* key, json value) {
  auto document = small();
  document[key] = std::move(value);
  return error(document);
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("network/ibert_config values") {
  const auto c = parse_ibert_config(small(), "config.json");
  CHECK(c.vocab_size == 300);
  CHECK(c.type_vocab_size == 1);
  CHECK(c.hidden_size == 12);
  CHECK(c.num_attention_heads == 3);
  CHECK(c.head_size() == 4);
  CHECK(c.intermediate_size == 20);
  CHECK(c.num_hidden_layers == 2);
  CHECK(c.max_position_embeddings == 10);
  CHECK(c.max_length() == 8);
  CHECK(c.pad_token_id == 1);
  CHECK(c.bos_token_id == 0);
  CHECK(c.eos_token_id == 2);
  CHECK(c.labels == std::vector<std::string>{"no", "yes", "maybe"});
  CHECK(c == parse_ibert_config(small(), "other"));
  const ibert_config by_hand{.vocab_size = 5, .hidden_size = 8, .num_attention_heads = 2};
  CHECK(by_hand.head_size() == 4);
}

TEST_CASE("network/ibert_config absent keys have Hugging Face's defaults") {
  auto document = small();
  for (const char* key : {"model_type", "pad_token_id", "bos_token_id", "eos_token_id", "position_embedding_type",
                          "force_dequant", "hidden_act", "layer_norm_eps"})
    document.erase(key);
  CHECK(parse_ibert_config(document, "config.json") == parse_ibert_config(small(), "config.json"));
  document["bos_token_id"] = nullptr;
  CHECK(error(document) == "no error");
  document.erase("label2id");
  CHECK(parse_ibert_config(document, "config.json").num_labels() == 3);
  document.erase("id2label");
  CHECK(parse_ibert_config(document, "config.json").labels == std::vector<std::string>{"LABEL_0", "LABEL_1"});
  document["num_labels"] = 3;
  CHECK(parse_ibert_config(document, "config.json").labels[2] == "LABEL_2");
  document["label2id"] = {{"b", 1}, {"c", 2}, {"a", 0}};
  CHECK(parse_ibert_config(document, "config.json").labels == std::vector<std::string>{"a", "b", "c"});
  document["num_labels"] = 4;
  CHECK(error(document) == "config.json: 'num_labels': is 4 but there are 3 labels");
}

TEST_CASE("network/ibert_config dimensions") {
  for (const char* key : {"vocab_size", "type_vocab_size", "hidden_size", "num_attention_heads", "intermediate_size",
                          "num_hidden_layers", "max_position_embeddings", "quant_mode"}) {
    auto document = small();
    document.erase(key);
    CHECK(error(document) == std::string("config.json: '") + key + "': is missing");
  }
  for (const char* key : {"vocab_size", "type_vocab_size", "hidden_size", "num_attention_heads", "intermediate_size",
                          "num_hidden_layers", "max_position_embeddings"}) {
    for (const json& bad : {json(0), json(-1), json(1LL << 40), json(UINT64_MAX), json(3.5), json("12"), json(true)})
      CHECK(contains(with(key, bad), std::string("config.json: '") + key + "': must "));
  }
  CHECK(with("hidden_size", 16385) == "config.json: 'hidden_size': must lie in 1..16384, is 16385");
  CHECK(with("num_hidden_layers", 257) == "config.json: 'num_hidden_layers': must lie in 1..256, is 257");
  CHECK(with("intermediate_size", 65537) == "config.json: 'intermediate_size': must lie in 1..65536, is 65537");
  CHECK(with("vocab_size", (4 << 20) + 1) == "config.json: 'vocab_size': must lie in 1..4194304, is 4194305");
  CHECK(with("max_position_embeddings", (1 << 20) + 1) ==
        "config.json: 'max_position_embeddings': must lie in 1..1048576, is 1048577");
  CHECK(with("hidden_size", 13) == "config.json: 'hidden_size': is 13, not a multiple of the 3 attention heads");
  CHECK(contains(with("max_position_embeddings", 3), "too small for two tokens"));
  CHECK(with("max_position_embeddings", 4) == "no error");
  CHECK(with("pad_token_id", 300) == "config.json: 'pad_token_id': must lie in 0..299, is 300");
  CHECK(contains(with("eos_token_id", -1), "'eos_token_id': must lie in"));
  CHECK(contains(with("bos_token_id", "0"), "'bos_token_id': must be an integer"));
  auto tiny = small();
  tiny["vocab_size"] = 2;
  tiny.erase("eos_token_id");
  CHECK(contains(error(tiny), "'eos_token_id': is absent, and the usual 2 is not in the vocabulary"));
}

TEST_CASE("network/ibert_config other arithmetic is refused") {
  CHECK(contains(with("quant_mode", false), "'quant_mode': must be true"));
  CHECK(contains(with("quant_mode", 1), "'quant_mode': must be true or false"));
  CHECK(contains(with("force_dequant", "gelu"), "'force_dequant': must be 'none', is 'gelu'"));
  CHECK(contains(with("hidden_act", "relu"), "'hidden_act': must be 'gelu', is 'relu'"));
  CHECK(contains(with("position_embedding_type", "relative_key"), "must be 'absolute'"));
  CHECK(contains(with("model_type", "bert"), "'model_type': must be 'ibert', is 'bert'"));
  CHECK(contains(with("model_type", 5), "'model_type': must be a string"));
  CHECK(error(json::array()) == "config.json: must be an object, is an array");
}

TEST_CASE("network/ibert_config labels") {
  CHECK(contains(with("id2label", {{"0", "no"}, {"2", "yes"}, {"3", "maybe"}}), "has 3 entries but none for '1'"));
  CHECK(contains(with("id2label", {{"0", "no"}, {"01", "yes"}, {"2", "maybe"}}), "none for '1'"));
  CHECK(contains(with("id2label", {{"0", "no"}, {"1", 5}, {"2", "maybe"}}), "'id2label'.'1': must be a string"));
  CHECK(contains(with("id2label", {{"0", "no"}, {"1", "no"}, {"2", "maybe"}}), "has the name 'no' twice"));
  CHECK(contains(with("id2label", json::object()), "has no label"));
  CHECK(contains(with("id2label", json::array({"no", "yes", "maybe"})), "'id2label': must be an object"));
  CHECK(contains(with("label2id", {{"no", 1}, {"yes", 0}, {"maybe", 2}}), "'label2id': gives 'no' the id 1"));
  CHECK(contains(with("label2id", {{"no", 0}, {"yes", 1}}), "'label2id': has 2 entries, id2label has 3"));
  CHECK(contains(with("label2id", {{"no", 0}, {"yes", 1}, {"x", 2}}), "'label2id'.'maybe': is missing"));
  CHECK(contains(with("label2id", {{"no", 0}, {"yes", "1"}, {"maybe", 2}}), "'label2id'.'yes': must be an integer"));
  CHECK(contains(with("num_labels", 0), "'num_labels': must lie in"));
  CHECK(contains(with("num_labels", 7), "is 7 but there are 3 labels"));
  auto document = small();
  document.erase("id2label");
  document["label2id"] = {{"no", 0}, {"yes", 0}};
  CHECK(contains(error(document), "'label2id': has the id 0 twice"));
  document["label2id"] = {{"no", 0}, {"yes", 2}};
  CHECK(contains(error(document), "'label2id'.'yes': must lie in 0..1, is 2"));
}

TEST_CASE("network/ibert_config of a published network") {
  const char* networks = std::getenv("TESSERA_NETWORK_DIR");
  if (networks == nullptr) return;
  const auto c = read_ibert_config(std::filesystem::path(networks) / "wordnet-ibert-a" / "config.json");
  CHECK(c.vocab_size == 4096);
  CHECK(c.hidden_size == 128);
  CHECK(c.head_size() == 32);
  CHECK(c.max_length() == 128);
  CHECK(c.num_labels() == 41);
  CHECK(c.labels[40] == "verb.stative");
}
