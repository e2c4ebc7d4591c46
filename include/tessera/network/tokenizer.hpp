// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Byte-level BPE exactly as RoBERTa uses it, from a Hugging Face folder.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tessera/network/byte_level.hpp"
#include "tessera/network/byte_pair.hpp"
#include "tessera/network/error.hpp"
#include "tessera/network/json.hpp"
#include "tessera/network/text_file.hpp"
#include "tessera/network/token_batch.hpp"
#include "tessera/std.hpp"

namespace tessera {

struct tokenizer_options {
  /// What a special token's literal in a text means (`<s>`, `</s>`, `<pad>`, `<unk>`, `<mask>`): true = its id, as
  /// Hugging Face's RobertaTokenizer does; false = plain characters, for text from people who must not reach them.
  bool special_literals = true;
};

/// Contents of a tokenizer's files, for callers that have them in memory. The views are read by the constructor only.
struct tokenizer_source {
  std::string_view vocab;                                   ///< vocab.json
  std::string_view merges;                                  ///< merges.txt
  std::optional<std::string_view> tokenizer_config = {};    ///< tokenizer_config.json
  std::optional<std::string_view> special_tokens_map = {};  ///< special_tokens_map.json
  std::filesystem::path folder = {};                        ///< only for messages
};

/// The tokenizer of a RoBERTa-like network. Constant after construction: one object serves any number of threads.
///
/// Text is bytes, meant as UTF-8 and not normalised. A byte that is not part of valid UTF-8 counts as a character that
/// is neither letter, number nor space, and is encoded like any byte; a byte whose symbol the vocabulary lacks becomes
/// the unk id. So every text can be encoded, and with all 256 byte symbols `decode` returns it unchanged.
///
/// add_prefix_space puts one space before a text that starts with none, as Hugging Face's Python tokenizer does (the
/// Rust one would do so after each special literal too).
class tokenizer {
 public:
  /// Reads vocab.json and merges.txt, and where present tokenizer_config.json and special_tokens_map.json (the latter
  /// wins); other files are ignored. Errors: data_error with the file, the place and the reason.
  static tokenizer from_directory(const std::filesystem::path& folder, tokenizer_options options = {}) {
    const auto optional_file = [&](const char* name) -> std::optional<std::string> {
      std::error_code error;
      const auto path = folder / name;
      if (!std::filesystem::exists(path, error)) return std::nullopt;
      return read_text_file(path, json_limits{}.bytes);
    };
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
      throw data_error(folder.string(), "", "is not a folder; it should have vocab.json and merges.txt");
    const std::string vocab = read_text_file(folder / vocab_name, file_limit);
    const std::string merges = read_text_file(folder / merges_name, file_limit);
    const auto config = optional_file(config_name);
    const auto map = optional_file(map_name);
    return tokenizer({vocab, merges, config, map, folder}, options);
  }

  explicit tokenizer(const tokenizer_source& source, tokenizer_options options = {}) : options_(options) {
    load_vocab(source);
    load_merges(source);
    load_special_tokens(source);
  }

  /// Largest id + 1. A network's table of word embeddings must have at least as many rows.
  index_t vocab_size() const { return static_cast<index_t>(tokens_.size()); }
  std::int32_t bos_id() const { return *roles_[bos]; }
  std::int32_t eos_id() const { return *roles_[eos]; }
  std::int32_t cls_id() const { return *roles_[cls]; }  ///< starts each sequence, RoBERTa: bos
  std::int32_t sep_id() const { return *roles_[sep]; }  ///< ends each sequence, RoBERTa: eos
  std::int32_t pad_id() const { return *roles_[pad]; }
  std::int32_t unk_id() const { return *roles_[unk]; }
  /// Absent where no file names a mask token and the vocabulary has no `<mask>`.
  std::optional<std::int32_t> mask_id() const { return roles_[mask]; }

  /// The id of a vocabulary entry as vocab.json spells it ("Ġthe").
  std::optional<std::int32_t> id(std::string_view token) const {
    const auto it = ids_.find(token);
    return it == ids_.end() ? std::nullopt : std::optional(it->second);
  }

  /// The whole text, however long.
  std::vector<std::int32_t> encode(std::string_view text) const { return encode_up_to(text, SIZE_MAX).ids; }

