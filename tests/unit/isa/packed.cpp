// SPDX-License-Identifier: Apache-2.0
#include "tessera/isa/packed.hpp"

#include <doctest/doctest.h>

#include <cstring>

#include "tessera/isa/native.hpp"

using tessera::isa::emulated;
using tessera::isa::imm;
using tessera::isa::lane;
using tessera::isa::pack;
using tessera::isa::splat;

static_assert(pack<int8_t>(int8_t{-1}, int8_t{2}, int8_t{3}, int8_t{-128}) == 0x800302ff);
static_assert(pack<uint16_t>(uint16_t{1}, uint16_t{0xffff}) == 0xffff0001);
static_assert(splat<int16_t>(0x12345) == 0x23452345 && splat<uint8_t>(0x1ff) == 0xffffffff);
static_assert(lane<int8_t>(0x80000000, 3) == -128 && lane<uint8_t>(0x80000000, 3) == 128);
static_assert(lane<int16_t>(0x80007fff, 1) == -32768 && lane<int16_t>(0x80007fff, 0) == 32767);
static_assert(emulated::pv_add_sci_b(0, imm<-1>) == 0xffffffff && emulated::pv_maxu_sci_h(0, imm<-1>) == 0x003f003f);
static_assert(tessera::is_same_v<tessera::isa::native, emulated>, "a host has no Xpulpimg");

TEST_CASE("isa/packed the order of lanes is that of an array") {
  const int8_t bytes[4] = {-1, 2, -3, 4};
  const int16_t halves[2] = {-5, 6};
  uint32_t word = 0;
  std::memcpy(&word, bytes, 4);
  CHECK(word == pack<int8_t>(bytes[0], bytes[1], bytes[2], bytes[3]));
  std::memcpy(&word, halves, 4);
  CHECK(word == pack<int16_t>(halves[0], halves[1]));
}

TEST_CASE("isa/emulated loads") {
  const uint32_t words[4] = {0x80ff7f01, 0xf00dbeef, 3, 4};
  const auto* const start = reinterpret_cast<const int8_t*>(words);
  const auto step_of = [&](auto load, auto step, uint32_t expected) {
    const int8_t* p = start + 4;
    CHECK(load(p, step) == expected);
    return p - start;
  };
  const auto lw = [](const int8_t*& p, auto step) { return emulated::p_lw_post(p, step); };
  const auto lh = [](const int8_t*& p, auto step) { return emulated::p_lh_post(p, step); };
  const auto lhu = [](const int8_t*& p, auto step) { return emulated::p_lhu_post(p, step); };
  const auto lb = [](const int8_t*& p, auto step) { return emulated::p_lb_post(p, step); };
  const auto lbu = [](const int8_t*& p, auto step) { return emulated::p_lbu_post(p, step); };
  CHECK(step_of(lw, imm<4>, 0xf00dbeef) == 8);
  CHECK(step_of(lw, int32_t{-4}, 0xf00dbeef) == 0);
  CHECK(step_of(lh, imm<-2>, 0xffffbeef) == 2);
  CHECK(step_of(lhu, int32_t{6}, 0xbeef) == 10);
  CHECK(step_of(lb, imm<1>, 0xffffffef) == 5);
  CHECK(step_of(lbu, imm<0>, 0xef) == 4);
  CHECK(emulated::p_lw(words, 8) == 3);
  CHECK(emulated::p_lh(words, 2) == 0xffff80ff);
  CHECK(emulated::p_lhu(words, 2) == 0x80ff);
  CHECK(emulated::p_lb(words, 3) == 0xffffff80);
  CHECK(emulated::p_lbu(words, 1) == 0x7f);
}

TEST_CASE("isa/emulated stores") {
  int16_t halves[8] = {};
  int16_t* p = halves;
  emulated::p_sw_post(0x11112222, p, imm<4>);
  emulated::p_sh_post(0x33334444, p, int32_t{4});
  emulated::p_sb_post(0x555566ff, p, imm<-8>);
  CHECK(p == halves);
  emulated::p_sw(0x77778888, p, 12);
  emulated::p_sh(0xaaaa9999, p, 6);
  emulated::p_sb(0xbb, p, 11);
  const uint16_t expected[8] = {0x2222, 0x1111, 0x4444, 0x9999, 0x00ff, 0xbb00, 0x8888, 0x7777};
  CHECK(std::memcmp(halves, expected, sizeof expected) == 0);
}
