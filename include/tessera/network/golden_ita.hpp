// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Golden vectors of the accelerator: whole attention and feed-forward runs, requantisation, activations, softmax.
/// Include the kernels of the targets that you ask for.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/arith/quantlib_softmax.hpp"
#include "tessera/network/golden.hpp"
#include "tessera/op/feed_forward.hpp"
#include "tessera/op/multi_head_attention.hpp"

namespace tessera {
namespace detail {

// ---- ita_mha -------------------------------------------------------------------------------------------------------

/// A run of PyITA's Transformer: q, kv: (S, E) -> attention (S, E); x: (S, E) -> feed-forward (S, E).
struct ita_mha_vectors {
  struct feed_forward_inputs {
    golden_array<int8_t> x, up, down;          // (S, E), (1, E, F), (1, F, E)
    golden_array<int32_t> up_bias, down_bias;  // (1, F), (1, E)
    ita::requant first, second;
    int activation = 0;
    ita::gelu gelu;
    ita::relu relu;
  };

  index_t s = 0, e = 0, p = 0, f = 0, h = 0;
  golden_array<int8_t> q, kv, wq, wk, wv, wo;
  golden_array<int32_t> bq, bk, bv, bo;
  std::vector<ita::head_requants> requants;
  ita::requant sum;
  std::optional<feed_forward_inputs> ff;
  std::map<std::string, golden_array<int8_t>> bytes;          // stored stages of 8 bits
  std::map<std::string, golden_array<int32_t>> accumulators;  // and of 32
  std::optional<golden_array<uint8_t>> probabilities;

  explicit ita_mha_vectors(golden_input& in) {
    const auto cfg = in.integers<int32_t>("cfg_SEPFH", {5});
    const auto extent = [&](std::size_t i, const char* what, index_t most) {
      const index_t value = cfg.values[i];
      if (value < 1 || value > most) {
        in.fail("cfg_SEPFH",
                std::string(what) + " is " + std::to_string(value) + ", outside 1.." + std::to_string(most));
      }
      return value;
    };
    s = extent(0, "S", ita::streaming_softmax::max_length);
    e = extent(1, "E", 16384);
    p = extent(2, "P", 16384);
    f = extent(3, "F", 65536);
    h = extent(4, "H", 1024);
    in.volume("a projection", {h, s, max(p, e)});
    in.volume("the hidden layer", {s, f});
    q = in.integers<int8_t>("Q", {s, e});
    kv = in.integers<int8_t>("K", {s, e});
    wq = in.integers<int8_t>("Wq", {h, e, p});
    wk = in.integers<int8_t>("Wk", {h, e, p});
    wv = in.integers<int8_t>("Wv", {h, e, p});
    wo = in.integers<int8_t>("Wo", {h, p, e});
    bq = in.integers<int32_t>("Bq", {h, p});
    bk = in.integers<int32_t>("Bk", {h, p});
    bv = in.integers<int32_t>("Bv", {h, p});
    bo = in.integers<int32_t>("Bo", {h, e});
    const auto mult = in.integers<uint8_t>("rqs_mult", {7, h});
    const auto shift = in.integers<uint8_t>("rqs_shift", {7, h});
    const auto add = in.integers<int8_t>("rqs_add", {7, h});
    const auto at = [&](index_t row, index_t head) {
      const auto i = static_cast<std::size_t>(row * h + head);
      return ita::requant{mult.values[i], shift.values[i], add.values[i]};
    };
    for (index_t i = 0; i < h; ++i) requants.push_back({at(0, i), at(1, i), at(2, i), at(3, i), at(4, i), at(5, i)});
    sum = at(6, 0);
    for (const char* key : {"seed", "bias_enabled", "gelu_one"}) in.ignore(key);  // biases are stored as used

    const auto stage = [&](const std::string& key, index_t heads, index_t columns) {
      if (auto array = in.optional_integers<int8_t>(key, {heads, s, columns})) bytes[key] = std::move(*array);
      const std::string acc = key + "_acc";
      if (auto array = in.optional_integers<int32_t>(acc, {heads, s, columns})) accumulators[acc] = std::move(*array);
    };
    stage("Qp", h, p);
    stage("Kp", h, p);
    stage("Vp", h, p);
    stage("A", h, s);
    stage("O", h, p);
    stage("Out", h, e);
    stage("Out_sum", 1, e);
    probabilities = in.optional_integers<uint8_t>("A_softmax", {h, s, s});
    if (in.contains("FF_in")) {
      read_feed_forward(in);
      stage("FFp", 1, f);
      stage("FFp_preact", 1, f);
      stage("FFp_act", 1, f);
      stage("FF2p", 1, e);
    }
  }

