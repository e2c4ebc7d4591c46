// SPDX-License-Identifier: Apache-2.0
#include "support/byte_data.hpp"
#include "support/ibert_data.hpp"
#include "support/measure.hpp"
#include "tessera/kernel/encoder/xsimd.hpp"
#include "tessera/kernel/map/ita_xsimd.hpp"
#include "tessera/kernel/row/ita_xsimd.hpp"

namespace tessera::bench {
namespace {

using support::layer_shape;

index_t tokens(const layer_shape& s) { return s.sequence * s.channels; }

scratch_span scratch_of(buffer<unsigned char>& memory) { return {memory.data(), static_cast<index_t>(memory.size())}; }
buffer<unsigned char> scratch_memory(index_t bytes) { return buffer<unsigned char>(static_cast<std::size_t>(bytes)); }

double attention_macs(const layer_shape& s) {
  return 2.0 * static_cast<double>(s.sequence) * static_cast<double>(tokens(s));
}
double feed_forward_macs(const layer_shape& s) {
  return 2.0 * static_cast<double>(tokens(s)) * static_cast<double>(s.intermediate);
}
double projection_macs(const layer_shape& s) {
  return 4.0 * static_cast<double>(tokens(s)) * static_cast<double>(s.channels);
}

/// All heads: scores, softmax, context. Score is what softmax reads.
template <class Score, class ScorePolicy, class Softmax, class ContextPolicy>
void attention(const std::string& type, const layer_shape& s, const ScorePolicy& score, const Softmax& softmax,
               const ContextPolicy& context) {
  const std::string shape =
      std::to_string(s.sequence) + "x" + std::to_string(s.channels) + "x" + std::to_string(s.heads);
  add_case<std::int8_t>("attention/" + type + "/" + shape, tokens(s), {.macs = attention_macs(s)}, [=] {
    random_data random;
    return
        [=, q = random.normal<std::int8_t>(tokens(s), activation_deviation),
         k = random.normal<std::int8_t>(tokens(s), activation_deviation),
         v = random.normal<std::int8_t>(tokens(s), activation_deviation),
         memory = scratch_memory(op::attention_scratch_bytes<Score>(s.sequence))]<Target T>(T, std::int8_t* y) mutable {
          const auto view = [s](auto* data) { return matrix(data, s.sequence, s.channels); };
          return op::attention<T, Score>(view(q.data()), view(k.data()), view(v.data()), 1, s.heads, score, softmax,
                                         context, nullptr, scratch_of(memory), view(y));
        };
  });
}

void attention_ibert(const layer_shape& s) {
  attention<std::int32_t>("i8_ibert", s, keep_accumulator, score_softmax(s.channels / s.heads),
                          dyadic(activation_scale / 256, layer_data::context_scale, to_8bit));
}

/// Scores with a deviation of two octaves.
void attention_ita(const layer_shape& s) {
  const double width = static_cast<double>(s.channels / s.heads);
  const double products = activation_deviation * activation_deviation * square_root(width);
  attention<std::int8_t>("i8_ita", s, ita_requant(2.0 / products), ita::streaming_softmax{}, ita_requant(1.0 / 64));
}

/// Linear, GELU, requantisation, linear, requantisation.
void feed_forward_ibert(const layer_shape& s) {
  const support::product_shape shape{s.sequence, s.channels, s.intermediate};
  add_case<std::int8_t>("feed_forward/i8_ibert/" + to_string(shape), tokens(s), {.macs = feed_forward_macs(s)}, [s] {
    random_data random;
    const layer_data layer(random, s);
    return [s, layer, last = channel_multipliers(layer.output.scale, activation_scale),
            x = random.normal<std::int8_t>(tokens(s), activation_deviation),
            hidden = buffer<std::int8_t>(static_cast<std::size_t>(s.sequence * s.intermediate))]<Target T>(
               T, std::int8_t* y) mutable {
      const then activate{layer.activation.view(), layer.activation_act.to(to_8bit)};
      return op::feed_forward<T>(matrix(x.data(), s.sequence, s.channels),
                                 matrix(layer.intermediate.weight.data(), s.intermediate, s.channels),
                                 vector(layer.intermediate.bias.data(), s.intermediate), activate,
                                 matrix(layer.output.weight.data(), s.channels, s.intermediate),
                                 vector(layer.output.bias.data(), s.channels), last.to(to_8bit),
                                 matrix(hidden.data(), s.sequence, s.intermediate), matrix(y, s.sequence, s.channels));
    };
  });
}

void encoder_layer_ibert(const layer_shape& s) {
  const double macs = attention_macs(s) + feed_forward_macs(s) + projection_macs(s);
  add_case<std::int8_t>("encoder_layer/i8_ibert/" + to_string(s), tokens(s), {.macs = macs}, [s] {
    random_data random;
    const encoder_shape<> shape{s.channels, s.heads, s.intermediate};
    return [s, shape, layer = layer_data(random, s), x = random.normal<std::int8_t>(tokens(s), activation_deviation),
            memory = scratch_memory(op::encoder_layer_scratch_bytes(shape, 1, s.sequence))]<Target T>(
               T, std::int8_t* y) mutable {
      return op::encoder_layer<T>(shape, matrix(x.data(), s.sequence, s.channels), 1, nullptr, layer.params(),
                                  layer.output_act.to(to_8bit), scratch_of(memory), matrix(y, s.sequence, s.channels));
    };
  });
}

}  // namespace

void register_benchmarks() {
  for (const auto& s : support::layer_shapes) {
    attention_ibert(s);
    attention_ita(s);
    feed_forward_ibert(s);
    encoder_layer_ibert(s);
  }
}

}  // namespace tessera::bench
