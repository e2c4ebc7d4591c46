// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "commands.hpp"
#include "tessera/network/ibert_classifier.hpp"
#include "tessera/network/ibert_loader.hpp"
#include "tessera/network/npz.hpp"

namespace {

using namespace tessera;
namespace fs = std::filesystem;

std::string shape_of(const tensor_ref& tensor) { return detail::shape_text(tensor.shape); }

/// Smallest and largest element; NaNs are counted, not compared.
std::string range_of(const tensor_ref& tensor) {
  if (tensor.count() == 0) return "empty";
  return visit_dtype(tensor.type, [&](auto tag) -> std::string {
    using element = decltype(tag);
    if constexpr (Integer<element>) {
      const auto values = tensor.to<element>();
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      return fmt::format("{} .. {}", *low, *high);
    } else {
      double low = INFINITY;
      double high = -INFINITY;
      std::size_t unordered = 0;
      for (const double v : tensor.to<double>()) {
        if (std::isnan(v)) {
          ++unordered;
          continue;
        }
        low = std::min(low, v);
        high = std::max(high, v);
      }
      return unordered == 0 ? fmt::format("{:.6g} .. {:.6g}", low, high)
                            : fmt::format("{:.6g} .. {:.6g}, {} NaN", low, high, unordered);
    }
  });
}

struct row {
  std::string name, type, shape, range;
};

row row_of(const tensor_ref& tensor) {
  return {std::string(tensor.name), std::string(to_string(tensor.type)), shape_of(tensor), range_of(tensor)};
}

void print_rows(const std::vector<row>& rows) {
  std::size_t name = 6;
  std::size_t shape = 5;
  for (const row& r : rows) {
    name = std::max(name, r.name.size());
    shape = std::max(shape, r.shape.size());
  }
  fmt::print("{:<{}}  {:<8}  {:<{}}  {}\n", "tensor", name, "type", "shape", shape, "range");
  for (const row& r : rows) fmt::print("{:<{}}  {:<8}  {:<{}}  {}\n", r.name, name, r.type, r.shape, shape, r.range);
}

void inspect_safetensors(const fs::path& path) {
  const safetensors_file file = safetensors_file::open(path);
  std::vector<row> rows;
  for (const std::string& name : file.names()) rows.push_back(row_of(file.tensor(name)));
  print_rows(rows);
}

void inspect_npz(const fs::path& path) {
  const npz_file file = npz_file::open(path);
  std::vector<row> rows;
  for (const std::string& name : file.names()) {
    const npy_array array = file.array(name);
    row r = row_of(array.ref());
    r.name = name;
    rows.push_back(std::move(r));
  }
  print_rows(rows);
}

/// Multiply-accumulates of the encoder for one sequence of s tokens: four projections, scores and context, two
/// feed-forward layers.
index_t macs_of(const ibert_config& c, index_t s) {
  return c.num_hidden_layers * (4 * s * c.hidden_size * c.hidden_size + 2 * s * s * c.hidden_size +
                                2 * s * c.hidden_size * c.intermediate_size);
}

index_t parameters_of(const ibert_network& n) {
  std::size_t count = n.embeddings.word.integers.size() + n.embeddings.type.integers.size() +
                      n.embeddings.position.integers.size() + 2 * n.embeddings.norm.bias.size();
  for (const quantized_layer& q : n.layers) {
    for (const quantized_linear* l : {&q.query, &q.key, &q.value, &q.attention_output, &q.intermediate, &q.output}) {
      count += l->weight.size() + l->bias.size();
    }
    count += 2 * q.attention_norm.bias.size() + 2 * q.output_norm.bias.size();
  }
  const classification_head& h = n.head;
  count += h.dense_weight.size() + h.dense_bias.size() + h.out_weight.size() + h.out_bias.size();
  return static_cast<index_t>(count);
}

void inspect_network(const fs::path& folder) {
  const ibert_network network = load_ibert(folder);
  const ibert_config& c = network.config;
  const ibert_classifier classifier(network);
  fmt::print("I-BERT for sequence classification, {}\n", folder.string());
  fmt::print("  layers {}, hidden {}, heads {} of {}, feed-forward {}\n", c.num_hidden_layers, c.hidden_size,
             c.num_attention_heads, c.head_size(), c.intermediate_size);
  fmt::print("  vocabulary {}, longest sequence {}, labels {}\n", c.vocab_size, c.max_length(), c.num_labels());
  fmt::print("  parameters {}\n", parameters_of(network));
  for (const index_t s : {index_t{16}, c.max_length()}) {
    fmt::print("  one sequence of {:>4} tokens: {:>12} MACs, arena {:>10} bytes\n", s, macs_of(c, s),
               classifier.arena_bytes(1, s));
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const quantized_layer& q = network.layers[i];
    fmt::print(
        "  layer {}: scales of the 8-bit tensors: query {:.4g}, key {:.4g}, value {:.4g}, context {:.4g}, "
        "feed-forward {:.4g} and {:.4g}, output {:.4g}\n",
        i, q.query_act.scale, q.key_act.scale, q.value_act.scale, q.context.scale, q.pre_intermediate.scale,
        q.pre_output.scale, q.output_act.scale);
  }
  fmt::print("\n");
  inspect_safetensors(folder / "model.safetensors");
}

void inspect(const fs::path& path) {
  if (fs::is_directory(path)) return inspect_network(path);
  if (!fs::exists(path)) throw data_error(path.string(), "", "there is no such file or folder");
  // By content: files are often renamed.
  const mapped_file file(path.string());
  const std::string_view begin(reinterpret_cast<const char*>(file.bytes().data()),
                               std::min<std::size_t>(file.bytes().size(), 6));
  if (begin.starts_with("PK")) return inspect_npz(path);
  if (begin == "\x93NUMPY") {
    row r = row_of(load_npy(path.string()).ref());
    r.name = path.filename().string();
    return print_rows({r});
  }
  inspect_safetensors(path);
}

}  // namespace

void add_inspect(CLI::App& program) {
  const auto path = std::make_shared<fs::path>();
  CLI::App& command = *program.add_subcommand("inspect", "List the tensors of a file, or summarise a network");
  command.add_option("path", *path, "A network's folder, or a .safetensors, .npz or .npy file")->required();
  command.footer(
      examples("  tessera inspect examples/networks/wordnet-ibert\n"
               "  tessera inspect tensors.npz"));
  command.callback([path] { inspect(*path); });
}
