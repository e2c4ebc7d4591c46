// SPDX-License-Identifier: Apache-2.0
// What cores may rely on when they share memory: barriers of all and of some cores, atomic operations, LR/SC, and the
// order of accesses that fences keep.
#include "rv32/check.hpp"

using namespace tessera;
using namespace tessera::runtime;

namespace {

constexpr uint32_t cores = cluster::cores;

uint32_t slots[cores];

/// After a barrier each core sees what all others stored before it.
void barriers(uint32_t core) {
  for (uint32_t phase = 1; phase <= 6; ++phase) {
    slots[core] = phase * 1000 + core;
    sync();
    for (uint32_t distance = 1; distance < cores; distance *= 2) {
      const uint32_t other = (core + distance) % cores;
      check::equal("sync", slots[other], phase * 1000 + other, phase, other);
    }
    sync();
  }
}

barrier some_cores;

/// Barriers of the first n cores, while the others already wait at a barrier of all. A pulse too many or too few would
/// upset a later barrier.
void partial_barriers(uint32_t core) {
  const uint32_t counts[] = {1,
                             2,
                             cluster::cores_per_tile - 1,
                             cluster::cores_per_tile,
                             cluster::cores_per_tile + 1,
                             cluster::cores_per_group - 1,
                             cluster::cores_per_group,
                             cluster::cores_per_group + cluster::cores_per_tile + 1,
                             cores - 1,
                             cores};
  for (const uint32_t n : counts) {
    slots[core] = 0;
    sync();
    if (core < n) {
      slots[core] = n;
      some_cores.wait(n);
      check::equal("barrier of some", slots[(core + 1) % n], n, n, core);
      check::equal("barrier of some", slots[(core + n / 2) % n], n, n, core);
    }
    sync();
  }
}

struct {
  uint32_t add, max, min, bits_or, bits_xor, bits_and, swap;
  int32_t signed_max, signed_min;
} shared;

#define TESSERA_TEST_AMO(mnemonic, result, address, value) \
  asm volatile(mnemonic " %0, %2, %1" : "=r"(result), "+A"(*(address)) : "r"(value) : "memory")

/// Each operation on one core, where its result is known; then all cores at once on shared words.
void atomics(uint32_t core) {
  if (core == 0) {
    uint32_t old;
    uint32_t& word = slots[0];
    const auto expect = [&](const char* what, uint32_t before, uint32_t after) {
      check::equal(what, old, before);
      check::equal(what, word, after);
    };
    word = 0x8000'0001;
    TESSERA_TEST_AMO("amoadd.w", old, &word, 0xffff'ffffu);
    expect("amoadd.w", 0x8000'0001, 0x8000'0000);
    TESSERA_TEST_AMO("amomax.w", old, &word, 5u);
    expect("amomax.w", 0x8000'0000, 5);
    TESSERA_TEST_AMO("amomin.w", old, &word, 0xffff'fff0u);
    expect("amomin.w", 5, 0xffff'fff0);
    TESSERA_TEST_AMO("amominu.w", old, &word, 7u);
    expect("amominu.w", 0xffff'fff0, 7);
    TESSERA_TEST_AMO("amomaxu.w", old, &word, 0xf0f0'f0f0u);
    expect("amomaxu.w", 7, 0xf0f0'f0f0);
    TESSERA_TEST_AMO("amoand.w", old, &word, 0xffff'0000u);
    expect("amoand.w", 0xf0f0'f0f0, 0xf0f0'0000);
    TESSERA_TEST_AMO("amoor.w", old, &word, 0x0000'000fu);
    expect("amoor.w", 0xf0f0'0000, 0xf0f0'000f);
    TESSERA_TEST_AMO("amoxor.w", old, &word, 0xffff'ffffu);
    expect("amoxor.w", 0xf0f0'000f, 0x0f0f'fff0);
    TESSERA_TEST_AMO("amoswap.w", old, &word, 42u);
    expect("amoswap.w", 0x0f0f'fff0, 42);
    shared.min = ~uint32_t{0};
    shared.bits_and = ~uint32_t{0};
    shared.swap = cores;
  }
  sync();

  uint32_t old;
  const uint32_t bit = uint32_t{1} << core % 32;
  for (int i = 0; i < 10; ++i) TESSERA_TEST_AMO("amoadd.w", old, &shared.add, core);
  TESSERA_TEST_AMO("amomaxu.w", old, &shared.max, core);
  TESSERA_TEST_AMO("amominu.w", old, &shared.min, core + 3);
  TESSERA_TEST_AMO("amomax.w", old, &shared.signed_max, core);
  TESSERA_TEST_AMO("amomin.w", old, &shared.signed_min, 0 - core);
  TESSERA_TEST_AMO("amoor.w", old, &shared.bits_or, bit);
  TESSERA_TEST_AMO("amoxor.w", old, &shared.bits_xor, bit);
  TESSERA_TEST_AMO("amoand.w", old, &shared.bits_and, ~bit);
  // Everyone takes what someone else left: in the end each number was taken once.
  TESSERA_TEST_AMO("amoswap.w", old, &shared.swap, core);
  slots[core] = old;
  sync();
  if (core == 0) {
    const uint32_t all_bits = cores >= 32 ? ~uint32_t{0} : (uint32_t{1} << cores % 32) - 1;
    check::equal("amoadd.w of all", shared.add, 10 * (cores * (cores - 1) / 2));
    check::equal("amomaxu.w of all", shared.max, cores - 1);
    check::equal("amominu.w of all", shared.min, 3);
    check::equal("amomax.w of all", static_cast<uint32_t>(shared.signed_max), cores - 1);
    check::equal("amomin.w of all", static_cast<uint32_t>(shared.signed_min), 1 - cores);
    check::equal("amoor.w of all", shared.bits_or, all_bits);
    check::equal("amoxor.w of all", shared.bits_xor, cores / 32 % 2 == 0 && cores >= 32 ? 0 : all_bits);
    check::equal("amoand.w of all", shared.bits_and, ~all_bits);
    uint32_t taken = shared.swap;
    for (uint32_t i = 0; i < cores; ++i) taken += slots[i];
    check::equal("amoswap.w of all", taken, cores + cores * (cores - 1) / 2);
  }
  sync();
}

uint32_t load_reserved(uint32_t* address) {
  uint32_t value;
  asm volatile("lr.w %0, %1" : "=r"(value), "+A"(*address)::"memory");
  return value;
}
/// 0: stored.
uint32_t store_conditional(uint32_t* address, uint32_t value) {
  uint32_t failed;
  asm volatile("sc.w %0, %2, %1" : "=r"(failed), "+A"(*address) : "r"(value) : "memory");
  return failed;
}

uint32_t lock;
uint32_t guarded;
uint32_t conditional_sum;

/// LR and SC: what one core may expect, then a counter and a spin lock of all cores.
void reservations(uint32_t core) {
  if (core == 0) {
    slots[0] = 11;
    slots[1] = 22;
    check::equal("lr.w", load_reserved(&slots[0]), 11);
    check::equal("sc.w", store_conditional(&slots[0], 12), 0);
    check::equal("sc.w stored", slots[0], 12);
    check::equal("sc.w without lr.w", store_conditional(&slots[0], 13), 1);
    check::equal("sc.w without lr.w stored", slots[0], 12);
  }
  sync();

  for (int i = 0; i < 4; ++i) {
    while (store_conditional(&conditional_sum, load_reserved(&conditional_sum) + core) != 0) {
    }
  }
  for (int i = 0; i < 3; ++i) {
    while (load_reserved(&lock) != 0 || store_conditional(&lock, 1) != 0) {
    }
    fence();
    guarded = guarded + 1;
    fence();
    __atomic_store_n(&lock, 0, __ATOMIC_RELAXED);
  }
  sync();
  if (core == 0) {
    check::equal("sum by lr.w and sc.w", conditional_sum, 4 * (cores * (cores - 1) / 2));
    check::equal("counter under a lock", guarded, 3 * cores);
  }
}

uint32_t messages[cores];
uint32_t flags[cores];

/// Message passing: who sees the flag sees the message. The message and the flag lie in different banks, and of pairs
/// of cores at different distances.
void message_passing(uint32_t core) {
  for (uint32_t distance = 1; distance < cores; distance *= 2) {
    const uint32_t receiver = (core + distance) % cores;
    messages[(receiver * 7 + 3) % cores] = distance * 10000 + core;
    fence();
    __atomic_store_n(&flags[receiver], distance, __ATOMIC_RELAXED);

    while (__atomic_load_n(&flags[core], __ATOMIC_RELAXED) != distance) {
    }
    fence();
    const uint32_t sender = (core + cores - distance) % cores;
    check::equal("message passing", messages[(core * 7 + 3) % cores], distance * 10000 + sender, distance);
    sync();
  }
}

uint32_t left[cores / 2];
uint32_t right[cores / 2];
uint32_t seen[cores];

/// Store buffering: with a fence between its store and its load, at least one of two cores sees the other's store.
void store_buffering(uint32_t core) {
  const uint32_t pair = core % (cores / 2);
  const bool first = core < cores / 2;
  for (uint32_t round = 0; round < 8; ++round) {
    uint32_t* const mine = first ? &left[pair] : &right[(pair * 5 + round) % (cores / 2)];
    uint32_t* const other = first ? &right[(pair * 5 + round) % (cores / 2)] : &left[pair];
    __atomic_store_n(mine, 0, __ATOMIC_RELAXED);
    sync();
    // Shifts the two against each other a little.
    for (uint32_t i = 0; i < (first ? round : 3); ++i) asm volatile("nop");
    __atomic_store_n(mine, 1, __ATOMIC_RELAXED);
    fence();
    seen[core] = __atomic_load_n(other, __ATOMIC_RELAXED);
    sync();
    if (first) check::equal("store buffering", seen[core] | seen[core + cores / 2], 1, round);
    sync();
  }
}

}  // namespace

int main() {
  const uint32_t core = core_id();
  barriers(core);
  partial_barriers(core);
  atomics(core);
  reservations(core);
  message_passing(core);
  store_buffering(core);
  return check::report();
}
