// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Everything that the functional and the timed mode share: cores' architectural state, memories, code, and the
/// devices' registers. Nothing here knows about time. Source: MemPool's control_registers.hjson and ctrl_registers.sv,
/// mempool_dma, tcdm_adapter (atomics), bootrom.

#include "tessera/sim/buffer.hpp"
#include "tessera/sim/configuration.hpp"
#include "tessera/sim/hart.hpp"
#include "tessera/sim/report.hpp"

namespace tessera::sim {

/// Which cores a write to a wake-up register wakes: those of a set that are offset, offset + stride, ...
struct wake_request {
  enum class set : uint8_t {
    nobody,
    one,
    everybody,
    tiles_of_group,
    groups
  };
  set who = set::nobody;
  uint32_t value = 0;  ///< a core, or a bit mask of tiles or groups
  uint32_t group = 0;
  uint32_t stride = 1;
  uint32_t offset = 0;
};

/// A DMA transfer.
struct dma_request {
  uint32_t source = 0;
  uint32_t destination = 0;
  uint32_t bytes = 0;
};

/// What a device access asks the executing mode to do.
struct device_effect {
  wake_request wake;
  bool launches_dma = false;
  dma_request dma;
};

class soc {
 public:
  explicit soc(const configuration& c)
      : config(c), map(c), harts(c.cores()), l1_(c.l1_bytes()), l2_(c.l2_bytes), reservations_(c.banks()) {
    view_.l1 = l1_.data();
    view_.l1_bytes = view_.l1_writable = c.l1_bytes();
    view_.l2 = l2_.data();
    view_.l2_bytes = c.l2_bytes;
    reset();
  }
  soc(const soc&) = delete;
  soc& operator=(const soc&) = delete;

  const configuration config;
  const l1_map map;
  buffer<hart> harts;
  host_interface host;
  stop_report stop;

  /// Cores and registers as after reset; memories and code stay.
  void reset() {
    for (uint32_t id = 0; id < harts.size(); ++id) {
      hart& h = harts[id];
      h = hart{};
      h.id = id;
      h.pc = boot_base;
      h.memory = &view_;
      h.code = boot_;
    }
    for (reservation& r : reservations_) r = reservation{};
    held_reservations_ = 0;
    view_.l1_writable = view_.l1_bytes;
    stop = stop_report{};
    control_ = control_registers{};
    dma_ = dma_request{};
    dma_done = false;
    dma_outstanding = 0;
    uart_size_ = 0;
  }

  // ---- Code

  /// Declares what decodes where; the slots stay the caller's. `read_only`: bytes at the start of L2 that no program
  /// may write.
  void set_code(const code_region& l2_code, const code_region& boot, uint32_t read_only) {
    l2_code_ = l2_code;
    boot_ = boot;
    read_only_ = read_only;
    guard();
    for (hart& h : harts) {
      if (h.code.slots == nullptr) h.code = boot_;
    }
  }
  /// The code around pc; without slots if there is none.
  const code_region& region_of(uint32_t pc) const {
    if (l2_code_.holds(pc)) return l2_code_;
    return boot_.holds(pc) ? boot_ : nowhere_;
  }
  const code_region& l2_code() const { return l2_code_; }
  const code_region& boot_code() const { return boot_; }
  const slot* slot_at(uint32_t pc) const {
    const code_region& r = region_of(pc);
    return r.slots == nullptr ? nullptr : &r.slots[(pc - r.base) / 4];
  }

  // ---- Memory

  /// The bytes of [address, address + bytes) if they are in L1 or L2, else nullptr.
  uint8_t* bytes_at(uint32_t address, uint32_t bytes) {
    if (address < view_.l1_bytes) return bytes <= view_.l1_bytes - address ? view_.l1 + address : nullptr;
    const uint32_t offset = address - l2_base;
    if (offset < view_.l2_bytes) return bytes <= view_.l2_bytes - offset ? view_.l2 + offset : nullptr;
    return nullptr;
  }
  bool in_l1(uint32_t address) const { return address < view_.l1_bytes; }
  bool in_l2(uint32_t address) const { return address - l2_base < view_.l2_bytes; }
  static bool is_device(uint32_t address) {
    return address - control_base < 2 * device_bytes || address - uart_base < device_bytes;
  }
  /// Whether something answers there.
  bool is_mapped(uint32_t address) const {
    return in_l1(address) || in_l2(address) || is_device(address) || address - boot_base < device_bytes;
  }
  const memory_view& view() const { return view_; }

