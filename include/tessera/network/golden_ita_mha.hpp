// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Golden vectors of whole runs of the accelerator: multi-head attention and feed-forward, stage by stage and in one
/// go.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/network/golden.hpp"
#include "tessera/op/feed_forward.hpp"
#include "tessera/op/multi_head_attention.hpp"

namespace tessera {
namespace detail {

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

}  // namespace detail
}  // namespace tessera
