// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// A machine under GDB, by the remote serial protocol: bytes in, bytes out, no sockets, no allocation.
///
///     sim::gdb_server server(m, sim::mode::timed, send, context);
///     while (server.session() == sim::gdb_session::active) {
///       server.receive(bytes, size);                   // what has come from GDB
///       if (server.running()) server.run(some_cycles);  // then look again: GDB may want to interrupt
///     }
///
/// Each core is a thread, numbered from 1. When one stops, all do.
///
/// - Continuing runs all cores. Cores that are at one breakpoint at the same time stop in turn: the first is reported,
///   and each other when the program is continued.
/// - A core that has reported a breakpoint passes it when it goes on, alone: the other cores are held while it executes
///   the instruction under it, so that none slips past. If its pc was changed meanwhile, it stops at what is there.
/// - A step runs all cores until one has executed an instruction; if it sleeps, until it was woken and has.
/// - When GDB resumes one thread alone, as it does to pass a breakpoint and for `set scheduler-locking on`, the other
///   cores are held. A core that sleeps cannot run alone: it stops again at once.
/// - In the timed mode, a stop lets loads and stores in flight end, so that registers and memory are what the program
///   has made of them. What cores lose while they are held is stall::halted.
/// - Breakpoints stay when the program or GDB writes code.
///
/// GDB cannot call functions of the program: they would return to a breakpoint on the stack, and code runs from L2
/// only.

#include "tessera/sim/gdb_target.hpp"

namespace tessera::sim {

enum class gdb_session : uint8_t {
  active,
  detached,  ///< the program may go on without GDB
  killed,
};

class gdb_server {
 public:
  /// Takes bytes for GDB.
  using sender = void (*)(void* context, const char* data, size_t size);

  gdb_server(machine& m, mode how, sender send, void* context)
      : machine_(m), how_(how), send_(send), context_(context), target_(m, how) {}

  gdb_session session() const { return session_; }
  /// Whether the program runs; only then does `run` do something.
  bool running() const { return running_; }

  /// Takes bytes from GDB and answers.
  void receive(const uint8_t* data, size_t size) {
    for (size_t i = 0; i < size && session_ == gdb_session::active; ++i) receive(data[i]);
  }

  /// Runs the program for about so many cycles, or until it stops; GDB hears of that.
  void run(uint64_t cycles) {
    if (!running_) return;
    if (passes_breakpoint()) {
      const uint32_t core = reported_core_;
      machine_.clear_breakpoint(reported_pc_);
      const bool passed = step_alone(core, cycles);
      machine_.set_breakpoint(reported_pc_);
      if (!passed && !stopped()) return;
      reported_core_ = no_core;
      if (passed && core == stepped_) return end_step();
    }
    if (stopped()) return report();
    if (alone_ != no_core) return run_alone(cycles);
    if (stepped_ != no_core) {
      const uint64_t before = machine_.core(stepped_).instructions;
      machine_.run_step(how_, stepped_, cycles);
      if (machine_.core(stepped_).instructions != before && !stopped()) return end_step();
    } else {
      machine_.run(how_, cycles);
    }
    if (stopped()) report();
  }

 private:
  static constexpr uint32_t no_core = gdb_target::no_core;
  // GDB's numbers of signals
  static constexpr uint8_t interrupted = 2, bad_instruction = 4, trapped = 5, bad_alignment = 10, bad_access = 11;

  // ---- Packets

  void receive(uint8_t byte) {
    using event = gdb_receiver::event;
    const event e = receiver_.put(byte);
    if (e == event::nothing) return;
    if (e == event::interrupt) {
      if (running_) interrupt();
      return;
    }
    if (e == event::repeat) {
      if (acknowledges_ && out_.size() > 1) send_(context_, out_.data(), out_.size());
      return;
    }
    if (acknowledges_) send_(context_, e == event::corrupt ? "-" : "+", 1);
    if (e == event::corrupt || running_) return;  // while the program runs, GDB waits
    out_.begin();
    if (e == event::too_long) {
      out_.fail();
    } else if (!execute({receiver_.payload(), receiver_.size()})) {
      return;
    }
    send_reply();
  }
  void send_reply() {
    out_.end();
    send_(context_, out_.data(), out_.size());
  }

