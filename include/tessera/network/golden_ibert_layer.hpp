// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Golden vectors of a whole I-BERT encoder layer, recorded in the authors' program: every constant is computed from
/// weights and calibrated ranges, every stored tensor is compared with what `op::encoder_layer` computes from the
/// layer's input. Include the kernels of the targets that you ask for.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/network/golden_ibert.hpp"
#include "tessera/op/encoder_layer.hpp"

namespace tessera {
namespace detail {

/// One layer's file. Tensors are T x B x C in the file; operators take rows batch by batch.
struct ibert_layer_vectors {
  index_t c = 0, h = 0, f = 0, t = 0, b = 0;
  golden_array<int32_t> x;
  std::vector<uint8_t> keep;     ///< (B, T); empty keeps all
  bool corrected = false;        ///< the context has its true scale
  bool single = false;           ///< the program ran in single precision: nothing is exact
  index_t single_constants = 0;  ///< arrays that are not compared for that reason

  double input_scale = 0, score_scale = 0, exp_scale = 0, context_scale = 0;
  quantized_act input_act, query_act, key_act, value_act, exp_act, context_act;
  quantized_residual_act attention_sum, output_sum;
  quantized_linear query, key, value, attention_output, intermediate, output;
  quantized_norm attention_norm, output_norm;
  quantized_act hidden_act, activation_act;
  quantized_gelu gelu;
  ibert::softmax_constants softmax{};
  std::map<std::string, saturating> ranges;

  std::map<std::string, golden_array<int64_t>> stored;  ///< by module, without __int

  ibert_layer_vectors(golden_input& in, golden_report& report) : in_(in), read_(in), constants(in, report) {
    read_shape();
    single = is_single_precision();
    read_constants();
    read_stages();
    for (const char* key : {"seed", "fixed_attn_scale"}) in.ignore(key);
  }

  /// Every constant that is stored; nothing of a run in single precision.
  constant_checks& checks() { return constants; }

  index_t rows() const { return t * b; }
  encoder_shape<> shape() const { return {c, h, f}; }

  template <class Flow>
  ibert::encoder_layer_params<Flow> params() const {
    const multiplier_pair exponential{exp_act.m.front(), exp_act.e.front()};
    ibert::encoder_layer_params<Flow> p{.query = query.view(),
                                        .key = key.view(),
                                        .value = value.view(),
                                        .attention_output = attention_output.view(),
                                        .intermediate = intermediate.view(),
                                        .output = output.view(),
                                        .query_act = query_act.channels(range("self_attn_q_proj_act")),
                                        .key_act = key_act.channels(range("self_attn_k_proj_act")),
                                        .value_act = value_act.channels(range("self_attn_v_proj_act")),
                                        .attention_softmax = {softmax, {exponential, exp_scale}},
                                        .context_act = context_policy<typename Flow::context_policy>(),
                                        .attention_residual_act = attention_sum.main.channels(ibert_branch),
                                        .attention_identity_act = attention_sum.identity.scalar(ibert_branch),
                                        .attention_norm_range = range("pre_self_attn_layer_norm_act"),
                                        .attention_norm = attention_norm.view(),
                                        .hidden_act = hidden_act.channels(range("fc1_act")),
                                        .activation = gelu.view(),
                                        .activation_act = activation_act.channels(range("fc2_act")),
                                        .output_residual_act = output_sum.main.channels(ibert_branch),
                                        .output_identity_act = output_sum.identity.scalar(ibert_branch),
                                        .output_norm_range = range("pre_final_layer_norm_act"),
                                        .output_norm = output_norm.view()};
    return p;
  }

  saturating range(const std::string& module) const { return ranges.at(module); }

  /// T x B x C from rows batch by batch, and back.
  template <class Out, class In>
  std::vector<Out> to_time_major(const std::vector<In>& rows_by_batch) const {
    return swap_axes<Out>(rows_by_batch, b, t);
  }
  template <class Out, class In>
  std::vector<Out> to_batch_major(const std::vector<In>& rows_by_time) const {
    return swap_axes<Out>(rows_by_time, t, b);
  }

