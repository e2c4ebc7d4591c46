// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Makes valid ELF files for RV32, field by field, which tests then break.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera::support {

using file_bytes = std::vector<std::uint8_t>;

inline void put(file_bytes& bytes, std::size_t at, std::uint32_t value, int size) {
  for (int i = 0; i < size; ++i) bytes.at(at + static_cast<std::size_t>(i)) = static_cast<std::uint8_t>(value >> 8 * i);
}
inline std::uint32_t get(const file_bytes& bytes, std::size_t at, int size) {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) value |= std::uint32_t{bytes.at(at + static_cast<std::size_t>(i))} << 8 * i;
  return value;
}

class elf_builder {
 public:
  static constexpr std::size_t file_header = 52, program_header = 32, section_header = 40, symbol_entry = 16;

  struct segment {
    std::uint32_t address = 0;
    std::string content;
    std::uint32_t memory_size = 0;
    std::uint32_t flags = 4;  // 4 read, 2 write, 1 execute
    std::uint32_t load_address = 0;
    std::uint32_t type = 1;
  };
  struct symbol {
    std::string name;
    std::uint32_t value = 0;
    std::uint32_t size = 0;
    std::uint32_t type = 0;     // 1 data, 2 function
    std::uint32_t binding = 1;  // 0 local, 1 global, 2 weak
    std::uint32_t section = 1;  // index; 0 undefined
  };
  struct section {
    std::string name;
    std::string content;
    std::uint32_t type = 1;
  };

  std::uint32_t entry = 0x80000000;
  std::vector<segment> segments;
  std::vector<symbol> symbols;
  std::vector<section> sections;
  bool stripped = false;  // no section headers at all
  std::size_t page = 1;   // contents of segments begin at multiples of it in the file, as Linux wants

  /// Occupies memory_size bytes (at least the content) at an address where it is also loaded.
  void add_segment(std::uint32_t address, std::string content, std::uint32_t memory_size, std::uint32_t flags) {
    segments.push_back({address, std::move(content), memory_size, flags, address});
  }

  /// Where things are in bytes(): of headers, the i-th.
  static std::size_t segment_at(std::size_t i) { return file_header + i * program_header; }
  static std::size_t section_at(const file_bytes& file, std::size_t i) { return get(file, 32, 4) + i * section_header; }

  /// Section headers: null, `sections`, .symtab, .strtab, .shstrtab.
  std::size_t symtab() const { return sections.size() + 1; }
  std::size_t strtab() const { return sections.size() + 2; }
  std::size_t shstrtab() const { return sections.size() + 3; }

  file_bytes bytes() const {
    file_bytes file(file_header + segments.size() * program_header);
    write_file_header(file);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const segment& s = segments[i];
      file.resize((file.size() + page - 1) / page * page);
      const std::uint32_t fields[8] = {s.type,
                                       append(file, s.content),
                                       s.address,
                                       s.load_address,
                                       static_cast<std::uint32_t>(s.content.size()),
                                       s.memory_size,
                                       s.flags,
                                       4};
      for (std::size_t f = 0; f < 8; ++f) put(file, segment_at(i) + 4 * f, fields[f], 4);
    }
    if (!stripped) write_sections(file);
    return file;
  }

 private:
  static std::uint32_t append(file_bytes& file, const std::string& content) {
    const auto at = static_cast<std::uint32_t>(file.size());
    file.insert(file.end(), content.begin(), content.end());
    return at;
  }

  void write_file_header(file_bytes& file) const {
    const std::uint8_t identification[7] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    for (std::size_t i = 0; i < 7; ++i) file[i] = identification[i];
    put(file, 16, 2, 2);    // an executable
    put(file, 18, 243, 2);  // for RISC-V
    put(file, 20, 1, 4);
    put(file, 24, entry, 4);
    put(file, 28, file_header, 4);
    put(file, 40, file_header, 2);
    put(file, 42, program_header, 2);
    put(file, 44, static_cast<std::uint32_t>(segments.size()), 2);
  }

  void write_sections(file_bytes& file) const {
    std::string table(symbol_entry, '\0');
    std::string names(1, '\0');
    for (const symbol& s : symbols) {
      file_bytes entry_bytes(symbol_entry);
      put(entry_bytes, 0, static_cast<std::uint32_t>(names.size()), 4);
      put(entry_bytes, 4, s.value, 4);
      put(entry_bytes, 8, s.size, 4);
      put(entry_bytes, 12, s.binding << 4 | s.type, 1);
      put(entry_bytes, 14, s.section, 2);
      table.append(entry_bytes.begin(), entry_bytes.end());
      names += s.name + '\0';
    }
    std::vector<section> all = {{"", "", 0}};
    all.insert(all.end(), sections.begin(), sections.end());
    all.push_back({".symtab", table, 2});
    all.push_back({".strtab", names, 3});
    all.push_back({".shstrtab", "", 3});
    for (const section& s : all) all.back().content += s.name + '\0';

    file_bytes headers(all.size() * section_header);
    std::uint32_t name_at = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t header = i * section_header;
      put(headers, header, name_at, 4);
      put(headers, header + 4, all[i].type, 4);
      put(headers, header + 16, append(file, all[i].content), 4);
      put(headers, header + 20, static_cast<std::uint32_t>(all[i].content.size()), 4);
      name_at += static_cast<std::uint32_t>(all[i].name.size()) + 1;
    }
    put(headers, symtab() * section_header + 24, static_cast<std::uint32_t>(strtab()), 4);
    put(headers, symtab() * section_header + 36, symbol_entry, 4);
    put(file, 32, static_cast<std::uint32_t>(file.size()), 4);
    put(file, 46, section_header, 2);
    put(file, 48, static_cast<std::uint32_t>(all.size()), 2);
    put(file, 50, static_cast<std::uint32_t>(shstrtab()), 2);
    file.insert(file.end(), headers.begin(), headers.end());
  }
};

}  // namespace tessera::support
