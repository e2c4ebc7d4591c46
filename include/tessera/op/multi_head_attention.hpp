// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Multi-head attention with its projections, as the Integer Transformer Accelerator computes it, and the sum over
/// heads that its software adds. Composed of linear, attention, add and requantize.

#include "tessera/arith/ita.hpp"
#include "tessera/op/attention.hpp"
#include "tessera/op/map.hpp"

namespace tessera {

namespace ita {

/// The requantisations of one head, in the order of PyITA's table. MemPool's driver has Q, K, QK, V, AV, OW.
struct head_requants {
  requant query, key, value;  ///< projections -> 8 bits
  requant score;              ///< q . k^T -> the logits of softmax; 1/sqrt(P) is in here
  requant context;            ///< probabilities . v -> 8 bits
  requant output;             ///< output projection -> 8 bits
};

/// Everything constant of an attention block of H heads, P channels wide each. The arrays belong to somebody else.
/// Weights are stored as PyITA does: input channels x output channels, row-major, one head after the other.
struct multi_head_attention_params {
  index_t heads = 0;
  index_t projection = 0;
  const int8_t* query_weight = nullptr;     ///< (H, E, P)
  const int8_t* key_weight = nullptr;       ///< (H, E, P)
  const int8_t* value_weight = nullptr;     ///< (H, E, P)
  const int8_t* output_weight = nullptr;    ///< (H, P, E)
  const int32_t* query_bias = nullptr;      ///< (H, P)
  const int32_t* key_bias = nullptr;        ///< (H, P)
  const int32_t* value_bias = nullptr;      ///< (H, P)
  const int32_t* output_bias = nullptr;     ///< (H, E)
  const head_requants* requants = nullptr;  ///< (H)
  requant sum{};                            ///< sum over heads -> 8 bits
};

}  // namespace ita

/// Buffers for one head, and the sum over heads.
struct multi_head_attention_buffers {
  slice<int8_t> query, key, value, context;  ///< (S, P)
  slice<int8_t> output;                      ///< (S, E)
  slice<int32_t> sum;                        ///< (S, E)
  slice<unsigned char> attention;
  index_t attention_bytes = 0;
  index_t bytes = 0;
  constexpr multi_head_attention_buffers(index_t sequence, index_t channels, index_t projection) {
    arena_plan plan;
    query = plan.add<int8_t>(sequence * projection);
    key = plan.add<int8_t>(sequence * projection);
    value = plan.add<int8_t>(sequence * projection);
    context = plan.add<int8_t>(sequence * projection);
    output = plan.add<int8_t>(sequence * channels);
    sum = plan.add<int32_t>(sequence * channels);
    attention_bytes = attention_buffers<int8_t>(sequence).bytes;
    attention = plan.add<unsigned char>(attention_bytes);
    bytes = plan.bytes();
  }
};

namespace detail {
/// Hands what attention shows of its only head to an observer of all heads.
template <class Observer>
struct head_observer {
  static constexpr bool enabled = Observer::enabled;
  Observer* all;
  index_t h;
  template <class View>
  void head(const char* what, index_t batch, index_t, const View& view) {
    all->head(what, batch, h, view);
  }
  int32_t* accumulators(index_t count) { return all->accumulators(count); }
};
}  // namespace detail

namespace op {

/// Bytes of scratch that `multi_head_attention` needs for S tokens of E channels and heads of P channels.
constexpr index_t multi_head_attention_scratch_bytes(index_t sequence, index_t channels, index_t projection) {
  return multi_head_attention_buffers(sequence, channels, projection).bytes;
}

/// q: (S, E) int8, kv: (S, E) int8 -> y: (S, E) int8. For each head h, with RQ0..RQ5 the requantisations of the head:
///   Q = RQ0( q . Wq[h] + Bq[h] );  K = RQ1( kv . Wk[h] + Bk[h] );  V = RQ2( kv . Wv[h] + Bv[h] )     (S, P)
///   A = RQ3( Q . K^T );  P = softmax(A);  O = RQ4( P . V );  Out[h] = RQ5( O . Wo[h] + Bo[h] )
/// and y = RQ6( sum over h of Out[h] ), the sum in 32 bits. Keys and values come from the same tensor. Scales are in
/// the requantisations; softmax's input has one octave per unit, its output 1/256. 1 <= S <= 2047, see
/// `ita::streaming_softmax`. Accumulators have 32 bits where the hardware has 26: the same numbers for S, E, P <= 512
/// and |bias| < 2^23, which are the hardware's limits. Overlap: y may be q or kv, as it is written last; scratch may
/// overlap nothing. An observer sees, for each head, query, key, value, output and their `.acc`, scores, probs, context
/// (accumulator) and context.out; and as a tensor the sum. Source: pulp-platform/ITA, section 3 of its paper and
/// PyITA's Transformer.
template <Target T, RowMatrixView Q, RowMatrixView Kv, RowMatrixView Y, class Observer = no_observer>
status multi_head_attention(Q q, Kv kv, const ita::multi_head_attention_params& p, scratch_span scratch, Y y,
                            Observer* observer = nullptr) {
  static_assert(same_as<typename Q::value_type, int8_t> && same_as<typename Kv::value_type, int8_t> &&
                    same_as<typename Y::value_type, int8_t>,
                "multi_head_attention: inputs and output are int8");
  const index_t s = q.extent(0);
  const index_t e = q.extent(1);
  const index_t width = p.projection;
  if (p.heads < 1 || width < 1 || s < 1 || e < 1) return status::shape_mismatch;
  if (kv.extent(0) != s || kv.extent(1) != e || y.extent(0) != s || y.extent(1) != e) return status::shape_mismatch;
  if (p.requants == nullptr) return status::null_pointer;
  if (p.query_weight == nullptr || p.key_weight == nullptr || p.value_weight == nullptr || p.output_weight == nullptr ||
      p.query_bias == nullptr || p.key_bias == nullptr || p.value_bias == nullptr || p.output_bias == nullptr) {
    return status::null_pointer;
  }
  const multi_head_attention_buffers buffers(s, e, width);
  if (const status bad = check_arena(scratch, buffers.bytes); bad != status::ok) return bad;
  const auto query = matrix(buffers.query.in(scratch), s, width);
  const auto key = matrix(buffers.key.in(scratch), s, width);
  const auto value = matrix(buffers.value.in(scratch), s, width);
  const auto context = matrix(buffers.context.in(scratch), s, width);
  const auto output = matrix(buffers.output.in(scratch), s, e);
  const auto sum = matrix(buffers.sum.in(scratch), s, e);
  const scratch_span attention_scratch{buffers.attention.in(scratch), buffers.attention_bytes};

  status result = status::ok;
  for (index_t h = 0; h < p.heads; ++h) {
    // in . weights[h] + biases[h], weights of this head (inputs, outputs)
    const auto project = [&](const char* name, const char* acc_name, const auto& in, const int8_t* weights,
                             const int32_t* biases, const ita::requant& policy, const auto& out) {
      const index_t inputs = in.extent(1);
      const index_t outputs = out.extent(1);
      const auto weight = transposed(matrix(weights + h * inputs * outputs, inputs, outputs));
      const auto bias = vector(biases + h * outputs, outputs);
      if constexpr (Observer::enabled) {
        const auto acc = matrix(observer->accumulators(s * outputs), s, outputs);
        result = linear<T>(in, weight, bias, keep_accumulator, acc);
        if (result != status::ok) return false;
        observer->head(acc_name, 0, h, acc);
      }
      result = linear<T>(in, weight, bias, policy, out);
      if (result != status::ok) return false;
      if constexpr (Observer::enabled) observer->head(name, 0, h, out);
      return true;
    };
    const ita::head_requants& rq = p.requants[h];
    if (!project("query", "query.acc", q, p.query_weight, p.query_bias, rq.query, query)) return result;
    if (!project("key", "key.acc", kv, p.key_weight, p.key_bias, rq.key, key)) return result;
    if (!project("value", "value.acc", kv, p.value_weight, p.value_bias, rq.value, value)) return result;
    if constexpr (Observer::enabled) {
      detail::head_observer<Observer> one{observer, h};
      result = attention<T, int8_t>(query, key, value, 1, 1, rq.score, ita::streaming_softmax{}, rq.context, nullptr,
                                    attention_scratch, context, &one);
      if (result == status::ok) observer->head("context.out", 0, h, context);
    } else {
      result = attention<T, int8_t>(query, key, value, 1, 1, rq.score, ita::streaming_softmax{}, rq.context, nullptr,
                                    attention_scratch, context);
    }
    if (result != status::ok) return result;
    if (!project("output", "output.acc", context, p.output_weight, p.output_bias, rq.output, output)) return result;
    result = h == 0 ? requantize<T>(output, keep_accumulator, sum)
                    : add<T>(sum, keep_accumulator, output, keep_accumulator, keep_accumulator, sum);
    if (result != status::ok) return result;
  }
  if constexpr (Observer::enabled) observer->tensor("sum", sum);
  return requantize<T>(sum, p.sum, y);
}

}  // namespace op
}  // namespace tessera
