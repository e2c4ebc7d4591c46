// SPDX-License-Identifier: Apache-2.0
// The accelerator's attention block: against its formula, targets against each other, statuses.
#include "tessera/op/multi_head_attention.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/random.hpp"
#include "tessera/kernel/map/ita_xsimd.hpp"
#include "tessera/kernel/matmul/xsimd.hpp"
#include "tessera/kernel/row/ita_xsimd.hpp"
#include "tessera/op/feed_forward.hpp"
#include "tessera/target/reference.hpp"

using namespace tessera;
using support::random_values;

namespace {

struct sizes {
  index_t s, e, p, h;
};

/// Random weights whose requantisations keep the numbers spread over 8 bits.
struct attention_block {
  sizes n;
  std::vector<std::int8_t> q, kv, wq, wk, wv, wo;
  std::vector<std::int32_t> bq, bk, bv, bo;
  std::vector<ita::head_requants> requants;
  ita::requant sum;

  attention_block(const sizes& of, const std::string& id) : n(of) {
    random_values random(id);
    q = random.values<std::int8_t>(n.s * n.e);
    kv = random.values<std::int8_t>(n.s * n.e);
    for (auto* w : {&wq, &wk, &wv, &wo}) *w = random.values<std::int8_t>(n.h * n.e * n.p);
    const auto biases = [&](index_t count) {
      std::vector<std::int32_t> b;
      for (index_t i = 0; i < count; ++i) b.push_back(static_cast<std::int32_t>(random.between(-5000, 5000)));
      return b;
    };
    bq = biases(n.h * n.p);
    bk = biases(n.h * n.p);
    bv = biases(n.h * n.p);
    bo = biases(n.h * n.e);
    const auto requant = [&](int shift) {
      return ita::requant{static_cast<std::uint8_t>(random.between(64, 126)), static_cast<std::uint8_t>(shift),
                          static_cast<std::int8_t>(random.between(-3, 3))};
    };
    for (index_t i = 0; i < n.h; ++i) {
      requants.push_back({requant(14), requant(14), requant(14), requant(14), requant(12), requant(14)});
    }
    sum = requant(7);
  }

  ita::multi_head_attention_params params() const {
    return {n.h,       n.p,       wq.data(), wk.data(), wv.data(),       wo.data(),
            bq.data(), bk.data(), bv.data(), bo.data(), requants.data(), sum};
  }

  /// Straight from the formula, in 64 bits.
  std::vector<std::int8_t> by_definition() const {
    using wide = std::vector<std::int64_t>;
    const auto at = [](index_t i) { return static_cast<std::size_t>(i); };
    // a: (m, k), b: (k, c) or transposed (c, k), bias: (c) or null
    const auto product = [&](const auto& a, const auto* b, bool transpose, const std::int32_t* bias, index_t m,
                             index_t k, index_t c, const ita::requant& rq) {
      wide y(at(m * c));
      for (index_t i = 0; i < m; ++i) {
        for (index_t j = 0; j < c; ++j) {
          std::int64_t acc = bias == nullptr ? 0 : bias[j];
          for (index_t l = 0; l < k; ++l) acc += std::int64_t{a[at(i * k + l)]} * b[transpose ? j * k + l : l * c + j];
          y[at(i * c + j)] = rq(acc, j);
        }
      }
      return y;
    };
    const auto [s, e, p, h] = n;
    wide total(at(s * e));
    for (index_t i = 0; i < h; ++i) {
      const auto& rq = requants[at(i)];
      const wide query = product(q, wq.data() + i * e * p, false, bq.data() + i * p, s, e, p, rq.query);
      const wide key = product(kv, wk.data() + i * e * p, false, bk.data() + i * p, s, e, p, rq.key);
      const wide value = product(kv, wv.data() + i * e * p, false, bv.data() + i * p, s, e, p, rq.value);
      const wide scores = product(query, key.data(), true, nullptr, s, p, s, rq.score);
      wide probabilities;
      for (index_t r = 0; r < s; ++r) {
        const std::vector<std::int8_t> x(scores.begin() + r * s, scores.begin() + (r + 1) * s);
        std::vector<std::uint8_t> y(x.size());
        ita::streaming_softmax{}(x.data(), y.data(), s);
        probabilities.insert(probabilities.end(), y.begin(), y.end());
      }
      const wide context = product(probabilities, value.data(), false, nullptr, s, s, p, rq.context);
      const wide out = product(context, wo.data() + i * p * e, false, bo.data() + i * e, s, p, e, rq.output);
      for (std::size_t k = 0; k < out.size(); ++k) total[k] += out[k];
    }
    std::vector<std::int8_t> y;
    for (const std::int64_t v : total) y.push_back(static_cast<std::int8_t>(sum(v, 0)));
    return y;
  }
};

struct alignas(scratch_alignment) block {
  std::byte bytes[scratch_alignment];
};

std::vector<block> scratch_for(const sizes& n) {
  return std::vector<block>(
      static_cast<std::size_t>(ceil_div(op::multi_head_attention_scratch_bytes(n.s, n.e, n.p), scratch_alignment)));
}
scratch_span span_of(std::vector<block>& blocks) {
  return {blocks.data(), static_cast<index_t>(blocks.size() * sizeof(block))};
}

template <class T>
status run(const attention_block& a, const std::int8_t* q, const std::int8_t* kv, std::int8_t* y) {
  auto scratch = scratch_for(a.n);
  return op::multi_head_attention<T>(matrix(q, a.n.s, a.n.e), matrix(kv, a.n.s, a.n.e), a.params(), span_of(scratch),
                                     matrix(y, a.n.s, a.n.e));
}

}  // namespace

