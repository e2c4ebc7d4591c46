// SPDX-License-Identifier: Apache-2.0
#include "sim_trace.hpp"

#include <nlohmann/json.hpp>

#include "tessera/sim/disassemble.hpp"

using namespace tessera::sim;

namespace {

constexpr std::uint32_t machine_process = 1;  // 0 means "idle" to Perfetto, for threads, too

/// Colours that chrome://tracing knows by name; Perfetto chooses its own, by the span's name.
const char* colour_of(stall cause) {
  switch (cause) {
    case stall::fetch: return "rail_response";  // blue
    case stall::load: return "yellow";
    case stall::far_load: return "rail_animation";  // orange
    case stall::result: return "olive";
    case stall::unit_full: return "thread_state_unknown";             // brown
    case stall::bank_conflict: return "terrible";                     // red
    case stall::port_conflict: return "bad";                          // dark orange
    case stall::dma_conflict: return "thread_state_iowait";           // bright orange
    case stall::transactions: return "thread_state_uninterruptible";  // purple
    case stall::system_port: return "rail_idle";                      // amber
    case stall::fence: return "thread_state_runnable";                // pale blue
    case stall::sleep: return "grey";
    case stall::halted: return "black";
  }
  return "generic_work";
}

/// A JSON string, quotes included, whatever bytes a symbol has.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

/// The instruction at pc, without the columns of a listing.
std::string assembly(const machine& m, std::uint32_t pc) {
  const std::string columns = disassemble(m.instruction_at(pc), pc).c_str();
  std::string text;
  for (const char c : columns) {
    if (c != ' ' || text.back() != ' ') text += c;
  }
  return text;
}

std::uint32_t thread_of(std::uint32_t core) { return core + 1; }

}  // namespace

template <class... T>
void chrome_trace::event(fmt::format_string<T...> format, T&&... arguments) {
  file_.print("{}", first_ ? "\n" : ",\n");
  first_ = false;
  file_.print(format, std::forward<T>(arguments)...);
}

chrome_trace::chrome_trace(const std::filesystem::path& path, trace_detail detail, const machine& m,
                           const std::vector<bool>& cores)
    : file_(path), detail_(detail), machine_(m), names_(m), tracks_(m.cores()) {
  file_.print(R"({{"displayTimeUnit":"ns","otherData":{{"configuration":{},"time":"1 us is 1 cycle"}},"traceEvents":[)",
              quoted(m.config().name));
  name_tracks(cores);
}

void chrome_trace::name_tracks(const std::vector<bool>& cores) {
  const auto process = [&](std::uint32_t id, const std::string& name) {
    event(R"({{"ph":"M","name":"process_name","pid":{},"tid":0,"args":{{"name":"{}"}}}})", id, name);
    event(R"({{"ph":"M","name":"process_sort_index","pid":{0},"tid":0,"args":{{"sort_index":{0}}}}})", id);
  };
  process(machine_process, "machine");
  std::uint32_t last = machine_process;
  for (std::uint32_t core = 0; core < machine_.cores(); ++core) {
    const std::uint32_t tile = machine_.config().tile_of(core);
    track& t = tracks_[core];
    t.process = machine_process + 1 + tile;
    if (!cores[core]) continue;
    if (t.process != last) process(t.process, fmt::format("tile {}", tile));
    last = t.process;
    const std::uint32_t thread = thread_of(core);
    event(R"({{"ph":"M","name":"thread_name","pid":{},"tid":{},"args":{{"name":"core {}"}}}})", t.process, thread,
          core);
    event(R"({{"ph":"M","name":"thread_sort_index","pid":{0},"tid":{1},"args":{{"sort_index":{1}}}}})", t.process,
          thread);
  }
}

void chrome_trace::begin(std::uint64_t cycle) {
  conflicts_.total = machine_.counters().bank_conflicts();
  dma_.total = machine_.counters().dma_bytes();
  sampled_at_ = running_since_ = cycle;
}

void chrome_trace::finish(std::uint64_t cycle) {
  for (std::uint32_t core = 0; core < tracks_.size(); ++core) leave(core, cycle);
  if (cycle > sampled_at_) sample(cycle);
  counter("running cores", running_since_, running_, shown_running_);
  file_.print("\n]}}\n");
  file_.close();
}

