// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// DMA, timed: a transfer is cut at rows of L1 (one word in each bank), each row's bytes go to the engines by their
/// place in it, and each engine moves one word of the wide bus after the other, as fast as its port to L2 gives them.
/// Source: idma_split_midend, idma_distributed_midend, mempool_group.sv.

#include "tessera/sim/instruction_cache.hpp"
#include "tessera/sim/interconnect.hpp"

namespace tessera::sim {

class dma_engines {
 public:
  explicit dma_engines(soc& s)
      : soc_(s),
        row_bytes_(s.config.banks() * 4),
        engines_(size_t{s.config.groups} * s.config.dma_engines_per_group),
        slice_bytes_(row_bytes_ / static_cast<uint32_t>(engines_.size())) {}

  void reset() {
    for (engine& e : engines_) e = engine{};
    transfers_.clear();
    bytes = 0;
  }
  bool idle() const { return transfers_.empty(); }
  /// The next cycle in which something happens; only while not idle.
  uint64_t next_event() const {
    uint64_t next = transfers_.front().done;
    for (const engine& e : engines_) next = min(next, e.next);
    return next;
  }

  /// Takes a transfer that the front end has accepted, and queues it.
  void launch(const dma_request& r, uint64_t cycle) {
    const uint64_t start = cycle + soc_.config.latency.dma_start;
    transfers_.push({r, soc_.in_l1(r.source) ? r.source : r.destination, r.bytes, never, start});
    if (transfers_.size() == 1) begin(start);
  }

  /// The accesses of this cycle. port(engine) is its way to L2.
  template <class Port>
  void advance(uint64_t cycle, interconnect& network, Port port) {
    if (idle()) return;
    for (uint32_t i = 0; i < engines_.size(); ++i) {
      engine& e = engines_[i];
      if (e.next > cycle) continue;
      group_port& way = port(i);
      if (!e.claimed) {
        e.next = way.take_word(cycle, soc_.config.latency.l2_word_interval);
        e.claimed = true;
        if (e.next > cycle) continue;
      }
      move_word(e, i, cycle, network);
      e.claimed = false;
      e.next = e.place < end() ? cycle + 1 : never;
    }
    transfer& t = transfers_.front();
    if (t.left == 0 && t.done == never) t.done = cycle + soc_.config.latency.dma_end;
    if (t.done > cycle) return;
    transfers_.pop();
    if (--soc_.dma_outstanding == 0) soc_.dma_done = true;
    if (!transfers_.empty()) begin(max(cycle + 1, transfers_.front().start));
  }

  uint64_t bytes = 0;  ///< moved so far

 private:
  static constexpr uint64_t never = ~uint64_t{0};
  struct transfer {
    dma_request request;
    uint32_t begin = 0;  // where it is cut: in L1, as DMA sees it; between two places of L2 its destination
    uint32_t left = 0;   // bytes
    uint64_t done = never;
    uint64_t start = 0;
  };
  struct engine {
    uint32_t place = 0;  // next byte, on that side
    uint64_t next = never;
    bool claimed = false;  // its port has promised a word for `next`
  };

  uint32_t end() const { return transfers_.front().begin + transfers_.front().request.bytes; }
  uint32_t engine_of(uint32_t address) const { return address % row_bytes_ / slice_bytes_; }
  /// The first byte at or after `address` that belongs to engine i.
  uint32_t first_of(uint32_t address, uint32_t i) const {
    if (engine_of(address) == i) return address;
    const uint32_t row = address / row_bytes_ * row_bytes_;
    const uint32_t slice = row + i * slice_bytes_;
    return slice > address ? slice : slice + row_bytes_;
  }
  void begin(uint64_t cycle) {
    for (uint32_t i = 0; i < engines_.size(); ++i) {
      const uint32_t place = first_of(transfers_.front().begin, i);
      engines_[i] = {place, place < end() ? cycle : never, false};
    }
  }
  void move_word(engine& e, uint32_t i, uint64_t cycle, interconnect& network) {
    transfer& t = transfers_.front();
    const uint32_t width = soc_.config.axi_bytes;
    const uint32_t size = min(width - e.place % width, end() - e.place);
    const uint32_t offset = e.place - t.begin;
    if (soc_.in_l1(e.place)) network.reserve_for_dma(e.place % row_bytes_ / width * (width / 4), width / 4, cycle);
    soc_.dma_copy(t.request.source + offset, t.request.destination + offset, size);
    t.left -= size;
    bytes += size;
    e.place += size;
    if (e.place < end()) e.place = first_of(e.place, i);
  }

  soc& soc_;
  uint32_t row_bytes_;
  buffer<engine> engines_;
  uint32_t slice_bytes_;
  ring<transfer, soc::dma_queue> transfers_;
};

}  // namespace tessera::sim
