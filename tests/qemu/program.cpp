// SPDX-License-Identifier: Apache-2.0
// What a compiler makes of ordinary code, for Linux (qemu-user) and for the model alike: computes, writes `output` to
// standard output, exits. Freestanding; only libgcc is linked, for 64-bit division and floating point.
using u8 = unsigned char;
using u32 = unsigned;
using u64 = unsigned long long;

extern "C" {
constexpr int result_count = 24;
u32 output[result_count];
u8 stack[16384] __attribute__((aligned(16)));
void* memcpy(void* to, const void* from, unsigned long bytes);
void* memset(void* to, int value, unsigned long bytes);
}

namespace {

// LR and SC work in L1 only.
__attribute__((section(".l1"))) u32 shared[4] = {1, 2, 3, 4};
u32 numbers[2000];
u8 text[3000];
u32 state = 2021;
const volatile u32 zero = 0;  // the compiler knows nothing about it

u32 next() {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

u32 crc(const u8* data, u32 size) {
  u32 sum = ~0u;
  for (u32 i = 0; i < size; ++i) {
    sum ^= data[i];
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0xedb88320u & (0u - (sum & 1)));
  }
  return ~sum;
}

void sort(u32* first, u32* last) {
  while (last - first > 1) {
    const u32 pivot = first[(last - first) / 2];
    u32* low = first;
    u32* high = last - 1;
    while (low <= high) {
      while (*low < pivot) ++low;
      while (*high > pivot) --high;
      if (low > high) break;
      const u32 other = *low;
      *low++ = *high;
      *high-- = other;
    }
    sort(low, last);
    last = high + 1;
  }
}

u32 queens(u32 all, u32 columns, u32 left, u32 right) {
  if (columns == all) return 1;
  u32 count = 0;
  for (u32 free = all & ~(columns | left | right); free != 0; free &= free - 1) {
    const u32 place = free & (0u - free);
    count += queens(all, columns | place, (left | place) << 1, (right | place) >> 1);
  }
  return count;
}

template <class T>
u32 divisions() {
  u32 sum = 0;
  for (int i = 0; i < 500; ++i) {
    const T a = static_cast<T>(static_cast<u64>(next()) << 32 | next());
    const T b = static_cast<T>(next() >> (i % 32)) | 1;
    sum = sum * 31 + static_cast<u32>(a / b) + static_cast<u32>(a % b);
  }
  return sum;
}

template <class T>
u32 series() {
  T sum = 0;
  T term = 1;
  for (int i = 1; i < 30; ++i) {
    sum += term;
    term = term * static_cast<T>(0.75) / static_cast<T>(i) - static_cast<T>(1e-3);
  }
  return static_cast<u32>(static_cast<int>(sum * static_cast<T>(1e6)));
}

u32 sieve() {
  u32 count = 0;
  for (u8& t : text) t = 1;
  for (u32 i = 2; i < sizeof text; ++i) {
    count += text[i];
    for (u32 k = i * i; text[i] != 0 && k < sizeof text; k += i) text[k] = 0;
  }
  return count;
}

u32 atomics() {
  __atomic_fetch_add(&shared[0], 41, __ATOMIC_SEQ_CST);
  __atomic_fetch_and(&shared[1], 6, __ATOMIC_ACQUIRE);
  __atomic_fetch_xor(&shared[2], 0xff00, __ATOMIC_RELEASE);
  for (u32 expected = zero;
       !__atomic_compare_exchange_n(&shared[3], &expected, 77, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);) {
  }
  return shared[0] ^ shared[1] << 8 ^ shared[2] ^ __atomic_exchange_n(&shared[3], 5, __ATOMIC_SEQ_CST) << 24;
}

}  // namespace

extern "C" {

void* memcpy(void* to, const void* from, unsigned long bytes) {
  for (unsigned long i = 0; i < bytes; ++i) static_cast<volatile u8*>(to)[i] = static_cast<const u8*>(from)[i];
  return to;
}
void* memset(void* to, int value, unsigned long bytes) {
  for (unsigned long i = 0; i < bytes; ++i) static_cast<volatile u8*>(to)[i] = static_cast<u8>(value);
  return to;
}

void compute() {
  u32* out = output;
  for (u32& n : numbers) n = next();
  for (u8& t : text) t = static_cast<u8>(next());
  *out++ = crc(text, sizeof text);
  sort(numbers, numbers + 2000);
  *out++ = crc(reinterpret_cast<const u8*>(numbers), sizeof numbers);
  *out++ = queens(0xff, 0, 0, 0);
  *out++ = sieve();
  *out++ = divisions<u32>();
  *out++ = divisions<int>();
  *out++ = divisions<u64>();
  *out++ = divisions<long long>();
  *out++ = divisions<unsigned short>();
  *out++ = series<float>();
  *out++ = series<double>();
  *out++ = atomics();
  const int lowest = static_cast<int>(0x80000000 | zero);
  int by_zero = 0;  // in assembly, because C++ leaves it open
  int overflow = 0;
  asm volatile("div %0, %1, %2" : "=r"(by_zero) : "r"(lowest), "r"(zero));
  asm volatile("rem %0, %1, %2" : "=r"(overflow) : "r"(lowest), "r"(-1));
  *out++ = static_cast<u32>(by_zero);
  *out++ = static_cast<u32>(overflow);
}

// Linux ends at `exit`; the model knows no system calls and ends at the store behind.
asm(R"(
  .globl _start
_start:
  .option push
  .option norelax
  la gp, __global_pointer$
  .option pop
  la sp, stack + 16384
  call compute
  li a0, 1
  la a1, output
  li a2, 96
  li a7, 64
  ecall
  li a0, 0
  li a7, 93
  ecall
  li t0, 0x40000000
  li t1, 1
  sw t1, 0(t0)
1: wfi
  j 1b
)");
}
static_assert(sizeof output == 96);
