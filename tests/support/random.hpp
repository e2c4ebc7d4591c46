// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Test data from one seed. TESSERA_TEST_SEED chooses it, failures print it.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/std.hpp"

namespace tessera::support {

/// The seed of this run.
inline std::uint64_t test_seed() {
  static const std::uint64_t seed = [] {
    const char* const text = std::getenv("TESSERA_TEST_SEED");
    return text == nullptr ? std::uint64_t{2021} : std::strtoull(text, nullptr, 0);
  }();
  return seed;
}

inline std::string seed_text() { return "TESSERA_TEST_SEED=" + std::to_string(test_seed()); }

/// How test data is made.
enum class fill {
  uniform,      ///< every bit random
  logarithmic,  ///< every magnitude equally likely, down to 0
  extremes,     ///< smallest and largest value, at random
  alternating,  ///< smallest, largest, smallest, ...
  lowest,
  highest,
  rising,  ///< slowly, from the smallest value on
  near_zero,
};
inline constexpr std::array all_fills{fill::uniform, fill::logarithmic, fill::extremes, fill::alternating,
                                      fill::lowest,  fill::highest,     fill::rising,   fill::near_zero};

inline const char* to_string(fill f) {
  constexpr const char* names[] = {"uniform", "logarithmic", "extremes", "alternating",
                                   "lowest",  "highest",     "rising",   "near zero"};
  return names[static_cast<int>(f)];
}

/// A generator of its own for each case: `id` and the seed of the run determine what it gives.
class random_values {
 public:
  explicit random_values(std::string_view id) {
    std::uint64_t hash = 14695981039346656037u;  // FNV-1a
    for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    engine_.seed(hash ^ test_seed());
  }

  std::uint64_t bits() { return engine_(); }
  /// 0 .. n - 1.
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n)); }
  std::int64_t between(std::int64_t low, std::int64_t high) { return low + below(high - low + 1); }
  double real(double low, double high) { return low + (high - low) * 0x1p-53 * static_cast<double>(engine_() >> 11); }
  bool one_in(std::int64_t n) { return below(n) == 0; }

  /// A signed integer of at most `bits` bits of magnitude (1..63), each number of bits equally likely.
  std::int64_t signed_bits(int bits) {
    const std::int64_t magnitude = static_cast<std::int64_t>(engine_() >> (64 - 1 - below(bits)));
    return one_in(2) ? -magnitude : magnitude;
  }

  template <class T>
  T value(fill f, index_t i) {
    using all = limits<T>;
    switch (f) {
      case fill::uniform: return static_cast<T>(bits());
      case fill::logarithmic: return static_cast<T>(signed_bits(all::bits - 1));
      case fill::extremes: return one_in(2) ? all::min : all::max;
      case fill::alternating: return i % 2 == 0 ? all::min : all::max;
      case fill::lowest: return all::min;
      case fill::highest: return all::max;
      case fill::rising:
        return static_cast<T>(static_cast<std::uint64_t>(all::min) + static_cast<std::uint64_t>(i / 3));
      case fill::near_zero: return static_cast<T>(below(5) - 2);
    }
    return T{};
  }

  template <class T>
  std::vector<T> values(index_t n, fill f = fill::uniform) {
    std::vector<T> v;
    for (index_t i = 0; i < n; ++i) v.push_back(value<T>(f, i));
    return v;
  }

 private:
  std::mt19937_64 engine_;
};

/// "i8", "u8", ...
template <class T>
std::string type_name() {
  return (limits<T>::is_signed ? "i" : "u") + std::to_string(limits<T>::bits);
}

}  // namespace tessera::support
