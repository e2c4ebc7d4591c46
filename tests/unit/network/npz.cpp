// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/npz.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "tessera/network/npz_writer.hpp"
#include "unit/network/file_bytes.hpp"

using namespace tessera;
using namespace tessera::test;

namespace {

std::string header(const std::string& descr, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

std::string npy(std::string text, const std::string& data, char version = 1) {
  text += "   \n";
  const auto size = text.size();
  return std::string("\x93NUMPY") + version + '\0' + (version == 1 ? number<uint16_t>(size) : number<uint32_t>(size)) +
         text + data;
}

/// One entry as the directory describes it; the defaults are true.
struct zip_part {
  std::string name;
  std::string data;  ///< as stored
  uint16_t method = 0;
  uint64_t size = 0;  ///< uncompressed; 0 = that of `data`
  uint16_t flags = 0;
  uint32_t crc_flip = 0;
  std::string extra = {};        ///< of the directory
  std::string local_extra = {};  ///< of the local header
  uint32_t sizes = 0;            ///< in the directory instead of the true sizes
  bool local_sizes = true;       ///< false: a data descriptor follows, as in a stream
  uint32_t offset_shift = 0;     ///< added to the true offset
  std::string inflated = {};     ///< what the CRC is of; empty = `data`
};

std::string zip(const std::vector<zip_part>& parts, const std::string& comment = "", int count_shift = 0) {
  std::string out, directory;
  for (const auto& part : parts) {
    const std::string& content = part.inflated.empty() ? part.data : part.inflated;
    const auto crc = static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
    const std::string stored = number<uint32_t>(part.sizes != 0 ? part.sizes : part.data.size());
    const std::string full =
        number<uint32_t>(part.sizes != 0 ? part.sizes : (part.size != 0 ? part.size : content.size()));
    const std::string start = number<uint16_t>(20) + number<uint16_t>(part.flags) + number<uint16_t>(part.method) +
                              number<uint32_t>(0x210000);
    const auto offset = out.size() + part.offset_shift;
    out += "PK\3\4" + start;
    out += part.local_sizes ? number<uint32_t>(crc) + stored + full : std::string(12, '\0');
    out += number<uint16_t>(part.name.size()) + number<uint16_t>(part.local_extra.size());
    out += part.name + part.local_extra + part.data;
    if (!part.local_sizes) out += "PK\7\10" + number<uint32_t>(crc) + stored + full;
    directory += "PK\1\2" + number<uint16_t>(20) + start + number<uint32_t>(crc ^ part.crc_flip) + stored + full +
                 number<uint16_t>(part.name.size()) + number<uint16_t>(part.extra.size()) + std::string(10, '\0') +
                 number<uint32_t>(offset) + part.name + part.extra;
  }
  const auto count = number<uint16_t>(parts.size() + static_cast<std::size_t>(count_shift));
  return out + directory + "PK\5\6" + number<uint32_t>(0) + count + count + number<uint32_t>(directory.size()) +
         number<uint32_t>(out.size()) + number<uint16_t>(comment.size()) + comment;
}

std::string deflate_raw(const std::string& data) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(data.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

npy_array read_first(const std::string& archive) {
  const auto file = npz_file::from_bytes("f.npz", bytes_of(archive));
  return file.array(file.names().at(0));
}

std::string refusal_of(const std::string& archive) {
  return refusal([&] { read_first(archive); });
}

std::string refusal_of_npy(const std::string& content) { return refusal_of(zip({{.name = "a.npy", .data = content}})); }

}  // namespace

TEST_CASE("network/npz stored and deflated entries, names in file order") {
  const std::string one = npy(header("|i1", "(2, 3)"), std::string("\1\2\3\xfc\5\6"));
  const std::string two = npy(header("<i4", "()"), number<uint32_t>(0xfffffff9));
  const auto archive = zip({{.name = "z.npy", .data = deflate_raw(one), .method = 8, .inflated = one},
                            {.name = "a.npy", .data = two},
                            {.name = "plain", .data = "text"}},
                           "a comment PK\5\6");
  const auto file = npz_file::from_bytes("f.npz", bytes_of(archive));
  CHECK(file.names() == std::vector<std::string>{"z", "a", "plain"});
  CHECK(file.contains("a"));
  CHECK_FALSE(file.contains("a.npy"));
  const auto z = file.array("z");
  CHECK(z.type == dtype::i8);
  CHECK(z.shape == std::vector<index_t>{2, 3});
  CHECK(z.to<int>() == std::vector<int>{1, 2, 3, -4, 5, 6});
  CHECK(z.as<int8_t>()[3] == -4);
  CHECK(file.scalar<int8_t>("a") == -7);
  CHECK(file.array("a").shape.empty());
  CHECK(refusal([&] { file.array("b"); }) == "f.npz: tensor 'b': there is no tensor of this name");
  CHECK(refusal([&] { file.array("plain"); }) == "f.npz: tensor 'plain': it is too short for a .npy header");
}

TEST_CASE("network/npz archive without entries") {
  CHECK(npz_file::from_bytes("f.npz", bytes_of(zip({}))).names().empty());
}

TEST_CASE("network/npz header versions, key order, byte order, element order") {
  const std::string data("\0\1\0\2\0\3\0\4\0\5\0\6", 12);
  for (const char version : {'\1', '\2', '\3'}) {
    CHECK(read_npy("f", bytes_of(npy(header(">i2", "(6,)"), data, version))).to<int>() ==
          std::vector<int>{1, 2, 3, 4, 5, 6});
  }
  CHECK(read_npy("f", bytes_of(npy(header("<i2", "(6,)"), data))).to<int>()[5] == 6 * 256);
  CHECK(read_npy("f", bytes_of(npy("{\"shape\":(2,3),'fortran_order':True,'descr':'>u2'}", data))).to<int>() ==
        std::vector<int>{1, 3, 5, 2, 4, 6});
  // (2, 3, 2) column-major: element (i, j, k) is letter i + 2 j + 6 k.
  const auto cube = read_npy("f", bytes_of(npy(header("|u1", "(2, 3, 2)", "True"), "abcdefghijkl")));
  std::string text;
  for (const uint8_t c : cube.as<uint8_t>()) text += static_cast<char>(c);
  CHECK(text == "agciekbhdjfl");
}

TEST_CASE("network/npz ZIP64 and data descriptors") {
  const std::string one = npy(header("|i1", "(3,)"), "abc");
  const std::string field = number<uint16_t>(1) + number<uint16_t>(16) + number<uint64_t>(one.size());
  const std::string wide = field + number<uint64_t>(one.size());
  CHECK(read_first(zip({{.name = "a.npy", .data = one, .extra = wide, .local_extra = wide, .sizes = 0xffffffff}}))
            .to<int>()[2] == 'c');
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = one, .extra = field, .sizes = 0xffffffff}})),
                 "entry 'a.npy': its ZIP64 sizes are missing"));
  CHECK(read_first(zip({{.name = "a.npy", .data = one, .flags = 8, .local_sizes = false}})).to<int>()[0] == 'a');
}

