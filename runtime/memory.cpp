// SPDX-License-Identifier: Apache-2.0
// What compilers call for copies and comparisons of memory, as there is no C library. Words where both sides are
// aligned.
#include <stddef.h>
#include <stdint.h>

namespace {

// May touch an object of any type.
typedef uint32_t word __attribute__((may_alias));

bool aligned(const void* a, const void* b) {
  return ((reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b)) & 3) == 0;
}

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, size_t size) {
  auto* d = static_cast<char*>(to);
  const auto* s = static_cast<const char*>(from);
  if (aligned(d, s)) {
    for (; size >= 4; size -= 4, d += 4, s += 4) *reinterpret_cast<word*>(d) = *reinterpret_cast<const word*>(s);
  }
  for (; size != 0; --size) *d++ = *s++;
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  auto* d = static_cast<char*>(to);
  const auto* s = static_cast<const char*>(from);
  if (reinterpret_cast<uintptr_t>(d) - reinterpret_cast<uintptr_t>(s) >= size) return memcpy(to, from, size);
  while (size != 0) {
    --size;
    d[size] = s[size];
  }
  return to;
}

void* memset(void* to, int value, size_t size) {
  auto* d = static_cast<char*>(to);
  const auto byte = static_cast<char>(value);
  if (aligned(d, d)) {
    const uint32_t four = (static_cast<uint32_t>(value) & 0xff) * 0x01010101u;
    for (; size >= 4; size -= 4, d += 4) *reinterpret_cast<word*>(d) = four;
  }
  for (; size != 0; --size) *d++ = byte;
  return to;
}

int memcmp(const void* a, const void* b, size_t size) {
  const auto* x = static_cast<const unsigned char*>(a);
  const auto* y = static_cast<const unsigned char*>(b);
  for (; size != 0; --size, ++x, ++y) {
    if (*x != *y) return *x < *y ? -1 : 1;
  }
  return 0;
}

}  // extern "C"
