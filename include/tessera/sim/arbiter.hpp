// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The round-robin arbiter of all crossbars, and the registers between them. A "cycle" argument is the current cycle:
/// hardware decides on what registers held when the cycle began, so they remember what left them in it.
/// Source: common_cells' rr_arb_tree (fair update, locked input), spill_register, fall_through_register.

#include "tessera/sim/buffer.hpp"

namespace tessera::sim {

/// Chooses among up to 32 inputs. A decision that the output could not take is kept until it can.
class arbiter {
 public:
  /// The input that wins among the set bits of `requests` (not 0).
  uint32_t pick(uint32_t requests) {
    if (locked_ != 0) requests = locked_;
    locked_ = requests;
    uint32_t chosen = 0;
    for (uint32_t half = 16; half != 0; half /= 2) {
      const uint32_t left = requests & ((1u << half) - 1);
      const uint32_t right = requests >> half;
      if (left == 0 || (right != 0 && (pointer_ & half) != 0)) {
        chosen += half;
        requests = right;
      } else {
        requests = left;
      }
    }
    return chosen;
  }
  /// The output took what `pick` chose: the pointer moves to the next input that requested.
  void granted() {
    const uint32_t above = locked_ & ~((2u << pointer_) - 1);
    pointer_ = static_cast<uint8_t>(__builtin_ctz(above != 0 ? above : locked_));
    locked_ = 0;
  }

 private:
  uint32_t locked_ = 0;
  uint8_t pointer_ = 0;
};

/// Number of a packet in the network's pool.
using packet_id = uint16_t;

/// A spill register: two entries, full throughput, no combinational path from its output's ready to its input's.
class spill_register {
 public:
  bool empty() const { return items_.empty(); }
  bool ready(uint64_t cycle) const { return items_.size() + (popped_ == cycle ? 1 : 0) < 2; }
  packet_id front() const { return items_.front(); }
  void push(packet_id p) { items_.push(p); }
  void pop(uint64_t cycle) {
    items_.pop();
    popped_ = cycle;
  }

 private:
  ring<packet_id, 2> items_;
  uint64_t popped_ = ~uint64_t{0};
};

/// A fall-through register: one entry, which may pass in the cycle it comes; not refilled in the cycle it leaves.
class fall_through_register {
 public:
  bool empty() const { return !full_; }
  bool ready(uint64_t cycle) const { return !full_ && popped_ != cycle; }
  packet_id front() const { return item_; }
  void push(packet_id p) {
    item_ = p;
    full_ = true;
  }
  void pop(uint64_t cycle) {
    full_ = false;
    popped_ = cycle;
  }

 private:
  uint64_t popped_ = ~uint64_t{0};
  packet_id item_ = 0;
  bool full_ = false;
};

/// A set of small numbers that can be walked and pruned: what is active, so that nothing idle is looked at.
class worklist {
 public:
  worklist() = default;
  explicit worklist(size_t universe) : items_(universe), member_(universe) {}

  bool empty() const { return count_ == 0; }
  void add(uint32_t item) {
    if (member_[item]) return;
    member_[item] = true;
    items_[count_++] = static_cast<uint16_t>(item);
  }
  /// Calls f(item) for each; an item for which it returns false leaves the set. Items added meanwhile stay, unvisited.
  template <class F>
  void prune(F f) {
    const uint32_t count = count_;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; ++i) {
      const uint16_t item = items_[i];
      if (f(uint32_t{item})) {
        items_[kept++] = item;
      } else {
        member_[item] = false;
      }
    }
    if (kept == count) return;
    for (uint32_t i = count; i < count_; ++i) items_[kept++] = items_[i];
    count_ = kept;
  }
  /// Calls f(item) for each and empties the set.
  template <class F>
  void drain(F f) {
    for (uint32_t i = 0; i < count_; ++i) {
      const uint16_t item = items_[i];
      member_[item] = false;
      f(uint32_t{item});
    }
    count_ = 0;
  }
  void clear() {
    drain([](uint32_t) {});
  }

 private:
  buffer<uint16_t> items_;
  buffer<bool> member_;
  uint32_t count_ = 0;
};

/// Inputs that ask for outputs in one cycle; each output's arbiter decides.
class crossbar {
 public:
  crossbar() = default;
  explicit crossbar(size_t outputs) : arbiters_(outputs), requests_(outputs), asked_(outputs) {}

  void request(uint32_t output, uint32_t input) {
    requests_[output] |= 1u << input;
    asked_.add(output);
  }
  /// Calls take(output, input) for the winner of each output that was asked for; it says whether the output took it.
  /// lost(output, inputs) hears of the inputs that wait.
  template <class Take, class Lost>
  void decide(Take take, Lost lost) {
    asked_.drain([&](uint32_t output) {
      const uint32_t requests = requests_[output];
      requests_[output] = 0;
      const uint32_t winner = arbiters_[output].pick(requests);
      uint32_t waiting = requests;
      if (take(output, winner)) {
        arbiters_[output].granted();
        waiting &= ~(1u << winner);
      }
      if (waiting != 0) lost(output, waiting);
    });
  }
  template <class Take>
  void decide(Take take) {
    decide(take, [](uint32_t, uint32_t) {});
  }

 private:
  buffer<arbiter> arbiters_;
  buffer<uint32_t> requests_;
  worklist asked_;
};

}  // namespace tessera::sim