  /// Whether a core may do this access; if not, the program stops. Post-incrementing accesses are tested as the
  /// hardware does (the updated base) and at the address that they use.
  bool admits(origin from, const instruction& row, const memory_operands& m) {
    const uint32_t low = row.bytes - 1u;
    if (((m.address | (post_increments(row.operand_form) ? m.updated_base : 0)) & low) != 0) {
      fault(from, stop_reason::misaligned_access, m.address);
      return false;
    }
    if (in_l1(m.address)) return true;
    const bool reserves = row.executes_on == unit::reserve || row.executes_on == unit::conditional;
    const bool atomic = reserves || row.executes_on == unit::atomic;
    const bool writes = row.executes_on == unit::store || row.executes_on == unit::atomic;
    if (writes && (m.address - l2_base < read_only_ || m.address - boot_base < device_bytes)) {
      fault(from, stop_reason::read_only_write, m.address);
      return false;
    }
    if (in_l2(m.address)) {
      if (reserves) fault(from, stop_reason::unsupported_access, m.address, "LR and SC work in L1 only");
      return !reserves;
    }
    if (!is_mapped(m.address)) {
      fault(from, stop_reason::unmapped_access, m.address);
      return false;
    }
    const bool registers = m.address - control_base < 2 * device_bytes;
    if (atomic || (registers && row.bytes != 4)) {
      fault(from, stop_reason::unsupported_access, m.address,
            atomic ? "atomics work in L1 and L2 only" : "device registers are accessed as words");
      return false;
    }
    return true;
  }
  /// Whether a core may jump to `target`.
  bool admits_jump(origin from, uint32_t target) {
    if (target % 4 != 0) fault(from, stop_reason::misaligned_jump, target);
    return target % 4 == 0;
  }
  /// Stops the program if an instruction of `h` has set its stack pointer below the limit.
  void check_stack(origin from, const hart& h) {
    if (h.overflows(h.x[2])) fault(from, stop_reason::stack_overflow, h.x[2]);
  }

  /// Reads memory for a core: `bytes` at an aligned, mapped address outside the devices.
  uint32_t read(uint32_t address, uint32_t bytes) {
    if (const uint8_t* p = bytes_at(address, bytes)) return load_bytes(p, bytes);
    const uint32_t offset = address - boot_base;  // the boot ROM's words; behind them it reads 0
    uint32_t word = 0;
    if (offset < boot_.bytes) word = boot_words[offset / 4];
    return word >> 8 * (offset % 4);
  }

  /// Writes memory for a core, where `admits` said that it may. Code that is written is decoded again.
  void write(origin from, uint32_t address, uint32_t value, uint32_t bytes) {
    uint8_t* const p = bytes_at(address, bytes);
    if (in_l1(address) && held_reservations_ != 0) break_reservation(address, from.core);
    store_bytes(p, value, bytes);
    if (in_l2(address) && address - l2_base < view_.l2_guarded) {
      decode_again(address);
      if (address - tohost_ < 4) end_by_tohost(from);
    }
  }

  /// An atomic at the bank: returns what rd gets. Source: tcdm_adapter; one reservation per bank, never timed out.
  uint32_t atomic(origin from, const instruction& row, uint32_t address, uint32_t operand) {
    uint8_t* const p = bytes_at(address, 4);
    const uint32_t old = load_bytes(p, 4);
    if (row.executes_on == unit::atomic) {
      write(from, address, row.compute({old, address, operand, 0, 0}), 4);
      return old;
    }
    reservation& r = reservations_[map.bank(address)];
    if (row.executes_on == unit::reserve) {
      if (!r.valid || r.core == from.core) {
        held_reservations_ += r.valid ? 0 : 1;
        view_.l1_writable = 0;
        r = {true, from.core, address};
      }
      return old;
    }
    if (!r.valid || r.core != from.core) return 1;
    const bool succeeds = r.address == address;
    release(r);
    if (succeeds) store_bytes(p, operand, 4);
    return succeeds ? 0 : 1;
  }

  // ---- Devices

  /// A load from a device register, of a word. Reading the DMA's `next_id` launches a transfer.
  uint32_t read_device(origin from, uint32_t address, device_effect& effect) {
    if (address - uart_base < device_bytes) return 0;
    if (address - dma_base < device_bytes) return read_dma(from, address - dma_base, effect);
    const uint32_t offset = address - control_base;
    switch (offset) {
      case 0x00: return control_.end_of_computation;
      case 0x34: return 0;
      case 0x38: return config.l1_bytes();
      case 0x3c: return config.cores();
      case 0x40: return control_.read_only_enable;
      case 0x44: return control_.read_only_flush;
      default: break;
    }
    if (offset >= 0x48 && offset < 0x58) return control_.read_only_start[(offset - 0x48) / 4];
    if (offset >= 0x58 && offset < 0x68) return control_.read_only_end[(offset - 0x58) / 4];
    return 0;
  }

