// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/tokenizer.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>

using namespace tessera;
using namespace std::string_literals;

namespace {

using ids = std::vector<int32_t>;
using words = std::vector<std::string>;
using pair = std::pair<std::string, std::string>;

/// As vocab.json spells the bytes of `text`.
std::string spelled(std::string_view text) {
  std::string out;
  for (const char c : text) out += byte_level::symbol(static_cast<uint8_t>(c));
  return out;
}

/// A small network's files: special tokens 0..4, bytes 5..260, then one entry per merge.
struct fixture {
  nlohmann::json vocab = {{"<s>", 0}, {"<pad>", 1}, {"</s>", 2}, {"<unk>", 3}, {"<mask>", 4}};
  std::string merges = "#version: 0.2\n";
  std::optional<std::string> config, map;

  explicit fixture(const std::vector<pair>& rules) {
    for (int b = 0; b < 256; ++b) vocab[byte_level::symbol(static_cast<uint8_t>(b))] = 5 + b;
    for (const auto& [left, right] : rules) {
      merges += spelled(left) + " " + spelled(right) + "\n";
      vocab.emplace(spelled(left + right), vocab.size());
    }
  }
  tokenizer build(tokenizer_options options = {}) const {
    const std::string text = vocab.dump();
    return tokenizer({text, merges, config, map}, options);
  }
  std::string error() const {
    try {
      build();
    } catch (const data_error& e) {
      return e.what();
    }
    return "no error";
  }
};

fixture with_merges(const std::vector<pair>& rules) { return fixture(rules); }

words cut(std::string_view text) {
  words out;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = byte_level::word_end(text, begin);
    REQUIRE(end > begin);
    out.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

/// The definition of BPE, word for word.
ids slow_merge(ids word, const std::map<std::pair<int32_t, int32_t>, std::pair<std::size_t, int32_t>>& rules) {
  for (;;) {
    auto best = rules.end();
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const auto rule = rules.find({word[i], word[i + 1]});
      if (rule != rules.end() && (best == rules.end() || rule->second.first < best->second.first)) best = rule;
    }
    if (best == rules.end()) return word;
    ids merged;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (i + 1 < word.size() && word[i] == best->first.first && word[i + 1] == best->first.second) {
        merged.push_back(best->second.second);
        ++i;
      } else {
        merged.push_back(word[i]);
      }
    }
    word = merged;
  }
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

ids framed(ids middle) {
  middle.insert(middle.begin(), 0);
  middle.push_back(2);
  return middle;
}

ids bytes(std::string_view text) {
  ids out;
  for (const char c : text) out.push_back(5 + static_cast<unsigned char>(c));
  return out;
}

}  // namespace

TEST_CASE("network/byte_level each byte has its own character") {
  std::map<std::string, int> seen;
  for (int b = 0; b < 256; ++b) {
    const auto symbol = byte_level::symbol(static_cast<uint8_t>(b));
    CHECK(seen.emplace(symbol, b).second);
    CHECK(byte_level::byte_of(byte_level::characters[static_cast<std::size_t>(b)]) == b);
  }
  CHECK(byte_level::symbol(' ') == "\u0120");
  CHECK(byte_level::symbol('\n') == "\u010A");
  CHECK(byte_level::symbol(0) == "\u0100");
  CHECK(byte_level::symbol(0x7F) == "\u0121");
  CHECK(byte_level::symbol(0xAD) == "\u0143");
  CHECK(byte_level::symbol('!') == "!");
  CHECK(byte_level::symbol(0xFF) == "\u00FF");
  CHECK(byte_level::byte_of(0x20) == -1);
  CHECK(byte_level::byte_of(0x144) == -1);
  CHECK(byte_level::byte_of(0x10FFFF) == -1);
}

