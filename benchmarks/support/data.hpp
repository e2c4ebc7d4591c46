// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Seeded random data in aligned buffers.

#include <cstdint>
#include <new>
#include <random>
#include <vector>

#include "tessera/arith/rounding.hpp"

namespace tessera::bench {

/// Buffers start at a cache line, so that a result does not depend on where memory came from.
template <class T>
struct cache_line_allocator {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};
  cache_line_allocator() = default;
  template <class U>
  cache_line_allocator(const cache_line_allocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), alignment)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, alignment); }
  friend bool operator==(cache_line_allocator, cache_line_allocator) { return true; }
};
template <class T>
using buffer = std::vector<T, cache_line_allocator<T>>;

/// The same data in every run: each case starts its own generator from this seed.
inline constexpr std::uint64_t seed = 2021;

class random_data {
 public:
  /// n integers, each value of [low, high] equally likely.
  template <Integer T>
  buffer<T> uniform(index_t n, std::int64_t low = limits<T>::min, std::int64_t high = limits<T>::max) {
    std::uniform_int_distribution<std::int64_t> distribution(low, high);
    buffer<T> values(static_cast<std::size_t>(n));
    for (T& v : values) v = static_cast<T>(distribution(engine_));
    return values;
  }

  /// n integers around 0 with this standard deviation, limited to T.
  template <Integer T>
  buffer<T> normal(index_t n, double deviation) {
    std::normal_distribution<double> distribution(0.0, deviation);
    buffer<T> values(static_cast<std::size_t>(n));
    for (T& v : values) v = saturate<T>(static_cast<std::int64_t>(distribution(engine_)));
    return values;
  }

  /// One real number in [low, high).
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine_); }

 private:
  std::mt19937_64 engine_{seed};
};

}  // namespace tessera::bench
