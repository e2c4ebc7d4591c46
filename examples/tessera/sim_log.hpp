// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim.hpp"
#include "text_file.hpp"

/// A run as text: a line per instruction, with its effects, what it waited for, and the function where that changes.
/// What a load or an atomic brings has a line of its own, in the cycle in which it arrives.
class instruction_log {
 public:
  instruction_log(const std::filesystem::path& path, const tessera::sim::machine& m);

  // What sim::no_observer describes.
  void issued(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc, const tessera::sim::decoded& d);
  void stalled(std::uint32_t core, tessera::sim::stall cause) { add_wait(core, cause, 1); }
  void slept(std::uint32_t core, std::uint64_t cycle) { cores_[core].asleep_since = cycle; }
  void woke(std::uint32_t core, std::uint64_t cycle);
  void wrote(std::uint32_t core, std::uint64_t cycle, std::uint8_t rd, std::uint32_t value);

  /// An instruction without time, with all of its effects.
  void executed(std::uint32_t core, std::uint64_t turn, std::uint32_t pc, const tessera::sim::decoded& d);
  /// Says how the run ended, and ends the file.
  void finish(std::uint64_t cycle);

 private:
  struct core_state {
    const std::string* function = nullptr;
    std::uint64_t waited[tessera::sim::stall_count] = {};
    std::uint64_t asleep_since = 0;
    std::uint32_t loads[32] = {};  // for each register, where it was last loaded
  };
  void add_wait(std::uint32_t core, tessera::sim::stall cause, std::uint64_t cycles) {
    cores_[core].waited[static_cast<int>(cause)] += cycles;
  }
  void line(std::uint32_t core, std::uint64_t cycle, std::uint32_t pc, const tessera::sim::decoded& d, bool loaded);

  text_file file_;
  const tessera::sim::machine& machine_;
  function_names names_;
  std::vector<core_state> cores_;
};