 private:
  using multiplier_pair = ibert::multiplier;

  template <class Out, class In>
  static std::vector<Out> swap_axes(const std::vector<In>& values, index_t outer, index_t inner) {
    const index_t n = static_cast<index_t>(values.size()) / (outer * inner);
    std::vector<Out> result;
    result.reserve(values.size());
    for (index_t j = 0; j < inner; ++j) {
      for (index_t i = 0; i < outer; ++i) {
        const In* const row = values.data() + (i * inner + j) * n;
        for (index_t k = 0; k < n; ++k) result.push_back(static_cast<Out>(row[k]));
      }
    }
    return result;
  }

  template <class Policy>
  Policy context_policy() const {
    const ibert::dyadic act = context_act.scalar(range("self_attn_attn_act"));
    if constexpr (same_as<Policy, ibert::dyadic>) {
      return act;
    } else {
      return {{value_act.scale * 0.00390625, score_scale}, act};
    }
  }

  void read_shape() {
    const auto cfg = in_.integers<int32_t>("cfg_C_H_F_T_B", {5});
    const auto extent = [&](std::size_t i, const char* what, index_t most) {
      const index_t value = cfg.values[i];
      if (value < 1 || value > most) {
        in_.fail("cfg_C_H_F_T_B",
                 std::string(what) + " is " + std::to_string(value) + ", outside 1.." + std::to_string(most));
      }
      return value;
    };
    c = extent(0, "C", 16384);
    h = extent(1, "H", 1024);
    f = extent(2, "F", 65536);
    t = extent(3, "T", 4096);
    b = extent(4, "B", 65536);
    if (c % h != 0) in_.fail("cfg_C_H_F_T_B", "C is no multiple of H");
    in_.volume("the hidden layer", {t, b, max(c, f)});
    in_.volume("the scores", {b, h, t, t});
    x = in_.integers<int32_t>("x_int", {t, b, c});
    corrected = in_.integer<int32_t>("fixed_attn_scale") != 0;
    if (in_.contains("padding_mask")) {
      const auto mask = in_.integers<uint8_t>("padding_mask", {b, t});
      for (const uint8_t padded : mask.values) keep.push_back(padded == 0 ? 1 : 0);
    }
  }

  /// In single precision every scale is a float; one of hundreds of doubles that is not tells the runs apart.
  bool is_single_precision() {
    bool any = false;
    for (const auto& name : in_.keys()) {
      if (!name.ends_with("__w_scale") && !name.ends_with("__scale")) continue;
      const auto values = in_.reals(name, {any_extent});
      in_.forget(name);
      for (const double v : values.values) {
        if (!(std::abs(v) < 1e25)) in_.fail(name, "it holds a value of 1e25 or more");
        if (static_cast<double>(static_cast<float>(v)) != v) return false;
      }
      any = any || values.size() > 8;
    }
    return any;
  }

  /// Scale of an activation from its calibrated range.
  double act_scale(const std::string& module) {
    const int bits = read_.bits(module + "__bits");
    const auto [low, high] = read_.range(module + "__minmax", 2);
    const double scale = ibert_authors::activation_scale(low, high, bits);
    ranges[module] = ibert_authors::activation_range(bits);
    real(module + "__scale", {scale});
    return scale;
  }
  quantized_act act(const std::string& module, const std::vector<double>& in_scales, double scale,
                    const std::string& prefix = "") {
    quantized_act q = ibert_authors::activation(in_scales, scale);
    integer(module + "__" + prefix + "m", q.m);
    integer(module + "__" + prefix + "e", q.e);
    return q;
  }
  quantized_act act(const std::string& module, const std::vector<double>& in_scales) {
    return act(module, in_scales, act_scale(module));
  }
  quantized_residual_act residual(const std::string& module, const std::vector<double>& in_scales, double identity) {
    const double scale = act_scale(module);
    return {act(module, in_scales, scale), act(module, {identity}, scale, "id_")};
  }
  quantized_linear linear(const std::string& module, index_t outputs, index_t inputs, double in_scale) {
    const auto weight = read_.reals(module + "__w_float", {outputs, inputs});
    const auto bias = read_.reals(module + "__b_float", {outputs});
    quantized_linear q = ibert_authors::linear(weight.values, bias.values, in_scale);
    if (!single) {
      constants.integers(module + "__w_int", q.weight, outputs);
      constants.integers(module + "__b_int", q.bias);
    }
    real(module + "__w_scale", q.weight_scale);
    real(module + "__scale", q.out_scale);
    return q;
  }
  quantized_norm norm(const std::string& module) {
    const quantized_norm q = read_.norm(module + "__weight", module + "__bias", read_.shift(module + "__shift"), c);
    real(module + "__scale", q.out_scale);
    return q;
  }
  void real(const std::string& name, const std::vector<double>& values) {
    if (!single) constants.reals(name, values);
  }
  template <class T>
  void integer(const std::string& name, const std::vector<T>& values) {
    if (!single) constants.integers(name, values);
  }

