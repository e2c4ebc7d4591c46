// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/tsv.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "tessera/network/ibert_config.hpp"

using namespace tessera;

namespace {

const std::vector<std::string> labels = {"no", "yes"};

std::string error(std::string_view text, std::span<const std::string> names = {}) {
  try {
    (void)parse_tsv(text, "d.tsv", names);
  } catch (const data_error& e) {
    return e.what();
  }
  return "no error";
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("network/tsv rows") {
  const auto rows =
      parse_tsv("label_id\tlabel\tid\ttext\n1\tyes\tx\tHello \"there\"\n0\tno\t\t a  b \n", "d.tsv", labels);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].text == "Hello \"there\"");
  CHECK(rows[0].label_id == 1);
  CHECK(rows[1].text == " a  b ");
  CHECK(rows[1].label_id == 0);
}

TEST_CASE("network/tsv byte order mark, CRLF, last line, blank lines") {
  const auto rows = parse_tsv("\xEF\xBB\xBFtext\tlabel\r\na\tyes\r\nb\r!\tno\r\n\r\n\n", "d.tsv", labels);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].label_id == 1);
  CHECK(rows[1].text == "b\r!");
  CHECK(rows[1].label_id == 0);
  CHECK(parse_tsv("text\tlabel_id\nx\t1", "d.tsv").at(0).label_id == 1);
  const auto single = parse_tsv("text\na\n\n", "d.tsv");
  REQUIRE(single.size() == 2);
  CHECK(single[1].text.empty());
  CHECK_FALSE(single[0].label_id);
  CHECK(parse_tsv("text\n", "d.tsv").empty());
  CHECK(parse_tsv("text\tx", "d.tsv").empty());
  CHECK_FALSE(parse_tsv("text\tlabel\na\tanything\n", "d.tsv").at(0).label_id);
  CHECK(parse_tsv("label_id\ttext\n7\t", "d.tsv").at(0).text.empty());
}

TEST_CASE("network/tsv errors name the line") {
  CHECK(error("") == "d.tsv: is empty");
  CHECK(error("\xEF\xBB\xBF\r\n") == "d.tsv: is empty");
  CHECK(contains(error("label\tsentence\nyes\ta\n"), "d.tsv: line 1: must name the columns, and one of them 'text'"));
  CHECK(error("text\ttext\na\tb\n") == "d.tsv: line 1: names the column 'text' twice");
  CHECK(error("text\tlabel_id\na\t1\nb\n") == "d.tsv: line 3: has 1 fields, the first line names 2 columns");
  CHECK(error("text\tlabel_id\na\t1\n\nb\t1\n") == "d.tsv: line 3: has 1 fields, the first line names 2 columns");
  CHECK(error("text\tlabel_id\na\tb\t1\n") == "d.tsv: line 2: has 3 fields, the first line names 2 columns");
  for (const char* bad : {"", "x", "1x", " 1", "+1", "1.0", "0x1", "99999999999999999999x"})
    CHECK(
        contains(error(std::string("text\tlabel_id\na\t") + bad + "\n"), "d.tsv: line 2: label_id must be an integer"));
  for (const char* bad : {"-1", "2147483648", "99999999999999999999"})
    CHECK(contains(error(std::string("text\tlabel_id\na\t") + bad + "\n"), "d.tsv: line 2: label_id must lie in 0.."));
  CHECK(error("text\tlabel_id\na\t2\n", labels) == "d.tsv: line 2: label_id must lie in 0..1, is '2'");
  CHECK(error("text\tlabel\na\tno\nb\tNo\n", labels) == "d.tsv: line 3: the label 'No' is not one of the model's");
  CHECK(error("text\tlabel\tlabel_id\na\tno\t1\n", labels) ==
        "d.tsv: line 2: label_id is 1, but the model's id of 'no' is 0");
  CHECK_THROWS_WITH_AS((void)read_tsv("no/such/file"), "no/such/file: no such file", data_error);
}

TEST_CASE("network/tsv of a published network") {
  const char* networks = std::getenv("TESSERA_NETWORK_DIR");
  if (networks == nullptr) return;
  const auto folder = std::filesystem::path(networks) / "wordnet-ibert-a";
  const auto names = read_ibert_config(folder / "config.json").labels;
  const auto rows = read_tsv(folder / "test.tsv", names);
  CHECK(rows.size() == 1000);
  CHECK(rows[0].text == "primitive dinosaur found in Brazil");
  CHECK(rows[0].label_id == 4);
}
