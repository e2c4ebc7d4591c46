// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/safetensors.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tessera/network/safetensors_writer.hpp"
#include "unit/network/file_bytes.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

std::string file_of(const std::string& header, const std::string& data = "") {
  return number<uint64_t>(header.size()) + header + data;
}

std::string entry(const std::string& name, const std::string& type, const std::string& shape,
                  const std::string& range) {
  return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + range + "]}";
}

std::string refusal_of(const std::string& content) {
  return refusal([&] { safetensors_file::from_bytes("f", bytes_of(content)); });
}

/// The refusal of a file with this header and four bytes of data.
std::string refusal_of_header(const std::string& header) { return refusal_of(file_of(header, "abcd")); }

}  // namespace

TEST_CASE("network/safetensors tensors in place, in the order of their data") {
  const auto content = file_of("{" + entry("b", "U8", "2", "4,6") + "," + entry("a/\\u00e9", "I16", "1,2", "0,4") +
                                   R"(,"__metadata__":{"format":"pt","":"x"},)" + entry("none", "F32", "0,7", "6,6") +
                                   "," + entry("s", "BF16", "", "6,8") + "}   ",
                               std::string("\1\0\xff\xff\5\6\x80\x3f", 8));
  auto original = safetensors_file::from_bytes("f", bytes_of(content));
  const auto b = original.tensor("b");
  const auto file = std::move(original);  // tensors survive the move
  CHECK(b.file == "f");
  CHECK(b.bytes.data() == bytes_of(content).data() + content.size() - 4);
  CHECK(b.to<int>() == std::vector<int>{5, 6});
  CHECK(file.names() == std::vector<std::string>{"a/\xc3\xa9", "b", "none", "s"});
  CHECK(file.to<int>("a/\xc3\xa9") == std::vector<int>{1, -1});
  CHECK(file.tensor("none").count() == 0);
  CHECK(file.tensor("none").shape.size() == 2);
  CHECK(file.tensor("s").scalar<float>() == 1.0f);
  CHECK(file.metadata().at("format") == "pt");
  CHECK(file.contains("s"));
  CHECK(refusal([&] { file.tensor("t"); }) == "f: tensor 't': there is no tensor of this name");
}

TEST_CASE("network/safetensors every element type") {
  const std::pair<const char*, dtype> types[] = {
      {"BOOL", dtype::boolean}, {"I8", dtype::i8},   {"I16", dtype::i16}, {"I32", dtype::i32}, {"I64", dtype::i64},
      {"U8", dtype::u8},        {"U16", dtype::u16}, {"U32", dtype::u32}, {"U64", dtype::u64}, {"F16", dtype::f16},
      {"BF16", dtype::bf16},    {"F32", dtype::f32}, {"F64", dtype::f64}};
  for (const auto& [name, type] : types) {
    const auto size = static_cast<std::size_t>(size_of(type));
    const auto content =
        file_of("{" + entry("t", name, "1", "0," + std::to_string(size)) + "}", std::string(size, '\0'));
    const auto file = safetensors_file::from_bytes("f", bytes_of(content));
    CHECK(file.tensor("t").type == type);
    CHECK(file.tensor("t").scalar<double>() == 0);
  }
}

TEST_CASE("network/safetensors without tensors, and with keys of a later version") {
  CHECK(safetensors_file::from_bytes("f", bytes_of(file_of("{}"))).names().empty());
  const auto content = file_of(
      R"({"a":{"dtype":"U8","new":{"shape":[1,{"dtype":2}],"data_offsets":null},"shape":[4],"x":1.5,"data_offsets":[0,4]}})",
      "abcd");
  CHECK(safetensors_file::from_bytes("f", bytes_of(content)).tensor("a").count() == 4);
}

