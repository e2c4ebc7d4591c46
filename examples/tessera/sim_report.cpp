// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string_view>

#include "sim.hpp"
#include "tessera/sim/disassemble.hpp"

using namespace tessera::sim;

namespace {

/// Multiply-accumulates of one instruction, counted as people count operations: products that are summed.
unsigned macs_of(const instruction& row) {
  const std::string_view name = row.mnemonic;
  if (name == "p.mac" || name == "p.msu") return 1;
  if (name.find("dot") == std::string_view::npos) return name == "mul" ? 1 : 0;
  return name.back() == 'b' ? 4 : 2;
}

struct totals {
  std::uint64_t instructions = 0;
  std::uint64_t macs = 0;
  std::uint64_t stalls[stall_count] = {};
};

totals sum(const machine& m) {
  totals t;
  for (std::uint32_t core = 0; core < m.cores(); ++core) {
    t.instructions += m.core(core).instructions;
    for (int i = 0; i < stall_count; ++i) t.stalls[i] += m.counters().stalls(core, static_cast<stall>(i));
  }
  for (int row = 0; row < instruction_count; ++row) {
    t.macs += m.counters().executed[row] * macs_of(row_of(static_cast<std::uint8_t>(row)));
  }
  return t;
}

std::string line_at(const machine& m, std::uint32_t pc) {
  const std::uint32_t word = m.instruction_at(pc);
  return fmt::format("{:08x}  {:08x}  {:<40} {}", pc, word, disassemble(word, pc).c_str(), symbol_text(m, pc));
}

double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

}  // namespace

std::string symbol_text(const machine& m, std::uint32_t pc) {
  const elf_symbol s = m.program().symbol_at(pc);
  if (!s) return "";
  const std::string name(s.name.data, s.name.size);
  return pc == s.address ? name : fmt::format("{}+{:#x}", name, pc - s.address);
}

std::string fault_text(const machine& m) {
  const stop_report& s = m.stop();
  const hart& h = m.core(s.core);
  std::string text = fmt::format("core {}, cycle {}: {}", s.core, s.cycle, to_string(s.reason));
  if (*s.detail != '\0') text += fmt::format(": {}", s.detail);
  if (s.reason == stop_reason::deadlock) {
    text += "\n\nwhere the cores sleep (the first 16):\n";
    for (std::uint32_t core = 0; core < std::min<std::uint32_t>(m.cores(), 16); ++core) {
      text += fmt::format("  core {:<4} {}\n", core, line_at(m, m.core(core).pc - 4));
    }
    return text;
  }
  text += fmt::format("\n  instruction  {}\n  address      {:08x}\n\nregisters:\n", line_at(m, s.pc), s.address);
  for (std::uint32_t r = 0; r < 32; ++r) {
    text += fmt::format("  {:>4} {:08x}{}", register_name(r), h.x[r], r % 8 == 7 ? "\n" : "");
  }
  text += "\nlast instructions of this core, oldest first:\n";
  for (std::uint32_t i = 0; i < history_length; ++i) {
    const std::uint32_t pc = h.history[(h.history_next + i) % history_length];
    if (pc != 0) text += fmt::format("  {}\n", line_at(m, pc));
  }
  return text;
}

std::string summary_text(const machine& m, mode how) {
  const totals t = sum(m);
  const std::uint64_t cycles = m.cycle(how);
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<22} {:>16}\n", name, value);
  };
  line("configuration", fmt::format("{}, {} cores", m.config().name, m.cores()));
  if (how == mode::functional) {
    line("turns", fmt::format("{}", cycles));
    line("instructions", fmt::format("{}", t.instructions));
    return text;
  }
  const double core_cycles = static_cast<double>(cycles) * m.cores();
  std::uint64_t awake = cycles * m.cores() - t.stalls[static_cast<int>(stall::sleep)];
  line("cycles", fmt::format("{}", cycles));
  line("instructions", fmt::format("{}", t.instructions));
  line("IPC, of awake cores", fmt::format("{:.3f}", ratio(double(t.instructions), double(awake))));
  line("MACs per cycle", fmt::format("{:.2f}", ratio(double(t.macs), double(cycles))));
  line("bank conflicts", fmt::format("{}", m.counters().bank_conflicts()));
  line("DMA bytes", fmt::format("{}", m.counters().dma_bytes()));
  line("instruction refills", fmt::format("{}", m.counters().line_refills()));
  text += "\ncore cycles            of all cores   per cent\n";
  const auto share = [&](std::string_view name, std::uint64_t value) {
    text += fmt::format("  {:<18} {:>14}   {:>7.2f}\n", name, value, ratio(100.0 * double(value), core_cycles));
  };
  share("instructions", t.instructions);
  for (int i = 0; i < stall_count; ++i) {
    if (t.stalls[i] != 0) share(name_of(static_cast<stall>(i)), t.stalls[i]);
  }
  share("sum", t.instructions + std::accumulate(std::begin(t.stalls), std::end(t.stalls), std::uint64_t{0}));
  return text;
}

nlohmann::ordered_json statistics(const machine& m, mode how, const std::vector<sim_dump>& dumps) {
  using json = nlohmann::ordered_json;
  const totals t = sum(m);
  const stop_report& s = m.stop();
  json result;
  result["configuration"] = m.config().name;
  result["mode"] = how == mode::timed ? "timed" : "functional";
  result["stop"] = {{"reason", to_string(s.reason)}, {"exit_code", s.exit_code}, {"core", s.core}, {"pc", s.pc}};
  result["cycles"] = m.cycle(how);
  result["instructions"] = t.instructions;
  if (how == mode::timed) {
    result["macs"] = t.macs;
    result["bank_conflicts"] = m.counters().bank_conflicts();
    result["dma_bytes"] = m.counters().dma_bytes();
    result["instruction_refills"] = m.counters().line_refills();
    json stalls = json::object();
    for (int i = 0; i < stall_count; ++i) stalls[name_of(static_cast<stall>(i))] = t.stalls[i];
    result["stalls"] = stalls;
    json executed = json::object();
    for (int row = 0; row < instruction_count; ++row) {
      const std::uint64_t count = m.counters().executed[row];
      const char* const name = row_of(static_cast<std::uint8_t>(row)).mnemonic;
      if (count != 0) executed[name] = executed.value(name, std::uint64_t{0}) + count;
    }
    result["executed"] = executed;
  }
  json cores = json::array();
  for (std::uint32_t core = 0; core < m.cores(); ++core) {
    json c = {{"instructions", m.core(core).instructions}};
    if (how == mode::timed) {
      json stalls = json::object();
      for (int i = 0; i < stall_count; ++i) {
        stalls[name_of(static_cast<stall>(i))] = m.counters().stalls(core, static_cast<stall>(i));
      }
      c["stalls"] = stalls;
    }
    cores.push_back(c);
  }
  result["cores"] = cores;
  json reported = json::array();
  for (const sim_dump& d : dumps) {
    reported.push_back({{"core", d.core}, {"cycle", d.cycle}, {"csr", d.csr}, {"value", d.value}});
  }
  result["dumps"] = reported;
  return result;
}
