// SPDX-License-Identifier: Apache-2.0
#pragma once

/// @file
/// Comparison of element-wise operators between targets.

#include <algorithm>
#include <functional>

#include "compare.hpp"
#include "tessera/op/map.hpp"

namespace tessera::support {

/// requantize<X -> Y> on both targets, for one shape and kind of data. `adapt` changes the data (to a policy's range).
template <class X, class Y, class Policy>
void check_map(const std::string& name, const matrix_shape& s, fill f, const Policy& policy,
               const std::function<X(X)>& adapt = nullptr) {
  const std::string id =
      "requantize/" + type_name<X>() + type_name<Y>() + "_" + name + "/" + to_string(s) + "/" + to_string(f);
  random_values random(id);
  const index_t pitch = s.columns + 1;
  std::vector<X> x = random.values<X>((s.rows - 1) * pitch + s.columns, f);
  if (adapt) std::transform(x.begin(), x.end(), x.begin(), adapt);
  const X* const data = x.data();
  const status result = check_targets<Y>(id, s, [&]<Target T>(T, auto y) {
    return op::requantize<T>(pitched_matrix(data, s.rows, s.columns, pitch), policy, y);
  });
  CHECK_MESSAGE(result == status::ok, id, ": ", std::string(tessera::to_string(result)), "; ", seed_text());
}
}  // namespace tessera::support
