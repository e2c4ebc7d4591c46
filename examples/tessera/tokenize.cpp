// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "commands.hpp"
#include "tessera/network/tokenizer.hpp"

void add_tokenize(CLI::App& program) {
  const auto model = std::make_shared<std::filesystem::path>();
  CLI::App& command = *program.add_subcommand("tokenize", "Print the token ids of each line of standard input");
  command.add_option("--model", *model, "Folder with vocab.json and merges.txt")->required();
  command.footer(examples("  echo 'a small dog' | tessera tokenize --model examples/networks/wordnet-ibert"));
  command.callback([model] {
    const auto words = tessera::tokenizer::from_directory(*model);
    std::string line;
    while (std::getline(std::cin, line)) {
      bool first = true;
      for (const auto id : words.encode(line)) {
        fmt::print("{}{}", first ? "" : " ", id);
        first = false;
      }
      fmt::print("\n");
    }
    if (std::ferror(stdin) != 0) throw tessera::data_error("standard input", "", "cannot be read");
  });
}
