// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// What GDB may see and change of a machine that stands still: threads, registers, memory, breakpoints. Each function
/// takes a request apart and writes the answer to `out`, which is empty before.

#include "tessera/sim/disassemble.hpp"
#include "tessera/sim/gdb_packet.hpp"
#include "tessera/sim/machine.hpp"

namespace tessera::sim {

class gdb_target {
 public:
  static constexpr uint32_t no_core = ~uint32_t{0};
  static constexpr uint32_t most_breakpoints = 256;

  gdb_target(machine& m, mode how) : machine_(m), how_(how) {}

  uint32_t selected = 0;  ///< the core whose registers are meant

  // ---- Threads: cores, numbered from 1

  /// A thread's number as a core; `no_core` for "any" (0) and "all" (-1).
  bool thread(gdb_reader& in, uint32_t& core) const {
    if (in.take("-1")) {
      core = no_core;
      return true;
    }
    uint32_t number = 0;
    if (!in.number(number) || number > machine_.cores()) return false;
    core = number - 1;
    return true;
  }
  /// As many as fit, after those that were listed before.
  void list_threads(bool from_first, gdb_reply& out) {
    if (from_first) listed_ = 0;
    if (listed_ == machine_.cores()) out.put('l');
    for (char separator = 'm'; listed_ < machine_.cores() && out.room() > 8; separator = ',') {
      out.put(separator).hex(++listed_);
    }
  }
  void describe_thread(gdb_reader in, gdb_reply& out) const {
    uint32_t core = 0;
    if (!thread(in, core) || core == no_core) return out.fail();
    assembly_text text;
    text << machine_.config().name << " core ";
    text.number(core) << (machine_.core(core).asleep ? ", asleep" : ", awake");
    out.encoded(text.c_str());
  }

  // ---- Registers: x0 to x31, pc, and CSRs behind them

  static constexpr uint32_t pc_number = 32;

  void read_registers(gdb_reply& out) const {
    for (uint32_t r = 0; r <= pc_number; ++r) out.word(plain_register(r));
  }
  void write_registers(gdb_reader in, gdb_reply& out) {
    uint32_t values[pc_number + 1];
    for (uint32_t& v : values) {
      if (!in.word(v)) return out.fail();
    }
    for (uint32_t r = 0; r <= pc_number; ++r) set_register(r, values[r]);
    out.text("OK");
  }
  void read_register(gdb_reader in, gdb_reply& out) const {
    uint32_t number = 0;
    if (!in.number(number)) return out.fail();
    if (number <= pc_number) {
      out.word(plain_register(number));
    } else if (is_known_csr(number - first_csr)) {
      out.word(csr(number - first_csr));
    } else {
      out.fail();
    }
  }
  void write_register(gdb_reader in, gdb_reply& out) {
    uint32_t number = 0;
    uint32_t value = 0;
    if (!in.number(number) || !in.take("=") || !in.word(value)) return out.fail();
    if (number <= pc_number) {
      set_register(number, value);
    } else if (number - first_csr == 0x7d1) {
      machine_.core(selected).stack_limit = value;
    } else {
      return out.fail();
    }
    out.text("OK");
  }

  /// "target.xml:offset,length": that part of the description of the registers.
  void read_description(gdb_reader in, gdb_reply& out) const {
    uint32_t offset = 0;
    uint32_t length = 0;
    if (!in.take("target.xml:") || !range(in, offset, length)) return out.fail("E00");
    length = min(length, gdb_packet_bytes - 1);
    uint32_t at = 0;
    out.put('m');
    const auto put = [&](const char* s) {
      for (; *s != '\0'; ++s, ++at) {
        if (at >= offset && at - offset < length) out.put(*s);
      }
    };
    const auto put_register = [&](const char* name, uint32_t number, const char* type) {
      assembly_text digits;
      digits.number(number);
      const char* const pieces[] = {"<reg name=\"", name,  "\" bitsize=\"32\" regnum=\"", digits.c_str(), "\" type=\"",
                                    type,           "\"/>"};
      for (const char* piece : pieces) put(piece);
    };
    put("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
        "<architecture>riscv:rv32</architecture><feature name=\"org.gnu.gdb.riscv.cpu\">");
    for (uint32_t r = 0; r < 32; ++r) {
      put_register(register_name(r), r, r == 1 ? "code_ptr" : r >= 2 && r <= 4 ? "data_ptr" : "int");
    }
    put_register("pc", pc_number, "code_ptr");
    put("</feature><feature name=\"org.gnu.gdb.riscv.csr\">");
    for (const uint32_t number : csrs) put_register(csr_name(number), first_csr + number, "int");
    put("</feature></target>");
    if (offset >= at || at - offset <= length) out.set_kind('l');  // the last part
  }

  // ---- Memory: L1 and L2. To read a device might change it, so GDB sees none.