  void read_constants() {
    const std::string self = "self_attn_";
    const auto x_scale = read_.scales("x_scale", {1});
    input_act = act("input_act", x_scale);
    const double a = input_act.scale;
    query = linear(self + "q_proj", c, c, a);
    key = linear(self + "k_proj", c, c, a);
    value = linear(self + "v_proj", c, c, a);
    query_act = act(self + "q_proj_act", query.out_scale);
    key_act = act(self + "k_proj_act", key.out_scale);
    value_act = act(self + "v_proj_act", value.out_scale);

    score_scale = ibert_authors::score_scale(query_act.scale, key_act.scale, c / h);
    read_.require_softmax("self_attn_q_proj_act__minmax", score_scale);
    softmax = ibert::to_softmax(score_scale);
    exp_scale = ibert_authors::exp_scale(score_scale);
    real("attn_score_scale", {score_scale});
    real("softmax_exp_scale", {exp_scale});
    exp_act = act(self + "softmax_act", {exp_scale});
    real(self + "softmax__scale", {0.00390625});

    const double true_scale = value_act.scale * 0.00390625;
    if (!(true_scale / score_scale < 1e9)) {
      in_.fail("self_attn_v_proj_act__minmax", "its scale is too large for that of the scores");
    }
    context_scale = corrected ? true_scale : score_scale;
    real("attn_act_in_scale", {context_scale});
    context_act = act(self + "attn_act", {context_scale});

    attention_output = linear(self + "out_proj", c, c, context_act.scale);
    attention_sum = residual("pre_self_attn_layer_norm_act", attention_output.out_scale, a);
    attention_norm = norm("self_attn_layer_norm");
    hidden_act = act("fc1_act", attention_norm.out_scale);
    intermediate = linear("fc1", f, c, hidden_act.scale);
    read_.require_gelu("fc1_act__minmax", intermediate.out_scale);
    gelu = ibert_authors::gelu(intermediate.out_scale);
    real("activation_fn_approx__scale", gelu.out_scale);
    activation_act = act("fc2_act", gelu.out_scale);
    output = linear("fc2", c, f, activation_act.scale);
    output_sum = residual("pre_final_layer_norm_act", output.out_scale, hidden_act.scale);
    output_norm = norm("final_layer_norm");
    check_gelu();
  }

  /// GELU's product must stay exact for every accumulator that these weights can give.
  void check_gelu() const {
    for (index_t n = 0; n < f; ++n) {
      const auto i = static_cast<std::size_t>(n);
      int64_t peak = std::abs(static_cast<int64_t>(intermediate.bias[i]));
      for (index_t k = 0; k < c; ++k) {
        peak += 128 * std::abs(static_cast<int>(intermediate.weight[static_cast<std::size_t>(n * c + k)]));
      }
      if (!ibert::gelu_fits({gelu.b[i], gelu.c[i], gelu.shift[i]}, min<int64_t>(peak, limits<int32_t>::max) + 1)) {
        in_.fail("fc1__w_float", "output channel " + std::to_string(n) + ": GELU could pass 62 bits");
      }
    }
  }

