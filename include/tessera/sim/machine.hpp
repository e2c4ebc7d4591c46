// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// A modelled many-core as a library: load a program, place data, run, read results and counters.
///
///     sim::machine m(sim::minpool);
///     m.load_elf(bytes, size);
///     m.write(m.symbol("input").address, input, sizeof input);
///     m.run(sim::mode::timed);
///     m.read(m.symbol("output").address, output, sizeof output);
///
/// It allocates in the constructor and when it loads a program, never while it runs.

#include "tessera/sim/elf.hpp"
#include "tessera/sim/functional.hpp"
#include "tessera/sim/timed.hpp"

namespace tessera::sim {

enum class mode : uint8_t {
  functional,  ///< fast; a "cycle" is a turn of one instruction per core
  timed,       ///< cycles of the hardware
};

class machine {
 public:
  /// `c` must have no `refusal`.
  explicit machine(const configuration& c) : soc_(c), functional_(soc_), timed_(soc_) {
    soc_.set_decoder([](slot& s, uint32_t word) {
      if (!is_breakpoint(s)) decode_slot(s, word);
    });
    set_code(l2_base, l2_base, 0);
  }

  const configuration& config() const { return soc_.config; }
  /// Where UART text and dumps go. The context must live as long as the machine.
  void set_host(const host_interface& host) { soc_.host = host; }

  // ---- Programs

  /// Loads an executable; its bytes must outlive the machine, which finds symbols in them. On an error nothing changes.
  [[nodiscard]] elf_error load_elf(const uint8_t* data, size_t size) {
    elf_file file;
    if (const elf_error error = elf_file::parse(data, size, file)) return error;
    const elf_memory memories[] = {{0, config().l1_bytes()}, {l2_base, config().l2_bytes}};
    if (const elf_error error = file.check_memory(memories, 2)) return error;
    if (const elf_error error = check_code(file)) return error;
    elf_ = file;
    uint32_t code_end = l2_base;
    uint32_t read_only_end = l2_base;
    uint32_t writable_begin = l2_base + config().l2_bytes;
    for (int i = 0; i < file.segment_count(); ++i) {
      const elf_segment s = file.segment(i);
      for (uint32_t b = 0; b < s.file_size; ++b) *soc_.bytes_at(s.load_address + b, 1) = s.bytes[b];
      if (!soc_.in_l2(s.address)) continue;
      const uint32_t end = s.address + s.memory_size;
      if (s.executable) code_end = max(code_end, end);
      if (s.writable) {
        writable_begin = min(writable_begin, s.address);
      } else {
        read_only_end = max(read_only_end, end);
      }
    }
    const elf_symbol tohost = file.find_symbol("tohost");
    soc_.set_tohost(tohost ? tohost.address : soc::no_tohost);
    set_code(file.entry(), code_end, min(read_only_end, writable_begin) - l2_base);
    reset();
    return {};
  }

  /// Loads bytes without a format at the start of L2 and starts there; all of it may be code. False if it does not fit.
  [[nodiscard]] bool load_raw(const uint8_t* data, size_t size) {
    if (size == 0 || size > config().l2_bytes) return false;
    for (size_t i = 0; i < size; ++i) *soc_.bytes_at(l2_base + static_cast<uint32_t>(i), 1) = data[i];
    elf_ = elf_file();
    soc_.set_tohost(soc::no_tohost);
    set_code(l2_base, l2_base + (static_cast<uint32_t>(size) + 3) / 4 * 4, 0);
    reset();
    return true;
  }

  /// Symbols of the program, for messages and for data.
  const elf_file& program() const { return elf_; }
  elf_symbol symbol(elf_text name) const { return elf_.find_symbol(name); }

  // ---- Memory: as cores see it, L1 and L2. False if the range is not in one of them.

  bool write(uint32_t address, const void* data, uint32_t bytes) {
    uint8_t* const p = soc_.bytes_at(address, bytes);
    if (p == nullptr) return false;
    for (uint32_t i = 0; i < bytes; ++i) {
      p[i] = static_cast<const uint8_t*>(data)[i];
      soc_.decode_again(address + i);
    }
    return true;
  }
  bool read(uint32_t address, void* data, uint32_t bytes) {
    const uint8_t* const p = soc_.bytes_at(address, bytes);
    if (p == nullptr) return false;
    for (uint32_t i = 0; i < bytes; ++i) static_cast<uint8_t*>(data)[i] = p[i];
    return true;
  }

  // ---- Running

  /// Cores, devices and clocks as after power-up; memory stays.
  void reset() {
    soc_.reset();
    functional_.reset();
    timed_.reset();
  }

  /// Runs until the program stops, or `cycles` more have passed. A run continues in the mode in which it began.
  const stop_report& run(mode how, uint64_t cycles = forever) {
    if (how == mode::functional) {
      functional_.run(later(functional_.cycle(), cycles));
      soc_.flush_uart();
      return soc_.stop;
    }
    no_observer nobody;
    return run_timed(cycles, nobody);
  }
  /// Runs timed with somebody watching.
  template <class Observer>
  const stop_report& run_timed(uint64_t cycles, Observer& observer) {
    timed_.run(later(timed_.cycle(), cycles), observer);
    soc_.flush_uart();
    return soc_.stop;
  }
  static constexpr uint64_t forever = ~uint64_t{0};

