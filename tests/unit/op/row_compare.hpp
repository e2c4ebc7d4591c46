// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Comparison of row operators between targets.

#include <algorithm>
#include <functional>

#include "compare.hpp"
#include "tessera/op/row.hpp"

namespace tessera::support {

/// The row operator of `params` on both targets, for one shape and kind of data.
template <class X, class Y, class Params>
void check_rows(const std::string& name, const matrix_shape& s, fill f, const Params& params,
                const std::function<X(X)>& adapt = nullptr) {
  const std::string id = name + "/" + type_name<X>() + type_name<Y>() + "/" + to_string(s) + "/" + to_string(f);
  random_values random(id);
  const index_t pitch = s.columns + 1;
  std::vector<X> x = random.values<X>((s.rows - 1) * pitch + s.columns, f);
  if (adapt) std::transform(x.begin(), x.end(), x.begin(), adapt);
  const X* const data = x.data();
  const status result = check_targets<Y>(id, s, [&]<Target T>(T, auto y) {
    return op::softmax<T>(pitched_matrix(data, s.rows, s.columns, pitch), params, y);
  });
  CHECK_MESSAGE(result == status::ok, id, ": ", std::string(tessera::to_string(result)), "; ", seed_text());
}
}  // namespace tessera::support
