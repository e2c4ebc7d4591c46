// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// What a modelled many-core looks like: plain numbers, to be copied and changed. Sizes are in bytes and powers of two.
/// Source: MemPool's RTL and configuration files (config/*.mk); mempool_ita as Deeploy configures it.

#include "tessera/std.hpp"

namespace tessera::sim {

/// Where the memories and devices are; the same in every configuration.
inline constexpr uint32_t control_base = 0x4000'0000;
inline constexpr uint32_t dma_base = 0x4001'0000;
inline constexpr uint32_t l2_base = 0x8000'0000;
inline constexpr uint32_t boot_base = 0xa000'0000;
inline constexpr uint32_t uart_base = 0xc000'0000;
inline constexpr uint32_t device_bytes = 0x1'0000;

/// Wake-up pulses that can be under way; no faster than the devices take the writes that send them.
inline constexpr uint32_t most_wakes = 64;

/// Cycles between a request and its effect, uncontended. "Latency" counts from issue to the cycle in which the data
/// arrives at the core, which may use it one cycle later.
struct latencies {
  uint32_t l2_read = 12;
  uint32_t l2_cached_read = 10;    ///< the read-only cache has it
  uint32_t l2_cached_miss = 18;    ///< the read-only cache asks L2 for it
  uint32_t l2_write = 14;          ///< until the acknowledge
  uint32_t l2_read_interval = 11;  ///< between two reads of a tile: its port converts one at a time
  uint32_t l2_word_interval = 4;   ///< between two words of a group's port to L2
  uint32_t device = 16;            ///< control and DMA registers, read or acknowledged write
  uint32_t device_effect = 11;     ///< until a written register acts
  uint32_t wake_up = 5;            ///< from the register until the sleeping core fetches
  uint32_t refill_hit = 8;         ///< instruction line from the read-only cache, beyond a hit in the tile's cache
  uint32_t refill_miss = 13;       ///< and from L2
  uint32_t dma_start = 15;         ///< from the launch at the front end to the first access to L1
  uint32_t dma_end = 18;           ///< from the last access to L1 to `done`
};

struct configuration {
  const char* name;
  uint32_t groups;
  uint32_t sub_groups;            ///< per group; 1 where there is no such level
  uint32_t tiles;                 ///< in all
  uint32_t core_tiles_per_group;  ///< tiles with cores; the rest of a group's tiles, the last ones, have accelerators
  uint32_t cores_per_tile;
  uint32_t banks_per_tile;
  uint32_t bank_bytes;
  uint32_t sequential_bytes;  ///< per tile: the part of L1 whose addresses stay in one tile
  uint32_t stack_bytes;       ///< per core
  uint32_t l2_bytes;
  uint32_t axi_bytes;  ///< width of the path to L2 and of a DMA access
  uint32_t dma_engines_per_group;
  uint32_t line_bytes;  ///< of the instruction caches
  uint32_t l0_lines;
  uint32_t icache_ways;
  uint32_t icache_bytes;
  uint32_t ro_cache_bytes;  ///< per group or sub-group, 2 ways; 0: none, every instruction line takes refill_miss
  uint32_t ro_line_bytes;
  uint32_t outstanding = 8;  ///< memory transactions in flight per core
  latencies latency = {};

