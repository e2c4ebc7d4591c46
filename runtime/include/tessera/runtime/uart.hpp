// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Output of text: print("core ", id, ": ", hex{word}, "\n"). A line appears when it ends. Characters of cores that
/// print at the same time mix, so let one core print.

#include <stdint.h>

namespace tessera::runtime {

/// As 0x and eight digits.
struct hex {
  uint32_t value;
};

inline void print_one(char c) { *reinterpret_cast<volatile char*>(uintptr_t{0xc000'0000}) = c; }
inline void print_one(const char* text) {
  for (; *text != '\0'; ++text) print_one(*text);
}
inline void print_one(unsigned long value) {
  char digits[11];
  char* first = digits + 10;
  *first = '\0';
  do {
    *--first = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  print_one(static_cast<const char*>(first));
}
inline void print_one(long value) {
  if (value < 0) print_one('-');
  print_one(value < 0 ? 0 - static_cast<unsigned long>(value) : static_cast<unsigned long>(value));
}
inline void print_one(unsigned value) { print_one(static_cast<unsigned long>(value)); }
inline void print_one(int value) { print_one(static_cast<long>(value)); }
inline void print_one(hex number) {
  print_one("0x");
  for (int shift = 28; shift >= 0; shift -= 4) print_one("0123456789abcdef"[number.value >> shift & 15]);
}

template <class... Parts>
void print(Parts... parts) {
  (print_one(parts), ...);
}

}  // namespace tessera::runtime
