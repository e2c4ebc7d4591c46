// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <random>

#include "support/byte_data.hpp"
#include "support/ibert_data.hpp"
#include "support/measure.hpp"
#include "tessera/kernel/embedding/xsimd.hpp"
#include "tessera/kernel/map/ita_xsimd.hpp"
#include "tessera/kernel/map/quantlib_xsimd.hpp"

namespace tessera::bench {
namespace {

using support::matrix_shape;

index_t size(const matrix_shape& s) { return s.rows * s.columns; }

template <class X, class Y>
work elements(const matrix_shape& s) {
  const auto n = static_cast<double>(size(s));
  return {.elements = n, .bytes = n * static_cast<double>(sizeof(X) + sizeof(Y))};
}

/// An element-wise operator on inputs that change from call to call, until this many elements have been seen: a branch
/// predictor must not learn the values of a small tensor by heart, which no network would give it the time for.
constexpr index_t fresh_elements = index_t{1} << 17;

template <class X, class Y, class Data>
class map_on_fresh_inputs {
 public:
  map_on_fresh_inputs(const matrix_shape& s, Data data)
      : shape_(s), data_(std::move(data)), copies_(max<index_t>(fresh_elements / size(s), 1)) {
    std::mt19937_64 engine(seed);
    for (index_t i = 0; i < copies_; ++i) {
      std::shuffle(data_.x.begin(), data_.x.end(), engine);
      inputs_.insert(inputs_.end(), data_.x.begin(), data_.x.end());
    }
  }
  template <Target T>
  status operator()(T, Y* y) {
    const X* const x = inputs_.data() + turn_ * size(shape_);
    turn_ = turn_ + 1 == copies_ ? 0 : turn_ + 1;
    return op::requantize<T>(matrix(x, shape_.rows, shape_.columns), data_.policy(),
                             matrix(y, shape_.rows, shape_.columns));
  }
  void rewind() { turn_ = 0; }

