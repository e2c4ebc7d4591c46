// SPDX-License-Identifier: Apache-2.0
// The ELF reader: what a valid file says, each reason to refuse one, and damage of every kind. Files are copied into
// memory of exactly their size, so that the address sanitizer sees any byte read outside.
#include "tessera/sim/elf.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "support/elf_builder.hpp"
#include "support/random.hpp"

using namespace tessera::sim;
using tessera::support::elf_builder;
using tessera::support::file_bytes;
using tessera::support::get;
using tessera::support::put;

namespace {

std::string text(elf_text t) { return {t.data, t.size}; }

/// A program as the linker script makes them: code and constants in L2, variables in L1 that are not loaded.
elf_builder program() {
  elf_builder b;
  b.add_segment(0x80000000, "\x13" + std::string(63, '\0'), 64, 5);
  b.add_segment(0x80001000, "data", 16, 6);
  b.add_segment(0x00000400, "", 256, 6);
  b.symbols = {
      {"", 0x80000000, 0, 3, 0},  // a section
      {"file.c", 0, 0, 4, 0, 0xfff1},      {"$x", 0x80000000, 0, 0, 0},
      {".L2", 0x80000034, 0, 0, 0},        {"counter", 0x404, 4, 1, 0},
      {"helper", 0x80000030, 8, 2, 0},     {"counter", 0x408, 4, 1, 1},
      {"text_start", 0x80000000, 0, 0, 1}, {"_start", 0x80000000, 0, 2, 1},
      {"main", 0x80000010, 32, 2, 1},      {"loop", 0x80000018, 0, 0, 1},
      {"weak_main", 0x80000010, 32, 2, 2}, {"stack_size", 0x80000014, 0, 0, 1, 0xfff1},
      {"missing", 0, 0, 0, 1, 0},          {".Lglobal", 0x8000003c, 0, 0, 1},
      {"tail", 0x80000038, 0, 0, 1},       {"table", 0x80001000, 4, 1, 1},
  };
  b.sections = {{".text", "code"}, {".tessera.config", std::string("minpool\0rest", 12)}, {".bss", "", 8}};
  return b;
}

/// A file in memory of exactly its size, parsed.
struct parsed {
  explicit parsed(const file_bytes& file) : size(file.size()), bytes(new std::uint8_t[size]) {
    std::copy(file.begin(), file.end(), bytes.get());
    error = elf_file::parse(bytes.get(), size, elf);
  }
  std::size_t size;
  std::unique_ptr<std::uint8_t[]> bytes;
  elf_file elf;
  elf_error error;
};

void check_refused(const file_bytes& file, elf_reason reason, std::uint32_t offset, int segment = -1) {
  const parsed p(file);
  CAPTURE(to_string(reason));
  CHECK(std::string_view(to_string(p.error.reason)) == to_string(reason));
  CHECK(p.error.offset == offset);
  CHECK(p.error.segment == segment);
  CHECK(p.elf.segment_count() == 0);
  CHECK(p.elf.symbol_count() == 0);
}

/// `file` with one field changed.
file_bytes with(file_bytes file, std::size_t at, std::uint32_t value, int size = 4) {
  put(file, at, value, size);
  return file;
}

/// Calls every accessor and reads all that it returns.
std::uint32_t visit(const elf_file& elf) {
  std::uint32_t sum = elf.entry();
  const auto add = [&sum](elf_text t) {
    for (const char c : std::string_view(t.data, t.size)) sum = sum * 31 + static_cast<unsigned char>(c);
  };
  for (int i = -1; i <= elf.segment_count(); ++i) {
    const elf_segment s = elf.segment(i);
    for (std::uint32_t b = 0; b < s.file_size; ++b) sum += s.bytes[b];
    for (const std::uint32_t pc : {s.address, s.address + s.memory_size / 2, s.address + s.memory_size}) {
      add(elf.symbol_at(pc).name);
    }
  }
  for (const char* name : {".text", ".tessera.config", ".bss", ".symtab", ""}) {
    const elf_bytes bytes = elf.section(name);
    for (std::size_t b = 0; b < bytes.size; ++b) sum += bytes.data[b];
    add(elf.section_text(name));
  }
  const std::uint32_t count = elf.symbol_count();
  for (std::uint32_t i = 0; i <= std::min(count, 100u); ++i) {
    const elf_symbol s = elf.symbol(i);
    add(s.name);
    if (s) CHECK(elf.find_symbol(s.name).name == s.name);
  }
  for (const char* name : {"main", "counter", "nobody", ""}) sum += elf.find_symbol(name).address;
  return sum;
}

}  // namespace