  /// What can be read from the start of the range; the boot ROM too.
  void read_memory(gdb_reader in, gdb_reply& out) {
    uint32_t address = 0;
    uint32_t length = 0;
    if (!range(in, address, length)) return out.fail();
    uint32_t i = 0;
    uint8_t value = 0;
    for (; i < length && out.room() >= 2 && read_byte(address + i, value); ++i) out.byte(value);
    if (i == 0 && length != 0) out.fail(bad_address);
  }
  /// All of it or nothing.
  void write_memory(gdb_reader in, bool binary, gdb_reply& out) {
    uint32_t address = 0;
    uint32_t length = 0;
    if (!range(in, address, length) || !in.take(":")) return out.fail();
    if (in.left() != (binary ? length : 2 * uint64_t{length})) return out.fail();
    for (uint32_t i = 0; i < length; ++i) {
      if (binary) {
        staged_[i] = static_cast<uint8_t>(in.next());
      } else if (!in.byte(staged_[i])) {
        return out.fail();
      }
    }
    if (length != 0 && !machine_.write(address, staged_, length)) return out.fail(bad_address);
    out.text("OK");
  }

  // ---- Breakpoints

  /// "type,address,...": 0 software, 1 hardware, which is the same here. Not watchpoints: GDB steps instead.
  void change_breakpoint(gdb_reader in, bool insert, gdb_reply& out) {
    const char type = in.next();
    uint32_t pc = 0;
    if (type != '0' && type != '1') return;
    if (!in.take(",") || !in.number(pc)) return out.fail();
    const uint8_t kind = type == '0' ? software : hardware;
    breakpoint* b = find(pc);
    if (insert && b == nullptr) {
      if (breakpoint_count_ == most_breakpoints) return out.fail();
      if (!machine_.set_breakpoint(pc)) return out.fail(bad_address);
      b = &breakpoints_[breakpoint_count_++];
      *b = {pc, 0};
    }
    if (insert) {
      b->kinds = static_cast<uint8_t>(b->kinds | kind);
    } else if (b != nullptr) {
      b->kinds = static_cast<uint8_t>(b->kinds & ~kind);
      if (b->kinds == 0) {
        machine_.clear_breakpoint(pc);
        *b = breakpoints_[--breakpoint_count_];
      }
    }
    out.text("OK");
  }
  bool has_breakpoint(uint32_t pc) const { return const_cast<gdb_target*>(this)->find(pc) != nullptr; }
  bool is_software_breakpoint(uint32_t pc) const {
    const breakpoint* const b = const_cast<gdb_target*>(this)->find(pc);
    return b != nullptr && (b->kinds & software) != 0;
  }
  void clear_breakpoints() {
    while (breakpoint_count_ != 0) machine_.clear_breakpoint(breakpoints_[--breakpoint_count_].pc);
  }

  void set_register(uint32_t number, uint32_t value) {
    hart& h = machine_.core(selected);
    if (number == pc_number) {
      h.pc = value;
    } else if (number != 0) {
      h.x[number] = value;
    }
  }

 private:
  static constexpr uint32_t first_csr = 65;  // GDB's number of CSR 0
  static constexpr uint32_t csrs[] = {0xf14, 0xb00, 0xb02, 0x7d0, 0x7d1};
  static constexpr const char* bad_address = "E0e";
  static constexpr uint8_t software = 1, hardware = 2;
  struct breakpoint {
    uint32_t pc = 0;
    uint8_t kinds = 0;
  };

  static bool is_known_csr(uint32_t number) {
    for (const uint32_t known : csrs) {
      if (number == known) return true;
    }
    return false;
  }
  uint32_t csr(uint32_t number) const {
    const hart& h = machine_.core(selected);
    switch (number) {
      case 0xf14: return h.id;
      case 0xb00: return static_cast<uint32_t>(machine_.cycle(how_));
      case 0xb02: return static_cast<uint32_t>(h.instructions);
      case 0x7d0: return h.trace;
      default: return h.stack_limit;
    }
  }
  uint32_t plain_register(uint32_t number) const {
    const hart& h = machine_.core(selected);
    return number == pc_number ? h.pc : h.x[number];
  }
  bool read_byte(uint32_t address, uint8_t& value) {
    if (machine_.read(address, &value, 1)) return true;
    if (address - boot_base >= soc::boot_length * 4) return false;
    value = static_cast<uint8_t>(machine_.instruction_at(address & ~uint32_t{3}) >> 8 * (address % 4));
    return true;
  }
  static bool range(gdb_reader& in, uint32_t& start, uint32_t& length) {
    return in.number(start) && in.take(",") && in.number(length);
  }
  breakpoint* find(uint32_t pc) {
    for (uint32_t i = 0; i < breakpoint_count_; ++i) {
      if (breakpoints_[i].pc == pc) return &breakpoints_[i];
    }
    return nullptr;
  }

  machine& machine_;
  mode how_;
  uint32_t listed_ = 0;  // threads told so far
  uint32_t breakpoint_count_ = 0;
  breakpoint breakpoints_[most_breakpoints];
  uint8_t staged_[gdb_packet_bytes] = {};
};

}  // namespace tessera::sim
