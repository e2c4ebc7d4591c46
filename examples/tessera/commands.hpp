// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <stdexcept>
#include <string>

/// The subcommands. Each adds itself to the program and runs from a callback; results go to standard output, everything
/// else to standard error.
void add_classify(CLI::App& program);
void add_golden(CLI::App& program);
void add_inspect(CLI::App& program);
void add_pack(CLI::App& program);
void add_sim(CLI::App& program);
void add_tokenize(CLI::App& program);

/// The command ran and its answer is no: this exit status without another message.
struct failed_check {
  int status = 1;
};

/// A mistake in the arguments that the parser cannot see: exit status 2.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A paragraph of examples under a subcommand's help.
inline std::string examples(const std::string& lines) { return "Examples:\n" + lines; }