TEST_CASE("elf: segments") {
  const parsed p(program().bytes());
  REQUIRE_FALSE(p.error);
  CHECK(p.elf.entry() == 0x80000000);
  REQUIRE(p.elf.segment_count() == 3);
  const elf_segment code = p.elf.segment(0);
  CHECK(code.address == 0x80000000);
  CHECK(code.load_address == 0x80000000);
  CHECK(code.file_size == 64);
  CHECK(code.memory_size == 64);
  CHECK(code.bytes[0] == 0x13);
  CHECK((code.readable && !code.writable && code.executable));
  const elf_segment data = p.elf.segment(1);
  CHECK(std::memcmp(data.bytes, "data", 4) == 0);
  CHECK(data.memory_size == 16);
  CHECK((data.readable && data.writable && !data.executable));
  const elf_segment bss = p.elf.segment(2);
  CHECK(bss.bytes == nullptr);
  CHECK(bss.file_size == 0);
  CHECK((bss.contains(0x400) && bss.contains(0x4ff) && !bss.contains(0x500) && !bss.contains(0x3ff)));
  CHECK(p.elf.segment(3).memory_size == 0);
  CHECK(p.elf.segment(-1).memory_size == 0);
}

TEST_CASE("elf: headers that load nothing are not segments") {
  elf_builder b = program();
  b.segments.insert(b.segments.begin(), {0, "", 0, 4, 0, 0x70000003});            // attributes
  b.segments.insert(b.segments.begin() + 2, {0x80000000, "", 0, 4, 0x80000000});  // empty
  const parsed p(b.bytes());
  REQUIRE_FALSE(p.error);
  CHECK(p.elf.segment_count() == 3);
  CHECK(p.elf.segment(1).address == 0x80001000);
}

TEST_CASE("elf: data that the start-up code copies has two addresses") {
  elf_builder b = program();
  b.segments[2].content = "copied";
  b.segments[2].load_address = 0x80002000;
  const parsed p(b.bytes());
  REQUIRE_FALSE(p.error);
  CHECK(p.elf.segment(2).address == 0x400);
  CHECK(p.elf.segment(2).load_address == 0x80002000);
}

TEST_CASE("elf: sections by name") {
  const parsed p(program().bytes());
  REQUIRE_FALSE(p.error);
  const elf_bytes section = p.elf.section(".text");
  REQUIRE(section.size == 4);
  CHECK(std::memcmp(section.data, "code", 4) == 0);
  CHECK(text(p.elf.section_text(".tessera.config")) == "minpool");
  CHECK(text(p.elf.section_text(".text")) == "code");  // no NUL
  CHECK(p.elf.section(".bss").data == nullptr);
  CHECK(p.elf.section(".data").data == nullptr);
  CHECK(p.elf.section(".tex").data == nullptr);
  CHECK(p.elf.section(".text.").data == nullptr);
  CHECK(p.elf.section_text(".data").size == 0);
}

TEST_CASE("elf: symbols by name") {
  const parsed p(program().bytes());
  REQUIRE_FALSE(p.error);
  const elf_symbol main = p.elf.find_symbol("main");
  REQUIRE(main);
  CHECK(text(main.name) == "main");
  CHECK(main.address == 0x80000010);
  CHECK(main.size == 32);
  CHECK(main.function);
  CHECK(p.elf.find_symbol("counter").address == 0x408);  // the global one
  CHECK(p.elf.find_symbol("helper").address == 0x80000030);
  CHECK(p.elf.find_symbol("stack_size").address == 0x80000014);
  CHECK_FALSE(p.elf.find_symbol("table").function);
  CHECK_FALSE(p.elf.find_symbol("missing"));  // undefined
  CHECK_FALSE(p.elf.find_symbol("file.c"));
  CHECK_FALSE(p.elf.find_symbol("mai"));
  CHECK_FALSE(p.elf.find_symbol("main2"));
  CHECK_FALSE(p.elf.find_symbol(""));
  CHECK(p.elf.symbol_count() == 18);
  CHECK(text(p.elf.symbol(10).name) == "main");
  CHECK_FALSE(p.elf.symbol(1));
  CHECK_FALSE(p.elf.symbol(18));
}

