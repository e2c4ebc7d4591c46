// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "tessera/sim/machine.hpp"

/// A value that a program reported by writing a CSR that the hardware does not have.
struct sim_dump {
  std::uint32_t core;
  std::uint64_t cycle;
  std::uint32_t csr;
  std::uint32_t value;
};

/// "name+0x10" of the function around an address, demangled, or "" where no symbol is.
std::string symbol_text(const tessera::sim::machine& m, std::uint32_t pc);
/// Names of the functions around addresses, remembered: finding one in a symbol table takes long. The same function is
/// the same string.
class function_names {
 public:
  explicit function_names(const tessera::sim::machine& m) : machine_(m) {}
  const std::string& at(std::uint32_t pc);

 private:
  const tessera::sim::machine& machine_;
  std::set<std::string> names_;
  std::unordered_map<std::uint32_t, const std::string*> by_pc_;
};

/// What stopped the program: cause, core, registers, and how it got there.
std::string fault_text(const tessera::sim::machine& m);
/// Where a program is that was not finished when its cycles were over.
std::string unfinished_text(const tessera::sim::machine& m, tessera::sim::mode how);
/// Cycles, instructions, rates and stalls, for people.
std::string summary_text(const tessera::sim::machine& m, tessera::sim::mode how);
/// The same and more, for programs.
nlohmann::ordered_json statistics(const tessera::sim::machine& m, tessera::sim::mode how,
                                  const std::vector<sim_dump>& dumps);
