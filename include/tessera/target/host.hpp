// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The host's vector units through xsimd: SSE2 to AVX2 and 64-bit NEON, whichever this translation unit is compiled
/// for. Below the tag stand the few vector primitives that xsimd 8 lacks, once per instruction set; kernels are written
/// on them and contain no `#if`.
///
/// Wide integers travel as doubles, which hold every integer below 2^53 exactly. The rounding helpers rely on IEEE
/// arithmetic, so -ffast-math is refused.

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__)
#error "tessera/target/host.hpp rounds with IEEE arithmetic: compile without -ffast-math"
#endif

#include <xsimd/xsimd.hpp>

#include "tessera/core/concepts.hpp"

namespace tessera {
namespace simd {

#if TESSERA_ISA_X86 == 2 && TESSERA_ISA_FMA
using arch = xsimd::fma3<xsimd::avx2>;
#elif TESSERA_ISA_X86 == 2
using arch = xsimd::avx2;
#elif TESSERA_ISA_X86 == 1
using arch = xsimd::sse2;
#elif TESSERA_ISA_NEON64
using arch = xsimd::neon64;
#else
#error "tessera/target/host.hpp needs SSE2, AVX2 or 64-bit NEON: use tessera/target/reference.hpp"
#endif

using i8 = xsimd::batch<int8_t, arch>;
using i16 = xsimd::batch<int16_t, arch>;
using i32 = xsimd::batch<int32_t, arch>;
using i64 = xsimd::batch<int64_t, arch>;
using u8 = xsimd::batch<uint8_t, arch>;
using u64 = xsimd::batch<uint64_t, arch>;
using f64 = xsimd::batch<double, arch>;
using mask64 = xsimd::batch_bool<double, arch>;
inline constexpr index_t lanes8 = u8::size;
inline constexpr index_t lanes16 = i16::size;
inline constexpr index_t lanes32 = i32::size;
inline constexpr index_t lanes64 = f64::size;

}  // namespace simd

namespace target {

/// The CPU that the translation unit is compiled for, with its vector units.
struct host {
  static constexpr const char* name = "host";
  static constexpr int minimum_tier = 1;
  using simd = tessera::simd::arch;
};

}  // namespace target

namespace simd {

// ---- Per instruction set -------------------------------------------------------------------------------------------
// widen16(p)        lanes16 bytes at p as 16-bit integers
// pairs16(p, q)     lanes16 bytes of each row as (p[i], q[i]) pairs: columns 0.. in .first, the upper half in .second
// dot_pairs(a, b)   a[2i] * b[2i] + a[2i+1] * b[2i+1] in 32 bits
// sum_each(a..d)    the four horizontal sums, stored at out[0..4)
// load_f64(p)       lanes64 integers at p as doubles; 64-bit ones must be below 2^51 in magnitude
// store_f64(p, v)   integers in v, which fit the type of p, stored
// has_floor         there is an instruction for the next two; if not, scalar code wins where there is little to compute
// round_even(v)     nearest integer, ties to even, for |v| < 2^51; beyond, v or a neighbour
// floor(v)          largest integer <= v, for |v| < 2^51; beyond, v or a neighbour
// load_i32(p)       lanes32 integers at p as 32-bit ones
// load_i64(p)       lanes64 integers at p as 64-bit ones
// multiply_low(a,b) the unsigned low halves of 64-bit lanes multiplied, in 64 bits
// multiply(a, b)    32-bit products modulo 2^32 (the operator may be undefined on overflow)
// store_low(p, v)   the low bytes of 32-bit lanes
// load_bytes(p)     lanes8 bytes, of either sign
// larger, smaller   of unsigned bytes
// half_sum(a, b)    (a + b + 1) >> 1 of unsigned bytes
// shifted_right     of unsigned bytes, by less than 8
// look_up(t, i)     t[i[k]] for a table of 16 bytes, given in every 16 bytes of t, and i[k] < 16
// table16           sixteen 16-bit numbers; sum_of(t, i) gives 64-bit partial sums of t[i[k]], i[k] < 16
// largest(v)        the largest of unsigned bytes

struct pair_of_i16 {
  i16 first;
  i16 second;
};

/// 1.5 * 2^52: adding it to an integer v, |v| < 2^51, leaves v in the low bits of the double.
inline constexpr double magic = 6755399441055744.0;

#if TESSERA_ISA_X86 == 2

inline i16 widen16(const int8_t* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline i16 widen16(const uint8_t* p) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline pair_of_i16 pairs16(const int8_t* p, const int8_t* q) {
  const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
  return {_mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b)), _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(a, b))};
}
inline i32 dot_pairs(i16 a, i16 b) { return _mm256_madd_epi16(a, b); }
inline void sum_each(i32 a, i32 b, i32 c, i32 d, int32_t* out) {
  const __m256i t = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                   _mm_add_epi32(_mm256_castsi256_si128(t), _mm256_extracti128_si256(t, 1)));
}
inline f64 load_f64(const int8_t* p) {
  int32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return _mm256_cvtepi32_pd(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(bytes)));
}
inline f64 load_f64(const uint8_t* p) {
  int32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)));
}
inline f64 load_f64(const int16_t* p) {
  return _mm256_cvtepi32_pd(_mm_cvtepi16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}
inline f64 load_f64(const int32_t* p) {
  return _mm256_cvtepi32_pd(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline __m128i to_i32x4(f64 v) { return _mm256_cvttpd_epi32(v); }
inline void store_f64(int8_t* p, f64 v) {
  const __m128i n = to_i32x4(v);
  const int32_t bytes = _mm_cvtsi128_si32(_mm_packs_epi16(_mm_packs_epi32(n, n), n));
  __builtin_memcpy(p, &bytes, 4);
}
inline void store_f64(uint8_t* p, f64 v) {
  const __m128i n = to_i32x4(v);
  const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(_mm_packs_epi32(n, n), n));
  __builtin_memcpy(p, &bytes, 4);
}
inline void store_f64(int16_t* p, f64 v) {
  const __m128i n = to_i32x4(v);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi32(n, n));
}
inline void store_f64(int32_t* p, f64 v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), to_i32x4(v)); }
inline constexpr bool has_floor = true;
inline f64 round_even(f64 v) { return _mm256_round_pd(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline f64 floor(f64 v) { return _mm256_floor_pd(v); }
inline i32 load_i32(const int8_t* p) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
inline i32 load_i32(const uint8_t* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
inline i32 load_i32(const int16_t* p) {
  return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline i32 load_i32(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
inline i64 load_i64(const int8_t* p) {
  int32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return _mm256_cvtepi8_epi64(_mm_cvtsi32_si128(bytes));
}
inline i64 load_i64(const uint8_t* p) {
  int32_t bytes;
  __builtin_memcpy(&bytes, p, 4);
  return _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(bytes));
}
inline i64 load_i64(const int16_t* p) {
  return _mm256_cvtepi16_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}
inline i64 load_i64(const int32_t* p) {
  return _mm256_cvtepi32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline u64 multiply_low(u64 a, u64 b) { return _mm256_mul_epu32(a, b); }
inline i32 multiply(i32 a, i32 b) { return _mm256_mullo_epi32(a, b); }
inline void store_low(int8_t* p, i32 v) {
  const __m256i order = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                         -1, -1, -1, -1, 0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i packed = _mm256_shuffle_epi8(v, order);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p),
                   _mm_or_si128(_mm256_castsi256_si128(packed), _mm256_extracti128_si256(packed, 1)));
}
inline u8 load_bytes(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline void store_bytes(void* p, u8 v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
inline u8 larger(u8 a, u8 b) { return _mm256_max_epu8(a, b); }
inline u8 smaller(u8 a, u8 b) { return _mm256_min_epu8(a, b); }
inline u8 half_sum(u8 a, u8 b) { return _mm256_avg_epu8(a, b); }
inline u8 shifted_right(u8 v, int n) {
  return _mm256_and_si256(_mm256_srl_epi16(v, _mm_cvtsi32_si128(n)), _mm256_set1_epi8(static_cast<char>(0xff >> n)));
}
inline u8 look_up(u8 table, u8 index) { return _mm256_shuffle_epi8(table, index); }
/// Low and high bytes, each repeated in every 16 bytes.
struct table16 {
  u8 low;
  u8 high;
  explicit table16(const uint16_t* values) : low(uint8_t{0}), high(uint8_t{0}) {
    uint8_t bytes[2 * lanes8];
    for (index_t i = 0; i < lanes8; ++i) {
      bytes[i] = static_cast<uint8_t>(values[i % 16]);
      bytes[lanes8 + i] = static_cast<uint8_t>(values[i % 16] >> 8);
    }
    low = load_bytes(bytes);
    high = load_bytes(bytes + lanes8);
  }
};
inline u64 sum_of(const table16& t, u8 index) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i low = _mm256_sad_epu8(look_up(t.low, index), zero);
  return _mm256_add_epi64(low, _mm256_slli_epi64(_mm256_sad_epu8(look_up(t.high, index), zero), 8));
}
inline int largest(u8 v) {  // the smallest of the complements, by the instruction for 16-bit minima
  const __m128i inverse =
      _mm_xor_si128(_mm_max_epu8(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)), _mm_set1_epi8(-1));
  const __m128i low = _mm_minpos_epu16(_mm_min_epu8(inverse, _mm_srli_epi16(inverse, 8)));
  return 255 - (_mm_cvtsi128_si32(low) & 0xff);
}

#elif TESSERA_ISA_X86 == 1

inline i16 widen16(const int8_t* p) {
  const __m128i v = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm_srai_epi16(_mm_unpacklo_epi8(v, v), 8);
}
inline i16 widen16(const uint8_t* p) {
  return _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), _mm_setzero_si128());
}
inline pair_of_i16 pairs16(const int8_t* p, const int8_t* q) {
  const __m128i a = widen16(p);
  const __m128i b = widen16(q);
  return {_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)};
}
inline i32 dot_pairs(i16 a, i16 b) { return _mm_madd_epi16(a, b); }
inline void sum_each(i32 a, i32 b, i32 c, i32 d, int32_t* out) {
  const __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));  // a02 b02 a13 b13
  const __m128i cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
  const __m128i sums = _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), sums);
}
template <class Byte>
f64 load_two(const Byte* p) {
  return _mm_set_pd(static_cast<double>(p[1]), static_cast<double>(p[0]));
}
inline f64 load_f64(const int8_t* p) { return load_two(p); }
inline f64 load_f64(const uint8_t* p) { return load_two(p); }
inline f64 load_f64(const int16_t* p) { return load_two(p); }
inline f64 load_f64(const int32_t* p) { return _mm_cvtepi32_pd(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))); }
template <class Narrow>
void store_two(Narrow* p, f64 v) {
  const __m128i n = _mm_cvttpd_epi32(v);
  p[0] = static_cast<Narrow>(_mm_cvtsi128_si32(n));
  p[1] = static_cast<Narrow>(_mm_cvtsi128_si32(_mm_shuffle_epi32(n, 1)));
}
inline void store_f64(int8_t* p, f64 v) { store_two(p, v); }
inline void store_f64(uint8_t* p, f64 v) { store_two(p, v); }
inline void store_f64(int16_t* p, f64 v) { store_two(p, v); }
inline void store_f64(int32_t* p, f64 v) { _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_cvttpd_epi32(v)); }
inline constexpr bool has_floor = false;
inline f64 round_even(f64 v) { return (v + f64(magic)) - f64(magic); }
inline f64 floor(f64 v) {
  const f64 r = round_even(v);
  return r - f64(_mm_and_pd(_mm_cmpgt_pd(r, v), _mm_set1_pd(1.0)));
}
template <class Byte>
i32 load_four(const Byte* p) {
  return _mm_setr_epi32(p[0], p[1], p[2], p[3]);
}
inline i32 load_i32(const int8_t* p) { return load_four(p); }
inline i32 load_i32(const uint8_t* p) { return load_four(p); }
inline i32 load_i32(const int16_t* p) {
  const __m128i v = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm_srai_epi32(_mm_unpacklo_epi16(v, v), 16);
}
inline i32 load_i32(const int32_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline i64 load_i64(const int8_t* p) { return _mm_set_epi64x(p[1], p[0]); }
inline i64 load_i64(const uint8_t* p) { return _mm_set_epi64x(p[1], p[0]); }
inline i64 load_i64(const int16_t* p) { return _mm_set_epi64x(p[1], p[0]); }
inline i64 load_i64(const int32_t* p) {
  const __m128i v = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
  return _mm_unpacklo_epi32(v, _mm_srai_epi32(v, 31));
}
inline u64 multiply_low(u64 a, u64 b) { return _mm_mul_epu32(a, b); }
inline i32 multiply(i32 a, i32 b) {
  const __m128i even = _mm_mul_epu32(a, b);
  const __m128i odd = _mm_mul_epu32(_mm_srli_epi64(a, 32), _mm_srli_epi64(b, 32));
  return _mm_unpacklo_epi32(_mm_shuffle_epi32(even, _MM_SHUFFLE(0, 0, 2, 0)),
                            _mm_shuffle_epi32(odd, _MM_SHUFFLE(0, 0, 2, 0)));
}
inline void store_low(int8_t* p, i32 v) {
  const __m128i low = _mm_and_si128(v, _mm_set1_epi32(0xff));  // at most 255, so the packing does not saturate
  const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(_mm_packs_epi32(low, low), low));
  __builtin_memcpy(p, &bytes, 4);
}
inline u8 load_bytes(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline void store_bytes(void* p, u8 v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }
inline u8 larger(u8 a, u8 b) { return _mm_max_epu8(a, b); }
inline u8 smaller(u8 a, u8 b) { return _mm_min_epu8(a, b); }
inline u8 half_sum(u8 a, u8 b) { return _mm_avg_epu8(a, b); }
inline u8 shifted_right(u8 v, int n) {
  return _mm_and_si128(_mm_srl_epi16(v, _mm_cvtsi32_si128(n)), _mm_set1_epi8(static_cast<char>(0xff >> n)));
}
inline u8 look_up(u8 table, u8 index) {  // there is no such instruction before SSSE3
  uint8_t t[16];
  uint8_t i[16];
  store_bytes(t, table);
  store_bytes(i, index);
  for (uint8_t& v : i) v = t[v];
  return load_bytes(i);
}
struct table16 {
  uint16_t value[16];
  explicit table16(const uint16_t* values) { __builtin_memcpy(value, values, sizeof(value)); }
};
inline u64 sum_of(const table16& t, u8 index) {
  uint8_t i[16];
  store_bytes(i, index);
  int32_t even = 0;
  int32_t odd = 0;
  for (int k = 0; k < 16; k += 2) {
    even += t.value[i[k]];
    odd += t.value[i[k + 1]];
  }
  return _mm_set_epi32(0, odd, 0, even);
}
inline int largest(u8 v) {
  __m128i m = v;
  m = _mm_max_epu8(m, _mm_srli_si128(m, 8));
  m = _mm_max_epu8(m, _mm_srli_si128(m, 4));
  m = _mm_max_epu8(m, _mm_srli_si128(m, 2));
  m = _mm_max_epu8(m, _mm_srli_si128(m, 1));
  return _mm_cvtsi128_si32(m) & 0xff;
}

#elif TESSERA_ISA_NEON64

inline i16 widen16(const int8_t* p) { return vmovl_s8(vld1_s8(p)); }
inline i16 widen16(const uint8_t* p) { return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p))); }
inline pair_of_i16 pairs16(const int8_t* p, const int8_t* q) {
  const int16x8_t a = widen16(p);
  const int16x8_t b = widen16(q);
  return {vzip1q_s16(a, b), vzip2q_s16(a, b)};
}
inline i32 dot_pairs(i16 a, i16 b) {
  return vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
}
inline void sum_each(i32 a, i32 b, i32 c, i32 d, int32_t* out) {
  vst1q_s32(out, vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d)));
}
template <class Small>
f64 load_two(const Small* p) {
  const double values[2] = {static_cast<double>(p[0]), static_cast<double>(p[1])};
  return vld1q_f64(values);
}
inline f64 load_f64(const int8_t* p) { return load_two(p); }
inline f64 load_f64(const uint8_t* p) { return load_two(p); }
inline f64 load_f64(const int16_t* p) { return load_two(p); }
inline f64 load_f64(const int32_t* p) { return vcvtq_f64_s64(vmovl_s32(vld1_s32(p))); }
template <class Narrow>
void store_two(Narrow* p, f64 v) {
  const int64x2_t n = vcvtq_s64_f64(v);
  p[0] = static_cast<Narrow>(vgetq_lane_s64(n, 0));
  p[1] = static_cast<Narrow>(vgetq_lane_s64(n, 1));
}
inline void store_f64(int8_t* p, f64 v) { store_two(p, v); }
inline void store_f64(uint8_t* p, f64 v) { store_two(p, v); }
inline void store_f64(int16_t* p, f64 v) { store_two(p, v); }
inline void store_f64(int32_t* p, f64 v) { vst1_s32(p, vmovn_s64(vcvtq_s64_f64(v))); }
inline constexpr bool has_floor = true;
inline f64 round_even(f64 v) { return vrndnq_f64(v); }
inline f64 floor(f64 v) { return vrndmq_f64(v); }
template <class Byte>
i32 load_four(const Byte* p) {
  const int32_t values[4] = {p[0], p[1], p[2], p[3]};
  return vld1q_s32(values);
}
inline i32 load_i32(const int8_t* p) { return load_four(p); }
inline i32 load_i32(const uint8_t* p) { return load_four(p); }
inline i32 load_i32(const int16_t* p) { return vmovl_s16(vld1_s16(p)); }
inline i32 load_i32(const int32_t* p) { return vld1q_s32(p); }
template <class Small>
i64 load_two_i64(const Small* p) {
  const int64_t values[2] = {p[0], p[1]};
  return vld1q_s64(values);
}
inline i64 load_i64(const int8_t* p) { return load_two_i64(p); }
inline i64 load_i64(const uint8_t* p) { return load_two_i64(p); }
inline i64 load_i64(const int16_t* p) { return load_two_i64(p); }
inline i64 load_i64(const int32_t* p) { return vmovl_s32(vld1_s32(p)); }
inline i32 multiply(i32 a, i32 b) { return vmulq_s32(a, b); }
inline u64 multiply_low(u64 a, u64 b) { return vmull_u32(vmovn_u64(a), vmovn_u64(b)); }
inline void store_low(int8_t* p, i32 v) {
  const int16x4_t half = vmovn_s32(v);
  const int8x8_t bytes = vmovn_s16(vcombine_s16(half, half));
  __builtin_memcpy(p, &bytes, 4);
}
inline u8 load_bytes(const void* p) { return vld1q_u8(static_cast<const uint8_t*>(p)); }
inline void store_bytes(void* p, u8 v) { vst1q_u8(static_cast<uint8_t*>(p), v); }
inline u8 larger(u8 a, u8 b) { return vmaxq_u8(a, b); }
inline u8 smaller(u8 a, u8 b) { return vminq_u8(a, b); }
inline u8 half_sum(u8 a, u8 b) { return vrhaddq_u8(a, b); }
inline u8 shifted_right(u8 v, int n) { return vshlq_u8(v, vdupq_n_s8(static_cast<int8_t>(-n))); }
inline u8 look_up(u8 table, u8 index) { return vqtbl1q_u8(table, index); }
/// Low and high bytes, each repeated in every 16 bytes.
struct table16 {
  u8 low;
  u8 high;
  explicit table16(const uint16_t* values) : low(uint8_t{0}), high(uint8_t{0}) {
    uint8_t bytes[2 * lanes8];
    for (index_t i = 0; i < lanes8; ++i) {
      bytes[i] = static_cast<uint8_t>(values[i % 16]);
      bytes[lanes8 + i] = static_cast<uint8_t>(values[i % 16] >> 8);
    }
    low = load_bytes(bytes);
    high = load_bytes(bytes + lanes8);
  }
};
inline u64 sum_of(const table16& t, u8 index) {
  const uint16x8_t low = vpaddlq_u8(look_up(t.low, index));
  const uint16x8_t high = vpaddlq_u8(look_up(t.high, index));
  return vpaddlq_u32(vpaddlq_u16(vaddq_u16(low, vshlq_n_u16(high, 8))));
}
inline int largest(u8 v) { return vmaxvq_u8(v); }

