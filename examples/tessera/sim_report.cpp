// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

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

/// What became of the cycles of all cores, or of those of them in which the program had marked itself.
struct totals {
  cycle_counts counts;
  std::uint64_t macs = 0;
  std::uint32_t cores = 0;  // that have any
};

totals sum(const machine& m, bool marked) {
  totals t;
  const timed& c = m.counters();
  for (std::uint32_t core = 0; core < m.cores(); ++core) {
    const cycle_counts counts = marked ? c.marked_counts(core) : c.counts(core);
    t.counts += counts;
    t.cores += counts.sum() != 0 ? 1 : 0;
  }
  for (int row = 0; row < instruction_count; ++row) {
    t.macs += (marked ? c.marked_executed : c.executed)[row] * macs_of(row_of(static_cast<std::uint8_t>(row)));
  }
  return t;
}
std::uint64_t executed_by_all(const machine& m) {
  std::uint64_t sum = 0;
  for (std::uint32_t core = 0; core < m.cores(); ++core) sum += m.core(core).instructions;
  return sum;
}

std::string line_at(const machine& m, std::uint32_t pc) {
  const std::uint32_t word = m.instruction_at(pc);
  return fmt::format("{:08x}  {:08x}  {:<40} {}", pc, word, disassemble(word, pc).c_str(), symbol_text(m, pc));
}

/// "0-3,8".
std::string list_text(const std::vector<std::uint32_t>& cores) {
  std::string text;
  for (std::size_t i = 0; i < cores.size();) {
    std::size_t last = i;
    while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) ++last;
    text += fmt::format("{}{}", text.empty() ? "" : ",", cores[i]);
    if (last != i) text += fmt::format("-{}", cores[last]);
    i = last + 1;
  }
  return text;
}

/// Where the cores are: those that sleep at one place together, and those that run in one function.
std::string places_text(const machine& m) {
  struct place {
    std::uint32_t pc;
    std::vector<std::uint32_t> cores;
  };
  std::map<std::pair<bool, std::string>, place> places;
  function_names names(m);
  for (std::uint32_t core = 0; core < m.cores(); ++core) {
    const hart& h = m.core(core);
    // A sleeping core's pc is behind its wfi.
    const std::uint32_t pc = h.asleep ? h.pc - 4 : h.pc;
    const std::string key = h.asleep ? symbol_text(m, pc) : names.at(pc);
    places.try_emplace({h.asleep, key}, place{pc, {}}).first->second.cores.push_back(core);
  }
  std::string text;
  for (const auto& [key, p] : places) {
    const auto& [asleep, name] = key;
    const bool one = p.cores.size() == 1;
    text += fmt::format("{} {} ", one ? "core" : "cores", list_text(p.cores));
    text += asleep ? (one ? "sleeps at" : "sleep at") : fmt::format("{} in {}", one ? "runs" : "run", name);
    if (!asleep) text += one ? ", at" : fmt::format(", core {} at", p.cores.front());
    text += fmt::format("\n  {}\n", line_at(m, p.pc));
  }
  return text;
}

double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

}  // namespace

std::string fault_text(const machine& m) {
  const stop_report& s = m.stop();
  const hart& h = m.core(s.core);
  if (s.reason == stop_reason::deadlock) {
    return fmt::format("cycle {}: {}\n\n{}", s.cycle, to_string(s.reason), places_text(m));
  }
  std::string text = fmt::format("core {}, cycle {}: {}", s.core, s.cycle, to_string(s.reason));
  if (*s.detail != '\0') text += fmt::format(": {}", s.detail);
  text += "\n";
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<12} {}\n", name, value);
  };
  const auto place = [&] { line("instruction", line_at(m, s.pc)); };
  const auto address = [&] { line("address", fmt::format("{:08x}", s.address)); };
  switch (s.reason) {
    case stop_reason::fetch_outside_code:
    case stop_reason::misaligned_jump:
      // The timed mode stops at the target, the functional one at the jump.
      if (s.pc != s.address) {
        place();
      } else {
        line("after", line_at(m, h.history[(h.history_next + history_length - 1) % history_length]));
      }
      line("target", fmt::format("{:08x}", s.address));
      break;
    case stop_reason::stack_overflow:
      place();
      line("sp",
           fmt::format("{:08x}, {} bytes below the limit {:08x}", s.address, h.stack_limit - s.address, h.stack_limit));
      break;
    case stop_reason::illegal_instruction:
    case stop_reason::breakpoint: place(); break;
    default:
      place();
      address();
      break;
  }
  text += "\nregisters:\n";
  for (std::uint32_t r = 0; r < 32; ++r) {
    text += fmt::format("  {:>4} {:08x}{}", register_name(r), h.x[r], r % 8 == 7 ? "\n" : "");
  }
  text += "\nlast instructions of this core, the newest last:\n";
  for (std::uint32_t i = 0; i < history_length; ++i) {
    const std::uint32_t pc = h.history[(h.history_next + i) % history_length];
    if (pc != 0) text += fmt::format("  {}\n", line_at(m, pc));
  }
  return text;
}

