// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// A whole file as read-only memory (POSIX).

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "tessera/network/error.hpp"

namespace tessera {

/// Maps a file for reading, so that only the pages that are used are loaded. Movable, not copyable; the bytes keep
/// their address when it moves. The file must not be shortened while it is mapped: the system would end the program
/// with SIGBUS.
class mapped_file {
 public:
  mapped_file() = default;

  /// Throws `data_error` for a missing, unreadable or irregular file. An empty file gives no bytes.
  explicit mapped_file(const std::string& path) : name_(path) {
    // O_NONBLOCK: opening a pipe without a writer would wait for ever.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) fail("cannot be opened", errno);
    struct closer {
      int descriptor;
      ~closer() { ::close(descriptor); }
    } const guard{descriptor};
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0) fail("cannot be examined", errno);
    if (S_ISDIR(facts.st_mode)) throw data_error(name_, "", "is a directory, not a file");
    if (!S_ISREG(facts.st_mode)) throw data_error(name_, "", "is not a regular file");
    if (static_cast<std::uintmax_t>(facts.st_size) > std::numeric_limits<std::ptrdiff_t>::max()) {
      throw data_error(name_, "", "is too large for this machine's addresses");
    }
    size_ = static_cast<std::size_t>(facts.st_size);
    if (size_ == 0) return;  // mmap refuses a length of zero
    void* const address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
      size_ = 0;
      fail("cannot be mapped into memory", errno);
    }
    data_ = static_cast<const std::byte*>(address);
  }

  mapped_file(mapped_file&& other) noexcept { *this = std::move(other); }

  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  ~mapped_file() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }

  /// The path as it was given, for messages.
  const std::string& name() const { return name_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  [[noreturn]] void fail(const char* what, int error) const {
    throw data_error(name_, "", std::string(what) + ": " + std::generic_category().message(error));
  }

  std::string name_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tessera
