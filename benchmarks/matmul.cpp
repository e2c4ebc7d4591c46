// SPDX-License-Identifier: Apache-2.0
#include "support/byte_data.hpp"
#include "support/ibert_data.hpp"
#include "support/measure.hpp"
#include "tessera/kernel/map/ita_xsimd.hpp"
#include "tessera/kernel/map/quantlib_xsimd.hpp"
#include "tessera/kernel/matmul/xsimd.hpp"

namespace tessera::bench {
namespace {

work product(const support::product_shape& s, std::size_t output_bytes) {
  const auto m = static_cast<double>(s.m), n = static_cast<double>(s.n), k = static_cast<double>(s.k);
  return {.macs = m * n * k, .bytes = m * k + n * k + m * n * static_cast<double>(output_bytes)};
}

void linear_ibert(const support::product_shape& s) {
  add_case<std::int8_t>("linear/i8i8_ibert/" + to_string(s), s.m * s.n, product(s, 1), [s] {
    random_data random;
    const linear_data layer(random, s.n, s.k, activation_scale);
    return [s, layer, act = channel_multipliers(layer.scale, activation_scale),
            x = random.normal<std::int8_t>(s.m * s.k, activation_deviation)]<Target T>(T, std::int8_t* y) {
      return op::linear<T>(matrix(x.data(), s.m, s.k), matrix(layer.weight.data(), s.n, s.k),
                           vector(layer.bias.data(), s.n), act.to(to_8bit), matrix(y, s.m, s.n));
    };
  });
}

/// A linear layer with the accelerator's requantisation, one for all channels.
void linear_ita(const support::product_shape& s) {
  add_case<std::int8_t>("linear/i8i8_ita/" + to_string(s), s.m * s.n, product(s, 1), [s] {
    random_data random;
    const double deviation = accumulator_deviation(s.k);
    return
        [s, act = ita_requant(activation_deviation / deviation, 3),
         w = random.uniform<std::int8_t>(s.n * s.k, -127, 126), bias = random.normal<std::int32_t>(s.n, deviation / 8),
         x = random.normal<std::int8_t>(s.m * s.k, activation_deviation)]<Target T>(T, std::int8_t* y) {
          return op::linear<T>(matrix(x.data(), s.m, s.k), matrix(w.data(), s.n, s.k), vector(bias.data(), s.n), act,
                               matrix(y, s.m, s.n));
        };
  });
}

void linear_quantlib(const support::product_shape& s) {
  add_case<std::int8_t>("linear/i8i8_quantlib/" + to_string(s), s.m * s.n, product(s, 1), [s] {
    random_data random;
    const double deviation = accumulator_deviation(s.k);
    return
        [s, act = quantlib_channels(random, s.n, activation_deviation / deviation),
         w = random.uniform<std::int8_t>(s.n * s.k, -127, 126), bias = random.normal<std::int32_t>(s.n, deviation / 8),
         x = random.normal<std::int8_t>(s.m * s.k, activation_deviation)]<Target T>(T, std::int8_t* y) {
          return op::linear<T>(matrix(x.data(), s.m, s.k), matrix(w.data(), s.n, s.k), vector(bias.data(), s.n),
                               act.view(), matrix(y, s.m, s.n));
        };
  });
}

/// The accumulators of q . k^T, which I-BERT's softmax reads.
void scores(const support::product_shape& s) {
  add_case<std::int32_t>("matmul/i8i8_i32_bt/" + to_string(s), s.m * s.n, product(s, 4), [s] {
    random_data random;
    return [s, q = random.normal<std::int8_t>(s.m * s.k, activation_deviation),
            k = random.normal<std::int8_t>(s.n * s.k, activation_deviation)]<Target T>(T, std::int32_t* y) {
      return op::matmul<T>(matrix(q.data(), s.m, s.k), transposed(matrix(k.data(), s.n, s.k)), keep_accumulator,
                           matrix(y, s.m, s.n));
    };
  });
}

/// Probabilities . v.
void context_ibert(const support::product_shape& s) {
  add_case<std::int8_t>("matmul/u8i8_ibert/" + to_string(s), s.m * s.n, product(s, 1), [s] {
    random_data random;
    return
        [s, act = dyadic(activation_scale / 256, 1.0 / 127, to_8bit), p = random.uniform<std::uint8_t>(s.m * s.k, 0, 8),
         v = random.normal<std::int8_t>(s.k * s.n, activation_deviation)]<Target T>(T, std::int8_t* y) {
          return op::matmul<T>(matrix(p.data(), s.m, s.k), matrix(v.data(), s.k, s.n), act, matrix(y, s.m, s.n));
        };
  });
}

}  // namespace

void register_benchmarks() {
  for (const auto& s : support::linear_shapes) linear_ibert(s);
  linear_ibert(support::odd_product);
  for (const auto dialect : {linear_ita, linear_quantlib}) {
    dialect(support::linear_shapes[0]);
    dialect(support::odd_product);
  }
  scores(support::score_shape);
  scores(support::odd_product);
  context_ibert(support::context_shape);
  context_ibert(support::odd_product);
}

}  // namespace tessera::bench
