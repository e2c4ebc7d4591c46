// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cstdio>
#include <exception>
#include <iostream>

#include "commands.hpp"
#include "tessera/config.hpp"

namespace {

int run(CLI::App& program, int argc, char** argv) {
  try {
    program.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  } catch (const usage_error& error) {
    fmt::print(stderr, "tessera: {}\n", error.what());
    return 2;
  } catch (const failed_check& failed) {
    return failed.status;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tessera: {}\n", error.what());
    return 1;
  }
}

}  // namespace

/// Exit status: 0 done, 1 bad data, a failed check or output that cannot be written, 2 wrong usage. `sim` has its
/// program's.
int main(int argc, char** argv) {
  CLI::App program("Integer transformer operators: run, check and look into networks.", "tessera");
  program.set_version_flag("--version", fmt::format("tessera {}.{}.{}", TESSERA_VERSION / 10000,
                                                    TESSERA_VERSION / 100 % 100, TESSERA_VERSION % 100));
  program.require_subcommand(1);
  program.footer("'tessera COMMAND --help' has the options and examples of a command.");
  add_classify(program);
  add_golden(program);
  add_inspect(program);
  add_tokenize(program);
  add_pack(program);
  add_sim(program);
  const int status = run(program, argc, argv);
  std::cout.flush();
  if (status == 0 && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout)) {
    fmt::print(stderr, "tessera: the output cannot be written\n");
    return 1;
  }
  return status;
}