  ita::multi_head_attention_params params() const {
    return {h,         p,         wq.data(), wk.data(), wv.data(),       wo.data(),
            bq.data(), bk.data(), bv.data(), bo.data(), requants.data(), sum};
  }
  const golden_array<int8_t>* stored(const std::string& key) const { return find(bytes, key); }
  const golden_array<int32_t>* stored_acc(const std::string& key) const { return find(accumulators, key + "_acc"); }
  bool has(const std::string& key) const {
    return bytes.contains(key) || accumulators.contains(key) || (key == "A_softmax" && probabilities);
  }

 private:
  template <class Map>
  static const typename Map::mapped_type* find(const Map& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? nullptr : &found->second;
  }
  void read_feed_forward(golden_input& in) {
    feed_forward_inputs v;
    v.x = in.integers<int8_t>("FF_in", {s, e});
    v.up = in.integers<int8_t>("Wff", {1, e, f});
    v.down = in.integers<int8_t>("Wff2", {1, f, e});
    v.up_bias = in.integers<int32_t>("Bff", {1, f});
    v.down_bias = in.integers<int32_t>("Bff2", {1, e});
    const auto mult = in.integers<uint8_t>("ffn_mult", {2, 1});
    const auto shift = in.integers<uint8_t>("ffn_shift", {2, 1});
    const auto add = in.integers<int8_t>("ffn_add", {2, 1});
    v.first = {mult.values[0], shift.values[0], add.values[0]};
    v.second = {mult.values[1], shift.values[1], add.values[1]};
    v.activation = in.integer<int32_t>("activation");
    if (v.activation < 0 || v.activation > 2) {
      in.fail("activation",
              "it is " + std::to_string(v.activation) + "; 0 (identity), 1 (GELU) and 2 (ReLU) are known");
    }
    const ita::requant act{in.integer<uint8_t>("act_mult"), in.integer<uint8_t>("act_shift"),
                           in.integer<int8_t>("act_add")};
    v.gelu = {in.integer<int16_t>("gelu_b"), in.integer<int16_t>("gelu_c"), act};
    v.relu = {act};
    if (v.activation == 1 && v.gelu.check() != status::ok) {
      in.fail("gelu_c", "with gelu_b it leaves the 26 bits of the hardware");
    }
    ff = std::move(v);
  }
};

/// Collects those tensors of multi_head_attention that are stored, heads one after the other, under their stored names.
class ita_mha_observer {
 public:
  static constexpr bool enabled = true;

  explicit ita_mha_observer(const ita_mha_vectors& v) : vectors_(v) {}

  int32_t* accumulators(index_t count) {
    scratch_.resize(static_cast<std::size_t>(count));
    return scratch_.data();
  }
  template <class View>
  void head(std::string_view what, index_t, index_t, const View& view) {
    static constexpr std::pair<std::string_view, const char*> names[] = {
        {"query.acc", "Qp_acc"}, {"query", "Qp"},      {"key.acc", "Kp_acc"},     {"key", "Kp"},
        {"value.acc", "Vp_acc"}, {"value", "Vp"},      {"scores", "A"},           {"probs", "A_softmax"},
        {"context", "O_acc"},    {"context.out", "O"}, {"output.acc", "Out_acc"}, {"output", "Out"}};
    for (const auto& [seen, stored] : names) {
      if (seen == what) append(stored, view);
    }
  }
  template <class View>
  void tensor(std::string_view, const View& view) {
    append("Out_sum_acc", view);
  }

  std::map<std::string, std::vector<int32_t>> values;

