// SPDX-License-Identifier: Apache-2.0
// What the loader refuses: each message names the file, the tensor and the reason.
#include "tessera/network/ibert_loader.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "file_bytes.hpp"
#include "support/tiny_ibert.hpp"

using namespace tessera;
using namespace tessera::test;
using testing::tiny_ibert;

namespace {

const std::string embeddings = "ibert.embeddings.";
const std::string layer = "ibert.encoder.layer.1.";
const std::string self = layer + "attention.self.";

/// Spoils a good checkpoint; the message must be exactly `tiny.safetensors: tensor 'NAME': REASON`.
void check_refused(const std::string& tensor, const std::string& reason,
                   const std::function<void(tiny_ibert&)>& spoil) {
  tiny_ibert tiny;
  spoil(tiny);
  CHECK(refusal([&] { tiny.load(); }) == "tiny.safetensors: tensor '" + tensor + "': " + reason);
}

std::vector<std::string> names_of_good_checkpoint() {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tiny_ibert().tensors) names.push_back(name);
  return names;
}

/// Stores a weight as int8 with its peaks, as `tessera pack` does.
void pack_weight(tiny_ibert& tiny, const std::string& name, index_t rows, index_t columns, index_t groups) {
  tiny.put<std::int8_t>(name, {rows, columns}, std::vector<std::int8_t>(static_cast<std::size_t>(rows * columns), 3));
  tiny.put<float>(name + "_peak", {groups}, std::vector<float>(static_cast<std::size_t>(groups), 0.5f));
}

}  // namespace

TEST_CASE("network/ibert_loader a missing tensor") {
  for (const std::string& name : names_of_good_checkpoint()) {
    check_refused(name, "there is no tensor of this name", [&](tiny_ibert& t) { t.tensors.erase(name); });
  }
}

TEST_CASE("network/ibert_loader a tensor of another shape") {
  for (const std::string& name : names_of_good_checkpoint()) {
    tiny_ibert tiny;
    tiny_ibert::tensor& tensor = tiny.tensors.at(name);
    tensor.shape.push_back(2);
    tensor.bytes.resize(2 * tensor.bytes.size());
    const std::string message = refusal([&] { tiny.load(); });
    CHECK(contains(message, "tiny.safetensors: tensor '" + name + "': "));
    CHECK((contains(message, "the configuration asks for (") || contains(message, "it should hold one value")));
  }
  check_refused(self + "key.weight", "its shape is (4, 16), the configuration asks for (8, 8)", [](tiny_ibert& t) {
    t.tensors.at(self + "key.weight").shape = {4, 16};
  });
  check_refused(layer + "output.dense.bias", "its shape is (1, 8), the configuration asks for (8)", [](tiny_ibert& t) {
    t.tensors.at(layer + "output.dense.bias").shape = {1, 8};
  });
  check_refused(layer + "output.LayerNorm.shift", "it should hold one value, its shape is (0)",
                [](tiny_ibert& t) { t.put<float>(layer + "output.LayerNorm.shift", {0}, {}); });
}

TEST_CASE("network/ibert_loader scalars of any rank and any float type") {
  tiny_ibert tiny;
  const ibert_network expected = tiny.load();
  for (auto& [name, tensor] : tiny.tensors) {
    if (tensor.shape == std::vector<index_t>{1})
      tensor.shape = name.ends_with("x_max") ? std::vector<index_t>{} : std::vector<index_t>{1, 1};
  }
  CHECK(tiny.load().output_scale() == expected.output_scale());
  std::vector<double> wide;
  for (index_t i = 0; i < 64; ++i) wide.push_back(tiny.get(self + "query.weight", i));
  tiny.put<double>(self + "query.weight", {8, 8}, wide);
  CHECK(tiny.load().layers[1].query.weight == expected.layers[1].query.weight);
  tiny.put<std::int32_t>(layer + "output.LayerNorm.shift", {}, {7});
  CHECK(tiny.load().layers[1].output_norm.shift == 7);
}

TEST_CASE("network/ibert_loader values that are not finite") {
  for (const std::string& name : names_of_good_checkpoint()) {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
      tiny_ibert tiny;
      const auto last = static_cast<index_t>(tiny.tensors.at(name).bytes.size() / sizeof(float)) - 1;
      tiny.set(name, last, bad);
      const std::string message = refusal([&] { tiny.load(); });
      CHECK(contains(message, "tiny.safetensors: tensor '" + name + "': "));
      CHECK(contains(message, "not finite"));
    }
  }
}

TEST_CASE("network/ibert_loader an empty activation range") {
  for (const std::string& name : names_of_good_checkpoint()) {
    if (!name.ends_with(".x_max")) continue;
    check_refused(name, "the activation's range is empty, so its scale would be zero", [&](tiny_ibert& t) {
      t.fill(name, 0);
      t.fill(name.substr(0, name.size() - 3) + "min", 0);
    });
  }
  tiny_ibert tiny;  // one side is enough
  tiny.fill(layer + "pre_output_act.x_max", 0);
  CHECK(tiny.load().layers[1].pre_output.scale > 0);
}

