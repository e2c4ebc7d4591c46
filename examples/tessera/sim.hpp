// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tessera/sim/machine.hpp"

/// A value that a program reported by writing a CSR that the hardware does not have.
struct sim_dump {
  std::uint32_t core;
  std::uint64_t cycle;
  std::uint32_t csr;
  std::uint32_t value;
};

/// "name+0x10" of the function around an address, or "" where no symbol is.
std::string symbol_text(const tessera::sim::machine& m, std::uint32_t pc);
/// What stopped the program: cause, core, registers, and how it got there.
std::string fault_text(const tessera::sim::machine& m);
/// Cycles, instructions, rates and stalls, for people.
std::string summary_text(const tessera::sim::machine& m, tessera::sim::mode how);
/// The same and more, for programs.
nlohmann::ordered_json statistics(const tessera::sim::machine& m, tessera::sim::mode how,
                                  const std::vector<sim_dump>& dumps);
