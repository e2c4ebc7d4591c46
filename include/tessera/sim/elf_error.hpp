// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Why an ELF file is refused.

#include "tessera/std.hpp"

namespace tessera::sim {

enum class elf_reason : uint8_t {
  none,
  not_elf,
  header_cut_short,
  is_64_bit,
  is_big_endian,
  bad_identification,
  not_riscv,
  relocatable_object,
  position_independent,
  not_executable,
  compressed,
  float_abi,
  embedded_abi,
  bad_program_header_size,
  too_many_program_headers,
  program_headers_outside_file,
  dynamically_linked,
  memory_smaller_than_file,
  segment_outside_file,
  segment_wraps,
  segments_overlap,
  no_segment,
  entry_misaligned,
  entry_not_executable,
  entry_outside_l2,
  segment_outside_memory,
};

/// One sentence, for messages. "The segment" is `elf_error::segment`.
constexpr const char* to_string(elf_reason reason) {
  switch (reason) {
    case elf_reason::none: return "ok";
    case elf_reason::not_elf: return "not an ELF file";
    case elf_reason::header_cut_short: return "the file ends within the ELF header";
    case elf_reason::is_64_bit: return "a 64-bit ELF file; RV32 programs are 32-bit";
    case elf_reason::is_big_endian: return "a big-endian ELF file; RISC-V programs are little-endian";
    case elf_reason::bad_identification: return "the identification of the ELF file is damaged";
    case elf_reason::not_riscv: return "not a program for RISC-V";
    case elf_reason::relocatable_object: return "a relocatable object, not an executable: link it first";
    case elf_reason::position_independent: return "position-independent or a shared library: link with -static -no-pie";
    case elf_reason::not_executable: return "not an executable";
    case elf_reason::compressed: return "uses compressed instructions (C): compile without them, as for rv32ima";
    case elf_reason::float_abi: return "passes arguments in floating-point registers: compile with -mabi=ilp32";
    case elf_reason::embedded_abi: return "uses the ABI of 16 registers (RVE): compile with -mabi=ilp32";
    case elf_reason::bad_program_header_size: return "program headers have 32 bytes, this file says otherwise";
    case elf_reason::too_many_program_headers: return "more than 64 program headers";
    case elf_reason::program_headers_outside_file: return "the program headers lie outside the file";
    case elf_reason::dynamically_linked: return "dynamically linked: link with -static";
    case elf_reason::memory_smaller_than_file: return "the segment is smaller in memory than in the file";
    case elf_reason::segment_outside_file: return "the bytes of the segment lie outside the file";
    case elf_reason::segment_wraps: return "the segment passes the end of the 32-bit address space";
    case elf_reason::segments_overlap: return "the segment overlaps an earlier one";
    case elf_reason::no_segment: return "nothing to load: no segment occupies memory";
    case elf_reason::entry_misaligned: return "the entry point is not a multiple of 4";
    case elf_reason::entry_not_executable: return "the entry point lies outside the executable segments";
    case elf_reason::entry_outside_l2: return "the entry point lies in L1, but code runs from L2 only";
    case elf_reason::segment_outside_memory: return "the segment lies outside the memories";
  }
  return "unknown reason";
}

struct [[nodiscard]] elf_error {
  elf_reason reason = elf_reason::none;
  uint32_t offset = 0;  ///< the byte of the file that is to blame
  int segment = -1;     ///< which one, as `elf_file::segment` counts; -1 where none is to blame

  constexpr explicit operator bool() const { return reason != elf_reason::none; }
};

}  // namespace tessera::sim
