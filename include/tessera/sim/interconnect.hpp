// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The L1 interconnect, timed: tiles' ports, links between tiles, banks with their arbitration and back-pressure, and
/// the way back. It moves packets; the memory changes when a bank grants one.
/// Source: mempool_tile.sv, mempool_group.sv, variable_latency_interconnect, tcdm_adapter; the specification's section
/// 8 has the register counts.

#include "tessera/sim/arbiter.hpp"
#include "tessera/sim/soc.hpp"

namespace tessera::sim {

/// A memory access on its way.
struct packet {
  uint32_t address = 0;
  uint32_t data = 0;  ///< what is stored; after the access, what was loaded
  uint32_t pc = 0;    ///< of the instruction, for reports
  uint16_t core = 0;
  uint16_t bank = 0;  ///< over all tiles
  uint8_t row = 0;
  uint8_t rd = 0;
  uint8_t port = 0;  ///< of the tile, if remote
  bool remote = false;
};

/// One direction of the links between tiles: for each tile and port a spill register, a crossbar of the tiles of a
/// group at the other end, further registers as the distance asks for, and a fall-through register where packets wait
/// to leave.
class links {
 public:
  links() = default;
  explicit links(const configuration& c)
      : ports_(c.ports()),
        entries_(c.tiles * ports_),
        hops_{buffer<spill_register>(c.tiles * ports_), buffer<spill_register>(c.tiles * ports_)},
        exits_(c.tiles * ports_),
        crossbar_(c.tiles * ports_),
        entered_(c.tiles * ports_),
        hopping_{worklist(c.tiles * ports_), worklist(c.tiles * ports_)},
        leaving_(c.tiles * ports_),
        tiles_per_group_(c.tiles_per_group()),
        distance_(c.ports()) {
    for (uint32_t port = 0; port < ports_; ++port) {
      if (port >= c.sub_groups) {
        distance_[port] = c.tiles_per_group() == 1 ? 0 : c.sub_groups > 1 ? 2 : 1;
      } else {
        distance_[port] = port == 0 ? 0 : 1;
      }
    }
  }

  bool quiet() const { return entered_.empty() && hopping_[0].empty() && hopping_[1].empty() && leaving_.empty(); }

  bool can_enter(uint32_t tile, uint32_t port, uint64_t cycle) const { return entries_[at(tile, port)].ready(cycle); }
  void enter(uint32_t tile, uint32_t port, packet_id p) {
    entries_[at(tile, port)].push(p);
    entered_.add(at(tile, port));
  }

  /// Moves everything by one register. destination(packet): the tile where it leaves.
  template <class Destination>
  void advance(uint64_t cycle, Destination destination) {
    for (uint32_t next = 2; next != 0; --next) {
      hopping_[next - 1].prune([&](uint32_t place) {
        spill_register& from = hops_[next - 1][place];
        if (forward(from.front(), place, next, cycle)) from.pop(cycle);
        return !from.empty();
      });
    }
    if (entered_.empty()) return;
    entered_.prune([&](uint32_t place) {
      const uint32_t port = place % ports_;
      crossbar_.request(at(destination(entries_[place].front()), port), place / ports_ % tiles_per_group_);
      return true;
    });
    // The tile that an input number means depends on the group it comes from, which the output's port tells.
    crossbar_.decide([&](uint32_t output, uint32_t input) {
      const uint32_t from = at(source_group(output) * tiles_per_group_ + input, output % ports_);
      if (!forward(entries_[from].front(), output, 0, cycle)) return false;
      entries_[from].pop(cycle);
      return true;
    });
    entered_.prune([&](uint32_t place) { return !entries_[place].empty(); });
  }

  /// Calls f(tile, port, packet) for each packet that waits to leave; it says whether the packet left.
  template <class F>
  void leave(F f) {
    leaving_.prune([&](uint32_t place) {
      f(place / ports_, place % ports_, exits_[place].front());
      return true;
    });
  }
  void left(uint32_t tile, uint32_t port, uint64_t cycle) { exits_[at(tile, port)].pop(cycle); }
  /// Forgets exits that have emptied; to be called when all decisions of the cycle are made.
  void settle() {
    leaving_.prune([&](uint32_t place) { return !exits_[place].empty(); });
  }
  packet_id waiting(uint32_t tile, uint32_t port) const { return exits_[at(tile, port)].front(); }

 private:
  uint32_t at(uint32_t tile, uint32_t port) const { return tile * ports_ + port; }
  uint32_t sub_groups() const { return ports_ + 1 - groups(); }
  uint32_t groups() const { return static_cast<uint32_t>(exits_.size()) / ports_ / tiles_per_group_; }
  /// The group at the other end of a port.
  uint32_t source_group(uint32_t place) const {
    const uint32_t port = place % ports_;
    const uint32_t group = place / ports_ / tiles_per_group_;
    return port < sub_groups() ? group : group ^ (port - sub_groups() + 1);
  }
  /// Puts a packet into the register `hop` on the way to `place`, or into its exit.
  bool forward(packet_id p, uint32_t place, uint32_t hop, uint64_t cycle) {
    if (hop < distance_[place % ports_]) {
      if (!hops_[hop][place].ready(cycle)) return false;
      hops_[hop][place].push(p);
      hopping_[hop].add(place);
      return true;
    }
    if (!exits_[place].ready(cycle)) return false;
    exits_[place].push(p);
    leaving_.add(place);
    return true;
  }

