// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Writer of safetensors files.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/network/output_file.hpp"
#include "tessera/network/safetensors.hpp"
#include "tessera/network/tensor_ref.hpp"

namespace tessera {

/// Collects views of tensors, then writes them at once. The elements are not copied before that, so their memory must
/// live until `save` or `bytes`. Tensors are written by falling element size and then by name, as the reference
/// implementation does, so that each is aligned; the order of the calls does not matter.
class safetensors_writer {
 public:
  /// Adds `values` of `shape`, row-major; `{}` is the shape of a scalar. Write the type: `add<int8_t>("w", {2, 3}, w)`.
  /// Throws `data_error` for a name that is taken or not UTF-8, and for a shape that does not fit the values.
  template <Element T>
  void add(std::string_view name, const std::vector<index_t>& shape, std::type_identity_t<std::span<const T>> values) {
    add(tensor_ref{"safetensors", name, dtype_of<T>, shape, std::as_bytes(values)});
  }

  /// Adds a tensor of another file, which must live as long as the other tensors' memory.
  void add(const tensor_ref& tensor) {
    const auto count = detail::checked_count(tensor.shape, size_of(tensor.type));
    if (!count || *count * size_of(tensor.type) != static_cast<index_t>(tensor.bytes.size())) {
      tensor.fail("its shape " + detail::shape_text(tensor.shape) + " does not fit its " +
                  std::to_string(tensor.count()) + " elements");
    }
    if (tensor.shape.size() > maximum_rank) tensor.fail("its shape has more than 64 extents");
    if (tensor.name == "__metadata__") tensor.fail("this name is reserved");
    std::string name(tensor.name);
    std::string key = json_string(name);
    if (!names_.insert(name).second) tensor.fail("its name is taken by an earlier tensor");
    items_.push_back({std::move(name), std::move(key), tensor.type, detail::shape_text(tensor.shape), tensor.bytes});
  }

  /// Adds a text to the file's `__metadata__`; the last one of a key counts.
  void add_metadata(const std::string& key, const std::string& value) {
    json_string(key);
    json_string(value);
    metadata_[key] = value;
  }

  /// The whole file.
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> all;
    write([&](std::span<const std::span<const std::byte>> parts) {
      for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    });
    return all;
  }

  /// Writes the file; see `write_file`.
  void save(const std::string& path) const {
    write([&](std::span<const std::span<const std::byte>> parts) { write_file(path, parts); });
  }

 private:
  struct item {
    std::string name;
    std::string key;  ///< the name as a JSON string
    dtype type;
    std::string shape;  ///< in parentheses
    std::span<const std::byte> bytes;
  };

  static std::string json_string(const std::string& text) {
    try {
      return nlohmann::json(text).dump();
    } catch (const nlohmann::json::exception&) {
      throw data_error("safetensors", tessera::quoted(text), "the text is not UTF-8");
    }
  }

  template <class Sink>
  void write(Sink&& sink) const {
    std::vector<const item*> order;
    for (const item& i : items_) order.push_back(&i);
    std::sort(order.begin(), order.end(), [](const item* a, const item* b) {
      return std::pair(-size_of(a->type), std::string_view(a->name)) <
             std::pair(-size_of(b->type), std::string_view(b->name));
    });
    std::string header(8, '\0');  // the length, which is known at the end
    const char* separator = "{";
    if (!metadata_.empty()) {
      header += "{\"__metadata__\":" + nlohmann::json(metadata_).dump();
      separator = ",";
    }
    std::vector<std::span<const std::byte>> parts(1);
    uint64_t begin = 0;
    for (const item* i : order) {
      const uint64_t end = begin + i->bytes.size();
      header += separator + i->key + ":{\"dtype\":\"" + std::string(type_name(i->type)) + "\",\"shape\":[" +
                i->shape.substr(1, i->shape.size() - 2) + "],\"data_offsets\":[" + std::to_string(begin) + "," +
                std::to_string(end) + "]}";
      parts.push_back(i->bytes);
      begin = end;
      separator = ",";
    }
    header += header.size() == 8 ? "{}" : "}";
    header.append((8 - header.size() % 8) % 8, ' ');
    const uint64_t length = header.size() - 8;
    if (length > maximum_safetensors_header) throw data_error("safetensors", "", "the header would exceed 100 MB");
    for (std::size_t i = 0; i < 8; ++i) header[i] = static_cast<char>(length >> (8 * i) & 255);
    parts[0] = std::as_bytes(std::span(header));
    sink(parts);
  }

  static std::string_view type_name(dtype type) {
    return std::find_if(std::begin(detail::safetensors_types), std::end(detail::safetensors_types),
                        [&](const auto& entry) { return entry.second == type; })
        ->first;
  }

  std::vector<item> items_;
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace tessera