TEST_CASE("network/byte_level words") {
  CHECK(cut("").empty());
  CHECK(cut("Hello world") == words{"Hello", " world"});
  CHECK(cut("a1b22") == words{"a", "1", "b", "22"});
  CHECK(cut("x+=1;") == words{"x", "+=", "1", ";"});
  SUBCASE("contractions are lower case and greedy in the pattern's order") {
    CHECK(cut("it's I'll you're we've I'm he'd don't") ==
          words{"it", "'s", " I", "'ll", " you", "'re", " we", "'ve", " I", "'m", " he", "'d", " don", "'t"});
    CHECK(cut("IT'S") == words{"IT", "'", "S"});
    CHECK(cut("'sound") == words{"'s", "ound"});
    CHECK(cut("'l'r'v") == words{"'", "l", "'", "r", "'", "v"});
    CHECK(cut(" 's") == words{" '", "s"});
    CHECK(cut("!'s") == words{"!'", "s"});
    CHECK(cut("''s") == words{"''", "s"});
    CHECK(cut("'") == words{"'"});
    CHECK(cut("it\u2019s") == words{"it", "\u2019", "s"});
  }
  SUBCASE("white space") {
    CHECK(cut(" ") == words{" "});
    CHECK(cut("   ") == words{"   "});
    CHECK(cut("a  b") == words{"a", " ", " b"});
    CHECK(cut("a   b  ") == words{"a", "  ", " b", "  "});
    CHECK(cut("a ") == words{"a", " "});
    CHECK(cut("a\nb") == words{"a", "\n", "b"});
    CHECK(cut("a\n\nb") == words{"a", "\n", "\n", "b"});
    CHECK(cut("a \nb") == words{"a", " ", "\n", "b"});
    CHECK(cut("a\n b") == words{"a", "\n", " b"});
    CHECK(cut("\r\n\t x") == words{"\r\n\t", " x"});
    CHECK(cut(" \t1") == words{" ", "\t", "1"});
    CHECK(cut("a\u00A0b") == words{"a", "\u00A0", "b"});
    CHECK(cut("a \u00A0 b") == words{"a", " \u00A0", " b"});
    CHECK(cut("a\u3000\u3000b") == words{"a", "\u3000", "\u3000", "b"});
    CHECK(cut("a\u0085b") == words{"a", "\u0085", "b"});
    CHECK(cut("a\u2028\u2029\u202F\u205F\u1680\u2000\u200Ab") ==
          words{"a", "\u2028\u2029\u202F\u205F\u1680\u2000", "\u200A", "b"});
    CHECK(cut("\x1C\x1D\x1E\x1F") == words{"\x1C\x1D\x1E\x1F"});
    CHECK(cut(" \x1C") == words{" \x1C"});                      // U+001C is no white space
    CHECK(cut("\u200B \uFEFF") == words{"\u200B", " \uFEFF"});  // nor are these
    CHECK(cut("\u180E.") == words{"\u180E."});
  }
  SUBCASE("letters and numbers of all scripts") {
    CHECK(cut("\u4F60\u597D\u4E16\u754C 1") == words{"\u4F60\u597D\u4E16\u754C", " 1"});
    CHECK(cut("\u00E9t\u00E9") == words{"\u00E9t\u00E9"});
    CHECK(cut("e\u0301t") == words{"e", "\u0301", "t"});  // combining marks are \p{M}
    CHECK(cut("x\u00B2") == words{"x", "\u00B2"});
    CHECK(cut("\u00B2\u2167\u00BD9\u0663") == words{"\u00B2\u2167\u00BD9\u0663"});
    CHECK(cut(" \u2167a") == words{" \u2167", "a"});
    CHECK(cut("a\U0001F600\U0001F468\u200D\U0001F469b") == words{"a", "\U0001F600\U0001F468\u200D\U0001F469", "b"});
    CHECK(cut("\U00010400\U0001D7D8") == words{"\U00010400", "\U0001D7D8"});
    CHECK(cut("_a_") == words{"_", "a", "_"});
    CHECK(cut("\u02B0\u01C5\u00AA") == words{"\u02B0\u01C5\u00AA"});  // Lm, Lt, Lo
  }
  SUBCASE("bytes that are not UTF-8 are other characters") {
    CHECK(cut("a\xFF\xFE"
              "b") == words{"a", "\xFF\xFE", "b"});
    CHECK(cut("\xC3") == words{"\xC3"});
    CHECK(cut(" \xC3(") == words{" \xC3("});
    CHECK(cut("\xC0\xAF"
              "a") == words{"\xC0\xAF", "a"});                  // overlong
    CHECK(cut("\xED\xA0\x80z") == words{"\xED\xA0\x80", "z"});  // surrogate
    CHECK(cut("\xF4\x90\x80\x80"
              "1") == words{"\xF4\x90\x80\x80", "1"});  // above U+10FFFF
    CHECK(cut("\xE4\xBD") == words{"\xE4\xBD"});        // cut off
    CHECK(cut("a\x85"
              "b") == words{"a", "\x85", "b"});
    CHECK(cut("a\0b"s) == words{"a", "\0"s, "b"});
    CHECK(cut(" \0\0"s) == words{" \0\0"s});
  }
}

