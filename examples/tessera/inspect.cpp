// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
void add_inspect(CLI::App&) {}