TEST_CASE("elf: symbols by address") {
  const parsed p(program().bytes());
  REQUIRE_FALSE(p.error);
  const auto at = [&p](std::uint32_t pc) { return text(p.elf.symbol_at(pc).name); };
  CHECK(at(0x80000000) == "_start");  // a function before a label
  CHECK(at(0x8000000c) == "_start");
  CHECK(at(0x80000010) == "main");
  CHECK(at(0x80000018) == "main");  // not the label in it, nor a number of the same value
  CHECK(at(0x8000002c) == "main");
  CHECK(at(0x80000034) == "helper");  // not .L2
  CHECK(at(0x80000038) == "tail");
  CHECK(at(0x8000003c) == "tail");
  CHECK(at(0x80000040) == "");  // after the segment
  CHECK(at(0x7fffffff) == "");
  CHECK(at(0x80001000) == "");  // data
  CHECK(at(0x00000408) == "");
  CHECK(p.elf.symbol_at(0x8000002c).address == 0x80000010);

  elf_builder b = program();
  b.symbols = {{"label", 0x80000000}, {"main", 0x80000010, 32, 2}};
  const parsed gap(b.bytes());
  CHECK(text(gap.elf.symbol_at(0x8000000c).name) == "label");
  CHECK_FALSE(gap.elf.symbol_at(0x80000030));  // after main's end, and surely not in label
}

TEST_CASE("elf: memory") {
  elf_builder b = program();
  const elf_memory memories[] = {{0, 0x4000}, {0x80000000, 0x2000}};
  CHECK_FALSE(parsed(b.bytes()).elf.check_memory(memories, 2));

  const auto refused = [&](int segment, std::uint32_t offset) {
    const elf_error error = parsed(b.bytes()).elf.check_memory(memories, 2);
    CHECK(error.reason == elf_reason::segment_outside_memory);
    CHECK(error.segment == segment);
    CHECK(error.offset == offset);
  };
  const auto header = [](std::size_t i) { return static_cast<std::uint32_t>(elf_builder::segment_at(i)); };
  b.segments[1].address = b.segments[1].load_address = 0x80001ff0;
  CHECK_FALSE(parsed(b.bytes()).elf.check_memory(memories, 2));
  b.segments[1].address = 0x80001ff1;  // sticks out
  refused(1, header(1) + 8);
  b.segments[2].address = 0x4000;
  refused(1, header(1) + 8);  // the first one
  b.segments[1].address = 0x80001000;
  refused(2, header(2) + 8);
  b.segments[2].address = 0x400;
  b.segments[1].load_address = 0x7ffffffc;
  refused(1, header(1) + 12);
  b.segments[1].load_address = 0xfffffff0;
  refused(1, header(1) + 12);
  b.segments[2].load_address = 0xfffffff0;  // nothing is loaded there
  b.segments[1].load_address = 0x80001000;
  CHECK_FALSE(parsed(b.bytes()).elf.check_memory(memories, 2));
  CHECK(parsed(b.bytes()).elf.check_memory(memories, 0).segment == 0);
  CHECK_FALSE(elf_file().check_memory(memories, 2));
}

