// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The timed mode: advances all cores, the interconnect, the instruction caches and DMA cycle by cycle, looking only at
/// what is active. Every cycle of every core is one issued instruction or one stall with a cause.
/// Source: Snitch's pipeline as in the specification's sections 7 to 12 (snitch.sv, snitch_ipu.sv, snitch_lsu.sv).

#include "tessera/sim/dma.hpp"
#include "tessera/sim/stalls.hpp"

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
        ports_(size_t{s.config.groups} * s.config.sub_groups),
        tile_ports_(s.config.tiles),
        to_tile_ports_(s.config.tiles),
        responding_tiles_(s.config.tiles),
        device_reads_(size_t{s.config.cores()} * slots_per_core_),
        device_writes_(size_t{s.config.cores()} * slots_per_core_) {
    reset();
  }

  uint64_t cycle() const { return now_; }

  void reset() {
    now_ = 0;
    booted_ = false;
    running_.clear();
    requesting_.clear();
    responding_tiles_.clear();
    network_ = interconnect(soc_, size_t{soc_.config.cores()} * slots_per_core_);
    fetch_.reset();
    dma_.reset();
    for (group_port& p : ports_) p = group_port(soc_.config);
    for (tile_port& p : tile_ports_) p = tile_port{};
    device_reads_.clear();
    device_writes_.clear();
    device_read_free_ = device_write_free_ = 0;
    wakes_.clear();
    for (uint64_t& n : executed) n = 0;
    for (core_state& c : cores_) {
      c = core_state{};
      c.free_slots = (1u << slots_per_core_) - 1;
    }
    for (uint32_t core = 0; core < cores_.size(); ++core) running_.add(core);
  }

  /// Derives what the prefetchers will predict; to be called when code has been loaded.
  void set_code() {
    predictions_ = predict(soc_.l2_code());
    boot_predictions_ = predict(soc_.boot_code());
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

  /// Cycles that a core lost to a cause, the current sleep included.
  uint64_t stalls(uint32_t core, stall cause) const {
    const core_state& c = cores_[core];
    uint64_t cycles = c.stalls[static_cast<int>(cause)];
    if (cause == stall::sleep && soc_.harts[core].asleep && now_ > c.asleep_since) cycles += now_ - c.asleep_since;
    return cycles;
  }
  uint64_t bank_conflicts() const { return network_.conflicts; }
  uint64_t dma_bytes() const { return dma_.bytes; }
  uint64_t line_refills() const { return fetch_.refills; }
  uint64_t executed[256] = {};  ///< instructions issued, by row of the table

 private:
  static constexpr uint64_t never = ~uint64_t{0};

  /// An instruction in the IPU (coprocessor).
  struct unit_entry {
    uint8_t rd = 0;
    bool divides = false;
    uint8_t iterations = 0;  // of a division, beyond its fixed part
  };
  struct core_state {
    uint32_t busy = 0;       // registers that wait for a result
    uint32_t busy_unit = 0;  // ... of the IPU or divider
    uint32_t busy_far = 0;   // ... of L2 or a device
    uint64_t loaded = never;  // the last cycle in which a load's data arrived
    ring<unit_entry, 2> unit_in;
    ring<uint8_t, 2> unit_out;  // destinations
    unit_entry arrival;         // what was issued in this cycle
    bool arriving = false;
    uint8_t in_unit = 0;        // instructions in there
    uint64_t division_ends = never;
    uint8_t division_rd = 0;
    bool dividing = false;
    bool holds = false;       // a request waits to leave
    bool has_id = false;
    stall held_by = stall::transactions;
    packet_id held = 0;
    uint8_t in_flight = 0;
    uint32_t free_slots = 0;  // of packets
    uint64_t asleep_since = 0;
    uint64_t stalls[stall_count] = {};
  };
  /// A tile's port to the rest of the system.
  struct tile_port {
    ring<packet_id, 8> waiting;  // accepted, in order of response
    ring<uint64_t, 8> done;      // when each is
    uint64_t read_free = 0;
    uint8_t reads = 0;
    uint8_t writes = 0;
    uint64_t newest = 0;
  };
  struct device_access {
    packet_id id = 0;
    uint64_t when = 0;
  };
  /// A queue with room for every packet.
  class device_queue {
   public:
    explicit device_queue(size_t capacity) : items_(capacity) {}
    bool empty() const { return count_ == 0; }
    const device_access& front() const { return items_[first_]; }
    void push(const device_access& a) { items_[(first_ + count_++) % items_.size()] = a; }
    void pop() {
      first_ = (first_ + 1) % items_.size();
      --count_;
    }
    void clear() { first_ = count_ = 0; }

   private:
    buffer<device_access> items_;
    size_t first_ = 0;
    size_t count_ = 0;
  };
  struct wake_event {
    wake_request request;
    uint64_t when = 0;
  };
  static constexpr uint32_t most_wakes = 64;

  static constexpr uint32_t bit(uint8_t reg) { return static_cast<uint32_t>(uint64_t{1} << reg) & ~1u; }

  // ---- One cycle

  template <class Observer>
  void advance(Observer& observer) {
    events(observer);
    dma_.advance(now_, network_, [&](uint32_t engine) -> group_port& { return port_of_engine(engine); });
    if (soc_.flushes_read_only()) {
      for (group_port& p : ports_) p.flush();
    }
    arrived_count_ = 0;
    const auto arrive = [&](packet_id id) {
      arrived_[arrived_count_++] = id;
      const packet& p = network_.at(id);
      if (row_of(p.row).executes_on != unit::store) cores_[p.core].loaded = now_;
    };
    network_.respond(now_, arrive);
    respond_from_system(arrive);
    running_.prune([&](uint32_t core) { return step(core, observer); });
    fetch_.advance(now_, [&](uint32_t tile) -> group_port& { return port_of_tile(tile); });
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
      if (!soc_.harts[other].asleep) ++cores_[other].stalls[static_cast<int>(stall::halted)];
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
    if (!device_reads_.empty()) next = min(next, device_reads_.front().when);
    if (!device_writes_.empty()) next = min(next, device_writes_.front().when);
    responding_tiles_.prune([&](uint32_t tile) {
      next = min(next, tile_ports_[tile].done.front());
      return true;
    });
    if (next == never && !booted_) {
      // The test bench wakes all cores once, when they had time to fall asleep in the boot ROM.
      booted_ = true;
      wakes_.push({{wake_request::set::everybody, 0, 0}, max(now_, uint64_t{functional_boot_cycles})});
      next = wakes_.front().when;
    }
    if (next == never) {
      soc_.fault(soc_.harts[0].where(), stop_reason::deadlock, 0);
      return false;
    }
    if (next > now_) now_ = min(next, end);
    return true;
  }
  static constexpr uint64_t functional_boot_cycles = 1000;

  template <class Observer>
  void events(Observer& observer) {
    while (!wakes_.empty() && wakes_.front().when <= now_) {
      const wake_request request = wakes_.front().request;
      wakes_.pop();
      soc_.for_each_woken(request, [&](uint32_t core) { wake(core, observer); });
    }
    while (!device_reads_.empty() && device_reads_.front().when <= now_) {
      access_device(device_reads_.front().id);
      device_reads_.pop();
    }
    while (!device_writes_.empty() && device_writes_.front().when <= now_) {
      access_device(device_writes_.front().id);
      device_writes_.pop();
    }
  }
  template <class Observer>
  void wake(uint32_t core, Observer& observer) {
    hart& h = soc_.harts[core];
    if (!h.asleep) {
      h.pending_wakes = (h.pending_wakes + 1) & 7;
      return;
    }
    h.asleep = false;
    core_state& c = cores_[core];
    if (now_ > c.asleep_since) c.stalls[static_cast<int>(stall::sleep)] += now_ - c.asleep_since;
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
    if (effect.wake.who != wake_request::set::nobody && !wakes_.full()) {
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
      return c.in_unit != 0;
    }
    bool writes_register = false;
    stall cause = stall::fetch;
    if (issue(core, h, c, writes_register, cause, observer)) {
      ++h.instructions;
    } else {
      ++c.stalls[static_cast<int>(cause)];
      if constexpr (Observer::watches) observer.stalled(core, now_, cause);
    }
    advance_unit(c, writes_register);
    return !h.asleep || c.in_unit != 0;
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
        if (c.unit_in.full()) {
          cause = stall::unit_full;
          return false;
        }
        const operands o = operands_of(h, d, row, h.pc);
        h.x[d.rd] = row.compute(o);
        c.busy |= bit(d.rd);
        c.busy_unit |= bit(d.rd);
        c.arriving = true;
        ++c.in_unit;
        c.arrival = {d.rd, row.executes_on == unit::divider, division_iterations(row, o)};
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
    if (d.rd == 2 || d.rs1 == 2) soc_.check_stack(h);
    ++executed[d.row];
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
    const auto lost = [&](stall cause) { return static_cast<uint32_t>(stalls(core, cause)); };
    soc_.execute_csr(h, d, now_, [&](uint32_t number, uint32_t& value) {
      switch (number) {
        case 0xb00: value = static_cast<uint32_t>(now_); return true;
        case 0xb80: value = static_cast<uint32_t>(now_ >> 32); return true;
        case 0xb02: value = static_cast<uint32_t>(h.instructions); return true;
        case 0xb82: value = static_cast<uint32_t>(h.instructions >> 32); return true;
        case 0xb03: value = lost(stall::fetch); return true;
        case 0xb04:
          value = lost(stall::bank_conflict) + lost(stall::port_conflict) + lost(stall::dma_conflict) +
                  lost(stall::transactions) + lost(stall::system_port);
          return true;
        case 0xb05: value = lost(stall::load) + lost(stall::far_load) + lost(stall::result); return true;
        default: return false;
      }
    });
  }

  /// Cycles of a division beyond the shortest that computes: one per bit between the operands' leading digits.
  static uint8_t division_iterations(const instruction& row, const operands& o) {
    if (row.executes_on != unit::divider) return 0;
    const bool is_signed = (row.match & 0x1000) == 0;
    const auto leading = [](uint32_t v) { return v == 0 ? 32 : __builtin_clz(v); };
    const auto negative = [&](uint32_t v) { return is_signed && (v >> 31) != 0; };
    const int za = leading(negative(o.rs1) ? ~o.rs1 << 1 : o.rs1);
    const int zb = leading(negative(o.rs2) ? ~o.rs2 : o.rs2);
    const int d = zb == 32 ? 32 : zb - za;
    return d < 0 ? 0 : static_cast<uint8_t>(d + 1);
  }

  /// The IPU's cycle: two registers around a combinational unit, and the divider beside it. `port_taken`: the issuing
  /// instruction writes a register.
  void advance_unit(core_state& c, bool port_taken) {
    if (c.in_unit == 0) return;
    const bool out_ready = !c.unit_out.full();
    if (!c.unit_out.empty() && !(port_taken && c.loaded == now_)) {
      const uint32_t written = bit(c.unit_out.front());
      c.unit_out.pop();
      --c.in_unit;
      c.busy &= ~written;
      c.busy_unit &= ~written;
    }
    bool out_taken = false;
    if (c.dividing && c.division_ends <= now_ && out_ready) {
      c.unit_out.push(c.division_rd);
      c.dividing = false;
      out_taken = true;
    } else if (!c.unit_in.empty() && c.unit_in.front().divides && !c.dividing) {
      const unit_entry& e = c.unit_in.front();
      c.dividing = true;
      c.division_rd = e.rd;
      c.division_ends = now_ + 1 + e.iterations;
      c.unit_in.pop();
      out_taken = true;
    }
    if (!out_taken && out_ready && !c.unit_in.empty() && !c.unit_in.front().divides) {
      c.unit_out.push(c.unit_in.front().rd);
      c.unit_in.pop();
    }
    if (c.arriving) c.unit_in.push(c.arrival);
    c.arriving = false;
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
      if (p.rd == 2) soc_.check_stack(h);
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
          to_tile_ports_.request(network_.tile_of_core(core), core % soc_.config.cores_per_tile);
        }
        return true;
      });
    }
    network_.grant(
        now_, [&](packet_id id) { cores_[network_.at(id).core].holds = false; },
        [&](packet_id id, obstacle why) {
          cores_[network_.at(id).core].held_by = why == obstacle::bank   ? stall::bank_conflict
                                                 : why == obstacle::port ? stall::port_conflict
                                                                         : stall::dma_conflict;
        },
        [&](packet_id id) { perform(network_.at(id)); });
    to_tile_ports_.decide([&](uint32_t tile, uint32_t local) { return accept(tile, local); });
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

  /// A tile's port takes the request of one of its cores, if it can: at most three at a time, reads or writes.
  bool accept(uint32_t tile, uint32_t local) {
    tile_port& t = tile_ports_[tile];
    const uint32_t core = first_core(tile) + local;
    core_state& c = cores_[core];
    packet& p = network_.at(c.held);
    const bool writes = row_of(p.row).executes_on == unit::store;
    if (writes ? t.reads != 0 || t.writes == 3 : t.writes != 0 || t.reads == 3) return false;
    const latencies& l = soc_.config.latency;
    uint64_t done = 0;
    if (soc::is_device(p.address)) {
      uint64_t& free = writes ? device_write_free_ : device_read_free_;
      const uint64_t start = max(now_, free);
      done = start + l.device;
      free = done;
      (writes ? device_writes_ : device_reads_).push({c.held, start + l.device_effect});
    } else {
      group_port& port = port_of_tile(tile);
      if (writes) {
        done = port.take_word(now_, l.l2_word_interval) + l.l2_write;
      } else {
        const uint64_t start = max(now_, t.read_free);
        if (row_of(p.row).executes_on == unit::load && port.caches() && soc_.is_cacheable(p.address)) {
          done = port.read(p.address, start, l.l2_cached_read, l.l2_cached_miss, l.l2_word_interval);
        } else {
          done = port.take_word(start, l.l2_word_interval) + l.l2_read;
        }
        t.read_free = start + l.l2_read_interval;
      }
      perform(p);
    }
    if (t.reads + t.writes != 0) done = max(done, t.newest + 1);
    t.newest = done;
    t.waiting.push(c.held);
    t.done.push(done);
    ++(writes ? t.writes : t.reads);
    responding_tiles_.add(tile);
    c.holds = false;
    return true;
  }

  template <class Arrive>
  void respond_from_system(Arrive arrive) {
    responding_tiles_.prune([&](uint32_t tile) {
      tile_port& t = tile_ports_[tile];
      const packet_id id = t.waiting.front();
      const packet& p = network_.at(id);
      if (t.done.front() > now_ || network_.was_served(p.core, now_)) return true;
      network_.serve(p.core, now_);
      t.waiting.pop();
      t.done.pop();
      --(row_of(p.row).executes_on == unit::store ? t.writes : t.reads);
      arrive(id);
      return !t.waiting.empty();
    });
  }

  uint32_t first_core(uint32_t tile) const {
    const configuration& c = soc_.config;
    return (tile / c.tiles_per_group() * c.core_tiles_per_group + tile % c.tiles_per_group()) * c.cores_per_tile;
  }
  group_port& port_of_tile(uint32_t tile) { return ports_[tile / soc_.config.tiles_per_sub_group()]; }
  group_port& port_of_engine(uint32_t engine) {
    const configuration& c = soc_.config;
    const uint32_t group = engine / c.dma_engines_per_group;
    return ports_[group * c.sub_groups + engine % c.dma_engines_per_group % c.sub_groups];
  }

  /// For each word of code, the line that a prefetcher at that word fetches next: where the first jal or backward
  /// branch from there to the end of the line goes, else the next line. Xpulpimg's branches are not seen.
  buffer<uint32_t> predict(const code_region& code) const {
    const uint32_t line_bytes = soc_.config.line_bytes;
    const uint32_t words = code.bytes / 4;
    buffer<uint32_t> lines(words);
    for (uint32_t i = words; i-- != 0;) {
      const uint32_t pc = code.base + i * 4;
      const decoded& d = code.slots[i].instruction;
      const form f = row_of(d.row).operand_form;
      if (f == form::jump || (f == form::branch && static_cast<int32_t>(d.imm) < 0)) {
        lines[i] = (pc + d.imm) / line_bytes;
      } else if ((pc + 4) % line_bytes == 0 || i + 1 == words) {
        lines[i] = pc / line_bytes + 1;
      } else {
        lines[i] = lines[i + 1];
      }
    }
    return lines;
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
  buffer<group_port> ports_;
  buffer<tile_port> tile_ports_;
  crossbar to_tile_ports_;
  worklist responding_tiles_;
  device_queue device_reads_;
  device_queue device_writes_;
  uint64_t device_read_free_ = 0;
  uint64_t device_write_free_ = 0;
  ring<wake_event, most_wakes> wakes_;
  buffer<uint32_t> predictions_;
  buffer<uint32_t> boot_predictions_;
  uint64_t now_ = 0;
  bool booted_ = false;
};

}  // namespace tessera::sim
