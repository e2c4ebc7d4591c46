// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Reads a whole text file with a limit on its size.

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "tessera/network/error.hpp"

namespace tessera {

/// Returns the bytes of `path`. Errors (data_error): no such file, a directory, not readable, more than `max_bytes`.
/// Reads in pieces and never asks for the size first, so a pipe or a file that grows cannot exceed the limit.
inline std::string read_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const std::string name = path.string();
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  if (kind == std::filesystem::file_type::not_found) throw data_error(name, "", "no such file");
  if (kind == std::filesystem::file_type::directory) throw data_error(name, "", "is a directory, not a file");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw data_error(name, "", "cannot be opened for reading");
  std::string bytes;
  constexpr std::size_t piece = std::size_t{1} << 16;
  while (in) {
    const std::size_t old = bytes.size();
    bytes.resize(old + piece);
    in.read(bytes.data() + old, static_cast<std::streamsize>(piece));
    bytes.resize(old + static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > max_bytes)
      throw data_error(name, "", "is larger than the limit of " + std::to_string(max_bytes) + " bytes");
  }
  if (in.bad()) throw data_error(name, "", "cannot be read");
  return bytes;
}

}  // namespace tessera
