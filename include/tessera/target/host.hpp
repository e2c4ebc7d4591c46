// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The host's vector units through xsimd: SSE2 to AVX2 and 64-bit NEON, whichever this translation unit is compiled
/// for. Below the tag stand the few vector primitives that xsimd 8 lacks, once per instruction set; kernels are written
/// on them and contain no `#if`.
///
/// Wide integers travel as doubles, which hold every integer below 2^53 exactly. The rounding helpers rely on IEEE
/// arithmetic, so -ffast-math is refused.

#ifdef __FAST_MATH__
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
using f32 = xsimd::batch<float, arch>;
using f64 = xsimd::batch<double, arch>;
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

#endif

// ---- Common to all -------------------------------------------------------------------------------------------------

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

/// True if every value can travel as a lane of doubles. Narrow types always can.
template <Integer X>
bool lanes_hold(const X* x, index_t n) {
  if constexpr (sizeof(X) == 8) {
    uint64_t outside = 0;
    for (index_t i = 0; i < n; ++i) {
      outside |= (static_cast<uint64_t>(x[i]) + exact_int64_lane) & ~static_cast<uint64_t>(2 * exact_int64_lane - 1);
    }
    return outside == 0;
  }
  return true;
}

/// Nearest integer, ties to even, for |v| < 2^51; beyond, a multiple of a small power of two near v.
inline f64 round_even(f64 v) { return (v + f64(magic)) - f64(magic); }

/// Largest integer <= v, for |v| < 2^51.
inline f64 floor(f64 v) {
  const f64 r = round_even(v);
  return r - xsimd::select(r > v, f64(1.0), f64(0.0));
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
