// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "tessera/sim/gdb.hpp"

/// Waits for GDB on a port of the loopback interface (0: any that is free) and runs the program under it until the
/// program has finished and GDB has left, or GDB detached from it or ended it.
/// Throws std::runtime_error if the port cannot be had.
tessera::sim::gdb_session debug(tessera::sim::machine& m, tessera::sim::mode how, std::uint16_t port,
                                const std::filesystem::path& program);