TEST_CASE("network/ibert_loader layer normalisation") {
  const std::string norm = layer + "attention.output.LayerNorm";
  check_refused(norm + ".weight", "channel 3 is zero, so its scale would be zero",
                [&](tiny_ibert& t) { t.set(norm + ".weight", 3, 0); });
  check_refused(norm + ".bias", "channel 2 is too large for its weight: the integer bias would pass 50 bits",
                [&](tiny_ibert& t) {
                  t.set(norm + ".weight", 2, 1e-20f);
                  t.set(norm + ".bias", 2, 1);
                });
  for (const float shift : {-1.0f, 0.5f, 32.0f, 1e30f}) {
    check_refused(norm + ".shift", "it is not an integer in 0..31",
                  [&](tiny_ibert& t) { t.fill(norm + ".shift", shift); });
  }
}

TEST_CASE("network/ibert_loader linear layers") {
  check_refused(layer + "output.dense.bias", "output channel 5 could overflow its 32-bit accumulator",
                [](tiny_ibert& t) { t.set(layer + "output.dense.bias", 5, 1e9f); });
  check_refused(layer + "output.dense.bias", "output channel 5 could overflow its 32-bit accumulator",
                [](tiny_ibert& t) { t.set(layer + "output.dense.bias", 5, -1e30f); });
  // A channel of zeros has so small a scale that any bias saturates, as in the source programs.
  tiny_ibert zeros;
  zeros.fill(self + "value.weight", 0);
  zeros.fill(self + "value.bias", 1);
  CHECK(zeros.load().layers[1].value.bias == std::vector<std::int32_t>(8, 2147483646));
}

TEST_CASE("network/ibert_loader weights that are stored as integers") {
  const std::string query = self + "query.weight";
  const std::string words = embeddings + "word_embeddings.weight";
  tiny_ibert good;
  pack_weight(good, query, 8, 8, 8);
  pack_weight(good, words, 300, 8, 1);
  const ibert_network network = good.load();
  CHECK(network.layers[1].query.weight == std::vector<std::int8_t>(64, 3));
  CHECK(network.embeddings.word.scale == 0.5 / 127);

  check_refused(query + "_peak", "there is no tensor of this name", [&](tiny_ibert& t) {
    pack_weight(t, query, 8, 8, 8);
    t.tensors.erase(query + "_peak");
  });
  check_refused(query + "_peak", "its shape is (1), the configuration asks for (8)",
                [&](tiny_ibert& t) { pack_weight(t, query, 8, 8, 1); });
  check_refused(words + "_peak", "its shape is (300), the configuration asks for (1)",
                [&](tiny_ibert& t) { pack_weight(t, words, 300, 8, 300); });
  check_refused(query + "_peak", "it holds a negative value", [&](tiny_ibert& t) {
    pack_weight(t, query, 8, 8, 8);
    t.set(query + "_peak", 7, -0.5f);
  });
  check_refused(query + "_peak", "it holds a value that is not finite", [&](tiny_ibert& t) {
    pack_weight(t, query, 8, 8, 8);
    t.set(query + "_peak", 7, NAN);
  });
  for (const std::int8_t bad : {std::int8_t{-128}, std::int8_t{127}}) {
    check_refused(query, "it holds a value outside [-127, 126]", [&](tiny_ibert& t) {
      pack_weight(t, query, 8, 8, 8);
      t.tensors.at(query).bytes[63] = static_cast<std::byte>(bad);
    });
  }
  // Another integer type is not a packed weight but a matrix of numbers.
  tiny_ibert wide;
  wide.put<std::int32_t>(query, {8, 8}, std::vector<std::int32_t>(64, -2));
  CHECK(wide.load().layers[1].query.weight == std::vector<std::int8_t>(64, -127));
}

