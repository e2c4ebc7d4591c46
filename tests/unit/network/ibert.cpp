// SPDX-License-Identifier: Apache-2.0
// The I-BERT network as a whole: both targets, batches, the arena, packed weights, a trained network.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "file_bytes.hpp"
#include "ibert_run.hpp"
#include "support/tiny_ibert.hpp"
#include "tessera/network/ibert_constants.hpp"
#include "tessera/network/ibert_pack.hpp"
#include "tessera/network/npz.hpp"
#include "tessera/network/tokenizer.hpp"
#include "tessera/network/tsv.hpp"

using namespace tessera;
using namespace tessera::test;
using testing::tiny_ibert;

namespace {

const ibert_target* const targets[] = {&on_reference, &on_host};

/// Sentences of the given lengths with random ids; the seed is part of every message.
std::vector<encoding> random_texts(const ibert_config& config, const std::vector<index_t>& lengths,
                                   std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<encoding> texts;
  for (const index_t length : lengths) {
    encoding text;
    for (index_t i = 0; i < length; ++i) {
      text.ids.push_back(static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(config.vocab_size)));
    }
    texts.push_back(std::move(text));
  }
  return texts;
}

encoded_batch one(const encoding& text) { return pad_batch(std::span(&text, 1), 1); }

/// The first difference of two recordings, or nothing.
std::string difference(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (std::ranges::equal(a, b)) return "";
  const auto first = npz_file::from_bytes("first", a);
  const auto second = npz_file::from_bytes("second", b);
  if (first.names() != second.names()) return "other names";
  for (const std::string& name : first.names()) {
    const auto x = first.array(name);
    const auto y = second.array(name);
    if (x.type != y.type || x.shape != y.shape) return name + ": another type or shape";
    if (x.bytes != y.bytes) return name;
  }
  return "the order of the names";
}

std::vector<std::byte> constants(const ibert_network& network) {
  npz_writer writer(npz_compression::stored);
  write_constants(network, writer);
  return writer.bytes();
}

const char* network_folder() { return std::getenv("TESSERA_NETWORK_DIR"); }

}  // namespace

TEST_CASE("network/ibert every tensor is the same on both targets") {
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    for (const index_t heads : {1, 2, 8}) {
      ibert_config shape = tiny_ibert::default_config();
      shape.num_attention_heads = heads;
      if (seed == 2) {
        shape.hidden_size = 24;
        shape.intermediate_size = 37;
      }
      const ibert_network network = tiny_ibert(seed, shape).load();
      for (const std::vector<index_t>& lengths :
           {std::vector<index_t>{1}, {2}, {24}, {5, 1, 9}, {16, 17}, {24, 1, 7, 8}}) {
        CAPTURE(seed);
        CAPTURE(heads);
        CAPTURE(lengths.front());
        const auto batch = pad_batch(random_texts(network.config, lengths, seed), network.config.pad_token_id);
        const ibert_run expected = on_reference.record(network, batch);
        const ibert_run actual = on_host.record(network, batch);
        CHECK(difference(expected.recorded, actual.recorded) == "");
        CHECK(expected.output == actual.output);
        // A network that saturates everywhere, or answers the same to everything, proves little.
        const auto [low, high] = std::minmax_element(expected.output.begin(), expected.output.end());
        CHECK(*high - *low > 60);
      }
    }
  }
}

TEST_CASE("network/ibert a recording has every tensor of every layer once") {
  const ibert_network network = tiny_ibert().load();
  const auto batch = pad_batch(random_texts(network.config, {4, 3}, 5), network.config.pad_token_id);
  const ibert_run run = on_host.record(network, batch);
  const auto file = npz_file::from_bytes("recorded", run.recorded);
  CHECK(file.names().size() == 11 + 2 * 37 + 4);
  CHECK(file.array("layer1.attention.self.softmax.probs").shape == std::vector<index_t>{2, 2, 4, 4});
  CHECK(file.array("layer0.intermediate.intermediate_act_fn.out").shape == std::vector<index_t>{2, 4, 16});
  CHECK(file.to<std::int8_t>("layer1.output.output_activation.out") == run.output);
  CHECK(file.to<std::int32_t>("attention_mask") == std::vector<std::int32_t>{1, 1, 1, 1, 1, 1, 1, 0});
  CHECK(file.to<double>("logits").size() == 6);
}

