// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Golden vectors of single I-BERT operators, computed by the authors' modules in double precision (`*_f64`). Constants
/// are computed from scales, ranges and weights, and compared as well. Include the kernels of the targets that you ask
/// for. Arrays that end in _f32 come from the same modules in single precision, where integers are inexact: they are
/// not compared.

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/network/golden.hpp"
#include "tessera/network/ibert_authors.hpp"
#include "tessera/op/embedding.hpp"
#include "tessera/op/map.hpp"
#include "tessera/op/matmul.hpp"
#include "tessera/op/row.hpp"

namespace tessera {
namespace detail {

/// What the readers of I-BERT vectors share: each refuses numbers with which a constant would leave its width.
class ibert_golden_input {
 public:
  explicit ibert_golden_input(golden_input& in) : in(in) {}

  /// Weights and the like: finite, and of a magnitude that no later step can overflow.
  golden_array<double> reals(const std::string& key, std::initializer_list<index_t> shape) {
    auto array = in.reals(key, shape);
    for (const double v : array.values) {
      if (!(std::abs(v) < 1e15)) in.fail(key, "it holds a value of 1e15 or more");
    }
    return array;
  }
  std::vector<double> scales(const std::string& key, std::initializer_list<index_t> shape) {
    auto array = in.reals(key, shape);
    for (const double v : array.values) {
      if (!(v > 1e-15 && v < 1e15)) in.fail(key, "it holds a value that is no usable scale: outside 1e-15..1e15");
    }
    return std::move(array.values);
  }
  /// (low, high) or more, of which these two count.
  std::pair<double, double> range(const std::string& key, index_t count) {
    const auto array = in.reals(key, {count});
    const double low = array.values[0];
    const double high = array.values[1];
    if (!(std::abs(low) < 1e25 && std::abs(high) < 1e25)) in.fail(key, "it holds a value of 1e25 or more");
    return {low, high};
  }
  int bits(const std::string& key) {
    const int value = in.integer<int32_t>(key);
    if (value < 2 || value > 32) in.fail(key, "it is " + std::to_string(value) + ", outside 2..32");
    return value;
  }
  int shift(const std::string& key) {
    const int value = in.integer<int32_t>(key);
    if (value < 0 || value > 31) in.fail(key, "it is " + std::to_string(value) + ", outside 0..31");
    return value;
  }
  /// GELU's input scales.
  void require_gelu(const std::string& key, const std::vector<double>& scales_of_gelu) {
    for (const double s : scales_of_gelu) {
      if (!(s > 2.4e-9 && s < 1e6)) in.fail(key, "it gives GELU a scale outside 2.4e-9..1e6");
    }
  }
  /// Softmax's input scale.
  void require_softmax(const std::string& key, double s) {
    if (!(s > 3e-8 && s < 0.6)) in.fail(key, "it gives softmax a scale outside 3e-8..0.6");
  }
  /// A normalisation of C channels: integer biases and output scales.
  quantized_norm norm(const std::string& weight_key, const std::string& bias_key, int shift_of_norm, index_t channels) {
    const auto gamma = reals(weight_key, {channels});
    const auto beta = reals(bias_key, {channels});
    quantized_norm q;
    q.shift = shift_of_norm;
    const double unit = ibert_authors::norm_unit(channels);
    for (std::size_t c = 0; c < gamma.values.size(); ++c) {
      const double bias = ibert::layer_norm_bias(beta.values[c], gamma.values[c], unit);
      if (!(std::abs(bias) < 1125899906842624.0)) {  // 2^50
        in.fail(bias_key, "channel " + std::to_string(c) + " divided by its weight passes 50 bits");
      }
      q.bias.push_back(static_cast<int64_t>(bias));
      q.out_scale.push_back(unit * gamma.values[c]);
    }
    return q;
  }

  golden_input& in;
};

/// Constants: computed by the same scalar code whatever the target, so compared once, as the reference's.
class constant_checks {
 public:
  constant_checks(golden_input& in, golden_report& report) : in_(in), report_(report) {}

  template <class Actual>
  void integers(const std::string& key, const std::vector<Actual>& actual) {
    compare(in_.optional_integers<int64_t>(key, {static_cast<index_t>(actual.size())}), actual);
  }
  /// A matrix, row-major.
  template <class Actual>
  void integers(const std::string& key, const std::vector<Actual>& actual, index_t rows) {
    compare(in_.optional_integers<int64_t>(key, {rows, static_cast<index_t>(actual.size()) / rows}), actual);
  }
  void reals(const std::string& key, const std::vector<double>& actual) {
    compare(in_.optional_reals(key, {static_cast<index_t>(actual.size())}), actual);
  }
  void real(const std::string& key, double actual) {
    if (!in_.contains(key)) return;
    compare(std::optional(golden_array<double>{key, {}, {in_.real(key)}}), std::vector<double>{actual});
  }