#endif

// ---- Common to all -------------------------------------------------------------------------------------------------

/// Unsigned integers of 16 and 32 bits, lane by lane.
template <Integer X>
requires(same_as<X, uint16_t> || same_as<X, uint32_t>) f64 load_f64(const X* p) {
  double values[lanes64];
  for (index_t i = 0; i < lanes64; ++i) values[i] = static_cast<double>(p[i]);
  return f64::load_unaligned(values);
}
template <Integer X>
requires(same_as<X, uint16_t> || same_as<X, uint32_t>) void store_f64(X* p, f64 v) {
  double values[lanes64];
  v.store_unaligned(values);
  for (index_t i = 0; i < lanes64; ++i) p[i] = static_cast<X>(values[i]);
}

inline f64 load_f64(const int64_t* p) {
  const i64 biased = i64::load_unaligned(p) + i64(bit_cast<int64_t>(magic));
  return xsimd::bitwise_cast<f64>(biased) - f64(magic);
}
inline void store_f64(int64_t* p, f64 v) {
  const i64 biased = xsimd::bitwise_cast<i64>(v + f64(magic));
  (biased - i64(bit_cast<int64_t>(magic))).store_unaligned(p);
}

/// Integers that doubles hold exactly, and those that 64-bit loads and stores of lanes can carry.
inline constexpr int64_t exact_integer = int64_t{1} << 53;
inline constexpr int64_t exact_int64_lane = int64_t{1} << 50;

