// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "tessera/sim/machine.hpp"

/// What --trace and --log are to show.
struct watch_options {
  std::filesystem::path trace;
  std::string trace_detail = "stalls";
  std::filesystem::path log;
  std::string cores;   ///< as "0-3,8"; empty: all
  std::string window;  ///< as "1000:2000", or "marked"; empty: always
  bool any() const { return !trace.empty() || !log.empty(); }
};

/// Runs the machine for so many cycles.
using runner = std::function<void(std::uint64_t cycles)>;

/// A runner that writes a trace or a log meanwhile, and ends both, with errors, when `finish` is called.
class watched_run {
 public:
  watched_run(const watch_options& options, tessera::sim::machine& m, tessera::sim::mode how);
  ~watched_run();
  void run(std::uint64_t cycles);
  void finish();

 private:
  struct state;
  std::unique_ptr<state> state_;
};