static_assert(op::multi_head_attention_scratch_bytes(64, 64, 64) == 4 * 4096 + 4096 + 16384 + 2 * 4096);

TEST_CASE("multi_head_attention/ita/i8/both targets equal the formula") {
  for (const sizes& n : {sizes{1, 1, 1, 1}, sizes{3, 5, 2, 3}, sizes{16, 16, 16, 1}, sizes{17, 33, 15, 2},
                         sizes{64, 31, 65, 2}, sizes{65, 64, 7, 4}}) {
    const std::string id = "multi_head_attention/ita/" + std::to_string(n.s) + "x" + std::to_string(n.e) + "x" +
                           std::to_string(n.p) + "x" + std::to_string(n.h);
    CAPTURE(id);
    CAPTURE(support::seed_text());
    const attention_block a(n, id);
    const auto expected = a.by_definition();
    std::vector<std::int8_t> y(expected.size());
    REQUIRE(run<target::reference>(a, a.q.data(), a.kv.data(), y.data()) == status::ok);
    CHECK(y == expected);
    REQUIRE(run<target::host>(a, a.q.data(), a.kv.data(), y.data()) == status::ok);
    CHECK(y == expected);
    // In place on either input.
    y = a.q;
    REQUIRE(run<target::host>(a, y.data(), a.kv.data(), y.data()) == status::ok);
    CHECK(y == expected);
    y = a.kv;
    REQUIRE(run<target::host>(a, a.q.data(), y.data(), y.data()) == status::ok);
    CHECK(y == expected);
  }
}

TEST_CASE("feed_forward/ita/i8/activations and targets") {
  random_values random("feed_forward/ita");
  const index_t m = 19, e = 21, f = 37;
  const auto x = random.values<std::int8_t>(m * e);
  const auto up = random.values<std::int8_t>(e * f);
  const auto down = random.values<std::int8_t>(e * f);
  const auto biases = random.values<std::int8_t>(f + e);
  const std::vector<std::int32_t> bias(biases.begin(), biases.end());
  const ita::requant first{90, 13, 2}, second{75, 13, -1};
  const auto check = [&](const auto& activation) {
    const auto run_on = [&]<class T>(T) {
      std::vector<std::int8_t> hidden(static_cast<std::size_t>(m * f)), y(static_cast<std::size_t>(m * e));
      const status s =
          op::feed_forward<T>(matrix(x.data(), m, e), transposed(matrix(up.data(), e, f)), vector(bias.data(), f),
                              then{first, activation}, transposed(matrix(down.data(), f, e)),
                              vector(bias.data() + f, e), second, matrix(hidden.data(), m, f), matrix(y.data(), m, e));
      REQUIRE(s == status::ok);
      // The activation acts on the requantised byte.
      std::int64_t acc = bias[0];
      for (index_t k = 0; k < e; ++k)
        acc += std::int64_t{x[static_cast<std::size_t>(k)]} * up[static_cast<std::size_t>(k * f)];
      CHECK(hidden[0] == activation(first(acc, 0), 0));
      return y;
    };
    CHECK(run_on(target::reference{}) == run_on(target::host{}));
  };
  check(ita::identity{});
  check(ita::relu{{77, 6, 5}});
  check(ita::gelu{-80, -7091, {74, 20, 0}});
}

TEST_CASE("multi_head_attention/ita/i8/refuses") {
  const attention_block a({4, 6, 3, 2}, "multi_head_attention/ita/refuses");
  std::vector<std::int8_t> y(a.q.size());
  auto scratch = scratch_for(a.n);
  const auto call = [&](const ita::multi_head_attention_params& p, scratch_span memory, index_t columns = 6) {
    return op::multi_head_attention<target::reference>(matrix(a.q.data(), 4, 6), matrix(a.kv.data(), 4, 6), p, memory,
                                                       matrix(y.data(), 4, columns));
  };
  CHECK(call(a.params(), span_of(scratch)) == status::ok);
  CHECK(call(a.params(), span_of(scratch), 5) == status::shape_mismatch);
  CHECK(call(a.params(), {scratch.data(), 64}) == status::scratch_too_small);
  CHECK(call(a.params(), {reinterpret_cast<std::byte*>(scratch.data()) + 1, span_of(scratch).bytes}) ==
        status::misaligned);
  auto p = a.params();
  p.heads = 0;
  CHECK(call(p, span_of(scratch)) == status::shape_mismatch);
  for (const auto member :
       {&ita::multi_head_attention_params::query_weight, &ita::multi_head_attention_params::output_weight}) {
    p = a.params();
    p.*member = nullptr;
    CHECK(call(p, span_of(scratch)) == status::null_pointer);
  }
  p = a.params();
  p.key_bias = nullptr;
  CHECK(call(p, span_of(scratch)) == status::null_pointer);
  p = a.params();
  p.requants = nullptr;
  CHECK(call(p, span_of(scratch)) == status::null_pointer);
  // Longer than the hardware's sum can hold.
  const std::vector<std::int8_t> tall(2048);
  std::vector<std::int8_t> out(2048);
  const attention_block one({1, 1, 1, 1}, "multi_head_attention/ita/one");
  auto much = scratch_for({2048, 1, 1, 1});
  CHECK(op::multi_head_attention<target::reference>(matrix(tall.data(), 2048, 1), matrix(tall.data(), 2048, 1),
                                                    one.params(), span_of(much),
                                                    matrix(out.data(), 2048, 1)) == status::shape_mismatch);
}