TEST_CASE("network/tokenizer without merges is bytes") {
  const auto t = with_merges({}).build();
  CHECK(t.vocab_size() == 261);
  CHECK(t.encode("") == ids{0, 2});
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  const auto encoded = t.encode(all);
  CHECK(encoded.size() == 258);
  CHECK(t.decode(encoded) == "<s>" + all + "</s>");
  CHECK(t.decode(encoded, true) == all);
  for (int b = 0; b < 256; ++b) CHECK(t.encode(std::string(1, static_cast<char>(b)))[1] == 5 + b);
}

TEST_CASE("network/tokenizer merges by rank, all occurrences, left to right") {
  const auto t = with_merges({{"a", "a"}, {"a", "b"}, {"aa", "aa"}, {" ", "x"}}).build();  // 261 .. 264
  CHECK(t.encode("aaa") == framed({261, 5 + 'a'}));
  CHECK(t.encode("aaab") == framed({261, 262}));
  CHECK(t.encode("aaaaaab") == framed({263, 261, 5 + 'b'}));
  CHECK(t.encode("x x") == framed({5 + 'x', 264}));
  // A rule that ranks before the rule that makes its operand: all of round (a, b) comes before (ab, a).
  const auto u = with_merges({{"c", "d"}, {"ab", "a"}, {"a", "b"}});
  auto v = u;
  v.merges = "#version: 0.2\nc d\nab a\na b\n";
  v.vocab["ab"] = 263;
  v.vocab["aba"] = 262;
  CHECK(v.build().encode("abab") == framed({263, 263}));
  CHECK(v.build().encode("abaa") == framed({262, 5 + 'a'}));
}

TEST_CASE("network/byte_pair equals the definition on random rules and words") {
  const auto seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    const std::size_t letters = 1 + below(4);
    words tokens;
    std::map<std::string, int32_t> id_of;
    for (std::size_t i = 0; i < letters; ++i) {
      tokens.push_back(std::string(1, static_cast<char>('a' + i)));
      id_of[tokens.back()] = static_cast<int32_t>(i);
    }
    std::vector<pair> candidates;
    const std::size_t count = below(30);
    for (std::size_t i = 0; i < count; ++i) {
      const pair rule{tokens[below(tokens.size())], tokens[below(tokens.size())]};
      if (id_of.emplace(rule.first + rule.second, static_cast<int32_t>(tokens.size())).second)
        tokens.push_back(rule.first + rule.second);
      candidates.push_back(rule);
    }
    if (round % 2 == 1) std::shuffle(candidates.begin(), candidates.end(), random);
    byte_pair_merges merges;
    std::map<std::pair<int32_t, int32_t>, std::pair<std::size_t, int32_t>> rules;
    for (const auto& [left, right] : candidates) {
      const auto result = id_of[left + right];
      const bool added = merges.add(id_of[left], id_of[right], result);
      CHECK(added == rules.emplace(std::pair(id_of[left], id_of[right]), std::pair(rules.size(), result)).second);
    }
    CHECK(merges.size() == rules.size());
    byte_pair_merges::workspace work;
    for (int text = 0; text < 40; ++text) {
      ids word(below(60));
      for (auto& id : word) id = static_cast<int32_t>(below(letters)) - (below(50) == 0 ? 100 : 0);
      auto fast = word;
      merges.merge(fast, work);
      REQUIRE(fast == slow_merge(word, rules));
    }
  }
}

