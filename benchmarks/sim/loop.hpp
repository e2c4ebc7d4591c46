// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

/// A loop of the kind of Dhrystone, written for this benchmark: records, strings, calls, branches, array indices and a
/// division per round; about 400 instructions. All of its data is on the stack.
namespace loop {

struct record {
  record* next;
  int32_t kind;
  int32_t number;
  char text[32];
};

[[gnu::noinline]] inline void copy_text(char* to, const char* from) {
  do *to++ = *from;
  while (*from++ != '\0');
}
[[gnu::noinline]] inline int32_t compare_text(const char* a, const char* b) {
  while (*a == *b && *a != '\0') ++a, ++b;
  return static_cast<uint8_t>(*a) - static_cast<uint8_t>(*b);
}
[[gnu::noinline]] inline void update(record& r, int32_t number) {
  r.number = number + r.next->number;
  r.kind = r.number % 5 == 0 ? 1 : r.kind + 2;
  *r.next = r;
  r.next->number /= 3;
}

/// Returns a checksum of what the rounds did.
[[gnu::noinline]] inline uint32_t run(uint32_t rounds, uint32_t seed) {
  record first{nullptr, 0, 0, {}};
  record second{nullptr, 1, static_cast<int32_t>(seed & 0xff), {}};
  first.next = &second;
  second.next = &first;
  copy_text(first.text, "tessera, a loop, first string");
  int32_t table[16];
  for (int32_t& entry : table) entry = 0;
  uint32_t sum = seed;
  for (uint32_t round = 0; round < rounds; ++round) {
    copy_text(second.text, "tessera, a loop, second text");
    sum += compare_text(first.text, second.text) > 0 ? 3 : 5;
    first.next = &second;
    update(first, static_cast<int32_t>(round));
    table[round & 15] += first.number;
    table[(round + 7) & 15] ^= table[round & 15] * 31;
    if ((table[(round + 3) & 15] & 1) != 0) sum ^= static_cast<uint32_t>(table[round & 15]);
    sum = sum << 5 | sum >> 27;
  }
  return sum;
}

}  // namespace loop
