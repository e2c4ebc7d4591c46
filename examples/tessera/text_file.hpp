// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

/// A large text file, written piece by piece; "-" is standard error.
class text_file {
 public:
  explicit text_file(const std::filesystem::path& path)
      : path_(path.string()), file_(path_ == "-" ? stderr : std::fopen(path_.c_str(), "w")) {
    if (file_ == nullptr) throw std::runtime_error(path_ + ": cannot be created");
  }
  text_file(const text_file&) = delete;
  text_file& operator=(const text_file&) = delete;
  ~text_file() {
    if (file_ != nullptr && file_ != stderr) std::fclose(file_);
  }

  template <class... T>
  void print(fmt::format_string<T...> format, T&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<T>(arguments)...);
    if (text_.size() >= piece) write();
  }
  /// Writes what is left. Throws if anything could not be written.
  void close() {
    write();
    failed_ |= std::fflush(file_) != 0;
    if (file_ != stderr) failed_ |= std::fclose(file_) != 0;
    file_ = nullptr;
    if (failed_) throw std::runtime_error(path_ + ": cannot be written");
  }

 private:
  static constexpr std::size_t piece = 1 << 16;
  void write() {
    if (std::fwrite(text_.data(), 1, text_.size(), file_) != text_.size()) failed_ = true;
    text_.clear();
  }
  std::string path_;
  std::FILE* file_;
  fmt::memory_buffer text_;
  bool failed_ = false;
};
