// SPDX-License-Identifier: Apache-2.0
// Xpulpimg's definitions against an independent model: lanes in arrays of 64-bit integers, straight from the table of
// instruction semantics, over edge operands in all pairs and seeded random ones.
#include "tessera/isa/emulated.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

using tessera::isa::emulated;
using tessera::isa::signed_imm6;
using tessera::isa::unsigned_imm6;

namespace {

using u32 = std::uint32_t;
using i64 = std::int64_t;

/// Lane i of a register with lanes of `bits` bits.
i64 lane(u32 r, int bits, int i, bool is_signed) {
  const i64 raw = (i64{r} >> (bits * i)) & ((i64{1} << bits) - 1);
  return is_signed && raw >= (i64{1} << (bits - 1)) ? raw - (i64{1} << bits) : raw;
}

/// f on each pair of lanes, results modulo the lane.
u32 lanes(u32 a, u32 b, int bits, bool is_signed, const std::function<i64(i64, i64)>& f) {
  i64 r = 0;
  for (int i = 0; i < 32 / bits; ++i) {
    const i64 v = f(lane(a, bits, i, is_signed), lane(b, bits, i, is_signed)) & ((i64{1} << bits) - 1);
    r |= v << (bits * i);
  }
  return static_cast<u32>(r);
}

u32 dot(u32 acc, u32 a, u32 b, int bits, bool signed_a, bool signed_b) {
  i64 sum = acc;
  for (int i = 0; i < 32 / bits; ++i) sum += lane(a, bits, i, signed_a) * lane(b, bits, i, signed_b);
  return static_cast<u32>(sum);
}

u32 broadcast(u32 v, int bits) { return bits == 8 ? (v & 0xff) * 0x01010101u : (v & 0xffff) * 0x00010001u; }

i64 wrapped(i64 v, int bits, bool is_signed) { return lane(static_cast<u32>(v), bits, 0, is_signed); }

std::vector<u32> operands() {
  std::vector<u32> values = {0,          1,          0xffffffff, 0x80000000, 0x7fffffff, 0x80808080,
                             0x7f7f7f7f, 0x80008000, 0x7fff7fff, 0x00ff00ff, 0xff00ff00, 0x01020304,
                             0xfffefdfc, 0x00010000, 0x0000ffff, 0x55aa55aa, 31,         0xffffffe0};
  std::mt19937 random(20260101);
  for (int i = 0; i < 200; ++i) values.push_back(static_cast<u32>(random()));
  return values;
}

using binary = u32 (*)(u32, u32);
using ternary = u32 (*)(u32, u32, u32);

/// The six forms of a lane-wise family.
struct family {
  const char* name;
  binary h, sc_h, sci_h, b, sc_b, sci_b;
  bool is_signed;
  bool unsigned_immediate;
  std::function<i64(i64, i64, int)> f;  ///< of two lanes and their width
};

struct dot_family {
  const char* name;
  binary h, sc_h, sci_h, b, sc_b, sci_b;
  ternary sum_h, sum_sc_h, sum_sci_h, sum_b, sum_sc_b, sum_sci_b;
  bool signed_a, signed_b, unsigned_immediate;
};

#define TESSERA_TEST_FORMS(name)                                                                                 \
  &emulated::pv_##name##_h, &emulated::pv_##name##_sc_h, &emulated::pv_##name##_sci_h, &emulated::pv_##name##_b, \
      &emulated::pv_##name##_sc_b, &emulated::pv_##name##_sci_b

i64 shift_amount(i64 y, int bits) { return y & (bits - 1); }

}  // namespace

