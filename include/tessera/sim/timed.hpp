// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The timed mode: advances all cores, the interconnect, the instruction caches and DMA cycle by cycle, looking only at
/// what is active. Every cycle of every core is one issued instruction or one stall with a cause.
/// Source: Snitch's pipeline as in the specification's sections 7 to 12 (snitch.sv, snitch_ipu.sv, snitch_lsu.sv).

#include "tessera/sim/coprocessor.hpp"
#include "tessera/sim/dma.hpp"
#include "tessera/sim/stalls.hpp"
#include "tessera/sim/system_port.hpp"

namespace tessera::sim {

/// What may watch a timed run. This one does not, and costs nothing.
struct no_observer {
  static constexpr bool watches = false;
  void issued(uint32_t, uint64_t, uint32_t, const decoded&) {}
  void stalled(uint32_t, uint64_t, stall) {}
  void slept(uint32_t, uint64_t) {}
  void woke(uint32_t, uint64_t) {}
  void wrote(uint32_t, uint64_t, uint8_t, uint32_t) {}
};

class timed {
 public:
  explicit timed(soc& s)
      : soc_(s),
        slots_per_core_(s.config.outstanding + 1),
        network_(s, size_t{s.config.cores()} * slots_per_core_),
        fetch_(s),
        dma_(s),
        cores_(s.config.cores()),
        running_(s.config.cores()),
        requesting_(s.config.cores()),
        held_(s.config.cores()),
        arrived_(s.config.cores()),
        ports_(s, size_t{s.config.cores()} * slots_per_core_) {
    reset();
  }

  uint64_t cycle() const { return now_; }

  void reset() {
    now_ = 0;
    booted_ = false;
    running_.clear();
    requesting_.clear();
    network_ = interconnect(soc_, size_t{soc_.config.cores()} * slots_per_core_);
    fetch_.reset();
    dma_.reset();
    ports_.reset();
    wakes_.clear();
    for (uint64_t& n : executed) n = 0;
    for (uint64_t& n : marked_executed) n = 0;
    for (core_state& c : cores_) {
      c = core_state{};
      c.free_slots = (1u << slots_per_core_) - 1;
    }
    for (uint32_t core = 0; core < cores_.size(); ++core) running_.add(core);
  }

  /// Derives what the prefetchers will predict; to be called when code has been loaded.
  void set_code() {
    predictions_ = instruction_cache::predict(soc_.config, soc_.l2_code());
    boot_predictions_ = instruction_cache::predict(soc_.config, soc_.boot_code());
  }

  /// Runs until the program stops or `end` cycles have passed since reset.
  template <class Observer>
  void run(uint64_t end, Observer& observer) {
    while (!soc_.stopped() && now_ < end) {
      if (running_.empty() && requesting_.empty() && network_.quiet() && fetch_.quiet()) {
        if (!skip_to_event(end)) break;
        if (now_ >= end) break;
      }
      advance(observer);
      ++now_;
    }
    if (soc_.stopped() && soc_.stop.cycle == 0) soc_.stop.cycle = now_;
  }
  void run(uint64_t end) {
    no_observer nobody;
    run(end, nobody);
  }

  // ---- For debuggers

  static constexpr uint32_t no_core = ~uint32_t{0};

  /// Runs `core` alone, or nobody, while what is in flight goes on. The other cores lose these cycles as `halted`.
  void run_alone(uint32_t core, uint64_t end) {
    no_observer observer;
    while (!soc_.stopped() && now_ < end) advance_alone(core, observer);
    release();
  }
  /// Lets loads arrive and stores happen, so that registers and memory are as the program has made them so far; also
  /// after a stop. A transfer of DMA is not waited for.
  void settle() {
    no_observer observer;
    while (!settled()) advance_alone(no_core, observer);
    release();
  }

  // ---- Counters