  uint32_t ports_ = 0;
  buffer<spill_register> entries_;
  buffer<spill_register> hops_[2];
  buffer<fall_through_register> exits_;
  crossbar crossbar_;
  worklist entered_;
  worklist hopping_[2];
  worklist leaving_;
  uint32_t tiles_per_group_ = 1;
  buffer<uint8_t> distance_;
};

/// Why a request waits.
enum class obstacle : uint8_t {
  bank,
  port,
  dma
};

class interconnect {
 public:
  interconnect(soc& s, size_t packets)
      : soc_(&s),
        packets_(packets),
        requests_(s.config),
        responses_(s.config),
        banks_(s.config.banks()),
        to_ports_(s.config.tiles * s.config.ports()),
        to_banks_(s.config.banks()),
        from_banks_(s.config.tiles * inputs()),
        to_cores_(s.config.tiles * s.config.cores_per_tile),
        responding_(s.config.banks()),
        tile_of_core_(s.config.cores()),
        served_(s.config.cores()),
        offered_(s.config.tiles * s.config.cores_per_tile) {
    for (uint32_t core = 0; core < s.config.cores(); ++core) {
      tile_of_core_[core] = static_cast<uint16_t>(s.config.tile_of(core));
    }
    for (uint64_t& cycle : served_) cycle = ~uint64_t{0};
  }

  packet& at(packet_id p) { return packets_[p]; }
  bool quiet() const { return requests_.quiet() && responses_.quiet() && responding_.empty(); }
  uint32_t tile_of_core(uint32_t core) const { return tile_of_core_[core]; }
  bool was_served(uint32_t core, uint64_t cycle) const { return served_[core] == cycle; }
  void serve(uint32_t core, uint64_t cycle) { served_[core] = cycle; }

  /// Fills in where a packet goes.
  void route(packet& p) const {
    const configuration& c = soc_->config;
    p.bank = static_cast<uint16_t>(soc_->map.bank(p.address));
    const uint32_t to = p.bank / c.banks_per_tile;
    const uint32_t from = tile_of_core_[p.core];
    p.remote = to != from;
    const uint32_t groups = to / c.tiles_per_group() ^ from / c.tiles_per_group();
    const uint32_t sub_groups =
        to / c.tiles_per_sub_group() % c.sub_groups ^ from / c.tiles_per_sub_group() % c.sub_groups;
    p.port = static_cast<uint8_t>(groups != 0 ? c.sub_groups - 1 + groups : sub_groups);
  }

  /// Responses of this cycle, first half: calls deliver(packet id) for what reaches a core; at most one per core.
  template <class Deliver>
  void respond(uint64_t cycle, Deliver deliver) {
    const configuration& c = soc_->config;
    if (!responses_.quiet()) {
      responses_.advance(cycle, [&](packet_id p) { return uint32_t{tile_of_core_[packets_[p].core]}; });
      responses_.leave([&](uint32_t tile, uint32_t port, packet_id p) {
        to_cores_.request(tile * c.cores_per_tile + packets_[p].core % c.cores_per_tile, port);
      });
      to_cores_.decide([&](uint32_t output, uint32_t port) {
        const uint32_t tile = output / c.cores_per_tile;
        const packet_id p = responses_.waiting(tile, port);
        responses_.left(tile, port, cycle);
        served_[packets_[p].core] = cycle;
        deliver(p);
        return true;
      });
      responses_.settle();
    }
    if (responding_.empty()) return;
    responding_.prune([&](uint32_t b) {
      const bank& memory = banks_[b];
      if (memory.ready[memory.first] <= cycle) {
        const packet& p = packets_[memory.response[memory.first]];
        const uint32_t output = p.remote ? c.cores_per_tile + p.port : p.core % c.cores_per_tile;
        from_banks_.request(b / c.banks_per_tile * inputs() + output, b % c.banks_per_tile);
      }
      return true;
    });
    from_banks_.decide([&](uint32_t output, uint32_t input) {
      const uint32_t tile = output / inputs();
      bank& memory = banks_[tile * c.banks_per_tile + input];
      const packet_id id = memory.response[memory.first];
      const packet& p = packets_[id];
      if (p.remote) {
        if (!responses_.can_enter(tile, p.port, cycle)) return false;
        responses_.enter(tile, p.port, id);
      } else {
        if (served_[p.core] == cycle) return false;
        served_[p.core] = cycle;
        deliver(id);
      }
      memory.pop(cycle);
      return true;
    });
    responding_.prune([&](uint32_t b) { return banks_[b].count != 0; });
  }

