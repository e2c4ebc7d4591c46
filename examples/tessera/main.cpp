// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <exception>

#include "commands.hpp"
#include "tessera/config.hpp"

/// Exit status: 0 done, 1 bad data or a failed check, 2 wrong usage.
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
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? 0 : 2;
  } catch (const usage_error& error) {
    fmt::print(stderr, "tessera: {}\n", error.what());
    return 2;
  } catch (const failed_check&) {
    return 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tessera: {}\n", error.what());
    return 1;
  }
  return 0;
}