  /// One line for each target that has no constants of its own.
  template <Target T>
  void mention(golden_report& report) const {
    if (T::minimum_tier != 0 && compared_ > 0) {
      report.skip("constants", T::name, "scalar arithmetic: only the reference has it", compared_);
    }
  }

 private:
  template <class Expected, class Actual>
  void compare(const std::optional<golden_array<Expected>>& expected, const std::vector<Actual>& actual) {
    if (!expected) return;
    compared_ += expected->size();
    if (report_.runs("reference")) report_.compare(expected->key, "reference", *expected, status::ok, actual);
  }
  golden_input& in_;
  golden_report& report_;
  index_t compared_ = 0;
};

/// A file of numbered operator cases; everything is read and all constants are computed before a target runs.
struct ibert_ops_vectors {
  struct gelu_case {
    golden_array<int32_t> x;
    golden_array<int64_t> y;
    ibert::gelu_constants constants;
  };
  struct softmax_case {
    golden_array<int32_t> x;
    golden_array<int64_t> y;
    ibert::softmax<ibert::exp_multiplier_of_quotient> rule;
    std::optional<golden_array<int64_t>> exp16;
  };
  struct norm_case {
    golden_array<int32_t> x;
    golden_array<int64_t> y;
    quantized_norm constants;
  };
  struct activation_case {
    golden_array<int32_t> x;
    golden_array<int64_t> y;
    quantized_act act;
    saturating range;
    std::optional<golden_array<int32_t>> identity;
    ibert::multiplier identity_scale{};
  };
  struct linear_case {
    golden_array<int8_t> x;
    golden_array<int64_t> y;
    quantized_linear layer;
  };
  struct embedding_case {
    golden_array<int32_t> tokens;
    golden_array<int64_t> y;
    quantized_table table;
    index_t channels = 0;
  };
  std::vector<gelu_case> gelus;
  std::vector<softmax_case> softmaxes;
  std::vector<norm_case> norms;
  std::vector<activation_case> activations;
  std::vector<linear_case> linears;
  std::optional<embedding_case> embedding;

  ibert_ops_vectors(golden_input& in, constant_checks& constants) : in_(in), read_(in), constants_(constants) {
    in.ignore("seed");
    for (const auto& g : groups("gelu")) add_gelu(g);
    for (const auto& g : groups("soft")) add_softmax(g);
    for (const auto& g : groups("ln")) add_norm(g);
    for (const auto& g : groups("act")) add_activation(g);
    for (const auto& g : groups("lin")) add_linear(g);
    if (in.contains("emb_tokens")) add_embedding();
  }

 private:
  std::vector<std::string> groups(std::string_view stem) const { return numbered_groups(in_.keys(), stem, "_x"); }
  /// (A, B, N): the axes before the last are rows.
  template <class T>
  golden_array<T> rows(const std::string& key) {
    return in_.integers<T>(key, {any_extent, any_extent, any_extent});
  }
  golden_array<int64_t> output(const std::string& key, const std::vector<index_t>& x, index_t columns) {
    return in_.integers<int64_t>(key, {x[0], x[1], columns});
  }

  void add_gelu(const std::string& g) {
    const auto x = in_.integers<int32_t>(g + "_x", {any_extent});
    const double scale = in_.scale(g + "_scale");
    read_.require_gelu(g + "_scale", {scale});
    const ibert::gelu_scaled q = ibert::to_gelu(scale);
    constants_.integers(g + "_consts", std::vector{q.constants.b, q.constants.c, q.constants.shift});
    constants_.real(g + "_out_scale_f64", q.output_scale);
    if (in_.contains(g + "_y_f64")) gelus.push_back({x, in_.integers<int64_t>(g + "_y_f64", {x.size()}), q.constants});
  }