std::string unfinished_text(const machine& m, mode how) {
  return fmt::format("not finished after {} {}; --max-cycles sets how many it may take\n\n{}", m.cycle(how),
                     how == mode::timed ? "cycles" : "turns", places_text(m));
}

std::string summary_text(const machine& m, mode how) {
  const std::uint64_t cycles = m.cycle(how);
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<22} {:>16}\n", name, value);
  };
  line("configuration", fmt::format("{}, {} cores", m.config().name, m.cores()));
  if (how == mode::functional) {
    line("turns", fmt::format("{}", cycles));
    line("instructions", fmt::format("{}", executed_by_all(m)));
    return text;
  }
  const totals all = sum(m, false);
  const totals marked = sum(m, true);
  line("cycles", fmt::format("{}", cycles));
  line("instructions", fmt::format("{}", all.counts.instructions));
  line("MACs", fmt::format("{}", all.macs));
  line("bank conflicts", fmt::format("{}", m.counters().bank_conflicts()));
  line("DMA bytes", fmt::format("{}", m.counters().dma_bytes()));
  line("instruction refills", fmt::format("{}", m.counters().line_refills()));

  const bool marks = marked.cores != 0;
  text += fmt::format("\n{:<18} {:>14} {:>9}", "core cycles", "all", "per cent");
  text += marks ? fmt::format(" {:>14} {:>9}\n", "marked", "per cent") : "\n";
  const auto row = [&](std::string_view name, std::uint64_t a, std::uint64_t b) {
    const auto percent = [](std::uint64_t part, const totals& t) {
      return ratio(100.0 * double(part), double(t.counts.sum()));
    };
    text += fmt::format("{:<18} {:>14} {:>9.2f}", name, a, percent(a, all));
    text += marks ? fmt::format(" {:>14} {:>9.2f}\n", b, percent(b, marked)) : "\n";
  };
  row("instructions", all.counts.instructions, marked.counts.instructions);
  for (int i = 0; i < stall_count; ++i) {
    if (all.counts.stalls[i] != 0) row(name_of(static_cast<stall>(i)), all.counts.stalls[i], marked.counts.stalls[i]);
  }
  row("sum", all.counts.sum(), marked.counts.sum());

  const auto rate = [&](std::string_view name, auto value) {
    text += fmt::format("{:<18} {:>14.3f}", name, value(all));
    text += marks ? fmt::format(" {:>24.3f}\n", value(marked)) : "\n";
  };
  rate("IPC while awake", [](const totals& t) {
    return ratio(double(t.counts.instructions), double(t.counts.sum() - t.counts.lost(stall::sleep)));
  });
  rate("MACs per cycle", [](const totals& t) { return ratio(double(t.macs) * t.cores, double(t.counts.sum())); });
  return text;
}

nlohmann::ordered_json statistics(const machine& m, mode how, const std::vector<sim_dump>& dumps) {
  using json = nlohmann::ordered_json;
  const totals all = sum(m, false);
  const stop_report& s = m.stop();
  const auto stalls_of = [](const cycle_counts& c) {
    json stalls = json::object();
    for (int i = 0; i < stall_count; ++i) stalls[name_of(static_cast<stall>(i))] = c.stalls[i];
    return stalls;
  };
  json result;
  result["configuration"] = m.config().name;
  result["mode"] = how == mode::timed ? "timed" : "functional";
  result["stop"] = {{"reason", to_string(s.reason)}, {"exit_code", s.exit_code}, {"core", s.core}, {"pc", s.pc}};
  result["cycles"] = m.cycle(how);
  result["instructions"] = executed_by_all(m);
  if (how == mode::timed) {
    result["macs"] = all.macs;
    result["bank_conflicts"] = m.counters().bank_conflicts();
    result["dma_bytes"] = m.counters().dma_bytes();
    result["instruction_refills"] = m.counters().line_refills();
    result["stalls"] = stalls_of(all.counts);
    const totals marked = sum(m, true);
    result["marked"] = {{"cores", marked.cores},
                        {"core_cycles", marked.counts.sum()},
                        {"instructions", marked.counts.instructions},
                        {"macs", marked.macs},
                        {"stalls", stalls_of(marked.counts)}};
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
      c["stalls"] = stalls_of(m.counters().counts(core));
      const cycle_counts marked = m.counters().marked_counts(core);
      if (marked.sum() != 0) {
        c["marked"] = {{"cycles", marked.sum()}, {"instructions", marked.instructions}, {"stalls", stalls_of(marked)}};
      }
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