TEST_CASE("isa/emulated lane-wise instructions, all forms") {
  const family families[] = {
      {"add", TESSERA_TEST_FORMS(add), false, false, [](i64 x, i64 y, int) { return x + y; }},
      {"sub", TESSERA_TEST_FORMS(sub), false, false, [](i64 x, i64 y, int) { return x - y; }},
      {"avg", TESSERA_TEST_FORMS(avg), true, false, [](i64 x, i64 y, int n) { return wrapped(x + y, n, true) >> 1; }},
      {"avgu", TESSERA_TEST_FORMS(avgu), false, true,
       [](i64 x, i64 y, int n) { return wrapped(x + y, n, false) >> 1; }},
      {"min", TESSERA_TEST_FORMS(min), true, false, [](i64 x, i64 y, int) { return std::min(x, y); }},
      {"minu", TESSERA_TEST_FORMS(minu), false, true, [](i64 x, i64 y, int) { return std::min(x, y); }},
      {"max", TESSERA_TEST_FORMS(max), true, false, [](i64 x, i64 y, int) { return std::max(x, y); }},
      {"maxu", TESSERA_TEST_FORMS(maxu), false, true, [](i64 x, i64 y, int) { return std::max(x, y); }},
      {"srl", TESSERA_TEST_FORMS(srl), false, false, [](i64 x, i64 y, int n) { return x >> shift_amount(y, n); }},
      {"sra", TESSERA_TEST_FORMS(sra), true, false, [](i64 x, i64 y, int n) { return x >> shift_amount(y, n); }},
      {"sll", TESSERA_TEST_FORMS(sll), false, false, [](i64 x, i64 y, int n) { return x << shift_amount(y, n); }},
      {"or", TESSERA_TEST_FORMS(or), false, false, [](i64 x, i64 y, int) { return x | y; }},
      {"xor", TESSERA_TEST_FORMS(xor), false, false, [](i64 x, i64 y, int) { return x ^ y; }},
      {"and", TESSERA_TEST_FORMS(and), false, false, [](i64 x, i64 y, int) { return x & y; }},
  };
  const auto values = operands();
  for (const family& k : families) {
    CAPTURE(k.name);
    for (const u32 a : values) {
      const auto model = [&](u32 b, int bits) {
        return lanes(a, b, bits, k.is_signed, [&](i64 x, i64 y) { return k.f(x, y, bits); });
      };
      for (const u32 b : values) {
        REQUIRE(k.h(a, b) == model(b, 16));
        REQUIRE(k.b(a, b) == model(b, 8));
        REQUIRE(k.sc_h(a, b) == model(broadcast(b, 16), 16));
        REQUIRE(k.sc_b(a, b) == model(broadcast(b, 8), 8));
      }
      for (u32 imm = 0; imm < 64; ++imm) {
        const u32 extended = k.unsigned_immediate || imm < 32 ? imm : imm - 64;
        REQUIRE(k.sci_h(a, imm) == model(broadcast(extended, 16), 16));
        REQUIRE(k.sci_b(a, imm) == model(broadcast(extended, 8), 8));
      }
    }
  }
}

TEST_CASE("isa/emulated dot products, all forms") {
  const dot_family families[] = {
      {"dotup", TESSERA_TEST_FORMS(dotup), TESSERA_TEST_FORMS(sdotup), false, false, true},
      {"dotusp", TESSERA_TEST_FORMS(dotusp), TESSERA_TEST_FORMS(sdotusp), false, true, false},
      {"dotsp", TESSERA_TEST_FORMS(dotsp), TESSERA_TEST_FORMS(sdotsp), true, true, false},
  };
  const auto values = operands();
  for (const dot_family& k : families) {
    CAPTURE(k.name);
    for (const u32 a : values) {
      const u32 acc = a * 2654435761u;
      const auto model = [&](u32 start, u32 b, int bits) { return dot(start, a, b, bits, k.signed_a, k.signed_b); };
      for (const u32 b : values) {
        REQUIRE(k.h(a, b) == model(0, b, 16));
        REQUIRE(k.b(a, b) == model(0, b, 8));
        REQUIRE(k.sc_h(a, b) == model(0, broadcast(b, 16), 16));
        REQUIRE(k.sc_b(a, b) == model(0, broadcast(b, 8), 8));
        REQUIRE(k.sum_h(acc, a, b) == model(acc, b, 16));
        REQUIRE(k.sum_b(acc, a, b) == model(acc, b, 8));
        REQUIRE(k.sum_sc_h(acc, a, b) == model(acc, broadcast(b, 16), 16));
        REQUIRE(k.sum_sc_b(acc, a, b) == model(acc, broadcast(b, 8), 8));
      }
      for (u32 imm = 0; imm < 64; ++imm) {
        const u32 extended = k.unsigned_immediate || imm < 32 ? imm : imm - 64;
        REQUIRE(k.sci_h(a, imm) == model(0, broadcast(extended, 16), 16));
        REQUIRE(k.sci_b(a, imm) == model(0, broadcast(extended, 8), 8));
        REQUIRE(k.sum_sci_h(acc, a, imm) == model(acc, broadcast(extended, 16), 16));
        REQUIRE(k.sum_sci_b(acc, a, imm) == model(acc, broadcast(extended, 8), 8));
      }
    }
  }
}

