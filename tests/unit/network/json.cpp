// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/json.hpp"

#include <doctest/doctest.h>

using namespace tessera;

namespace {

std::string parse_error(std::string_view text, const json_limits& limits = {}) {
  try {
    parse_json(text, "f.json", limits);
  } catch (const data_error& e) {
    return e.what();
  }
  return "no error";
}

template <class Read>
std::string field_error(Read read) {
  static const auto document = parse_json(
      R"({"i": 7, "f": 0.5, "whole": 7.0, "s": "x", "b": true, "null": null, "big": 18446744073709551615,
          "o": {"i": -3}, "a": []})",
      "f.json");
  try {
    read(json_fields(document, "f.json"));
  } catch (const data_error& e) {
    return e.what();
  }
  return "no error";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("network/json what is refused") {
  CHECK(parse_error("{}") == "no error");
  CHECK(parse_error("\xEF\xBB\xBF{}") == "no error");
  CHECK(parse_error("") == "f.json: is empty");
  CHECK(parse_error(" \r\n\t") == "f.json: is empty");
  CHECK(contains(parse_error("{"), "f.json: is not JSON: parse error at line 1, column 2"));
  CHECK(contains(parse_error("{} x"), "f.json: is not JSON"));
  CHECK(contains(parse_error("[1,]"), "f.json: is not JSON"));
  CHECK(contains(parse_error("[NaN]"), "f.json: is not JSON"));
  CHECK(contains(parse_error("[1e999]"), "f.json: is not JSON: number overflow"));
  CHECK(contains(parse_error("[\"\xFF\"]"), "ill-formed UTF-8 byte"));
  CHECK(contains(parse_error(R"(["\uD800"])"), "f.json: is not JSON"));
  CHECK(contains(parse_error(std::string("{}\0x", 4)), "NUL byte (at byte 2)"));
  CHECK(parse_error(R"({"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 2}]})") == "no error");
  CHECK(parse_error(R"({"b": {"a": 1, "x": {"a": 3}, "a": 2}})") == "f.json: 'a': is there twice in one object");
  CHECK(parse_error("[1]", {.bytes = 3}) == "no error");
  CHECK(parse_error("[12]", {.bytes = 3}) == "f.json: is larger than the limit of 3 bytes");
  CHECK(parse_error("[[{}]]", {.depth = 3}) == "no error");
  CHECK(parse_error("[[{}]]", {.depth = 2}) == "f.json: is nested deeper than 2 levels");
  CHECK(contains(parse_error(std::string(1 << 20, '[')), "is nested deeper than 64 levels"));
  CHECK(contains(parse_error("[\"" + std::string(100000, 'x')), "f.json: is not JSON"));
  CHECK(parse_error("[\"" + std::string(100000, 'x')).size() < 400);
}

TEST_CASE("network/json files") {
  CHECK_THROWS_WITH_AS(read_json("no/such/file"), "no/such/file: no such file", data_error);
  CHECK_THROWS_WITH_AS(read_json(TESSERA_SOURCE_DIR), TESSERA_SOURCE_DIR ": is a directory, not a file", data_error);
  CHECK_THROWS_WITH_AS(read_text_file(TESSERA_SOURCE_DIR "/LICENSE", 10),
                       TESSERA_SOURCE_DIR "/LICENSE: is larger than the limit of 10 bytes", data_error);
  CHECK(contains(read_text_file(TESSERA_SOURCE_DIR "/LICENSE", 1 << 20), "Apache License"));
}

TEST_CASE("network/json fields") {
  using f = const json_fields&;
  CHECK(field_error([](f j) {
          CHECK(j.integer("i", 7, 7) == 7);
          CHECK(j.number("f", 0, 1) == 0.5);
          CHECK(j.number("i", 0, 10) == 7.0);
          CHECK(j.string("s") == "x");
          CHECK(j.boolean("b"));
          CHECK(j.object("o").integer("i", -5, 5) == -3);
          CHECK_FALSE(j.has("null"));
          CHECK_FALSE(j.optional_integer("null", 0, 1));
          CHECK_FALSE(j.optional_integer("none", 0, 1));
          CHECK_FALSE(j.optional_number("none", 0, 1));
          CHECK_FALSE(j.optional_string("none"));
          CHECK_FALSE(j.optional_boolean("none"));
          CHECK_FALSE(j.optional_object("none"));
          CHECK(j.optional_integer("i", 0, 9) == 7);
          CHECK(j.optional_number("f", 0, 9) == 0.5);
          CHECK(j.optional_string("s") == "x");
          CHECK(j.optional_boolean("b") == true);
          CHECK(j.optional_object("o")->has("i"));
        }) == "no error");
  CHECK(field_error([](f j) { j.integer("x", 0, 1); }) == "f.json: 'x': is missing");
  CHECK(field_error([](f j) { j.integer("null", 0, 1); }) == "f.json: 'null': is missing");
  CHECK(field_error([](f j) { j.integer("i", 8, 9); }) == "f.json: 'i': must lie in 8..9, is 7");
  CHECK(field_error([](f j) { j.optional_integer("i", 0, 6); }) == "f.json: 'i': must lie in 0..6, is 7");
  CHECK(contains(field_error([](f j) { j.integer("big", INT64_MIN, INT64_MAX); }), "is 18446744073709551615"));
  CHECK(contains(field_error([](f j) { j.integer("whole", 0, 9); }), "'whole': must be an integer, is a number with"));
  CHECK(field_error([](f j) { j.integer("s", 0, 9); }) == "f.json: 's': must be an integer, is a string");
  CHECK(field_error([](f j) { j.number("b", 0, 9); }) == "f.json: 'b': must be a number, is a boolean");
  CHECK(field_error([](f j) { j.number("f", 1, 2); }) == "f.json: 'f': must lie in 1.0..2.0, is 0.5");
  CHECK(field_error([](f j) { j.string("a"); }) == "f.json: 'a': must be a string, is an array");
  CHECK(field_error([](f j) { j.boolean("i"); }) == "f.json: 'i': must be true or false, is an integer");
  CHECK(field_error([](f j) { j.object("a"); }) == "f.json: 'a': must be an object, is an array");
  CHECK(field_error([](f j) { j.object("o").integer("i", 0, 5); }) == "f.json: 'o'.'i': must lie in 0..5, is -3");
}