void chrome_trace::issued(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc, const decoded& d) {
  const bool falls_asleep = tracks_[core].waits && tracks_[core].cause == stall::sleep;
  if (!falls_asleep) end_wait(core, cycle);
  enter(core, cycle, pc);
  if (detail_ != trace_detail::instructions) return;
  event(R"({{"ph":"X","pid":{},"tid":{},"ts":{},"dur":1,"cat":"instruction","name":"{}","args":{{"pc":"{:08x}",)"
        R"("instruction":"{}"}}}})",
        tracks_[core].process, thread_of(core), cycle, row_of(d.row).mnemonic, pc, assembly(machine_, pc));
}

void chrome_trace::stalled(std::uint32_t core, std::uint64_t cycle, stall cause) {
  track& t = tracks_[core];
  if (!t.waits || t.cause != cause) {
    end_wait(core, cycle);
    t.waits = true;
    t.cause = cause;
    t.since = cycle;
    t.pc = machine_.core(core).pc;
    enter(core, cycle, t.pc);
  }
  t.until = cycle + 1;
}

void chrome_trace::slept(std::uint32_t core, std::uint64_t cycle) {
  track& t = tracks_[core];
  end_wait(core, cycle);
  t.waits = true;
  t.cause = stall::sleep;
  t.since = cycle;
  t.pc = machine_.core(core).pc;
}
void chrome_trace::woke(std::uint32_t core, std::uint64_t cycle) { end_wait(core, cycle); }

void chrome_trace::leave(std::uint32_t core, std::uint64_t cycle) {
  end_wait(core, cycle);
  end_function(core, cycle);
}

void chrome_trace::running(std::uint64_t cycle, std::uint32_t cores) {
  // Many change in one cycle, as at the end of a barrier: what counts is the cycle's last value.
  if (cycle != running_since_) counter("running cores", running_since_, running_, shown_running_);
  running_since_ = cycle;
  running_ = cores;
}

void chrome_trace::sample(std::uint64_t cycle) {
  const auto since_last = [](sampled& s, std::uint64_t total) {
    const std::uint64_t change = total - s.total;
    s.total = total;
    return change;
  };
  const std::uint64_t conflicts = since_last(conflicts_, machine_.counters().bank_conflicts());
  const std::uint64_t bytes = since_last(dma_, machine_.counters().dma_bytes());
  static_assert(interval == 100);
  counter("bank conflicts per 100 cycles", sampled_at_, conflicts, conflicts_.shown);
  counter("DMA bytes per 100 cycles", sampled_at_, bytes, dma_.shown);
  sampled_at_ = cycle;
}

/// A counter keeps its value until it is written again.
void chrome_trace::counter(const char* name, std::uint64_t cycle, std::uint64_t value, std::uint64_t& last) {
  if (value == last) return;
  last = value;
  event(R"({{"ph":"C","pid":{},"tid":0,"ts":{},"name":"{}","args":{{"value":{}}}}})", machine_process, cycle, name,
        value);
}

void chrome_trace::enter(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc) {
  track& t = tracks_[core];
  const std::string* const function = &names_.at(pc);
  if (t.function == function) return;
  end_function(core, cycle);
  t.function = function;
  event(R"({{"ph":"B","pid":{},"tid":{},"ts":{},"cat":"function","name":{}}})", t.process, thread_of(core), cycle,
        quoted(*function));
}

void chrome_trace::end_function(std::uint32_t core, std::uint64_t cycle) {
  track& t = tracks_[core];
  if (t.function != nullptr) event(R"({{"ph":"E","pid":{},"tid":{},"ts":{}}})", t.process, thread_of(core), cycle);
  t.function = nullptr;
}

void chrome_trace::end_wait(std::uint32_t core, std::uint64_t cycle) {
  track& t = tracks_[core];
  if (!t.waits) return;
  t.waits = false;
  const bool asleep = t.cause == stall::sleep;
  const std::uint64_t until = asleep ? cycle : t.until;
  if (until <= t.since || (!asleep && detail_ == trace_detail::functions)) return;
  event(R"({{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"cat":"stall","name":"{}","cname":"{}",)"
        R"("args":{{"cause":"{}","pc":"{:08x}","instruction":"{}"}}}})",
        t.process, thread_of(core), t.since, until - t.since, name_of(t.cause), colour_of(t.cause), name_of(t.cause),
        t.pc, assembly(machine_, t.pc));
}