TEST_CASE("network/npz refuses what is no archive, or a damaged one") {
  const std::string one = npy(header("|i1", "(3,)"), "abc");
  const auto good = zip({{.name = "a.npy", .data = one}});
  REQUIRE(refusal_of(good).empty());
  CHECK(refusal_of("") == "f.npz: the file is empty, not a ZIP archive");
  CHECK(refusal_of("PK") == "f.npz: the file is too short for a ZIP archive");
  CHECK(contains(refusal_of(std::string(100, 'x')), "f.npz: no end of a ZIP archive is found"));
  for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK_FALSE(refusal_of(good.substr(0, cut)).empty());
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = one}}, "", 1)), "claims 2 entries"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = one}, {.name = "b.npy", .data = one}}, "", -1)),
                 "bytes after its last entry"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = one, .offset_shift = 1}})),
                 "f.npz: entry 'a.npy': its local header is not at byte 1"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = one}, {.name = "a.npy", .data = one}})),
                 "entry 'a.npy': its name occurs more than once"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = one}, {.name = "a", .data = one}})),
                 "tensor 'a': two entries of the archive have this name"));
  CHECK(contains(refusal_of(zip({{.name = std::string("a\0b", 3), .data = one}})), "its name has a zero byte"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = one, .sizes = 5000}})), "do not fit before the central"));
  // The second entry inside the first one's data.
  const auto inner = zip({{.name = "b.npy", .data = one}});
  const auto local = inner.substr(0, 30 + 5 + one.size());
  auto nested = zip({{.name = "a.npy", .data = local}, {.name = "b.npy", .data = one, .offset_shift = 0}});
  const auto at = nested.rfind("b.npy") - 4;
  nested.replace(at, 4, number<uint32_t>(30 + 5));
  CHECK(contains(refusal_of(nested), "entry 'b.npy': it overlaps another entry"));
}

