// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Writes a file whole or not at all (POSIX).

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <system_error>

#include "tessera/network/error.hpp"

namespace tessera {

/// Writes `parts` one after the other to `path`, by way of a temporary file next to it: whoever reads `path` sees the
/// old file or the new one, never half of it. Throws `data_error`, and then leaves what was there.
inline void write_file(const std::string& path, std::span<const std::span<const std::byte>> parts) {
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".partial";
  const auto fail = [&](const char* what) {
    const int error = errno;
    ::unlink(temporary.c_str());
    throw data_error(path, "", std::string(what) + ": " + std::generic_category().message(error));
  };
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) fail("cannot be created");
  for (std::span<const std::byte> part : parts) {
    while (!part.empty()) {
      const std::size_t most = std::size_t{1} << 30;
      const ::ssize_t written = ::write(descriptor, part.data(), part.size() < most ? part.size() : most);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        const int error = written < 0 ? errno : EIO;
        ::close(descriptor);
        errno = error;
        fail("cannot be written");
      }
      part = part.subspan(static_cast<std::size_t>(written));
    }
  }
  if (::close(descriptor) != 0) fail("cannot be written");
  if (std::rename(temporary.c_str(), path.c_str()) != 0) fail("cannot be replaced");
}

}  // namespace tessera
