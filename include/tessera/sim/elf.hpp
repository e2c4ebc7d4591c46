// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Reads 32-bit little-endian RISC-V executables: a view over the caller's bytes. It allocates nothing, reads bytes (so
/// that it works on any host), and trusts nothing: `parse` checks all that the accessors use, so these cannot fail.
///
/// What is needed to run must be right, or the file is refused. Section headers and symbols are only a help to people:
/// where they are missing or damaged, the program counts as stripped.
/// Source: Tool Interface Standard, ELF specification 1.2; RISC-V ELF psABI.

#include "tessera/sim/elf_error.hpp"
#include "tessera/std.hpp"

namespace tessera::sim {

/// Bytes of the file; `data` is null where nothing was found.
struct elf_bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;
};

/// A name in the file, or one to look for. No NUL follows: with printf, use "%.*s".
struct elf_text {
  const char* data = "";
  size_t size = 0;

  constexpr elf_text() = default;
  constexpr elf_text(const char* text, size_t length) : data(text), size(length) {}
  constexpr elf_text(const char* text) : data(text) {
    while (text[size] != '\0') ++size;
  }

  friend constexpr bool operator==(elf_text a, elf_text b) {
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; ++i) {
      if (a.data[i] != b.data[i]) return false;
    }
    return true;
  }
};

/// What a program header of type PT_LOAD asks for: `file_size` bytes at `load_address` before the start, and
/// `memory_size` bytes at `address` while it runs. The two addresses differ only where the start-up code copies
/// initialised data. The loader of the RTL test bench, too, puts bytes at p_paddr and does nothing for segments
/// without.
struct elf_segment {
  uint32_t address = 0;       ///< p_vaddr, as symbols and the entry point see it
  uint32_t load_address = 0;  ///< p_paddr
  const uint8_t* bytes = nullptr;
  uint32_t file_size = 0;    ///< 0: nothing to load (NOLOAD, .bss)
  uint32_t memory_size = 0;  ///< never 0, at least file_size
  bool readable = false;
  bool writable = false;
  bool executable = false;

  constexpr bool contains(uint32_t a) const { return a >= address && a - address < memory_size; }
};

struct elf_symbol {
  elf_text name;
  uint32_t address = 0;
  uint32_t size = 0;  ///< 0 where the assembler was not told
  bool found = false;
  bool function = false;

  constexpr explicit operator bool() const { return found; }
};

/// Memory that a program may occupy.
struct elf_memory {
  uint32_t begin = 0;
  uint32_t size = 0;
};

class elf_file {
 public:
  /// Looks at `size` bytes at `data`, which must outlive `file`. After an error `file` is empty.
  [[nodiscard]] static elf_error parse(const uint8_t* data, size_t size, elf_file& file) {
    elf_file parsed;
    parsed.data_ = data;
    parsed.size_ = size;
    elf_error error = parsed.check_header();
    if (!error) error = parsed.check_segments();
    if (!error) error = parsed.check_entry();
    if (!error) parsed.find_sections();
    file = error ? elf_file() : parsed;
    return error;
  }

  uint32_t entry() const { return entry_; }

  /// Segments that occupy memory, in the order of the file.
  int segment_count() const { return segment_count_; }
  /// Segment i; an empty one unless 0 <= i < segment_count().
  elf_segment segment(int i) const {
    for (uint32_t header = 0; header < header_count_; ++header) {
      if (occupies_memory(header) && i-- == 0) return segment_of(header);
    }
    return {};
  }

  /// The first segment that no single memory holds, where it runs and where it is loaded; no error if there is none.
  elf_error check_memory(const elf_memory* memories, size_t count) const {
    int number = 0;
    for (uint32_t header = 0; header < header_count_; ++header) {
      if (!occupies_memory(header)) continue;
      const elf_segment s = segment_of(header);
      bool runs = false;
      bool loads = s.file_size == 0;
      for (size_t i = 0; i < count; ++i) {
        runs = runs || within(s.address, s.memory_size, memories[i]);
        loads = loads || within(s.load_address, s.file_size, memories[i]);
      }
      if (!runs) return {elf_reason::segment_outside_memory, header_at(header) + 8, number};
      if (!loads) return {elf_reason::segment_outside_memory, header_at(header) + 12, number};
      ++number;
    }
    return {};
  }

