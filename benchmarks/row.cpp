// SPDX-License-Identifier: Apache-2.0
#include "support/ibert_data.hpp"
#include "support/measure.hpp"
#include "tessera/kernel/row/ibert_xsimd.hpp"

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

void all_softmax(const matrix_shape& s) { softmax_ibert(s); }
void all_norms(const matrix_shape& s) { layer_norm_ibert(s); }

}  // namespace

void register_benchmarks() {
  for (const auto& s : support::softmax_shapes) all_softmax(s);
  all_softmax(support::odd_matrix);
  for (const auto& s : support::norm_shapes) all_norms(s);
  all_norms(support::odd_matrix);
}

}  // namespace tessera::bench