TEST_CASE("network/safetensors refuses a bad length or header") {
  CHECK(refusal_of("") == "f: the file has 0 bytes, too few for the length of a safetensors header");
  CHECK(refusal_of("1234567") == "f: the file has 7 bytes, too few for the length of a safetensors header");
  CHECK(refusal_of(number<uint64_t>(3) + "{}") == "f: the header should have 3 bytes, but only 2 are left (at byte 0)");
  CHECK(contains(refusal_of(number<uint64_t>(100'000'001) + "{}"), "more than the limit of 100 MB"));
  CHECK(contains(refusal_of(number<uint64_t>(UINT64_MAX) + "{}"), "more than the limit of 100 MB"));
  CHECK(contains(refusal_of(number<uint64_t>(0)), "does not start with a brace (at byte 8)"));
  CHECK(contains(refusal_of(file_of("[]")), "does not start with a brace"));
  CHECK(contains(refusal_of(file_of(" {}")), "does not start with a brace"));
  CHECK(contains(refusal_of(file_of("{\"a\":")), "f: the header is not JSON: "));
  CHECK(contains(refusal_of(file_of("{} x")), "f: the header is not JSON: "));
  CHECK(contains(refusal_of(file_of("{\"\xff\":1}")), "f: the header is not JSON: "));
  CHECK(contains(refusal_of(file_of(std::string("{}\0", 3))), "it has a zero byte (at byte 10)"));
  const std::string good = file_of("{" + entry("a", "U8", "4", "0,4") + "}", "abcd");
  REQUIRE(refusal_of(good).empty());
  for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK_FALSE(refusal_of(good.substr(0, cut)).empty());
}

TEST_CASE("network/safetensors refuses deep nesting without deep recursion") {
  const std::string many(1'000'000, '[');
  CHECK(contains(refusal_of_header("{\"a\":{\"x\":" + many), "nested deeper than 64 levels"));
  CHECK(contains(refusal_of_header("{\"a\":" + many), "must be an object, is an array"));
  CHECK(contains(refusal_of_header("{\"a\":{\"shape\":" + many), "non-negative integers only, has an array"));
}

TEST_CASE("network/safetensors refuses a bad description of a tensor") {
  const auto h = refusal_of_header;
  const auto a = [](const std::string& type, const std::string& shape, const std::string& range) {
    return refusal_of_header("{" + entry("a", type, shape, range) + "}");
  };
  CHECK(a("F7", "4", "0,4") == "f: tensor 'a': its dtype 'F7' is not supported");
  CHECK(a("U8", "-4", "0,4") == "f: tensor 'a': its shape must have non-negative integers only, has a negative number");
  CHECK(contains(a("U8", "4.0", "0,4"), "has a number with a fraction"));
  CHECK(contains(a("U8", "\"4\"", "0,4"), "has a string"));
  CHECK(contains(a("U8", "[4]", "0,4"), "has an array"));
  CHECK(contains(a("U8", "9223372036854775808", "0,4"), "an extent above 2^63 - 1"));
  CHECK(contains(a("U8", "99999999999999999999999", "0,4"), "too many digits"));
  CHECK(contains(a("F32", "4611686018427387904,8", "0,4"), "has more bytes than 2^63 - 1"));
  std::string many = "1";
  for (int i = 0; i < 64; ++i) many += ",1";
  CHECK(contains(a("F32", many, "0,4"), "more than 64 extents"));
  CHECK(contains(a("U8", "4", "0"), "fewer than two numbers"));
  CHECK(contains(a("U8", "4", "0,4,4"), "more than two numbers"));
  CHECK(contains(a("U8", "4", "0,null"), "must be two non-negative integers, have null"));
  CHECK(contains(a("U8", "4", "4,0"), "its data_offsets [4, 0) end before they begin"));
  CHECK(contains(a("U8", "5", "0,5"), "its data_offsets [0, 5) are outside the data of 4 bytes"));
  CHECK(contains(a("U8", "4", "0,18446744073709551615"), "are outside the data"));
  CHECK(contains(a("F32", "3", "0,4"), "its shape (3) of float32 needs 12 bytes, but its data_offsets [0, 4) give 4"));
  CHECK(contains(a("U8", "3", "1,4"), "its data_offsets [1, 4) leave a hole after byte 0"));
  CHECK(contains(a("U8", "3", "0,3"), "f: the tensors have 3 bytes, but the file has data of 4"));
  CHECK(contains(h("{" + entry("a", "U8", "3", "0,3") + "," + entry("b", "U8", "2", "2,4") + "}"),
                 "tensor 'b': its data_offsets [2, 4) overlap another tensor"));
  CHECK(contains(h("{" + entry("a", "U8", "2", "0,2") + "," + entry("a", "U8", "2", "2,4") + "}"),
                 "tensor 'a': its name is there twice"));
  CHECK(contains(h(R"({"a":{"dtype":"U8","shape":[4]}})"), "lacks one of dtype, shape and data_offsets"));
  CHECK(contains(h(R"({"a":{"dtype":"U8","dtype":"U8"}})"), "its dtype is there twice"));
  CHECK(contains(h(R"({"a":{"dtype":1}})"), "its dtype must be a string, is a number"));
  CHECK(contains(h(R"({"a":{"shape":{}}})"), "its shape must be an array, is an object"));
  CHECK(contains(h(R"({"a":true})"), "its description must be an object, is a boolean"));
  CHECK(contains(h(R"({"__metadata__":[]})"), "__metadata__: it must be an object, is an array"));
  CHECK(contains(h(R"({"__metadata__":{"a":1}})"), "__metadata__: the value of 'a' must be a string, is a number"));
  CHECK(contains(h(R"({"__metadata__":{"a":"","a":""}})"), "__metadata__: the key 'a' is there twice"));
  CHECK(contains(h(R"({"__metadata__":{},"__metadata__":{}})"), "__metadata__: it is there twice"));
}