  /// The bytes of the first section of this name; null without one, and for one that has no bytes in the file (.bss).
  elf_bytes section(elf_text name) const {
    for (uint32_t i = 0; i < section_count_; ++i) {
      const uint32_t header = section_at(i);
      if (is_named(section_names_, word(header), name)) return section_bytes(header);
    }
    return {};
  }

  /// The text in a section, up to its NUL or its end: "" without such a section. `.tessera.config` holds the name of
  /// the configuration that a program was linked for.
  elf_text section_text(elf_text name) const { return text_at(section(name), 0); }

  /// Entries of the symbol table, the uninteresting ones included: for those who build an index of their own.
  uint32_t symbol_count() const { return symbol_count_; }
  /// Entry i; `found` only for what has a name and an address (labels, functions and data).
  elf_symbol symbol(uint32_t i) const {
    if (i >= symbol_count_) return {};
    const elf_symbol s = to_symbol(raw_symbol_at(i));
    return raw_symbol_at(i).is_place() && s.name.size != 0 ? s : elf_symbol{};
  }

  /// The symbol of this name: a global one if there is, else the first local one.
  elf_symbol find_symbol(elf_text name) const {
    elf_symbol local;
    if (name.size == 0) return local;
    for (uint32_t i = 0; i < symbol_count_; ++i) {
      const raw_symbol raw = raw_symbol_at(i);
      if (!raw.is_place() || !is_named(symbol_names_, raw.name, name)) continue;
      if (raw.is_global()) return to_symbol(raw);
      if (!local) local = to_symbol(raw);
    }
    return local;
  }

  /// The function around `pc`, or the nearest label before it, for messages; `pc` is at `pc - address` within it.
  /// Where sizes say that no function is here, nothing is found: a wrong name is worse than none.
  elf_symbol symbol_at(uint32_t pc) const {
    const elf_segment code = executable_segment(pc);
    raw_symbol best;
    int64_t best_rank = -1;
    for (uint32_t i = 0; i < symbol_count_; ++i) {
      const raw_symbol raw = raw_symbol_at(i);
      if (!code.contains(raw.value) || raw.value > pc || !is_code_label(raw)) continue;
      const bool surrounds = raw.is_function() && pc - raw.value < raw.size;
      const int64_t rank = int64_t{surrounds} << 33 | int64_t{raw.value} << 1 | int64_t{raw.is_function()};
      if (rank <= best_rank) continue;
      best_rank = rank;
      best = raw;
    }
    const bool ended = best.size != 0 && pc - best.value >= best.size;
    return best_rank < 0 || ended ? elf_symbol{} : to_symbol(best);
  }

 private:
  static constexpr uint32_t header_size = 52;
  static constexpr uint32_t program_header_size = 32;
  static constexpr uint32_t section_header_size = 40;
  static constexpr uint32_t symbol_size = 16;
  static constexpr uint32_t most_program_headers = 64;  // the check for overlaps is quadratic

  struct raw_symbol {
    uint32_t name = 0;
    uint32_t value = 0;
    uint32_t size = 0;
    uint8_t info = 0;
    uint16_t section = 0;

    uint32_t type() const { return info & 15u; }  // 0 without type, 1 data, 2 function, 3 section, 4 file, ...
    bool is_function() const { return type() == 2; }
    bool is_global() const { return info >> 4 != 0; }  // or weak
    bool is_place() const { return name != 0 && type() <= 2 && section != 0; }
  };

  uint32_t half(uint32_t at) const { return data_[at] | uint32_t{data_[at + 1]} << 8; }
  uint32_t word(uint32_t at) const { return half(at) | half(at + 2) << 16; }
  bool inside(uint32_t offset, uint32_t length) const { return offset <= size_ && length <= size_ - offset; }

