// SPDX-License-Identifier: Apache-2.0
#include "sim_watch.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "sim_log.hpp"
#include "sim_trace.hpp"

using namespace tessera::sim;

namespace {

/// All of `text` as a number.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "0-3,8" as one flag per core.
std::vector<bool> cores_of(const std::string& list, std::uint32_t count) {
  std::vector<bool> selected(count, list.empty());
  for (std::size_t begin = 0, comma = 0; !list.empty() && begin <= list.size(); begin = comma + 1) {
    comma = std::min(list.find(',', begin), list.size());
    const std::string part = list.substr(begin, comma - begin);
    const std::size_t dash = part.find('-');
    const auto first = number(part.substr(0, dash));
    const auto last = dash == std::string::npos ? first : number(part.substr(dash + 1));
    if (!first || !last || *first > *last) {
      throw usage_error(fmt::format("--cores: '{}' is no list of cores like 0-3,8", list));
    }
    if (*last >= count)
      throw usage_error(fmt::format("--cores: there is no core {}, the last is {}", *last, count - 1));
    std::fill_n(selected.begin() + std::ptrdiff_t(*first), *last - *first + 1, true);
  }
  return selected;
}

struct window {
  std::uint64_t begin = 0;
  std::uint64_t end = machine::forever;
  bool marked = false;  // where the program says so
};
window window_of(const std::string& text) {
  window w;
  if (text.empty()) return w;
  if (text == "marked") {
    w.marked = true;
    return w;
  }
  const std::size_t colon = text.find(':');
  const auto bound = [&](const std::string& part, std::uint64_t missing) {
    return part.empty() ? std::optional(missing) : number(part);
  };
  if (colon != std::string::npos) {
    const auto begin = bound(text.substr(0, colon), w.begin);
    const auto end = bound(text.substr(colon + 1), w.end);
    if (begin && end && *begin < *end) return {*begin, *end, false};
  }
  throw usage_error(fmt::format("--window: '{}' is neither 'marked' nor cycles like 1000:2000, 1000: or :2000", text));
}

trace_detail detail_of(const std::string& name) {
  return name == "functions" ? trace_detail::functions
         : name == "stalls"  ? trace_detail::stalls
                             : trace_detail::instructions;
}

}  // namespace

/// Also the observer of timed runs.
struct watched_run::state {
  static constexpr bool watches = true;

  state(const watch_options& options, machine& m, mode how)
      : m(m),
        how(how),
        window_text(options.window),
        when(window_of(options.window)),
        selected(cores_of(options.cores, m.cores())) {
    if (!options.trace.empty()) trace.emplace(options.trace, detail_of(options.trace_detail), m, selected);
    if (!options.log.empty()) log.emplace(options.log, m);
  }

  /// Whether the core is looked at now. A program marks its interesting parts for each core.
  bool sees(std::uint32_t core, std::uint64_t cycle) {
    if (!selected[core]) return false;
    const bool now = !when.marked || m.core(core).trace != 0;
    if (!now && trace) trace->leave(core, cycle);
    seen |= now;
    return now;
  }

  void issued(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc, const decoded& d) {
    if (!sees(core, cycle)) return;
    if (trace) trace->issued(core, cycle, pc, d);
    if (log) log->issued(core, cycle, pc, d);
  }
  void stalled(std::uint32_t core, std::uint64_t cycle, stall cause) {
    if (!sees(core, cycle)) return;
    if (trace) trace->stalled(core, cycle, cause);
    if (log) log->stalled(core, cause);
  }
  void slept(std::uint32_t core, std::uint64_t cycle) {
    --awake;
    if (trace) trace->running(cycle, awake);
    if (!sees(core, cycle)) return;
    if (trace) trace->slept(core, cycle);
    if (log) log->slept(core, cycle);
  }
  void woke(std::uint32_t core, std::uint64_t cycle) {
    ++awake;
    if (trace) trace->running(cycle, awake);
    if (!sees(core, cycle)) return;
    if (trace) trace->woke(core, cycle);
    if (log) log->woke(core, cycle);
  }
  void wrote(std::uint32_t core, std::uint64_t cycle, std::uint8_t rd, std::uint32_t value) {
    if (log && sees(core, cycle)) log->wrote(core, cycle, rd, value);
  }

  void begin() {
    begun = true;
    const std::uint64_t now = m.cycle(how);
    if (trace) trace->begin(now);
    awake = 0;
    for (std::uint32_t core = 0; core < m.cores(); ++core) awake += m.core(core).asleep ? 0 : 1;
    if (trace) trace->running(now, awake);
    for (std::uint32_t core = 0; core < m.cores(); ++core) {
      if (!m.core(core).asleep || !sees(core, now)) continue;
      if (trace) trace->slept(core, now);
      if (log) log->slept(core, now);
    }
  }
  void finish() {
    if (finished) return;
    finished = true;
    if (trace) trace->finish(m.cycle(how));
    if (log) log->finish(m.cycle(how));
    if (!seen)
      fmt::print(stderr, "tessera: nothing to trace or log: --window {} holds no cycle of the run\n", window_text);
  }

  /// One instruction of each core.
  void turn() {
    struct before {
      std::uint32_t pc;
      std::uint64_t instructions;
    };
    std::vector<before> cores(m.cores());
    for (std::uint32_t core = 0; core < m.cores(); ++core) cores[core] = {m.core(core).pc, m.core(core).instructions};
    const std::uint64_t now = m.cycle(how);
    m.run(mode::functional, 1);
    for (std::uint32_t core = 0; core < m.cores(); ++core) {
      const before& c = cores[core];
      if (m.core(core).instructions == c.instructions || !sees(core, now)) continue;
      log->executed(core, now, c.pc, decode(m.instruction_at(c.pc)));
    }
  }

  void run(std::uint64_t end) {
    while (m.stop().reason == stop_reason::running && m.cycle(how) < end) {
      const std::uint64_t now = m.cycle(how);
      if (now >= when.end) {
        finish();
        m.run(how, end - now);
      } else if (now < when.begin) {
        m.run(how, std::min(end, when.begin) - now);
      } else {
        if (!begun) begin();
        if (how == mode::functional) {
          turn();
          continue;
        }
        const std::uint64_t sample = (now / chrome_trace::interval + 1) * chrome_trace::interval;
        m.run_timed(std::min({end, when.end, sample}) - now, *this);
        if (trace && m.cycle(how) == sample) trace->sample(sample);
      }
    }
  }

  machine& m;
  const mode how;
  const std::string window_text;
  const window when;
  const std::vector<bool> selected;
  std::optional<chrome_trace> trace;
  std::optional<instruction_log> log;
  std::uint32_t awake = 0;
  bool seen = false;
  bool begun = false;
  bool finished = false;
};

watched_run::watched_run(const watch_options& options, machine& m, mode how)
    : state_(std::make_unique<state>(options, m, how)) {}
watched_run::~watched_run() = default;
void watched_run::run(std::uint64_t cycles) { state_->run(state_->m.cycle(state_->how) + cycles); }
void watched_run::finish() { state_->finish(); }