  /// A store to a device register.
  void write_device(origin from, uint32_t address, uint32_t value, device_effect& effect) {
    if (address - uart_base < device_bytes) return put_char(static_cast<char>(value & 0xff));
    if (address - dma_base < device_bytes) return write_dma(address - dma_base, value);
    write_control(from, address - control_base, value, effect.wake);
    // The pulse has left when the program changes the mask for the next one.
    effect.wake.stride = control_.mask_stride;
    effect.wake.offset = control_.mask_offset;
  }

  /// Calls f(core) for each core that a request wakes.
  template <class F>
  void for_each_woken(const wake_request& request, F f) const {
    for (uint32_t core = 0; core < harts.size(); ++core) {
      const uint32_t tile = config.tile_of(core);
      const uint32_t group = tile / config.tiles_per_group();
      bool woken = false;
      switch (request.who) {
        case wake_request::set::nobody: break;
        case wake_request::set::one: woken = core == request.value; break;
        case wake_request::set::everybody: woken = true; break;
        case wake_request::set::tiles_of_group:
          woken = group == request.group && (request.value >> tile % config.tiles_per_group() & 1) != 0;
          break;
        case wake_request::set::groups: woken = (request.value >> group & 1) != 0; break;
      }
      const bool masked = core < request.offset || (core - request.offset) % request.stride != 0;
      if (woken && !masked) f(core);
    }
  }

  /// Whether the read-only cache may hold what is at `address`.
  bool is_cacheable(uint32_t address) const {
    if ((control_.read_only_enable & 1) == 0) return false;
    for (int i = 0; i < 4; ++i) {
      if (address >= control_.read_only_start[i] && address < control_.read_only_end[i]) return true;
    }
    return false;
  }
  bool flushes_read_only() const { return (control_.read_only_flush & 1) != 0; }

  /// What is wrong with a transfer, or nullptr.
  const char* refusal_of(const dma_request& r) const {
    if (r.bytes == 0) return "it has zero bytes and would never complete";
    const bool from_l1 = range_in(r.source, r.bytes, 0, view_.l1_bytes);
    const bool to_l1 = range_in(r.destination, r.bytes, 0, view_.l1_bytes);
    if (!from_l1 && !range_in(r.source, r.bytes, l2_base, view_.l2_bytes)) return "its source is outside L1 and L2";
    if (!to_l1 && !range_in(r.destination, r.bytes, l2_base, view_.l2_bytes)) {
      return "its destination is outside L1 and L2";
    }
    if (from_l1 && to_l1) return "it goes from L1 to L1, where an engine reaches only the tiles of its group";
    if (!to_l1 && r.destination - l2_base < read_only_) return "its destination is read-only data or code";
    if (dma_outstanding >= dma_queue) return "more transfers are pending than the front end holds";
    return nullptr;
  }
  /// Copies `bytes` as DMA does: it sees L1 without scrambling.
  void dma_copy(uint32_t source, uint32_t destination, uint32_t bytes) {
    while (bytes != 0) {
      const uint32_t from = in_l1(source) ? map.unscramble(source) : source;
      const uint32_t to = in_l1(destination) ? map.unscramble(destination) : destination;
      *bytes_at(to, 1) = *bytes_at(from, 1);
      if (in_l2(to) && to - l2_base < view_.l2_guarded) decode_again(to);
      ++source;
      ++destination;
      --bytes;
    }
  }
  static constexpr uint32_t dma_queue = 16;
  uint32_t dma_outstanding = 0;  ///< transfers launched and not complete; the executing mode counts
  bool dma_done = false;

  // ---- CSRs