  void read_stages() {
    const auto stage = [&](const std::string& module, index_t d0, index_t d1, index_t d2) {
      if (auto array = in_.optional_integers<int64_t>(module + "__int", {d0, d1, d2})) {
        stored[module] = std::move(*array);
      }
    };
    for (const char* module :
         {"input_act", "self_attn_q_proj", "self_attn_k_proj", "self_attn_v_proj", "self_attn_q_proj_act",
          "self_attn_k_proj_act", "self_attn_v_proj_act", "self_attn_attn_act", "self_attn_out_proj",
          "pre_self_attn_layer_norm_act", "self_attn_layer_norm", "fc1_act", "fc2", "pre_final_layer_norm_act",
          "final_layer_norm"}) {
      stage(module, t, b, c);
    }
    for (const char* module : {"fc1", "activation_fn_approx", "fc2_act"}) stage(module, t, b, f);
    for (const char* module : {"self_attn_softmax_act", "self_attn_softmax"}) stage(module, b * h, t, t);
    if (!single) return;
    for (const auto& key : in_.unused()) {
      if (key.find("__") == key.npos && key != "attn_score_scale" && key != "attn_act_in_scale" &&
          key != "softmax_exp_scale") {
        continue;
      }
      in_.ignore(key);
      ++single_constants;
    }
  }

  golden_input& in_;
  ibert_golden_input read_;
  constant_checks constants;
};

/// What encoder_layer shows, and the stored module that it is compared with.
struct ibert_layer_stage {
  std::string_view seen;
  const char* module;
};
inline constexpr ibert_layer_stage ibert_layer_stages[] = {{"query.acc", "self_attn_q_proj"},
                                                           {"key.acc", "self_attn_k_proj"},
                                                           {"value.acc", "self_attn_v_proj"},
                                                           {"query.out", "self_attn_q_proj_act"},
                                                           {"key.out", "self_attn_k_proj_act"},
                                                           {"value.out", "self_attn_v_proj_act"},
                                                           {"scores", "self_attn_softmax_act"},
                                                           {"probs", "self_attn_softmax"},
                                                           {"context.out", "self_attn_attn_act"},
                                                           {"attention_output.acc", "self_attn_out_proj"},
                                                           {"attention_norm.in", "pre_self_attn_layer_norm_act"},
                                                           {"attention_norm.out", "self_attn_layer_norm"},
                                                           {"hidden.out", "fc1_act"},
                                                           {"intermediate.acc", "fc1"},
                                                           {"intermediate.out", "fc2_act"},
                                                           {"output.acc", "fc2"},
                                                           {"output_norm.in", "pre_final_layer_norm_act"},
                                                           {"output_norm.out", "final_layer_norm"}};

/// Collects those tensors that a stored one needs: rows batch by batch, heads one after the other.
class ibert_layer_observer {
 public:
  static constexpr bool enabled = true;

  explicit ibert_layer_observer(const ibert_layer_vectors& v) {
    for (const auto& stage : ibert_layer_stages) {
      const bool gelu = stage.seen == "intermediate.acc" && v.stored.contains("activation_fn_approx");
      if (gelu || v.stored.contains(stage.module)) values[stage.seen];
    }
  }

  int32_t* accumulators(index_t count) {
    scratch_.resize(static_cast<std::size_t>(count));
    return scratch_.data();
  }
  template <class View>
  void head(std::string_view what, index_t, index_t, const View& view) {
    tensor(what, view);
  }
  template <class View>
  void tensor(std::string_view what, const View& view) {
    const auto to = values.find(what);
    if (to == values.end()) return;
    for (index_t r = 0; r < view.extent(0); ++r) {
      to->second.insert(to->second.end(), view.row(r), view.row(r) + view.extent(1));
    }
  }

  std::map<std::string_view, std::vector<int64_t>> values;

