// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// What lies beyond L1, timed: each tile's port for scalar accesses to L2 and the devices, the groups' ports to L2, and
/// the devices' registers, which the whole cluster accesses one at a time.
/// Source: reqrsp_to_axi.sv, mempool_tile.sv, mempool_system.sv; the specification's section 11.

#include "tessera/sim/instruction_cache.hpp"
#include "tessera/sim/interconnect.hpp"

namespace tessera::sim {

/// Accesses to devices that wait for their cycle; room for every packet.
class device_queue {
 public:
  explicit device_queue(size_t capacity) : items_(capacity) {}
  bool empty() const { return count_ == 0; }
  packet_id front() const { return items_[first_].id; }
  uint64_t when() const { return items_[first_].when; }
  void push(packet_id id, uint64_t when) { items_[(first_ + count_++) % items_.size()] = {id, when}; }
  void pop() {
    first_ = (first_ + 1) % items_.size();
    --count_;
  }
  void clear() { first_ = count_ = 0; }

 private:
  struct item {
    packet_id id = 0;
    uint64_t when = 0;
  };
  buffer<item> items_;
  size_t first_ = 0;
  size_t count_ = 0;
};

class system_ports {
 public:
  system_ports(soc& s, size_t packets)
      : soc_(s),
        groups_(size_t{s.config.groups} * s.config.sub_groups),
        tiles_(s.config.tiles),
        requests_(s.config.tiles),
        responding_(s.config.tiles),
        reads_(packets),
        writes_(packets) {
    reset();
  }
  void reset() {
    for (group_port& p : groups_) p = group_port(soc_.config);
    for (tile_port& p : tiles_) p = tile_port{};
    requests_ = crossbar(tiles_.size());
    responding_.clear();
    reads_.clear();
    writes_.clear();
    read_free_ = write_free_ = 0;
  }
  void flush() {
    for (group_port& p : groups_) p.flush();
  }

  group_port& of_tile(uint32_t tile) { return groups_[tile / soc_.config.tiles_per_sub_group()]; }
  group_port& of_dma_engine(uint32_t engine) {
    const configuration& c = soc_.config;
    const uint32_t group = engine / c.dma_engines_per_group;
    return groups_[group * c.sub_groups + engine % c.dma_engines_per_group % c.sub_groups];
  }

  /// The next cycle in which a response or a device access is due; all ones if there is none.
  uint64_t next_event() {
    uint64_t next = ~uint64_t{0};
    if (!reads_.empty()) next = min(next, reads_.when());
    if (!writes_.empty()) next = min(next, writes_.when());
    responding_.prune([&](uint32_t tile) {
      next = min(next, tiles_[tile].done.front());
      return true;
    });
    return next;
  }

  /// Calls access(packet id) for the device accesses that happen in this cycle.
  template <class Access>
  void access_devices(uint64_t cycle, Access access) {
    device_queue* const queues[] = {&reads_, &writes_};
    for (device_queue* queue : queues) {
      while (!queue->empty() && queue->when() <= cycle) {
        access(queue->front());
        queue->pop();
      }
    }
  }

  /// Calls deliver(packet id) for responses that reach their core, which L1 does not serve in this cycle.
  template <class Deliver>
  void respond(uint64_t cycle, interconnect& network, Deliver deliver) {
    responding_.prune([&](uint32_t tile) {
      tile_port& t = tiles_[tile];
      const packet_id id = t.waiting.front();
      const packet& p = network.at(id);
      if (t.done.front() > cycle || network.was_served(p.core, cycle)) return true;
      network.serve(p.core, cycle);
      t.waiting.pop();
      t.done.pop();
      --(writes(p) ? t.writes : t.reads);
      deliver(id);
      return !t.waiting.empty();
    });
  }

  /// A core of a tile has a request.
  void offer(uint32_t tile, uint32_t local) { requests_.request(tile, local); }
  /// Decides whose request each tile takes. held(tile, local): its packet; taken(id): it left the core; perform(id):
  /// the access to L2 happens.
  template <class Held, class Taken, class Perform>
  void grant(uint64_t cycle, interconnect& network, Held held, Taken taken, Perform perform) {
    requests_.decide([&](uint32_t tile, uint32_t local) {
      const packet_id id = held(tile, local);
      packet& p = network.at(id);
      tile_port& t = tiles_[tile];
      // Reads and writes are not mixed, and at most three of a kind are under way.
      if (writes(p) ? t.reads != 0 || t.writes == most : t.writes != 0 || t.reads == most) return false;
      uint64_t done = 0;
      if (soc::is_device(p.address)) {
        done = start_device(id, p, cycle);
      } else {
        done = start_l2(t, tile, p, cycle);
        perform(id);
      }
      // Responses come in order.
      if (t.reads + t.writes != 0) done = max(done, t.newest + 1);
      t.newest = done;
      t.waiting.push(id);
      t.done.push(done);
      ++(writes(p) ? t.writes : t.reads);
      responding_.add(tile);
      taken(id);
      return true;
    });
  }

 private:
  static constexpr uint8_t most = 3;
  struct tile_port {
    ring<packet_id, most> waiting;  // accepted, in order of response
    ring<uint64_t, most> done;      // when each is
    uint64_t read_free = 0;
    uint8_t reads = 0;
    uint8_t writes = 0;
    uint64_t newest = 0;
  };

  static bool writes(const packet& p) { return row_of(p.row).executes_on == unit::store; }

  uint64_t start_device(packet_id id, const packet& p, uint64_t cycle) {
    const latencies& l = soc_.config.latency;
    uint64_t& free = writes(p) ? write_free_ : read_free_;
    const uint64_t start = max(cycle, free);
    free = start + l.device;
    (writes(p) ? writes_ : reads_).push(id, start + l.device_effect);
    return free;
  }
  uint64_t start_l2(tile_port& t, uint32_t tile, const packet& p, uint64_t cycle) {
    const latencies& l = soc_.config.latency;
    group_port& port = of_tile(tile);
    if (writes(p)) return port.take_word(cycle, l.l2_word_interval) + l.l2_write;
    const uint64_t start = max(cycle, t.read_free);
    t.read_free = start + l.l2_read_interval;
    if (row_of(p.row).executes_on == unit::load && port.caches() && soc_.is_cacheable(p.address)) {
      return port.read(p.address, start, l.l2_cached_read, l.l2_cached_miss, l.l2_word_interval);
    }
    return port.take_word(start, l.l2_word_interval) + l.l2_read;
  }

  soc& soc_;
  buffer<group_port> groups_;
  buffer<tile_port> tiles_;
  crossbar requests_;
  worklist responding_;  // tiles
  device_queue reads_;
  device_queue writes_;
  uint64_t read_free_ = 0;
  uint64_t write_free_ = 0;
};

}  // namespace tessera::sim