TEST_CASE("network/npz refuses an entry that is not what it claims") {
  const std::string one = npy(header("|i1", "(3,)"), "abc");
  CHECK(refusal_of(zip({{.name = "a.npy", .data = one, .crc_flip = 1}})) ==
        "f.npz: tensor 'a': its CRC-32 is wrong, so the data is damaged");
  CHECK(refusal_of(zip({{.name = "a.npy", .data = one, .method = 12}})) ==
        "f.npz: tensor 'a': its compression method 12 is not supported");
  CHECK(refusal_of(zip({{.name = "a.npy", .data = one, .flags = 1}})) == "f.npz: tensor 'a': it is encrypted");
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = one, .size = 9}})), "has two different sizes"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = "\x07\x08 not deflate", .method = 8, .size = 90}})),
                 "tensor 'a': its compressed data is damaged: invalid block type"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = "x", .method = 8, .size = 4000000000}})),
                 "it claims to inflate from 1 bytes to 4000000000, more than deflate can"));
  const auto packed = deflate_raw(one);
  CHECK(contains(refusal_of(zip({{.name = "a.npy",
                                  .data = packed.substr(0, packed.size() - 4),
                                  .method = 8,
                                  .size = one.size(),
                                  .inflated = one}})),
                 "its compressed data is cut short"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = packed + "x", .method = 8, .inflated = one}})),
                 "bytes after its compressed data"));
  CHECK(contains(refusal_of(zip({{.name = "a.npy", .data = deflate_raw(one + "d"), .method = 8, .inflated = one}})),
                 "its compressed data goes on after its end"));
}

TEST_CASE("network/npz refuses a bad .npy header") {
  CHECK(refusal_of_npy("\x93NUMPX 0123456789") == "f.npz: tensor 'a': it is not a .npy: the magic bytes are wrong");
  CHECK(contains(refusal_of_npy(npy(header("|i1", "()"), "a", 4)), "its .npy version 4.0 is not supported"));
  CHECK(contains(refusal_of_npy(npy(header("|i1", "()"), "a").replace(8, 2, "\xff\x7f")),
                 "its header says that it has 32767 bytes, but only"));
  CHECK(contains(refusal_of_npy(npy(header("|i1", "()") + std::string(70000, ' '), "a", 2)),
                 "more than any plain array"));
  const auto h = [](const std::string& text) { return refusal_of_npy(npy(text, "abcdefgh")); };
  CHECK(contains(h(header("|O", "(1,)")), "its element type '|O' is not supported"));
  CHECK(contains(h(header("<c8", "(1,)")), "its element type '<c8' is not supported"));
  CHECK(contains(h(header("|i8", "(1,)")), "its element type '|i8' is not supported"));
  CHECK(contains(h(header("", "(1,)")), "its element type '' is not supported"));
  CHECK(contains(h("{'descr': [('x', '<i4')], 'fortran_order': False, 'shape': (1,)}"), "a structured array"));
  CHECK(contains(h(header("|i1", "(8)")), "its shape is a number, not a tuple"));
  CHECK(contains(h(header("|i1", "(-1,)")), "an extent that is not a number"));
  CHECK(contains(h(header("|i1", "(9223372036854775808,)")), "an extent that is not a number"));
  CHECK(contains(h(header("|i1", "(4611686018427387904, 4)")), "has more bytes than 2^63 - 1"));
  CHECK(contains(h(header("<f8", "(2305843009213693952,)")), "has more bytes than 2^63 - 1"));
  CHECK(contains(h(header("<f8", "(9223372036854775807, 0, 2)")), "has more bytes than 2^63 - 1"));
  CHECK(contains(h(header("<f4", "(1000000, 1000)")),
                 "its shape (1000000, 1000) of float32 needs 4000000000 bytes, but it has 8"));
  CHECK(contains(h(header("<f4", "(3,)")), "needs 12 bytes, but it has 8"));
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1,";
  CHECK(contains(h(header("|i1", many + ")")), "its shape has more than 64 extents"));
  CHECK(contains(h(header("|i1", "(1 2)")), "no comma between two extents"));
  CHECK(contains(h(header("|i1", "(1,)", "Maybe")), "neither True nor False"));
  CHECK(contains(h("{'descr': '|i1', 'shape': (8,)}"), "lacks one of the keys"));
  CHECK(contains(h("{'descr': '|i1', 'descr': '|i1'}"), "unexpected or repeated key 'descr'"));
  CHECK(contains(h("{'descr': '|i1"), "a string without an end"));
  CHECK(contains(h(header("|i1", "(8,)") + "x"), "goes on after the closing brace"));
  CHECK(contains(h("[1]"), "should have a '{' at position 0"));
  CHECK(contains(h(""), "should have a '{'"));
}

