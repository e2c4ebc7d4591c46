// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// JSON from files that are not trusted: limits on size and depth, no key twice, and fields read with checks whose
/// messages name the file and the key.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/network/error.hpp"
#include "tessera/network/text_file.hpp"

namespace tessera {

/// What `parse_json` and `read_json` refuse. A parsed document takes up to about 30 times its size in memory.
struct json_limits {
  std::size_t bytes = std::size_t{16} << 20;
  int depth = 64;  ///< nested arrays and objects
};

namespace detail {

/// nlohmann's message without the library's prefix ("[json.exception.parse_error.101] ") and without the piece of the
/// file it quotes, which may be long or not printable.
inline std::string json_reason(std::string_view what) {
  if (const auto end = what.find("] "); what.starts_with('[') && end != what.npos) what.remove_prefix(end + 2);
  return std::string(what.substr(0, std::min(what.find("; last read: "), std::size_t{200})));
}

inline const char* json_kind(const nlohmann::json& value) {
  if (value.is_number_integer()) return "an integer";
  if (value.is_number()) return "a number with a fraction or exponent, or too large";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "a boolean";
  if (value.is_array()) return "an array";
  return value.is_object() ? "an object" : "null";
}

}  // namespace detail

/// Parses one JSON document; `file` is only for messages. Errors (data_error): empty, larger or deeper than the
/// limits, not JSON (strings must be UTF-8), a NUL byte, the same key twice in an object (JSON leaves open which one
/// counts, so two readers of one file could disagree).
inline nlohmann::json parse_json(std::string_view bytes, std::string_view file, const json_limits& limits = {}) {
  using nlohmann::json;
  if (bytes.size() > limits.bytes)
    throw data_error(file, "", "is larger than the limit of " + std::to_string(limits.bytes) + " bytes");
  if (bytes.find_first_not_of(" \t\r\n") == bytes.npos) throw data_error(file, "", "is empty");
  // nlohmann takes NUL for the end of the text and would ignore what follows.
  if (const auto nul = bytes.find('\0'); nul != bytes.npos) throw data_error(file, "", "is not JSON: NUL byte", nul);

  std::vector<std::set<std::string, std::less<>>> keys;  // of the objects that are open
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        if (depth >= limits.depth)
          throw data_error(file, "", "is nested deeper than " + std::to_string(limits.depth) + " levels");
        if (event == json::parse_event_t::object_start) keys.emplace_back();
        break;
      case json::parse_event_t::object_end: keys.pop_back(); break;
      case json::parse_event_t::key:
        if (!keys.back().insert(parsed.get_ref<const std::string&>()).second)
          throw data_error(file, tessera::quoted(parsed.get_ref<const std::string&>()), "is there twice in one object");
        break;
      default: break;
    }
    return true;
  };
  try {
    return json::parse(bytes.begin(), bytes.end(), watch);
  } catch (const json::exception& e) {
    throw data_error(file, "", "is not JSON: " + detail::json_reason(e.what()));
  }
}

/// `parse_json` of a file.
inline nlohmann::json read_json(const std::string& path, const json_limits& limits = {}) {
  return parse_json(read_text_file(path, limits.bytes), path, limits);
}

/// The fields of one JSON object, read with checks. Each error is a data_error with the file, the key and the reason.
/// A key whose value is null counts as absent, as in Hugging Face's files. Refers to `object`, which must outlive it.
class json_fields {
 public:
  /// `where` names the object inside its file for messages ("" for the document itself). Error: not an object.
  json_fields(const nlohmann::json& object, std::string_view file, std::string_view where = "")
      : object_(&object), file_(file), where_(where) {
    if (!object.is_object()) throw data_error(file_, where_, std::string("must be an object, is ") + kind(object));
  }

  bool has(std::string_view key) const { return find(key) != nullptr; }

