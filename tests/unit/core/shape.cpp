// SPDX-License-Identifier: Apache-2.0
#include "tessera/core/shape.hpp"

#include <doctest/doctest.h>

#include "tessera/core/tensor_view.hpp"

using namespace tessera;

static_assert(limits<int8_t>::min == -128 && limits<int8_t>::max == 127 && limits<uint8_t>::max == 255);
static_assert(limits<int64_t>::min == INT64_MIN && limits<int64_t>::max == INT64_MAX);
static_assert(limits<uint64_t>::max == UINT64_MAX && limits<int32_t>::min == INT32_MIN);
static_assert(same_as<dynamic_extents<2>, extents<dynamic_extent, dynamic_extent>>);
static_assert(extents<3, 4>().size() == 12 && extents<3, dynamic_extent>(3, 7)[1] == 7);
static_assert(ceil_div(7, 4) == 2 && round_up(7, 4) == 8 && divides(4, 8) && !divides(4, 7));

TEST_CASE("core/tensor_view strides, spans and overlap") {
  int8_t data[24] = {};
  const auto a = matrix(data, 4, 6);
  CHECK(a.stride(0) == 6);
  CHECK(a.span() == 24);
  const auto head = pitched_matrix(data + 2, 4, 3, 6);
  CHECK(&head(3, 2) == data + 22);
  CHECK(head.span() == 21);
  CHECK(overlaps(a, head));
  const auto t = transposed(a);
  CHECK(t.extent(0) == 6);
  CHECK(&t(5, 3) == &a(3, 5));
  CHECK(&transposed(head)(2, 3) == &head(3, 2));
  CHECK(&transposed(t)(3, 5) == &a(3, 5));
  CHECK_FALSE(overlaps(matrix(data, 2, 6), matrix(data + 12, 2, 6)));
  CHECK(same_elements(a, a));
  CHECK_FALSE(same_elements(a, head));
}
