// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Reader of NumPy's .npz archives. The writer is in `npz_writer.hpp`.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/network/error.hpp"
#include "tessera/network/mapped_file.hpp"
#include "tessera/network/npy.hpp"
#include "tessera/network/zip.hpp"

namespace tessera {

/// An archive of named arrays. Opening it reads the directory; an array is inflated and checked when it is asked for.
/// Everything throws `data_error` for a file that is damaged, or that claims more than it can hold.
class npz_file {
 public:
  /// Maps the file, which must not change while this object lives.
  static npz_file open(const std::string& path) {
    mapped_file file(path);
    const std::span<const std::byte> bytes = file.bytes();
    npz_file result(file.name(), bytes);
    result.mapping_ = std::move(file);
    return result;
  }

  /// Reads from memory of the caller's, which must outlive this object; `name` is for messages.
  static npz_file from_bytes(std::string name, std::span<const std::byte> bytes) { return {std::move(name), bytes}; }

  /// The path or name, for messages.
  const std::string& name() const { return name_; }

  /// Names of the arrays in the order of the file's directory, without ".npy".
  const std::vector<std::string>& names() const { return names_; }

  bool contains(std::string_view name) const { return index_.find(name) != index_.end(); }

  /// Reads the array `name`.
  npy_array array(std::string_view name) const {
    const auto found = index_.find(name);
    if (found == index_.end())
      throw data_error(name_, "tensor " + tessera::quoted(name), "there is no tensor of this name");
    const detail::zip_entry& entry = entries_[found->second];
    detail::zip_entry_stream stream(name_, "tensor " + tessera::quoted(name), entry);
    npy_array result = detail::read_npy_stream(name_, std::string(name), entry.size,
                                               [&](std::span<std::byte> to) { stream.read(to); });
    stream.finish();
    return result;
  }

  /// The array `name` as `T`, row-major; see `tensor_ref::to`.
  template <Arithmetic T>
  std::vector<T> to(std::string_view name) const {
    return array(name).to<T>();
  }

  /// The only element of the array `name`.
  template <Arithmetic T>
  T scalar(std::string_view name) const {
    return array(name).scalar<T>();
  }

 private:
  npz_file(std::string name, std::span<const std::byte> bytes)
      : name_(std::move(name)), entries_(detail::zip_directory_reader(name_, bytes).read()) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      std::string key = entries_[i].name;
      if (key.ends_with(".npy")) key.resize(key.size() - 4);
      if (!index_.emplace(key, i).second) {
        throw data_error(name_, "tensor " + tessera::quoted(key), "two entries of the archive have this name");
      }
      names_.push_back(std::move(key));
    }
  }

  std::string name_;
  mapped_file mapping_;
  std::vector<detail::zip_entry> entries_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace tessera