  /// Reads or writes the state behind a CSR; counters are the caller's business.
  uint32_t read_csr(const hart& h, uint32_t number) const {
    switch (number) {
      case 0xf14: return h.id;
      case 0x7d0: return h.trace;
      case 0x7d1: return h.stack_limit;
      default: return 0;
    }
  }
  void write_csr(hart& h, uint32_t number, uint32_t value, uint64_t cycle) {
    const bool counter = (number >= 0xb00 && number < 0xba0) || (number >= 0xc00 && number < 0xca0);
    if (number == 0x7d0) {
      h.trace = value;
    } else if (number == 0x7d1) {
      h.stack_limit = value;
    } else if (number != 0xf14 && !counter && host.dump != nullptr) {
      host.dump(host.context, h.id, cycle, number, value);
    }
  }
  /// Executes a CSR instruction; `counter(number, value)` says whether a number is one of the mode's counters.
  template <class Counter>
  void execute_csr(hart& h, const decoded& d, uint64_t cycle, Counter counter) {
    uint32_t old = 0;
    if (!counter(d.imm, old)) old = read_csr(h, d.imm);
    const instruction& row = row_of(d.row);
    const uint32_t source = row.operand_form == form::csr_imm ? d.rs1 : h.x[d.rs1];
    const uint32_t function = row.match >> 12 & 3;  // 1: write, 2: set, 3: clear
    if (function == 1) {
      write_csr(h, d.imm, source, cycle);
    } else if (d.rs1 != 0) {
      write_csr(h, d.imm, function == 2 ? old | source : old & ~source, cycle);
    }
    h.x[d.rd] = old;
  }

  // ---- Stopping

  /// Stops the program; the first reason counts. A breakpoint gives way: it will be met again.
  void fault(origin from, stop_reason reason, uint32_t address, const char* detail = "") {
    if (stopped() && (stop.reason != stop_reason::breakpoint || reason == stop_reason::breakpoint)) return;
    stop.reason = reason;
    stop.core = from.core;
    stop.pc = from.pc;
    stop.instruction = word_at(from.pc);
    stop.address = address;
    stop.detail = detail;
    stop.cycle = 0;  // the executing mode knows
  }
  /// Stops at a slot that is no instruction: a breakpoint, the end of the code, or an illegal word.
  void fault_at_barrier(origin from, const decoded& d) {
    fault(from, d.rd == breakpoint_mark ? stop_reason::breakpoint : stop_reason::illegal_instruction, from.pc);
  }
  static constexpr uint8_t breakpoint_mark = 1;
  bool stopped() const { return stop.reason != stop_reason::running; }
  /// The instruction word at pc, 0 if there is none.
  uint32_t word_at(uint32_t pc) const {
    const uint32_t offset = pc - l2_base;
    if (pc % 4 == 0 && offset < view_.l2_bytes) return load_bytes(view_.l2 + offset, 4);
    const uint32_t word = (pc - boot_base) / 4;
    if (pc % 4 == 0 && word < boot_length) return boot_words[word];
    return 0;
  }