  void add_softmax(const std::string& g) {
    const auto x = rows<int32_t>(g + "_x");
    const double scale = in_.scale(g + "_scale");
    read_.require_softmax(g + "_scale", scale);
    const ibert::softmax_constants k = ibert::to_softmax(scale);
    const double exp_scale = ibert_authors::exp_scale(scale);
    constants_.integers(g + "_consts", std::vector{k.x0, k.b, k.c});
    constants_.real(g + "_exp_scale_f64", exp_scale);
    if (!in_.contains(g + "_act_minmax_f64")) return;
    const auto [low, high] = read_.range(g + "_act_minmax_f64", 3);
    const double act_scale = ibert_authors::activation_scale(low, high, 16);
    constants_.reals(g + "_act_minmax_f64", {low, high, act_scale});
    const auto m = ibert_authors::multiplier(exp_scale, act_scale);
    constants_.integers(g + "_m_e_f64", std::vector<int64_t>{m.m, m.e});
    if (!in_.contains(g + "_y_f64")) return;
    softmax_case c{x, output(g + "_y_f64", x.shape, x.extent(2)), {k, {m, exp_scale}}, {}};
    if (in_.contains(g + "_exp16")) c.exp16 = output(g + "_exp16", x.shape, x.extent(2));
    softmaxes.push_back(std::move(c));
  }

  void add_norm(const std::string& g) {
    const auto x = rows<int32_t>(g + "_x");
    if (!in_.contains(g + "_weight_f64")) return;
    const index_t channels = x.extent(2);
    const quantized_norm q = read_.norm(g + "_weight_f64", g + "_bias_f64", read_.shift(g + "_shift_f64"), channels);
    in_.ignore(g + "_scale_f64");  // the integers do not depend on it
    constants_.reals(g + "_out_scale_f64", q.out_scale);
    constants_.integers(g + "_bias_int_f64", q.bias);
    if (in_.contains(g + "_y_f64")) norms.push_back({x, output(g + "_y_f64", x.shape, channels), q});
  }

  void add_activation(const std::string& g) {
    const auto x = rows<int32_t>(g + "_x");
    if (!in_.contains(g + "_in_scale_f64")) return;
    const index_t channels = x.extent(2);
    const int bits = read_.bits(g + "_bits");
    const auto [low, high] = read_.range(g + "_minmax_f64", 2);
    const double scale = ibert_authors::activation_scale(low, high, bits);
    const auto in_scale = read_.scales(g + "_in_scale_f64", {channels});
    const quantized_act act = ibert_authors::activation(in_scale, scale);
    constants_.reals(g + "_out_scale_f64", {scale});
    constants_.integers(g + "_m_f64", act.m);
    constants_.integers(g + "_e_f64", act.e);
    activation_case c{x, {}, act, ibert_authors::activation_range(bits), {}, {}};
    if (in_.contains(g + "_id")) {
      c.identity = in_.integers<int32_t>(g + "_id", {x.extent(0), x.extent(1), channels});
      c.identity_scale = ibert_authors::multiplier(in_.scale(g + "_id_scale"), scale);
      constants_.integers(g + "_id_m_e_f64", std::vector<int64_t>{c.identity_scale.m, c.identity_scale.e});
    }
    if (!in_.contains(g + "_y_f64")) return;
    c.y = output(g + "_y_f64", x.shape, channels);
    activations.push_back(std::move(c));
  }

  void add_linear(const std::string& g) {
    const auto x = rows<int8_t>(g + "_x");
    const auto weight = read_.reals(g + "_weight_f32", {any_extent, x.extent(2)});
    const index_t outputs = weight.extent(0);
    const auto bias = read_.reals(g + "_bias_f32", {outputs});
    const quantized_linear q = ibert_authors::linear(weight.values, bias.values, in_.scale(g + "_in_scale"));
    constants_.integers(g + "_w_int_f64", q.weight, outputs);
    constants_.integers(g + "_b_int_f64", q.bias);
    constants_.reals(g + "_w_scale_f64", q.weight_scale);
    constants_.reals(g + "_out_scale_f64", q.out_scale);
    if (in_.contains(g + "_y_f64")) linears.push_back({x, output(g + "_y_f64", x.shape, outputs), q});
  }

  void add_embedding() {
    const auto weight = read_.reals("emb_weight_f32", {any_extent, any_extent});
    const auto tokens = in_.integers<int32_t>("emb_tokens", {any_extent, any_extent});
    const index_t channels = weight.extent(1);
    const quantized_table q = ibert_authors::table(weight.values, weight.extent(0));
    constants_.reals("emb_scale_f64", {q.scale});
    if (!in_.contains("emb_int_f64")) return;
    auto y = in_.integers<int64_t>("emb_int_f64", {tokens.extent(0), tokens.extent(1), channels});
    embedding = embedding_case{tokens, std::move(y), q, channels};
  }