TEST_CASE("network/tokenizer a megabyte without a space") {
  std::vector<pair> rules;
  for (std::size_t n = 1; n <= 64; n *= 2) rules.push_back({std::string(n, 'a'), std::string(n, 'a')});
  const auto t = with_merges(rules).build();
  const auto start = std::chrono::steady_clock::now();
  const auto encoded = t.encode(std::string((1 << 20) + 5, 'a'));
  CHECK(encoded.size() == (1 << 20) / 128 + 4);
  CHECK(t.decode(encoded, true).size() == (1 << 20) + 5);
  // Quadratic time would be minutes.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

TEST_CASE("network/tokenizer special literals") {
  const fixture f = with_merges({});
  const auto t = f.build();
  CHECK(t.encode("a<s>b</s><pad><unk><mask>") == framed({5 + 'a', 0, 5 + 'b', 2, 1, 3, 4}));
  CHECK(t.encode("a \u3000<mask> b") == framed({5 + 'a', 4, 5 + ' ', 5 + 'b'}));  // <mask> takes white space before it
  CHECK(t.encode(" <s> ") == framed({5 + ' ', 0, 5 + ' '}));
  CHECK(t.encode("<mas") == framed(bytes("<mas")));
  CHECK(t.encode("<<s>") == framed({5 + '<', 0}));
  CHECK(t.encode("<S>") == framed(bytes("<S>")));
  CHECK(t.decode(ids{0, 4, 5 + 'x', 2}) == "<s><mask>x</s>");
  CHECK(t.decode(ids{0, 4, 5 + 'x', 2}, true) == "x");

  const auto plain = f.build({.special_literals = false});
  CHECK(plain.encode("a <mask></s>") == framed(bytes("a <mask></s>")));

  SUBCASE("words do not reach across a literal") {
    const auto m = with_merges({{" ", " "}}).build();
    CHECK(m.encode("  <s>  ") == framed({261, 0, 261}));
    CHECK(m.encode("   x") == framed({261, 5 + ' ', 5 + 'x'}));
  }
  SUBCASE("flags and names from the files, the map wins") {
    auto g = f;
    g.vocab["[X]"] = 300;
    g.vocab["[XX"] = 301;
    g.vocab["[XX]"] = 302;
    g.config = R"({"mask_token": "[XX", "pad_token": "[X]"})";
    g.map = R"({"mask_token": {"content": "[X]", "lstrip": false, "rstrip": true, "normalized": true},
                "pad_token": null, "additional_special_tokens": ["[XX", {"content": "[XX]"}]})";
    const auto u = g.build();
    CHECK(u.mask_id() == 300);
    CHECK(u.pad_id() == 300);
    CHECK(u.vocab_size() == 303);
    CHECK(u.encode("a [XX][XX [X] b")[3] == 302);
    CHECK(u.encode("a[XX [XXb") == framed({5 + 'a', 301, 5 + ' ', 301, 5 + 'b'}));
    CHECK(u.encode("[X] \u2003[X]") == framed({300, 5 + ' ', 5 + 0xE2, 5 + 0x80, 5 + 0x83, 300}));
  }
}

TEST_CASE("network/tokenizer add_prefix_space") {
  auto f = with_merges({{" ", "a"}});
  f.config = R"({"add_prefix_space": true, "tokenizer_class": "RobertaTokenizer", "model_max_length": 1e30})";
  const auto t = f.build();
  CHECK(t.encode("a") == framed({261}));
  CHECK(t.encode(" a") == framed({261}));
  CHECK(t.encode("\na") == framed({5 + '\n', 5 + 'a'}));
  CHECK(t.encode("") == framed({}));
  CHECK(t.encode("<s>a") == framed({5 + ' ', 0, 5 + 'a'}));
}