TEST_CASE("network/ibert padding changes nothing") {
  const ibert_network network = tiny_ibert(7).load();
  const index_t c = network.config.hidden_size;
  const auto texts = random_texts(network.config, {3, 24, 1, 8, 9, 15, 2}, 11);
  const auto batch = pad_batch(texts, network.config.pad_token_id);
  for (const ibert_target* const target : targets) {
    CAPTURE(target->name);
    ibert_classifier classifier(network);
    const auto together = target->encode(classifier, batch);
    const auto results = target->classify(classifier, batch);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(i);
      const auto alone = target->encode(classifier, one(texts[i]));
      const auto* const row = together.data() + static_cast<index_t>(i) * batch.columns * c;
      CHECK(std::equal(alone.begin(), alone.end(), row));
      const auto result = target->classify(classifier, one(texts[i]));
      CHECK(result.front().logits == results[i].logits);
      CHECK(result.front().label == results[i].label);
    }
  }
}

TEST_CASE("network/ibert the head is dense, tanh, projection in double precision") {
  const tiny_ibert tiny(13);
  const ibert_network network = tiny.load();
  ibert_classifier classifier(network);
  const auto batch = one(random_texts(network.config, {6}, 1).front());
  const auto tokens = on_reference.encode(classifier, batch);
  const auto result = on_reference.classify(classifier, batch).front();
  std::vector<double> hidden;
  for (index_t r = 0; r < 8; ++r) {
    double sum = tiny.get("classifier.dense.bias", r);
    for (index_t k = 0; k < 8; ++k) {
      const double x = tokens[static_cast<std::size_t>(k)] * network.output_scale();
      sum += static_cast<double>(tiny.get("classifier.dense.weight", 8 * r + k)) * x;
    }
    hidden.push_back(std::tanh(sum));
  }
  double total = 0;
  for (index_t r = 0; r < 3; ++r) {
    double sum = tiny.get("classifier.out_proj.bias", r);
    for (index_t k = 0; k < 8; ++k) {
      sum +=
          static_cast<double>(tiny.get("classifier.out_proj.weight", 8 * r + k)) * hidden[static_cast<std::size_t>(k)];
    }
    CHECK(result.logits[static_cast<std::size_t>(r)] == doctest::Approx(sum).epsilon(1e-13));
    CHECK(result.logits[static_cast<std::size_t>(result.label)] >= sum - 1e-12);
    total += std::exp(sum);
  }
  CHECK(result.score() == doctest::Approx(std::exp(result.logits[static_cast<std::size_t>(result.label)]) / total));
}

TEST_CASE("network/ibert packed weights are the same network") {
  ibert_config shape = tiny_ibert::default_config();
  shape.hidden_size = 24;
  shape.intermediate_size = 33;
  tiny_ibert tiny(17, shape);
  // A channel of zeros, and a peak that becomes 126.
  for (index_t k = 0; k < 24; ++k) tiny.set("ibert.encoder.layer.0.attention.self.key.weight", 24 + k, 0.0f);
  tiny.set("ibert.encoder.layer.1.output.dense.weight", 0, 3.0f);
  const auto floats = tiny.bytes();
  const auto file = safetensors_file::from_bytes("floats", floats);
  const packed_ibert packed(file, shape);
  const auto bytes = packed.writer().bytes();
  CHECK(bytes.size() < floats.size() / 2);

  const ibert_network a = tiny_ibert::read(floats, shape);
  const ibert_network b = tiny_ibert::read(bytes, shape);
  CHECK(difference(constants(a), constants(b)) == "");
  CHECK(a.embeddings.word.integers == b.embeddings.word.integers);
  CHECK(a.embeddings.type.integers == b.embeddings.type.integers);
  CHECK(a.embeddings.position.integers == b.embeddings.position.integers);
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    for (const auto part :
         {&quantized_layer::query, &quantized_layer::key, &quantized_layer::value, &quantized_layer::attention_output,
          &quantized_layer::intermediate, &quantized_layer::output}) {
      CHECK((a.layers[i].*part).weight == (b.layers[i].*part).weight);
      CHECK((a.layers[i].*part).bias == (b.layers[i].*part).bias);
    }
  }
  CHECK(a.head.dense_weight == b.head.dense_weight);
  CHECK(a.head.out_bias == b.head.out_bias);
  CHECK(a.layers[1].output.weight.front() == 126);
  CHECK(a.layers[0].key.weight[24] == 0);

  // Packing what is packed changes nothing.
  const auto again_file = safetensors_file::from_bytes("again", bytes);
  const packed_ibert again(again_file, shape);
  CHECK(again.writer().bytes() == bytes);
}

