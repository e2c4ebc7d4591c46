// SPDX-License-Identifier: Apache-2.0
// First byte 'f': the rest is the tokenizer's files and a text, separated by NUL bytes. Anything else: the input is a
// text for a fixed tokenizer, of which the promises are checked.
#include "tessera/network/tokenizer.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace tessera;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

tokenizer fixed(bool special_literals) {
  nlohmann::json vocab = {{"<s>", 0}, {"<pad>", 1}, {"</s>", 2}, {"<unk>", 3}, {"<mask>", 4}};
  for (int b = 0; b < 256; ++b) vocab[byte_level::symbol(static_cast<std::uint8_t>(b))] = 5 + b;
  std::string merges = "#version: 0.2\n";
  // "aba" ranks before "ab", from which it is made.
  for (const char* rule :
       {"aba b", "ab a", "a a", "a b", "aa aa", "\u0120 \u0120", "\u0120 a", "' s", "\u00C3 \u00A9"}) {
    std::string result = rule;
    result.erase(result.find(' '), 1);
    merges.append(rule).append("\n");
    vocab.emplace(result, vocab.size());
  }
  const std::string text = vocab.dump();
  return tokenizer({text, merges}, {.special_literals = special_literals});
}

void check_text(std::string_view text) {
  static const tokenizer plain = fixed(false);
  static const tokenizer literal = fixed(true);
  const auto ids = plain.encode(text);
  require(plain.decode(ids, true) == text);
  require(ids.front() == plain.cls_id() && ids.back() == plain.sep_id());
  for (const index_t most : {2, 3, 7}) {
    const auto cut = plain.encode(text, most);
    require(cut.truncated == (ids.size() > static_cast<std::size_t>(most)));
    require(cut.ids.size() == (cut.truncated ? static_cast<std::size_t>(most) : ids.size()));
    require(std::equal(cut.ids.begin(), cut.ids.end() - 1, ids.begin()) && cut.ids.back() == plain.sep_id());
  }
  require(literal.encode(text).size() <= text.size() + 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (!input.starts_with('f')) {
    check_text(input);
    return 0;
  }
  std::string_view parts[5];
  std::string_view rest = input.substr(1);
  for (auto& part : parts) {
    const auto end = std::min(rest.find('\0'), rest.size());
    part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  tokenizer_source source{.vocab = parts[0], .merges = parts[1]};
  if (!parts[2].empty()) source.tokenizer_config = parts[2];
  if (!parts[3].empty()) source.special_tokens_map = parts[3];
  try {
    const tokenizer t(source);
    const auto ids = t.encode(parts[4]);
    for (const auto id : ids) require(id >= 0 && id < t.vocab_size());
    (void)t.decode(ids);
    require(t.encode(parts[4], 5).ids.size() <= 5);
  } catch (const data_error&) {
  }
  return 0;
}