 private:
  template <class View>
  void append(const char* key, const View& view) {
    if (!vectors_.has(key)) return;
    auto& to = values[key];
    for (index_t r = 0; r < view.extent(0); ++r) to.insert(to.end(), view.row(r), view.row(r) + view.extent(1));
  }
  const ita_mha_vectors& vectors_;
  std::vector<int32_t> scratch_;
};

/// Each stored stage from the stored stage before it.
template <Target T>
void check_ita_stages(const ita_mha_vectors& v, golden_report& report) {
  // run(out of head, head) for each head; `count` elements in all.
  const auto heads = [&]<class Out>(const std::string& name, const golden_array<Out>& expected, index_t n, auto run) {
    std::vector<Out> actual(expected.values.size());
    status result = status::ok;
    const index_t count = expected.size() / n;
    for (index_t i = 0; i < n && result == status::ok; ++i) result = run(actual.data() + i * count, i);
    report.compare(name, T::name, expected, result, actual);
  };
  /// x . w + b with weights (inputs, outputs).
  const auto linear = [&](const auto* x, index_t inputs, const int8_t* w, const int32_t* b, index_t outputs,
                          int32_t* out) {
    return op::linear<T>(matrix(x, v.s, inputs), transposed(matrix(w, inputs, outputs)), vector(b, outputs),
                         keep_accumulator, matrix(out, v.s, outputs));
  };
  const auto requantized = [&](const char* key, index_t n, auto policy_of) {
    const auto* acc = v.stored_acc(key);
    const auto* out = v.stored(key);
    if (acc == nullptr || out == nullptr) return;
    const index_t columns = acc->extent(2);
    heads(key, *out, n, [&](int8_t* y, index_t i) {
      return op::requantize<T>(matrix(acc->data() + i * v.s * columns, v.s, columns), policy_of(i),
                               matrix(y, v.s, columns));
    });
  };
  struct projection {
    const char* key;
    const golden_array<int8_t>&x, &w;
    const golden_array<int32_t>& b;
    ita::requant ita::head_requants::*policy;
  };
  for (const projection& it : {projection{"Qp", v.q, v.wq, v.bq, &ita::head_requants::query},
                               projection{"Kp", v.kv, v.wk, v.bk, &ita::head_requants::key},
                               projection{"Vp", v.kv, v.wv, v.bv, &ita::head_requants::value}}) {
    if (const auto* acc = v.stored_acc(it.key)) {
      heads(acc->key, *acc, v.h, [&](int32_t* y, index_t i) {
        return linear(it.x.data(), v.e, it.w.data() + i * v.e * v.p, it.b.data() + i * v.p, v.p, y);
      });
    }
    requantized(it.key, v.h, [&](index_t i) { return v.requants[static_cast<std::size_t>(i)].*it.policy; });
  }
  const index_t square = v.s * v.s;
  const index_t wide = v.s * v.p;
  const auto* qp = v.stored("Qp");
  const auto* kp = v.stored("Kp");
  const auto* vp = v.stored("Vp");
  if (const auto* acc = v.stored_acc("A"); acc != nullptr && qp != nullptr && kp != nullptr) {
    heads(acc->key, *acc, v.h, [&](int32_t* y, index_t i) {
      return op::matmul<T>(matrix(qp->data() + i * wide, v.s, v.p), transposed(matrix(kp->data() + i * wide, v.s, v.p)),
                           keep_accumulator, matrix(y, v.s, v.s));
    });
  }
  requantized("A", v.h, [&](index_t i) { return v.requants[static_cast<std::size_t>(i)].score; });
  if (const auto* a = v.stored("A"); a != nullptr && v.probabilities) {
    heads(v.probabilities->key, *v.probabilities, v.h, [&](uint8_t* y, index_t i) {
      return op::softmax<T>(matrix(a->data() + i * square, v.s, v.s), ita::streaming_softmax{}, matrix(y, v.s, v.s));
    });
  }
  if (const auto* acc = v.stored_acc("O"); acc != nullptr && v.probabilities && vp != nullptr) {
    heads(acc->key, *acc, v.h, [&](int32_t* y, index_t i) {
      return op::matmul<T>(matrix(v.probabilities->data() + i * square, v.s, v.s),
                           matrix(vp->data() + i * wide, v.s, v.p), keep_accumulator, matrix(y, v.s, v.p));
    });
  }
  requantized("O", v.h, [&](index_t i) { return v.requants[static_cast<std::size_t>(i)].context; });
  const index_t out_size = v.s * v.e;
  if (const auto* acc = v.stored_acc("Out"); acc != nullptr && v.stored("O") != nullptr) {
    heads(acc->key, *acc, v.h, [&](int32_t* y, index_t i) {
      return linear(v.stored("O")->data() + i * wide, v.p, v.wo.data() + i * v.p * v.e, v.bo.data() + i * v.e, v.e, y);
    });
  }
  requantized("Out", v.h, [&](index_t i) { return v.requants[static_cast<std::size_t>(i)].output; });
  if (const auto* acc = v.stored_acc("Out_sum"); acc != nullptr && v.stored("Out") != nullptr) {
    heads(acc->key, *acc, 1, [&](int32_t* y, index_t) {
      const auto sum = matrix(y, v.s, v.e);
      status result = status::ok;
      for (index_t i = 0; i < v.h && result == status::ok; ++i) {
        const auto out = matrix(v.stored("Out")->data() + i * out_size, v.s, v.e);
        result = op::add<T>(sum, keep_accumulator, out, keep_accumulator, keep_accumulator, sum);
      }
      return result;
    });
  }
  requantized("Out_sum", 1, [&](index_t) { return v.sum; });
  if (!v.ff) return;

  if (const auto* acc = v.stored_acc("FFp")) {
    heads(acc->key, *acc, 1, [&](int32_t* y, index_t) {
      return linear(v.ff->x.data(), v.e, v.ff->up.data(), v.ff->up_bias.data(), v.f, y);
    });
    if (const auto* out = v.stored("FFp_preact")) {
      heads(out->key, *out, 1, [&](int8_t* y, index_t) {
        return op::requantize<T>(matrix(acc->data(), v.s, v.f), v.ff->first, matrix(y, v.s, v.f));
      });
    }
  }
  if (v.stored("FFp_act") != nullptr && v.stored("FFp_preact") != nullptr) {
    heads("FFp_act", *v.stored("FFp_act"), 1, [&](int8_t* y, index_t) {
      const auto x = matrix(v.stored("FFp_preact")->data(), v.s, v.f);
      const auto to = matrix(y, v.s, v.f);
      if (v.ff->activation == 1) return op::gelu<T>(x, v.ff->gelu, to);
      if (v.ff->activation == 2) return op::requantize<T>(x, v.ff->relu, to);
      return op::requantize<T>(x, ita::identity{}, to);
    });
  }
  if (const auto* acc = v.stored_acc("FF2p"); acc != nullptr && v.stored("FFp_act") != nullptr) {
    heads(acc->key, *acc, 1, [&](int32_t* y, index_t) {
      return linear(v.stored("FFp_act")->data(), v.f, v.ff->down.data(), v.ff->down_bias.data(), v.e, y);
    });
  }
  requantized("FF2p", 1, [&](index_t) { return v.ff->second; });
}

/// The whole blocks, from Q, K and FF_in to every stage that is stored.
template <Target T>
void check_ita_chain(const ita_mha_vectors& v, golden_report& report) {
  const index_t bytes = op::multi_head_attention_scratch_bytes(v.s, v.e, v.p);
  golden_scratch scratch(bytes);
  ita_mha_observer seen(v);
  std::vector<int8_t> y(static_cast<std::size_t>(v.s * v.e));
  const status attention = op::multi_head_attention<T>(matrix(v.q.data(), v.s, v.e), matrix(v.kv.data(), v.s, v.e),
                                                       v.params(), scratch.span(), matrix(y.data(), v.s, v.e), &seen);
  seen.values["Out_sum"].assign(y.begin(), y.end());
  status feed_forward = status::ok;
  if (v.ff) {
    std::vector<int8_t> hidden(static_cast<std::size_t>(v.s * v.f));
    const auto run = [&](const auto& activation) {
      return op::feed_forward<T>(matrix(v.ff->x.data(), v.s, v.e), transposed(matrix(v.ff->up.data(), v.e, v.f)),
                                 vector(v.ff->up_bias.data(), v.f), then{v.ff->first, activation},
                                 transposed(matrix(v.ff->down.data(), v.f, v.e)), vector(v.ff->down_bias.data(), v.e),
                                 v.ff->second, matrix(hidden.data(), v.s, v.f), matrix(y.data(), v.s, v.e));
    };
    feed_forward = v.ff->activation == 1   ? run(v.ff->gelu)
                   : v.ff->activation == 2 ? run(v.ff->relu)
                                           : run(ita::identity{});
    seen.values["FFp_act"].assign(hidden.begin(), hidden.end());
    seen.values["FF2p"].assign(y.begin(), y.end());
  }
  const auto compare = [&](const std::string& key, const auto& expected) {
    const status computed = key.starts_with("FF") ? feed_forward : attention;
    const auto found = seen.values.find(key);
    if (found == seen.values.end() && computed == status::ok) return;  // inside a fused operator
    report.compare("chain " + key, T::name, expected, computed,
                   found == seen.values.end() ? std::vector<int32_t>() : found->second);
  };
  for (const char* key : {"Qp", "Kp", "Vp", "A", "A_softmax", "O", "Out", "Out_sum", "FFp_act", "FF2p"}) {
    if (const auto* acc = v.stored_acc(key)) compare(acc->key, *acc);
    if (const auto* out = v.stored(key)) compare(key, *out);
    if (key == std::string_view("A_softmax") && v.probabilities) compare(key, *v.probabilities);
  }
}

// ---- ita_requant ---------------------------------------------------------------------------------------------------

/// One requantisation per element.
struct ita_requant_vectors {
  golden_array<int32_t> acc;
  golden_array<uint8_t> mult, shift;
  golden_array<int8_t> add;
  std::optional<golden_array<int8_t>> rtl, pyita;