  /// Does what a packet asks for. False if the answer comes later or never.
  bool execute(gdb_reader in) {
    switch (const char command = in.next()) {
      case '?': write_stop(); break;
      case 'g': target_.read_registers(out_); break;
      case 'G': target_.write_registers(in, out_); break;
      case 'p': target_.read_register(in, out_); break;
      case 'P': target_.write_register(in, out_); break;
      case 'm': target_.read_memory(in, out_); break;
      case 'M': target_.write_memory(in, false, out_); break;
      case 'X': target_.write_memory(in, true, out_); break;
      case 'Z': target_.change_breakpoint(in, true, out_); break;
      case 'z': target_.change_breakpoint(in, false, out_); break;
      case 'c':
      case 'C':
      case 's':
      case 'S': return !resume_from(in, command);
      case 'H': select_thread(in); break;
      case 'T': {
        uint32_t core = 0;
        answer(target_.thread(in, core) && core != no_core);
        break;
      }
      case 'D':
        answer(true);
        detach();
        break;
      case 'k': session_ = gdb_session::killed; return false;
      case 'q': query(in); break;
      case 'Q': return set(in);
      case 'v': return execute_named(in);
      default: break;  // an empty answer: not known
    }
    return true;
  }
  void answer(bool done) {
    if (done) {
      out_.text("OK");
    } else {
      out_.fail();
    }
  }

  void query(gdb_reader in) {
    if (in.take("Supported")) {
      knows_software_ = in.contains("swbreak+");
      knows_hardware_ = in.contains("hwbreak+");
      out_.text("PacketSize=").hex(gdb_packet_bytes);
      out_.text(";QStartNoAckMode+;qXfer:features:read+;vContSupported+;swbreak+;hwbreak+");
    } else if (in.take("Xfer:features:read:")) {
      target_.read_description(in, out_);
    } else if (in.take("fThreadInfo")) {
      target_.list_threads(true, out_);
    } else if (in.take("sThreadInfo")) {
      target_.list_threads(false, out_);
    } else if (in.take("ThreadExtraInfo,")) {
      target_.describe_thread(in, out_);
    } else if (in.take("Attached")) {
      out_.put('0');  // GDB started the program and ends it when it leaves
    } else if (in.take("Symbol")) {
      out_.text("OK");
    } else if (in.take("C") && in.done()) {
      out_.text("QC").hex(target_.selected + 1);
    }
  }
  bool set(gdb_reader in) {
    if (!in.take("StartNoAckMode")) return true;
    out_.text("OK");
    acknowledges_ = false;
    return true;
  }
  bool execute_named(gdb_reader in) {
    if (in.take("Cont?")) {
      out_.text("vCont;c;C;s;S");
    } else if (in.take("Cont")) {
      return !resume_threads(in);
    } else if (in.take("Kill")) {
      answer(true);
      session_ = gdb_session::killed;
    }
    return true;
  }
  void select_thread(gdb_reader in) {
    const char purpose = in.next();
    uint32_t core = 0;
    const bool valid = (purpose == 'g' || purpose == 'c') && target_.thread(in, core);
    if (valid && purpose == 'g' && core != no_core) target_.selected = core;
    if (valid && purpose == 'c') to_step_ = core;
    answer(valid);
  }
  void detach() {
    target_.clear_breakpoints();
    if (machine_.stop().reason != stop_reason::finished) machine_.resume();
    session_ = gdb_session::detached;
  }

  // ---- Going on

  /// c and s, with a signal (which a core cannot get) as C and S, and maybe with an address to go on at. False:
  /// refused.
  bool resume_from(gdb_reader in, char command) {
    uint8_t signal = 0;
    uint32_t pc = 0;
    if (command == 'C' || command == 'S') {
      if (!in.byte(signal)) return refuse();
      if (!in.done() && !in.take(";")) return refuse();
    }
    if (!in.done()) {
      if (!in.number(pc)) return refuse();
      target_.set_register(gdb_target::pc_number, pc);
    }
    const bool steps = command == 's' || command == 'S';
    return resume(!steps ? no_core : to_step_ != no_core ? to_step_ : target_.selected, no_core);
  }

  /// vCont: actions, each for a thread, or for all that were not named before it.
  bool resume_threads(gdb_reader in) {
    uint32_t stepped = no_core;
    uint32_t named = no_core;
    bool everybody = false;
    bool several = false;
    if (in.done()) return refuse();
    while (!in.done()) {
      if (!in.take(";")) return refuse();
      const char action = in.next();
      uint8_t signal = 0;
      if ((action == 'C' || action == 'S') && !in.byte(signal)) return refuse();
      const bool steps = action == 's' || action == 'S';
      if (!steps && action != 'c' && action != 'C') return refuse();
      uint32_t core = no_core;
      if (in.take(":") && !target_.thread(in, core)) return refuse();
      if (steps && stepped == no_core && !everybody) stepped = core != no_core ? core : target_.selected;
      if (core == no_core) {
        everybody = true;
      } else if (!everybody) {
        several = several || (named != no_core && named != core);
        named = core;
      }
    }
    if (several && !everybody) return refuse();  // GDB resumes all threads or one
    return resume(stepped, everybody ? no_core : named);
  }
  bool refuse() {
    out_.fail();
    return false;
  }

