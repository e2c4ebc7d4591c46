// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Comparison of row operators between targets.

#include "compare.hpp"
#include "tessera/op/row.hpp"

namespace tessera::support {

/// The row operator of `params` on both targets, for one shape and kind of data.
template <class X, class Y, class Params, class Adapt>
void check_rows(const std::string& name, const matrix_shape& s, fill f, const Params& params, Adapt adapt) {
  const std::string id = name + "/" + type_name<X>() + type_name<Y>() + "/" + to_string(s) + "/" + to_string(f);
  random_values random(id);
  const index_t pitch = s.columns + 1;
  std::vector<X> x = random.values<X>(s.rows * pitch, f);
  for (X& v : x) v = adapt(v);
  const X* const data = x.data();
  const status result = check_targets<Y>(id, s, [&]<Target T>(T, auto y) {
    return op::softmax<T>(pitched_matrix(data, s.rows, s.columns, pitch), params, y);
  });
  CHECK_MESSAGE(result == status::ok, id, ": ", std::string(tessera::to_string(result)), "; ", seed_text());
}
template <class X, class Y, class Params>
void check_rows(const std::string& name, const matrix_shape& s, fill f, const Params& params) {
  check_rows<X, Y>(name, s, f, params, [](X v) { return v; });
}

}  // namespace tessera::support