  /// What became of a core's cycles, the current sleep included.
  cycle_counts counts(uint32_t core) const {
    cycle_counts sum = counts_of(core, 0);
    sum += counts_of(core, 1);
    return sum;
  }
  /// The same, of the cycles in which the program had marked itself as of interest: trace CSR not 0.
  cycle_counts marked_counts(uint32_t core) const { return counts_of(core, 1); }
  uint64_t stalls(uint32_t core, stall cause) const { return counts(core).lost(cause); }
  uint64_t bank_conflicts() const { return network_.conflicts; }
  uint64_t dma_bytes() const { return dma_.bytes; }
  uint64_t line_refills() const { return fetch_.refills; }
  uint64_t executed[256] = {};         ///< instructions issued, by row of the table
  uint64_t marked_executed[256] = {};  ///< those of interest

 private:
  static constexpr uint64_t never = ~uint64_t{0};

  struct core_state {
    uint32_t busy = 0;        // registers that wait for a result
    uint32_t busy_unit = 0;   // ... of the coprocessor
    uint32_t busy_far = 0;    // ... of L2 or a device
    uint64_t loaded = never;  // the last cycle in which a load's data arrived
    coprocessor unit;
    bool holds = false;  // a request waits to leave
    bool has_id = false;
    stall held_by = stall::transactions;
    packet_id held = 0;
    uint8_t in_flight = 0;
    uint32_t free_slots = 0;  // of packets
    uint64_t asleep_since = 0;
    cycle_counts counts[2];  // [1]: of interest
  };
  struct wake_event {
    wake_request request;
    uint64_t when = 0;
  };

  static int is_marked(const hart& h) { return h.trace != 0 ? 1 : 0; }
  void lose(uint32_t core, stall cause, uint64_t cycles = 1) {
    cores_[core].counts[is_marked(soc_.harts[core])].lose(cause, cycles);
  }
  cycle_counts counts_of(uint32_t core, int marked) const {
    const core_state& c = cores_[core];
    cycle_counts counts = c.counts[marked];
    const hart& h = soc_.harts[core];
    if (h.asleep && is_marked(h) == marked && now_ > c.asleep_since) counts.lose(stall::sleep, now_ - c.asleep_since);
    return counts;
  }

  static constexpr uint32_t bit(uint8_t reg) { return static_cast<uint32_t>(uint64_t{1} << reg) & ~1u; }

  // ---- One cycle

  template <class Observer>
  void advance(Observer& observer) {
    events(observer);
    dma_.advance(now_, network_, [&](uint32_t engine) -> group_port& { return ports_.of_dma_engine(engine); });
    if (soc_.flushes_read_only()) ports_.flush();
    arrived_count_ = 0;
    const auto arrive = [&](packet_id id) {
      arrived_[arrived_count_++] = id;
      const packet& p = network_.at(id);
      if (row_of(p.row).executes_on != unit::store) cores_[p.core].loaded = now_;
    };
    network_.respond(now_, arrive);
    ports_.respond(now_, network_, arrive);
    running_.prune([&](uint32_t core) { return step(core, observer); });
    fetch_.advance(now_, [&](uint32_t tile) -> group_port& { return ports_.of_tile(tile); });
    move_requests();
    for (uint32_t i = 0; i < arrived_count_; ++i) retire(arrived_[i], observer);
  }

  template <class Observer>
  void advance_alone(uint32_t core, Observer& observer) {
    events(observer);  // first, because it may wake cores that are to be held
    running_.prune([&](uint32_t other) {
      if (other != core) held_.add(other);
      return other == core;
    });
    held_.prune([&](uint32_t other) {
      if (!soc_.harts[other].asleep) lose(other, stall::halted);
      return true;
    });
    advance(observer);
    ++now_;
  }
  void release() {
    held_.drain([&](uint32_t core) { running_.add(core); });
    if (soc_.stopped() && soc_.stop.cycle == 0) soc_.stop.cycle = now_;
  }
  bool settled() const {
    for (const core_state& c : cores_) {
      if (c.holds || c.in_flight != 0) return false;
    }
    return true;
  }

  /// Skips cycles in which nothing can happen. False if nothing ever will.
  bool skip_to_event(uint64_t end) {
    uint64_t next = never;
    if (!dma_.idle()) next = min(next, dma_.next_event());
    if (!wakes_.empty()) next = min(next, wakes_.front().when);
    next = min(next, ports_.next_event());
    if (next == never && !booted_) {
      // The test bench wakes all cores once, when they had time to fall asleep in the boot ROM.
      booted_ = true;
      wakes_.push({{wake_request::set::everybody, 0, 0}, max(now_, soc::boot_cycles)});
      next = wakes_.front().when;
    }
    if (next == never) {
      soc_.fault(soc_.harts[0].where(), stop_reason::deadlock, 0);
      return false;
    }
    if (next > now_) now_ = min(next, end);
    return true;
  }

