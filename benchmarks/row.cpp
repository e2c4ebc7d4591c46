// SPDX-License-Identifier: Apache-2.0
#include "support/ibert_data.hpp"
#include "support/measure.hpp"
#include "tessera/kernel/mean/xsimd.hpp"
#include "tessera/kernel/row/ibert_xsimd.hpp"
#include "tessera/kernel/row/ita_xsimd.hpp"
#include "tessera/kernel/row/quantlib_xsimd.hpp"

namespace tessera::bench {
namespace {

using support::matrix_shape;

index_t size(const matrix_shape& s) { return s.rows * s.columns; }

/// y[r][:] = params(x[r][:]). make(random): the input and what owns the parameters' constants.
template <class X, class Y, class Make>
void row_case(const std::string& op_and_type, const matrix_shape& s, Make make) {
  const auto n = static_cast<double>(size(s));
  const work w{.elements = n, .bytes = n * static_cast<double>(sizeof(X) + sizeof(Y))};
  add_case<Y>(op_and_type + "/" + to_string(s), size(s), w, [s, make] {
    random_data random;
    return [s, data = make(random)]<Target T>(T, Y* y) {
      return op::softmax<T>(matrix(data.x.data(), s.rows, s.columns), data.params(), matrix(y, s.rows, s.columns));
    };
  });
}

/// Input and parameters of a row operator; `Constants` owns what the parameters point to.
template <class X, class Constants, class Params>
struct row_data {
  buffer<X> x;
  Constants constants;
  Params to_params;
  auto params() const { return to_params(constants); }
};
template <class X, class Constants, class Params>
row_data(buffer<X>, Constants, Params) -> row_data<X, Constants, Params>;

// ---- ibert ---------------------------------------------------------------------------------------------------------

void softmax_ibert(const matrix_shape& s) {
  row_case<std::int32_t, std::uint8_t>("softmax/i32u8_ibert", s, [s](random_data& random) {
    return row_data{random.normal<std::int32_t>(size(s), 1.5 / score_scale(64)), score_softmax(64),
                    [](const ibert::softmax<>& p) { return p; }};
  });
}

void layer_norm_ibert(const matrix_shape& s) {
  row_case<std::int32_t, std::int64_t>("layer_norm/i32i64_ibert", s, [s](random_data& random) {
    return row_data{random.normal<std::int32_t>(size(s), 1.0 / norm_scale), norm_data(random, s.columns),
                    [](const norm_data& n) { return n.view(); }};
  });
}

// ---- ita and quantlib ----------------------------------------------------------------------------------------------

/// Scores whose deviation is `deviation` units.
template <class Params>
void softmax_bytes(const std::string& dialect, const matrix_shape& s, const Params& params, double deviation) {
  row_case<std::int8_t, std::uint8_t>("softmax/i8u8_" + dialect, s, [s, params, deviation](random_data& random) {
    return row_data{random.normal<std::int8_t>(size(s), deviation), params, [](const Params& p) { return p; }};
  });
}

/// Weights and biases of a normalisation per column: a normalised value of 1 becomes about 32.
struct column_constants {
  static constexpr std::int32_t log2_d = 16;
  buffer<std::int32_t> w, b;
  column_constants(random_data& random, index_t n, std::int32_t middle)
      : w(random.uniform<std::int32_t>(n, middle / 2, middle * 3 / 2)),
        b(random.uniform<std::int32_t>(n, -middle / 4, middle / 4)) {}
};

/// to_params(constants) gives the operator's parameters.
template <class ToParams>
void norm_bytes(const std::string& op_and_type, const matrix_shape& s, std::int32_t middle, ToParams to_params) {
  row_case<std::int8_t, std::int8_t>(op_and_type, s, [s, middle, to_params](random_data& random) {
    return row_data{random.normal<std::int8_t>(size(s), 32.0), column_constants(random, s.columns, middle), to_params};
  });
}

/// The mean of every column or of every row, as the name of the removed axis says.
template <axis Removed>
void mean(const std::string& type, const matrix_shape& s) {
  const index_t outputs = Removed == axis::rows ? s.columns : s.rows;
  const auto n = static_cast<double>(size(s));
  const work w{.elements = n, .bytes = n + static_cast<double>(outputs)};
  add_case<std::int8_t>("mean/" + type + "/" + to_string(s), outputs, w, [s, outputs] {
    random_data random;
    return [s, outputs, x = random.uniform<std::int8_t>(size(s))]<Target T>(T, std::int8_t* y) {
      return op::mean<T, Removed>(matrix(x.data(), s.rows, s.columns), quantlib::mean<>{}, vector(y, outputs));
    };
  });
}

// ---- All -----------------------------------------------------------------------------------------------------------

void all_softmax(const matrix_shape& s) {
  softmax_ibert(s);
  softmax_bytes("ita", s, ita::streaming_softmax{}, 2.0);
  softmax_bytes("isoftmax", s, quantlib::isoftmax_for_scale(8.0 / 127), 32.0);
  softmax_bytes("itamax", s, quantlib::itamax{}, 32.0);
  softmax_bytes("itapartialmax", s, quantlib::itapartialmax<>{}, 32.0);
}

void all_norms(const matrix_shape& s) {
  constexpr std::int32_t log2_d = column_constants::log2_d;
  layer_norm_ibert(s);
  norm_bytes("layer_norm/i8i8_quantlib", s, 32 << log2_d, [](const column_constants& c) {
    return quantlib::ilayer_norm<>{c.w.data(), c.b.data(), log2_d};
  });
  norm_bytes("rms_norm/i8i8_quantlib", s, 32 << log2_d, [](const column_constants& c) {
    return quantlib::irms_norm{c.w.data(), log2_d};
  });
  mean<axis::rows>("i8i8_quantlib_rows", s);
  mean<axis::columns>("i8i8_quantlib_columns", s);
  norm_bytes("inonorm/i8i8_quantlib", s, 128, [](const column_constants& c) {
    return quantlib::inonorm<>{c.w.data(), c.b.data(), 512, log2_d};
  });
}

}  // namespace

void register_benchmarks() {
  for (const auto& s : support::softmax_shapes) all_softmax(s);
  all_softmax(support::odd_matrix);
  for (const auto& s : support::norm_shapes) all_norms(s);
  all_norms(support::odd_matrix);
}

}  // namespace tessera::bench