TEST_CASE("network/npz_writer what is written reads the same") {
  for (const auto compression : {npz_compression::stored, npz_compression::deflated}) {
    npz_writer writer(compression);
    std::vector<int32_t> large(100'000);
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<int32_t>(i * i);
    const bool flags[] = {true, false};
    writer.add<int32_t>("large", {1000, 100}, large);
    writer.add<double>("vector", {2}, std::vector<double>{0.1, -INFINITY});
    writer.add<float16>("half", {1, 1}, std::vector<float16>{{0x3c00}});
    writer.add<bool>("flags", {2}, flags);
    writer.add<uint8_t>("empty", {0, 5}, {});
    writer.add_scalar<int64_t>("\xc3\xa9/scalar", -9);
    const temporary_folder folder;
    writer.save(folder / "f.npz");
    const auto file = npz_file::open(folder / "f.npz");
    CHECK(file.names() == std::vector<std::string>{"large", "vector", "half", "flags", "empty", "\xc3\xa9/scalar"});
    CHECK(file.to<int32_t>("large") == large);
    CHECK(file.array("large").shape == std::vector<index_t>{1000, 100});
    CHECK(file.to<double>("vector") == std::vector<double>{0.1, -INFINITY});
    CHECK(file.to<float>("half") == std::vector<float>{1});
    CHECK(file.array("flags").as<bool>()[0]);
    CHECK(file.array("empty").shape == std::vector<index_t>{0, 5});
    CHECK(file.scalar<int>("\xc3\xa9/scalar") == -9);
    CHECK(writer.bytes() == writer.bytes());
  }
}

TEST_CASE("network/npz_writer more entries than ZIP can count without ZIP64") {
  npz_writer writer(npz_compression::stored);
  for (int i = 0; i < 66'000; ++i) writer.add_scalar<int32_t>(std::to_string(i), i);
  const auto bytes = writer.bytes();
  const auto file = npz_file::from_bytes("f.npz", bytes);
  REQUIRE(file.names().size() == 66'000);
  CHECK(file.scalar<int>("65999") == 65'999);
}

TEST_CASE("network/npz_writer refuses what cannot be written") {
  npz_writer writer;
  writer.add_scalar<int8_t>("a", 1);
  const std::vector<int8_t> three{1, 2, 3};
  CHECK(refusal([&] { writer.add_scalar<int8_t>("a", 1); }) ==
        "npz: tensor 'a': its name is taken by an earlier tensor");
  CHECK(contains(refusal([&] { writer.add<int8_t>("b", {2}, three); }), "its shape (2) does not fit its 3 elements"));
  CHECK(contains(refusal([&] { writer.add<int8_t>("b", {-3}, three); }), "does not fit"));
  CHECK(contains(refusal([&] { writer.add<int8_t>(std::string(70'000, 'x'), {3}, three); }), "its name is too long"));
  const temporary_folder folder;
  CHECK(contains(refusal([&] { writer.save(folder / "no" / "f.npz"); }), "f.npz: cannot be created"));
}

TEST_CASE("network/npz open says what is wrong with the path") {
  const temporary_folder folder;
  CHECK(contains(refusal([&] { npz_file::open(folder / "missing.npz"); }), "missing.npz: cannot be opened"));
  CHECK(contains(refusal([&] { npz_file::open(folder / "."); }), "is a directory"));
  CHECK(contains(refusal([&] { npz_file::open(folder.write("empty.npz", "")); }), "empty.npz: the file is empty"));
  const auto path = folder.write("a.npy", npy(header("|i1", "(3,)"), "abc"));
  CHECK(load_npy(path).to<int>()[0] == 'a');
  CHECK(contains(refusal([&] { load_npy(folder.write("b.npy", "x")); }), "b.npy: it is too short for a .npy header"));
}

TEST_CASE("network/npz golden archives, when TESSERA_GOLDEN_DIR names their folder") {
  const char* const folder = std::getenv("TESSERA_GOLDEN_DIR");
  if (folder == nullptr) return;
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".npz") continue;
    ++files;
    const auto file = npz_file::open(entry.path());
    npz_writer writer;
    for (const auto& name : file.names()) writer.add(file.array(name).ref());
    const auto bytes = writer.bytes();
    const auto again = npz_file::from_bytes("again", bytes);
    REQUIRE(again.names() == file.names());
    for (const auto& name : file.names()) {
      const auto a = file.array(name), b = again.array(name);
      REQUIRE((a.type == b.type && a.shape == b.shape && a.bytes == b.bytes));
    }
  }
  CHECK(files > 0);
}