  /// At most `max_length` >= 2 ids: a longer text keeps its first max_length - 1 ids (cls among them) and ends in sep.
  /// Error: std::invalid_argument.
  encoding encode(std::string_view text, index_t max_length) const {
    if (max_length < 2) throw std::invalid_argument("tokenizer: max_length must be at least 2, for cls and sep");
    return encode_up_to(text, static_cast<std::size_t>(max_length));
  }

  /// `encode(text, max_length)` of each element of `texts` (a range of strings or string views), padded.
  template <class Texts>
  encoded_batch encode_batch(const Texts& texts, index_t max_length) const {
    std::vector<encoding> rows;
    for (const std::string_view text : texts) rows.push_back(encode(text, max_length));
    return pad_batch(rows, pad_id());
  }

  /// The bytes that `ids` stand for. Special tokens appear as their literals, or not at all with `skip_special`. The
  /// result is UTF-8 only if the ids are those of whole characters. Error: std::out_of_range for an unknown id.
  std::string decode(std::span<const std::int32_t> ids, bool skip_special = false) const {
    std::string text;
    for (const std::int32_t id : ids) {
      if (id < 0 || static_cast<std::size_t>(id) >= tokens_.size() || tokens_[static_cast<std::size_t>(id)].empty())
        throw std::out_of_range("tokenizer: the vocabulary has no id " + std::to_string(id));
      const std::string& token = tokens_[static_cast<std::size_t>(id)];
      const bool special = std::any_of(specials_.begin(), specials_.end(), [&](auto& s) { return s.id == id; });
      if (!special) {
        byte_level::append_bytes(token, text);
      } else if (!skip_special) {
        text += token;
      }
    }
    return text;
  }

 private:
  enum role : std::size_t {
    bos,
    eos,
    unk,
    sep,
    pad,
    cls,
    mask,
    num_roles
  };
  struct special_token {
    std::string literal;
    std::int32_t id = 0;
    bool lstrip = false;  ///< takes the white space before it as well
    bool rstrip = false;  ///< takes the white space after it as well
  };
  struct string_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };

  static constexpr const char* vocab_name = "vocab.json";
  static constexpr const char* merges_name = "merges.txt";
  static constexpr const char* config_name = "tokenizer_config.json";
  static constexpr const char* map_name = "special_tokens_map.json";
  static constexpr std::size_t file_limit = std::size_t{128} << 20;  // bytes; RoBERTa's vocab.json has 0.9 MB
  static constexpr std::size_t vocab_limit = std::size_t{4} << 20;   // entries, as in ibert_config_limits
  static constexpr std::size_t literal_limit = 256;                  // bytes of a special token
  static constexpr std::size_t additional_limit = 1024;              // additional special tokens

  // Loading.

  void load_vocab(const tokenizer_source& source) {
    const std::string file = (source.folder / vocab_name).string();
    const auto document = parse_json(source.vocab, file, {.bytes = file_limit});
    const json_fields fields(document, file);
    const std::size_t count = document.size();
    if (count == 0) throw data_error(file, "", "has no entries");
    if (count > vocab_limit)
      throw data_error(file, "", "has more entries than the limit of " + std::to_string(vocab_limit));
    // Gaps between ids are harmless, but the table of tokens must not be much larger than the file.
    const auto largest = static_cast<std::int64_t>(std::min(4 * count + 65536, vocab_limit) - 1);
    ids_.reserve(count);
    for (const auto& [token, value] : document.items()) {
      const auto id = static_cast<std::size_t>(fields.integer(token, 0, largest));
      if (token.empty()) fields.fail(token, "is an empty token");
      if (id >= tokens_.size()) tokens_.resize(id + 1);
      if (!tokens_[id].empty())
        fields.fail(token, "has the id " + std::to_string(id) + ", and so has " + tessera::quoted(tokens_[id]));
      tokens_[id] = token;
      ids_.emplace(token, static_cast<std::int32_t>(id));
    }
    for (std::size_t byte = 0; byte < 256; ++byte)
      byte_ids_[byte] = id(byte_level::symbol(static_cast<std::uint8_t>(byte))).value_or(-1);
  }