TEST_CASE("isa/emulated scalar instructions") {
  for (const u32 a : operands()) {
    const i64 s = lane(a, 32, 0, true);
    REQUIRE(emulated::p_abs(a) == static_cast<u32>(s < 0 ? -s : s));
    REQUIRE(emulated::p_exths(a) == static_cast<u32>(lane(a, 16, 0, true)));
    REQUIRE(emulated::p_exthz(a) == static_cast<u32>(lane(a, 16, 0, false)));
    REQUIRE(emulated::p_extbs(a) == static_cast<u32>(lane(a, 8, 0, true)));
    REQUIRE(emulated::p_extbz(a) == static_cast<u32>(lane(a, 8, 0, false)));
    for (u32 i = 0; i < 32; ++i) {
      const i64 high = i == 0 ? 0 : (i64{1} << (i - 1)) - 1;
      REQUIRE(emulated::p_clip(a, i) == static_cast<u32>(std::clamp(s, -high - 1, high)));
      REQUIRE(emulated::p_clipu(a, i) == static_cast<u32>(std::clamp<i64>(s, 0, high)));
    }
    for (const u32 b : operands()) {
      const i64 t = lane(b, 32, 0, true);
      REQUIRE(emulated::p_slet(a, b) == (s <= t ? 1u : 0u));
      REQUIRE(emulated::p_sletu(a, b) == (a <= b ? 1u : 0u));
      REQUIRE(emulated::p_min(a, b) == static_cast<u32>(std::min(s, t)));
      REQUIRE(emulated::p_minu(a, b) == std::min(a, b));
      REQUIRE(emulated::p_max(a, b) == static_cast<u32>(std::max(s, t)));
      REQUIRE(emulated::p_maxu(a, b) == std::max(a, b));
      REQUIRE(emulated::p_mac(7, a, b) == static_cast<u32>(7 + static_cast<std::uint64_t>(a) * b));
      REQUIRE(emulated::p_msu(7, a, b) == static_cast<u32>(7 - static_cast<std::uint64_t>(a) * b));
      // As the table of semantics writes them, negative limits included.
      const i64 low = -t - 1;
      const i64 clipr = s < 0 || t < 0 ? (s <= low ? low : (s < 0 ? s : t)) : (s <= t ? s : t);
      const i64 clipur = s < 0 || t < 0 ? (s <= 0 ? 0 : t) : (s <= t ? s : t);
      REQUIRE(emulated::p_clipr(a, b) == static_cast<u32>(clipr));
      REQUIRE(emulated::p_clipur(a, b) == static_cast<u32>(clipur));
    }
  }
}

TEST_CASE("isa/emulated moves between lanes") {
  for (const u32 a : operands()) {
    const u32 old = ~a * 40503u;
    REQUIRE(emulated::pv_abs_h(a) == lanes(a, 0, 16, true, [](i64 x, i64) { return x < 0 ? -x : x; }));
    REQUIRE(emulated::pv_abs_b(a) == lanes(a, 0, 8, true, [](i64 x, i64) { return x < 0 ? -x : x; }));
    for (u32 imm = 0; imm < 64; ++imm) {
      const int h = static_cast<int>(imm % 2);
      const int b = static_cast<int>(imm % 4);
      REQUIRE(emulated::pv_extract_h(a, imm) == static_cast<u32>(lane(a, 16, h, true)));
      REQUIRE(emulated::pv_extract_b(a, imm) == static_cast<u32>(lane(a, 8, b, true)));
      REQUIRE(emulated::pv_extractu_h(a, imm) == static_cast<u32>(lane(a, 16, h, false)));
      REQUIRE(emulated::pv_extractu_b(a, imm) == static_cast<u32>(lane(a, 8, b, false)));
      REQUIRE(emulated::pv_insert_h(old, a, imm) == ((old & ~(0xffffu << (16 * h))) | (a & 0xffff) << (16 * h)));
      REQUIRE(emulated::pv_insert_b(old, a, imm) == ((old & ~(0xffu << (8 * b))) | (a & 0xff) << (8 * b)));
    }
    for (const u32 b : operands()) {
      u32 h = 0;
      u32 bytes = 0;
      for (int i = 0; i < 4; ++i) {
        const u32 c = static_cast<u32>(lane(b, 8, i, false));
        bytes |= static_cast<u32>(lane((c & 4) != 0 ? a : old, 8, static_cast<int>(c & 3), false)) << (8 * i);
      }
      for (int i = 0; i < 2; ++i) {
        const u32 c = static_cast<u32>(lane(b, 16, i, false));
        h |= static_cast<u32>(lane((c & 2) != 0 ? a : old, 16, static_cast<int>(c & 1), false)) << (16 * i);
      }
      REQUIRE(emulated::pv_shuffle2_b(old, a, b) == bytes);
      REQUIRE(emulated::pv_shuffle2_h(old, a, b) == h);
      REQUIRE(emulated::pv_pack(a, b) == ((a & 0xffff) << 16 | (b & 0xffff)));
      REQUIRE(emulated::pv_pack_h(a, b) == ((a >> 16) << 16 | b >> 16));
    }
  }
}

// In constant expressions.
static_assert(emulated::pv_sdotsp_b(100, 0x01020304, 0xff010203) == 100 - 1 + 2 + 6 + 12);
static_assert(emulated::pv_sdotusp_b(0, 0xff000000, 0xff000000) == static_cast<u32>(-255));
static_assert(emulated::p_clip(300, 8) == 127 && emulated::p_clip(static_cast<u32>(-300), 8) == static_cast<u32>(-128));
static_assert(signed_imm6(63) == 0xffffffffu && unsigned_imm6(63) == 63 && signed_imm6(31) == 31);