TEST_CASE("network/tokenizer truncation and batches") {
  const auto t = with_merges({}).build();
  for (const index_t n : {2, 3, 4, 5}) {
    const auto e = t.encode("ab", n);
    CHECK(e.truncated == (n < 4));
    CHECK(e.ids.size() == static_cast<std::size_t>(std::min<index_t>(n, 4)));
    CHECK(e.ids.back() == 2);
    CHECK(e.ids.front() == 0);
  }
  CHECK(t.encode("a<s>b", 4).ids == ids{0, 5 + 'a', 0, 2});
  CHECK_THROWS_AS((void)t.encode("a", 1), std::invalid_argument);
  CHECK_THROWS_AS((void)t.encode("a", -5), std::invalid_argument);

  const words texts = {"", "abcdef", "xy"};
  const auto batch = t.encode_batch(texts, 5);
  CHECK(batch.rows == 3);
  CHECK(batch.columns == 5);
  CHECK(batch.ids == ids{0, 2, 1, 1, 1, 0, 5 + 'a', 5 + 'b', 5 + 'c', 2, 0, 5 + 'x', 5 + 'y', 2, 1});
  CHECK(batch.mask == std::vector<uint8_t>{1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0});
  CHECK(batch.lengths == std::vector<index_t>{2, 5, 4});
  CHECK(batch.truncated == std::vector<uint8_t>{0, 1, 0});
  const auto none = t.encode_batch(std::vector<std::string_view>{}, 5);
  CHECK(none.rows == 0);
  CHECK(none.columns == 0);
}

TEST_CASE("network/tokenizer a byte that the vocabulary lacks is unknown") {
  auto f = with_merges({{"a", "b"}});
  f.vocab.erase("x");
  const auto t = f.build();
  CHECK(t.encode("abxab") == framed({261, 3, 261}));
  CHECK_FALSE(t.id("x"));
  CHECK_THROWS_AS((void)t.decode(ids{5 + 'x'}), std::out_of_range);
  CHECK_THROWS_AS((void)t.decode(ids{-1}), std::out_of_range);
  CHECK_THROWS_AS((void)t.decode(ids{262}), std::out_of_range);
}

TEST_CASE("network/tokenizer errors name the file and the reason") {
  fixture f = with_merges({{"a", "b"}});
  const auto with = [&](auto change) {
    auto g = f;
    change(g);
    return g.error();
  };
  CHECK(f.error() == "no error");
  CHECK(with([](auto& g) { g.vocab["zz"] = 7; }) == "vocab.json: '\u0102': has the id 7, and so has 'zz'");
  CHECK(contains(with([](auto& g) { g.vocab["zz"] = -1; }), "vocab.json: 'zz': must lie in 0.."));
  CHECK(contains(with([](auto& g) { g.vocab["zz"] = 4000000; }), "vocab.json: 'zz': must lie in 0.."));
  CHECK(contains(with([](auto& g) { g.vocab["zz"] = 1e20; }), "vocab.json: 'zz': must be an integer"));
  CHECK(contains(with([](auto& g) { g.vocab["zz"] = "5"; }), "vocab.json: 'zz': must be an integer, is a string"));
  CHECK(contains(with([](auto& g) { g.vocab[""] = 290; }), "empty token"));
  CHECK(contains(with([](auto& g) { g.vocab = nlohmann::json::array(); }), "vocab.json: must be an object"));
  CHECK(contains(with([](auto& g) { g.vocab = nlohmann::json::object(); }), "vocab.json: has no entries"));
  CHECK(contains(with([](auto& g) { g.merges = ""; }), "merges.txt: is empty"));
  CHECK(contains(with([](auto& g) { g.merges = "\n\n"; }), "merges.txt: is empty"));
  CHECK(contains(with([](auto& g) { g.merges += "a\n"; }), "merges.txt: line 3: must be two symbols"));
  CHECK(contains(with([](auto& g) { g.merges += "a b c\n"; }), "merges.txt: line 3: must be two symbols"));
  CHECK(contains(with([](auto& g) { g.merges += "a \n"; }), "merges.txt: line 3: must be two symbols"));
  CHECK(contains(with([](auto& g) { g.merges += "\na c\n"; }), "merges.txt: line 3: must be two symbols"));
  CHECK(with([](auto& g) { g.merges += "a bc\n"; }) ==
        "merges.txt: line 3: merges the symbol 'bc', which is not in vocab.json");
  CHECK(with([](auto& g) { g.merges += "a c\n"; }) == "merges.txt: line 3: makes 'ac', which is not in vocab.json");
  CHECK(contains(with([](auto& g) { g.merges += "a b\n"; }), "merges.txt: line 3: merges 'a b', as an earlier line"));
  CHECK(contains(with([](auto& g) { g.merges = "a b\n"; }), "merges.txt: line 1: is a merge"));
  CHECK(with([](auto& g) { g.merges = "#version: 0.2\r\na b\r\n\r\n"; }) == "no error");
  CHECK(with([](auto& g) { g.merges = "header"; }) == "no error");
  for (const char* token : {"<s>", "<pad>", "</s>", "<unk>"})
    CHECK(contains(with([&](auto& g) { g.vocab.erase(token); }), "vocab.json: lacks the special token '"s + token));
  CHECK(with([](auto& g) { g.vocab.erase("<mask>"); }) == "no error");
  CHECK(with([](auto& g) { g.map = R"({"mask_token": "[M]"})"; }) ==
        "vocab.json: lacks the special token '[M]' (special_tokens_map.json: 'mask_token')");
  CHECK(contains(with([](auto& g) { g.map = R"({"pad_token": 5})"; }), "special_tokens_map.json: 'pad_token'"));
  CHECK(contains(with([](auto& g) { g.map = R"({"pad_token": {"lstrip": true}})"; }), "'content': is missing"));
  CHECK(contains(with([](auto& g) { g.map = R"({"pad_token": ""})"; }), "must have 1 to 256 bytes"));
  CHECK(contains(with([](auto& g) { g.map = R"({"additional_special_tokens": "x"})"; }), "must be an array"));
  CHECK(contains(with([](auto& g) { g.map = R"({"additional_special_tokens": ["zz"]})"; }), "additional special"));
  CHECK(contains(with([](auto& g) { g.map = "{"; }), "special_tokens_map.json: is not JSON"));
  CHECK(contains(with([](auto& g) { g.config = R"({"add_prefix_space": 1})"; }), "'add_prefix_space': must be true"));
  CHECK(contains(with([](auto& g) { g.config = R"({"tokenizer_class": "BertTokenizer"})"; }), "is 'BertTokenizer'"));
  CHECK(contains(with([](auto& g) { g.config = ""; }), "tokenizer_config.json: is empty"));
}

