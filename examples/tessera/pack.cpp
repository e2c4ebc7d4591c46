// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <string>

#include "commands.hpp"
#include "tessera/network/ibert_pack.hpp"

namespace {

namespace fs = std::filesystem;

void pack(const fs::path& model, const fs::path& out) {
  using namespace tessera;
  const ibert_config config = read_ibert_config(model / "config.json");
  const safetensors_file file = safetensors_file::open(model / "model.safetensors");
  read_ibert(file, config);  // refuses a network that could not be run
  packed_ibert packed(file, config);
  std::error_code error;
  if (fs::equivalent(model, out, error)) throw usage_error("pack: --out is the folder that is read");
  fs::create_directories(out);
  packed.writer().save(out / "model.safetensors");
  for (const char* name :
       {"config.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"}) {
    if (!fs::exists(model / name)) continue;
    fs::copy_file(model / name, out / name, fs::copy_options::overwrite_existing);
    fs::permissions(out / name, fs::perms::owner_write, fs::perm_options::add);  // so that it can be written again
  }
  fmt::print("{}: {:.0f} KiB, was {:.0f} KiB\n", (out / "model.safetensors").string(),
             static_cast<double>(fs::file_size(out / "model.safetensors")) / 1024.0,
             static_cast<double>(fs::file_size(model / "model.safetensors")) / 1024.0);
}

}  // namespace

void add_pack(CLI::App& program) {
  struct options {
    fs::path model, out;
  };
  const auto o = std::make_shared<options>();
  CLI::App& command =
      *program.add_subcommand("pack", "Store an I-BERT network's weights as the 8-bit integers that are executed");
  command.add_option("--model", o->model, "Folder to read")->required();
  command.add_option("--out", o->out, "Folder to write; made if it is not there")->required();
  command.footer(examples("  tessera pack --model DIR --out DIR-int8"));
  command.callback([o] { pack(o->model, o->out); });
}