TEST_CASE("network/ibert the arena is as large as it says, and no larger") {
  constexpr index_t guard = 4 * scratch_alignment;
  const ibert_network network = tiny_ibert(19).load();
  const index_t c = network.config.hidden_size;
  for (const ibert_target* const target : targets) {
    for (const auto& shape : {std::pair<index_t, index_t>{1, 1}, {1, 24}, {3, 7}, {4, 16}}) {
      const index_t batch = shape.first;
      const index_t sequence = shape.second;
      CAPTURE(target->name);
      CAPTURE(sequence);
      const auto tokens = static_cast<std::size_t>(batch * sequence);
      const std::vector<std::int32_t> ids(tokens, 5), types(tokens, 1), positions(tokens, 2);
      const std::vector<std::uint8_t> keep(tokens, 1);
      const encoder_input input{ids.data(), types.data(), positions.data(), keep.data(), batch, sequence};
      const index_t bytes = op::encoder_arena_bytes(network.shape(), batch, sequence);
      std::vector<unsigned char> memory(static_cast<std::size_t>(bytes + 2 * guard + scratch_alignment), 0xA5);
      const auto start = reinterpret_cast<std::uintptr_t>(memory.data());
      unsigned char* const arena =
          memory.data() + guard + (scratch_alignment - static_cast<index_t>(start % scratch_alignment));
      std::vector<std::int8_t> y(tokens * static_cast<std::size_t>(c) + 64, 99);
      CHECK(target->encode_in(network, input, {arena, bytes}, y.data()) == status::ok);
      CHECK(std::all_of(memory.data(), arena, [](unsigned char v) { return v == 0xA5; }));
      CHECK(std::all_of(arena + bytes, memory.data() + memory.size(), [](unsigned char v) { return v == 0xA5; }));
      CHECK(std::all_of(y.end() - 64, y.end(), [](std::int8_t v) { return v == 99; }));
      CHECK(target->encode_in(network, input, {arena, bytes - 1}, y.data()) == status::scratch_too_small);
      CHECK(target->encode_in(network, input, {arena + 1, bytes}, y.data()) == status::misaligned);
      CHECK(target->encode_in(network, input, {nullptr, bytes}, y.data()) == status::scratch_too_small);
    }
  }
}

TEST_CASE("network/ibert batches that the network cannot take") {
  const ibert_network network = tiny_ibert().load();
  CHECK(network.config.max_length() == 24);
  for (const ibert_target* const target : targets) {
    CAPTURE(target->name);
    ibert_classifier classifier(network);
    const auto message = [&](const encoded_batch& batch) -> std::string {
      try {
        target->classify(classifier, batch);
      } catch (const std::invalid_argument& error) {
        return error.what();
      }
      return "";
    };
    const auto text = random_texts(network.config, {25}, 1).front();
    CHECK(contains(message(one(text)), "25 tokens is longer than the network's 24 positions"));
    CHECK(contains(message({}), "at least one token"));
    CHECK(contains(message(one(encoding{})), "at least one token"));
    for (const std::int32_t bad : {-1, 300, INT32_MAX, INT32_MIN}) {
      CHECK(contains(message(one({{0, bad, 2}, false})), "an index is outside its table"));
    }
    CHECK(message(one({{0, 299, 2}, false})).empty());
    CHECK(message(one({{0}, false})).empty());
  }
}

TEST_CASE("network/ibert a classifier serves batches of any size one after the other") {
  const ibert_network network = tiny_ibert(23).load();
  for (const ibert_target* const target : targets) {
    ibert_classifier reused(network);
    for (const index_t length : {3, 24, 1, 12}) {
      ibert_classifier fresh(network);
      const auto batch = pad_batch(random_texts(network.config, {length, 2}, 29), network.config.pad_token_id);
      CHECK(target->encode(reused, batch) == target->encode(fresh, batch));
    }
  }
}

