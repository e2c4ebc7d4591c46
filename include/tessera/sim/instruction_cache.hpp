// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Instruction fetch, timed: each core's buffer of a few lines (L0) with its prefetcher, each tile's shared cache (L1)
/// with a two-stage lookup, and the read-only cache of a group on the way to L2. Only presence is modelled; the words
/// come from the decoded code.
/// Source: cluster_icache (snitch_icache_l0, lookup_serial, handler, refill), snitch_read_only_cache.

#include "tessera/sim/arbiter.hpp"
#include "tessera/sim/soc.hpp"

namespace tessera::sim {

/// The way to L2 that the tiles of a group share: the read-only cache and the port, which delivers a word every few
/// cycles.
class group_port {
 public:
  group_port() = default;
  explicit group_port(const configuration& c)
      : line_bytes_(c.ro_line_bytes),
        sets_(c.ro_cache_bytes == 0 ? 0 : c.ro_cache_bytes / c.ro_line_bytes / ways),
        lines_(size_t{sets_} * ways) {
    flush();
  }

  bool caches() const { return sets_ != 0; }
  void flush() {
    for (line& l : lines_) l = line{};
  }

  /// Asks for what is at `address` in the cycle `now`; hit and miss are the latencies beyond. Returns when it is there.
  uint64_t read(uint32_t address, uint64_t now, uint32_t hit, uint32_t miss, uint32_t word_interval) {
    const uint32_t number = address / line_bytes_;
    line* const set = &lines_[size_t{number % sets_} * ways];
    for (uint32_t way = 0; way < ways; ++way) {
      if (set[way].valid && set[way].number == number) {
        const uint64_t arrival = now + hit;
        return arrival > set[way].ready ? arrival : set[way].ready;
      }
    }
    const uint64_t ready = take_word(now, word_interval) + miss;
    set[victim_] = {true, number, ready};
    victim_ ^= 1;
    return ready;
  }
  /// Claims the port for a word: when it starts.
  uint64_t take_word(uint64_t now, uint32_t word_interval) {
    const uint64_t start = now > free_ ? now : free_;
    free_ = start + word_interval;
    return start;
  }

 private:
  static constexpr uint32_t ways = 2;
  struct line {
    bool valid = false;
    uint32_t number = 0;
    uint64_t ready = 0;
  };
  uint32_t line_bytes_ = 1;
  uint32_t sets_ = 0;
  buffer<line> lines_;
  uint32_t victim_ = 0;
  uint64_t free_ = 0;
};

class instruction_cache {
 public:
  explicit instruction_cache(soc& s)
      : soc_(s),
        shift_(l1_map::log2(s.config.line_bytes)),
        sets_(s.config.icache_bytes / s.config.line_bytes / s.config.icache_ways),
        cores_(s.config.cores()),
        l0_(s.config.cores() * s.config.l0_lines),
        tiles_(s.config.tiles),
        l1_(s.config.tiles * sets_ * s.config.icache_ways),
        active_(s.config.tiles) {
    reset();
  }

  void reset() {
    for (core_state& c : cores_) c = core_state{};
    for (uint32_t& tag : l0_) tag = nothing;
    for (tile_state& t : tiles_) t = tile_state{};
    for (uint32_t& tag : l1_) tag = nothing;
    active_.clear();
    refills = 0;
  }

  bool quiet() const { return active_.empty(); }

  /// Whether the core has the instruction at `pc` in this cycle; starts what must be fetched. `next_line`: what the
  /// prefetcher predicts from here.
  bool fetch(uint32_t core, uint32_t tile, uint32_t pc, uint32_t next_line) {
    core_state& c = cores_[core];
    const uint32_t line = pc >> shift_;
    if (line != c.line || !c.hit) look_up(core, line);
    if (!c.hit) {
      if (!c.pending) {
        // Another line than the one it waited for if a debugger has moved the pc.
        if (!c.missed || c.demand != line) allocate(core, line, nothing_hit);
        c.missed = true;
        c.demand = line;
        tiles_[tile].demands |= bit(core);
        active_.add(tile);
      }
      return false;
    }
    c.missed = false;
    if (!c.pending && !c.prefetching && next_line != c.known) {
      if (has(core, next_line)) {
        c.known = next_line;
      } else {
        allocate(core, next_line, c.slot);
        c.pending = true;
        c.prefetching = true;
        c.prefetch = next_line;
        c.fresh = true;
        active_.add(tile);
        tiles_[tile].prefetchers |= bit(core);
        c.known = nothing;
      }
    }
    return true;
  }

  /// Ends a cycle: the tiles' caches take requests and deliver lines. `port(tile)` is the way to L2.
  template <class Port>
  void advance(uint64_t cycle, Port port) {
    active_.prune([&](uint32_t tile) {
      advance(tile, cycle, port(tile));
      const tile_state& t = tiles_[tile];
      return t.tag.valid || t.data.valid || t.prefetchers != 0 || !t.refills.empty();
    });
  }