TEST_CASE("elf: each reason to refuse a file") {
  const elf_builder b = program();
  const file_bytes good = b.bytes();
  const auto field = [](std::size_t i, std::uint32_t offset) {
    return static_cast<std::uint32_t>(elf_builder::segment_at(i)) + offset;
  };
  check_refused({}, elf_reason::not_elf, 0);
  check_refused({'#', '!', '/', 'b'}, elf_reason::not_elf, 0);
  check_refused(with(good, 3, 'G', 1), elf_reason::not_elf, 3);
  check_refused({good.begin(), good.begin() + 51}, elf_reason::header_cut_short, 51);
  check_refused(with(good, 4, 2, 1), elf_reason::is_64_bit, 4);
  check_refused(with(good, 4, 3, 1), elf_reason::bad_identification, 4);
  check_refused(with(good, 5, 2, 1), elf_reason::is_big_endian, 5);
  check_refused(with(good, 5, 0, 1), elf_reason::bad_identification, 5);
  check_refused(with(good, 6, 2, 1), elf_reason::bad_identification, 6);
  check_refused(with(good, 18, 40, 2), elf_reason::not_riscv, 18);
  check_refused(with(good, 16, 1, 2), elf_reason::relocatable_object, 16);
  check_refused(with(good, 16, 3, 2), elf_reason::position_independent, 16);
  check_refused(with(good, 16, 4, 2), elf_reason::not_executable, 16);
  check_refused(with(good, 36, 1), elf_reason::compressed, 36);
  check_refused(with(good, 36, 2), elf_reason::float_abi, 36);
  check_refused(with(good, 36, 4), elf_reason::float_abi, 36);
  check_refused(with(good, 36, 8), elf_reason::embedded_abi, 36);
  CHECK_FALSE(parsed(with(good, 36, 0x01000000)).error);  // bits for vendors

  check_refused(with(good, 42, 56, 2), elf_reason::bad_program_header_size, 42);
  check_refused(with(good, 44, 65, 2), elf_reason::too_many_program_headers, 44);
  check_refused(with(good, 44, 0xffff, 2), elf_reason::too_many_program_headers, 44);
  const auto size = static_cast<std::uint32_t>(good.size());
  for (const std::uint32_t at : {size - 95, size, 0xffffffffu, 0xffffffa0u}) {
    check_refused(with(good, 28, at), elf_reason::program_headers_outside_file, 28);
  }
  check_refused(with(good, 44, 0, 2), elf_reason::no_segment, 44);
  elf_builder empty = b;
  for (auto& s : empty.segments) s.type = 4;
  check_refused(empty.bytes(), elf_reason::no_segment, 44);
  elf_builder dynamic = b;
  dynamic.segments[0].type = 3;
  check_refused(dynamic.bytes(), elf_reason::dynamically_linked, field(0, 0));

  check_refused(with(good, field(1, 20), 3), elf_reason::memory_smaller_than_file, field(1, 20), 1);
  check_refused(with(good, field(1, 20), 0), elf_reason::memory_smaller_than_file, field(1, 20), 1);
  for (const std::uint32_t at : {size - 3, size, 0xfffffffeu}) {
    check_refused(with(good, field(1, 4), at), elf_reason::segment_outside_file, field(1, 4), 1);
  }
  CHECK_FALSE(parsed(with(good, field(1, 4), size - 4)).error);
  CHECK_FALSE(parsed(with(good, field(2, 4), 0xffffffff)).error);  // of nothing
  check_refused(with(with(good, field(1, 16), 0xffffffff), field(1, 20), 0xffffffff), elf_reason::segment_outside_file,
                field(1, 4), 1);
  check_refused(with(good, field(1, 8), 0xfffffff1), elf_reason::segment_wraps, field(1, 8), 1);
  CHECK_FALSE(parsed(with(good, field(1, 8), 0xfffffff0)).error);  // up to the last byte
  check_refused(with(good, field(2, 20), 0xfffffc01), elf_reason::segment_wraps, field(2, 8), 2);
  check_refused(with(good, field(1, 12), 0xfffffffd), elf_reason::segment_wraps, field(1, 12), 1);

  check_refused(with(good, field(1, 8), 0x8000003f), elf_reason::segments_overlap, field(1, 8), 1);
  check_refused(with(good, field(1, 8), 0x7ffffff1), elf_reason::segments_overlap, field(1, 8), 1);
  CHECK_FALSE(parsed(with(good, field(1, 8), 0x80000040)).error);
  CHECK_FALSE(parsed(with(good, field(1, 8), 0x7ffffff0)).error);
  check_refused(with(good, field(2, 20), 0xfffffc00), elf_reason::segments_overlap, field(2, 8), 2);
  check_refused(with(good, field(1, 12), 0x8000003c), elf_reason::segments_overlap, field(1, 12), 1);
  CHECK_FALSE(parsed(with(good, field(2, 12), 0x80000000)).error);  // nothing is loaded there

  check_refused(with(good, 24, 0x80000002), elf_reason::entry_misaligned, 24);
  check_refused(with(good, 24, 0x80000040), elf_reason::entry_not_executable, 24);
  check_refused(with(good, 24, 0x80001000), elf_reason::entry_not_executable, 24);
  check_refused(with(good, 24, 0), elf_reason::entry_not_executable, 24);
}

TEST_CASE("elf: each reason is a sentence of its own") {
  std::vector<std::string_view> sentences;
  for (int i = 0; i <= static_cast<int>(elf_reason::segment_outside_memory); ++i) {
    sentences.emplace_back(to_string(static_cast<elf_reason>(i)));
  }
  sentences.emplace_back(to_string(static_cast<elf_reason>(255)));
  std::sort(sentences.begin(), sentences.end());
  CHECK(std::adjacent_find(sentences.begin(), sentences.end()) == sentences.end());
  CHECK(std::all_of(sentences.begin(), sentences.end(), [](auto s) { return !s.empty(); }));
}

