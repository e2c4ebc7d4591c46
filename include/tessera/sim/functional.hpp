// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The functional mode: executes instructions as fast as it can, one after the other, without time. Cores take turns of
/// `quantum` instructions, so that results do not depend on the host. Each decoded instruction carries the function
/// that executes it; what touches devices, CSRs, atomics or is wrong takes the slow path, `step`.

#include "tessera/sim/soc.hpp"

namespace tessera::sim {

namespace detail {

/// The slot behind a jump, or nullptr if the target is outside the code where the core is.
inline const slot* jump(const hart& h, uint32_t target) {
  const uint32_t offset = target - h.code.base;
  if (offset >= h.code.bytes || offset % 4 != 0) return nullptr;
  return h.code.slots + offset / 4;
}
inline uint32_t pc_of(const hart& h, const slot* s) {
  return h.code.base + static_cast<uint32_t>(s - h.code.slots) * 4;
}

/// Anything: leaves it to the slow path.
inline const slot* take_slow_path(hart&, const slot*) { return nullptr; }

/// addi sp, ...: the way in which programs claim stack.
inline const slot* add_to_stack_pointer(hart& h, const slot* s) {
  const uint32_t value = h.x[s->instruction.rs1] + s->instruction.imm;
  if (h.overflows(value)) return nullptr;
  h.x[2] = value;
  return s + 1;
}

/// Executes row Row, or returns nullptr for the slow path, having changed nothing.
template <int Row>
const slot* execute(hart& h, const slot* s) {
  constexpr instruction row = instructions[Row];
  constexpr form f = row.operand_form;
  const decoded& d = s->instruction;
  if constexpr (row.executes_on == unit::alu || row.executes_on == unit::ipu || row.executes_on == unit::divider) {
    h.x[d.rd] = row.compute(operands_of(h, d, row, f == form::u_pc ? pc_of(h, s) : 0));
    return s + 1;
  } else if constexpr (row.executes_on == unit::load || row.executes_on == unit::store) {
    const memory_operands m = memory_operands_of(h, d, f);
    const memory_view& v = *h.memory;
    const uint32_t tested = m.address | (post_increments(f) ? m.updated_base : 0);
    if ((tested & (row.bytes - 1u)) != 0) return nullptr;
    const uint32_t offset = m.address - l2_base;
    if constexpr (row.executes_on == unit::load) {
      const uint8_t* p = nullptr;
      if (m.address < v.l1_bytes) {
        p = v.l1 + m.address;
      } else {
        if (offset >= v.l2_bytes) return nullptr;
        p = v.l2 + offset;
      }
      const uint32_t value = extend(load_bytes(p, row.bytes), row);
      if constexpr (post_increments(f)) {
        h.x[d.rs1] = m.updated_base;
        h.x[0] = 0;
      }
      h.x[d.rd] = value;
    } else {
      uint8_t* p = nullptr;
      if (m.address < v.l1_writable) {
        p = v.l1 + m.address;
      } else {
        if (offset >= v.l2_bytes || offset < v.l2_guarded) return nullptr;
        p = v.l2 + offset;
      }
      store_bytes(p, h.x[d.rs2], row.bytes);
      if constexpr (post_increments(f)) {
        h.x[d.rs1] = m.updated_base;
        h.x[0] = 0;
      }
    }
    return s + 1;
  } else if constexpr (row.executes_on == unit::branch) {
    if (row.compute(operands_of(h, d, row, 0)) == 0) return s + 1;
    return jump(h, pc_of(h, s) + d.imm);
  } else if constexpr (row.executes_on == unit::jump) {
    const uint32_t pc = pc_of(h, s);
    const slot* const target = jump(h, f == form::jump ? pc + d.imm : (h.x[d.rs1] + d.imm) & ~uint32_t{1});
    if (target != nullptr) h.x[d.rd] = pc + 4;
    return target;
  } else if constexpr (row.executes_on == unit::fence || row.executes_on == unit::nothing) {
    return s + 1;
  } else {
    return nullptr;
  }
}

using handler = const slot* (*)(hart&, const slot*);

template <int... Row>
struct rows {};
template <int Count, int... Row>
struct first_rows : first_rows<Count - 1, Count - 1, Row...> {};
template <int... Row>
struct first_rows<0, Row...> {
  using type = rows<Row...>;
};

struct handler_table {
  handler of[256] = {};
  template <int... Row>
  constexpr explicit handler_table(rows<Row...>) : of{execute<Row>...} {
    for (unsigned i = sizeof...(Row); i < 256; ++i) of[i] = take_slow_path;
  }
};
inline constexpr handler_table handlers{first_rows<instruction_count>::type{}};

}  // namespace detail

/// Decodes one word for the functional mode.
inline void decode_slot(slot& s, uint32_t word) {
  s.instruction = decode(word);
  const decoded& d = s.instruction;
  s.run = detail::handlers.of[d.row];
  const instruction& row = row_of(d.row);
  if (sets_stack_pointer(d, row.operand_form)) {
    const bool is_addi = row.executes_on == unit::alu && row.operand_form == form::i && row.match == 0x13;
    s.run = is_addi ? detail::add_to_stack_pointer : detail::take_slow_path;
  }
}
/// Makes a slot that stops whoever reaches it.
inline void make_breakpoint(slot& s) { s = {detail::take_slow_path, {illegal_row, soc::breakpoint_mark, 0, 0, 0}}; }
inline bool is_breakpoint(const slot& s) {
  return s.instruction.row == illegal_row && s.instruction.rd == soc::breakpoint_mark;
}

class functional {
 public:
  /// Instructions that a core executes before the next one's turn.
  static constexpr uint32_t quantum = 1024;

