// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Owning array of fixed length: all the memory that the model allocates, and it does so before it runs.

#include "tessera/std.hpp"

namespace tessera::sim {

/// `size` zero-initialised elements. Moves, does not copy.
template <class T>
class buffer {
 public:
  buffer() = default;
  explicit buffer(size_t size) : data_(size == 0 ? nullptr : new T[size]()), size_(size) {}
  buffer(buffer&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  buffer& operator=(buffer&& other) noexcept {
    T* const data = data_;
    const size_t size = size_;
    data_ = other.data_;
    size_ = other.size_;
    other.data_ = data;
    other.size_ = size;
    return *this;
  }
  ~buffer() { delete[] data_; }

  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

/// A queue of at most Capacity elements, in place.
template <class T, uint32_t Capacity>
class ring {
 public:
  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == Capacity; }
  uint32_t size() const { return count_; }
  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }
  void push(const T& item) { items_[(first_ + count_++) % Capacity] = item; }
  void pop() {
    first_ = (first_ + 1) % Capacity;
    --count_;
  }
  void clear() { first_ = count_ = 0; }

 private:
  T items_[Capacity] = {};
  uint32_t first_ = 0;
  uint32_t count_ = 0;
};

}  // namespace tessera::sim