  explicit ita_requant_vectors(golden_input& in) {
    acc = in.integers<int32_t>("acc", {any_extent});
    const index_t n = acc.size();
    mult = in.integers<uint8_t>("mult", {n});
    shift = in.integers<uint8_t>("shift", {n});
    add = in.integers<int8_t>("add", {n});
    rtl = in.optional_integers<int8_t>("out_rtl", {n});
    pyita = in.optional_integers<int8_t>("out_pyita", {n});
    in.ignore("seed");
  }
};

template <Target T>
void check_ita_requant(const ita_requant_vectors& v, golden_report& report) {
  // Each value in every lane of a vector register and in the scalar rest of a row.
  constexpr std::size_t copies = 13;
  status result = status::ok;
  std::vector<std::array<int8_t, copies>> lanes(v.acc.values.size());
  for (std::size_t i = 0; i < lanes.size() && result == status::ok; ++i) {
    std::array<int32_t, copies> x;
    x.fill(v.acc.values[i]);
    const ita::requant policy{v.mult.values[i], v.shift.values[i], v.add.values[i]};
    result =
        op::requantize<T>(matrix<1, index_t{copies}>(x.data()), policy, matrix<1, index_t{copies}>(lanes[i].data()));
  }
  const auto compare = [&](const golden_array<int8_t>& expected, auto take, const char* note) {
    std::vector<int8_t> actual(lanes.size());
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      actual[i] = lanes[i][0];
      for (const int8_t y : lanes[i]) actual[i] = y != expected.values[i] ? y : actual[i];
    }
    report.compare_if(expected.key, T::name, expected, result, actual, take, note);
  };
  if (v.rtl)
    compare(
        *v.rtl, [](index_t) { return true; }, "");
  if (v.pyita) {
    const bool all = std::all_of(v.shift.values.begin(), v.shift.values.end(), [](uint8_t s) { return s <= 22; });
    compare(
        *v.pyita, [&](index_t i) { return v.shift.values[static_cast<std::size_t>(i)] <= 22; },
        all ? "" : "PyITA's rounding is its own for shifts over 22: left out");
  }
}

// ---- ita_activation ------------------------------------------------------------------------------------------------

/// Rows of params = (gelu_one, gelu_b, gelu_c, mult, shift, add), applied to all x.
struct ita_activation_vectors {
  golden_array<int8_t> x;
  golden_array<int32_t> params;
  std::optional<golden_array<int8_t>> rtl, pyita;
  std::optional<golden_array<int32_t>> raw;  ///< GELU before its requantisation, as PyITA has it
  bool relu = false;