TEST_CASE("elf: without intact sections a program counts as stripped, and runs") {
  elf_builder b = program();
  const file_bytes good = b.bytes();
  const auto symtab = [&](std::uint32_t offset) { return elf_builder::section_at(good, b.symtab()) + offset; };
  const auto strtab = [&](std::uint32_t offset) { return elf_builder::section_at(good, b.strtab()) + offset; };
  const auto shstrtab = [&](std::uint32_t offset) { return elf_builder::section_at(good, b.shstrtab()) + offset; };

  const auto stripped = [](const file_bytes& file, bool symbols_too = true) {
    const parsed p(file);
    CHECK_FALSE(p.error);
    CHECK(p.elf.segment_count() == 3);
    if (symbols_too) CHECK_FALSE(p.elf.find_symbol("main"));
    if (symbols_too) CHECK_FALSE(p.elf.symbol_at(0x80000010));
    visit(p.elf);
    return p.elf.section(".text").data == nullptr;
  };
  CHECK_FALSE(parsed(good).elf.section(".text").data == nullptr);
  CHECK(stripped(with(good, 46, 64, 2)));             // size of section headers
  CHECK(stripped(with(good, 48, 0xffff, 2)));         // more than fit
  CHECK(stripped(with(good, 48, 0, 2)));              // none
  CHECK(stripped(with(good, 32, 0xfffffff0)));        // outside
  CHECK(stripped(with(good, 50, 0xffff, 2), false));  // no table of names
  CHECK(stripped(with(good, 50, 1, 2), false));       // another kind of section
  CHECK(stripped(with(good, shstrtab(16), 0xffffffff), false));
  CHECK(stripped(with(good, shstrtab(20), 1), false));  // shorter than the names
  CHECK_FALSE(stripped(with(good, symtab(4), 1)));      // no symbol table
  CHECK_FALSE(stripped(with(good, symtab(36), 24)));    // size of symbols
  CHECK_FALSE(stripped(with(good, symtab(24), 77)));    // its names are in no section
  CHECK_FALSE(stripped(with(good, symtab(24), 1)));     // ... in no table of names
  CHECK_FALSE(stripped(with(good, symtab(16), 0xffffff00)));
  CHECK_FALSE(stripped(with(good, symtab(20), 0xfffffff0)));
  CHECK_FALSE(stripped(with(good, symtab(20), 15)));  // not even one
  CHECK_FALSE(stripped(with(good, strtab(20), 5)));   // shorter than the names
  CHECK_FALSE(stripped(with(good, strtab(20), 0)));
  b.stripped = true;
  CHECK(stripped(b.bytes()));

  // The last name has lost its NUL: it ends with its table.
  const std::uint32_t length = get(good, strtab(20), 4);
  const parsed cut(with(good, strtab(20), length - 1));
  CHECK(text(cut.elf.find_symbol("table").name) == "table");
  const parsed shorter(with(good, strtab(20), length - 2));
  CHECK(text(shorter.elf.find_symbol("tabl").name) == "tabl");
  CHECK_FALSE(shorter.elf.find_symbol("table"));
}

TEST_CASE("elf: a file cut short anywhere is refused or runs, and is never read outside") {
  const elf_builder b = program();
  const file_bytes good = b.bytes();
  const std::size_t loaded = elf_builder::segment_at(3) + 64 + 4;
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    const parsed p({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
    CHECK(static_cast<bool>(p.error) == (size < loaded));
    CHECK_FALSE(p.elf.find_symbol("main"));  // the section headers are last
    visit(p.elf);
  }
}

TEST_CASE("elf: damage at random") {
  tessera::support::random_values random("elf");
  INFO(tessera::support::seed_text());
  const file_bytes good = program().bytes();
  constexpr std::uint32_t odd[] = {0, 1, 2, 3, 8, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, ~0u};
  std::uint32_t sum = 0;
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    file_bytes file = good;
    for (auto changes = random.between(1, 6); changes > 0; --changes) {
      const int width = 1 << random.below(3);
      const auto at = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(file.size()) - 3));
      put(file, at, random.one_in(2) ? odd[random.below(std::ssize(odd))] : static_cast<std::uint32_t>(random.bits()),
          width);
    }
    const parsed p(file);
    accepted += !p.error;
    sum += visit(p.elf);
    const elf_memory all = {0, ~0u};
    (void)p.elf.check_memory(&all, 1);
  }
  CAPTURE(sum);
  CHECK(accepted > 1000);  // else nothing behind parse was tried
  CHECK(accepted < 19000);
}
