// SPDX-License-Identifier: Apache-2.0
#include "tessera/network/mapped_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "tessera/network/output_file.hpp"
#include "unit/network/file_bytes.hpp"

using namespace tessera;
using namespace tessera::test;

TEST_CASE("network/mapped_file gives the bytes and keeps their address when moved") {
  const temporary_folder folder;
  mapped_file file(folder.write("data", "abc"));
  CHECK(file.name() == (folder / "data").string());
  REQUIRE(file.bytes().size() == 3);
  CHECK(file.bytes()[2] == std::byte{'c'});
  const auto* const address = file.bytes().data();
  mapped_file moved(std::move(file));
  CHECK(moved.bytes().data() == address);
  mapped_file assigned;
  assigned = std::move(moved);
  CHECK(assigned.bytes().data() == address);
  CHECK(mapped_file(folder.write("empty", "")).bytes().empty());
}

TEST_CASE("network/mapped_file says what is wrong with the path") {
  const temporary_folder folder;
  const auto message = [&](const char* name) { return refusal([&] { mapped_file file(folder / name); }); };
  CHECK(message("missing") == (folder / "missing").string() + ": cannot be opened: No such file or directory");
  CHECK(message(".") == (folder / ".").string() + ": is a directory, not a file");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(contains(message("pipe"), "pipe: is not a regular file"));
  if (::geteuid() != 0) {  // root may read everything
    const auto path = folder.write("secret", "x");
    REQUIRE(::chmod(path.c_str(), 0) == 0);
    CHECK(contains(message("secret"), "secret: cannot be opened: Permission denied"));
  }
}

TEST_CASE("network/write_file replaces a file whole, or leaves it") {
  const temporary_folder folder;
  const auto path = folder.write("data", "old");
  const std::array parts{bytes_of("ne"), bytes_of(""), bytes_of("w!")};
  write_file(path, parts);
  CHECK(mapped_file(path).bytes().size() == 4);
  CHECK(contains(refusal([&] { write_file(folder / "no" / "data", parts); }), "data: cannot be created: No such file"));
  std::filesystem::create_directory(folder / "full");
  folder.write("full/file", "x");
  CHECK(contains(refusal([&] { write_file(folder / "full", parts); }), "full: cannot be replaced"));
  std::size_t left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path.parent_path())) left += entry.exists() ? 1 : 0;
  CHECK(left == 2);  // no temporary file
}

TEST_CASE("network/data_error prints untrusted names safely") {
  const data_error error("f", "tensor " + tessera::quoted(std::string("a\n\x1b'") + std::string(200, 'x')), "it is bad",
                         7);
  CHECK(std::string(error.what()).starts_with("f: tensor 'a\\x0a\\x1b'xxx"));
  CHECK(std::string(error.what()).ends_with("xxx...': it is bad (at byte 7)"));
  CHECK(error.file() == "f");
  CHECK(error.reason() == "it is bad");
  CHECK(error.offset() == 7);
}