  constexpr uint32_t tiles_per_group() const { return tiles / groups; }
  constexpr uint32_t tiles_per_sub_group() const { return tiles / groups / sub_groups; }
  constexpr uint32_t cores() const { return groups * core_tiles_per_group * cores_per_tile; }
  constexpr uint32_t l1_bytes() const { return tiles * banks_per_tile * bank_bytes; }
  constexpr uint32_t sequential_total() const { return tiles * sequential_bytes; }
  constexpr uint32_t banks() const { return tiles * banks_per_tile; }
  /// Ports of a tile to other tiles: the own (sub-)group's, the other sub-groups', the other groups'.
  constexpr uint32_t ports() const { return groups + sub_groups - 1; }
  /// The first core of a tile that has cores.
  constexpr uint32_t first_core_of(uint32_t tile) const {
    return (tile / tiles_per_group() * core_tiles_per_group + tile % tiles_per_group()) * cores_per_tile;
  }
  /// The tile of a core, from its hart id.
  constexpr uint32_t tile_of(uint32_t core) const {
    const uint32_t core_tile = core / cores_per_tile;
    return core_tile / core_tiles_per_group * tiles_per_group() + core_tile % core_tiles_per_group;
  }
};

/// Why a configuration cannot be modelled; nullptr if it can.
constexpr const char* refusal(const configuration& c) {
  const auto power_of_two = [](uint32_t v) { return v != 0 && (v & (v - 1)) == 0; };
  const uint32_t powers[] = {c.groups,     c.sub_groups,       c.tiles,       c.cores_per_tile, c.banks_per_tile,
                             c.bank_bytes, c.sequential_bytes, c.l2_bytes,    c.axi_bytes,      c.dma_engines_per_group,
                             c.line_bytes, c.l0_lines,         c.icache_ways, c.icache_bytes};
  for (const uint32_t v : powers) {
    if (!power_of_two(v)) return "sizes and counts of a configuration must be powers of two";
  }
  if (c.tiles < c.groups * c.sub_groups) return "there are fewer tiles than groups";
  if (c.core_tiles_per_group == 0 || c.core_tiles_per_group > c.tiles_per_group()) {
    return "the tiles with cores must be 1 to all tiles of a group";
  }
  if (c.tiles_per_group() > 32 || c.banks_per_tile > 32 || c.bank_bytes < 4 || c.bank_bytes > 1 << 20) {
    return "at most 32 tiles per group, of at most 32 banks of 4 bytes to 1 MiB, can be modelled";
  }
  if (c.cores_per_tile > 16 || c.ports() > 16 || c.cores_per_tile + c.ports() > 32 || c.cores() > 4096) {
    return "at most 4096 cores, 16 cores and 16 ports per tile can be modelled";
  }
  if (uint64_t{c.tiles} * c.banks_per_tile * c.bank_bytes > 64u << 20) return "L1 is larger than 64 MiB";
  if (c.sequential_bytes > c.banks_per_tile * c.bank_bytes || c.sequential_bytes < c.banks_per_tile * 4) {
    return "the sequential memory of a tile must fit its banks";
  }
  if (c.stack_bytes % 16 != 0 || c.stack_bytes > c.sequential_bytes / c.cores_per_tile) {
    return "the stacks of a tile must fit its sequential memory";
  }
  if (c.l2_bytes < 4096 || c.l2_bytes > boot_base - l2_base) return "L2 must have 4 KiB to 512 MiB";
  if (c.axi_bytes < 4 || c.axi_bytes > c.banks_per_tile * 4) return "a DMA access must fit the banks of one tile";
  if (c.line_bytes < 16 || c.line_bytes > 256 || c.l0_lines > 32 || c.icache_ways > 16 ||
      c.icache_bytes < c.line_bytes * c.icache_ways) {
    return "the instruction caches must have lines of 16 to 256 bytes and at least one line per way";
  }
  if (c.ro_cache_bytes != 0 && (!power_of_two(c.ro_cache_bytes) || !power_of_two(c.ro_line_bytes) ||
                                c.ro_line_bytes < c.line_bytes || c.ro_cache_bytes / 2 < c.ro_line_bytes)) {
    return "the read-only cache must have at least two lines, each no shorter than an instruction cache's";
  }
  if (c.icache_bytes > 1 << 20 || c.ro_cache_bytes > 1 << 20) return "caches of at most 1 MiB can be modelled";
  if (c.dma_engines_per_group > 256 / c.groups || c.dma_engines_per_group * c.groups * c.axi_bytes > c.banks() * 4) {
    return "at most 256 DMA engines can be modelled, each with the banks of at least one access";
  }
  if (c.outstanding == 0 || c.outstanding > 16) return "1 to 16 outstanding transactions can be modelled";
  if (c.cores() * (c.outstanding + 1) > 0xffff) return "at most 65535 transactions can be modelled";
  const latencies& l = c.latency;
  const uint32_t delays[] = {l.l2_read,          l.l2_cached_read, l.l2_cached_miss, l.l2_write, l.l2_read_interval,
                             l.l2_word_interval, l.device,         l.device_effect,  l.wake_up,  l.refill_hit,
                             l.refill_miss,      l.dma_start,      l.dma_end};
  for (const uint32_t v : delays) {
    if (v == 0 || v > 1000) return "latencies must be 1 to 1000 cycles";
  }
  if (l.device_effect > l.device) return "a device must act before it answers: device_effect is larger than device";
  if (l.wake_up / l.device + 1 > most_wakes) return "a wake-up may take at most 63 times as long as a device access";
  return nullptr;
}

/// 16 cores in 4 tiles, one tile per group.
inline constexpr configuration minpool = {.name = "minpool",
                                          .groups = 4,
                                          .sub_groups = 1,
                                          .tiles = 4,
                                          .core_tiles_per_group = 1,
                                          .cores_per_tile = 4,
                                          .banks_per_tile = 16,
                                          .bank_bytes = 1024,
                                          .sequential_bytes = 2048,
                                          .stack_bytes = 512,
                                          .l2_bytes = 4 << 20,
                                          .axi_bytes = 32,
                                          .dma_engines_per_group = 1,
                                          .line_bytes = 32,
                                          .l0_lines = 4,
                                          .icache_ways = 2,
                                          .icache_bytes = 2048,
                                          .ro_cache_bytes = 8192,
                                          .ro_line_bytes = 32};

/// Four tiles of minpool wired together around a fixed instruction refill, as most RTL measurements were taken.
inline constexpr configuration minpool_tile4 = [] {
  configuration c = minpool;
  c.name = "minpool_tile4";
  c.ro_cache_bytes = 0;
  return c;
}();

/// 256 cores in 4 groups of 16 tiles.
inline constexpr configuration mempool = {.name = "mempool",
                                          .groups = 4,
                                          .sub_groups = 1,
                                          .tiles = 64,
                                          .core_tiles_per_group = 16,
                                          .cores_per_tile = 4,
                                          .banks_per_tile = 16,
                                          .bank_bytes = 1024,
                                          .sequential_bytes = 2048,
                                          .stack_bytes = 512,
                                          .l2_bytes = 4 << 20,
                                          .axi_bytes = 64,
                                          .dma_engines_per_group = 1,
                                          .line_bytes = 32,
                                          .l0_lines = 4,
                                          .icache_ways = 2,
                                          .icache_bytes = 2048,
                                          .ro_cache_bytes = 8192,
                                          .ro_line_bytes = 64};

/// 1024 cores in 4 groups of 4 sub-groups of 8 tiles.
inline constexpr configuration terapool = [] {
  configuration c = {.name = "terapool",
                     .groups = 4,
                     .sub_groups = 4,
                     .tiles = 128,
                     .core_tiles_per_group = 32,
                     .cores_per_tile = 8,
                     .banks_per_tile = 32,
                     .bank_bytes = 1024,
                     .sequential_bytes = 4096,
                     .stack_bytes = 512,
                     .l2_bytes = 16 << 20,
                     .axi_bytes = 64,
                     .dma_engines_per_group = 4,
                     .line_bytes = 64,
                     .l0_lines = 4,
                     .icache_ways = 4,
                     .icache_bytes = 4096,
                     .ro_cache_bytes = 8192,
                     .ro_line_bytes = 64};
  c.latency.l2_read += 4;
  c.latency.l2_cached_read += 4;
  c.latency.l2_cached_miss += 4;
  c.latency.l2_write += 4;
  c.latency.device += 4;
  c.latency.device_effect += 2;
  c.latency.wake_up += 1;
  return c;
}();

/// 192 cores and 4 accelerators: the last four tiles of each group have accelerators instead of cores.
inline constexpr configuration mempool_ita = [] {
  configuration c = mempool;
  c.name = "mempool_ita";
  c.core_tiles_per_group = 12;
  c.sequential_bytes = 4096;
  c.stack_bytes = 1024;
  return c;
}();

inline constexpr const configuration* configurations[] = {&minpool, &mempool, &terapool, &mempool_ita, &minpool_tile4};
static_assert(refusal(minpool) == nullptr && refusal(minpool_tile4) == nullptr && refusal(mempool) == nullptr &&
              refusal(terapool) == nullptr && refusal(mempool_ita) == nullptr);

/// Splits an L1 address. The sequential region, where each tile has a contiguous piece, and the interleaved rest share
/// the banks; the cores' addresses are scrambled so that both look contiguous. DMA does not scramble.
class l1_map {
 public:
  constexpr explicit l1_map(const configuration& c)
      : tile_shift_(2 + log2(c.banks_per_tile)),
        tile_bits_(log2(c.tiles)),
        sequential_shift_(log2(c.sequential_bytes)),
        sequential_total_(c.sequential_total()),
        bank_mask_(c.banks() - 1) {}

