// SPDX-License-Identifier: Apache-2.0
// First byte 't': the rest is a data set. Anything else: the input is a config.json.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/network/ibert_config.hpp"
#include "tessera/network/tsv.hpp"

using namespace tessera;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    if (input.starts_with('t')) {
      static const std::vector<std::string> labels = {"no", "yes"};
      for (const auto& row : parse_tsv(input.substr(1), "data.tsv", labels)) {
        if (row.label_id && (*row.label_id < 0 || *row.label_id > 1)) std::abort();
      }
      (void)parse_tsv(input.substr(1), "data.tsv");
      return 0;
    }
    const auto config = parse_ibert_config(parse_json(input, "config.json"), "config.json");
    const ibert_config_limits most;
    if (config.hidden_size < 1 || config.hidden_size > most.hidden_size) std::abort();
    if (config.head_size() * config.num_attention_heads != config.hidden_size) std::abort();
    if (config.max_length() < 2 || config.num_labels() < 1) std::abort();
    if (config.pad_token_id < 0 || config.pad_token_id >= config.vocab_size) std::abort();
  } catch (const data_error&) {
  }
  return 0;
}