TEST_CASE("network/safetensors_writer what is written reads the same, aligned and sorted") {
  const std::vector<int8_t> bytes{1, 2, 3};
  const std::vector<int64_t> large{INT64_MIN, 7};
  const std::vector<bfloat16> half{{0x3f80}};
  const std::string quote = "a \"quote\" \\ \n";
  safetensors_writer writer;
  writer.add<int8_t>("z", {3}, bytes);
  writer.add<int8_t>("y", {1, 3}, bytes);
  writer.add<bfloat16>(quote, {}, half);
  writer.add<int64_t>("large", {2, 1}, large);
  writer.add<float>("empty", {0}, {});
  writer.add_metadata("format", "tessera");
  const temporary_folder folder;
  writer.save(folder / "f.safetensors");
  const auto file = safetensors_file::open(folder / "f.safetensors");
  CHECK(file.names() == std::vector<std::string>{"large", "empty", quote, "y", "z"});
  CHECK(file.tensor("large").as<int64_t>()[0] == INT64_MIN);  // throws if not aligned
  CHECK(file.tensor("z").to<int8_t>() == bytes);
  CHECK(file.tensor("y").shape.size() == 2);
  CHECK(file.tensor(quote).scalar<int>() == 1);
  CHECK(file.metadata().at("format") == "tessera");
  CHECK(mapped_file(folder / "f.safetensors").bytes().size() == writer.bytes().size());
  CHECK(safetensors_writer().bytes().size() == 16);
}

TEST_CASE("network/safetensors_writer refuses what cannot be written") {
  const std::vector<int8_t> three{1, 2, 3};
  safetensors_writer writer;
  writer.add<int8_t>("a", {3}, three);
  CHECK(refusal([&] { writer.add<int8_t>("a", {3}, three); }) ==
        "safetensors: tensor 'a': its name is taken by an earlier tensor");
  CHECK(contains(refusal([&] { writer.add<int8_t>("b", {4}, three); }), "its shape (4) does not fit its 3 elements"));
  CHECK(contains(refusal([&] { writer.add<int8_t>("__metadata__", {3}, three); }), "this name is reserved"));
  CHECK(contains(refusal([&] { writer.add<int8_t>("\xff", {3}, three); }), "the text is not UTF-8"));
  CHECK(contains(refusal([&] { writer.add_metadata("k", "\xff"); }), "the text is not UTF-8"));
}

TEST_CASE("network/safetensors open says what is wrong with the path") {
  const temporary_folder folder;
  CHECK(contains(refusal([&] { safetensors_file::open(folder / "missing"); }), "missing: cannot be opened"));
  CHECK(contains(refusal([&] { safetensors_file::open(folder / "."); }), "is a directory"));
  CHECK(contains(refusal([&] { safetensors_file::open(folder.write("empty", "")); }), "empty: the file has 0 bytes"));
}