  /// For each word of code, the line that a prefetcher at that word fetches next: where the first jal or backward
  /// branch from there to the end of the line goes, else the next line. Xpulpimg's branches are not seen.
  static buffer<uint32_t> predict(const configuration& c, const code_region& code) {
    const uint32_t line_bytes = c.line_bytes;
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

  uint64_t refills = 0;  ///< lines that came from beyond the tiles' caches

 private:
  static constexpr uint32_t nothing = ~uint32_t{0};
  static constexpr uint32_t nothing_hit = ~uint32_t{0};
  static constexpr uint32_t refill_queue = 4;  // at its port

  struct core_state {
    uint32_t line = nothing;   // looked up last
    uint32_t slot = 0;         // where it is, if hit
    uint32_t known = nothing;  // a predicted line that is already there
    uint32_t demand = 0;
    uint32_t prefetch = 0;
    uint8_t next = 0;       // round-robin victim
    uint8_t allocated = 0;  // slot of the line that is on its way
    uint32_t allocated_line = nothing;
    bool hit = false;
    bool missed = false;       // the last cycle asked for the same line
    bool pending = false;      // a line is on its way
    bool prefetching = false;  // a prefetch waits for the tile's cache
    bool fresh = false;        // since this cycle: it shows at the tile's cache in the next
  };
  struct lookup {
    bool valid = false;
    bool hit = false;
    uint32_t line = 0;
    uint32_t cores = 0;
  };
  struct refill {
    uint32_t line = 0;
    uint32_t cores = 0;
    uint64_t ready = 0;
  };
  struct tile_state {
    lookup tag;
    lookup data;
    ring<refill, refill_queue> refills;
    uint32_t demands = 0;      // cores that miss in this cycle
    uint32_t prefetchers = 0;  // cores whose prefetch waits
    arbiter demand_arbiter;
    arbiter prefetch_arbiter;
    bool prefetch_locked = false;
    uint64_t newest = 0;  // when the last refill arrives: they come in order
    uint8_t victim = 0;
  };

  uint32_t bit(uint32_t core) const { return 1u << core % soc_.config.cores_per_tile; }

  void look_up(uint32_t core, uint32_t line) {
    core_state& c = cores_[core];
    const uint32_t lines = soc_.config.l0_lines;
    const uint32_t* const tags = &l0_[core * lines];
    c.line = line;
    c.hit = false;
    c.known = nothing;
    for (uint32_t i = 0; i < lines; ++i) {
      if (tags[i] == line) {
        c.hit = true;
        c.slot = i;
      }
    }
  }
  bool has(uint32_t core, uint32_t line) const {
    const uint32_t lines = soc_.config.l0_lines;
    for (uint32_t i = 0; i < lines; ++i) {
      if (l0_[core * lines + i] == line) return true;
    }
    return false;
  }
  /// Evicts a line, never the one in use, for one that is on its way.
  void allocate(uint32_t core, uint32_t line, uint32_t in_use) {
    core_state& c = cores_[core];
    const uint32_t lines = soc_.config.l0_lines;
    uint32_t slot = c.next;
    if (slot == in_use) slot = (slot + 1) % lines;
    c.next = static_cast<uint8_t>((slot + 1) % lines);
    l0_[core * lines + slot] = nothing;
    c.allocated = static_cast<uint8_t>(slot);
    c.allocated_line = line;
  }

  /// The line arrives: from the next cycle on the core hits.
  void deliver(uint32_t tile, uint32_t cores) {
    for (; cores != 0; cores &= cores - 1) {
      const uint32_t local = static_cast<uint32_t>(__builtin_ctz(cores));
      const uint32_t core = soc_.config.first_core_of(tile) + local;
      core_state& c = cores_[core];
      l0_[core * soc_.config.l0_lines + c.allocated] = c.allocated_line;
      c.pending = false;
      c.known = nothing;
    }
  }

  uint32_t* set_of(uint32_t tile, uint32_t line) {
    return &l1_[(size_t{tile} * sets_ + line % sets_) * soc_.config.icache_ways];
  }
  bool in_l1(uint32_t tile, uint32_t line) {
    const uint32_t* const set = set_of(tile, line);
    for (uint32_t way = 0; way < soc_.config.icache_ways; ++way) {
      if (set[way] == line) return true;
    }
    return false;
  }

  void advance(uint32_t tile, uint64_t cycle, group_port& port) {
    tile_state& t = tiles_[tile];
    // The lookup that ends in this cycle hits, joins a refill on its way, or starts one.
    bool data_leaves = true;
    bool delivers_hit = false;
    if (t.data.valid) {
      if (t.data.hit) {
        delivers_hit = true;
        deliver(tile, t.data.cores);
      } else if (!join_refill(t)) {
        data_leaves = start_refill(t, cycle, port);
      }
    }
    // A line from beyond is written and delivered unless a hit is being delivered.
    bool writes = false;
    uint32_t written = nothing;
    if (!delivers_hit && !t.refills.empty() && t.refills.front().ready <= cycle) {
      const refill r = t.refills.front();
      t.refills.pop();
      writes = true;
      written = r.line;
      set_of(tile, r.line)[t.victim] = r.line;
      t.victim = static_cast<uint8_t>((t.victim - 1u) % soc_.config.icache_ways);
      deliver(tile, r.cores);
    }
    // Tag stage to data stage; a write has the memories to itself unless it brings the very line.
    if (data_leaves) t.data.valid = false;
    bool tag_leaves = !t.tag.valid;
    if (t.tag.valid && !t.data.valid && (!writes || written == t.tag.line)) {
      t.data = t.tag;
      t.data.hit = in_l1(tile, t.tag.line);
      t.tag.valid = false;
      tag_leaves = true;
    }
    accept(t, tile, tag_leaves && !writes && cycle >= sets_);
  }

  static bool join_refill(tile_state& t) {
    bool joined = false;
    ring<refill, refill_queue> rest;
    while (!t.refills.empty()) {
      refill r = t.refills.front();
      t.refills.pop();
      if (r.line == t.data.line && !joined) {
        r.cores |= t.data.cores;
        joined = true;
      }
      rest.push(r);
    }
    t.refills = rest;
    return joined;
  }
  bool start_refill(tile_state& t, uint64_t cycle, group_port& port) {
    if (t.refills.full()) return false;
    const latencies& l = soc_.config.latency;
    const uint32_t address = t.data.line << shift_;
    uint64_t ready = cycle + l.refill_miss;
    if (port.caches() && soc_.is_cacheable(address)) {
      ready = port.read(address, cycle, l.refill_hit, l.refill_miss, l.l2_word_interval);
    } else if (port.caches()) {
      ready = port.take_word(cycle, l.l2_word_interval) + l.refill_miss;
    }
    if (!t.refills.empty()) ready = max(ready, t.newest + 1);
    t.newest = ready;
    t.refills.push({t.data.line, t.data.cores, ready});
    ++refills;
    return true;
  }

  /// The tag stage takes a request: demands before prefetches, and all who ask for the same line at once.
  void accept(tile_state& t, uint32_t tile, bool ready) {
    const uint32_t demands = t.demands;
    t.demands = 0;
    const uint32_t first = soc_.config.first_core_of(tile);
    uint32_t prefetches = 0;
    for (uint32_t rest = t.prefetchers; rest != 0; rest &= rest - 1) {
      core_state& c = cores_[first + static_cast<uint32_t>(__builtin_ctz(rest))];
      if (!c.fresh) prefetches |= rest & (~rest + 1);
      c.fresh = false;
    }
    if (demands == 0 && prefetches == 0) return;
    uint32_t demand_winner = 0;
    uint32_t prefetch_winner = 0;
    if (demands != 0) demand_winner = t.demand_arbiter.pick(demands);
    if (prefetches != 0) prefetch_winner = t.prefetch_arbiter.pick(prefetches);
    const bool takes_demand = demands != 0 && !t.prefetch_locked;
    const uint32_t line =
        takes_demand ? cores_[first + demand_winner].demand : cores_[first + prefetch_winner].prefetch;
    t.prefetch_locked = (t.prefetch_locked || (demands == 0 && prefetches != 0)) && !ready;
    if (!ready) return;
    t.tag = {true, false, line, 0};
    for (uint32_t rest = demands | prefetches; rest != 0; rest &= rest - 1) {
      const uint32_t local = static_cast<uint32_t>(__builtin_ctz(rest));
      core_state& c = cores_[first + local];
      const bool demand = (demands >> local & 1) != 0;
      if ((demand ? c.demand : c.prefetch) != line) continue;
      t.tag.cores |= 1u << local;
      c.pending = true;
      if (!demand) {
        c.prefetching = false;
        t.prefetchers &= ~(1u << local);
      }
    }
    const bool demand_taken = demands != 0 && cores_[first + demand_winner].demand == line;
    const bool prefetch_taken = prefetches != 0 && cores_[first + prefetch_winner].prefetch == line;
    if (demand_taken) t.demand_arbiter.granted();
    if (prefetch_taken) t.prefetch_arbiter.granted();
  }

  soc& soc_;
  uint32_t shift_;
  uint32_t sets_;
  buffer<core_state> cores_;
  buffer<uint32_t> l0_;  // tags
  buffer<tile_state> tiles_;
  buffer<uint32_t> l1_;  // tags
  worklist active_;
};

}  // namespace tessera::sim
