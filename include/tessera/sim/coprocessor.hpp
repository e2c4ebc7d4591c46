// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// The coprocessor of a core, timed: the IPU (products and packed instructions) between two registers, and the divider
/// beside it. Results are computed when an instruction is issued; here they only take their time.
/// Source: mempool_cc.sv, snitch_ipu.sv, snitch_shared_muldiv.sv; the specification's sections 7.2 to 7.4.

#include "tessera/sim/buffer.hpp"
#include "tessera/sim/hart.hpp"

namespace tessera::sim {

class coprocessor {
 public:
  bool idle() const { return inside_ == 0; }
  /// Whether it takes an instruction in this cycle.
  bool ready() const { return !in_.full(); }
  /// Takes an instruction; it enters at the end of the cycle.
  void issue(uint8_t rd, const instruction& row, const operands& o) {
    arriving_ = true;
    arrival_ = {rd, row.executes_on == unit::divider, iterations(row, o)};
    ++inside_;
  }

  /// One cycle. A result leaves unless the register file's two ports are taken, by the issuing instruction and by a
  /// load. Returns the register that is written, or `nothing`.
  static constexpr uint8_t nothing = 255;
  uint8_t advance(uint64_t cycle, bool ports_taken) {
    if (inside_ == 0) return nothing;
    uint8_t written = nothing;
    const bool room = !out_.full();
    if (!out_.empty() && !ports_taken) {
      written = out_.front();
      out_.pop();
      --inside_;
    }
    bool done = false;
    if (dividing_ && division_ends_ <= cycle && room) {
      out_.push(divided_);
      dividing_ = false;
      done = true;
    } else if (!in_.empty() && in_.front().divides && !dividing_) {
      dividing_ = true;
      divided_ = in_.front().rd;
      division_ends_ = cycle + 1 + in_.front().iterations;
      in_.pop();
      done = true;
    }
    // Others overtake a division that runs, not one that waits.
    if (!done && room && !in_.empty() && !in_.front().divides) {
      out_.push(in_.front().rd);
      in_.pop();
    }
    if (arriving_) in_.push(arrival_);
    arriving_ = false;
    return written;
  }

 private:
  struct entry {
    uint8_t rd = 0;
    bool divides = false;
    uint8_t iterations = 0;  // of a division, beyond its fixed part
  };

  /// One iteration per bit between the leading digits of dividend and divisor, and one more; none if the quotient is 0.
  static uint8_t iterations(const instruction& row, const operands& o) {
    if (row.executes_on != unit::divider) return 0;
    const bool is_signed = (row.match & 0x1000) == 0;
    const auto leading = [](uint32_t v) { return v == 0 ? 32 : __builtin_clz(v); };
    const auto negative = [&](uint32_t v) { return is_signed && (v >> 31) != 0; };
    const int za = leading(negative(o.rs1) ? ~o.rs1 << 1 : o.rs1);
    const int zb = leading(negative(o.rs2) ? ~o.rs2 : o.rs2);
    const int d = zb == 32 ? 32 : zb - za;
    return d < 0 ? 0 : static_cast<uint8_t>(d + 1);
  }

  ring<entry, 2> in_;
  ring<uint8_t, 2> out_;  // destinations
  entry arrival_;
  bool arriving_ = false;
  uint8_t inside_ = 0;
  uint64_t division_ends_ = 0;
  uint8_t divided_ = 0;
  bool dividing_ = false;
};

}  // namespace tessera::sim
