// SPDX-License-Identifier: Apache-2.0
// Every Xpulpimg instruction as the core executes it against its definition in isa/emulated.hpp: over edge operands,
// all values of immediates of 5 and 6 bits, and every form of loads, stores and branches.
#include "rv32/check.hpp"
#include "tessera/isa/native.hpp"

using namespace tessera;
using isa::emulated;
using isa::imm;
using isa::native;

static_assert(is_same_v<native, isa::xpulpimg>, "this test is for cores with Xpulpimg");

namespace {

constexpr uint32_t cores = runtime::cluster::cores;

constexpr uint32_t operands[] = {0,          1,          2,          31,         0x7fffffff, 0x80000000,
                                 0xffffffff, 0x80808080, 0x7f7f7f7f, 0x80008000, 0x7fff7fff, 0x00ff00ff,
                                 0xff00ff00, 0x01020304, 0xfffefdfc, 0x0000ffff, 0xffffffe0, 0x55aa55aa,
                                 0x07060504, 0x00030001, 0x80017ffe, 0x9e3779b9, 0x3c6ef372, 0xdaa66d2b};
constexpr uint32_t operand_count = sizeof operands / sizeof operands[0];

// ---- Instructions on registers

/// Of the old destination and two sources, whichever it reads.
using function = uint32_t (*)(uint32_t old, uint32_t a, uint32_t b);

struct instruction {
  const char* name;
  function executed;
  function defined;
};

/// F calls the instruction of the set that its first argument stands for.
template <class F>
constexpr instruction both(const char* name, F) {
  return {name, [](uint32_t old, uint32_t a, uint32_t b) { return F{}(native{}, old, a, b); },
          [](uint32_t old, uint32_t a, uint32_t b) { return F{}(emulated{}, old, a, b); }};
}

#define TESSERA_TEST_1(name) both(#name, [](auto set, uint32_t, uint32_t a, uint32_t) { return set.name(a); })
#define TESSERA_TEST_2(name) both(#name, [](auto set, uint32_t, uint32_t a, uint32_t b) { return set.name(a, b); })
#define TESSERA_TEST_3(name) \
  both(#name, [](auto set, uint32_t old, uint32_t a, uint32_t b) { return set.name(old, a, b); })
/// The four register forms of a lane-wise instruction, and of one that adds to its destination.
#define TESSERA_TEST_LANES_2(name)                                                                \
  TESSERA_TEST_2(pv_##name##_h), TESSERA_TEST_2(pv_##name##_sc_h), TESSERA_TEST_2(pv_##name##_b), \
      TESSERA_TEST_2(pv_##name##_sc_b)
#define TESSERA_TEST_LANES_3(name)                                                                \
  TESSERA_TEST_3(pv_##name##_h), TESSERA_TEST_3(pv_##name##_sc_h), TESSERA_TEST_3(pv_##name##_b), \
      TESSERA_TEST_3(pv_##name##_sc_b)

constexpr instruction register_instructions[] = {
    TESSERA_TEST_1(p_abs),        TESSERA_TEST_2(p_slet),        TESSERA_TEST_2(p_sletu),
    TESSERA_TEST_2(p_min),        TESSERA_TEST_2(p_minu),        TESSERA_TEST_2(p_max),
    TESSERA_TEST_2(p_maxu),       TESSERA_TEST_1(p_exths),       TESSERA_TEST_1(p_exthz),
    TESSERA_TEST_1(p_extbs),      TESSERA_TEST_1(p_extbz),       TESSERA_TEST_2(p_clipr),
    TESSERA_TEST_2(p_clipur),     TESSERA_TEST_3(p_mac),         TESSERA_TEST_3(p_msu),
    TESSERA_TEST_LANES_2(add),    TESSERA_TEST_LANES_2(sub),     TESSERA_TEST_LANES_2(avg),
    TESSERA_TEST_LANES_2(avgu),   TESSERA_TEST_LANES_2(min),     TESSERA_TEST_LANES_2(minu),
    TESSERA_TEST_LANES_2(max),    TESSERA_TEST_LANES_2(maxu),    TESSERA_TEST_LANES_2(srl),
    TESSERA_TEST_LANES_2(sra),    TESSERA_TEST_LANES_2(sll),     TESSERA_TEST_LANES_2(or),
    TESSERA_TEST_LANES_2(xor),    TESSERA_TEST_LANES_2(and),     TESSERA_TEST_1(pv_abs_h),
    TESSERA_TEST_1(pv_abs_b),     TESSERA_TEST_LANES_2(dotup),   TESSERA_TEST_LANES_2(dotusp),
    TESSERA_TEST_LANES_2(dotsp),  TESSERA_TEST_LANES_3(sdotup),  TESSERA_TEST_LANES_3(sdotusp),
    TESSERA_TEST_LANES_3(sdotsp), TESSERA_TEST_3(pv_shuffle2_h), TESSERA_TEST_3(pv_shuffle2_b),
    TESSERA_TEST_2(pv_pack),      TESSERA_TEST_2(pv_pack_h),
};
static_assert(sizeof register_instructions / sizeof(instruction) == 101, "one for each in the table of encodings");

uint32_t old_of(uint32_t a, uint32_t b) { return a * 2654435761u ^ b; }

void check_registers(uint32_t core) {
  for (uint32_t pair = core; pair < operand_count * operand_count; pair += cores) {
    const uint32_t a = operands[pair / operand_count];
    const uint32_t b = operands[pair % operand_count];
    for (const instruction& i : register_instructions) {
      check::equal(i.name, i.executed(old_of(a, b), a, b), i.defined(old_of(a, b), a, b), a, b);
    }
  }
}

// ---- Instructions with an immediate: one function for each of its values

constexpr int most_immediates = 64;

struct immediate_instruction {
  const char* name;
  int count;  ///< of values
  function executed[most_immediates];
  function defined[most_immediates];
};

template <class F, int Count, int Value = 0>
constexpr void fill(immediate_instruction& i) {
  i.executed[Value] = [](uint32_t old, uint32_t a, uint32_t) { return F{}(native{}, old, a, imm<Value>); };
  i.defined[Value] = [](uint32_t old, uint32_t a, uint32_t) { return F{}(emulated{}, old, a, imm<Value>); };
  if constexpr (Value + 1 < Count) fill<F, Count, Value + 1>(i);
}
template <int Count, class F>
constexpr immediate_instruction all_values(const char* name, F) {
  immediate_instruction i{name, Count, {}, {}};
  fill<F, Count>(i);
  return i;
}

#define TESSERA_TEST_I5(name) \
  all_values<32>(#name, [](auto set, uint32_t, uint32_t a, auto value) { return set.name(a, value); })
#define TESSERA_TEST_I6(name) \
  all_values<64>(#name, [](auto set, uint32_t, uint32_t a, auto value) { return set.name(a, value); })
#define TESSERA_TEST_I6_OLD(name) \
  all_values<64>(#name, [](auto set, uint32_t old, uint32_t a, auto value) { return set.name(old, a, value); })
#define TESSERA_TEST_SCI(name) TESSERA_TEST_I6(pv_##name##_sci_h), TESSERA_TEST_I6(pv_##name##_sci_b)
#define TESSERA_TEST_SCI_OLD(name) TESSERA_TEST_I6_OLD(pv_##name##_sci_h), TESSERA_TEST_I6_OLD(pv_##name##_sci_b)

constexpr immediate_instruction immediate_instructions[] = {
    TESSERA_TEST_I5(p_clip),
    TESSERA_TEST_I5(p_clipu),
    TESSERA_TEST_SCI(add),
    TESSERA_TEST_SCI(sub),
    TESSERA_TEST_SCI(avg),
    TESSERA_TEST_SCI(avgu),
    TESSERA_TEST_SCI(min),
    TESSERA_TEST_SCI(minu),
    TESSERA_TEST_SCI(max),
    TESSERA_TEST_SCI(maxu),
    TESSERA_TEST_SCI(srl),
    TESSERA_TEST_SCI(sra),
    TESSERA_TEST_SCI(sll),
    TESSERA_TEST_SCI(or),
    TESSERA_TEST_SCI(xor),
    TESSERA_TEST_SCI(and),
    TESSERA_TEST_I6(pv_extract_h),
    TESSERA_TEST_I6(pv_extract_b),
    TESSERA_TEST_I6(pv_extractu_h),
    TESSERA_TEST_I6(pv_extractu_b),
    TESSERA_TEST_I6_OLD(pv_insert_h),
    TESSERA_TEST_I6_OLD(pv_insert_b),
    TESSERA_TEST_SCI(dotup),
    TESSERA_TEST_SCI(dotusp),
    TESSERA_TEST_SCI(dotsp),
    TESSERA_TEST_SCI_OLD(sdotup),
    TESSERA_TEST_SCI_OLD(sdotusp),
    TESSERA_TEST_SCI_OLD(sdotsp),
};
static_assert(sizeof immediate_instructions / sizeof(immediate_instruction) == 48, "one for each in the table");

void check_immediates(uint32_t core) {
  for (const immediate_instruction& i : immediate_instructions) {
    for (int value = static_cast<int>(core); value < i.count; value += static_cast<int>(cores)) {
      for (const uint32_t a : operands) {
        const auto number = static_cast<uint32_t>(value);
        check::equal(i.name, i.executed[value](old_of(a, number), a, 0), i.defined[value](old_of(a, number), a, 0), a,
                     number);
      }
    }
  }
}

// ---- Loads and stores

struct buffer {
  uint32_t words[4];
};
buffer executed_memory[cores];
buffer defined_memory[cores];

/// Calls f with each step that keeps accesses of Size bytes aligned (the hardware tests the address after the step).
template <int Size, class F>
void each_step(F f) {
  f(imm<0>);
  f(imm<4>);
  f(imm<-8>);
  f(imm<2044>);
  f(imm<-2048>);
  constexpr int32_t steps[] = {0, 4, -4, 70'000, -123'456};
  for (const int32_t step : steps) f(step);
  if constexpr (Size <= 2) {
    f(imm<2046>);
    f(int32_t{-2});
  }
  if constexpr (Size == 1) {
    f(imm<2047>);
    f(imm<-1>);
    f(int32_t{3});
  }
}

/// F(set, p, step) is a post-increment load; G(set, p, offset) the load from a register's distance. Not inlined: all of
/// them in one frame would not fit the stack.
template <int Size, class F, class G>
[[gnu::noinline]] void check_load(const char* name, uint32_t core, F load_post, G load) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(executed_memory[core].words);
  for (uint32_t at = 4; at < 8; at += Size) {
    each_step<Size>([&](auto step) {
      const auto number = static_cast<uint32_t>(static_cast<int32_t>(step));
      const uint8_t* p = bytes + at;
      const uint8_t* q = p;
      const uint32_t executed = load_post(native{}, p, step);
      check::equal(name, executed, load_post(emulated{}, q, step), at, number);
      check::equal("pointer after", static_cast<uint32_t>(p - q), 0, at, number);
    });
    check::equal(name, load(native{}, bytes, at), load(emulated{}, bytes, at), at);
  }
}

template <int Size, class F, class G>
[[gnu::noinline]] void check_store(const char* name, uint32_t core, F store_post, G store) {
  auto* const executed = reinterpret_cast<uint8_t*>(executed_memory[core].words);
  auto* const defined = reinterpret_cast<uint8_t*>(defined_memory[core].words);
  const auto compare = [&](uint32_t a, uint32_t b) {
    for (int i = 0; i < 4; ++i) {
      check::equal(name, executed_memory[core].words[i], defined_memory[core].words[i], a, b);
    }
  };
  uint32_t value = 0x89ab'cdef + core;
  for (uint32_t at = 4; at < 8; at += Size) {
    each_step<Size>([&](auto step) {
      const auto number = static_cast<uint32_t>(static_cast<int32_t>(step));
      value = value * 69069 + 1;
      uint8_t* p = executed + at;
      uint8_t* q = defined + at;
      store_post(native{}, value, p, step);
      store_post(emulated{}, value, q, step);
      compare(at, number);
      check::equal("pointer after", static_cast<uint32_t>(p - executed), static_cast<uint32_t>(q - defined), at,
                   number);
    });
    value = value * 69069 + 1;
    store(native{}, value, executed, at);
    store(emulated{}, value, defined, at);
    compare(at, 0);
  }
}

#define TESSERA_TEST_LOAD(size, name)                                                               \
  check_load<size>(                                                                                 \
      #name, core, [](auto set, const uint8_t*& p, auto step) { return set.name##_post(p, step); }, \
      [](auto set, const uint8_t* p, uint32_t offset) { return set.name(p, offset); })
#define TESSERA_TEST_STORE(size, name)                                                                \
  check_store<size>(                                                                                  \
      #name, core, [](auto set, uint32_t v, uint8_t*& p, auto step) { set.name##_post(v, p, step); }, \
      [](auto set, uint32_t v, uint8_t* p, uint32_t offset) { set.name(v, p, offset); })

/// Where one register is destination and base, the loaded value wins; where it is source and base, the old one is
/// stored. C++ cannot say that, so these are written by encoding.
template <uint32_t Opcode, uint32_t Funct3>
uint32_t load_into_base(const void* p) {
  auto x = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(p));
  asm volatile(".insn i %1, %2, %0, 4(%0)" : "+r"(x) : "i"(Opcode), "i"(Funct3) : "memory");
  return x;
}
template <uint32_t Funct7>
uint32_t load_into_base_by_register(const void* p) {
  auto x = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(p));
  asm volatile(".insn r 0x0b, 7, %1, %0, %0, %2" : "+r"(x) : "i"(Funct7), "r"(8) : "memory");
  return x;
}
template <uint32_t Funct3>
uint32_t store_base(void* p) {
  auto x = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(p));
  asm volatile(".insn s 0x2b, %1, %0, 4(%0)" : "+r"(x) : "i"(Funct3) : "memory");
  return x;
}

void check_same_register(uint32_t core) {
  uint32_t* const words = executed_memory[core].words;
  words[0] = 0x8899'aabb;
  check::equal("p.lb into its base", load_into_base<0x0b, 0>(words), 0xffff'ffbb);
  check::equal("p.lh into its base", load_into_base<0x0b, 1>(words), 0xffff'aabb);
  check::equal("p.lw into its base", load_into_base<0x0b, 2>(words), 0x8899'aabb);
  check::equal("p.lbu into its base", load_into_base<0x0b, 4>(words), 0xbb);
  check::equal("p.lhu into its base", load_into_base<0x0b, 5>(words), 0xaabb);
  check::equal("p.lb into its base", load_into_base_by_register<0x00>(words), 0xffff'ffbb);
  check::equal("p.lh into its base", load_into_base_by_register<0x08>(words), 0xffff'aabb);
  check::equal("p.lw into its base", load_into_base_by_register<0x10>(words), 0x8899'aabb);
  check::equal("p.lbu into its base", load_into_base_by_register<0x20>(words), 0xbb);
  check::equal("p.lhu into its base", load_into_base_by_register<0x28>(words), 0xaabb);

  const auto base = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(words));
  words[0] = 0;
  check::equal("p.sw of its base", store_base<2>(words), base + 4);
  check::equal("p.sw of its base stored", words[0], base);
  words[0] = 0;
  check::equal("p.sh of its base", store_base<1>(words), base + 4);
  check::equal("p.sh of its base stored", words[0], base & 0xffff);
  words[0] = 0;
  check::equal("p.sb of its base", store_base<0>(words), base + 4);
  check::equal("p.sb of its base stored", words[0], base & 0xff);
}

void check_memory(uint32_t core) {
  for (int i = 0; i < 4; ++i) {
    const uint32_t word = 0x8091'72f3u + static_cast<uint32_t>(i) * 0x1f2e'3d4cu;
    executed_memory[core].words[i] = word;
    defined_memory[core].words[i] = word;
  }
  TESSERA_TEST_LOAD(4, p_lw);
  TESSERA_TEST_LOAD(2, p_lh);
  TESSERA_TEST_LOAD(2, p_lhu);
  TESSERA_TEST_LOAD(1, p_lb);
  TESSERA_TEST_LOAD(1, p_lbu);
  TESSERA_TEST_STORE(4, p_sw);
  TESSERA_TEST_STORE(2, p_sh);
  TESSERA_TEST_STORE(1, p_sb);
  check_same_register(core);
}

// ---- Branches

template <uint32_t Funct3, int Value>
bool taken(uint32_t a) {
  asm goto(".insn b 0x63, %1, %0, x%2, %l3" ::"r"(a), "i"(Funct3), "i"(Value & 31)::yes);
  return false;
yes:
  return true;
}

template <int Value = -16>
void check_branches() {
  for (const uint32_t a : operands) {
    check::equal("p.beqimm", taken<2, Value>(a), a == static_cast<uint32_t>(Value), a, static_cast<uint32_t>(Value));
    check::equal("p.bneimm", taken<3, Value>(a), a != static_cast<uint32_t>(Value), a, static_cast<uint32_t>(Value));
  }
  const auto self = static_cast<uint32_t>(Value);
  check::equal("p.beqimm", taken<2, Value>(self), true, self, self);
  check::equal("p.bneimm", taken<3, Value>(self), false, self, self);
  if constexpr (Value < 15) check_branches<Value + 1>();
}

/// And backwards, as a loop.
void check_loop() {
  uint32_t counter = 20;
  uint32_t sum = 0;
  asm volatile("1: add %1, %1, %0\n addi %0, %0, -1\n .insn b 0x63, 3, %0, x29, 1b" : "+r"(counter), "+r"(sum));
  check::equal("p.bneimm backwards", counter, 0xffff'fffd);
  check::equal("p.bneimm backwards", sum, 20 * 21 / 2 - 1 - 2);
}

}  // namespace

int main() {
  const uint32_t core = runtime::core_id();
  check_registers(core);
  check_immediates(core);
  check_memory(core);
  if (core == 0) {
    check_branches();
    check_loop();
  }
  return check::report();
}
