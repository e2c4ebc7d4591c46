// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim.hpp"
#include "text_file.hpp"

enum class trace_detail : std::uint8_t {
  functions,
  stalls,
  instructions
};

/// A run as Chrome's trace events (JSON), which ui.perfetto.dev and chrome://tracing show. A process is a tile, a
/// thread is a core; a cycle is written as a microsecond. On a core's track lie the functions ("B" and "E": stretches
/// without a jump to another function), in them stalls, sleep and instructions ("X"), each track in the order of time.
/// The process "machine" has the counters ("C"), which count all cores.
class chrome_trace {
 public:
  /// `cores[i]`: whether core i gets a track.
  chrome_trace(const std::filesystem::path& path, trace_detail detail, const tessera::sim::machine& m,
               const std::vector<bool>& cores);

  /// What happens from here on is of interest.
  void begin(std::uint64_t cycle);
  /// Ends what has begun, and the file.
  void finish(std::uint64_t cycle);

  // What sim::no_observer describes. Falling asleep comes before the instruction that does it.
  void issued(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc, const tessera::sim::decoded& d);
  void stalled(std::uint32_t core, std::uint64_t cycle, tessera::sim::stall cause);
  void slept(std::uint32_t core, std::uint64_t cycle);
  void woke(std::uint32_t core, std::uint64_t cycle);
  /// Nothing that follows soon is of interest on this core's track.
  void leave(std::uint32_t core, std::uint64_t cycle);

  /// So many cores of the machine are awake from this cycle on.
  void running(std::uint64_t cycle, std::uint32_t cores);
  /// To be called every `interval` cycles, for the machine's other counters.
  void sample(std::uint64_t cycle);
  static constexpr std::uint64_t interval = 100;

 private:
  /// What is open on a core's track.
  struct track {
    std::uint32_t process = 0;
    const std::string* function = nullptr;
    bool waits = false;  // stalled or asleep
    tessera::sim::stall cause = {};
    std::uint64_t since = 0;
    std::uint64_t until = 0;  // the cycle after the last stall
    std::uint32_t pc = 0;     // of the instruction that waits
  };
  template <class... T>
  void event(fmt::format_string<T...> format, T&&... arguments);
  void name_tracks(const std::vector<bool>& cores);
  void counter(const char* name, std::uint64_t cycle, std::uint64_t value, std::uint64_t& last);
  void enter(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc);
  void end_wait(std::uint32_t core, std::uint64_t cycle);
  void end_function(std::uint32_t core, std::uint64_t cycle);

  text_file file_;
  trace_detail detail_;
  const tessera::sim::machine& machine_;
  function_names names_;
  std::vector<track> tracks_;
  bool first_ = true;
  struct sampled {
    std::uint64_t total = 0;
    std::uint64_t shown = ~std::uint64_t{0};
  };
  sampled conflicts_, dma_;
  std::uint64_t shown_running_ = ~std::uint64_t{0};
  std::uint64_t running_ = 0;
  std::uint64_t running_since_ = 0;
  std::uint64_t sampled_at_ = 0;
};