  static bool within(uint32_t address, uint32_t size, const elf_memory& memory) {
    return address >= memory.begin && address - memory.begin <= memory.size &&
           size <= memory.size - (address - memory.begin);
  }
  /// Whether two ranges, neither of which wraps, share an address.
  static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size) {
    return a <= b ? b - a < a_size && b_size != 0 : a - b < b_size && a_size != 0;
  }

  elf_error check_header() {
    constexpr uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    for (uint32_t i = 0; i < 4; ++i) {
      if (i >= size_ || data_[i] != magic[i]) return {elf_reason::not_elf, i};
    }
    if (size_ < header_size) return {elf_reason::header_cut_short, static_cast<uint32_t>(size_)};
    if (data_[4] == 2) return {elf_reason::is_64_bit, 4};
    if (data_[4] != 1) return {elf_reason::bad_identification, 4};
    if (data_[5] == 2) return {elf_reason::is_big_endian, 5};
    if (data_[5] != 1) return {elf_reason::bad_identification, 5};
    if (data_[6] != 1) return {elf_reason::bad_identification, 6};
    if (half(18) != 243) return {elf_reason::not_riscv, 18};
    switch (half(16)) {
      case 1: return {elf_reason::relocatable_object, 16};
      case 2: break;
      case 3: return {elf_reason::position_independent, 16};
      default: return {elf_reason::not_executable, 16};
    }
    const uint32_t flags = word(36);
    if ((flags & 1) != 0) return {elf_reason::compressed, 36};
    if ((flags & 6) != 0) return {elf_reason::float_abi, 36};
    if ((flags & 8) != 0) return {elf_reason::embedded_abi, 36};
    entry_ = word(24);
    return {};
  }

  uint32_t header_at(uint32_t i) const { return headers_ + i * program_header_size; }
  bool occupies_memory(uint32_t i) const { return word(header_at(i)) == 1 && word(header_at(i) + 20) != 0; }

  elf_segment segment_of(uint32_t i) const {
    const uint32_t at = header_at(i);
    const uint32_t flags = word(at + 24);
    elf_segment s;
    s.address = word(at + 8);
    s.load_address = word(at + 12);
    s.file_size = word(at + 16);
    s.memory_size = word(at + 20);
    s.bytes = s.file_size == 0 ? nullptr : data_ + word(at + 4);
    s.readable = (flags & 4) != 0;
    s.writable = (flags & 2) != 0;
    s.executable = (flags & 1) != 0;
    return s;
  }

  elf_error check_segments() {
    const uint32_t count = half(44);
    if (count == 0) return {elf_reason::no_segment, 44};
    if (half(42) != program_header_size) return {elf_reason::bad_program_header_size, 42};
    if (count > most_program_headers) return {elf_reason::too_many_program_headers, 44};
    headers_ = word(28);
    if (!inside(headers_, count * program_header_size)) return {elf_reason::program_headers_outside_file, 28};
    header_count_ = count;
    for (uint32_t i = 0; i < count; ++i) {
      const elf_error error = check_segment(i);
      if (error) return error;
    }
    return segment_count_ == 0 ? elf_error{elf_reason::no_segment, 44} : elf_error{};
  }

  elf_error check_segment(uint32_t i) {
    const uint32_t at = header_at(i);
    if (word(at) == 3) return {elf_reason::dynamically_linked, at};  // PT_INTERP
    if (word(at) != 1) return {};
    const uint32_t file_size = word(at + 16);
    const uint32_t memory_size = word(at + 20);
    if (file_size > memory_size) return {elf_reason::memory_smaller_than_file, at + 20, segment_count_};
    if (memory_size == 0) return {};
    if (file_size != 0 && !inside(word(at + 4), file_size)) {
      return {elf_reason::segment_outside_file, at + 4, segment_count_};
    }
    const elf_segment s = segment_of(i);
    if (s.memory_size - 1 > ~s.address) return {elf_reason::segment_wraps, at + 8, segment_count_};
    if (s.file_size != 0 && s.file_size - 1 > ~s.load_address) {
      return {elf_reason::segment_wraps, at + 12, segment_count_};
    }
    for (uint32_t j = 0; j < i; ++j) {
      if (!occupies_memory(j)) continue;
      const elf_segment earlier = segment_of(j);
      if (overlap(s.address, s.memory_size, earlier.address, earlier.memory_size)) {
        return {elf_reason::segments_overlap, at + 8, segment_count_};
      }
      if (overlap(s.load_address, s.file_size, earlier.load_address, earlier.file_size)) {
        return {elf_reason::segments_overlap, at + 12, segment_count_};
      }
    }
    ++segment_count_;
    return {};
  }

  elf_segment executable_segment(uint32_t pc) const {
    for (uint32_t i = 0; i < header_count_; ++i) {
      if (!occupies_memory(i)) continue;
      const elf_segment s = segment_of(i);
      if (s.executable && s.contains(pc)) return s;
    }
    return {};
  }

  elf_error check_entry() const {
    if (entry_ % 4 != 0) return {elf_reason::entry_misaligned, 24};
    if (!executable_segment(entry_).executable) return {elf_reason::entry_not_executable, 24};
    return {};
  }

  uint32_t section_at(uint32_t i) const { return sections_ + i * section_header_size; }

  /// The part of the file that the section header at `header` describes, if it is one.
  elf_bytes section_bytes(uint32_t header) const {
    constexpr uint32_t no_bits = 8;
    const uint32_t offset = word(header + 16);
    const uint32_t size = word(header + 20);
    if (word(header + 4) == 0 || word(header + 4) == no_bits || !inside(offset, size)) return {};
    return {data_ + offset, size};
  }

  elf_bytes string_table(uint32_t i) const {
    return i < section_count_ && word(section_at(i) + 4) == 3 ? section_bytes(section_at(i)) : elf_bytes{};
  }

  /// Sections and symbols, as far as they are intact. Over 65279 sections, which are counted elsewhere, are not read.
  void find_sections() {
    const uint32_t count = half(48);
    if (half(46) != section_header_size || !inside(word(32), count * section_header_size)) return;
    sections_ = word(32);
    section_count_ = count;
    section_names_ = string_table(half(50));
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t header = section_at(i);
      if (word(header + 4) != 2 || word(header + 36) != symbol_size) continue;
      symbols_ = section_bytes(header);
      symbol_count_ = static_cast<uint32_t>(symbols_.size / symbol_size);
      symbol_names_ = string_table(word(header + 24));
      return;
    }
  }

  raw_symbol raw_symbol_at(uint32_t i) const {
    const uint32_t at = static_cast<uint32_t>(symbols_.data - data_) + i * symbol_size;
    return {word(at), word(at + 4), word(at + 8), data_[at + 12], static_cast<uint16_t>(half(at + 14))};
  }

  elf_symbol to_symbol(const raw_symbol& raw) const {
    return {text_at(symbol_names_, raw.name), raw.value, raw.size, true, raw.is_function()};
  }

  /// Functions, and labels that others may jump to. Not the assembler's own ($x, $d, .L1), nor absolute numbers.
  bool is_code_label(const raw_symbol& raw) const {
    constexpr uint16_t absolute = 0xfff1;
    if (!raw.is_place() || raw.section == absolute || raw.name >= symbol_names_.size) return false;
    if (!raw.is_function() && (raw.type() != 0 || !raw.is_global())) return false;
    const uint8_t* const name = symbol_names_.data + raw.name;
    const bool has_two = symbol_names_.size - raw.name > 1;
    return name[0] != '\0' && name[0] != '$' && !(has_two && name[0] == '.' && name[1] == 'L');
  }

  /// The name at `offset` of a string table, which damage may have left without its NUL.
  static elf_text text_at(elf_bytes table, uint32_t offset) {
    if (offset >= table.size) return {};
    const size_t most = table.size - offset;
    size_t size = 0;
    while (size < most && table.data[offset + size] != 0) ++size;
    return {reinterpret_cast<const char*>(table.data) + offset, size};
  }

  /// text_at(table, offset) == name, but in time bounded by `name`.
  static bool is_named(elf_bytes table, uint32_t offset, elf_text name) {
    if (offset >= table.size || name.size > table.size - offset) return false;
    for (size_t i = 0; i < name.size; ++i) {
      if (static_cast<char>(table.data[offset + i]) != name.data[i]) return false;
    }
    return name.size == table.size - offset || table.data[offset + name.size] == 0;
  }

  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  uint32_t entry_ = 0;
  uint32_t headers_ = 0;  // of programs: its offset in the file, like sections_
  uint32_t header_count_ = 0;
  int segment_count_ = 0;
  uint32_t sections_ = 0;
  uint32_t section_count_ = 0;
  elf_bytes section_names_;
  elf_bytes symbols_;
  elf_bytes symbol_names_;
  uint32_t symbol_count_ = 0;
};

}  // namespace tessera::sim