TEST_CASE("network/tokenizer from a folder") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("tessera-tokenizer-" + std::to_string(std::random_device()()));
  std::filesystem::create_directories(folder);
  const auto message = [&] {
    try {
      (void)tokenizer::from_directory(folder);
    } catch (const data_error& e) {
      return std::string(e.what());
    }
    return "no error"s;
  };
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  };
  const fixture f = with_merges({{"a", "b"}});
  CHECK(message() == (folder / "vocab.json").string() + ": no such file");
  write("vocab.json", "");
  CHECK(message() == (folder / "merges.txt").string() + ": no such file");
  write("merges.txt", f.merges);
  CHECK(message() == (folder / "vocab.json").string() + ": is empty");
  write("vocab.json", f.vocab.dump());
  CHECK(message() == "no error");
  CHECK(tokenizer::from_directory(folder).encode("ab") == framed({261}));
  write("tokenizer_config.json", "");
  CHECK(message() == (folder / "tokenizer_config.json").string() + ": is empty");
  std::filesystem::remove_all(folder);
  CHECK(contains(message(), "is not a folder"));
}

TEST_CASE("network/tokenizer equals the ids of a published network") {
  const char* networks = std::getenv("TESSERA_NETWORK_DIR");
  if (networks == nullptr) {
    MESSAGE("TESSERA_NETWORK_DIR is not set, nothing compared");
    return;
  }
  const auto folder = std::filesystem::path(networks) / "wordnet-ibert-a";
  const auto t = tokenizer::from_directory(folder);
  CHECK(t.vocab_size() == 4096);
  std::ifstream lines(folder / "tokens.jsonl");
  int compared = 0;
  for (std::string line; std::getline(lines, line); ++compared) {
    const auto example = nlohmann::json::parse(line);
    const auto text = example.at("text").get<std::string>();
    const auto encoded = t.encode(text);
    CHECK_MESSAGE(encoded == example.at("ids").get<ids>(), text);
    CHECK(t.decode(encoded, true) == text);
  }
  CHECK(compared == 200);
}