  golden_input& in_;
  ibert_golden_input read_;
  constant_checks& constants_;
};

template <Target T>
void check_ibert_ops(const ibert_ops_vectors& v, golden_report& report) {
  const auto size_of_output = [](const auto& c) { return c.y.values.size(); };
  for (const auto& c : v.gelus) {
    std::vector<int64_t> y(size_of_output(c));
    int64_t peak = 0;
    for (const int32_t x : c.x.values) peak = max(peak, x < 0 ? -int64_t{x} : int64_t{x});
    status result = ibert::gelu_fits(c.constants, peak) ? status::ok : status::bad_parameter;
    if (result == status::ok) {
      result =
          op::gelu<T>(matrix(c.x.data(), 1, c.x.size()), ibert::gelu{c.constants}, matrix(y.data(), 1, c.x.size()));
    }
    report.compare(c.y.key, T::name, c.y, result, y);
  }
  for (const auto& c : v.softmaxes) {
    const index_t n = c.x.extent(2);
    const index_t m = c.x.size() / n;
    std::vector<int32_t> y(size_of_output(c));
    const status result = op::softmax<T>(matrix(c.x.data(), m, n), c.rule, matrix(y.data(), m, n));
    report.compare(c.y.key, T::name, c.y, result, y);
    if (!c.exp16) continue;
    if (T::minimum_tier == 0) {
      std::vector<int64_t> exponentials;
      for (index_t i = 0; i < c.x.size() && result == status::ok; ++i) {
        const int32_t* const row = c.x.data() + i / n * n;
        exponentials.push_back(c.rule.exp16(row, i % n, c.rule.row_max(row, n)));
      }
      report.compare(c.exp16->key, T::name, *c.exp16, result, exponentials);
    } else {
      report.skip(c.exp16->key, T::name, "inside the operator: only the reference shows it", c.exp16->size());
    }
  }
  for (const auto& c : v.norms) {
    const index_t n = c.x.extent(2);
    const index_t m = c.x.size() / n;
    std::vector<int64_t> y(size_of_output(c));
    const status result = op::layer_norm<T>(matrix(c.x.data(), m, n), c.constants.view(), matrix(y.data(), m, n));
    report.compare(c.y.key, T::name, c.y, result, y);
  }
  for (const auto& c : v.activations) {
    const index_t n = c.x.extent(2);
    const index_t m = c.x.size() / n;
    std::vector<int32_t> y(size_of_output(c));
    const auto x = matrix(c.x.data(), m, n);
    const auto to = matrix(y.data(), m, n);
    const status result =
        c.identity
            ? op::add<T>(x, c.act.channels(keep_accumulator), matrix(c.identity->data(), m, n),
                         ibert::dyadic{c.identity_scale, keep_accumulator.low, keep_accumulator.high}, c.range, to)
            : op::requantize<T>(x, c.act.channels(c.range), to);
    report.compare(c.y.key, T::name, c.y, result, y);
  }
  for (const auto& c : v.linears) {
    const index_t k = c.x.extent(2);
    const index_t m = c.x.size() / k;
    const index_t n = c.y.extent(2);
    std::vector<int32_t> y(size_of_output(c));
    const status result = op::linear<T>(matrix(c.x.data(), m, k), matrix(c.layer.weight.data(), n, k),
                                        vector(c.layer.bias.data(), n), keep_accumulator, matrix(y.data(), m, n));
    report.compare(c.y.key, T::name, c.y, result, y);
  }
  if (v.embedding) {
    const auto& c = *v.embedding;
    std::vector<int8_t> y(size_of_output(c));
    const status result = op::embedding<T>(vector(c.tokens.data(), c.tokens.size()),
                                           matrix(c.table.integers.data(), c.table.rows, c.channels),
                                           matrix(y.data(), c.tokens.size(), c.channels));
    report.compare(c.y.key, T::name, c.y, result, y);
  }
}

}  // namespace detail

/// Runs a file of ibert_ops on those of the targets `T...` that the report asks for.
template <Target... T>
void check_golden_ibert(golden_input& in, golden_report& report, type_list<T...>) {
  detail::constant_checks constants(in, report);
  const detail::ibert_ops_vectors v(in, constants);
  const auto run = [&]<Target U>() {
    if (!report.runs(U::name)) return;
    constants.mention<U>(report);
    detail::check_ibert_ops<U>(v, report);
  };
  (run.template operator()<T>(), ...);
  index_t single = 0;
  for (const auto& key : in.unused()) {
    if (!key.ends_with("_f32")) continue;
    ++single;
    in.ignore(key);
  }
  if (single > 0) {
    report.skip("*_f32", "", "tolerance only: " + std::to_string(single) + " arrays of a run in single precision");
  }
  report_unused(in, report);
}

}  // namespace tessera