TEST_CASE("network/ibert equals the published integers") {
  if (network_folder() == nullptr) {
    MESSAGE("TESSERA_NETWORK_DIR is not set, nothing compared");
    return;
  }
  const auto folder = std::filesystem::path(network_folder()) / "wordnet-ibert-a";
  const ibert_network network = load_ibert(folder);
  const tokenizer words = tokenizer::from_directory(folder);
  const auto rows = read_tsv(folder / "test.tsv", network.config.labels);
  REQUIRE(rows.size() == 1000);
  std::vector<encoding> texts;
  for (const auto& row : rows) texts.push_back(words.encode(row.text, network.config.max_length()));
  const auto expected = npz_file::open(folder / "expected.npz");

  const auto constant_bytes = constants(network);
  const auto constant = npz_file::from_bytes("constants", constant_bytes);
  for (const ibert_target* const target : targets) {
    CAPTURE(target->name);
    std::size_t compared = 0;
    for (const char* const prefix : {"s0/", "s1/", "s2/", "s3/", "s4/", "s5/", "s6/", "s7/", "batch0/"}) {
      std::vector<encoding> chosen;
      for (const auto i : expected.to<std::int32_t>(prefix + std::string("test_index"))) {
        chosen.push_back(texts.at(static_cast<std::size_t>(i)));
      }
      const auto run = target->record(network, pad_batch(chosen, network.config.pad_token_id));
      const auto actual = npz_file::from_bytes("recorded", run.recorded);
      for (const std::string& name : expected.names()) {
        if (!name.starts_with(prefix) || name.ends_with("test_index")) continue;
        CAPTURE(name);
        const auto a = expected.array(name);
        const auto b = actual.array(name.substr(std::strlen(prefix)));
        CHECK(a.type == b.type);
        CHECK(a.shape == b.shape);
        if (name.ends_with("/logits")) {
          const auto x = a.to<double>();
          const auto y = b.to<double>();
          for (std::size_t i = 0; i < x.size(); ++i) CHECK(std::abs(x[i] - y[i]) < 1e-9);
        } else {
          CHECK(a.bytes == b.bytes);
        }
        ++compared;
      }
    }
    for (const std::string& name : expected.names()) {
      if (!name.starts_with("const/")) continue;
      CAPTURE(name);
      const auto a = expected.array(name);
      const auto b = constant.array(name);
      CHECK(a.type == b.type);
      CHECK(a.shape == b.shape);
      CHECK(a.bytes == b.bytes);
      ++compared;
    }
    CHECK(compared == expected.names().size() - 9);

    // All test sentences, one by one; on the faster target also padded together.
    const auto logits_file = npz_file::open(folder / "expected_logits.npz");
    const auto logits = logits_file.to<double>("logits");
    const std::size_t labels = network.config.labels.size();
    REQUIRE(logits.size() == 1000 * labels);
    ibert_classifier classifier(network);
    for (const std::size_t step : {std::size_t{1}, std::size_t{8}}) {
      if (step > 1 && target == &on_reference) continue;
      double largest = 0;
      std::size_t right = 0;
      std::size_t same = 0;
      for (std::size_t first = 0; first < texts.size(); first += step) {
        const auto batch = pad_batch(std::span(texts).subspan(first, step), network.config.pad_token_id);
        const auto results = target->classify(classifier, batch);
        for (std::size_t i = 0; i < results.size(); ++i) {
          const double* const row = logits.data() + (first + i) * labels;
          for (std::size_t k = 0; k < labels; ++k) largest = std::max(largest, std::abs(results[i].logits[k] - row[k]));
          same += results[i].label == std::max_element(row, row + labels) - row ? 1 : 0;
          right += results[i].label == *rows[first + i].label_id ? 1 : 0;
        }
      }
      CHECK(largest < 1e-9);
      CHECK(same == 1000);
      CHECK(right == 703);
    }
  }
}

TEST_CASE("network/ibert the network of the examples") {
  const auto folder = std::filesystem::path(TESSERA_SOURCE_DIR) / "examples/networks/wordnet-ibert";
  const ibert_network network = load_ibert(folder);
  const tokenizer words = tokenizer::from_directory(folder);
  CHECK(words.vocab_size() <= network.config.vocab_size);
  std::vector<encoding> texts;
  for (const char* text :
       {"a small dog", "", "the act of walking", "of or relating to the moon", "to eat very quickly"}) {
    texts.push_back(words.encode(text, network.config.max_length()));
  }
  const auto batch = pad_batch(texts, network.config.pad_token_id);
  CHECK(difference(on_reference.record(network, batch).recorded, on_host.record(network, batch).recorded) == "");
  ibert_classifier classifier(network);
  const auto results = on_host.classify(classifier, batch);
  CHECK(network.config.labels[static_cast<std::size_t>(results[0].label)] == "noun.animal");
  CHECK(network.config.labels[static_cast<std::size_t>(results[3].label)] == "adj.pert");

  if (network_folder() == nullptr) return;
  // It was made from a published one, whose floats give the same integers.
  const ibert_network original = load_ibert(std::filesystem::path(network_folder()) / "wordnet-ibert-a");
  CHECK(difference(constants(network), constants(original)) == "");
  CHECK(network.embeddings.word.integers == original.embeddings.word.integers);
}