  /// Executes the next instruction of one core, functionally. False if it sleeps or the program has stopped.
  bool step(uint32_t core) { return !soc_.stopped() && functional_.step(soc_.harts[core]); }

  /// Runs all cores until `core` has executed one instruction, the program stops, or `cycles` more have passed.
  const stop_report& run_step(mode how, uint32_t core, uint64_t cycles = forever) {
    const hart& h = soc_.harts[core];
    const uint64_t before = h.instructions;
    if (how == mode::functional) {
      functional_.run(later(functional_.cycle(), cycles), core);
    } else {
      const uint64_t end = later(timed_.cycle(), cycles);
      while (!soc_.stopped() && h.instructions == before && timed_.cycle() < end) timed_.run(timed_.cycle() + 1);
    }
    soc_.flush_uart();
    return soc_.stop;
  }
  /// The same while the other cores are held, as a debugger does to pass a breakpoint. Nobody can wake it: if it
  /// sleeps, nothing happens.
  const stop_report& run_alone(mode how, uint32_t core, uint64_t cycles = forever) {
    hart& h = soc_.harts[core];
    const uint64_t before = h.instructions;
    if (how == mode::functional) {
      if (!h.asleep) step(core);
    } else {
      const uint64_t end = later(timed_.cycle(), cycles);
      while (!soc_.stopped() && !h.asleep && h.instructions == before && timed_.cycle() < end) {
        timed_.run_alone(core, timed_.cycle() + 1);
      }
    }
    soc_.flush_uart();
    return soc_.stop;
  }
  /// Makes registers and memory what the program has made of them so far, by letting loads and stores in flight end.
  void settle(mode how) {
    if (how == mode::timed) timed_.settle();
    soc_.flush_uart();
  }

  const stop_report& stop() const { return soc_.stop; }
  /// Goes on after a breakpoint or another stop that is not final.
  void resume() { soc_.stop = stop_report{}; }

  uint64_t cycle(mode how) const { return how == mode::timed ? timed_.cycle() : functional_.cycle(); }
  uint32_t cores() const { return config().cores(); }
  hart& core(uint32_t id) { return soc_.harts[id]; }
  const hart& core(uint32_t id) const { return soc_.harts[id]; }
  const timed& counters() const { return timed_; }
  /// The instruction word at `pc`, 0 where no code is.
  uint32_t instruction_at(uint32_t pc) const { return soc_.word_at(pc); }

  /// Stops the program when a core is about to execute what is at `pc`; false if no code is there. Loading a program
  /// clears all breakpoints, writing code none.
  bool set_breakpoint(uint32_t pc) {
    slot* const s = const_cast<slot*>(soc_.slot_at(pc));
    if (s == nullptr || pc % 4 != 0) return false;
    make_breakpoint(*s);
    return true;
  }
  void clear_breakpoint(uint32_t pc) {
    slot* const s = const_cast<slot*>(soc_.slot_at(pc));
    if (s != nullptr && pc % 4 == 0) decode_slot(*s, soc_.word_at(pc));
  }

 private:
  static uint64_t later(uint64_t now, uint64_t cycles) { return cycles > forever - now ? forever : now + cycles; }

  /// Code runs from L2 only.
  elf_error check_code(const elf_file& file) const {
    for (int i = 0; i < file.segment_count(); ++i) {
      const elf_segment s = file.segment(i);
      if (s.contains(file.entry()) && !soc_.in_l2(s.address)) {
        return {elf_reason::entry_outside_l2, 24, i};
      }
    }
    return {};
  }

  /// Decodes the code in [l2_base, end) and the boot ROM that jumps to `entry`.
  void set_code(uint32_t entry, uint32_t end, uint32_t read_only) {
    soc_.set_entry(entry);
    const uint32_t words = (end - l2_base + 3) / 4;
    slots_ = buffer<slot>(size_t{words} + 1);
    boot_slots_ = buffer<slot>(soc::boot_length + 1);
    for (uint32_t i = 0; i < words; ++i) decode_slot(slots_[i], soc_.word_at(l2_base + i * 4));
    decode_slot(slots_[words], 0);
    for (uint32_t i = 0; i < soc::boot_length; ++i) decode_slot(boot_slots_[i], soc_.boot_words[i]);
    decode_slot(boot_slots_[soc::boot_length], 0);
    soc_.set_code({slots_.data(), l2_base, words * 4}, {boot_slots_.data(), boot_base, soc::boot_length * 4},
                  read_only);
    timed_.set_code();
  }

  soc soc_;
  functional functional_;
  timed timed_;
  buffer<slot> slots_;
  buffer<slot> boot_slots_;
  elf_file elf_;
};

}  // namespace tessera::sim