  template <class Observer>
  void events(Observer& observer) {
    while (!wakes_.empty() && wakes_.front().when <= now_) {
      const wake_request request = wakes_.front().request;
      wakes_.pop();
      soc_.for_each_woken(request, [&](uint32_t core) { wake(core, observer); });
    }
    ports_.access_devices(now_, [&](packet_id id) { access_device(id); });
  }
  template <class Observer>
  void wake(uint32_t core, Observer& observer) {
    hart& h = soc_.harts[core];
    if (!h.asleep) {
      h.pending_wakes = (h.pending_wakes + 1) & 7;
      return;
    }
    h.asleep = false;
    const core_state& c = cores_[core];
    if (now_ > c.asleep_since) lose(core, stall::sleep, now_ - c.asleep_since);
    running_.add(core);
    if constexpr (Observer::watches) observer.woke(core, now_);
  }
  void access_device(packet_id id) {
    packet& p = network_.at(id);
    const origin from = {p.core, p.pc};
    device_effect effect;
    if (row_of(p.row).executes_on == unit::store) {
      soc_.write_device(from, p.address, p.data, effect);
    } else {
      p.data = extend(soc_.read_device(from, p.address, effect), row_of(p.row));
    }
    if (effect.launches_dma) dma_.launch(effect.dma, now_);
    if (effect.wake.who != wake_request::set::nobody) {
      wakes_.push({effect.wake, now_ + soc_.config.latency.wake_up});
    }
  }

  // ---- A core's cycle

  /// Issues an instruction or loses the cycle. False when the core need not be looked at until it wakes.
  template <class Observer>
  bool step(uint32_t core, Observer& observer) {
    hart& h = soc_.harts[core];
    core_state& c = cores_[core];
    if (h.asleep) {
      advance_unit(c, false);
      return !c.unit.idle();
    }
    bool writes_register = false;
    stall cause = stall::fetch;
    if (issue(core, h, c, writes_register, cause, observer)) {
      ++h.instructions;
      ++c.counts[is_marked(h)].instructions;
    } else {
      lose(core, cause);
      if constexpr (Observer::watches) observer.stalled(core, now_, cause);
    }
    advance_unit(c, writes_register);
    return !h.asleep || !c.unit.idle();
  }

