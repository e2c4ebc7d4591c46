// SPDX-License-Identifier: Apache-2.0
// What a program finds when main begins: its cluster, its stack, cleared and initialised variables where they belong.
#include "rv32/check.hpp"
#include "tessera/runtime/counters.hpp"
#include "tessera/sim/configuration.hpp"

using namespace tessera;
using namespace tessera::runtime;

namespace {

constexpr const sim::configuration& model = sim::TESSERA_TEST_CONFIG;
static_assert(cluster::cores == model.cores() && cluster::tiles == model.tiles && cluster::groups == model.groups);
static_assert(cluster::cores_per_tile == model.cores_per_tile && cluster::stack_bytes == model.stack_bytes);
static_assert(cluster::sequential_bytes == model.sequential_bytes && cluster::l2_bytes == model.l2_bytes);
static_assert(cluster::l1_bytes == model.l1_bytes());
constexpr bool same_tiles() {
  for (uint32_t core = 0; core < cluster::cores; ++core) {
    if (cluster::tile_of(core) != model.tile_of(core)) return false;
  }
  return true;
}
static_assert(same_tiles());

constexpr uint32_t sequential_total = cluster::tiles * cluster::sequential_bytes;

uint32_t cleared[cluster::cores + 3];
uint32_t initialised[2] = {0x1234'5678, 0x9abc'def0};
uint32_t calls;
[[gnu::section(".l1")]] uint32_t near[cluster::cores];
[[gnu::section(".l2_bss")]] uint32_t far[cluster::cores];

uint32_t address(const volatile void* p) { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(p)); }
bool in_l1(const volatile void* p) { return address(p) >= sequential_total && address(p) < cluster::l1_bytes; }
bool in_l2(const volatile void* p) { return address(p) - 0x8000'0000u < cluster::l2_bytes; }

}  // namespace

int main() {
  const uint32_t core = core_id();
  volatile uint32_t local = core;
  const uint32_t stack =
      cluster::tile_of(core) * cluster::sequential_bytes + core % cluster::cores_per_tile * cluster::stack_bytes;
  check::equal("stack", address(&local) - stack < cluster::stack_bytes, true, address(&local), stack);
  check::equal("stack limit", detail::read_csr<0x7d1>(), stack);

  check::equal("L1", in_l1(cleared) && in_l1(near), true);
  check::equal("L2", in_l2(initialised) && in_l2(far), true);
  check::equal(".bss", cleared[core], 0);
  check::equal(".bss", cleared[cluster::cores + core % 3], 0);
  check::equal(".data", initialised[core % 2], core % 2 == 0 ? 0x1234'5678 : 0x9abc'def0);
  near[core] = core + 1;
  far[core] = core + 2;
  __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
  sync();
  const uint32_t other = (core + 1) % cluster::cores;
  check::equal("L1 is shared", near[other], other + 1);
  check::equal("L2 is shared", far[other], other + 2);
  check::equal("cores in main", calls, cluster::cores);
  check::equal("local", local, core);
  return check::report();
}