  /// Requests of this cycle: those on the links move on first. Then the cores offer theirs, and `grant` decides.
  void advance_requests(uint64_t cycle) {
    if (requests_.quiet()) return;
    requests_.advance(cycle, [&](packet_id p) { return packets_[p].bank / soc_->config.banks_per_tile; });
    requests_.leave([&](uint32_t, uint32_t port, packet_id p) {
      to_banks_.request(packets_[p].bank, soc_->config.cores_per_tile + port);
    });
  }
  void offer(packet_id id) {
    const packet& p = packets_[id];
    const uint32_t local = p.core % soc_->config.cores_per_tile;
    offered_[tile_of_core_[p.core] * soc_->config.cores_per_tile + local] = id;
    if (p.remote) {
      to_ports_.request(tile_of_core_[p.core] * soc_->config.ports() + p.port, local);
    } else {
      to_banks_.request(p.bank, local);
    }
  }
  /// taken(packet id): a core's offer left it. blocked(packet id, obstacle): it did not. performed(packet id): the bank
  /// does the access in this cycle.
  template <class Taken, class Blocked, class Perform>
  void grant(uint64_t cycle, Taken taken, Blocked blocked, Perform perform) {
    const configuration& c = soc_->config;
    to_ports_.decide(
        [&](uint32_t output, uint32_t input) {
          const uint32_t tile = output / c.ports();
          const uint32_t port = output % c.ports();
          if (!requests_.can_enter(tile, port, cycle)) return false;
          const packet_id id = offered_[tile * c.cores_per_tile + input];
          requests_.enter(tile, port, id);
          taken(id);
          return true;
        },
        [&](uint32_t output, uint32_t waiting) {
          for (; waiting != 0; waiting &= waiting - 1) {
            const uint32_t input = static_cast<uint32_t>(__builtin_ctz(waiting));
            blocked(offered_[output / c.ports() * c.cores_per_tile + input], obstacle::port);
          }
        });
    to_banks_.decide(
        [&](uint32_t b, uint32_t input) {
          bank& memory = banks_[b];
          if (!memory.accepts(cycle)) return false;
          const uint32_t tile = b / c.banks_per_tile;
          packet_id id;
          if (input < c.cores_per_tile) {
            id = offered_[tile * c.cores_per_tile + input];
            taken(id);
          } else {
            id = requests_.waiting(tile, input - c.cores_per_tile);
            requests_.left(tile, input - c.cores_per_tile, cycle);
          }
          memory.push(id, cycle + 1);
          if (row_of(packets_[id].row).executes_on == unit::atomic) memory.busy_until = cycle + 1;
          responding_.add(b);
          perform(id);
          return true;
        },
        [&](uint32_t b, uint32_t waiting) {
          conflicts += static_cast<uint32_t>(__builtin_popcount(waiting));
          for (; waiting != 0; waiting &= waiting - 1) {
            const uint32_t input = static_cast<uint32_t>(__builtin_ctz(waiting));
            if (input >= c.cores_per_tile) break;
            blocked(offered_[b / c.banks_per_tile * c.cores_per_tile + input],
                    banks_[b].dma == cycle ? obstacle::dma : obstacle::bank);
          }
        });
    requests_.settle();
  }

  /// A DMA access takes these banks in this cycle.
  void reserve_for_dma(uint32_t first_bank, uint32_t count, uint64_t cycle) {
    for (uint32_t b = first_bank; b < first_bank + count; ++b) banks_[b].dma = cycle;
  }

  uint64_t conflicts = 0;  ///< cycles that requests waited at banks

 private:
  /// A bank and its adapter: it accepts when its response queue was empty as the cycle began.
  struct bank {
    packet_id response[2] = {};
    uint64_t ready[2] = {};
    uint64_t blocked = ~uint64_t{0};  // a response that had waited left in this cycle
    uint64_t dma = ~uint64_t{0};      // DMA has it in this cycle
    uint64_t busy_until = 0;          // writing back an atomic
    uint8_t first = 0;
    uint8_t count = 0;

    bool accepts(uint64_t cycle) const {
      const bool waits = count != 0 && ready[first] < cycle;
      return !waits && blocked != cycle && dma != cycle && busy_until < cycle;
    }
    void push(packet_id p, uint64_t when) {
      const uint8_t last = static_cast<uint8_t>((first + count) % 2);
      response[last] = p;
      ready[last] = when;
      ++count;
    }
    void pop(uint64_t cycle) {
      if (ready[first] < cycle) blocked = cycle;
      first = static_cast<uint8_t>((first + 1) % 2);
      --count;
    }
  };

  uint32_t inputs() const { return soc_->config.cores_per_tile + soc_->config.ports(); }

  soc* soc_;
  buffer<packet> packets_;
  links requests_;
  links responses_;
  buffer<bank> banks_;
  crossbar to_ports_;
  crossbar to_banks_;
  crossbar from_banks_;
  crossbar to_cores_;
  worklist responding_;
  buffer<uint16_t> tile_of_core_;
  buffer<uint64_t> served_;
  buffer<packet_id> offered_;
};

}  // namespace tessera::sim