  template <class Observer>
  bool issue(uint32_t core, hart& h, core_state& c, bool& writes_register, stall& cause, Observer& observer) {
    if (!h.code.holds(h.pc) || h.pc % 4 != 0) {
      cause = stall::halted;
      if (!soc_.admits_jump(h.where(), h.pc)) return false;
      h.code = soc_.region_of(h.pc);
      if (h.code.slots == nullptr) {
        soc_.fault(h.where(), stop_reason::fetch_outside_code, h.pc);
        return false;
      }
    }
    const uint32_t place = (h.pc - h.code.base) / 4;
    const buffer<uint32_t>& predictions = h.code.base == l2_base ? predictions_ : boot_predictions_;
    if (!fetch_.fetch(core, network_.tile_of_core(core), h.pc, predictions[place])) {
      cause = stall::fetch;
      return false;
    }
    const decoded& d = h.code.slots[place].instruction;
    const instruction& row = row_of(d.row);
    const form f = row.operand_form;
    uint32_t needed = bit(d.rd) & (writes_rd(f) || stores_by_register(f) ? ~0u : 0u);
    if (reads_rs1(f)) needed |= bit(d.rs1);
    if (reads_rs2(f)) needed |= bit(d.rs2);
    if ((c.busy & needed) != 0) {
      cause = (c.busy_far & needed) != 0 ? stall::far_load : (c.busy_unit & needed) != 0 ? stall::result : stall::load;
      return false;
    }
    uint32_t next = h.pc + 4;
    switch (row.executes_on) {
      case unit::illegal:
        cause = stall::halted;
        soc_.fault_at_barrier(h.where(), d);
        return false;
      case unit::alu:
        h.x[d.rd] = row.compute(operands_of(h, d, row, h.pc));
        writes_register = d.rd != sink;
        break;
      case unit::ipu:
      case unit::divider: {
        if (!c.unit.ready()) {
          cause = stall::unit_full;
          return false;
        }
        const operands o = operands_of(h, d, row, h.pc);
        h.x[d.rd] = row.compute(o);
        c.busy |= bit(d.rd);
        c.busy_unit |= bit(d.rd);
        c.unit.issue(d.rd, row, o);
        break;
      }
      case unit::branch:
        if (row.compute(operands_of(h, d, row, h.pc)) != 0) next = h.pc + d.imm;
        if (!soc_.admits_jump(h.where(), next)) {
          cause = stall::halted;
          return false;
        }
        break;
      case unit::jump:
        next = f == form::jump ? h.pc + d.imm : (h.x[d.rs1] + d.imm) & ~uint32_t{1};
        if (!soc_.admits_jump(h.where(), next)) {
          cause = stall::halted;
          return false;
        }
        h.x[d.rd] = h.pc + 4;
        writes_register = d.rd != sink;
        break;
      case unit::fence:
        if (c.holds || c.in_flight != 0) {
          cause = stall::fence;
          return false;
        }
        break;
      case unit::csr:
        execute_csr(core, h, d);
        writes_register = d.rd != sink;
        break;
      case unit::wait:
        if (h.pending_wakes != 0) {
          --h.pending_wakes;
        } else {
          h.asleep = true;
          c.asleep_since = now_ + 1;
          if constexpr (Observer::watches) observer.slept(core, now_ + 1);
        }
        break;
      case unit::nothing: break;
      case unit::load:
      case unit::store:
      case unit::atomic:
      case unit::reserve:
      case unit::conditional:
        if (c.holds) {
          cause = c.held_by;
          return false;
        }
        if (!request(core, h, c, d, row)) {
          cause = stall::halted;
          return false;
        }
        writes_register = post_increments(f) && d.rs1 != 0;
        break;
    }
    const bool arrives_later = row.bytes != 0 && writes_rd(f) && d.rd == 2;
    if (sets_stack_pointer(d, f) && !arrives_later) soc_.check_stack(h.where(), h);
    ++executed[d.row];
    if (is_marked(h) != 0) ++marked_executed[d.row];
    h.remember(h.pc);
    if constexpr (Observer::watches) observer.issued(core, now_, h.pc, d);
    h.pc = next;
    return true;
  }

  /// Makes a packet of a load, store or atomic; false if the access is refused.
  bool request(uint32_t core, hart& h, core_state& c, const decoded& d, const instruction& row) {
    const form f = row.operand_form;
    const memory_operands m = memory_operands_of(h, d, f);
    if (!soc_.admits(h.where(), row, m)) return false;
    const uint32_t slot = static_cast<uint32_t>(__builtin_ctz(c.free_slots));
    c.free_slots &= c.free_slots - 1;
    c.held = static_cast<packet_id>(core * slots_per_core_ + slot);
    c.holds = true;
    c.has_id = false;
    packet& p = network_.at(c.held);
    p.address = m.address;
    p.data = h.x[d.rs2];
    p.core = static_cast<uint16_t>(core);
    p.row = d.row;
    p.rd = d.rd;
    p.pc = h.pc;
    if (soc_.in_l1(m.address)) network_.route(p);
    if (post_increments(f)) {
      h.x[d.rs1] = m.updated_base;
      h.x[0] = 0;
    }
    if (writes_rd(f)) {
      c.busy |= bit(d.rd);
      if (!soc_.in_l1(m.address)) c.busy_far |= bit(d.rd);
    }
    requesting_.add(core);
    return true;
  }