  void load_merges(const tokenizer_source& source) {
    const std::string file = (source.folder / merges_name).string();
    if (source.merges.size() > file_limit)
      throw data_error(file, "", "is larger than the limit of " + std::to_string(file_limit) + " bytes");
    if (source.merges.find_first_not_of("\r\n") == std::string_view::npos) throw data_error(file, "", "is empty");
    std::string_view rest = source.merges;
    while (rest.ends_with('\n') || rest.ends_with('\r')) rest.remove_suffix(1);
    const auto lines = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n'));
    merges_.reserve(std::min(lines, tokens_.size()));  // each rule makes a token, seldom one that another makes too
    std::string result;
    for (std::size_t number = 1; !rest.empty(); ++number) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (number == 1 && line.starts_with("#version")) continue;

      const auto fail = [&](const std::string& reason) {
        throw data_error(file, "line " + std::to_string(number), reason);
      };
      const std::size_t space = line.find(' ');
      const auto left = line.substr(0, space);
      const auto right = space == line.npos ? std::string_view() : line.substr(space + 1);
      const bool pair = !left.empty() && !right.empty() && right.find(' ') == right.npos;
      result.assign(left).append(right);
      const auto left_id = id(left);
      const auto right_id = id(right);
      const auto result_id = id(result);
      if (number == 1) {  // a header, which RoBERTa skips whatever it says; but never skip a merge without a word
        if (pair && left_id && right_id && result_id)
          fail("is a merge, but the first line must be a header such as '#version: 0.2'");
        continue;
      }
      if (!pair) fail("must be two symbols with one space between them, is " + tessera::quoted(line));
      if (!left_id || !right_id)
        fail("merges the symbol " + tessera::quoted(left_id ? right : left) + ", which is not in " + vocab_name);
      if (!result_id) fail("makes " + tessera::quoted(result) + ", which is not in " + vocab_name);
      if (!merges_.add(*left_id, *right_id, *result_id))
        fail("merges " + tessera::quoted(line) + ", as an earlier line does");
    }
  }

  void load_special_tokens(const tokenizer_source& source) {
    static constexpr std::array<const char*, num_roles> keys = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                                "pad_token", "cls_token", "mask_token"};
    std::array<special_token, num_roles> tokens = {
        {{"<s>"}, {"</s>"}, {"<unk>"}, {"</s>"}, {"<pad>"}, {"<s>"}, {"<mask>", 0, true}}};
    const std::string vocab_file = (source.folder / vocab_name).string();
    std::array<std::string, num_roles> named_by;  // file and key, for messages
    std::vector<special_token> additional;

    const auto read = [&](std::optional<std::string_view> bytes, const char* name) {
      if (!bytes) return;
      const std::string file = (source.folder / name).string();
      const auto document = parse_json(*bytes, file);
      const json_fields fields(document, file);
      for (std::size_t r = 0; r < num_roles; ++r) {
        if (!fields.has(keys[r])) continue;
        tokens[r] = read_special_token(document.at(keys[r]), file, keys[r], r == mask);
        named_by[r] = file + ": '" + keys[r] + "'";
      }
      if (fields.has("additional_special_tokens")) {
        const auto& list = document.at("additional_special_tokens");
        if (!list.is_array() || list.size() > additional_limit)
          fields.fail("additional_special_tokens",
                      "must be an array of at most " + std::to_string(additional_limit) + " tokens");
        additional.clear();
        for (const auto& item : list)
          additional.push_back(read_special_token(item, file, "additional_special_tokens", false));
      }
      if (std::string_view(name) != config_name) return;
      add_prefix_space_ = fields.optional_boolean("add_prefix_space").value_or(false);
      const auto type = fields.optional_string("tokenizer_class");
      if (type && *type != "RobertaTokenizer" && *type != "RobertaTokenizerFast")
        fields.fail("tokenizer_class", "must be RobertaTokenizer, is " + tessera::quoted(*type));
    };
    read(source.tokenizer_config, config_name);
    read(source.special_tokens_map, map_name);

    for (std::size_t r = 0; r < num_roles; ++r) {
      roles_[r] = id(tokens[r].literal);
      if (roles_[r]) {
        add_special(tokens[r]);
      } else if (r != mask || !named_by[r].empty()) {
        throw data_error(vocab_file, "",
                         "lacks the special token " + tessera::quoted(tokens[r].literal) + " (" +
                             (named_by[r].empty() ? std::string("RoBERTa's usual ") + keys[r] : named_by[r]) + ")");
      }
    }
    for (const auto& token : additional) {
      if (!id(token.literal))
        throw data_error(vocab_file, "", "lacks the additional special token " + tessera::quoted(token.literal));
      add_special(token);
    }
    // The longest literal that fits wins.
    std::stable_sort(specials_.begin(), specials_.end(),
                     [](const auto& a, const auto& b) { return a.literal.size() > b.literal.size(); });
  }

  /// A string, or an object with "content", "lstrip" and "rstrip". As in RobertaTokenizer, a mask token given as a
  /// string takes the white space before it.
  static special_token read_special_token(const nlohmann::json& value, const std::string& file, std::string_view key,
                                          bool is_mask) {
    special_token token;
    if (value.is_string()) {
      token.literal = value.get<std::string>();
      token.lstrip = is_mask;
    } else {
      const json_fields fields(value, file, tessera::quoted(key));
      token.literal = fields.string("content");
      token.lstrip = fields.optional_boolean("lstrip").value_or(false);
      token.rstrip = fields.optional_boolean("rstrip").value_or(false);
      if (fields.optional_boolean("single_word").value_or(false)) fields.fail("single_word", "is not supported");
    }
    if (token.literal.empty() || token.literal.size() > literal_limit)
      throw data_error(file, tessera::quoted(key), "must have 1 to " + std::to_string(literal_limit) + " bytes");
    return token;
  }

  /// Where two roles share a literal the first one's flags count, as in Hugging Face's tokenizers.
  void add_special(special_token token) {
    token.id = *id(token.literal);
    if (std::any_of(specials_.begin(), specials_.end(), [&](auto& s) { return s.id == token.id; })) return;
    starts_special_[static_cast<unsigned char>(token.literal[0])] = true;
    specials_.push_back(std::move(token));
  }

  // Encoding.

  encoding encode_up_to(std::string_view text, std::size_t max_length) const {
    encoding result;
    result.ids.push_back(cls_id());
    std::string prefixed;
    if (add_prefix_space_ && !text.empty() && byte_level::character_at(text, 0).what != byte_level::kind::space)
      text = prefixed.append(" ").append(text);
    scratch work;
    // One id more than fits tells that something is dropped; no need to look at the rest of the text.
    while (!text.empty() && result.ids.size() < max_length) {
      const auto [begin, special] = find_special(text);
      auto plain = text.substr(0, begin);
      if (special != nullptr && special->lstrip) plain = byte_level::trim_end(plain);
      encode_plain(plain, max_length, result.ids, work);
      text.remove_prefix(begin);
      if (special == nullptr) continue;
      result.ids.push_back(special->id);
      text.remove_prefix(special->literal.size());
      if (special->rstrip) text = byte_level::trim_start(text);
    }
    result.truncated = result.ids.size() >= max_length;
    if (result.truncated) result.ids.resize(max_length - 1);
    result.ids.push_back(sep_id());
    return result;
  }

  /// The first special literal of `text`, the longest one there; (text.size(), nullptr) if there is none.
  std::pair<std::size_t, const special_token*> find_special(std::string_view text) const {
    for (std::size_t at = 0; options_.special_literals && at < text.size(); ++at) {
      if (!starts_special_[static_cast<unsigned char>(text[at])]) continue;
      for (const auto& special : specials_) {
        if (text.substr(at).starts_with(special.literal)) return {at, &special};
      }
    }
    return {text.size(), nullptr};
  }

  struct scratch {
    std::vector<std::int32_t> symbols;
    byte_pair_merges::workspace merging;
  };

  void encode_plain(std::string_view text, std::size_t max_length, std::vector<std::int32_t>& ids,
                    scratch& work) const {
    for (std::size_t begin = 0; begin < text.size() && ids.size() < max_length;) {
      const std::size_t end = byte_level::word_end(text, begin);
      work.symbols.clear();
      for (const char c : text.substr(begin, end - begin))
        work.symbols.push_back(byte_ids_[static_cast<unsigned char>(c)]);
      merges_.merge(work.symbols, work.merging);
      for (const std::int32_t symbol : work.symbols) ids.push_back(symbol < 0 ? unk_id() : symbol);
      begin = end;
    }
  }

  tokenizer_options options_;
  bool add_prefix_space_ = false;
  std::vector<std::string> tokens_;  // by id, "" = no such id
  std::unordered_map<std::string, std::int32_t, string_hash, std::equal_to<>> ids_;
  std::array<std::int32_t, 256> byte_ids_{};  // -1 = not in the vocabulary
  byte_pair_merges merges_;
  std::array<std::optional<std::int32_t>, num_roles> roles_;
  std::vector<special_token> specials_;  // longest first
  std::array<bool, 256> starts_special_{};
};

}  // namespace tessera
