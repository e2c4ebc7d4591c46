// SPDX-License-Identifier: Apache-2.0
#include <cxxabi.h>
#include <fmt/core.h>

#include <cstdlib>
#include <memory>

#include "sim.hpp"

using namespace tessera::sim;

namespace {

/// "ns::f" of "_ZN2nsL1fEi": without arguments, result and anonymous namespaces, which make names long and tell little.
std::string readable_name(const std::string& symbol) {
  if (symbol.rfind("_Z", 0) != 0) return symbol;
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status),
                                                    std::free);
  if (status != 0) return symbol;
  std::string name = text.get();
  // Not all of their brackets are around arguments.
  if (name.find("operator") != std::string::npos || name.find("decltype") != std::string::npos) return name;
  constexpr std::string_view anonymous = "(anonymous namespace)::";
  for (std::size_t at; (at = name.find(anonymous)) != std::string::npos;) name.erase(at, anonymous.size());
  std::string result;
  int depth = 0;
  for (const char c : name) {
    if (c == '<') ++depth;
    if (depth == 0 && c == '(') break;
    if (depth == 0) result += c;
    if (c == '>') --depth;
  }
  return result.substr(result.rfind(' ') + 1);
}

}  // namespace

std::string symbol_text(const machine& m, std::uint32_t pc) {
  const elf_symbol s = m.program().symbol_at(pc);
  if (!s) return pc - boot_base < device_bytes ? "(boot ROM)" : "";
  const std::string name = readable_name({s.name.data, s.name.size});
  return pc == s.address ? name : fmt::format("{}+{:#x}", name, pc - s.address);
}

const std::string& function_names::at(std::uint32_t pc) {
  const auto known = by_pc_.find(pc);
  if (known != by_pc_.end()) return *known->second;
  const elf_symbol s = machine_.program().symbol_at(pc);
  std::string name = s ? readable_name({s.name.data, s.name.size}) : symbol_text(machine_, pc);
  if (name.empty()) name = "(no symbol)";
  return *by_pc_.emplace(pc, &*names_.insert(std::move(name)).first).first->second;
}