  void execute_csr(uint32_t core, hart& h, const decoded& d) {
    const auto lost = [&](auto... causes) {
      const cycle_counts c = counts(core);
      return static_cast<uint32_t>((c.lost(causes) + ...));
    };
    soc_.execute_csr(h, d, now_, [&](uint32_t number, uint32_t& value) {
      switch (number) {
        case 0xb00: value = static_cast<uint32_t>(now_); return true;
        case 0xb80: value = static_cast<uint32_t>(now_ >> 32); return true;
        case 0xb02: value = static_cast<uint32_t>(h.instructions); return true;
        case 0xb82: value = static_cast<uint32_t>(h.instructions >> 32); return true;
        case 0xb03: value = lost(stall::fetch); return true;
        case 0xb04:
          value = lost(stall::bank_conflict, stall::port_conflict, stall::dma_conflict, stall::transactions,
                       stall::system_port);
          return true;
        case 0xb05: value = lost(stall::load, stall::far_load, stall::result); return true;
        default: return false;
      }
    });
  }

  void advance_unit(core_state& c, bool port_taken) {
    const uint8_t written = c.unit.advance(now_, port_taken && c.loaded == now_);
    if (written == coprocessor::nothing) return;
    c.busy &= ~bit(written);
    c.busy_unit &= ~bit(written);
  }

  /// A response has reached its core: the register is written at the end of this cycle.
  template <class Observer>
  void retire(packet_id id, Observer& observer) {
    const packet& p = network_.at(id);
    core_state& c = cores_[p.core];
    if (writes_rd(row_of(p.row).operand_form)) {
      hart& h = soc_.harts[p.core];
      h.x[p.rd] = p.data;
      c.busy &= ~bit(p.rd);
      c.busy_far &= ~bit(p.rd);
      if (p.rd == 2) soc_.check_stack({p.core, p.pc}, h);
      if constexpr (Observer::watches) observer.wrote(p.core, now_, p.rd, p.data);
    }
    c.free_slots |= 1u << (id - p.core * slots_per_core_);
    --c.in_flight;
  }

  // ---- Requests

  void move_requests() {
    network_.advance_requests(now_);
    if (!requesting_.empty()) {
      requesting_.prune([&](uint32_t core) {
        core_state& c = cores_[core];
        if (!c.has_id) {
          if (c.in_flight == soc_.config.outstanding) {
            c.held_by = stall::transactions;
            return true;
          }
          c.has_id = true;
          ++c.in_flight;
        }
        if (soc_.in_l1(network_.at(c.held).address)) {
          network_.offer(c.held);
        } else {
          c.held_by = stall::system_port;
          ports_.offer(network_.tile_of_core(core), core % soc_.config.cores_per_tile);
        }
        return true;
      });
    }
    const auto taken = [&](packet_id id) { cores_[network_.at(id).core].holds = false; };
    const auto access = [&](packet_id id) { perform(network_.at(id)); };
    network_.grant(
        now_, taken,
        [&](packet_id id, obstacle why) {
          cores_[network_.at(id).core].held_by = why == obstacle::bank   ? stall::bank_conflict
                                                 : why == obstacle::port ? stall::port_conflict
                                                                         : stall::dma_conflict;
        },
        access);
    ports_.grant(
        now_, network_,
        [&](uint32_t tile, uint32_t local) { return cores_[soc_.config.first_core_of(tile) + local].held; }, taken,
        access);
    requesting_.prune([&](uint32_t core) { return cores_[core].holds; });
  }

  /// The access happens: memory changes, and the packet takes what was read.
  void perform(packet& p) {
    const instruction& row = row_of(p.row);
    const origin from = {p.core, p.pc};
    if (row.executes_on == unit::load) {
      p.data = extend(soc_.read(p.address, row.bytes), row);
    } else if (row.executes_on == unit::store) {
      soc_.write(from, p.address, p.data, row.bytes);
    } else {
      p.data = soc_.atomic(from, row, p.address, p.data);
    }
  }

  soc& soc_;
  uint32_t slots_per_core_;
  interconnect network_;
  instruction_cache fetch_;
  dma_engines dma_;
  buffer<core_state> cores_;
  worklist running_;     // awake, or with results on their way
  worklist requesting_;  // cores whose request waits
  worklist held_;        // by a debugger
  buffer<packet_id> arrived_;
  uint32_t arrived_count_ = 0;
  system_ports ports_;
  ring<wake_event, most_wakes> wakes_;
  buffer<uint32_t> predictions_;
  buffer<uint32_t> boot_predictions_;
  uint64_t now_ = 0;
  bool booted_ = false;
};

}  // namespace tessera::sim