 private:
  matrix_shape shape_;
  Data data_;
  index_t copies_;
  index_t turn_ = 0;
  buffer<X> inputs_;
};

/// y = policy(x). make(random): pairs of the input and of a function that gives the policy, which points into it.
template <class X, class Y, class Make>
void map_case(const std::string& op_and_type, const matrix_shape& s, Make make) {
  add_case<Y>(op_and_type + "/" + to_string(s), size(s), elements<X, Y>(s), [s, make] {
    random_data random;
    return map_on_fresh_inputs<X, Y, decltype(make(random))>(s, make(random));
  });
}

/// Input and policy of a map; `Constants` owns what the policy points to.
template <class X, class Constants, class Policy>
struct map_data {
  buffer<X> x;
  Constants constants;
  Policy to_policy;
  auto policy() const { return to_policy(constants); }
};
template <class X, class Constants, class Policy>
map_data(buffer<X>, Constants, Policy) -> map_data<X, Constants, Policy>;

// ---- ibert ---------------------------------------------------------------------------------------------------------

void requantize_ibert(const matrix_shape& s) {
  map_case<std::int32_t, std::int8_t>("requantize/i32i8_ibert", s, [s](random_data& random) {
    const linear_data layer(random, s.columns, 1, activation_scale / 8);
    return map_data{random.normal<std::int32_t>(size(s), 8 * 127), channel_multipliers(layer.scale, activation_scale),
                    [](const channel_multipliers& m) { return m.to(to_8bit); }};
  });
}

/// What follows layer normalisation in Hugging Face's flow.
void requantize_wide_ibert(const matrix_shape& s) {
  map_case<std::int64_t, std::int8_t>("requantize/i64i8_ibert", s, [s](random_data& random) {
    const norm_data norm(random, s.columns);
    return map_data{random.normal<std::int64_t>(size(s), 1.0 / norm.scale[0]),
                    channel_multipliers(norm.scale, activation_scale), [](const channel_multipliers& m) {
                      return then{m.to(to_8bit), dyadic(activation_scale, activation_scale, to_8bit)};
                    }};
  });
}

/// GELU of a linear layer's accumulators, requantised at once.
void gelu_ibert(const matrix_shape& s) {
  struct constants {
    gelu_data gelu;
    channel_multipliers act;
  };
  map_case<std::int32_t, std::int8_t>("gelu/i32i8_ibert", s, [s](random_data& random) {
    const linear_data layer(random, s.columns, 768, activation_scale);
    const gelu_data gelu(layer.scale);
    return map_data{random.normal<std::int32_t>(size(s), 1.0 / layer.scale[0]),
                    constants{gelu, channel_multipliers(gelu.scale, layer_data::gelu_scale)}, [](const constants& k) {
                      return then{k.gelu.view(), k.act.to(to_8bit)};
                    }};
  });
}

/// GELU alone, all of its bits.
void gelu_wide_ibert(const matrix_shape& s) {
  map_case<std::int32_t, std::int64_t>("gelu/i32i64_ibert", s, [s](random_data& random) {
    const linear_data layer(random, s.columns, 768, activation_scale);
    return map_data{random.normal<std::int32_t>(size(s), 1.0 / layer.scale[0]), gelu_data(layer.scale),
                    [](const gelu_data& gelu) { return gelu.view(); }};
  });
}

/// The residual sum before layer normalisation.
void add_ibert(const matrix_shape& s) {
  work w = elements<std::int32_t, std::int32_t>(s);
  w.bytes += static_cast<double>(size(s));
  add_case<std::int32_t>("add/i32i8i32_ibert/" + to_string(s), size(s), w, [s] {
    random_data random;
    const linear_data layer(random, s.columns, 768, activation_scale);
    return [s, act = channel_multipliers(layer.scale, norm_scale),
            a = random.normal<std::int32_t>(size(s), 1.0 / layer.scale[0]),
            b = random.normal<std::int8_t>(size(s), activation_deviation)]<Target T>(T, std::int32_t* y) {
      return op::add<T>(matrix(a.data(), s.rows, s.columns), act.to(keep_accumulator),
                        matrix(b.data(), s.rows, s.columns), dyadic(activation_scale, norm_scale, keep_accumulator),
                        to_22bit, matrix(y, s.rows, s.columns));
    };
  });
}

// ---- ita and quantlib ----------------------------------------------------------------------------------------------

/// Scale of the 8-bit inputs of activations, and the deviation of wide inputs.
constexpr double byte_scale = 4.0 / 127;
constexpr double wide_deviation = 65536;

/// A policy without channels, on bytes and on accumulators (through `first`).
template <class First, class Policy>
void uniform_cases(const std::string& op, const std::string& dialect, const matrix_shape& s, const First& first,
                   const Policy& policy) {
  map_case<std::int8_t, std::int8_t>(op + "/i8i8_" + dialect, s, [s, policy](random_data& random) {
    return map_data{random.normal<std::int8_t>(size(s), 127.0 / 4), policy, [](const Policy& p) { return p; }};
  });
  map_case<std::int32_t, std::int8_t>(op + "/i32i8_" + dialect, s, [s, first, policy](random_data& random) {
    return map_data{random.normal<std::int32_t>(size(s), wide_deviation), then{first, policy},
                    [](const then<First, Policy>& p) { return p; }};
  });
}

/// Requantisation of accumulators alone.
template <class Policy>
void requantize_case(const std::string& type, const matrix_shape& s, const Policy& policy) {
  map_case<std::int32_t, std::int8_t>("requantize/" + type, s, [s, policy](random_data& random) {
    return map_data{random.normal<std::int32_t>(size(s), wide_deviation), policy, [](const Policy& p) { return p; }};
  });
}

void requantize_quantlib_channels(const matrix_shape& s) {
  map_case<std::int32_t, std::int8_t>("requantize/i32i8_quantlib_channels", s, [s](random_data& random) {
    return map_data{random.normal<std::int32_t>(size(s), wide_deviation),
                    quantlib_channels(random, s.columns, 127.0 / 4 / wide_deviation),
                    [](const quantlib_channels& c) { return c.view(); }};
  });
}

void add_quantlib(const matrix_shape& s) {
  work w = elements<std::int8_t, std::int8_t>(s);
  w.bytes += static_cast<double>(size(s));
  add_case<std::int8_t>("add/i8i8i8_quantlib/" + to_string(s), size(s), w, [s] {
    random_data random;
    return [s, first = quantlib_requant(0.6), second = quantlib_requant(0.4),
            a = random.normal<std::int8_t>(size(s), 127.0 / 4),
            b = random.normal<std::int8_t>(size(s), 127.0 / 4)]<Target T>(T, std::int8_t* y) {
      return op::add<T>(matrix(a.data(), s.rows, s.columns), first, matrix(b.data(), s.rows, s.columns), second,
                        to_8bit, matrix(y, s.rows, s.columns));
    };
  });
}

void bytes_of(const matrix_shape& s) {
  constexpr double to_byte = 127.0 / 4 / wide_deviation;
  const ita::requant ita_first = ita_requant(to_byte);
  requantize_case("i32i8_ita", s, ita_first);
  uniform_cases("gelu", "ita", s, ita_first, ita::gelu_for_scale(byte_scale));
  uniform_cases("relu", "ita", s, ita_first, ita::relu{ita_requant(0.9)});

  const quantlib::requant_shift quantlib_first = quantlib_requant(to_byte);
  requantize_case("i32i8_quantlib", s, quantlib_first);
  requantize_quantlib_channels(s);
  const quantlib::igelu gelu = quantlib::igelu_for_scale(byte_scale);
  uniform_cases("gelu", "quantlib", s, quantlib_first, then{gelu, quantlib_requant(0.9 / gelu.one)});
  const quantlib::ihardswish swish{32, 95, 191};  // 1/6, 3 and 6 in units of the scale, the first times 191
  uniform_cases("hardswish", "quantlib", s, quantlib_first, then{swish, quantlib_requant(1.0 / (32 * 191))});
  add_quantlib(s);
}

// ---- Any dialect ---------------------------------------------------------------------------------------------------

void embedding(const matrix_shape& s) {
  constexpr index_t vocabulary = 4096;
  add_case<std::int8_t>("embedding/i8/" + to_string(s), size(s), elements<std::int8_t, std::int8_t>(s), [s] {
    random_data random;
    return [s, table = random.uniform<std::int8_t>(vocabulary * s.columns),
            ids = random.uniform<std::int32_t>(s.rows, 0, vocabulary - 1)]<Target T>(T, std::int8_t* y) {
      return op::embedding<T>(vector(ids.data(), s.rows), matrix(table.data(), vocabulary, s.columns),
                              matrix(y, s.rows, s.columns));
    };
  });
}

void all_of(const matrix_shape& s) {
  requantize_ibert(s);
  requantize_wide_ibert(s);
  gelu_ibert(s);
  gelu_wide_ibert(s);
  add_ibert(s);
  bytes_of(s);
  embedding(s);
}

}  // namespace

void register_benchmarks() {
  for (const auto& s : support::activation_shapes) all_of(s);
  all_of(support::odd_matrix);
}

}  // namespace tessera::bench