  explicit functional(soc& s) : soc_(s) {}

  uint64_t cycle() const { return clock_; }
  void reset() {
    clock_ = 0;
    booted_ = false;
    next_ = no_core;
  }
  static constexpr uint32_t no_core = ~uint32_t{0};

  /// Runs until the program stops, the clock, which counts turns of all cores, reaches `end`, or the core `stepped` has
  /// executed an instruction. What interrupts a turn leaves its rest to the next call: a debugger changes no result.
  void run(uint64_t end, uint32_t stepped = no_core) {
    while (!soc_.stopped() && clock_ < end) {
      if (next_ == no_core) {
        turn_ = left_ = static_cast<uint32_t>(min<uint64_t>(end - clock_, quantum));
        awake_ = false;
        next_ = 0;
      }
      for (; next_ < soc_.harts.size(); ++next_, left_ = turn_) {
        hart& h = soc_.harts[next_];
        if (h.asleep || left_ == 0) continue;
        awake_ = true;
        const uint32_t budget = next_ == stepped ? 1 : left_;
        const uint32_t unused = run_core(h, budget);
        left_ -= budget - unused;
        if (soc_.stopped() || (next_ == stepped && unused == 0)) return;
      }
      next_ = no_core;
      if (awake_) {
        clock_ += turn_;
      } else if (!wake_at_boot()) {
        soc_.fault(soc_.harts[0].where(), stop_reason::deadlock, 0);
        soc_.stop.cycle = clock_;
      }
    }
  }

  /// Executes one instruction of a core; false if it sleeps or the program has stopped.
  bool step(hart& h) {
    if (h.id == next_ && left_ != 0) --left_;
    return step(h, 0);
  }

  /// The testbench's part in booting: when the cores sleep in the boot ROM, it wakes them all, once.
  bool wake_at_boot() {
    if (booted_) return false;
    booted_ = true;
    if (clock_ < soc::boot_cycles) clock_ = soc::boot_cycles;
    soc_.for_each_woken({wake_request::set::everybody, 0, 0}, [&](uint32_t core) { wake(soc_.harts[core]); });
    return true;
  }

 private:
  /// Runs up to `budget` instructions of one core; returns how many it did not execute.
  uint32_t run_core(hart& h, uint32_t budget) {
    uint32_t left = budget;
    while (left != 0 && !h.asleep) {
      if (!h.code.holds(h.pc)) h.code = soc_.region_of(h.pc);
      if (h.code.slots != nullptr && h.pc % 4 == 0) {
        const slot* s = h.code.slots + (h.pc - h.code.base) / 4;
        const uint32_t before = left;
        const slot* recent[history_length] = {};
        while (left != 0) {
          recent[left % history_length] = s;
          const slot* const next = s->run(h, s);
          if (next == nullptr) break;
          s = next;
          --left;
        }
        h.instructions += before - left;
        remember(h, recent, before, left);
        h.pc = detail::pc_of(h, s);
        if (left == 0) return 0;
      }
      const bool goes_on = step(h, turn_ - left_ + budget - left);
      if (!soc_.stopped()) --left;
      if (!goes_on) return left;
    }
    return left;
  }
  /// The fast path's last instructions, oldest first, into the history.
  static void remember(hart& h, const slot* const (&recent)[history_length], uint32_t before, uint32_t left) {
    const uint32_t executed = min<uint32_t>(before - left, history_length);
    for (uint32_t i = executed; i != 0; --i) h.remember(detail::pc_of(h, recent[(left + i) % history_length]));
  }