TEST_CASE("network/ibert_loader scales that integers could not follow exactly") {
  // Scores are in units of query scale * key scale / sqrt(head size).
  const auto scores = [](float query, float key) {
    return [=](tiny_ibert& t) {
      for (const char* side : {".x_min", ".x_max"}) {
        t.fill(self + "query_activation" + side, query);
        t.fill(self + "key_activation" + side, key);
      }
    };
  };
  check_refused(self + "softmax.act", "the scale of its scores, 2, is outside 3e-8..1.6", scores(127 * 4, 127));
  check_refused(self + "softmax.act", "the scale of its scores, 2e-08, is outside 3e-8..1.6", scores(127 * 4e-8f, 127));
  check_refused(self + "softmax.act.x_max", "the 16-bit exponential of the largest score would be zero",
                [](tiny_ibert& t) { t.fill(self + "softmax.act.x_max", 1e30f); });
  check_refused(self + "softmax.act.x_max", "the range is so small that padding would get a probability",
                [](tiny_ibert& t) { t.fill(self + "softmax.act.x_max", 1); });
  const auto peak_of = [](double target) {
    return [=](tiny_ibert& t) {
      const double c = static_cast<double>(t.load().layers[1].softmax.constants.c) * 1073741824.0;
      t.fill(self + "softmax.act.x_max", static_cast<float>(c * 32767 / target));
    };
  };
  for (const double power : {1.0, 2.0, 1024.0, 16384.0}) {
    check_refused(self + "softmax.act.x_max",
                  "the exponential of the largest score is a power of two: a probability of 1 would need 9 bits",
                  peak_of(power));
  }
  for (const double peak : {3.0, 1023.0, 16383.0, 16385.0, 32766.0, 40000.0}) {
    tiny_ibert tiny;
    peak_of(peak)(tiny);
    CHECK(tiny.load().layers[1].softmax.view().peak() == std::min(peak, 32767.0));
  }

  check_refused(embeddings + "position_embeddings.weight",
                "sums of 16-bit exponentials over more than 65536 positions could pass 31 bits", [](tiny_ibert& t) {
                  t.config.max_position_embeddings = 65539;
                  t.put<float>(embeddings + "position_embeddings.weight", {65539, 8}, std::vector<float>(8 * 65539, 1));
                });

  check_refused(layer + "intermediate.dense.weight",
                "output channel 0 has so small a scale that GELU's constants pass 62 bits", [](tiny_ibert& t) {
                  for (index_t k = 0; k < 8; ++k) t.set(layer + "intermediate.dense.weight", k, 1e-9f);
                  t.fill(layer + "intermediate.dense.bias", 0);
                });
  check_refused(layer + "intermediate.dense.weight", "output channel 1: GELU's output could pass 62 bits",
                [](tiny_ibert& t) {
                  for (index_t k = 8; k < 16; ++k) t.set(layer + "intermediate.dense.weight", k, 2e-5f);
                  t.set(layer + "intermediate.dense.bias", 1, 7.9f);
                });

  check_refused(layer + "attention.output.ln_input_act.x_max",
                "the residual branch would pass 30 bits: its scale is too large for this range", [](tiny_ibert& t) {
                  t.fill(layer + "attention.output.ln_input_act.x_min", 0);
                  t.fill(layer + "attention.output.ln_input_act.x_max", 1e-3f);
                });
  check_refused(embeddings + "embeddings_act1.x_max",
                "the residual branch would pass 30 bits: its scale is too large for this range", [](tiny_ibert& t) {
                  t.fill(embeddings + "embeddings_act1.x_min", 0);
                  t.fill(embeddings + "embeddings_act1.x_max", 1e-3f);
                });
}

TEST_CASE("network/ibert_loader a configuration for another file") {
  tiny_ibert tiny;
  const auto bytes = tiny.bytes();
  const auto message = [&](ibert_config config) { return refusal([&] { tiny_ibert::read(bytes, config); }); };
  ibert_config c = tiny.config;
  c.num_hidden_layers = 3;
  CHECK(message(c) ==
        "tiny.safetensors: tensor 'ibert.encoder.layer.2.attention.self.query.weight': "
        "there is no tensor of this name");
  // Absurd extents are refused by the shape of a tensor, before anything of that size is allocated.
  for (const auto extent : {&ibert_config::vocab_size, &ibert_config::type_vocab_size, &ibert_config::hidden_size,
                            &ibert_config::intermediate_size, &ibert_config::max_position_embeddings}) {
    for (const index_t value : {index_t{1}, index_t{32}, index_t{1} << 40, std::numeric_limits<index_t>::max() / 2}) {
      c = tiny.config;
      c.*extent = value;
      CHECK(contains(message(c), ", the configuration asks for ("));
    }
  }
  c = tiny.config;
  c.labels.assign(1000, "x");
  CHECK(message(c) ==
        "tiny.safetensors: tensor 'classifier.out_proj.weight': its shape is (3, 8), the configuration "
        "asks for (1000, 8)");
}

TEST_CASE("network/ibert_loader folders") {
  const temporary_folder folder;
  const auto message = [&] { return refusal([&] { load_ibert(folder / ""); }); };
  CHECK(contains(refusal([&] { load_ibert(folder / "none"); }), "none/config.json: no such file"));
  CHECK(contains(message(), "config.json: no such file"));
  folder.write("config.json", "");
  CHECK(contains(message(), "config.json: is empty"));
  folder.write("config.json", R"({"model_type": "ibert", "quant_mode": true, "vocab_size": 300, "type_vocab_size": 2,
    "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16, "num_hidden_layers": 2,
    "max_position_embeddings": 26, "id2label": {"0": "no", "1": "maybe", "2": "yes"}})");
  CHECK(contains(message(), "model.safetensors: cannot be opened: No such file or directory"));
  folder.write("model.safetensors", "");
  CHECK(contains(message(), "model.safetensors: the file has 0 bytes"));
  const auto bytes = tiny_ibert().bytes();
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  folder.write("model.safetensors", text.substr(0, text.size() - 1));
  CHECK(contains(message(), "are outside the data of"));
  folder.write("model.safetensors", text);
  CHECK(message().empty());
  CHECK(load_ibert(folder / "").layers.size() == 2);
}
