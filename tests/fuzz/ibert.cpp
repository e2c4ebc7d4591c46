// SPDX-License-Identifier: Apache-2.0
// A whole network. First byte 'p': the rest changes single values of a small valid checkpoint, in records of 6 bytes
// (tensor, element, float32). Anything else: config.json, a NUL byte, model.safetensors.
// What the loader accepts must run alike on the reference and on the host's vector units, without undefined behaviour:
// a network whose scales would break that must have been refused.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/tiny_ibert.hpp"
#include "tessera/kernel/encoder/xsimd.hpp"
#include "tessera/network/ibert_classifier.hpp"
#include "tessera/network/ibert_loader.hpp"

using namespace tessera;

namespace {

/// Two sentences of which the first is padded.
encoded_batch small_batch(const ibert_config& config) {
  const auto longest = static_cast<std::size_t>(min<index_t>(config.max_length(), 6));
  std::vector<encoding> texts(2);
  for (std::size_t i = 0; i < longest; ++i) {
    texts[1].ids.push_back(static_cast<std::int32_t>(static_cast<index_t>(i * 7 + 1) % config.vocab_size));
  }
  texts[0].ids.assign(texts[1].ids.begin(), texts[1].ids.begin() + 2);
  return pad_batch(texts, config.pad_token_id);
}

void run(const ibert_network& network) {
  ibert_classifier classifier(network);
  const encoded_batch batch = small_batch(network.config);
  const std::vector<std::int8_t> expected = classifier.encode<target::reference>(batch);
  const std::vector<std::int8_t> actual = classifier.encode<target::host>(batch);
  if (expected != actual) {
    const auto at = std::mismatch(expected.begin(), expected.end(), actual.begin()).first - expected.begin();
    std::fprintf(stderr, "element %td: the host computes another value than the reference\n", at);
    std::abort();
  }
  encoding first;
  first.ids.assign(batch.ids.begin(), batch.ids.begin() + 2);
  const encoded_batch alone = pad_batch(std::span(&first, 1), network.config.pad_token_id);
  const std::vector<std::int8_t> single = classifier.encode<target::reference>(alone);
  if (!std::equal(single.begin(), single.end(), expected.begin())) {
    std::fprintf(stderr, "padding changes a sentence\n");
    std::abort();
  }
}

const testing::tiny_ibert& valid_checkpoint() {
  static const testing::tiny_ibert tiny = [] {
    ibert_config c = testing::tiny_ibert::default_config();
    c.vocab_size = 8;
    c.max_position_embeddings = 10;
    c.num_hidden_layers = 1;
    return testing::tiny_ibert(1, c);
  }();
  return tiny;
}

/// Bit 7 of the tensor's byte changes all elements, bit 6 multiplies instead of replacing; the others choose the
/// tensor.
ibert_network changed(const std::uint8_t* data, std::size_t size) {
  testing::tiny_ibert tiny = valid_checkpoint();
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tiny.tensors) names.push_back(name);
  for (; size >= 6; data += 6, size -= 6) {
    const std::string& name = names[data[0] % 64 % names.size()];
    const auto count = static_cast<index_t>(tiny.tensors.at(name).bytes.size() / sizeof(float));
    float value;
    std::memcpy(&value, data + 2, sizeof value);
    const index_t first = (data[0] & 0x80) != 0 ? 0 : data[1] % count;
    const index_t last = (data[0] & 0x80) != 0 ? count - 1 : first;
    for (index_t i = first; i <= last; ++i) {
      tiny.set(name, i, (data[0] & 0x40) != 0 ? value * tiny.get(name, i) : value);
    }
  }
  return tiny.load();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    if (size > 0 && data[0] == 'p') {
      run(changed(data + 1, size - 1));
      return 0;
    }
    const auto* const end = std::find(data, data + size, std::uint8_t{0});
    if (end == data + size) return 0;
    // Small limits keep one run short; the bounds themselves are the target `config`'s business.
    const ibert_config_limits limits{.vocab_size = 512,
                                     .type_vocab_size = 8,
                                     .hidden_size = 64,
                                     .num_attention_heads = 8,
                                     .intermediate_size = 64,
                                     .num_hidden_layers = 3,
                                     .max_position_embeddings = 128,
                                     .num_labels = 8};
    const std::string_view text(reinterpret_cast<const char*>(data), static_cast<std::size_t>(end - data));
    const ibert_config config = parse_ibert_config(parse_json(text, "config.json"), "config.json", limits);
    // A copy, aligned as a mapped file would be.
    const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(end + 1),
                                       reinterpret_cast<const std::byte*>(data + size));
    const auto file = safetensors_file::from_bytes("model.safetensors", bytes);
    run(read_ibert(file, config));
  } catch (const data_error&) {
  }
  return 0;
}
