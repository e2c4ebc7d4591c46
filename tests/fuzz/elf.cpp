// SPDX-License-Identifier: Apache-2.0
// Reads any bytes as a program, and all that is behind what was accepted.
#include "tessera/sim/elf.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

using namespace tessera::sim;

namespace {

volatile std::uint8_t sink;  // so that reads happen

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

void read(const std::uint8_t* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) sink = data[i];
}
void read(elf_text text) { read(reinterpret_cast<const std::uint8_t*>(text.data), text.size); }

void look_at_segments(const elf_file& elf, std::size_t size) {
  bool has_entry = false;
  for (int i = 0; i < elf.segment_count(); ++i) {
    const elf_segment s = elf.segment(i);
    require(s.memory_size >= s.file_size && s.file_size <= size, "the size of a segment is wrong");
    require(s.memory_size - 1 <= ~s.address, "a segment wraps");
    has_entry = has_entry || (s.executable && s.contains(elf.entry()));
    read(s.bytes, s.file_size);
    const std::uint32_t last = s.address + (s.memory_size - 1);
    for (const std::uint32_t pc : {s.address, s.address + s.memory_size / 2, last, last + 1}) {
      const elf_symbol symbol = elf.symbol_at(pc);
      require(!symbol || (symbol.address <= pc && symbol.name.size != 0), "a symbol after its address");
      read(symbol.name);
    }
  }
  require(has_entry, "the entry point is in no segment");
}

void look_at_memory(const elf_file& elf) {
  const elf_memory memories[] = {{0, 0x00400000}, {0x80000000, 0x01000000}};
  const elf_error error = elf.check_memory(memories, 2);
  require(error ? error.segment >= 0 && error.segment < elf.segment_count() : error.segment == -1, "no such segment");
}

void look_at_names(const elf_file& elf) {
  for (const char* name : {".text", ".tessera.config", ".symtab", ".strtab", ".shstrtab", ".bss", ""}) {
    const elf_bytes section = elf.section(name);
    read(section.data, section.size);
    read(elf.section_text(name));
  }
  for (const char* name : {"main", "_start", "tohost", "", "$x"}) read(elf.find_symbol(name).name);
  for (std::uint32_t i = 0; i < std::min(elf.symbol_count(), 200u); ++i) {
    const elf_symbol symbol = elf.symbol(i);
    read(symbol.name);
    read(elf.symbol_at(symbol.address).name);
    if (symbol) require(elf.find_symbol(symbol.name).name == symbol.name, "a symbol is not found by its name");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  elf_file elf;
  const elf_error error = elf_file::parse(data, size, elf);
  if (error) {
    require(error.offset <= size && to_string(error.reason)[0] != '\0', "an error that says nothing");
    require(elf.segment_count() == 0 && elf.symbol_count() == 0, "something is left of a refused file");
  } else {
    look_at_segments(elf, size);
    look_at_memory(elf);
  }
  look_at_names(elf);
  return 0;
}
