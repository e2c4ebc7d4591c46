// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Parameters of the `ita` and `quantlib` dialects from real ratios, as their exporters choose them: multipliers use
/// most of their bits.

#include "support/data.hpp"
#include "tessera/arith/ita.hpp"
#include "tessera/arith/quantlib.hpp"

namespace tessera::bench {

/// mult / 2^shift close to `ratio` < 1, mult of 8 bits.
inline ita::requant ita_requant(double ratio, std::int8_t add = 0) {
  int shift = 0;
  while (shift < 40 && scale_binary(ratio, shift + 1) < 255.0) ++shift;
  return {static_cast<std::uint8_t>(scale_binary(ratio, shift)), static_cast<std::uint8_t>(shift), add};
}

/// mul / 2^log2_d close to `ratio` < 1, mul of 16 bits.
inline quantlib::requant_shift quantlib_requant(double ratio, std::int32_t add = 0) {
  int log2_d = 0;
  while (log2_d < 40 && scale_binary(ratio, log2_d + 1) < 65535.0) ++log2_d;
  return {static_cast<std::int32_t>(scale_binary(ratio, log2_d)), add, log2_d};
}

/// One multiplier per channel, within 30 % of `ratio`.
struct quantlib_channels {
  buffer<std::int32_t> mul, add;
  std::int32_t log2_d;

  quantlib_channels(random_data& random, index_t channels, double ratio) {
    const quantlib::requant_shift middle = quantlib_requant(ratio);
    log2_d = middle.log2_d;
    for (index_t c = 0; c < channels; ++c) {
      mul.push_back(static_cast<std::int32_t>(middle.mul * random.real(0.7, 1.3)));
      add.push_back(static_cast<std::int32_t>(scale_binary(random.real(-4.0, 4.0), log2_d)));
    }
  }
  quantlib::requant_shift_channels view() const { return {mul.data(), add.data(), log2_d}; }
};

/// Standard deviation of accumulators of K products of activations (deviation 127 / 4) and uniform weights.
inline double accumulator_deviation(index_t k) { return 127.0 / 4 * 73.0 * square_root(static_cast<double>(k)); }

}  // namespace tessera::bench