 private:
  std::vector<int32_t> scratch_;
};

template <Target T, class Flow>
void check_ibert_layer(const ibert_layer_vectors& v, golden_report& report) {
  const auto compare = [&](const std::string& module, status computed, const auto& actual) {
    const auto found = v.stored.find(module);
    if (found == v.stored.end()) return;
    const std::string name = module + "__int";
    if (v.single) {
      report.distance(name, T::name, found->second, computed, actual);
    } else {
      report.compare(name, T::name, found->second, computed, actual);
    }
  };
  const index_t rows = v.rows();
  const std::vector<int32_t> x = v.to_batch_major<int32_t>(v.x.values);
  std::vector<int8_t> input(x.size());
  status result = op::requantize<T>(matrix(x.data(), rows, v.c), v.input_act.scalar(v.range("input_act")),
                                    matrix(input.data(), rows, v.c));
  compare("input_act", result, v.to_time_major<int64_t>(input));

  const auto params = v.params<Flow>();
  ibert_layer_observer seen(v);
  golden_scratch scratch(op::encoder_layer_scratch_bytes(v.shape(), v.b, v.t));
  std::vector<int64_t> y(x.size());
  constexpr saturating keep_wide{limits<int64_t>::min, limits<int64_t>::max};
  if (result == status::ok) {
    result =
        op::encoder_layer<T>(v.shape(), matrix(input.data(), rows, v.c), v.b, v.keep.empty() ? nullptr : v.keep.data(),
                             params, keep_wide, scratch.span(), matrix(y.data(), rows, v.c), &seen);
  }

  // Softmax's exponential of 16 bits is inside the operator: from the scores, by definition.
  const auto exponentials = [&](const std::vector<int64_t>& scores) {
    auto softmax = params.attention_softmax;
    std::vector<int64_t> all;
    for (index_t row = 0; result == status::ok && row < v.b * v.h * v.t; ++row) {
      softmax.keep = v.keep.empty() ? nullptr : v.keep.data() + row / (v.h * v.t) * v.t;
      const std::vector<int32_t> s(scores.begin() + row * v.t, scores.begin() + (row + 1) * v.t);
      const int64_t most = softmax.row_max(s.data(), v.t);
      for (index_t i = 0; i < v.t; ++i) all.push_back(softmax.exp16(s.data(), i, most));
    }
    return all;
  };
  for (const auto& stage : ibert_layer_stages) {
    const auto found = seen.values.find(stage.seen);
    if (found == seen.values.end()) continue;
    if (stage.seen == "scores" && T::minimum_tier != 0) {
      report.skip(std::string(stage.module) + "__int", T::name, "inside the operator: only the reference shows it",
                  v.stored.at(stage.module).size());
    } else if (stage.seen == "scores") {
      compare(stage.module, result, exponentials(found->second));
    } else if (stage.seen == "probs") {
      compare(stage.module, result, found->second);
    } else {
      compare(stage.module, result, v.to_time_major<int64_t>(found->second));
    }
    if (stage.seen != "intermediate.acc" || !v.stored.contains("activation_fn_approx")) continue;
    // GELU is fused with its requantisation: alone, from the accumulators.
    const std::vector<int32_t> acc(found->second.begin(), found->second.end());
    std::vector<int64_t> wide(acc.size());
    status computed = result;
    if (computed == status::ok) {
      computed = op::gelu<T>(matrix(acc.data(), rows, v.f), v.gelu.view(), matrix(wide.data(), rows, v.f));
    }
    compare("activation_fn_approx", computed, v.to_time_major<int64_t>(wide));
  }
}

}  // namespace detail

/// Runs a file of ibert_layer on those of the targets `T...` that the report asks for.
template <Target... T>
void check_golden_ibert_layer(golden_input& in, golden_report& report, type_list<T...>) {
  detail::ibert_layer_vectors v(in, report);
  const auto run = [&]<Target U>() {
    if (!report.runs(U::name)) return;
    v.checks().template mention<U>(report);
    if (v.corrected) {
      detail::check_ibert_layer<U, ibert::corrected_flow>(v, report);
    } else {
      detail::check_ibert_layer<U, ibert::authors_flow>(v, report);
    }
  };
  (run.template operator()<T>(), ...);
  if (v.single_constants > 0) {
    report.skip(
        "constants", "",
        "tolerance only: " + std::to_string(v.single_constants) + " arrays of constants of a run in single precision");
  }
  report_unused(in, report);
}

}  // namespace tessera
