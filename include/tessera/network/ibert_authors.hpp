// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// From real numbers to the integers of one layer as I-BERT's authors compute them (their fork of fairseq, run in
/// double precision). It differs from Hugging Face's program, which ibert_loader.hpp follows, in roundings of scales
/// only: the divisor of a requantisation is rounded to single precision, and so is sqrt(C) in layer normalisation;
/// scores multiply sqrt(1/d) to the scale of the queries first.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tessera/arith/ibert.hpp"
#include "tessera/network/ibert_network.hpp"

namespace tessera::ibert_authors {

/// The smallest range that a scale is made from.
inline constexpr double least_peak = 1e-8;

/// Scale of a `bits`-bit activation of calibrated range [low, high].
inline double activation_scale(double low, double high, int bits) {
  return ibert::activation_scale(std::min(low, -least_peak), std::max(high, least_peak), bits);
}

/// Output range of an activation: 4, 8 and 16 bits saturate, the others keep the accumulator's 32.
inline saturating activation_range(int bits) {
  if (bits != 4 && bits != 8 && bits != 16) return keep_accumulator;
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  return {-half, half - 1};
}

/// m and e of in / float32(out).
inline ibert::multiplier multiplier(double in, double out) {
  return ibert::to_multiplier(in / static_cast<double>(static_cast<float>(out)));
}

/// From channels of scales `in` to one scale.
inline quantized_act activation(const std::vector<double>& in, double out) {
  quantized_act q{out, {}, {}};
  for (const double s : in) {
    const auto [m, e] = multiplier(s, out);
    q.m.push_back(m);
    q.e.push_back(e);
  }
  return q;
}

/// weight: (N, K), bias: (N), x of scale `in`.
inline quantized_linear linear(const std::vector<double>& weight, const std::vector<double>& bias, double in) {
  quantized_linear q;
  const std::size_t inputs = weight.size() / bias.size();
  for (std::size_t n = 0; n < bias.size(); ++n) {
    const double* const row = weight.data() + n * inputs;
    double peak = least_peak;
    for (std::size_t k = 0; k < inputs; ++k) peak = std::max(peak, std::abs(row[k]));
    const double scale = ibert::weight_scale(peak);
    for (std::size_t k = 0; k < inputs; ++k) q.weight.push_back(ibert::quantize_weight(row[k], scale));
    q.weight_scale.push_back(scale);
    q.out_scale.push_back(scale * in);
    q.bias.push_back(ibert::quantize_bias(bias[n], scale * in));
  }
  return q;
}

/// A table with one scale.
inline quantized_table table(const std::vector<double>& values, index_t rows) {
  quantized_table q;
  double peak = least_peak;
  for (const double v : values) peak = std::max(peak, std::abs(v));
  q.rows = rows;
  q.scale = ibert::weight_scale(peak);
  for (const double v : values) q.integers.push_back(ibert::quantize_weight(v, q.scale));
  return q;
}

/// Scale of the scores of heads d channels wide.
inline double score_scale(double query, double key, index_t d) {
  return query * std::pow(static_cast<double>(d), -0.5) * key;
}

/// Scale of softmax's integer exponential.
inline double exp_scale(double score) { return 0.35815147 * (score * score) / 1073741824.0; }

/// sqrt(C) / 2^30: the scale of a normalised channel of weight 1.
inline double norm_unit(index_t channels) {
  return static_cast<double>(static_cast<float>(std::sqrt(static_cast<double>(channels)))) / 1073741824.0;
}

inline quantized_gelu gelu(const std::vector<double>& scales) {
  quantized_gelu q;
  for (const double s : scales) {
    const ibert::gelu_scaled g = ibert::to_gelu(s);
    q.b.push_back(g.constants.b);
    q.c.push_back(g.constants.c);
    q.shift.push_back(g.constants.shift);
    q.out_scale.push_back(g.output_scale);
  }
  return q;
}

}  // namespace tessera::ibert_authors
