// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Reads a whole text file with a limit on its size (POSIX).

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>

#include "tessera/network/error.hpp"

namespace tessera {

/// Returns the bytes of `path`. Errors (data_error): no such file, a directory, not readable, more than `max_bytes`.
/// Reads in pieces and never asks for the size first, so a pipe or a file that grows cannot exceed the limit.
inline std::string read_text_file(const std::string& path, std::size_t max_bytes) {
  const auto fail = [&](const char* what, int error) {
    throw data_error(path, "", std::string(what) + ": " + std::generic_category().message(error));
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) throw data_error(path, "", "no such file");
    fail("cannot be opened", errno);
  }
  struct closer {
    int descriptor;
    ~closer() { ::close(descriptor); }
  } const guard{descriptor};
  struct stat facts {};
  if (::fstat(descriptor, &facts) == 0 && S_ISDIR(facts.st_mode)) {
    throw data_error(path, "", "is a directory, not a file");
  }
  std::string bytes;
  constexpr std::size_t piece = std::size_t{1} << 16;
  for (;;) {
    const std::size_t old = bytes.size();
    bytes.resize(old + piece);
    const ::ssize_t got = ::read(descriptor, bytes.data() + old, piece);
    bytes.resize(old + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot be read", errno);
    if (got == 0) return bytes;
    if (bytes.size() > max_bytes)
      throw data_error(path, "", "is larger than the limit of " + std::to_string(max_bytes) + " bytes");
  }
}

}  // namespace tessera