/// True if every value can travel as a lane of doubles, or is in [-Most, Most) for a power of two. Narrow types always
/// can.
template <int64_t Most = exact_int64_lane, Integer X>
bool lanes_hold(const X* x, index_t n) {
  if constexpr (sizeof(X) == 8) {
    // v + Most has no bits from 2 * Most on for exactly the v of [-Most, Most)
    u64 any(uint64_t{0});
    index_t i = 0;
    for (; i + lanes64 <= n; i += lanes64) {
      any = any | (u64::load_unaligned(reinterpret_cast<const uint64_t*>(x + i)) + u64(uint64_t{Most}));
    }
    uint64_t outside[lanes64];
    any.store_unaligned(outside);
    for (; i < n; ++i) outside[0] |= static_cast<uint64_t>(x[i]) + uint64_t{Most};
    for (const uint64_t v : outside) {
      if ((v & ~uint64_t{2 * Most - 1}) != 0) return false;
    }
  }
  return true;
}

/// 2^n for integers n in [-1000, 1000].
inline f64 power_of_two(f64 n) {
  const i64 biased = xsimd::bitwise_cast<i64>(n + f64(magic + 1023.0));
  return xsimd::bitwise_cast<f64>(biased << 52);
}

/// a * b as the rounded product and what rounding left out; both exact.
struct exact_product {
  f64 product;
  f64 error;
};
inline exact_product multiply_exact(f64 a, f64 b) {
  const f64 p = a * b;
#if TESSERA_ISA_FMA
  return {p, xsimd::fms(a, b, p)};
#else
  // Dekker: halves of at most 27 bits, whose products are exact.
  const i64 mask(~((int64_t{1} << 27) - 1));
  const f64 ah = xsimd::bitwise_cast<f64>(xsimd::bitwise_cast<i64>(a) & mask);
  const f64 bh = xsimd::bitwise_cast<f64>(xsimd::bitwise_cast<i64>(b) & mask);
  const f64 al = a - ah;
  const f64 bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
#endif
}

/// RNE(a * b) of the exact product, for results below 2^51 in magnitude; larger ones stay larger than 2^50.
/// The rounded product p decides everything but ties: p - y is a multiple of p's last place and the error at most half
/// of that, so only |p - y| = 1/2 can be on the wrong side.
inline f64 multiply_round_even(f64 a, f64 b) {
  const auto [p, error] = multiply_exact(a, b);
  const f64 y = round_even(p);
  const f64 d = p - y;
  const auto wrong_side = (xsimd::abs(d) == f64(0.5)) && (d * error > f64(0.0));
  return y + xsimd::select(wrong_side, d + d, f64(0.0));
}

/// Integers that can travel as lanes of doubles.
template <class X>
concept LaneInteger = requires(const remove_cv_t<X>* in, remove_cv_t<X>* out, f64 v) {
  load_f64(in);
  store_f64(out, v);
};

}  // namespace simd
}  // namespace tessera