  /// Goes on: until `stepped` has executed an instruction, if it is somebody; only `alone`, if it is.
  bool resume(uint32_t stepped, uint32_t alone) {
    if (machine_.stop().reason == stop_reason::finished) {
      write_stop();
      return false;
    }
    machine_.resume();
    stepped_ = stepped;
    alone_ = alone;
    running_ = true;
    if (!passes_breakpoint() && (alone == no_core || alone == reported_core_)) reported_core_ = no_core;
    return true;
  }

  bool passes_breakpoint() const {
    return reported_core_ != no_core && (alone_ == no_core || alone_ == reported_core_) &&
           machine_.core(reported_core_).pc == reported_pc_ && target_.has_breakpoint(reported_pc_);
  }
  /// Whether the core has executed an instruction.
  bool step_alone(uint32_t core, uint64_t cycles) {
    const uint64_t before = machine_.core(core).instructions;
    machine_.run_alone(how_, core, cycles);
    return machine_.core(core).instructions != before;
  }
  void run_alone(uint64_t cycles) {
    for (; cycles != 0 && !stopped(); --cycles) {
      if (machine_.core(alone_).asleep) return halt(trapped, alone_);
      if (step_alone(alone_, 1) && alone_ == stepped_) return end_step();
    }
    if (stopped()) report();
  }

  // ---- Stopping

  bool stopped() const { return machine_.stop().reason != stop_reason::running; }

  void end_step() {
    machine_.settle(how_);
    if (stopped()) return report();
    halt(trapped, stepped_);
  }
  void interrupt() {
    machine_.settle(how_);
    if (stopped()) return report();
    halt(interrupted, target_.selected);
  }

  /// Tells GDB why the machine stopped.
  void report() {
    machine_.settle(how_);
    const stop_report& s = machine_.stop();
    if (s.reason == stop_reason::breakpoint) {
      reported_core_ = s.core;
      reported_pc_ = s.pc;
    } else if (s.reason != stop_reason::finished) {
      out_.begin().put('O');
      write_reason(s);
      send_reply();
    }
    halt(signal_of(s.reason), s.core);
  }
  void halt(uint8_t signal, uint32_t core) {
    running_ = false;
    signal_ = signal;
    target_.selected = stopped_core_ = core;
    out_.begin();
    write_stop();
    send_reply();
  }

  static constexpr uint8_t signal_of(stop_reason r) {
    switch (r) {
      case stop_reason::illegal_instruction: return bad_instruction;
      case stop_reason::misaligned_access:
      case stop_reason::misaligned_jump: return bad_alignment;
      case stop_reason::running:
      case stop_reason::finished:
      case stop_reason::deadlock:
      case stop_reason::breakpoint: return trapped;
      default: return bad_access;
    }
  }
  void write_stop() {
    const stop_report& s = machine_.stop();
    if (s.reason == stop_reason::finished) {
      // Of 32 bits a process has eight; none of a failure may look like success.
      out_.put('W').byte(s.exit_code != 0 && (s.exit_code & 0xff) == 0 ? 1 : s.exit_code);
      return;
    }
    out_.put('T').byte(signal_).text("thread:").hex(stopped_core_ + 1).put(';');
    if (s.reason != stop_reason::breakpoint) return;
    if (target_.is_software_breakpoint(s.pc)) {
      if (knows_software_) out_.text("swbreak:;");
    } else if (knows_hardware_) {
      out_.text("hwbreak:;");
    }
  }
  /// One line for GDB's console.
  void write_reason(const stop_report& s) {
    assembly_text where;
    where << "core ";
    where.number(s.core) << ": ";
    out_.encoded(where.c_str()).encoded(to_string(s.reason));
    if (s.detail[0] != '\0') out_.encoded(" (").encoded(s.detail).encoded(")");
    assembly_text what;
    if (s.reason != stop_reason::deadlock) {
      what << ": ";
      what.hex(s.reason == stop_reason::illegal_instruction ? s.instruction : s.address);
    }
    out_.encoded(what.c_str()).encoded("\n");
  }

  machine& machine_;
  mode how_;
  sender send_;
  void* context_;
  gdb_target target_;
  gdb_receiver receiver_;
  gdb_reply out_;
  gdb_session session_ = gdb_session::active;
  bool acknowledges_ = true;
  bool knows_software_ = false;
  bool knows_hardware_ = false;
  bool running_ = false;
  uint8_t signal_ = trapped;
  uint32_t stopped_core_ = 0;
  uint32_t to_step_ = no_core;        // by `s`, as `Hc` said
  uint32_t stepped_ = no_core;        // whose next instruction ends the run
  uint32_t alone_ = no_core;          // who runs while the others are held
  uint32_t reported_core_ = no_core;  // who stopped at a breakpoint, and has not passed it yet
  uint32_t reported_pc_ = 0;
};

}  // namespace tessera::sim