  explicit ita_activation_vectors(golden_input& in) {
    x = in.integers<int8_t>("x", {any_extent});
    params = in.integers<int32_t>("params", {any_extent, 6});
    const index_t rows = params.extent(0);
    in.volume("outputs", {rows, x.size()});
    rtl = in.optional_integers<int8_t>("out_rtl", {rows, x.size()});
    pyita = in.optional_integers<int8_t>("out_pyita", {rows, x.size()});
    raw = in.optional_integers<int32_t>("raw_i_gelu", {rows, x.size()});
    for (index_t r = 0; r < rows; ++r) {
      const auto check = [&](index_t column, int32_t low, int32_t high, const char* what) {
        if (at(r, column) < low || at(r, column) > high) {
          in.fail("params", std::string(what) + " of row " + std::to_string(r) + " is " +
                                std::to_string(at(r, column)) + ", outside " + std::to_string(low) + ".." +
                                std::to_string(high));
        }
      };
      check(1, -32768, 32767, "gelu_b");
      check(2, -32768, 32767, "gelu_c");
      check(3, 0, 255, "mult");
      check(4, 0, 255, "shift");
      check(5, -128, 127, "add");
    }
    relu = !raw && looks_like_relu();
    in.ignore("seed");
  }

  int32_t at(index_t row, index_t column) const { return params.values[static_cast<std::size_t>(row * 6 + column)]; }
  ita::requant second(index_t row) const {
    return {static_cast<uint8_t>(at(row, 3)), static_cast<uint8_t>(at(row, 4)), static_cast<int8_t>(at(row, 5))};
  }
  ita::gelu gelu(index_t row) const {
    return {static_cast<int16_t>(at(row, 1)), static_cast<int16_t>(at(row, 2)), second(row)};
  }
  /// PyITA limits x to -127 before the GELU; the hardware does not.
  bool pyita_differs(index_t element) const {
    return !relu && x.values[static_cast<std::size_t>(element % x.size())] == -128 && at(element / x.size(), 1) < -127;
  }