  /// Core's address -> address on the banks' side (word-interleaved over all banks). Source: address_scrambler.
  constexpr uint32_t scramble(uint32_t a) const {
    if (a >= sequential_total_) return a;
    const uint32_t low = a & ((1u << tile_shift_) - 1);
    const uint32_t tile = a >> sequential_shift_;
    const uint32_t row = (a & ((1u << sequential_shift_) - 1)) >> tile_shift_;
    return low | tile << tile_shift_ | row << (tile_shift_ + tile_bits_);
  }
  /// The inverse: where cores see what DMA calls `a`.
  constexpr uint32_t unscramble(uint32_t a) const {
    if (a >= sequential_total_) return a;
    const uint32_t low = a & ((1u << tile_shift_) - 1);
    const uint32_t tile = a >> tile_shift_ & ((1u << tile_bits_) - 1);
    const uint32_t row = a >> (tile_shift_ + tile_bits_);
    return low | row << tile_shift_ | tile << sequential_shift_;
  }
  /// Number of the bank, over all tiles, that holds a core's address.
  constexpr uint32_t bank(uint32_t a) const { return scramble(a) >> 2 & bank_mask_; }
  constexpr uint32_t tile(uint32_t a) const { return scramble(a) >> tile_shift_ & ((1u << tile_bits_) - 1); }

  static constexpr uint32_t log2(uint32_t v) { return static_cast<uint32_t>(31 - __builtin_clz(v)); }

 private:
  uint32_t tile_shift_;
  uint32_t tile_bits_;
  uint32_t sequential_shift_;
  uint32_t sequential_total_;
  uint32_t bank_mask_;
};

}  // namespace tessera::sim