  /// The slow path: any instruction. `elapsed`: instructions of this turn before it.
  bool step(hart& h, uint32_t elapsed) {
    const uint64_t now = clock_ + elapsed;
    execute_any(h, now);
    if (soc_.stopped()) {
      soc_.stop.cycle = now;
      return false;
    }
    return !h.asleep;
  }

  void execute_any(hart& h, uint64_t now) {
    if (!soc_.admits_jump(h.where(), h.pc)) return;
    const slot* const s = soc_.slot_at(h.pc);
    if (s == nullptr) return soc_.fault(h.where(), stop_reason::fetch_outside_code, h.pc);
    const decoded d = s->instruction;  // a copy: an instruction may overwrite itself
    const instruction& row = row_of(d.row);
    uint32_t next = h.pc + 4;
    switch (row.executes_on) {
      case unit::illegal: return soc_.fault_at_barrier(h.where(), d);
      case unit::alu:
      case unit::ipu:
      case unit::divider: h.x[d.rd] = row.compute(operands_of(h, d, row, h.pc)); break;
      case unit::branch:
        if (row.compute(operands_of(h, d, row, h.pc)) != 0) next = h.pc + d.imm;
        if (!soc_.admits_jump(h.where(), next)) return;
        break;
      case unit::jump:
        next = row.operand_form == form::jump ? h.pc + d.imm : (h.x[d.rs1] + d.imm) & ~uint32_t{1};
        if (!soc_.admits_jump(h.where(), next)) return;
        h.x[d.rd] = h.pc + 4;
        break;
      case unit::csr:
        soc_.execute_csr(h, d, now, [&](uint32_t number, uint32_t& value) {
          switch (number) {
            case 0xb00: value = static_cast<uint32_t>(now); return true;
            case 0xb80: value = static_cast<uint32_t>(now >> 32); return true;
            case 0xb02: value = static_cast<uint32_t>(h.instructions); return true;
            case 0xb82: value = static_cast<uint32_t>(h.instructions >> 32); return true;
            default: return false;
          }
        });
        break;
      case unit::wait:
        if (h.pending_wakes != 0) {
          --h.pending_wakes;
        } else {
          h.asleep = true;
        }
        break;
      case unit::fence:
      case unit::nothing: break;
      default:
        if (!access(h, d, row)) return;
        break;
    }
    if (soc_.stopped() && soc_.stop.reason != stop_reason::finished) return;
    if (sets_stack_pointer(d, row.operand_form)) soc_.check_stack(h.where(), h);
    h.remember(h.pc);
    h.pc = next;
    ++h.instructions;
  }

  /// Loads, stores and atomics. False if the program stopped before it.
  bool access(hart& h, const decoded& d, const instruction& row) {
    const memory_operands m = memory_operands_of(h, d, row.operand_form);
    if (!soc_.admits(h.where(), row, m)) return false;
    device_effect effect;
    uint32_t value = 0;
    if (row.executes_on == unit::load) {
      value =
          soc::is_device(m.address) ? soc_.read_device(h.where(), m.address, effect) : soc_.read(m.address, row.bytes);
      value = extend(value, row);
    } else if (row.executes_on == unit::store) {
      if (soc::is_device(m.address)) {
        soc_.write_device(h.where(), m.address, h.x[d.rs2], effect);
      } else {
        soc_.write(h.where(), m.address, h.x[d.rs2], row.bytes);
      }
    } else {
      value = soc_.atomic(h.where(), row, m.address, h.x[d.rs2]);
    }
    if (soc_.stopped() && soc_.stop.reason != stop_reason::finished) return false;
    if (post_increments(row.operand_form)) {
      h.x[d.rs1] = m.updated_base;
      h.x[0] = 0;
    }
    if (writes_rd(row.operand_form)) h.x[d.rd] = value;
    if (effect.launches_dma) {
      soc_.dma_copy(effect.dma.source, effect.dma.destination, effect.dma.bytes);
      --soc_.dma_outstanding;
      soc_.dma_done = true;
    }
    soc_.for_each_woken(effect.wake, [&](uint32_t core) { wake(soc_.harts[core]); });
    return true;
  }

  static void wake(hart& h) {
    if (h.asleep) {
      h.asleep = false;
    } else {
      h.pending_wakes = (h.pending_wakes + 1) & 7;  // the hardware's counter has three bits
    }
  }

  soc& soc_;
  uint64_t clock_ = 0;
  bool booted_ = false;
  // The turn under way: whose it is, its length, what that core has left of it, and whether anybody was awake.
  uint32_t next_ = no_core;
  uint32_t turn_ = 0;
  uint32_t left_ = 0;
  bool awake_ = false;
};

}  // namespace tessera::sim
