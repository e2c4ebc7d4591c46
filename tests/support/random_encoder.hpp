// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// An I-BERT encoder layer with random weights and plausible scales, for tests and benchmarks.

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "tessera/op/encoder_layer.hpp"

namespace tessera::testing {

/// Owns what `encoder_layer_params` points to. Not copyable: the parameters point into it.
template <class Flow>
class random_encoder_layer {
 public:
  random_encoder_layer(index_t hidden, index_t heads, index_t intermediate, std::uint32_t seed)
      : shape{hidden, heads, intermediate}, random_(seed) {
    const index_t c = hidden;
    const index_t f = intermediate;
    constexpr double in = 0.03;  // scale of all 8-bit activations
    params.query = linear(0, c, c, in);
    params.query_act = channels(0, linear_scale_, 0.025, 8);
    params.key = linear(1, c, c, in);
    params.key_act = channels(1, linear_scale_, 0.03, 8);
    params.value = linear(2, c, c, in);
    params.value_act = channels(2, linear_scale_, 0.035, 8);

    const double score = 0.025 * 0.03 / std::sqrt(static_cast<double>(c / heads));
    params.attention_softmax.constants = ibert::to_softmax(score);
    const double peak = static_cast<double>(params.attention_softmax.constants.c) * 1073741824.0;
    exp_requant(params.attention_softmax.exp_requant, peak, score);
    context(params.context_act, 0.035 / 256, score);

    params.attention_output = linear(3, c, c, in);
    params.attention_residual_act = channels(3, linear_scale_, 1e-5, 32);
    params.attention_identity_act = scalar(in / 1e-5, 32);
    params.attention_norm_range = saturating{-(1 << 21), (1 << 21) - 1};
    params.attention_norm = norm(0, c);
    norm_policy(params.hidden_act, channels(4, norm_scale_, in, 8));

    params.intermediate = linear(4, f, c, in);
    params.activation = gelu(linear_scale_);
    norm_policy(params.activation_act, channels(5, gelu_scale_, in, 8));
    params.output = linear(5, c, f, in);
    params.output_residual_act = channels(6, linear_scale_, 1e-5, 32);
    params.output_identity_act = scalar(in / 1e-5, 32);
    params.output_norm_range = saturating{-(1 << 21), (1 << 21) - 1};
    params.output_norm = norm(1, c);
    output_act = channels(7, norm_scale_, in, 8);
  }
  random_encoder_layer(const random_encoder_layer&) = delete;
  random_encoder_layer& operator=(const random_encoder_layer&) = delete;

  /// rows * hidden random bytes.
  std::vector<std::int8_t> input(index_t rows) {
    std::vector<std::int8_t> x(static_cast<std::size_t>(rows * shape.hidden));
    for (auto& v : x) v = static_cast<std::int8_t>(byte_(random_));
    return x;
  }

  encoder_shape<> shape;
  ibert::encoder_layer_params<Flow> params{};
  ibert::dyadic_channels output_act{};

 private:
  ibert::linear_weights linear(int i, index_t outputs, index_t inputs, double in_scale) {
    auto& w = weights_[i];
    auto& b = biases_[i];
    w.resize(static_cast<std::size_t>(outputs * inputs));
    b.resize(static_cast<std::size_t>(outputs));
    for (auto& v : w) v = static_cast<std::int8_t>(std::clamp(byte_(random_), -127, 126));
    for (auto& v : b) v = 100 * byte_(random_);
    linear_scale_.resize(b.size());
    for (auto& s : linear_scale_) s = in_scale * (0.0002 + 0.0003 * unit_(random_));
    return {w.data(), b.data()};
  }

  static saturating range(int bits) { return {-(std::int64_t{1} << (bits - 1)), (std::int64_t{1} << (bits - 1)) - 1}; }

  ibert::dyadic scalar(double ratio, int bits) const {
    return {ibert::to_multiplier(ratio), range(bits).low, range(bits).high};
  }

  ibert::dyadic_channels channels(int i, const std::vector<double>& from, double to, int bits) {
    m_[i].clear();
    e_[i].clear();
    for (const double s : from) {
      const ibert::multiplier k = ibert::to_multiplier(s / to);
      m_[i].push_back(k.m);
      e_[i].push_back(k.e);
    }
    return {m_[i].data(), e_[i].data(), range(bits).low, range(bits).high};
  }

  ibert::layer_norm norm(int i, index_t c) {
    const double unit = std::sqrt(static_cast<double>(c)) / 1073741824.0;
    norm_bias_[i].clear();
    norm_scale_.clear();
    for (index_t k = 0; k < c; ++k) {
      const double gamma = (unit_(random_) < 0.1 ? -1 : 1) * (0.5 + unit_(random_));
      norm_bias_[i].push_back(static_cast<std::int64_t>(ibert::layer_norm_bias(unit_(random_) - 0.5, gamma, unit)));
      norm_scale_.push_back(unit * gamma);
    }
    return {norm_bias_[i].data(), 5};
  }

  ibert::gelu_channels gelu(const std::vector<double>& scales) {
    gelu_scale_.clear();
    for (auto* v : {&gelu_b_, &gelu_c_, &gelu_shift_}) v->clear();
    for (const double s : scales) {
      const ibert::gelu_scaled k = ibert::to_gelu(s);
      gelu_b_.push_back(k.constants.b);
      gelu_c_.push_back(k.constants.c);
      gelu_shift_.push_back(k.constants.shift);
      gelu_scale_.push_back(k.output_scale);
    }
    return {gelu_b_.data(), gelu_c_.data(), gelu_shift_.data()};
  }

  static void exp_requant(ibert::exp_multiplier& r, double peak, double) {
    r.scale = ibert::to_multiplier(30000 / peak);
  }
  static void exp_requant(ibert::exp_multiplier_of_quotient& r, double peak, double score) {
    r.exp_scale = 0.35815147 * score * score / 1073741824.0;
    r.scale = ibert::to_multiplier(r.exp_scale * 30000 / peak);
  }
  void context(ibert::dyadic& p, double scale, double) const { p = scalar(scale / 0.03, 8); }
  void context(then<ibert::rescale, ibert::dyadic>& p, double scale, double score) const {
    p = {{scale, score}, scalar(score / 0.03, 8)};
  }
  void norm_policy(ibert::dyadic_channels& p, const ibert::dyadic_channels& first) const { p = first; }
  void norm_policy(then<ibert::dyadic_channels, ibert::dyadic>& p, const ibert::dyadic_channels& first) const {
    p = {first, scalar(0.97, 8)};
  }

  std::mt19937 random_;
  std::uniform_int_distribution<int> byte_{-128, 127};
  std::uniform_real_distribution<double> unit_{0, 1};
  std::vector<std::int8_t> weights_[6];
  std::vector<std::int32_t> biases_[6];
  std::vector<std::int64_t> m_[8];
  std::vector<std::int32_t> e_[8];
  std::vector<std::int64_t> norm_bias_[2], gelu_b_, gelu_c_, gelu_shift_;
  std::vector<double> linear_scale_, norm_scale_, gelu_scale_;
};

}  // namespace tessera::testing