  /// An integer in [smallest, largest]. `4096.0` is not an integer.
  std::int64_t integer(std::string_view key, std::int64_t smallest, std::int64_t largest) const {
    return to_integer(key, get(key), smallest, largest);
  }
  std::optional<std::int64_t> optional_integer(std::string_view key, std::int64_t smallest,
                                               std::int64_t largest) const {
    const auto* value = find(key);
    return value ? std::optional(to_integer(key, *value, smallest, largest)) : std::nullopt;
  }

  /// A number in [smallest, largest]; integers are numbers too.
  double number(std::string_view key, double smallest, double largest) const {
    return to_number(key, get(key), smallest, largest);
  }
  std::optional<double> optional_number(std::string_view key, double smallest, double largest) const {
    const auto* value = find(key);
    return value ? std::optional(to_number(key, *value, smallest, largest)) : std::nullopt;
  }

  std::string string(std::string_view key) const { return to_string(key, get(key)); }
  std::optional<std::string> optional_string(std::string_view key) const {
    const auto* value = find(key);
    return value ? std::optional(to_string(key, *value)) : std::nullopt;
  }

  bool boolean(std::string_view key) const { return to_boolean(key, get(key)); }
  std::optional<bool> optional_boolean(std::string_view key) const {
    const auto* value = find(key);
    return value ? std::optional(to_boolean(key, *value)) : std::nullopt;
  }

  /// The object under `key`, absent as nullopt.
  json_fields object(std::string_view key) const { return {get(key), file_, name(key)}; }
  std::optional<json_fields> optional_object(std::string_view key) const {
    const auto* value = find(key);
    return value ? std::optional(json_fields(*value, file_, name(key))) : std::nullopt;
  }

  /// Throws the data_error for `key`: for rules that only the caller knows.
  [[noreturn]] void fail(std::string_view key, std::string_view reason) const {
    throw data_error(file_, name(key), reason);
  }

  const nlohmann::json& json() const { return *object_; }
  const std::string& file() const { return file_; }

 private:
  static const char* kind(const nlohmann::json& value) { return detail::json_kind(value); }

  std::string name(std::string_view key) const {
    return where_.empty() ? tessera::quoted(key) : where_ + "." + tessera::quoted(key);
  }
  const nlohmann::json* find(std::string_view key) const {
    const auto it = object_->find(key);
    return it == object_->end() || it->is_null() ? nullptr : &*it;
  }
  const nlohmann::json& get(std::string_view key) const {
    const auto* value = find(key);
    if (value == nullptr) fail(key, "is missing");
    return *value;
  }
  std::int64_t to_integer(std::string_view key, const nlohmann::json& value, std::int64_t smallest,
                          std::int64_t largest) const {
    if (!value.is_number_integer()) fail(key, std::string("must be an integer, is ") + kind(value));
    const bool huge = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
    const std::int64_t v = huge ? INT64_MAX : value.get<std::int64_t>();
    if (huge || v < smallest || v > largest)
      fail(key, "must lie in " + std::to_string(smallest) + ".." + std::to_string(largest) + ", is " + value.dump());
    return v;
  }
  double to_number(std::string_view key, const nlohmann::json& value, double smallest, double largest) const {
    if (!value.is_number()) fail(key, std::string("must be a number, is ") + kind(value));
    const double v = value.get<double>();
    if (!(v >= smallest && v <= largest))
      fail(key, "must lie in " + nlohmann::json(smallest).dump() + ".." + nlohmann::json(largest).dump() + ", is " +
                    value.dump());
    return v;
  }
  std::string to_string(std::string_view key, const nlohmann::json& value) const {
    if (!value.is_string()) fail(key, std::string("must be a string, is ") + kind(value));
    return value.get<std::string>();
  }
  bool to_boolean(std::string_view key, const nlohmann::json& value) const {
    if (!value.is_boolean()) fail(key, std::string("must be true or false, is ") + kind(value));
    return value.get<bool>();
  }

  const nlohmann::json* object_;
  std::string file_;
  std::string where_;
};

}  // namespace tessera