 private:
  /// Both activations are stored under the same names, and the parameters are those of GELU in both. ReLU gives `add`
  /// for every negative x, GELU for those far below zero only.
  bool looks_like_relu() const {
    const auto& out = rtl ? *rtl : *pyita;
    index_t negative = 0, constant = 0;
    for (index_t i = 0; i < out.size(); ++i) {
      if (x.values[static_cast<std::size_t>(i % x.size())] >= 0) continue;
      ++negative;
      constant += out.values[static_cast<std::size_t>(i)] == at(i / x.size(), 5) ? 1 : 0;
    }
    return constant * 4 > negative * 3;
  }
};

/// In: the element type of the input; bytes take a table on some targets, so wide inputs are run as well.
template <Target T, Integer In>
void check_ita_activation(const ita_activation_vectors& v, const char* input, golden_report& report) {
  const index_t n = v.x.size();
  const std::vector<In> x(v.x.values.begin(), v.x.values.end());
  std::vector<int8_t> actual(static_cast<std::size_t>(v.params.extent(0) * n));
  status result = status::ok;
  for (index_t r = 0; r < v.params.extent(0) && result == status::ok; ++r) {
    const auto in = matrix(x.data(), 1, n);
    const auto out = matrix(actual.data() + r * n, 1, n);
    if (v.relu) {
      result = op::requantize<T>(in, ita::relu{v.second(r)}, out);
    } else {
      result = v.gelu(r).check();
      if (result == status::ok) result = op::gelu<T>(in, v.gelu(r), out);
    }
  }
  const std::string what = std::string(v.relu ? "relu " : "gelu ") + input + " ";
  if (v.rtl) report.compare(what + v.rtl->key, T::name, *v.rtl, result, actual);
  if (v.pyita) {
    bool all = true;
    for (index_t i = 0; i < v.pyita->size(); ++i) all = all && !v.pyita_differs(i);
    report.compare_if(
        what + v.pyita->key, T::name, *v.pyita, result, actual, [&](index_t i) { return !v.pyita_differs(i); },
        all ? "" : "without x = -128 where b < -127: PyITA limits x first");
  }
}

inline void check_ita_raw_gelu(const ita_activation_vectors& v, golden_report& report) {
  if (!v.raw) return;
  std::vector<int64_t> actual;
  bool all = true;
  for (index_t i = 0; i < v.raw->size(); ++i) {
    const index_t row = i / v.x.size();
    actual.push_back(ita::i_gelu(v.x.values[static_cast<std::size_t>(i % v.x.size())], v.at(row, 1), v.at(row, 2)));
    all = all && !v.pyita_differs(i);
  }
  report.compare_if(
      "raw_i_gelu", "reference", *v.raw, status::ok, actual, [&](index_t i) { return !v.pyita_differs(i); },
      all ? "" : "without x = -128 where b < -127: PyITA limits x first");
}

// ---- ita_softmax ---------------------------------------------------------------------------------------------------

/// Blocks of rows with the outputs of several programs: `x` or `S<N>_x`, and the keys of `softmax_outputs` likewise.
struct ita_softmax_vectors {
  struct block {
    golden_array<int8_t> x;
    std::vector<std::pair<std::string_view, golden_array<int16_t>>> outputs;
  };
  std::vector<block> blocks;