  /// When the test bench wakes the cores that wait in the boot ROM.
  static constexpr uint64_t boot_cycles = 1000;
  /// Words of the boot ROM: entry point into a0, sleep, jump there.
  static constexpr uint32_t boot_length = 4;
  uint32_t boot_words[boot_length] = {0x8000'0537, 0x0005'0513, 0x1050'0073, 0x0005'0067};
  void set_entry(uint32_t entry) {
    const uint32_t low = entry & 0xfff;
    boot_words[0] = ((entry + 0x800) & 0xffff'f000) | 0x537;
    boot_words[1] = low << 20 | 0x5'0513;
  }
  static constexpr uint32_t no_tohost = ~uint32_t{3};
  /// The word whose odd values end the program, as the RISC-V unit tests do. A symbol may be anywhere: only a word of
  /// L2 is one.
  void set_tohost(uint32_t address) {
    tohost_ = in_l2(address) && address % 4 == 0 ? address : no_tohost;
    guard();
  }
  /// Sets the function that decodes a word of code again after a store.
  void set_decoder(void (*decoder)(slot&, uint32_t word)) { decoder_ = decoder; }
  void decode_again(uint32_t address) {
    if (!l2_code_.holds(address) || decoder_ == nullptr) return;
    const uint32_t offset = (address - l2_code_.base) & ~uint32_t{3};
    decoder_(l2_code_.slots[offset / 4], word_at(l2_code_.base + offset));
  }
  void flush_uart() {
    if (uart_size_ != 0 && host.uart != nullptr) host.uart(host.context, uart_, uart_size_);
    uart_size_ = 0;
  }

 private:
  struct reservation {
    bool valid = false;
    uint32_t core = 0;
    uint32_t address = 0;
  };
  struct control_registers {
    uint32_t end_of_computation = 0;
    uint32_t stride = 0;
    uint32_t offset = 0;
    uint32_t mask_stride = 1;
    uint32_t mask_offset = 0;
    uint32_t read_only_enable = 1;
    uint32_t read_only_flush = 0;
    uint32_t read_only_start[4] = {l2_base, boot_base, 0x8, 0xc};
    uint32_t read_only_end[4] = {l2_base + 0x1000, boot_base + 0x1000, 0xc, 0x10};
  };

  static bool range_in(uint32_t address, uint32_t bytes, uint32_t base, uint32_t size) {
    const uint32_t offset = address - base;
    return offset < size && bytes <= size - offset;
  }
  void guard() {
    view_.l2_guarded = max(read_only_, l2_code_.bytes);
    if (in_l2(tohost_)) view_.l2_guarded = max(view_.l2_guarded, tohost_ - l2_base + 4);
  }
  void release(reservation& r) {
    r.valid = false;
    if (--held_reservations_ == 0) view_.l1_writable = view_.l1_bytes;
  }
  void break_reservation(uint32_t address, uint32_t core) {
    reservation& r = reservations_[map.bank(address)];
    if (r.valid && r.core != core && r.address == (address & ~uint32_t{3})) release(r);
  }

  void write_control(origin from, uint32_t offset, uint32_t value, wake_request& wake) {
    using set = wake_request::set;
    const uint32_t tiles = config.tiles_per_group();
    if (offset >= 0x08 && offset < 0x28) {
      const uint32_t group = (offset - 0x08) / 4;
      const bool in_range = tiles >= 32 || value >> tiles == 0;
      if (group < config.groups && in_range) wake = {set::tiles_of_group, value, group};
      return;
    }
    if (offset >= 0x48 && offset < 0x58) {
      control_.read_only_start[(offset - 0x48) / 4] = value;
      return;
    }
    if (offset >= 0x58 && offset < 0x68) {
      control_.read_only_end[(offset - 0x58) / 4] = value;
      return;
    }
    switch (offset) {
      case 0x00:
        control_.end_of_computation = value;
        if ((value & 1) != 0) finish(from, value >> 1);
        break;
      case 0x04:
        wake = value < config.cores() ? wake_request{set::one, value, 0} : wake_request{set::everybody, 0, 0};
        break;
      case 0x28:
        if (value == ~uint32_t{0} || value >> config.groups == 0) wake = {set::groups, value, 0};
        break;
      case 0x2c: control_.stride = value; return update_stride(from);
      case 0x30: control_.offset = value; return update_stride(from);
      case 0x40: control_.read_only_enable = value; break;
      case 0x44: control_.read_only_flush = value; break;
      default: break;
    }
  }
  void update_stride(origin from) {
    if (control_.stride == 0) {
      return fault(from, stop_reason::unsupported_access, control_base + 0x2c,
                   "a wake-up stride of 0 hangs the hardware");
    }
    control_.mask_stride = control_.stride;
    control_.mask_offset = control_.offset;
  }

  uint32_t read_dma(origin from, uint32_t offset, device_effect& effect) {
    switch (offset) {
      case 0x00: return dma_.source;
      case 0x04: return dma_.destination;
      case 0x08: return dma_.bytes;
      case 0x10: return dma_outstanding == 0 ? 1 : 0;
      case 0x14:
        if (const char* reason = refusal_of(dma_)) {
          fault(from, stop_reason::bad_dma, dma_.source, reason);
          return 0;
        }
        effect.launches_dma = true;
        effect.dma = dma_;
        dma_done = false;
        ++dma_outstanding;
        return 0;
      case 0x18: return dma_done ? 1 : 0;
      default: return 0;
    }
  }
  void write_dma(uint32_t offset, uint32_t value) {
    if (offset == 0x00) dma_.source = value;
    if (offset == 0x04) dma_.destination = value;
    if (offset == 0x08) dma_.bytes = value;
  }

  void put_char(char c) {
    uart_[uart_size_++] = c;
    if (c == '\n' || uart_size_ == sizeof(uart_)) flush_uart();
  }
  void finish(origin from, uint32_t exit_code) {
    if (stopped() && stop.reason != stop_reason::breakpoint) return;
    fault(from, stop_reason::finished, 0);
    stop.exit_code = exit_code;
  }
  void end_by_tohost(origin from) {
    const uint32_t value = load_bytes(view_.l2 + (tohost_ - l2_base), 4);
    if ((value & 1) != 0) finish(from, value >> 1);
  }

  buffer<uint8_t> l1_;
  buffer<uint8_t> l2_;
  buffer<reservation> reservations_;
  uint32_t held_reservations_ = 0;
  memory_view view_;
  code_region l2_code_;
  code_region boot_;
  code_region nowhere_;
  uint32_t read_only_ = 0;
  uint32_t tohost_ = no_tohost;
  void (*decoder_)(slot&, uint32_t) = nullptr;
  control_registers control_;
  dma_request dma_;
  char uart_[256] = {};
  uint32_t uart_size_ = 0;
};

}  // namespace tessera::sim
