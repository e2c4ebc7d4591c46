// SPDX-License-Identifier: Apache-2.0
#include "sim_log.hpp"

#include "tessera/sim/disassemble.hpp"

using namespace tessera::sim;

namespace {

/// "[address]" of a load, or "[address]=value" of a store, after it has left the core; empty where that cannot be known
/// any more.
std::string access_text(const hart& h, const decoded& d, const instruction& row) {
  const form f = row.operand_form;
  const bool stores = row.executes_on == unit::store;
  std::uint32_t address = memory_operands_of(h, d, f).address;
  if (post_increments(f)) {
    // The base has already moved.
    const std::uint8_t step = stores_by_register(f) ? d.rd : d.rs2;
    const bool by_register = f == form::load_register_post || f == form::store_register_post;
    if ((by_register && step == d.rs1) || (stores && d.rs1 == d.rs2)) return "";
    address -= by_register ? h.x[step] : d.imm;
  }
  if (!stores) return fmt::format("  [{:08x}]", address);
  const std::uint32_t mask = row.bytes == 4 ? ~std::uint32_t{0} : (std::uint32_t{1} << 8 * row.bytes) - 1;
  return fmt::format("  [{:08x}]={:0{}x}", address, h.x[d.rs2] & mask, 2 * row.bytes);
}

}  // namespace

instruction_log::instruction_log(const std::filesystem::path& path, const machine& m)
    : file_(path), machine_(m), names_(m), cores_(m.cores()) {
  file_.print(
      "#   cycle core pc       word      instruction; registers=, [memory]; (cycles it waited: why); <function>\n");
}

void instruction_log::line(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc, const decoded& d, bool loaded) {
  const hart& h = machine_.core(core);
  const instruction& row = row_of(d.row);
  const form f = row.operand_form;
  const std::uint32_t word = machine_.instruction_at(pc);
  core_state& c = cores_[core];
  std::string effects;
  const auto reg = [&](std::uint8_t r) {
    if (r % 32 != 0) effects += fmt::format("  {}={:08x}", register_name(r), h.x[r]);
  };
  const unit u = row.executes_on;
  const bool accesses =
      u == unit::load || u == unit::store || u == unit::atomic || u == unit::reserve || u == unit::conditional;
  if (writes_rd(f) && (loaded || !accesses)) reg(d.rd);
  if (accesses) {
    if (post_increments(f) && d.rs1 != d.rd) reg(d.rs1);
    // A load into its own base has destroyed what the address was computed from.
    const bool by_register = f == form::load_register || f == form::load_register_post;
    const bool base_lost = loaded && writes_rd(f) && (d.rd == d.rs1 || (by_register && d.rd == d.rs2));
    if (!base_lost) effects += access_text(h, d, row);
    if (writes_rd(f)) c.loads[d.rd % 32] = pc;
  }
  for (int i = 0; i < stall_count; ++i) {
    if (c.waited[i] != 0) effects += fmt::format("  ({}: {})", c.waited[i], name_of(static_cast<stall>(i)));
    c.waited[i] = 0;
  }
  const std::string* const function = &names_.at(pc);
  if (function != c.function) effects += fmt::format("  <{}>", symbol_text(machine_, pc));
  c.function = function;
  const auto text = disassemble(word, pc);
  file_.print("{:>9} {:>4} {:08x} {:08x}  {:<{}}{}\n", cycle, core, pc, word, text.c_str(), effects.empty() ? 0 : 34,
              effects);
}

void instruction_log::issued(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc, const decoded& d) {
  line(core, cycle, pc, d, false);
}
void instruction_log::executed(std::uint32_t core, std::uint64_t turn, std::uint32_t pc, const decoded& d) {
  line(core, turn, pc, d, true);
}

void instruction_log::woke(std::uint32_t core, std::uint64_t cycle) {
  const std::uint64_t since = cores_[core].asleep_since;
  if (cycle > since) add_wait(core, stall::sleep, cycle - since);
}

void instruction_log::wrote(std::uint32_t core, std::uint64_t cycle, std::uint8_t rd, std::uint32_t value) {
  if (rd % 32 == 0) return;
  const std::uint32_t pc = cores_[core].loads[rd];
  // Of a load before the window nothing is known.
  const std::string from = pc == 0 ? fmt::format("{:17}", "") : fmt::format("{:08x} {:8}", pc, "");
  file_.print("{:>9} {:>4} {}  {:<34}  {}={:08x}\n", cycle, core, from, "  arrives", register_name(rd), value);
}

void instruction_log::finish(std::uint64_t cycle) {
  const stop_report& s = machine_.stop();
  if (s.reason == stop_reason::running) {
    file_.print("# cycle {}: the log ends, the program was still running\n", cycle);
  } else if (s.reason == stop_reason::finished) {
    file_.print("# cycle {}: finished by core {}, exit code {}\n", cycle, s.core, s.exit_code);
  } else {
    file_.print("# cycle {}: stopped by core {} at {:08x}: {}\n", cycle, s.core, s.pc, to_string(s.reason));
  }
  file_.close();
}