  explicit ita_softmax_vectors(golden_input& in) {
    std::vector<std::string> prefixes;
    if (in.contains("x")) prefixes.push_back("");
    for (const auto& group : numbered_groups(in.keys(), "S", "_x")) prefixes.push_back(group + "_");
    for (const auto& prefix : prefixes) {
      block b{in.integers<int8_t>(prefix + "x", {any_extent, any_extent}), {}};
      for (const std::string_view output : softmax_outputs) {
        const std::string key = prefix + std::string(output);
        if (auto array = in.optional_integers<int16_t>(key, {b.x.extent(0), b.x.extent(1)})) {
          b.outputs.emplace_back(output, std::move(*array));
        }
      }
      blocks.push_back(std::move(b));
    }
    in.ignore("seed");
  }
};

template <Target T>
void check_ita_softmax(const ita_softmax_vectors& v, golden_report& report) {
  for (const auto& block : v.blocks) {
    const index_t m = block.x.extent(0);
    const index_t n = block.x.extent(1);
    for (const auto& [output, expected] : block.outputs) {
      std::vector<uint8_t> y(block.x.values.size());
      const auto run = [&](const auto& rule) {
        return op::softmax<T>(matrix(block.x.data(), m, n), rule, matrix(y.data(), m, n));
      };
      status result = status::ok;
      if (output == "rtl" || output == "pyita_streaming") result = run(ita::streaming_softmax{});
      if (output == "banshee") result = run(ita::mempool_softmax{});
      if (output == "deeploy_c_itapartialmax_signed") result = run(quantlib::itapartialmax<>{});
      if (output == "quantlib_itapartialmax") result = run(quantlib::itapartialmax<quantlib::variant::quantlib>{});
      if (output == "deeploy_c_itamax_signed" || output == "quantlib_itamax") result = run(quantlib::itamax{});
      const int stored = output.ends_with("_signed") ? -128 : 0;  // Deeploy keeps an unsigned byte as value - 128
      std::vector<int> actual;
      for (const uint8_t p : y) actual.push_back(p + stored);
      report.compare(expected.key, T::name, expected, result, actual);
    }
  }
}

}  // namespace detail

/// Runs a file of one of the ita schemas on those of the targets `T...` that the report asks for.
template <Target... T>
void check_golden_ita(golden_schema schema, golden_input& in, golden_report& report, type_list<T...>) {
  const auto each = [&](auto run) { ((report.runs(T::name) ? run.template operator()<T>() : void()), ...); };
  if (schema == golden_schema::ita_mha) {
    const detail::ita_mha_vectors v(in);
    each([&]<Target U>() {
      detail::check_ita_stages<U>(v, report);
      detail::check_ita_chain<U>(v, report);
    });
  } else if (schema == golden_schema::ita_requant) {
    const detail::ita_requant_vectors v(in);
    each([&]<Target U>() { detail::check_ita_requant<U>(v, report); });
  } else if (schema == golden_schema::ita_activation) {
    const detail::ita_activation_vectors v(in);
    each([&]<Target U>() {
      detail::check_ita_activation<U, int8_t>(v, "int8", report);
      detail::check_ita_activation<U, int32_t>(v, "int32", report);
      if (U::minimum_tier == 0) {
        detail::check_ita_raw_gelu(v, report);
      } else if (v.raw) {
        report.skip("raw_i_gelu", U::name, "inside the operator: only the reference shows it", v.raw->size());
      }
    });
  } else if (schema == golden_schema::ita_softmax) {
    const detail::ita_softmax_vectors v(in);
    each([&]<Target U>() { detail::check_ita_softmax<U>(v, report); });
  }
  report_unused(in, report);
}

}  // namespace tessera
